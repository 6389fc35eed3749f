"""mempool's price ticks: what each is taken for, and that none is known too soon."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support import http_service as web
from support.clocks import Clock
from support.mining import MAIN_GENESIS

from hashcanary.chain.networks import MAIN
from hashcanary.metrics.vendor import daily_price
from hashcanary.moments import DAY
from hashcanary.sources.catalogue.esplora import ESPLORA, HOUR, MARKET, parse_ticks
from hashcanary.sources.errors import BadValue, ConflictingRows, OutOfOrder, WrongSchema
from hashcanary.sources.facts import CANDLES, DAILY_REFERENCE
from hashcanary.store.lake import Lake
from hashcanary.store.syncing import SyncReport, sync

URL = "https://mempool.example/api/v1/historical-price?currency=USD"


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _document(*ticks: tuple[str, float]) -> dict[str, Any]:
    """An answer with ticks given oldest first; it is published newest first."""
    prices = [{"time": _at(when), "USD": price} for when, price in ticks]
    return {"prices": prices[::-1], "exchangeRates": {}}


def test_a_tick_is_the_close_of_the_candle_up_to_the_next_tick() -> None:
    ticks = parse_ticks(
        _document(
            ("2026-02-02T22:00", 76_000),
            ("2026-02-02T23:00", 76_500),
            ("2026-02-03T00:00", 77_000),
        ),
        URL,
        "esplora",
    )
    assert ticks.frame.schema == CANDLES.schema
    assert ticks.frame.select("open_time", "interval", "close", "known_at").rows() == [
        (_at("2026-02-02T22:00"), HOUR, 76_000.0, _at("2026-02-02T23:00")),
        (_at("2026-02-02T23:00"), HOUR, 76_500.0, _at("2026-02-03T00:00")),
    ]
    assert ticks.frame["open"].null_count() == 2
    assert ticks.notes == ()


def test_daily_ticks_are_kept_but_for_the_thursdays_that_hold_a_week() -> None:
    # 2015-01-01 was a Thursday
    days = [(f"2014-12-{day}", float(day)) for day in range(29, 32)]
    days += [(f"2015-01-0{day}", float(day)) for day in range(1, 4)]
    ticks = parse_ticks(_document(*days), URL, "esplora")
    found = pl.from_epoch(ticks.frame["open_time"], "s").dt.strftime("%m-%d").to_list()
    assert found == ["12-29", "12-30", "12-31", "01-02"]
    assert set(ticks.frame["interval"]) == {DAY}
    assert ticks.notes == ("ticks not kept, for none follows an hour or a day later: 1",)


def test_weekly_and_lonely_ticks_are_not_kept_and_said() -> None:
    ticks = parse_ticks(
        _document(("2013-10-03", 120), ("2013-10-10", 126), ("2013-10-17", 142)), URL, "esplora"
    )
    assert ticks.frame.height == 0
    assert "2" in ticks.notes[0]


def test_times_without_a_price_are_not_prices() -> None:
    document = _document(("2026-02-03T00:00", -1), ("2026-02-03T01:00", 5))
    document["prices"].append({"time": 1279497600, "USD": 0})
    ticks = parse_ticks(document, URL, "esplora")
    assert ticks.frame.height == 0
    assert ticks.notes == ("ticks without a price: 2",)


def test_the_close_of_a_day_is_never_known_before_its_midnight() -> None:
    hours = [
        (f"2026-02-0{day}T{hour:02d}:00", 100.0 * day + hour)
        for day in (2, 3)
        for hour in range(24)
    ]
    candles = parse_ticks(_document(*hours), URL, "esplora").frame
    import numpy as np

    starts = np.array([_at("2026-02-02"), _at("2026-02-03")])
    empty = pl.DataFrame(schema=DAILY_REFERENCE.schema)
    price, known_at = daily_price(empty, candles, starts)
    # the tick of 23:00 stands for the day's last hour
    assert price[0] == 223.0
    assert known_at[0] == _at("2026-02-03")
    assert np.isnan(price[1])


@pytest.mark.parametrize(
    ("document", "error", "place"),
    [
        ([], WrongSchema, r"\$: expected an object"),
        ({}, WrongSchema, r"\$\.prices: expected a list, found nothing"),
        ({"prices": [{"time": 1.5, "USD": 1}]}, WrongSchema, r"\$\.prices\[0\]\.time"),
        ({"prices": [{"time": 1, "USD": "1"}]}, WrongSchema, r"\$\.prices\[0\]\.USD"),
        ({"prices": [{"time": 1, "EUR": 1}]}, WrongSchema, r"\$\.prices\[0\]\.USD: .*nothing"),
        ({"prices": [{"time": 5, "USD": 1}]}, BadValue, "2009"),
        (
            {"prices": [{"time": 1700000000, "USD": 1}, {"time": 1700003600, "USD": 1}]},
            OutOfOrder,
            r"\$\.prices\[1\]\.time: expected a time not after",
        ),
        (
            {"prices": [{"time": 1700000000, "USD": 1}, {"time": 1700000000, "USD": 2}]},
            ConflictingRows,
            "expected one row",
        ),
    ],
)
def test_what_is_no_list_of_prices_is_named(
    document: object, error: type[Exception], place: str
) -> None:
    with pytest.raises(error, match=place) as told:
        parse_ticks(document, URL, "esplora")
    assert URL in str(told.value)


def test_a_tick_given_twice_counts_once() -> None:
    document = _document(("2026-02-03T00:00", 5), ("2026-02-03T01:00", 6))
    document["prices"].append(document["prices"][-1])
    assert parse_ticks(document, URL, "esplora").frame.height == 1


# into a lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", MAIN)


def _brought(lake: Lake, service: Any, now: str) -> SyncReport:
    clock = Clock(float(_at(now)))
    return sync(lake, ESPLORA, {"url": service.url, "rate": "6000"}, clock)


def _hours(count: int) -> list[dict[str, Any]]:
    start = _at("2026-02-03T00:00")
    prices = [{"time": start + HOUR * n, "USD": 76_000 + n} for n in range(count)]
    return prices[::-1]


def test_prices_come_into_the_lake_once_and_go_on(lake: Lake) -> None:
    with web.Service(web.Explorer([MAIN_GENESIS], prices=_hours(11))) as service:
        first = _brought(lake, service, "2026-02-03T10:05")
        assert first.error is None
        assert first.new["candles"] == 10
        asked = len(service.asked)
        again = _brought(first.lake, service, "2026-02-03T10:30")
        # an hour has not passed: prices are not asked for
        assert len(service.asked) == asked + 1
        assert again.lake.version == first.lake.version
        service.answer = web.Explorer([MAIN_GENESIS], prices=_hours(14))
        more = _brought(again.lake, service, "2026-02-03T13:05")
    assert more.new == {"candles": 3}
    rows = more.lake.frame("candles").sort("open_time")
    assert rows["close"].to_list() == [76_000.0 + n for n in range(13)]
    assert set(rows["market"]) == {MARKET}
    assert set(rows["source"]) == {"esplora"}


def test_a_tick_of_the_future_waits(lake: Lake) -> None:
    with web.Service(web.Explorer([MAIN_GENESIS], prices=_hours(11))) as service:
        report = _brought(lake, service, "2026-02-03T04:30")
    assert report.lake.frame("candles")["known_at"].max() == _at("2026-02-03T04:00")


def test_a_service_without_prices_brings_its_blocks_alone(lake: Lake) -> None:
    with web.Service(web.Explorer([MAIN_GENESIS], extended=False)) as service:
        report = _brought(lake, service, "2026-02-03T10:05")
    assert report.error is None
    assert set(report.new) == {"headers", "blocks"}


def test_bad_prices_leave_the_blocks_that_came_before(lake: Lake) -> None:
    with web.Service(web.Explorer([MAIN_GENESIS])) as service:
        real = service.answer

        def drifted(asking: Any) -> Any:
            reply = real(asking)
            return web.as_json([json.loads(reply.body)]) if "price" in asking.path else reply

        service.answer = drifted
        report = _brought(lake, service, "2026-02-03T10:05")
    assert isinstance(report.error, WrongSchema)
    assert report.lake.frame("blocks").height == 1
