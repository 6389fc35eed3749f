"""``hashcanary episodes``: every capitulation in the record and what followed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_DESCRIPTION = """\
Lists every capitulation in the record: by the ribbon rule (the 30-day mean of the
hashrate below the 60-day mean) and by the drawdown of the epoch-average hashrate
from its peak. For each: start, end, length, depth, its return period at constant
hashrate, how often block arrivals alone invert the ribbons as long and as deep
(simulated), and the return of the price after 30, 90, 180 and 365 days. An episode
that has not ended is open; a return whose day has not come is missing, not zero.

--show after: how often the price was higher afterwards, with intervals.
"""
_EXAMPLES = """\
  hashcanary episodes
  hashcanary episodes --at 2022-12-31 --json
  hashcanary episodes --show after
  hashcanary episodes --csv > episodes.csv
"""
# of views.episodes, which is not imported before it is needed
_TABLES = ("episodes", "after")


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "episodes",
        run,
        summary="every capitulation: depth, length, later returns of the price",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--show", choices=_TABLES, default="episodes", help="the table (default: episodes)"
    )
    add_at(parser)


def run(args: argparse.Namespace) -> Exit:
    """Find the episodes and print them."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.episodes import episodes

    show(episodes(open_record(args), show=args.show), format_of(args))
    return Exit.DONE
