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
Repeats the forecast of the next retarget at seven blocks of every epoch of the
record, from what was known at that block, and compares it with the outcome: the
mean absolute error against published rules, the CRPS against a constant-rate model,
and the coverage of the 50, 80 and 95% intervals, with confidence limits.

--of hashprice does the same for hashprice on the first whole day after the
retarget, from two blocks, with the price held and with the price that followed.
--show reliability: forecast probability of a decrease against its observed
frequency.

An epoch is used if all its blocks and those of the epoch before are known. Exits
with 3 if there is none.
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
        summary="errors and coverage of the forecasts, epoch by epoch",
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
