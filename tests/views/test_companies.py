"""The view of companies' reports: figures, their inputs in words, and sums, by hand."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from support.records import reported

from hashcanary.economics.companies.power import Input
from hashcanary.economics.companies.reports import companies_of
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.views.companies import TABLES, companies, inputs

if TYPE_CHECKING:
    from support.records import Report

JUNE = (date(2024, 6, 1), date(2024, 6, 30))
JULY = (date(2024, 7, 1), date(2024, 7, 31))
QUARTER = (date(2024, 7, 1), date(2024, 9, 30))
REPORTS: tuple[Report, ...] = (
    ("A", "held", JUNE, 1000),
    ("A", "produced", JULY, 310),
    ("A", "sold", JULY, 155),
    ("A", "power_cost", JULY, 24_000_000),
    ("A", "held", JULY, 1150),
    ("A", "debt", JULY, 34_500_000),
    ("A", "cash", JULY, 11_500_000),
    ("B", "produced", JULY, 31),
    ("B", "power_cost", JULY, 930_000),
    ("B", "ai_contracted", JULY, 100),
    ("B", "ai_gross", JULY, 125),
    ("B", "ai_revenue_per_year", JULY, 131_490_000),
)


def test_what_follows_of_a_month_is_arithmetic() -> None:
    document = companies(reported(REPORTS), price=60_000.0).to_dict()
    a, b = document["rows"]
    month = 365.25 / 12
    assert a["produced_btc_per_month"] == pytest.approx(10 * month)
    assert (a["produced_btc"], a["produced_from"], a["produced_to"]) == (
        310.0,
        "2024-07-01",
        "2024-07-31",
    )
    # known from the end of the first of August
    assert (a["produced_known"], a["produced_source"]) == ("2024-08-01", "https://A.example")
    assert a["sold_share_fraction"] == 0.5
    bill = 24_000_000 / 31 * month
    assert a["power_bill_usd_per_month"] == pytest.approx(bill)
    assert a["forced_selling_fraction"] == pytest.approx(24_000_000 / (310 * 60_000))
    assert a["forced_selling_fraction_low"] == pytest.approx(a["forced_selling_fraction"])
    assert a["funds_usd"] == 1150 * 60_000 + 11_500_000
    assert a["covered_months"] == pytest.approx(80_500_000 / bill)
    assert a["power_cost_usd_per_btc"] == pytest.approx(24_000_000 / 310)
    assert (b["held_btc"], b["held_to"], b["covered_months"]) == (None, None, None)
    assert document["totals"]["produced_btc_per_month"]["companies"] == 2
    assert document["totals"]["produced_btc_per_month"]["value"] == pytest.approx(11 * month)
    assert (document["price_usd_per_btc"], document["price_day"]) == (60_000.0, None)


def test_who_sells_more_than_it_mines_is_named_by_how_sure_that_is() -> None:
    # A's power costs 1.29 of its coins, B's half
    sentences = companies(reported(REPORTS), price=60_000.0).sentences
    (line,) = (line for line in sentences if "97.5%" in line)
    assert line.endswith("P > 97.5%: A.")
    assert not any("97.5%" in line for line in companies(reported(REPORTS)).sentences)


def test_a_treasury_by_period() -> None:
    rows = companies(reported(REPORTS), show="months").to_dict()["rows"]
    june, a, b, both = sorted(rows, key=lambda row: (row["period_end"], row["companies"]))
    assert (june["period"], june["held_btc"], june["change_btc"]) == ("Jun 2024", 1000.0, None)
    # 150 coins more, of 310 produced and 155 sold
    assert (a["change_btc"], a["unexplained_btc"], a["adds_up"]) == (150.0, -5.0, False)
    assert b["adds_up"] is None
    assert (both["company"], both["of"], both["produced_btc"]) == (
        "2 reported companies",
        "A, B",
        341.0,
    )


def test_debt_and_ai_contracts() -> None:
    answer = companies(reported(REPORTS), show="debt", price=60_000.0)
    (a,) = answer.to_dict()["rows"]
    assert a["debt_equals_treasury_at_usd_per_btc"] == 30_000.0
    assert a["net_debt_equals_treasury_at_usd_per_btc"] == 20_000.0
    assert a["debt_to_treasury_ratio"] == 0.5
    ai = answer.table("ai")
    # 131.49 million USD / 8,766 h are 15,000 USD an hour, for 100 MW of load and 125 MW of site
    assert ai["ai_load_usd_per_mwh"].to_list() == pytest.approx([150.0])
    assert ai["ai_site_usd_per_mwh"].to_list() == pytest.approx([120.0])
    assert ai["mining_usd_per_mwh"].to_list() == [None]


def test_inputs_are_named_with_their_value_and_period() -> None:
    company, _ = companies_of(reported((*REPORTS, ("A", "efficiency", QUARTER, 18.5))))
    efficiency, paid = company.newest("efficiency"), company.newest("power_cost")
    assert efficiency is not None
    assert paid is not None
    words = inputs(
        (
            Input("power_cost", Interval.exact(24e6), paid),
            Input("efficiency", Interval.exact(18.5), efficiency),
            Input("running", Interval(0.87, 0.65, 0.97)),
            Input("power_price", Interval(0.05, 0.025, 0.1)),
        )
    ).split("; ")
    for part, figures in zip(
        words,
        (("24,000,000", "Jul 2024"), ("18.5", "Q3 2024"), ("87%", "65%", "97%"), ("0.05", "0.10")),
        strict=True,
    ):
        assert all(figure in part for figure in figures)


def test_simulated_reports_are_marked_in_a_real_record() -> None:
    answer = companies(reported(REPORTS, simulated=("A", "B")))
    assert any("SIMULATED" in line for line in answer.sentences)
    assert all(row["simulated"] for row in answer.to_dict()["rows"])
    assert not any("SIMULATED" in line for line in companies(reported(REPORTS)).sentences)


def test_a_table_that_is_not_there_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="now, months, debt, ai"):
        companies(reported(REPORTS), show="then")


def test_text_fits_eighty_columns() -> None:
    for show in TABLES:
        lines = companies(reported(REPORTS), show=show, price=60_000.0).text(80).splitlines()
        assert max(map(len, lines)) <= 80
