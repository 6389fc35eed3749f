"""190,000 real headers from a local peer into a lake: asked for, validated, stored.

The peer is a process of its own that serves the file of real headers from block 150,001 on, over
127.0.0.1. The lake holds the first 2,000 of them before the clock starts, because the chain's
beginning is not among them; the time is scaled to 190,000. Ours: ``sync`` with the feed ``p2p``
(proof of work, links, bits, retargets, times, the check at the lake's door, and the commits) and
the feed alone, nothing stored. The peer in the comparison: python-bitcoinlib, which reads each
header and checks its proof of work, on a part and scaled; no retargets, no times, no socket. The
limit: the same bytes read from a bare socket and hashed in a loop. Rounds alternate; the least
time of each counts.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import zstandard
from real_data import real_data
from table import show

from hashcanary.chain.networks import MAIN
from hashcanary.cli.opening import SystemClock
from hashcanary.sources.catalogue.p2p import P2P
from hashcanary.sources.facts import HEADERS as HEADER_FACTS
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.syncing import Syncer, sync

HEADERS = "headers_150001_340000.bin.zst"
SERVER = Path(__file__).resolve().parent.parent / "tests" / "support" / "p2p_peer.py"
SIZE = 80
ALL = 190_000
HELD = 2_000
FIRST_HEIGHT = 150_001
PEER_HEADERS = 20_000
ROUNDS = 3
BAR_SECONDS = 5.0


def read_headers() -> bytes:
    """The raw headers, decompressed before anything is timed."""
    with (real_data() / "headers" / HEADERS).open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


@contextmanager
def peer_process(file: Path) -> Iterator[str]:
    """A process that serves the headers of a file; gives its address."""
    process = subprocess.Popen(
        [sys.executable, str(SERVER), str(file), MAIN.magic.hex()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.stdin.close()
        process.wait(30)


def seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def stored(home: Path, first: Path, address: str) -> float:
    """Seconds from asking the peer until the lake holds everything it has."""
    lake = load(Lake.create(home, MAIN), [first], height=FIRST_HEIGHT).lake

    def work() -> None:
        report = sync(lake, P2P, {"peers": address}, SystemClock())
        # the peer has none below the first of its headers: that gap is asked for, and stays
        if report.error is not None or report.new["headers"] != ALL - HELD:
            raise SystemExit(f"expected {ALL - HELD} new headers: {report.new}, {report.error}")

    return seconds(work)


def validated(home: Path, address: str) -> float:
    """Seconds for the feed alone, from a lake as it was before the sync."""
    asked = Syncer(Lake.open(home)).asked(P2P, {"peers": address}, SystemClock())

    def work() -> None:
        given = (facts for one in P2P.batches(asked) for facts in one.facts)
        rows = sum(facts.frame.height for facts in given if facts.table is HEADER_FACTS)
        if rows != ALL - HELD:
            raise SystemExit(f"expected {ALL - HELD} headers, found {rows}")

    return seconds(work)


def limit(data: bytes) -> float:
    """Seconds to read the bytes from a socket and to hash each 80 twice."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(data)

    def work() -> None:
        got = bytearray()
        with socket.create_connection(listener.getsockname()) as connection:
            while chunk := connection.recv(1 << 18):
                got += chunk
        whole = bytes(got)
        for start in range(0, len(whole), SIZE):
            sha256(sha256(whole[start : start + SIZE]).digest()).digest()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        took = seconds(work)
        thread.join()
    return took


def bitcoinlib(data: bytes) -> float | None:
    """Seconds of python-bitcoinlib, scaled; None where it is not installed."""
    try:
        from bitcoin.core import CBlockHeader, CheckBlockHeader
    except ImportError:
        return None

    def work() -> None:
        for start in range(0, PEER_HEADERS * SIZE, SIZE):
            CheckBlockHeader(CBlockHeader.deserialize(data[start : start + SIZE]))

    return seconds(work) * ALL / PEER_HEADERS


def measure() -> list[dict[str, object]]:
    """Two rows: with storing, and the feed alone; seconds for 190,000 headers."""
    data = read_headers()
    scale = ALL / (ALL - HELD)
    found: dict[str, list[float]] = {"stored": [], "validated": [], "limit": [], "peer": []}
    with tempfile.TemporaryDirectory(prefix="hashcanary-bench-") as folder:
        whole, first = Path(folder) / "headers.bin", Path(folder) / "first.bin"
        whole.write_bytes(data)
        first.write_bytes(data[: HELD * SIZE])
        start = Path(folder) / "start"
        load(Lake.create(start, MAIN), [first], height=FIRST_HEIGHT)
        with peer_process(whole) as address:
            for turn in range(ROUNDS):
                home = Path(folder) / f"lake{turn}"
                found["stored"].append(stored(home, first, address) * scale)
                found["validated"].append(validated(start, address) * scale)
                found["limit"].append(limit(data))
                peer = bitcoinlib(data)
                found["peer"] += [] if peer is None else [peer]
    best = {name: min(times, default=None) for name, times in found.items()}
    what = f"{ALL:,} real headers from a local peer"
    return [
        _row(f"{what}: validated and stored", best["stored"], best, BAR_SECONDS),
        _row(f"{what}: validated, nothing stored", best["validated"], best, None),
    ]


def _row(
    what: str, ours: float | None, best: dict[str, float | None], bar: float | None
) -> dict[str, object]:
    assert ours is not None
    limit_seconds, peer = best["limit"], best["peer"]
    assert limit_seconds is not None
    return {
        "what": what,
        "ours": f"{ours:.2f} s ({ours / ALL * 1e5:.2f} s per 100,000)",
        "peer": (
            "python-bitcoinlib not installed"
            if peer is None
            else f"python-bitcoinlib {peer:.2f} s (scaled from {PEER_HEADERS:,}; work only)"
        ),
        "limit": f"bare socket and double SHA-256 {limit_seconds:.2f} s",
        "ratio_to_peer": None if peer is None else ours / peer,
        "ratio_to_limit": ours / limit_seconds,
        "bar": "" if bar is None else f"under {bar:.0f} s",
        "reached": None if bar is None else ours < bar,
    }


if __name__ == "__main__":
    raise SystemExit(show(measure()))
