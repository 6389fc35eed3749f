"""Charts as pictures, drawn without a browser."""

from __future__ import annotations

import struct
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from hashcanary.report.charts import CHARTS, charts_of
from hashcanary.report.charts.definition import SCALE
from hashcanary.report.document import Dataset, Report
from hashcanary.report.errors import NothingToDraw
from hashcanary.report.render.pictures import WIDTH, chart_spec, draw, write_pictures
from hashcanary.report.theme import PALETTE


def test_every_chart_is_written_and_says_simulated_in_its_name(
    simulated_report: Report, tmp_path: Path
) -> None:
    files = write_pictures(simulated_report, tmp_path / "new", "svg")
    assert {path.name for path in files} == {
        f"{name}-SIMULATED.svg" for name in charts_of(simulated_report)
    }
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert ">SIMULATED<" in text
        assert "SIMULATED. " in text


def test_a_real_picture_is_not_marked(simulated_report: Report) -> None:
    text = draw(replace(simulated_report, simulated=False), "hashrate", "svg").decode()
    assert "SIMULATED" not in text


def test_a_png_has_the_size_asked_for(simulated_report: Report) -> None:
    png = draw(simulated_report, "ribbon")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width = struct.unpack(">I", png[16:20])[0]
    assert width == pytest.approx(WIDTH * SCALE, abs=2 * SCALE * 20)


def test_the_same_report_gives_the_same_picture(simulated_report: Report) -> None:
    assert draw(simulated_report, "puell") == draw(simulated_report, "puell")


@pytest.mark.parametrize("name", [*CHARTS, "pools"])
def test_light_and_dark_take_their_own_colours(simulated_report: Report, name: str) -> None:
    light = draw(simulated_report, name, "svg", "light").decode()
    dark = draw(simulated_report, name, "svg", "dark").decode()
    assert PALETTE["paper"][0] in light
    assert PALETTE["paper"][1] in dark
    assert PALETTE["paper"][1] not in light
    assert "@" not in light.split("</title>")[-1]


def test_a_chart_is_one_plain_definition_with_its_data(simulated_report: Report) -> None:
    spec = chart_spec(simulated_report, "hashrate")
    assert spec["$schema"].endswith("vega-lite/v6.json")
    rows = spec["datasets"]["day"]
    assert set(rows[0]) == {"time", *CHARTS["hashrate"].columns}
    steps = {after["time"] - before["time"] for before, after in pairwise(rows)}
    assert steps == {86_400_000}


def test_a_notebook_gets_all_data_and_sliders(simulated_report: Report) -> None:
    spec = chart_spec(simulated_report, "price", sliders=True)
    assert len(spec["datasets"]["day"]) == len(simulated_report.dataset("day").time)
    assert [param["name"] for param in spec["params"] if "bind" in param] == ["from", "to"]


def test_no_days_no_picture(simulated_report: Report) -> None:
    empty = Dataset("day", [], ())
    bare = replace(simulated_report, datasets=(empty,))
    with pytest.raises(NothingToDraw):
        draw(bare, "hashrate")
