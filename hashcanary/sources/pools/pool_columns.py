"""Pool labels that a table of blocks brings with it: one list of labels a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from hashcanary.sources.facts import POOL_LABELS, Facts
from hashcanary.sources.files.tables import Field

if TYPE_CHECKING:
    from hashcanary.sources.files.columns import Table
    from hashcanary.sources.source import Content

POOL_FIELDS = (
    Field("pool", ("pool_slug", "pool_name", "miner")),
    Field("pool_slug_v1", ("pool_v1",)),
    Field("pool_slug_v2", ("pool_v2",)),
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
    known = blocks.select("height", "hash", "source", "known_at")
    parts = []
    for field in POOL_FIELDS:
        if not table.has(field.name):
            continue
        labels = _checked(table, field.name)
        given = pl.DataFrame({"height": heights, "pool": labels}).drop_nulls().unique()
        parts.append(
            given.join(known, on="height").with_columns(
                pl.lit(_GIVEN).alias("evidence"),
                pl.lit(f"{_LISTS[field.name]}@{content.sha256[:12]}").alias("list"),
            )
        )
    if not parts:
        return ()
    rows = pl.concat(parts).select(list(POOL_LABELS.schema)).sort(POOL_LABELS.key)
    return (Facts(POOL_LABELS, rows),) if rows.height else ()


def _checked(table: Table, column: str) -> pl.Series:
    what = f"the name of a pool, printable, of at most {_MOST_BYTES} bytes"
    labels = table.texts(column, what).str.strip_chars()
    labels = labels.set((labels == "").fill_null(value=False), None)
    table.refuse(
        (labels.str.len_bytes() > _MOST_BYTES) | labels.str.contains(r"[\p{C}]"), column, what
    )
    return labels
