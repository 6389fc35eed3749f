"""No bare number leaves the economics without its unit: every public name of a number says it.

Read from the source, so that a module added tomorrow is read too: parameters and returns of every
public function, public fields, properties and constants that are numbers. A unit stands at the end
of the name (``usd_per_kwh``), or in the docstring (``life: years``), or, of a constant, in the
comment above it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import hashcanary.economics
import hashcanary.units
from hashcanary.units import Unit, known_units

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = Path(hashcanary.economics.__file__).parent
# what a retarget does to hashprice stands above the forecast of it
_ABOVE = (
    "inference/retarget/after.py",
    "inference/retarget/hashprice_ahead.py",
    "inference/explain/margins.py",
    "studies/after_retarget.py",
)
_MODULES = [*sorted(_FOLDER.rglob("*.py")), *(_FOLDER.parent / one for one in _ABOVE)]

# annotations of numbers; arrays go by aliases of NDArray, the shared ones or a module's own
_ALIAS = re.compile(r"^ *(\w+) = NDArray\[(?!np\.bool)", re.MULTILINE)
_ALIASES = {
    name
    for path in (*_MODULES, _FOLDER.parent / "arrays.py")
    for name in _ALIAS.findall(path.read_text("utf-8"))
}
_NUMBERS = {"int", "float", "NDArray", "Interval", "Quantiles", *_ALIASES}
# what else stands in annotations of no number, or of numbers that are named elsewhere
_ELSEWHERE = {"Callable", "DataFrame", "bool_"}
# words that are a unit though they are no symbol
_WORDS = """
Unix seconds, seconds, hours, days, months, years, a day, a year, fraction, ratio, probability,
logarithm, log of, sd of the log, number of, count, percent, standard deviations,
in any unit, in the unit of, BTC, H/s
"""
# counts, seeds and places have no unit
_BARE = {
    "seed": "names a stream of random numbers",
    "draws": "a count of draws",
    "size": "a count",
    "row": "the place of a day in a column",
    "rig": "the place of a rig in a fleet",
    "which": "the place of a band among others",
    "sigmas": "a count of standard deviations",
}


class Bare(NamedTuple):
    """A number without a unit: where it is, and its name."""

    place: str
    name: str


def _in_name(name: str) -> bool:
    plain = re.sub(r"(_at)?_(low|high|mean)$", "", name.lower())
    return any(plain == one or plain.endswith(f"_{one}") for one in known_units())


def _units() -> re.Pattern[str]:
    symbols = {unit.symbol for unit in known_units().values() if len(unit.symbol) > 1}
    words = {word.strip() for word in _WORDS.split(",")}
    parts = sorted(map(re.escape, symbols | words), key=len, reverse=True)
    return re.compile(rf"(?<![\w/])({'|'.join(parts)})s?(?![\w/])")


_UNIT = _units()
# names before a colon, each with brackets behind it or without
_NAMES = re.compile(
    r"(?:^|(?<=[;.:,)] ))((?:[a-z_0-9]+(?: \([^)]*\))?, )*[a-z_0-9]+(?: \([^)]*\))?):"
)


def _clauses(text: str) -> Iterator[tuple[set[str], str]]:
    """Names and what is said of them: ``low, high: USD/BTC; day: Unix seconds``."""
    flat = " ".join(text.split())
    starts = list(_NAMES.finditer(flat))
    for at, start in enumerate(starts):
        end = starts[at + 1].start() if at + 1 < len(starts) else len(flat)
        # a unit may stand in the brackets behind a name
        names = re.findall(r"[a-z_0-9]+", re.sub(r"\([^)]*\)", "", start[1]))
        yield set(names), flat[start.start() : end]


def _said(name: str, text: str) -> bool:
    return any(name in names and bool(_UNIT.search(what)) for names, what in _clauses(text))


def _is_number(annotation: ast.expr | None) -> bool:
    if annotation is None:
        return False
    words = set(re.findall(r"\w+", ast.unparse(annotation)))
    return bool(words & _NUMBERS) and not words & _ELSEWHERE


def _without_unit(name: str, *docs: str) -> bool:
    return not (name in _BARE or _in_name(name) or any(_said(name, one) for one in docs))


def _of_function(node: ast.FunctionDef, place: str, around: str = "") -> Iterator[Bare]:
    text = ast.get_docstring(node) or ""
    arguments = node.args
    for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        if _is_number(one.annotation) and _without_unit(one.arg, text, around):
            yield Bare(place, one.arg)
    # what it gives: by its name, or in its text before what is said of its parameters
    if _is_number(node.returns) and not _in_name(node.name) and not _said(node.name, around):
        own = " ".join(text.split())
        for _, what in _clauses(text):
            own = own.replace(what, "")
        if not _UNIT.search(own):
            yield Bare(place, f"{node.name}()")


def _of_class(node: ast.ClassDef, place: str) -> Iterator[Bare]:
    text = ast.get_docstring(node) or ""
    fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
    # the numbers of a band are in the unit of what holds the band
    if node.name in _NUMBERS:
        return
    # a field that is a unit is that of the others
    carries = any("Unit" in ast.unparse(one.annotation) for one in fields)
    for one in fields:
        name = ast.unparse(one.target)
        if _is_number(one.annotation) and not carries and _without_unit(name, text):
            yield Bare(place, name)
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and not one.name.startswith("_"):
            found = _of_function(one, f"{place}.{one.name}", text)
            yield from (each for each in found if not (carries and each.name.endswith("()")))


def _of_constants(tree: ast.Module, lines: list[str], module: str) -> Iterator[Bare]:
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        # numbers inside a declaration, such as those of a cost model, are its own fields
        value = node.value
        declared = isinstance(value, ast.Call) and ast.unparse(value.func) not in _NUMBERS
        parts = [one.value for one in ast.walk(value) if isinstance(one, ast.Constant)]
        if declared or not any(type(one) in (int, float) for one in parts):
            continue
        first = node.lineno - 1
        while first > 0 and lines[first - 1].startswith("#"):
            first -= 1
        comment = " ".join(lines[first : node.lineno - 1])
        for name in ast.unparse(target).strip("()").split(", "):
            if name[0] != "_" and not _in_name(name) and not _UNIT.search(comment):
                yield Bare(module, name)


def bare_numbers(source: str, module: str) -> list[Bare]:
    """The public numbers of a module's source whose unit is nowhere said."""
    tree, found = ast.parse(source), []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found += _of_function(node, f"{module}.{node.name}")
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found += _of_class(node, f"{module}.{node.name}")
    return found + list(_of_constants(tree, source.splitlines(), module))


