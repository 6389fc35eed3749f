"""Difficulty epochs: the bits of each, and what is known of its first and last block.

Checkpoints as wallets ship them. An epoch's first header, where given, is a header like any other
(its height is the table's claim, checked against the blocks around it by the lake); what is known
without a header becomes rows of ``blocks``: the bits of an epoch at its first height, and the hash
of its last block, by which a run of headers that continues it finds its height.
"""

from __future__ import annotations

import polars as pl

from hashcanary.chain.headers import HEADER_SIZE, decode_headers
from hashcanary.chain.networks import Network
from hashcanary.chain.retarget import next_bits
from hashcanary.chain.targets import decode_compact
from hashcanary.sources.facts import BLOCKS, HEADERS, Coverage, Facts, Parsed
from hashcanary.sources.files.blocks_table import BITS, check_bits, hash_above_target
from hashcanary.sources.files.columns import (
    EARLIEST,
    LATEST,
    MAX_HEIGHT,
    Table,
    missing_ranges,
    settle,
)
from hashcanary.sources.files.tables import Field, has, read_table
from hashcanary.sources.source import Content, Options, Probe, Source

KIND = "epochs"
_EPOCH = Field("epoch", ("difficulty_epoch", "epoch_number"))
_FIRST_HEIGHT = Field("first_height", ("start_height", "first_block_height"), required=True)
_BITS = Field(BITS.name, BITS.synonyms, required=True)
_LAST_HEIGHT = Field("last_block_height", ("last_height", "end_height"))
_LAST_HASH = Field("last_block_hash", ("last_hash",))
_FIRST_TIME = Field("first_block_time", ("first_time", "start_time"))
_FIRST_HASH = Field("first_block_hash", ("first_hash",))
_FIRST_HEADER = Field("first_header_hex", ("first_header", "first_block_header"))
_OPTIONAL = (_EPOCH, _LAST_HEIGHT, _LAST_HASH, _FIRST_TIME, _FIRST_HASH, _FIRST_HEADER)
FIELDS = (_FIRST_HEIGHT, _BITS, *_OPTIONAL)
_REMEDY = "The row is damaged, or of another network: get the table again from another source."


def recognise(probe: Probe) -> bool:
    """Whether a table has first heights with bits, or most columns of an epoch."""
    return has(probe.columns, _FIRST_HEIGHT, _EPOCH) > 0 and has(probe.columns, *FIELDS) >= 3


def parse(content: Content, options: Options) -> Parsed:
    """Rows of ``headers`` for first headers, rows of ``blocks`` for what is known without one."""
    table = read_table(content, KIND, FIELDS)
    read, read_as = _checked(table, options.network)
    epochs, settled = settle(table, read, ("first_height",))
    notes = (*table.notes, *read_as, *settled)
    _check_neighbours(table, read, epochs, options.network)
    facts = (
        HEADERS.facts(_first_headers(epochs), content.source),
        BLOCKS.facts(_blocks(epochs, options.network), content.source),
    )
    return Parsed(KIND, facts, _coverage(epochs, facts, notes, options.network))


def _checked(table: Table, network: Network) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The columns, each row checked by itself, null where the file lacks one; notes on bits."""
    span = network.retarget_interval
    first = table.integers("first_height", 0, MAX_HEIGHT, what="a height")
    table.refuse(first % span != 0, "first_height", f"a multiple of {span}")
    bits, read_as = table.bits("bits")
    check_bits(table, bits, network)
    epoch = table.integers("epoch", 0, MAX_HEIGHT, null=not table.has("epoch"))
    table.refuse(epoch != first // span, "epoch", f"first_height divided by {span}")
    last = table.integers("last_block_height", 0, MAX_HEIGHT, null=True)
    table.refuse(last != first + span - 1, "last_block_height", f"first_height plus {span - 1}")
    hashes = [_hashes(table, name, bits) for name in ("last_block_hash", "first_block_hash")]
    what = "a header time in Unix seconds, whole,"
    times = table.integers("first_block_time", EARLIEST, LATEST, what=what, null=True)
    read = pl.DataFrame([first, bits, *hashes, times])
    return read.hstack(_decoded(table, read)), read_as


def _hashes(table: Table, name: str, bits: pl.Series) -> pl.Series:
    hashes = table.hashes(name, null=True)
    table.refuse(
        hash_above_target(hashes, bits), name, "a hash at or below the target of bits", _REMEDY
    )
    return hashes


def _decoded(table: Table, read: pl.DataFrame) -> pl.DataFrame:
    """First headers decoded, row for row, null where the file has none."""
    names = [name for name in HEADERS.schema if name not in ("height", "source", "known_at")]
    rows = pl.DataFrame({"row": pl.arange(read.height, eager=True, dtype=pl.UInt32)})
    what = f"a header of {HEADER_SIZE} bytes in hex"
    text = table.texts("first_header_hex", what)
    table.refuse(
        ~text.str.contains(rf"^[0-9a-fA-F]{{{2 * HEADER_SIZE}}}$"), "first_header_hex", what
    )
    given = rows.filter(text.is_not_null())
    data = b"".join(text.drop_nulls().str.decode("hex").to_list())
    decoded = given.hstack(decode_headers(data).frame().select(names))
    found = rows.join(decoded, on="row", how="left", maintain_order="left").drop("row")
    _check_headers(table, read, found)
    return found.rename({name: name + "_1" for name in names})


def _check_headers(table: Table, read: pl.DataFrame, found: pl.DataFrame) -> None:
    """A first header agrees with its row and has proof of work."""
    column = "first_header_hex"
    table.refuse(
        found["bits"] != read["bits"], column, "a header with the bits of its row", _REMEDY
    )
    table.refuse(
        hash_above_target(found["hash"], found["bits"]),
        column,
        "a header whose hash is at or below its target",
        _REMEDY,
    )
    for name, given in (("hash", "first_block_hash"), ("time", "first_block_time")):
        table.refuse(found[name] != read[given], given, f"the {name} of {column}", _REMEDY)


def _check_neighbours(
    table: Table, read: pl.DataFrame, epochs: pl.DataFrame, network: Network
) -> None:
    """An epoch continues the one before: its parent's hash, and bits that a retarget can give."""
    before = epochs.shift(1)
    follows = (epochs["first_height"] - before["first_height"]) == network.retarget_interval
    unlinked = follows & (epochs["prev_hash_1"] != before["last_block_hash"])
    _refuse_epoch(
        table, read, epochs, unlinked, "first_header_hex", "a header that names the row before"
    )
    if network.min_difficulty_rule:
        return
    limits = {bits: _reachable(bits, network) for bits in epochs["bits"].unique().to_list()}
    out_of_reach = [
        one and not low <= decode_compact(bits).value <= high
        for one, bits, (low, high) in zip(
            follows, epochs["bits"], (limits.get(b, (0, 0)) for b in before["bits"]), strict=True
        )
    ]
    expected = "bits within a factor of four of the epoch before"
    _refuse_epoch(table, read, epochs, pl.Series(out_of_reach), "bits", expected)


