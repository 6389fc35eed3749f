"""What is said of a lake: how complete, how sound, what a load and a sync brought."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.mining import grow

from hashcanary.chain.networks import MAIN, REGTEST
from hashcanary.errors import UsageError
from hashcanary.moments import iso_time
from hashcanary.sources.feed import all_feeds
from hashcanary.store.lake import Lake
from hashcanary.store.loading import FileReport, LoadReport, load
from hashcanary.store.syncing import SyncReport
from hashcanary.views.data import csv_text
from hashcanary.views.lake import (
    event_record,
    event_text,
    feeds,
    loaded,
    status,
    sync_notes,
    synced,
    verify,
)

if TYPE_CHECKING:
    from pathlib import Path

# 3 February 2026, 04:41:22 UTC
INSTANT = 1_770_093_682


@pytest.fixture
def gapped(tmp_path: Path) -> Lake:
    """Blocks 1 to 10 and 30 to 40 of regtest, and a branch of two that went stale."""
    chain = grow(40)
    (tmp_path / "a.bin").write_bytes(b"".join(chain[:10]))
    (tmp_path / "b.bin").write_bytes(b"".join(chain[29:]))
    (tmp_path / "c.bin").write_bytes(b"".join(grow(2, chain[1], branch=1)))
    lake = load(Lake.create(tmp_path / "lake", REGTEST), [tmp_path / "a.bin"], now=5).lake
    lake = load(lake, [tmp_path / "b.bin"], height=30, now=7).lake
    return load(lake, [tmp_path / "c.bin"], now=INSTANT).lake


def daily(lake: Path, **files: str) -> Lake:
    """A lake with files of a vendor's daily prices."""
    made = Lake.create(lake, MAIN)
    paths = []
    for name, rows in files.items():
        path = lake.parent / f"{name}.csv"
        path.write_text(f"time,BlkCnt,DiffMean,PriceUSD\n{rows}")
        paths.append(path)
    return load(made, paths, now=INSTANT).lake


def test_a_gap_is_counted_and_its_ends_are_named(gapped: Lake) -> None:
    answer = status(gapped)
    document = answer.to_dict()
    (headers,) = [row for row in document["rows"] if row["table"] == "headers"]
    assert headers["ranges"] == ["1 to 10", "30 to 40"]
    assert (headers["first"], headers["last"]) == ("1", "40")
    # 23 headers are kept, two of them of the stale branch; blocks 11 to 29 are missing
    assert headers["missing"] == 19
    assert document["stale_headers"] == 2
    (table,) = [each for each in document["tables"] if each["name"] == "headers"]
    assert table["rows"] == 23
    assert sum(table["sources"].values()) == 23
    assert (document["network"], document["simulated"]) == ("regtest", False)
    assert (document["version"], document["loaded_at"]) == (3, "2026-02-03T04:41:22Z")
    assert document["home"] == str(gapped.home)
    assert document["disagreements"] == document["feeds"] == document["events"] == []


def test_people_are_told_of_gaps_stale_headers_and_empty_tables(gapped: Lake) -> None:
    text = status(gapped).text(200)
    assert "2 headers are not on the active chain" in text
    assert "No two sources disagree" in text
    (empty,) = [line for line in text.splitlines() if line.startswith("Empty")]
    assert "candles" in empty
    assert "headers" not in empty


def test_an_empty_lake_has_no_rows_and_names_its_tables(tmp_path: Path) -> None:
    answer = status(Lake.create(tmp_path / "lake", MAIN))
    document = answer.to_dict()
    assert document["loaded_at"] is None
    assert document["version"] == 0
    assert {row["rows"] for row in document["rows"]} <= {0}
    (empty,) = [note for note in answer.notes if note.startswith("Empty")]
    assert all(name in empty for name in ("headers", "blocks", "candles", "companies"))
    assert not any("active chain" in note for note in answer.notes)