@pytest.mark.parametrize("path", _MODULES, ids=lambda path: path.stem)
def test_every_public_number_says_its_unit(path: Path) -> None:
    assert bare_numbers(path.read_text(encoding="utf-8"), path.stem) == []


_BAD = '''
"""A module."""
Floats = NDArray[np.float64]
# how dear it may be
DEAREST, CHEAPEST_USD = 1.0, 0.1
_HIDDEN = 3.0

def cost(power: float, seed: int, efficiency_j_per_th: float) -> Floats:
    """What it costs."""

def price(days: Floats, label: str) -> float:
    """USD a coin. days: how many. label: whose."""

def moved(by: float) -> float:
    """Moved. by: USD/kWh."""

class Rate:
    """A rate. low, high: fraction; often: see below."""

    low: float
    high: float
    often: float | None
    paths: Mapping[str, Floats]
    draw: Callable[[float], float]

    @property
    def middle(self) -> float:
        """Between both."""

class Stated:
    """A number with a unit."""

    unit: Unit
    median: float
'''


def test_a_number_whose_unit_is_nowhere_said_is_found() -> None:
    assert {(one.place, one.name) for one in bare_numbers(_BAD, "bad")} == {
        ("bad", "DEAREST"),
        ("bad.cost", "power"),
        ("bad.cost", "cost()"),
        ("bad.moved", "moved()"),
        ("bad.Rate", "often"),
        ("bad.Rate", "paths"),
        ("bad.Rate.middle", "middle()"),
    }


def test_units_are_known_once_each() -> None:
    units = [one for one in vars(hashcanary.units).values() if isinstance(one, Unit)]
    assert len(known_units()) == len(units)
    assert known_units()["usd_per_phs_day"].symbol == "USD/PH/s/day"
