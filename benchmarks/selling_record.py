"""Forced selling on the real record: at known episodes, by year, beside published shares.

``--write`` also writes the tables into docs/selling.md.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from inference_page import PAGE, write_part
from retarget_forecast import record
from supply_record import EPISODES

from hashcanary.economics.machines.fleet import draw_fleets
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.power.prices import power_mix, read_power_prices
from hashcanary.economics.selling.study import study_selling
from hashcanary.economics.supply.curve import market_at, supply_curve
from hashcanary.economics.supply.fleet_history import (
    FIRST_DAY,
    FleetHistory,
    Running,
    fleet_history,
    must_sell,
)
from hashcanary.economics.supply.study import history_of
from hashcanary.moments import DAY, day_start, iso_day
from hashcanary.views.selling import table

if TYPE_CHECKING:
    from hashcanary.economics.selling.study import SellingStudy
    from hashcanary.interval import Interval
    from hashcanary.store.record import Record

# the figures by class, beside the last day of the record
_CLASSES_AT = "2022-11-25"
_MORE_DRAWS = 2000


def as_known(whole: Record, text: str) -> Record:
    """The record as known at the end of a day: what ``--at`` gives."""
    moment = day_start(date.fromisoformat(text)) + DAY
    known = pl.col("known_at") <= moment
    return replace(
        whole,
        at=moment,
        at_text=text,
        blocks=whole.blocks.filter(known),
        daily=whole.daily.filter(known),
        candles=whole.candles.filter(known),
    )


def episodes(studies: dict[str, SellingStudy]) -> str:
    """The days of docs/supply.md as a table."""
    lines = [
        "| day | | mined, BTC/day | forced selling | with overheads | BTC/day for power | "
        "underwater | shortfall | higher than on | most sensitive to |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for text, what in EPISODES:
        one = studies[text]
        lever = one.levers[0]
        rank = "-" if one.standing is None else _percent(one.standing.rank)
        lines.append(
            f"| {text} | {what} | {one.mined_btc_per_day:,.0f} | {_percent(one.power)} | "
            f"{_percent(one.whole)} | {_btc(one.total.power_btc_per_day)} | "
            f"{_percent(one.classes[0].share)} | {_percent(one.shortfall, 1)} | {rank} | "
            f"{lever.meaning.partition(',')[0]}: {lever.at_low:.0%} to {lever.at_high:.0%} |"
        )
    return "\n".join(lines)


def classes(study: SellingStudy) -> str:
    """What becomes of the coins of each class of machines."""
    lines = [
        "| margin | hashrate | mined, BTC/day | forced selling | with overheads | free "
        "| shortfall |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.title} | {_percent(one.share)} | {_btc(one.mined_btc_per_day)} | "
        f"{_btc(one.power_btc_per_day)} | {_btc(one.whole_btc_per_day)} | "
        f"{_btc(one.free_btc_per_day)} | {_btc(one.shortfall_btc_per_day)} |"
        for one in (*study.classes, study.total)
    ]
    return "\n".join(lines)


def falls(study: SellingStudy) -> str:
    """What a fall of the price does."""
    lines = [
        "| drop | bitcoin, USD | underwater | forced selling | BTC/day | with overheads "
        "| shortfall |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.fall:.0%} | {one.price_usd_per_btc:,.0f} | {_percent(one.underwater)} | "
        f"{_percent(one.power)} | {_btc(one.power_btc_per_day)} | {_percent(one.whole)} | "
        f"{_percent(one.shortfall, 1)} |"
        for one in study.falls
    ]
    return "\n".join(lines)


def years(past: FleetHistory) -> str:
    """Each year's mean, lowest and highest day."""
    year = past.time.astype("datetime64[s]").astype("datetime64[Y]").astype(int) + 1970
    lines = [
        "| year | days | forced selling, mean of days | lowest day | highest day "
        "| days above 60% |",
        "|---|---|---|---|---|---|",
    ]
    for one in np.unique(year):
        at = np.flatnonzero((year == one) & np.isfinite(past.must_sell))
        if at.size == 0:
            continue
        share = past.must_sell[at]
        mean = past.must_sell_drawn[at].mean(axis=0, dtype=np.float64)
        low, high = np.quantile(mean, (0.025, 0.975))
        ends = [(at[place], share[place]) for place in (share.argmin(), share.argmax())]
        told = [f"{value:.0%}, {iso_day(int(past.time[day]))}" for day, value in ends]
        lines.append(
            f"| {one} | {at.size} | {mean.mean():.0%} ({low:.0%} to {high:.0%}) | {told[0]} | "
            f"{told[1]} | {(share > 0.6).mean():.0%} |"
        )
    return "\n".join(lines)


