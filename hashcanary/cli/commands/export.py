"""``hashcanary export DIR``: the believed record as tables for other tools."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_DESCRIPTION = """\
Writes the record by source precedence into DIR: blocks (one row a height), days and
epochs (every metric, with its limits), and export.json, which describes the
columns. pandas, DuckDB, Polars and spreadsheets can read the files directly.

DIR must be empty or missing. On any error nothing is written.
"""
_EXAMPLES = """\
  hashcanary export tables/
  hashcanary export tables-then/ --at 2026-02-03 --format csv
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "export",
        run,
        summary="write blocks, days and epochs as Parquet or CSV",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument("folder", metavar="DIR", help="where to write; created if missing")
    parser.add_argument(
        "--format", choices=("parquet", "csv"), default="parquet", help="default: parquet"
    )
    add_at(parser)


def run(args: argparse.Namespace) -> Exit:
    """Export, and print what was written."""
    from pathlib import Path

    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.export import export

    show(export(open_record(args), Path(args.folder).expanduser(), args.format), format_of(args))
    return Exit.DONE
