"""Candles of any exchange that ccxt knows; ccxt comes with the extra ``markets``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.moments import parse_moment
from hashcanary.sources.feed import Feed, Number, Setting
from hashcanary.sources.files.columns import EARLIEST
from hashcanary.sources.services.exchange_candles import (
    Candles,
    candle_batches,
    exchange_named,
    interval_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hashcanary.sources.feed import Asked, Batch

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


def wait(asked: Asked) -> None:
    """Let some time pass."""
    asked.clock.sleep(_POLL.whole(asked.settings))


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
