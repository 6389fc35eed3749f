from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path

import polars as pl
import pytest
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.networks import REGTEST, SIGNET
from hashcanary.errors import Exit
from hashcanary.store.durable import write_error
from hashcanary.store.errors import (
    LakeDamaged,
    LakeError,
    LakeExists,
    LakeFull,
    LakeNotWritable,
    NoLake,
    UnknownVersion,
)
from hashcanary.store.lake import Lake, default_home
from hashcanary.store.loading import load
from hashcanary.store.manifest import read_manifest, read_signed, signed
from hashcanary.store.tables import MOST_FILES
from hashcanary.store.verify import verify


def headers_file(folder: Path, name: str, headers: list[bytes]) -> Path:
    path = folder / name
    path.write_bytes(b"".join(headers))
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def test_a_lake_remembers_its_network_and_whether_it_is_simulated(home: Path) -> None:
    Lake.create(home, SIGNET, simulated=True)
    lake = Lake.open(home)
    assert (lake.network, lake.simulated, lake.version) == (SIGNET, True, 0)


def test_opening_where_no_lake_is_says_how_to_make_one(home: Path) -> None:
    with pytest.raises(NoLake, match="hashcanary load") as caught:
        Lake.open(home)
    assert caught.value.exit_code == Exit.MISSING


