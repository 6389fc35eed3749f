"""What a model of the cost of a coin declares.

A model is a declaration and one pure function: columns of days in, US dollars a coin out. From the
declaration follow the table of definitions, the band and the sensitivity to each assumption.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hashcanary.economics.machines.rigs import Rig

Floats = NDArray[np.float64]
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
    where nothing is; what is uncertain in the assumptions is added by ``costs.py``.
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
