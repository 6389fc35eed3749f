"""Who mined a block, by its coinbase and a list of pools.

1. Payout address first: of the outputs that pay to an address in the list, the one that pays most
   names the pool (of equal ones the first). To be paid there is what a pool cannot leave to
   chance; a tag is free text, in which miners of some pools write too.
2. Else the tag: the longest tag of the list that occurs in the scriptSig, without regard to ASCII
   case (of equally long ones the one that stands first). ``/ViaBTC/TATMAS Pool/`` is no block of
   ``/ViaBTC/``. A tag that is a regular expression is as long as what it fits.
3. Else the block is ``unknown``.

Explorers take the first pool of their list that fits by either, so that the order of a list
decides; here it decides only where a list gives one tag or address to two pools: the first has it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from hashcanary.chain.coinbase import payouts_of
from hashcanary.sources.pools.pool_lists import UNKNOWN, PoolList

# rows worked on at once, for a bound on memory
_STEP = 1 << 18
LABELS = {"pool": pl.String(), "evidence": pl.String()}


def attribute(scripts: pl.Series, outputs: pl.Series, pools: PoolList) -> pl.DataFrame:
    """The pool of each coinbase and the evidence for it.

    scripts, outputs: Binary, as in table ``blocks``; null where not known, which is no evidence.
    Returns ``pool`` (a slug, or ``unknown``) and ``evidence`` (``address ADDRESS``,
    ``tag TEXT``, ``unknown``), row for row.
    """
    parts = [pl.DataFrame(schema=LABELS)]
    for start in range(0, len(scripts), _STEP):
        paid = _by_address(outputs.slice(start, _STEP), pools)
        tagged = _by_tag(scripts.slice(start, _STEP), pools)
        parts.append(
            pl.select(
                pl.coalesce(paid["pool"], tagged["pool"], pl.lit(UNKNOWN)).alias("pool"),
                pl.coalesce(paid["evidence"], tagged["evidence"], pl.lit(UNKNOWN)).alias(
                    "evidence"
                ),
            )
        )
    return pl.concat(parts)


def _by_address(outputs: pl.Series, pools: PoolList) -> pl.DataFrame:
    """``pool`` and ``evidence`` by the output that pays most to an address of the list, or null."""
    listed = _listed_scripts(pools)
    paid = payouts_of(outputs).join(listed, on="script", how="inner", maintain_order="left")
    best = paid.sort("row", "value", descending=[False, True], maintain_order=True).unique(
        "row", keep="first", maintain_order=True
    )
    return _spread(best.with_columns(evidence="address " + pl.col("address")), len(outputs))


def _listed_scripts(pools: PoolList) -> pl.DataFrame:
    rows = [
        (script, pool.slug, address)
        for pool in pools.pools
        for script, address in pool.addresses.items()
    ]
    schema = {"script": pl.Binary, "pool": pl.String, "address": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.unique("script", keep="first", maintain_order=True)


def _by_tag(scripts: pl.Series, pools: PoolList) -> pl.DataFrame:
    """``pool`` and ``evidence`` by the longest tag in the scriptSig, or null.

    Bytes are searched as text in which each byte is one character (Latin-1), so that tags in any
    encoding and bytes of none are met alike; one automaton looks for all tags at once.
    """
    text = pl.Series("found", list(_latin(scripts)), dtype=pl.String)
    met = pl.concat([_by_text(text, pools), *_by_expressions(text, pools)])
    best = met.sort("row", "length", descending=[False, True], maintain_order=True).unique(
        "row", keep="first", maintain_order=True
    )
    return _spread(best.with_columns(evidence="tag " + pl.col("tag")), len(scripts))


_MET = {"row": pl.Int64(), "length": pl.Int64(), "tag": pl.String(), "pool": pl.String()}


def _by_expressions(text: pl.Series, pools: PoolList) -> Iterator[pl.DataFrame]:
    """Rows that fit a tag that is a regular expression, a frame a tag."""
    for pool in pools.pools:
        for expression in pool.expressions:
            fits = text.str.extract(f"(?i)({expression})")
            rows = pl.DataFrame({"row": fits.is_not_null().arg_true().cast(pl.Int64)})
            yield rows.select(
                "row",
                length=fits.drop_nulls().str.len_chars().cast(pl.Int64),
                tag=pl.lit(expression),
                pool=pl.lit(pool.slug),
            )


def _by_text(text: pl.Series, pools: PoolList) -> pl.DataFrame:
    """Rows that hold a tag that is plain text: ``row``, ``length``, ``tag``, ``pool``."""
    tags = _listed_tags(pools)
    if tags.is_empty():
        return pl.DataFrame(schema=_MET)
    found = text.str.extract_many(
        tags["key"].to_list(), ascii_case_insensitive=True, overlapping=True
    )
    met = (
        found.to_frame()
        .select(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"), "found")
        .filter(pl.col("found").list.len() > 0)
        .explode("found")
    )
    spelled = met.select(pl.col("found").unique())
    spelled = spelled.with_columns(key=_lowered(spelled["found"]))
    listed = spelled.join(tags, on="key")
    return met.join(listed, on="found", how="inner", maintain_order="left").select(*_MET)


def _listed_tags(pools: PoolList) -> pl.DataFrame:
    """``key`` (the tag's bytes as they are searched), ``length`` in bytes, ``tag``, ``pool``."""
    rows = [
        (tag.encode().decode("latin-1"), len(tag.encode()), tag, pool.slug)
        for pool in pools.pools
        for tag in pool.tags
    ]
    schema = {"key": pl.String, "length": pl.Int64, "tag": pl.String, "pool": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    frame = frame.with_columns(_lowered(frame["key"]))
    return frame.unique("key", keep="first", maintain_order=True)


def _lowered(texts: pl.Series) -> pl.Series:
    """ASCII letters in lower case, and no other character changed."""
    lowered = [text.encode("latin-1").lower().decode("latin-1") for text in texts]
    return pl.Series(texts.name, lowered, dtype=pl.String)


def _latin(scripts: pl.Series) -> Iterator[str | None]:
    for script in scripts:
        yield None if script is None else script.decode("latin-1")


def _spread(best: pl.DataFrame, height: int) -> pl.DataFrame:
    """The found rows at their places among ``height``, null elsewhere."""
    rows = pl.DataFrame({"row": np.arange(height, dtype=np.int64)})
    joined = rows.join(best, on="row", how="left", maintain_order="left")
    return joined.select("pool", "evidence")
