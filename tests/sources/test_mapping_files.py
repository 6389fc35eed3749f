"""Any CSV through a mapping file."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from hashcanary.errors import Exit
from hashcanary.sources.errors import BadMapping, BadValue, MissingColumns
from hashcanary.sources.facts import Parsed
from hashcanary.sources.reading import read, survey
from hashcanary.sources.source import Options

Write = Callable[[str, str | bytes], Path]
DOCS = Path(__file__).resolve().parents[2] / "docs" / "mapping.md"
SERIES, POWER, MARKET, BLOCK = re.findall(r"```toml\n(.*?)```", DOCS.read_text(), re.DOTALL)


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
    with pytest.raises(BadValue, match=r"line 2, column HashRate.*'912,5'"):
        _read(write, SERIES, "Datum;Hashrate (EH/s);Hashprice\n31.01.2026;912,5;1\n")
