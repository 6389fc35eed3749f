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


def test_the_demo_again_is_the_same(demo: tuple[Path, str], call: Run, tmp_path: Path) -> None:
    folder, printed = demo
    again = call("demo", "--years", "2", "--seed", "3", "--dir", tmp_path)
    assert again.returncode == 0
    assert again.stdout == printed

    def digests(place: Path) -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((place / "data").iterdir())
        }

    assert digests(folder) == digests(tmp_path)


def test_the_demo_over_itself_changes_nothing_and_over_another_is_refused(
    demo: tuple[Path, str], call: Run
) -> None:
    folder, _ = demo
    before = call("--home", folder / "lake", "status", "--json").stdout
    assert call("demo", "--years", "2", "--seed", "3", "--dir", folder).returncode == 0
    assert call("--home", folder / "lake", "status", "--json").stdout == before
    files = {path.name: path.read_bytes() for path in (folder / "data").iterdir()}
    other = call("demo", "--years", "2", "--seed", "4", "--dir", folder)
    assert other.returncode == 2
    assert "--dir DIR" in other.stderr
    assert {path.name: path.read_bytes() for path in (folder / "data").iterdir()} == files
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
