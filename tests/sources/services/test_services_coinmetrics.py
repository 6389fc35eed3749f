"""Coin Metrics' API: pages as published, series that go on from where they stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support import http_service as web
from support.clocks import Clock

from hashcanary.chain.networks import MAIN, REGTEST
from hashcanary.errors import UsageError
from hashcanary.moments import parse_moment
from hashcanary.sources.catalogue.coinmetrics_api import COINMETRICS_API, parse_page
from hashcanary.sources.errors import BadValue, ConflictingRows, OutOfOrder, Refused, WrongSchema
from hashcanary.sources.facts import DAILY_REFERENCE
from hashcanary.sources.files.reading import read
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.recording import record_of
from hashcanary.store.status import status
from hashcanary.store.syncing import SyncReport, sync
from hashcanary.store.verify import verify

URL = "https://community-api.coinmetrics.io/v4/timeseries/asset-metrics"
# values of July 2010 as Coin Metrics publishes them
PUBLISHED = {
    "data": [
        {"asset": "btc", "time": "2010-07-18T00:00:00.000000000Z", "PriceUSD": "0.08584"},
        {"asset": "btc", "time": "2010-07-19T00:00:00.000000000Z", "PriceUSD": "0.0808"},
        {"asset": "btc", "time": "2010-07-20T00:00:00.000000000Z", "PriceUSD": None},
    ],
    "next_page_token": "0.MjAxMC0wNy0xOVQwMDowMDowMFo",
    "next_page_url": f"{URL}?assets=btc",
}


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def test_a_page_as_published_gives_days_known_when_they_are_over() -> None:
    page = parse_page(PUBLISHED, URL, ["PriceUSD"])
    assert page.rows.schema == DAILY_REFERENCE.schema
    assert page.rows.select("day", "series", "value", "known_at").rows() == [
        (date(2010, 7, 18), "PriceUSD", 0.08584, _midnight(date(2010, 7, 19))),
        (date(2010, 7, 19), "PriceUSD", 0.0808, _midnight(date(2010, 7, 20))),
    ]
    assert set(page.rows["vendor"]) == {"coinmetrics"}
    assert set(page.rows["source"]) == {"coinmetrics-api"}
    assert page.token == PUBLISHED["next_page_token"]


def _page(*rows: object) -> dict[str, object]:
    return {"data": list(rows)}


def _row(day: str = "2026-02-03", **values: object) -> dict[str, object]:
    return {"asset": "btc", "time": f"{day}T00:00:00.000000000Z"} | values


@pytest.mark.parametrize(
    ("document", "error", "place"),
    [
        ([], WrongSchema, r"\$: expected an object"),
        ({"error": {"type": "x"}}, WrongSchema, r"\$\.data: expected a list, found nothing"),
        (_page(5), WrongSchema, r"\$\.data\[0\]: expected an object"),
        (_page(_row() | {"asset": "eth"}), WrongSchema, r"\$\.data\[0\]\.asset"),
        (_page(_row() | {"time": 1770076800}), WrongSchema, r"\$\.data\[0\]\.time"),
        (_page(_row() | {"time": "2026-02-03T01:00:00Z"}), WrongSchema, "expected a UTC day"),
        (_page(_row("2026-02-30")), WrongSchema, "expected a UTC day"),
        (_page(_row("1999-01-01")), WrongSchema, "expected a UTC day"),
        (_page(_row(PriceUSD=[1])), WrongSchema, r"\$\.data\[0\]\.PriceUSD: expected a number"),
        (_page(_row(PriceUSD="n/a")), BadValue, "column PriceUSD: expected a number"),
        (_page(_row(PriceUSD="-1")), BadValue, "a price above zero"),
        (_page(_row(PriceUSD="inf")), BadValue, "finite"),
        (_page(_row("2026-02-03"), _row("2026-02-02")), OutOfOrder, r"\$\.data\[1\]\.time"),
        (_page(_row(PriceUSD="1"), _row(PriceUSD="2")), ConflictingRows, "expected one row"),
        ({"data": [], "next_page_token": 7}, WrongSchema, r"\$\.next_page_token"),
    ],
)
def test_schema_drift_and_values_that_cannot_be_are_named(
    document: object, error: type[Exception], place: str
) -> None:
    with pytest.raises(error, match=place) as told:
        parse_page(document, URL, ["PriceUSD"])
    assert URL in str(told.value)


def test_a_day_given_twice_counts_once() -> None:
    page = parse_page(_page(_row(PriceUSD="5"), _row(PriceUSD="5")), URL, ["PriceUSD"])
    assert page.rows.height == 1


# into a lake


@dataclass
class Vendor:
    """Answers as the API: its own pages of ``size`` rows, tokens that name the next day."""

    web: Any
    last: dict[str, date]
    size: int = 1000
    first: date = date(2009, 1, 3)
    free: frozenset[str] = field(default_factory=lambda: frozenset({"PriceUSD", "HashRate"}))
    revised: dict[tuple[str, date], str | None] = field(default_factory=dict)

    def __call__(self, asking: Any) -> Any:
        query = asking.query
        assert asking.path == "/api/timeseries/asset-metrics"
        assert (query["assets"], query["frequency"], query["paging_from"]) == ("btc", "1d", "start")
        names = [name for name in query["metrics"].split(",") if name in self.free]
        day = max(date.fromisoformat(query.get("next_page_token", query["start_time"])), self.first)
        end = min(date.fromisoformat(query["end_time"]), max(self.last.values()))
        rows = []
        while day <= end and len(rows) < self.size:
            values = {name: self.value(name, day) for name in names if day <= self.last[name]}
            rows.append(_row(str(day), **values))
            day += timedelta(days=1)
        more = {"next_page_token": str(day), "next_page_url": "x"} if day <= end else {}
        return self.web.as_json({"data": rows} | more)

    def value(self, name: str, day: date) -> str | None:
        if (name, day) in self.revised:
            return self.revised[name, day]
        number = day.toordinal() - 700_000
        return None if name == "PriceUSD" and day < date(2010, 7, 18) else f"{number}.25"


NOON = date(2026, 2, 4)
YESTERDAY = date(2026, 2, 3)


@pytest.fixture
def bring() -> Callable[..., SyncReport]:
    def run(lake: Lake, service: Any, day: date = NOON, **settings: str) -> SyncReport:
        told = {"url": service.url, "rate": "6000", "series": "PriceUSD,HashRate"} | settings
        return sync(lake, COINMETRICS_API, told, Clock(_midnight(day) + 43_200.0))

    return run


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", MAIN)


def _both(day: date) -> dict[str, date]:
    return {"PriceUSD": day, "HashRate": day}


def test_the_whole_history_comes_page_by_page_and_once(
    lake: Lake, bring: Callable[..., SyncReport]
) -> None:
    with web.Service(Vendor(web, _both(YESTERDAY))) as service:
        report = bring(lake, service)
        assert report.error is None
        asked = len(service.asked)
        again = bring(report.lake, service, revise="0")
        # yesterday is held, and today is not over: there is nothing to ask for
        assert len(service.asked) == asked
    rows = report.lake.frame("daily_reference")
    days = (YESTERDAY - date(2009, 1, 3)).days + 1
    assert asked == -(-days // 1000)
    assert rows.filter(pl.col("series") == "HashRate").height == days
    assert rows.filter(pl.col("series") == "PriceUSD")["day"].min() == date(2010, 7, 18)
    assert again.lake.version == report.lake.version


def test_a_series_that_is_late_goes_on_from_its_own_last_day(
    lake: Lake, bring: Callable[..., SyncReport]
) -> None:
    late = {"PriceUSD": YESTERDAY, "HashRate": YESTERDAY - timedelta(days=2)}
    with web.Service(Vendor(web, late)) as service:
        report = bring(lake, service)
        asked = len(service.asked)
        service.answer = Vendor(web, _both(YESTERDAY))
        report = bring(report.lake, service, revise="0")
        (last,) = service.asked[asked:]
    assert report.new == {"daily_reference": 2}
    assert last.query["metrics"] == "HashRate"
    assert last.query["start_time"] == "2026-02-02"


# what the vendor revises

REVISED = YESTERDAY - timedelta(days=3)
TOMORROW = NOON + timedelta(days=1)
RETRIEVED = _midnight(NOON) + 43_200
FIRST = Vendor(None, {}).value("HashRate", REVISED)


def _revising(last: date = YESTERDAY, value: str | None = "7.5") -> Vendor:
    return Vendor(web, _both(last), revised={("HashRate", REVISED): value})


def _hashrates(lake: Lake, moment: str | None = None) -> dict[date, tuple[float, int]]:
    """By day what a record has: the value, and when it was known."""
    daily = record_of(lake, None if moment is None else parse_moment(moment)).daily
    rows = daily.filter(pl.col("series") == "HashRate")
    return {day: (value, at) for day, value, at in rows.select("day", "value", "known_at").rows()}


@pytest.fixture
def revised(lake: Lake, bring: Callable[..., SyncReport]) -> tuple[SyncReport, SyncReport]:
    """A sync two days ago, and one now, after a day between was revised."""
    with web.Service(Vendor(web, _both(YESTERDAY - timedelta(days=2)))) as service:
        before = bring(lake, service, NOON - timedelta(days=2))
        service.answer = _revising()
        return before, bring(before.lake, service)


def test_a_revised_value_is_known_from_its_retrieval_on_and_the_old_one_before(
    revised: tuple[SyncReport, SyncReport],
) -> None:
    before, after = revised
    assert after.error is None
    # two new days of two series, and what was revised
    assert after.new == {"daily_reference": 5}
    assert f"revised by the vendor since they were brought: HashRate of {REVISED}" in after.notes
    assert _hashrates(after.lake)[REVISED] == (7.5, RETRIEVED)
    old = (float(str(FIRST)), _midnight(REVISED + timedelta(days=1)))
    for moment in (str(REVISED), str(YESTERDAY), "2026-02-04T11:59:59Z"):
        assert _hashrates(after.lake, moment)[REVISED] == old
    assert _hashrates(after.lake, "2026-02-04T12:00:00Z")[REVISED] == (7.5, RETRIEVED)
    assert REVISED not in _hashrates(after.lake, str(REVISED - timedelta(days=1)))
    # all else is as it was
    unrevised = _hashrates(before.lake)
    found = _hashrates(after.lake)
    assert {day: found[day] for day in unrevised if day != REVISED} == {
        day: told for day, told in unrevised.items() if day != REVISED
    }


def test_what_a_vendor_revised_is_no_disagreement_of_sources(
    revised: tuple[SyncReport, SyncReport],
) -> None:
    told = status(revised[1].lake)
    assert told.disagreements == ()
    assert verify(revised[1].lake.home).findings == ()


def test_values_that_are_as_they_were_make_no_version(
    revised: tuple[SyncReport, SyncReport], bring: Callable[..., SyncReport]
) -> None:
    lake = revised[1].lake
    with web.Service(_revising()) as service:
        for day in (NOON, TOMORROW):
            again = bring(lake, service, day)
            assert (again.error, again.versions, again.notes) == (None, 0, ())
            assert service.asked[-1].query["start_time"] == str(YESTERDAY - timedelta(days=6))
    assert len(service.asked) == 2


def test_a_value_that_is_taken_back_is_a_revision_too(
    revised: tuple[SyncReport, SyncReport], bring: Callable[..., SyncReport]
) -> None:
    with web.Service(Vendor(web, _both(YESTERDAY))) as service:
        report = bring(revised[1].lake, service, TOMORROW)
    assert report.new == {"daily_reference": 1}
    assert _hashrates(report.lake)[REVISED] == (float(str(FIRST)), RETRIEVED + 86_400)
    assert _hashrates(report.lake, str(NOON))[REVISED] == (7.5, RETRIEVED)


def test_a_day_that_was_left_out_is_known_only_since_it_was_given(
    lake: Lake, bring: Callable[..., SyncReport]
) -> None:
    with web.Service(_revising(value=None)) as service:
        report = bring(lake, service)
        assert REVISED not in _hashrates(report.lake)
        service.answer = _revising()
        report = bring(report.lake, service, TOMORROW)
    assert _hashrates(report.lake)[REVISED] == (7.5, RETRIEVED + 86_400)
    assert REVISED not in _hashrates(report.lake, str(NOON))


@pytest.mark.parametrize(("revise", "finds"), [("3", False), ("4", True), ("4000", True)])
def test_so_many_days_are_asked_again(
    lake: Lake, bring: Callable[..., SyncReport], revise: str, finds: bool
) -> None:
    with web.Service(Vendor(web, _both(YESTERDAY))) as service:
        report = bring(lake, service)
        service.answer = _revising()
        report = bring(report.lake, service, revise=revise)
    assert report.error is None
    assert (_hashrates(report.lake)[REVISED][0] == 7.5) is finds
    assert report.versions == finds


def test_a_file_of_the_same_values_does_not_hide_a_revision(
    lake: Lake, tmp_path: Path, bring: Callable[..., SyncReport]
) -> None:
    """A fact that a file and the API tell alike bears the file's name where that comes first."""
    days = [YESTERDAY - timedelta(days=back) for back in range(20, -1, -1)]
    vendor = Vendor(web, _both(YESTERDAY))
    lines = [f"{day},{vendor.value('HashRate', day)},1,1" for day in days]
    (tmp_path / "a.csv").write_text("\n".join(["time,HashRate,BlkCnt,DiffMean", *lines, ""]))
    with web.Service(vendor) as service:
        report = bring(load(lake, [tmp_path / "a.csv"]).lake, service)
        service.answer = _revising(last=NOON)
        again = bring(report.lake, service, TOMORROW)
        assert bring(again.lake, service, TOMORROW).versions == 0
    assert again.new == {"daily_reference": 3}
    assert _hashrates(again.lake)[REVISED] == (7.5, RETRIEVED + 86_400)
    assert _hashrates(again.lake, str(NOON))[REVISED][0] == float(str(FIRST))


