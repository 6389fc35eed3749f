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
Prints a metric's rows: one a UTC day or a difficulty epoch, with the limits of its
interval where it is an estimate, its basis, and why a value is missing. Several
metrics of one grain stand side by side, a column each.

The terminal shows the last rows and SI prefixes. JSON and CSV have every row
between --start and --end in plain units (hashrate in H/s), when each row was final
(known_at) and whether it is computed from blocks or from a vendor's daily figures
(basis). In JSON, complete_from and complete_to bound the last run of rows without
a missing value.

Exits with 3 where the lake holds nothing the metric could start from.
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command and its two parts."""
    parser = commands.add_parser(
        "metric",
        help="list the metrics, or show one with its intervals",
        description="Lists the metrics there are, or shows one.",
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
        description="Lists every metric there is, those of installed packages too.",
        examples=_LIST_EXAMPLES,
    )
    show = add_command(
        parts,
        shared,
        "show",
        run_show,
        summary="one metric's rows",
        description=_SHOW_DESCRIPTION,
        examples=_SHOW_EXAMPLES,
    )
    show.add_argument(
        "name",
        metavar="NAME",
        nargs="+",
        help="a metric's name, such as hashrate.sma30; several stand side by side",
    )
    add_bounds(show, "rows")
    add_at(show)
    show.add_argument(
        "--rows", metavar="N", type=int, default=15, help="rows shown to people (default: 15)"
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
    from hashcanary.views.metrics import metric

    start, end = bounds(args)
    for name in args.name:
        find_metric(name)
    answer = metric(open_record(args), args.name, start=start, end=end, rows=args.rows)
    show(answer, format_of(args))
    return Exit.DONE
