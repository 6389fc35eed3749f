"""Any bytes for company reports: facts that can be, or one error that says where; soon."""

from __future__ import annotations

import time
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashcanary.chain.networks import MAIN
from hashcanary.errors import HashcanaryError
from hashcanary.sources.catalogue.company_reports import (
    COMPANY,
    END,
    PERIOD,
    PUBLISHED,
    START,
    URL,
    parse,
    recognise,
)
from hashcanary.sources.facts import COMPANIES
from hashcanary.sources.files.company_figures import BY_NAME, FIGURES
from hashcanary.sources.files.reading import header_cells
from hashcanary.sources.source import Content, Options, Probe
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load

LONGEST = 5.0  # seconds for a few kilobytes; the machine may be busy
EXAMPLE = (files("hashcanary.sources.files") / "company_reports_example.csv").read_bytes()
_HEADS = [COMPANY, PERIOD, START, END, PUBLISHED, URL, "revision", "simulated", "note"]
_HEADS += [figure.head for figure in FIGURES]
_CELLS = ["", "0", "1", "9.5", "-1", "~3", "1e9", "2024-07", "2024-07-31", "2024-Q3", "yes", "u"]
_CELLS += ["99999999999999999999", "0.000000001", "\x00", "٣", "2024-02-30", "NaN", '"', "A" * 600]

pytestmark = pytest.mark.fuzz


def check(data: bytes) -> bool:
    """Whether the bytes gave facts; whatever is given can be, and errors name the file."""
    start = time.perf_counter()
    content = Content(Path("reports.csv"), "reports.csv", data, "0" * 64)
    parsed, said = None, ""
    try:
        parsed = parse(content, Options())
    except HashcanaryError as error:
        said = str(error)
    assert time.perf_counter() - start < LONGEST
    if parsed is None:
        assert "reports.csv" in said
        return False
    (facts,) = parsed.facts
    frame = facts.frame
    assert dict(frame.schema) == COMPANIES.schema
    assert frame.height == parsed.coverage.rows > 0
    assert not any(frame[name].has_nulls() for name in frame.columns)
    for row in frame.iter_rows(named=True):
        figure = BY_NAME[row["figure"]]
        assert figure.holds(row["value"])
        assert row["unit"] == figure.unit
        assert row["period_start"] <= row["period_end"]
        assert row["company"].strip()
    assert frame.select(COMPANIES.key).is_unique().all()
    return True


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    """The example, cut, flipped, spliced or grown at a few places."""
    data = bytearray(EXAMPLE)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["cut", "flip", "insert", "drop"]))
        if kind == "cut":
            del data[place:]
        elif kind == "drop":
            del data[place : place + draw(st.integers(1, 40))]
        elif kind == "flip" and place < len(data):
            data[place] ^= 1 << draw(st.integers(0, 7))
        else:
            data[place:place] = draw(st.binary(max_size=8))
    return bytes(data)


@st.composite
def _tables(draw: st.DrawFn) -> bytes:
    """A table of known heads, in any choice, and cells that are right, wrong or odd."""
    heads = draw(st.lists(st.sampled_from(_HEADS), min_size=2, max_size=10))
    lines = draw(
        st.lists(
            st.lists(st.sampled_from(_CELLS), min_size=len(heads), max_size=len(heads)),
            min_size=1,
            max_size=5,
        )
    )
    return "\n".join(",".join(line) for line in (heads, *lines)).encode()


@settings(max_examples=150)
@given(data=st.one_of(st.binary(max_size=400), _damaged(), _tables()))
def test_any_bytes_give_facts_or_one_clear_error(data: bytes) -> None:
    check(data)
    recognise(Probe("csv", data[:1000], True, header_cells(data[:200].decode("utf-8", "replace"))))


@settings(max_examples=150)
@given(
    cells=st.fixed_dictionaries(
        {
            "period": st.sampled_from(["2024-07", "2024-Q3", "2024-07-31"]),
            "published": st.dates().map(str),
            "company": st.text(max_size=12),
            "held_btc": st.one_of(st.decimals(allow_nan=True).map(str), st.text(max_size=6)),
            "restricted_btc": st.integers(-5, 10).map(str),
        }
    )
)
def test_any_cell_is_read_as_it_stands_or_named(cells: dict[str, str]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    head = ",".join([*cells, "source_url"])
    line = ",".join([*(quoted(cell) for cell in cells.values()), "u"])
    check(f"{head}\n{line}\n".encode("utf-8", "replace"))


def test_the_example_itself_gives_facts() -> None:
    assert check(EXAMPLE)


def test_a_load_of_damaged_reports_leaves_no_trace(tmp_path: Path) -> None:
    lake = load(Lake.create(tmp_path / "lake", MAIN), [_saved(tmp_path, EXAMPLE)], now=0).lake
    before = lake.frame("companies")
    lines = EXAMPLE.splitlines(keepends=True)
    for number in range(1, len(lines), 7):
        bad = b"".join((*lines[:number], lines[number].replace(b"20", b"2O"), *lines[number + 1 :]))
        with pytest.raises(HashcanaryError, match=r"reports\.csv, row"):
            load(lake, [_saved(tmp_path, bad)], now=0)
        now = Lake.open(lake.home)
        assert now.version == lake.version
        assert now.frame("companies").equals(before)


def _saved(folder: Path, data: bytes) -> Path:
    path = folder / "reports.csv"
    path.write_bytes(data)
    return path
