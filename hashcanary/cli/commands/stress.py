"""``hashcanary stress``: the stress gauge and the miner-sustainability index, each part visible."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_bounds, add_command
from hashcanary.errors import Exit, UsageError

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_EXAMPLES = """\
  hashcanary stress
  hashcanary stress --at 2022-11-25 --json
  hashcanary stress --weights mine.toml
  hashcanary stress --history --start 2020-01-01 --csv > stress.csv
"""
_DESCRIPTION = """\
The stress gauge, 0 calm to 100 stress: the weighted mean of the percentiles of
few components (hash ribbon, fall of the hashrate, hashprice over its year, Puell
multiple, price over cost of power, fleet under water, coins that must be sold),
each among its own days of the four years before, as known then. Its word compares
it with its own days before.

The miner-sustainability index, 0 to 100: can those who mine go on, today, this
year, and when machines wear out. It is made of shares, not of percentiles: a
figure means the same in every year.

Every component shows its value with unit and band, its percentile, its weight and
what it contributes. Weights and words are in a file that --weights can replace.
`hashcanary study stress` says how far to trust all of it.

Exits with 3 where too little is known for the gauge to speak.
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "stress",
        run,
        summary="stress of miners in one figure, its parts in the open",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(parser)
    parser.add_argument(
        "--weights", metavar="FILE", help="weights, windows and words in place of ours, as TOML"
    )
    parser.add_argument("--history", action="store_true", help="gauge and index on every day")
    add_bounds(parser, "days of --history")


def run(args: argparse.Namespace) -> Exit:
    """Compute and print."""
    from pathlib import Path

    from hashcanary.cli import stress_history_table, stress_tables
    from hashcanary.cli.opening import bounds, open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.studies.stress.answer import hindsight_notes, stress_now
    from hashcanary.studies.stress.gauge import stress_history
    from hashcanary.studies.stress.registry import all_components
    from hashcanary.studies.stress.settings import read_settings
    from hashcanary.studies.stress.sources import stress_sources
    from hashcanary.studies.stress.sustainability import sustainability_history

    if (args.start or args.end) and not args.history:
        raise UsageError(
            argument="--start and --end",
            expected="--history with them",
            found="none",
            remedy="--at gives the gauge as known at a moment.",
        )
    known = all_components()
    settings = read_settings(known, Path(args.weights) if args.weights else None)
    start, end = bounds(args)
    record = open_record(args)
    sources = stress_sources(record)
    history = stress_history(sources, settings, known)
    index = sustainability_history(sources, settings)
    now = stress_now(history, index, record.at_text)
    if args.history:
        table = stress_history_table.history(record, history, index, start, end)
    else:
        table = stress_tables.now(record, now, settings, hindsight_notes(sources, now.day))
    emit(table, format_of(args))
    return Exit.DONE
