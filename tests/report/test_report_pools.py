"""The chapter on pools: shares, changes, concentration; one line where nothing can be said."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from scipy.stats import beta

from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.report.build import build_report
from hashcanary.report.charts import charts_of
from hashcanary.report.document import Report, Section
from hashcanary.report.render.bundle import BundleJob
from hashcanary.report.render.document_json import as_json
from hashcanary.report.render.html import render_html
from hashcanary.report.render.terminal import render_terminal
from hashcanary.store.record import Record
from hashcanary.studies.pools import study_pools
from hashcanary.units import FRACTION
from hashcanary.views.table import Column, Table
from hashcanary.views.text import cell


def chapter(report: Report) -> Section:
    (found,) = (section for section in report.sections if section.key == "pools")
    return found


def table(report: Report, key: str) -> Table:
    return next(one for one in chapter(report).tables if one.key == key)


def relabelled(record: Record, labels: pl.Expr) -> Record:
    """The record with other labels of its last 200 days; null: without one."""
    recent = record.pool_labels.tail(200 * 144)
    return replace(record, pool_labels=recent.with_columns(pool=labels).drop_nulls("pool"))


def test_shares_are_those_of_the_blocks_of_the_week_with_exact_limits(
    simulated_record: Record, simulated_report: Report
) -> None:
    assert simulated_report.as_of is not None
    blocks = simulated_record.blocks.join(simulated_record.pool_labels, on="height")
    start = simulated_report.as_of - 7 * DAY
    week = blocks.filter(pl.col("time").is_between(start, simulated_report.as_of, closed="left"))
    counted = dict(week.group_by("pool").len().rows())
    rows = table(simulated_report, "pool_shares").rows
    assert {row.pool: row.blocks for row in rows} == counted
    for row in rows:
        name, count, share = row.pool, row.blocks, row.share
        assert share.value == pytest.approx(count / week.height), name
        low, high = beta.ppf(
            [0.025, 0.975], [count, count + 1], [week.height - count + 1, week.height - count]
        )
        assert (share.low, share.high) == pytest.approx((low, high)), name


def test_the_line_of_a_pool_is_its_share_of_the_last_thirty_days(
    simulated_record: Record, simulated_report: Report
) -> None:
    dataset = simulated_report.dataset("pools")
    blocks = simulated_record.blocks.join(simulated_record.pool_labels, on="height")
    chart = charts_of(simulated_report)["pools"]
    assert len(chart.lines) == 6
    for at in (0, 100, -1):
        end = dataset.time[at] + DAY
        month = blocks.filter(pl.col("time").is_between(end - 30 * DAY, end, closed="left"))
        for line in chart.lines:
            pool = "unknown" if line.column == "unknown" else line.label
            share = (month["pool"] == pool).mean()
            assert dataset.column(line.column).values[at] == pytest.approx(share, rel=1e-3)
    largest = [dataset.column(line.column).values[-1] for line in chart.lines[:-1]]
    assert largest == sorted(largest, reverse=True)
    # by day of late, by week before
    steps = np.diff(dataset.time)
    late = np.array(dataset.time[1:]) > dataset.time[-1] - 729 * DAY
    assert set(steps[late].tolist()) == {DAY}
    assert steps[~late].max() == 7 * DAY
    assert dataset.time[-1] + DAY == simulated_report.as_of


def test_luck_alone_is_not_called_a_change(simulated_report: Report) -> None:
    assert "no pool's share changed by more than luck" in chapter(simulated_report).lead
    rows = table(simulated_report, "pool_changes").rows
    assert {row.beyond_luck for row in rows} == {False, None}


def test_a_pool_that_left_is_named_first(
    simulated_record: Record, simulated_report: Report
) -> None:
    assert simulated_report.as_of is not None
    start = simulated_report.as_of - 7 * DAY
    first = simulated_record.blocks.filter(pl.col("time") >= start)["height"][0]
    gone = (pl.col("pool") == "Simulated pool B") & (pl.col("height") >= first)
    moved = relabelled(
        simulated_record, pl.when(gone).then(pl.lit("Simulated pool A")).otherwise("pool")
    )
    report = build_report(moved)
    assert "these shares changed by more than luck: Simulated pool A (+" in chapter(report).lead
    assert "Simulated pool B (\u2212" in chapter(report).lead
    changes = table(report, "pool_changes").rows
    assert [(row.pool, row.beyond_luck) for row in changes[:3]] == [
        ("Simulated pool A", True),
        ("Simulated pool B", True),
        (changes[2].pool, False),
    ]
    assert "Simulated pool B" not in {row.pool for row in table(report, "pool_shares").rows}


def test_without_labels_there_is_one_line_that_says_what_lacks(
    simulated_record: Record, bundle: BundleJob
) -> None:
    none = replace(
        simulated_record, pool_labels=simulated_record.pool_labels.clear(), pool_list=None
    )
    report = build_report(none)
    found = chapter(report)
    assert (found.parts, found.notes) == ((), ())
    assert "`hashcanary pools --label`" in found.lead
    assert report.dataset("pools").time == []
    page = render_html(report, bundle)
    assert 'data-chart="pools"' not in page
    assert found.lead.split("`")[0] in page


def test_labels_that_end_long_ago_say_nothing_of_today(
    simulated_record: Record, simulated_report: Report
) -> None:
    assert simulated_report.as_of is not None
    old = simulated_record.blocks.filter(pl.col("time") < simulated_report.as_of - 20 * DAY)[
        "height"
    ].max()
    report = build_report(
        relabelled(simulated_record, pl.when(pl.col("height") <= old).then("pool"))
    )
    found = chapter(report)
    assert found.parts == ()
    assert "9 Dec 2022" in found.lead


def test_a_few_labelled_days_are_too_few(simulated_record: Record) -> None:
    tip = simulated_record.blocks["height"][-1]
    few = relabelled(simulated_record, pl.when(pl.col("height") > tip - 4 * 144).then("pool"))
    found = chapter(build_report(few))
    assert found.parts == ()
    assert "7 days in a row" in found.lead


def test_ten_labelled_days_have_shares_and_no_line_and_nothing_to_compare(
    simulated_record: Record,
) -> None:
    tip = simulated_record.blocks["height"][-1]
    ten = relabelled(simulated_record, pl.when(pl.col("height") > tip - 11 * 144).then("pool"))
    report = build_report(ten)
    found = chapter(report)
    assert found.charts == ()
    assert table(report, "pool_shares").rows
    assert table(report, "pool_changes").rows == []
    assert "The 7 days before are not all labelled" in found.lead
    assert all(figure.missing for figure in found.figures)


def test_blocks_without_a_label_are_counted(simulated_record: Record) -> None:
    middle = simulated_record.pool_labels["height"][-100 * 144]
    holed = relabelled(
        simulated_record, pl.when(~pl.col("height").is_between(middle, middle + 9)).then("pool")
    )
    report = build_report(holed)
    (note,) = chapter(report).notes
    assert "28,800 blocks, all but 10 " in note
    assert "table@0123456789ab" in note
    # the windows that hold the hole have no share
    dataset = report.dataset("pools")
    column = dataset.column(charts_of(report)["pools"].columns[0]).values
    hole = np.flatnonzero([value is None for value in column])
    assert 30 <= hole.size <= 31
    assert np.all(np.diff(hole) == 1)


def test_pools_that_belong_together_are_counted_as_one_too(simulated_record: Record) -> None:
    known = {"Simulated pool A": "antpool", "Simulated pool B": "braiinspool"}
    report = build_report(relabelled(simulated_record, pl.col("pool").replace(known)))
    figures = {figure.key: figure for figure in chapter(report).figures}
    alone, together = figures["pools.largest_share30"], figures["pools.group_largest_share30"]
    assert isinstance(alone.value, float)
    assert isinstance(together.value, float)
    assert together.value > alone.value + 0.05
    assert figures["pools.hhi30"].source == "labels of table@0123456789ab"
    plain = {figure.key for figure in chapter(build_report(simulated_record)).figures}
    assert not any("group_" in key for key in plain)


def test_names_of_pools_cannot_steer_the_terminal_or_the_page(
    simulated_record: Record, bundle: BundleJob
) -> None:
    hostile = '\x1b]0;owned\x07<script>alert(1)</script>\u202e, of "pools"'
    names = {"Simulated pool A": hostile, "Simulated pool B": "a b", "Simulated pool C": "A-B"}
    report = build_report(relabelled(simulated_record, pl.col("pool").replace(names)))
    out = io.StringIO()
    Console(file=out, width=200, force_terminal=False).print(render_terminal(report))
    page = render_html(report, bundle)
    for text in (out.getvalue(), page):
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "\u202e" not in text
    assert "<script>alert" not in page
    keys = [series.key for series in report.dataset("pools").series]
    assert len(set(keys)) == len(keys)
    assert all(key.replace("_", "").isalnum() and key.isascii() for key in keys)


def test_it_says_what_the_command_says(simulated_record: Record, simulated_report: Report) -> None:
    study = study_pools(simulated_record, 7)
    document = next(one for one in as_json(simulated_report)["sections"] if one["key"] == "pools")
    changes = {row["name"]: row for row in document["tables"][1]["rows"]}
    for row in study.rows:
        assert row.share_change is not None
        assert changes[row.name]["share_change_fraction"] == row.share_change.value
    assert document["charts"][0]["columns"][0] == "share_simulated_pool_a"


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (Interval(0.0178, -0.0247, 0.0603), "+1.8 (\u22122.5 to +6.0)"),
        (Interval.exact(-0.2), "\u221220.0"),
        (Interval(0.0001, -0.01, 0.01), "0.0 (\u22121.0 to +1.0)"),
    ],
)
def test_differences_of_shares_are_in_points_with_their_sign(
    estimate: Interval, words: str
) -> None:
    assert cell(estimate, Column("x", "x", FRACTION, points=True)) == words
