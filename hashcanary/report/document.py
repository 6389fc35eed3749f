"""The report as data: everything that is shown, typed, before anybody draws it.

Terminal, JSON, page and pictures are renderings of one ``Report``; none of them computes a figure.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, TypedDict

from hashcanary.units import Unit
from hashcanary.views.table import Table

if TYPE_CHECKING:
    import polars as pl

    from hashcanary.interval import Interval
    from hashcanary.views.verdict import Head


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with all that makes it checkable.

    key: the metric's name, or a dotted name of the report's own; label: as people call it.
    value: None where it is missing, and then ``missing`` says why. low, high: bounds, with
    probability ``level``, and ``interval`` says what kind. since, until: the period it stands for,
    Unix seconds UTC, ``until`` excluded. source: the facts below it, in words. note: a reading
    of it, in words. term: the glossary's key for it.
    """

    key: str
    label: str
    value: float | str | None
    unit: Unit
    since: int | None = None
    until: int | None = None
    low: float | None = None
    high: float | None = None
    interval: str = ""
    source: str = ""
    missing: str = ""
    note: str = ""
    term: str = ""
    level: float = 0.95


class Ends(TypedDict):
    """What a figure takes of an estimate."""

    value: float
    low: float
    high: float


def ends(estimate: Interval) -> Ends:
    """An estimate's value and limits, as a figure takes them."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


@dataclass(frozen=True, slots=True)
class Ledger:
    """Figures of one subject, one below the other."""

    key: str
    title: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart of the catalogue, in its place."""

    chart: str


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter: a lead in plain words, and then its parts in the order they are read."""

    key: str
    short: str
    title: str
    lead: str
    parts: tuple[Ledger | Table | Drawing, ...]
    notes: tuple[str, ...] = ()

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The figures of all its ledgers."""
        ledgers = [part for part in self.parts if isinstance(part, Ledger)]
        return tuple(figure for ledger in ledgers for figure in ledger.figures)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Its tables."""
        return tuple(part for part in self.parts if isinstance(part, Table))

    @property
    def charts(self) -> tuple[str, ...]:
        """The names of its charts."""
        return tuple(part.chart for part in self.parts if isinstance(part, Drawing))


@dataclass(frozen=True, slots=True)
class Term:
    """An entry of the glossary; ``key`` is its anchor."""

    key: str
    word: str
    meaning: str


def glossary() -> tuple[Term, ...]:
    """The terms a stranger needs, in the order of the page."""
    return tuple(Term(**entry) for entry in _words()["term"])


def conventions() -> tuple[tuple[str, str], ...]:
    """What holds for every figure: what it is about, and what is done."""
    return tuple((entry["name"], entry["meaning"]) for entry in _words()["convention"])


def _words() -> dict[str, list[dict[str, str]]]:
    text = (files("hashcanary.report") / "glossary.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True, slots=True)
class Series:
    """A column of a dataset, as charts draw it and CSV gives it; null where missing."""

    key: str
    title: str
    unit: Unit | None
    values: Sequence[float | int | str | None]


def rounded(values: pl.Series, digits: int) -> list[float | int | str | None]:
    """A column to significant digits that a reader can use; null where nothing is known."""
    if values.dtype.is_float():
        values = values.fill_nan(None).round_sig_figs(digits)
    return values.to_list()


@dataclass(frozen=True, slots=True)
class Dataset:
    """Columns of equal length beside ``time``: Unix seconds UTC, ascending.

    along: the series, ascending, that rows stand along in place of time, which is empty then; here:
    where on it the present is.
    """

    key: str
    time: Sequence[int]
    series: tuple[Series, ...]
    along: str = ""
    here: float | None = None

    def column(self, key: str) -> Series:
        """The series called ``key``. Raises KeyError where there is none."""
        return {series.key: series for series in self.series}[key]


@dataclass(frozen=True, slots=True)
class Report:
    """A report as known at one moment.

    as_of: end of the last day that has a hashrate, Unix seconds UTC; None where no day has.
    simulated: nothing in it is Bitcoin's; every rendering says so.
    """

    title: str
    network: str
    simulated: bool
    at_text: str
    as_of: int | None
    tip_height: int | None
    tip_time: int | None
    head: Head
    sections: tuple[Section, ...]
    glossary: tuple[Term, ...]
    datasets: tuple[Dataset, ...]
    code_version: str
    command: str
    provenance: dict[str, object] = field(default_factory=dict)

    def dataset(self, key: str) -> Dataset:
        """The dataset called ``key``. Raises KeyError where there is none."""
        return {dataset.key: dataset for dataset in self.datasets}[key]
