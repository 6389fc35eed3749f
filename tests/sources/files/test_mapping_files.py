"""Any CSV through a mapping file."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from hashcanary.errors import Exit
from hashcanary.sources.errors import (
    BadMapping,
    BadValue,
    ConflictingRows,
    MissingColumns,
    NotATable,
)
from hashcanary.sources.facts import Parsed
from hashcanary.sources.files.reading import read, survey
from hashcanary.sources.source import Options

Write = Callable[[str, str | bytes], Path]
DOCS = Path(__file__).resolve().parents[3] / "docs" / "mapping.md"
SERIES, POWER, LOADED, HOURS, MARKET, BLOCK = re.findall(
    r"```toml\n(.*?)```", DOCS.read_text(), re.DOTALL
)


def _read(write: Write, mapping: str, table: str) -> Parsed:
    return read(write("t.csv", table), None, Options(mapping=write("m.toml", mapping)))


def test_the_documented_series_is_read_in_the_lakes_units(write: Write) -> None:
    table = "Datum;Hashrate (EH/s);Hashprice;Note\n31.01.2026;912.5;0.0391;x\n01.02.2026;;0.04;y\n"
    parsed = _read(write, SERIES, table)
    rows = parsed.facts[0].frame.select("day", "vendor", "series", "value").rows()
    assert sorted(rows) == [
        (date(2026, 1, 31), "my-pool", "HashRate", 912.5e6),
        (date(2026, 1, 31), "my-pool", "Hashprice", 0.0391),
        (date(2026, 2, 1), "my-pool", "Hashprice", 0.04),
    ]
    assert "columns not kept: Note" in parsed.coverage.notes


def test_the_documented_price_of_power_is_the_series_that_explanations_read(write: Write) -> None:
    parsed = _read(write, POWER, "day,price\n2026-01-26,739.51\n")
    rows = parsed.facts[0].frame.select("day", "vendor", "series", "value").rows()
    assert rows == [(date(2026, 1, 26), "ercot", "power_price_usd_per_mwh", 739.51)]


def _loads(first: datetime, hours: int, zone: str) -> pl.DataFrame:
    """Hours from a moment on, each with a load of 100 MW and the hour of its UTC day."""
    moments = [first + timedelta(hours=at) for at in range(hours)]
    local = [one.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for one in moments]
    return pl.DataFrame({"timestamp": local, "load_mw": [100.0 + one.hour for one in moments]})


def _parquet(write: Write, frame: pl.DataFrame) -> Path:
    path = write("t.parquet", b"")
    frame.write_parquet(path)
    return path


@pytest.mark.parametrize("month", [3, 11])
def test_documented_hours_of_a_parquet_file_become_means_of_utc_days(
    month: int, write: Write
) -> None:
    # over both changes of the clock: 9 March and 2 November 2025
    first = datetime(2025, month, 1, tzinfo=UTC)
    path = _parquet(write, _loads(first, 15 * 24, "America/Chicago"))
    parsed = read(path, None, Options(mapping=write("m.toml", LOADED)))
    frame = parsed.facts[0].frame
    assert frame["day"].to_list() == [date(2025, month, day) for day in range(1, 16)]
    assert set(frame["value"]) == {111.5}
    assert set(frame["series"]) == {"power_load_mw"}
    assert parsed.coverage.gaps == ()
    assert frame["known_at"][0] == int(first.timestamp()) + 86_400


def test_documented_days_with_the_hours_end_beside_them(write: Write) -> None:
    lines = [f"01/{day:02}/2026,{end},{3.0 + end / 10}" for day in (5, 6) for end in range(1, 25)]
    table = "Date,Hour Ending,LMP cents per kWh\n" + "\n".join(lines) + "\n"
    parsed = _read(write, HOURS, table)
    (row,) = parsed.facts[0].frame.iter_rows(named=True)
    # New York is five hours behind: the hours that end at 20 to 24, then 1 to 19; 10 USD/MWh a cent
    assert (row["day"], row["vendor"]) == (date(2026, 1, 6), "pjm")
    assert row["value"] == pytest.approx(30 + 12.5)
    assert parsed.coverage.gaps == ("2026-01-05 (19 of 24 rows)", "2026-01-07 (5 of 24 rows)")


@pytest.mark.parametrize(
    ("zone", "stamp"), [("America/Chicago", "%Y-%m-%dT%H:%M:%SZ"), ("UTC", "%Y-%m-%d %H:%M:%S")]
)
def test_hours_with_their_zone_are_read_by_it(zone: str, stamp: str, write: Write) -> None:
    first = datetime(2025, 3, 8, tzinfo=UTC)
    lines = [
        f"{(first + timedelta(minutes=15 * at)).strftime(stamp)},{40 + at % 96}"
        for at in range(3 * 96)
    ]
    table = "timestamp,load_mw\n" + "\n".join(lines) + "\n"
    mapping = LOADED.replace("America/Chicago", zone)
    values = _read(write, mapping, table).facts[0].frame["value"].to_list()
    assert values == [40 + 47.5] * 3


def test_a_zone_that_the_hours_are_not_of_is_refused(write: Write) -> None:
    frame = _loads(datetime(2025, 3, 1, tzinfo=UTC), 15 * 24, "UTC")
    options = Options(mapping=write("m.toml", LOADED))
    with pytest.raises(BadValue, match=r"clocks in America/Chicago show, found 2025-03-09 02:00"):
        read(_parquet(write, frame), None, options)


def test_a_skipped_hour_in_the_lesser_part_of_springs_leaves_its_day_out(write: Write) -> None:
    frame = _loads(datetime(2023, 1, 1, 6, tzinfo=UTC), 2 * 8760, "America/Chicago")
    odd = pl.DataFrame({"timestamp": [datetime(2023, 3, 12, 2)], "load_mw": [120.0]})
    path = _parquet(write, pl.concat([frame, odd]))
    parsed = read(path, None, Options(mapping=write("m.toml", LOADED)))
    assert "2023-03-12 (an hour that the clock skips)" in parsed.coverage.gaps
    days = parsed.facts[0].frame["day"].to_list()
    assert date(2023, 3, 12) not in days
    assert {date(2023, 3, 11), date(2023, 3, 13), date(2024, 3, 10)} <= set(days)


def test_two_values_of_one_hour_are_refused(write: Write) -> None:
    frame = _loads(datetime(2026, 1, 1, tzinfo=UTC), 48, "America/Chicago")
    odd = frame.head(1).with_columns(load_mw=pl.lit(7.0))
    options = Options(mapping=write("m.toml", LOADED))
    with pytest.raises(ConflictingRows, match=r"rows? 1 and row 49.*2026-01-01 00:00"):
        read(_parquet(write, pl.concat([frame, odd])), None, options)


@pytest.mark.parametrize("load", ["0", "-5", "3e6"])
def test_a_load_that_cannot_be_is_refused(load: str, write: Write) -> None:
    with pytest.raises(BadValue, match="MW, above 0"):
        _read(write, LOADED, f"timestamp,load_mw\n2026-01-05 00:00:00,{load}\n")


def test_a_daily_price_per_kwh_is_refused(write: Write) -> None:
    first = date(2026, 1, 1)
    lines = [f"{first + timedelta(days=at)},0.04" for at in range(30)]
    with pytest.raises(BadValue, match="not all below 1"):
        _read(write, POWER, "day,price\n" + "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (('average = "day"', 'average = "week"'), "average"),
        (('average = "day"', ""), "time.hour"),
        (('table = "daily_reference"\nvendor = "pjm"', 'table = "blocks"'), "average"),
        (('hour = "Hour Ending"', "hour = 3"), "time.hour"),
    ],
)
def test_a_wrong_average_names_its_key(change: tuple[str, str], place: str, write: Write) -> None:
    assert change[0] in HOURS
    with pytest.raises(BadMapping) as caught:
        _read(write, HOURS.replace(*change), "Date,Hour Ending,LMP cents per kWh\n1,1,1\n")
    assert caught.value.fields["place"] == place


def test_the_real_load_is_what_plain_python_makes_of_it(real_data: Path, write: Write) -> None:
    path = real_data / "power" / "ercot_load_hourly_2015_2024.parquet"
    mapping = LOADED.replace('"load_mw" =', '"load_mw_x4" =')
    parsed = read(path, None, Options(mapping=write("m.toml", mapping)))
    found = dict(parsed.facts[0].frame.select("day", "value").iter_rows())
    # a UTC day of winter is Texas' 18:00 to 18:00
    told = pl.read_parquet(path).filter(
        pl.col("timestamp").is_between(datetime(2021, 2, 15, 18), datetime(2021, 2, 16, 17))
    )
    assert told.height == 24
    assert found[date(2021, 2, 16)] == pytest.approx(told["load_mw_x4"].mean())
    # two springs have an hour that there was not; each autumn lacks one
    for day in (date(2015, 3, 8), date(2016, 3, 13), date(2020, 11, 1)):
        assert day not in found
    assert len(found) == 3_639


def test_the_documented_market_is_read_in_its_zone(write: Write) -> None:
    rows = "2026-01-31 17:00,10,12,9,11,1\n2026-01-31 18:00,11,12,9,10,2\n"
    parsed = _read(write, MARKET, "Opened,First,Max,Min,Last,Volume BTC\n" + rows)
    frame = parsed.facts[0].frame
    # Chicago is six hours behind UTC in January.
    opened = int(datetime(2026, 1, 31, 23, tzinfo=UTC).timestamp())
    assert frame["open_time"].to_list() == [opened, opened + 3600]
    assert frame["market"][0] == "btcusd_bitstamp"
    assert frame.select("open", "high", "low", "close", "volume").row(0) == (10, 12, 9, 11, 1)


@pytest.mark.parametrize(
    ("format_", "zone", "time"),
    [
        ("unix", "UTC", "1769900400"),
        ("unix_ms", "UTC", "1769900400000"),
        ("iso", "UTC", "2026-01-31T23:00:00"),
        ("iso", "America/Chicago", "2026-01-31 17:00:00"),
        ("iso", "America/Chicago", "2026-01-31T23:00:00Z"),
        ("%d/%m/%Y %H:%M", "America/Chicago", "31/01/2026 17:00"),
    ],
)
def test_one_moment_in_every_format(format_: str, zone: str, time: str, write: Write) -> None:
    mapping = MARKET.replace("%Y-%m-%d %H:%M", format_).replace("America/Chicago", zone)
    table = f"Opened,First,Max,Min,Last\n{time},10,12,9,11\n"
    options = Options(mapping=write("m.toml", mapping.replace('"Volume BTC" = "volume"', "")))
    parsed = read(write("t.csv", table), None, replace(options, interval=3600))
    assert parsed.facts[0].frame["open_time"].to_list() == [1769900400]


def test_the_documented_blocks_have_fees_in_satoshis(write: Write) -> None:
    hash_ = "0000000000000000000320283a032748cef8227873ff4872689bf23f1cda83a5"
    row = f"2024-04-20T00:09:27Z,840000,17034219,{hash_},37.62561601,3993281\n"
    table = "mined_at,number,nBits,hash,fee_btc,weight\n" + row
    frame = _read(write, BLOCK, table).facts[0].frame
    assert frame["total_fee"].to_list() == [3_762_561_601]
    assert frame["time"].to_list() == [1713571767]
    assert frame["hash"][0].hex() == hash_


def test_another_mapping_is_another_source(write: Write) -> None:
    table = "Datum;Hashrate (EH/s);Hashprice\n31.01.2026;912.5;0.0391\n"
    one = _read(write, SERIES, table)
    two = _read(write, SERIES.replace("1e6", "1e3"), table)
    assert one.provenance["sha256"] == two.provenance["sha256"]
    assert one.provenance["source"] != two.provenance["source"]


def test_a_mapping_makes_every_file_of_a_load_a_mapped_one(write: Write) -> None:
    path = write("t.csv", "height,time,nbits\n1,2,3\n")
    found = survey([path], None, Options(mapping=write("m.toml", SERIES)))
    assert [file.kind for file in found] == ["mapped-csv"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (('table = "daily_reference"', 'table = "dayly"'), "table"),
        (('vendor = "my-pool"', ""), "vendor"),
        (('separator = ";"', 'separator = ";;"'), "separator"),
        (("[time]", "[tyme]"), "tyme"),
        (('column = "Datum"', ""), "time.column"),
        (('format = "%d.%m.%Y"', 'zone = "Mars/Olympus"'), "time.zone"),
        (("multiply = 1e6", "multiply = 0"), "columns.Hashrate (EH/s).multiply"),
        (("multiply = 1e6", "multiply = nan"), "columns.Hashrate (EH/s).multiply"),
        (("multiply", "times"), "columns.Hashrate (EH/s).times"),
        (('name = "HashRate"', 'name = "Hashprice"'), "[columns]"),
        (('"Hashprice" = "Hashprice"', '"Hashprice" = "time"'), "[columns]"),
        (("[columns]", "[columns"), "its text"),
    ],
)
def test_a_wrong_mapping_names_its_key(change: tuple[str, str], place: str, write: Write) -> None:
    assert change[0] in SERIES
    with pytest.raises(BadMapping) as caught:
        _read(write, SERIES.replace(*change), "Datum;Hashrate (EH/s);Hashprice\n31.01.2026;1;1\n")
    assert caught.value.fields["place"] == place
    assert caught.value.exit_code == Exit.USAGE


def test_a_candle_mapping_must_name_every_price(write: Write) -> None:
    with pytest.raises(BadMapping, match="close"):
        _read(write, MARKET.replace('"Last" = "close"', ""), "Opened\n1\n")


def test_a_table_that_is_not_as_mapped_names_the_column_or_line(write: Write) -> None:
    with pytest.raises(MissingColumns, match=r"Hashrate \(EH/s\)"):
        _read(write, SERIES, "Datum;Hashprice\n31.01.2026;1\n")
    with pytest.raises(BadValue, match=r"line 3, column time.*2026-02-01"):
        _read(write, SERIES, "Datum;Hashrate (EH/s);Hashprice\n31.01.2026;1;1\n2026-02-01;1;1\n")
    with pytest.raises(NotATable, match=r"line 2, column Hashrate.*decimal comma: '912,5'"):
        _read(write, SERIES, "Datum;Hashrate (EH/s);Hashprice\n31.01.2026;912,5;1\n")
