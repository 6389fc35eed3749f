"""The mutation testing itself: what it changes, what it leaves out, and a small share of it."""

from __future__ import annotations

import importlib.util
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from scipy.stats import binom

ROOT = Path(__file__).resolve().parent.parent
SOURCE = b'''"""A docstring, 1 + 1."""
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from x import y
LIMIT: int = 3

@decorated(5)
def f(a: Literal[7], b, *, flag=True):
    """Adds 2."""
    for n in a:
        if not b:
            continue
    log(f"{a + 1}")
    return a <= b
'''


@pytest.fixture(scope="module")
def mutants() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutants", ROOT / "tests" / "mutants.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["mutants"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_runs_is_changed_and_only_that(mutants: ModuleType) -> None:
    made = [(one.lines[0].start, one.after) for one in mutants.mutants_of("m.py", SOURCE)]
    assert made == [
        (5, "LIMIT: int = 2"),
        (5, "LIMIT: int = 4"),
        (8, "def f(a: Literal[7], b, *, flag=False):"),
        (11, "if b:"),
        (12, "break"),
        (13, "pass"),
        (14, "return None"),
        (14, "return (a < b)"),
        (14, "return (a > b)"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a < b", ["(a <= b)", "(a >= b)"]),
        ("a is not b", ["(a is b)"]),
        ("a + b", ["(a - b)"]),
        ("a and not b", ["(a or not b)", "a and b"]),
        ("g(a, b, key=c)", ["(g(b, a, key=c))"]),
        ("max(a, b)", []),
        ("g(*a, b)", []),
        ("g(a, a)", []),
        ("a if b else c", ["(c if b else a)"]),
        ("1.5", ["0.5", "2.5"]),
        ("zip(a, strict=True)", []),
        ("'text'", []),
    ],
)
def test_each_kind_of_change(mutants: ModuleType, before: str, after: list[str]) -> None:
    made = mutants.mutants_of("m.py", f"x = {before}\n".encode())
    assert sorted(one.after.removeprefix("x = ") for one in made) == after
    assert all(compile(one.mutated, "m.py", "exec") for one in made)


def test_equivalent_mutants_are_mutants_and_have_a_reason(mutants: ModuleType) -> None:
    for module, entries in mutants.equivalent().items():
        source = (ROOT / "hashcanary" / module).read_bytes()
        made = {(one.before, one.after) for one in mutants.mutants_of(module, source)}
        for entry in entries:
            assert (entry["before"], entry["after"]) in made, f"{module}: {entry['after']}"
            assert len(entry["reason"]) > 20


@pytest.mark.torture
def test_tests_notice_a_wrong_line(mutants: ModuleType, counted: Callable[[str], None]) -> None:
    """A few modules and mutants anew each time; the bar is the share of all that are killed."""
    seed = random.randrange(10**6)
    command = [sys.executable, str(ROOT / "tests" / "mutants.py"), "--seed", str(seed)]
    command += ["--modules-a-layer", "3", "--count", "3"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    scores = re.search(r"^\| all \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", run.stdout, re.MULTILINE)
    assert scores, run.stdout + run.stderr
    size, killed, hanging, survived = map(int, scores.groups())
    assert size == killed + hanging + survived
    # so many survive in one run of a thousand where the bar is just met
    assert survived <= binom.ppf(0.999, size, 1 - mutants.BAR), run.stdout
    counted(f"mutants, seed {seed}: {killed + hanging} of {size} wrong lines noticed")
