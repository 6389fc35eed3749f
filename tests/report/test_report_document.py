"""The document: what it must hold, as data, whatever draws it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from hashcanary.inference.retarget.forecast import forecast_retarget
from hashcanary.metrics.declaration import all_metrics
from hashcanary.metrics.engine import metrics_of
from hashcanary.metrics.errors import NothingToMeasure
from hashcanary.moments import DAY
from hashcanary.report.build import build_report
from hashcanary.report.charts import charts_of
from hashcanary.report.document import Dataset, Report, glossary
from hashcanary.report.sections.outlook import next_retarget, outlook, outlook_datasets
from hashcanary.store.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    Cut = Callable[[Record, int], Record]


def test_the_chapters_are_these(simulated_report: Report) -> None:
    assert [section.key for section in simulated_report.sections] == [
        "now", "history", "why", "revenue", "hurt", "pools", "ribbons", "next", "basis",
    ]  # fmt: skip


def test_every_figure_has_unit_date_and_ground_or_says_why_it_is_missing(
    simulated_report: Report,
) -> None:
    figures = [figure for section in simulated_report.sections for figure in section.figures]
    assert len(figures) > 20
    for figure in figures:
        if figure.value is None:
            assert figure.missing, figure.key
        else:
            assert figure.since is not None, figure.key
            assert figure.source, figure.key
            assert (figure.low is None) == (not figure.interval), figure.key


def test_estimates_lie_within_their_intervals(simulated_report: Report) -> None:
    for section in simulated_report.sections:
        for figure in section.figures:
            if figure.low is not None and figure.high is not None:
                assert isinstance(figure.value, float)
                assert figure.low <= figure.value <= figure.high, figure.key


def test_every_smoothing_stands_beside_the_others_with_its_own_peak(
    simulated_report: Report,
) -> None:
    table = next(t for t in simulated_report.sections[0].tables if t.key == "drawdowns")
    assert [row[0] for row in table.rows] == [
        "one day", "7-day mean", "14-day mean", "30-day mean", "60-day mean", "epoch average",
    ]  # fmt: skip
    assert all(isinstance(row[2], int) for row in table.rows)


def test_figures_are_those_of_the_metrics(
    simulated_record: Record, simulated_report: Report
) -> None:
    results = metrics_of(simulated_record)
    by_key = {
        figure.key: figure for section in simulated_report.sections for figure in section.figures
    }
    # words and dates say a state otherwise, and one figure stands in another unit
    shown = [
        name
        for name, metric in all_metrics().items()
        if name in by_key
        and isinstance(by_key[name].value, float)
        and by_key[name].unit is metric.unit
    ]
    assert {"hashrate.sma30", "hashprice", "difficulty.change"} <= set(shown)
    for name in shown:
        last = results[name].present().row(-1, named=True)
        assert by_key[name].value == last["value"]
        assert by_key[name].low == last.get("low")


def test_charts_and_glossary_links_lead_somewhere(simulated_report: Report) -> None:
    drawn = [name for section in simulated_report.sections for name in section.charts]
    charts = charts_of(simulated_report)
    assert sorted(drawn) == sorted(charts)
    words = {term.key for term in glossary()}
    for section in simulated_report.sections:
        assert {figure.term for figure in section.figures} - {""} <= words
    for chart in charts.values():
        for dataset in chart.datasets:
            simulated_report.dataset(dataset)
        for column in chart.columns:
            simulated_report.dataset(chart.datasets[0]).column(column)


def test_a_report_of_an_earlier_moment_holds_nothing_later(
    simulated_record: Record, cut: Cut
) -> None:
    middle = int(simulated_record.blocks["time"][simulated_record.blocks.height // 2])
    report = build_report(cut(simulated_record, middle))
    assert report.as_of is not None
    assert report.as_of <= middle
    for dataset in report.datasets:
        times = [time for row, time in enumerate(dataset.time) if not _is_forecast(dataset, row)]
        if dataset.along or dataset.key in {"published_costs", "stress"}:
            # no time, nothing published of an invented history, too few days for a gauge
            assert not times
            continue
        assert times
        assert max(times) <= middle, dataset.key


def _is_forecast(dataset: Dataset, row: int) -> bool:
    """Whether a row lies ahead, as it says: a forecast, or the empty row up to a retarget."""
    if dataset.key == "rate":
        return dataset.column("kind").values[row] == "ahead"
    return dataset.key == "next_change" and dataset.column("median").values[row] is None


def test_what_comes_next_is_what_the_forecast_says(
    simulated_record: Record, simulated_report: Report
) -> None:
    """The chapter, its charts and the forecast are one distribution, with the rules beside it."""
    forecast = forecast_retarget(simulated_record)
    section = next(each for each in simulated_report.sections if each.key == "next")
    (figure,) = section.figures
    assert (figure.low, figure.value, figure.high) == pytest.approx(forecast.hashrate[[0, 3, 6]])
    (table,) = section.tables
    for row, change, date in zip(
        table.rows,
        (forecast.change, forecast.second_change),
        (forecast.date, forecast.second_date),
        strict=True,
    ):
        ends = [0, 3, 6]
        assert (row["change"].low, row["change"].value, row["change"].high) == pytest.approx(
            change[ends]
        )
        assert (row["date"].low, row["date"].value, row["date"].high) == pytest.approx(
            date[ends], abs=1
        )
    drawn = simulated_report.dataset("next_change")
    last = len(drawn.time) - 2
    assert drawn.column("median").values[last] == pytest.approx(forecast.change[3], rel=1e-4)
    elapsed = simulated_record.blocks["time"][-1] - forecast.first_time
    assert drawn.column("naive").values[last] == pytest.approx(
        600 * forecast.intervals / elapsed - 1, rel=1e-4
    )
    rate = simulated_report.dataset("rate")
    ahead = [row for row, kind in enumerate(rate.column("kind").values) if kind == "ahead"]
    widths = [
        float(rate.column("high_95").values[row]) / float(rate.column("low_95").values[row])
        for row in (ahead[0], ahead[-1])
    ]
    assert widths[1] > widths[0]


def test_a_record_without_blocks_says_why_nothing_comes_next(simulated_record: Record) -> None:
    none = replace(simulated_record, blocks=simulated_record.blocks.head(0))
    found = outlook(none)
    section = next_retarget(found)
    assert "expected two blocks or more" in section.lead
    assert section.charts == ()
    assert all(figure.missing for figure in section.figures)
    assert all(table.empty and not table.rows for table in section.tables)
    assert all(len(dataset.time) == 0 for dataset in outlook_datasets(found))


def test_an_epoch_whose_first_block_is_missing_has_a_hashrate_and_no_forecast(
    simulated_record: Record,
) -> None:
    first = int(simulated_record.blocks["height"][-1]) // 2016 * 2016
    holed = replace(
        simulated_record, blocks=simulated_record.blocks.filter(pl.col("height") != first)
    )
    section = next_retarget(outlook(holed))
    assert section.figures[0].value is not None
    assert str(first) in section.tables[0].empty
    assert section.charts == ("outlook",)


def test_columns_of_an_earlier_report_are_the_beginning_of_a_later_one(
    simulated_record: Record, simulated_report: Report, cut: Cut
) -> None:
    middle = int(simulated_record.blocks["time"][simulated_record.blocks.height // 2])
    early = build_report(cut(simulated_record, middle)).dataset("day")
    late = simulated_report.dataset("day")
    rows = len(early.time) - 2  # the last days may not have been final yet
    assert list(early.time[:rows]) == list(late.time[:rows])
    for series in early.series:
        whole = late.column(series.key)
        assert list(series.values[:rows]) == list(whole.values[:rows]), series.key


def test_a_short_record_says_what_it_cannot_say(simulated_record: Record, cut: Cut) -> None:
    start = int(simulated_record.blocks["time"][0])
    report = build_report(cut(simulated_record, start + 20 * DAY))
    assert report.head.state == "unknown"
    assert "expected 30 days" in report.head.headline
    missing = [f for section in report.sections for f in section.figures if f.value is None]
    assert {"hashrate.sma30", "hashrate.sma60", "puell"} <= {figure.key for figure in missing}
    assert all(figure.missing for figure in missing)


def test_without_prices_revenue_is_missing_and_hashrate_is_not(simulated_record: Record) -> None:
    report = build_report(replace(simulated_record, candles=simulated_record.candles.clear()))
    by_key = {f.key: f for section in report.sections for f in section.figures}
    assert by_key["hashprice"].value is None
    assert "price" in by_key["hashprice"].missing
    assert by_key["hashrate.sma30"].value is not None
    # a fall is one without prices too, but what would be calm is not
    assert report.head.document["probabilities"]["calm"] == 0.0
    assert "prices and fees" in report.head.sentences[-1]


def test_prices_alone_give_a_report_that_says_so(simulated_record: Record) -> None:
    report = build_report(replace(simulated_record, blocks=simulated_record.blocks.clear()))
    assert report.head.state == "unknown"
    assert report.as_of is None


def test_an_empty_record_is_refused(simulated_record: Record) -> None:
    empty = replace(
        simulated_record,
        blocks=simulated_record.blocks.clear(),
        candles=simulated_record.candles.clear(),
    )
    with pytest.raises(NothingToMeasure):
        build_report(empty)


def test_gaps_are_listed_with_their_heights(simulated_record: Record) -> None:
    heights = pl.col("height")
    first = int(simulated_record.blocks["height"][0])
    low, high = first + 40_000, first + 45_000
    holed = simulated_record.blocks.filter((heights < low) | (heights > high))
    report = build_report(replace(simulated_record, blocks=holed))
    table = next(t for t in report.sections[-1].tables if t.key == "gaps")
    assert [row[:3] for row in table.rows] == [(f"{low:,} to {high:,}", high - low + 1, 0)]


def test_the_record_without_gaps_says_so(simulated_report: Report) -> None:
    table = next(t for t in simulated_report.sections[-1].tables if t.key == "gaps")
    assert not table.rows
    assert "without a gap" in table.empty
