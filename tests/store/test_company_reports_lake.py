"""Company reports in the lake: vintages, what counts of several, and lakes made before them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from hashcanary.chain.networks import MAIN
from hashcanary.moments import Moment, parse_moment
from hashcanary.sources.errors import SourceError
from hashcanary.sources.facts import COMPANIES
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.record import COMPANY_COLUMNS
from hashcanary.store.recording import record_of
from hashcanary.store.renewing import Recorder
from hashcanary.store.status import status
from hashcanary.store.verify import verify

HEAD = "company,period,published,source_url"
EXAMPLE = Path(str(files("hashcanary.sources.files") / "company_reports_example.csv"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", MAIN)


def loaded(lake: Lake, folder: Path, name: str, *lines: str) -> Lake:
    path = folder / name
    path.write_text("\n".join((*lines, "")), encoding="utf-8")
    return load(lake, [path], now=0).lake


def held(lake: Lake, at: str | None = None) -> list[tuple[str, date, float, bool]]:
    moment = None if at is None else parse_moment(at)
    rows = record_of(lake, moment).companies.filter(pl.col("figure") == "held")
    return [
        (row["company"], row["period_end"], row["value"] / 1e8, row["restated"])
        for row in rows.sort("company", "period_end").iter_rows(named=True)
    ]


JULY = date(2024, 7, 31)


def test_a_restatement_counts_from_its_own_publication_on(lake: Lake, tmp_path: Path) -> None:
    rows = ("A,2024-07,2024-08-05,u,10", "A,2024-07,2024-09-05,v,11")
    lake = loaded(lake, tmp_path, "a.csv", f"{HEAD},held_btc", *rows)
    assert held(lake, "2024-08-04") == []
    assert held(lake, "2024-08-05T23:59:59Z") == []
    assert held(lake, "2024-08-05") == [("A", JULY, 10.0, False)]
    assert held(lake, "2024-09-04") == [("A", JULY, 10.0, False)]
    assert held(lake, "2024-09-05") == [("A", JULY, 11.0, True)]
    assert held(lake) == [("A", JULY, 11.0, True)]
    assert lake.frame("companies").height == 2
    # restated, so not a disagreement of sources
    assert status(lake).disagreements == ()


def test_a_restatement_may_come_from_another_file_and_of_one_figure(
    lake: Lake, tmp_path: Path
) -> None:
    lake = loaded(
        lake, tmp_path, "a.csv", f"{HEAD},held_btc,produced_btc", "A,2024-07,2024-08-05,u,10,5"
    )
    lake = loaded(lake, tmp_path, "b.csv", f"{HEAD},produced_btc", "A,2024-07,2024-09-05,v,6")
    told = record_of(lake).companies.select("figure", "value", "restated").sort("figure")
    assert told.rows() == [("held", 10 * 10**8, False), ("produced", 6 * 10**8, True)]


def test_saying_the_same_again_later_restates_nothing(lake: Lake, tmp_path: Path) -> None:
    rows = ("A,2024-07,2024-08-05,u,10", "A,2024-07,2024-09-05,v,10")
    lake = loaded(lake, tmp_path, "a.csv", f"{HEAD},held_btc", *rows)
    assert held(lake) == [("A", JULY, 10.0, False)]


def test_a_corrected_slip_counts_at_every_moment_and_restates_nothing(
    lake: Lake, tmp_path: Path
) -> None:
    lake = loaded(lake, tmp_path, "z.csv", f"{HEAD},held_btc", "A,2024-07,2024-08-05,u,100")
    lake = loaded(
        lake, tmp_path, "a.csv", f"{HEAD},held_btc,revision", "A,2024-07,2024-08-05,u,10,1"
    )
    assert held(lake, "2024-08-05") == [("A", JULY, 10.0, False)]
    lake = loaded(lake, tmp_path, "b.csv", f"{HEAD},held_btc", "A,2024-07,2024-09-05,u,10")
    assert held(lake) == [("A", JULY, 10.0, False)]
    assert status(lake).disagreements == ()


def test_two_files_that_differ_are_both_kept_and_listed(lake: Lake, tmp_path: Path) -> None:
    lake = loaded(lake, tmp_path, "b.csv", f"{HEAD},held_btc", "A,2024-07,2024-08-05,u,10")
    lake = loaded(lake, tmp_path, "a.csv", f"{HEAD},held_btc", "A,2024-07,2024-08-05,u,12")
    # neither reaches further: the one whose name comes first
    assert held(lake) == [("A", JULY, 12.0, False)]
    (one,) = status(lake).disagreements
    assert (one.table, one.where) == ("companies", "A held 2024-07-01 2024-07-31")
    assert (one.taken, one.other) == ("1200000000", "1000000000")
    # the one that reaches further
    lake = loaded(
        lake,
        tmp_path,
        "c.csv",
        f"{HEAD},held_btc",
        "A,2024-07,2024-08-05,u,13",
        "A,2024-08,2024-09-05,u,14",
    )
    assert held(lake, "2024-08-31") == [("A", JULY, 13.0, False)]


def test_real_figures_stand_before_simulated_ones(lake: Lake, tmp_path: Path) -> None:
    lake = loaded(lake, tmp_path, "a.csv", f"{HEAD},held_btc", "A,2024-07,2024-08-05,u,10")
    lake = loaded(
        lake,
        tmp_path,
        "b.csv",
        f"{HEAD},held_btc,simulated",
        "A,2024-07,2024-09-05,u,99,yes",
        "B,2024-07,2024-09-05,u,98,yes",
    )
    rows = record_of(lake).companies.sort("company").select("company", "value", "simulated")
    assert rows.rows() == [("A", 10 * 10**8, False), ("B", 98 * 10**8, True)]
    assert status(lake).disagreements == ()


def test_loading_again_changes_nothing(lake: Lake) -> None:
    first = load(lake, [EXAMPLE], now=0)
    again = load(first.lake, [EXAMPLE], now=0)
    assert (first.new, again.new) == (first.rows, 0)
    assert again.lake.version == first.lake.version
    assert again.lake.frame("companies").equals(first.lake.frame("companies"))


def test_a_refused_file_leaves_the_lake_as_it_was(lake: Lake, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(f"{HEAD},held_btc\nA,2024-07,2024-08-05,u,10\n")
    bad.write_text(f"{HEAD},held_btc\nB,2024-07,2024-08-05,u,ten\n")
    with pytest.raises(SourceError, match=r"bad\.csv, line 2, column held_btc"):
        load(lake, [good, bad], now=0)
    assert Lake.open(lake.home).version == lake.version
    assert Lake.open(lake.home).frame("companies").is_empty()


def test_a_lake_without_the_table_opens_and_takes_it_later(lake: Lake, tmp_path: Path) -> None:
    # as every lake made before the table was
    path = tmp_path / "btc.csv"
    path.write_text("time,open,high,low,close\n2024-01-01,1,2,1,2\n2024-01-02,2,2,1,1\n")
    lake = load(lake, [path], now=0).lake
    assert "companies" not in lake.manifest.tables
    assert not (lake.home / "tables" / "companies").exists()
    opened = Lake.open(lake.home)
    record = record_of(opened)
    assert dict(record.companies.schema) == COMPANY_COLUMNS
    assert record.companies.is_empty()
    assert verify(lake.home).sound
    (told,) = (one for one in status(opened).tables if one.name == "companies")
    assert (told.rows, told.version, told.series) == (0, -1, ())
    after = load(opened, [EXAMPLE], now=0).lake
    assert record_of(after).candles.equals(record.candles)
    assert record_of(after).companies.height > 100
    assert verify(lake.home).sound
    assert record_of(Lake.open(lake.home, opened.version)).companies.is_empty()


def test_a_record_that_follows_a_lake_equals_a_whole_one(lake: Lake, tmp_path: Path) -> None:
    recorder = Recorder()
    for number, day in enumerate(("2024-08-05", "2024-09-05", "2024-10-05")):
        lake = loaded(
            lake,
            tmp_path,
            f"{number}.csv",
            f"{HEAD},held_btc",
            f"A,2024-07,{day},u,{number}",
            f"B,2024-07,{day},u,{7}",
        )
        followed, whole = recorder.record(lake), record_of(lake)
        assert followed.companies.equals(whole.companies)
        assert followed.provenance == whole.provenance


def test_status_says_which_days_no_report_covers(lake: Lake, tmp_path: Path) -> None:
    lake = loaded(
        lake,
        tmp_path,
        "a.csv",
        f"{HEAD},held_btc,cash_usd",
        "A,2024-Q1,2024-05-05,u,1,2",
        "A,2024-03,2024-04-05,u,1,",
        "A,2024-06,2024-07-05,u,1,",
    )
    (told,) = (one for one in status(lake).tables if one.name == "companies")
    (series,) = told.series
    assert (series.name, series.rows) == ("A", 4)
    assert (series.first, series.last) == ("2024-01-01", "2024-06-30")
    # April and May
    assert series.missing == 61
    assert series.ranges == (("2024-01-01", "2024-03-31"), ("2024-06-01", "2024-06-30"))


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("unit", "usd_cents", "unit satoshis"),
        ("figure", "moon", "unit of a known figure"),
        ("value", -1, "a value within its limits"),
        ("known_at", 0, "a period that ends before it is known"),
        ("period_end", date(2024, 6, 1), "a period that ends before it is known"),
    ],
)
def test_verify_finds_a_row_that_no_file_could_have_given(
    lake: Lake, tmp_path: Path, column: str, value: object, expected: str
) -> None:
    lake = loaded(lake, tmp_path, "a.csv", f"{HEAD},held_btc", "A,2024-07,2024-08-05,u,10")
    assert verify(lake.home).sound
    with lake.writing() as transaction:
        rows = lake.frame("companies").with_columns(
            pl.lit(value, COMPANIES.schema[column]).alias(column)
        )
        transaction.append("companies", rows)
        transaction.publish([], 0)
    report = verify(lake.home)
    assert {one.expected for one in report.findings if one.table == "companies"} >= {expected}


def test_a_record_at_a_moment_is_that_of_a_lake_with_what_was_published_by_then(
    tmp_path: Path,
) -> None:
    every = EXAMPLE.read_text(encoding="utf-8").splitlines()
    place = every[0].split(",").index("published")
    whole = loaded(Lake.create(tmp_path / "whole", MAIN), tmp_path, "all.csv", *every)
    for day in ("2024-08-20", "2024-09-05", "2025-11-03", "2026-02-05"):
        known = [line for line in every[1:] if line.split(",")[place] <= day]
        part = loaded(Lake.create(tmp_path / day, MAIN), tmp_path, f"{day}.csv", every[0], *known)
        moment = Moment(day, parse_moment(day).time)
        cut, then = record_of(whole, moment), record_of(part)
        assert cut.companies.height > 10
        assert replace(cut, at=None, at_text="", provenance={}).companies.equals(then.companies)
