"""A node's chain walked over RPC: headers from the fork on, rows about blocks, what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from support import node_server
from support.mining import double_sha256, grow

from hashcanary.chain.headers import encode_headers
from hashcanary.sources.catalogue.bitcoind import RPC
from hashcanary.sources.errors import BadBlock, BadHeaders, NodeMoving, OtherNetwork, WrongSchema

Sync = Callable[..., tuple[Any, ...]]


@pytest.fixture
def served() -> Iterator[Any]:
    """A node whose 30 blocks have fees: two payments each, one of them with a witness."""
    blocks = node_server.chain_of(30, fees=(1000, 250))
    with node_server.serve(node_server.FakeNode(blocks)) as served:
        served.allowed = {"canary:secret"}
        yield served


@pytest.fixture
def holding() -> Any:
    """An empty lake in memory."""
    return node_server.Holding()


@pytest.fixture
def settings(served: Any) -> dict[str, str]:
    return {"url": served.url, "user": "canary", "password": "secret", "timeout": "5"}


def heights(holding: Any) -> list[int]:
    return holding.active()["height"].to_list()


def tip(holding: Any) -> bytes:
    return holding.active()["hash"][-1]


def test_an_empty_lake_gets_every_header_as_the_node_has_it(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    batches = holding.sync(RPC, **settings)
    headers = pl.concat(f.frame for b in batches for f in b.facts if f.table.name == "headers")
    assert encode_headers(headers) == b"".join(block.header for block in served.node.blocks)
    assert headers["height"].to_list() == list(range(31))
    assert set(headers["source"]) == {"bitcoind-rpc"}
    assert headers["known_at"].to_list() == [block.time for block in served.node.blocks]
    assert holding.cursor["tip"] == served.node.blocks[-1].hash.hex()


def test_rows_about_blocks_say_what_the_node_counts(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    holding.sync(RPC, **settings)
    rows = holding.blocks()
    assert rows["height"].to_list() == list(range(31))
    assert rows["hash"].to_list() == [block.hash for block in served.node.blocks]
    assert rows["total_fee"].to_list() == [0] + [1250] * 30
    assert rows["subsidy"].unique().to_list() == [50 * 10**8]
    assert rows["tx_count"].to_list() == [1] + [3] * 30
    assert rows["size"].to_list() == [len(block.raw) for block in served.node.blocks]
    assert rows["weight"].to_list() == [
        3 * block.stripped + len(block.raw) for block in served.node.blocks
    ]
    assert rows["coinbase_value"].to_list() == [50 * 10**8] + [50 * 10**8 + 1250] * 30
    assert all(b"/canary/" in script for script in rows["coinbase_script"].to_list()[1:])
    times = [block.time for block in served.node.blocks]
    medians = [sorted(times[max(at - 10, 0) : at + 1])[min(at + 1, 11) // 2] for at in range(31)]
    assert rows["median_time_past"].to_list() == medians


def test_a_second_sync_asks_about_no_block_again(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    holding.sync(RPC, **settings)
    served.asked.clear()
    batches = holding.sync(RPC, **settings)
    assert [facts for batch in batches for facts in batch.facts] == []
    assert served.asked.count("getblock") == 0
    assert served.asked.count("getblockheader") == 0
    assert served.asked.count("getblockstats") == 1  # whether the call is there at all
    assert len(served.asked) < 12


def test_new_blocks_are_all_that_is_asked_for(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    holding.sync(RPC, **settings)
    served.node.blocks = node_server.chain_of(3, served.node.blocks, fees=(7,))
    served.asked.clear()
    holding.sync(RPC, **settings)
    assert served.asked.count("getblockheader") == 3
    assert served.asked.count("getblock") == 3
    assert holding.blocks()["total_fee"].to_list()[-3:] == [7, 7, 7]


def test_after_a_whole_walk_the_rows_of_the_lake_are_not_looked_through(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    holding.sync(RPC, **settings)
    served.node.blocks = node_server.chain_of(1, served.node.blocks, fees=(7,))

    def never(source: str, column: str) -> Any:
        raise AssertionError(source, column)

    asked = holding.asked(**settings)
    asked = replace(asked, held=replace(asked.held, heights_with=never))
    rows = [facts.frame for batch in RPC.batches(asked) for facts in batch.facts]
    assert [frame["height"].to_list() for frame in rows] == [[31], [31]]


def test_rows_that_were_missing_are_asked_for_again(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    served.node.without_undo = frozenset({7})
    holding.sync(RPC, coinbases="2", **settings)
    served.node.without_undo = frozenset()
    holding.sync(RPC, coinbases="2", **settings)
    assert holding.blocks()["height"].to_list() == list(range(31))


def test_statistics_of_all_and_coinbases_of_the_newest(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    holding.sync(RPC, coinbases="4", **settings)
    rows = holding.blocks()
    assert rows["total_fee"].null_count() == 0
    assert rows.filter(pl.col("coinbase_script").is_not_null())["height"].to_list() == [
        27,
        28,
        29,
        30,
    ]
    assert rows.filter(pl.col("size").is_not_null()).height == 4


def test_coinbases_of_more_blocks_are_asked_for_when_the_setting_is_raised(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    holding.sync(RPC, coinbases="4", **settings)
    served.asked.clear()
    holding.sync(RPC, coinbases="10", **settings)
    rows = pl.concat(holding.rows).filter(pl.col("coinbase_script").is_not_null())
    assert sorted(rows["height"].to_list()) == list(range(21, 31))
    assert served.asked.count("getblock") == 6
    served.asked.clear()
    holding.sync(RPC, coinbases="10", **settings)
    holding.sync(RPC, coinbases="4", **settings)
    assert served.asked.count("getblock") == 0


def test_statistics_are_asked_for_where_only_coinbases_came_before(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    holding.sync(RPC, stats="0", coinbases="all", **settings)
    holding.sync(RPC, stats="8", coinbases="all", **settings)
    rows = pl.concat(holding.rows).filter(pl.col("total_fee").is_not_null())
    assert sorted(rows["height"].to_list()) == list(range(23, 31))


def test_headers_alone_where_nothing_else_is_wanted(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    holding.sync(RPC, coinbases="0", stats="0", **settings)
    assert (len(heights(holding)), holding.rows) == (31, [])


def test_headers_come_two_thousand_at_a_time(holding: Any) -> None:
    blocks = [node_server.GENESIS, *(node_server.Block(header + b"\0") for header in grow(4100))]
    with node_server.serve(node_server.FakeNode(blocks)) as served:
        batches = holding.sync(
            RPC, url=served.url, user="a", password="b", stats="0", coinbases="0"
        )
    sizes = [facts.frame.height for batch in batches for facts in batch.facts]
    assert sizes == [2000, 2000, 101]
    assert [(batch.done, batch.total, batch.unit) for batch in batches] == [
        (2000, 4101, "headers"),
        (4000, 4101, "headers"),
        (4101, 4101, "headers"),
        (4101, 4101, "headers"),
    ]
    assert tip(holding) == blocks[-1].hash


def test_rows_come_newest_first(
    served: Any, holding: Any, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hashcanary.sources.node.rpc_node import RpcNode

    monkeypatch.setattr(RpcNode.__init__, "__defaults__", ("bitcoind-rpc", 8))
    batches = holding.sync(RPC, **settings)
    tops = [f.frame["height"].max() for b in batches for f in b.facts if f.table.name == "blocks"]
    assert tops == [30, 22, 14, 6]


def test_a_reorganised_chain_is_asked_for_from_the_fork_on(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    holding.sync(RPC, **settings)
    base = served.node.blocks[:26]
    served.node.switch(node_server.chain_of(8, base, branch=9, fees=(5,)))
    served.asked.clear()
    holding.sync(RPC, **settings)
    assert tip(holding) == served.node.blocks[-1].hash
    assert served.asked.count("getblockheader") == 8
    rows = holding.blocks().filter(pl.col("total_fee") == 5)
    assert rows["height"].to_list() == list(range(26, 34))
    assert rows["hash"].to_list() == [block.hash for block in served.node.blocks[26:]]


def test_rows_of_a_displaced_branch_do_not_stand_for_those_of_the_new_one(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    old = list(served.node.blocks)
    holding.sync(RPC, **settings)
    served.node.switch(node_server.chain_of(8, old[:26], branch=9, fees=(5,)))
    # cut off when only the headers had come
    for batch in RPC.batches(holding.asked(**settings)):
        if batch.unit == "blocks":
            break
        holding.take(batch)
    holding.sync(RPC, **settings)
    new = holding.blocks().filter(pl.col("total_fee") == 5)
    assert new["height"].to_list() == list(range(26, 34))
    served.node.switch(node_server.chain_of(6, old, fees=(3,)))
    holding.sync(RPC, **settings)
    active = holding.active()
    rows = holding.blocks().join(active, on=["height", "hash"], how="semi")
    assert rows["height"].to_list() == list(range(37))


def moving(served: Any, at: str, times: int, change: Callable[[], None]) -> None:
    """Change the chain just before the ``times``-th call of a method."""
    left = times

    def before(method: str) -> None:
        nonlocal left
        left -= method == at
        if left == 0 and method == at:
            left = -1
            change()

    served.node.before = before


@pytest.mark.parametrize(
    ("method", "times"),
    [
        ("getblockhash", 3),
        ("getblockhash", 20),
        ("getblockhash", 31),
        ("getblockheader", 1),
        ("getblockheader", 17),
        ("getblockheader", 31),
        ("getblockstats", 2),
        ("getblockstats", 20),
        ("getblock", 1),
        ("getblock", 11),
        ("getchaintips", 1),
    ],
)
def test_a_chain_that_moves_in_the_middle_never_mixes_branches(
    served: Any, holding: Any, settings: dict[str, str], method: str, times: int
) -> None:
    new = node_server.chain_of(15, served.node.blocks[:18], branch=4, fees=(40,))
    moving(served, method, times, lambda: served.node.switch(new))
    batches = holding.sync(RPC, coinbases="all", **settings)
    for batch in batches:
        for facts in batch.facts:
            if facts.table.name == "blocks":
                told = facts.frame.filter(pl.col("height") >= 18)
                assert told["total_fee"].n_unique() <= 1
    holding.sync(RPC, coinbases="all", **settings)
    assert tip(holding) == new[-1].hash
    rows = holding.blocks().join(holding.active(), on=["height", "hash"], how="semi")
    assert rows["hash"].to_list() == [block.hash for block in new]
    assert rows["total_fee"].to_list() == [block.fee for block in new]


def test_a_chain_that_shrinks_in_the_middle_is_read_again(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    def shrink() -> None:
        served.node.blocks = served.node.blocks[:20]

    moving(served, "getblockhash", 10, shrink)
    holding.sync(RPC, **settings)
    assert heights(holding) == list(range(20))


def test_a_branch_known_before_is_where_the_walk_ends_when_the_node_goes_back_to_it(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    old = served.node.blocks[:26]
    holding.sync(RPC, url=served.url, user="canary", password="secret")
    served.node.switch(node_server.chain_of(12, old[:20], branch=6))
    moving(served, "getblockstats", 2, lambda: served.node.switch(old))
    holding.sync(RPC, **settings)
    assert holding.cursor["tip"] == old[-1].hash.hex()


def test_rows_that_came_before_the_node_went_back_do_not_count_for_its_blocks(
    served: Any, holding: Any, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hashcanary.sources.node.rpc_node import RpcNode

    monkeypatch.setattr(RpcNode.__init__, "__defaults__", ("bitcoind-rpc", 4))
    old = served.node.blocks
    holding.sync(RPC, stats="0", coinbases="0", **settings)
    served.node.switch(node_server.chain_of(12, old[:20], branch=6, fees=(3,)))
    # some rows of the new branch have come when the node goes back
    moving(served, "getblockstats", 8, lambda: served.node.switch(old))
    holding.sync(RPC, **settings)
    holding.sync(RPC, **settings)
    rows = holding.blocks()
    for height, block in enumerate(old):
        assert block.hash in rows.filter(height=height)["hash"].to_list()


def test_a_chain_that_never_stands_is_given_up(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    one = served.node.blocks
    other = node_server.chain_of(30, one[:1], branch=1)

    def before(method: str) -> None:
        if method == "getblockheader":
            served.node.blocks = other if served.node.blocks is one else one

    served.node.before = before
    with pytest.raises(NodeMoving, match="each of 8 tries"):
        holding.sync(RPC, **settings)


def test_branches_that_the_node_left_come_too(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    main = list(served.node.blocks)
    stale = node_server.chain_of(2, main[:11], branch=1)[11:]
    headers_only = node_server.chain_of(3, main[:21], branch=2)[21:]
    invalid = node_server.chain_of(1, main[:16], branch=3)[16:]
    served.node.left = [
        (10, stale, "valid-fork"),
        (20, headers_only, "headers-only"),
        (15, invalid, "invalid"),
    ]
    holding.sync(RPC, **settings)
    for block in (*stale, *headers_only):
        assert block.hash in holding.heights
    assert holding.heights[stale[-1].hash] == 12
    assert invalid[0].hash not in holding.heights
    served.asked.clear()
    holding.sync(RPC, **settings)
    assert served.asked.count("getblockheader") == 0


def test_a_very_long_branch_is_left_out_and_said(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    def changed(method: str, result: Any) -> Any:
        if method == "getchaintips":
            long = {"hash": "ab" * 32, "height": 900_000, "branchlen": 899_970}
            return [*result, {**long, "status": "headers-only"}]
        return result

    served.node.changed = changed
    notes = holding.notes(RPC, **settings)
    assert any("a branch of 899,970 headers up to height 900,000" in note for note in notes)


def test_a_branch_the_node_no_longer_has_is_passed_over(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    def changed(method: str, result: Any) -> Any:
        if method == "getchaintips":
            lost = {"hash": "ab" * 32, "height": 12, "branchlen": 2, "status": "valid-fork"}
            return [*result, lost]
        return result

    served.node.changed = changed
    holding.sync(RPC, **settings)
    assert heights(holding) == list(range(31))


def test_headers_missing_below_what_the_lake_has_are_fetched(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    for height, block in list(enumerate(served.node.blocks))[12:25]:
        holding.heights[block.hash] = height
        holding.parents[block.hash] = block.raw[4:36][::-1]
    holding.sync(RPC, stats="0", coinbases="0", **settings)
    assert heights(holding) == list(range(31))
    assert served.asked.count("getblockheader") == 31 - 13


def test_a_pruned_node_gives_what_it_has_and_says_the_rest(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    served.node.pruned_below = 21
    notes = holding.notes(RPC, **settings)
    assert len(heights(holding)) == 31
    assert holding.blocks()["height"].to_list() == list(range(21, 31))
    assert any("blocks 0 to 20: pruned by the node" in note for note in notes)


def test_blocks_without_undo_data_are_noted_by_height(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    served.node.without_undo = frozenset({3, 5, 29})
    notes = holding.notes(RPC, coinbases="4", **settings)
    assert holding.blocks()["height"].to_list() == [h for h in range(31) if h not in (3, 5)]
    assert holding.blocks().filter(height=29)["total_fee"].to_list() == [None]
    assert any(
        note.startswith("3 blocks from 3 to 29: the node refused: Undo data") for note in notes
    )


def test_a_node_without_statistics_still_gives_coinbases(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    served.node.missing_calls = frozenset({"getblockstats", "getchaintips"})
    notes = holding.notes(RPC, coinbases="5", **settings)
    assert holding.blocks()["height"].to_list() == [26, 27, 28, 29, 30]
    assert holding.blocks()["total_fee"].null_count() == 5
    assert any("the node has no getblockstats" in note for note in notes)
    assert any("branches that the node left" in note for note in notes)


@pytest.mark.parametrize(("loading", "more"), [(True, 0), (False, 500)])
def test_a_node_that_is_behind_says_so(
    served: Any, holding: Any, settings: dict[str, str], loading: bool, more: int
) -> None:
    served.node.loading, served.node.more_headers = loading, more
    notes = holding.notes(RPC, **settings)
    expected = f"blocks up to 30 and headers up to {30 + more}"
    assert any("the node is itself behind" in note and expected in note for note in notes)
    assert len(heights(holding)) == 31


def test_a_node_below_the_lakes_tip_says_so(
    served: Any, holding: Any, settings: dict[str, str]
) -> None:
    holding.sync(RPC, **settings)
    served.node.blocks = served.node.blocks[:25]
    notes = holding.notes(RPC, **settings)
    assert any("ends at block 24, below the lake's tip 30" in note for note in notes)


@pytest.mark.parametrize("chain", ["main", "test", "signet"])
def test_a_node_of_another_network_is_refused(
    served: Any, holding: Any, settings: dict[str, str], chain: str
) -> None:
    served.node.chain = chain
    with pytest.raises(OtherNetwork, match="expected a node on regtest, found one on"):
        holding.sync(RPC, **settings)
    assert holding.heights == {}


def test_a_network_of_the_same_name_with_another_first_block_is_refused(holding: Any) -> None:
    other = node_server.mine(node_server.GENESIS, 1)
    match = pytest.raises(OtherNetwork, match="whose first block is")
    with node_server.serve(node_server.FakeNode([other])) as served, match:
        holding.sync(RPC, url=served.url, user="a", password="b")


@pytest.mark.parametrize(
    ("method", "change", "error"),
    [
        ("getblockchaininfo", {"blocks": -1}, WrongSchema),
        ("getblockchaininfo", {"blocks": 10**9}, WrongSchema),
        ("getblockchaininfo", {"bestblockhash": "00"}, WrongSchema),
        ("getblockchaininfo", {"chain": None}, WrongSchema),
        ("getblockstats", {"totalfee": -1}, WrongSchema),
        ("getblockstats", {"totalfee": 22 * 10**14}, WrongSchema),
        ("getblockstats", {"totalfee": "1"}, WrongSchema),
        ("getblockstats", {"totalfee": True}, WrongSchema),
        ("getblockstats", {"totalfee": 1}, BadBlock),
        ("getblockstats", {"subsidy": 50 * 10**8 + 1}, WrongSchema),
        ("getblockstats", {"txs": 0}, WrongSchema),
        ("getblockstats", {"txs": 4}, BadBlock),
        ("getblockstats", {"time": 1}, WrongSchema),
        ("getblockstats", {"time": 1 << 32}, WrongSchema),
        ("getblockstats", {"mediantime": 1 << 31}, WrongSchema),
        ("getblockstats", {"height": 3}, BadBlock),
        ("getblockstats", {"blockhash": "ab" * 32}, BadBlock),
        ("getblockstats", {"blockhash": None}, WrongSchema),
    ],
)
def test_what_cannot_be_true_is_refused_at_the_door(
    served: Any,
    holding: Any,
    settings: dict[str, str],
    method: str,
    change: dict[str, Any],
    error: type[Exception],
) -> None:
    served.node.changed = lambda asked, result: result | change if asked == method else result
    with pytest.raises(error):
        holding.sync(RPC, **settings)
    assert holding.rows == []


def flipped(text: str, byte: int) -> str:
    raw = bytearray.fromhex(text)
    raw[byte] ^= 1
    return raw.hex()


@pytest.mark.parametrize("byte", [0, 4, 36, 70, 76])
def test_a_header_that_was_tampered_with_is_refused(
    served: Any, holding: Any, settings: dict[str, str], byte: int
) -> None:
    served.node.changed = lambda asked, result: (
        flipped(result, byte) if asked == "getblockheader" else result
    )
    with pytest.raises(WrongSchema, match="the header of block"):
        holding.sync(RPC, **settings)


def test_a_header_without_work_is_refused(holding: Any) -> None:
    good = node_server.chain_of(5)
    raw = bytearray(good[-1].raw)
    while double_sha256(bytes(raw[:80]))[31] <= 0x7F:
        raw[76] += 1
    node = node_server.FakeNode([*good[:-1], node_server.Block(bytes(raw))])
    with node_server.serve(node) as served, pytest.raises(BadHeaders, match="height 5"):
        holding.sync(RPC, url=served.url, user="a", password="b")


@pytest.mark.parametrize("byte", [0, 70, 81, 95, 130, 200, 260, -3])
def test_a_block_that_was_tampered_with_is_refused(
    served: Any, holding: Any, settings: dict[str, str], byte: int
) -> None:
    served.node.changed = lambda asked, result: (
        flipped(result, byte) if asked == "getblock" else result
    )
    with pytest.raises(BadBlock):
        holding.sync(RPC, **settings)
    assert holding.rows == []


def test_many_connections_give_the_same_rows_as_one(served: Any, settings: dict[str, str]) -> None:
    one, many = node_server.Holding(), node_server.Holding()
    one.sync(RPC, connections="1", **settings)
    many.sync(RPC, connections="8", **settings)
    assert one.blocks().equals(many.blocks())


def test_a_sync_cut_off_anywhere_goes_on_where_it_stopped(
    served: Any, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hashcanary.sources.node.rpc_node import RpcNode

    monkeypatch.setattr(RpcNode.__init__, "__defaults__", ("bitcoind-rpc", 4))
    whole = node_server.Holding()
    count = len(whole.sync(RPC, **settings))
    for taken in range(1, count):
        holding = node_server.Holding()
        for batch, _ in zip(RPC.batches(holding.asked(**settings)), range(taken), strict=False):
            holding.take(batch)
        served.asked.clear()
        holding.sync(RPC, **settings)
        assert served.asked.count("getblock") < 31 or taken == 1
        assert holding.blocks().equals(whole.blocks())
        assert holding.cursor == whole.cursor
