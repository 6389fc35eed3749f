"""A node's chain walked over REST: binary headers, whole blocks, exact fees by what they spend."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import node_server
from support.clocks import Clock
from support.mining import grow

from hashcanary.chain.errors import InvalidBlock
from hashcanary.chain.headers import encode_headers
from hashcanary.chain.networks import REGTEST
from hashcanary.sources.catalogue.bitcoind import REST, RPC
from hashcanary.sources.errors import (
    BadBlock,
    OtherNetwork,
    Refused,
    SourceError,
    Unreachable,
    WrongSchema,
)
from hashcanary.sources.node.rest_node import fees
from hashcanary.store.lake import Lake
from hashcanary.store.recording import record_of
from hashcanary.store.syncing import sync
from hashcanary.store.verify import verify


@pytest.fixture
def served() -> Iterator[Any]:
    """A node whose 30 blocks have fees: three payments each, two of them with a witness."""
    blocks = node_server.chain_of(30, fees=(1000, 250, 7))
    with node_server.serve(node_server.FakeNode(blocks)) as served:
        yield served


@pytest.fixture
def holding() -> Any:
    """An empty lake in memory."""
    return node_server.Holding()


def test_headers_and_blocks_are_as_the_node_has_them(served: Any, holding: Any) -> None:
    batches = holding.sync(REST, url=served.url)
    blocks = served.node.blocks
    headers = pl.concat(f.frame for b in batches for f in b.facts if f.table.name == "headers")
    assert encode_headers(headers) == b"".join(block.header for block in blocks)
    rows = holding.blocks()
    assert rows["height"].to_list() == list(range(31))
    assert rows["total_fee"].to_list() == [0] + [1257] * 30
    assert rows["coinbase_value"].to_list() == [block.coinbase_value for block in blocks]
    assert rows["weight"].to_list() == [3 * block.stripped + len(block.raw) for block in blocks]
    assert set(rows["source"]) == {"bitcoind-rest"}
    assert served.asked.count("/rest/chaininfo.json") == 1


def test_both_interfaces_of_a_node_agree(served: Any) -> None:
    rest, rpc = node_server.Holding(), node_server.Holding()
    rest.sync(REST, url=served.url)
    rpc.sync(RPC, url=served.url, user="a", password="b")
    columns = ["height", "hash", "time", "subsidy", "total_fee", "tx_count", "size", "weight"]
    columns += ["coinbase_value", "coinbase_script", "coinbase_outputs", "known_at"]
    assert rest.blocks().select(columns).equals(rpc.blocks().select(columns))


def test_a_block_that_the_other_interface_brought_is_not_read_again(
    served: Any, holding: Any
) -> None:
    holding.sync(RPC, url=served.url, user="a", password="b")
    served.asked.clear()
    holding.sync(REST, url=served.url)
    assert not [path for path in served.asked if path.startswith("/rest/block/")]


def test_headers_come_two_thousand_at_a_time(holding: Any) -> None:
    blocks = [node_server.GENESIS, *(node_server.Block(header + b"\0") for header in grow(4500))]
    with node_server.serve(node_server.FakeNode(blocks)) as served:
        batches = holding.sync(REST, url=served.url, blocks="0")
        asked = [path for path in served.asked if path.startswith("/rest/headers/")]
    # the parent is in each answer but the first, so 1,999 are new in it
    assert [f.frame.height for b in batches for f in b.facts] == [2000, 1999, 502]
    assert len(asked) == 3


def test_only_the_newest_blocks_are_read_whole(served: Any, holding: Any) -> None:
    holding.sync(REST, url=served.url, blocks="5")
    assert holding.blocks()["height"].to_list() == [26, 27, 28, 29, 30]


def read_whole(served: Any) -> int:
    """How many blocks were asked for since the last time."""
    count = sum(path.startswith("/rest/block/") for path in served.asked)
    served.asked.clear()
    return count


def test_more_blocks_are_read_when_the_setting_is_raised(served: Any, holding: Any) -> None:
    holding.sync(REST, url=served.url, blocks="4")
    assert read_whole(served) == 4
    holding.sync(REST, url=served.url, blocks="10")
    assert read_whole(served) == 6
    rows = holding.blocks()
    assert rows["height"].to_list() == list(range(21, 31))
    assert rows["total_fee"].to_list() == [1257] * 10
    for blocks in ("10", "4", "0"):
        holding.sync(REST, url=served.url, blocks=blocks)
        assert read_whole(served) == 0
    # two more blocks: those are read, and what is newest now but was not wanted before
    served.node.blocks = node_server.chain_of(2, served.node.blocks, fees=(5,))
    holding.sync(REST, url=served.url, blocks="15")
    assert read_whole(served) == 5
    assert holding.blocks()["height"].to_list() == list(range(18, 33))
    holding.sync(REST, url=served.url, blocks="all")
    assert read_whole(served) == 18
    assert [row["hash"] for row in holding.blocks().iter_rows(named=True)] == [
        block.hash for block in served.node.blocks
    ]


def test_blocks_that_a_raised_setting_asks_for_are_those_of_the_chain_as_it_is_now(
    served: Any, holding: Any
) -> None:
    holding.sync(REST, url=served.url, blocks="4")
    served.node.switch(node_server.chain_of(8, served.node.blocks[:25], branch=3, fees=(5,)))
    read_whole(served)
    holding.sync(REST, url=served.url, blocks="12")
    assert read_whole(served) == 12
    rows = holding.blocks().join(holding.active(), on=["height", "hash"], how="semi")
    assert rows["hash"].to_list() == [block.hash for block in served.node.blocks[21:]]


@pytest.mark.parametrize("depth", [1, 2, 12, 30])
def test_a_reorganisation_while_we_were_off_is_an_event_and_the_stale_branch_stays(
    served: Any, tmp_path: Path, depth: int
) -> None:
    settings = {"url": served.url, "blocks": "all"}
    lake = sync(
        Lake.create(tmp_path / "lake", REGTEST), REST, settings, Clock(1_800_000_000.0)
    ).lake
    old, fork = served.node.blocks, 30 - depth
    served.node.switch(node_server.chain_of(depth + 1, old[: fork + 1], branch=3, fees=(5,)))
    report = sync(lake, REST, settings, Clock(1_800_000_000.0))
    assert report.error is None
    assert report.new["headers"] == report.new["blocks"] == depth + 1
    (event,) = report.events
    assert (event["kind"], event["height"]) == ("reorg", fork)
    detail = json.loads(str(event["detail"]))
    assert (detail["depth"], detail["new_tip"]) == (depth, served.node.blocks[-1].hash.hex())
    headers = report.lake.frame("headers")
    assert set(headers["hash"]) == {block.hash for block in [*old, *served.node.blocks]}
    record = record_of(report.lake).blocks
    assert record["time"].to_list() == [block.time for block in served.node.blocks]
    assert record["total_fee"].to_list() == [block.fee for block in served.node.blocks]
    assert verify(report.lake.home).findings == ()
    assert sync(report.lake, REST, settings, Clock(1_800_000_000.0)).versions == 0


def test_without_spent_outputs_fees_are_unknown_and_noted(served: Any, holding: Any) -> None:
    served.node.spent_outputs = False
    notes = holding.notes(REST, url=served.url, blocks="5")
    assert holding.blocks()["total_fee"].null_count() == 5
    assert holding.blocks()["coinbase_value"].null_count() == 0
    assert any(note.startswith("5 blocks from 26 to 30: fees are not known") for note in notes)


def test_a_pruned_node_gives_what_it_keeps(served: Any, holding: Any) -> None:
    served.node.pruned_below = 28
    notes = holding.notes(REST, url=served.url)
    assert holding.blocks()["height"].to_list() == [28, 29, 30]
    assert any("blocks 0 to 27: pruned by the node" in note for note in notes)


def test_a_node_that_is_starting_is_asked_again(served: Any, holding: Any) -> None:
    served.node.starting = 3
    holding.sync(REST, url=served.url)
    assert holding.active().height == 31
    assert len(holding.clock.slept) == 3


def test_a_node_that_stays_silent_is_given_up(served: Any, holding: Any) -> None:
    served.faults.extend([node_server.silence] * 10)
    with pytest.raises(Unreachable):
        holding.sync(REST, url=served.url, timeout="0.2")


def test_a_node_without_rest_is_told_how_to_offer_it(holding: Any) -> None:
    with node_server.serve(node_server.FakeNode([node_server.GENESIS])) as served:
        served.faults.append(node_server.status(404))
        with pytest.raises(Refused, match="is the node started with -rest"):
            holding.sync(REST, url=served.url)


def test_a_node_of_another_network_is_refused(served: Any, holding: Any) -> None:
    served.node.chain = "testnet4"
    with pytest.raises(OtherNetwork, match="found one on testnet4"):
        holding.sync(REST, url=served.url)


@pytest.mark.parametrize("at", [2, 3, 4, 5, 20, 40, 60, 80, 100])
def test_a_chain_that_moves_in_the_middle_never_mixes_branches(
    served: Any, holding: Any, at: int
) -> None:
    new = node_server.chain_of(15, served.node.blocks[:18], branch=4, fees=(40,))
    left = at

    def before(path: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            served.node.switch(new)

    served.node.before = before
    for batch in holding.sync(REST, url=served.url):
        for facts in batch.facts:
            if facts.table.name == "blocks":
                assert facts.frame.filter(pl.col("height") >= 18)["total_fee"].n_unique() <= 1
    holding.sync(REST, url=served.url)
    rows = holding.blocks().join(holding.active(), on=["height", "hash"], how="semi")
    assert rows["hash"].to_list() == [block.hash for block in new]


def flip(kind: str, byte: int) -> Callable[[str, Any], Any]:
    def changed(asked: str, data: Any) -> Any:
        if asked != kind:
            return data
        raw = bytearray(data)
        raw[byte] ^= 1
        return bytes(raw)

    return changed


@pytest.mark.parametrize(("kind", "byte"), [("block", 0), ("block", 100), ("block", -5)])
def test_a_block_that_was_tampered_with_is_refused(
    served: Any, holding: Any, kind: str, byte: int
) -> None:
    served.node.changed = flip(kind, byte)
    with pytest.raises(BadBlock):
        holding.sync(REST, url=served.url)
    assert holding.rows == []


@pytest.mark.parametrize("byte", [0, 1, 2, 11, -1])
def test_spent_outputs_that_do_not_fit_the_block_are_refused(
    served: Any, holding: Any, byte: int
) -> None:
    def changed(asked: str, data: Any) -> Any:
        if asked != "spenttxouts" or len(data) < 100:
            return data
        return data[:-1] if byte == -1 else flip("spenttxouts", byte)(asked, data)

    served.node.changed = changed
    with pytest.raises(BadBlock, match="what the block spends"):
        holding.sync(REST, url=served.url)


def test_a_coinbase_that_takes_too_much_is_refused(served: Any, holding: Any) -> None:
    blocks = node_server.chain_of(2, fees=(100,))
    served.node.blocks = [
        *blocks,
        node_server.mine(blocks[-1], 3, fees=(9,), claimed=50 * 10**8 + 10),
    ]
    with pytest.raises(BadBlock, match="at most 5,000,000,009 satoshis, found 5,000,000,010"):
        holding.sync(REST, url=served.url)


def test_a_coinbase_that_takes_less_is_kept_as_it_is(served: Any, holding: Any) -> None:
    blocks = node_server.chain_of(2, fees=(100,))
    served.node.blocks = [*blocks, node_server.mine(blocks[-1], 3, fees=(9,), claimed=1)]
    holding.sync(REST, url=served.url)
    row = holding.blocks().filter(height=3)
    assert (row["coinbase_value"].item(), row["total_fee"].item()) == (1, 9)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data + bytes(80 * 2000),
        lambda data: data[80:],
        lambda data: bytes(len(data)),
    ],
)
def test_headers_that_were_not_asked_for_are_refused(
    served: Any, holding: Any, change: Callable[[bytes], bytes]
) -> None:
    served.node.changed = lambda asked, data: change(data) if asked == "headers" else data
    with pytest.raises(WrongSchema):
        holding.sync(REST, url=served.url)
    assert holding.heights == {}


def test_fees_are_what_is_spent_less_what_is_paid() -> None:
    block = node_server.mine(node_server.GENESIS, 1, fees=(5, 60, 700))
    assert fees(block.raw, node_server.spent_outputs(block)) == 765
    assert fees(node_server.GENESIS.raw, b"\1\0") == 0


def test_more_paid_than_spent_is_refused() -> None:
    block = node_server.mine(node_server.GENESIS, 1, fees=(-5,))
    with pytest.raises(InvalidBlock, match=r"fees from 0 .* found -5"):
        fees(block.raw, node_server.spent_outputs(block))


def test_real_blocks_are_read_to_their_last_byte(real_data: Path) -> None:
    """Spent outputs of a block are not in the data: as many of one satoshi each as it has inputs
    pay too little, which shows that all of its inputs and outputs were met.
    """
    from hashcanary.sources.node.rest_node import _paid

    count = 0
    for path in sorted((real_data / "raw_blocks").glob("block*.dat")):
        raw = path.read_bytes()
        inputs, paid = _paid(raw)
        spent = bytes([0xFD, *len(inputs).to_bytes(2, "little"), 0])
        if not 253 <= len(inputs) < 65536:
            continue
        for number in inputs[1:]:
            size = bytes([number]) if number < 253 else b"\xfd" + number.to_bytes(2, "little")
            spent += size + ((1).to_bytes(8, "little") + b"\0") * number
        with pytest.raises(
            InvalidBlock, match=f"found {sum(inputs[1:]) - paid:,}".replace("-", "[-]")
        ):
            fees(raw, spent)
        count += 1
    assert count >= 3


@pytest.mark.fuzz
@given(data=st.data())
def test_no_bytes_of_spent_outputs_do_more_than_raise_a_named_error(data: st.DataObject) -> None:
    block = node_server.mine(node_server.GENESIS, 1, fees=(5, 60))
    good = node_server.spent_outputs(block)
    kind = data.draw(st.sampled_from(["any", "flip", "cut"]))
    if kind == "any":
        bad = data.draw(st.binary(max_size=150))
    elif kind == "cut":
        bad = good[: data.draw(st.integers(0, len(good) - 1))]
    else:
        raw = bytearray(good)
        raw[data.draw(st.integers(0, len(good) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        bad = bytes(raw)
    try:
        assert fees(block.raw, bad) >= 0
    except InvalidBlock:
        return


@pytest.mark.fuzz
@given(data=st.binary(max_size=300))
def test_no_bytes_for_a_block_do_more_than_raise_a_named_error(data: bytes) -> None:
    from hashcanary.sources.node.chain_node import coinbase_row

    with pytest.raises(SourceError):
        coinbase_row(data, bytes(32), 5, "http://node")
