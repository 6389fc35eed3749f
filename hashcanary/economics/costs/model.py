"""What a model of the cost of a coin declares, how bands are put together, where models are.

A model is a declaration and one pure function: columns of days in, US dollars a coin out. From the
declaration follow the table of definitions, the band and the sensitivity to each assumption. Models
come through the ``hashcanary.cost_models`` entry points, the built-in ones like a third party's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.economics.errors import UnknownCostModel
from hashcanary.plugins import declared_once

if TYPE_CHECKING:
    from hashcanary.economics.machines.rigs import Rig
# what a band holds, a probability
LEVEL = 0.90
# standard deviations from the middle to either end of a band of LEVEL
SIGMAS = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class Given:
    """What a model computes from; every column has an item a day, ascending without a hole.

    days: ``time`` (Unix seconds of the day's start) and the model's declared inputs, in the units
    in which metrics declare them, NaN where missing. stated: the model's declared assumptions, each
    in the unit that ``cost_assumptions.toml`` gives it: USD/kWh, fraction or ratio; the fleet's
    efficiency: J/TH. rigs: the catalogue.
    """

    days: Mapping[str, Floats]
    stated: Mapping[str, Floats]
    rigs: tuple[Rig, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """USD a BTC, an item a day, NaN where it cannot be told.

    low, high: USD/BTC too, what is uncertain in the model itself at the stated assumptions, None
    where nothing is; what is uncertain in the assumptions is added by ``history.py``.
    """

    usd_per_btc: Floats
    low: Floats | None = None
    high: Floats | None = None


@dataclass(frozen=True, slots=True)
class CostModel:
    """The declaration of a cost model.

    name: plain, with hyphens; inputs: metrics or base inputs of days, by name; assumptions: names
    of ``cost_assumptions.toml``, or ``network_efficiency``. band: what low and high are, at 90%.
    rests_on: what people read beside the figure of what the model takes from the world, the
    assumptions apart. known_from: the day, ``2022-09-14``, to which the data reach that its
    constants were fitted to: a day before it is seen with hindsight, and as known then the model
    did not exist. Empty where nothing was fitted to prices, or fitted anew every day.
    """

    name: str
    title: str
    definition: str
    source: str
    differs: str
    band: str
    rests_on: str
    inputs: tuple[str, ...]
    compute: Callable[[Given], Cost]
    assumptions: tuple[str, ...] = ()
    known_from: str = ""
    missing: str = "no rig of the catalogue was out yet"


FEWEST_DAYS = 365


def with_residuals(model: Floats, price: Floats) -> Cost:
    """A model of the price with the 90% that its own misses on all days before suggest.

    model, price: USD/BTC, an item a day.
    The misses are logs of price over model; their sd about their mean, of the days before alone.
    All NaN until ``FEWEST_DAYS`` days have been seen: no figure goes without its band.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        miss = np.log(price) - np.log(model)
    known = np.isfinite(miss)
    miss = np.where(known, miss, 0.0)
    count, total, squares = (before(x) for x in (known.astype(np.float64), miss, miss**2))
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0.0))
    wide = np.exp(SIGMAS * spread)
    told = np.where(count >= FEWEST_DAYS, model, np.nan)
    return Cost(told, told / wide, told * wide)


def before(values: Floats) -> Floats:
    """Sum of all rows before each row, in the unit of the rows. values: in any unit."""
    total: Floats = np.concatenate([[0.0], np.cumsum(values)[:-1]])
    return total


def combined(middle: Floats, parts: Iterable[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Low and high of what is uncertain in several independent ways, in the unit of the middle.

    middle: in any unit; parts: low and high that each alone would give, in either order, in the
    unit of the middle. Distances on the log scale are
    added as squares, each side by itself: exact where the model is a product of log-normals.
    """
    up, down = np.zeros_like(middle), np.zeros_like(middle)
    with np.errstate(invalid="ignore", divide="ignore"):
        for one, other in parts:
            low, high = np.minimum(one, other), np.maximum(one, other)
            up += np.maximum(np.log(high / middle), 0.0) ** 2
            down += np.maximum(np.log(middle / low), 0.0) ** 2
        return middle * np.exp(-np.sqrt(down)), middle * np.exp(np.sqrt(up))


GROUP = "hashcanary.cost_models"


@cache
def all_cost_models() -> Mapping[str, CostModel]:
    """Every model by name, sorted. Raises DuplicateName on a name used twice."""
    return declared_once(GROUP, CostModel, "name")


def find_cost_models(names: Iterable[str] = ()) -> tuple[CostModel, ...]:
    """The models called ``names``, all of them where none is named. Raises UnknownCostModel."""
    models = all_cost_models()
    wanted = tuple(names) or tuple(models)
    for name in wanted:
        if name not in models:
            raise UnknownCostModel(name=name, known=", ".join(models))
    return tuple(models[name] for name in dict.fromkeys(wanted))
