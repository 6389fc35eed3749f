"""Coin Metrics' community API: daily series without a key.

``/timeseries/asset-metrics`` is read page by page. Each series goes on from the day after its last
value, so that one that is published later than the others is not lost. A day is asked for when it
is over.

A vendor revises. So the last days before are asked for again, and a value that differs from the
one held is brought as known when it was retrieved: who asks for a moment before gets the old one,
for what anyone could have used until then is the first.

Reference: Coin Metrics API v4 (docs.coinmetrics.io/api/v4), "Get asset metrics".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from hashcanary.chain.networks import MAIN
from hashcanary.moments import DAY, iso_day
from hashcanary.sources.errors import OutOfOrder
from hashcanary.sources.facts import DAILY_REFERENCE, Facts
from hashcanary.sources.feed import Asked, Batch, Feed, Held, Number, Setting
from hashcanary.sources.files.columns import Table
from hashcanary.sources.files.daily import COINMETRICS_VENDOR, checked_series, parse_daily
from hashcanary.sources.http.client import Http
from hashcanary.sources.http.json_documents import Node
from hashcanary.sources.http.line import Limits
from hashcanary.sources.services.settings import REPLAY, SHARED, client, url_and_rate

_NAMED = 5
_SUBJECT = list(DAILY_REFERENCE.subject)


@dataclass(frozen=True, slots=True)
class Revisions:
    """Tells news from what is held.

    reached: the last day held of each series; held: ``day``, ``vendor``, ``series``, ``value``, the
    newest values of the days that are asked for again.
    """

    reached: Mapping[str, date]
    held: pl.DataFrame

    @classmethod
    def of(cls, held: Held, source: str, start: date, reached: Mapping[str, date]) -> Revisions:
        """What a lake holds from a day on, as ``source`` told it last.

        A fact that several sources tell alike bears the name of one of them, so where none bears
        this one's name all are asked.
        """
        rows = pl.DataFrame(schema=DAILY_REFERENCE.schema)
        if held.daily_from is not None:
            rows = held.daily_from(start)
        ours = pl.col("source") == source
        rows = rows.filter(ours == ours.any().over(_SUBJECT))
        rows = rows.filter(pl.col("known_at") == pl.col("known_at").max().over(_SUBJECT))
        return cls(dict(reached), rows.select(*_SUBJECT, "value"))

    def news(self, rows: pl.DataFrame, at: int) -> tuple[pl.DataFrame, tuple[str, ...]]:
        """The rows that are not held, and what is to be said of those that were revised.

        rows: of DAILY_REFERENCE; at: Unix seconds, when they were retrieved.
        """
        last = {"series": list(self.reached), "reached": list(self.reached.values())}
        schema = {"series": pl.String(), "reached": pl.Date()}
        rows = rows.join(pl.DataFrame(last, schema), on="series", how="left", maintain_order="left")
        asked_again = (pl.col("day") <= pl.col("reached")).fill_null(value=False)
        fresh = rows.filter(~asked_again).drop("reached")
        revised = (
            rows.filter(asked_again)
            .drop("reached")
            .join(self.held, on=[*_SUBJECT, "value"], how="anti")
            .with_columns(
                pl.max_horizontal(pl.lit(at, pl.Int64), pl.col("known_at") + 1).alias("known_at")
            )
        )
        return pl.concat([fresh, revised]), _said(revised)


def _said(revised: pl.DataFrame) -> tuple[str, ...]:
    if revised.is_empty():
        return ()
    named = [f"{series} of {day}" for day, series in revised.select("day", "series").iter_rows()]
    more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
    return (f"revised by the vendor since they were brought: {', '.join(named[:_NAMED])}{more}",)


SOURCE = "coinmetrics-api"
PAGE_ROWS = 1000
FIRST_DAY = date(2009, 1, 3)
_MOST_PAGES = 1000
_MOST_SERIES = 50
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,39}")
_TOKEN = "next_page_token"
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})T00:00:00(\.0+)?Z?")


def series_names(text: str) -> tuple[str, ...]:
    """The names in a setting, separated by commas. Raises UsageError."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if len(names) > _MOST_SERIES or not all(_NAME.fullmatch(name) for name in names):
        expected = f"at most {_MOST_SERIES} names such as PriceUSD,HashRate"
        raise _SERIES.refused(expected, text, "They are listed at docs.coinmetrics.io.")
    return names


