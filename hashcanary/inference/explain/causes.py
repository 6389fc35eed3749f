"""What each cause of a drop looks like, and where the machines behind each pool stand.

Stated numbers, checked: those of ``causes.toml`` and ``pool_regions.toml``, or of a user's file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.inference.errors import BadStatement
from hashcanary.moments import DAY
from hashcanary.stated import Place, read_document

LUCK = "luck"
REAL = ("curtailment", "economics", "exit")
NAMES = (LUCK, *REAL)
MONTHS = 12
_LONGEST = 3660.0
# log depths that are compared: a fall by 1.5% to one by 75%
DEPTHS = np.geomspace(0.015, 1.4, 48)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """A positive quantity: its median and the standard deviation of its logarithm."""

    median: float
    spread: float

    def at(self, level: Floats) -> Floats:
        """The quantile at each of ``level``."""
        from scipy.special import ndtri

        return np.asarray(self.median * np.exp(self.spread * ndtri(level)))


@dataclass(frozen=True, slots=True)
class Normal2:
    """Two quantities: means, standard deviations, correlation."""

    mean: tuple[float, ...]
    sd: tuple[float, ...]
    correlation: float

    def log_density(self, at: tuple[Floats | float, Floats | float], added: float) -> Floats:
        """Log density at points whose first part is uncertain by a further ``added``."""
        first, second = float(np.hypot(self.sd[0], added)), self.sd[1]
        together = self.correlation * self.sd[0] / first
        apart = 1 - together**2
        x, y = (at[0] - self.mean[0]) / first, (at[1] - self.mean[1]) / second
        square = (x**2 - 2 * together * x * y + y**2) / apart
        return np.asarray(-0.5 * square - np.log(2 * np.pi * first * second * np.sqrt(apart)))


@dataclass(frozen=True, slots=True)
class Looks:
    """How a cause looks in prices: ``margin`` and ``power`` as ``causes.toml`` explains them."""

    margin: Normal2
    power: tuple[float, float]

    def power_log_density(self, at: Floats | float) -> Floats:
        """Log density of the log of the price of power over what it was."""
        mean, sd = self.power
        return np.asarray(-0.5 * ((at - mean) / sd) ** 2 - np.log(sd * np.sqrt(2 * np.pi)))


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause of a real fall. a_year: how often one begins; days; season: relative, by month, the
    newest; earlier: Unix seconds until which another one held, with it, the newest first.
    """

    name: str
    title: str
    meaning: str
    a_year: float
    depth: LogNormal
    fall: LogNormal
    hold: LogNormal
    back: LogNormal
    returns: tuple[float, float]
    regional: float
    regions: dict[str, float]
    season: Floats
    earlier: tuple[tuple[int, Floats], ...]
    looks: Looks

    def season_at(self, time: float) -> float:
        """How many times likelier than on average one begins in the month of a moment."""
        held = self.season
        for until, season in self.earlier:
            held = season if time < until else held
        return float(12 * held[datetime.fromtimestamp(time, UTC).month - 1])


@dataclass(frozen=True, slots=True)
class Causes:
    """All of them. silent: how often a kind of evidence says nothing at all."""

    luck_title: str
    luck_meaning: str
    luck: Looks
    real: tuple[Cause, ...]
    silent: float

    def priors(self, days: float) -> dict[str, float]:
        """Probability of each for the largest fall that begins within ``days``, summing to 1.

        Falls begin at the stated rates; where none did, the largest one seen is luck.
        """
        rates = {cause.name: cause.a_year * days / 365.25 for cause in self.real}
        total = sum(rates.values())
        none = float(np.exp(-total))
        found = {LUCK: none} if total else {LUCK: 1.0}
        return found | {
            name: (1 - none) * rate / total if total else 0.0 for name, rate in rates.items()
        }

    def title(self, name: str) -> str:
        """A cause's name in words."""
        titles = {cause.name: cause.title for cause in self.real}
        return titles.get(name, self.luck_title)


def read_causes(path: Path | None = None) -> Causes:
    """The causes of a file, the built-in ones without. Raises BadStatement."""
    document = read_document("hashcanary.inference.explain", "causes.toml", path, BadStatement)
    luck = document.part(LUCK)
    return Causes(
        luck.text("title"),
        luck.text("meaning"),
        _looks(luck),
        tuple(_cause(name, document.part(name)) for name in REAL),
        document.number("silent", 1e-6, 1.0),
    )


def _cause(name: str, place: Place) -> Cause:
    earlier = [(one.day("until") + DAY, _season(one)) for one in place.parts("earlier")]
    regions = place.shares("regions", tuple(place.part("regions").table))
    regional = place.number("regional", 0.0, 1.0)
    if regional and not sum(regions.values()) > 0:
        raise place.bad("regions", "a region, as some falls are regional", regions)
    return Cause(
        name=name,
        title=place.text("title"),
        meaning=place.text("meaning"),
        a_year=place.number("a_year", 0.0, 365.0),
        depth=log_normal(place.part("depth"), 0.9),
        fall=log_normal(place.part("fall_days"), _LONGEST),
        hold=log_normal(place.part("hold_days"), _LONGEST),
        back=log_normal(place.part("return_days"), _LONGEST),
        returns=place.pair("returns", 0.0, 1.0),
        regional=regional,
        regions=regions,
        season=_season(place),
        earlier=tuple(sorted(earlier, key=lambda one: -one[0])),
        looks=_looks(place),
    )


