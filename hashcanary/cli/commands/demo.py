"""``hashcanary demo``: a simulated history and its report, with no data and no network."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hashcanary.cli.declare import beside, command
from hashcanary.cli.opening import made_where_missing
from hashcanary.cli.options import part_of, path_of
from hashcanary.cli.output import bar, print_report, say, say_written, write_report, writing
from hashcanary.errors import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.simulation.history import History
    from hashcanary.simulation.scenario import Scenario
    from hashcanary.store.lake import Lake


def _scenario(args: argparse.Namespace) -> Scenario:
    """The default one, with the exit asked for."""
    from dataclasses import replace

    from hashcanary.simulation.paths import YEAR
    from hashcanary.simulation.scenario import Exit as Leaving
    from hashcanary.simulation.scenario import Scenario

    scenario = Scenario()
    if args.left_for_good is None:
        if args.left_on is not None:
            raise UsageError(
                argument="--left-on",
                expected="--left-for-good beside it",
                found=args.left_on,
                remedy="Add a share, such as --left-for-good 5%.",
            )
        return scenario
    length = args.years * YEAR
    day = length / 2
    if args.left_on is not None:
        day = _day_of(args.left_on, scenario.start_time, length)
    return replace(scenario, exits=(Leaving(day, args.left_for_good),))


def _day_of(text: str, start: int, length: float) -> float:
    """The day of a history of ``length`` days, which begins at ``start``, Unix seconds."""
    from datetime import date

    from hashcanary.moments import DAY, day_start, iso_day

    try:
        day = (day_start(date.fromisoformat(text)) - start) / DAY
    except ValueError:
        day = -1.0
    if not 0 <= day < length:
        raise UsageError(
            argument="--left-on",
            expected=f"a date from {iso_day(start)} to {iso_day(start + int(length) * DAY - 1)}, "
            "within the history",
            found=text,
            remedy="Write it as 2022-07-01.",
        )
    return day


def _loaded(home: Path, files: Sequence[Path]) -> Lake:
    """The demo's lake with the files in it."""
    from hashcanary.chain.networks import MAIN
    from hashcanary.store.loading import load

    with made_where_missing(home, MAIN, simulated=True) as lake, bar() as tell:
        return load(lake, files, progress=tell).lake


def _refuse_another(args: argparse.Namespace, home: Path, history: History) -> None:
    """Raise DemoLakeTaken where another history stands, before anything is written."""
    from hashcanary.cli.errors import DemoLakeTaken
    from hashcanary.store.errors import NoLake
    from hashcanary.store.lake import Lake

    try:
        lake = Lake.open(home)
    except NoLake:
        return
    if found := _other_than(history, lake):
        raise DemoLakeTaken(home=home, seed=args.seed, years=args.years, found=found)


def _other_than(history: History, lake: Lake) -> str:
    """What a lake holds that this history did not bring; empty where there is nothing."""
    import hashlib
    import tempfile

    from hashcanary.simulation.history import write_history

    if not lake.simulated:
        return "a lake of real history"
    with tempfile.TemporaryDirectory() as folder:
        files = write_history(history, Path(folder))
        ours = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    others = [file.path for file in lake.manifest.loaded if file.sha256 not in ours]
    return f"one loaded from {', '.join(others)}" if others else ""


@command(
    "demo",
    "build a simulated history and report on it; no data needed",
    beside("--seed", metavar="N", type=int, default=1, help="of the random draws (default: 1)"),
    beside(
        "--years",
        metavar="N",
        type=float,
        default=5.0,
        help="length of the history, 1 to 30 (default: 5)",
    ),
    beside(
        "--left-for-good",
        metavar="PCT",
        type=part_of("--left-for-good"),
        help="share of the hashrate that leaves permanently, such as 5%%",
    ),
    beside(
        "--left-on",
        metavar="DATE",
        help="first of the 30 days over which it leaves (default: halfway through the history)",
    ),
    beside(
        "--dir",
        metavar="DIR",
        type=path_of,
        default="hashcanary-demo",
        help="where to write (default: hashcanary-demo)",
    ),
    has_csv=False,
)
def demo(args: argparse.Namespace) -> Exit:
    """Simulates several years of mining history (exact retargets, exponential block times,
    growth, a storm, a capitulation and its recovery, a price), writes it to files,
    loads them through the same loaders as real data, and reports on it. No network and
    no data are needed. Everything it writes is marked SIMULATED.

    Writes into DIR: data/ (the files), lake/ (unless --home is set), report.html and
    charts/. The same seed gives the same files.

    For example:
      hashcanary demo
      hashcanary demo --seed 7 --years 8 --dir another-demo
      hashcanary demo --left-for-good 5% --left-on 2023-01-01
      hashcanary --home hashcanary-demo/lake metric show hashrate.sma30
    """
    from hashcanary.simulation.history import simulate_history, write_history
    from hashcanary.store.recording import record_of

    folder = args.dir
    home = Path(args.home) if args.home else folder / "lake"
    history = simulate_history(args.seed, args.years, _scenario(args))
    _refuse_another(args, home, history)
    with writing(folder, "the demo"):
        files = write_history(history, folder / "data")
    lake = _loaded(home, files)
    page, pictures = folder / "report.html", folder / "charts"
    report, written = write_report(lambda: record_of(lake), page, pictures)
    print_report(report, as_json=args.json)
    say_written([*files, *written])
    say(f"the simulated lake: hashcanary --home {home} metric show hashrate.sma30")
    return Exit.DONE
