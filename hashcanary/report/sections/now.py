"""Chapters: what is happening, and what miners earn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.interval import Interval
from hashcanary.metrics.intervals import weighted_poisson
from hashcanary.moments import DAY
from hashcanary.report.document import Drawing, Figure, Ledger, Section, ends
from hashcanary.studies.luck import RETURN_PERIOD, Drawdown, luck_of_drawdowns
from hashcanary.units import DATE, FRACTION, HASHRATE, YEARS, Unit
from hashcanary.views.table import INTERVAL, Cell, Column, Table
from hashcanary.views.text import day, percent, quantity

if TYPE_CHECKING:
    from hashcanary.report.reading import Reading

MINUTES = Unit("min", "minutes", "minutes")
PACE_DAYS = 7
# name of the smoothing in metrics, and for people
SMOOTHINGS: tuple[tuple[str, str], ...] = (
    ("day", "one day"),
    ("sma7", "7-day mean"),
    ("sma14", "14-day mean"),
    ("sma30", "30-day mean"),
    ("sma60", "60-day mean"),
    ("epoch", "epoch average"),
)
_PACE_INTERVAL = "95% confidence for the expected interval, exact (Garwood, on the count of blocks)"


def now(reading: Reading) -> Section:
    """Hashrate, difficulty, block times and the drawdown by every smoothing."""
    return Section(
        key="now",
        short="Now",
        title="What is happening",
        lead=_lead(reading),
        parts=(
            Drawing("hashrate"),
            drawdowns(reading),
            Drawing("drawdown"),
            Ledger(
                "hashrates",
                "Hashrate by every smoothing",
                tuple(
                    reading.figure(f"hashrate.{key}", words.capitalize(), term="hashrate")
                    for key, words in SMOOTHINGS
                ),
            ),
            Ledger("blocks", "Difficulty and block times", _difficulty(reading)),
            Drawing("difficulty"),
            Drawing("retargets"),
        ),
    )


def _lead(reading: Reading) -> str:
    short, long = reading.current("hashrate.sma7"), reading.current("hashrate.sma30")
    if short is None or long is None:
        return "Missing: the hashrate of the last days."
    change = short["value"] / long["value"] - 1
    against = (
        "about equal to"
        if abs(change) < 0.01
        else f"{percent(abs(change))} {'below' if change < 0 else 'above'}"
    )
    found = pace(reading)
    blocks = ""
    if found is not None:
        minutes = found[0]
        blocks = (
            f" A block came every {minutes.value:.1f} minutes (95%: {minutes.low:.1f} to "
            f"{minutes.high:.1f}); the target is 10."
        )
    return (
        f"Over the last 7 days the hashrate was {quantity(short['value'], HASHRATE, 3)}, {against} "
        f"the 30-day mean of {quantity(long['value'], HASHRATE, 3)}.{blocks} The depth of a "
        "drawdown depends on the smoothing, so the table below compares all of them. The gap above "
        "is of the hashrate itself, in which the luck of a peak and of the last days does not "
        "count."
    )


def drawdowns(reading: Reading) -> Table:
    """The drawdown by every smoothing, side by side."""
    rows: list[tuple[Cell, ...]] = []
    reasons: list[str] = []
    for key, words in SMOOTHINGS:
        row = reading.current(f"drawdown.{key}")
        rate = reading.current(f"hashrate.{key}")
        if row is None or rate is None:
            missing = reading.figure(f"drawdown.{key}", words).missing
            reasons.append(f"{words}: {missing}")
            continue
        (luck,) = luck_of_drawdowns(reading.metrics, key, [Drawdown.of(row)])
        rows.append(
            (
                words,
                int(row["time"]),
                int(row["peak_time"]),
                Interval(row["value"], row["low"], row["high"]),
                None if luck is None else luck.once_in_years,
            )
        )
    note = (
        f"Intervals: {reading.metric('drawdown.sma30').interval}. Return period: {RETURN_PERIOD}."
    )
    if reasons:
        note += " Missing: " + "; ".join(reasons) + "."
    return Table(
        key="drawdowns",
        title="Drawdown by every smoothing",
        columns=(
            Column("smoothing", "hashrate as"),
            Column("time", "as of", DATE),
            Column("peak", "peak", DATE),
            Column("drawdown", "drawdown (95%)", FRACTION, limits=INTERVAL),
            Column("luck", "return period at constant hashrate", YEARS),
        ),
        rows=tuple(rows),
        note=note,
        empty="No drawdown is known for the last days: " + "; ".join(reasons) + ".",
        drawn=True,
    )


def _difficulty(reading: Reading) -> tuple[Figure, ...]:
    return (
        reading.figure("difficulty.day", "Difficulty", term="difficulty"),
        reading.figure(
            "difficulty.change",
            "Last retarget",
            term="difficulty",
            note="change against the epoch before",
        ),
        reading.figure(
            "difficulty.epoch_progress", "Epoch done", term="difficulty", note=_blocks_done(reading)
        ),
        _pace_figure(reading),
        _last_epoch_pace(reading),
    )


def _blocks_done(reading: Reading) -> str:
    row = reading.current("difficulty.epoch_progress")
    if row is None:
        return ""
    done = round(row["value"] * 2016)
    return f"{done:,} of 2,016 blocks at the end of {day(row['time'])}"


def pace(reading: Reading) -> tuple[Interval, int, int, str] | None:
    """Minutes a block over the last seven days with its interval, from, to, basis; or None."""
    if reading.today is None:
        return None
    rows = reading.rows("blocks.per_day")
    first = reading.today - (PACE_DAYS - 1) * DAY
    week = rows.filter(rows["time"].is_between(first, reading.today))
    found = week["value"].sum()
    if week.height < PACE_DAYS or week["value"].null_count() or not found:
        return None
    total = np.array([float(found)])
    low, high = weighted_poisson(total, total, np.ones(1))
    minutes = PACE_DAYS * 1440
    estimate = Interval(minutes / float(found), minutes / float(high[0]), minutes / float(low[0]))
    vendor = "vendor" if "vendor" in week["basis"].to_list() else "blocks"
    return estimate, int(week["time"][0]), int(week["time"][-1]) + DAY, vendor


def _pace_figure(reading: Reading) -> Figure:
    key, label = "report.block_minutes_7_days", "Time between blocks, 7 days"
    found = pace(reading)
    if found is None:
        missing = "the blocks of the last seven days are not all known"
        return Figure(key, label, None, MINUTES, missing=missing, term="difficulty")
    estimate, since, until, basis = found
    return Figure(
        key,
        label,
        **ends(estimate),
        unit=MINUTES,
        since=since,
        until=until,
        interval=_PACE_INTERVAL,
        source=reading.grounds[basis],
        note="the target is 10 minutes",
        term="difficulty",
    )


def _last_epoch_pace(reading: Reading) -> Figure:
    label = "Time between blocks, last whole epoch"
    figure = reading.figure("blocks.epoch_interval", label, term="difficulty")
    if figure.value is None or isinstance(figure.value, str):
        return replace(figure, unit=MINUTES)
    low, high = (None if end is None else end / 60 for end in (figure.low, figure.high))
    return replace(figure, value=figure.value / 60, low=low, high=high, unit=MINUTES)


# metric, label, glossary term
_REVENUE: tuple[tuple[str, str, str], ...] = (
    ("hashprice", "Hashprice, mean of the day", "hashprice"),
    ("hashprice.realised", "Hashprice, realised: revenue over estimated hashrate", "hashprice"),
    ("hashvalue", "Hashvalue", "hashvalue"),
    ("hashvalue.sats", "Hashvalue, in satoshis per terahash", "hashvalue"),
    ("revenue.usd", "Revenue of all miners, a day", ""),
    ("revenue.btc", "Revenue of all miners, a day, in bitcoin", ""),
    ("fees.share", "Fees in revenue", "fees"),
    ("puell", "Puell multiple, new coins only", "puell"),
    ("puell.with_fees", "Puell multiple, fees included", "puell"),
    ("price", "Price", ""),
)
_PRICED = frozenset({"hashprice", "hashprice.realised", "revenue.usd", "puell", "puell.with_fees"})


def revenue(reading: Reading) -> Section:
    """Hashprice, hashvalue, fees, Puell multiple, revenue and price."""
    return Section(
        key="revenue",
        short="Revenue",
        title="What miners earn",
        lead=_earned(reading),
        parts=(
            Drawing("hashprice"),
            Ledger(
                "revenue",
                "Hashprice, revenue, fees",
                tuple(_revenue_figure(reading, *entry) for entry in _REVENUE),
            ),
            Drawing("puell"),
        ),
        notes=(
            "Both forms of hashprice agree, because the day's number of blocks cancels out. The "
            "interval of the realised form covers the luck of that day.",
        ),
    )


def _revenue_figure(reading: Reading, name: str, label: str, term: str) -> Figure:
    note = reading.standing(name)
    figure = reading.figure(
        name, label, term=term, note=note, source="closing prices" if name == "price" else ""
    )
    if name in _PRICED and figure.source:
        figure = replace(figure, source=figure.source + ", closing prices")
    return figure


def _earned(reading: Reading) -> str:
    row = reading.current("hashprice")
    if row is None:
        why = reading.figure("hashprice", "").missing
        return f"Missing: the hashprice of the last days ({why})."
    text = f"A petahash per second earned {row['value']:,.2f} US dollars on {day(row['time'])}"
    change = reading.a_year_before("hashprice")
    if change is not None:
        text += f", {percent(abs(change))} {'less' if change < 0 else 'more'} than a year before"
    puell = reading.current("puell")
    if puell is not None:
        share = puell["value"]
        text += (
            f". The Puell multiple is {share:.2f}: the value of the day's new coins over its mean "
            "of 365 days"
        )
    return text + "."
