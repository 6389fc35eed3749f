"""Commands' figures on the real record are what they were before their JSON changed its form."""

from __future__ import annotations

import json
import shlex
import tomllib
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hashcanary.cli.main import main

if TYPE_CHECKING:
    from hashcanary.store.lake import Lake

_FIGURES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("figures_held.toml").read_text(encoding="utf-8")
)["figure"]
_BY_COMMAND = {
    command: list(figures)
    for command, figures in groupby(
        sorted(_FIGURES, key=lambda figure: str(figure["command"])),
        key=lambda figure: str(figure["command"]),
    )
}


def _value(document: dict[str, Any], figure: dict[str, Any]) -> object:
    """The figure in a command's document: beside the rows, or of the one row that is meant."""
    if "row" not in figure:
        return document[figure["key"]]
    rows = document[figure.get("list", "rows")]
    (row,) = [each for each in rows if figure["row"].items() <= each.items()]
    return row[figure["key"]]


@pytest.mark.parametrize("command", _BY_COMMAND)
def test_figures_of_the_release_before_are_kept(
    real_lake: Lake, records_kept: None, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--home", str(real_lake.home), "--json", *shlex.split(command)])
    printed = capsys.readouterr()
    assert code in {0, 1}, printed.err
    document = json.loads(printed.out)
    for figure in _BY_COMMAND[command]:
        value = _value(document, figure)
        kept = figure["value"]
        expected = pytest.approx(kept, rel=1e-12) if isinstance(kept, float) else kept
        assert value == expected, figure
