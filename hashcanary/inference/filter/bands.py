"""Bands of the hashrate along the record, as each block left them, and ahead of its last one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.filter.bank import weights_of
from hashcanary.inference.filter.mixture import LEVELS, quantiles, spread
from hashcanary.inference.filter.observations import BINS_PER_DAY
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.inference.filter.observations import Floats
    from hashcanary.inference.filter.posterior import History, Posterior


@dataclass(frozen=True, slots=True)
class Bands:
    """Quantiles of the hashrate at n moments.

    time: (n,) Unix seconds, ascending; rate: (n, 7) H/s at ``mixture.LEVELS``.
    """

    time: Floats
    rate: Floats


def recent_bands(past: History, days: float) -> Bands:
    """What was known of the hashrate of the last ``days``, each time from what had come by then.

    One row a span of up to 18 blocks, at its end, once its header times were vouched for.
    """
    seen = past.filtered.observations
    first = int(np.searchsorted(seen.time, seen.time[-1] - days * DAY))
    kept = past.filtered.kept[first:]
    mixed = quantiles(
        *spread(
            weights_of(kept[:, :, 5]),
            kept[:, :, 0] + kept[:, :, 1],
            kept[:, :, 2] + 2 * kept[:, :, 3] + kept[:, :, 4],
        ),
        LEVELS,
    )
    return Bands(seen.time[first:], np.exp(mixed))


def bands_ahead(now: Posterior, days: float, step_days: float = 0.5) -> Bands:
    """Where the hashrate goes from the posterior's block on, blocks to come not being known.

    The first row is the posterior itself.
    """
    now = now.heavy()
    ahead = np.arange(0.0, days + step_days / 2, step_days)
    bins = (ahead * BINS_PER_DAY)[:, None]
    rows, state = now.rows, now.state
    change = 0.0 if np.isnan(now.change) else now.change
    fading = np.where(rows[:, 1] > 0, np.exp(-bins * rows[:, 2]), 0.0)
    mean = state[:, 0] + (rows[:, 3] + rows[:, 4] * change) * bins + fading * state[:, 1]
    variance = state[:, 2] + rows[:, 0] * bins + 2 * fading * state[:, 3]
    variance += fading**2 * state[:, 4] + rows[:, 1] * (1 - fading**2)
    weights = np.broadcast_to(now.weights, mean.shape)
    mixed = quantiles(np.ascontiguousarray(weights), mean, variance, LEVELS)
    return Bands(now.time + ahead * DAY, np.exp(mixed))
