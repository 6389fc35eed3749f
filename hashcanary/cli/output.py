"""What every command prints with: an answer for people, as JSON or as CSV.

Data go to stdout, everything else to stderr. JSON holds no NaN and is the same bytes for the same
data. Text that came from files is made harmless: control characters are shown, not sent to the
terminal, and a CSV cell cannot start a spreadsheet formula.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal, TextIO

from hashcanary.views.data import csv_text, json_text
from hashcanary.views.text import harmless

if TYPE_CHECKING:
    import argparse

    from rich.console import Console, RenderableType

    from hashcanary.views.answer import Answer

Format = Literal["people", "json", "csv"]


def format_of(args: argparse.Namespace) -> Format:
    """The form of output the user asked for."""
    if args.json:
        return "json"
    return "csv" if args.csv else "people"


def show(answer: Answer, how: Format) -> None:
    """Write an answer to stdout in the form the user asked for."""
    if how == "json":
        sys.stdout.write(json_text(answer.to_dict()))
    elif how == "csv":
        sys.stdout.write(csv_text(answer.tables[0]))
    else:
        from hashcanary.views.terminal import UNLIMITED, rendered

        out = console(sys.stdout)
        if out.is_terminal:
            out.print(rendered(*answer.shown))
        else:
            # nothing is cut where no terminal sets a limit, and nothing is padded
            out.width = UNLIMITED
            print_trimmed(out, rendered(*answer.shown))


def print_trimmed(out: Console, drawn: RenderableType) -> None:
    """Print to what is no terminal: without the blanks that fill lines up."""
    with out.capture() as captured:
        out.print(drawn)
    out.file.writelines(line.rstrip() + "\n" for line in captured.get().splitlines())


def console(stream: TextIO) -> Console:
    """A rich console that prints text as it is: no markup, no emoji, no guessed colours."""
    from rich.console import Console

    return Console(file=stream, markup=False, emoji=False, highlight=False)


def say(text: str) -> None:
    """A line for people on stderr."""
    sys.stderr.write(harmless(text) + "\n")
