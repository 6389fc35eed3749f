"""bcoin, a full node of other people's making, as the node behind our RPC.

It has no getblockstats and no REST: headers, whole blocks, reorganisations and polling.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support.clocks import SystemClock

from hashcanary.chain.headers import encode_headers
from hashcanary.chain.networks import REGTEST
from hashcanary.sources.catalogue.bitcoind import RPC
from hashcanary.sources.errors import Refused, Unreachable
from hashcanary.sources.feed import find_feed
from hashcanary.sources.http.client import Http
from hashcanary.sources.http.line import Limits
from hashcanary.sources.node.rpc_node import Call, Rpc
from hashcanary.store.lake import Lake
from hashcanary.store.recording import record_of
from hashcanary.store.syncing import Syncer, SyncReport, sync

ADDRESS = "R9HDHYTuwAr3PyRkXrhYgwycrxC7Xja8zs"  # base58 of the version 0x3c and the bytes 0 to 19
KEY = "k"


@dataclass
class Node:
    """A running bcoin. asks: its RPC, for what the tests do to it."""

    url: str
    rpc: Rpc

    @property
    def settings(self) -> dict[str, str]:
        named = {setting.name: setting.default for setting in RPC.settings}
        return named | {"url": self.url, "user": "x", "password": KEY}

    def __call__(self, method: str, *params: object) -> Any:
        return self.rpc.ask(method, *params).value

    def mine(self, count: int) -> None:
        self("generatetoaddress", count, ADDRESS)

    def reorganise(self, depth: int, length: int) -> None:
        """Leave the last ``depth`` blocks for a branch of ``length``."""
        height = self("getblockcount") - depth + 1
        self.rpc.batch([Call("invalidateblock", (self("getblockhash", height),))])
        self.mine(length)

    def headers(self) -> bytes:
        """The headers of its active chain, one by one."""
        hashes = [self("getblockhash", height) for height in range(self("getblockcount") + 1)]
        return b"".join(bytes.fromhex(self("getblockheader", one, False)) for one in hashes)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _basic() -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'x:{KEY}'.encode()).decode()}"}


@pytest.fixture
def node(bcoin: Path, program: Callable[[str], str], tmp_path: Path) -> Iterator[Node]:
    port, rpc_port = _free_port(), _free_port()
    options = {
        "network": "regtest",
        "prefix": str(tmp_path / "bcoin"),
        "memory": "true",
        "listen": "false",
        "port": port,
        "http-host": "127.0.0.1",
        "http-port": rpc_port,
        "api-key": KEY,
        "no-wallet": "true",
        "upnp": "false",
        "discover": "false",
        "max-outbound": 1,
    }
    script = bcoin / "node_modules" / "bcoin" / "bin" / "node"
    command = [
        program("node"),
        str(script),
        *(f"--{key}={value}" for key, value in options.items()),
    ]
    process = subprocess.Popen(
        command,
        env={**os.environ, "NODE_BACKEND": "js"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{rpc_port}"
    try:
        with Http(
            url, "bcoin", SystemClock(longest=0.1), Limits(read=60, tries=1), auth=_basic
        ) as http:
            node = Node(url, Rpc(http, SystemClock(longest=0.1)))
            _wait_until_up(node)
            yield node
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait(10)


def _wait_until_up(node: Node) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            node("getblockcount")
        except Unreachable:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


def _sync(lake: Lake, node: Node, **settings: str) -> SyncReport:
    report = sync(lake, find_feed("rpc"), node.settings | settings, SystemClock(longest=0.1))
    assert report.error is None
    return report


def _active(lake: Lake) -> bytes:
    record = record_of(lake).blocks["height"]
    headers = lake.frame("headers").sort("height")
    assert record.to_list() == list(range(len(record)))
    rows: list[dict[str, Any]] = []
    by_hash = {row["hash"]: row for row in headers.iter_rows(named=True)}
    tip = max(by_hash.values(), key=lambda row: row["height"])
    while tip is not None:
        rows.append(tip)
        tip = by_hash.get(tip["prev_hash"])
    return encode_headers(pl.DataFrame(rows[::-1], schema=headers.schema, orient="row"))


def test_a_lake_follows_the_node_through_growth_and_reorganisations(
    node: Node, tmp_path: Path
) -> None:
    node.mine(220)
    report = _sync(Lake.create(tmp_path / "lake", REGTEST), node)
    assert report.new == {"headers": 221, "blocks": 144, "pool_labels": 144}
    assert any("no getblockstats" in note for note in report.notes)
    assert _active(report.lake) == node.headers()

    node.reorganise(depth=7, length=9)
    report = _sync(report.lake, node)
    assert report.new == {"headers": 9, "blocks": 9, "pool_labels": 9, "events": 1}
    (event,) = report.events
    assert (event["kind"], event["height"]) == ("reorg", 213)
    assert _active(report.lake) == node.headers()
    assert report.lake.frame("headers").height == 221 + 9

    report = _sync(report.lake, node)
    assert report.versions == 0


def test_coinbases_are_as_the_node_decodes_them(node: Node, tmp_path: Path) -> None:
    node.mine(12)
    lake = _sync(Lake.create(tmp_path / "lake", REGTEST), node, coinbases="all").lake
    rows = lake.frame("blocks").sort("height")
    assert rows["height"].to_list() == list(range(13))
    for row in rows.iter_rows(named=True):
        block = node("getblock", row["hash"].hex(), True, True)
        coinbase = block["tx"][0]
        assert row["time"] == block["time"]
        assert (row["size"], row["weight"]) == (block["size"], block["weight"])
        assert row["tx_count"] == len(block["tx"])
        assert row["coinbase_script"].hex() == coinbase["vin"][0]["coinbase"]
        value = sum(round(out["value"] * 10**8) for out in coinbase["vout"])
        assert row["coinbase_value"] == value
        scripts = [bytes.fromhex(out["scriptPubKey"]["hex"]) for out in coinbase["vout"]]
        assert all(script in row["coinbase_outputs"] for script in scripts)


def test_polling_wakes_at_a_new_block(node: Node, tmp_path: Path) -> None:
    node.mine(5)
    lake = _sync(Lake.create(tmp_path / "lake", REGTEST), node).lake
    clock = SystemClock(longest=0.1)
    clock.when_slept = lambda: node.mine(1) if len(clock.slept) == 3 else None
    assert RPC.wait is not None
    RPC.wait(Syncer(lake).asked(RPC, node.settings | {"interval": "7"}, clock))
    assert clock.slept == [7.0] * 3
    assert _sync(lake, node).new == {"headers": 1, "blocks": 1, "pool_labels": 1}


def test_a_wrong_password_is_told_and_changes_nothing(node: Node, tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", REGTEST)
    report = sync(lake, RPC, node.settings | {"password": "wrong"}, SystemClock(longest=0.1))
    assert isinstance(report.error, Refused)
    assert "401" in str(report.error)
    assert report.lake.version == lake.version
