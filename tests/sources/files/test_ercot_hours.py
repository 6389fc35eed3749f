"""Hourly prices of ERCOT, as means of whole UTC days."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from hashcanary.chain.networks import MAIN
from hashcanary.sources.errors import BadValue, ConflictingRows, EmptyFile, SourceError
from hashcanary.sources.facts import Parsed
from hashcanary.sources.files.reading import read, survey
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load

Write = Callable[[str, str | bytes], Path]
Row = tuple[str, int, float]
HEAD = "delivery_date,hour_ending,dam_lmp\n"
TEXAS = ZoneInfo("America/Chicago")
PRICE, REAL_TIME = "power_price_usd_per_mwh", "power_price_real_time_usd_per_mwh"


def _hours(first: date, days: int, price: Callable[[datetime], float]) -> list[Row]:
    """What the grid's clock shows over local days, hour by hour of UTC, DST and all."""
    begin = datetime(first.year, first.month, first.day, tzinfo=TEXAS).astimezone(UTC)
    last = first + timedelta(days=days)
    end = datetime(last.year, last.month, last.day, tzinfo=TEXAS).astimezone(UTC)
    rows = []
    while begin < end:
        local = begin.astimezone(TEXAS)
        rows.append((local.date().isoformat(), local.hour + 1, price(begin)))
        begin += timedelta(hours=1)
    return rows


def _csv(rows: list[Row]) -> str:
    return HEAD + "".join(f"{day},{hour},{price}\n" for day, hour, price in rows)


def _values(parsed: Parsed, series: str = PRICE) -> dict[date, float]:
    frame = parsed.facts[0].frame.filter(series=series)
    return dict(zip(frame["day"], frame["value"], strict=True))


def test_a_utc_day_is_the_mean_of_the_24_hours_that_lie_in_it(write: Write) -> None:
    # the price is the hour of the UTC day: every whole day has the mean of 0 to 23
    rows = _hours(date(2026, 1, 5), 3, lambda begin: float(begin.hour))
    parsed = read(write("p.csv", _csv(rows)))
    assert parsed.kind == "ercot-hours"
    assert _values(parsed) == {date(2026, 1, day): 11.5 for day in (6, 7)}
    # Texas is six hours behind in January
    assert parsed.coverage.gaps == ("2026-01-05 (18 of 24 rows)", "2026-01-08 (6 of 24 rows)")
    frame = parsed.facts[0].frame
    midnight = int(datetime(2026, 1, 7, tzinfo=UTC).timestamp())
    assert frame["known_at"].to_list() == [midnight, midnight + 86_400]


@pytest.mark.parametrize("change", [date(2025, 3, 9), date(2025, 11, 2)])
def test_days_of_23_and_25_local_hours_are_whole_in_utc(change: date, write: Write) -> None:
    rows = _hours(change - timedelta(days=2), 5, lambda begin: float(begin.hour))
    assert len(rows) == (119 if change.month == 3 else 121)
    values = _values(read(write("p.csv", _csv(rows))))
    assert values[change] == 11.5
    assert set(values.values()) == {11.5}
    assert len(values) == 4


def test_a_flag_says_which_of_two_hours_of_one_name_is_the_second(write: Write) -> None:
    rows = _hours(date(2025, 11, 1), 3, lambda begin: float(begin.hour))
    lines = [f"{day},{hour:02}:00,HB_WEST,{price}," for day, hour, price in rows]
    twice = [at for at, row in enumerate(rows) if row[:2] == ("2025-11-02", 2)]
    flagged = [line + ("Y" if at == twice[1] else "N") for at, line in enumerate(lines)]
    flagged[twice[0]], flagged[twice[1]] = flagged[twice[1]], flagged[twice[0]]
    head = "DeliveryDate,HourEnding,SettlementPoint,SettlementPointPrice,DSTFlag\n"
    parsed = read(write("p.csv", head + "\n".join(flagged) + "\n"))
    assert _values(parsed)[date(2025, 11, 2)] == 11.5
    assert "of HB_WEST" in parsed.coverage.notes


