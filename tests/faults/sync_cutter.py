"""Syncs a lake in child processes that are killed at chosen boundaries; run as a script.

A child is a fork of this process, which itself never touches polars, and works on a copy of a lake.
Three ways to die, each by SIGKILL:

- just before its n-th boundary: a file opened for writing, an fsync, a rename, an unlink, a folder
  removed, and before and after each commit of deltalake;
- so many microseconds into its n-th commit of deltalake, wherever that then is;
- just before its n-th boundary inside the recovery from an earlier death.

A page of shared memory tells the parent where a child was when it died.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import pathlib
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import deltalake
import polars as pl
from support.clocks import Clock

from hashcanary.chain.headers import decode_headers
from hashcanary.sources.facts import BLOCKS, HEADERS, Facts
from hashcanary.sources.feed import Asked, Batch, Feed
from hashcanary.store import lake as lake_module
from hashcanary.store import syncing

HEADER = 80
A_BATCH = 5
PATIENCE_S = 60
# headers and rows about blocks of eight batches: three versions of the lake in a sync
MOST_ROWS = 80
IDLE, WRITING, RECOVERING = range(3)
PLACES = {IDLE: "between", WRITING: "inside a write", RECOVERING: "inside recovery"}


def heights_of(headers: bytes) -> list[int]:
    """The height of each header, all of them after their parents."""
    known = {bytes(32): -1}
    for at in range(0, len(headers), HEADER):
        header = headers[at : at + HEADER]
        name = hashlib.sha256(hashlib.sha256(header).digest()).digest()
        known[name] = known[header[4:36]] + 1
    return list(known.values())[1:]


def feed_of(headers: bytes) -> Feed:
    """A feed that gives headers and block rows, five at a time, and goes on at its cursor."""

    places = heights_of(headers)

    def batches(asked: Asked) -> Iterator[Batch]:
        start = int(str(asked.cursor.get("at", 0)))
        for at in range(start, len(headers) // HEADER, A_BATCH):
            rows = decode_headers(headers[at * HEADER : (at + A_BATCH) * HEADER]).frame()
            rows = rows.with_columns(
                pl.lit(None, pl.Int64).alias("height"),
                source=pl.lit("cut"),
                known_at=pl.col("time"),
            )
            told = pl.DataFrame(schema=BLOCKS.schema)
            blocks = rows.select("hash", "time", "bits", "source", "known_at").with_columns(
                height=pl.Series(places[at : at + A_BATCH], dtype=pl.Int64),
                tx_count=pl.int_range(pl.len()) + at,
            )
            facts = (
                Facts(HEADERS, rows.select(list(HEADERS.schema))),
                Facts(BLOCKS, pl.concat([told, blocks], how="diagonal")),
            )
            yield Batch(facts, {"at": at + A_BATCH})

    return Feed("cut", "headers of tests", ("headers", "blocks"), (), batches)


def sync_all(home: pathlib.Path, headers: bytes) -> lake_module.Lake:
    """Sync everything the feed has; versions come every MOST_ROWS rows."""
    usual, syncing.MOST_ROWS = syncing.MOST_ROWS, MOST_ROWS
    try:
        report = syncing.sync(
            lake_module.Lake.open(home), feed_of(headers), {}, Clock(waits_left=0)
        )
    finally:
        syncing.MOST_ROWS = usual
    if report.error is not None:
        raise report.error
    return report.lake


def ended(child: int) -> int:
    """The status of a child at its end. Raises TimeoutError for one that hangs, and ends it."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise TimeoutError(f"a child of {os.getpid()} was still there after {PATIENCE_S} s")


