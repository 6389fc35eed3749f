"""Candles of any market: open, high, low, close and volume.

Checked: prices that can be, the span of a candle, and when a candle was known. Rows are dated by
their opening. Markets that rest on some days of the week get no gaps for those. A daily market with
Sundays but no Fridays dates a session by the evening on which it opens (as CME does: Sunday's
session ends on Monday), so that its close is known a day later than the date suggests.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePath

import polars as pl

from hashcanary.errors import UsageError
from hashcanary.moments import DAY, iso_day, iso_time
from hashcanary.sources.errors import MissingOption
from hashcanary.sources.facts import CANDLES, Coverage, Parsed, prices_bitcoin
from hashcanary.sources.files.columns import Table, missing_ranges, settle
from hashcanary.sources.files.tables import Field, has, read_table
from hashcanary.sources.source import Content, Options, Probe, Source

TIME = Field("time", ("open_time", "timestamp", "date", "datetime", "day", "start"), required=True)
OPEN = Field("open", ("open_price",), required=True)
HIGH = Field("high", ("high_price",), required=True)
LOW = Field("low", ("low_price",), required=True)
CLOSE = Field("close", ("close_price", "last"), required=True)
VOLUME = Field("volume", ("vol", "base_volume", "volume_btc"))
FIELDS = (TIME, OPEN, HIGH, LOW, CLOSE, VOLUME)

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FRIDAY, _SATURDAY, _SUNDAY = 5, 6, 7
# Below two weeks an absent weekday may be chance.
_PATTERN_DAYS = 14


def candles_of(content: Content, options: Options, kind: str, table: Table, market: str) -> Parsed:
    """Check a table under the lake's names and make rows of ``candles`` of one market of it."""
    times, how = table.times("time")
    read = pl.DataFrame({"open_time": times, **_prices(table)})
    ordered, settled = settle(table, read, ("open_time",))
    interval = _interval(table, ordered["open_time"], times, options.interval)
    resting = _resting_days(ordered["open_time"], interval)
    late = DAY if _dated_by_evening(resting) else 0
    rows = ordered.with_columns(
        market=pl.lit(market),
        interval=pl.lit(interval, pl.Int64),
        known_at=pl.col("open_time") + interval + late,
    )
    facts = CANDLES.facts(rows, content.source)
    notes = [f"market {market}, candles of {_words(interval)}", *table.notes, *how, *settled]
    if not pl.select(prices_bitcoin(pl.lit(market))).item():
        notes.append(
            "no price of bitcoin by its name, and not taken for one: BTC-USD, BTCUSDT, XBT/USD and "
            "the like are (--market BTC-USD)"
        )
    if not table.has("volume"):
        notes.append("no volume in the file")
    if resting:
        days = ", ".join(_WEEKDAYS[day - 1] for day in sorted(resting))
        notes.append(f"no candles on {days}: taken for days of rest, not for gaps")
    if late:
        notes.append(
            "Sundays without Fridays: sessions are dated by the evening on which they open, so a "
            "candle is known one day after its date has ended"
        )
    coverage = _coverage(facts.frame["open_time"], interval, resting, notes)
    return Parsed(kind, (facts,), coverage)


def _prices(table: Table) -> dict[str, pl.Series]:
    prices = {name: table.prices(name) for name in ("open", "high", "low", "close")}
    body = pl.DataFrame([prices["open"], prices["close"]])
    most, least = body.max_horizontal(), body.min_horizontal()
    table.refuse(prices["high"] < prices["low"], "high", "a high not below the low")
    table.refuse(prices["high"] < most, "high", "a high not below open and close")
    table.refuse(prices["low"] > least, "low", "a low not above open and close")
    volume = table.reals("volume", null=True)
    table.refuse(volume < 0, "volume", "a volume not below zero")
    return prices | {"volume": volume}


