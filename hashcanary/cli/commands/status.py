"""``hashcanary status``: how complete the lake is."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_DESCRIPTION = """\
Shows how complete the lake is: the rows and the range of each table, missing
ranges, and values on which sources disagree. Superseded rows are kept; the row in
force by source precedence is named.
"""
_EXAMPLES = """\
  hashcanary status
  hashcanary status --json | jq '.tables'
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    add_command(
        commands,
        shared,
        "status",
        run,
        summary="how complete the lake is, and where sources disagree",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )


def run(args: argparse.Namespace) -> Exit:
    """Print what each table holds."""
    from hashcanary.cli.opening import open_lake
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.lake import status

    show(status(open_lake(args)), format_of(args))
    return Exit.DONE