def test_a_repeated_hour_that_the_file_lacks_leaves_its_day_out(write: Write) -> None:
    rows = dict.fromkeys(_hours(date(2025, 11, 1), 4, lambda _: 30.0))
    parsed = read(write("p.csv", _csv(list(rows))))
    assert date(2025, 11, 2) not in _values(parsed)
    assert "2025-11-02 (23 of 24 rows)" in parsed.coverage.gaps


def test_a_day_that_lacks_an_hour_or_a_value_has_no_mean_and_is_named(write: Write) -> None:
    rows = _hours(date(2026, 1, 5), 6, lambda _: 30.0)
    lines = _csv(rows).splitlines()
    # 2026-01-07 at 03:00 of Texas is gone; 2026-01-09 at the same hour has no value
    gone, empty = lines.index("2026-01-07,4,30.0"), lines.index("2026-01-09,4,30.0")
    lines[empty] = "2026-01-09,4,"
    del lines[gone]
    parsed = read(write("p.csv", "\n".join(lines) + "\n"))
    assert sorted(_values(parsed)) == [date(2026, 1, day) for day in (6, 8, 10)]
    assert "2026-01-07 (23 of 24 rows)" in parsed.coverage.gaps
    assert f"2026-01-09 (no value in a row: {PRICE})" in parsed.coverage.gaps


def test_whole_days_that_are_absent_are_named(write: Write) -> None:
    rows = _hours(date(2026, 1, 5), 3, lambda _: 30.0) + _hours(date(2026, 1, 12), 3, lambda _: 3.0)
    assert "2026-01-09 to 2026-01-11" in read(write("p.csv", _csv(rows))).coverage.gaps


def test_rows_may_stand_in_any_order_and_repeat_each_other(write: Write) -> None:
    rows = _hours(date(2026, 1, 5), 4, lambda begin: begin.hour * 1.5)
    plain = read(write("p.csv", _csv(rows)))
    mixed = read(write("q.csv", _csv(rows[::-1] + rows[:7])))
    assert _values(mixed) == _values(plain)
    assert "rows that repeat another word for word, left out: 7" in mixed.coverage.notes


def test_two_rows_of_one_hour_that_differ_are_refused(write: Write) -> None:
    rows = _hours(date(2026, 1, 5), 3, lambda _: 30.0)
    with pytest.raises(ConflictingRows, match=r"2026-01-06 13:00.*30\.0 and 31\.0") as caught:
        read(write("p.csv", _csv([*rows, ("2026-01-06", 8, 31.0)])))
    assert "__" not in str(caught.value)


@pytest.mark.parametrize(
    ("bad", "error", "said"),
    [
        ("2026-01-06,8,dear", BadValue, "expected a number, found 'dear'"),
        ("2026-01-06,8,inf", BadValue, "finite"),
        ("2026-01-06,8,NaN", BadValue, "finite"),
        ("2026-01-06,8,9e9", BadValue, "USD/MWh, from -2,000 to 20,000"),
        ("2026-01-06,0,30.0", BadValue, "an hour by its end from 1 to 24"),
        ("2026-01-06,25,30.0", BadValue, "an hour by its end from 1 to 24"),
        ("2026-01-06,8.5,30.0", BadValue, "an hour by its end"),
        ("2026-13-06,8,30.0", BadValue, "a delivery day"),
        (",8,30.0", BadValue, "delivery"),
        ("2026-01-06,,30.0", BadValue, "an hour by its end"),
    ],
)
def test_hostile_values_are_refused_by_line(
    bad: str, error: type[SourceError], said: str, write: Write
) -> None:
    lines = _csv(_hours(date(2026, 1, 5), 3, lambda _: 30.0)).splitlines()
    at = lines.index("2026-01-06,8,30.0")
    lines[at] = bad
    with pytest.raises(error, match=rf"line {at + 1}\b.*{re.escape(said)}"):
        read(write("p.csv", "\n".join(lines) + "\n"))


def test_prices_per_kwh_are_refused(write: Write) -> None:
    rows = _hours(date(2026, 1, 5), 3, lambda _: 0.03)
    with pytest.raises(BadValue, match=r"not all below 1.*another unit"):
        read(write("p.csv", _csv(rows)))


