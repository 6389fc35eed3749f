"""Mutation testing: would the tests of chain, store, metrics and inference notice a wrong line?

``python tests/mutants.py`` (``make mutants``):

1. copies the package to a temporary folder, so that the tree itself is never changed;
2. runs the tests of the layers once and notes which lines each test runs (kept in ``.mutants/``
   for as long as neither the package nor that test file changes);
3. draws modules and, in each, single changes ("mutants") by a seed, which it prints;
4. puts each mutant into the copy and runs the tests that run its line, then the other tests of
   their files and of those that import its module, until the first fails;
5. prints who survived and the share killed, and exits with 1 below the bar.

A mutant that only hangs counts as killed. What no test can tell from the original stands with the
reason in ``equivalent_mutants.toml`` and counts nowhere. Lines of compiled kernels are seen by no
tracer: their tests are those of the modules that import them, and what is compiled from a mutated
file is compiled anew. The same file is the pytest plug-in of steps 2 and 4.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".mutants"
LAYERS = ("chain", "store", "metrics", "inference")
# whose tests are tried on mutants of a layer: folders and files
RELATED = {
    "chain": ("chain", "store", "properties/test_chain_properties.py", "properties/test_errors.py"),
    "store": ("store", "properties/test_loads_header_trees.py", "properties/test_errors.py"),
    "metrics": ("metrics", "properties/test_days_never_change.py", "properties/test_errors.py"),
    "inference": ("inference", "properties/test_errors.py"),
}
# what is not among the layers of a sample, but may be named by --modules
RELATED |= {"views": ("views",), "report": ("report",), "cli": ("cli",)}
BAR = 0.85
MODULES_A_LAYER = 10
MUTANTS_A_MODULE = 8
SEED = 1
# seconds of a processor that the tests of one mutant may take by what they took before
BUDGET = 20.0
COMPILING = 120
# a busy machine takes so many times longer
PATIENCE = 10
KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"


# --- mutants: every single change of a module --------------------------------------------------

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_SYMMETRIC = {"max", "min", "maximum", "minimum", "max_horizontal", "min_horizontal", "logaddexp"}
_TYPE_MAKERS = {"cast", "TypeVar", "NewType"}


@dataclass(frozen=True)
class Mutant:
    """One change: bytes ``start`` to ``end`` of the module become ``text``.

    lines: those of the changed expression, then those of its statement; function: whether it lies
    in one.
    """

    module: str
    operator: str
    start: int
    end: int
    text: str
    source: bytes = field(repr=False)
    lines: tuple[range, range] = field(repr=False)
    function: bool = field(repr=False)

    @property
    def mutated(self) -> bytes:
        """The whole module with the change."""
        return self.source[: self.start] + self.text.encode() + self.source[self.end :]

    @property
    def before(self) -> str:
        """The changed lines as they were, without indentation."""
        return _flat(self.source[self._line_start : self._line_end])

    @property
    def after(self) -> str:
        """The changed lines as they became."""
        head, tail = self.source[self._line_start : self.start], self.source[self.end :]
        return _flat(head + self.text.encode() + tail[: self._line_end - self.end])

    @property
    def _line_start(self) -> int:
        return self.source.rfind(b"\n", 0, self.start) + 1

    @property
    def _line_end(self) -> int:
        return self.source.index(b"\n", self.end)

    def __str__(self) -> str:
        line = self.lines[0].start
        return f"{self.module}:{line} [{self.operator}]\n  - {self.before}\n  + {self.after}"


def _flat(text: bytes) -> str:
    return " ".join(text.decode().split())


def mutants_of(module: str, source: bytes) -> list[Mutant]:
    """Every mutant of one module, in the order of its lines."""
    mutants = _mutants(module, source)
    return sorted(mutants, key=lambda mutant: (mutant.start, mutant.end, mutant.text))


def _mutants(module: str, source: bytes) -> Iterator[Mutant]:
    tree = ast.parse(source)
    offsets = [0]
    for line in source.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    for node, statement, function in _changeable(tree, tree, function=False):
        assert isinstance(node, ast.expr | ast.stmt)
        start = offsets[node.lineno - 1] + node.col_offset
        end = offsets[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        own = range(node.lineno, (node.end_lineno or 0) + 1)
        around = range(statement.lineno, _head_end(statement) + 1)
        for operator, text in _changes(node):
            if text != source[start:end].decode():
                yield Mutant(module, operator, start, end, text, source, (own, around), function)


def _head_end(statement: ast.stmt) -> int:
    """The last line of a statement without the statements in it."""
    body = getattr(statement, "body", None)
    return body[0].lineno - 1 if body else statement.end_lineno or statement.lineno


def _changeable(
    node: ast.AST, statement: Any, *, function: bool
) -> Iterator[tuple[ast.AST, Any, bool]]:
    """Nodes that run, with their statements: no annotations, docstrings, f-strings, decorators."""
    for child in _running(node):
        inside = function or isinstance(node, ast.FunctionDef | ast.Lambda)
        around = child if isinstance(child, ast.stmt) else statement
        if isinstance(child, ast.expr | ast.stmt):
            yield child, around, inside
        yield from _changeable(child, around, function=inside)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "op", "ops"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _left_alone(child):
                yield child


def _left_alone(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.Assert():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _TYPE_MAKERS
        # checks of a caller's lengths, which differ in no call there is
        case ast.keyword(arg="strict"):
            return True
    return False


def _changes(node: ast.AST) -> Iterator[tuple[str, str]]:
    """What a node may become: the name of the operator and the new text."""
    match node:
        case ast.Compare(left=left, ops=operators, comparators=right):
            for at, was in enumerate(operators):
                for new in _COMPARISONS[type(was)]:
                    ops = [*operators[:at], new(), *operators[at + 1 :]]
                    yield "comparison", _text(ast.Compare(left, ops, right))
        case ast.BinOp(left=left, op=was, right=right):
            if type(was) in _ARITHMETIC:
                yield "arithmetic", _text(ast.BinOp(left, _ARITHMETIC[type(was)](), right))
        case ast.BoolOp(op=was, values=values):
            new_op = ast.Or() if isinstance(was, ast.And) else ast.And()
            yield "and/or", _text(ast.BoolOp(new_op, values))
        case ast.UnaryOp(op=ast.Not() | ast.Invert() | ast.USub(), operand=operand):
            yield "sign removed", _text(operand)
        case ast.expr():
            yield from _changed_value(node)
        case _:
            yield from _changed_statement(node)


def _changed_value(node: ast.expr) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Constant(value=bool(value)):
            yield "constant", repr(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield "constant", repr(value + 1)
            yield "constant", _text(ast.Constant(value - 1))
        case ast.Call(func=function, args=[first, second, *rest], keywords=keywords):
            name = getattr(function, "attr", getattr(function, "id", ""))
            starred = isinstance(first, ast.Starred) or isinstance(second, ast.Starred)
            same = ast.dump(first) == ast.dump(second)
            if not starred and not same and name not in _SYMMETRIC:
                yield "arguments", _text(ast.Call(function, [second, first, *rest], keywords))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            if not isinstance(test, ast.Compare):
                yield "condition", _text(ast.IfExp(test, orelse, body))


def _changed_statement(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Return(value=ast.expr() as value):
            if not (isinstance(value, ast.Constant) and value.value is None):
                yield "return", "return None"
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise() | ast.Delete():
            yield "statement removed", "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "statement removed", "pass"
        case ast.Continue():
            yield "loop", "break"
        case ast.Break():
            yield "loop", "continue"


def _text(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if isinstance(node, ast.Constant | ast.Name) and text[0] != "-" else f"({text})"


# --- the tests that run a line -----------------------------------------------------------------


class Tests:
    """Which tests run which lines of the package, and how long each takes."""

    def __init__(self, runs: dict[str, dict[str, Any]], tree: Path) -> None:
        self.seconds: dict[str, float] = {}
        self._lines: defaultdict[str, defaultdict[int, set[str]]] = defaultdict(
            lambda: defaultdict(set)
        )
        for run in runs.values():
            self.seconds.update(run["seconds"])
            for module, lines in run["lines"].items():
                for line, tests in lines.items():
                    self._lines[module][int(line)].update(tests)
        self._sources = {
            str(path.relative_to(tree)): path.read_text(encoding="utf-8")
            for path in sorted((tree / "hashcanary").rglob("*.py"))
        }
        self._tests = {name: (ROOT / name).read_text(encoding="utf-8") for name in runs}

    def of(self, mutant: Mutant) -> list[str]:
        """Tests that may kill a mutant, the likeliest and shortest first, within the budget."""
        module = f"hashcanary/{mutant.module}"
        direct = self._on(module, mutant.lines[0]) or self._on(module, mutant.lines[1])
        if not mutant.function or not direct:
            direct = self._users(module) | self._in_files(self._importing(module))
        files = {test.split("::")[0] for test in direct} | set(self._importing(module))
        beside = self._in_files(files) - direct
        chosen, total = [], 0.0
        for test in [*self._ordered(direct, module), *self._ordered(beside, module)]:
            total += self.seconds[test]
            if total < BUDGET or not chosen:
                chosen.append(test)
        return chosen

    def _in_files(self, files: Iterable[str]) -> set[str]:
        names = set(files)
        return {test for test in self.seconds if test.split("::")[0] in names}

    def _on(self, module: str, lines: Iterable[int]) -> set[str]:
        return {test for line in lines for test in self._lines[module].get(line, ())}

    def _users(self, module: str) -> set[str]:
        """Tests that run any function of a module or, beside them, of one that imports it."""
        using = [module, *(name for name in self._sources if name in self._importers(module))]
        return {test for name in using for test in self._on(name, self._in_functions(name))}

    def _ordered(self, tests: set[str], module: str) -> list[str]:
        """The shortest first, those of files that do not import the module counted longer."""
        near = set(self._importing(module))
        folder = f"tests/{module.split('/')[1]}/"

        def rank(test: str) -> tuple[float, str]:
            file = test.split("::", maxsplit=1)[0]
            far = 1 if file in near else 2 if file.startswith(folder) else 4
            return far * (self.seconds[test] + 0.02), test

        return sorted(tests, key=rank)

    def _importing(self, module: str) -> list[str]:
        pattern = _imports(module)
        return [name for name, text in self._tests.items() if pattern.search(text)]

    def _importers(self, module: str) -> set[str]:
        pattern = _imports(module)
        return {name for name, text in self._sources.items() if pattern.search(text)}

    def compiled_from(self, module: str) -> set[str]:
        """Names of modules whose compiled code holds a module's: its own and its importers'."""
        if "@compiled" not in self._sources[module]:
            return set()
        names, new = set(), {module}
        while new:
            names |= new
            new = {one for name in new for one in self._importers(name)} - names
        return {Path(name).stem for name in names}

    def _in_functions(self, module: str) -> set[int]:
        return {
            line
            for node in ast.walk(ast.parse(self._sources[module]))
            if isinstance(node, ast.FunctionDef)
            for line in range(node.body[0].lineno, (node.end_lineno or 0) + 1)
        }


def _imports(module: str) -> re.Pattern[str]:
    dotted = module.removesuffix(".py").replace("/", ".")
    package, name = dotted.rsplit(".", 1)
    return re.compile(
        rf"(?:from|import) {re.escape(dotted)}\b|from {re.escape(package)} import .*\b{name}\b"
    )


def map_tests(tree: Path, environment: dict[str, str], related: Sequence[str]) -> Tests:
    """Run the test files that have changed since they were last run; the rest is in the cache."""
    # which lines of a layer run does not hang on what only shows them
    shows = {"cli", "report", "views"}
    package = _digest(
        path
        for path in sorted((tree / "hashcanary").rglob("*.py"))
        if shows.intersection(related) or path.relative_to(tree).parts[1] not in shows
    )
    shared = _digest(sorted((ROOT / "tests").rglob("conftest.py")))
    CACHE.mkdir(exist_ok=True)
    runs: dict[str, dict[str, Any]] = {}
    for part in related:
        place = ROOT / "tests" / part
        files = sorted(place.rglob("test_*.py")) if place.is_dir() else [place]
        kept = {
            str(path.relative_to(ROOT)): CACHE / f"{path.stem} {_digest([path], package + shared)}"
            for path in files
        }
        stale = [name for name, path in kept.items() if not path.exists()]
        for name, run in _mapped(stale, tree, environment).items():
            for old in CACHE.glob(f"{Path(name).stem} *"):
                old.unlink()
            kept[name].write_text(json.dumps(run), encoding="utf-8")
        runs |= {name: json.loads(path.read_bytes()) for name, path in kept.items()}
    return Tests(runs, tree)


def _mapped(stale: list[str], tree: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run test files with their lines noted; a file of which no test ran has none."""
    if not stale:
        return {}
    sys.stderr.write(f"which lines do the tests of {len(stale)} files run?\n")
    report = tree / "map.json"
    command = [*_PYTEST, "--mutants-map", str(report), "--mutants-tree", str(tree), *stale]
    run = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True)
    if run.returncode:
        raise SystemExit(f"the tests fail without any mutant:\n{run.stdout.decode()[-3000:]}")
    noted = json.loads(report.read_bytes())
    if unasked := noted.keys() - set(stale):
        raise SystemExit(f"expected notes on {stale}, found some on {sorted(unasked)}")
    return {name: noted.get(name, {"seconds": {}, "lines": {}}) for name in stale}