def test_series_that_begin_end_and_miss_the_same_are_one_row_for_people(tmp_path: Path) -> None:
    lake = daily(tmp_path / "lake", a="2024-01-01,1,1,2\n2024-01-02,1,1,2\n2024-01-05,1,1,3\n")
    answer = status(lake)
    rows = [row for row in answer.to_dict()["rows"] if row["table"] == "daily_reference"]
    assert len(rows) == 3
    for row in rows:
        assert (row["rows"], row["missing"]) == (3, 2)
        assert row["ranges"] == ["2024-01-01 to 2024-01-02", "2024-01-05 to 2024-01-05"]
    shown = [row for row in answer.tables[0].shown or () if "and 2 more" in row["series"]]
    assert [row["table"] for row in shown] == ["daily_reference"]
    assert shown[0]["series"].startswith(rows[0]["series"])


def test_a_table_is_named_once_where_its_series_differ(tmp_path: Path) -> None:
    lake = daily(tmp_path / "lake", a="2024-01-01,1,1,\n2024-01-02,1,1,2\n")
    answer = status(lake)
    shown = [row for row in answer.tables[0].shown or () if row["series"]]
    own = [row for row in shown if "PriceUSD" in row["series"] or "BlkCnt" in row["series"]]
    assert sorted(row["table"] for row in own) == [" ", "daily_reference"]
    # machines read the name in every row
    rows = [row for row in answer.to_dict()["rows"] if row["series"]]
    assert {row["table"] for row in rows} == {"daily_reference"}


def test_sources_that_differ_are_listed_with_both_values(tmp_path: Path) -> None:
    first = "".join(f"2024-01-{day:02},1,1,40\n" for day in range(1, 12))
    second = "".join(f"2024-01-{day:02},1,1,41\n" for day in range(1, 12))
    answer = status(daily(tmp_path / "lake", a=first, b=second))
    document = answer.to_dict()
    prices = document["disagreements"]
    assert len(prices) == 11
    for each in prices:
        assert each["table"] == "daily_reference"
        assert {float(each["taken"]), float(each["other"])} == {40.0, 41.0}
        assert each["taken_source"] != each["other_source"]
    (table,) = [each for each in document["tables"] if each["name"] == "daily_reference"]
    assert table["disagreements"] == 11
    lines = [note for note in answer.notes if "superseded" in note]
    assert len(lines) == 8
    assert "and 3 more" in answer.notes[-1]
    assert "disagree on 11 facts" in " ".join(answer.notes)
    for line, each in zip(lines, prices, strict=False):
        assert f"{each['taken']} ({each['taken_source']}) counts" in line


def test_the_csv_of_status_has_a_line_a_series(gapped: Lake) -> None:
    answer = status(gapped)
    header, *lines = csv_text(answer.tables[0]).splitlines()
    assert header == "table,series,rows,first,last,missing,ranges"
    assert len(lines) == len(answer.tables[0].rows)
    assert lines[0].startswith("headers,")


def test_a_sound_lake_passes_every_check(gapped: Lake) -> None:
    seen: list[str] = []
    answer = verify(gapped.home, lambda name, done, of: seen.append(name))
    document = answer.to_dict()
    assert document["sound"] is True
    assert document["rows"] == []
    assert document["shown"] == "findings"
    assert document["version"] == 3
    checks = {check["name"]: check for check in document["checks"]}
    assert checks["versions"]["covered"] == 4
    assert {check["findings"] for check in document["checks"]} == {0}
    assert answer.notes[-1] == "Nothing was found."
    # people read the checks, not an empty table of findings
    shown = answer.shown[1]
    assert shown is not None
    assert shown.key == "checks"
    assert seen
    assert answer.result.sound