def _interval(table: Table, ordered: pl.Series, times: pl.Series, given: int | None) -> int:
    """Seconds a candle spans: as given, else the least spacing of the rows.

    Every spacing must be a multiple of it, for a candle that spans less was known earlier.
    """
    if given is not None and given <= 0:
        raise UsageError("--interval", "seconds above zero", given, "An hour is 3600, a day 86400.")
    steps = ordered.diff().drop_nulls()
    if given is None and steps.is_empty():
        raise MissingOption(
            file=table.path,
            kind="candles with a single row",
            option="the seconds that a candle spans",
            remedy="Give them with --interval SECONDS.",
        )
    least = steps.min() if given is None else given
    assert isinstance(least, int)
    odd = ordered.filter((ordered.diff() % least != 0).fill_null(value=False))
    table.refuse(
        times.is_in(odd.implode()), "time", f"times spaced by multiples of {_words(least)}"
    )
    return least


def _resting_days(times: pl.Series, interval: int) -> frozenset[int]:
    """Weekdays (1: Monday) without any daily candle, where the rows span two weeks or more."""
    if interval != DAY or times[-1] - times[0] < _PATTERN_DAYS * DAY:
        return frozenset()
    present = pl.from_epoch(times, "s").dt.weekday().unique()
    return frozenset(range(1, 8)) - frozenset(present.to_list())


def _dated_by_evening(resting: frozenset[int]) -> bool:
    return {_FRIDAY, _SATURDAY} <= resting and _SUNDAY not in resting


def _coverage(
    times: pl.Series, interval: int, resting: frozenset[int], notes: list[str]
) -> Coverage:
    show = iso_day if interval == DAY else iso_time
    gaps = [
        (first, last)
        for one, two in missing_ranges(times, interval)
        for first, last in [_working_days(one, two, resting)]
        if first <= last
    ]
    return Coverage(
        rows=len(times),
        first=show(times[0]),
        last=show(times[-1]),
        gaps=tuple(
            show(first) if first == last else f"{show(first)} to {show(last)}"
            for first, last in gaps
        ),
        notes=tuple(notes),
    )


def _working_days(first: int, last: int, resting: frozenset[int]) -> tuple[int, int]:
    """A missing range without days of rest at its ends; first > last if nothing remains."""
    while first <= last and _weekday(first) in resting:
        first += DAY
    while last >= first and _weekday(last) in resting:
        last -= DAY
    return first, last


def _weekday(seconds: int) -> int:
    return (seconds // DAY + 3) % 7 + 1  # 1970-01-01 was a Thursday


def _words(seconds: int) -> str:
    for unit, size in (("day", DAY), ("hour", 3600), ("minute", 60)):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} seconds"


KIND = "candles"


def recognise(probe: Probe) -> bool:
    """Whether a table has a time and at least three of open, high, low and close."""
    return has(probe.columns, TIME) == 1 and has(probe.columns, OPEN, HIGH, LOW, CLOSE) >= 3


# what browsers and desktops add to the name of a second download or of a copy
_AGAIN = re.compile(r"^Copy of |( \(\d{1,3}\)| - Copy| copy( \d+)?)+$", re.IGNORECASE)


def market_of(name: str) -> str:
    """The market that a file is named after: a second download is of the same one."""
    stem = PurePath(name).stem
    return _AGAIN.sub("", stem).strip() or stem


def parse(content: Content, options: Options) -> Parsed:
    """Rows of ``candles``, known at their close.

    The market is what ``options`` call it, else the file's name without its ending: what the file
    is about cannot be told from prices.
    """
    table = read_table(content, KIND, FIELDS)
    market = options.market
    if market is None:
        market = market_of(content.name)
        named = "the market is named after the file; --market NAME gives it another name"
        table = replace(table, notes=(named, *table.notes))
    return candles_of(content, options, KIND, table, market)


CANDLES_SOURCE = Source(
    kind=KIND,
    title="Candles",
    reads=(
        "Parquet, CSV or JSON lines with a time (timestamp, date, open_time), open, high, low, "
        "close and, where present, volume"
    ),
    recognise=recognise,
    parse=parse,
)
