"""``hashcanary study costs``: what the price did after it fell below the cost of a coin."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.assuming import add_assumptions, assumed_of
from hashcanary.cli.declare import add_at, add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_EXAMPLES = """\
  hashcanary study costs
  hashcanary study costs --model electricity --model all-in
  hashcanary study costs --at 2025-01-01 --csv
  hashcanary study costs --power-price 0.06 --efficiency 17.5    your own machines
"""
_DESCRIPTION = """\
For every definition of the cost of a bitcoin: how often the price was below it, or
price / cost was low for the record so far; when each such spell was first known;
and the return after 30, 90, 180 and 365 days, compared with any day. Only windows
that do not overlap are evidence. Most definitions have a handful of them, hence
wide intervals.

Exits with 3 if no day has a price and a cost.
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        commands,
        shared,
        "costs",
        run,
        summary="returns of the price after it fell below the cost of a coin",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(parser)
    parser.add_argument(
        "--model",
        metavar="NAME",
        action="append",
        default=[],
        help="only this cost model; can be repeated (default: all)",
    )
    add_assumptions(parser)


def run(args: argparse.Namespace) -> Exit:
    """Study and print."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.cost_study import cost_study

    assumed = assumed_of(args)
    show(cost_study(open_record(args), models=args.model, **assumed), format_of(args))
    return Exit.DONE
