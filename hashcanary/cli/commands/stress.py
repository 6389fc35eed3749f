"""``hashcanary stress``: the stress gauge and the miner-sustainability index, each part visible."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_bounds, add_command
from hashcanary.cli.numbers import path_of
from hashcanary.errors import Exit

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
seven components (hash ribbon, drawdown of the hashrate, hashprice over its year,
Puell multiple, price / cost of power, fleet underwater, forced selling), each among
its own values of the four years before, as known then. Its word (calm, strained,
stressed, capitulation) is set by quantiles of the gauge's own past.

The miner-sustainability index, 0 to 100: can miners go on today, this year, and
when machines wear out. It consists of shares, not percentiles, so a value means the
same in every year.

Every component shows its value with unit and band, its percentile, its weight and
its points. --weights FILE replaces weights and words. `hashcanary study stress`
tests the gauge.

Exits with 3 if too little is known for a gauge.
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "stress",
        run,
        summary="the stress gauge and the sustainability index, with their parts",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(parser)
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="weights, windows and words instead of the built-in ones, as TOML",
    )
    parser.add_argument("--history", action="store_true", help="gauge and index on every day")
    add_bounds(parser, "days of --history")


def run(args: argparse.Namespace) -> Exit:
    """Compute and print."""
    from hashcanary.cli.opening import bounds, open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.stress import stress

    start, end = bounds(args)
    answer = stress(
        open_record(args),
        weights=path_of(args.weights),
        history=args.history,
        start=start,
        end=end,
    )
    show(answer, format_of(args))
    return Exit.DONE
