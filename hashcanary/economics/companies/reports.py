"""What companies reported, as known at the record's moment: figures with period and source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from hashcanary.economics.errors import NoCompanyReports, UnknownCompany
from hashcanary.sources.files.company_figures import BY_NAME, Figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from hashcanary.store.record import Record

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Told:
    """A figure as a company reported it.

    stored: in the unit of ``figure``, exact. first, last: days of its period. known_at: Unix
    seconds. restated: another value was published before.
    """

    figure: Figure
    stored: int
    first: date
    last: date
    known_at: int
    source_url: str
    restated: bool
    simulated: bool

    @property
    def amount(self) -> Fraction:
        """In the unit of the figure's head: BTC, USD, EH/s."""
        return self.figure.amount(self.stored)

    @property
    def days(self) -> int:
        """Days of its period."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Company:
    """All that one company reported; each figure's by the end of their period, ascending.

    by_period: the same by figure and period; by_end: by figure and last day, of several the one
    that was published last.
    """

    name: str
    told: Mapping[str, tuple[Told, ...]]
    by_period: Mapping[tuple[str, date, date], Told]
    by_end: Mapping[tuple[str, date], Told]
    simulated: bool

    def newest(self, figure: str, since: date | None = None) -> Told | None:
        """The newest of a figure: of the latest period, of two that end together the shorter one.

        since: what ended before that day is too old; None takes any.
        """
        told = self.told.get(figure, ())
        if not told or (since is not None and told[-1].last < since):
            return None
        return told[-1]

    def of(self, figure: str, first: date, last: date) -> Told | None:
        """A figure of exactly one period."""
        return self.by_period.get((figure, first, last))

    def at_end(self, figure: str, day: date) -> Told | None:
        """A figure as it was at the end of a day, whatever the period that ends then."""
        return self.by_end.get((figure, day))

    @property
    def last(self) -> date:
        """The last day that a report of it covers."""
        return max(one.last for told in self.told.values() for one in told)


def companies_of(record: Record, name: str | None = None) -> tuple[Company, ...]:
    """The companies that reported, by name, or the one called ``name``, in any case of letters.

    Raises NoCompanyReports, UnknownCompany.
    """
    if record.companies.is_empty():
        raise NoCompanyReports(at=record.at_text)
    by_name: dict[str, dict[str, list[Told]]] = {}
    for row in record.companies.iter_rows(named=True):
        if row["figure"] not in BY_NAME:
            # of a newer hashcanary: `verify` names it, and nothing here could say its unit
            continue
        told = Told(
            BY_NAME[row["figure"]],
            row["value"],
            row["period_start"],
            row["period_end"],
            row["known_at"],
            row["source_url"],
            row["restated"],
            row["simulated"],
        )
        by_name.setdefault(row["company"], {}).setdefault(row["figure"], []).append(told)
    found = tuple(_company(each, told) for each, told in sorted(by_name.items()))
    if name is None:
        return found
    wanted = [one for one in found if one.name.casefold() == name.strip().casefold()]
    if not wanted:
        known = ", ".join(one.name for one in found)
        raise UnknownCompany(found=name, known=known)
    return tuple(wanted)


def _company(name: str, found: dict[str, list[Told]]) -> Company:
    """Where a company has one real report, its simulated ones are left aside."""
    simulated = all(one.simulated for each in found.values() for one in each)
    kept = {
        figure: tuple(
            sorted(
                (one for one in each if simulated or not one.simulated),
                key=lambda one: (one.last, one.first, one.known_at),
            )
        )
        for figure, each in found.items()
    }
    each = [one for every in kept.values() for one in every]
    by_period = {(one.figure.name, one.first, one.last): one for one in each}
    by_time = sorted(each, key=lambda one: (one.known_at, one.first))
    by_end = {(one.figure.name, one.last): one for one in by_time}
    told = {figure: every for figure, every in kept.items() if every}
    return Company(name, told, by_period, by_end, simulated)


def day_before(day: date) -> date:
    """The day before a day."""
    return day - _ONE_DAY
