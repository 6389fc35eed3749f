"""Weights from a file: shares of groups, and one named error for what cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hashcanary.errors import Exit
from hashcanary.studies.errors import BadStressFile
from hashcanary.studies.stress.component import all_components
from hashcanary.studies.stress.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = ("a", "b", "c", *all_components())


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_built_in_weights_are_equal_within_equal_groups() -> None:
    settings = read_settings(all_components())
    third = pytest.approx(1 / 3)
    for group, count in (("activity", 2), ("revenue", 2), ("economics", 3)):
        own = [settings.weights[name] for name, of in settings.groups.items() if of == group]
        assert len(own) == count
        assert sum(own) == third
        assert own == pytest.approx([own[0]] * count)
    assert set(settings.weights) == set(all_components())
    assert settings.index == pytest.approx({"profitable": 1 / 3, "margin": 1 / 3, "renewal": 1 / 3})


def test_a_file_replaces_the_sections_it_has(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "[weights.one]\ngroup = 3\na = 2\nb = 1\n[weights.two]\ngroup = 1\nc = 7\n"
        "[percentiles]\nwindow_days = 0\nfewest_days = 100\n",
    )
    found = read_settings(KNOWN, path)
    assert found.weights == pytest.approx({"a": 0.5, "b": 0.25, "c": 0.25})
    assert (found.window_days, found.fewest_days) == (0, 100)
    built_in = read_settings(all_components())
    assert (found.cuts, found.least_weight) == (built_in.cuts, built_in.least_weight)
    assert found.file == str(path)


def test_a_weight_of_zero_leaves_out(tmp_path: Path) -> None:
    path = write(
        tmp_path, "[weights.one]\ngroup = 1\na = 0\nb = 1\n[weights.x]\ngroup = 0\nc = 1\n"
    )
    assert read_settings(KNOWN, path).weights == {"b": 1.0}


def test_without_shares_what_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "[weights.one]\ngroup = 1\na = 2\nb = 1\nc = 1\n")
    left = read_settings(KNOWN, path).without(["a"])
    assert left.weights == pytest.approx({"b": 0.5, "c": 0.5})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[weights.one]\ngroup = 1\na = -1\n", "weights.one.a: expected a number from 0"),
        ("[weights.one]\ngroup = -2\na = 1\n", "weights.one.group: expected a number from 0"),
        ("[weights.one]\ngroup = 1\nd = 1\n", "weights.one.d: expected a component among a, b, c,"),
        ("[weights.one]\ngroup = 1\na = 0\n", "expected weights that sum to more than 0"),
        ("[weights.one]\ngroup = 0\na = 1\n", "expected weights that sum to more than 0"),
        ("[weights.one]\ngroup = 1\n", "expected weights that sum to more than 0"),
        ("[weights]\n", "expected weights that sum to more than 0"),
        ("[weights.one]\na = 1\n", "weights.one.group: expected a number"),
        ("[weights.one]\ngroup = 1\na = 'much'\n", "weights.one.a: expected a number"),
        ("[weights.one]\ngroup = 1\na = nan\n", "weights.one.a: expected a number"),
        (
            "[weights.one]\ngroup = 1\na = 1\n[weights.two]\ngroup = 1\na = 1\n",
            "weights.two.a: expected a component in one group",
        ),
        ("[words]\nstrained = 0.5\nstressed = 0.5\ncapitulation = 0.9\n", "words.stressed"),
        ("[words]\nstrained = 0.5\nstressed = 0.8\ncapitulation = 1.9\n", "words.capitulation"),
        ("[percentiles]\nwindow_days = 100\nfewest_days = 730\n", "percentiles.fewest_days"),
        ("[percentiles]\nwindow_days = 100.5\nfewest_days = 30\n", "a whole number of days"),
        ("[missing]\nleast_weight = 2\n", "missing.least_weight"),
        ("[index]\nprofitable = 0\n", "weights that sum to more than 0"),
        ("[index]\nluck = 1\n", "one of profitable, margin, renewal"),
        ("[weighs.one]\na = 1\n", "weighs: expected one of weights"),
        ("weights = 3\n", "weights: expected a table"),
        ("[weights\n", "expected a TOML document"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadStressFile) as failure:
        read_settings(KNOWN, write(tmp_path, text))
    assert said in str(failure.value)
    assert "mine.toml" in str(failure.value)
    assert failure.value.exit_code is Exit.USAGE


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadStressFile, match=r"nowhere\.toml"):
        read_settings(KNOWN, tmp_path / "nowhere.toml")
