"""``hashcanary study drops``: drops in hashrate, each with its alarm, depth and end."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import number_between
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_EXAMPLES = """\
  hashcanary study drops
  hashcanary study drops --one-in 5
  hashcanary study drops --at 2026-01-25 --json
"""
_DESCRIPTION = """\
Lists the drops in hashrate that its blocks show. Each raises an alarm at the block
at which noise of block arrivals, ordinary variation and growth of the hashrate no
longer explain how slowly blocks came; --one-in sets the years between two false
alarms. The alarm uses no block after it; start, depth and end of a drop are
estimated from all blocks known at --at.

Only unbroken runs of blocks are watched: a drop across a gap cannot be seen.
"""


def add(studies: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        studies,
        shared,
        "drops",
        run,
        summary="drops in hashrate, at a stated rate of false alarms",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--one-in",
        metavar="YEARS",
        type=number_between("years", 0.01, 1000),
        default=1.0,
        help="years of blocks between two false alarms, 0.01 to 1000 (default: 1)",
    )
    add_at(parser)


def run(args: argparse.Namespace) -> Exit:
    """Find the drops and print them."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.drops import drops

    show(drops(open_record(args), years=args.one_in), format_of(args))
    return Exit.DONE
