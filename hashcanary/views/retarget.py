"""When the next two retargets come and how they change the difficulty."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hashcanary.interval import Interval
from hashcanary.units import COUNT, FRACTION, HASHRATE, PROBABILITY, UNIX_TIME
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Column, Table
from hashcanary.views.text import banded, count, day, minute, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.arrays import Floats
    from hashcanary.inference.retarget.forecast import RetargetForecast
    from hashcanary.store.record import Record
    from hashcanary.views.table import Cell

PREDICTIVE = "central, posterior predictive"
# where the limits of each central interval stand among ``bank.LEVELS``, in percent
_ENDS = {95: (0, 6), 80: (1, 5), 50: (2, 4)}
MEDIAN = 3


def fan(column: Column, *, mean: bool = True, inner: int = 0) -> tuple[Column, ...]:
    """The columns of a distribution: median with the central 95, 80 and 50% interval, and its mean.

    column: of the median and its 95%; inner: how spare those of 80 and 50% are, which people do
    not see where it is 0.
    """
    within = [
        replace(
            column,
            name=f"{column.name}_{level}",
            title=f"{column.title}, {level}%",
            level=level / 100,
            ends=True,
            hidden=column.hidden or not inner,
            spare=inner,
        )
        for level in (80, 50)
    ]
    average = replace(
        column, name=f"{column.name}_mean", title=f"{column.title}, mean", limits="", hidden=True
    )
    return column, *within, *((average,) if mean else ())


def central(values: Floats, level: int = 95) -> Interval:
    """The median and the central interval of quantiles (7,) at ``bank.LEVELS``.

    level: percent.
    """
    value, low, high = (float(values[at]) for at in (MEDIAN, *_ENDS[level]))
    return Interval(value, low, high, level=level / 100)


def fan_cells(name: str, values: Floats | None, mean: float | None = None) -> dict[str, Cell]:
    """The cells of a ``fan``, by column. values: (7,) at ``bank.LEVELS``, None where unknown."""
    cells: dict[str, Cell] = {f"{name}_mean": mean}
    for level in _ENDS:
        key = name if level == 95 else f"{name}_{level}"
        cells[key] = None if values is None else central(values, level)
    return cells


def outer(table: Table) -> Table:
    """The table with its 95% intervals alone for people, for a page with little room."""
    columns = [replace(column, hidden=column.hidden or column.ends) for column in table.columns]
    return replace(table, columns=columns)


VIEW = View(
    "forecast_retarget",
    "forecast retarget",
    "How will the difficulty change at the next two retargets, and when?",
    facts=(
        Column("height", "last block used", COUNT),
        Column("time", "time of that block", UNIX_TIME),
        Column("epoch_first_height", "first block of its epoch", COUNT),
        Column("epoch_first_time", "time of the first block", UNIX_TIME),
        Column("intervals_done", "block intervals of the epoch so far", COUNT),
        Column("intervals_needed", "block intervals that the retarget measures", COUNT),
        Column("decrease", "probability that the next retarget is a decrease", PROBABILITY),
        *fan(Column("hashrate", "hashrate now", HASHRATE, limits="central, posterior"), mean=False),
    ),
    tables={
        "retargets": (
            Column("retarget", "retarget"),
            Column("height", "block", COUNT, definition="first block with the new difficulty"),
            *fan(
                Column("change", "change of difficulty", FRACTION, limits=PREDICTIVE, signed=True),
                mean=False,
                inner=1,
            ),
            *fan(Column("date", "date", UNIX_TIME, limits=PREDICTIVE), mean=False, inner=2),
        )
    },
    more={"missing": "what would have made the forecast better"},
)


def forecast_retarget(record: Record, *, height: int | None = None) -> Answer:
    """The next two changes of difficulty and their dates, with 50, 80 and 95% intervals.

    height: of the block to forecast from, with nothing after it; None for the last one. Raises
    NoBlocksToObserve, NothingObserved, HeightNotKnown, EpochStartMissing, NoRetargets.
    """
    from hashcanary.inference.retarget.forecast import forecast_retarget as forecast_of

    forecast = forecast_of(record, height)
    return Answer(
        VIEW,
        record,
        f"Next two retargets from block {forecast.height:,}, as known at {record.at_text}",
        (table(forecast),),
        facts={
            "height": forecast.height,
            "time": round(forecast.time),
            "epoch_first_height": forecast.first_height,
            "epoch_first_time": forecast.first_time,
            "intervals_done": forecast.intervals,
            "intervals_needed": forecast.needed,
            "decrease": decrease(forecast),
            **fan_cells("hashrate", forecast.hashrate),
        },
        more={"missing": list(forecast.lacks)},
        sentences=[*sentences(forecast), hashrate_sentence(forecast.hashrate, forecast.time)],
        notes=[f"Missing: {what}." for what in forecast.lacks],
        result=forecast,
    )


def table(forecast: RetargetForecast | None, empty: str = "") -> Table:
    """The next two retargets, a row each. empty: why there is no forecast."""
    rows: list[Mapping[str, Cell]] = []
    if forecast is not None:
        rows = [
            {
                "retarget": name,
                "height": height,
                **fan_cells("change", change),
                **fan_cells("date", date.round()),
            }
            for name, height, change, date in (
                ("next", forecast.retarget_height, forecast.change, forecast.date),
                ("second", forecast.second_height, forecast.second_change, forecast.second_date),
            )
        ]
    note = "" if forecast is None else _note(forecast)
    return Table("retargets", "The next two retargets", VIEW.tables["retargets"], rows, note, empty)


def _note(forecast: RetargetForecast) -> str:
    return (
        f"Median (95% interval of the predictive distribution), from block headers up to "
        f"{minute(round(forecast.time))}. The epoch has {forecast.intervals:,} of the "
        f"{forecast.needed:,} block intervals that the retarget measures. How often such "
        "intervals held: hashcanary study calibration."
    )


def decrease(forecast: RetargetForecast) -> float:
    """The probability that the next retarget does not raise the difficulty."""
    import numpy as np

    return float(forecast.span.below(np.zeros(1))[0])


def sentences(forecast: RetargetForecast) -> list[str]:
    """What the next two retargets do and when, and how sure that is."""
    left = forecast.retarget_height - forecast.height
    falls = decrease(forecast)
    change, sure = (
        ("a decrease", falls) if forecast.change[MEDIAN] < 0 else ("an increase", 1 - falls)
    )
    first, second = (
        day(round(float(date[MEDIAN]))) for date in (forecast.date, forecast.second_date)
    )
    return [
        f"Next retarget at block {forecast.retarget_height:,}, in {count(left, 'block')}, about "
        f"{first}: expected change {change_text(forecast.change)}; probability of {change} "
        f"{_sure(sure)}.",
        f"Second retarget about {second}: expected change {change_text(forecast.second_change)}.",
    ]


def change_text(values: Floats) -> str:
    """A change of difficulty with its 95% interval: ``−12.3% (95%: −15.3% to −9.3%)``."""
    return banded(central(values), FRACTION, signed=True).replace("(", "(95%: ")


def _sure(share: float) -> str:
    return "over 99.9%" if share > 0.999 else percent(share, 1 if share > 0.99 else 0)


def hashrate_sentence(hashrate: Floats, time: float) -> str:
    """The estimated hashrate with its 95% interval. time: of the last block, Unix seconds."""
    text = banded(central(hashrate), HASHRATE, 3).replace("(", "(95%: ")
    return f"Estimated hashrate on {day(round(time))}: {text}."
