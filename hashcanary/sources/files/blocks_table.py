"""Tables with one row a block: their columns, and the rules of consensus their rows must keep.

Checked within the file, without knowing the chain around it: ranges of every value, hashes below
their targets, subsidies, median times, bits that change only at retargets and then exactly as the
times of the epoch demand.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from hashcanary.chain.header_times import median_time_past
from hashcanary.chain.networks import Network
from hashcanary.chain.retarget import next_bits
from hashcanary.chain.subsidy import subsidy_column
from hashcanary.chain.targets import (
    bits_table,
    decode_compact,
    target_words,
    why_implausible,
    why_invalid,
)
from hashcanary.sources.errors import BadValue
from hashcanary.sources.facts import BLOCKS, Coverage, Facts, Parsed
from hashcanary.sources.files.columns import (
    EARLIEST,
    LATEST,
    MAX_HEIGHT,
    Table,
    missing_ranges,
    settle,
)
from hashcanary.sources.files.tables import Field, read_table
from hashcanary.sources.source import Content, Options

HEIGHT = Field("height", ("block_height", "blockheight", "block", "number", "block_number"))
BLOCKHASH = Field("hash", ("blockhash", "block_hash", "id"))
TIME = Field("time", ("timestamp", "block_time", "blocktime", "header_time"))
BITS = Field("bits", ("nbits", "nbits_hex", "bits_hex"))
MEDIAN_TIME = Field("median_time_past", ("mediantime", "median_time", "mtp"))
SUBSIDY = Field("subsidy", ("block_subsidy",))
TOTAL_FEE = Field("total_fee", ("totalfee", "total_fees", "totalfees"))
TX_COUNT = Field("tx_count", ("txs", "ntx", "n_tx", "transactions", "transaction_count"))
SIZE = Field("size", ("block_size",))
WEIGHT = Field("weight", ("block_weight",))

# More satoshis than can exist; a block's fees are far below.
_MAX_SATOSHIS = 21 * 10**14
_LIMITS = {
    "subsidy": (0, _MAX_SATOSHIS, "satoshis"),
    "total_fee": (0, _MAX_SATOSHIS, "satoshis"),
    "tx_count": (1, 10**6, "a number of transactions"),
    "size": (0, 4_000_000, "bytes"),
    "weight": (0, 4_000_000, "weight units"),
}
_REFETCH = "The row is damaged, or of another network: get it again from another source."


def parse_blocks(content: Content, options: Options, kind: str, fields: Sequence[Field]) -> Parsed:
    """Read and check a table of blocks; known_at is the header's own time."""
    return blocks_of(content, options, kind, read_table(content, kind, fields))


def blocks_of(content: Content, options: Options, kind: str, table: Table) -> Parsed:
    """Check a table under the lake's names and make rows of ``blocks`` of it."""
    times, how = table.header_times("time")
    columns, read_as = _columns(table, times)
    read = pl.DataFrame(columns)
    network = options.network
    notes = [*table.notes, *how, *read_as]
    notes += _check_rows(table, read, network)
    full = BLOCKS.facts(read, content.source, known_at="time")
    frame, settled = settle(table, full.frame, ("height", "hash"))
    _check_order(table, read, frame, network)
    return Parsed(kind, (Facts(BLOCKS, frame),), _coverage(frame, [*notes, *settled]))


def hash_above_target(hashes: pl.Series, bits: pl.Series) -> pl.Series:
    """Where a hash is above the target that bits of a valid form stand for; null where unknown.

    hashes: 32 bytes, printed order; bits: Int64.
    """
    both = pl.DataFrame({"hash": hashes, "bits": bits}).with_row_index("row").drop_nulls()
    table = bits_table(both["bits"].to_numpy())
    targets = target_words([decode_compact(int(one)).value for one in table.unique])
    limit = targets[table.inverse].astype(">u8")
    limit_bytes = pl.Series([row.tobytes() for row in limit], dtype=pl.Binary)
    above = pl.DataFrame({"row": both["row"], "above": both["hash"] > limit_bytes})
    rows = pl.DataFrame({"row": pl.arange(len(hashes), eager=True, dtype=pl.UInt32)})
    return rows.join(above, on="row", how="left", maintain_order="left")["above"]


def _columns(table: Table, times: pl.Series) -> tuple[dict[str, pl.Series], tuple[str, ...]]:
    """Every column the table has, each value within its range; notes on how it was read."""
    notes: tuple[str, ...] = ()
    columns = {
        "height": table.integers("height", 0, MAX_HEIGHT, what="a height"),
        "time": times,
    }
    if table.has("bits"):
        columns["bits"], notes = table.bits("bits")
    if table.has("hash"):
        columns["hash"] = table.hashes("hash", null=table.has("bits"))
    if table.has("median_time_past"):
        columns["median_time_past"] = table.integers(
            "median_time_past", EARLIEST, LATEST, what="a median time in Unix seconds,", null=True
        )
    for name, (low, high, what) in _LIMITS.items():
        if table.has(name):
            columns[name] = table.integers(name, low, high, what=what, null=table.has("bits"))
    return columns, notes


