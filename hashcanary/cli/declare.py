"""How a command declares itself to the parser."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from hashcanary.errors import Exit

Run = Callable[[argparse.Namespace], Exit]
_LONGEST_COMMAND = 14


class Formatter(argparse.HelpFormatter):
    """Help 80 columns wide everywhere, so that the docs page is what the terminal shows.

    Paragraphs are filled; one that holds an indented line is kept as it is.
    """

    def __init__(self, prog: str) -> None:
        # a width given saves argparse from importing shutil to find one
        super().__init__(prog, max_help_position=26, width=80)
        # room for the longest command: argparse measures commands without their indent
        self._action_max_length = _LONGEST_COMMAND

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        parts = text.strip("\n").split("\n\n")
        return "\n\n".join(
            part if "\n  " in part else super(Formatter, self)._fill_text(part, width, indent)
            for part in parts
        )


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, name the command, and say where help is."""

    def __init__(self, *args: object, **options: object) -> None:
        options.setdefault("formatter_class", Formatter)
        options.setdefault("allow_abbrev", False)
        super().__init__(*args, **options)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(Exit.USAGE, f"hashcanary: error: {message}. See `{self.prog} --help`.\n")


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Parser]


def add_command(
    commands: Commands,
    shared: Parser,
    name: str,
    run: Run,
    *,
    summary: str,
    description: str,
    examples: str,
    has_csv: bool = True,
) -> Parser:
    """A command's parser, with the global options; the caller adds the command's own.

    summary: a line for the list of commands; description: what it does and prints, with its exit
    codes; examples: shown at the end of its help; has_csv: whether it lists rows.
    """
    parser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"examples:\n{examples}",
        parents=[shared],
    )
    parser.set_defaults(run=run, command=parser.prog, has_csv=has_csv)
    return parser


def add_at(parser: argparse.ArgumentParser) -> None:
    """``--at T``: as known at a moment."""
    parser.add_argument(
        "--at",
        metavar="T",
        help="as known at T: a date (its end, UTC), a time with zone, or a block height "
        "(default: all that the lake holds)",
    )


def add_bounds(parser: argparse.ArgumentParser, what: str) -> None:
    """``--start T`` and ``--end T``, of which ``what`` there is; read by ``opening.bounds``."""
    parser.add_argument(
        "--start", metavar="T", help=f"only {what} from T on: a date or a time with zone"
    )
    parser.add_argument(
        "--end",
        metavar="T",
        help=f"only {what} before the end of T: a date (included) or a time with zone",
    )
