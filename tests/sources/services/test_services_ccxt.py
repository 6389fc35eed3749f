"""Candles through ccxt: what is taken, what waits, and what happens when the exchange fails."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from support.clocks import Clock

from hashcanary.chain.networks import MAIN
from hashcanary.errors import Exit, UsageError
from hashcanary.metrics.vendor import DERIVATIVE
from hashcanary.moments import DAY
from hashcanary.sources.catalogue.ccxt_candles import CCXT, Candles, parse_candles
from hashcanary.sources.errors import (
    BadValue,
    MissingExtra,
    OutOfOrder,
    RateLimited,
    Refused,
    Unreachable,
    WrongSchema,
)
from hashcanary.sources.facts import prices_bitcoin
from hashcanary.store.lake import Lake
from hashcanary.store.syncing import SyncReport, sync


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


START = _at("2026-01-01")


@dataclass
class Exchange:
    """An exchange as ccxt makes them, that lists daily candles from ``listed`` to ``until``."""

    id: str = "binance"
    listed: int = START
    until: int = START + 40 * DAY
    timeframes: Any = field(default_factory=lambda: {"1h": "1h", "1d": "1d", "1M": "1M"})
    faults: deque[Any] = field(default_factory=deque)
    asked: list[tuple[str, str, int, int]] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def parse_timeframe(self, timeframe: str) -> int:
        return {"1h": 3600, "1d": DAY}[timeframe]

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> Any:
        self.asked.append((symbol, timeframe, since, limit))
        if self.faults:
            fault = self.faults.popleft()
            if isinstance(fault, Exception):
                raise fault
            return fault
        step = self.parse_timeframe(timeframe)
        first = max(since // 1000, self.listed)
        return [_candle(first + n * step) for n in range(limit) if first + n * step < self.until]


def _candle(opened: int, close: float = 70_000.0) -> list[Any]:
    return [opened * 1000, 70_000.0, 71_000.0, 69_000.0, close, 12.5]


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def ccxt(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module with ccxt's names: its errors, its list of exchanges, and one exchange."""
    module: Any = ModuleType("ccxt")
    module.BaseError = type("BaseError", (Exception,), {})
    module.ExchangeError = type("ExchangeError", (module.BaseError,), {})
    module.BadSymbol = type("BadSymbol", (module.ExchangeError,), {})
    module.NetworkError = type("NetworkError", (module.BaseError,), {})
    module.RequestTimeout = type("RequestTimeout", (module.NetworkError,), {})
    module.DDoSProtection = type("DDoSProtection", (module.NetworkError,), {})
    module.RateLimitExceeded = type("RateLimitExceeded", (module.NetworkError,), {})
    module.exchanges = ["binance"]

    def binance(options: dict[str, Any]) -> Exchange:
        exchange.options = options
        return exchange

    module.binance = binance
    monkeypatch.setitem(sys.modules, "ccxt", module)
    made: ModuleType = module
    return made


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", MAIN)


@pytest.fixture
def bring(lake: Lake) -> Callable[..., SyncReport]:
    def run(into: Lake | None = None, now: int = START + 30 * DAY + 5, **settings: str) -> Any:
        told = {"since": "2026-01-01", "page": "7"} | settings
        run.clock = Clock(float(now))  # type: ignore[attr-defined]
        return sync(into or lake, CCXT, told, run.clock)  # type: ignore[attr-defined]

    return run


def test_candles_come_page_by_page_and_the_unfinished_one_waits(
    ccxt: ModuleType, exchange: Exchange, bring: Callable[..., SyncReport]
) -> None:
    report = bring()
    assert report.error is None
    rows = report.lake.frame("candles").sort("open_time")
    assert rows["open_time"].to_list() == [START + n * DAY for n in range(30)]
    assert (rows["known_at"] == rows["open_time"] + DAY).all()
    assert set(rows["market"]) == {"binance BTC/USDT"}
    assert set(rows["source"]) == {"ccxt-binance"}
    assert exchange.asked[1] == ("BTC/USDT", "1d", (START + 7 * DAY) * 1000, 7)
    assert exchange.options == {"enableRateLimit": True, "timeout": 30_000}


def test_what_is_held_is_not_asked_for_again(
    ccxt: ModuleType, exchange: Exchange, bring: Callable[..., SyncReport]
) -> None:
    first = bring()
    asked = len(exchange.asked)
    again = bring(first.lake)
    assert len(exchange.asked) == asked
    assert again.lake.version == first.lake.version
    more = bring(first.lake, now=START + 32 * DAY)
    assert more.new == {"candles": 2}
    assert exchange.asked[asked][2] == (START + 30 * DAY) * 1000


