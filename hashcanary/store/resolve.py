"""Which of several rows about one thing is taken.

Of candles, vendors' daily figures and companies' figures:

A file that was fetched again reaches further and may revise its last rows, which were provisional
when the older one was made; a service that was asked again may have revised a day. So, among rows
about the same thing that were known at the moment asked for:

1. the source whose rows of that market or series reach furthest, in all the lake;
2. of those, the one whose name comes first;
3. of one source, the row that became known last.

A company restates what it published: the newest publication counts from its own day on. Of what
was published on one day, a later ``revision`` of the user's counts first, then the rules above. A
simulated figure never stands before a real one.

Whatever is not taken stays in the table, and ``status`` lists it.

Of blocks one row a height is made out of what several sources say. Who is believed, first to last,
fact by fact:

1. a header: its hash proves every bit of it;
2. a row with the block's hash and its median time past, which only a node counts: getblockstats;
3. a row with the block's hash;
4. a row without it.

Within a rank the source whose name comes first. What the first leaves null the next one fills:
fees of a node's statistics stand beside the time of a header. A row that names another block than
the one on the active chain says nothing about that height. Bits are filled from any block of the
same epoch on networks where an epoch has one target. Nothing is dropped in silence: wherever two
sources differ, ``Resolved.disagreements`` lists both values and which was taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.arrays import Ints
from hashcanary.sources.facts import CANDLES, COMPANIES, DAILY_REFERENCE, FactTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.chain.networks import Network

    Places = NDArray[np.int32]


# per table: the columns that name a series, and the one that says how far it reaches
_SERIES = {
    CANDLES.name: (("market", "interval"), "open_time"),
    DAILY_REFERENCE.name: (("vendor", "series"), "day"),
    COMPANIES.name: (("company",), "period_end"),
}
# what decides between rows about one thing, and which of it is taken greatest first
_ORDER = ("reach", "source", "known_at")
_ORDERS = {
    COMPANIES.name: ("simulated", "known_at", "revision", "reach", "source", "source_url", "value")
}
_GREATEST = ("reach", "known_at", "revision")


def deciding(table: FactTable) -> list[str]:
    """The columns by which rows of CANDLES, DAILY_REFERENCE or COMPANIES are taken."""
    series, place = _SERIES[table.name]
    names = {*series, place, *table.subject, *_ORDERS.get(table.name, _ORDER)}
    return [name for name in table.schema if name in names]


def taken_first(
    table: FactTable, rows: pl.DataFrame, at: int | None = None, of: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Rows known at a moment (None: all), those about one thing side by side, the one that is
    taken in front.

    rows: of CANDLES, DAILY_REFERENCE or COMPANIES, all that the lake holds; of: those of them that
    are wanted (None: all).
    """
    series, place = _SERIES[table.name]
    told = [*series, "source"]
    reach = rows.group_by(told).agg(reach=pl.col(place).max())
    order = [*table.subject, *_ORDERS.get(table.name, _ORDER)]
    descending = [name in _GREATEST for name in order]
    wanted = (rows if of is None else of).join(reach, on=told, how="left", maintain_order="left")
    known = wanted if at is None else wanted.filter(pl.col("known_at") <= at)
    return known.sort(order, descending=descending).drop("reach")


def taken(table: FactTable, rows: pl.DataFrame, at: int | None = None) -> pl.DataFrame:
    """One row for each subject: the one that is taken among those known at a moment (None: all).

    rows: all that the lake holds, in the table's order.
    """
    places = of_several(table, rows)
    if places.len():
        several = rows[places].with_columns(place=places)
        ordered = taken_first(table, rows, at, several)
        kept = np.ones(rows.height, np.bool_)
        kept[ordered.filter(_as_before(table))["place"].to_numpy()] = False
        rows = rows.filter(kept)
    return rows if at is None else rows.filter(pl.col("known_at") <= at)


def of_several(table: FactTable, rows: pl.DataFrame) -> pl.Series:
    """Places of the rows, in the table's order, that are not the only one about their subject."""
    again = rows.select(again=_as_before(table))["again"]
    return (again | again.shift(-1, fill_value=False)).arg_true()


