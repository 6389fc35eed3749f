"""A record: everything known at one moment, as columns. Metrics, studies and reports read this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.chain.networks import Network

T = TypeVar("T")
POOL_LABEL_COLUMNS = {"height": pl.Int64(), "pool": pl.String()}
COMPANY_COLUMNS = {
    "company": pl.String(),
    "figure": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "value": pl.Int64(),
    "unit": pl.String(),
    "simulated": pl.Boolean(),
    "source_url": pl.String(),
    "known_at": pl.Int64(),
    "restated": pl.Boolean(),
}


def _no_labels() -> pl.DataFrame:
    return pl.DataFrame(schema=POOL_LABEL_COLUMNS)


def _no_companies() -> pl.DataFrame:
    return pl.DataFrame(schema=COMPANY_COLUMNS)


@dataclass(frozen=True, slots=True)
class Record:
    """What was known at a moment; immutable.

    at: Unix seconds UTC, or None for all that the lake holds; at_text: how the user said it.
    simulated: whether the lake holds simulated history; whoever shows anything must say so.
    blocks: the active chain, one row a known height, ascending (heights may have gaps):
        ``height`` Int64; ``time`` Int64, header time, Unix seconds; ``bits`` Int64, compact
        target; ``median_time_past`` Int64 or null; ``total_fee`` Int64 satoshis or null;
        ``tx_count``, ``size``, ``weight`` Int64 or null; ``source`` String;
        ``known_at`` Int64: running maximum of header time, so a cut is a prefix of the chain.
    daily: vendors' daily series, long: ``day`` Date, ``vendor``, ``series`` String,
        ``value`` Float64, ``known_at`` Int64, of a revised value the moment it was retrieved;
        ``first_known_at`` Int64, when the day's first value was known (without it: known_at).
    candles: ``market`` String, ``interval`` Int64 seconds, ``open_time`` Int64, ``open``,
        ``high``, ``low``, ``close``, ``volume`` Float64, ``known_at`` Int64 (the close).
    provenance: lake version, table versions, sources, for the results that rest on it.
    pool_labels: who mined which of ``blocks`` according to one list: ``height`` Int64, ascending,
        ``pool`` String (``unknown`` where the list names nobody); a block without a row has no
        label. pool_list: that list, ``NAME@DIGEST``; None where the lake has no labels.
    companies: what companies reported, one row a ``company``, ``figure`` (by its name in
        ``sources/files/company_figures.py``) and period (``period_start``, ``period_end``
        Date, both included): ``value`` Int64 in ``unit``, ``simulated``, ``source_url``,
        ``known_at`` Int64 (the end of the day of publication), ``restated``: another value was
        published before.
    """

    at: int | None
    at_text: str
    network: Network
    simulated: bool
    blocks: pl.DataFrame
    daily: pl.DataFrame
    candles: pl.DataFrame
    provenance: dict[str, object] = field(default_factory=dict)
    pool_labels: pl.DataFrame = field(default_factory=_no_labels)
    pool_list: str | None = None
    companies: pl.DataFrame = field(default_factory=_no_companies)
    _kept: dict[Callable[[Record], Any], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def once(self, compute: Callable[[Record], T]) -> T:
        """What a function gives for this record, computed at the first call and kept with it."""
        if compute not in self._kept:
            # of two threads that come first together the same answer counts for both
            self._kept.setdefault(compute, compute(self))
        kept: T = self._kept[compute]
        return kept
