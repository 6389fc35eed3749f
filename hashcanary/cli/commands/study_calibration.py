"""``hashcanary study calibration``: how good forecasts of the retarget, or of hashprice, were."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_bounds, add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_EXAMPLES = """\
  hashcanary study calibration
  hashcanary study calibration --start 2024-01-01
  hashcanary study calibration --start 2011-01-01 --end 2015-01-01 --json
  hashcanary study calibration --of hashprice --start 2020-01-01
"""
_DESCRIPTION = """\
Makes the forecast of the next retarget anew at seven blocks of every epoch of the
record, from what was known at that block, and compares it with the outcome: the
mean absolute error beside the rules that others publish, the score of the
distribution beside the constant-rate law's, and how often the 50, 80 and 95%
intervals held the outcome, with the limits that so few epochs leave.

With --of hashprice the same for hashprice on the first whole day after the
retarget, from two blocks, at the price of the forecast and at the price that came.
With --show reliability: how often decreases came that had a forecast probability.

An epoch counts when all its blocks and those of the one before it are known.
Exits with 3 where no epoch is.
"""
# of views.calibration, which is not imported before it is needed
_OF = ("retarget", "hashprice")
_TABLES = ("scores", "reliability")


def add(commands: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        commands,
        shared,
        "calibration",
        run,
        summary="how good the forecasts of the retarget were, epoch by epoch",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--of",
        choices=_OF,
        default="retarget",
        help="the forecast (default: retarget)",
    )
    parser.add_argument(
        "--show",
        choices=_TABLES,
        default="scores",
        help="the table: errors, scores and intervals, or the reliability of the probability of a "
        "decrease (default: scores)",
    )
    add_bounds(parser, "epochs that began")
    add_at(parser)


def run(args: argparse.Namespace) -> Exit:
    """Judge the forecasts and print."""
    from hashcanary.cli.opening import bounds, open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.calibration import calibration

    start, end = bounds(args)
    record = open_record(args)
    show(calibration(record, of=args.of, show=args.show, start=start, end=end), format_of(args))
    return Exit.DONE
