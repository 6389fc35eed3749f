"""What followed prices below a cost: shares with exact limits, beside those of any day."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from scipy.stats import beta

from hashcanary.store.lake import Lake
from hashcanary.store.recording import record_of
from hashcanary.studies.forward_returns import HORIZONS
from hashcanary.studies.price_to_cost import BELOW, QUIET_DAYS, RULES, TENTH
from hashcanary.views.answer import Answer
from hashcanary.views.costs import cost_study
from hashcanary.views.data import csv_text

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.store.record import Record

MODELS = ("electricity", "all-in", "hayes")


@pytest.fixture(scope="module")
def record(simulated_lake: Path) -> Record:
    return record_of(Lake.open(simulated_lake))


@pytest.fixture(scope="module")
def answer(record: Record) -> Answer:
    return cost_study(record, models=MODELS)


@pytest.fixture(scope="module")
def dear(record: Record) -> Answer:
    """At a dollar a kWh and poor machines no day pays: the price is always below the cost."""
    return cost_study(record, models=("electricity",), power_price=1.0, efficiency=200.0)


def test_each_model_has_both_rules_at_every_horizon(answer: Answer) -> None:
    rows = answer.to_dict()["rows"]
    keys = [(row["model"], row["rule"], row["horizon_days"]) for row in rows]
    assert len(keys) == len(set(keys)) == len(MODELS) * len(RULES) * len(HORIZONS)
    assert {model for model, _, _ in keys} == set(MODELS)
    assert {rule for _, rule, _ in keys} == {BELOW, TENTH}


def test_people_see_half_a_year_on(answer: Answer) -> None:
    (table,) = answer.tables
    shown = table.shown or ()
    assert len(shown) == len(MODELS) * len(RULES)
    assert {row.after.horizon_days for row in shown} == {180}
    assert "180 days on" in answer.title
    assert csv_text(table).count("\n") == 1 + len(table.rows)


def test_limits_of_the_share_of_days_are_those_of_the_costs_band(answer: Answer) -> None:
    for row in answer.to_dict()["rows"]:
        low, share, high = (row[f"in_state_fraction{end}"] for end in ("_low", "", "_high"))
        assert 0 <= low <= share <= high <= 1


def test_shares_after_spells_have_clopper_and_pearsons_limits(answer: Answer) -> None:
    measured = 0
    for row in answer.to_dict()["rows"]:
        n, share = row["independent"], row["share_positive_fraction"]
        if not n:
            assert share is None
            continue
        measured += 1
        k = round(share * n)
        low = 0.0 if k == 0 else beta.ppf(0.025, k, n - k + 1)
        high = 1.0 if k == n else beta.ppf(0.975, k + 1, n - k)
        assert row["share_positive_fraction_low"] == pytest.approx(low)
        assert row["share_positive_fraction_high"] == pytest.approx(high)
    assert measured


def test_the_share_of_any_day_rests_on_windows_that_do_not_overlap(answer: Answer) -> None:
    rows = answer.to_dict()["rows"]
    for row in rows:
        n, share = row["base_independent"], row["base_share_fraction"]
        if share is None:
            continue
        k = round(share * n)
        low = 0.0 if k == 0 else beta.ppf(0.025, k, n - k + 1)
        assert row["base_share_fraction_low"] == pytest.approx(low)
        assert row["base_share_fraction_low"] <= share <= row["base_share_fraction_high"]
    # a longer window leaves fewer that do not overlap
    own = [row for row in rows if row["model"] == "electricity" and row["rule"] == BELOW]
    windows = [row["base_independent"] for row in own]
    assert windows == sorted(windows, reverse=True)
    # of two years there are about 700 / 30 windows of a month with prices at both ends
    assert windows[0] == pytest.approx(700 / 30, abs=3)


def test_spells_are_counted_once_with_the_days_on_which_they_were_known(answer: Answer) -> None:
    for row in answer.to_dict()["rows"]:
        assert row["spells"] == len(row["began"])
        assert row["began"] == sorted(set(row["began"]))
        assert row["measured"] <= row["spells"]
        assert row["independent"] <= row["measured"]


def test_a_cost_above_every_price_holds_on_every_day_and_begins_nowhere(dear: Answer) -> None:
    rows = [row for row in dear.to_dict()["rows"] if row["rule"] == BELOW]
    for row in rows:
        # what stood before the first day is not known, so no spell is seen to begin
        assert (row["in_state_fraction"], row["now"], row["spells"]) == (1.0, True, 0)
        assert row["return_mean_fraction"] is row["share_positive_fraction"] is None
        assert row["base_share_fraction"] is not None or row["base_independent"] == 0


def test_sentences_say_the_rules_and_how_often_the_same_years_are_tested(answer: Answer) -> None:
    text = " ".join(answer.sentences)
    assert all(words in text for words in RULES.values())
    assert f"after {QUIET_DAYS} days without" in text
    assert f"{len(MODELS) * len(RULES)} rows test the same few years" in text
    document = answer.to_dict()
    assert document["rules"] == dict(RULES)
    assert len({each["name"] for each in document["assumptions"]}) == len(document["assumptions"])
    for each in document["assumptions"]:
        assert each["title"] in text
        assert each["low"] <= each["value"] <= each["high"] or math.isnan(each["value"])


def test_your_own_prices_stand_among_the_assumptions(dear: Answer) -> None:
    figures = {each["name"]: each for each in dear.to_dict()["assumptions"]}
    assert figures["network_power_price"]["value"] == 1.0
    assert figures["network_power_price"]["unit"] == "usd_per_kwh"
    assert figures["network_efficiency"]["value"] == 200.0
