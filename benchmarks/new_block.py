"""A new block at the tip of the full record: from notice until every metric is current.

The lake holds all real data but the last blocks with a time, which a feed then gives one by one.
Ours: the feed's batch placed, merged and committed as a version of the lake (on the disk), the
record renewed, all metrics computed. The peer: a plain Parquet file of the record's blocks, read by
polars, the row added, written back and read again, every metric in pandas; nothing is resolved,
checked, kept in versions or made durable. The limit: one row written to the disk and flushed, and
NumPy adding up the block columns by day once. Each round's record is compared with a full rebuild.
The median and the worst of the rounds after the first count.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import all_metrics
import pandas as pd
import pandas_metrics
import polars as pl
from real_data import real_data
from table import show

from hashcanary.chain.networks import MAIN
from hashcanary.cli.opening import SystemClock
from hashcanary.metrics.declaration import all_metrics as declared
from hashcanary.metrics.engine import metrics_of
from hashcanary.sources.facts import BLOCKS, Facts
from hashcanary.sources.feed import Batch, Feed
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.record import Record
from hashcanary.store.recording import record_of
from hashcanary.store.renewing import Recorder
from hashcanary.store.syncing import Syncer

# more than an append's worth of files, so that putting them together is among the rounds
ROUNDS = 36
PEER_ROUNDS = 4
BAR_SECONDS = 1.0


@dataclass
class Ours:
    """Our own process as it follows: what it keeps between blocks, and the seconds of each part."""

    syncer: Syncer
    recorder: Recorder = field(default_factory=Recorder)
    parts: list[tuple[float, float, float]] = field(default_factory=list)

    def take(self, rows: pl.DataFrame) -> Record:
        """One new block, from notice to every metric."""
        feed = Feed("replay", "the last real blocks", ("blocks",), (), lambda _: one_batch(rows))
        start = time.perf_counter()
        report = self.syncer.sync(feed, {}, SystemClock())
        committed = time.perf_counter()
        record = self.recorder.record(report.lake)
        recorded = time.perf_counter()
        every_metric(record)
        done = time.perf_counter()
        if report.error is not None or report.new != {"blocks": rows.height}:
            raise SystemExit(f"expected {rows.height} new rows, found {report}")
        self.parts.append((committed - start, recorded - committed, done - recorded))
        return record


def every_metric(record: Record) -> None:
    """Compute every declared metric."""
    for name in declared():
        _ = metrics_of(record)[name]


def one_batch(rows: pl.DataFrame) -> Iterator[Batch]:
    yield Batch((Facts(BLOCKS, rows),), {"height": rows["height"].max()})


def lake_before_the_last(folder: Path, blocks: int) -> tuple[Lake, list[pl.DataFrame]]:
    """All real data but the last blocks, and the rows about each of those."""
    whole = load(Lake.create(folder / "whole", MAIN), [real_data()]).lake
    told = whole.frame("blocks").filter(pl.col("time").is_not_null())
    tip = int(told["height"].max())
    lake = Lake.create(folder / "lake", MAIN)
    with lake.writing() as transaction:
        for table in whole.manifest.tables:
            if table != "blocks":
                transaction.replace(table, whole.frame(table))
        before = whole.frame("blocks").filter(pl.col("height") <= tip - blocks)
        transaction.replace("blocks", before)
        lake = transaction.publish([], 0)
    heights = range(tip - blocks + 1, tip + 1)
    return lake, [told.filter(pl.col("height") == height) for height in heights]


def run_peer(folder: Path, record: Record) -> float:
    """Seconds from a new row to all metrics: polars for the file, pandas for the metrics."""
    path = folder / "blocks.parquet"
    record.blocks.head(-1).write_parquet(path)
    for name in ("daily", "candles"):
        getattr(record, name).write_parquet(folder / f"{name}.parquet")
    start = time.perf_counter()
    pl.concat([pl.read_parquet(path), record.blocks.tail(1)]).write_parquet(path)
    tables = [
        pl.read_parquet(folder / f"{name}.parquet").to_pandas()
        for name in ("blocks", "daily", "candles")
    ]
    made = pandas_metrics.base_tables(*tables)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
        for name, metric in pandas_metrics.METRICS.items():
            table = made[declared()[name].grain]
            pandas_metrics.add(table, name, metric(table))
    return time.perf_counter() - start


def run_limit(folder: Path, record: Record) -> float:
    """Seconds for one durable row and one pass of NumPy over the columns."""
    fastest = all_metrics.Fastest()
    all_metrics.run_limit(record, fastest)
    start = time.perf_counter()
    with (folder / "row").open("wb") as file:
        file.write(bytes(200))
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - start + fastest["limit"]


def measure() -> list[dict[str, object]]:
    """Two rows: the median and the worst round."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lake, rows = lake_before_the_last(folder, ROUNDS + 1)
        ours = Ours(Syncer(lake))
        every_metric(ours.recorder.record(lake))
        for row in rows:
            record = ours.take(row)
            full = record_of(ours.syncer.lake)
            same = record.blocks.equals(full.blocks) and record.pool_labels.equals(full.pool_labels)
            if not same or record.provenance != full.provenance:
                raise SystemExit("the renewed record differs from a full rebuild")
        peer = [run_peer(folder, record) for _ in range(PEER_ROUNDS)]
        limit = [run_limit(folder, record) for _ in range(PEER_ROUNDS)]
    parts = [statistics.median(part) for part in zip(*ours.parts[1:], strict=True)]
    told = "commit {:.0f} ms, record {:.0f} ms, metrics {:.0f} ms".format(*(1e3 * p for p in parts))
    what = f"a new block on {record.blocks.height:,}, to all {len(declared())} metrics"
    totals = [sum(part) for part in ours.parts[1:]]
    return [
        _row(f"{what}: median ({told})", statistics.median(totals), min(peer), min(limit)),
        _row(f"{what}: worst of {ROUNDS}", max(totals), max(peer), max(limit)),
    ]


def _row(what: str, ours: float, peer: float, limit: float) -> dict[str, object]:
    return {
        "what": what,
        "ours": f"{ours:.2f} s",
        "peer": f"full reload, polars and pandas: {peer:.2f} s",
        "limit": f"a flushed row, NumPy: {limit * 1e3:.0f} ms",
        "ratio_to_peer": ours / peer,
        "ratio_to_limit": ours / limit,
        "bar": f"under {BAR_SECONDS:.0f} s",
        "reached": ours < BAR_SECONDS,
    }


if __name__ == "__main__":
    raise SystemExit(show(measure()))