def _digest(paths: Iterable[Path], salt: str = "") -> str:
    digest = hashlib.sha256(salt.encode())
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:32]


_PYTEST = [
    *(sys.executable, "-P", "-m", "pytest", "-q", "-x", "--hypothesis-profile=mutants"),
    # pytest would look for them above the folders that its options name, and name tests from there
    *(f"--rootdir={ROOT}", "-c", str(ROOT / "pyproject.toml")),
    *("-p", "no:cov", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "mutants"),
]


# --- the pytest plug-in ------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the plug-in: note lines, or run the tests of a list in its order."""
    parser.addoption("--mutants-map", help="write which lines each test runs to this file")
    parser.addoption("--mutants-tree", help="the folder with the package")
    parser.addoption("--mutants-tests", help="a file with the tests to run, one a line")
    parser.addoption("--mutants-seconds", type=int, help="of a processor, before the run is ended")


def pytest_load_initial_conftests() -> None:
    """Fail at the first example, the same ones in every run."""
    import hypothesis

    hypothesis.settings.register_profile(
        "mutants",
        deadline=None,
        derandomize=True,
        database=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to trace where lines are to be noted; limit what a mutant may take."""
    seconds = config.getoption("--mutants-seconds")
    if seconds:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    if config.getoption("--mutants-map"):
        config.pluginmanager.register(_Tracer(config), "mutants-tracer")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the listed tests in the order of the list."""
    path = config.getoption("--mutants-tests")
    if path:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
        place = {name: at for at, name in enumerate(lines)}
        items[:] = sorted(
            (item for item in items if _name(item) in place), key=lambda item: place[_name(item)]
        )


def _name(item: pytest.Item) -> str:
    return item.nodeid.replace("\n", "\\n")


class _Tracer:
    """Notes the lines of each test; those of a shared fixture belong to all tests that use it."""

    def __init__(self, config: pytest.Config) -> None:
        import coverage

        self._tree = Path(config.getoption("--mutants-tree"))
        self._report = Path(config.getoption("--mutants-map"))
        folders = [str(self._tree / "hashcanary" / layer) for layer in RELATED]
        self._coverage = coverage.Coverage(data_file=None, source=folders, config_file=False)
        self._coverage.start()
        self._test = ""
        self._users: defaultdict[str, set[str]] = defaultdict(set)
        self._seconds: dict[str, float] = {}
        self._passed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._test = _name(item)
        self._users[self._test].add(self._test)
        for fixture in getattr(item, "fixturenames", ()):
            self._users[f"fixture {fixture}"].add(self._test)
        self._coverage.switch_context(self._test)
        started = time.process_time()
        try:
            return (yield)
        finally:
            self._coverage.switch_context("")
            self._seconds[self._test] = time.process_time() - started

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        if fixturedef.scope == "function":
            return (yield)
        self._coverage.switch_context(f"fixture {fixturedef.argname}")
        try:
            return (yield)
        finally:
            self._coverage.switch_context(self._test)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self._passed.add(report.nodeid.replace("\n", "\\n"))

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        data = self._coverage.get_data()
        files: defaultdict[str, dict[str, Any]] = defaultdict(lambda: {"seconds": {}, "lines": {}})
        for test in self._passed:
            files[test.split("::")[0]]["seconds"][test] = round(self._seconds[test], 3)
        for path in data.measured_files():
            module = str(Path(path).relative_to(self._tree))
            for line, contexts in data.contexts_by_lineno(path).items():
                for context in contexts:
                    for test in self._users[context] & self._passed:
                        lines = files[test.split("::")[0]]["lines"].setdefault(module, {})
                        lines.setdefault(line, []).append(test)
        self._report.write_text(json.dumps(files), encoding="utf-8")


# --- running mutants ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: KILLED, SURVIVED or TIMED_OUT."""

    mutant: Mutant
    fate: str

    @property
    def layer(self) -> str:
        """The folder of its module."""
        return self.mutant.module.split("/")[0]


class Bench:
    """A copy of the package in which one mutant at a time is tried."""

    def __init__(self, folder: Path) -> None:
        self._tree = folder
        shutil.copytree(
            ROOT / "hashcanary",
            folder / "hashcanary",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "tests")]),
            "NUMBA_CACHE_DIR": str(folder / "numba"),
            "PYTHONDONTWRITEBYTECODE": "",
        }
        self._tests: dict[str, Tests] = {}
        CACHE.mkdir(exist_ok=True)
        self._results = CACHE / "results.json"
        self._fates = json.loads(self._results.read_bytes()) if self._results.exists() else {}

    def tests(self, layer: str) -> Tests:
        """The tests of a layer, run once without any mutant."""
        if layer not in self._tests:
            self._tests[layer] = map_tests(self._tree, self._environment, RELATED[layer])
        return self._tests[layer]

    @cached_property
    def _package(self) -> str:
        return _digest(sorted((self._tree / "hashcanary").rglob("*.py")))

    def modules(self) -> dict[str, bytes]:
        """Name below ``hashcanary/`` to source, of every module of the layers."""
        package = self._tree / "hashcanary"
        return {
            str(path.relative_to(package)): path.read_bytes()
            for layer in RELATED
            for path in sorted((package / layer).rglob("*.py"))
        }

    def fate(self, mutant: Mutant) -> str:
        """Run the tests of one mutant, unless nothing has changed since they last were run."""
        known = self.tests(mutant.module.split("/")[0])
        tests = known.of(mutant)
        if not tests:
            return SURVIVED
        files = sorted({test.split("::")[0] for test in tests})
        salt = "\0".join([self._package, str(mutant), *sorted(tests)])
        key = _digest([ROOT / name for name in files], salt)
        if key not in self._fates:
            self._fates[key] = self._tried(mutant, known, tests, files)
            self._results.write_text(json.dumps(self._fates), encoding="utf-8")
        return str(self._fates[key])

    def _tried(self, mutant: Mutant, known: Tests, tests: list[str], files: list[str]) -> str:
        path = self._tree / "hashcanary" / mutant.module
        times = path.stat()
        chosen = self._tree / "tests.txt"
        chosen.write_text("\n".join(tests), encoding="utf-8")
        stems = known.compiled_from(f"hashcanary/{mutant.module}")
        limit = round(30 + 3 * sum(known.seconds[test] for test in tests))
        limit += COMPILING if stems else 0
        command = [*_PYTEST, "--mutants-tests", str(chosen), "--mutants-seconds", str(limit)]
        with tempfile.TemporaryDirectory() as kernels:
            environment = {**self._environment, "PYTHONDONTWRITEBYTECODE": "1"}
            if stems:
                environment["NUMBA_CACHE_DIR"] = kernels
                self._copy_kernels(Path(kernels), stems)
            try:
                path.write_bytes(mutant.mutated)
                for stored in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
                    stored.unlink()
                return _run([*command, *files], environment, limit)
            finally:
                path.write_bytes(mutant.source)
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def _copy_kernels(self, to: Path, stale: set[str]) -> None:
        """Compiled code of all files but the stale ones."""
        kernels = self._tree / "numba"
        for path in kernels.rglob("*.nb[ic]"):
            if path.name.split(".")[0] not in stale:
                target = to / path.relative_to(kernels)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)


