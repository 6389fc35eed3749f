"""Candles of any exchange that ccxt knows; ccxt comes with the extra ``markets``.

ccxt knows how each exchange is asked and brings its own HTTP client: its time-out is set here, its
errors are tried again here when they may pass, and what it gives is checked like any file of
candles. A candle that is not over is never kept.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import polars as pl

from hashcanary.moments import iso_time, parse_moment
from hashcanary.sources.catalogue.candles import candles_of
from hashcanary.sources.errors import (
    MissingExtra,
    OutOfOrder,
    RateLimited,
    Refused,
    Unreachable,
    WrongSchema,
)
from hashcanary.sources.facts import CANDLES, Facts
from hashcanary.sources.feed import Asked, Batch, Clock, Feed, Number, Setting
from hashcanary.sources.files.columns import EARLIEST, Table
from hashcanary.sources.http.client import backoff
from hashcanary.sources.http.json_documents import printable
from hashcanary.sources.source import Content, Options

TIMEOUT_MS = 30_000
_COLUMNS = ("open", "high", "low", "close", "volume")
_MOST_ROWS = 10_000
_TRIES = 5
_FIRST_WAIT = 2.0


class Exchange(Protocol):
    """What is used of a ccxt exchange."""

    id: str
    timeframes: Any

    def parse_timeframe(self, timeframe: str) -> int:
        """Seconds of ``1h``, ``1d``."""

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> object:
        """Lists of [milliseconds, open, high, low, close, volume] from ``since`` on, ascending."""


@dataclass(frozen=True, slots=True)
class Candles:
    """Which candles are asked for. limit: of one answer; since: Unix seconds of the first."""

    exchange: Exchange
    symbol: str
    timeframe: str
    interval: int
    limit: int
    since: int

    @property
    def market(self) -> str:
        """The market's name in the lake: swaps and futures say so, for they are no spot price."""
        kind = ""
        if ":" in self.symbol:
            kind = " future" if "-" in self.symbol.partition(":")[2] else " perp"
        return f"{self.exchange.id} {self.symbol}{kind}"

    @property
    def source(self) -> str:
        """How rows name where they come from."""
        return f"ccxt-{self.exchange.id}"

    @property
    def place(self) -> str:
        """How errors name it."""
        return f"{self.exchange.id} {self.symbol} {self.timeframe}"


def exchange_named(name: str) -> tuple[Exchange, ModuleType]:
    """An exchange of ccxt, and ccxt itself. Raises MissingExtra, UsageError."""
    try:
        ccxt = importlib.import_module("ccxt")
    except ImportError as error:
        raise MissingExtra(source="the feed ccxt", package="ccxt", extra="markets") from error
    if name not in ccxt.exchanges:
        expected = "an exchange that ccxt knows, such as binance or kraken"
        raise _EXCHANGE.refused(expected, name, "ccxt lists them in ccxt.exchanges.")
    return getattr(ccxt, name)({"enableRateLimit": True, "timeout": TIMEOUT_MS}), ccxt


def interval_of(exchange: Exchange, timeframe: str) -> int:
    """Seconds of a candle. Raises UsageError for one the exchange has not, or of no fixed span."""
    offered = [name for name in exchange.timeframes or () if name[-1:] in "smhdw"]
    if timeframe not in offered:
        remedy = "The exchange offers no others."
        raise _TIMEFRAME.refused(f"one of {', '.join(offered)}", timeframe, remedy)
    return int(exchange.parse_timeframe(timeframe))


