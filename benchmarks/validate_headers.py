"""Decoding and validating 190,000 real headers, against a bare loop of double SHA-256.

Ours: ``validate_run`` and its frame of rows (proof of work, links, heights, bits, retargets, median
times, all columns). The limit: hashlib alone over the same bytes, nothing kept. The peer:
python-bitcoinlib, which decodes each header and checks its proof of work and link and nothing else,
measured on the first 20,000 headers and scaled. Rounds alternate; the best of each counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256

import zstandard
from real_data import real_data
from table import show

from hashcanary.chain.networks import MAIN
from hashcanary.chain.validate import validate_run

HEADERS = "headers_150001_340000.bin.zst"
SIZE = 80
PEER_HEADERS = 20_000
ROUNDS = 9
BAR = 1.5


def read_headers() -> bytes:
    """The raw headers, decompressed before anything is timed."""
    with (real_data() / "headers" / HEADERS).open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


def ours(data: bytes) -> None:
    run = validate_run(data, MAIN)
    if (run.first_height, run.frame().height) != (150_001, len(data) // SIZE):
        raise SystemExit("expected the run 150,001 to 340,000 to validate in full")


def limit(data: bytes) -> None:
    for start in range(0, len(data), SIZE):
        sha256(sha256(data[start : start + SIZE]).digest()).digest()


def peer() -> Callable[[bytes], None] | None:
    """python-bitcoinlib's header check in a loop, or None where it is not installed."""
    try:
        from bitcoin.core import CBlockHeader, CheckBlockHeader
    except ImportError:
        return None

    def check(data: bytes) -> None:
        parent = None
        for start in range(0, PEER_HEADERS * SIZE, SIZE):
            header = CBlockHeader.deserialize(data[start : start + SIZE])
            CheckBlockHeader(header)
            if parent is not None and header.hashPrevBlock != parent:
                raise SystemExit("expected the headers to be linked")
            parent = header.GetHash()

    return check


def measure() -> list[dict[str, object]]:
    """One row: seconds of ours, the peer and the limit, and their ratios."""
    data = read_headers()
    count = len(data) // SIZE
    contenders: dict[str, Callable[[bytes], None]] = {"limit": limit, "ours": ours}
    check = peer()
    if check is not None:
        contenders["peer"] = check
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(ROUNDS):
        for name, contender in contenders.items():
            start = time.perf_counter()
            contender(data)
            best[name] = min(best[name], time.perf_counter() - start)
    scaled = best["peer"] * count / PEER_HEADERS if check is not None else None
    return [
        {
            "what": f"decode and validate {count:,} real headers",
            "ours": f"{best['ours'] * 1e3:.0f} ms",
            "peer": (
                f"python-bitcoinlib {scaled * 1e3:.0f} ms (scaled from {PEER_HEADERS:,}; "
                "no retargets, no times)"
                if scaled is not None
                else "python-bitcoinlib not installed"
            ),
            "limit": f"bare double SHA-256 loop {best['limit'] * 1e3:.0f} ms",
            "ratio_to_peer": best["ours"] / scaled if scaled is not None else None,
            "ratio_to_limit": best["ours"] / best["limit"],
            "bar": f"at most {BAR} times the limit",
            "reached": best["ours"] <= BAR * best["limit"],
        }
    ]


if __name__ == "__main__":
    raise SystemExit(show(measure()))
