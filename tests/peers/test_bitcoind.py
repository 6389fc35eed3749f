"""A real bitcoind where HASHCANARY_BITCOIND names one: RPC by cookie, REST, ZMQ, a reorg."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import node_server
from support.clocks import SystemClock

from hashcanary.chain.networks import REGTEST
from hashcanary.sources.catalogue.bitcoind import REST, RPC, authentication
from hashcanary.sources.errors import BadCookie, Unreachable
from hashcanary.sources.feed import Feed
from hashcanary.sources.http.client import Http
from hashcanary.sources.http.line import Limits
from hashcanary.sources.node.rpc_node import Call, Rpc
from hashcanary.store.lake import Lake
from hashcanary.store.recording import record_of
from hashcanary.store.syncing import Syncer, SyncReport, sync


@dataclass
class Node:
    """A running bitcoind."""

    url: str
    folder: Path
    rpc: Rpc
    descriptor: str = ""

    def settings(self, feed: Feed) -> dict[str, str]:
        given = {setting.name: setting.default for setting in feed.settings} | {"url": self.url}
        return given | ({"datadir": str(self.folder)} if feed is RPC else {})

    def __call__(self, method: str, *params: object) -> Any:
        return self.rpc.ask(method, *params).value

    def mine(self, count: int) -> None:
        self.descriptor = self.descriptor or self("getdescriptorinfo", "raw(51)")["descriptor"]
        self("generatetodescriptor", count, self.descriptor)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    binary = os.environ.get("HASHCANARY_BITCOIND")
    if binary is None:
        pytest.skip("no bitcoind: name its binary by HASHCANARY_BITCOIND")
    folder = tmp_path / "core"
    folder.mkdir()
    port, zmq_port = _free_port(), _free_port()
    process = subprocess.Popen(
        [
            binary,
            "-regtest",
            f"-datadir={folder}",
            f"-rpcport={port}",
            "-listen=0",
            "-server",
            "-rest",
            f"-zmqpubhashblock=tcp://127.0.0.1:{zmq_port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    auth = authentication(node_server.Holding().asked(datadir=str(folder)))
    try:
        with Http(
            url, "bitcoind", SystemClock(longest=0.2), Limits(read=60, tries=1), auth=auth
        ) as http:
            node = Node(url, folder, Rpc(http, SystemClock(longest=0.2)))
            _wait_until_up(node)
            yield node
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait(10)


def _wait_until_up(node: Node) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            node("getblockcount")
        except (Unreachable, BadCookie):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


def _sync(lake: Lake, node: Node, feed: Feed) -> SyncReport:
    report = sync(lake, feed, node.settings(feed), SystemClock(longest=0.2))
    assert report.error is None
    return report


@pytest.mark.parametrize("feed", [RPC, REST])
def test_a_lake_has_what_the_node_says(node: Node, tmp_path: Path, feed: Feed) -> None:
    node.mine(120)
    lake = _sync(Lake.create(tmp_path / "lake", REGTEST), node, feed).lake
    record = record_of(lake).blocks
    assert record["height"].to_list() == list(range(121))
    rows = {row["height"]: row for row in lake.frame("blocks").iter_rows(named=True)}
    assert set(rows) == set(range(121))
    for height, row in rows.items():
        block = node("getblock", node("getblockhash", height), 2)
        assert row["hash"].hex() == block["hash"]
        assert (row["size"], row["weight"]) == (block["size"], block["weight"])
        assert row["coinbase_script"].hex() == block["tx"][0]["vin"][0]["coinbase"]
        stats = node("getblockstats", height)
        if row["total_fee"] is not None:
            assert row["total_fee"] == stats["totalfee"]
    height = node("getblockcount") - 3
    node.rpc.batch([Call("invalidateblock", (node("getblockhash", height),))])
    node.mine(6)
    report = _sync(lake, node, feed)
    assert report.new["headers"] == 6
    assert [event["kind"] for event in report.events] == ["reorg"]


def test_a_notice_over_zmq_ends_the_wait(node: Node, tmp_path: Path) -> None:
    pytest.importorskip("zmq")
    node.mine(3)
    lake = _sync(Lake.create(tmp_path / "lake", REGTEST), node, RPC).lake
    wake: Callable[..., None] | None = RPC.wait
    assert wake is not None
    node.mine(1)
    wake(Syncer(lake).asked(RPC, node.settings(RPC), SystemClock(longest=0.2)))
    assert _sync(lake, node, RPC).new["headers"] == 1