def test_a_replay_asks_for_nothing_again(
    lake: Lake, tmp_path: Path, bring: Callable[..., SyncReport]
) -> None:
    kept = str(tmp_path / "kept")
    with web.Service(Vendor(web, _both(YESTERDAY))) as service:
        report = bring(lake, service, save=kept)
        again = bring(report.lake, service, replay=kept)
    assert (again.error, again.versions) == (None, 0)


@pytest.mark.parametrize("revise", ["-1", "many", "1e3", "100001"])
def test_a_number_of_days_that_is_none_is_named(
    lake: Lake, bring: Callable[..., SyncReport], revise: str
) -> None:
    with web.Service(Vendor(web, _both(YESTERDAY))) as service:
        report = bring(lake, service, revise=revise)
    assert isinstance(report.error, UsageError)
    assert "revise" in str(report.error)


def test_a_series_that_is_not_free_is_said_and_hides_no_other(
    lake: Lake, bring: Callable[..., SyncReport]
) -> None:
    with web.Service(Vendor(web, _both(YESTERDAY))) as service:
        report = bring(lake, service, series="PriceUSD,FeeTotUSD")
    assert report.error is None
    assert "series without a value, or not free of charge: FeeTotUSD" in report.notes
    assert set(report.lake.frame("daily_reference")["series"]) == {"PriceUSD"}


