"""What the command-line tests share: a way to run the command, and a small simulated lake."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("hashcanary")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run ``hashcanary`` with arguments, in an environment without a lake of its own."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HASHCANARY")}
    environment = {**kept, "XDG_DATA_HOME": str(elsewhere), "HOME": str(elsewhere)}

    def command(
        *arguments: object, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            cwd=cwd or elsewhere,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return command


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Run:
    """The same as ``run`` within this process, without a second of imports for each command."""
    from hashcanary.cli.main import main

    def command(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = [str(argument) for argument in arguments]
        code = main(words)
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, out, err)

    return command


@pytest.fixture(scope="session")
def simulated_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of two simulated years."""
    from hashcanary.simulation.history import simulate_history, write_history

    folder = tmp_path_factory.mktemp("simulated")
    write_history(simulate_history(seed=5, years=2), folder)
    return folder


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory, simulated_files: Path) -> Path:
    """The home of a lake with two simulated years. Tests only read it."""
    from hashcanary.chain.networks import MAIN
    from hashcanary.store.lake import Lake
    from hashcanary.store.loading import load

    home = tmp_path_factory.mktemp("homes") / "lake"
    load(Lake.create(home, MAIN, simulated=True), [simulated_files], now=0)
    return home


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory, lake: Path) -> Path:
    """The home of the same lake with the example of company reports. Tests only read it."""
    from importlib.resources import files
    from shutil import copytree

    from hashcanary.store.lake import Lake
    from hashcanary.store.loading import load

    folder = tmp_path_factory.mktemp("reported")
    example = files("hashcanary.sources.files") / "company_reports_example.csv"
    (folder / "reports.csv").write_bytes(example.read_bytes())
    load(Lake.open(Path(copytree(lake, folder / "lake"))), [folder / "reports.csv"], now=0)
    return folder / "lake"
