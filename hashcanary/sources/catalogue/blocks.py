"""Block tables: height, time and bits of each block, and what else a table says of it.

Pool labels that a table brings with it are one list of labels a column.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from hashcanary.sources.catalogue import blockstats
from hashcanary.sources.errors import UnprovenRows
from hashcanary.sources.facts import POOL_LABELS, Facts, Parsed
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
from hashcanary.sources.files.columns import Table
from hashcanary.sources.files.tables import Field, has, read_table
from hashcanary.sources.pools.pool_lists import slug_of_label
from hashcanary.sources.source import Content, Options, Probe, Source

KIND = "blocks"
_REQUIRED = tuple(Field(field.name, field.synonyms, required=True) for field in (HEIGHT, TIME))
_KNOWN = (BITS, BLOCKHASH, MEDIAN_TIME, SUBSIDY, TOTAL_FEE, TX_COUNT, SIZE, WEIGHT)
POOL_FIELDS = (
    Field("pool", ("pool_slug", "pool_name", "miner")),
    Field("pool_slug_v1", ("pool_v1",)),
    Field("pool_slug_v2", ("pool_v2",)),
)
FIELDS = (*_REQUIRED, *_KNOWN, *POOL_FIELDS)


def recognise(probe: Probe) -> bool:
    """Whether a table has heights with times or bits, and is not Core's block statistics."""
    known = has(probe.columns, HEIGHT) == 1 and has(probe.columns, TIME, BITS) >= 1
    return known and not blockstats.recognise(probe)


def parse(content: Content, options: Options) -> Parsed:
    """Rows of ``blocks``, and of ``pool_labels`` where a column says who mined them.

    Bits and times are checked against each other by the retarget rule. Raises UnprovenRows where a
    table has neither bits nor hashes.
    """
    table = read_table(content, KIND, FIELDS)
    if not table.has(BITS.name) and table.cells(BLOCKHASH.name).null_count():
        kept = ", ".join(table.frame.columns)
        raise UnprovenRows(file=content.path, found="; ".join((kept, *table.notes)))
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


# what labels are known by, in front of the digest of the file that gives them
_LISTS = {"pool": "table", "pool_slug_v1": "v1", "pool_slug_v2": "v2"}
_GIVEN = "given by the table"
_MOST_BYTES = 100


def pool_labels(content: Content, table: Table, blocks: pl.DataFrame) -> tuple[Facts, ...]:
    """Rows of ``pool_labels``: of each block and column that has a label.

    blocks: the table's rows of ``blocks``, each height once. A label is known with its block; its
    list is ``v1@DIGEST`` and the like, for the file's digest stands for who gave it.
    """
    heights = table.integers("height", 0, (1 << 31) - 1)
    known = blocks.select("height", "hash", "known_at")
    parts = []
    for field in POOL_FIELDS:
        if not table.has(field.name):
            continue
        labels = _slugs(_checked(table, field.name))
        given = pl.DataFrame({"height": heights, "pool": labels}).drop_nulls().unique()
        parts.append(
            given.join(known, on="height").with_columns(
                pl.lit(_GIVEN).alias("evidence"),
                pl.lit(f"{_LISTS[field.name]}@{content.sha256[:12]}").alias("list"),
            )
        )
    if not parts:
        return ()
    facts = POOL_LABELS.facts(pl.concat(parts).sort(*POOL_LABELS.subject, "list"), content.source)
    return (facts,) if facts.frame.height else ()


def _slugs(labels: pl.Series) -> pl.Series:
    """Labels as slugs: explorers print names, and have several words for nobody knows."""
    given = labels.drop_nulls().unique().to_list()
    slugs = {label: slug_of_label(label) for label in given}
    return labels.replace_strict(list(slugs), list(slugs.values()), return_dtype=pl.String)


def _checked(table: Table, column: str) -> pl.Series:
    what = f"the name of a pool, printable, of at most {_MOST_BYTES} bytes"
    labels = table.texts(column, what).str.strip_chars()
    labels = labels.set((labels == "").fill_null(value=False), None)
    table.refuse(
        (labels.str.len_bytes() > _MOST_BYTES) | labels.str.contains(r"[\p{C}]"), column, what
    )
    return labels
