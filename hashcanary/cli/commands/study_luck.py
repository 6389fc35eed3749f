"""``hashcanary study luck``: whether a window has fewer blocks than noise leaves."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_bounds, add_command
from hashcanary.cli.numbers import number_between
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_EXAMPLES = """\
  hashcanary study luck
  hashcanary study luck --start 2026-01-24 --end 2026-01-24
  hashcanary study luck --start 2026-01-23 --end 2026-01-29 --json
"""
_DESCRIPTION = """\
Tests a window of time for an abnormal block count (the last three days without
--start and --end): how likely noise of block arrivals leaves as few blocks at
constant hashrate, that of the 2,016 blocks before the window. One p-value is for
this window alone; the other is for the worst window of its length in a span such as
a year, for a window picked because it looks bad.

The dynamic models add how far hashrate in the window lies below that of the blocks
before, and the probability that it is lower by more than 0, 5, 10 and 20%. The two
answers differ: the test assumes constant hashrate, the models let it vary as it has
varied before.

Exits with 3 where blocks at an end of the window, or before it, are not known.
"""


def add(studies: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        studies,
        shared,
        "luck",
        run,
        summary="test a window for an abnormal block count",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_bounds(parser, "blocks")
    parser.add_argument(
        "--span",
        metavar="DAYS",
        type=number_between("days", 1, 36525),
        default=365.25,
        help="days from which the window may have been picked as the worst, 1 to 36525 (default: "
        "365.25)",
    )
    add_at(parser)


def run(args: argparse.Namespace) -> Exit:
    """Test the window and print."""
    from hashcanary.cli.opening import bounds, open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.luck import luck

    start, end = bounds(args)
    answer = luck(open_record(args), start=start, end=end, span_days=args.span)
    show(answer, format_of(args))
    return Exit.DONE
