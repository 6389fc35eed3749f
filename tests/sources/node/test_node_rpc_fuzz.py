"""Whatever a node answers, at any place of a walk: named errors, or facts that can be true."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import node_server

from hashcanary.chain.networks import REGTEST
from hashcanary.errors import HashcanaryError
from hashcanary.sources.http.client import Answer
from hashcanary.sources.node.rest_node import RestNode
from hashcanary.sources.node.rpc_node import Rpc, RpcNode
from hashcanary.sources.node.walking import walk

METHODS = (
    "getblockchaininfo",
    "getblockhash",
    "getblockheader",
    "getblockstats",
    "getblock",
    "getchaintips",
)
FILES = ("chaininfo", "headers", "block", "spenttxouts")
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["regtest", "ab" * 32, "00" * 80, "valid-fork", "active"])
)
JSON = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


class InProcess:
    """A connection to a node without a socket in between."""

    base = "http://node"

    def __init__(self, served: Any) -> None:
        self.served = served

    def post(self, path: str, body: bytes, **_: object) -> Answer:
        reply = self.served.reply("POST", path, body, "")
        return Answer(self.base + path, reply.status, reply.body, 0.0)

    def get(self, path: str, params: dict[str, str] | None = None, **_: object) -> Answer:
        query = "&".join(f"{name}={value}" for name, value in (params or {}).items())
        reply = self.served.reply("GET", f"/{path}?{query}", b"", "")
        return Answer(f"{self.base}/{path}", reply.status, reply.body, 0.0)


def mutated(value: Any, data: st.DataObject) -> Any:
    """A value with one place of it replaced, taken away or doubled."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(value)))
        return value | {name: mutated(value[name], data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], mutated(value[at], data), *value[at + 1 :], *value[:1]]
    if isinstance(value, str) and value and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(value) - 1))
        return value[:at] + data.draw(st.sampled_from("0fz")) + value[at + 1 :]
    if isinstance(value, int) and data.draw(st.booleans()):
        return value + data.draw(st.integers(-2, 2))
    return data.draw(JSON)


def flipped(value: bytes, data: st.DataObject) -> bytes:
    """Bytes with one of them changed, or cut, or others altogether."""
    kind = data.draw(st.sampled_from(["flip", "cut", "any"]))
    if kind == "any" or not value:
        return data.draw(st.binary(max_size=200))
    at = data.draw(st.integers(0, len(value) - 1))
    return value[:at] + (bytes([value[at] ^ 1]) + value[at + 1 :] if kind == "flip" else b"")


def taken(node: Any, holding: Any, blocks: list[Any]) -> None:
    """Whatever the walk gave before it ended is of the chain that was mined.

    A tip may be another one: on regtest every second header has work enough by chance.
    """
    mined = {block.hash: block for block in blocks}
    with suppress(HashcanaryError):
        for batch in walk(node, holding.asked()):
            holding.take(batch)
    strangers = set(holding.heights) - set(mined)
    assert not strangers & set(holding.parents.values())
    assert len(strangers) <= 1
    for row in pl.concat(holding.rows).iter_rows(named=True) if holding.rows else ():
        block = mined[row["hash"]]
        assert row["subsidy"] in (None, 50 * 10**8)
        assert row["coinbase_value"] in (None, block.coinbase_value)
        assert row["size"] in (None, len(block.raw))


@pytest.mark.fuzz
@settings(max_examples=150)
@given(data=st.data())
def test_no_answer_over_rpc_does_more_than_raise_a_named_error(data: st.DataObject) -> None:
    fake = node_server.FakeNode(node_server.chain_of(4, fees=(9, 8)))
    stale = node_server.chain_of(2, fake.blocks[:2], branch=1)[2:]
    fake.left = [(1, stale, "valid-fork")]
    method = data.draw(st.sampled_from(METHODS))
    left = data.draw(st.integers(0, 6))

    def changed(asked: str, result: Any) -> Any:
        nonlocal left
        left -= asked == method
        if asked != method or left != -1:
            return result
        return mutated(json.loads(json.dumps(result)), data)

    fake.changed = changed
    holding = node_server.Holding()
    http: Any = InProcess(node_server.Served(fake))
    node = RpcNode([Rpc(http, holding.clock)], REGTEST, None, None)
    taken(node, holding, [*fake.blocks, *stale])


@pytest.mark.fuzz
@settings(max_examples=150)
@given(data=st.data())
def test_no_answer_over_rest_does_more_than_raise_a_named_error(data: st.DataObject) -> None:
    fake = node_server.FakeNode(node_server.chain_of(4, fees=(9, 8)))
    kind = data.draw(st.sampled_from(FILES))
    left = data.draw(st.integers(0, 3))

    def changed(asked: str, result: Any) -> Any:
        nonlocal left
        left -= asked == kind
        if asked != kind or left != -1:
            return result
        return flipped(result, data) if isinstance(result, bytes) else mutated(result, data)

    fake.changed = changed
    http: Any = InProcess(node_server.Served(fake))
    taken(RestNode([http], REGTEST, None), node_server.Holding(), fake.blocks)
