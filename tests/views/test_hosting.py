"""The view of hosting against mining: rows, facts and options against the study."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from hashcanary.economics.hosting.contracts import HOURS_A_YEAR
from hashcanary.economics.hosting.study import OFFERS, Asked, HostingStudy, study_hosting
from hashcanary.economics.supply.curve import LeftForGood, after_exit
from hashcanary.errors import UsageError
from hashcanary.moments import DAY, day_start
from hashcanary.views.hosting import TABLES, answer, hosting

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.store.record import Record

    Cut = Callable[[Record, int], Record]

PART = LeftForGood(0.08, "cheapest")


@pytest.fixture(scope="module")
def known(real_record: Record, cut: Cut) -> Record:
    return cut(real_record, day_start(date(2025, 12, 31)) + DAY)


@pytest.fixture(scope="module")
def study(known: Record) -> HostingStudy:
    return study_hosting(known, asked=Asked((150.0,), 0.05), draws=300)


def shown(known: Record, study: HostingStudy, show: str) -> dict[str, Any]:
    left = [after_exit(study.supply.supply, PART)]
    return answer(known, study, show, left, PART).to_dict()


def test_rents_are_the_same_in_three_units(known: Record, study: HostingStudy) -> None:
    rows = shown(known, study, "offers")["rows"]
    assert len(rows) == len({*OFFERS, 150.0, study.typical_usd_per_mwh})
    for row in rows:
        rent = row["rent_usd_per_mwh"]
        # 8,766 hours a year
        assert row["rent_musd_per_mw_year"] == pytest.approx(rent * 8766 / 1e6)
        assert row["rent_usd_per_kw_month"] == pytest.approx(rent * 8.766 / 12)
        assert row["leaves_fraction_low"] <= row["leaves_fraction"] <= row["leaves_fraction_high"]
        hashrate = study.supply.market.hashrate_ths / 1e6
        assert row["leaves_ehs_high"] == pytest.approx(row["leaves_fraction_high"] * hashrate)


def test_people_see_few_rents_and_those_asked_about(known: Record, study: HostingStudy) -> None:
    table = answer(known, study, "offers", [], None).tables[0]
    assert table.shown is not None
    rents = {point.rent_usd_per_mwh for point in table.shown}
    even = {rent for rent in OFFERS if rent % 40 == 0 and rent <= 400}
    assert rents == even | {150.0, study.typical_usd_per_mwh}


def test_a_contract_counts_or_says_why_not(known: Record, study: HostingStudy) -> None:
    rows = shown(known, study, "contracts")["rows"]
    assert [row["published"] for row in rows] == sorted(row["published"] for row in rows)
    for row in rows:
        assert row["counted"] == (row["counted_or_why_not"] == "yes")
        megawatts = row["revenue_usd_per_year"] / HOURS_A_YEAR / row["rent_usd_per_mwh"]
        assert megawatts == pytest.approx(row["critical_it_mw"])
    gpus = [row for row in rows if row["kind"] == "gpu-cloud"]
    assert gpus
    assert not any(row["counted"] for row in gpus)


def test_what_follows_after_a_part_has_left(known: Record, study: HostingStudy) -> None:
    document = shown(known, study, "left")
    (row,) = document["rows"]
    assert (row["left_fraction"], row["selection"]) == (0.08, "cheapest")
    assert row["difficulty_change_alone_fraction"] == pytest.approx(-0.08)
    assert row["hashprice_change_alone_fraction"] == pytest.approx(1 / 0.92 - 1)
    # revenue of all machines is held
    change = (1 + row["difficulty_change_fraction"]) * (1 + row["hashprice_change_fraction"])
    assert change == pytest.approx(1, abs=1e-3)
    assert "−8.00%" in document["sentences"][0]


def test_facts_and_inputs_stand_beside_every_table(known: Record, study: HostingStudy) -> None:
    for show in TABLES:
        document = shown(known, study, show)
        assert document["typical_rent_usd_per_mwh"] == study.typical_usd_per_mwh
        assert document["own_power_price_usd_per_kwh"] == 0.05
        drift = study.drift_per_year
        assert document["hashprice_drift_per_year_low"] == drift.low
        assert (document["drift_last"], document["drift_source"]) == ("2025-12-30", "the record")
        units = {row["name"]: row["unit"] for row in document["assumptions"]}
        assert (units["capex"], units["dark"], units["escalator"]) == (
            "musd_per_mw",
            "months",
            "per_year",
        )
        assert all(row["known"] <= "2025-12-31" for row in document["published"])


def test_the_drift_that_a_file_states_has_its_source_and_no_days(
    known: Record, study: HostingStudy
) -> None:
    from dataclasses import replace

    decline = replace(study.figures.decline, source="a note")
    stated = replace(study, drift_days=None, figures=replace(study.figures, decline=decline))
    document = shown(known, stated, "offers")
    assert (document["drift_first"], document["drift_source"]) == (None, "a note")


def test_sensitivity_has_units_and_sources(known: Record, study: HostingStudy) -> None:
    frame = answer(known, study, "assumptions", [], None).table()
    units = dict(zip(frame["name"], frame["unit"], strict=True))
    assert (units["decline"], units["capex"], units["connection"]) == (
        "per_year",
        "musd_per_mw",
        "ratio",
    )
    assert frame.filter(pl.col("name") == "capex")["source"].item()


def test_options_that_cannot_be_are_wrong_usage(known: Record) -> None:
    with pytest.raises(UsageError, match="offers, contracts, assumptions, left"):
        hosting(known, show="rents")
    with pytest.raises(UsageError, match="USD per MWh"):
        hosting(known, offers=(-5.0,))
    with pytest.raises(UsageError, match="0% to 95%"):
        hosting(known, left_for_good=0.97)


def test_text_fits_eighty_columns(known: Record, study: HostingStudy) -> None:
    left = [after_exit(study.supply.supply, PART)]
    for show in TABLES:
        lines = answer(known, study, show, left, PART).text(80).splitlines()
        assert max(map(len, lines)) <= 80
