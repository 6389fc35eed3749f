"""The chapter on who is hurt: what it must hold, and what it says where something is missing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from hashcanary.economics.costs.history import cost_answers
from hashcanary.economics.costs.model import find_cost_models
from hashcanary.economics.costs.stated import assume, read_published_costs
from hashcanary.economics.supply.study import study_supply
from hashcanary.interval import Interval
from hashcanary.moments import DAY, day_start
from hashcanary.report.document import Table
from hashcanary.report.sections.hurt import (
    Hurt,
    after_of,
    compute_hurt,
    hurt_datasets,
    who_is_hurt,
    years,
)
from hashcanary.report.sections.outlook import outlook
from hashcanary.views.costs import FITTED, assumption

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.report.document import Section
    from hashcanary.store.record import Record

    Cut = Callable[[Record, int], Record]

# the end of 2 February 2026: what the press wrote of costs was of these days
FEBRUARY = day_start(date(2026, 2, 2)) + DAY


@pytest.fixture(scope="module")
def february(real_record: Record, cut: Cut) -> Record:
    return cut(real_record, FEBRUARY)


@pytest.fixture(scope="module")
def found(february: Record) -> Hurt:
    return compute_hurt(february)


@pytest.fixture(scope="module")
def section(found: Hurt, february: Record) -> Section:
    return who_is_hurt(found, "curtailed", *after_of(february, found, outlook(february)))


def table(section: Section, key: str) -> Table:
    return next(one for one in section.tables if one.key == key)


def test_the_paragraph_alone_answers(section: Section, february: Record) -> None:
    study = study_supply(february)
    under = study.under_water
    assert f"{under.value:.1%} ({under.low:.1%} to {under.high:.1%})" in section.lead
    assert f"{study.under_water_mean:.1%}" in section.lead
    assert f"{study.market.hashprice_usd_per_phs_day:.2f} USD/PH/s/day" in section.lead
    assert "2 Feb 2026" in section.lead
    assert "95% of draws" in section.lead
    going = next(
        rig for rig in study.rigs if rig.off_at_usd_per_btc.value <= study.price_usd_per_btc
    )
    off = going.off_at_usd_per_btc
    assert f"{going.name} below {off.value:,.0f} USD" in section.lead
    assert f"({off.low:,.0f} to {off.high:,.0f})" in section.lead


def test_every_dollar_and_share_of_the_paragraph_has_a_band_or_is_known(
    section: Section, found: Hurt
) -> None:
    """Prices of bitcoin and the hashprice are facts; all else that is estimated has its limits."""
    assert found.supply is not None
    assert found.years.costs is not None
    facts = {
        f"{found.supply.market.hashprice_usd_per_phs_day:.2f} USD",
        f"{found.years.costs.price_usd:,.0f} USD",
    }
    for amount in re.findall(r"[\d,.]+ USD(?!/kWh)(?:/BTC)?(?: \([^)]*\))?", section.lead):
        assert "(" in amount or amount in facts, amount
    # the mean stands beside the median, whose band it shares; levels of probability have none
    known = {f"{found.supply.under_water_mean:.1%}"}
    for share in re.findall(r"\d+\.\d%(?: \([^)]*\))?", section.lead):
        assert "(" in share or share in known or re.search(rf"to {share}\)", section.lead), share


def test_costs_are_those_computed_with_bands_and_assumptions(
    section: Section, february: Record
) -> None:
    computed = cost_answers(february, find_cost_models(), assume())
    costs = table(section, "costs")
    for answer, row in zip(computed.answers, costs.records(), strict=False):
        assert answer.cost is not None
        assert row["title"] == answer.model.title
        band = [row[f"cost_usd_per_btc{end}"] for end in ("", "_low", "_high")]
        assert band == list(answer.cost.three)
        assert all(assumption(figure) in str(row["inputs"]) for figure in answer.assumptions)
        assert row["price_to_cost_ratio"] == pytest.approx(78_717 / answer.cost.value, rel=1e-3)
    assert "title" not in {column.name for column in costs.columns if column.hidden}


def test_published_figures_stand_beside_as_external_inputs_known_by_then(
    section: Section, found: Hurt, real_record: Record, cut: Cut
) -> None:
    rows = {row["title"]: row for row in table(section, "costs").records()}
    # public on 5 February 2026, three days later
    assert not [name for name in rows if str(name).startswith("Capriole, ")]
    assert all(one.known <= FEBRUARY for one in found.published)
    later = cut(real_record, day_start(date(2026, 2, 5)) + DAY)
    then = compute_hurt(later)
    rows = {row["title"]: row for row in table(who_is_hurt(then, "curtailed"), "costs").records()}
    # Capriole: 59,450 and 74,300 USD; Checkonchain: 87,000 USD, CoinDesk of 5 February 2026
    for name, usd in (
        ("Capriole, electrical, published", 59_450),
        ("Capriole, production, published", 74_300),
        ("Checkonchain, published", 87_000),
    ):
        assert rows[name]["cost_usd_per_btc"] == usd
        assert rows[name]["cost_usd_per_btc_low"] is None
        assert rows[name]["kind"] == "published"
    drawn = hurt_datasets(then)[1]
    assert list(drawn.column("usd_per_btc").values).count(87_000) == 1
    assert len(drawn.time) == sum(
        one.known <= day_start(date(2026, 2, 5)) + DAY for one in read_published_costs()
    )


def test_regressions_on_past_prices_are_no_costs_of_the_paragraph(
    section: Section, found: Hurt
) -> None:
    assert found.years.costs is not None
    for answer in found.years.costs.answers:
        if answer.model.name in FITTED:
            assert f", {answer.model.title}" not in section.lead


def test_the_s19_xp_stops_where_f2pools_form_of_the_rule_says(
    section: Section, found: Hurt
) -> None:
    """c x e x 24/1000 / what a TH/s earns a day, at PUE 1.1 and a pool fee of 2%."""
    shown = table(section, "shutdown")
    row = next(row for row in shown.rows if row[0] == "Antminer S19 XP")
    keys = [f"at_{power}_usd_per_btc" for power in ("0_04", "0_06", "0_08")]
    assert [column.key for column in shown.columns][1:4] == keys
    assert found.supply is not None
    market = found.supply.market
    earned_btc = market.hashprice_usd_per_phs_day / 1000 / found.supply.price_usd_per_btc
    for cell, power in zip(row[1:4], (0.04, 0.06, 0.08), strict=True):
        assert isinstance(cell, Interval)
        expected = power * 21.5 * 24 / 1000 * 1.1 / (1 - 0.02) / earned_btc
        assert cell.value == pytest.approx(expected, rel=1e-9)
        assert cell.low is not None
        assert cell.low < cell.value


def test_the_ledger_has_the_studys_figures(section: Section, february: Record) -> None:
    study = study_supply(february)
    ledger = {figure.key: figure for figure in section.figures}
    under, risk = ledger["supply.underwater"], ledger["supply.at_risk"]
    assert (under.value, under.low, under.high) == study.under_water.three
    assert risk.value == pytest.approx(study.room_ehs.value * 1e18)
    assert risk.unit.suffix == "hashes_per_second"
    assert ledger["supply.network_efficiency"].value == study.network_j_per_th.value
    shown = [row["rig"] for row in table(section, "next_to_go").records()]
    assert shown == [rig.name for rig in study.rigs[:8]]


def test_what_must_be_sold_adds_up(section: Section) -> None:
    rows = table(section, "selling").rows
    for column in (1, 2, 3):
        values = [row[column] for row in rows]
        assert all(isinstance(value, Interval) for value in values)
        parts = [value.value for value in values if isinstance(value, Interval)]
        assert sum(parts[:-1]) == pytest.approx(parts[-1], rel=1e-6)


def test_points_of_the_components_add_up_to_the_gauge(section: Section) -> None:
    gauge = next(one for one in section.figures if one.key == "stress.gauge")
    records = table(section, "stress_components").records()
    points = [float(str(row["contribution_index_0_100"])) for row in records]
    assert sum(points) == pytest.approx(gauge.value)
    assert gauge.level == pytest.approx(0.90)


def test_the_curve_of_the_chart_is_the_studys(found: Hurt, february: Record) -> None:
    study = study_supply(february)
    curve, now, rigs = hurt_datasets(found)[2:5]
    assert curve.along == now.along == rigs.along == "hashprice"
    assert not curve.time
    assert curve.here == pytest.approx(study.market.hashprice_usd_per_phs_day)
    paying = np.array([one.paying_ehs.value for one in study.curve]) * 1e18
    assert list(curve.column("paying").values) == pytest.approx(paying.tolist(), rel=1e-4)
    assert all(np.diff([float(str(x)) for x in curve.column("hashprice").values]) > 0)


def test_an_answer_of_then_is_the_same_from_a_record_that_goes_on(
    real_record: Record, cut: Cut
) -> None:
    """Weeks that both records have are the same in both; nothing later is used."""
    early = cut(real_record, day_start(date(2024, 6, 1)) + DAY)
    late = cut(real_record, day_start(date(2025, 6, 1)) + DAY)
    first, second = (years(one) for one in (early, late))
    for name in ("cost_days", "fleet_days", "stress_days"):
        one, other = getattr(first, name), getattr(second, name)
        both = one[:-10].join(other, on="time", how="left", suffix=".late")
        assert both.height > 100
        # a constant fitted to later days may only be seen with hindsight
        for column in one.columns[1:]:
            if column.startswith("fitted"):
                continue
            pair = both.select(column, f"{column}.late").drop_nulls()
            assert pair.height > 100
            assert pair[column].to_numpy() == pytest.approx(
                pair[f"{column}.late"].to_numpy(), rel=1e-9
            ), (name, column)


def test_only_headers_say_what_they_lack_in_the_chapters_place(february: Record) -> None:
    bare = replace(
        february,
        blocks=february.blocks.with_columns(total_fee=pl.lit(None, dtype=pl.Int64)),
        daily=february.daily.clear(),
        candles=february.candles.clear(),
    )
    found = compute_hurt(bare)
    section = who_is_hurt(found, "curtailed")
    assert "cannot be said" in section.lead
    assert "hashprice" in section.lead
    assert not section.figures
    (fees,) = [note for note in section.notes if "fees" in note and "Electricity" in note]
    assert "All-in; Cambridge;" in fees
    assert any("stress gauge" in note for note in section.notes)


def test_before_the_first_rig_it_says_so(real_record: Record, cut: Cut) -> None:
    early = cut(real_record, day_start(date(2012, 6, 1)) + DAY)
    section = who_is_hurt(compute_hurt(early), "unknown")
    assert "expected a moment from 2013-11-01 on" in section.lead
    assert not re.search(r"[\d,]+ USD", section.lead)
    # prices alone can be fitted
    rows = {row["model"]: row for row in table(section, "costs").records()}
    fitted = rows["difficulty-refit"]
    ends = [fitted[f"cost_usd_per_btc{end}"] for end in ("_low", "", "_high")]
    assert ends == sorted(ends)
    assert rows["electricity"]["cost_usd_per_btc"] is None
    assert not section.figures


def test_an_invented_history_has_no_published_figures(simulated_record: Record) -> None:
    found = compute_hurt(simulated_record)
    assert found.published == ()
    kinds = {row["kind"] for row in table(who_is_hurt(found, "curtailed"), "costs").records()}
    assert kinds == {"model"}
