"""``hashcanary cost``: what a coin costs to make, by every definition, beside the price."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.assuming import add_assumptions, assumed_of
from hashcanary.cli.declare import add_at, add_bounds, add_command
from hashcanary.errors import Exit, UsageError

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
Puts the definitions of the cost of a bitcoin side by side: each with its 90%
band, the price over it, and what it assumes on the same line. Under them stand
figures that others published and nobody can reproduce, as published.

Models are plug-ins: --json says of each what it is, its source, and how it
differs from its source. What they assume is stated in files that others can
take the place of. --sensitivity says which assumption moves the answer most;
--history gives every day.

Exits with 3 where no model can tell a cost.
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "cost",
        run,
        summary="what a coin costs to make, by every definition, with bands",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(parser)
    parser.add_argument(
        "--model",
        metavar="NAME",
        action="append",
        default=[],
        help="only this model; may be given more than once (default: all)",
    )
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--history", action="store_true", help="cost and price to cost on every day")
    parts.add_argument(
        "--sensitivity", action="store_true", help="what each assumption does to each model"
    )
    add_bounds(parser, "days of --history")
    add_assumptions(parser)
    parser.add_argument("--published", metavar="FILE", help="costs that others published, as TOML")


def run(args: argparse.Namespace) -> Exit:
    """Compute and print."""
    from pathlib import Path

    from hashcanary.cli import cost_tables
    from hashcanary.cli.opening import bounds, open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.economics.costs.answers import cost_answers
    from hashcanary.economics.costs.published import newest_known, read_published_costs
    from hashcanary.economics.costs.registry import find_cost_models

    if (args.start or args.end) and not args.history:
        raise UsageError(
            argument="--start and --end",
            expected="--history with them",
            found="none",
            remedy="--at gives the costs as known at a moment.",
        )
    models = find_cost_models(args.model)
    assumed = assumed_of(args)
    published = read_published_costs(Path(args.published) if args.published else None)
    start, end = bounds(args)
    record = open_record(args)
    found = cost_answers(record, models, assumed)
    if args.history:
        table = cost_tables.history(record, found, start, end)
    elif args.sensitivity:
        table = cost_tables.sensitivity(record, found)
    else:
        beside = () if args.model else newest_known(published, found.at)
        table = cost_tables.definitions(record, found, beside)
    emit(table, format_of(args))
    return Exit.DONE