def _run(command: Sequence[str], environment: dict[str, str], limit: int) -> str:
    """Whether the tests fail; one that waits for ever is ended with all that it started."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output = process.communicate(timeout=limit * PATIENCE)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return TIMED_OUT
    if process.returncode == 0:
        return SURVIVED
    if process.returncode == -signal.SIGXCPU:
        return TIMED_OUT
    # 1: a test failed, 2: a test file cannot be read, 4: a conftest cannot; less than 0: a crash
    imported = process.returncode != 4 or "ImportError while loading conftest" in output
    if (process.returncode in {1, 2, 4} and imported) or process.returncode < 0:
        return KILLED
    raise SystemExit(f"pytest ended with {process.returncode}:\n{output[-3000:]}")


def sample(
    modules: dict[str, bytes],
    seed: int,
    modules_a_layer: int,
    count: int,
    layers: Iterable[str] = LAYERS,
) -> Iterator[Mutant]:
    """Mutants drawn by a seed: so many modules of each layer, so many mutants of each."""
    for layer in layers:
        changeable = [
            name
            for name, source in modules.items()
            if name.startswith(f"{layer}/") and any(_mutants(name, source))
        ]
        drawn = random.Random(f"{seed} {layer}")
        for name in sorted(drawn.sample(sorted(changeable), min(modules_a_layer, len(changeable)))):
            mutants = _counted(name, modules[name])
            yield from random.Random(f"{seed} {name}").sample(mutants, min(count, len(mutants)))


def _counted(module: str, source: bytes) -> list[Mutant]:
    """The mutants of a module that are not known to be equivalent."""
    same = {(entry["before"], entry["after"]) for entry in equivalent().get(module, ())}
    mutants = mutants_of(module, source)
    return [mutant for mutant in mutants if (mutant.before, mutant.after) not in same]


def equivalent() -> dict[str, list[dict[str, str]]]:
    """Module to its mutants that no test can tell from the original, each with the reason."""
    path = Path(__file__).with_name("equivalent_mutants.toml")
    with path.open("rb") as file:
        return tomllib.load(file)


def run_sample(
    seed: int,
    modules_a_layer: int = MODULES_A_LAYER,
    count: int = MUTANTS_A_MODULE,
    only: Sequence[str] = (),
) -> list[Outcome]:
    """Try a sample of mutants, or of those in the modules that begin with one of ``only``."""
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        modules = bench.modules()
        layers: Iterable[str] = LAYERS
        if only:
            layers = RELATED
            modules = {name: text for name, text in modules.items() if name.startswith(tuple(only))}
            modules_a_layer = len(modules)
        for mutant in sample(modules, seed, modules_a_layer, count, layers):
            outcomes.append(Outcome(mutant, bench.fate(mutant)))
            if outcomes[-1].fate == SURVIVED:
                _say(f"survived: {mutant}")
    return outcomes


# --- the score ---------------------------------------------------------------------------------


def share_killed(outcomes: Sequence[Outcome]) -> float:
    """The share of mutants that did not survive."""
    return 1 - sum(outcome.fate == SURVIVED for outcome in outcomes) / len(outcomes)


def table(outcomes: Sequence[Outcome], by: Sequence[str]) -> str:
    """A Markdown table of fates by module or layer, each row those whose module begins with it."""
    lines = ["| | mutants | killed | timed out | survived | share |", "|---|--:|--:|--:|--:|--:|"]
    for name in by:
        rows = [outcome for outcome in outcomes if outcome.mutant.module.startswith(name)]
        fates = Counter(outcome.fate for outcome in rows)
        numbers = [len(rows), *(fates[fate] for fate in (KILLED, TIMED_OUT, SURVIVED))]
        cells = [name or "all", *map(str, numbers), f"{share_killed(rows):.0%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


_PAGE = """# Mutation testing

