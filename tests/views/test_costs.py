"""Costs of a coin: which definitions a reader is told of, and what each row holds."""

from __future__ import annotations

import math
from dataclasses import replace

from hashcanary.economics.costs.history import CostAnswer, CostAnswers, Sensitivity
from hashcanary.economics.costs.model import all_cost_models
from hashcanary.economics.costs.stated import PublishedCost, StatedFigure
from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.units import FRACTION, USD_PER_KWH
from hashcanary.views.costs import (
    FITTED,
    assumption,
    assumption_records,
    caveats,
    definitions,
    lead,
    titled,
)

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
