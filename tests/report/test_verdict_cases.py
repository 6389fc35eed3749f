"""The verdict: one case for each state of the world, and the words that go with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hashcanary.inference.luck.luck import DrawdownLuck
from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.report.document import Case
from hashcanary.report.verdict import STAMPS, Signs, decide, judge
from hashcanary.studies.ribbon_luck import Chance, InversionLuck

TODAY = 1_769_990_400  # 2 Feb 2026
OFTEN, SELDOM = DrawdownLuck(0.95, 0.33), DrawdownLuck(0.0025, 400.0)
CALM = Signs(
    today=TODAY,
    luck=OFTEN,
    hashrate=Interval(958.8e18, 929.3e18, 989.0e18),
    drawdown=Interval(-0.004, -0.044, 0.038),
    peak=TODAY - 20 * DAY,
    inverted=False,
    block_minutes=Interval(10.1, 9.5, 10.8),
)
FALLEN = Interval(-0.137, -0.173, -0.099)
SMALL = Interval(-0.055, -0.094, -0.013)

CASES: dict[str, tuple[Case, Signs]] = {
    "at the peak": ("calm", replace(CALM, drawdown=Interval.exact(0.0), peak=TODAY)),
    "interval reaches zero": ("calm", CALM),
    "a small fall, clear of zero": ("luck", replace(CALM, drawdown=SMALL)),
    "inverted, and no real fall": (
        "luck",
        replace(CALM, drawdown=SMALL, inverted=True, days_inverted=20),
    ),
    "inverted for days only": (
        "drawdown",
        replace(CALM, drawdown=FALLEN, luck=SELDOM, inverted=True, days_inverted=6),
    ),
    "deep, ribbons not inverted yet": ("drawdown", replace(CALM, drawdown=FALLEN, luck=SELDOM)),
    "deep, ribbons not known": (
        "drawdown",
        replace(CALM, drawdown=FALLEN, luck=SELDOM, inverted=None),
    ),
    "deep and inverted": (
        "capitulation",
        replace(CALM, drawdown=FALLEN, luck=SELDOM, inverted=True, days_inverted=28),
    ),
    "crossed back lately": (
        "recovery",
        replace(CALM, drawdown=FALLEN, luck=SELDOM, ended=TODAY - 5 * DAY, ended_days=40),
    ),
    "crossed back long ago": (
        "drawdown",
        replace(CALM, drawdown=FALLEN, luck=SELDOM, ended=TODAY - 31 * DAY, ended_days=40),
    ),
    "crossed back from an inversion of days": (
        "calm",
        replace(CALM, ended=TODAY - 5 * DAY, ended_days=3),
    ),
    "wide interval": ("luck", replace(CALM, inverted=True, days_inverted=9)),
    "deep, but the interval reaches zero": (
        "calm",
        replace(CALM, drawdown=Interval(-0.12, -0.3, 0.05), luck=SELDOM),
    ),
    "deep, but luck goes as deep": ("luck", replace(CALM, drawdown=FALLEN)),
    "no hashrate": ("unknown", Signs(missing="nothing was loaded")),
}


@pytest.mark.parametrize("name", CASES)
def test_each_state_has_its_case(name: str) -> None:
    case, signs = CASES[name]
    assert decide(signs) == case
    assert judge(signs).stamp == STAMPS[case]


def test_every_case_is_reached() -> None:
    assert {case for case, _ in CASES.values()} == set(STAMPS)


def test_a_fall_is_told_with_its_smoothing_peak_and_interval() -> None:
    verdict = judge(replace(CALM, drawdown=FALLEN, luck=SELDOM, inverted=True, days_inverted=28))
    assert verdict.headline == (
        "Hashrate is 13.7% below its 30-day-mean peak of 13 Jan 2026 (95%: 9.9% to 17.3%)."
    )
    assert verdict.sentences[0] == (
        "That is more than luck: at a hashrate that never changes, luck alone makes a fall as deep "
        "once in 400 years."
    )
    assert verdict.sentences[1].startswith(
        "Ribbons have been inverted for 28 days, since 6 Jan 2026."
    )
    assert verdict.sentences[2].startswith(
        "Over the last 7 days a block came every 10.1 minutes (95%: 9.5 to 10.8);"
    )


def test_an_interval_that_includes_no_fall_is_called_luck() -> None:
    verdict = judge(CALM)
    assert verdict.headline.endswith("(95%: 3.8% above it to 4.4% below).")
    assert "within luck" in verdict.sentences[0]


def test_a_fall_that_luck_can_make_is_not_called_real() -> None:
    verdict = judge(replace(CALM, drawdown=SMALL))
    assert verdict.sentences[0].startswith("Luck alone can do that")
    assert verdict.sentences[0].endswith("makes a fall as deep 3 times a year.")


def test_an_inversion_is_told_with_what_simulated_luck_does() -> None:
    luck = InversionLuck(-0.05, Chance(0.475, 0.52, 1.0), Chance(0.0, 0.011, 0.0))
    verdict = judge(replace(CALM, inverted=True, days_inverted=28, inversion=luck))
    assert verdict.sentences[1] == (
        "Ribbons have been inverted for 28 days, since 6 Jan 2026; in simulated networks that "
        "never fall, luck does so for as long in 48% of years, and as deep in under 1.1%."
    )


def test_at_the_peak_nothing_is_called_a_fall() -> None:
    verdict = judge(CASES["at the peak"][1])
    assert verdict.headline == (
        "Hashrate is at its peak: no 30-day mean in the record lies above today's of 959 EH/s."
    )


def test_one_day_is_not_one_days() -> None:
    verdict = judge(replace(CALM, inverted=True, days_inverted=1))
    assert any("inverted for 1 day, since 2 Feb 2026" in text for text in verdict.sentences)


def test_without_data_the_reason_is_said_and_nothing_else() -> None:
    verdict = judge(Signs(missing="nothing was loaded"))
    assert verdict.headline.endswith("cannot be said: nothing was loaded.")
    assert verdict.sentences == ()


def test_the_rules_name_every_case_that_can_be_reached() -> None:
    said = " ".join(judge(CALM).rules).lower()
    for word in ("real fall", "capitulation", "recovery", "no stress", "within luck"):
        assert word in said