def _reachable(bits: int, network: Network) -> tuple[int, int]:
    """The hardest and the easiest target that one retarget can reach."""
    hardest = next_bits(bits, 0, 0, network)
    easiest = next_bits(bits, 0, network.target_timespan * 8, network)
    return decode_compact(hardest).value, decode_compact(easiest).value


def _refuse_epoch(
    table: Table,
    read: pl.DataFrame,
    epochs: pl.DataFrame,
    bad: pl.Series,
    column: str,
    expected: str,
) -> None:
    heights = epochs["first_height"].filter(bad.fill_null(value=False))
    table.refuse(read["first_height"].is_in(heights.implode()), column, expected, _REMEDY)


def _first_headers(epochs: pl.DataFrame) -> pl.DataFrame:
    given = epochs.filter(pl.col("hash_1").is_not_null())
    return given.select(
        pl.col("first_height").alias("height"),
        *(pl.col(name).alias(name.removesuffix("_1")) for name in given.columns if "_1" in name),
        known_at=pl.col("time_1"),
    )


def _blocks(epochs: pl.DataFrame, network: Network) -> pl.DataFrame:
    """First blocks without a header, and last blocks with their hash.

    A last block's time is not known: known_at is the time of the next epoch's first block, which
    follows it, and null where that is not known either.
    """
    next_follows = pl.col("first_height").shift(-1) - pl.col("first_height")
    first = epochs.filter(pl.col("hash_1").is_null()).select(
        height="first_height",
        hash="first_block_hash",
        time="first_block_time",
        bits="bits",
        known_at="first_block_time",
    )
    last = epochs.select(
        height=pl.col("first_height") + network.retarget_interval - 1,
        hash="last_block_hash",
        time=pl.lit(None, pl.Int64),
        bits="bits",
        known_at=pl.when(next_follows == network.retarget_interval).then(
            pl.coalesce("time_1", "first_block_time").shift(-1)
        ),
    ).filter(pl.col("hash").is_not_null())
    return pl.concat([first, last]).sort("height")


def _coverage(
    epochs: pl.DataFrame, facts: tuple[Facts, ...], notes: tuple[str, ...], network: Network
) -> Coverage:
    span = network.retarget_interval
    numbers = epochs["first_height"] // span
    headers, blocks = (one.frame for one in facts)
    timeless = int(blocks["known_at"].null_count())
    told = [f"{epochs.height:,} epochs: {headers.height:,} first headers with proof of work"]
    if timeless:
        told.append(f"{timeless:,} blocks whose time the file does not tell")
    return Coverage(
        rows=headers.height + blocks.height,
        first=f"epoch {numbers[0]:,} (block {numbers[0] * span:,})",
        last=f"epoch {numbers[-1]:,} (block {numbers[-1] * span:,})",
        gaps=tuple(f"epochs {one:,} to {two:,}" for one, two in missing_ranges(numbers, 1)),
        notes=(*told, *notes),
    )


EPOCHS = Source(
    kind=KIND,
    title="Difficulty epochs",
    reads=(
        "CSV, Parquet or JSON lines with first_height and bits (or nbits_hex); where present also "
        "epoch, last_block_height, last_block_hash, first_block_time, first_block_hash, "
        "first_header_hex"
    ),
    recognise=recognise,
    parse=parse,
)