def _check_rows(table: Table, read: pl.DataFrame, network: Network) -> list[str]:
    """What each row must keep by itself; notes say what could not be checked."""
    notes: list[str] = []
    if "median_time_past" in read.columns:
        table.refuse(
            read["median_time_past"] > read["time"],
            "median_time_past",
            "a median time no later than the block's own time",
            _REFETCH,
        )
    if "subsidy" in read.columns:
        right = pl.Series(subsidy_column(read["height"].to_numpy(), network))
        table.refuse(
            read["subsidy"] != right,
            "subsidy",
            f"the subsidy of {network.name} at each height, in satoshis",
            _REFETCH,
        )
    if "bits" not in read.columns:
        return [*notes, "no bits in the file: proof of work of its hashes not checked here"]
    check_bits(table, read["bits"], network)
    if "hash" not in read.columns:
        return [*notes, "no hashes in the file: proof of work not checked"]
    table.refuse(
        hash_above_target(read["hash"], read["bits"]),
        "hash",
        "a hash at or below the target of its bits",
        _REFETCH,
    )
    without = read["hash"].null_count()
    if without:
        notes.append(f"{without:,} of {read.height:,} blocks without a hash: not checked for work")
    return notes


def check_bits(table: Table, bits: pl.Series, network: Network) -> None:
    """Refuse bits of no valid target of a network. Raises BadValue."""
    for value in bits.unique().to_list():
        why = why_invalid(value, network.pow_limit) or why_implausible(value)
        if why:
            table.refuse(
                bits == value, "bits", f"a target valid on {network.name}; this one {why}", _REFETCH
            )


def _check_order(table: Table, read: pl.DataFrame, frame: pl.DataFrame, network: Network) -> None:
    """What rows must keep among each other: heights once, later than median time, retargets."""
    heights, times = frame["height"].to_numpy(), frame["time"].to_numpy()
    twice = np.flatnonzero(heights[1:] == heights[:-1])
    if len(twice):
        _fail(table, read, int(heights[twice[0]]), "height", "each height once", "it twice")
    median, known = median_time_past(times, heights)
    early = np.flatnonzero(
        known[:-1] & (heights[1:] == heights[:-1] + 1) & (times[1:] <= median[:-1])
    )
    if len(early):
        at = int(early[0])
        _fail(
            table,
            read,
            int(heights[at + 1]),
            "time",
            f"a time above the median of the 11 blocks before, {median[at]}",
            str(times[at + 1]),
        )
    if not frame["bits"].has_nulls() and not network.no_retargeting:
        _check_retargets(table, read, frame, network)


def _check_retargets(
    table: Table, read: pl.DataFrame, frame: pl.DataFrame, network: Network
) -> None:
    """Bits stay within an epoch, and change as the epoch's first and last time demand."""
    if network.min_difficulty_rule:
        return
    epochs = frame.group_by(
        epoch=pl.col("height") // network.retarget_interval, maintain_order=True
    ).agg(
        first=pl.col("height").first(),
        last=pl.col("height").last(),
        first_time=pl.col("time").first(),
        last_time=pl.col("time").last(),
        bits=pl.col("bits").first(),
        other=pl.col("height").filter(pl.col("bits") != pl.col("bits").first()).first(),
        found=pl.col("bits").filter(pl.col("bits") != pl.col("bits").first()).first(),
    )
    previous = None
    for epoch in epochs.iter_rows(named=True):
        if epoch["other"] is not None:
            expected = f"bits {epoch['bits']:#010x}, as since block {epoch['first']:,}"
            _fail(table, read, epoch["other"], "bits", expected, f"{epoch['found']:#010x}")
        if previous is not None and _whole_before(previous, epoch, network):
            due = next_bits(
                previous["bits"], previous["first_time"], previous["last_time"], network
            )
            if due != epoch["bits"]:
                expected = f"bits {due:#010x}, as the retarget demands by the times of its epoch"
                _fail(table, read, epoch["first"], "bits", expected, f"{epoch['bits']:#010x}")
        previous = epoch


def _whole_before(before: dict[str, int], epoch: dict[str, int], network: Network) -> bool:
    """Whether an epoch's first and last block are known, and the first one of the next."""
    start = epoch["epoch"] * network.retarget_interval
    return (
        epoch["first"] == start
        and before["last"] == start - 1
        and before["first"] == start - network.retarget_interval
    )


def _fail(
    table: Table, read: pl.DataFrame, height: int, column: str, expected: str, found: str
) -> None:
    index = read["height"].index_of(height)
    assert index is not None
    raise BadValue(
        file=table.path,
        place=f"{table.place(index)}, height {height:,}, column {column}",
        expected=expected,
        found=found,
        more="",
        remedy=_REFETCH,
    )


def _coverage(frame: pl.DataFrame, notes: list[str]) -> Coverage:
    heights = frame["height"]
    return Coverage(
        rows=frame.height,
        first=f"block {heights[0]:,}",
        last=f"block {heights[-1]:,}",
        gaps=tuple(f"blocks {first:,} to {last:,}" for first, last in missing_ranges(heights, 1)),
        notes=tuple(notes),
    )
