"""Block tables: height, time and bits of each block, and what else a table says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hashcanary.sources.catalogue import blockstats
from hashcanary.sources.files.blocks_table import (
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
    blocks_of,
)
from hashcanary.sources.files.tables import Field, has, read_table
from hashcanary.sources.pools.pool_columns import POOL_FIELDS, pool_labels
from hashcanary.sources.source import Content, Options, Probe, Source

if TYPE_CHECKING:
    from hashcanary.sources.facts import Parsed

KIND = "blocks"
_REQUIRED = tuple(
    Field(field.name, field.synonyms, required=True) for field in (HEIGHT, TIME, BITS)
)
_KNOWN = (BLOCKHASH, MEDIAN_TIME, SUBSIDY, TOTAL_FEE, TX_COUNT, SIZE, WEIGHT)
FIELDS = (*_REQUIRED, *_KNOWN, *POOL_FIELDS)


def recognise(probe: Probe) -> bool:
    """Whether a table has heights with times or bits, and is not Core's block statistics."""
    known = has(probe.columns, HEIGHT) == 1 and has(probe.columns, TIME, BITS) >= 1
    return known and not blockstats.recognise(probe)


def parse(content: Content, options: Options) -> Parsed:
    """Rows of ``blocks``, and of ``pool_labels`` where a column says who mined them.

    Bits and times are checked against each other by the retarget rule.
    """
    table = read_table(content, KIND, FIELDS)
    parsed = blocks_of(content, options, KIND, table)
    labels = pool_labels(content, table, parsed.facts[0].frame)
    if not labels:
        return parsed
    coverage = replace(
        parsed.coverage,
        rows=parsed.coverage.rows + labels[0].frame.height,
        notes=(*parsed.coverage.notes, f"pool labels among the rows: {labels[0].frame.height:,}"),
    )
    return replace(parsed, facts=(*parsed.facts, *labels), coverage=coverage)


BLOCKS = Source(
    kind=KIND,
    title="Block table",
    reads=(
        "Parquet, CSV or JSON lines with height, time (Unix seconds), bits (or nbits, as a number "
        "or in hex); where present also hash, mediantime, subsidy, fees, transactions, size, "
        "weight, and who mined a block: pool, or pool_slug_v1 and pool_slug_v2 for two labelings"
    ),
    recognise=recognise,
    parse=parse,
)
