"""The Python API on a simulated lake: frames, answers, errors, and the same answer by every way."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import hashcanary as hc
from hashcanary.api import Asks, Known, Lake
from hashcanary.cli.main import main
from hashcanary.errors import HashcanaryError, UsageError
from hashcanary.metrics.errors import UnknownMetric
from hashcanary.store.errors import LakeDamaged, NoLake, NoSuchBlock
from hashcanary.views.errors import FolderTaken
from hashcanary.views.table import Table
from hashcanary.views.text import cell

if TYPE_CHECKING:
    from collections.abc import Callable

# method of the API, its options, and the words of the command
WAYS: tuple[tuple[str, dict[str, object], tuple[object, ...]], ...] = (
    ("forecast_retarget", {}, ("forecast", "retarget")),
    ("forecast_hashprice", {"show": "rigs"}, ("forecast", "hashprice", "--show", "rigs")),
    ("explain_drop", {}, ("explain", "drop")),
    ("verdict", {}, ("verdict",)),
    ("episodes", {}, ("episodes",)),
    ("pools", {"days": 30}, ("pools", "--days", 30)),
    ("costs", {"show": "sensitivity"}, ("cost", "--sensitivity")),
    (
        "shutdown",
        {"power_price": 0.06, "rig": ("S19",)},
        ("shutdown", "--power-price", 0.06, "--rig", "S19"),
    ),
    ("rigs", {}, ("rigs",)),
    ("supply", {"power_price": 0.06}, ("study", "supply", "--power-price", 0.06)),
    ("selling", {}, ("study", "selling")),
    ("hosting", {}, ("study", "hosting")),
    ("luck", {}, ("study", "luck")),
    ("drops", {}, ("study", "drops")),
    ("curtailment", {}, ("study", "curtailment")),
    ("calibration", {}, ("study", "calibration")),
    ("companies", {}, ("companies",)),
    ("stress", {}, ("stress",)),
    ("cost_study", {"models": ("hayes",)}, ("study", "costs", "--model", "hayes")),
)
# what takes too long here, or what a lake of two years cannot answer: held by tests of its own
ELSEWHERE = {"stress_study", "verdict_study", "series", "export"}
# lakes that these need: with company reports, with years enough
LAKES = {"companies": "reported", "stress": "real_lake"}


@pytest.fixture(scope="module")
def known(simulated_lake: Path) -> Known:
    return hc.open(simulated_lake).now()


def _json(capsys: pytest.CaptureFixture[str], home: Path, *words: object) -> dict[str, Any]:
    code = main(["--home", str(home), "--json", *map(str, words)])
    printed = capsys.readouterr()
    assert code in {0, 1}, printed.err
    document = json.loads(printed.out)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(("method", "options", "words"), WAYS, ids=[each[0] for each in WAYS])
def test_api_json_text_and_page_give_the_same_answer(
    request: pytest.FixtureRequest,
    known: Known,
    simulated_lake: Path,
    records_kept: None,
    capsys: pytest.CaptureFixture[str],
    method: str,
    options: dict[str, Any],
    words: tuple[object, ...],
) -> None:
    home = simulated_lake
    if method in LAKES:
        given = request.getfixturevalue(LAKES[method])
        home = given if isinstance(given, Path) else given.home
        known = hc.open(home).now()
    answer = getattr(known, method)(**options)
    document = answer.to_dict()
    assert json.loads(json.dumps(document, default=list)) == _json(capsys, home, *words)
    frame = answer.table()
    assert frame.height == len(document["rows"])
    for row, record in zip(frame.iter_rows(named=True), document["rows"], strict=True):
        for key, value in record.items():
            if isinstance(value, float):
                assert row[key] == value
    shown: Table = answer.named(answer.read)
    texts = _cells(shown)
    page = unescape(re.sub(r"<[^>]+>", "\n", answer._repr_html_()))
    printed = " ".join(answer.text(400).split())
    for text in texts:
        assert text in page
        assert " ".join(text.split()) in printed


def _cells(table: Table) -> list[str]:
    """Figures of the first rows as people read them."""
    rows = (table.rows if table.shown is None else table.shown)[:5]
    return [
        cell(value, column)
        for row in rows
        for value, column in zip(table.cells(row), table.columns, strict=True)
        if not column.hidden and column.numeric and value is not None
    ]


def test_every_answer_is_tried_somewhere() -> None:
    methods = {name for name, each in vars(Known).items() if isinstance(each, Asks)} | {"rigs"}
    assert methods == {method for method, _, _ in WAYS} | ELSEWHERE


def test_a_metric_is_a_frame_with_dates_and_limits(known: Known) -> None:
    frame = known.metric("hashrate.sma30")
    assert frame.schema["time"] == pl.Date
    assert frame.schema["known_at"] == pl.Datetime("us", "UTC")
    present = frame.filter(pl.col("value").is_not_null())
    assert present.height > 600
    assert (present["low"] < present["value"]).all()
    assert (present["value"] < present["high"]).all()
    # a day is final after its end
    assert (present["known_at"].dt.date() > present["time"]).all()


def test_metrics_of_epochs_have_instants(known: Known) -> None:
    assert known.metric("difficulty.epoch").schema["time"] == pl.Datetime("us", "UTC")


def test_a_frame_has_a_row_a_day_and_its_values_are_the_metrics(known: Known) -> None:
    frame = known.frame(["hashrate.sma30", "hashprice", "price"])
    assert frame.columns == [
        "time",
        "hashrate.sma30",
        "hashrate.sma30_low",
        "hashrate.sma30_high",
        "hashprice",
        "price",
        "known_at",
    ]
    assert frame["time"].is_sorted()
    assert frame["time"].n_unique() == frame.height
    for name in ("hashrate.sma30", "price"):
        assert frame[name].to_list() == known.metric(name)["value"].to_list()


def test_a_moment_may_be_text_a_date_an_instant_or_a_height(simulated_lake: Path) -> None:
    lake = hc.open(simulated_lake)
    by_text = lake.at("2021-03-01").record.blocks
    assert lake.at(date(2021, 3, 1)).record.blocks.equals(by_text)
    assert lake.at(datetime(2021, 3, 2, tzinfo=UTC)).record.blocks.equals(by_text)
    height = int(by_text["height"][-1])
    assert int(lake.at(height).record.blocks["height"][-1]) == height


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda lake: lake.at("2999-01-01"), UsageError, "has come"),
        (lambda lake: lake.at("yesterday"), UsageError, "expected a date"),
        (lambda lake: lake.at(datetime(2021, 3, 2)), UsageError, "time zone"),
        (lambda lake: lake.at(90_000_000), NoSuchBlock, "heights"),
        (lambda lake: lake.now().metric("hashrate.sma31"), UnknownMetric, "hashrate.sma30"),
        (lambda lake: lake.now().frame(["price", "difficulty.epoch"]), UsageError, "separately"),
        (lambda lake: lake.now().frame([]), UsageError, "none"),
        (lambda lake: lake.table("nothing"), UsageError, "blocks, days, epochs"),
        (lambda lake: lake.table("nothing", every_source=True), UsageError, "headers"),
        (lambda lake: lake.now().report().table("nothing"), UsageError, "drawdowns"),
        (lambda lake: lake.now().report().chart("nothing"), UsageError, "hashrate"),
        (lambda lake: lake.now().supply(show="nothing"), UsageError, "curve"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(
    simulated_lake: Path, ask: Callable[[Lake], object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        ask(hc.open(simulated_lake))


def test_before_the_record_the_error_is_that_of_the_command(
    simulated_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(HashcanaryError) as raised:
        hc.open(simulated_lake).at("2012-01-01").supply()
    code = main(["--home", str(simulated_lake), "study", "supply", "--at", "2012-01-01"])
    assert code == int(raised.value.exit_code)
    assert str(raised.value) in capsys.readouterr().err


def test_a_lake_that_is_missing_or_damaged_is_named(simulated_lake: Path, tmp_path: Path) -> None:
    with pytest.raises(NoLake, match="nowhere"):
        hc.open(tmp_path / "nowhere")
    copy = tmp_path / "copy"
    shutil.copytree(simulated_lake, copy)
    victim = next((copy / "tables" / "blocks").glob("*.parquet"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    with pytest.raises(LakeDamaged, match=victim.name):
        hc.open(copy).now().metric("hashrate.day")


def test_a_lake_being_written_is_read(simulated_lake: Path, tmp_path: Path) -> None:
    from hashcanary.store.lake import Lake as StoredLake

    copy = tmp_path / "copy"
    shutil.copytree(simulated_lake, copy)
    with StoredLake.open(copy).writing():
        assert hc.open(copy).now().metric("price").height > 600


def test_importing_is_light_and_threads_are_one() -> None:
    program = (
        "import sys, hashcanary; "
        "heavy = {'numpy', 'polars', 'scipy', 'numba', 'httpx', 'rich'} & set(sys.modules); "
        "print(sorted(heavy)); "
        "import os, hashcanary.api; hashcanary.api.use_one_thread(); "
        "print(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PATH": "", "PYTHONPATH": str(Path(hc.__file__).parent.parent)},
    )
    assert done.stdout.split("\n")[:2] == ["[]", "1"]


def test_a_report_has_tables_charts_and_a_page(known: Known) -> None:
    report = known.report()
    document = report.to_dict()
    assert document["simulated"] is True
    table = next(t for t in document["sections"][0]["tables"] if t["key"] == "drawdowns")
    assert report.table("drawdowns").height == len(table["rows"])
    assert "SIMULATED" in report.text()
    chart = report.chart("hashrate")
    bundle = chart._repr_mimebundle_()
    assert bundle["application/vnd.vegalite.v6+json"] == chart.spec
    assert chart.png().startswith(b"\x89PNG")


def test_an_answer_shows_itself_in_a_notebook_as_escaped_html(known: Known) -> None:
    html = known.series("price")._repr_html_()
    assert html.startswith("<div>")
    assert "SIMULATED" in html
    assert "<script" not in html


def test_export_refuses_a_folder_that_is_not_empty(known: Known, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(FolderTaken, match=r"mine\.txt"):
        known.export(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_error_leaves_a_process_of_a_pool_as_it_is() -> None:
    error = UsageError(argument="--seed", expected="a number", found="x", remedy="Give one.")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is UsageError
    assert str(again) == str(error)
    assert again.fields == error.fields