<!-- Written by `python tests/mutants.py --write`: run it anew, do not change this page. -->

Every mutant is one line of the package made wrong: a comparison, a sign, a constant, an argument,
a statement left out. It is killed where a test fails. Here are {modules} modules of each layer and
{count} mutants of each, drawn by seed {seed}; tests were written against those of other seeds.

`make mutants` draws {usual_modules} and {usual_count} (seed {usual_seed}) and fails below
{bar:.0%}; `make torture` tries a few others. What no test can tell from the original is listed with
its reason in [equivalent_mutants.toml](../tests/equivalent_mutants.toml).

## Layers

{layers}

## Modules

{by_module}
"""


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--modules",
        nargs="+",
        default=[],
        help="only these, such as store/, chain/targets.py, or views/ of those that show results",
    )
    parser.add_argument("--modules-a-layer", type=int, default=MODULES_A_LAYER)
    parser.add_argument("--count", type=int, default=MUTANTS_A_MODULE, help="mutants a module")
    parser.add_argument("--write", action="store_true", help="write docs/mutants.md")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Try a sample, print the score; 1 where it is below the bar."""
    args = _parsed()
    _say(f"seed {args.seed}")
    started = time.monotonic()
    outcomes = run_sample(args.seed, args.modules_a_layer, args.count, args.modules)
    names = list(dict.fromkeys(outcome.mutant.module for outcome in outcomes))
    layers = list(dict.fromkeys(f"{outcome.layer}/" for outcome in outcomes))
    by_module, by_layer = table(outcomes, names), table(outcomes, [*layers, ""])
    _say(f"\n{by_module}\n\n{by_layer}\n\n{time.monotonic() - started:.0f} s")
    if args.write:
        page = _PAGE.format(
            modules=args.modules_a_layer,
            count=args.count,
            seed=args.seed,
            usual_modules=MODULES_A_LAYER,
            usual_count=MUTANTS_A_MODULE,
            usual_seed=SEED,
            bar=BAR,
            layers=by_layer,
            by_module=by_module,
        )
        (ROOT / "docs" / "mutants.md").write_text(page, encoding="utf-8")
    return int(share_killed(outcomes) < BAR)


if __name__ == "__main__":
    raise SystemExit(main())
