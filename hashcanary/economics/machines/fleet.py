"""The network's mix of rigs at a moment, as a distribution: ``draws`` fleets that could be there.

A vintage model. Every two months of the nine years before the moment the machines there age, those
that do not pay are scrapped at a rate, and new ones fill what the hashrate (its 30-day mean, known
by then) says must be there, plus a gross flow that makers ship whatever happens. New machines are
split over the rigs on sale: by time since release, efficiency, maker, and a popularity of their own
that nobody publishes. Each number of that is uncertain: ``priors.toml`` states all of them. None
was fitted: network efficiencies that were published are a check (``tests/economics``).

Differs from Coin Metrics' MINE-MATCH, which reads rigs from the nonces of blocks, and from
Cambridge's CBECI, where every profitable rig weighs the same.

What the network's machines take for a hash, by day, is told to cost models here alone: fleets are
drawn every 30 days, at moments that are the same in every record; a day takes the last of them at
its end, so that nothing known later is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.errors import NoRigYet, TooFewDaysForFleet
from hashcanary.economics.priors import read_priors
from hashcanary.moments import DAY, iso_day
from hashcanary.random import Purpose, generator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hashcanary.arrays import Floats, Ints, Singles
    from hashcanary.economics.machines.rigs import Catalogue, Rig


# seconds of a year
YEAR = 365.25 * DAY
STEP_YEARS, REACH_YEARS = 1 / 6, 9.0
# hashrate may be unknown for so long before a step
_STALE = 30 * DAY
# of the log of the hashrate a year, before the first day that is known; judgement: 0.5 from 2018 to
# 2025, 0.4 from 2020 on
_GROWTH = 0.45
# of a machine paying USD/PH/s/day: J/TH x 24 h x USD/kWh
HOURS = 24.0
# numbers that a processor's cache holds: so many of rigs x draws are aged at once
_CACHED = 32_768
# moments x draws that are grown together
_TOGETHER = 1024
# the mean hashprice of so many days says whether to scrap a machine, and whether to run it
_SCRAP_DAYS, _RUN_DAYS = 180, 30
# what power costs, USD/kWh, and its spread, with overheads, where only scrapping asks
_SCRAP_PRICE, _SCRAP_SPREAD = 0.050, 0.32


@dataclass(frozen=True, slots=True)
class History:
    """Days as known at a moment, ascending. time: Unix seconds at which each begins.

    hashrate_ths: 30-day mean; hashprice_usd_per_phs_day: of the day; NaN where not known.
    """

    time: Ints
    hashrate_ths: Floats
    hashprice_usd_per_phs_day: Floats

    def known_by(self, moment: int) -> History:
        """The days that had ended by then. moment: Unix seconds."""
        seen = self.time + DAY <= moment
        return History(
            self.time[seen], self.hashrate_ths[seen], self.hashprice_usd_per_phs_day[seen]
        )


@dataclass(frozen=True, slots=True)
class Fleets:
    """Draws of the network's machines. moment: Unix seconds.

    shares: (rigs, draws), fraction of the hashrate of all that is there, each column sums to 1;
    running: fraction too, of what the last month's hashprice paid at usual power prices;
    efficiency_j_per_th: (rigs, draws), as they really run; parameters: by name, (draws,), each in
    the unit of its prior.
    """

    moment: int
    rigs: tuple[Rig, ...]
    shares: Singles
    running: Singles
    efficiency_j_per_th: Singles
    parameters: dict[str, Floats]

    @property
    def network_j_per_th(self) -> Floats:
        """The network's efficiency in each draw: J/TH of what runs, weighted by hashrate."""
        return np.asarray((self.running * self.efficiency_j_per_th).sum(axis=0), dtype=np.float64)


def draw_fleets(
    catalogue: Catalogue,
    history: History,
    moment: int,
    draws: int = 10_000,
    seed: int = 1,
) -> Fleets:
    """``draws`` fleets; rigs released and days ended by then are all that is used.

    moment: Unix seconds. The same seed gives the same bytes. Raises NoRigYet, TooFewDaysForFleet.
    """
    return FleetDrawer(catalogue, draws, seed).at(history, moment)


