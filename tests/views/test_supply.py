"""The hash supply curve as tables and sentences: every figure against the study it is of."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.supply.study import SupplyStudy, study_supply
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.moments import iso_day
from hashcanary.store.lake import Lake
from hashcanary.store.recording import record_of
from hashcanary.views.data import csv_text
from hashcanary.views.supply import (
    TABLES,
    answer,
    fleet_assumptions,
    most_sensitive,
    sentences,
    supply,
    underwater,
)
from hashcanary.views.supply import table as table_of
from hashcanary.views.text import percent

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.store.record import Record


@pytest.fixture(scope="module")
def record(simulated_lake: Path) -> Record:
    return record_of(Lake.open(simulated_lake))


@pytest.fixture(scope="module")
def study(record: Record) -> SupplyStudy:
    return study_supply(record, draws=300)


def with_fleet(path: Path, text: str) -> Path:
    file = path / "mine.toml"
    file.write_text(text)
    return file


def test_facts_are_the_studys_figures_with_limits(record: Record, study: SupplyStudy) -> None:
    document = answer(record, study).to_dict()
    market = study.market
    assert document["day"] == iso_day(market.day)
    assert document["hashprice_usd_per_phs_day"] == market.hashprice_usd_per_phs_day
    assert document["hashrate_ehs"] == pytest.approx(market.hashrate_ths / 1e6)
    assert document["highest_hashrate_ehs"] == pytest.approx(market.peak_ths / 1e6)
    assert document["hashrate_ehs"] <= document["highest_hashrate_ehs"]
    for key, figure in (
        ("underwater_fraction", study.under_water),
        ("at_risk_ehs", study.room_ehs),
        ("elasticity_ratio", study.elasticity),
        ("network_efficiency_j_per_th", study.network_j_per_th),
        ("network_power_price_usd_per_kwh", study.power_usd_per_kwh),
    ):
        assert [document[f"{key}{end}"] for end in ("", "_low", "_high")] == list(figure.three)
    assert document["draws"] == 300
    assert document["simulated"] is True
    # what is at risk is the share underwater of what runs
    assert document["at_risk_ehs"] == pytest.approx(
        document["underwater_fraction"] * document["hashrate_ehs"]
    )
    # Noda, Okumura and Hashimoto, SSRN 3410460
    assert document["literature_elasticity_ratio"] == 0.45


def test_the_curve_rises_with_hashprice_and_is_in_fractions_and_hashrate(
    record: Record, study: SupplyStudy
) -> None:
    document = answer(record, study).to_dict()
    rows = document["rows"]
    assert document["shown"] == "curve"
    now, price = document["hashprice_usd_per_phs_day"], document["price_usd_per_btc"]
    assert rows[0]["hashprice_usd_per_phs_day"] == pytest.approx(0.3 * now)
    assert rows[-1]["hashprice_usd_per_phs_day"] == pytest.approx(2.5 * now)
    for one, other in itertools.pairwise(rows):
        assert one["profitable_fraction"] <= other["profitable_fraction"]
        assert one["underwater_fraction"] >= other["underwater_fraction"]
    for row in rows:
        assert row["price_usd_per_btc"] / price == pytest.approx(
            row["hashprice_usd_per_phs_day"] / now
        )
        for end in ("", "_low", "_high"):
            hashrate = row[f"profitable_fraction{end}"] * document["highest_hashrate_ehs"]
            assert row[f"profitable_ehs{end}"] == pytest.approx(hashrate)
        assert row["underwater_fraction_low"] <= row["underwater_fraction"]
    assert rows[0]["underwater_mean_fraction"] > rows[-1]["underwater_mean_fraction"]


def test_people_see_every_third_point_of_the_curve(study: SupplyStudy) -> None:
    table = table_of(study, "curve")
    assert list(table.shown or ()) == list(table.rows)[::3]
    assert csv_text(table).count("\n") == 1 + len(table.rows) == 46
    assert table_of(study, "rigs").shown is None


def test_rigs_go_off_from_the_top_and_their_prices_are_in_proportion(
    record: Record, study: SupplyStudy
) -> None:
    document = answer(record, study, "rigs").to_dict()
    rows = document["rows"]
    off = [row["off_at_usd_per_phs_day"] for row in rows]
    assert off == sorted(off, reverse=True)
    ratio = document["price_usd_per_btc"] / document["hashprice_usd_per_phs_day"]
    for row in rows:
        for end in ("", "_low", "_high"):
            assert row[f"off_at_usd_per_btc{end}"] == pytest.approx(
                row[f"off_at_usd_per_phs_day{end}"] * ratio
            )
        assert 0 <= row["underwater_fraction_low"] <= row["underwater_fraction_high"] <= 1
        assert row["share_fraction"] > 0
    assert sum(row["share_fraction"] for row in rows) < 1.1
    # dearer to run, more of them underwater
    assert rows[0]["underwater_fraction"] >= rows[-1]["underwater_fraction"]


def test_assumptions_have_their_ranges_and_what_they_move(
    record: Record, study: SupplyStudy
) -> None:
    rows = answer(record, study, "assumptions").to_dict()["rows"]
    assert [row["name"] for row in rows] == [lever.name for lever in study.levers]
    moved = [
        abs(row["underwater_at_high_fraction"] - row["underwater_at_low_fraction"]) for row in rows
    ]
    assert moved == sorted(moved, reverse=True)
    units = {row["name"]: row["unit"] for row in rows}
    assert units["power_level"] == "usd_per_kwh"
    assert units["network_j_per_th"] == "j_per_th"
    for row in rows:
        assert row["low"] <= row["high"]
        assert 0 <= row["variance_explained_fraction"] <= 1
    dearer = next(row for row in rows if row["name"] == "power_level")
    # dearer power puts more machines underwater
    assert dearer["underwater_at_high_fraction"] > dearer["underwater_at_low_fraction"]


@pytest.mark.parametrize("show", TABLES[:3])
def test_the_table_that_is_asked_for_is_the_main_one(
    record: Record, study: SupplyStudy, show: str
) -> None:
    found = answer(record, study, show)
    assert found.to_dict()["shown"] == show
    assert [table.key for table in found.tables] == [
        show,
        *(key for key in TABLES[:3] if key != show),
    ]
    assert found.title.startswith(found.tables[0].title)
    assert len(found.notes) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"show": "own"}, "--fleet FILE or --power-price"),
        ({"show": "everything"}, "curve, rigs, assumptions, own"),
    ],
)
def test_a_table_that_cannot_be_shown_is_refused(
    record: Record, options: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        supply(record, show=options["show"])


def test_sentences_have_the_tables_figures(study: SupplyStudy) -> None:
    lines = sentences(study)
    share, risk = underwater(study)
    now = study.market.hashprice_usd_per_phs_day
    assert lines[:2] == [share, risk]
    assert f"At {now:.2f} USD/PH/s/day" in share
    low, high = study.under_water.ends
    assert f"{percent(study.under_water.value)} ({percent(low)} to {percent(high)})" in share
    assert f"{percent(study.under_water_mean)} by their mean" in share
    assert f"of {study.market.hashrate_ths / 1e6:,.0f} EH/s" in risk
    (margin,) = [line for line in lines if line.startswith("At the margin")]
    assert f"{study.elasticity.value:.2f}%" in margin
    assert f"({study.elasticity.low:.2f} to {study.elasticity.high:.2f}" in margin
    assert "0.45, standard error 0.057" in margin


def test_the_next_three_to_switch_off_are_those_still_profitable(study: SupplyStudy) -> None:
    now = study.market.hashprice_usd_per_phs_day
    gone = [rig.name for rig in study.rigs if rig.off_at_usd_per_phs_day.value > now]
    going = [rig for rig in study.rigs if rig.off_at_usd_per_phs_day.value <= now]
    lines = sentences(study)
    named = [line.strip().split(":")[0] for line in lines if line.startswith("  ")]
    assert named == [rig.name for rig in going[:3]]
    unprofitable = [line for line in lines if line.startswith("Unprofitable")]
    assert len(unprofitable) == bool(gone)
    assert all(name in unprofitable[0] for name in gone)
    cheap = replace(study, rigs=tuple(going))
    assert not any(line.startswith("Unprofitable") for line in sentences(cheap))
    none = sentences(replace(study, rigs=()))
    assert not any(line.startswith(("Unprofitable", "Next", "  ")) for line in none)


def test_a_hashrate_below_its_highest_is_said_with_how_far(study: SupplyStudy) -> None:
    market = replace(study.market, hashrate_ths=0.9 * study.market.peak_ths)
    (line,) = [
        each for each in sentences(replace(study, market=market)) if "highest 30-day mean" in each
    ]
    assert "10.0% below" in line
    top = replace(study.market, hashrate_ths=study.market.peak_ths)
    (line,) = [
        each for each in sentences(replace(study, market=top)) if "highest 30-day mean" in each
    ]
    assert line == "Hashrate is at its highest 30-day mean of a year."


def test_what_is_missing_is_said_in_words_and_in_the_document(
    record: Record, study: SupplyStudy
) -> None:
    lacking = replace(study, lacks=("fees of two days", "prices of one state"))
    found = answer(record, lacking)
    assert found.to_dict()["missing"] == list(lacking.lacks)
    assert list(found.sentences)[-2:] == [
        "Missing: fees of two days.",
        "Missing: prices of one state.",
    ]


def test_power_prices_stand_by_part_with_their_sources(record: Record, study: SupplyStudy) -> None:
    document = answer(record, study).to_dict()
    assert sum(part["share_fraction"] for part in document["power"]) == pytest.approx(1.0)
    for part, known in zip(document["power"], study.supply.power.parts, strict=True):
        assert (part["part"], part["median_usd_per_kwh"]) == (known.title, known.usd_per_kwh)
        assert part["source"]
    assert document["shares_source"] == study.supply.power.shares_source


def test_the_assumptions_line_has_the_draws_values(study: SupplyStudy) -> None:
    line = fleet_assumptions(study)
    fee = study.supply.parameters["pool_fee"]
    low, median, high = (percent(float(each)) for each in np.quantile(fee, (0.025, 0.5, 0.975)))
    assert f"pool fee {median} ({low} to {high})" in line
    assert f"{study.network_j_per_th.value:.1f} J/TH" in line
    two = most_sensitive(study.levers[:2], 0)
    assert two.count(";") == 1
    assert study.levers[0].meaning in two
    assert f"{study.levers[0].low:.3g} to {study.levers[0].high:.3g}" in two


def test_a_contract_stands_on_the_curve_with_its_best_efficiency(record: Record) -> None:
    found = supply(record, power_price=0.06)
    document = found.to_dict()
    now, price = document["hashprice_usd_per_phs_day"], document["price_usd_per_btc"]
    assert document["shown"] == "own"
    assert len(document["rows"]) > 5
    for row in document["rows"]:
        cost = row["efficiency_j_per_th"] * 24 * 0.06
        assert row["power_price_usd_per_kwh"] == 0.06
        assert row["off_at_usd_per_phs_day"] == pytest.approx(cost)
        assert row["off_at_usd_per_btc"] == pytest.approx(cost * price / now)
        assert row["margin_fraction"] == pytest.approx(1 - cost / now)
        assert row["margin_fraction_low"] <= row["margin_fraction"] <= row["margin_fraction_high"]
        assert row["profitable"] is (cost <= now)
    off = [row["off_at_usd_per_phs_day"] for row in document["rows"]]
    assert off == sorted(off, reverse=True)
    first = document["sentences"][0]
    assert f"machines of {now / (24 * 0.06):.1f} J/TH or less" in first
    assert "0.06 USD/kWh" in first


def test_a_fleet_of_ones_own_is_summed_by_hashrate(record: Record, tmp_path: Path) -> None:
    fleet = with_fleet(
        tmp_path,
        "power_price_usd_per_kwh = 0.05\npue = 1.1\npool_fee_fraction = 0.02\n"
        'overhead_fraction = 0.03\n[[machines]]\nrig = "Antminer S9"\ncount = 100\n'
        '[[machines]]\nrig = "Antminer S19"\nhashrate_ths = 5000\nefficiency_j_per_th = 31\n'
        "power_price_usd_per_kwh = 0.001\n",
    )
    document = supply(record, fleet=fleet).to_dict()
    old, new = sorted(document["rows"], key=lambda row: row["hashrate_ths"])
    rig = next(each for each in read_rigs().rigs if each.name == "Antminer S9")
    assert old["hashrate_ths"] == pytest.approx(100 * rig.hashrate_ths)
    factor = 1.1 * 1.03 / 0.98
    assert new["off_at_usd_per_phs_day"] == pytest.approx(31 * 24 * 0.001 * factor)
    # as measured: no band of a nameplate
    assert new["off_at_usd_per_phs_day_low"] == new["off_at_usd_per_phs_day_high"]
    assert old["off_at_usd_per_phs_day"] == pytest.approx(
        rig.nameplate_j_per_th.value * 24 * 0.05 * factor
    )
    total = sum(row["hashrate_ths"] for row in document["rows"])
    paying = sum(row["hashrate_ths"] for row in document["rows"] if row["profitable"])
    assert document["sentences"][0].startswith(
        f"Of your {total:,.0f} TH/s, {percent(paying / total, 0)} are profitable"
    )


def test_figures_without_limits_in_the_study_have_none_in_the_table(
    record: Record, study: SupplyStudy
) -> None:
    exact = replace(study, under_water=Interval.exact(0.2), under_water_mean=0.25)
    share = underwater(exact)[0]
    assert "20.0% of the running hashrate" in share
    assert "25.0% by their mean" in share
    assert answer(record, exact).to_dict()["underwater_fraction_low"] == 0.2
