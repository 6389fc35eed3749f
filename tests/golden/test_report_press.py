"""The report of a day against what was said of that day, and its page on the whole real record.

Sources: CryptoQuant, 31 Jan 2026 (by CoinDesk: hashrate 12% below 11 November, at about 970 EH/s);
the difficulty record of 29 October 2025.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from hashcanary.interval import Interval
from hashcanary.moments import DAY, day_start
from hashcanary.report.build import build_report
from hashcanary.report.render.html import render_html

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.report.document import Figure, Report
    from hashcanary.store.record import Record

    Cut = Callable[[Record, int], Record]


def report_of(day: date, record: Record, cut: Cut) -> Report:
    """The report as known at the end of a day."""
    return build_report(cut(record, day_start(day) + DAY))


def figures(report: Report) -> dict[str, Figure]:
    return {figure.key: figure for section in report.sections for figure in section.figures}


@pytest.fixture(scope="module")
def whole(real_record: Record) -> Report:
    """The report on all of the real record."""
    return build_report(real_record)


def test_the_fall_of_january_2026_as_published(real_record: Record, cut: Cut) -> None:
    report = report_of(date(2026, 1, 31), real_record, cut)
    table = next(t for t in report.sections[0].tables if t.key == "drawdowns")
    mean = next(row for row in table.rows if row[0] == "30-day mean")
    assert mean[2] == day_start(date(2025, 11, 11))
    drawdown = mean[3]
    assert not isinstance(drawdown, (str, int, float, type(None)))
    assert drawdown.value == pytest.approx(-0.12, abs=0.006)
    rate = figures(report)["hashrate.sma30"]
    assert rate.low is not None
    assert rate.high is not None
    assert rate.low < 970e18 < rate.high
    # prices of power are in the record too, and no figure of the chain rests on them
    grounds = {figure.source for figure in figures(report).values()}
    assert "daily figures of coinmetrics, closing prices" in grounds


def test_the_page_on_the_whole_record_is_small(whole: Report) -> None:
    page = render_html(whole)
    assert len(page.encode()) < 3_000_000
    assert "SIMULATED" not in page.split('id="hc-data">')[0]


def test_the_halvings_stand_on_their_days(whole: Report) -> None:
    halvings = whole.dataset("halving")
    days = [time // DAY * DAY for time in halvings.time]
    published = (date(2012, 11, 28), date(2016, 7, 9), date(2020, 5, 11), date(2024, 4, 20))
    assert days == [day_start(day) for day in published]


@pytest.mark.parametrize(
    ("day", "usd_per_kwh"), [(date(2024, 12, 15), 0.12), (date(2025, 12, 15), 0.077)], ids=str
)
def test_the_power_price_that_an_s19_xp_bears_as_vaneck_printed_it(
    day: date, usd_per_kwh: float, real_record: Record, cut: Cut
) -> None:
    """VanEck, 22 December 2025: 0.12 USD/kWh a year before, 0.077 then; no cooling and no fee."""
    report = report_of(day, real_record, cut)
    table = next(t for t in report.sections[4].tables if t.key == "shutdown")
    row = next(row for row in table.rows if row[0] == "Antminer S19 XP")
    bears = row[-1]
    assert isinstance(bears, Interval)
    assert bears.low is not None
    assert bears.high is not None
    assert bears.low < usd_per_kwh < bears.high * 1.01
    # without the 10% of cooling and the 2% of the pool that stand in the middle figure; which day
    # of December it was is not printed, and hashprice moved by 6% within two weeks
    assert bears.value * 1.1 / 0.98 == pytest.approx(usd_per_kwh, rel=0.06)


def test_the_report_of_5_february_2026_puts_published_costs_beside_its_own(
    real_record: Record, cut: Cut
) -> None:
    """Capriole: 59,450 and 74,300 USD; Checkonchain: 87,000 USD, the price 20% below (CoinDesk)."""
    report = report_of(date(2026, 2, 5), real_record, cut)
    section = next(one for one in report.sections if one.key == "hurt")
    costs = next(table for table in section.tables if table.key == "costs")
    rows = {row["title"]: row for row in costs.records()}
    for name, usd in (
        ("Capriole, electrical, published", 59_450),
        ("Capriole, production, published", 74_300),
        ("Checkonchain, published", 87_000),
    ):
        assert rows[name]["cost_usd_per_btc"] == usd
        assert rows[name]["kind"] == "published"
    for name, usd in (("Electricity", 59_450), ("Capriole's ratio", 74_300), ("All-in", 87_000)):
        low, high = (float(str(rows[name][f"cost_usd_per_btc_{end}"])) for end in ("low", "high"))
        assert low < usd < high, name
