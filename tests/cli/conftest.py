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
def lake(simulated_lake: Path) -> Path:
    """The home of a lake with two simulated years. Tests only read it."""
    return simulated_lake
