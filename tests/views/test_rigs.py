"""The catalogue of rigs: every figure with its source and its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hashcanary.economics.errors import NoRigYet
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.moments import parse_moment
from hashcanary.views.shutdown import rigs
from hashcanary.views.text import cell

if TYPE_CHECKING:
    from pathlib import Path

_MINE = """
nameplate_spread = 0.1
[sources]
maker = "its maker"
press = "the press"
[[rig]]
name = "X 1"
maker = "Y"
hashrate_ths = 100
power_w = 3000
released = "2024-05"
release = "announced"
sources = ["maker"]
others = [{ source = "press", efficiency_j_per_th = 32, released = "2024-07" }]
"""


def test_limits_hold_the_figures_of_all_sources(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(_MINE)
    answer = rigs(rigs=path)
    document = answer.to_dict()
    (row,) = document["rows"]
    assert row["efficiency_j_per_th"] == 30
    assert row["efficiency_j_per_th_low"] == pytest.approx(30 * 0.9)
    assert row["efficiency_j_per_th_high"] == pytest.approx(32 * 1.1)
    # the month of the announcement, and up to half a year after the latest that is printed
    assert row["released"] == row["released_low"] == "2024-05-01"
    assert row["released_high"].startswith("2024-12")
    assert row["sources"] == ["its maker"]
    assert document["nameplate_spread_fraction"] == 0.1
    assert document["other_figures"] == [
        {"rig": "X 1", "efficiency_j_per_th": 32.0, "source": "the press"},
        {"rig": "X 1", "released": "2024-07-01", "source": "the press"},
    ]
    (released,) = [each for each in answer.tables[0].columns if each.name == "released"]
    assert cell(answer.result[0].released, released) == "May 2024"


def test_a_moment_keeps_machines_of_later_out() -> None:
    at = parse_moment("2021-05-01").time
    assert at is not None
    document = rigs(at=at).to_dict()
    assert document["sold_by"] == "2021-05-02T00:00:00Z"
    expected = [rig.name for rig in read_rigs().rigs if rig.released <= at]
    assert [row["rig"] for row in document["rows"]] == expected
    assert "sold_by" not in rigs().to_dict()
    with pytest.raises(NoRigYet):
        rigs(at=0)
