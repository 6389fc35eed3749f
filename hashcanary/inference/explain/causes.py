"""What each cause of a drop looks like: the stated numbers of ``causes.toml``, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.errors import BadStatement
from hashcanary.stated import Place, read_document

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LUCK = "luck"
REAL = ("curtailment", "economics", "exit")
NAMES = (LUCK, *REAL)
MONTHS = 12
_LONGEST = 3660.0


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

    def log_density(self, at: tuple[float, float], added: float) -> float:
        """Log density at a point whose first part is uncertain by a further ``added``."""
        first, second = self.sd
        covariance = np.array(
            [
                [first**2 + added**2, self.correlation * first * second],
                [self.correlation * first * second, second**2],
            ]
        )
        off = np.array(at) - np.array(self.mean)
        square = off @ np.linalg.solve(covariance, off)
        return float(-0.5 * (square + np.log(np.linalg.det(2 * np.pi * covariance))))


@dataclass(frozen=True, slots=True)
class Looks:
    """How a cause looks in prices: ``margin`` and ``power`` as ``causes.toml`` explains them."""

    margin: Normal2
    power: tuple[float, float]

    def power_log_density(self, at: float) -> float:
        """Log density of the log of the price of power over what it was."""
        mean, sd = self.power
        return float(-0.5 * ((at - mean) / sd) ** 2 - np.log(sd * np.sqrt(2 * np.pi)))


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause of a real fall. a_year: how often one begins; days; season: relative, by month."""

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
    looks: Looks


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
    least, most = place.numbers("returns", 2, 0.0, 1.0)
    if least > most:
        raise place.bad("returns", "the least, then the most", [least, most])
    season = np.array(place.numbers("season", MONTHS, 0.0, 1e6))
    if not season.sum() > 0:
        raise place.bad("season", "a month that is not 0", season.tolist())
    regions = place.shares("regions", tuple(place.part("regions").table))
    regional = place.number("regional", 0.0, 1.0)
    if regional and not sum(regions.values()) > 0:
        raise place.bad("regions", "a region, as some falls are regional", regions)
    return Cause(
        name=name,
        title=place.text("title"),
        meaning=place.text("meaning"),
        a_year=place.number("a_year", 0.0, 365.0),
        depth=_log_normal(place.part("depth"), 0.9),
        fall=_log_normal(place.part("fall_days"), _LONGEST),
        hold=_log_normal(place.part("hold_days"), _LONGEST),
        back=_log_normal(place.part("return_days"), _LONGEST),
        returns=(least, most),
        regional=regional,
        regions=regions,
        season=season / season.sum(),
        looks=_looks(place),
    )


def _log_normal(place: Place, most: float) -> LogNormal:
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
