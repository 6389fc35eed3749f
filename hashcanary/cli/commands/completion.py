"""``hashcanary completion``: a script that completes commands and options in a shell."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

SHELLS = ("bash", "zsh", "fish", "tcsh")

_EXAMPLES = """\
  hashcanary completion bash > ~/.local/share/bash-completion/completions/hashcanary
  hashcanary completion zsh > ~/.zfunc/_hashcanary    # with ~/.zfunc in $fpath
  hashcanary completion fish > ~/.config/fish/completions/hashcanary.fish
  hashcanary completion tcsh > ~/.hashcanary.tcsh     # and source it from ~/.tcshrc
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "completion",
        run,
        summary="print a script that completes commands in your shell",
        description="Prints a completion script for a shell. Save it where the shell looks for "
        "such scripts; nothing is installed by this command.",
        examples=_EXAMPLES,
        has_csv=False,
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell the script is for")


def run(args: argparse.Namespace) -> Exit:
    """Print the script."""
    import shtab

    sys.stdout.write(shtab.complete(args.parser, args.shell).rstrip() + "\n")
    return Exit.DONE
