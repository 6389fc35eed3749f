"""How far price has strayed from a model, and how bands are put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.costs.model import SIGMAS, Cost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hashcanary.economics.costs.model import Floats

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