@dataclass(frozen=True, slots=True)
class DailyPage:
    """One page: days, as given; rows: of DAILY_REFERENCE; token: of the next page, if any."""

    days: tuple[date, ...]
    rows: pl.DataFrame
    notes: tuple[str, ...]
    token: str | None


def parse_page(document: object, url: str, names: Sequence[str]) -> DailyPage:
    """A page of the series ``names``; days without a value give no row.

    Raises WrongSchema, OutOfOrder, BadValue, ConflictingRows.
    """
    page = Node(document, url)
    token = page.at(_TOKEN).text("a token", 1000) if page.has(_TOKEN) else None
    days: list[date] = []
    values: dict[str, list[str | None]] = {name: [] for name in names}
    for node in page.at("data").items(PAGE_ROWS):
        if node.at("asset").text("the asset btc") != "btc":
            node.at("asset").fail("the asset btc")
        day = _day(node.at("time"))
        if days and day < days[-1]:
            raise _out_of_order(url, f"{node.path}.time", f"{days[-1]} or later", str(day))
        days.append(day)
        for name in names:
            values[name].append(_number(node.at(name)))
    if not days:
        return DailyPage((), pl.DataFrame(schema=DAILY_REFERENCE.schema), (), token)
    schema = {"day": pl.Date(), **dict.fromkeys(names, pl.String())}
    table = Table(url, pl.DataFrame({"day": days, **values}, schema), "row", 1)
    wide = pl.DataFrame([table.frame["day"]] + [checked_series(table, name) for name in names])
    parsed = parse_daily(SOURCE, table, wide, COINMETRICS_VENDOR, SOURCE)
    gaps = (f"days missing: {', '.join(parsed.coverage.gaps)}",) if parsed.coverage.gaps else ()
    return DailyPage(tuple(days), parsed.facts[0].frame, gaps, token)


def _out_of_order(url: str, path: str, expected: str, found: str) -> OutOfOrder:
    return OutOfOrder(url=url, path=path, expected=expected, found=found)


def _day(node: Node) -> date:
    found = _TIME.fullmatch(node.text("a time", 40))
    try:
        day = date.fromisoformat(found.group(1)) if found else None
    except ValueError:
        day = None
    if day is None or not FIRST_DAY <= day < date(2106, 1, 1):
        node.fail("a UTC day from 2009 on, such as 2026-02-03T00:00:00.000000000Z")
    return day


def _number(node: Node) -> str | None:
    """A value as text, for the column's own check; numbers come as text, rarely as numbers."""
    if node.value is None:
        return None
    if isinstance(node.value, str):
        return node.text("a number", 60)
    return repr(node.real("a number"))


def series_batches(asked: Asked, http: Http, names: Sequence[str], again: int) -> Iterator[Batch]:
    """Every series from where it stopped to yesterday; those that stopped alike, together.

    again: how many days before where it stopped are asked for once more.
    """
    yesterday = date.fromisoformat(iso_day(int(asked.clock.now()) - DAY))
    reached = _reached(asked)
    starts: dict[date, list[str]] = {}
    for name in names:
        start = FIRST_DAY
        if name in reached:
            start = max(reached[name] + timedelta(days=1 - again), FIRST_DAY)
        if start <= yesterday:
            starts.setdefault(start, []).append(name)
    for start, group in sorted(starts.items()):
        revisions = Revisions.of(asked.held, SOURCE, start, reached)
        yield from _group_batches(http, group, (start, yesterday), reached, revisions)


def _reached(asked: Asked) -> dict[str, date]:
    """The last day with a value of each series, from the cursor."""
    kept = asked.cursor.get("reached")
    if not isinstance(kept, dict):
        return {}
    return {str(name): date.fromisoformat(str(day)) for name, day in kept.items()}


