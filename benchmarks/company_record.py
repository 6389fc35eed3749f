"""Company reports on the real record: the example's companies at its end, and how fast that is.

``--write`` also writes the tables into docs/companies.md.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from inference_page import PAGE, write_part
from real_data import real_data

from hashcanary.chain.networks import MAIN
from hashcanary.economics.companies.reports import company_periods
from hashcanary.economics.companies.standing import companies_now
from hashcanary.moments import iso_day, parse_moment
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.recording import record_of

if TYPE_CHECKING:
    from hashcanary.economics.companies.standing import CompaniesNow, CompanyNow
    from hashcanary.interval import Interval
    from hashcanary.store.record import Record

EXAMPLE = Path(str(files("hashcanary.sources.files") / "company_reports_example.csv"))
AT = "2026-02-05"
_COMPANIES, _MONTHS = 200, 120


def record_with_reports() -> Record:
    """All the real data and the example, as known at ``AT``."""
    lake = Lake.create(Path(tempfile.mkdtemp()) / "lake", MAIN)
    return record_of(load(lake, [real_data(), EXAMPLE], now=0).lake, parse_moment(AT))


def banded(band: Interval | None, form: str) -> str:
    """A figure with its band; without one where it is exact."""
    if band is None:
        return ""
    value, low, high = (format(one, form) for one in band.three)
    return value if low == high else f"{value} ({low} to {high})"


def share(value: object, form: str = ".0%") -> str:
    """A fraction as people read it, empty where it is not told."""
    return "" if value is None else format(float(str(value)), form)


def line(one: CompanyNow) -> str:
    """A company's row."""
    sold = None if one.sold_share is None else float(one.sold_share)
    cells = (
        one.company.name,
        "" if one.produced is None else str(one.produced.last),
        share(sold),
        share(one.network_share, ".1%"),
        banded(one.covered, ",.0f"),
        banded(one.must_sell, ".0%"),
        banded(one.per_coin and one.per_coin.band, ",.0f"),  # type: ignore[arg-type]
    )
    return f"| {' | '.join(cells)} |"


def now(found: CompaniesNow) -> str:
    """Companies that mine, as they stood."""
    lines = [
        "| company | last period to | sold of it | of the network | months of power | "
        "forced selling | power a coin, USD |",
        "|---|---|---|---|---|---|---|",
    ]
    mining = [one for one in found.companies if one.produced is not None]
    total = found.totals
    covered, sell = total["covered_months"], total["forced_selling_fraction"]
    sold, part = total["sold_share_fraction"], total["network_share_fraction"]
    summed = (
        f"reported companies only: {len(mining)}",
        "",
        f"{sold.band.value:.0%} ({sold.companies})" if sold.band else "",
        f"{part.band.value:.1%} ({part.companies})" if part.band else "",
        f"{banded(covered.band, ',.0f')} ({covered.companies})",
        f"{banded(sell.band, '.0%')} ({sell.companies})",
        f"network: {banded(found.network_per_coin, ',.0f')}",
    )
    return "\n".join([*lines, *map(line, mining), f"| {' | '.join(summed)} |"])


def contracts(found: CompaniesNow) -> str:
    """AI contracts beside mining, USD a MWh of the site."""
    lines = ["| company | AI | mining | AI over mining |", "|---|---|---|---|"]
    for one in found.companies:
        if one.ai is not None and one.ai.usd_per_mwh_site is not None:
            cells = (
                banded(one.ai.usd_per_mwh_site, ",.0f"),
                banded(one.ai.mining_usd_per_mwh, ",.0f"),
                banded(one.ai.ratio, ".1f"),
            )
            lines.append(f"| {one.company.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def treasuries(record: Record) -> str:
    """How many treasuries add up, in words."""
    told = [one for one in company_periods(record) if one.companies == 1]
    sure = [one for one in told if one.adds_up is not None]
    odd = [one for one in sure if not one.adds_up]
    names = "; ".join(
        f"{one.name} {one.first:%Y-%m} by {float(one.unexplained or 0):+,.0f} BTC" for one in odd
    )
    return (
        f"Of {len(told)} periods {len(sure)} can be checked (both ends of the treasury, production "
        f"and sales told); {len(sure) - len(odd)} add up within rounding. Not: {names}."
    )


def many_reports(folder: Path) -> tuple[Path, int]:
    """A large file of made-up reports, marked so; and its number of figures."""
    first = date(2016, 1, 1)
    lines = ["company,period,published,source_url,simulated,produced_btc,sold_btc,held_btc"]
    for month in range(_MONTHS):
        day = date(2016 + month // 12, month % 12 + 1, 1)
        published = day + timedelta(days=40)
        lines += [
            f"Simulated {number},{day:%Y-%m},{published},made up,yes,{number + 1},{number},"
            f"{(day - first).days + number}"
            for number in range(_COMPANIES)
        ]
    path = folder / "simulated.csv"
    path.write_text("\n".join((*lines, "")), encoding="utf-8")
    return path, 3 * _COMPANIES * _MONTHS


def speed() -> tuple[int, float, float]:
    """A large file of reports: its figures, seconds to load it, seconds to sum them by month."""
    with tempfile.TemporaryDirectory() as name:
        path, figures = many_reports(Path(name))
        lake = Lake.create(Path(name) / "lake", MAIN, simulated=True)
        start = time.perf_counter()
        lake = load(lake, [path], now=0).lake
        loaded = time.perf_counter()
        company_periods(record_of(lake))
        answered = time.perf_counter()
    return figures, loaded - start, answered - loaded


def report() -> str:
    """The page's part."""
    record = record_with_reports()
    start = time.perf_counter()
    found = companies_now(record)
    seconds = time.perf_counter() - start
    figures, loading, summing = speed()
    price, day = found.price_usd_per_btc, found.price_day
    assert price is not None
    assert day is not None
    return f"""Measured on {datetime.now(UTC):%d %B %Y}. The example as known at {AT}, bitcoin at
{price:,.0f} USD of {iso_day(day)}; ranges are 95%, in brackets how many told. It is an example:
most companies' months are missing, and some figures are of September.

{now(found)}

AI contracts, USD a MWh of the site, before power (IREN's is a cloud: its machines are in it):

{contracts(found)}

{treasuries(record)}

The first table takes {seconds:.1f} s. {figures:,} made-up figures of {_COMPANIES} companies are
loaded in {loading:.1f} s and summed by month in {summing:.1f} s.
"""


def main() -> int:
    """Print, and write where asked to."""
    text = report()
    sys.stdout.write(text)
    if "--write" in sys.argv[1:]:
        write_part("company_record", "On the real record", text, PAGE.with_name("companies.md"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
