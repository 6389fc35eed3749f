"""What cost models assume, by day: efficiency, price of power and the stated figures.

The figures are those of ``cost_assumptions.toml``, a user's file over it. Beside them stand costs
of a coin that others published and nobody can reproduce: ``published_costs.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp
from pathlib import Path

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.economics.costs.model import LEVEL, SIGMAS
from hashcanary.economics.errors import BadFigures
from hashcanary.economics.machines.fleet import DEFINITION, network_efficiency
from hashcanary.economics.machines.rigs import BEST_J_PER_TH, WORST_J_PER_TH, Catalogue, read_rigs
from hashcanary.economics.power.prices import (
    CHEAPEST,
    DEAREST,
    PowerMix,
    PowerPrices,
    draw_power,
    power_mix,
    read_power_prices,
)
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.stated import Place, read_document
from hashcanary.units import FRACTION, J_PER_TH, RATIO, USD_PER_KWH, Unit

_UNITS = {unit.suffix: unit for unit in (USD_PER_KWH, FRACTION, RATIO)}
_LIMITS = {"usd_per_kwh": (CHEAPEST, DEAREST), "fraction": (0.0, 5.0), "ratio": (0.01, 100.0)}
_WIDEST = 2.0


@dataclass(frozen=True, slots=True)
class Assumption:
    """A stated number. median in ``unit``; spread: sd of its logarithm; stated: Unix seconds."""

    name: str
    title: str
    unit: Unit
    median: float
    spread: float
    stated: int
    source: str

    @property
    def band(self) -> tuple[float, float]:
        """Where 90% of what it may be lies, in ``unit``."""
        wide = exp(SIGMAS * self.spread)
        return self.median / wide, self.median * wide


def read_assumptions(path: Path | None = None) -> dict[str, Assumption]:
    """The built-in assumptions by name, those of a file in place of them. Raises BadFigures."""
    found = _read(None)
    if path is not None:
        document = read_document("hashcanary.economics.costs", _FILE, path, BadFigures)
        document.only(*found)
        found |= _read(path)
    return found


def with_power_price(
    assumptions: dict[str, Assumption], usd_per_kwh: float
) -> dict[str, Assumption]:
    """Every price of power replaced by one exact price. Raises UsageError where it is none."""
    if not CHEAPEST <= usd_per_kwh <= DEAREST:
        raise UsageError(
            argument="--power-price",
            expected=f"USD per kWh, a number from {CHEAPEST:g} to {DEAREST:g}",
            found=usd_per_kwh,
            remedy="50 USD/MWh are 0.05 USD/kWh.",
        )
    return {
        name: replace(one, median=usd_per_kwh, spread=0.0, stated=0, source="as given")
        if one.unit is USD_PER_KWH
        else one
        for name, one in assumptions.items()
    }


_FILE = "cost_assumptions.toml"


def _read(path: Path | None) -> dict[str, Assumption]:
    document = read_document("hashcanary.economics.costs", _FILE, path, BadFigures)
    return {name: _assumption(name, document.part(name)) for name in document.table}


def _assumption(name: str, place: Place) -> Assumption:
    place.only("title", "unit", "median", "spread", "stated", "source")
    unit = place.one_of("unit", _UNITS)
    return Assumption(
        name,
        place.text("title"),
        _UNITS[unit],
        place.number("median", *_LIMITS[unit]),
        place.number("spread", 0.0, _WIDEST),
        place.day("stated", 0),
        place.text("source"),
    )


_PUBLISHED_FILE = "published_costs.toml"
_DEAREST = 1e9


@dataclass(frozen=True, slots=True)
class PublishedCost:
    """A figure as published. day: Unix seconds of the start of the day it speaks of; known: Unix
    seconds of the end of the day on which it was public; why: what keeps it from being reproduced.
    """

    name: str
    title: str
    definition: str
    why: str
    day: int
    known: int
    usd_per_btc: float
    source: str


def read_published_costs(path: Path | None = None) -> tuple[PublishedCost, ...]:
    """All figures, in the order of the file, then of days. Raises BadFigures."""
    document = read_document("hashcanary.economics.costs", _PUBLISHED_FILE, path, BadFigures)
    return tuple(
        one
        for name in document.table
        for one in sorted(_series(name, document.part(name)), key=lambda one: one.day)
    )


def newest_known(costs: tuple[PublishedCost, ...], at: int | None) -> tuple[PublishedCost, ...]:
    """Of each series the figure of the latest day that was known. at: Unix seconds, None: all."""
    newest: dict[str, PublishedCost] = {}
    for one in costs:
        if at is None or one.known <= at:
            newest[one.name] = one
    return tuple(newest.values())


def _series(name: str, place: Place) -> list[PublishedCost]:
    place.only("title", "definition", "why", "values")
    found = []
    for value in place.parts("values"):
        value.only("day", "known", "usd_per_btc", "source")
        day, known = value.day("day"), value.day("known") + DAY
        if known <= day:
            raise value.bad("known", "a day not before `day`", value.table["known"])
        found.append(
            PublishedCost(
                name,
                place.text("title"),
                place.text("definition"),
                place.text("why"),
                day,
                known,
                value.number("usd_per_btc", 0.0, _DEAREST),
                value.text("source"),
            )
        )
    if not found:
        raise place.bad("values", "a figure or more", place.table.get("values"))
    return found


EFFICIENCY, POWER_PRICE = "network_efficiency", "network_power_price"
_OFF = "network_efficiency_off"
_DRAWS, _SEED = 2000, 1


@dataclass(frozen=True, slots=True)
class Assumed:
    """What a user, or hashcanary, takes the world to be.

    figures: stated numbers by name; efficiency_j_per_th, usd_per_kwh: of the user's own machines
    and contract, exact, None for the network's.
    """

    figures: Mapping[str, Assumption]
    catalogue: Catalogue
    power: PowerPrices
    efficiency_j_per_th: float | None = None
    usd_per_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class StatedFigure:
    """An assumption on a day: value and central 90% in ``unit``, NaN where it is not known.

    stated: Unix seconds from which it could be known; before that it is hindsight. 0: ever.
    """

    name: str
    title: str
    unit: Unit
    value: Interval
    source: str
    stated: int


@dataclass(frozen=True, slots=True)
class StatedDays:
    """An assumption by day: values in ``unit``, sd of their logarithm, and who says so.

    stated: Unix seconds from which it could be known; before that it is hindsight. 0: ever.
    """

    name: str
    title: str
    unit: Unit
    values: Floats
    spread: Floats
    source: str
    stated: int = 0

    def moved(self, sigmas: float) -> Floats:
        """The values this many standard deviations off."""
        moved: Floats = self.values * np.exp(sigmas * self.spread)
        return moved

    def on(self, row: int) -> StatedFigure:
        """The assumption on a day, by the number of its row."""
        value, wide = float(self.values[row]), float(np.exp(SIGMAS * float(self.spread[row])))
        band = Interval(value, value / wide, value * wide, f"central {LEVEL:.0%}", LEVEL)
        return StatedFigure(self.name, self.title, self.unit, band, self.source, self.stated)


def assume(
    assumptions: Path | None = None,
    rigs: Path | None = None,
    power_prices: Path | None = None,
    efficiency_j_per_th: float | None = None,
    usd_per_kwh: float | None = None,
) -> Assumed:
    """The assumptions that come with hashcanary, what is given in place of them.

    Raises BadFigures for a file, UsageError for a figure of the user's that cannot be.
    """
    figures = read_assumptions(assumptions)
    if usd_per_kwh is not None:
        figures = with_power_price(figures, usd_per_kwh)
    if efficiency_j_per_th is not None and not (
        BEST_J_PER_TH <= efficiency_j_per_th <= WORST_J_PER_TH
    ):
        raise UsageError(
            argument="--efficiency",
            expected=f"J/TH, a number from {BEST_J_PER_TH:g} to {WORST_J_PER_TH:g}",
            found=efficiency_j_per_th,
            remedy="W / (TH/s) are J/TH.",
        )
    return Assumed(
        figures,
        read_rigs(rigs),
        read_power_prices(power_prices),
        efficiency_j_per_th,
        usd_per_kwh,
    )


def stated_days(
    assumed: Assumed, names: tuple[str, ...], days: Mapping[str, Floats], since: float = 0.0
) -> dict[str, StatedDays]:
    """The named assumptions by day. Raises KeyError where there is no such name.

    days: ``time`` (Unix seconds of days' starts) and, for the network's efficiency,
    ``hashrate.sma30``, ``hashprice`` and ``hashprice.subsidy``; since: Unix seconds, before which
    that efficiency is not drawn.
    """
    time = days["time"]
    found = {}
    for name in names:
        if name == EFFICIENCY:
            found[name] = _efficiency(assumed, days, since)
        elif name == POWER_PRICE:
            found[name] = _power_price(assumed, time)
        else:
            one = assumed.figures[name]
            found[name] = StatedDays(
                name,
                one.title,
                one.unit,
                np.full(time.size, one.median),
                np.full(time.size, one.spread),
                one.source,
                one.stated,
            )
    return found


def _efficiency(assumed: Assumed, days: Mapping[str, Floats], since: float) -> StatedDays:
    title, time = "fleet", days["time"]
    if assumed.efficiency_j_per_th is not None:
        own = np.full(time.size, assumed.efficiency_j_per_th)
        return StatedDays(EFFICIENCY, title, J_PER_TH, own, np.zeros(time.size), "as given")
    off = assumed.figures[_OFF]
    # where fees are not known the subsidy's hashprice, a few percent low, stands in
    hashprice = np.where(
        np.isfinite(days["hashprice"]), days["hashprice"], days["hashprice.subsidy"]
    )
    known = time, days["hashrate.sma30"], hashprice
    values, drawn = network_efficiency(*known, assumed.catalogue, since)
    spread = np.hypot(off.spread, drawn)
    return StatedDays(EFFICIENCY, title, J_PER_TH, values * off.median, spread, DEFINITION)


def _power_price(assumed: Assumed, time: Floats) -> StatedDays:
    """Mean price of power over the hashrate: it changes on days on which something became known."""
    prices = assumed.power
    steps = sorted({one.known for one in prices.regions} | {one.known for one in prices.shares})
    # a day may use what was known at its end
    step = np.searchsorted(np.array(steps), time + DAY, side="right") - 1
    mean, spread = np.zeros((2, len(steps)))
    source = "power_prices.toml, by region as known then; prices of grids are not used"
    if assumed.usd_per_kwh is not None:
        mean[:], source = assumed.usd_per_kwh, "as given"
    else:
        for at, moment in enumerate(steps):
            mean[at], spread[at] = _mean_price(power_mix(prices, moment))
    row = np.maximum(step, 0)
    # before anything was known the earliest entry stands: that is hindsight
    first = 0 if assumed.usd_per_kwh is not None else steps[0]
    return StatedDays(POWER_PRICE, "power", USD_PER_KWH, mean[row], spread[row], source, first)


def _mean_price(mix: PowerMix) -> tuple[float, float]:
    """USD/kWh, mean over the hashrate, median of its draws; and the sd of its logarithm."""
    drawn = draw_power(mix, _DRAWS, _SEED)
    each = np.exp(drawn.log_median + drawn.spread**2 / 2)
    logs = np.log((drawn.shares * each).sum(axis=1))
    return float(np.exp(np.median(logs))), float(np.std(logs))
