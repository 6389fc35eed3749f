"""``hashcanary verify``: whether what the lake holds is sound."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_DESCRIPTION = """\
Verifies the lake again: proof of work and links of headers, targets at every
retarget, subsidies, and the checksums of the lake's own files. Prints each check
with its coverage, and each finding with its place.

Exits with 0 if there is no finding, with 1 if there is one.
"""
_EXAMPLES = """\
  hashcanary verify
  hashcanary verify --json | jq '.rows[]'
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    add_command(
        commands,
        shared,
        "verify",
        run,
        summary="check proof of work, links, retargets, subsidies, checksums",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )


def run(args: argparse.Namespace) -> Exit:
    """Make every check, and print them and what they found."""
    from hashcanary.cli.opening import home_of
    from hashcanary.cli.output import format_of, show
    from hashcanary.cli.progress import bar
    from hashcanary.views.lake import verify

    with bar() as tell:
        answer = verify(home_of(args), tell)
    show(answer, format_of(args))
    return Exit.DONE if answer.result.sound else Exit.FOUND
