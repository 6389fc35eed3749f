"""The price of power around a fall, where the record has one.

Any vendor's daily series named ``power_price_usd_per_mwh`` (and ``power_load_mw``, which is shown)
loaded by a mapping file; ``pool_regions.toml`` says of which region a vendor speaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.inference.explain.pool_regions import PoolRegions
    from hashcanary.store.record import Record

PRICE, LOAD = "power_price_usd_per_mwh", "power_load_mw"
USUAL_DAYS, AT_FALL_DAYS = 60, 5
_FEWEST_USUAL = 30
# prices below this, negative ones among them, are as good as free
_LEAST = 1.0


@dataclass(frozen=True, slots=True)
class PowerPrice:
    """The highest daily mean of a drop's first five days against the 60 days before it.

    region: it is of; highest, usual: USD/MWh; day: of the highest, Unix seconds of its start;
    log_ratio: log of the first over the second. load, usual_load: MW on that day and before, NaN
    where not known.
    """

    vendor: str
    region: str
    day: int
    highest: float
    usual: float
    log_ratio: float
    load: float
    usual_load: float


def power_at(record: Record, regions: PoolRegions, start: float) -> tuple[PowerPrice, ...]:
    """Of each vendor that the record has; none where it has none around ``start`` (Unix s)."""
    found = []
    for vendor, region in sorted(regions.power.items()):
        one = _of_vendor(record, vendor, region, int(start) // DAY)
        if one is not None:
            found.append(one)
    return tuple(found)


def _of_vendor(record: Record, vendor: str, region: str, begin: int) -> PowerPrice | None:
    rows = record.daily.filter(
        pl.col("vendor") == vendor, pl.col("series").is_in([PRICE, LOAD])
    ).select("series", "value", day=pl.col("day").cast(pl.Int32).cast(pl.Int64))
    near = rows.filter(pl.col("day").is_between(begin - USUAL_DAYS, begin + AT_FALL_DAYS - 1))
    price, load = (near.filter(series=name).drop_nulls().sort("day") for name in (PRICE, LOAD))
    before, since = price.filter(pl.col("day") < begin), price.filter(pl.col("day") >= begin)
    if before.height < _FEWEST_USUAL or since.height == 0:
        return None
    usual = max(float(np.median(before["value"].to_numpy())), _LEAST)
    values = since["value"].to_numpy()
    highest, day = float(values.max()), int(since["day"][int(values.argmax())])
    at_day = load.filter(day=day)["value"]
    earlier = load.filter(pl.col("day") < begin)["value"]
    return PowerPrice(
        vendor,
        region,
        day * DAY,
        highest,
        usual,
        float(np.log(max(highest, _LEAST) / usual)),
        float(at_day[0]) if len(at_day) else float("nan"),
        float(np.median(earlier.to_numpy())) if len(earlier) else float("nan"),
    )
