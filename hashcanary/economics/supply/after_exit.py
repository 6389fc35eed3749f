"""What follows for those who stay when a part of the hashrate leaves mining for good.

The price, and fees in bitcoin, are held, so that all machines together earn what they earned: once
the difficulty has adjusted, hashprice x hashrate is unchanged, and with nobody coming back the
difficulty is (1 - x) of what it was and the hashprice 1 / (1 - x). Idle machines, the dearest of
those that ran when the hashrate was highest, come back where the higher hashprice pays for them,
which takes some of it away: the answer is the fixed point, one in each draw of the supply curve.

Not modelled: machines that the curve counts as gone for longer than the last months, new orders,
and the price's own answer. Those under water run on, as they did.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.draws import band_of
from hashcanary.interval import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.economics.supply.curve import LeftForGood, Supply

    Floats = NDArray[np.float64]

_HALVINGS = 50


@dataclass(frozen=True, slots=True)
class AfterExit:
    """Of each answer the median and the band of draws.

    difficulty_change_alone, hashprice_change_alone: fractions, exact, with nobody coming back;
    difficulty_change, hashprice_change: fractions, with those who do; returned: fraction of the
    hashrate before; underwater_before, underwater, underwater_before_mean, underwater_mean:
    fractions of what runs; hashrate_ehs: what runs after, EH/s.
    """

    left: LeftForGood
    difficulty_change_alone: float
    hashprice_change_alone: float
    difficulty_change: Interval
    hashprice_change: Interval
    hashprice_usd_per_phs_day: Interval
    returned: Interval
    underwater_before: Interval
    underwater: Interval
    underwater_before_mean: float
    underwater_mean: float
    hashrate_ehs: Interval


def after_exit(supply: Supply, left: LeftForGood) -> AfterExit:
    """What follows where ``left`` of what runs leaves, from today's hashprice and hashrate."""
    now = supply.market.hashprice_usd_per_phs_day
    runs, back = settled(supply, left)
    ratio = 1.0 / (runs + back)
    stays = replace(supply, left_for_good=left)
    # what came back pays, so that it makes the others a smaller part of what runs
    before = supply.under_water(now)
    after = stays.under_water(now * ratio) * runs / (runs + back)
    ehs = supply.market.hashrate_ths / 1e6
    alone = 1.0 - left.fraction
    return AfterExit(
        left,
        -left.fraction,
        1.0 / alone - 1.0,
        band_of(runs + back - 1.0),
        band_of(ratio - 1.0),
        band_of(now * ratio),
        band_of(back),
        band_of(before),
        band_of(after),
        float(before.mean()),
        float(after.mean()),
        band_of((runs + back) * ehs),
    )


def settled(supply: Supply, left: LeftForGood) -> tuple[float, Floats]:
    """What still runs and what came back to it: fractions of the hashrate before, (draws,).

    At those, hashprice x hashrate is what it was. By halving: the more hashprice, the more comes
    back, so that there is one answer in each draw.
    """
    now, before = supply.market.hashprice_usd_per_phs_day, 1.0 - supply.left
    runs = 1.0 - left.fraction
    # machines that would pay today and are idle all the same stay idle
    paid = np.maximum(supply.paying(now), before)

    def returned(ratio: Floats) -> Floats:
        return np.asarray(np.maximum(supply.paying(now * ratio) - paid, 0.0) / before)

    low, high = np.ones_like(before), np.full_like(before, 1.0 / runs)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = middle * (runs + returned(middle)) > 1.0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    # what came back is what keeps revenue as it was, even where the curve is steep
    return runs, np.asarray(np.maximum(2.0 / (low + high) - runs, 0.0))
