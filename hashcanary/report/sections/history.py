"""Chapter 2: how it ranks in history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.report.document import Section
from hashcanary.report.sections.now import SMOOTHINGS
from hashcanary.studies.luck import Drawdown, luck_of_drawdowns
from hashcanary.units import DATE, FRACTION, YEARS
from hashcanary.views.table import Column, Table
from hashcanary.views.text import day, ordinal, percent

if TYPE_CHECKING:
    from hashcanary.report.reading import Reading, Row
    from hashcanary.views.table import Cell


def history(reading: Reading) -> Section:
    """Rank of the present drawdown among all, and since when none was as deep."""
    rows = tuple(row for key, words in SMOOTHINGS if (row := _row(reading, key, words)))
    since = reading.metric("drawdown.sma30")
    return Section(
        key="history",
        short="History",
        title="How it ranks in history",
        lead=_lead(reading),
        parts=(
            Table(
                key="ranks",
                title="Depth, rank and precedent, by every smoothing",
                columns=(
                    Column("smoothing", "hashrate as"),
                    Column("depth", "deepest point of this drawdown", FRACTION, signed=True),
                    Column("luck", "return period at constant hashrate", YEARS),
                    Column("rank", "rank of all drawdowns"),
                    Column("now", "today", FRACTION, signed=True),
                    Column("since", "last as deep as today"),
                    Column("record", "maximum drawdown on record", FRACTION, signed=True),
                    Column("record_time", "on", DATE),
                ),
                rows=rows,
                empty="No drawdown is known for the last days.",
                note=(
                    "A drawdown lasts from a peak until that peak is reached again "
                    f"({since.source}). Drawdowns of the first years, when a "
                    "handful of machines made all blocks, count as any other."
                ),
            ),
        ),
    )


def _row(reading: Reading, key: str, words: str) -> tuple[Cell, ...] | None:
    name = f"drawdown.{key}"
    row = reading.current(name)
    if row is None:
        return None
    rows = reading.metrics[name].present()
    deepest = rows.row(int(rows["value"].arg_min() or 0), named=True)
    rank = f"{ordinal(row['rank'])} of {row['drawdowns']:,}" if row["rank"] else "at its peak"
    since = day(row["deepest_since"]) if row["deepest_since"] is not None else "never before"
    return (
        words,
        row["depth"],
        _luck(reading, key, row),
        rank,
        row["value"],
        since if row["value"] < 0 else "at its peak",
        deepest["value"],
        int(deepest["time"]),
    )


def _luck(reading: Reading, key: str, now: Row) -> float | None:
    """Return period of the present drawdown's deepest point, years; None at the peak."""
    rows = reading.metrics[f"drawdown.{key}"].present()
    inside = rows.filter(rows["time"] > now["peak_time"], rows["time"] <= now["time"])
    if inside.is_empty():
        return None
    row = inside.row(int(inside["value"].arg_min() or 0), named=True)
    fall = Drawdown(row["value"], row["time"], row["peak_time"])
    (luck,) = luck_of_drawdowns(reading.metrics, key, [fall])
    return None if luck is None else luck.once_in_years


def _lead(reading: Reading) -> str:
    row = reading.current("drawdown.sma30")
    if row is None:
        return "Missing: a drawdown of the last days to compare with earlier ones."
    first = day(reading.metrics["drawdown.sma30"].present()["time"][0])
    if not row["rank"]:
        return f"By the 30-day mean, hashrate is at its highest since the record begins ({first})."
    text = (
        f"By the 30-day mean this is the {ordinal(row['rank'], best='deepest')} of "
        f"{row['drawdowns']:,} drawdowns since {first}, {percent(-row['depth'])} at its deepest."
    )
    if row["deepest_since"] is None:
        return text + " No earlier day was as far below its peak as today."
    return text + f" The last day as far below its peak as today was {day(row['deepest_since'])}."
