"""A record: everything known at one moment, as columns. Metrics, studies and reports read this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import polars as pl

if TYPE_CHECKING:
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


class Part(Generic[T]):
    """An attribute of a record: given as it is, or by a function that reads it at its first use."""

    def __init__(self, *default: T | Callable[[], T]) -> None:
        """Of the default, where there is one."""
        self._default = default

    def __set_name__(self, owner: type[Record], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, record: None, owner: type[Record]) -> T | Callable[[], T]: ...
    @overload
    def __get__(self, record: Record, owner: type[Record]) -> T: ...
    def __get__(self, record: Record | None, owner: type[Record]) -> T | Callable[[], T]:
        if record is None:
            # a dataclass asks so for the default
            if not self._default:
                raise AttributeError(self._name)
            return self._default[0]
        if callable(record.__dict__[self._name]):
            with record._reading:
                read = record.__dict__[self._name]
                if callable(read):
                    record.__dict__[self._name] = read()
        part: T = record.__dict__[self._name]
        return part

    def __set__(self, record: Record, part: T | Callable[[], T]) -> None:
        record.__dict__[self._name] = part


@dataclass(frozen=True, slots=True)
class UnreadBlocks:
    """Blocks of which only the chain is read. read: gives all of them."""

    chain: pl.DataFrame
    read: Callable[[], pl.DataFrame]

    def __call__(self) -> pl.DataFrame:
        """All of them."""
        return self.read()


@dataclass(frozen=True)
class Record:
    """What was known at a moment; immutable. Of a lake all but the chain is read at its first use.

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
    blocks: Part[pl.DataFrame] = Part()
    daily: Part[pl.DataFrame] = Part()
    candles: Part[pl.DataFrame] = Part()
    provenance: Part[dict[str, object]] = Part(dict)
    pool_labels: Part[pl.DataFrame] = Part(_no_labels)
    pool_list: Part[str | None] = Part(None)
    companies: Part[pl.DataFrame] = Part(_no_companies)
    _reading: RLock = field(default_factory=RLock, init=False, repr=False, compare=False)
    _kept: dict[Callable[[Record], Any], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def chain(self) -> pl.DataFrame:
        """``blocks``, or the same rows without counts and sizes where nobody read those yet.

        Read this one where it is enough: it takes less time and memory.
        """
        blocks = self.__dict__["blocks"]
        return blocks.chain if isinstance(blocks, UnreadBlocks) else self.blocks

    def once(self, compute: Callable[[Record], T]) -> T:
        """What a function gives for this record, computed at the first call and kept with it."""
        if compute not in self._kept:
            # of two threads that come first together the same answer counts for both
            self._kept.setdefault(compute, compute(self))
        kept: T = self._kept[compute]
        return kept
