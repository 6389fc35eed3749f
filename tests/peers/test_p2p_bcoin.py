"""Headers from bcoin, a real full node, into a real lake: sync, reorganisations, retargets.

HASHCANARY_BCOIN names a folder in which ``npm install --ignore-scripts bcoin@1.0.2`` was run (with
the override ``leveldown`` 5.6.0).
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from support.clocks import SystemClock

from hashcanary.chain.headers import encode_headers
from hashcanary.chain.networks import REGTEST, SIMNET, Network
from hashcanary.sources.catalogue.p2p import P2P
from hashcanary.store.lake import Lake
from hashcanary.store.recording import active_headers, all_headers
from hashcanary.store.syncing import Syncer, SyncReport, sync
from hashcanary.store.verify import verify

ADDRESS = "R9HC5WtHbpoa51NCUAz86XLCmGTbkf45NT"  # of a key hash of zeros, as bcoin has it on regtest
PATIENCE = 60


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _environment(bcoin: Path, **more: str) -> dict[str, str]:
    modules = str(bcoin / "node_modules")
    return {**os.environ, "NODE_BACKEND": "js", "NODE_PATH": modules, **more}


class Node:
    """bcoin on regtest, driven through its RPC."""

    def __init__(self, port: int, rpc_port: int) -> None:
        self.name = f"127.0.0.1:{port}"
        self._url = f"http://127.0.0.1:{rpc_port}/"

    def __call__(self, method: str, *params: object) -> Any:
        request = urllib.request.Request(
            self._url,
            json.dumps({"method": method, "params": params, "id": 1}).encode(),
            {
                "Authorization": "Basic " + base64.b64encode(b"x:k").decode(),
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            answer = json.load(reply)
        assert answer["error"] is None, answer["error"]
        return answer["result"]

    def headers(self, first: int, last: int) -> bytes:
        """Raw headers of its active chain, as its RPC gives them."""
        hashes = [self("getblockhash", height) for height in range(first, last + 1)]
        return b"".join(bytes.fromhex(self("getblockheader", name, False)) for name in hashes)


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.terminate()
        process.stdin.close()
        process.stdout.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def node(
    bcoin: Path, program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Node]:
    port, rpc_port = _free_port(), _free_port()
    command = [
        program("node"),
        str(bcoin / "node_modules" / "bcoin" / "bin" / "node"),
        "--network=regtest",
        f"--prefix={tmp_path_factory.mktemp('bcoin')}",
        "--memory=true",
        "--listen=true",
        "--host=127.0.0.1",
        f"--port={port}",
        "--http-host=127.0.0.1",
        f"--http-port={rpc_port}",
        "--api-key=k",
        "--no-wallet=true",
        "--upnp=false",
        "--discover=false",
        "--max-outbound=1",
        "--log-console=false",
    ]
    with _process(command, _environment(bcoin)) as process:
        node = Node(port, rpc_port)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                node("getblockcount")
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, "bcoin has ended"
                assert time.monotonic() < deadline, "bcoin did not start"
                time.sleep(0.05)
        yield node


def _sync(lake: Lake, node: Node | str) -> SyncReport:
    peer = node if isinstance(node, str) else node.name
    report = sync(lake, P2P, {"peers": peer, "timeout": "30"}, SystemClock())
    assert report.error is None
    return report


def _active(lake: Lake) -> bytes:
    heights = active_headers(all_headers(lake)).select("hash", "height")
    rows = lake.frame("headers").join(heights.select("hash"), on="hash", how="semi")
    return encode_headers(rows.sort("height"))


def _lake(folder: Path, network: Network) -> Lake:
    return Lake.create(folder / "lake", network)


def test_a_lake_follows_bcoin_through_growth_and_reorganisations(
    node: Node, tmp_path: Path
) -> None:
    node("generatetoaddress", 2_100, ADDRESS)
    report = _sync(_lake(tmp_path, REGTEST), node)
    assert report.new["headers"] == 2_101
    # each header names the one before, so the last ones stand for all
    assert _active(report.lake)[-20 * 80 :] == node.headers(2_081, 2_100)

    node("generatetoaddress", 7, ADDRESS)
    report = _sync(report.lake, node)
    assert (report.new["headers"], report.events) == (7, ())

    stale = node.headers(2_098, 2_107)
    node("invalidateblock", node("getblockhash", 2_098))
    assert node("getblockcount") == 2_097
    node("generatetoaddress", 11, ADDRESS)
    report = _sync(report.lake, node)
    assert report.new["headers"] == 11
    assert _active(report.lake)[-20 * 80 :] == node.headers(2_089, 2_108)
    assert [event["kind"] for event in report.events] == ["reorg"]
    everything = encode_headers(report.lake.frame("headers").sort("height"))
    kept = {everything[at : at + 80] for at in range(0, len(everything), 80)}
    assert {stale[at : at + 80] for at in range(0, len(stale), 80)} <= kept

    assert _sync(report.lake, node).new.get("headers", 0) == 0
    assert verify(report.lake.home).findings == ()


def test_a_follower_is_woken_by_a_block_of_bcoin(node: Node, tmp_path: Path) -> None:
    node("generatetoaddress", 5, ADDRESS)
    lake = _sync(_lake(tmp_path, REGTEST), node).lake
    settings = {"peers": node.name, "timeout": "30", "poll": "3600"}

    class Mining(SystemClock):
        """Mines when the wait has begun: it reads the clock each time it looks."""

        looked = 0

        def now(self) -> float:
            self.looked += 1
            if self.looked == 6:
                node("generatetoaddress", 1, ADDRESS)
            return super().now()

        def sleep(self, seconds: float) -> None:
            raise AssertionError(f"slept {seconds} s instead of hearing the block")

    assert P2P.wait is not None
    began = time.monotonic()
    P2P.wait(Syncer(lake).asked(P2P, settings, Mining()))
    assert time.monotonic() - began < PATIENCE
    assert _sync(lake, node).new["headers"] == 1


# mean seconds a block in each epoch: each of the first two makes the next four times harder
MEANS = (1, 1, 200)


def test_real_retargets_and_their_clamp_come_through(
    bcoin: Path,
    program: Callable[[str], str],
    tmp_path: Path,
    limited: Callable[..., AbstractContextManager[None]],
) -> None:
    port = _free_port()
    script = Path(__file__).with_name("simnet_chain.js")
    file = tmp_path / "headers.bin"
    command = [program("node"), str(script), str(file), "11", *map(str, MEANS)]
    with (
        _process(command, _environment(bcoin, P2P_PORT=str(port))) as process,
        limited(process, 4 * PATIENCE),
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        report = _sync(_lake(tmp_path, SIMNET), f"127.0.0.1:{port}")
    assert report.notes == ()  # nothing was left unchecked
    assert _active(report.lake) == file.read_bytes()
    bits = report.lake.frame("headers").sort("height")["bits"].to_list()
    assert bits[2015:2017] == [0x207FFFFF, 0x201FFFFF]  # a fourfold rise, and no more
    assert bits[4031:4033] == [0x201FFFFF, 0x2007FFFF]
