"""What follows from company reports: against closed forms and an independent reckoning."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from math import exp, isclose, log, sqrt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from support.records import reported, reports

from hashcanary.economics.companies.power import (
    MONTH_DAYS,
    RUNNING,
    NetworkPower,
    bill_of,
    cost_per_coin,
    hashrate_of,
    inverse,
    network_power,
    product,
)
from hashcanary.economics.companies.reports import (
    Company,
    NetworkCoins,
    companies_of,
    company_periods,
    half_a_digit,
    network_coins,
)
from hashcanary.economics.companies.standing import companies_now
from hashcanary.economics.errors import NoCompanyReports, UnknownCompany
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.moments import DAY, day_start

if TYPE_CHECKING:
    from support.records import Report

LONG_AGO = date(2009, 1, 1)
JULY = (date(2024, 7, 1), date(2024, 7, 31))
POWER = NetworkPower(
    Interval(1.05, 1.0, 1.1),
    Interval(25.0, 20.0, 30.0),
    Interval(0.05, 0.025, 0.1),
    Interval(0.05, 0.04, 0.06),
    (),
)


def company(*told: Report) -> Company:
    (one,) = companies_of(reported(told))
    return one


def month(number: int) -> tuple[date, date]:
    last = (date(2024 + number // 12, number % 12 + 1, 1)).toordinal() - 1
    return date(2024, number, 1), date.fromordinal(last)


def test_without_reports_or_the_company_named_there_is_one_clear_error() -> None:
    with pytest.raises(NoCompanyReports, match=r"hashcanary load reports\.csv"):
        companies_now(reported([]))
    with pytest.raises(NoCompanyReports):
        company_periods(reported([]))
    record = reported([("Riot", "held", JULY, 1)])
    with pytest.raises(UnknownCompany, match="one of Riot; found 'Roit'"):
        companies_now(record, "Roit")
    assert [one.company.name for one in companies_now(record, " riot ").companies] == ["Riot"]


def test_the_newest_is_of_the_latest_period_and_of_two_the_shorter() -> None:
    quarter = (date(2024, 7, 1), date(2024, 9, 30))
    one = company(
        ("A", "produced", quarter, 30),
        ("A", "produced", month(9), 11),
        ("A", "produced", month(8), 10),
        ("A", "held", quarter, 7),
        ("A", "held", (date(2024, 9, 30), date(2024, 9, 30)), 8),
    )
    newest = one.newest("produced")
    assert newest is not None
    assert (newest.first, newest.amount) == (date(2024, 9, 1), 11)
    assert one.newest("produced", date(2024, 10, 1)) is None
    assert one.newest("debt") is None
    at_end = one.at_end("held", date(2024, 9, 30))
    assert at_end is not None
    assert at_end.amount == 8


def test_a_treasury_that_adds_up_leaves_nothing_unexplained() -> None:
    # Riot's releases of August and September 2024
    found = company_periods(
        reported(
            [
                ("Riot", "held", month(6), 9334),
                ("Riot", "produced", month(7), 370),
                ("Riot", "sold", month(7), 0),
                ("Riot", "held", month(7), 9704),
                ("Riot", "produced", month(8), 322),
                ("Riot", "sold", month(8), 0),
                ("Riot", "held", month(8), 10019),
            ]
        )
    )
    june, july, august = found
    assert (june.change, june.unexplained, june.adds_up) == (None, None, None)
    assert (july.change, july.unexplained, july.adds_up) == (370, 0, True)
    # 9,704 + 322 is 10,026
    assert (august.change, august.unexplained, august.adds_up) == (315, -7, False)
    # three figures in whole coins, and a zero that is exact
    assert august.rounding == Fraction(3, 2)
    assert july.sold_share == 0


def test_what_was_bought_counts_and_what_was_not_sold_is_not_guessed() -> None:
    quarter = (date(2025, 1, 1), date(2025, 3, 31))
    told = [
        ("MARA", "held", (date(2024, 12, 1), date(2024, 12, 31)), 44893),
        ("MARA", "produced", quarter, 2286),
        ("MARA", "bought", quarter, 340),
        ("MARA", "held", quarter, 47531),
    ]
    (_, one) = company_periods(reported(told))
    assert (one.change, one.unexplained) == (2638, None)
    (_, one) = company_periods(reported([*told, ("MARA", "sold", quarter, 0)]))
    assert one.unexplained == 12


@pytest.mark.parametrize(
    ("coins", "half"),
    [
        ("370", "0.5"),
        ("9000", "0.5"),
        ("12.65", "0.005"),
        ("496.35", "0.005"),
        ("7474.6", "0.05"),
        ("0.00000001", "0.000000005"),
        ("0", "0"),
    ],
)
def test_half_of_the_last_digit_printed(coins: str, half: str) -> None:
    assert half_a_digit(int(Fraction(coins) * 10**8)) == Fraction(half)


def test_sums_add_up_only_what_each_told() -> None:
    found = company_periods(
        reported(
            [
                ("A", "produced", JULY, 100),
                ("A", "sold", JULY, 50),
                ("A", "sale_proceeds", JULY, 3_000_000),
                ("B", "produced", JULY, 300),
                ("B", "sold", JULY, 400),
                ("B", "sale_proceeds", JULY, 24_000_000),
                ("C", "produced", JULY, 600),
                ("D", "held", JULY, 5),
                ("Made up", "produced", JULY, 1000),
            ],
            simulated=("Made up",),
        )
    )
    (together,) = (one for one in found if one.companies > 1)
    assert together.name == "A, B, C"
    assert together.produced == 1000
    # sales of A and B over what A and B mined
    assert (together.sellers, together.sold, together.sold_share) == (2, 450, Fraction(450, 400))
    assert together.usd_per_btc == 60_000
    assert (together.held, together.unexplained) == (None, None)
    assert not together.simulated
    assert [one.name for one in found if one.simulated] == ["Made up"]
    # one company alone is not summed with itself
    assert len(company_periods(reported([("A", "produced", JULY, 1)]))) == 1


def test_a_sum_of_treasuries_waits_for_everyones_sales() -> None:
    told = [
        (name, figure, span, amount)
        for name in ("A", "B")
        for figure, span, amount in (
            ("held", month(6), 10.0),
            ("held", month(7), 12.0),
            ("produced", month(7), 5.0),
        )
    ]
    (together,) = (one for one in company_periods(reported(told)) if one.companies > 1)
    assert (together.change, together.unexplained) == (4, None)
    one_sold = [*told, ("A", "sold", month(7), 3.0)]
    (together,) = (one for one in company_periods(reported(one_sold)) if one.companies > 1)
    assert (together.sold, together.sellers, together.unexplained) == (3, 1, None)
    both = [*one_sold, ("B", "sold", month(7), 2.0)]
    (together,) = (one for one in company_periods(reported(both)) if one.companies > 1)
    assert (together.unexplained, together.adds_up) == (4 - (10 - 5), True)


def test_of_one_days_balance_the_last_publication_counts() -> None:
    quarter = (date(2024, 7, 1), date(2024, 9, 30))
    record = reported([("A", "held", quarter, 8), ("A", "held", month(9), 7)])
    # the quarter's report was published a month after the month's
    later = pl.col("known_at") + pl.when(pl.col("period_start") == quarter[0]).then(30 * DAY)
    frame = record.companies.with_columns(pl.coalesce(later, "known_at").alias("known_at"))
    (one,) = companies_of(replace(record, companies=frame))
    at_end = one.at_end("held", quarter[1])
    assert at_end is not None
    assert at_end.amount == 8
    (now,) = companies_now(replace(record, companies=frame)).companies
    assert now.held == at_end


def test_simulated_figures_of_a_company_that_is_real_are_left_aside() -> None:
    frame = pl.concat(
        [
            reports([("A", "held", JULY, 5)]),
            reports([("A", "debt", JULY, 100), ("A", "held", month(8), 9)], simulated=("A",)),
        ]
    )
    (one,) = companies_of(replace(reported([]), companies=frame))
    assert not one.simulated
    assert one.newest("debt") is None
    held = one.newest("held")
    assert held is not None
    assert held.amount == 5


def test_a_share_of_the_network_is_of_every_day_or_none() -> None:
    start = day_start(date(2024, 7, 1))
    time = np.arange(start, start + 31 * DAY, DAY)
    coins = NetworkCoins(time, np.full(31, 460.0), np.full(31, 450.0))
    assert coins.between(*JULY) == (31 * 460.0, True)
    assert coins.between(date(2024, 7, 3), date(2024, 7, 4)) == (920.0, True)
    # a day whose fees are not known: the subsidy of all days
    gap = coins.with_fees.copy()
    gap[4] = np.nan
    assert NetworkCoins(time, gap, coins.subsidies).between(*JULY) == (31 * 450.0, False)
    # a day outside the record, or without blocks
    assert coins.between(date(2024, 6, 30), date(2024, 7, 1)) is None
    lost = coins.subsidies.copy()
    lost[4] = np.nan
    assert NetworkCoins(time, gap, lost).between(*JULY) is None
    assert network_coins(reported([])).between(*JULY) is None


def test_a_product_of_independent_parts_is_the_quadrature_of_their_logs() -> None:
    a, b = Interval(2.0, 1.0, 4.0), Interval(3.0, 2.5, 3.5)
    found = product(a, b, Interval.exact(10.0))
    assert isclose(found.value, 60.0)
    assert isclose(found.high, 60 * exp(sqrt(log(2) ** 2 + log(3.5 / 3) ** 2)))
    assert isclose(found.low, 60 * exp(-sqrt(log(2) ** 2 + log(3 / 2.5) ** 2)))
    assert product(Interval.exact(2.0), Interval.exact(3.0)).three == pytest.approx((6.0, 6.0, 6.0))
    assert inverse(Interval(2.0, 1.0, 4.0)) == Interval(0.5, 0.25, 1.0)


def test_a_product_holds_as_many_draws_as_its_parts() -> None:
    """Brute force: log-normal parts whose 95% are the given ends."""
    spreads = (0.3, 0.1)
    parts = [Interval(1.0, exp(-1.96 * s), exp(1.96 * s)) for s in spreads]
    random = np.random.default_rng(5)
    drawn = np.exp(sum(s * random.standard_normal(400_000) for s in spreads))
    low, high = np.quantile(drawn, (0.025, 0.975))
    found = product(*parts)
    assert found.low == pytest.approx(low, rel=0.01)
    assert found.high == pytest.approx(high, rel=0.01)


def test_a_bill_that_was_paid_stands_for_a_month_of_its_days() -> None:
    # IREN's update of May 2024: 7,002 thousand USD in April
    one = company(("IREN", "power_cost", month(4), 7_002_000), ("IREN", "produced", month(4), 358))
    bill = bill_of(one, POWER, LONG_AGO)
    assert bill is not None
    assert bill.band == Interval.exact(7_002_000 / 30 * MONTH_DAYS)
    assert bill.own
    (paid,) = bill.inputs
    assert paid.reported == one.newest("power_cost")
    coin = cost_per_coin(one, POWER, None, LONG_AGO)
    assert coin is not None
    # 19,569 USD as printed, of a number of coins that is not
    assert coin.band.value == pytest.approx(19_569, rel=0.002)


def test_a_bill_from_machines_is_their_power_at_its_price() -> None:
    one = company(
        ("A", "hashrate_average", JULY, 10),
        ("A", "efficiency", JULY, 20),
        ("A", "power_price", JULY, 0.04),
    )
    bill = bill_of(one, POWER, LONG_AGO)
    assert bill is not None
    # 10 EH/s at 20 J/TH are 200 MW
    kwh = 200_000 * 1.05 * 24 * MONTH_DAYS
    assert bill.band.value == pytest.approx(kwh * 0.04)
    # nothing but the site is uncertain
    assert bill.band.high / bill.band.value == pytest.approx(1.1 / 1.05)
    assert bill.band.low / bill.band.value == pytest.approx(1.0 / 1.05)
    assert bill.own


def test_what_is_not_told_is_taken_from_the_network_with_its_band_and_said() -> None:
    one = company(("A", "hashrate_energized", JULY, 10))
    bill = bill_of(one, POWER, LONG_AGO)
    assert bill is not None
    kwh = 10 * RUNNING.value * 25 * 1000 * 1.05 * 24 * MONTH_DAYS
    assert bill.band.value == pytest.approx(kwh * 0.05)
    up = [RUNNING.high / RUNNING.value, 30 / 25, 1.1 / 1.05, 2.0]
    assert log(bill.band.high / bill.band.value) == pytest.approx(
        sqrt(sum(log(x) ** 2 for x in up))
    )
    assert not bill.own
    reported, *assumed = bill.inputs
    assert reported.reported == one.newest("hashrate_energized")
    assert [(part.name, part.band, part.reported) for part in assumed] == [
        ("running", RUNNING, None),
        ("efficiency", POWER.efficiency_j_per_th, None),
        ("power_price", POWER.one_price_usd_per_kwh, None),
        ("pue", POWER.pue, None),
    ]
    assert cost_per_coin(one, POWER, Interval.exact(0.0005), LONG_AGO) is None
    # of nobody's efficiency, no bill
    assert bill_of(one, replace(POWER, efficiency_j_per_th=None), LONG_AGO) is None
    assert bill_of(company(("A", "held", JULY, 1)), POWER, LONG_AGO) is None


def test_machines_energized_later_count_for_an_older_average() -> None:
    told = [("A", "hashrate_average", month(7), 10), ("A", "hashrate_energized", month(7), 12)]
    one = hashrate_of(company(*told), LONG_AGO)
    assert one is not None
    assert one.band == Interval.exact(10.0)
    later = hashrate_of(company(*told, ("A", "hashrate_energized", month(9), 20)), LONG_AGO)
    assert later is not None
    assert later.band.three == pytest.approx([20 * part for part in RUNNING.three])


def test_power_a_coin_is_what_a_hash_takes_over_what_it_earns() -> None:
    one = company(("A", "efficiency", JULY, 20), ("A", "power_price", JULY, 0.04))
    coin = cost_per_coin(one, POWER, Interval.exact(0.0005), LONG_AGO)
    assert coin is not None
    # 1 PH/s at 20 J/TH is 20 kW
    assert coin.band.value == pytest.approx(20 * 24 * 0.04 * 1.05 / 0.0005)


def test_the_price_of_one_miner_is_the_middle_of_what_all_pay() -> None:
    moment = day_start(date(2025, 7, 1))
    found = network_power(reported([]), moment, None)
    one, middle = found.one_price_usd_per_kwh, found.middle_price_usd_per_kwh
    assert one.low < middle.low < middle.value < middle.high < one.high
    assert one.value == pytest.approx(middle.value, rel=0.1)
    assert found.efficiency_j_per_th is None


def test_debt_equals_the_treasury_at_an_exact_price() -> None:
    day = (date(2024, 7, 31), date(2024, 7, 31))
    record = reported(
        [
            ("A", "held", JULY, 13_011),
            ("A", "debt", day, 1_822_519_000),
            ("A", "convertible", day, 1_800_000_000),
            ("A", "cash", day, 34_600_000.55),
            ("B", "held", JULY, 3),
            ("B", "debt", day, 1),
            ("C", "debt", day, 1),
            ("D", "held", JULY, 0),
            ("D", "debt", day, 5),
        ]
    )
    a, b, c, d = companies_now(record, price_usd_per_btc=60_000.0).companies
    assert a.debt_price == Fraction(1_822_519_000, 13_011)
    assert a.debt_price_net == Fraction(182_251_900_000 - 3_460_000_055, 1_301_100)
    assert a.debt_to_treasury == pytest.approx(1_822_519_000 / (13_011 * 60_000))
    # one third cannot be a float: it stays exact
    assert b.debt_price == Fraction(1, 3)
    assert b.debt_price_net is None
    assert (c.debt_price, c.debt_to_treasury) == (None, None)
    assert d.debt_price is None
    # at that price they are equal
    assert a.debt_price is not None
    equal = companies_now(record, "A", price_usd_per_btc=float(a.debt_price)).companies[0]
    assert equal.debt_to_treasury == pytest.approx(1.0, abs=1e-12)


def test_months_of_power_and_what_must_be_sold() -> None:
    record = reported(
        [
            ("A", "produced", month(6), 100),
            ("A", "sold", month(6), 120),
            ("A", "power_cost", month(6), 3_000_000),
            ("A", "held", month(6), 1000),
            ("A", "restricted", month(6), 400),
            ("A", "cash", month(6), 4_000_000),
            ("B", "produced", month(6), 10),
            ("B", "power_cost", month(6), 900_000),
        ]
    )
    found = companies_now(record, price_usd_per_btc=60_000.0)
    a, b = found.companies
    a_month = 3_000_000 / 30 * MONTH_DAYS
    # 600 coins that are free, and cash
    assert a.funds_usd == 600 * 60_000 + 4_000_000
    assert a.covered.three == pytest.approx([40_000_000 / a_month] * 3)
    assert a.must_sell.three == pytest.approx([0.5] * 3)
    assert a.sold_share == Fraction(6, 5)
    # 900,000 USD of power for 600,000 USD of coins: more than it mines
    assert b.must_sell.three == pytest.approx([1.5] * 3)
    assert (b.covered, b.funds_usd, b.sold_share) == (None, None, None)
    assert found.totals["forced_selling_fraction"].band.three == pytest.approx([3.9 / 6.6] * 3)
    assert found.totals["forced_selling_fraction"].companies == 2
    assert found.totals["covered_months"].companies == 1
    assert found.totals["sold_share_fraction"].band.three == pytest.approx([1.2] * 3)
    assert found.totals["debt_usd"].band is None
    at_half = companies_now(record, "A", 30_000.0).companies[0]
    assert at_half.must_sell.three == pytest.approx([1.0] * 3)


def test_without_a_price_what_rests_on_it_is_missing_and_said() -> None:
    record = reported([("A", "held", JULY, 5), ("A", "debt", JULY, 100), ("A", "cash", JULY, 7)])
    found = companies_now(record)
    (one,) = found.companies
    assert (one.treasury_usd, one.debt_to_treasury, one.funds_usd) == (None, None, None)
    assert one.debt_price == 20
    assert found.price_usd_per_btc is None
    assert (found.hashprice_usd_per_phs_day, len(found.lacks)) == (None, 1)


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_cannot_be_is_refused(price: float) -> None:
    with pytest.raises(UsageError):
        companies_now(reported([("A", "held", JULY, 5)]), price_usd_per_btc=price)


def test_old_figures_do_not_count_but_contracts_do() -> None:
    now = (date(2025, 9, 1), date(2025, 9, 30))
    record = reported(
        [
            ("Silent", "produced", JULY, 10),
            ("Half", "produced", month(12), 10),
            ("Half", "held", month(12), 10),
            ("Let", "ai_contracted", JULY, 10),
            ("New", "produced", now, 10),
        ]
    )
    found = companies_now(record, price_usd_per_btc=60_000.0)
    told = {one.company.name: one for one in found.companies}
    assert sorted(told) == ["Half", "Let", "New"]
    # 273 days: too old for a flow, not for a balance
    assert told["Half"].produced is None
    assert told["Half"].held is not None
    assert told["Let"].ai is not None
    assert found.silent == (("Silent", JULY[1]),)
    assert found.totals["produced_btc_per_month"].companies == 1


def test_ai_contracts_in_dollars_a_megawatt_hour() -> None:
    day = (date(2025, 8, 14), date(2025, 8, 14))
    later = (date(2025, 8, 18), date(2025, 8, 18))
    told = [
        ("T", "ai_contracted", day, 200),
        ("T", "ai_gross", day, 250),
        ("T", "ai_revenue_per_year", day, 370_000_000),
        ("T", "capacity", day, 500),
    ]
    (one,) = companies_now(reported(told)).companies
    assert one.ai is not None
    # TeraWulf of August 2025: 370 million a year for 200 MW of load, 250 MW of site
    assert one.ai.usd_per_mwh_load == pytest.approx(370e6 / (200 * 8766))
    assert one.ai.usd_per_mwh_site is not None
    assert one.ai.usd_per_mwh_site.three == pytest.approx([370e6 / (250 * 8766)] * 3)
    assert one.ai.over_capacity == 0.5
    assert one.ai.mining_usd_per_mwh is None
    # more load is let and the site behind it not told: the old one is not behind all of it
    (one,) = companies_now(reported([*told, ("T", "ai_contracted", later, 360)])).companies
    assert one.ai is not None
    assert one.ai.gross is None
    site = one.ai.usd_per_mwh_site
    assert site is not None
    assert site.low < site.value < site.high
    assert 1.1 < 370e6 / (360 * 8766) / site.value < 1.6
    assert [part.name for part in one.ai.inputs] == ["ai_contracted", "connection"]


def test_simulated_companies_are_marked_and_not_summed_with_real_ones() -> None:
    told = [("Real", "held", JULY, 5), ("Made up", "held", JULY, 100)]
    found = companies_now(reported(told, simulated=("Made up",)))
    assert [one.company.simulated for one in found.companies] == [True, False]
    assert found.totals["held_btc"].band == Interval.exact(5.0)
    alone = companies_now(reported(told[1:], simulated=("Made up",)))
    assert alone.totals["held_btc"].band == Interval.exact(100.0)


def test_the_same_record_gives_the_same_bytes() -> None:
    told = [("A", "hashrate_energized", JULY, 10), ("A", "produced", JULY, 1)]
    first, again = (companies_now(reported(told), price_usd_per_btc=6e4) for _ in range(2))
    assert first == again
