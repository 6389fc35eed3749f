"""What the command-line tests share: a way to run the command, and a small simulated lake."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from inspect import isfunction, signature
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import FunctionType

    from hashcanary.store.record import Record
    from hashcanary.views.answer import Answer

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
def call(capsys: pytest.CaptureFixture[str], records_kept: None) -> Run:
    """The same as ``run`` within this process, without a second of imports for each command."""
    from hashcanary.cli.main import main

    def command(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = [str(argument) for argument in arguments]
        code = main(words)
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, out, err)

    return command


@pytest.fixture
def answers_kept(records_kept: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command asked the same again, in another form, prints the answer that it has."""
    from hashcanary import views

    for each in iter_modules(views.__path__):
        module = import_module(f"{views.__name__}.{each.name}")
        for name, view in list(vars(module).items()):
            if isfunction(view) and view.__module__ == module.__name__ and _asks_a_record(view):
                monkeypatch.setattr(module, name, _kept(view))


def _asks_a_record(view: FunctionType) -> bool:
    """Whether it answers from a record and options by keyword, as commands call it."""
    taken = list(signature(view).parameters.values())
    return (
        view.__annotations__["return"] == "Answer"
        and [each.name for each in taken[:1]] == ["record"]
        and all(each.kind is each.KEYWORD_ONLY for each in taken[1:])
    )


def _kept(view: Callable[..., Answer]) -> Callable[..., Answer]:
    answers: list[tuple[Record, dict[str, object], Answer]] = []

    def answer(record: Record, **options: object) -> Answer:
        for of, asked, found in answers:
            if of is record and asked == options:
                return found
        answers.append((record, options, view(record, **options)))
        return answers[-1][-1]

    return answer


@pytest.fixture(scope="session")
def lake(simulated_lake: Path) -> Path:
    """The home of a lake with two simulated years. Tests only read it."""
    return simulated_lake
