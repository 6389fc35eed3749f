"""Labelling: who mined stored blocks, list beside list, old versions kept, stale branches apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from support.clocks import Clock
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.address import script_of
from hashcanary.chain.networks import MAIN
from hashcanary.moments import Moment
from hashcanary.sources.facts import BLOCKS, POOL_LABELS, Facts
from hashcanary.sources.feed import Asked, Batch, Feed
from hashcanary.sources.pools.pool_lists import Pool, PoolList, built_in
from hashcanary.store.errors import NoCoinbases, UnknownPoolList
from hashcanary.store.lake import Lake
from hashcanary.store.pool_labels import label, pool_lists
from hashcanary.store.recording import record_of
from hashcanary.store.renewing import Recorder
from hashcanary.store.syncing import SyncReport, sync
from hashcanary.store.verify import verify

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
PAYS = b"\x01" + (5).to_bytes(8, "little") + b"\x19" + script_of(GENESIS)
EASY = 0x1D00FFFF


def listed(name: str, digest: str, **tags: str) -> PoolList:
    return PoolList(
        name, digest * 64, tuple(Pool(slug, slug.upper(), (tag,)) for slug, tag in tags.items())
    )


ONE = listed("one", "1", alpha="/alpha/", beta="/beta/")
TWO = listed("two", "2", gamma="/alpha/")


def blocks(
    scripts: list[bytes | None], first: int = 0, source: str = "blockfiles", mark: int = 0
) -> pl.DataFrame:
    heights = range(first, first + len(scripts))
    rows = [
        {
            "height": height,
            "hash": bytes([mark]) * 28 + height.to_bytes(4, "big"),
            "time": 1_231_006_505 + 600 * height,
            "bits": EASY,
            "coinbase_script": script,
            "coinbase_outputs": None if script is None else PAYS,
            "source": source,
            "known_at": 1_231_006_505 + 600 * height,
        }
        for height, script in zip(heights, scripts, strict=True)
    ]
    return pl.DataFrame(rows, schema=BLOCKS.schema)


def stored(lake: Lake, rows: pl.DataFrame) -> Lake:
    with lake.writing() as transaction:
        transaction.append("blocks", rows)
        return transaction.publish([], 0)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    empty = Lake.create(tmp_path / "lake", MAIN)
    return stored(empty, blocks([b"x/alpha/", b"/BETA/y", b"\x00nobody", None]))


def pools(lake: Lake, pool_list: str | None = None, at: int | None = None) -> list[str]:
    moment = None if at is None else Moment(str(at), height=at)
    return record_of(lake, moment, pool_list).pool_labels["pool"].to_list()


def test_blocks_of_known_coinbase_are_labelled_with_the_evidence(lake: Lake) -> None:
    done = label(lake, ONE, now=1)
    assert (done.list, done.blocks, done.new, done.unknown) == ("one@111111111111", 3, 3, 1)
    rows = done.lake.frame("pool_labels")
    assert rows.schema == POOL_LABELS.schema
    assert rows.select("height", "pool", "evidence", "list", "source").rows() == [
        (0, "alpha", "tag /alpha/", "one@111111111111", "blockfiles"),
        (1, "beta", "tag /beta/", "one@111111111111", "blockfiles"),
        (2, "unknown", "unknown", "one@111111111111", "blockfiles"),
    ]
    assert rows["known_at"].to_list() == [1_231_006_505 + 600 * height for height in range(3)]


def test_which_list_labelled_is_part_of_the_version(lake: Lake) -> None:
    (loaded,) = label(lake, ONE, now=1).lake.manifest.loaded
    assert (loaded.kind, loaded.path, loaded.sha256) == ("pool-list", "one", "1" * 64)
    assert (loaded.rows, loaded.new, loaded.first, loaded.last) == (3, 3, "block 0", "block 2")


def test_labelling_again_adds_nothing(lake: Lake) -> None:
    once = label(lake, ONE, now=1).lake
    again = label(once, ONE, now=2)
    assert (again.new, again.lake.version) == (0, once.version)


def test_only_new_blocks_are_labelled(lake: Lake) -> None:
    once = label(lake, ONE, now=1).lake
    more = stored(once, blocks([b"/alpha/"], first=4))
    assert label(more, ONE, now=2).new == 1


def test_another_list_is_a_new_version_and_old_answers_stay(lake: Lake) -> None:
    first = label(lake, ONE, now=1).lake
    second = label(first, TWO, now=2).lake
    assert second.version == first.version + 1
    assert pools(second, "two") == ["gamma", "unknown", "unknown"]
    assert pools(second, "one") == ["alpha", "beta", "unknown"]
    assert pools(Lake.open(lake.home, first.version)) == ["alpha", "beta", "unknown"]
    assert record_of(second, None, "one").pool_list == "one@111111111111"


def test_of_equal_lists_the_one_whose_name_comes_last_is_taken(lake: Lake) -> None:
    both = label(label(lake, TWO, now=1).lake, ONE, now=2).lake
    assert pool_lists(both)["list"].to_list() == ["two@222222222222", "one@111111111111"]
    assert record_of(both).pool_list == "two@222222222222"


def test_the_list_that_labels_most_of_the_newest_month_is_taken_at_every_moment(lake: Lake) -> None:
    both = label(label(lake, TWO, now=1).lake, ONE, now=2).lake
    grown = label(stored(both, blocks([b"/beta/"], first=4)), ONE, now=3).lake
    assert pools(grown) == ["alpha", "beta", "unknown", "beta"]
    assert pools(grown, at=1) == ["alpha", "beta"]
    assert record_of(grown, Moment("1", height=1)).pool_list == "one@111111111111"


def test_a_list_that_labelled_nothing_is_a_named_error(lake: Lake) -> None:
    done = label(lake, ONE, now=1).lake
    with pytest.raises(UnknownPoolList, match="one@111111111111"):
        record_of(done, None, "three")
    with pytest.raises(UnknownPoolList, match="none so far"):
        record_of(lake, None, "one")


def test_a_lake_without_coinbases_cannot_be_labelled(tmp_path: Path) -> None:
    empty = Lake.create(tmp_path / "bare", MAIN)
    bare = stored(empty, blocks([None, None]))
    with pytest.raises(NoCoinbases):
        label(bare, ONE)
    assert Lake.open(bare.home).version == bare.version


def test_several_sources_of_one_block_give_one_label(lake: Lake) -> None:
    twice = stored(lake, blocks([b"x/alpha/"], source="a node"))
    rows = label(twice, ONE, now=1).lake.frame("pool_labels")
    assert rows.filter(height=0)["source"].to_list() == ["a node"]


def test_a_label_of_a_stale_block_is_none_of_the_chain(tmp_path: Path) -> None:
    from hashcanary.chain.headers import decode_headers
    from hashcanary.chain.networks import REGTEST

    active = grow(3)
    stale = grow(1, active[0], branch=7)
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"".join([REGTEST_GENESIS, *active]))
    (folder / "b.bin").write_bytes(b"".join(stale))
    from hashcanary.store.loading import load

    lake = load(Lake.create(tmp_path / "forked", REGTEST), [folder], now=0).lake
    hashes = [bytes(one) for one in decode_headers(b"".join([*active, *stale])).hash]
    rows = blocks([b"/alpha/", b"/alpha/", b"/alpha/", b"/beta/"], first=1).with_columns(
        hash=pl.Series(hashes),
        height=pl.Series([1, 2, 3, 2]),
        bits=pl.lit(None, pl.Int64),
        time=pl.lit(None, pl.Int64),
    )
    # a stale block's label does not stand in where the active one has none
    only = label(stored(lake, rows.tail(1)), ONE, now=1).lake
    assert only.frame("pool_labels")["pool"].to_list() == ["beta"]
    assert pools(only) == []
    labelled = label(stored(only, rows.head(3)), ONE, now=2).lake
    assert labelled.frame("pool_labels").height == 4
    assert pools(labelled) == ["alpha", "alpha", "alpha"]


def test_a_renewed_record_has_the_labels_of_a_whole_one(lake: Lake) -> None:
    recorder = Recorder()
    recorder.record(lake)
    for after in (
        label(lake, ONE, now=1).lake,
        stored(lake, blocks([b"/alpha/"], first=4)),
        label(lake, ONE, now=2).lake,
    ):
        renewed, whole = recorder.record(after), record_of(after)
        assert renewed.pool_list == whole.pool_list
        assert renewed.pool_labels.equals(whole.pool_labels)


def brought(lake: Lake, rows: pl.DataFrame, pool_list: PoolList = ONE) -> SyncReport:
    """What a sync of rows about blocks gives."""

    def batches(asked: Asked) -> Iterator[Batch]:
        yield Batch((Facts(BLOCKS, rows),), {"rows": rows.height})

    feed = Feed("fake", "a feed of tests", ("blocks",), (), batches)
    report = sync(lake, feed, {}, Clock(waits_left=0), pools=pool_list)
    assert report.error is None
    return report


def test_blocks_are_labelled_in_the_version_that_brings_them(tmp_path: Path) -> None:
    empty = Lake.create(tmp_path / "followed", MAIN)
    first = brought(empty, blocks([b"x/alpha/", None]))
    assert first.new == {"blocks": 2, "pool_labels": 1}
    assert (first.versions, pools(first.lake)) == (1, ["alpha"])
    again = brought(first.lake, blocks([b"x/alpha/", None, b"/beta/"]))
    assert again.new == {"blocks": 1, "pool_labels": 1}
    assert pools(again.lake) == ["alpha", "beta"]


def test_a_coinbase_that_comes_later_is_labelled_then(tmp_path: Path) -> None:
    empty = Lake.create(tmp_path / "followed", MAIN)
    bare = brought(empty, blocks([None, None])).lake
    assert pools(bare) == []
    assert pools(brought(bare, blocks([None, b"/beta/"])).lake) == ["beta"]


def test_a_synced_block_that_went_stale_keeps_its_label(tmp_path: Path) -> None:
    empty = Lake.create(tmp_path / "followed", MAIN)
    one = brought(empty, blocks([b"/alpha/"], mark=1)).lake
    both = brought(one, blocks([b"/beta/"], mark=2)).lake
    assert both.frame("pool_labels")["pool"].to_list() == ["alpha", "beta"]


def test_a_few_blocks_labelled_by_another_list_do_not_take_the_place_of_a_history(
    lake: Lake,
) -> None:
    history = label(lake, ONE, now=1).lake
    report = brought(history, blocks([b"/alpha/"], first=4), TWO)
    assert record_of(report.lake).pool_list == "one@111111111111"
    assert pools(report.lake, "two") == ["gamma"]


def test_syncing_labels_by_the_built_in_list(tmp_path: Path) -> None:
    feed = Feed("fake", "a feed of tests", ("blocks",), (), lambda _: iter([_mined_by_f2pool()]))
    report = sync(Lake.create(tmp_path / "followed", MAIN), feed, {}, Clock(waits_left=0))
    assert pools(report.lake) == ["f2pool"]
    assert record_of(report.lake).pool_list == built_in().label


def _mined_by_f2pool() -> Batch:
    return Batch((Facts(BLOCKS, blocks([b"\x03\x00\x00\x01/F2Pool/"])),), {})


def test_labels_pass_verification(lake: Lake) -> None:
    done = label(lake, ONE, now=1).lake
    keys = next(check for check in verify(done.home).checks if check.name == "keys")
    assert keys.findings == ()


@pytest.mark.parametrize(
    ("old", "new", "first"),
    [
        # of the newest 4,320 blocks one labels more
        ([10_000, 5_680, 5_679], [10_000, 5_681], "new@2"),
        # as many of those: the one with more blocks
        ([10_000, 5_680, 5_679], [10_000, 5_680], "old@1"),
        # as many blocks: the one whose name comes last
        ([10_000, 5_680], [10_000, 5_680], "old@1"),
        # blocks are counted once, whoever says their coinbase
        ([10_000, 10_000, 10_000], [10_000, 9_999], "new@2"),
    ],
)
def test_the_list_that_is_taken_labels_most_of_the_newest_month(
    tmp_path: Path, old: list[int], new: list[int], first: str
) -> None:
    rows = [
        {
            "height": height,
            "hash": None,
            "pool": "p",
            "evidence": "",
            "list": name,
            "source": str(at),
        }
        for name, heights in (("old@1", old), ("new@2", new))
        for at, height in enumerate(heights)
    ]
    labels = pl.DataFrame([{**row, "known_at": 1} for row in rows], schema=POOL_LABELS.schema)
    with Lake.create(tmp_path / "two", MAIN).writing() as transaction:
        transaction.append("pool_labels", labels)
        both = transaction.publish([], 0)
    lists = pool_lists(both)
    assert lists["list"][0] == first
    counts = dict(lists.select("list", "blocks").iter_rows())
    assert counts == {"old@1": len(set(old)), "new@2": len(set(new))}
    assert dict(lists.select("list", "first").iter_rows()) == {"old@1": min(old), "new@2": min(new)}
    assert set(lists["last"]) == {10_000}
