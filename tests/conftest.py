"""What all tests share: where real data lie, and what happens where a part is not there."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import hypothesis
import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager

    from hashcanary.metrics.engine import Metrics
    from hashcanary.moments import Moment
    from hashcanary.store.lake import Lake
    from hashcanary.store.record import Record

# as the command line has it: before anything here imports numpy
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[_name] = "1"

# on a busy machine one example may take long: that is no fault of what it tests
hypothesis.settings.register_profile("hashcanary", deadline=None, print_blob=True)
hypothesis.settings.load_profile("hashcanary")

_ROOT = Path(__file__).resolve().parent.parent
# homes of lakes that tests only read
_READ_ONLY: set[Path] = set()

_SURVIVED = "survived"
_FAULTS_PAGE = """# Faults survived

<!-- Written by `make torture`: run it anew, do not change this page. -->

Counts of the fault tests in their last full run; `make test` runs a share of each and
prints its counts.
A light scan of block files checks no merkle root, so some single wrong bits in coinbases and counts
stay unseen ([why, and the remedy](sources.md#blockfiles)). Every other fault was
detected or harmless.

{items}
"""


def unavailable(reason: str) -> NoReturn:
    """Skip, saying why; fail instead where HASHCANARY_REQUIRE_ALL=1 asks for every part."""
    if os.environ.get("HASHCANARY_REQUIRE_ALL") == "1":
        pytest.fail(f"required by HASHCANARY_REQUIRE_ALL: {reason}")
    pytest.skip(reason)


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes what a fault test survived, in words; every run ends in the list of it."""

    def count(survived: str) -> None:
        request.node.user_properties.append((_SURVIVED, survived))

    return count


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how many examples a fuzz test gave to its parser, and how long that took."""
    report = yield
    if call.when == "call" and item.get_closest_marker("fuzz"):
        examples = re.findall(r"(\d+) passing", getattr(item, "hypothesis_statistics", ""))
        if examples:
            subject = item.path.stem.removeprefix("test_").replace("_", " ")
            case = item.name.removeprefix("test_").replace("_", " ")
            told = f"{sum(map(int, examples)):,} inputs in {call.duration:.1f} s"
            report.user_properties.append((_SURVIVED, f"fuzz, {subject}: {told}: {case}"))
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What tries many faults may take long; everything else has the time that pyproject gives."""
    for item in items:
        if item.get_closest_marker("torture"):
            item.add_marker(pytest.mark.timeout(7200))


def _survived(reporter: pytest.TerminalReporter) -> list[str]:
    reports = [one for one in reporter.stats.get("passed", []) if one.when == "call"]
    return sorted(
        str(said) for one in reports for name, said in one.user_properties if name == _SURVIVED
    )


def _skipped(reporter: pytest.TerminalReporter) -> list[str]:
    """One line a reason, however many tests it skipped."""
    skipped = [one.longrepr for one in reporter.stats.get("skipped", [])]
    reasons = Counter(str(one[2] if isinstance(one, tuple) else one) for one in skipped)
    return [
        f"skipped {count}: {reason.removeprefix('Skipped: ')}"
        for reason, count in reasons.most_common()
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Why tests were skipped, a line a reason; what was survived, counted by the tests that passed;
    into a page where one is asked for.
    """
    for line in _skipped(terminalreporter):
        terminalreporter.write_line(line)
    lines = _survived(terminalreporter)
    if lines:
        terminalreporter.section("faults survived")
        for line in lines:
            terminalreporter.write_line(line)
    config = terminalreporter.config
    # each worker of xdist has but a part of the counts
    page = None if hasattr(config, "workerinput") else config.getoption("--faults-page")
    if page and lines and not any(map(terminalreporter.stats.get, ("failed", "error"))):
        items = "\n".join(f"- {line}" for line in lines)
        Path(page).write_text(_FAULTS_PAGE.format(items=items), encoding="utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults-page", help="write what was survived to this Markdown file")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data: HASHCANARY_DATA, else ../shared/data from the project's root."""
    folder = Path(os.environ.get("HASHCANARY_DATA") or _ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        unavailable(f"no real data: {folder} is not a folder; name one by HASHCANARY_DATA")
    return folder


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Gives the path of a program by name; the test is skipped where it is not installed."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            unavailable(f"no {name} on PATH: install the package {name}")
        return path

    return find


@pytest.fixture(scope="session")
def limited() -> Callable[..., AbstractContextManager[None]]:
    """Kills a child when the context ends, at the latest after so many seconds (60).

    Whoever waits for a line of a child that hangs then sees its end instead of nothing.
    """

    @contextmanager
    def limit(process: subprocess.Popen[Any], seconds: float = 60) -> Iterator[None]:
        timer = threading.Timer(seconds, process.kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            process.kill()

    return limit


@pytest.fixture(scope="session")
def bcoin() -> Path:
    """A folder in which bcoin, a full node in JavaScript, was installed by npm."""
    folder = os.environ.get("HASHCANARY_BCOIN")
    if folder is None:
        unavailable("no bcoin: name the folder of its node_modules by HASHCANARY_BCOIN")
    return Path(folder)


@pytest.fixture(scope="session")
def real_lake(
    real_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
    read_only: Callable[[Path], Path],
) -> Lake:
    """A lake into which the whole folder of real data was loaded."""
    from hashcanary.chain.networks import MAIN
    from hashcanary.store.lake import Lake
    from hashcanary.store.loading import load

    empty = Lake.create(read_only(tmp_path_factory.mktemp("real") / "lake"), MAIN)
    return load(empty, [real_data], now=0).lake


@pytest.fixture(scope="session")
def real_record(real_lake: Lake) -> Record:
    """All that the real data say, as known at their end."""
    from hashcanary.store.recording import record_of

    return record_of(real_lake)


@pytest.fixture(scope="session")
def real_results(real_record: Record) -> Metrics:
    """The metrics of the real record."""
    from hashcanary.metrics.engine import metrics_of

    return metrics_of(real_record)


@pytest.fixture(scope="session")
def simulated_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of two simulated years."""
    from hashcanary.simulation.history import simulate_history, write_history

    folder = tmp_path_factory.mktemp("simulated")
    write_history(simulate_history(seed=5, years=2), folder)
    return folder


@pytest.fixture(scope="session")
def simulated_lake(
    tmp_path_factory: pytest.TempPathFactory,
    simulated_files: Path,
    read_only: Callable[[Path], Path],
) -> Path:
    """The home of a lake with two simulated years. Tests only read it."""
    from hashcanary.chain.networks import MAIN
    from hashcanary.store.lake import Lake
    from hashcanary.store.loading import load

    home = tmp_path_factory.mktemp("homes") / "lake"
    load(Lake.create(home, MAIN, simulated=True), [simulated_files], now=0)
    return read_only(home)


@pytest.fixture(scope="session")
def reported(
    tmp_path_factory: pytest.TempPathFactory,
    simulated_lake: Path,
    read_only: Callable[[Path], Path],
) -> Path:
    """The home of the same lake with the example of company reports. Tests only read it."""
    from importlib.resources import files
    from shutil import copytree

    from hashcanary.store.lake import Lake
    from hashcanary.store.loading import load

    folder = tmp_path_factory.mktemp("reported")
    example = files("hashcanary.sources.files") / "company_reports_example.csv"
    (folder / "reports.csv").write_bytes(example.read_bytes())
    load(
        Lake.open(Path(copytree(simulated_lake, folder / "lake"))), [folder / "reports.csv"], now=0
    )
    return read_only(folder / "lake")


@pytest.fixture(scope="session")
def read_only() -> Callable[[Path], Path]:
    """Says of a lake's home that tests only read it: see ``records_kept``."""

    def said(home: Path) -> Path:
        _READ_ONLY.add(home)
        return home

    return said


@lru_cache(maxsize=6)
def _record(
    made: Callable[..., Record],
    home: Path,
    version: int,
    moment: Moment | None,
    pool_list: str | None,
) -> Record:
    from hashcanary.store.lake import Lake

    return made(Lake.open(home, version), moment, pool_list)


@pytest.fixture
def records_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within this process, commands take the record that an earlier one made of the same version
    and moment of a lake that tests only read, and so its metrics too.
    """
    from hashcanary.store import recording

    made = recording.record_of

    def kept(lake: Lake, moment: Moment | None = None, pool_list: str | None = None) -> Record:
        if lake.home in _READ_ONLY:
            return _record(made, lake.home, lake.version, moment, pool_list)
        return made(lake, moment, pool_list)

    monkeypatch.setattr(recording, "record_of", kept)


@pytest.fixture(scope="session")
def cut() -> Callable[[Record, int], Record]:
    """Cuts a record to what was known at a Unix second."""
    import polars as pl

    def cut_record(record: Record, at: int) -> Record:
        known = pl.col("known_at") <= at
        return replace(
            record,
            at=at,
            at_text=str(at),
            blocks=record.blocks.filter(known),
            daily=record.daily.filter(known),
            candles=record.candles.filter(known),
            companies=record.companies.filter(known),
        )

    return cut_record


@pytest.fixture(scope="session")
def raw_blocks(real_data: Path) -> dict[str, bytes]:
    """Whole real blocks by the names of their files, as a node serializes them."""
    import zstandard

    found = {}
    for path in sorted((real_data / "raw_blocks").iterdir()):
        data = path.read_bytes()
        if path.suffix == ".zst":
            data = zstandard.ZstdDecompressor().stream_reader(data).read()
        if not path.name.startswith("first"):
            found[path.name] = data[8:] if data[:4].hex() == "f9beb4d9" else data
    return found
