"""What companies reported, as known at the record's moment: figures with period and source.

Month by month they tell what companies produced, sold and held, and whether that adds up. A
treasury changes by what is produced and bought less what is sold. What a company reports may miss
that by rounding, or by more: coins paid out or received otherwise, joint ventures, a restatement.
The difference is shown beside what rounding explains; it is never spread or hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.errors import NoCompanyReports, UnknownCompany
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY, day_start
from hashcanary.sources.files.company_figures import BY_NAME, Figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hashcanary.arrays import Floats, Ints
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


_FLOWS = ("produced", "bought", "sold", "sale_proceeds", "power_cost")
_COIN = 100_000_000
_REWARDS = ("revenue.btc", "issuance.btc")


@dataclass(frozen=True, slots=True)
class NetworkCoins:
    """What all miners earned by day. time: Unix seconds of days' starts, ascending without a hole;
    with_fees, subsidies: BTC a day, NaN where not known.
    """

    time: Ints
    with_fees: Floats
    subsidies: Floats

    def between(self, first: date, last: date) -> tuple[float, bool] | None:
        """BTC of all days from first to last, and whether fees are in it; None where a day lacks.

        Without the fees of one day none are counted, and a share is a little high.
        """
        start, end = day_start(first), day_start(last)
        rows = (self.time >= start) & (self.time <= end)
        if int(rows.sum()) != (end - start) // DAY + 1:
            return None
        for column, whole in ((self.with_fees, True), (self.subsidies, False)):
            if np.isfinite(column[rows]).all():
                return float(column[rows].sum()), whole
        return None


@dataclass(frozen=True, slots=True)
class CompanyPeriod:
    """What one company, or those that reported the same period together, did in it.

    companies: number of them. first, last: days. Coins in BTC, proceeds and power in USD, exact as
    reported, None where not. sellers: number of those that reported what they produced and what
    they sold; sold is theirs, and sellers_produced, BTC. rounding: BTC that the digits printed may
    hide in the treasury's change. network_share: fraction of all coins that miners earned in the
    period; with_fees: whether fees are among those. restated: something in it had another value
    before. known_at: Unix seconds.
    """

    name: str
    companies: int
    first: date
    last: date
    produced: Fraction | None = None
    bought: Fraction | None = None
    sold: Fraction | None = None
    sellers: int = 0
    sellers_produced: Fraction | None = None
    proceeds: Fraction | None = None
    power_cost: Fraction | None = None
    held: Fraction | None = None
    held_before: Fraction | None = None
    rounding: Fraction | None = None
    network_share: float | None = None
    with_fees: bool = True
    restated: bool = False
    simulated: bool = False
    known_at: int = 0
    sources: tuple[str, ...] = ()

    @property
    def sold_share(self) -> Fraction | None:
        """Coins sold over coins produced: fraction, above 1 where old ones were sold."""
        if self.sold is None or not self.sellers_produced:
            return None
        return self.sold / self.sellers_produced

    @property
    def usd_per_btc(self) -> Fraction | None:
        """What a coin sold brought, USD/BTC."""
        return self.proceeds / self.sold if self.proceeds is not None and self.sold else None

    @property
    def power_usd_per_btc(self) -> Fraction | None:
        """Power over coins produced, USD/BTC."""
        return self.power_cost / self.produced if self.power_cost and self.produced else None

    @property
    def change(self) -> Fraction | None:
        """Of the treasury over the period, BTC."""
        if self.held is None or self.held_before is None:
            return None
        return self.held - self.held_before

    @property
    def unexplained(self) -> Fraction | None:
        """The change less what was produced and bought and not sold, BTC."""
        if self.change is None or self.produced is None or self.sold is None:
            return None
        if self.sellers < self.companies:
            return None
        return self.change - (self.produced + (self.bought or 0) - self.sold)

    @property
    def adds_up(self) -> bool | None:
        """Whether rounding explains the difference; None where it cannot be told."""
        if self.unexplained is None or self.rounding is None:
            return None
        return abs(self.unexplained) <= self.rounding


def company_periods(record: Record, name: str | None = None) -> tuple[CompanyPeriod, ...]:
    """Every period in which something was produced, bought, sold or held, the latest last.

    Without a name also the sum of those that reported the same period, where there are several.
    Raises NoCompanyReports, UnknownCompany.
    """
    companies = companies_of(record, name)
    network = network_coins(record)
    each = [one for company in companies for one in _periods(company, network)]
    together = [] if name is not None else _sums(each)
    return tuple(sorted((*each, *together), key=lambda one: (one.last, one.first, one.companies)))


def network_coins(record: Record) -> NetworkCoins:
    """What all miners earned by day; no days of a record that has nothing to measure."""
    from hashcanary.metrics.engine import metrics_of
    from hashcanary.metrics.errors import NothingToMeasure

    try:
        frame = metrics_of(record).frame("day", _REWARDS)
    except NothingToMeasure:
        none = np.empty(0)
        return NetworkCoins(none.astype(np.int64), none, none)
    return NetworkCoins(frame["time"].to_numpy(), *(floats(frame, name) for name in _REWARDS))


def _periods(company: Company, network: NetworkCoins) -> list[CompanyPeriod]:
    spans = {(one.first, one.last) for flow in _FLOWS for one in company.told.get(flow, ())}
    spans |= {(one.first, one.last) for one in company.told.get("held", ()) if one.days > 1}
    return [_period(company, network, first, last) for first, last in sorted(spans)]


def _period(company: Company, network: NetworkCoins, first: date, last: date) -> CompanyPeriod:
    told = {flow: company.of(flow, first, last) for flow in _FLOWS}
    told["held"] = company.at_end("held", last)
    told["held_before"] = company.at_end("held", day_before(first))
    there = [one for one in told.values() if one is not None]
    amount = {name: None if one is None else one.amount for name, one in told.items()}
    both = amount["produced"] is not None and amount["sold"] is not None
    share, with_fees = _share(told["produced"], network)
    return CompanyPeriod(
        company.name,
        1,
        first,
        last,
        produced=amount["produced"],
        bought=amount["bought"],
        sold=amount["sold"],
        sellers=int(both),
        sellers_produced=amount["produced"] if both else None,
        proceeds=amount["sale_proceeds"],
        power_cost=amount["power_cost"],
        held=amount["held"],
        held_before=amount["held_before"],
        rounding=_rounding(told),
        network_share=share,
        with_fees=with_fees,
        restated=any(one.restated for one in there),
        simulated=company.simulated,
        known_at=max(one.known_at for one in there),
        sources=tuple(dict.fromkeys(one.source_url for one in there)),
    )


def _share(produced: Told | None, network: NetworkCoins) -> tuple[float | None, bool]:
    found = None if produced is None else network.between(produced.first, produced.last)
    if produced is None or found is None or found[0] <= 0:
        return None, True
    return float(produced.amount) / found[0], found[1]


def _rounding(told: dict[str, Told | None]) -> Fraction:
    """BTC that the last digits printed may hide: half of one each."""
    coins = (told[name] for name in ("produced", "bought", "sold", "held", "held_before"))
    return sum((half_a_digit(one.stored) for one in coins if one is not None), Fraction(0))


def half_a_digit(satoshis: int) -> Fraction:
    """BTC: half of the last digit printed of a number of coins, at most half a coin.

    satoshis: 1e-8 BTC each. Zero is taken as exact: none were sold.
    """
    if satoshis == 0:
        return Fraction(0)
    step = _COIN
    while satoshis % step:
        step //= 10
    return Fraction(step, 2 * _COIN)


def _sums(periods: Sequence[CompanyPeriod]) -> list[CompanyPeriod]:
    """Those that reported the production of one period together; simulated ones apart."""
    groups: dict[tuple[date, date, bool], list[CompanyPeriod]] = {}
    for one in periods:
        if one.produced is not None:
            groups.setdefault((one.first, one.last, one.simulated), []).append(one)
    return [_sum(group) for group in groups.values() if len(group) > 1]


def _sum(group: Sequence[CompanyPeriod]) -> CompanyPeriod:
    """What only some of them told is not added up, but for sales: those go by their sellers."""
    shares = [one.network_share for one in group]
    known = [one for one in shares if one is not None]
    sellers = [one for one in group if one.sellers]
    head = group[0]
    return CompanyPeriod(
        ", ".join(one.name for one in group),
        len(group),
        head.first,
        head.last,
        produced=_total([one.produced for one in group]),
        bought=_total([one.bought for one in group]),
        sold=_total([one.sold for one in sellers]),
        sellers=len(sellers),
        sellers_produced=_total([one.produced for one in sellers]),
        proceeds=_total([one.proceeds for one in sellers]),
        power_cost=_total([one.power_cost for one in group]),
        held=_total([one.held for one in group]),
        held_before=_total([one.held_before for one in group]),
        rounding=_total([one.rounding for one in group]),
        network_share=sum(known) if len(known) == len(shares) else None,
        with_fees=all(one.with_fees for one in group),
        restated=any(one.restated for one in group),
        simulated=head.simulated,
        known_at=max(one.known_at for one in group),
    )


def _total(values: Sequence[Fraction | None]) -> Fraction | None:
    """None where one of them is, or there are none."""
    known = [one for one in values if one is not None]
    return sum(known, Fraction(0)) if known and len(known) == len(values) else None
