"""Block tables: height, time and bits of each block, and what else a table says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.sources.blocks_table import (
    BITS,
    BLOCKHASH,
    HEIGHT,
    MEDIAN_TIME,
    SIZE,
    SUBSIDY,
    TIME,
    TOTAL_FEE,
    TX_COUNT,
    WEIGHT,
    parse_blocks,
)
from hashcanary.sources.catalogue import blockstats
from hashcanary.sources.source import Content, Options, Probe, Source
from hashcanary.sources.tables import Field, has

if TYPE_CHECKING:
    from hashcanary.sources.facts import Parsed

KIND = "blocks"
_REQUIRED = tuple(
    Field(field.name, field.synonyms, required=True) for field in (HEIGHT, TIME, BITS)
)
FIELDS = (*_REQUIRED, BLOCKHASH, MEDIAN_TIME, SUBSIDY, TOTAL_FEE, TX_COUNT, SIZE, WEIGHT)


def recognise(probe: Probe) -> bool:
    """Whether a table has heights with times or bits, and is not Core's block statistics."""
    known = has(probe.columns, HEIGHT) == 1 and has(probe.columns, TIME, BITS) >= 1
    return known and not blockstats.recognise(probe)


def parse(content: Content, options: Options) -> Parsed:
    """Rows of ``blocks``; bits and times are checked against each other by the retarget rule."""
    return parse_blocks(content, options, KIND, FIELDS)


BLOCKS = Source(
    kind=KIND,
    title="Block table",
    reads=(
        "Parquet, CSV or JSON lines with height, time (Unix seconds), bits (or nbits, as a number "
        "or in hex); where present also hash, mediantime, subsidy, fees, transactions, size, weight"
    ),
    recognise=recognise,
    parse=parse,
)
