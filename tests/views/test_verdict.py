"""The head in words and as JSON, by verdicts written by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from hashcanary.inference.gap.gap import Drop, Gap
from hashcanary.interval import Interval
from hashcanary.moments import DAY, parse_moment
from hashcanary.studies.verdict.states import STATES, Earnings
from hashcanary.studies.verdict.verdict import Change, Margins, Rank, Verdict
from hashcanary.views.verdict import (
    answer,
    cost_of_a_coin,
    document,
    headline,
    quote,
    sentences,
)

if TYPE_CHECKING:
    from hashcanary.economics.costs.history import CostAnswers
    from hashcanary.inference.retarget.forecast import RetargetForecast
    from hashcanary.store.record import Record

NAN = float("nan")


def at(date: str) -> int:
    found = parse_moment(date).time
    assert found is not None
    return found - DAY


def given(value: float, off: float = 0.0) -> Interval:
    return Interval(value, value - off, value + off, "95%")


STORM = Drop(
    probability=0.97,
    causes={"curtailment": 0.99, "economics": 0.01, "exit": 0.0},
    cause="curtailment",
    begin=given(at("2026-01-23")),
    days=given(0.6),
    depth=given(0.25),
    returned=given(0.81),
    share=given(0.078, 0.05),
)
SLOW = replace(
    STORM,
    causes={"curtailment": 0.05, "economics": 0.5, "exit": 0.45},
    cause="unknown",
    begin=given(at("2025-12-10")),
    returned=given(0.0),
    share=given(0.04, 0.03),
)
GAP = Gap(
    now=float(at("2026-02-03")),
    rate=given(0.9e21),
    peak=given(1.1e21),
    peak_time=given(at("2025-11-11")),
    below=Interval(0.153, 0.066, 0.257, "95%"),
    drops=(SLOW, STORM),
    scattered=given(0.01),
    growth=given(0.025),
    causes={"curtailment": given(0.08), "economics": given(0.03), "exit": given(0.02)},
)
VERDICT = Verdict(
    state="recovering",
    probabilities=dict(zip(STATES, (0.03, 0.01, 0.0, 0.4, 0.06, 0.04, 0.46, 0.0), strict=True)),
    gap=GAP,
    below=True,
    week=Interval(0.115, -0.018, 0.262, "95%"),
    rising=0.85,
    margins=Margins(37.1, Earnings(0.02, -0.3, math.log(1.47), 0.6), 0.83),
    short=given(-0.09),
    short_days=3.0,
    data_from=float(at("2024-11-01")),
    data_to=float(at("2026-02-03")),
    vendor=False,
    rank=Rank(-0.137, at("2025-11-11"), at("2021-10-20"), at("2009-02-10")),
    changes=(Change(0.95, "curtailed", 0.4), Change(1.0, "recovering", 0.5)),
    unseen_days=0.4,
    missing=(),
)
RECORD = cast("Record", SimpleNamespace(at_text="2026-02-03", simulated=False))
RETARGET = cast(
    "RetargetForecast",
    SimpleNamespace(
        change=np.linspace(-0.153, -0.093, 7),
        date=np.full(7, float(at("2026-02-07"))),
        span=SimpleNamespace(below=lambda _: np.ones(1)),
    ),
)


def test_every_line_answers_one_question_and_there_are_ten_at_most() -> None:
    lines = sentences(replace(VERDICT, vendor=True, missing=("power", "pools")))
    assert len(lines) <= 10
    assert [line.split(":")[0] for line in lines] == [
        "State",
        "Gap",
        "Rank",
        "Last week",
        "Margins",
        "What would change it",
        "Missing",
    ]


def test_the_gap_names_each_large_drop_and_what_is_left() -> None:
    (gap,) = (line for line in sentences(VERDICT) if line.startswith("Gap"))
    assert gap == (
        "Gap: 15.3% (95%: 6.6% to 25.7%) below the level of about 11 Nov 2025: 4.0 points in the "
        "drop from 10 Dec 2025 (cause cannot be told: economics 50%, permanent exit 45%; none of "
        "it back); 7.8 points in the drop from 23 Jan 2026 (curtailment 99%; 81% of it back); "
        "3.5 points went slowly, cause cannot be told."
    )


def test_growth_since_makes_up_for_drops() -> None:
    grown = replace(GAP, below=given(0.08), growth=given(-0.048))
    (gap,) = (line for line in sentences(replace(VERDICT, gap=grown)) if line.startswith("Gap"))
    assert gap.endswith("; growth made up for 3.8 points.")


def test_nothing_below_is_no_gap() -> None:
    calm = replace(VERDICT, state="calm", below=False)
    assert document(RECORD, calm, sentences(calm))["gap"] is None
    assert headline(calm).endswith("at or near its highest level of the last year")
    assert sentences(calm)[1].startswith("Gap: none to speak of")


def test_unknown_is_said_first() -> None:
    unknown = replace(
        VERDICT, state="unknown", margins=Margins(NAN, Earnings(NAN, NAN, NAN, NAN), NAN)
    )
    assert headline(unknown).startswith("The state of Bitcoin mining is unknown (probability <1%)")
    assert not any(line.startswith("Margins") for line in sentences(unknown))


def test_what_is_missing_is_named() -> None:
    lacking = replace(VERDICT, missing=("hashprice", "power", "pools"), vendor=True)
    lacking = replace(lacking, unseen_days=164.9)
    assert sentences(lacking)[-1] == (
        "Missing: 165 days of the last year, so that its highest level may be higher; prices and "
        "fees; prices of power; labels of pools; the next retarget; the cost of a coin. In part "
        "from a vendor's daily figures, where blocks are not known."
    )


def test_the_next_retarget_and_the_price_are_told_where_they_are_known() -> None:
    cost = SimpleNamespace(model=SimpleNamespace(name="electricity"), price_to_cost=given(1.4, 0.3))
    costs = cast("CostAnswers", SimpleNamespace(answers=(cost,), price_usd=75_685.4))
    lines = sentences(VERDICT, RETARGET, costs)
    assert (
        "Price against cost: 75,685 USD a coin, 1.40 (1.10 to 1.70) times its electricity cost."
        in lines
    )
    assert not any(line.startswith("Missing") for line in lines)
    (ahead,) = (line for line in lines if line.startswith("Next retarget"))
    assert ahead.startswith("Next retarget: −12.3% (95%:")
    assert "about 7 Feb 2026" in ahead


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (VERDICT.changes, "a week at 5% less hashrate would make it curtailed (probability 40%)"),
        (
            (Change(1.0, "calm", 0.7),),
            "a week at today's hashrate would make it calm (probability 70%)",
        ),
        (
            (Change(1.1, "calm", 0.7),),
            "a week at 10% more hashrate would make it calm (probability 70%)",
        ),
        ((), "no hashrate within 10% of today's, for a week"),
    ],
)
def test_the_nearest_change_is_told(changes: tuple[Change, ...], said: str) -> None:
    lines = sentences(replace(VERDICT, changes=changes))
    assert f"What would change it: {said}." in lines


@pytest.mark.parametrize(
    ("short", "said"),
    [(-0.09, "had fewer blocks than that makes likely, by 9.0%"), (0.05, "had more blocks")],
)
def test_luck_of_the_last_days_is_told(short: float, said: str) -> None:
    (line,) = (one for one in sentences(replace(VERDICT, short=given(short))) if "luck" in one)
    assert said in line


def test_small_luck_is_not_told() -> None:
    assert not any("luck" in one for one in sentences(replace(VERDICT, short=given(-0.02))))


def test_the_document_keeps_the_contract_and_its_shares_add_up() -> None:
    told = document(RECORD, VERDICT, sentences(VERDICT))
    assert list(told) == [
        *("state", "probabilities", "headline", "sentences", "quote", "gap", "trend", "as_of"),
        "data_to",
    ]
    gap = told["gap"]
    assert gap["from"] == "2025-11-11"
    assert (gap["below_fraction_low"], gap["below_fraction_high"]) == (0.066, 0.257)
    assert gap["peak_hashes_per_second"] == 1.1e21
    keys = {"cause", "since", "share_fraction", "share_fraction_low", "share_fraction_high"}
    for part in gap["parts"]:
        assert keys | {"returned_fraction"} <= part.keys()
    shares = sum(part["share_fraction"] for part in gap["parts"])
    assert shares == pytest.approx(gap["below_fraction"])
    assert [part["since"] for part in gap["parts"]] == ["2025-12-10", "2026-01-23", None, None]
    assert told["trend"]["rising_probability"] == 0.85
    assert told["as_of"] == "2026-02-03"
    assert told["data_to"] == "2026-02-03T00:00:00Z"


def test_the_quote_has_date_and_source_and_says_what_is_simulated() -> None:
    assert quote(RECORD, VERDICT) == (
        "Bitcoin mining is recovering (probability 46%): hashrate is 15.3% (95%: 6.6% to 25.7%) "
        "below its highest level of the last year (hashcanary, data to 2026-02-03, as known at "
        "2026-02-03)."
    )
    drawn = cast("Record", SimpleNamespace(at_text="2026-02-03", simulated=True))
    assert quote(drawn, VERDICT).startswith("SIMULATED: ")


def test_states_are_ranked_and_unlikely_ones_not_shown() -> None:
    table = answer(RECORD, VERDICT).named("states")
    assert [row[0] for row in table.rows][:3] == ["recovering", "curtailed", "capitulating"]
    assert len(table.rows) == len(STATES)
    assert table.shown is not None
    assert {row[0] for row in table.shown} == {
        *("recovering", "curtailed", "capitulating", "exiting", "calm", "noise")
    }


def test_the_cost_of_the_head_is_that_of_the_whole_history(real_record: Record) -> None:
    from hashcanary.views.costs import costs

    head = cost_of_a_coin(real_record)
    assert head is not None
    whole = {each.model.name: each for each in costs(real_record).result.answers}
    for one in head.answers:
        other = whole[one.model.name]
        assert (one.cost, one.price_to_cost, one.day) == (
            other.cost,
            other.price_to_cost,
            other.day,
        )