def _season(place: Place) -> Floats:
    season = np.array(place.numbers("season", MONTHS, 0.0, 1e6))
    if not season.sum() > 0:
        raise place.bad("season", "a month that is not 0", season.tolist())
    return np.asarray(season / season.sum())


def depth_prior(depth: LogNormal) -> Floats:
    """Log prior weight of each of ``DEPTHS`` where depths have a law, summing to 1 over them."""
    lost = -np.expm1(-DEPTHS)
    at = (np.log(lost) - np.log(depth.median)) / depth.spread
    # depths are evenly spread in their logarithm; the rest is d log(lost) / d log(depth)
    stretch = DEPTHS * (1 - lost) / lost
    weight = np.exp(-0.5 * at**2) * stretch
    return np.asarray(np.log(weight / weight.sum()))


def log_normal(place: Place, most: float) -> LogNormal:
    """A table of a median and a spread. Raises BadStatement."""
    return LogNormal(place.number("median", 1e-3, most), place.number("spread", 0.01, 3.0))


def _looks(place: Place) -> Looks:
    margin, power = place.part("margin"), place.part("power")
    return Looks(
        Normal2(
            margin.numbers("mean", 2, -5.0, 5.0),
            margin.numbers("sd", 2, 0.01, 5.0),
            margin.number("correlation", -0.99, 0.99),
        ),
        (power.number("mean", -5.0, 5.0), power.number("sd", 0.01, 5.0)),
    )


_ALWAYS = 1 << 62


@dataclass(frozen=True, slots=True)
class Exposure:
    """Where a pool's hashrate stands. parts: by region; sure: size of the Beta prior it is worth.

    since, until: Unix seconds between which it holds. source: who says so.
    """

    slug: str | None
    parts: dict[str, float]
    sure: float
    source: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class PoolRegions:
    """All entries. power: region of each vendor of the price of power; names: of regions."""

    regions: tuple[str, ...]
    names: dict[str, str]
    power: dict[str, str]
    entries: tuple[Exposure, ...]

    def of(self, pool: str, time: float) -> Exposure | None:
        """A pool's entry at a moment, the world's where it has none; None without either."""
        now = [one for one in self.entries if one.since <= time < one.until]
        own = [one for one in now if one.slug == pool]
        return next(iter(own), next((one for one in now if one.slug is None), None))

    def table(self, pools: tuple[str, ...], time: float) -> tuple[Floats, Floats]:
        """Expected parts (pools, regions) and sureness (pools,) at a moment."""
        parts, sure = np.zeros((len(pools), len(self.regions))), np.full(len(pools), 2.0)
        for at, pool in enumerate(pools):
            entry = self.of(pool, time)
            if entry is None:
                parts[at] = 1.0 / (len(self.regions) + 1)
                continue
            parts[at] = [entry.parts.get(region, 0.0) for region in self.regions]
            sure[at] = entry.sure
        return parts, sure


def read_pool_regions(path: Path | None = None) -> PoolRegions:
    """The entries of a file, the built-in ones without. Raises BadStatement."""
    package = "hashcanary.inference.explain"
    document = read_document(package, "pool_regions.toml", path, BadStatement)
    regions = document.texts("regions")
    if not regions:
        raise document.bad("regions", "a region or more", [])
    names = document.part("names")
    power = document.part("power")
    vendors = {vendor: power.one_of(vendor, regions) for vendor in power.table}
    entries = [_exposure(one, regions, one.text("slug")) for one in document.parts("pool")]
    entries += [_exposure(one, regions, None) for one in document.parts("world")]
    _apart(document, entries)
    return PoolRegions(
        regions, {region: names.text(region) for region in regions}, vendors, tuple(entries)
    )


def _exposure(place: Place, regions: tuple[str, ...], slug: str | None) -> Exposure:
    since, until = place.day("from", 0), place.day("until", _ALWAYS - DAY) + DAY
    if since >= until:
        raise place.bad("until", "a day after from", place.table.get("until"))
    return Exposure(
        slug,
        place.shares("exposure", regions),
        place.number("sure", 1.0, 1e6),
        place.text("source"),
        since,
        until,
    )


def _apart(document: Place, entries: list[Exposure]) -> None:
    """Refuse two entries of one pool that hold at one moment."""
    for at, one in enumerate(entries):
        for other in entries[:at]:
            if one.slug == other.slug and one.since < other.until and other.since < one.until:
                name = one.slug or "the world"
                raise document.bad("pool", f"one entry of {name} at a time", "two")
