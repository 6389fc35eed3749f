"""The demo: a history from nothing but a seed, marked as simulated wherever it shows."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def demo(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the output of a demo of two years, without a network to reach."""
    folder = tmp_path_factory.mktemp("demo")
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    done = run("demo", "--years", "2", "--seed", "3", "--dir", "out", cwd=folder, **nowhere)
    assert done.returncode == 0, done.stderr
    return folder / "out", done.stdout


def test_the_demo_is_marked_simulated_everywhere(demo: tuple[Path, str], call: Run) -> None:
    folder, printed = demo
    assert printed.splitlines()[0].startswith("SIMULATED")
    assert "SIMULATED" in (folder / "report.html").read_text(encoding="utf-8")
    pictures = list((folder / "charts").iterdir())
    assert len(pictures) >= 5
    assert all("SIMULATED" in path.name for path in pictures)
    assert all("simulated" in path.name for path in (folder / "data").iterdir())
    home = folder / "lake"
    for command in (("status",), ("metric", "show", "price"), ("episodes",), ("report",)):
        assert json.loads(call("--home", home, *command, "--json").stdout)["simulated"] is True
        assert "SIMULATED" in call("--home", home, *command).stdout


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "data").iterdir())
    }


def test_the_demo_again_is_the_same_and_over_another_is_refused(
    demo: tuple[Path, str], call: Run
) -> None:
    folder, printed = demo
    before = call("--home", folder / "lake", "status", "--json").stdout
    files = _digests(folder)
    for path in (folder / "data").iterdir():
        path.unlink()
    # in another process than the first
    again = call("demo", "--years", "2", "--seed", "3", "--dir", folder)
    assert again.returncode == 0
    assert again.stdout == printed
    assert _digests(folder) == files
    assert call("--home", folder / "lake", "status", "--json").stdout == before
    other = call("demo", "--years", "2", "--seed", "4", "--dir", folder)
    assert other.returncode == 2
    assert "--dir DIR" in other.stderr
    assert _digests(folder) == files
    assert call("--home", folder / "lake", "status", "--json").stdout == before


def test_the_demo_never_writes_into_a_lake_of_real_history(call: Run, tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text(
        "date,open,high,low,close\n2024-01-01,1,2,1,2\n2024-01-02,2,3,2,3\n2024-01-03,3,3,3,3\n"
    )
    home = tmp_path / "lake"
    assert call("--home", home, "load", prices).returncode == 0
    before = call("--home", home, "status", "--json").stdout
    done = call("--home", home, "demo", "--years", "2", "--dir", tmp_path / "out")
    assert done.returncode == 2
    assert "a lake of real history" in done.stderr
    assert not (tmp_path / "out").exists()
    assert call("--home", home, "status", "--json").stdout == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--left-for-good", "5 percent"), "--left-for-good: expected a share from 0% to 100%"),
        (("--left-for-good", "99%"), "share from 0% to 95%"),
        (("--left-on", "2021-01-01"), "--left-on: expected --left-for-good beside it"),
        (("--left-for-good", "5%", "--left-on", "2031-01-01"), "2020-01-01 to 2021-12-30"),
        (("--left-for-good", "5%", "--left-on", "soon"), "within the history"),
    ],
)
def test_an_exit_that_cannot_be_is_wrong_usage_and_writes_nothing(
    run: Run, words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    told = run("demo", "--years", "2", "--dir", tmp_path / "out", *words)
    assert told.returncode == 2
    assert said in told.stderr
    assert not (tmp_path / "out").exists()


def test_what_left_for_good_is_in_the_scenario_and_leaves_on_its_day() -> None:
    import argparse

    from hashcanary.cli.commands.demo import _scenario

    asked = argparse.Namespace(years=4.0, left_for_good=0.125, left_on="2021-01-01")
    (left,) = _scenario(asked).exits
    # 2020 had 366 days
    assert (left.day, left.share) == (366.0, 0.125)
    asked.left_on = None
    assert _scenario(asked).exits[0].day == 2 * 365.25
    asked.left_for_good = None
    assert _scenario(asked).exits == ()