def test_an_exchange_that_listed_later_begins_there(
    ccxt: ModuleType, exchange: Exchange, bring: Callable[..., SyncReport]
) -> None:
    report = bring(since="2024-01-01")
    assert report.error is None
    assert report.lake.frame("candles")["open_time"].min() == START


def test_an_exchange_that_gives_nothing_for_early_times_is_asked_further_on(
    ccxt: ModuleType, exchange: Exchange, bring: Callable[..., SyncReport]
) -> None:
    exchange.faults.extend([[], []])
    report = bring(since="2025-12-18")
    assert report.lake.frame("candles").height == 30
    assert [one[2] for one in exchange.asked[:3]] == [
        (START + n * DAY) * 1000 for n in (-14, -7, 0)
    ]


def test_a_gap_is_said(
    ccxt: ModuleType, exchange: Exchange, bring: Callable[..., SyncReport]
) -> None:
    page = [_candle(START + n * DAY) for n in (0, 1, 4, 5)]
    exchange.faults.append(page)
    report = bring()
    assert "candles missing: 2026-01-03 to 2026-01-04" in report.notes


@pytest.mark.parametrize("kind", ["RequestTimeout", "RateLimitExceeded", "NetworkError"])
def test_what_may_pass_is_tried_again_with_patience(
    ccxt: Any, exchange: Exchange, bring: Callable[..., SyncReport], kind: str
) -> None:
    exchange.faults.extend([getattr(ccxt, kind)("busy")] * 2)
    report = bring()
    assert report.error is None
    assert report.lake.frame("candles").height == 30
    first, second = bring.clock.slept  # type: ignore[attr-defined]
    assert 1.0 <= first <= 2.0 <= second <= 4.0


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("RequestTimeout", Unreachable),
        ("RateLimitExceeded", RateLimited),
        ("DDoSProtection", RateLimited),
    ],
)
def test_what_does_not_pass_leaves_the_pages_before_it_and_goes_on(
    ccxt: Any,
    exchange: Exchange,
    bring: Callable[..., SyncReport],
    kind: str,
    error: type[Exception],
) -> None:
    first_page = [_candle(START + n * DAY) for n in range(7)]
    exchange.faults.extend([first_page, *[getattr(ccxt, kind)("no\x1b answer")] * 5])
    report = bring()
    assert isinstance(report.error, error)
    assert "5 tries" in str(report.error)
    assert "\x1b" not in str(report.error)
    assert report.lake.frame("candles").height == 7
    assert bring(report.lake).lake.frame("candles").height == 30


def test_a_market_that_is_none_is_refused_at_once(
    ccxt: Any, exchange: Exchange, bring: Callable[..., SyncReport]
) -> None:
    exchange.faults.append(ccxt.BadSymbol("binance does not have market symbol BTC/XYZ"))
    report = bring(symbol="BTC/XYZ")
    assert isinstance(report.error, Refused)
    assert "status BadSymbol, binance does not have" in str(report.error)


