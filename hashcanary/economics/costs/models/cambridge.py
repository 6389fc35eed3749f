"""Cambridge's method, CBECI 1.3.1, written anew from its description."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.arrays import Floats
from hashcanary.economics.costs.model import Cost, CostModel, Given
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.economics.machines.rigs import Rig

_JOULES_PER_KWH = 3.6e6
_PER_TERA = 1e-12
# CBECI: a machine is sold off after five years of 365.25 days
_LIFE_SECONDS = 5 * 365.25 * DAY
_THRESHOLD_DAYS, _POWER_DAYS = 14, 7
# power of the site over that of the machines: bounds and best guess
_LOWER, _BEST, _UPPER = 1.01, 1.10, 1.20


def profitable_efficiency(
    time: Floats, threshold_j_per_th: Floats, rigs: tuple[Rig, ...]
) -> tuple[Floats, Floats, Floats]:
    """Least, mean and most J/TH of the rigs that pay for their power on each day.

    time: Unix seconds. A rig counts while released < time < released + 5 years and its J/TH is
    below the threshold; days on which none does carry what stood before. NaN before the first and
    where the threshold is NaN.
    """
    least, total, most, count = (np.zeros(time.size) for _ in range(4))
    least += np.inf
    for rig in rigs:
        pays = (rig.released < time) & (time < rig.released + _LIFE_SECONDS)
        pays &= threshold_j_per_th > rig.efficiency_j_per_th
        least[pays] = np.minimum(least[pays], rig.efficiency_j_per_th)
        most[pays] = np.maximum(most[pays], rig.efficiency_j_per_th)
        total[pays] += rig.efficiency_j_per_th
        count += pays
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
    known = np.isfinite(threshold_j_per_th)
    carried = [
        pl.Series(np.where(count > 0, column, np.nan)).fill_nan(None).forward_fill().to_numpy()
        for column in (least, mean, most)
    ]
    lower, best, upper = (np.where(known, column, np.nan) for column in carried)
    return lower, best, upper


def daily_energy_kwh(given: Given) -> tuple[Floats, Floats, Floats]:
    """Lower bound, best guess and upper bound of what the network takes a day, mean of 7 days."""
    days, price = given.days, given.stated["cambridge_power_price"]
    hashes_th = days["hashrate.day"] * _PER_TERA * DAY
    with np.errstate(invalid="ignore", divide="ignore"):
        threshold = days["revenue.usd"] / hashes_th / (price / _JOULES_PER_KWH)
    least, mean, most = profitable_efficiency(
        days["time"], rolled(threshold, _THRESHOLD_DAYS), given.rigs
    )
    lower, best, upper = (
        rolled(efficiency * overhead * hashes_th / _JOULES_PER_KWH, _POWER_DAYS)
        for efficiency, overhead in ((least, _LOWER), (mean, _BEST), (most, _UPPER))
    )
    return lower, best, upper


def rolled(values: Floats, days: int) -> Floats:
    """Mean of the last ``days`` rows, in the unit of the values; NaN where one of them is missing.

    values: in any unit, an item a day.
    """
    series = pl.Series(values).fill_nan(None).rolling_mean(days)
    return series.cast(pl.Float64).to_numpy().astype(np.float64)


def cambridge(given: Given) -> Cost:
    """Cost of minting: power of the best guess over coins earned, with the method's own bounds."""
    coins = rolled(given.days["revenue.btc"], _POWER_DAYS)
    lower, best, upper = (
        energy * given.stated["cambridge_power_price"] / coins for energy in daily_energy_kwh(given)
    )
    return Cost(best, lower, upper)


CAMBRIDGE = CostModel(
    name="cambridge",
    title="Cambridge",
    definition="mean J/TH of the rigs that pay for their power (by the mean revenue a joule of 14 "
    "days; on sale, not older than 5 years) x 1.10 x hashrate, mean of 7 days, x USD/kWh / coins "
    "earned a day",
    source="Cambridge Centre for Alternative Finance, CBECI 1.3.1, methodology as published",
    differs="written anew from the description, on the catalogue of rigs here and not on "
    "Cambridge's longer list; each day's revenue and hashrate are those of the blocks. The live "
    "site weighs rigs by hashrate since 2023 and gives other figures",
    band="from its lower bound (the best rig for all) to its upper (the worst that pays), with 90% "
    "of the price of power",
    rests_on="rigs on sale, hashrate, revenue, price",
    inputs=("hashrate.day", "revenue.usd", "revenue.btc"),
    assumptions=("cambridge_power_price",),
    compute=cambridge,
    missing="no rig of the catalogue was out, or less than 20 days are known before it",
)