def test_what_is_damaged_is_a_finding_with_its_place(gapped: Lake) -> None:
    data = sorted((gapped.home / "tables" / "headers").glob("**/*.parquet"))[0]
    whole = bytearray(data.read_bytes())
    whole[len(whole) // 2] ^= 1
    data.write_bytes(bytes(whole))
    answer = verify(gapped.home)
    document = answer.to_dict()
    assert document["sound"] is False
    found = [row for row in document["rows"] if row["check"] == "checksums"]
    assert len(found) == 1
    assert found[0]["table"] == "headers"
    assert found[0]["place"].endswith(data.name)
    assert found[0]["expected"].startswith("sha256 ")
    assert found[0]["expected"] != found[0]["found"]
    (check,) = [each for each in document["checks"] if each["name"] == "checksums"]
    assert check["findings"] == 1
    assert "checksums:" in answer.notes
    assert answer.notes[-1] == f"{len(document['rows'])} findings."
    assert csv_text(answer.tables[0]).count("\n") == 1 + len(document["rows"])


def test_a_lake_whose_newest_version_cannot_be_read_is_said_to_be_damaged(gapped: Lake) -> None:
    newest = sorted((gapped.home / "versions").glob("*.json"))[-1]
    newest.write_text("{}")
    answer = verify(gapped.home)
    assert "a damaged version" in answer.title
    assert answer.to_dict()["version"] is None
    assert answer.to_dict()["sound"] is False


READ = FileReport(
    path="/data/prices.csv",
    kind="candles",
    sha256="ab" * 32,
    rows=1_300,
    new=300,
    first="2024-01-01T00:00:00Z",
    last="2024-03-01T00:00:00Z",
    gaps=tuple(f"2024-01-0{day}" for day in range(1, 8)),
    notes=("the last row is not closed",),
)


def report(lake: Lake, *files: FileReport) -> LoadReport:
    return LoadReport(
        files, rows=sum(each.rows for each in files), new=sum(each.new for each in files), lake=lake
    )


def test_a_load_says_what_each_file_gave_and_why_others_gave_nothing(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", MAIN)
    passed = [
        FileReport(f"/data/{name}", reason=reason)
        for name, reason in (("a.txt", "no known kind"), ("b.txt", "no known kind"), ("c", "empty"))
    ]
    second = replace(READ, path="/data/more.csv", rows=700, new=0, gaps=(), notes=())
    answer = loaded(report(lake, passed[0], READ, passed[1], second, passed[2]))
    document = answer.to_dict()
    assert (document["facts"], document["new_facts"]) == (2_000, 300)
    assert (document["files_read"], document["files_passed_over"]) == (2, 3)
    assert [row["path"] for row in document["rows"]] == [
        *("/data/prices.csv", "/data/more.csv", "/data/a.txt", "/data/b.txt", "/data/c")
    ]
    assert document["rows"][0]["gaps"] == list(READ.gaps)
    assert document["rows"][2]["kind"] is None
    assert document["rows"][2]["reason"] == "no known kind"
    assert (document["network"], document["version"]) == ("main", 0)
    notes = answer.notes
    # two of one reason on one line
    assert notes.count("passed over: no known kind") == 1
    assert notes[notes.index("passed over: no known kind") + 1].strip() == "a.txt, b.txt"
    assert notes[notes.index("passed over: empty") + 1].strip() == "c"
    assert "2,000 facts in 2 files, 300 of them new; 3 files passed over" in notes[-1]


def test_gaps_and_notes_of_a_file_stand_under_its_name(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", MAIN)
    notes = loaded(report(lake, READ)).notes
    assert notes[0] == "prices.csv"
    assert notes[1].strip().startswith("missing inside: 2024-01-01; ")
    assert "2024-01-04; and 3 more" in notes[1]
    assert "2024-01-05" not in notes[1]
    assert notes[2].strip() == "the last row is not closed"
    few = loaded(report(lake, replace(READ, gaps=READ.gaps[:4], notes=()))).notes
    assert "more" not in few[1]
    quiet = loaded(report(lake, replace(READ, gaps=(), notes=()))).notes
    assert len(quiet) == 1


def test_people_read_names_and_days_of_what_was_loaded(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", MAIN)
    headers = replace(READ, path="/x/h.bin", kind="headers", first="0", last="2015", gaps=())
    text = loaded(report(lake, READ, headers, FileReport("/x/other", reason="no"))).text(160)
    table = text.split("prices.csv\n")[0]
    assert "prices.csv" in table
    assert "/data" not in table
    assert "2024-01-01" in table
    assert "00:00" not in table
    assert "2015" in table
    assert "other" not in table


def reorg(depth: int | None, height: int | None) -> dict[str, object]:
    detail = {"depth": depth, "new_height": 900_123, "new_tip": "00ab"}
    return {
        "kind": "reorg",
        "time": INSTANT,
        "known_at": INSTANT + 1,
        "height": height,
        "detail": json.dumps(detail),
        "source": "p2p",
    }


def test_an_event_is_a_sentence_and_a_record() -> None:
    event = reorg(1_500, 898_622)
    record = event_record(event)
    assert record["time"] == "2026-02-03T04:41:22Z"
    assert record["known_at"] == "2026-02-03T04:41:23Z"
    assert record["detail"] == {"depth": 1_500, "new_height": 900_123, "new_tip": "00ab"}
    text = event_text(event)
    for words in ("1,500 blocks above block 898,622", "900,123", "00ab"):
        assert words in text
    whole = event_text(reorg(None, None))
    assert "all blocks above no shared block" in whole


def test_an_event_of_another_kind_names_its_block_and_its_parts() -> None:
    event = reorg(1, 7) | {"kind": "halving", "detail": json.dumps({"subsidy": 3, "era": 5})}
    assert event_text(event) == "halving at block 7: subsidy 3, era 5"
    assert event_text(event | {"height": None}) == "halving: subsidy 3, era 5"


def brought(lake: Lake, **fields: Any) -> SyncReport:
    usual = SyncReport(
        feed="esplora",
        lake=lake,
        rows={"blocks": 12, "headers": 12},
        new={"blocks": 1_200, "headers": 0},
        first="900000",
        last="901199",
        versions=2,
    )
    return replace(usual, **fields)


def test_a_sync_says_what_each_source_brought(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", MAIN)
    failed = UsageError(argument="url", expected="one", found="none", remedy="Name it.")
    reports = [
        brought(lake, events=(reorg(1, 899_999),)),
        brought(lake, feed="p2p", new={}, rows={}, first="", last="", versions=0, error=failed),
    ]
    answer = synced(lake, reports)
    document = answer.to_dict()
    first, second = document["rows"]
    assert (first["source"], first["new_facts"], first["versions"]) == ("esplora", 1_200, 2)
    assert first["new"] == {"blocks": 1_200, "headers": 0}
    assert first["events"][0]["time"] == iso_time(INSTANT)
    assert first["error"] is None
    assert (second["new_facts"], second["error"]) == (0, str(failed))
    notes = list(answer.notes)
    assert notes[0] == "esplora: 1,200 new in blocks"
    assert not any("new in headers" in note for note in notes)
    assert any("1 blocks above block 899,999" in note for note in notes)
    assert any(note.startswith("p2p: ended by an error") for note in notes)
    assert notes[-1].endswith("is at version 0.")


def test_six_notes_of_a_source_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", MAIN)
    many = brought(lake, new={}, notes=tuple(f"block {place} refused" for place in range(8)))
    lines = list(sync_notes(many))
    assert [line.strip() for line in lines[:6]] == [f"block {n} refused" for n in range(6)]
    assert "and 2 more" in lines[6]
    assert len(lines) == 7
    six = list(sync_notes(replace(many, notes=many.notes[:6])))
    assert len(six) == 6
    assert synced(lake, [many]).to_dict()["rows"][0]["notes"] == list(many.notes)


def test_every_live_source_is_listed_with_its_settings(tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text('[esplora]\nurl = "https://own.example/api"\n')
    answer = feeds(tmp_path)
    rows = answer.to_dict()["rows"]
    declared = all_feeds()
    assert {row["source"] for row in rows} == set(declared)
    for feed in declared.values():
        own = [row for row in rows if row["source"] == feed.name]
        assert [row["setting"] for row in own] == [None, *(each.name for each in feed.settings)]
        assert own[0]["help"] == feed.title
        assert own[0]["gives"] == list(feed.gives)
        assert {row["configured"] for row in own} == {feed.name == "esplora"}
        for row, setting in zip(own[1:], feed.settings, strict=True):
            assert (row["default"], row["secret"]) == (setting.default, setting.secret)
            variable = f"HASHCANARY_{feed.name}_{setting.name}".upper().replace("-", "_")
            # a secret comes from files alone
            assert row["variable"] == (None if setting.secret else variable)
    assert str(tmp_path / "sources.toml") in answer.notes[0]


def test_a_sources_name_stands_once_for_people(tmp_path: Path) -> None:
    shown = feeds(tmp_path).tables[0].shown or ()
    named = [row["source"] for row in shown if row["source"].strip()]
    assert sorted(named) == sorted(all_feeds())
    for row in shown:
        assert bool(row["source"].strip()) != bool((row["setting"] or "").strip())
