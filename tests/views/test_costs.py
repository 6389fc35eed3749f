"""Costs of a coin: which definitions a reader is told of, and what each row holds."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from hashcanary.economics.costs.history import CostAnswer, CostAnswers, Sensitivity
from hashcanary.economics.costs.model import all_cost_models
from hashcanary.economics.costs.stated import PublishedCost, StatedFigure
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_day
from hashcanary.store.lake import Lake
from hashcanary.store.recording import record_of
from hashcanary.units import FRACTION, USD_PER_KWH
from hashcanary.views.costs import (
    BANDS,
    FITTED,
    TABLES,
    VALUATIONS,
    assumption,
    assumption_records,
    caveats,
    costs,
    definitions,
    lead,
    titled,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.store.record import Record

# 2 February 2026
_DAY = 20_486 * DAY
_POWER = StatedFigure(
    "network_power_price", "power", USD_PER_KWH, Interval(0.05, 0.04, 0.0625), "a source", 0
)


def _cost(name: str, usd: float | None, missing: str | None = None) -> CostAnswer:
    model = all_cost_models()[name]
    if usd is None:
        return CostAnswer(model, missing=missing)
    cost = Interval(usd, usd * 0.8, usd * 1.25)
    ratio = cost.map(lambda each: 60_000 / each)
    return CostAnswer(model, _DAY, cost, ratio, (_POWER,))


def _answers(*answers: CostAnswer, price: float | None = 60_000.0) -> CostAnswers:
    day = None if price is None else _DAY + 3 * DAY
    return CostAnswers(answers, price, day, (), _DAY + 4 * DAY)


def test_the_lead_names_electricity_and_both_ends_of_what_counts_costs() -> None:
    said = lead(
        _answers(
            _cost("pow-floor", 20_000),
            _cost("cambridge", 40_000),
            _cost("electricity", 50_000),
            _cost("all-in", 90_000),
            _cost("difficulty-refit-4y", 200_000),
        )
    )
    for text in ("50,000 USD (40,000 to 62,500)", "40,000 USD", "90,000 USD", "1.20 (0.960 to"):
        assert text in said
    assert "20,000" not in said
    assert "200,000" not in said
    assert said.index("50,000 USD (") < said.index("90,000 USD (")


def test_one_definition_has_no_range_and_none_no_dollars() -> None:
    alone = lead(_answers(_cost("hayes", 80_000)))
    assert alone.count(" USD (") == 1
    assert "USD" not in lead(_answers(_cost("pow-floor", 20_000)))
    priceless = replace(_cost("hayes", 80_000), price_to_cost=None)
    assert "60,000" not in lead(_answers(priceless, price=None))
    # a price too far from the day of the cost is no ratio
    assert "times" not in lead(_answers(priceless))
    assert set(FITTED) <= set(all_cost_models())


def test_reasons_are_told_once_with_all_that_they_keep_from_a_cost() -> None:
    late = replace(_POWER, stated=_DAY + 30 * DAY)
    known = replace(_cost("electricity", 50_000), assumptions=(late,))
    lines = caveats(_answers(known, _cost("hayes", None, "no x"), _cost("all-in", None, "no x")))
    assert len(lines) == 2
    assert all(each in lines[0] for each in ("Hayes", "All-in", "no x"))
    assert "power" in lines[1]
    assert "4 Mar 2026" in lines[1]
    assert caveats(_answers(_cost("electricity", 50_000))) == []


def test_assumptions_as_people_and_machines_read_them() -> None:
    assert assumption(_POWER) == "power 0.0500 USD/kWh (0.0400 to 0.0625)"
    exact = replace(_POWER, value=Interval.exact(0.06))
    assert assumption(exact).startswith("power 0.0600 USD/kWh")
    assert "(" not in assumption(exact)
    fee = replace(_POWER, title="pool fee", unit=FRACTION, value=Interval(0.02, 0.01, 0.04))
    assert assumption(fee) == "pool fee 2.0% (1.0% to 4.0%)"
    assert "0.0" not in assumption(replace(_POWER, value=Interval(*(math.nan,) * 3)))
    first, second = assumption_records((_POWER, exact, _POWER))
    assert first["unit"] == "usd_per_kwh"
    assert (first["low"], first["value"], first["high"]) == (0.04, 0.05, 0.0625)
    assert second["value"] == 0.06


def test_published_costs_stand_below_by_cost_and_have_no_limits() -> None:
    published = [
        PublishedCost(name, name, "all", "secret", _DAY, _DAY, usd, "press")
        for name, usd in (("b", 9_000.0), ("a", 7_000.0))
    ]
    table = definitions(_answers(_cost("hayes", 80_000)), published)
    rows = table.records()
    assert [row["kind"] for row in rows] == ["model", "published", "published"]
    assert [row["cost_usd_per_btc"] for row in rows] == [80_000, 7_000, 9_000]
    assert rows[0]["cost_usd_per_btc_high"] == 100_000
    assert rows[1]["price_to_cost_ratio"] is rows[1]["cost_usd_per_btc_low"] is None
    assert rows[0]["day"] == "2026-02-02"
    named = {column.name: column.hidden for column in titled(table).columns}
    assert named["model"]
    assert not named["title"]
    assert titled(table).records() == rows


def test_a_sensitivity_is_the_higher_cost_over_the_lower() -> None:
    fall = Sensitivity("m", "electricity_share", "share", _POWER, 120.0, 80.0)
    assert fall.swing == 1.5
    assert replace(fall, usd_per_btc_at_low=80.0, usd_per_btc_at_high=120.0).swing == 1.5


@pytest.fixture(scope="module")
def record(simulated_lake: Path) -> Record:
    return record_of(Lake.open(simulated_lake))


def test_the_definitions_stand_by_cost_and_a_ratio_is_price_over_cost(record: Record) -> None:
    document = costs(record).to_dict()
    assert document["shown"] == "definitions"
    rows = [row for row in document["rows"] if row["kind"] == "model"]
    assert [row["model"] for row in rows if row["cost_usd_per_btc"] is not None] == [
        row["model"] for row in rows
    ][: sum(row["missing"] is None for row in rows)]
    known = [row for row in rows if row["missing"] is None]
    for one, other in pairwise(known):
        assert one["cost_usd_per_btc"] <= other["cost_usd_per_btc"]
    for row in known:
        assert (
            row["cost_usd_per_btc_low"] <= row["cost_usd_per_btc"] <= row["cost_usd_per_btc_high"]
        )
        assert row["price_to_cost_ratio"] == pytest.approx(
            document["price_usd_per_btc"] / row["cost_usd_per_btc"]
        )
        # a higher cost is a lower ratio
        assert row["price_to_cost_ratio_low"] == pytest.approx(
            document["price_usd_per_btc"] / row["cost_usd_per_btc_high"]
        )
    for row in rows:
        assert (row["missing"] is None) == (row["day"] is not None)
    assert {model["model"] for model in document["models"]} == {row["model"] for row in rows}


def test_sensitivities_fall_and_each_swing_is_of_its_own_two_costs(record: Record) -> None:
    answer = costs(record, show="sensitivity")
    document = answer.to_dict()
    first, *rows = document["rows"]
    main = {row["model"]: row["cost_usd_per_btc"] for row in answer.tables[1].records()}
    known = [cost for name, cost in main.items() if cost is not None and name in all_cost_models()]
    # the definition itself: from the lowest to the highest cost
    assert (first["model"], first["assumption"]) == ("any", "definition")
    assert first["cost_at_low_usd_per_btc"] == min(known)
    assert first["cost_at_high_usd_per_btc"] == max(known)
    assert first["swing_ratio"] == pytest.approx(max(known) / min(known))
    assert first["value"] is first["low"] is first["unit"] is None
    swings = [row["swing_ratio"] for row in rows]
    assert swings == sorted(swings, reverse=True)
    for row in rows:
        ends = row["cost_at_low_usd_per_btc"], row["cost_at_high_usd_per_btc"]
        assert row["swing_ratio"] == pytest.approx(max(ends) / min(ends))
        assert row["cost_usd_per_btc"] == main[row["model"]]
        assert min(ends) <= row["cost_usd_per_btc"] * (1 + 1e-9)
        assert max(ends) >= row["cost_usd_per_btc"] * (1 - 1e-9)
        if row["unit"] is not None:
            assert row["low"] < row["value"] < row["high"]
    assert any(row["unit"] == "usd_per_kwh" for row in rows)
    assert answer.to_dict().get("sentences") is None


def test_one_model_alone_has_no_row_of_definitions(record: Record) -> None:
    document = costs(record, models=("electricity",), show="sensitivity").to_dict()
    assert {row["model"] for row in document["rows"]} == {"electricity"}
    named = costs(record, models=("electricity",)).to_dict()
    # and no costs that others published
    assert [row["kind"] for row in named["rows"]] == ["model"]


def test_your_own_contract_has_no_band_of_power(record: Record) -> None:
    usual = costs(record, models=("electricity",)).to_dict()["rows"][0]
    (mine,) = costs(record, models=("electricity",), power_price=0.05, efficiency=20.0).to_dict()[
        "rows"
    ]
    half = costs(record, models=("electricity",), power_price=0.025, efficiency=20.0).to_dict()
    assert half["rows"][0]["cost_usd_per_btc"] == pytest.approx(mine["cost_usd_per_btc"] / 2)
    assert "0.0500 USD/kWh, exact" in mine["inputs"]
    assert "20.0 J/TH, exact" in mine["inputs"]
    assert "exact" not in usual["inputs"]
    names = {each["name"]: each for each in half["assumptions"]}
    assert names["network_power_price"]["low"] == names["network_power_price"]["high"] == 0.025


def test_history_has_every_day_and_people_see_ends_of_months(record: Record) -> None:
    answer = costs(record, show="history", models=("electricity",))
    (table,) = [each for each in answer.tables if each.key == "history"]
    rows = table.records()
    days = [row["day"] for row in rows]
    assert days == sorted(set(days))
    assert len(days) > 600
    shown = [str(iso_day(int(row[1]))) for row in table.shown or ()]
    assert len(shown) == 13
    assert len({day[:7] for day in shown}) == 13
    known = [row["day"] for row in rows if row["cost_usd_per_btc"] is not None]
    assert shown == [max(each for each in known if each[:7] == day[:7]) for day in shown]
    assert "--csv has every day" in table.note
    for row in rows:
        assert (row["cost_usd_per_btc"] is None) == (row["missing"] is not None)
        if row["missing"] is None and row["price_usd_per_btc"] is not None:
            assert row["price_to_cost_ratio"] == pytest.approx(
                row["price_usd_per_btc"] / row["cost_usd_per_btc"]
            )
            assert row["known_at"] > row["day"]
            assert row["network_efficiency_j_per_th_low"] < row["network_efficiency_j_per_th"]
            assert row["network_power_price_usd_per_kwh"] > 0
    last = costs(record, models=("electricity",)).to_dict()["rows"][0]
    assert known[-1] == last["day"]


def test_a_short_history_is_shown_whole_and_its_end_does_not_count(record: Record) -> None:
    whole = costs(record, show="history", models=("electricity",)).tables[0].records()
    days = [row["day"] for row in whole if row["cost_usd_per_btc"] is not None]
    first, last = days[-40], days[-10]
    start, end = (
        next(int(row["time"]) for row in _electricity(record) if iso_day(int(row["time"])) == day)
        for day in (first, last)
    )
    (table,) = [
        each
        for each in costs(
            record, show="history", models=("electricity",), start=start, end=end
        ).tables
        if each.key == "history"
    ]
    found = [row["day"] for row in table.records()]
    assert found == days[-40:-10]
    assert len(table.shown or ()) == 30
    assert table.note == ""


def _electricity(record: Record) -> list[dict[str, int]]:
    found: list[dict[str, int]] = (
        costs(record, models=("electricity",)).result.history[0].days.select("time").to_dicts()
    )
    return found


def test_history_is_made_only_where_it_is_asked_for(record: Record) -> None:
    assert [table.key for table in costs(record).tables] == ["definitions", "sensitivity"]
    keys = [table.key for table in costs(record, show="history", models=("hayes",)).tables]
    assert keys[0] == "history"
    assert sorted(keys) == sorted(TABLES)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"show": "costs"}, "definitions, sensitivity, history"),
        ({"start": 0}, "--history"),
        ({"end": 0}, "--history"),
        ({"start": 0, "show": "sensitivity"}, "--history"),
    ],
)
def test_what_cannot_be_asked_together_is_refused(
    record: Record, options: dict[str, str | int], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        costs(record, **options)  # type: ignore[arg-type]


def test_sentences_name_what_moves_a_cost_and_that_regressions_are_no_costs(
    record: Record,
) -> None:
    answer = costs(record)
    text = " ".join(answer.sentences)
    rows = {row["model"]: row for row in answer.to_dict()["rows"]}
    assert f"{rows['electricity']['cost_usd_per_btc']:,.0f} USD" in text
    assert VALUATIONS in answer.sentences
    (most,) = [each for each in answer.sentences if "The electricity cost depends most on" in each]
    moves = [
        row
        for row in costs(record, show="sensitivity").to_dict()["rows"]
        if row["model"] == "electricity" and row["unit"] is not None
    ]
    cost = rows["electricity"]["cost_usd_per_btc"]
    changes = [moves[0][f"cost_at_{end}_usd_per_btc"] / cost - 1 for end in ("low", "high")]
    # the range in whole percent, with its sign
    assert all(f"{abs(change):.0%}" in most for change in changes)
    assert "+" in most
    alone = costs(record, models=("electricity",))
    assert VALUATIONS not in alone.sentences
    assert list(alone.notes) == [BANDS]