def test_a_price_in_another_unit_is_not_recognised(write: Write, tmp_path: Path) -> None:
    rows = _csv(_hours(date(2026, 1, 5), 3, lambda _: 30.0))
    write("p.csv", rows.replace("dam_lmp", "dam_eur_per_mwh"))
    (found,) = survey([tmp_path])
    assert found.kind is None
    assert "fit no kind" in found.reason


def test_hours_of_several_hubs_in_one_file_are_refused(write: Write) -> None:
    head = "delivery_date,hour_ending,settlement_point,dam_lmp\n"
    lines = [f"2026-01-05,{hour},{hub},30.0" for hour in (1, 2) for hub in ("HB_WEST", "HB_PAN")]
    with pytest.raises(BadValue, match="one settlement point in the file, 'HB_WEST'"):
        read(write("p.csv", head + "\n".join(lines) + "\n"))


def test_a_file_of_another_zone_shows_by_the_hour_that_the_clock_skips(write: Write) -> None:
    # 24 hours a day, all year: the file's clock is never set forward
    lines = [f"{date(2025, 3, day)},{hour},30.0" for day in range(7, 12) for hour in range(1, 25)]
    with pytest.raises(BadValue, match=r"a time that clocks in America/Chicago show.*Etc/GMT\+6"):
        read(write("p.csv", HEAD + "\n".join(lines) + "\n"))


def test_less_than_a_whole_day_is_no_series(write: Write) -> None:
    rows = _hours(date(2026, 1, 5), 1, lambda _: 30.0)
    with pytest.raises(EmptyFile, match="a UTC day with all its 24 rows"):
        read(write("p.csv", _csv(rows)))
    with pytest.raises(EmptyFile, match="rows of hours"):
        read(write("q.csv", _csv(rows[:1])))


def test_a_file_that_is_refused_leaves_the_lake_as_it_was(write: Write, tmp_path: Path) -> None:
    rows = _hours(date(2026, 1, 5), 3, lambda _: 30.0)
    lake = Lake.create(tmp_path / "lake", MAIN)
    good, bad = write("p.csv", _csv(rows)), write("q.csv", _csv([*rows, ("2026-01-06", 8, 31.0)]))
    with pytest.raises(ConflictingRows):
        load(lake, [good, bad], now=0)
    assert Lake.open(tmp_path / "lake").version == lake.version


@pytest.fixture(scope="module")
def west(real_data: Path) -> Path:
    return real_data / "power" / "ercot_hb_west_hourly.parquet"


def test_the_real_file_gives_what_plain_python_gives(west: Path) -> None:
    by_day: dict[tuple[date, str], list[float]] = {}
    for day, ends, ahead, real_time in pl.read_parquet(west).iter_rows():
        begin = datetime(day.year, day.month, day.day, ends - 1, tzinfo=TEXAS).astimezone(UTC)
        by_day.setdefault((begin.date(), PRICE), []).append(ahead)
        by_day.setdefault((begin.date(), REAL_TIME), []).append(real_time)
    expected = {key: sum(hours) / 24 for key, hours in by_day.items() if len(hours) == 24}
    frame = read(west).facts[0].frame
    found = {(row["day"], row["series"]): row["value"] for row in frame.iter_rows(named=True)}
    assert found == pytest.approx(expected)
    assert len(found) == 2 * 437


def test_the_real_files_delivery_day_has_the_published_mean(west: Path, write: Write) -> None:
    # as if Texas kept UTC, days are delivery days: 26 January 2026 is on record with 739.51
    hours = pl.read_parquet(west).filter(pl.col("delivery_date") >= date(2026, 1, 20))
    hours = hours.filter(pl.col("delivery_date") < date(2026, 2, 20))
    local = pl.col("delivery_date").cast(pl.Datetime) + pl.duration(hours=pl.col("hour_ending") - 1)
    shifted = hours.with_columns((local - pl.duration(hours=6)).alias("local")).select(
        delivery_date=pl.col("local").dt.date(),
        hour_ending=pl.col("local").dt.hour() + 1,
        dam_lmp="dam_lmp",
    )
    values = _values(read(write("p.csv", shifted.write_csv())))
    assert values[date(2026, 1, 26)] == pytest.approx(739.51, abs=0.005)