def test_without_ccxt_the_extra_is_named(
    bring: Callable[..., SyncReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ccxt", None)
    report = bring()
    assert isinstance(report.error, MissingExtra)
    assert "pip install 'hashcanary[markets]'" in str(report.error)
    assert report.error.exit_code == Exit.USAGE


def test_declaring_the_feeds_imports_neither_ccxt_nor_an_http_client() -> None:
    code = (
        "import sys; from hashcanary.sources.feed import all_feeds; "
        "assert {'ccxt', 'esplora', 'coinmetrics'} <= set(all_feeds()); "
        "sys.exit(bool({'ccxt', 'httpx'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"exchange": "mtgox"},
        {"timeframe": "1M"},
        {"timeframe": "7m"},
        {"since": "yesterday"},
        {"since": "2001-01-01"},
        {"page": "0"},
    ],
)
def test_a_setting_that_cannot_be_is_named(
    ccxt: ModuleType, bring: Callable[..., SyncReport], settings: dict[str, str]
) -> None:
    report = bring(**settings)
    assert isinstance(report.error, UsageError)


# what an exchange may give


def _asked(symbol: str = "BTC/USDT") -> Candles:
    return Candles(Exchange(), symbol, "1d", DAY, 7, START)


@pytest.mark.parametrize(
    ("raw", "error", "place"),
    [
        (None, WrongSchema, r"at \$: expected a list"),
        ({"data": []}, WrongSchema, r"at \$: expected a list"),
        ([[]] * 10_001, WrongSchema, "at most 10,000 candles"),
        ([7], WrongSchema, r"at \$\[0\]: expected \[milliseconds"),
        ([_candle(START)[:5]], WrongSchema, r"at \$\[0\]"),
        ([["1767225600000", 1, 1, 1, 1, 1]], WrongSchema, r"at \$\[0\]"),
        ([[True, 1, 1, 1, 1, 1]], WrongSchema, r"at \$\[0\]"),
        ([[1 << 60, 1, 1, 1, 1, 1]], WrongSchema, r"at \$\[0\]"),
        ([[START * 1000 + 1, 1, 1, 1, 1, 1]], WrongSchema, "a whole second"),
        ([_candle(START + DAY), _candle(START)], OutOfOrder, r"at \$\[1\]\[0\]"),
        ([[START * 1000, 5, 4, 3, 4, 1]], BadValue, "a high not below open"),
        ([[START * 1000, 5, 6, -3, 4, 1]], BadValue, "a price above zero"),
        ([[START * 1000, 5, 6, 3, float("nan"), 1]], BadValue, "finite"),
        ([[START * 1000, 5, 6, 3, 4, -1]], BadValue, "a volume not below zero"),
        ([_candle(START), _candle(START + 60)], BadValue, "multiples of 1 day"),
    ],
)
def test_what_are_no_candles_is_named(raw: object, error: type[Exception], place: str) -> None:
    with pytest.raises(error, match=place) as told:
        parse_candles(raw, _asked(), START + 10 * DAY)
    assert "binance BTC/USDT 1d" in str(told.value)


def test_a_candle_without_trades_is_left_out_and_said() -> None:
    raw = [_candle(START), [(START + DAY) * 1000, None, None, None, None, 0.0]]
    frame, notes = parse_candles(raw, _asked(), START + 10 * DAY)
    assert frame.height == 1
    assert notes == ("without trades: 1",)


def test_a_candle_given_twice_counts_once() -> None:
    frame, _ = parse_candles([_candle(START), _candle(START)], _asked(), START + 10 * DAY)
    assert frame.height == 1


def test_swaps_and_futures_are_named_so_that_they_are_no_spot_price() -> None:
    import re

    assert _asked().market == "binance BTC/USDT"
    swap, future = _asked("BTC/USDT:USDT").market, _asked("BTC/USDT:USDT-260327").market
    assert re.search(DERIVATIVE, swap.lower())
    assert re.search("future", future.lower())
    names = pl.Series([_asked().market, swap])
    assert pl.select(prices_bitcoin(pl.lit(names))).to_series().all()
    assert not pl.select(prices_bitcoin(pl.lit(future))).item()


def test_the_real_library_gives_what_is_read(
    bring: Callable[..., SyncReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """ccxt's own binance, its parser and its errors; only the sending of requests is replaced."""
    real = pytest.importorskip("ccxt", reason="ccxt is not installed: the extra markets")
    made = real.binance

    def binance(options: dict[str, Any]) -> Any:
        exchange = made(options)
        market = {"id": "BTCUSDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT"}
        kind = {"type": "spot", "spot": True, "linear": None, "inverse": None, "option": False}
        monkeypatch.setattr(exchange, "load_markets", lambda *_: None)
        monkeypatch.setattr(exchange, "market", lambda _: market | kind)
        monkeypatch.setattr(exchange, "publicGetKlines", klines)
        return exchange

    def klines(request: dict[str, Any]) -> list[list[Any]]:
        # Binance's REST documentation, "Kline/Candlestick data": numbers as text
        first = request["startTime"]
        prices = ["70000.00", "71000.10", "69000.00", "70500.50", "148.976"]
        rest = ["2434.19", 308, "1756.87", "28.46", "0"]
        opens = [first + n * 86_400_000 for n in range(7)]
        return [[opened, *prices, opened + 86_399_999, *rest] for opened in opens]

    monkeypatch.setattr(real, "binance", binance)
    report = bring(now=START + 14 * DAY)
    assert report.error is None
    rows = report.lake.frame("candles").sort("open_time")
    assert rows.height == 14
    assert rows.row(0, named=True)["close"] == 70500.5
    assert rows.row(0, named=True)["volume"] == 148.976
