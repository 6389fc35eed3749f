"""``hashcanary metric list`` and ``hashcanary metric show NAME``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_bounds, add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_LIST_EXAMPLES = """\
  hashcanary metric list
  hashcanary metric list --json | jq -r '.rows[].name'
"""
_SHOW_EXAMPLES = """\
  hashcanary metric show hashrate.day
  hashcanary metric show hashprice --start 2025-12-01 --end 2026-01-31 --csv
  hashcanary metric show ribbon.state --at 2026-02-03 --json
  hashcanary metric show hashrate.sma30 hashprice price --csv
"""
_SHOW_DESCRIPTION = """\
Prints the rows of a metric, one per UTC day or difficulty epoch: value, interval
where the value is an estimate, basis, and why a value is missing. Several metrics
of one grain are printed side by side, a column each.

The terminal shows the last rows and SI prefixes. JSON and CSV have every row
between --start and --end in plain units (hashrate in H/s), when each row was final
(known_at) and whether it is computed from blocks or from a vendor's daily figures
(basis). In JSON, complete_from and complete_to bound the last run of rows without a
missing value.

Exits with 3 if the lake holds no data that the metric can use.
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command and its two parts."""
    parser = commands.add_parser(
        "metric",
        help="list the metrics, or show one with its intervals",
        description="Lists the metrics, or prints the rows of one or several.",
        epilog=f"examples:\n{_LIST_EXAMPLES}{_SHOW_EXAMPLES}",
        parents=[shared],
    )
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_command(
        parts,
        shared,
        "list",
        run_list,
        summary="every metric: name, title, unit, rows",
        description="Lists every metric, including those of installed packages.",
        examples=_LIST_EXAMPLES,
    )
    show = add_command(
        parts,
        shared,
        "show",
        run_show,
        summary="the rows of one metric, or of several side by side",
        description=_SHOW_DESCRIPTION,
        examples=_SHOW_EXAMPLES,
    )
    show.add_argument(
        "name",
        metavar="NAME",
        nargs="+",
        help="name of a metric, such as hashrate.sma30; several are printed side by side",
    )
    add_bounds(show, "rows")
    add_at(show)
    show.add_argument(
        "--rows",
        metavar="N",
        type=int,
        default=15,
        help="rows printed in the terminal (default: 15)",
    )


def run_list(args: argparse.Namespace) -> Exit:
    """Print every metric."""
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.metrics import metric_list

    show(metric_list(), format_of(args))
    return Exit.DONE


def run_show(args: argparse.Namespace) -> Exit:
    """Print one metric, or several side by side."""
    from hashcanary.cli.opening import bounds, open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.metrics.declaration import find_metric
    from hashcanary.views.metrics import check_rows, metric

    start, end = bounds(args)
    check_rows(args.rows)
    for name in args.name:
        find_metric(name)
    answer = metric(open_record(args), args.name, start=start, end=end, rows=args.rows)
    show(answer, format_of(args))
    return Exit.DONE