class Boundaries:
    """Counts boundaries in a child, and kills it before the one chosen."""

    def __init__(self, page: mmap.mmap, place: int | None, at: int) -> None:
        self.page, self.place, self.at, self.passed = page, place, at, 0

    def pass_one(self) -> None:
        if self.place is not None and self.page[0] != self.place:
            return
        self.passed += 1
        self.page[8:12] = self.passed.to_bytes(4, "little")
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.pass_one()
            return original(*arguments, **options)

        return call

    def opening(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: pathlib.Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            if "w" in mode:
                self.pass_one()
            return original(path, mode, *arguments, **options)

        return call

    def around(self, original: Callable[..., Any], place: int) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.pass_one()
            self.page[4] = (self.page[4] + (place == WRITING)) % 256
            outside, self.page[0] = self.page[0], place
            try:
                return original(*arguments, **options)
            finally:
                self.page[0] = outside
                self.pass_one()

        return call

    def set_up(self) -> None:
        """Put the hooks in place; only ever in a child."""
        os.fsync = self.before(os.fsync)
        shutil.rmtree = self.before(shutil.rmtree)  # type: ignore[assignment]
        for name in ("replace", "unlink"):
            setattr(pathlib.Path, name, self.before(getattr(pathlib.Path, name)))
        pathlib.Path.open = self.opening(pathlib.Path.open)  # type: ignore[method-assign]
        deltalake.write_deltalake = self.around(deltalake.write_deltalake, WRITING)
        lake_module._clean = self.around(lake_module._clean, RECOVERING)


class Cutter:
    """Makes copies of a lake and lets a child die on each."""

    def __init__(self, base: pathlib.Path, out: pathlib.Path, headers: bytes) -> None:
        self.base, self.out, self.headers = base, out, headers
        self.page = mmap.mmap(-1, mmap.PAGESIZE)
        self.made = 0

    def run(
        self, base: pathlib.Path, place: int | None, at: int, microseconds: int | None = None
    ) -> dict[str, Any]:
        """One child. ``microseconds``: into the at-th commit, else before the at-th boundary."""
        self.made += 1
        home = self.out / f"{self.made:05d}"
        shutil.copytree(base, home)
        self.page[:16] = bytes(16)
        child = os.fork()
        if child == 0:
            try:
                Boundaries(self.page, place, 0 if microseconds is not None else at).set_up()
                sync_all(home, self.headers)
            finally:
                os._exit(0)
        if microseconds is not None:
            self._kill_inside(child, at, microseconds)
        status = ended(child)
        killed = os.WIFSIGNALED(status)
        return {
            "home": str(home),
            "killed": killed,
            "signal": os.WTERMSIG(status) if killed else None,
            "place": PLACES[self.page[0]],
            "passed": int.from_bytes(self.page[8:12], "little"),
            "left": (home / "writing").exists(),
        }

    def _kill_inside(self, child: int, commit: int, microseconds: int) -> None:
        until = time.monotonic() + 60
        while self.page[4] < commit and time.monotonic() < until:
            if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return
        moment = time.perf_counter() + microseconds * 1e-6
        while time.perf_counter() < moment:
            pass
        os.kill(child, signal.SIGKILL)

    def steps(self, first: int, stride: int) -> Iterator[dict[str, Any]]:
        """A death before every ``stride``-th boundary of a whole sync, from the first on."""
        whole = self.run(self.base, None, 0)
        for at in range(first, whole["passed"] + 1, stride):
            yield self.run(self.base, None, at)

    def inside(self, commits: range, moments: range) -> Iterator[dict[str, Any]]:
        """Deaths amid commits of deltalake."""
        for commit in commits:
            for microseconds in moments:
                yield self.run(self.base, None, commit, microseconds)

    def recoveries(self, cut: pathlib.Path, stride: int) -> Iterator[dict[str, Any]]:
        """Deaths before every ``stride``-th boundary of the recovery that a cut lake needs."""
        at = 1
        while True:
            found = self.run(cut, RECOVERING, at)
            if not found["killed"]:
                shutil.rmtree(found["home"])
                return
            yield found
            at += stride


def main() -> None:
    """Kill, and print a JSON object for each child."""
    asked = json.loads(sys.argv[1])
    headers = pathlib.Path(asked["headers"]).read_bytes()
    cutter = Cutter(pathlib.Path(asked["base"]), pathlib.Path(asked["out"]), headers)
    cut: list[dict[str, Any]] = []

    def tell(found: dict[str, Any]) -> None:
        cut.append(found)
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()

    for found in cutter.steps(asked["first"], asked["stride"]):
        tell(found)
    for found in cutter.inside(range(1, asked["commits"] + 1), range(*asked["moments"])):
        tell(found)
    left = [one for one in cut if one["left"]]
    for one in left[:: asked["recover_every"]]:
        for found in cutter.recoveries(pathlib.Path(one["home"]), asked["recovery_stride"]):
            tell(found)


if __name__ == "__main__":
    main()