def _group_batches(
    http: Http,
    names: Sequence[str],
    span: tuple[date, date],
    reached: dict[str, date],
    revisions: Revisions,
) -> Iterator[Batch]:
    """The pages of one question. ``reached`` is brought up to date with each batch."""
    start, end = span
    params = {
        "assets": "btc",
        "metrics": ",".join(names),
        "frequency": "1d",
        "start_time": start.isoformat(),
        "end_time": end.isoformat(),
        "paging_from": "start",
        "page_size": str(PAGE_ROWS),
        # a series that is not free must not hide the others
        "ignore_forbidden_errors": "true",
        "ignore_unsupported_errors": "true",
    }
    total, last, given = (end - start).days + 1, start - timedelta(days=1), set[str]()
    tokens: set[str] = set()
    notes: tuple[str, ...] = ()
    while True:
        answer = http.get("timeseries/asset-metrics", params)
        page = parse_page(answer.json(), answer.url, names)
        last = _within(answer.url, page.days, last, end)
        for name, day in page.rows.group_by("series").agg(pl.col("day").max()).iter_rows():
            given.add(name)
            reached[name] = max(day, reached.get(name, day))
        rows, revised = revisions.news(page.rows, int(answer.at))
        notes = (*notes, *page.notes, *revised)
        if page.token is None:
            notes = (*notes, *_absent(names, given))
        if rows.height:
            kept = {name: day.isoformat() for name, day in sorted(reached.items())}
            facts = (Facts(DAILY_REFERENCE, rows),)
            yield Batch(facts, {"reached": kept}, (last - start).days + 1, total, "days", notes)
            notes = ()
        if page.token is None:
            return
        if page.token in tokens or len(tokens) >= _MOST_PAGES:
            raise _out_of_order(answer.url, f"$.{_TOKEN}", "a new token", "one seen before")
        tokens.add(page.token)
        params[_TOKEN] = page.token


def _within(url: str, days: Sequence[date], last: date, end: date) -> date:
    """The last of ``days``, which must follow ``last`` and not go beyond ``end``."""
    if not days:
        return last
    if days[0] <= last:
        raise _out_of_order(url, "$.data[0].time", f"a day after {last}", str(days[0]))
    if days[-1] > end:
        raise _out_of_order(url, "$.data[-1].time", f"days up to {end}, as asked", str(days[-1]))
    return days[-1]


def _absent(names: Sequence[str], given: set[str]) -> tuple[str, ...]:
    none = [name for name in names if name not in given]
    return (f"series without a value, or not free of charge: {', '.join(none)}",) if none else ()


# the community API allows 10 requests in 6 seconds
_URL, _RATE = url_and_rate("https://community-api.coinmetrics.io/v4", 60)
_SERIES = Setting(
    "series",
    "names of series, separated by commas",
    "PriceUSD,HashRate,FeeTotNtv,IssTotNtv,BlkCnt,DiffMean,SplyCur",
)
_REVISE = Number(
    "revise",
    "days before the last one held that are asked for again at each sync (never in a replay): "
    "a value that was revised is brought as known from then on, the old one stays before",
    "7",
    high=100_000,
)
_POLL = Number("poll", "seconds between questions while the tip is followed", "3600", low=60)
_LIMITS = Limits(body=32 << 20)


def batches(asked: Asked) -> Iterator[Batch]:
    """Each series from where it stopped to yesterday, and what was revised shortly before."""
    names = series_names(_SERIES.text(asked.settings))
    again = _REVISE.whole(asked.settings)
    if REPLAY.text(asked.settings):
        again = 0  # what was kept answers what was asked then, and nothing else
    if asked.held.network != MAIN:
        return
    with client(asked, "coinmetrics", _LIMITS, _URL.text(asked.settings), _RATE) as http:
        yield from series_batches(asked, http, names, again)


COINMETRICS_API = Feed(
    name="coinmetrics",
    title="Coin Metrics community API",
    gives=("daily_reference",),
    settings=(_URL, _RATE, *SHARED, _SERIES, _REVISE, _POLL),
    batches=batches,
    wait=_POLL.pause,
    example=(
        "# daily prices and counts; every answer is kept, to be read again without the network\n"
        "hashcanary sync --source coinmetrics -o save=~/answers\n"
        "hashcanary sync --source coinmetrics -o replay=~/answers"
    ),
    costs=(
        "The whole history of the default series is 7 requests and about 1.5 MB, seconds at 60 "
        "requests a minute; afterwards one request a sync, for what is new and for the last week "
        "again: the vendor revises, and a revised value is known from the moment it was retrieved. "
        "The data are free for non-commercial use (CC BY-NC 4.0) and may not be passed on "
        "otherwise."
    ),
)
