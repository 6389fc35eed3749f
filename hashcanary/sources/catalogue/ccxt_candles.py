"""Candles of any exchange that ccxt knows; ccxt comes with the extra ``markets``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.errors import UsageError
from hashcanary.moments import parse_moment
from hashcanary.sources.feed import Feed, Setting
from hashcanary.sources.files.columns import EARLIEST
from hashcanary.sources.services.exchange_candles import (
    Candles,
    candle_batches,
    exchange_named,
    interval_of,
)
from hashcanary.sources.services.settings import value_of, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hashcanary.sources.feed import Asked, Batch

_SETTINGS = (
    Setting("exchange", "the exchange, as ccxt names it", "binance"),
    Setting("symbol", "the market, as ccxt names it", "BTC/USDT"),
    Setting("timeframe", "what a candle spans: 1h, 1d", "1d"),
    Setting("since", "the day of the first candle", "2017-08-17"),
    Setting("page", "candles an answer", "500"),
    Setting("poll", "seconds between questions while the tip is followed", "300"),
)


def batches(asked: Asked) -> Iterator[Batch]:
    """Every candle that is over and that the lake does not have."""
    exchange, ccxt = exchange_named(value_of(asked, _SETTINGS, "exchange"))
    timeframe = value_of(asked, _SETTINGS, "timeframe")
    interval = interval_of(exchange, timeframe)
    candles = Candles(
        exchange=exchange,
        symbol=value_of(asked, _SETTINGS, "symbol"),
        timeframe=timeframe,
        interval=interval,
        limit=whole_number(asked, _SETTINGS, "page", 1, 5000),
        since=_since(value_of(asked, _SETTINGS, "since")),
    )
    yield from candle_batches(asked, candles, ccxt)


def wait(asked: Asked) -> None:
    """Let some time pass."""
    asked.clock.sleep(whole_number(asked, _SETTINGS, "poll", 10, 86_400))


def _since(text: str) -> int:
    """The Unix second at which the first candle may open."""
    moment = parse_moment(f"{text}T00:00:00Z")
    if moment.time is None or moment.time < EARLIEST:
        raise UsageError(
            argument="the setting since",
            expected="a day from 2009 on, such as 2017-08-17",
            found=text,
            remedy="Correct it.",
        )
    return moment.time


CCXT = Feed(
    name="ccxt",
    title="Candles of an exchange, through ccxt",
    gives=("candles",),
    settings=_SETTINGS,
    batches=batches,
    wait=wait,
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
