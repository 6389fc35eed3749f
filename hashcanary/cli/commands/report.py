"""``hashcanary report``: the miner-stress report."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_DESCRIPTION = """\
Reports on mining stress as known at a moment: the verdict in plain words with its
uncertainty, what is happening, how it ranks in history, whether it is real and why,
revenue, who is hurt (machines underwater, the cost of a coin, stress), pools,
episodes, what comes next, and the sources. Data later than --at are not used.

--html writes one page that works offline, with charts; --png writes the charts as
pictures. The report is printed as well.
"""
_EXAMPLES = """\
  hashcanary report
  hashcanary report --at 2026-02-03 --html report.html
  hashcanary report --png charts/ --json > report.json
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "report",
        run,
        summary="the miner-stress report: terminal, JSON, HTML page, pictures",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
        has_csv=False,
    )
    add_at(parser)
    parser.add_argument("--html", metavar="FILE", help="write an offline page there")
    parser.add_argument("--png", metavar="DIR", help="write the charts as PNG there")


def run(args: argparse.Namespace) -> Exit:
    """Build the report, write what was asked for, print it."""
    from pathlib import Path

    from hashcanary.cli.opening import open_record
    from hashcanary.cli.reporting import print_report, say_written, write_report

    html = Path(args.html) if args.html else None
    png = Path(args.png) if args.png else None
    report, written = write_report(lambda: open_record(args), html, png)
    print_report(report, as_json=args.json)
    say_written(written)
    return Exit.DONE
