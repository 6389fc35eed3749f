"""The difficulty regression fitted anew every day to what was known the day before."""

from __future__ import annotations

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.economics.costs.model import (
    FEWEST_DAYS,
    SIGMAS,
    Cost,
    CostModel,
    Given,
    before,
)

# taken off logs before sums of squares are made, so that their differences keep their digits
_MIDDLE_X, _MIDDLE_Y = 25.0, 22.0
_FOUR_YEARS = 1461


def fitted_before(
    log_difficulty: Floats, log_value: Floats, days: int | None
) -> tuple[Floats, Floats, Floats]:
    """A, a logarithm, B, a ratio, and the sd of misses, of the least-squares line through the rows
    before each row.

    log_difficulty: log of a ratio, to difficulty one; log_value: log of USD; days: how many rows
    back it reaches, None for all. NaN until ``FEWEST_DAYS`` rows are known.
    """
    known = np.isfinite(log_difficulty) & np.isfinite(log_value)
    x = np.where(known, log_difficulty - _MIDDLE_X, 0.0)
    y = np.where(known, log_value - _MIDDLE_Y, 0.0)
    n, sx, sy, sxx, sxy, syy = (
        _window(column, days) for column in (known.astype(np.float64), x, y, x * x, x * y, y * y)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        vx, cov, vy = sxx - sx * sx / n, sxy - sx * sy / n, syy - sy * sy / n
        slope = np.where((n >= FEWEST_DAYS) & (vx > 0), cov / vx, np.nan)
        level = sy / n - slope * (sx / n)
        spread = np.sqrt(np.maximum(vy - slope * cov, 0.0) / (n - 2))
    return level + _MIDDLE_Y - slope * _MIDDLE_X, slope, spread


def _window(values: Floats, days: int | None) -> Floats:
    """Sum of the rows before each row, of at most ``days`` of them."""
    total = before(values)
    if days is not None and values.size > days:
        total[days:] -= total[: values.size - days].copy()
    return total


def _refit(given: Given, days: int | None) -> Cost:
    columns = given.days
    supply = columns["blocks.supply_btc"]
    with np.errstate(invalid="ignore", divide="ignore"):
        log_difficulty = np.log(columns["blocks.difficulty_mean"])
        log_value = np.log(columns["price.usd"] * supply)
        level, slope, spread = fitted_before(log_difficulty, log_value, days)
        model = np.exp(level + slope * log_difficulty) / supply
    wide = np.exp(SIGMAS * spread)
    return Cost(model, model / wide, model * wide)


def difficulty_refit(given: Given) -> Cost:
    """Fitted to all days before."""
    return _refit(given, None)


def difficulty_refit_4y(given: Given) -> Cost:
    """Fitted to the four years before."""
    return _refit(given, _FOUR_YEARS)


_DIFFERS = (
    "Glassnode's constants are of one fit, to 14 September 2022; here each day has its own, by "
    "least squares, and never sees its own price. A line through past prices, not a cost"
)
_BAND = "90% by how far the prices that it was fitted to lie from the line"
_INPUTS = ("blocks.difficulty_mean", "blocks.supply_btc", "price.usd")
_MISSING = "fewer than 365 days with price, difficulty and supply are known before it"

DIFFICULTY_REFIT = CostModel(
    name="difficulty-refit",
    title="Difficulty regression, refitted",
    definition="exp(A + B ln D) / supply, A and B fitted to ln(price x supply) of all days before",
    source="the form of Glassnode's Difficulty Regression Model",
    differs=_DIFFERS,
    band=_BAND,
    rests_on="difficulty, supply, all prices before",
    inputs=_INPUTS,
    compute=difficulty_refit,
    missing=_MISSING,
)

DIFFICULTY_REFIT_4Y = CostModel(
    name="difficulty-refit-4y",
    title="Difficulty regression, refitted to 4 years",
    definition="exp(A + B ln D) / supply, A and B fitted to ln(price x supply) of the 1,461 days "
    "before",
    source="the form of Glassnode's Difficulty Regression Model",
    differs=_DIFFERS,
    band=_BAND,
    rests_on="difficulty, supply, prices of 4 years",
    inputs=_INPUTS,
    compute=difficulty_refit_4y,
    missing=_MISSING,
)
