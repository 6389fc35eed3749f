"""Company reports as files: what is read, exactly, and what is refused, by name and place."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from hashcanary.sources.errors import (
    BadReportColumns,
    BadValue,
    ConflictingRows,
    EmptyFile,
    NotATable,
    SourceError,
)
from hashcanary.sources.facts import COMPANIES
from hashcanary.sources.files.company_figures import BY_NAME, FIGURES, Figure
from hashcanary.sources.files.reading import read, survey

HEAD = "company,period,published,source_url"
EXAMPLE = files("hashcanary.sources.files") / "company_reports_example.csv"
AUGUST_6 = 1_722_902_400  # 2024-08-06T00:00:00Z, by `date -d 2024-08-06Z +%s`


def write(folder: Path, *lines: str) -> Path:
    path = folder / "reports.csv"
    path.write_text("\n".join((*lines, "")), encoding="utf-8")
    return path


def rows_of(path: Path) -> pl.DataFrame:
    parsed = read(path)
    assert parsed.kind == "company-reports"
    (facts,) = parsed.facts
    assert facts.table is COMPANIES
    assert dict(facts.frame.schema) == COMPANIES.schema
    return facts.frame


def values(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.select("figure", "value").iter_rows())


def test_figures_are_kept_as_integers_of_their_units(tmp_path: Path) -> None:
    heads = (
        "produced_btc,sale_proceeds_usd,power_price_usd_per_kwh,hashrate_average_ehs,"
        "efficiency_j_per_th,ai_contracted_mw"
    )
    path = write(
        tmp_path,
        f"{HEAD},{heads}",
        "Riot,2024-07,2024-08-05,https://x,533.12345678,12100000.25,0.034,15.5,16.07,62.5",
    )
    frame = rows_of(path)
    assert values(frame) == {
        "produced": 53_312_345_678,
        "sale_proceeds": 1_210_000_025,
        "power_price": 34_000,
        "hashrate_average": 15_500_000,
        "efficiency": 16_070,
        "ai_contracted": 62_500,
    }
    units = dict(frame.select("figure", "unit").iter_rows())
    assert units["produced"] == "satoshis"
    assert units["ai_contracted"] == "kilowatts"
    assert frame["known_at"].unique().to_list() == [AUGUST_6]
    assert frame["period_start"].unique().to_list() == [date(2024, 7, 1)]
    assert frame["period_end"].unique().to_list() == [date(2024, 7, 31)]


def test_what_is_empty_has_no_row_and_zero_has_one(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"{HEAD},produced_btc,sold_btc,held_btc",
        "A,2024-07,2024-08-05,u,1,0,",
        "B,2024-07,2024-08-05,u,,  ,5",
    )
    frame = rows_of(path)
    assert frame.select("company", "figure", "value").rows() == [
        ("A", "produced", 100_000_000),
        ("A", "sold", 0),
        ("B", "held", 500_000_000),
    ]


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2023-12", date(2023, 12, 1), date(2023, 12, 31)),
        ("2024-Q3", date(2024, 7, 1), date(2024, 9, 30)),
        ("2024-Q1", date(2024, 1, 1), date(2024, 3, 31)),
        ("2023", date(2023, 1, 1), date(2023, 12, 31)),
        ("2024-06-30", date(2024, 6, 30), date(2024, 6, 30)),
    ],
)
def test_a_period_is_a_month_a_quarter_a_year_or_a_day(
    tmp_path: Path, period: str, first: date, last: date
) -> None:
    path = write(tmp_path, f"{HEAD},produced_btc", f"A,{period},2025-01-05,u,1")
    assert rows_of(path).select("period_start", "period_end").rows() == [(first, last)]


def test_a_fiscal_period_is_given_by_its_days(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "company,period_start,period_end,published,source_url,produced_btc",
        "IREN,2024-07-01,2025-06-30,2025-08-28,u,1",
    )
    row = rows_of(path).row(0, named=True)
    assert (row["period_start"], row["period_end"]) == (date(2024, 7, 1), date(2025, 6, 30))


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_other_tables_give_the_same_facts(tmp_path: Path, form: str) -> None:
    rows = pl.DataFrame(
        {
            "company": ["A", "B"],
            "period": ["2024-07", "2024-07"],
            "published": ["2024-08-05", "2024-08-06"],
            "source_url": ["u", "v"],
            "held_btc": [9704.5, None],
            "cash_usd": [None, 1_000_000],
        }
    )
    path = tmp_path / f"reports.{form}"
    if form == "json":
        rows.write_ndjson(path)
    else:
        rows.write_parquet(path)
    assert values(rows_of(path)) == {"held": 970_450_000_000, "cash": 100_000_000}


def test_order_of_rows_and_columns_does_not_matter(tmp_path: Path) -> None:
    one = write(
        tmp_path,
        f"{HEAD},produced_btc,held_btc",
        "B,2024-07,2024-08-05,u,1,2",
        "A,2024-08,2024-09-05,u,3,4",
    )
    first = rows_of(one).drop("source")
    other = write(
        tmp_path,
        "held_btc,source_url,company,published,period,Produced BTC",
        "4,u,A,2024-09-05,2024-08,3",
        "2,u,B,2024-08-05,2024-07,1",
    )
    assert rows_of(other).drop("source").equals(first)


def test_notes_are_not_kept_and_repeats_are_told(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"{HEAD},produced_btc,note",
        "A,2024-07,2024-08-05,u,1,estimated",
        "A,2024-07,2024-08-05,a,1.0,again",
        "A,2024-10,2024-11-05,u,1,",
    )
    parsed = read(path)
    assert parsed.coverage.rows == 2
    assert parsed.coverage.notes == ("1 company", "figures that repeat another, left out: 1")
    assert parsed.coverage.gaps == ("A: 2024-08-01 to 2024-09-30",)
    # of two addresses the lesser
    assert parsed.facts[0].frame["source_url"].to_list() == ["a", "u"]


def test_simulated_rows_are_marked_and_named(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"{HEAD},produced_btc,simulated,revision",
        "A,2024-07,2024-08-05,u,1,,",
        "Made Up,2024-07,2024-08-05,u,1,Yes,2",
    )
    parsed = read(path)
    frame = parsed.facts[0].frame.sort("company")
    assert frame.select("simulated", "revision").rows() == [(False, 0), (True, 2)]
    assert "SIMULATED, as the file says: Made Up" in parsed.coverage.notes


def test_the_example_is_recognised_and_says_what_was_published() -> None:
    with EXAMPLE.open(encoding="utf-8") as text:
        printed = list(csv.DictReader(text))
    frame = rows_of(Path(str(EXAMPLE)))
    cells = sum(
        bool(row[figure.head]) for row in printed for figure in FIGURES if figure.head in row
    )
    assert frame.height == cells
    assert all(row["source_url"] for row in printed)
    # Riot's release of 5 August 2024, as on plebbase.com: 370 produced, 9,704 held, 15.5 EH/s on
    # average, 3.4 cents a kWh
    july = frame.filter(
        pl.col("company") == "Riot",
        pl.col("period_end") == date(2024, 7, 31),
        pl.col("known_at") == AUGUST_6,
    )
    assert values(july) == {
        "produced": 37_000_000_000,
        "sold": 0,
        "held": 970_400_000_000,
        "hashrate_energized": 23_300_000,
        "hashrate_average": 15_500_000,
        "power_price": 34_000,
    }


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (f"{HEAD},produced_eth", "expected produced_btc, the unit in its name, found another unit"),
        (f"{HEAD},debt_eur", "expected debt_usd, the unit in its name, found another unit"),
        (f"{HEAD},debt", "expected debt_usd, the unit in its name, found no unit"),
        (f"{HEAD},power_price_cents", "expected power_price_usd_per_kwh, the unit in its name"),
        (f"{HEAD},producd_btc", "expected produced_btc, or another known column, found none"),
        (f"{HEAD},moon_phase", "expected a known column, found none"),
        (f"{HEAD},produced_btc,Produced BTC", "expected each column once, found it twice"),
        (HEAD, "expected a column of figures such as produced_btc"),
        ("company,period,source_url,held_btc", "expected a column published"),
        ("company,period,published,held_btc", "expected a column source_url"),
        ("company,published,source_url,held_btc", "a column period, or period_start and"),
        (f"{HEAD},period_end,held_btc", "a column period, or period_start and period_end"),
        ("company,period_end,published,source_url,held_btc", "a column period, or period_start"),
    ],
)
def test_columns_that_are_none_are_refused(tmp_path: Path, head: str, says: str) -> None:
    cells = head.count(",")
    path = write(tmp_path, head, "A" + ",1" * cells)
    with pytest.raises(BadReportColumns) as caught:
        read(path, "company-reports")
    assert says in str(caught.value)
    assert "reports.csv" in str(caught.value)
    assert "docs/companies.md" in str(caught.value)


@pytest.mark.parametrize(
    "cell",
    ["~370", "$5", "-3", "+3", "1,2", "3.4c", "1e3", "n/a", "-", "nan", "inf", "٣", "1_000", "."],
)
def test_numbers_that_are_no_plain_digits_are_refused(tmp_path: Path, cell: str) -> None:
    path = write(
        tmp_path,
        f"{HEAD},produced_btc,held_btc",
        "A,2024-06,2024-08-05,u,1,1",
        f'A,2024-07,2024-08-05,u,1,"{cell}"',
    )
    with pytest.raises(BadValue, match=r"row 2, column held_btc") as caught:
        read(path)
    assert "held_btc in plain digits, not below zero, or nothing" in str(caught.value)


@pytest.mark.parametrize(
    ("head", "cell", "says"),
    [
        ("produced_btc", "1.123456789", "produced_btc with 8 decimals at most"),
        ("cash_usd", "1.001", "cash_usd with 2 decimals at most"),
        ("produced_btc", "21000001", "from 0 to 21000000"),
        # cents typed for dollars, a price of zero, EH/s typed as TH/s, W/TH typed as W
        ("power_price_usd_per_kwh", "3.4", "from 0.0001 to 1"),
        ("power_price_usd_per_kwh", "0", "from 0.0001 to 1"),
        ("power_price_usd_per_kwh", "0.000099", "from 0.0001 to 1"),
        ("power_price_usd_per_kwh", "1.000001", "from 0.0001 to 1"),
        ("hashrate_average_ehs", "15500000", "from 0 to 10000"),
        ("efficiency_j_per_th", "0", "from 1 to 10000"),
        ("capacity_mw", "9999999999999", "from 0 to 100000"),
    ],
)
def test_figures_of_another_unit_than_their_head_says_are_refused(
    tmp_path: Path, head: str, cell: str, says: str
) -> None:
    path = write(tmp_path, f"{HEAD},{head}", f"A,2024-07,2024-08-05,u,{cell}")
    with pytest.raises(BadValue, match=re.escape(f"line 2, column {head}")) as caught:
        read(path)
    assert says in str(caught.value)
    assert f"found {cell!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("heads", "cells", "column", "says"),
    [
        ("held_btc,restricted_btc", "5,5.1", "restricted_btc", "no more than held_btc"),
        ("debt_usd,convertible_usd", "5,6", "convertible_usd", "no more than debt_usd"),
        # millions, thousands, and a sale without coins
        ("sold_btc,sale_proceeds_usd", "475,38.8", "sale_proceeds_usd", "3,000 to 10,000,000"),
        ("sold_btc,sale_proceeds_usd", "475,38800", "sale_proceeds_usd", "3,000 to 10,000,000"),
        ("sold_btc,sale_proceeds_usd", "0,5", "sale_proceeds_usd", "3,000 to 10,000,000"),
        ("held_btc,revision", "5,-1", "revision", "a whole number from 0 to 1000"),
        ("held_btc,revision", "5,1001", "revision", "a whole number from 0 to 1000"),
        ("held_btc,simulated", "5,perhaps", "simulated", "yes, no or nothing"),
        ("held_btc,cash_usd", ",", "company", "a figure or more in its row"),
    ],
)
def test_rows_that_cannot_be_are_refused(
    tmp_path: Path, heads: str, cells: str, column: str, says: str
) -> None:
    path = write(tmp_path, f"{HEAD},{heads}", f"A,2024-07,2024-08-05,u,{cells}")
    with pytest.raises(BadValue, match=f"line 2, column {column}") as caught:
        read(path)
    assert says in str(caught.value)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_the_ends_of_what_is_believed_are_taken(tmp_path: Path, figure: Figure) -> None:
    for end in (figure.least, figure.most):
        path = write(tmp_path, f"{HEAD},{figure.head}", f"A,2024-07,2024-08-05,u,{end}")
        assert figure.shown(values(rows_of(path))[figure.name]) == end
        assert figure.holds(values(rows_of(path))[figure.name])


def test_old_coins_were_cheap(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"{HEAD},sold_btc,sale_proceeds_usd",
        "A,2015-07,2015-08-05,u,100,28000",
    )
    assert values(rows_of(path)) == {"sold": 10_000_000_000, "sale_proceeds": 2_800_000}


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        (",2024-07,2024-08-05,u,1", "company", "the company's name"),
        (" ,2024-07,2024-08-05,u,1", "company", "the company's name"),
        ("A,2024-07,2024-08-05,,1", "source_url", "where it was published"),
        ("A,2024-07,,u,1", "published", "a day such as"),
        ("A,2024-07,5 Aug 2024,u,1", "published", "a day such as"),
        ("A,2024-07,2024-8-5,u,1", "published", "a day such as"),
        ("A,2024-07,2024-02-30,u,1", "published", "a day such as"),
        ("A,2024-07,2024-07-30,u,1", "published", "not before its period's end"),
        ("A,July 2024,2024-08-05,u,1", "period", "a month 2025-09, a calendar quarter 2025-Q3"),
        ("A,2024-13,2024-08-05,u,1", "period", "a month 2025-09"),
        ("A,2024-Q5,2024-08-05,u,1", "period", "a month 2025-09"),
        ("A,2024-02-30,2024-08-05,u,1", "period", "a month 2025-09"),
        ("A,1999,2024-08-05,u,1", "period", "a month 2025-09"),
        ("A,,2024-08-05,u,1", "period", "a month 2025-09"),
    ],
)
def test_what_a_row_is_about_is_refused_where_it_is_none(
    tmp_path: Path, row: str, column: str, says: str
) -> None:
    path = write(tmp_path, f"{HEAD},held_btc", "B,2024-06,2024-08-05,u,1", row)
    with pytest.raises(BadValue, match=f"line 3, column {column}") as caught:
        read(path)
    assert says in str(caught.value)


def test_a_period_that_ends_before_it_starts_is_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "company,period_start,period_end,published,source_url,held_btc",
        "A,2024-07-01,2024-06-30,2024-08-05,u,1",
    )
    with pytest.raises(BadValue, match="line 2, column period_end") as caught:
        read(path)
    assert "not before period_start" in str(caught.value)


def test_one_company_in_two_spellings_is_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"{HEAD},held_btc",
        "Core Scientific,2024-06,2024-08-05,u,1",
        "core  scientific,2024-07,2024-08-05,u,1",
    )
    with pytest.raises(BadValue, match="line 3, column company") as caught:
        read(path)
    assert "one spelling of a company: 'Core Scientific'" in str(caught.value)


def test_rows_that_contradict_each_other_are_refused_by_both_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"{HEAD},held_btc,produced_btc",
        "A,2024-07,2024-08-05,u,1,7",
        "A,2024-07,2024-08-06,u,2,7",
        "A,2024-07,2024-08-05,v,1.5,7",
    )
    with pytest.raises(ConflictingRows) as caught:
        read(path)
    said = str(caught.value)
    assert "line 2 and line 4" in said
    assert "held_btc of 'A', 2024-07-01 to 2024-07-31" in said
    assert "1 and 1.5" in said


def test_rows_of_one_day_may_complete_each_other(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"{HEAD},held_btc,cash_usd",
        "A,2024-07,2024-08-05,u,1,",
        "A,2024-07,2024-08-05,v,,3",
    )
    assert values(rows_of(path)) == {"held": 100_000_000, "cash": 300}


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ((f"{HEAD},held_btc",), EmptyFile),
        ((f"{HEAD},held_btc", "A,2024-07,2024-08-05,u"), NotATable),
        ((f"{HEAD},held_btc", 'A,2024-07,2024-08-05,"u,1'), NotATable),
    ],
)
def test_a_damaged_table_is_refused(
    tmp_path: Path, lines: tuple[str, ...], error: type[SourceError]
) -> None:
    with pytest.raises(error, match=re.escape("reports.csv")):
        read(write(tmp_path, *lines), "company-reports")


def test_too_many_rows_are_no_reports(tmp_path: Path) -> None:
    line = "A,2024-07,2024-08-05,u,1\n"
    path = tmp_path / "reports.csv"
    path.write_text(f"{HEAD},held_btc\n{line * 100_001}", encoding="utf-8")
    with pytest.raises(SourceError, match="expected at most 100,000 rows"):
        read(path)


def test_other_tables_are_not_taken_for_reports(tmp_path: Path) -> None:
    path = tmp_path / "staff.csv"
    path.write_text("company,staff\nA,5\n", encoding="utf-8")
    assert [one.kind for one in survey([tmp_path])] == [None]


def test_amounts_are_shown_as_a_file_would_have_them() -> None:
    produced = BY_NAME["produced"]
    assert [produced.shown(one) for one in (0, 50_000_000, 53_312_345_678, 10**10)] == [
        *("0", "0.5", "533.12345678", "100"),
    ]


def test_the_page_of_the_format_names_every_column(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "companies.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `(\w+)` \| the period|^\| `(\w+)` \| its end", page, re.MULTILINE)
    assert [one or other for one, other in table] == [figure.head for figure in FIGURES]
    # and its example is a file
    shown = re.search(r"```csv\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    path = tmp_path / "shown.csv"
    path.write_text(shown[1], encoding="utf-8")
    text = list(csv.DictReader(io.StringIO(shown[1])))
    heads = [figure.head for figure in FIGURES]
    assert read(path).coverage.rows == sum(bool(row.get(head)) for row in text for head in heads)
