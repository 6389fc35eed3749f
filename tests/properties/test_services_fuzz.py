"""Parsers of what services answer, fuzzed: facts in their form, or a named error; never else.

Documents are valid ones in which one to four places hold something else, and arbitrary bytes.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import http_service as web
from support.mining import grow

from hashcanary.chain.networks import REGTEST
from hashcanary.sources.catalogue import coinmetrics_api
from hashcanary.sources.catalogue.ccxt_candles import Candles, parse_candles
from hashcanary.sources.catalogue.esplora import parse_ticks
from hashcanary.sources.errors import SourceError, WrongSchema
from hashcanary.sources.facts import BLOCKS, CANDLES, DAILY_REFERENCE, HEADERS, POOL_LABELS
from hashcanary.sources.http.client import Answer, Archive, Asking, Saved, retry_after
from hashcanary.sources.http.json_documents import printable
from hashcanary.sources.services.esplora_blocks import parse_page

URL = "http://service.example/x"
EXAMPLES = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 1 << 31, 1 << 32, 1 << 63, 1 << 64, 10**30, 1230768000, 0x207FFFFF]),
    st.floats(),
    st.sampled_from(["", "btc", "1e999", "-0", "nan", "00" * 32, "ff" * 32, "1767225600", "0x1"]),
    st.text(max_size=8),
    st.sampled_from(["2026-02-03T00:00:00.000000000Z", "2026-02-30T00:00:00Z", "９" * 4]),
    st.recursive(st.none(), lambda inner: st.lists(inner, max_size=2), max_leaves=3),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)


def _attempt(parse: Callable[[], Any], named: str) -> Any:
    """What a parser gives; None where it raises an error of the house that says ``named``."""
    said = ""
    try:
        return parse()
    except SourceError as error:
        said = str(error)
    assert named in said
    return None


def _places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for name, inner in value.items():
            found += _places(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += _places(inner, (*path, index))
    return found


def _put(document: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    inner = document
    for name in path[:-1]:
        try:
            inner = inner[name]
        except (KeyError, IndexError, TypeError):
            return document  # an earlier change took this place away
    if isinstance(inner, dict | list) and path[-1:] != ():
        try:
            inner[path[-1]] = value
        except (IndexError, TypeError):
            return document
    return document


def _changed(draw: Any, document: object) -> object:
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 4))):
        path = draw(st.sampled_from(_places(document)))
        changed = _put(changed, path, draw(ODD))
    return changed


@pytest.fixture(scope="module")
def page() -> list[Any]:
    """Three blocks as a mempool instance gives them."""
    return [web.block_json(header, n + 1) for n, header in enumerate(grow(3))][::-1]


@pytest.mark.fuzz
@EXAMPLES
@given(data=st.data())
def test_pages_of_blocks(page: list[Any], data: st.DataObject) -> None:
    document = _changed(data.draw, page)

    def parse() -> Any:
        found = parse_page(document, URL, REGTEST)
        return [part("x").frame for part in (found.headers, found.blocks, found.labels)]

    frames = _attempt(parse, URL)
    if frames is None:
        return
    headers, blocks, labels = frames
    assert (headers.schema, blocks.schema) == (HEADERS.schema, BLOCKS.schema)
    assert labels.schema == POOL_LABELS.schema
    # whatever was changed, no header got through that is not the chain's own
    assert {one.hex() for one in headers["hash"]} <= {one["id"] for one in page}


@pytest.mark.fuzz
@EXAMPLES
@given(data=st.data())
def test_price_ticks(data: st.DataObject) -> None:
    prices = [{"time": 1_700_000_000 // 3600 * 3600 - 3600 * n, "USD": 100 + n} for n in range(5)]
    document = _changed(data.draw, {"prices": prices, "exchangeRates": {}})
    ticks = _attempt(lambda: parse_ticks(document, URL, "x"), URL)
    if ticks is None:
        return
    frame = ticks.frame
    assert frame.schema == CANDLES.schema
    assert (frame["close"] > 0).all()
    assert (frame["known_at"] == frame["open_time"] + frame["interval"]).all()
    assert frame["open_time"].is_sorted()


@pytest.mark.fuzz
@EXAMPLES
@given(data=st.data())
def test_daily_series(data: st.DataObject) -> None:
    rows = [
        {
            "asset": "btc",
            "time": f"2026-02-0{n}T00:00:00.000000000Z",
            "PriceUSD": "5.5",
            "Fee": None,
        }
        for n in range(1, 5)
    ]
    document = _changed(data.draw, {"data": rows, "next_page_token": "abc"})
    found = _attempt(lambda: coinmetrics_api.parse_page(document, URL, ["PriceUSD", "Fee"]), URL)
    if found is None:
        return
    assert found.rows.schema == DAILY_REFERENCE.schema
    assert all(math.isfinite(value) for value in found.rows["value"])
    assert not found.rows["known_at"].has_nulls()


class _Exchange:
    id = "x"
    timeframes: Any = None

    def parse_timeframe(self, timeframe: str) -> int:
        return len(timeframe)

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> object:
        return (symbol, timeframe, since, limit)


@pytest.mark.fuzz
@EXAMPLES
@given(data=st.data())
def test_candles(data: st.DataObject) -> None:
    start = 1_767_225_600
    raw = [[(start + 3600 * n) * 1000, 5.0, 6.0, 4.0, 5.5, 1.0] for n in range(4)]
    candles = Candles(_Exchange(), "BTC/USD", "1h", 3600, 10, start)
    now = start + data.draw(st.integers(0, 5 * 3600))
    changed = _changed(data.draw, raw)
    found = _attempt(lambda: parse_candles(changed, candles, now), "BTC/USD")
    if found is None:
        return
    frame = found[0]
    assert frame.schema == CANDLES.schema
    assert (frame["known_at"] <= now).all()
    assert (frame["low"] > 0).all()
    assert (frame["high"] >= frame["close"]).all()


@pytest.mark.fuzz
@EXAMPLES
@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_bodies(body: bytes) -> None:
    said = ""
    try:
        Answer(URL, 200, body, 0.0, "text/plain").json()
    except WrongSchema as error:
        said = str(error)
    assert said.isprintable()


@pytest.mark.fuzz
@EXAMPLES
@given(value=st.text(max_size=40) | st.none(), now=st.floats(0, 4e9))
def test_retry_after(value: str | None, now: float) -> None:
    wait = retry_after(value, now)
    assert wait is None or (wait >= 0 and math.isfinite(wait))


@pytest.mark.fuzz
@EXAMPLES
@given(said=st.text(max_size=300) | st.binary(max_size=300))
def test_what_a_server_said_is_shown_without_moving_the_terminal(said: str | bytes) -> None:
    shown = printable(said)
    assert shown.isprintable()
    assert 0 < len(shown) <= 123


@pytest.mark.fuzz
@EXAMPLES
@given(data=st.data())
def test_saved_answers(tmp_path: Path, data: st.DataObject) -> None:
    asking = Asking("GET", URL)
    for path in tmp_path.iterdir():
        path.unlink()
    Archive(tmp_path, None).keep(asking, Saved(200, b'{"a": 1}', 5.0, "application/json"))
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:at] + data.draw(st.binary(max_size=20)) + whole[at + 3 :])
    found = _attempt(lambda: Archive(None, tmp_path).find(asking), str(tmp_path))
    assert found is None or found.body == b'{"a": 1}'
