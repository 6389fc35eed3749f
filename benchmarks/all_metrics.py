"""Every declared metric over the whole record, against the same definitions in plain pandas.

Ours: base inputs and all metrics of a record in memory, and for each row when it was known, what it
rests on and why it is missing. The peer: ``pandas_metrics``, the values alone. The
limit: NumPy, adding up the same block columns by day once. Every column of both is compared before
anything is reported. Rounds alternate; the best of each counts. Imports are not timed.

A metric's own row is the way from the record to the values of that one metric: base columns, the
metrics it needs and itself. The step alone, once what it needs is there, stands beside it.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pandas_metrics
import pandas_pools
import polars as pl
from real_data import real_data
from table import show

from hashcanary.chain.networks import MAIN
from hashcanary.metrics import engine
from hashcanary.metrics.chain_columns import chain_columns
from hashcanary.metrics.declaration import all_metrics
from hashcanary.metrics.inputs import BASE_INPUTS
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.record import Record
from hashcanary.store.recording import record_of

ROUNDS = 5
BAR_SECONDS = 2.0
BAR_RATIO = 1 / 3
DAY = 86_400
Row = dict[str, object]


class Fastest:
    """Least seconds of each thing timed."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, work: Callable[[], object]) -> object:
        """Do the work, and keep how long it took where that is the least so far."""
        start = time.perf_counter()
        done = work()
        taken = time.perf_counter() - start
        self.seconds[name] = min(self.seconds.get(name, taken), taken)
        return done

    def __getitem__(self, name: str) -> float:
        return self.seconds[name]


def real_record() -> Record:
    """The record of the whole folder of real data, loaded into a lake that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.create(Path(folder) / "lake", MAIN)
        record = record_of(load(lake, [real_data()]).lake)
        # what a record has not read yet it would read from a lake that is gone
        parts = (record.blocks, record.daily, record.candles, record.pool_labels)
        assert all(part.height for part in parts)
        return record


def run_ours(record: Record, fastest: Fastest) -> dict[str, pl.DataFrame]:
    """Timed metric by metric, each after what it needs."""
    metrics = engine.Metrics(record)
    fastest("base", lambda: [metrics.frame(grain, inputs) for grain, inputs in BASE_INPUTS.items()])
    for name in in_order(all_metrics()):
        fastest(name, lambda n=name: metrics[n])
    return {
        grain: metrics.frame(grain, (n for n, m in all_metrics().items() if m.grain == grain))
        for grain in BASE_INPUTS
    }


def in_order(names: Iterable[str]) -> list[str]:
    """Metrics and what they need, each after its inputs."""
    order: dict[str, None] = {}
    for name in names:
        needed = [one for one in all_metrics()[name].inputs if one in all_metrics()]
        order |= dict.fromkeys((*in_order(needed), name))
    return list(order)


def run_peer(tables: tuple[pd.DataFrame, ...], fastest: Fastest) -> dict[str, pd.DataFrame]:
    """The same in pandas, timed metric by metric."""
    made = fastest("base", lambda: pandas_metrics.base_tables(*tables))
    with warnings.catch_warnings():
        # pandas warns that a frame to which columns are added one by one is slow; it is its way
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
        every = pandas_metrics.METRICS | pandas_pools.METRICS
        for name, metric in every.items():
            table = made[all_metrics()[name].grain]
            fastest(name, lambda n=name, m=metric, t=table: pandas_metrics.add(t, n, m(t)))
    return made


def run_limit(record: Record, fastest: Fastest) -> None:
    """NumPy adds up count, work, its square, issuance and fees by both day cuts."""
    chain = chain_columns(record)
    fee = np.nan_to_num(chain.fee)
    square = chain.work**2

    def add_up() -> None:
        for stamp in (chain.time, np.maximum(chain.mtp, 0)):
            day = stamp // DAY
            np.bincount(day)
            for column in (chain.work, square, chain.subsidy, fee):
                np.bincount(day, weights=column)

    fastest("limit", add_up)


def check(ours: dict[str, pl.DataFrame], peer: dict[str, pd.DataFrame]) -> int:
    """Compare every column of every metric; returns how many values agree."""
    agreed, wrong = 0, []
    for name, metric in all_metrics().items():
        mine, theirs = ours[metric.grain], peer[metric.grain]
        for column in metric.columns:
            here = engine.column_name(name, column)
            same = agree(mine[here], theirs[here])
            agreed += same.size
            if not same.all():
                wrong.append(
                    f"{here}: {(~same).sum()} of {same.size}, first in row {same.argmin()}"
                )
    if wrong:
        raise SystemExit("ours and pandas differ:\n" + "\n".join(wrong))
    return agreed


def agree(mine: pl.Series, theirs: pd.Series) -> np.ndarray:
    if not mine.dtype.is_numeric():
        left = pd.Series(mine.to_list(), dtype=object)
        right = theirs.reset_index(drop=True)
        return ((left == right) | (left.isna() & right.isna())).to_numpy()
    left = mine.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    right = theirs.to_numpy(dtype=np.float64)
    right = np.where(np.isfinite(right), right, np.nan)
    # drawdowns are rounded to twelve decimals
    return np.isclose(left, right, rtol=1e-9, atol=2e-12, equal_nan=True)


def measure() -> list[Row]:
    """The whole, the base columns, then every metric: seconds, or milliseconds below a tenth."""
    record = real_record()
    blocks = record.blocks.join(record.pool_labels, on="height", how="left", maintain_order="left")
    tables = tuple(table.to_pandas() for table in (blocks, record.daily, record.candles))
    ours, peer, limit = Fastest(), Fastest(), Fastest()
    for _ in range(ROUNDS):
        run_limit(record, limit)
        mine = ours("all", lambda: run_ours(record, ours))
        theirs = peer("all", lambda: run_peer(tables, peer))
    values = check(mine, theirs)
    least = limit["limit"]
    whole = row(
        f"all {len(all_metrics())} metrics over the whole record, {values:,} values, each equal",
        (ours["all"], peer["all"]),
        limit=least,
        bar="under 2 s, and a third of the peer",
    )
    whole["reached"] = ours["all"] < BAR_SECONDS and ours["all"] <= peer["all"] * BAR_RATIO
    base = row("base columns from blocks, days and candles", (ours["base"], peer["base"]), least)
    return [whole, base, *(metric_row(name, ours, peer) for name in all_metrics())]


def metric_row(name: str, ours: Fastest, peer: Fastest) -> Row:
    steps = ["base", *in_order([name])]
    way = sum(ours[step] for step in steps), sum(peer[step] for step in steps)
    alone = f"step {shown(ours[name])} / {shown(peer[name])}"
    made = row(f"`{name}` ({alone})", way, bar="a third of the peer")
    made["reached"] = way[0] <= way[1] * BAR_RATIO
    return made


def row(
    what: str,
    seconds: tuple[float, float],
    limit: float | None = None,
    bar: str | None = None,
) -> Row:
    mine, theirs = seconds
    return {
        "what": what,
        "ours": shown(mine),
        "peer": f"pandas {shown(theirs)}",
        "limit": f"NumPy {shown(limit)}" if limit else None,
        "ratio_to_peer": mine / theirs,
        "ratio_to_limit": mine / limit if limit else None,
        "bar": bar,
        "reached": None,
    }


def shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1e3:.2f} ms"


if __name__ == "__main__":
    raise SystemExit(show(measure()))