def parse_candles(raw: object, candles: Candles, now: int) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Rows of CANDLES that are over by ``now``, and notes.

    Raises WrongSchema, OutOfOrder, BadValue, ConflictingRows.
    """
    rows = _rows(raw, candles)
    priced = [row for row in rows if None not in row[:5]]
    notes = () if len(priced) == len(rows) else (f"without trades: {len(rows) - len(priced):,}",)
    over = [row for row in priced if row[0] + candles.interval <= now]
    if not over:
        return pl.DataFrame(schema=CANDLES.schema), notes
    frame = pl.DataFrame(
        over,
        schema={"time": pl.Int64(), **dict.fromkeys(_COLUMNS, pl.Float64())},
        orient="row",
        strict=False,
    )
    content = Content(Path(candles.source), candles.source, b"", "")
    options = Options(market=candles.market, interval=candles.interval)
    table = Table(candles.place, frame, "row", 1)
    parsed = candles_of(content, options, candles.source, table, candles.market)
    found = parsed.facts[0].frame.with_columns(source=pl.lit(candles.source))
    gaps = [f"candles missing: {gap}" for gap in parsed.coverage.gaps]
    return found, (*notes, *gaps)


def _rows(raw: object, candles: Candles) -> list[list[Any]]:
    """The lists, each of six numbers or nulls, times in seconds and ascending."""
    if not isinstance(raw, list) or len(raw) > _MOST_ROWS:
        raise _schema(candles, "$", f"a list of at most {_MOST_ROWS:,} candles", raw)
    rows: list[list[Any]] = []
    for index, row in enumerate(raw):
        if not isinstance(row, list) or len(row) < 6 or not _numbers(row[:6]):
            expected = "[milliseconds, open, high, low, close, volume]"
            raise _schema(candles, f"$[{index}]", expected, row)
        time, rest = divmod(row[0], 1000)
        if rest:
            raise _schema(candles, f"$[{index}][0]", "milliseconds of a whole second", row[0])
        if rows and time < rows[-1][0]:
            raise OutOfOrder(
                url=candles.place,
                path=f"$[{index}][0]",
                expected=f"a time not before {iso_time(rows[-1][0])}",
                found=iso_time(time),
            )
        rows.append([time, *row[1:6]])
    return rows


def _numbers(row: list[Any]) -> bool:
    good = all(
        one is None or (isinstance(one, int | float) and not isinstance(one, bool)) for one in row
    )
    return good and isinstance(row[0], int) and 0 <= row[0] < 1 << 42


def _schema(candles: Candles, path: str, expected: str, found: object) -> WrongSchema:
    shown = printable(repr(found), 80)
    return WrongSchema(url=candles.place, path=path, expected=expected, found=shown)


def candle_batches(asked: Asked, candles: Candles, ccxt: ModuleType) -> Iterator[Batch]:
    """Every candle since the last one known, page by page, until none is over."""
    last = asked.held.last_known(CANDLES.name, candles.market, candles.interval)
    # known at the close, which is when the next one opens
    place = candles.since if last is None else last
    begun = place
    while place + candles.interval <= asked.clock.now():
        raw = _fetched(asked.clock, candles, place, ccxt)
        now = int(asked.clock.now())
        frame, notes = parse_candles(raw, candles, now)
        new = frame.filter(pl.col("open_time") >= place)
        if new.height:
            first = int(new["open_time"][0])
            if first > place and last is not None:
                notes = (*notes, f"candles missing: {iso_time(place)} to {iso_time(first)}")
            last = place = int(new["known_at"].max())  # type: ignore[arg-type]
            total = (now - begun) // candles.interval
            done = (place - begun) // candles.interval
            facts = (Facts(CANDLES, new),)
            yield Batch(facts, {"next": place}, done, total, "candles", notes)
        else:
            place += candles.limit * candles.interval


def _fetched(clock: Clock, candles: Candles, since: int, ccxt: ModuleType) -> object:
    """One answer. Raises Unreachable, RateLimited or Refused, which tells what ccxt says."""
    reasons: list[str] = []
    while True:
        try:
            return candles.exchange.fetch_ohlcv(
                candles.symbol, candles.timeframe, since * 1000, candles.limit
            )
        except ccxt.NetworkError as error:
            kind = type(error).__name__
            reasons.append(f"try {len(reasons) + 1}: {kind} {printable(str(error))}")
            if len(reasons) >= _TRIES:
                limited = isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection)
                raise (RateLimited if limited else Unreachable)(
                    service=candles.exchange.id,
                    url=candles.place,
                    tries=len(reasons),
                    reasons="; ".join(reasons),
                ) from error
        except ccxt.BaseError as error:
            raise Refused(
                candles.exchange.id, candles.place, type(error).__name__, printable(str(error))
            ) from error
        clock.sleep(backoff(_FIRST_WAIT, len(reasons), candles.place))


_EXCHANGE = Setting("exchange", "the exchange, as ccxt names it", "binance")
_SYMBOL = Setting("symbol", "the market, as ccxt names it", "BTC/USDT")
_TIMEFRAME = Setting("timeframe", "what a candle spans: 1h, 1d", "1d")
_SINCE = Setting("since", "the day of the first candle", "2017-08-17")
_PAGE = Number("page", "candles an answer", "500", low=1, high=5000)
_POLL = Number("poll", "seconds between questions while the tip is followed", "300", low=10)


def batches(asked: Asked) -> Iterator[Batch]:
    """Every candle that is over and that the lake does not have."""
    exchange, ccxt = exchange_named(_EXCHANGE.text(asked.settings))
    timeframe = _TIMEFRAME.text(asked.settings)
    interval = interval_of(exchange, timeframe)
    candles = Candles(
        exchange=exchange,
        symbol=_SYMBOL.text(asked.settings),
        timeframe=timeframe,
        interval=interval,
        limit=_PAGE.whole(asked.settings),
        since=_since(_SINCE.text(asked.settings)),
    )
    yield from candle_batches(asked, candles, ccxt)


def _since(text: str) -> int:
    """The Unix second at which the first candle may open."""
    moment = parse_moment(f"{text}T00:00:00Z")
    if moment.time is None or moment.time < EARLIEST:
        raise _SINCE.refused("a day from 2009 on, such as 2017-08-17", text)
    return moment.time


CCXT = Feed(
    name="ccxt",
    title="Candles of an exchange, through ccxt",
    gives=("candles",),
    settings=(_EXCHANGE, _SYMBOL, _TIMEFRAME, _SINCE, _PAGE, _POLL),
    batches=batches,
    wait=_POLL.pause,
    example=(
        "pip install 'hashcanary[markets]'\n"
        "hashcanary sync --source ccxt -o exchange=kraken -o symbol=BTC/USD -o timeframe=1d"
    ),
    costs=(
        "Installing the extra takes about 84 MB of disk, importing ccxt about a second and 100 MB "
        "of memory. Nine years of daily candles are 7 requests, of hourly ones 160: a minute, "
        "at the pace ccxt keeps for the exchange."
    ),
    extra="markets",
)
