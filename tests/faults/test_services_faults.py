"""Feeds of services under faults: what failed is named, what came before stays, nothing is twice.

Each fault is put before each request of a sync in turn. Afterwards the service is well again, and
the sync that follows must end at the tables of a sync that met no fault.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support import http_service as web
from support.clocks import Clock
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.networks import MAIN, REGTEST, Network
from hashcanary.errors import Exit
from hashcanary.sources.catalogue import coinmetrics_api, esplora
from hashcanary.sources.errors import (
    AnswerTooLarge,
    BadValue,
    CutBody,
    OutOfOrder,
    RateLimited,
    Redirected,
    Refused,
    Unreachable,
    WrongSchema,
)
from hashcanary.sources.feed import Feed
from hashcanary.sources.http.line import Limits
from hashcanary.store.lake import Lake
from hashcanary.store.syncing import SyncReport, sync
from hashcanary.store.verify import verify

TABLES = ("headers", "blocks", "pool_labels", "daily_reference", "candles")
SHORT = Limits(read=0.4, total=0.8, tries=2, body=200_000)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """A feed, its network, and a service that is well."""

    feed: Feed
    network: Network
    answer: Callable[[Any], Any]
    settings: dict[str, str]


@pytest.fixture(autouse=True)
def _short_time_outs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(esplora, "_LIMITS", SHORT)
    monkeypatch.setattr(coinmetrics_api, "_LIMITS", SHORT)


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    """Both feeds over HTTP; each needs five requests."""
    explorer = web.Explorer([REGTEST_GENESIS, *grow(60)])

    def vendor(asking: Any) -> Any:
        """Fifty days, ten a page; a token is the day that the next page begins with."""
        first = asking.query.get("next_page_token", asking.query["start_time"])
        days = [f"{FIRST + timedelta(days=n):%Y-%m-%d}" for n in range(50)]
        left = [day for day in days if day >= first]
        rows = [
            {"asset": "btc", "time": f"{day}T00:00:00.000000000Z", "PriceUSD": day.replace("-", "")}
            for day in left[:10]
        ]
        return web.as_json({"data": rows} | ({"next_page_token": left[10]} if left[10:] else {}))

    return {
        "esplora": Case(esplora.ESPLORA, REGTEST, explorer, {"from": "0"}),
        "coinmetrics": Case(coinmetrics_api.COINMETRICS_API, MAIN, vendor, {"series": "PriceUSD"}),
    }


def _run(case: Case, lake: Lake, service: Any) -> SyncReport:
    settings = {"url": service.url, "rate": "6000"} | case.settings
    return sync(lake, case.feed, settings, Clock(FIRST.timestamp() + 60 * 86_400))


def _tables(lake: Lake) -> dict[str, pl.DataFrame]:
    frames = {name: lake.frame(name) for name in TABLES}
    return {name: frame.sort(frame.columns) for name, frame in frames.items()}


@dataclass(frozen=True)
class Clean:
    """What a sync without a fault gives, and how many requests it needs."""

    tables: dict[str, pl.DataFrame]
    needed: int

    def same(self, lake: Lake) -> bool:
        mine = _tables(lake)
        return all(mine[name].equals(self.tables[name]) for name in TABLES)


@pytest.fixture(scope="module")
def clean(cases: dict[str, Case], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Clean]:
    found = {}
    for name, case in cases.items():
        lake = Lake.create(tmp_path_factory.mktemp("clean") / "lake", case.network)
        with web.Service(case.answer) as service:
            report = _run(case, lake, service)
            assert report.error is None
            assert verify(report.lake.home).sound
            found[name] = Clean(_tables(report.lake), len(service.asked))
    return found


def _faults() -> dict[str, tuple[Callable[[Any], Any], type[Exception]]]:
    """By name: what a fault makes of a good answer, and the error it must end in."""

    def changed(edit: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda reply: web.as_json(edit(json.loads(reply.body)))

    def rows(document: Any) -> list[Any]:
        found: list[Any] = document if isinstance(document, list) else document["data"]
        return found

    def renamed(document: Any) -> Any:
        for row in rows(document):
            for old, new in (("timestamp", "blocktime"), ("time", "date")):
                if old in row:
                    row[new] = row.pop(old)
        return document

    def turned(document: Any) -> Any:
        rows(document).reverse()
        return document

    def forged(document: Any) -> Any:
        row = rows(document)[0]
        if "nonce" in row:
            row["nonce"] ^= 1
        else:
            row["PriceUSD"] = "-1"
        return document

    how = {
        kind: lambda reply, kind=kind: web.Reply(reply.body, how=kind)
        for kind in ("silent", "hang", "cut", "drip", "endless")
    }
    status = {
        code: lambda _, code=code: web.Reply(b"no", code) for code in (403, 404, 429, 500, 503)
    }
    bomb = gzip.compress(bytes(30_000_000))
    return {
        "silent": (how["silent"], Unreachable),
        "stops halfway": (how["hang"], Unreachable),
        "drips": (how["drip"], Unreachable),
        "cut body": (how["cut"], CutBody),
        "endless body": (how["endless"], AnswerTooLarge),
        "huge body": (lambda _: web.Reply(b" " * 300_000), AnswerTooLarge),
        "bomb": (lambda _: web.Reply(bomb, headers={"Content-Encoding": "gzip"}), AnswerTooLarge),
        "429": (status[429], RateLimited),
        "429, wait": (lambda _: web.Reply(status=429, headers={"Retry-After": "30"}), RateLimited),
        "429, long": (
            lambda _: web.Reply(status=429, headers={"Retry-After": "9999"}),
            RateLimited,
        ),
        "500": (status[500], Unreachable),
        "503": (status[503], Unreachable),
        "403": (status[403], Refused),
        "elsewhere": (
            lambda _: web.Reply(status=301, headers={"Location": "http://198.51.100.1/"}),
            Redirected,
        ),
        "a page of HTML": (
            lambda _: web.Reply(b"<html>", headers={"Content-Type": "text/html"}),
            WrongSchema,
        ),
        "no UTF-8": (lambda reply: web.Reply(reply.body.replace(b'"', b"\xff", 1)), WrongSchema),
        "half the JSON": (
            lambda reply: web.Reply(reply.body[: len(reply.body) // 2]),
            WrongSchema,
        ),
        "nothing": (lambda _: web.Reply(b""), WrongSchema),
        "deep": (lambda _: web.Reply(b"[" * 90_000), WrongSchema),
        "another document": (lambda _: web.as_json({"error": "x"}), WrongSchema),
        "schema drift": (changed(renamed), WrongSchema),
        "out of order": (changed(turned), OutOfOrder),
        "forged": (changed(forged), BadValue),
    }


NAMES = (
    *("silent", "stops halfway", "drips", "cut body", "endless body", "huge body", "bomb", "429"),
    *("429, wait", "429, long", "500", "503", "403", "elsewhere", "a page of HTML", "no UTF-8"),
    *("half the JSON", "nothing", "deep", "another document", "schema drift", "out of order"),
    "forged",
)


def test_every_fault_has_its_test() -> None:
    assert set(NAMES) == set(_faults())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("feed", ["esplora", "coinmetrics"])
def test_a_fault_that_stays_is_named_and_what_came_before_is_kept(
    cases: dict[str, Case], clean: dict[str, Clean], tmp_path: Path, feed: str, name: str
) -> None:
    case = cases[feed]
    damage, error = _faults()[name]
    needed = clean[feed].needed
    lake = Lake.create(tmp_path / "lake", case.network)
    with web.Service(case.answer) as service:
        # well for all requests but the last two
        def failing(asking: Any) -> Any:
            reply = case.answer(asking)
            return reply if len(service.asked) <= needed - 2 else damage(reply)

        service.answer = failing
        report = _run(case, lake, service)
        assert isinstance(report.error, error)
        assert report.error.exit_code == Exit.SOURCE
        assert service.url in str(report.error)
        before = sum(frame.height for frame in _tables(report.lake).values())
        assert before > 0
        service.answer = case.answer
        resumed = _run(case, report.lake, service)
    assert resumed.error is None
    assert clean[feed].same(resumed.lake)


@pytest.mark.parametrize("feed", ["esplora", "coinmetrics"])
def test_a_fault_that_passes_is_not_noticed_in_the_tables(
    cases: dict[str, Case], clean: dict[str, Clean], tmp_path: Path, feed: str
) -> None:
    case = cases[feed]
    faults = _faults()
    passing = ("cut body", "429", "429, wait", "500", "503", "silent")
    needed, met = clean[feed].needed, 0
    for number, name in enumerate(passing):
        with web.Service(case.answer) as service:

            def once(asking: Any, number: int = number, name: str = name) -> Any:
                reply = case.answer(asking)
                here = len(service.asked) == 1 + number % needed
                return faults[name][0](reply) if here else reply

            service.answer = once
            lake = Lake.create(tmp_path / f"lake{number}", case.network)
            report = _run(case, lake, service)
            met += len(service.asked) > needed
        assert report.error is None
        assert clean[feed].same(report.lake)
    assert met == len(passing)


@pytest.mark.parametrize("feed", ["esplora", "coinmetrics"])
def test_cut_off_before_any_request_and_resumed_gives_the_same_tables(
    cases: dict[str, Case], clean: dict[str, Clean], tmp_path: Path, feed: str
) -> None:
    case = cases[feed]
    with web.Service(case.answer) as service:
        for stop in range(1, clean[feed].needed + 1):
            lake = Lake.create(tmp_path / f"lake{stop}", case.network)
            begun = len(service.asked)

            def cut(asking: Any, begun: int = begun, stop: int = stop) -> Any:
                refuse = len(service.asked) - begun >= stop
                return web.Reply(b"no", 403) if refuse else case.answer(asking)

            service.answer = cut
            partly = _run(case, lake, service)
            assert isinstance(partly.error, Refused)
            service.answer = case.answer
            resumed = _run(case, partly.lake, service)
            assert resumed.error is None
            assert clean[feed].same(resumed.lake)
            again = _run(case, resumed.lake, service)
            assert again.lake.version == resumed.lake.version


@pytest.mark.parametrize("feed", ["esplora", "coinmetrics"])
def test_a_user_who_stops_it_loses_nothing_that_came(
    cases: dict[str, Case], clean: dict[str, Clean], tmp_path: Path, feed: str
) -> None:
    case = cases[feed]

    with web.Service(case.answer) as service:
        lake = Lake.create(tmp_path / "lake", case.network)
        settings = {"url": service.url, "rate": "60"} | case.settings
        now = FIRST.timestamp() + 60 * 86_400
        clock = Clock(now, waits_left=1, at_end=KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            sync(lake, case.feed, settings, clock)
        kept = Lake.open(lake.home)
        assert sum(frame.height for frame in _tables(kept).values()) > 0
        resumed = _run(case, kept, service)
    assert clean[feed].same(resumed.lake)
