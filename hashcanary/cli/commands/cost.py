"""``hashcanary cost``: what a coin costs to make, by definition, beside the price."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.assuming import add_assumptions, assumed_of
from hashcanary.cli.declare import add_at, add_bounds, add_command
from hashcanary.cli.numbers import path_of
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_EXAMPLES = """\
  hashcanary cost
  hashcanary cost --at 2026-02-05 --json
  hashcanary cost --power-price 0.06 --efficiency 17.5    your own machines
  hashcanary cost --sensitivity --model all-in
  hashcanary cost --history --model electricity --csv > electricity.csv
"""
_DESCRIPTION = """\
Compares definitions of the cost of a bitcoin: each with its 90% band, price / cost,
and its assumptions. Published figures that cannot be reproduced are listed as
published.

Models are plug-ins; --json contains the definition and source of each, and its
differences from the source. Assumptions are stated in files that can be overridden.
--sensitivity shows how much each assumption moves the cost, --history every day.

Exits with 3 where no model has a cost.
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "cost",
        run,
        summary="what a bitcoin costs to make, by definition, with bands",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(parser)
    parser.add_argument(
        "--model",
        metavar="NAME",
        action="append",
        default=[],
        help="only this model; can be repeated (default: all)",
    )
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--history", action="store_true", help="cost and price / cost by day")
    parts.add_argument(
        "--sensitivity", action="store_true", help="how much each assumption moves each model"
    )
    add_bounds(parser, "days of --history")
    add_assumptions(parser)
    parser.add_argument("--published", metavar="FILE", help="published costs, as TOML")


def run(args: argparse.Namespace) -> Exit:
    """Compute and print."""
    from hashcanary.cli.opening import bounds, open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.costs import costs

    (start, end), assumed = bounds(args), assumed_of(args)
    answer = costs(
        open_record(args),
        show="history" if args.history else "sensitivity" if args.sensitivity else None,
        models=args.model,
        start=start,
        end=end,
        published=path_of(args.published),
        **assumed,
    )
    show(answer, format_of(args))
    return Exit.DONE
