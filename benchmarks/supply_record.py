"""The share under water on the real record: at known episodes, and before the hashrate's falls.

``--write`` also writes the tables into docs/supply.md.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
from inference_page import PAGE, write_part
from retarget_forecast import record

from hashcanary.economics.draws import band_of
from hashcanary.economics.machines.fleet import draw_fleets
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.power.prices import power_mix, read_power_prices
from hashcanary.economics.supply.curve import market_at, supply_curve
from hashcanary.economics.supply.study import history_of
from hashcanary.interval import Interval
from hashcanary.moments import DAY, day_start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.economics.machines.fleet import History

EPISODES = (
    ("2018-07-01", "before the fall"),
    ("2018-10-25", "before the fall of November 2018"),
    ("2018-11-25", "November 2018"),
    ("2018-12-15", "its end"),
    ("2020-03-20", "March 2020"),
    ("2020-05-25", "after the halving of May 2020"),
    ("2021-07-01", "China's ban"),
    ("2022-07-01", "July 2022"),
    ("2022-11-25", "November 2022"),
    ("2024-05-01", "after the halving of April 2024"),
    ("2024-06-20", "June 2024"),
    ("2025-11-25", "November 2025"),
    ("2026-01-26", "winter storm"),
    ("2026-02-02", "February 2026"),
)
PUBLISHED = (
    ("2018-07-01", 89.3, "Coin Metrics, MINE-MATCH, June 2023"),
    ("2023-05-15", 33.6, "Coin Metrics, MINE-MATCH, June 2023"),
    ("2024-06-30", 28.2, "Cambridge, Digital Mining Industry Report, 2025: 48% of the hashrate"),
)
# mean share under water; what followed is told of each class
CLASSES = ((0.0, 0.02), (0.02, 0.1), (0.1, 1.0))
FIRST, LAST = date(2017, 1, 1), date(2025, 12, 1)
AHEAD_DAYS, FALL = 60, 0.03
_SPEED_DRAWS, _MONTH_DRAWS = 10_000, 2_000


@dataclass(frozen=True, slots=True)
class At:
    """What is told of a moment."""

    hashprice: float
    idle: float
    efficiency: Interval
    under: Interval
    mean: float
    elasticity: Interval
    seconds: float


def at(history: History, day: date, draws: int) -> At:
    """The share under water at the end of a day."""
    moment = day_start(day) + DAY
    start = time.perf_counter()
    fleets = draw_fleets(_RIGS, history, moment, draws)
    market = market_at(history, moment)
    supply = supply_curve(fleets, market, power_mix(_PRICES, moment))
    now = market.hashprice_usd_per_phs_day
    under = supply.under_water(now)
    seconds = time.perf_counter() - start
    return At(
        now,
        market.idle,
        band_of(fleets.network_j_per_th),
        band_of(under),
        float(under.mean()),
        band_of(supply.elasticity(now)),
        seconds,
    )


_RIGS, _PRICES = read_rigs(), read_power_prices()


def episodes(history: History) -> str:
    """The episodes as a table."""
    lines = [
        "| day | | hashprice, USD/PH/s/day | below the year's highest | machines, J/TH | "
        "underwater | mean | elasticity |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for text, what in EPISODES:
        one = at(history, date.fromisoformat(text), _SPEED_DRAWS)
        lines.append(
            f"| {text} | {what} | {one.hashprice:.1f} | {one.idle:.1%} | "
            f"{_band(one.efficiency, '.0f')} | {_band(one.under, '.0%')} | {one.mean:.1%} | "
            f"{_band(one.elasticity, '.2f')} |"
        )
    return "\n".join(lines)


def published(history: History) -> str:
    """The network's efficiency beside published ones."""
    lines = [
        "| day | published, J/TH | ours | at quantile | source |",
        "|---|---|---|---|---|",
    ]
    for text, value, source in PUBLISHED:
        moment = day_start(date.fromisoformat(text)) + DAY
        drawn = draw_fleets(_RIGS, history, moment).network_j_per_th
        below = float((drawn < value).mean())
        lines.append(
            f"| {text} | {value} | {_band(band_of(drawn), '.1f')} | {below:.0%} | {source} |"
        )
    return "\n".join(lines)


def followed(history: History) -> str:
    """What the hashrate did after each month's first, by the share under water then."""
    rows = []
    for year in range(FIRST.year, LAST.year + 1):
        for month in range(1, 13):
            one = at(history, date(year, month, 1), _MONTH_DRAWS)
            rate = history.hashrate_ths
            place = int(np.searchsorted(history.time, day_start(date(year, month, 1))))
            ahead = rate[place + 1 : place + 1 + AHEAD_DAYS] / rate[place] - 1
            rows.append((one.mean, float(ahead[-1]), float(np.nanmin(ahead))))
    found = np.array(rows)
    lines = [
        "| mean share underwater | months | hashrate 60 days later, median | dropped by 3% within "
        "60 days |",
        "|---|---|---|---|",
    ]
    for low, high in CLASSES:
        own = found[(found[:, 0] >= low) & (found[:, 0] < high)]
        fell = own[:, 2] < -FALL
        lines.append(
            f"| {low:.0%} to {high:.0%} | {len(own)} | {np.median(own[:, 1]):+.1%} | "
            f"{int(fell.sum())} ({fell.mean():.0%}; {_wilson(fell)}) |"
        )
    return "\n".join(lines)


def _wilson(hits: Sequence[bool] | np.ndarray) -> str:
    """Wilson's 95% interval of a frequency."""
    count, rate, z = len(hits), float(np.mean(hits)), 1.96
    centre = (rate + z * z / (2 * count)) / (1 + z * z / count)
    half = z * np.sqrt(rate * (1 - rate) / count + z * z / (4 * count**2)) / (1 + z * z / count)
    return f"{centre - half:.0%} to {centre + half:.0%}"


def _band(band: Interval, form: str) -> str:
    return f"{band.value:{form}} ({band.low:{form}} to {band.high:{form}})"


def measure() -> list[dict[str, object]]:
    """Seconds that 10,000 draws of the curve take, the best of three."""
    history, _, _ = history_of(record())
    seconds = min(at(history, date(2026, 2, 2), _SPEED_DRAWS).seconds for _ in range(3))
    return [
        {
            "what": "supply curve of 10,000 fleets, seconds",
            "ours": round(seconds, 2),
            "limit": None,
            "bar": "below 1",
            "reached": seconds < 1.0,
        }
    ]


def report() -> str:
    """The page's part."""
    history, _, _ = history_of(record())
    (speed,) = measure()
    return f"""Measured on {datetime.now(UTC):%d %B %Y}; {_SPEED_DRAWS:,} draws take {speed["ours"]}
seconds, fleet, power prices and curve together. Bands: 95% of draws of the priors.

The network's efficiency beside published figures:

{published(history)}

Share underwater:

{episodes(history)}

What followed, from {FIRST:%B %Y} to {LAST:%B %Y}, computed on the first of every month
from data known then (priors were stated later; intervals: Wilson's 95% as if months were
independent, which spans
of 60 days that overlap are not: wider in truth):

{followed(history)}
"""


def main() -> int:
    """Print, and write where asked to."""
    text = report()
    sys.stdout.write(text)
    if "--write" in sys.argv[1:]:
        write_part("supply_record", "On the real record", text, PAGE.with_name("supply.md"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
