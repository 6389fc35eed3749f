"""Places headers, which carry no height, and checks them behind the blocks before them.

1. Headers are cut into runs: stretches in which each names the one before it.
2. A run is anchored by any block in it, or just before it, whose height is known: genesis and the
   network's well-known blocks, headers and block rows of the lake, block rows and heights that
   came in the same load.
3. Runs that follow one another pass their heights on, in both directions.
4. Two anchors that disagree are an error, and so is a run that none reaches.

A file is checked by itself where it is read. What its first headers owe to blocks outside the file
(the bits of the epoch they begin in, the next retarget, the median of the times before) can be told
only here, once they stand beside what the lake holds.

Headers from a feed are looked up in the header tree that is held in memory, so the cost goes by how
many come, not by how many there are.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.chain.errors import ChainError
from hashcanary.chain.header_times import MEDIAN_SPAN, check_times, median_time_past
from hashcanary.chain.headers import History
from hashcanary.chain.retarget import check_bits
from hashcanary.sources.facts import HEADERS
from hashcanary.store import active_chain
from hashcanary.store.active_chain import Tree
from hashcanary.store.errors import BrokenRule, Misplaced, Unanchored
from hashcanary.store.merging import without_repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hashcanary.arrays import Ints
    from hashcanary.chain.networks import Network
    from hashcanary.store.held import HeldHeaders
    from hashcanary.store.lake import Lake


ANCHOR_SCHEMA: dict[str, pl.DataType] = {"hash": pl.Binary(), "height": pl.Int64()}


def network_anchors(network: Network) -> pl.DataFrame:
    """Genesis and the well-known blocks of a network: ``hash``, ``height``."""
    known = network.anchors_by_hash.values()
    rows = {"hash": [a.hash for a in known], "height": [a.height for a in known]}
    return pl.DataFrame(rows, schema=ANCHOR_SCHEMA)


def place(headers: pl.DataFrame, anchors: pl.DataFrame) -> pl.Series:
    """The height of each header.

    headers: ``hash``, ``prev_hash``; ``height``, given or null; ``file``, for errors; in the order
    of their files. anchors: ``hash`` and ``height`` of known blocks; repeats do no harm.
    Raises Misplaced, Unanchored.
    """
    once = headers.with_row_index("row").unique("hash", keep="first", maintain_order=True)
    runs = _Runs.of(once)
    bases = _spread(once, runs, _anchored(once, runs, _one_height(once, anchors)))
    heights = bases[runs.run] + runs.position
    if once.height == headers.height:
        return pl.Series("height", heights)
    found = once.select("hash", pl.Series("found", heights))
    return headers.join(found, on="hash", how="left", maintain_order="left")["found"].rename(
        "height"
    )


@dataclass(frozen=True, slots=True)
class _Runs:
    """run: of each header; position: within its run; starts: each run's first header."""

    run: Ints
    position: Ints
    starts: Ints

    @classmethod
    def of(cls, headers: pl.DataFrame) -> _Runs:
        follows = (
            headers.select((pl.col("prev_hash") == pl.col("hash").shift(1)).fill_null(value=False))
            .to_series()
            .to_numpy()
        )
        starts = np.flatnonzero(~follows)
        run = np.cumsum(~follows) - 1
        return cls(run, np.arange(len(run)) - starts[run], starts)


def _one_height(headers: pl.DataFrame, anchors: pl.DataFrame) -> pl.DataFrame:
    """Anchors without repeats, the heights given with the headers among them."""
    given = headers.filter(pl.col("height").is_not_null()).select("hash", "height")
    together = pl.concat([anchors.select("hash", "height"), given]).unique()
    doubled = together.filter(pl.col("hash").is_duplicated()).sort("hash", "height")
    if doubled.height:
        first = doubled.row(0, named=True)
        raise Misplaced(
            place=_place_of(headers, first["hash"]),
            hash=first["hash"].hex(),
            expected=first["height"],
            because="as one source has it",
            found=doubled["height"][1],
        )
    return together