def _as_before(table: FactTable) -> pl.Expr:
    """Whether a row is about what the row before it is about."""
    same = (pl.col(name) == pl.col(name).shift(1) for name in table.subject)
    return pl.all_horizontal(same).fill_null(value=False)


FACTS = (
    "time",
    "bits",
    "median_time_past",
    "subsidy",
    "total_fee",
    "tx_count",
    "size",
    "weight",
)
_HEADER, _NODE, _WITH_HASH, _WITHOUT_HASH = range(4)
_NOBODY = -1
DISAGREEMENTS: dict[str, pl.DataType] = {
    "height": pl.Int64(),
    "fact": pl.String(),
    "taken": pl.String(),
    "taken_source": pl.String(),
    "other": pl.String(),
    "other_source": pl.String(),
}


@dataclass(frozen=True, slots=True)
class Resolved:
    """blocks: one row a height, ascending: ``height``, ``source`` (whose time it is), and FACTS,
    null where nobody says; claims: all that was said, the taken ones among it; slot: (claims,) row
    of ``blocks``; order: (claims,) the least believed first.
    """

    blocks: pl.DataFrame
    claims: pl.DataFrame
    slot: Places
    order: Places
    other_blocks: pl.DataFrame

    def disagreements(self) -> pl.DataFrame:
        """Where sources differ: one row a height, fact and source that was not taken."""
        lists = [self._differing(fact) for fact in FACTS if fact in self.claims.columns]
        return pl.concat([*lists, self.other_blocks]).sort(
            "height", "fact", "other_source", "other"
        )

    def _differing(self, fact: str) -> pl.DataFrame:
        said = self.claims[fact]
        winner = _winners(said, self.slot, self.order, self.blocks.height)[self.slot]
        taken = said.gather(np.maximum(winner, 0))
        rows = np.flatnonzero((said != taken).fill_null(value=False).to_numpy())
        return _against(self.claims, fact, winner[rows], rows)


def _against(claims: pl.DataFrame, fact: str, taken: Places, rows: Ints) -> pl.DataFrame:
    """DISAGREEMENTS of rows of claims with those that are taken in their place."""
    value = pl.col(fact).bin.encode("hex") if fact == "hash" else pl.col(fact).cast(pl.String)
    best, other = (claims.select(fact, "source")[at].with_columns(value) for at in (taken, rows))
    return pl.DataFrame(
        {
            "height": claims["height"].gather(rows),
            "fact": pl.repeat(fact, len(rows), eager=True, dtype=pl.String),
            "taken": best[fact],
            "taken_source": best["source"],
            "other": other[fact],
            "other_source": other["source"],
        },
        schema=DISAGREEMENTS,
    )


def resolve(headers: pl.DataFrame, blocks: pl.DataFrame, network: Network) -> Resolved:
    """Resolve the active chain's headers and all rows about blocks.

    headers: ``height``, ``hash``, ``time``, ``bits``, ``source``, each height once. blocks:
    ``height``, ``hash``, ``source``, ``median_time_past`` and any other of FACTS.
    """
    compared = _compared(headers, blocks)
    return replace(compared, blocks=_bits_filled(compared.blocks, network))


def _compared(headers: pl.DataFrame, blocks: pl.DataFrame) -> Resolved:
    claims = pl.concat(
        [
            headers.with_columns(rank=pl.lit(_HEADER, pl.Int8)),
            blocks.with_columns(rank=_rank()),
        ],
        how="diagonal",
    )
    order = _least_believed_first(claims)
    heights, slot = _slots(claims["height"])
    claims, slot, order, others = _of_one_block(claims, heights, slot, order)
    # one fact after the other: together the winners are as large as what they win
    columns = {"height": heights}
    for fact in FACTS:
        if fact in claims.columns:
            winner = _winners(claims[fact], slot, order, len(heights))
            if fact == "time":
                columns["source"] = _taken(claims["source"], winner)
            columns[fact] = _taken(claims[fact], winner)
    return Resolved(pl.DataFrame(columns), claims, slot, order, others)