def test_an_answer_cut_in_half_leaves_the_pages_before_it_and_goes_on(
    lake: Lake, bring: Callable[..., SyncReport]
) -> None:
    with web.Service(Vendor(web, _both(YESTERDAY))) as service:
        clean = bring(Lake.create(lake.home.parent / "clean", MAIN), service)
        vendor = service.answer

        def refusing(asking: Any) -> Any:
            page = vendor(asking)
            stop = asking.query.get("next_page_token", "") > "2015"
            return web.Reply(b"no more today", 403) if stop else page

        service.answer = refusing
        cut = bring(lake, service)
        assert isinstance(cut.error, Refused)
        assert 0 < cut.new["daily_reference"] < clean.new["daily_reference"]
        service.answer = vendor
        resumed = bring(cut.lake, service)
    assert resumed.error is None
    found, expected = (
        one.lake.frame("daily_reference").sort("day", "series") for one in (resumed, clean)
    )
    assert found.equals(expected)


@pytest.mark.parametrize(
    ("pages", "path"),
    [
        ([_page(_row("2026-02-01")) | {"next_page_token": "a"}] * 2, r"\$\.data\[0\]\.time"),
        ([{"data": [], "next_page_token": "a"}] * 2, r"\$\.next_page_token"),
        ([_page(_row("2026-02-04", PriceUSD="1"))], r"\$\.data\[-1\]\.time"),
    ],
)
def test_pages_that_repeat_or_go_beyond_are_out_of_order(
    lake: Lake, bring: Callable[..., SyncReport], pages: list[object], path: str
) -> None:
    with web.Service(lambda _: web.Reply(status=404)) as service:
        service.faults.extend(web.as_json(page) for page in pages)
        report = bring(lake, service, series="PriceUSD")
    assert isinstance(report.error, OutOfOrder)
    assert path.replace("\\", "") in str(report.error)