def _anchored(headers: pl.DataFrame, runs: _Runs, anchors: pl.DataFrame) -> dict[int, int]:
    """The height of the first header of each run that holds or follows a known block."""
    inside = headers.select("hash", run=pl.Series(runs.run), base=-pl.Series(runs.position))
    before = headers[runs.starts].select(
        hash="prev_hash", run=pl.Series(np.arange(len(runs.starts))), base=pl.lit(1, pl.Int64)
    )
    found = pl.concat([inside, before]).join(anchors, on="hash", how="inner")
    bases: dict[int, int] = {}
    spans = found.select("run", base=pl.col("base") + pl.col("height"), at="height", hash="hash")
    ranges = spans.group_by("run").agg(pl.col("base").min(), most=pl.col("base").max())
    for run, least, most in ranges.sort("run").iter_rows():
        if least != most:
            raise _disagree(headers, spans.filter(pl.col("run") == run).sort("at"))
        bases[run] = least
    return bases


def _spread(headers: pl.DataFrame, runs: _Runs, known: dict[int, int]) -> Ints:
    """The first height of every run, passed along the links between runs."""
    links: dict[int, list[tuple[int, int]]] = {}
    rows = headers.select("hash", parent=pl.Series(np.arange(headers.height)))
    firsts = headers[runs.starts].select("prev_hash", run=pl.Series(np.arange(len(runs.starts))))
    for child, parent in (
        firsts.join(rows, left_on="prev_hash", right_on="hash").select("run", "parent").iter_rows()
    ):
        step = int(runs.position[parent]) + 1
        links.setdefault(int(runs.run[parent]), []).append((child, step))
        links.setdefault(child, []).append((int(runs.run[parent]), -step))
    waiting = deque(known)
    while waiting:
        run = waiting.popleft()
        for other, step in links.get(run, ()):
            height = known[run] + step
            if other not in known:
                known[other] = height
                waiting.append(other)
            elif known[other] != height:
                raise _broken_link(headers, runs, other, height, known[other])
    for run in range(len(runs.starts)):
        if run not in known:
            raise _unanchored(headers, runs, run)
    return np.array([known[run] for run in range(len(runs.starts))], np.int64)


def _place_of(headers: pl.DataFrame, block: bytes) -> str:
    row = headers.filter(pl.col("hash") == block)
    return _where(row.row(0, named=True)) if row.height else "block rows"


def _where(row: dict[str, object]) -> str:
    return str(row["file"])


def _disagree(headers: pl.DataFrame, spans: pl.DataFrame) -> Misplaced:
    first = spans.row(0, named=True)
    other = spans.filter(pl.col("base") != first["base"]).row(0, named=True)
    return Misplaced(
        place=_place_of(headers, other["hash"]),
        hash=other["hash"].hex(),
        expected=other["at"] - other["base"] + first["base"],
        because=f"counted from block {first['hash'].hex()} at height {first['at']}",
        found=other["at"],
    )


def _broken_link(
    headers: pl.DataFrame, runs: _Runs, run: int, expected: int, found: int
) -> Misplaced:
    row = headers.row(int(runs.starts[run]), named=True)
    return Misplaced(
        place=_where(row),
        hash=row["hash"].hex(),
        expected=expected,
        because=f"it is linked to {row['prev_hash'].hex()}",
        found=found,
    )


def _unanchored(headers: pl.DataFrame, runs: _Runs, run: int) -> Unanchored:
    start = int(runs.starts[run])
    count = int(np.count_nonzero(runs.run == run))
    row = headers.row(start, named=True)
    return Unanchored(
        place=_where(row),
        count=count,
        first=row["hash"].hex(),
        last=headers["hash"][start + count - 1].hex(),
    )


def reach(network: Network) -> int:
    """How many blocks before a header its rules look at."""
    return max(network.retarget_interval, MEDIAN_SPAN)