class FleetDrawer:
    """Fleets at many moments: what does not change between two releases is drawn once, and moments
    between two releases are drawn together.

    At each moment the same bytes as ``draw_fleets``.
    """

    def __init__(self, catalogue: Catalogue, draws: int, seed: int = 1) -> None:
        self._catalogue, self._draws, self._seed = catalogue, draws, seed
        self._rigs: tuple[Rig, ...] = ()
        self._world: _World | None = None

    def at(self, history: History, moment: int) -> Fleets:
        """Fleets then. moment: Unix seconds. Raises NoRigYet, TooFewDaysForFleet."""
        (found,) = self.together([self.asked(history, moment)])
        return found

    def asked(self, history: History, moment: int) -> Asked:
        """What a fleet is drawn from. moment: Unix seconds. Raises NoRigYet, TooFewDaysForFleet."""
        rigs = self._catalogue.released_by(moment)
        known = history.known_by(moment)
        steps = _steps(moment, rigs)
        return Asked(
            moment,
            rigs,
            _at(known, known.hashrate_ths, steps, moment),
            _unpaid(rigs, known, steps, _SCRAP_DAYS),
            _unpaid(rigs, known, steps[-1:], _RUN_DAYS)[0],
        )

    def together(self, asked: Iterable[Asked]) -> Iterator[Fleets]:
        """The fleets of each, in their order."""
        most, group = max(_TOGETHER // self._draws, 1), list[Asked]()
        for one in asked:
            if group and (len(group) == most or one.rigs != group[0].rigs):
                yield from self._drawn(group)
                group = []
            group.append(one)
        if group:
            yield from self._drawn(group)

    def _drawn(self, group: list[Asked]) -> Iterator[Fleets]:
        rigs = group[0].rigs
        if self._world is None or rigs != self._rigs:
            self._world = _World.drawn(rigs, self._draws, self._seed)
            self._rigs = rigs
        whole = _grow(self._world, group)
        for at, one in enumerate(group):
            yield _fleets(self._world, one, np.ascontiguousarray(whole[:, at]))


@dataclass(frozen=True, slots=True)
class Asked:
    """What fleets are drawn from. moment: Unix seconds.

    hashrate_ths: (steps,), every two months, the last one at the moment; unpaid: (steps, rigs),
    fraction of each rig's owners not paid by half a year's hashprice; idle: (rigs,), fraction not
    paid by the last month's.
    """

    moment: int
    rigs: tuple[Rig, ...]
    hashrate_ths: Floats
    unpaid: Floats
    idle: Floats


def _fleets(world: _World, one: Asked, mass: Singles) -> Fleets:
    paid = 1.0 - one.idle.astype(np.float32)
    running, shares = mass * paid[:, None], mass / mass.sum(axis=0)
    total = running.sum(axis=0)
    return Fleets(
        one.moment,
        one.rigs,
        shares,
        # where nothing was paid at all, all that is there is all that can be told
        np.where(total > 0, running / np.where(total > 0, total, 1), shares),
        world.efficiency,
        world.parameters,
    )


def _steps(moment: int, rigs: tuple[Rig, ...]) -> Floats:
    """Unix seconds every two months, the last one ``moment``; from the first rig on."""
    begin = max(moment - REACH_YEARS * YEAR, float(rigs[0].released))
    count = max(int((moment - begin) / (STEP_YEARS * YEAR)), 1)
    before = np.arange(count, -1, -1, dtype=np.float64)
    return np.asarray(moment - before * (STEP_YEARS * YEAR), dtype=np.float64)


def _at(known: History, values: Floats, steps: Floats, moment: int) -> Floats:
    """The last known hashrate at each step; before the first it has grown as it usually does."""
    seen = np.flatnonzero(np.isfinite(values))
    if seen.size == 0 or moment - known.time[seen[-1]] > _STALE:
        last = iso_day(int(known.time[seen[-1]])) if seen.size else "none"
        raise TooFewDaysForFleet(at=iso_day(moment), days=_STALE // DAY, found=last)
    at = np.searchsorted(known.time[seen], steps, side="right") - 1
    before = np.maximum(known.time[seen[0]] - steps, 0.0) / YEAR
    return np.asarray(values[seen][np.maximum(at, 0)] * np.exp(-_GROWTH * before))


def _unpaid(rigs: tuple[Rig, ...], known: History, steps: Floats, span: int) -> Floats:
    """The part of each rig's owners that the last ``span`` days did not pay: (steps, rigs)."""
    from scipy.special import ndtr

    price = known.hashprice_usd_per_phs_day
    total = np.concatenate(([0.0], np.cumsum(np.nan_to_num(price))))
    count = np.concatenate(([0], np.cumsum(np.isfinite(price))))
    end = np.searchsorted(known.time, steps, side="right")
    start = np.searchsorted(known.time, steps - span * DAY, side="right")
    days = count[end] - count[start]
    mean = np.where(days > 0, (total[end] - total[start]) / np.maximum(days, 1), np.inf)
    efficiency = np.array([rig.efficiency_j_per_th for rig in rigs])
    paid = mean[:, None] / (HOURS * _SCRAP_PRICE * efficiency[None, :])
    return np.asarray(1.0 - ndtr(np.log(paid) / _SCRAP_SPREAD))


@dataclass(frozen=True, slots=True)
class _World:
    """Draws of what does not change along the steps; (draws,) or (rigs, draws)."""

    released: Floats
    weight: Singles
    efficiency: Singles
    parameters: dict[str, Floats]
    values: dict[str, Singles]

    @classmethod
    def drawn(cls, rigs: tuple[Rig, ...], draws: int, seed: int) -> _World:
        priors = read_priors()
        normal = generator(seed, Purpose.FLEET).standard_normal((len(priors.fleet), draws))
        values = {
            name: prior.draw(off)
            for (name, prior), off in zip(priors.fleet.items(), normal, strict=True)
        }
        # a row a rig: what is drawn of one does not depend on how many come after it
        own = generator(seed, Purpose.RIG_EFFICIENCY).standard_normal(
            (len(rigs), draws), dtype=np.float32
        )
        liked = generator(seed, Purpose.POPULARITY).standard_normal(
            (len(rigs), draws), dtype=np.float32
        )
        plate = np.array([rig.efficiency_j_per_th for rig in rigs], dtype=np.float32)
        spread = np.array([_own_spread(rig) for rig in rigs], dtype=np.float32)
        efficiency = plate[:, None] * np.exp(spread[:, None] * own) * values["efficiency"]
        liked *= np.float32(priors.popularity_spread)
        liked -= values["preference"] * np.log(plate / plate.min())[:, None]
        shipped = [priors.makers.get(rig.maker, priors.other_makers) for rig in rigs]
        maker = np.array(shipped, dtype=np.float32)
        maker *= [1.0 if rig.cooling == "air" else priors.cooled for rig in rigs]
        weight = maker[:, None] * np.exp(liked)
        released = np.array([np.mean(rig.released_band) for rig in rigs])
        shown = {name: one.astype(np.float64) for name, one in values.items()}
        return cls(released, weight, efficiency.astype(np.float32), shown, values)


def _own_spread(rig: Rig) -> float:
    """Of the logarithm of a rig's own efficiency: its band is two of it either way."""
    low, high = rig.nameplate_j_per_th.ends
    return max(float(np.log(high / low)) / 4.0, 1e-3)


def _grow(world: _World, group: list[Asked]) -> Singles:
    """Machines of each rig at the last step of each: (rigs, moments, draws), TH/s.

    Where one has fewer steps than another there is nothing before its first.
    """
    (rigs, draws), size = world.weight.shape, max(one.hashrate_ths.size for one in group)
    mass = np.zeros((rigs, len(group), draws), dtype=np.float32)
    cube = 1.0 / world.values["life"] ** 3
    before = np.arange(size - 1, -1, -1, dtype=np.float64)[:, None]
    steps = np.array([one.moment for one in group]) - before * (STEP_YEARS * YEAR)
    age = ((steps[:, None, :] - world.released[:, None]) / YEAR).astype(np.float32)
    wear = np.maximum(age, 0.0) ** 3 - np.maximum(age - np.float32(STEP_YEARS), 0.0) ** 3
    hashrate, rate = np.zeros((size, len(group))), np.zeros(age.shape, dtype=np.float32)
    for at, one in enumerate(group):
        hashrate[size - one.hashrate_ths.size :, at] = one.hashrate_ths
        rate[size - one.hashrate_ths.size :, :, at] = one.unpaid
    rate *= np.float32(STEP_YEARS)
    for at, total in enumerate(hashrate):
        # rigs are in order of release: those not sold yet are at the end, but for a few
        there = mass[: int(np.flatnonzero((age[at] > 0).any(axis=1)).max(initial=0)) + 1]
        if at:
            _age(there, wear[at], cube, rate[at], world.values["scrap"])
        missing = np.maximum(total.astype(np.float32)[:, None] - there.sum(axis=0), 0.0)
        missing += world.values["gross"] * (STEP_YEARS * total).astype(np.float32)[:, None]
        _sell(mass, world, age[at], missing)
    return mass


def _age(mass: Singles, wear: Singles, cube: Singles, rate: Singles, scrap: Singles) -> None:
    """Two months of age, and of scrapping what does not pay.

    wear: years cubed that a rig grew older; cube: of its life, 1/years^3; rate: part of its owners
    that are not paid, times the step in years; scrap: a year.
    """
    many = max(_CACHED // mass[0].size, 1)
    for begin in range(0, len(mass), many):
        rigs = slice(begin, min(begin + many, len(mass)))
        worn = wear[rigs, :, None] * cube
        worn += rate[rigs, :, None] * scrap
        mass[rigs] *= np.exp(np.negative(worn, out=worn), out=worn)


# so many years after release nobody sells a rig as new any more, but where nothing else is there
_SOLD_YEARS = 4.0


def _sell(mass: Singles, world: _World, age: Singles, missing: Singles) -> None:
    """Split new machines over the rigs on sale. age: (rigs, moments); missing: (moments, draws)."""
    sold = (age > 0) & (age < _SOLD_YEARS)
    for at in np.flatnonzero(~sold.any(axis=0)):
        there = np.flatnonzero(age[:, at] > 0)
        mass[there[-1] if there.size else 0, at] += missing[at]
        missing[at] = 0.0
    on_sale = np.flatnonzero(sold.any(axis=1))
    old = age[on_sale, :, None]
    fades = old / -world.values["sale"]
    part = world.weight[on_sale, None] * np.exp(fades, out=fades)
    grows = old / -world.values["ramp"]
    part *= np.subtract(1.0, np.exp(grows, out=grows), out=grows)
    if not sold[on_sale].all():
        part *= sold[on_sale, :, None]
    part *= missing / np.maximum(part.sum(axis=0), np.float32(1e-30))
    mass[on_sale] += part


DEFINITION = (
    "fleets drawn every 30 days from rigs on sale, hashrate and hashprice known by then; median "
    "of the network's J/TH"
)
STEP_DAYS = 30
_DRAWS, _SEED = 300, 1
_TERA = 1e12
# of the log: what one rig, the only one known, may be off those that nobody listed; of n, 1/sqrt(n)
_UNLISTED, _LISTED_SECONDS = 0.3, 3 * 365.25 * DAY


def network_efficiency(
    time: Floats, hashrate: Floats, hashprice: Floats, catalogue: Catalogue, since: float = 0.0
) -> tuple[Floats, Floats]:
    """J/TH by day and the sd of its logarithm; NaN before the first rig, or without hashrate.

    time: Unix seconds of days' starts, ascending without a hole; hashrate: 30-day mean, H/s;
    hashprice: USD/PH/s/day; NaN where not known. since: Unix seconds; days before are not asked.
    """
    history = History(time.astype(np.int64), hashrate / _TERA, hashprice)
    step = (time + DAY) // (STEP_DAYS * DAY)
    values, spread = np.full((2, time.size), np.nan)
    drawer = FleetDrawer(catalogue, _DRAWS, _SEED)
    moments = (int(at) * STEP_DAYS * DAY for at in np.unique(step[time >= since]))
    asked = [one for at in moments if (one := _asked(drawer, history, at)) is not None]
    for fleets in drawer.together(asked):
        days = step == fleets.moment // (STEP_DAYS * DAY)
        values[days], spread[days] = _told(fleets)
    return values, spread


def _asked(drawer: FleetDrawer, history: History, moment: int) -> Asked | None:
    # a fleet before there were two days to see says nothing
    if moment <= history.time[0]:
        return None
    try:
        return drawer.asked(history, moment)
    except (NoRigYet, TooFewDaysForFleet):
        return None


def _told(fleets: Fleets) -> tuple[float, float]:
    logs = np.log(fleets.network_j_per_th)
    listed = sum(fleets.moment - rig.released < _LISTED_SECONDS for rig in fleets.rigs)
    unlisted = _UNLISTED / np.sqrt(max(listed, 1))
    return float(np.exp(np.median(logs))), float(np.hypot(np.std(logs), unlisted))
