"""The verdict: one case for each state of the world, and the words that go with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hashcanary.inference.luck.luck import DrawdownLuck
from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.report.document import Case
from hashcanary.report.verdict import STAMPS, RecentDrop, Signs, decide, judge
from hashcanary.studies.luck import Chance, InversionLuck

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


def test_a_drawdown_is_given_with_its_smoothing_peak_and_interval() -> None:
    verdict = judge(replace(CALM, drawdown=FALLEN, luck=SELDOM, inverted=True, days_inverted=28))
    assert verdict.headline == (
        "Hashrate is 13.7% below its 30-day-mean peak of 13 Jan 2026 (95%: 9.9% to 17.3%)."
    )
    assert verdict.sentences[0].startswith("That is beyond noise")
    assert verdict.sentences[0].endswith("once in 400 years.")
    assert verdict.sentences[1].startswith(
        "Ribbons have been inverted for 28 days, since 6 Jan 2026."
    )
    assert "every 10.1 minutes (95%: 9.5 to 10.8)" in verdict.sentences[2]


def test_an_interval_that_includes_no_drawdown_is_within_noise() -> None:
    verdict = judge(CALM)
    assert verdict.headline.endswith("(95%: 3.8% above it to 4.4% below).")
    assert "within noise" in verdict.sentences[0]


def test_a_drawdown_that_noise_can_make_is_not_called_real() -> None:
    verdict = judge(replace(CALM, drawdown=SMALL))
    assert "within noise" in verdict.sentences[0]
    assert verdict.sentences[0].endswith("3 times a year.")


def test_an_inversion_is_told_with_what_simulated_luck_does() -> None:
    luck = InversionLuck(-0.05, Chance(0.475, 0.52, 1.0), Chance(0.0, 0.011, 0.0))
    verdict = judge(replace(CALM, inverted=True, days_inverted=28, inversion=luck))
    assert verdict.sentences[1].startswith(
        "Ribbons have been inverted for 28 days, since 6 Jan 2026; in simulated networks"
    )
    assert "48% of years" in verdict.sentences[1]
    assert verdict.sentences[1].endswith("under 1.1%.")


@pytest.mark.parametrize(
    ("drawdown", "luck", "real", "differ"),
    [
        # beyond noise from its peak, while the last 100 days do not tell
        (FALLEN, SELDOM, 0.52, True),
        (FALLEN, SELDOM, 0.97, True),
        (FALLEN, SELDOM, 0.99, False),
        # within noise from its peak, while a short drop is all but certain
        (SMALL, OFTEN, 0.99, True),
        (Interval.exact(0.0), OFTEN, 0.8, True),
        (SMALL, OFTEN, 0.3, False),
    ],
)
def test_where_drawdown_and_explanation_part_the_verdict_says_what_each_tests(
    drawdown: Interval, luck: DrawdownLuck, real: float, differ: bool
) -> None:
    drop = RecentDrop(real, TODAY - 10 * DAY, 100.0)
    signs = replace(CALM, drawdown=drawdown, luck=luck)
    without, verdict = judge(signs), judge(replace(signs, drop=drop))
    # it is quoted, and decides nothing
    assert verdict.case == without.case
    (text,) = set(verdict.sentences) - set(without.sentences)
    assert f"{real:.0%}" in text
    assert "23 Jan 2026" in text
    assert ("30-day mean" in text and "constant hashrate" in text) == differ


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
    assert verdict.headline.endswith(": nothing was loaded.")
    assert verdict.sentences == ()


def test_the_rules_name_every_case_that_can_be_reached() -> None:
    said = " ".join(judge(CALM).rules).lower()
    for word in ("real drawdown", "capitulation", "recovery", "no stress", "inconclusive"):
        assert word in said
