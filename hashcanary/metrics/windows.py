"""Windows of rows as arrays, summed afresh each.

A running sum that adds the newest and takes off the oldest value carries rounding errors from one
window to the next, and hashrate has grown by 15 orders of magnitude; a window summed afresh gives
the same bits wherever the record begins.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hashcanary.arrays import Floats


def floats(frame: pl.DataFrame, column: str) -> Floats:
    """A column as (n,) float64, NaN where it is null."""
    values: Floats = frame[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return values


def over(above: pl.Expr, below: pl.Expr) -> pl.Expr:
    """A ratio, in the unit of one over that of the other; null where ``below`` is not above 0."""
    return pl.when(below > 0).then(above / below)


def window_sum(values: Floats, window: int) -> Floats:
    """Sum over the last ``window`` rows, the row's own included; NaN in the warm-up or at a gap."""
    return _rolled(values, window, np.add)


def window_max(values: Floats, window: int) -> Floats:
    """Maximum over the last ``window`` rows; NaN in the warm-up or at a gap."""
    return _rolled(values, window, np.maximum)


def _rolled(values: Floats, window: int, combine: np.ufunc) -> Floats:
    rolled = np.full(values.size, np.nan)
    if values.size >= window:
        views = np.lib.stride_tricks.sliding_window_view(values, window)
        rolled[window - 1 :] = combine.reduce(views, axis=1)
    return rolled


def as_columns(**columns: Floats | pl.Series) -> pl.DataFrame:
    """A frame of arrays, null where they are NaN or infinite."""
    return pl.DataFrame(columns).with_columns(
        pl.when(pl.col(pl.Float64).is_finite()).then(pl.col(pl.Float64)).name.keep()
    )