def test_a_folder_that_holds_other_things_is_not_made_a_lake(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(LakeExists, match=r"thesis\.txt"):
        Lake.create(tmp_path, REGTEST)
    assert [path.name for path in tmp_path.glob("*.txt")] == ["thesis.txt"]


def test_a_lake_cut_off_while_it_was_made_can_be_made_again(home: Path) -> None:
    (home / "versions").mkdir(parents=True)
    (home / "versions" / "00000000.json").write_text("{")
    (home / ".lake.json.draft").write_text("")
    with pytest.raises(NoLake):
        Lake.open(home)
    assert Lake.create(home, REGTEST).version == 0


def test_every_old_version_can_be_read_again(home: Path, tmp_path: Path) -> None:
    chain = [REGTEST_GENESIS, *grow(30)]
    lake = Lake.create(home, REGTEST)
    for count in (10, 20, 31):
        load(lake, [headers_file(tmp_path, f"to{count}.bin", chain[:count])])
    heights = [
        Lake.open(home, version=version).frame("headers")["height"].to_list()
        for version in range(4)
    ]
    assert heights == [[], list(range(10)), list(range(20)), list(range(31))]


def test_a_version_the_lake_does_not_have_is_named(home: Path) -> None:
    Lake.create(home, REGTEST)
    with pytest.raises(UnknownVersion, match="from 0 to 0"):
        Lake.open(home, version=3)


def test_facts_already_there_make_no_new_version_of_the_lake_or_of_a_table(
    home: Path, tmp_path: Path
) -> None:
    file = headers_file(tmp_path, "chain.bin", [REGTEST_GENESIS, *grow(9)])
    first = load(Lake.create(home, REGTEST), [file])
    again = load(first.lake, [file])
    assert (first.new, again.new) == (10, 0)
    assert again.lake.manifest == first.lake.manifest
    logs = list((home / "tables" / "headers" / "_delta_log").glob("*.json"))
    assert len(logs) == 1


def test_another_engine_reads_the_same_rows_from_the_delta_table(
    home: Path, tmp_path: Path
) -> None:
    chain = [REGTEST_GENESIS, *grow(20)]
    lake = Lake.create(home, REGTEST)
    for start, end in ((0, 8), (5, 21)):
        report = load(lake, [headers_file(tmp_path, f"{start}.bin", chain[start:end])])
    elsewhere = pl.read_delta(str(home / "tables" / "headers")).sort("height")
    assert elsewhere.equals(report.lake.frame("headers"))


def test_many_small_loads_are_put_together_and_stay_readable(home: Path, tmp_path: Path) -> None:
    chain = [REGTEST_GENESIS, *grow(MOST_FILES + 5)]
    lake = Lake.create(home, REGTEST)
    for count in range(1, len(chain) + 1):
        lake = load(lake, [headers_file(tmp_path, "next.bin", chain[count - 1 : count])]).lake
    assert len(lake.manifest.tables["headers"].active) <= MOST_FILES
    assert lake.frame("headers")["height"].to_list() == list(range(len(chain)))
    middle = Lake.open(home, version=MOST_FILES)
    assert middle.frame("headers").height == MOST_FILES


def test_a_reader_keeps_its_version_while_the_lake_goes_on(home: Path, tmp_path: Path) -> None:
    chain = [REGTEST_GENESIS, *grow(20)]
    lake = Lake.create(home, REGTEST)
    reader = load(lake, [headers_file(tmp_path, "a.bin", chain[:10])]).lake
    load(lake, [headers_file(tmp_path, "b.bin", chain)])
    assert reader.frame("headers").height == 10
    assert Lake.open(home).frame("headers").height == 21


def test_each_version_says_what_was_loaded(home: Path, tmp_path: Path) -> None:
    file = headers_file(tmp_path, "chain.bin", [REGTEST_GENESIS, *grow(4)])
    lake = load(Lake.create(home, REGTEST), [file], now=1_700_000_000).lake
    (loaded,) = lake.manifest.loaded
    assert (loaded.kind, loaded.rows, loaded.new) == ("headers", 5, 5)
    assert (loaded.first, loaded.last) == ("block 0", "block 4")
    assert len(loaded.sha256) == 64
    assert lake.manifest.time == 1_700_000_000


@pytest.fixture
def loaded(home: Path, tmp_path: Path) -> Lake:
    file = headers_file(tmp_path, "chain.bin", [REGTEST_GENESIS, *grow(50)])
    return load(Lake.create(home, REGTEST), [file]).lake


def data_file(lake: Lake) -> Path:
    (name,) = lake.manifest.tables["headers"].active
    return lake.home / "tables" / "headers" / name


def test_a_missing_data_file_is_named_at_opening(loaded: Lake) -> None:
    data_file(loaded).unlink()
    with pytest.raises(LakeDamaged, match="parquet") as caught:
        Lake.open(loaded.home)
    assert caught.value.exit_code == Exit.LAKE


def test_a_data_file_cut_short_is_named_at_opening(loaded: Lake) -> None:
    file = data_file(loaded)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(LakeDamaged, match="bytes, found a file of"):
        Lake.open(loaded.home)


def test_a_data_file_with_other_content_is_named_when_read(loaded: Lake) -> None:
    file = data_file(loaded)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(LakeDamaged, match="sha256"):
        Lake.open(loaded.home).frame("headers")


def test_an_altered_version_file_is_named(loaded: Lake) -> None:
    path = loaded.home / "versions" / "00000001.json"
    path.write_text(path.read_text().replace('"rows": 51', '"rows": 52'))
    with pytest.raises(LakeDamaged, match=r"00000001\.json"):
        Lake.open(loaded.home)


def test_a_half_written_version_file_is_named(loaded: Lake) -> None:
    path = loaded.home / "versions" / "00000001.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(LakeDamaged, match=r"00000001\.json"):
        Lake.open(loaded.home)


def test_an_unknown_format_is_named(home: Path) -> None:
    from hashcanary.store.manifest import signed

    Lake.create(home, REGTEST)
    body = {"format": 99, "network": "regtest", "simulated": False}
    (home / "lake.json").write_bytes(signed(body))
    with pytest.raises(LakeDamaged, match="format 99"):
        Lake.open(home)


def test_a_lake_that_lost_its_newest_version_file_opens_at_the_one_before(loaded: Lake) -> None:
    (loaded.home / "versions" / "00000001.json").unlink()
    assert Lake.open(loaded.home).version == 0


def test_what_an_unfinished_write_left_is_removed_by_the_next_one(
    loaded: Lake, tmp_path: Path
) -> None:
    """Another table, a staged data file, a commit with a checkpoint, and Delta's hint at it."""
    log = loaded.home / "tables" / "headers" / "_delta_log"
    left = [
        log / "00000000000000000001.json",
        log / "00000000000000000001.checkpoint.parquet",
        log.parent / "part-00000-staged.parquet",
        loaded.home / "tables" / "candles" / "_delta_log" / "00000000000000000000.json",
        loaded.home / "versions" / ".00000002.json.draft",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half written")
    (log / "_last_checkpoint").write_text('{"version":1,"size":3}')
    (loaded.home / "writing").write_text("")
    after = load(loaded, [headers_file(tmp_path, "more.bin", grow(60))]).lake
    assert after.frame("headers").height == 61
    assert not (log / "_last_checkpoint").exists()
    assert "half written" not in {path.read_text("latin-1") for path in left if path.exists()}
    assert verify(after.home).findings == ()


def test_a_home_that_cannot_be_written_is_an_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LakeNotWritable, match="Not a directory") as caught:
        Lake.create(tmp_path / "file" / "lake", REGTEST)
    assert caught.value.exit_code == Exit.LAKE
    assert caught.value.fields == {"home": tmp_path / "file" / "lake", "found": "Not a directory"}


def test_home_is_named_by_the_environment_else_by_the_platform(tmp_path: Path) -> None:
    assert default_home({"HASHCANARY_HOME": "/a"}) == Path("/a")
    assert default_home({"XDG_DATA_HOME": "/b"}) == Path("/b/hashcanary")
    assert default_home({}) == Path("~/.local/share/hashcanary").expanduser()


def test_version_files_are_plain_json(loaded: Lake) -> None:
    body = json.loads((loaded.home / "versions" / "00000001.json").read_text())
    assert body["tables"]["headers"]["rows"] == 51


def test_an_empty_lake_is_taken_back_and_nothing_else(home: Path, tmp_path: Path) -> None:
    Lake.create(home, REGTEST)
    Lake.withdraw(home)
    assert not home.exists()
    # what an unfinished write left goes too, a file of someone else's stays where it is
    Lake.create(home, REGTEST)
    (home / "tables").mkdir()
    (home / "tables" / "draft").write_bytes(b"")
    (home / "notes.txt").write_text("mine")
    Lake.withdraw(home)
    assert [path.name for path in home.iterdir()] == ["notes.txt"]
    with pytest.raises(NoLake):
        Lake.open(home)
    (home / "notes.txt").unlink()
    held = load(Lake.create(home, REGTEST), [headers_file(tmp_path, "a.bin", grow(3))]).lake
    Lake.withdraw(home)
    assert Lake.open(home).frame("headers").equals(held.frame("headers"))


@pytest.mark.parametrize(
    ("error", "kind", "found"),
    [
        (OSError(errno.ENOSPC, "x"), LakeFull, "No space left on device"),
        (OSError(errno.EDQUOT, "x"), LakeFull, "Disk quota exceeded"),
        (OSError(errno.EFBIG, "x"), LakeFull, "File too large"),
        (OSError(errno.EROFS, "x"), LakeNotWritable, "Read-only file system"),
        (RuntimeError("from Rust: No space (os error 28) at"), LakeFull, "No space left on device"),
        (RuntimeError("from Rust: denied (os error 13)"), LakeNotWritable, "Permission denied"),
        (RuntimeError("no number"), LakeNotWritable, "no number"),
    ],
)
def test_a_failed_write_is_named_whichever_library_it_came_through(
    home: Path, error: Exception, kind: type[LakeError], found: str
) -> None:
    failure = write_error(home, error)
    assert type(failure) is kind
    assert failure.fields == {"home": home, "found": found}


def test_versions_of_no_lake_are_named(home: Path) -> None:
    with pytest.raises(NoLake):
        read_manifest(home)
    with pytest.raises(NoLake):
        read_manifest(home, 3)


def test_one_content_is_signed_in_one_way(tmp_path: Path) -> None:
    bodies = ({"b": 1, "a": {"d": [2], "c": 3}}, {"a": {"c": 3, "d": [2]}, "b": 1})
    assert signed(bodies[0]) == signed(bodies[1])
    digest = hashlib.sha256(b'{"a":{"c":3,"d":[2]},"b":1}').hexdigest()
    assert json.loads(signed(bodies[0])) == {**bodies[0], "sha256": digest}
    path = tmp_path / "signed.json"
    path.write_bytes(signed(bodies[0]))
    assert read_signed(path) == bodies[1]
