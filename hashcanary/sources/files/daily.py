"""Vendors' daily series: from one column a series to one row a value.

Hours, or shorter spans, become UTC days: the mean of a day that is whole, never of a part. A clock
that is set forward skips an hour, one that is set back repeats one: in UTC every day has 24. A day
that lacks a row, or a value in one, has no mean; the coverage report names it.

Series of power have names that say their units. A price in another unit than its name says is not
taken: no grid has had prices of hours beyond these limits (Texas' cap was 9,000 USD/MWh in 2021,
Australia's is below 15,000; floors are -1,000 or higher), and no grid's prices stay below 1
USD/MWh, as they would if they were per kWh.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from hashcanary.moments import DAY, iso_day
from hashcanary.sources.errors import EmptyFile
from hashcanary.sources.facts import DAILY_REFERENCE, Coverage, Parsed
from hashcanary.sources.files.columns import EARLIEST, LATEST, Table, missing_ranges, settle
from hashcanary.sources.files.tables import normal

COINMETRICS_VENDOR = "coinmetrics"
_ABOVE_ZERO = ("PriceUSD", "PriceBTC", "ReferenceRateUSD")
_NEVER_BELOW_ZERO = ("AdrActCnt", "Blk", "Cap", "Diff", "Fee", "HashRate", "Iss", "Sply", "TxCnt")


def is_text(values: pl.Series) -> bool:
    """Whether a column holds words and no number at all, and so is no series."""
    if values.dtype.is_numeric() or values.dtype == pl.Null:
        return False
    given = values.drop_nulls()
    if given.dtype != pl.String:
        return True
    return len(given) > 0 and given.str.strip_chars().cast(pl.Float64, strict=False).is_null().all()


def parse_daily(
    kind: str,
    table: Table,
    wide: pl.DataFrame,
    vendor: str,
    source: str,
    notes: Iterable[str] = (),
) -> Parsed:
    """Facts of a frame with ``day`` and one Float64 column a series, row for row as ``table``.

    A day is known when it is over: at 00:00 UTC of the next. Days without a value give no row.
    """
    once, settled = settle(table, wide, ("day",))
    series = [name for name in once.columns if name != "day"]
    rows = (
        once.unpivot(series, index="day", variable_name="series", value_name="value")
        .drop_nulls("value")
        .with_columns(
            vendor=pl.lit(vendor),
            known_at=pl.col("day").cast(pl.Datetime("us")).dt.epoch("s") + DAY,
        )
    )
    facts = DAILY_REFERENCE.facts(rows, source)
    empty = [name for name in series if once[name].null_count() == once.height]
    if empty:
        settled = (*settled, f"columns without a value: {', '.join(empty)}")
    coverage = _coverage(once["day"], rows.height, (*notes, *settled))
    return Parsed(kind, (facts,), coverage)


def checked_series(table: Table, name: str) -> pl.Series:
    """A series of Coin Metrics as Float64, null where it has no value.

    Each value is one that its name allows. Raises BadValue.
    """
    values = table.reals(name, null=True)
    if name in _ABOVE_ZERO:
        table.refuse(values <= 0, name, "a price above zero, or nothing")
    if name.startswith(_NEVER_BELOW_ZERO):
        table.refuse(values < 0, name, "a number not below zero, or nothing")
    return values.alias(name)


def _coverage(days: pl.Series, rows: int, notes: tuple[str, ...]) -> Coverage:
    starts = days.cast(pl.Datetime("us")).dt.epoch("s")
    gaps = tuple(
        iso_day(first) if first == last else f"{iso_day(first)} to {iso_day(last)}"
        for first, last in missing_ranges(starts, DAY)
    )
    return Coverage(rows, iso_day(starts[0]), iso_day(starts[-1]), gaps, notes)


_SHORTEST, _LONGEST = 60, 43_200
_HOUR, _SKIPPED = "hour_beginning_utc", "in_the_hour_that_the_clock_skips"
_ZONE_REMEDY = (
    "State the zone of the file's times in a mapping: UTC, or a fixed one such as Etc/GMT+6 where "
    "the clock is not set forward."
)


@dataclass(frozen=True, slots=True)
class Spans:
    """When each row's span begins: Unix seconds UTC; skipped: the zone's clock has no such time.

    Row for row as the table. A skipped one stands where standard time would put it.
    """

    begin: pl.Series
    skipped: pl.Series


def from_hours(table: Table, date: pl.Series, hour: str) -> pl.Series:
    """Local times (Datetime, no zone) of the beginnings of hours told by the number they end with.

    date: local days; hour: the column of 1 to 24, or 01:00 to 24:00. Raises BadValue.
    """
    raw = table.frame[hour]
    if raw.dtype == pl.String:
        plain = raw.str.strip_chars().str.strip_suffix(":00")
        table = replace(table, frame=table.frame.with_columns(plain.alias(hour)))
    hours = table.integers(hour, 1, 24, what="an hour by its end")
    frame = pl.DataFrame({"date": date.cast(pl.Datetime("us")), "hour": hours})
    return frame.select(
        (pl.col("date") + pl.duration(hours=pl.col("hour") - 1)).alias("local")
    ).to_series()


def in_zone(
    table: Table, column: str, local: pl.Series, zone: str, second: pl.Series | None = None
) -> Spans:
    """Local times of a zone as moments; row for row as ``table``, null nowhere.

    second: true where a row is the second of the two hours that a clock repeats; without it the
    second row of one such time is, if it says something else. Raises BadValue where most springs of
    the file have the hour that the clock skips: its times are of another zone.
    """
    what = "a time from 2009 to 2105"
    table.refuse(~local.dt.year().is_between(2009, 2105).fill_null(value=False), column, what)
    early, late = (
        local.dt.replace_time_zone(zone, ambiguous=which, non_existent="null").dt.epoch("s")
        for which in ("earliest", "latest")
    )
    skipped = early.is_null()
    _refuse_other_zone(table, column, local, skipped, zone)
    if second is None:
        rows = table.frame.with_columns(local.alias(_HOUR))
        new = pl.struct(pl.all()).is_first_distinct().alias("new")
        later = rows.with_columns(new).select(pl.col("new").cum_sum().over(_HOUR) > 1)
        second = later.to_series()
    standard = (
        (local - timedelta(hours=1))
        .dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        .dt.epoch("s")
    )
    begin = pl.select(
        pl.when(skipped).then(standard + 3600).when(second).then(late).otherwise(early)
    ).to_series()
    return Spans(begin, skipped)


def _refuse_other_zone(
    table: Table, column: str, local: pl.Series, skipped: pl.Series, zone: str
) -> None:
    days = local.dt.date()
    with_hour = set(days.filter(skipped).to_list())
    if not with_hour:
        return
    springs = [day for day in days.unique().to_list() if _set_forward(day, ZoneInfo(zone))]
    if 2 * len(with_hour) > len(springs):
        what = f"a time that clocks in {zone} show"
        table.refuse(skipped, column, what, _ZONE_REMEDY)


def _set_forward(day: date, zone: ZoneInfo) -> bool:
    begin = datetime(day.year, day.month, day.day, tzinfo=zone)
    end = (begin.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    before, after = begin.utcoffset(), end.utcoffset()
    return before is not None and after is not None and after > before


def day_means(
    kind: str,
    table: Table,
    spans: Spans,
    wide: pl.DataFrame,
    vendor: str,
    source: str,
    notes: Iterable[str] = (),
) -> Parsed:
    """Facts of one Float64 column a series, row for row as ``table``: each UTC day's plain mean.

    Raises ConflictingRows, BadValue where rows are not evenly spaced within the day, EmptyFile
    where no day is whole.
    """
    times = replace(table, frame=pl.DataFrame({_HOUR: spans.begin}))
    times.integers(_HOUR, EARLIEST, LATEST, what="a Unix time in seconds")
    hours = pl.from_epoch(spans.begin, "s").dt.replace_time_zone("UTC")
    frame = wide.with_columns(hours.alias(_HOUR), spans.skipped.alias(_SKIPPED))
    key = (_HOUR, _SKIPPED) if bool(spans.skipped.any()) else (_HOUR,)
    once, settled = settle(table, frame, key)
    step = _step(table, spans.begin)
    days = _days(once, list(wide.columns), DAY // step)
    means = days.select("day", *wide.columns).filter(
        pl.any_horizontal(pl.col(wide.columns).is_not_null())
    )
    if means.is_empty():
        raise EmptyFile(
            table.path, f"a UTC day with all its {DAY // step} rows, {_words(step)} each", "none"
        )
    rule = (
        f"means of UTC days of {DAY // step} rows, {_words(step)} each; a day that lacks one is "
        "left out; known at the midnight after it"
    )
    parsed = parse_daily(
        kind, Table(table.path, means, "row", 1), means, vendor, source, (rule, *notes, *settled)
    )
    gaps = _gaps(days, list(wide.columns), DAY // step)
    return replace(parsed, coverage=replace(parsed.coverage, gaps=gaps))


def _step(table: Table, begin: pl.Series) -> int:
    """Seconds between rows: the commonest distance; every row begins at a whole number of them."""
    apart = begin.unique().sort().diff().drop_nulls()
    step = int(apart.mode().sort()[0]) if len(apart) else 0
    if not _SHORTEST <= step <= _LONGEST or DAY % step:
        raise EmptyFile(
            file=table.path,
            expected="rows of hours, or of another even part of a day",
            found=f"rows {_words(step)} apart" if step else "one",
        )
    shown = replace(table, frame=pl.DataFrame({_HOUR: pl.from_epoch(begin, "s")}))
    what = f"a time that is a whole number of spans of {_words(step)} after midnight UTC"
    shown.refuse(begin % step != 0, _HOUR, what, "Correct the file, or the mapping's time.zone.")
    return step


def _days(once: pl.DataFrame, series: list[str], whole: int) -> pl.DataFrame:
    """A row a UTC day from the first to the last: ``rows``, ``skipped``, and the means, null where
    the day is not whole.
    """
    found = once.group_by(pl.col(_HOUR).dt.date().alias("day")).agg(
        (~pl.col(_SKIPPED)).sum().alias("rows"),
        pl.col(_SKIPPED).any().alias("skipped"),
        *(
            pl.when((pl.col(name).count() == whole) & ~pl.col(_SKIPPED).any())
            .then(pl.col(name).mean())
            .alias(name)
            for name in series
        ),
    )
    return found.sort("day")


def _gaps(days: pl.DataFrame, series: list[str], whole: int) -> tuple[str, ...]:
    """Every day without a mean, with what it lacks."""
    told: list[tuple[str, str]] = []
    starts = days["day"].cast(pl.Datetime("us")).dt.epoch("s")
    for first, last in missing_ranges(starts, DAY):
        span = iso_day(first) if first == last else f"{iso_day(first)} to {iso_day(last)}"
        told.append((iso_day(first), span))
    for row in days.iter_rows(named=True):
        absent = [name for name in series if row[name] is None]
        if not absent:
            continue
        day = f"{row['day']:%Y-%m-%d}"
        if row["skipped"]:
            why = "an hour that the clock skips"
        elif row["rows"] < whole:
            why = f"{row['rows']} of {whole} rows"
        else:
            why = f"no value in a row: {', '.join(absent)}"
        told.append((day, f"{day} ({why})"))
    return tuple(text for _, text in sorted(told))


def _words(seconds: int) -> str:
    if seconds % 3600 == 0:
        return "an hour" if seconds == 3600 else f"{seconds // 3600} hours"
    return f"{seconds // 60} minutes" if seconds % 60 == 0 else f"{seconds} seconds"


PRICE, REAL_TIME, LOAD = (
    "power_price_usd_per_mwh",
    "power_price_real_time_usd_per_mwh",
    "power_load_mw",
)
_LOWEST, _HIGHEST = -2_000.0, 20_000.0
_LARGEST_LOAD = 2_000_000.0
_SMALL, _ENOUGH = 1.0, 24
_UNIT = "Is it of another unit? A mapping's multiply brings it to this one (docs/mapping.md)."


def check_power(table: Table, name: str, values: pl.Series) -> pl.Series:
    """Values of a series, if they can be what its name says. Raises BadValue.

    name: a series' or a column's; values: row for row as ``table``, null where there is none.
    Series of other names pass as they are.
    """
    if normal(name) in (PRICE, REAL_TIME):
        what = f"USD/MWh, from {_LOWEST:,.0f} to {_HIGHEST:,.0f}"
        table.refuse((values < _LOWEST) | (values > _HIGHEST), name, what, _UNIT)
        tiny = values.abs() < _SMALL
        if values.count() >= _ENOUGH and bool(tiny.all()):
            table.refuse(tiny, name, "USD/MWh, not all below 1", _UNIT)
    if normal(name) == LOAD:
        what = f"MW, above 0 and up to {_LARGEST_LOAD:,.0f}"
        table.refuse((values <= 0) | (values > _LARGEST_LOAD), name, what, _UNIT)
    return values
