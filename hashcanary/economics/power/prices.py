"""What miners pay for power: by region, as stated, and by a grid's price where one is loaded.

The distribution over the network's hashrate is a mixture of log-normals, one a region, weighted by
the regions' shares. Its level, the regions' shares and each region's median are uncertain: a draw
takes one of each. ``power_prices.toml`` states all of it with sources; a user's file may stand in
its place. Nothing is used that was known later than the moment asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import polars as pl

from hashcanary.arrays import Floats, Singles
from hashcanary.economics.draws import band_of
from hashcanary.economics.errors import BadFigures
from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_day
from hashcanary.random import Purpose, generator
from hashcanary.stated import Place, read_document

# USD/kWh: dearer than any home, cheaper than any waste gas
CHEAPEST, DEAREST = 0.001, 1.0
# of a region's median, standard deviation of its logarithm
_REGION_SPREAD = 0.08
GRID_SERIES = "power_price_usd_per_mwh"
GRID_DAYS = 30
_FEWEST_GRID_DAYS = 15
_NETWORK_DRAWS = 10_000


class Dated(Protocol):
    """What is known from a moment on, Unix seconds."""

    @property
    def known(self) -> int:
        """Unix seconds."""


Known = TypeVar("Known", bound=Dated)


@dataclass(frozen=True, slots=True)
class RegionPrice:
    """What a region's miners pay. usd_per_kwh: median; spread: sd of the log, over the hashrate.

    known: Unix seconds from which it could be known; judged: it is judgement, from ``source``.
    """

    name: str
    title: str
    usd_per_kwh: float
    spread: float
    known: int
    judged: bool
    source: str


@dataclass(frozen=True, slots=True)
class Shares:
    """Regions' fractions of the hashrate, and how many reports they are worth.

    of: fraction by region; sure: number of reports; known: Unix seconds.
    """

    of: dict[str, float]
    sure: float
    known: int
    judged: bool
    source: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A vendor's daily price: the region, the part of its hashrate that pays it, what is added.

    exposed: fraction; adder: USD/kWh; spread: sd of the logarithm.
    """

    vendor: str
    region: str
    exposed: float
    adder: float
    spread: float
    source: str


@dataclass(frozen=True, slots=True)
class PowerPrices:
    """All entries of a file. level_spread: sd of the log of what moves every price together."""

    file: str
    level_spread: float
    regions: tuple[RegionPrice, ...]
    shares: tuple[Shares, ...]
    grids: tuple[Grid, ...]

    @property
    def newest(self) -> int:
        """Unix seconds from which every entry is known."""
        return max([one.known for one in self.regions] + [one.known for one in self.shares])


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the hashrate and what it pays.

    usd_per_kwh: median; spread: sd of the log; share: fraction of the hashrate.
    """

    title: str
    usd_per_kwh: float
    spread: float
    share: float
    judged: bool
    source: str
    region: str = ""


@dataclass(frozen=True, slots=True)
class PowerMix:
    """What the network pays, as known at a moment. notes: what a reader must know.

    sure: number of reports that the shares are worth; level_spread: sd of the log.
    """

    parts: tuple[Part, ...]
    sure: float
    level_spread: float
    shares_source: str
    notes: tuple[str, ...]


def read_power_prices(path: Path | None = None) -> PowerPrices:
    """The entries of a file, the built-in ones without. Raises BadFigures."""
    document = read_document("hashcanary.economics.power", "power_prices.toml", path, BadFigures)
    document.only("level_spread", "grids", "region", "shares")
    regions = tuple(_region(one) for one in document.parts("region"))
    shares = tuple(_shares(one, regions) for one in document.parts("shares"))
    if not regions or not shares:
        raise document.bad("region", "a [[region]] and a [[shares]] or more", None)
    grids: tuple[Grid, ...] = ()
    if "grids" in document.table:
        inside = document.part("grids")
        grids = tuple(_grid(inside.part(vendor), vendor, regions) for vendor in inside.table)
    return PowerPrices(
        document.file, document.number("level_spread", 0.0, 1.0), regions, shares, grids
    )


def _region(place: Place) -> RegionPrice:
    place.only("name", "title", "known", "price", "spread", "judged", "source")
    return RegionPrice(
        place.text("name"),
        place.text("title"),
        place.number("price", CHEAPEST, DEAREST),
        place.number("spread", 0.01, 1.5),
        place.day("known", 0),
        place.flag("judged"),
        place.text("source"),
    )


def _shares(place: Place, regions: tuple[RegionPrice, ...]) -> Shares:
    place.only("known", "sure", "judged", "source", "of")
    names = tuple(dict.fromkeys(one.name for one in regions))
    of = place.shares("of", names)
    left = 1.0 - sum(of.values())
    if left > 1e-9:
        if "elsewhere" not in names:
            raise place.bad("of", 'fractions that sum to 1, or a region "elsewhere"', 1 - left)
        of["elsewhere"] = of.get("elsewhere", 0.0) + left
    return Shares(
        of,
        place.number("sure", 1.0, 1e6),
        place.day("known", 0),
        place.flag("judged"),
        place.text("source"),
    )


def _grid(place: Place, vendor: str, regions: tuple[RegionPrice, ...]) -> Grid:
    place.only("region", "exposed", "adder", "spread", "judged", "source")
    region = place.text("region")
    if region not in {one.name for one in regions}:
        raise place.bad("region", "the name of a [[region]]", region)
    return Grid(
        vendor,
        region,
        place.number("exposed", 0.0, 1.0),
        place.number("adder", 0.0, DEAREST),
        place.number("spread", 0.01, 1.5),
        place.text("source"),
    )


def power_mix(prices: PowerPrices, moment: int, daily: pl.DataFrame | None = None) -> PowerMix:
    """What the network pays as known at a moment.

    moment: Unix seconds UTC; daily: the record's daily series; a grid's price in it, the median day
    of the last 30, is what the exposed part of its region pays.
    """
    shares = known_at(prices.shares, moment)
    hindsight = [f"regions' shares, of {iso_day(shares.known)}"] if shares.known > moment else []
    parts: list[Part] = []
    for name, share in shares.of.items():
        region = known_at([one for one in prices.regions if one.name == name], moment)
        if region.known > moment:
            hindsight.append(f"{region.title}'s price, of {iso_day(region.known)}")
        exposed = 0.0
        for grid in prices.grids:
            price = _grid_price(daily, grid.vendor, moment) if grid.region == name else None
            if price is None:
                continue
            exposed += grid.exposed
            parts.append(
                Part(
                    f"{region.title}, at {grid.vendor}'s price",
                    max(price + grid.adder, CHEAPEST),
                    grid.spread,
                    share * grid.exposed,
                    True,
                    f"{grid.vendor}: median day of the last {GRID_DAYS}, {price * 1000:.1f} "
                    f"USD/MWh, and {grid.adder * 1000:.0f} for wires and retailer; {grid.source}",
                    name,
                )
            )
        rest = share * max(1.0 - exposed, 0.0)
        if rest > 0:
            parts.append(
                Part(
                    region.title,
                    region.usd_per_kwh,
                    region.spread,
                    rest,
                    region.judged,
                    region.source,
                    name,
                )
            )
    notes = ("known only later: " + "; ".join(hindsight),) if hindsight else ()
    return PowerMix(tuple(parts), shares.sure, prices.level_spread, shares.source, notes)


def known_at(entries: Sequence[Known], moment: int) -> Known:
    """The last entry known at a moment; the earliest one where none was. moment: Unix seconds."""
    known = [one for one in entries if one.known <= moment]
    return max(known, key=lambda one: one.known) if known else min(entries, key=lambda e: e.known)


def _grid_price(daily: pl.DataFrame | None, vendor: str, moment: int) -> float | None:
    """A grid's median daily price of the last 30 days, USD/kWh; None where too few are known."""
    if daily is None or daily.is_empty():
        return None
    # asked for every month of many years, most of them before the grid's first price
    first = daily["known_at"].min()
    if isinstance(first, int) and first > moment:
        return None
    last = moment // DAY
    days = daily.filter(
        pl.col("vendor") == vendor,
        pl.col("series") == GRID_SERIES,
        pl.col("known_at") <= moment,
        pl.col("day").cast(pl.Int32).is_between(last - GRID_DAYS, last - 1),
        pl.col("value").is_not_null(),
    ).sort("known_at")
    values = days.unique("day", keep="last")["value"].to_numpy()
    return float(np.median(values)) / 1000.0 if values.size >= _FEWEST_GRID_DAYS else None