def check_rules(headers: pl.DataFrame, network: Network) -> None:
    """Check bits and times of new headers, and of those that new ones come before.

    headers: the columns ``active_chain.COLUMNS``, ``source`` and ``new`` (Boolean), ascending by
    height, each hash once; from ``reach`` blocks below the lowest new one on. Raises BrokenRule.
    """
    for history, rows in histories(headers, network):
        try:
            check_bits(history, network)
            median, known = median_time_past(history.times, history.heights)
            check_times(history, network, median, known, None)
        except ChainError as error:
            sources = headers[rows].filter("new")["source"].unique().sort().to_list()
            raise BrokenRule(place=", ".join(sources) or "headers", problem=str(error)) from error


def histories(headers: pl.DataFrame, network: Network) -> Iterator[tuple[History, Ints]]:
    """Each stretch with anything new in or before it, behind as much as is known before it."""
    tree = Tree.of(headers)
    heights, times, bits = (headers[name].to_numpy() for name in ("height", "time", "bits"))
    new = headers["new"].to_numpy()
    after_new: list[bool] = []
    for start, end, parent in zip(tree.starts, tree.ends, tree.parents, strict=True):
        inherited = parent >= 0 and after_new[parent]
        first = start if inherited else start + int(np.argmax(new[start:end]))
        after_new.append(inherited or bool(new[first]))
        if not after_new[-1]:
            continue
        before = _ancestors(tree, parent, np.arange(start, first), reach(network))
        rows = np.concatenate([before, np.arange(first, end)])
        yield History(heights[rows], times[rows], bits[rows], len(before)), rows


def _ancestors(tree: Tree, parent: int, nearest: Ints, count: int) -> Ints:
    """Up to ``count`` rows before a place, along its branch, ascending."""
    parts, found = [nearest], len(nearest)
    while parent >= 0 and found < count:
        parts.append(np.arange(tree.starts[parent], tree.ends[parent]))
        found += len(parts[-1])
        parent = tree.parents[parent]
    return np.concatenate(parts[::-1])[-count:]


def placed_and_checked(
    lake: Lake, held: HeldHeaders, rows: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """The rows for ``headers`` with their heights, one a hash.

    rows: those of one commit, by table; rows about blocks tell heights too. Raises Misplaced,
    Unanchored, BrokenRule, ConflictingFacts.
    """
    headers = rows[HEADERS.name]
    told = [held.places_of(headers["hash"]), held.places_of(headers["prev_hash"])]
    if "blocks" in rows:
        told.append(rows["blocks"])
    try:
        placed = placed_by(headers, told, lake.network)
    except Unanchored:
        # only rows about blocks that the lake holds may tell
        told.append(lake.frame("blocks", ["hash", "height"]))
        placed = placed_by(headers, told, lake.network)
    check_new(
        placed.filter(pl.Series(held.rows_of(placed["hash"]) < 0)),
        lambda least: held.frame.filter(pl.col("height") >= least).with_columns(
            source=pl.lit("the lake")
        ),
        lake.network,
    )
    return placed


def placed_by(
    headers: pl.DataFrame, told: Iterable[pl.DataFrame], network: Network
) -> pl.DataFrame:
    """Headers with their heights, one row a hash.

    told: frames with ``hash`` and ``height`` of blocks whose height is known, beside those that the
    network knows. Raises Misplaced, Unanchored, ConflictingFacts.
    """
    known = [network_anchors(network), *told]
    anchors = pl.concat([frame.select(list(ANCHOR_SCHEMA)) for frame in known]).drop_nulls()
    heights = place(headers.with_columns(file="source"), anchors)
    return without_repeats(HEADERS, headers.with_columns(heights), "headers")


def check_new(
    new: pl.DataFrame, stored_from: Callable[[int], pl.DataFrame], network: Network
) -> None:
    """Check new headers behind those stored before them. Raises BrokenRule.

    stored_from: the columns ``active_chain.COLUMNS`` and ``source`` of stored headers from a height
    on.
    """
    if new.is_empty():
        return
    columns = [*active_chain.COLUMNS, "source"]
    before = stored_from(int(new["height"].to_numpy().min()) - reach(network))
    both = [
        new.select(columns).with_columns(new=True),
        before.select(columns).with_columns(new=False),
    ]
    check_rules(pl.concat(both).sort("height"), network)