def believed(headers: pl.DataFrame, blocks: pl.DataFrame, network: Network) -> pl.DataFrame:
    """The blocks of ``resolve``, where only heights of which several rows speak are compared."""
    of_headers, of_blocks = headers["height"].to_numpy(), blocks["height"].to_numpy()
    heights = np.concatenate([of_headers, of_blocks])
    least = heights.min(initial=0)
    contested = np.bincount(heights - least) > 1
    again = [pl.Series(contested[rows - least]) for rows in (of_headers, of_blocks)]
    compared = _compared(headers.filter(again[0]), blocks.filter(again[1])).blocks
    alone = (rows.filter(~one) for rows, one in zip((headers, blocks), again, strict=True))
    rows = pl.concat([*(one.drop("hash") for one in alone), compared], how="diagonal")
    return _bits_filled(rows.sort("height"), network)


def _rank() -> pl.Expr:
    """How far a row about a block is believed, less for a greater rank."""
    hashed = pl.col("hash").is_not_null()
    return (
        pl.when(hashed & pl.col("median_time_past").is_not_null())
        .then(pl.lit(_NODE, pl.Int8))
        .when(hashed)
        .then(pl.lit(_WITH_HASH, pl.Int8))
        .otherwise(pl.lit(_WITHOUT_HASH, pl.Int8))
    )


def _least_believed_first(claims: pl.DataFrame) -> Places:
    """The order in which a later claim overwrites the ones before."""
    names = claims["source"].unique().sort()
    by_name = claims["source"].cast(pl.Enum(names)).to_physical().cast(pl.Int32)
    codes = (claims["rank"].cast(pl.Int32) * len(names) + by_name).to_numpy()
    # a stable sort of 16-bit integers is a radix sort
    small = codes.astype(np.uint16) if codes.max(initial=0) < 2**16 else codes
    return np.argsort(small, kind="stable")[::-1].astype(np.int32)


def _slots(heights: pl.Series) -> tuple[pl.Series, Places]:
    """The distinct heights, ascending, and the position of each row's height among them."""
    distinct = heights.unique().sort()
    return distinct, np.searchsorted(distinct.to_numpy(), heights.to_numpy()).astype(np.int32)


def _of_one_block(
    claims: pl.DataFrame,
    heights: pl.Series,
    slot: Places,
    order: Places,
) -> tuple[pl.DataFrame, Places, Places, pl.DataFrame]:
    """Leave out rows that name another block than the most believed row of their height."""
    hashes = claims["hash"]
    winner = _winners(hashes, slot, order, len(heights))[slot]
    said = np.flatnonzero(hashes.is_not_null().to_numpy() & (winner != np.arange(len(winner))))
    rows = said[(hashes.gather(said) != hashes.gather(winner[said])).to_numpy()]
    others = _against(claims, "hash", winner[rows], rows)
    if not len(rows):
        return claims, slot, order, others
    kept = np.ones(len(winner), np.bool_)
    kept[rows] = False
    renumbered = np.cumsum(kept, dtype=np.int32) - 1
    return claims.filter(kept), slot[kept], renumbered[order[kept[order]]], others


def _winners(said: pl.Series, slot: Places, order: Places, size: int) -> Places:
    """Per height the most believed row that says something, or _NOBODY."""
    winner = np.full(size, _NOBODY, np.int32)
    ordered = order[said.is_not_null().to_numpy()[order]] if said.has_nulls() else order
    winner[slot[ordered]] = ordered
    return winner


def _taken(said: pl.Series, winner: Places) -> pl.Series:
    taken = said.gather(np.maximum(winner, 0))
    nobody = winner == _NOBODY
    return taken.set(pl.Series(nobody), None) if nobody.any() else taken


def _bits_filled(blocks: pl.DataFrame, network: Network) -> pl.DataFrame:
    """Bits of blocks for which only another block of their epoch says them."""
    if network.min_difficulty_rule or not blocks["bits"].has_nulls():
        return blocks
    epoch = pl.col("height") // network.retarget_interval
    return blocks.with_columns(pl.col("bits").fill_null(pl.col("bits").max().over(epoch)))