@dataclass(frozen=True, slots=True)
class PowerDraws:
    """Draws of what the network pays. log_median (draws, parts): log of USD/kWh; shares
    (draws, parts): fraction, each row sums to 1; spread (parts,): sd of the log.
    """

    log_median: Floats
    shares: Floats
    spread: Floats

    def log_network_median(self) -> Floats:
        """Log of USD/kWh that the network's middle miner pays, (draws,)."""
        return np.asarray((self.shares * self.log_median).sum(axis=1))

    def below(self, log_price: Floats) -> Singles:
        """The fraction of hashrate that pays no more.

        log_price: log of USD/kWh, (size,) or (draws, size).
        """
        from scipy.special import ndtr

        prices = np.asarray(log_price, dtype=np.float32)
        total = np.zeros(np.broadcast_shapes((len(self.shares), 1), prices.shape), np.float32)
        for at, spread in enumerate(self.spread):
            off = prices - self.log_median[:, at : at + 1].astype(np.float32)
            off /= np.float32(max(spread, 1e-4))
            total += ndtr(off) * self.shares[:, at : at + 1].astype(np.float32)
        return total


def network_price(mix: PowerMix) -> Interval:
    """USD/kWh that the network's middle miner pays, with the 95% band of draws.

    The figure that the supply curve has too; single miners pay less and more.
    """
    return band_of(np.exp(draw_power(mix, _NETWORK_DRAWS, seed=1).log_network_median()))


def draw_power(mix: PowerMix, draws: int, seed: int) -> PowerDraws:
    """``draws`` worlds of what the network pays; a draw's numbers depend on the seed alone."""
    level = generator(seed, Purpose.POWER_LEVEL).standard_normal(draws)
    own = generator(seed, Purpose.POWER_REGION).standard_normal((draws, len(mix.parts)))
    weight = np.array([part.share for part in mix.parts])
    size = generator(seed, Purpose.POWER_SHARES).standard_gamma(
        np.maximum(weight * mix.sure, 1e-9), size=(draws, len(mix.parts))
    )
    shares = size / size.sum(axis=1, keepdims=True)
    median = np.log([part.usd_per_kwh for part in mix.parts])
    return PowerDraws(
        median + mix.level_spread * level[:, None] + _REGION_SPREAD * own,
        shares,
        np.array([part.spread for part in mix.parts]),
    )
