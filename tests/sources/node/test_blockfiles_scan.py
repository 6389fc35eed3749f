"""The feed of block files: what it finds, where it goes on, what it will not believe."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import bitcoin.core
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support import block_maker
from support.clocks import Clock
from support.mining import double_sha256

from hashcanary.chain.networks import MAIN, REGTEST, SIGNET, TESTNET4
from hashcanary.errors import UsageError
from hashcanary.sources.catalogue import blockfiles
from hashcanary.sources.errors import BadKey, DamagedBlockFile, NoBlockFiles
from hashcanary.sources.facts import BLOCKS, HEADERS
from hashcanary.sources.feed import Asked, Batch
from hashcanary.sources.node import block_files
from hashcanary.store.lake import Lake
from hashcanary.store.recording import active_headers, all_headers, record_of
from hashcanary.store.syncing import sync
from hashcanary.store.verify import verify

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hashcanary.sources.feed import Held

TABLES = {one.name: pl.DataFrame(schema=one.schema) for one in (HEADERS, BLOCKS)}
KEY = bytes.fromhex("a1b2c3d4e5f60718")


def asked(
    held: Held, folder: Path, cursor: Mapping[str, object] | None = None, **settings: str
) -> Asked:
    """A question to the feed about a folder."""
    return Asked(held, cursor or {}, {"datadir": str(folder), **settings}, Clock(0.0))


def read(
    held: Held, folder: Path, cursor: Mapping[str, object] | None = None, **settings: str
) -> list[Batch]:
    """All batches of the feed."""
    return list(blockfiles.BLOCKFILES.batches(asked(held, folder, cursor, **settings)))


def table(batches: list[Batch], name: str = "blocks") -> pl.DataFrame:
    """The rows of one table in all batches, ascending."""
    frames = [facts.frame for one in batches for facts in one.facts if facts.table.name == name]
    return pl.concat([TABLES[name], *frames]).sort("height", "hash")


def notes(batches: list[Batch]) -> str:
    """All notes as one text."""
    return "; ".join(note for batch in batches for note in batch.notes)


def file_in_order(folder: Path, count: int = 30) -> list[bytes]:
    """A blocks folder with one chain in one file."""
    blocks: list[bytes] = block_maker.chain(count)
    block_maker.write(folder, {0: block_maker.framed(blocks)})
    return blocks


@pytest.mark.parametrize("key", [b"", KEY])
def test_the_first_real_blocks_plain_and_locked(
    real_data: Path, tmp_path: Path, key: bytes
) -> None:
    data = (real_data / "raw_blocks" / "first-100k-blocks.dat").read_bytes()
    block_maker.write(tmp_path, {0: data}, key, tail=5_000)
    rows = table(batches := read(block_maker.held(MAIN), tmp_path))
    assert batches[-1].done == batches[-1].total == len(data) + 5_000
    stream = io.BytesIO(data)
    expected = []
    while stream.read(4) == MAIN.magic:
        size = int.from_bytes(stream.read(4), "little")
        block = bitcoin.core.CBlock.deserialize(stream.read(size))
        outputs = b"".join(out.serialize() for out in block.vtx[0].vout)
        expected.append(
            {
                "height": len(expected),
                "hash": block.GetHash()[::-1],
                "time": block.nTime,
                "bits": block.nBits,
                "tx_count": len(block.vtx),
                "size": size,
                "weight": block.GetWeight(),
                "coinbase_value": sum(out.nValue for out in block.vtx[0].vout),
                "coinbase_script": bytes(block.vtx[0].vin[0].scriptSig),
                "coinbase_outputs": bytes([len(block.vtx[0].vout)]) + outputs,
            }
        )
    theirs = pl.DataFrame(expected)
    assert theirs.height == 439
    assert_frame_equal(rows.select(theirs.columns), theirs)
    headers = table(batches, "headers")
    assert headers["prev_hash"][1:].to_list() == headers["hash"][:-1].to_list()
    assert set(rows["source"]) | set(headers["source"]) == {"blockfiles"}
    assert rows["known_at"].to_list() == rows["time"].to_list()


@pytest.mark.parametrize("verify", ["light", "full"])
def test_single_real_blocks_stand_where_their_coinbases_say(
    raw_blocks: dict[str, bytes], tmp_path: Path, verify: str
) -> None:
    """Without parents, as in a pruned directory; blocks before BIP34 are not placed by it."""
    block_maker.write(tmp_path, {7: block_maker.framed(raw_blocks.values(), MAIN.magic)}, KEY)
    batches = read(block_maker.held(MAIN), tmp_path, verify=verify)
    rows = table(batches)
    heights = {169482, 227835, 227836}
    placed = {363703, 370661, 383616, 481815, 481829, 866342, 367891}
    # the other two are known by their hashes alone; their heights are 437,303 and 333,961
    assert set(rows["height"]) == placed | {437_303, 333_961}
    assert heights.isdisjoint(rows["height"])
    assert "3 blocks follow no block of known height" in notes(batches)
    assert "7 block files below the last are missing" in notes(batches)
    by_hash = {row["hash"]: row for row in rows.iter_rows(named=True)}
    compared = 0
    for name, data in raw_blocks.items():
        block = bitcoin.core.CBlock.deserialize(data)
        row = by_hash.get(block.GetHash()[::-1])
        if row is None:
            continue
        compared += 1
        assert row["tx_count"] == len(block.vtx), name
        assert row["size"] == len(data), name
        assert row["coinbase_value"] == sum(out.nValue for out in block.vtx[0].vout), name
        assert row["coinbase_script"] == bytes(block.vtx[0].vin[0].scriptSig), name
        witness = not block.vtx[0].wit.is_null()
        told = None if witness and verify == "light" else block.GetWeight()
        assert row["weight"] == told, name
    assert compared == 9


def test_a_coinbase_longer_than_the_window_is_read_again(
    raw_blocks: dict[str, bytes], tmp_path: Path
) -> None:
    """Block 169,482 pays 208 miners; the lake knows its parent."""
    data = raw_blocks["block169482.dat"]
    parent = data[4:36][::-1]
    held = block_maker.held(MAIN, {parent: 169_481}.get)
    block_maker.write(tmp_path, {0: block_maker.framed([data], MAIN.magic)})
    (row,) = table(read(held, tmp_path)).iter_rows(named=True)
    theirs = bitcoin.core.CBlock.deserialize(data).vtx[0]
    assert row["height"] == 169_482
    assert row["coinbase_value"] == sum(out.nValue for out in theirs.vout)
    assert row["coinbase_outputs"] == bytes([208]) + b"".join(o.serialize() for o in theirs.vout)


def test_blocks_out_of_order_and_stale_branches_are_placed(tmp_path: Path) -> None:
    blocks = block_maker.chain(40)
    stale = [block_maker.block(blocks[20], 21, tag=b"/stale/")]
    stale.append(block_maker.block(stale[0], 22, tag=b"/stale/"))
    mixed = [*blocks[1::2], stale[1], *blocks[0::2], stale[0]]
    files = {0: block_maker.framed(mixed[:17]), 1: block_maker.framed(mixed[17:])}
    block_maker.write(tmp_path, files, KEY, tail=64)
    expected = sorted(
        (height, double_sha256(block[:80])[::-1])
        for height, block in [*enumerate(blocks), (21, stale[0]), (22, stale[1])]
    )
    for workers in ("1", "3"):
        rows = table(read(block_maker.held(), tmp_path, workers=workers))
        assert list(rows.select("height", "hash").iter_rows()) == expected


def test_witness_blocks_have_a_weight_only_when_read_whole(tmp_path: Path) -> None:
    blocks = block_maker.chain(5, witness=True)
    block_maker.write(tmp_path, {0: block_maker.framed(blocks)})
    light = table(read(block_maker.held(), tmp_path))
    assert light["weight"].to_list()[1:] == [None] * 5
    whole = table(read(block_maker.held(), tmp_path, verify="full"))
    theirs = [bitcoin.core.CBlock.deserialize(block).GetWeight() for block in blocks]
    assert whole["weight"].to_list() == theirs
    assert_frame_equal(light.drop("weight"), whole.drop("weight"))


def test_a_full_scan_reads_again_what_a_light_one_read(tmp_path: Path) -> None:
    blocks = file_in_order(tmp_path)
    held = block_maker.held()
    light = read(held, tmp_path)[-1].cursor
    full = read(held, tmp_path, light, verify="full")
    assert table(full).height == len(blocks)
    assert read(held, tmp_path, full[-1].cursor, verify="full") == []
    assert read(held, tmp_path, full[-1].cursor) == []


def test_a_scan_goes_on_from_any_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = block_maker.chain(60)
    mixed = [block for at in range(0, 61, 4) for block in reversed(blocks[at : at + 4])]
    files = {at: block_maker.framed(mixed[at * 16 : at * 16 + 16]) for at in range(4)}
    block_maker.write(tmp_path, files, KEY, tail=100)
    held = block_maker.held()
    clean = table(read(held, tmp_path))
    monkeypatch.setattr(block_files, "BATCH_ROWS", 5)
    monkeypatch.setattr(block_files, "MOST_RECORDS", 3)
    monkeypatch.setattr("hashcanary.sources.node.block_files_walk.MOST_RECORDS", 3)
    heights = {}
    batches, cursor, cuts = [], {}, 0
    while True:
        known = block_maker.held(REGTEST, heights.get)
        # taken one batch at a time, as by a process that is killed after each
        batch = next(iter(blockfiles.BLOCKFILES.batches(asked(known, tmp_path, cursor))), None)
        if batch is None:
            break
        cuts += 1
        cursor = batch.cursor
        batches.append(batch)
        heights |= dict(table([batch]).select("hash", "height").iter_rows())
    assert cuts >= 8
    assert_frame_equal(table(batches).unique().sort("height"), clean)
    assert len(table(batches)) < 2 * len(clean)


def test_only_what_was_appended_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = block_maker.chain(50)
    block_maker.write(tmp_path, {0: block_maker.framed(blocks[:48])}, tail=4_000)
    known = {double_sha256(b[:80])[::-1]: h for h, b in enumerate(blocks[:48])}
    held = block_maker.held(REGTEST, known.get)
    cursor = read(held, tmp_path)[-1].cursor
    assert read(held, tmp_path, cursor) == []
    block_maker.write(tmp_path, {0: block_maker.framed(blocks)}, tail=4_000)
    asked_for = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, n, at: (asked_for.append(at), pread(fd, n, at))[1])
    batches = read(held, tmp_path, cursor)
    assert table(batches)["height"].to_list() == [48, 49, 50]
    assert min(asked_for) == len(block_maker.framed(blocks[:48]))


@pytest.mark.parametrize("verify_setting", ["light", "full"])
@pytest.mark.parametrize("depth", [1, 2, 12, 30])
def test_a_reorganisation_while_we_were_off_is_an_event_and_the_stale_branch_stays(
    tmp_path: Path, depth: int, verify_setting: str
) -> None:
    """A node appends the blocks of the branch that wins, some of them to a file of their own."""
    folder = tmp_path / "blocks"
    old = block_maker.chain(30)
    block_maker.write(folder, {0: block_maker.framed(old)}, KEY)
    settings = {"datadir": str(folder), "verify": verify_setting}
    lake = Lake.create(tmp_path / "lake", REGTEST)
    lake = sync(lake, blockfiles.BLOCKFILES, settings, Clock(0.0)).lake
    new = old[: 31 - depth]
    while len(new) < 32:
        new.append(block_maker.block(new[-1], len(new), tag=b"/branch/"))
    branch = new[31 - depth :]
    # the last two out of order, as they may come from peers
    appended = [*branch[:-2], *branch[:-3:-1]]
    half = len(appended) // 2
    block_maker.write(folder, {0: block_maker.framed([*old, *appended[:half]])}, KEY)
    block_maker.write(folder, {1: block_maker.framed(appended[half:])}, KEY, tail=300)
    report = sync(lake, blockfiles.BLOCKFILES, settings, Clock(0.0))
    assert report.error is None
    assert report.new["headers"] == report.new["blocks"] == depth + 1
    (event,) = report.events
    assert (event["kind"], event["height"]) == ("reorg", 30 - depth)
    assert json.loads(str(event["detail"]))["depth"] == depth
    hashes = [double_sha256(block[:80])[::-1] for block in new]
    headers = report.lake.frame("headers")
    assert headers.height == 31 + depth + 1
    active = active_headers(all_headers(report.lake))
    assert active["hash"].to_list() == hashes
    record = record_of(report.lake).blocks
    assert record["height"].to_list() == list(range(32))
    assert record["size"].to_list() == [len(block) for block in new]
    assert verify(report.lake.home).findings == ()
    assert sync(report.lake, blockfiles.BLOCKFILES, settings, Clock(0.0)).versions == 0


def test_a_block_under_way_is_read_when_it_is_whole(tmp_path: Path) -> None:
    """Every length to which the last record may have been written, in laid-out zeros."""
    blocks = block_maker.chain(4)
    whole = block_maker.framed(blocks)
    start = len(block_maker.framed(blocks[:-1]))
    for written in range(start, len(whole), 7):
        for key in (b"", KEY):
            folder = tmp_path / f"{written}{len(key)}"
            tail = len(whole) - written + 50
            block_maker.write(folder, {0: whole[:written]}, key, tail)
            batches = read(block_maker.held(), folder)
            assert table(batches)["height"].to_list() == [0, 1, 2, 3]
            if written - start >= 8:
                assert f"blk00000.dat, offset {start}" in notes(batches)
            block_maker.write(folder, {0: whole}, key, tail=50)
            known = block_maker.held(REGTEST, {blocks[4][4:36][::-1]: 3}.get)
            assert table(read(known, folder, batches[-1].cursor))["height"].to_list() == [4]


def test_a_file_cut_short_gives_what_is_whole_and_says_so(tmp_path: Path) -> None:
    blocks = block_maker.chain(4)
    whole = block_maker.framed(blocks)
    start = len(block_maker.framed(blocks[:-1]))
    for length in range(start + 1, len(whole), 5):
        block_maker.write(tmp_path, {0: whole[:length]})
        batches = read(block_maker.held(), tmp_path)
        assert table(batches)["height"].to_list() == [0, 1, 2, 3]
        assert f"offset {start}" in notes(batches)
        assert batches[-1].cursor["ends"] == {"0": start}


def test_a_pruned_directory_is_placed_by_lake_or_coinbase(tmp_path: Path) -> None:
    blocks = block_maker.chain(60)
    block_maker.write(tmp_path, {3: block_maker.framed(blocks[30:])})
    batches = read(block_maker.held(), tmp_path)
    assert table(batches)["height"].to_list() == list(range(30, 61))
    assert "3 block files below the last are missing" in notes(batches)
    silent = replace(REGTEST, bip34_height=100)
    assert read(block_maker.held(silent), tmp_path)[0].facts == ()
    known = {blocks[30][4:36][::-1]: 29}
    by_lake = read(block_maker.held(silent, known.get), tmp_path)
    assert table(by_lake)["height"].to_list() == list(range(30, 61))


def test_a_branch_that_contradicts_itself_is_not_placed_by_its_coinbases(tmp_path: Path) -> None:
    first = block_maker.block(block_maker.chain(3)[3], 500)
    second = block_maker.block(first, 502)
    block_maker.write(tmp_path, {3: block_maker.framed([first, second])})
    batches = read(block_maker.held(), tmp_path)
    assert batches[0].facts == ()
    assert "2 blocks follow no block of known height" in notes(batches)
    assert batches[0].cursor["ends"] == {}


def test_a_stated_height_must_be_the_block_s(tmp_path: Path) -> None:
    blocks = block_maker.chain(3)
    blocks.append(block_maker.block(blocks[3], 5, [block_maker.filler(90)]))
    offset = len(block_maker.framed(blocks[:4]))
    block_maker.write(tmp_path, {0: block_maker.framed(blocks)})
    with pytest.raises(DamagedBlockFile, match=f"blk00000.dat, offset {offset}: .*for height 4"):
        read(block_maker.held(), tmp_path)


def test_blocks_in_the_files_twice_are_given_once(tmp_path: Path) -> None:
    blocks = block_maker.chain(10)
    files = {0: block_maker.framed(blocks + blocks[3:6]), 1: block_maker.framed(blocks[:4])}
    block_maker.write(tmp_path, files)
    batches = read(block_maker.held(), tmp_path)
    assert table(batches)["height"].to_list() == list(range(11))
    assert "7 blocks stand in the files more than once" in notes(batches)


def test_more_waiting_blocks_than_fit_are_placed_by_coinbases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block_files, "MOST_WAITING", 4)
    monkeypatch.setattr(block_files, "MOST_RECORDS", 1)
    blocks = block_maker.chain(20)
    files = {at: block_maker.framed([block]) for at, block in enumerate(reversed(blocks))}
    block_maker.write(tmp_path, files)
    rows = table(read(block_maker.held(), tmp_path))
    assert rows["height"].to_list() == list(range(21))


def test_the_lake_s_network_is_looked_for_in_core_s_folders(tmp_path: Path) -> None:
    block_maker.write(
        tmp_path / "regtest" / "blocks", {0: block_maker.framed(block_maker.chain(2))}
    )
    assert table(read(block_maker.held(), tmp_path)).height == 3
    with pytest.raises(NoBlockFiles, match="no file of that name"):
        read(block_maker.held(MAIN), tmp_path)
    with pytest.raises(NoBlockFiles, match="no such folder"):
        read(block_maker.held(MAIN), tmp_path / "nowhere")


@pytest.mark.parametrize("network", [MAIN, TESTNET4, SIGNET])
def test_blocks_of_another_network_are_named(tmp_path: Path, network: object) -> None:
    file_in_order(tmp_path)
    with pytest.raises(DamagedBlockFile, match=r"offset 0: .*the magic of regtest"):
        read(block_maker.held(network), tmp_path)


def test_other_networks_magics_are_read(tmp_path: Path) -> None:
    for network in (MAIN, TESTNET4, SIGNET):
        like = replace(REGTEST, magic=network.magic)
        blocks = block_maker.framed(block_maker.chain(3), network.magic)
        block_maker.write(tmp_path / network.name, {0: blocks}, KEY)
        assert table(read(block_maker.held(like), tmp_path / network.name)).height == 4


def test_a_header_without_work_is_named(tmp_path: Path) -> None:
    file_in_order(tmp_path)
    as_main = replace(MAIN, magic=REGTEST.magic)
    with pytest.raises(DamagedBlockFile, match="offset 0: expected a header with proof of work"):
        read(block_maker.held(as_main), tmp_path)


def test_a_wrong_key_is_named(tmp_path: Path) -> None:
    file_in_order(tmp_path)
    (tmp_path / "xor.dat").write_bytes(KEY)
    with pytest.raises(DamagedBlockFile, match="offset 0: expected a record"):
        read(block_maker.held(), tmp_path)
    (tmp_path / "xor.dat").write_bytes(KEY[:5])
    with pytest.raises(BadKey, match="found 5 bytes"):
        read(block_maker.held(), tmp_path)


def test_what_came_before_the_damage_is_kept(tmp_path: Path) -> None:
    blocks = block_maker.chain(9)
    files = {at: block_maker.framed(blocks[at * 5 : at * 5 + 5]) for at in range(2)}
    files[1] = b"\1" + files[1][1:]
    block_maker.write(tmp_path, files)
    batches: list[Batch] = []
    feed = blockfiles.BLOCKFILES.batches(asked(block_maker.held(), tmp_path))
    with pytest.raises(DamagedBlockFile, match=r"blk00001\.dat, offset 0"):
        batches.extend(feed)
    assert table(batches)["height"].to_list() == [0, 1, 2, 3, 4]
    assert batches[-1].cursor["ends"] == {"0": len(files[0])}


def test_another_file_in_the_place_of_a_known_one_is_read_anew(tmp_path: Path) -> None:
    blocks = file_in_order(tmp_path)
    cursor = read(block_maker.held(), tmp_path)[-1].cursor
    other = [block_maker.FIRST_BLOCK]
    for height in range(1, 60):
        other.append(block_maker.block(other[-1], height, tag=b"/the other chain/"))
    block_maker.write(tmp_path, {0: block_maker.framed(other)})
    rows = table(read(block_maker.held(), tmp_path, cursor))
    assert len(blocks) == 31
    assert rows["height"].to_list() == list(range(60))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("workers", "0"), ("workers", "many"), ("workers", "65"), ("verify", "some"), ("poll", "-1")],
)
def test_settings_that_cannot_be_used_are_named(tmp_path: Path, setting: str, value: str) -> None:
    file_in_order(tmp_path)
    question = asked(block_maker.held(), tmp_path, **{setting: value})
    use = (
        blockfiles.BLOCKFILES.wait
        if setting == "poll"
        else lambda asked: list(blockfiles.batches(asked))
    )
    with pytest.raises(UsageError, match=f"the setting {setting}: expected .*, found '{value}'"):
        use(question)


def test_following_looks_again_after_a_while(tmp_path: Path) -> None:
    question = asked(block_maker.held(), tmp_path, poll="7")
    blockfiles.BLOCKFILES.wait(question)
    assert question.clock.slept == [7]


def test_few_bytes_of_large_blocks_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = [block_maker.FIRST_BLOCK]
    for height in range(1, 9):
        others = [block_maker.filler(500_000, height), block_maker.filler(500_000, 50 + height)]
        blocks.append(block_maker.block(blocks[-1], height, others))
    block_maker.write(tmp_path, {0: block_maker.framed(blocks)})
    total = (tmp_path / "blk00000.dat").stat().st_size
    taken = []
    pread = os.pread

    def counted(descriptor: int, length: int, offset: int) -> bytes:
        data = pread(descriptor, length, offset)
        taken.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", counted)
    rows = table(read(block_maker.held(), tmp_path))
    assert rows["tx_count"].to_list() == [1] + [3] * 8
    assert total > 8_000_000
    assert 0 < sum(taken) < total / 100


def torn(
    folder: Path, blocks: list[bytes], at: int, between: bytes, key: bytes = b"", raw: bool = True
) -> Path:
    """A blocks folder whose one file has bytes between two blocks; raw: not XORed, as zeros are."""
    first, rest = (block_maker.framed(part) for part in (blocks[:at], blocks[at:]))
    if not key:
        return block_maker.write(folder, {0: first + between + rest})
    plain = block_maker.locked(first, key)
    plain += between if raw else block_maker.locked(between, key, len(first))
    plain += block_maker.locked(rest, key, len(first) + len(between))
    block_maker.write(folder, {0: b""}, key)
    (folder / "blk00000.dat").write_bytes(plain)
    return folder


@pytest.mark.parametrize("key", [b"", KEY])
@pytest.mark.parametrize("length", [1, 7, 8, 1024, 3_000_001])
def test_zeros_between_blocks_are_passed_over_and_told(
    tmp_path: Path, length: int, key: bytes
) -> None:
    blocks: list[bytes] = block_maker.chain(12)
    torn(tmp_path, blocks, 5, bytes(length), key)
    batches = read(block_maker.held(), tmp_path)
    assert table(batches)["height"].to_list() == list(range(len(blocks)))
    end = len(block_maker.framed(blocks[:5]))
    assert f"blk00000.dat, offset {end}: {length:,} zero bytes before the next" in notes(batches)
    assert batches[-1].done == batches[-1].total == (tmp_path / "blk00000.dat").stat().st_size
    # what was passed over is not read again
    assert read(block_maker.held(), tmp_path, batches[-1].cursor) == []


@pytest.mark.parametrize("key", [b"", KEY])
@pytest.mark.parametrize(
    "scrap",
    [b"scraps", REGTEST.magic + b"\0\0", REGTEST.magic + (500).to_bytes(4, "little") + b"x" * 90],
)
def test_scraps_and_half_blocks_between_blocks_are_passed_over_and_told(
    tmp_path: Path, scrap: bytes, key: bytes
) -> None:
    blocks: list[bytes] = block_maker.chain(12)
    torn(tmp_path, blocks, 5, scrap, key, raw=False)
    batches = read(block_maker.held(), tmp_path)
    assert table(batches)["height"].to_list() == list(range(len(blocks)))
    end = len(block_maker.framed(blocks[:5]))
    assert f"offset {end}: {len(scrap)} bytes of no whole block before the next" in notes(batches)
    # a mended file may have a block there
    assert batches[-1].cursor["ends"] == {"0": end}


def test_a_damaged_block_is_left_out_and_read_when_the_file_is_mended(tmp_path: Path) -> None:
    blocks: list[bytes] = block_maker.chain(12)
    whole = block_maker.framed(blocks)
    place = len(block_maker.framed(blocks[:5]))
    block_maker.write(tmp_path, {0: whole[:place] + b"\1" + whole[place + 1 :]})
    batches = read(block_maker.held(), tmp_path)
    # blocks of this network state their height, so those behind it are known without it
    assert table(batches)["height"].to_list() == [*range(5), *range(6, len(blocks))]
    assert f"{len(blocks[5]) + 8} bytes of no whole block" in notes(batches)
    block_maker.write(tmp_path, {0: whole})
    hashes = {double_sha256(one[:80])[::-1]: at for at, one in enumerate(blocks[:5])}
    known = block_maker.held(REGTEST, hashes.get)
    later = table(read(known, tmp_path, batches[-1].cursor))
    assert later["height"].to_list() == list(range(5, len(blocks)))


def test_a_file_that_grew_behind_zeros_is_read_on(tmp_path: Path) -> None:
    blocks: list[bytes] = block_maker.chain(12)
    first, rest = (block_maker.framed(part) for part in (blocks[:5], blocks[5:]))
    block_maker.write(tmp_path, {0: first}, tail=4000)
    before = read(block_maker.held(), tmp_path)
    assert table(before)["height"].to_list() == list(range(5))
    block_maker.write(tmp_path, {0: first + bytes(2000) + rest})
    hashes = {double_sha256(one[:80])[::-1]: at for at, one in enumerate(blocks[:5])}
    known = block_maker.held(REGTEST, hashes.get)
    rows = table(read(known, tmp_path, before[-1].cursor))
    assert rows["height"].to_list() == list(range(5, len(blocks)))


@pytest.mark.parametrize("held", [b"", bytes.fromhex("0102030405060708")])
def test_a_key_that_is_missing_or_another_is_named(tmp_path: Path, held: bytes) -> None:
    blocks: list[bytes] = block_maker.chain(12)
    block_maker.write(tmp_path, {0: block_maker.framed(blocks)}, KEY)
    (tmp_path / "xor.dat").unlink()
    if held:
        (tmp_path / "xor.dat").write_bytes(held)
    said = f"the key {held.hex()}" if held else "no such file"
    with pytest.raises(BadKey, match=f"xor.dat: .*found {said}.*XORed with {KEY.hex()}"):
        read(block_maker.held(), tmp_path)
