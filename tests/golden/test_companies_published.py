"""Company reports against what the companies, or the press, printed beside them."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from hashcanary.economics.companies.reports import CompanyPeriod, company_periods
from hashcanary.economics.companies.standing import companies_now
from hashcanary.moments import parse_moment
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.recording import record_of

EXAMPLE = Path(str(files("hashcanary.sources.files") / "company_reports_example.csv"))


@pytest.fixture(scope="module")
def lake(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """All the real data and the example of company reports."""
    from hashcanary.chain.networks import MAIN

    empty = Lake.create(tmp_path_factory.mktemp("companies") / "lake", MAIN)
    return load(empty, [real_data, EXAMPLE], now=0).lake


@pytest.fixture(scope="module")
def periods(lake: Lake) -> dict[tuple[str, str], CompanyPeriod]:
    found = company_periods(record_of(lake))
    return {
        (one.name, f"{one.first:%Y-%m}"): one
        for one in found
        if one.companies == 1 and one.first.month == one.last.month
    }


def test_the_share_of_the_network_is_what_mara_printed(
    periods: dict[tuple[str, str], CompanyPeriod],
) -> None:
    # "share of the overall network rewards rose to 5.2%": MARA on September 2025, by CoinCentral
    share = periods["MARA", "2025-09"].network_share
    assert share is not None
    assert round(share, 3) == pytest.approx(0.052, abs=0.0011)
    assert periods["MARA", "2025-09"].with_fees


@pytest.mark.parametrize(
    ("month", "printed"),
    [
        ("2024-02", 20_158),
        ("2024-03", 20_343),
        ("2024-04", 19_569),
        ("2024-09", 23_603),
        ("2024-10", 18_896),
        ("2024-11", 22_575),
        ("2024-12", 22_799),
    ],
)
def test_power_a_coin_is_what_iren_printed(
    periods: dict[tuple[str, str], CompanyPeriod], month: str, printed: int
) -> None:
    # its coins have decimals that it does not print, and from September on its costs are rounded
    # to 100,000 USD
    found = periods["IREN", month].power_usd_per_btc
    assert found is not None
    assert float(found) == pytest.approx(printed, rel=0.007)


@pytest.mark.parametrize(
    ("company", "month", "printed", "within"),
    [
        # printed to the dollar, of proceeds rounded to 100,000 USD
        ("Riot", "2025-04", 81_731, 0.002),
        ("Riot", "2025-09", 113_043, 0.002),
        ("Riot", "2025-12", 88_870, 0.001),
        ("CleanSpark", "2025-09", 109_568, 0.002),
        # "approximately"
        ("CleanSpark", "2022-11", 17_300, 0.005),
        ("CleanSpark", "2023-10", 28_600, 0.01),
        ("Core Scientific", "2022-07", 22_000, 0.015),
    ],
)
def test_a_sale_brought_what_was_printed(
    periods: dict[tuple[str, str], CompanyPeriod],
    company: str,
    month: str,
    printed: int,
    within: float,
) -> None:
    found = periods[company, month].usd_per_btc
    assert found is not None
    assert float(found) == pytest.approx(printed, rel=within)


def test_riots_treasury_adds_up_where_its_own_table_does(
    periods: dict[tuple[str, str], CompanyPeriod],
) -> None:
    # 9,334 + 370 = 9,704 and 19,223 + 463 - 475 = 19,211; 9,704 + 322 is not 10,019
    assert periods["Riot", "2024-07"].unexplained == 0
    assert periods["Riot", "2025-04"].unexplained == 0
    assert periods["Riot", "2024-08"].unexplained == -7
    assert periods["Riot", "2024-08"].adds_up is False


def test_who_sold_more_than_was_mined(periods: dict[tuple[str, str], CompanyPeriod]) -> None:
    # "Core Scientific Sold More Bitcoin in July Than It Mined", CoinDesk, 5 August 2022; Riot in
    # December 2025; Cango in January 2026, "more than its total monthly production"
    more = {key for key, one in periods.items() if one.sold_share and one.sold_share > 1}
    assert {("Core Scientific", "2022-07"), ("Riot", "2025-12"), ("Cango", "2026-01")} <= more
    assert ("CleanSpark", "2025-09") not in more


def test_prices_of_power_beyond_the_blocks_do_not_make_companies_older(lake: Lake) -> None:
    record = record_of(lake)
    power = record.daily["series"].str.starts_with("power_")
    assert record.daily.filter(power)["known_at"].max() > record.blocks["known_at"].max()  # type: ignore[operator]
    with_them = companies_now(record)
    without = companies_now(replace(record, daily=record.daily.filter(~power)))
    assert with_them.moment == without.moment


def test_a_moment_uses_nothing_that_was_published_or_mined_later(lake: Lake) -> None:
    """The answer at t out of all is that of a lake that was loaded with what there was at t."""
    moment = parse_moment("2025-10-20")
    assert moment.time is not None
    record = record_of(lake, moment)
    assert record.companies["known_at"].max() <= moment.time  # type: ignore[operator]
    found = companies_now(record)
    told = {one.company.name: one for one in found.companies}
    # of MARA the month of September (4 October), not the quarter (4 November)
    mara = told["MARA"]
    assert mara.produced is not None
    assert mara.produced.amount == 736
    assert mara.restricted is not None
    assert mara.restricted.amount == 14269
    assert "Cango" not in told
    assert found.price_day is not None
    assert found.price_day < moment.time


@pytest.mark.parametrize("day", ["2024-08-31", "2025-05-31", "2025-10-20", "2026-02-05"])
def test_what_was_published_later_changes_no_answer(lake: Lake, tmp_path: Path, day: str) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines(keepends=True)
    place = lines[0].split(",").index("published")
    known = [line for line in lines[1:] if line.split(",")[place] <= day]
    path = tmp_path / "known.csv"
    path.write_text("".join((lines[0], *known)), encoding="utf-8")
    part = load(Lake.create(tmp_path / "lake", lake.network), [path], now=0).lake
    record = record_of(lake, parse_moment(day))
    then = replace(record, companies=record_of(part).companies)
    assert companies_now(record) == companies_now(then)
    assert company_periods(record) == company_periods(then)


def test_at_half_the_price_coins_and_hashes_are_worth_half(lake: Lake) -> None:
    record = record_of(lake, parse_moment("2026-02-05"))
    now = companies_now(record)
    # the close of 5 February 2026, before the record's last hashprice of 2 February at 78,717 USD
    assert now.price_usd_per_btc == pytest.approx(63_495, abs=1)
    half = companies_now(record, price_usd_per_btc=now.price_usd_per_btc / 2)
    assert half.price_day is None
    assert now.hashprice_usd_per_phs_day is not None
    assert half.hashprice_usd_per_phs_day is not None
    assert half.hashprice_usd_per_phs_day.three == pytest.approx(
        [one / 2 for one in now.hashprice_usd_per_phs_day.three]
    )
    for one, other in zip(now.companies, half.companies, strict=True):
        assert one.debt_price == other.debt_price
        assert one.bill == other.bill
        if one.must_sell is not None:
            assert other.must_sell is not None
            assert other.must_sell.three == pytest.approx([2 * end for end in one.must_sell.three])
        if one.ai is not None and one.ai.mining_usd_per_mwh is not None:
            assert other.ai is not None
            assert other.ai.mining_usd_per_mwh is not None
            assert other.ai.mining_usd_per_mwh.three == pytest.approx(
                [end / 2 for end in one.ai.mining_usd_per_mwh.three]
            )
            assert other.ai.usd_per_mwh_site == one.ai.usd_per_mwh_site


def test_mining_earns_what_its_power_is_worth(lake: Lake) -> None:
    """Revenue a MWh again from the record: hashprice over what a petahash draws in a day."""
    now = companies_now(record_of(lake, parse_moment("2026-02-05")))
    cipher = next(one for one in now.companies if one.company.name == "Cipher")
    assert cipher.ai is not None
    assert cipher.ai.mining_usd_per_mwh is not None
    assert now.hashprice_usd_per_phs_day is not None
    # 16.8 J/TH at 1 PH/s are 16.8 kW, and 5% on top for the site
    mwh_a_day = 16.8 * 1.05 * 24 / 1000
    assert cipher.ai.mining_usd_per_mwh.value == pytest.approx(
        now.hashprice_usd_per_phs_day.value / mwh_a_day
    )
