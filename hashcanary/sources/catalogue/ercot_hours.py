"""ERCOT's hourly prices of one hub or zone: by delivery day and the hour's end, Texas time."""

from __future__ import annotations

import polars as pl

from hashcanary.sources.facts import Parsed
from hashcanary.sources.files.columns import Table
from hashcanary.sources.files.daily import (
    PRICE,
    REAL_TIME,
    check_power,
    day_means,
    from_hours,
    in_zone,
)
from hashcanary.sources.files.tables import Field, has, read_table
from hashcanary.sources.source import Content, Options, Probe, Source

KIND = "ercot-hours"
VENDOR = "ercot"
ZONE = "America/Chicago"
_DATE = Field("delivery_date", ("deliverydate",), required=True)
_HOUR = Field("hour_ending", ("hourending",), required=True)
_REPEATED = Field("repeated_hour_flag", ("repeatedhourflag", "dstflag", "dst_flag"))
_POINT = Field("settlement_point", ("settlementpoint", "settlement_point_name"))
# with the end of an hour, and not a quarter's number, a settlement point's price is the day-ahead's
_AHEAD = Field(PRICE, ("dam_lmp", "dam_spp", "settlement_point_price", "settlementpointprice"))
_REAL_TIME = Field(REAL_TIME, ("rtm_lmp", "rtm_spp"))
_PRICES = (_AHEAD, _REAL_TIME)


def recognise(probe: Probe) -> bool:
    """Whether a table has delivery dates, the hours' ends and a price under ERCOT's names."""
    return has(probe.columns, _DATE, _HOUR) == 2 and has(probe.columns, *_PRICES) >= 1


def parse(content: Content, options: Options) -> Parsed:
    """Rows of ``daily_reference``: the mean of each whole UTC day's hours, USD/MWh.

    Day-ahead prices are known a day earlier than they are taken to be here.
    """
    table = read_table(content, KIND, (_DATE, _HOUR, _REPEATED, _POINT, *_PRICES))
    series = [field.name for field in _PRICES if table.has(field.name)]
    wide = pl.DataFrame(
        [check_power(table, name, table.reals(name, null=True)).alias(name) for name in series]
    )
    local = from_hours(table, _dates(table), _HOUR.name)
    spans = in_zone(table, _HOUR.name, local, ZONE, _second(table))
    notes = [f"vendor {VENDOR}: {', '.join(series)}, from hours of {ZONE}", _point(table)]
    if PRICE not in series:
        notes.append(f"no day-ahead price in the file: what computes with prices reads {PRICE}")
    return day_means(KIND, table, spans, wide, VENDOR, content.source, (*notes, *table.notes))


def _dates(table: Table) -> pl.Series:
    """Delivery days, written 2026-01-26 or 01/26/2026."""
    raw = table.frame[_DATE.name]
    if raw.dtype == pl.String:
        iso = raw.str.strip_chars().str.replace(r"^(\d{2})/(\d{2})/(\d{4})$", "$3-$1-$2")
        table.refuse(
            iso.str.to_date("%Y-%m-%d", strict=False).is_null(), _DATE.name, "a delivery day"
        )
        return iso.str.to_date("%Y-%m-%d", strict=False)
    return table.days(_DATE.name)


def _second(table: Table) -> pl.Series | None:
    """Where the flag says that an hour is the second of that name; None without flags."""
    if not table.has(_REPEATED.name):
        return None
    raw = table.frame[_REPEATED.name]
    text = raw.cast(pl.String).str.strip_chars().str.to_uppercase().fill_null("")
    yes, no = ("Y", "TRUE", "1"), ("N", "FALSE", "0", "")
    table.refuse(~text.is_in([*yes, *no]), _REPEATED.name, "Y or N")
    return text.is_in(yes)


def _point(table: Table) -> str:
    """Of which hub or zone the prices are, as far as the file tells."""
    if not table.has(_POINT.name):
        return "of which hub or zone they are the file does not say"
    points = table.texts(_POINT.name, "a settlement point")
    what = f"one settlement point in the file, {points[0]!r} as in its first row"
    remedy = "Keep the rows of one, such as HB_WEST, and load that."
    table.refuse(points.ne_missing(pl.Series([points[0]])), _POINT.name, what, remedy)
    return f"of {points[0]}"


ERCOT_HOURS = Source(
    kind=KIND,
    title="ERCOT's hourly prices of power",
    reads=(
        "Parquet, CSV or JSON lines with delivery_date, hour_ending (1 to 24, Texas time) and "
        "dam_lmp, rtm_lmp or settlement_point_price, USD/MWh: means of UTC days, see "
        "docs/mapping.md"
    ),
    recognise=recognise,
    parse=parse,
)