def test_other_networks_have_no_prices(tmp_path: Path, bring: Callable[..., SyncReport]) -> None:
    with web.Service(Vendor(web, _both(YESTERDAY))) as service:
        report = bring(Lake.create(tmp_path / "lake", REGTEST), service)
        assert service.asked == []
    assert report.error is None


@pytest.mark.parametrize(
    "series", ["Price USD", "a" * 41, ",", "x;y", "1d", ",".join(f"s{n}" for n in range(51))]
)
def test_names_that_are_none_are_refused(
    lake: Lake, bring: Callable[..., SyncReport], series: str
) -> None:
    with web.Service(lambda _: web.Reply()) as service:
        report = bring(lake, service, series=series)
    assert isinstance(report.error, UsageError)


def test_the_api_gives_the_values_of_the_vendors_own_file(
    lake: Lake, real_data: Path, bring: Callable[..., SyncReport]
) -> None:
    path = real_data / "daily" / "coinmetrics_btc_20200101_20260205.csv"
    file = (
        read(path)
        .facts[0]
        .frame.filter(pl.col("series").is_in(["PriceUSD", "HashRate"]), pl.col("day") <= YESTERDAY)
    )
    wide = file.pivot("series", index="day", values="value").sort("day")
    rows = [
        _row(str(row["day"]), PriceUSD=repr(row["PriceUSD"]), HashRate=repr(row["HashRate"]))
        for row in wide.iter_rows(named=True)
    ]

    def vendor(asking: Any) -> Any:
        at = int(asking.query.get("next_page_token", 0))
        more = {"next_page_token": str(at + 1000)} if at + 1000 < len(rows) else {}
        return web.as_json({"data": rows[at : at + 1000]} | more)

    with web.Service(vendor) as service:
        report = bring(lake, service)
    assert report.error is None
    columns = ["day", "series", "value", "vendor", "known_at"]
    found = report.lake.frame("daily_reference").select(columns).sort("day", "series")
    assert found.equals(file.select(columns).sort("day", "series"))