def published(study: SellingStudy) -> str:
    """Published shares beside ours."""
    lines = [
        "| who | what | of | days | published | ours | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in table(study, "published").records():
        ours = "-"
        if row["ours_fraction"] is not None:
            value, low, high = (row[f"ours_fraction{end}"] for end in ("", "_low", "_high"))
            ours = f"{value:.0%} ({low:.0%} to {high:.0%})"
        cells = (row[key] for key in ("who", "what", "whose", "period", "published"))
        lines.append(f"| {' | '.join(map(str, cells))} | {ours} | {row['source']} |")
    return "\n".join(lines)


def _percent(band: Interval, digits: int = 0) -> str:
    return f"{band.value:.{digits}%} ({band.low:.{digits}%} to {band.high:.{digits}%})"


def _btc(band: Interval) -> str:
    return f"{band.value:,.0f} ({band.low:,.0f} to {band.high:,.0f})"


def seconds_of_history(whole: Record) -> tuple[float, int]:
    """Seconds of a core that every day since 2017 takes, the metrics read before; how many days."""
    history, _, _ = history_of(whole)
    catalogue, prices = read_rigs(), read_power_prices()
    taken = []
    for _ in range(4):
        # of one core, whatever else the machine does
        begin = time.process_time()
        found = fleet_history(history, catalogue, prices, whole.daily)
        taken.append(time.process_time() - begin)
    return min(taken), found.time.size


def _last_days(past: FleetHistory) -> np.ndarray:
    """Places of the last day of each month that is known whole."""
    month = past.time.astype("datetime64[s]").astype("datetime64[M]")
    ends = np.flatnonzero(month[1:] != month[:-1])
    return ends[np.isfinite(past.must_sell[ends])]


def errors(whole: Record) -> str:
    """What a curve a month, and 256 draws, may be off, in points of the share."""
    history, _, _ = history_of(whole)
    catalogue, prices = read_rigs(), read_power_prices()
    past = fleet_history(history, catalogue, prices, whole.daily)
    off = []
    for at in _last_days(past):
        moment = int(past.time[at]) + DAY
        supply = supply_curve(
            draw_fleets(catalogue, history, moment, past.draws),
            market_at(history, moment),
            power_mix(prices, moment, whole.daily),
        )
        hashprice = supply.market.hashprice_usd_per_phs_day
        exact = must_sell(Running.of(supply), hashprice, supply.parameters).mean()
        off.append(abs(float(past.must_sell[at]) - float(exact)))
    more = fleet_history(history, catalogue, prices, whole.daily, draws=_MORE_DRAWS)
    chance = np.abs(past.must_sell - more.must_sell)
    return (
        f"On the last day of each month, against a curve drawn on that day: {np.mean(off):.1%} off "
        f"in the mean, {max(off):.1%} at most. Against {_MORE_DRAWS:,} draws: "
        f"{np.nanmean(chance):.1%} in the mean, {np.nanmax(chance):.1%} at most. A band is some "
        f"{np.nanmean(past.must_sell_high - past.must_sell_low):.0%} wide."
    )


def measure() -> list[dict[str, object]]:
    """Seconds that the fleet through time takes, the best of four."""
    seconds, days = seconds_of_history(record())
    return [
        {
            "what": f"the fleet through time, {days:,} days, 256 draws, seconds of a core",
            "ours": round(seconds, 2),
            "limit": None,
            "bar": "below 1",
            "reached": seconds < 1.0,
        }
    ]


def report() -> str:
    """The page's part."""
    whole = record()
    seconds, days = seconds_of_history(whole)
    studies = {text: study_selling(as_known(whole, text)) for text, _ in EPISODES}
    last = study_selling(whole)
    day = iso_day(last.supply.market.day)
    return f"""Measured on {datetime.now(UTC):%d %B %Y}. Every day since {iso_day(FIRST_DAY)},
{days:,} of them with 256 draws, takes {seconds:.2f} seconds of one core beyond reading the metrics
(limit: 1). Figures are means of the draws with the ends of 95% of them.

### On some days

As `hashcanary study selling --at DAY` says it, on the days of [supply](supply.md). More than on:
the part of the days before, since {iso_day(FIRST_DAY)}, on which less had to be sold. Moves it
most: the assumption, and the mean share among draws that have it in their lowest and highest fifth.

{episodes(studies)}

### By margin

On {_CLASSES_AT}, BTC/day:

{classes(studies[_CLASSES_AT])}

On {day}, BTC/day:

{classes(last)}

### After a drop in price

On {day}, with difficulty, fees in bitcoin and machines as they were:

{falls(last)}

### By year

{years(last.through_time)}

{errors(whole)}

### Beside published figures

{published(last)}
"""


def main() -> int:
    """Print, and write where asked to."""
    text = report()
    sys.stdout.write(text)
    if "--write" in sys.argv[1:]:
        write_part("selling_record", "On the real record", text, PAGE.with_name("selling.md"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
