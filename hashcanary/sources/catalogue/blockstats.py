"""Core's ``getblockstats``: fees and numbers of transactions of blocks.

Its ``total_size`` and ``total_weight`` leave out header and coinbase: they are not the size and
weight of the block, and are not kept as such.
"""

from __future__ import annotations

from hashcanary.sources.facts import Parsed
from hashcanary.sources.files.blocks_table import (
    BLOCKHASH,
    HEIGHT,
    MEDIAN_TIME,
    SUBSIDY,
    TIME,
    TOTAL_FEE,
    TX_COUNT,
    parse_blocks,
)
from hashcanary.sources.files.tables import Field, has
from hashcanary.sources.source import Content, Options, Probe, Source

KIND = "blockstats"
_OWN = (MEDIAN_TIME, SUBSIDY, TOTAL_FEE, TX_COUNT)
FIELDS = tuple(
    Field(field.name, field.synonyms, required=True) for field in (HEIGHT, BLOCKHASH, TIME, *_OWN)
)


def recognise(probe: Probe) -> bool:
    """Whether a table has a height, a block hash and most of what Core counts in a block."""
    return has(probe.columns, HEIGHT, BLOCKHASH) == 2 and has(probe.columns, *_OWN) >= 3


def parse(content: Content, options: Options) -> Parsed:
    """Rows of ``blocks`` with hash, median time past, subsidy, fees (satoshis), transactions."""
    return parse_blocks(content, options, KIND, FIELDS)


BLOCKSTATS = Source(
    kind=KIND,
    title="Bitcoin Core getblockstats",
    reads=(
        "Parquet, CSV or JSON lines with height, blockhash, time, mediantime, subsidy, totalfee, "
        "txs"
    ),
    recognise=recognise,
    parse=parse,
)
