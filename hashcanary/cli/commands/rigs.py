"""``hashcanary rigs``: the catalogue of machines, with the source of each figure."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import path_of
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_DESCRIPTION = """\
Lists mining machines: hashrate, power and efficiency by the manufacturer's data
sheet, the month of first sale and how it is known, and the source of each figure.
The limits of the efficiency span the figures of all sources, each within a stated
fraction of its nameplate.

--at lists only machines on sale by then. Your own file replaces the built-in
catalogue, or extends it if it contains extends = "built-in".

Exits with 3 if no machine of the catalogue was on sale yet.
"""
_EXAMPLES = """\
  hashcanary rigs
  hashcanary rigs --at 2021-05-01
  hashcanary rigs --rigs mine.toml --csv > rigs.csv
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "rigs",
        run,
        summary="machines: hashrate, power, efficiency, release, with sources",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(parser)
    add_rigs(parser)


def add_rigs(parser: argparse.ArgumentParser) -> None:
    """``--rigs FILE``: a catalogue of the user's own."""
    parser.add_argument(
        "--rigs",
        metavar="FILE",
        help="a catalogue of rigs as TOML that replaces the built-in one, or extends it",
    )


def run(args: argparse.Namespace) -> Exit:
    """Read, choose, print."""
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.rigs import rigs

    show(rigs(at=_time(args), rigs=path_of(args.rigs)), format_of(args))
    return Exit.DONE


def _time(args: argparse.Namespace) -> int | None:
    """Unix seconds of --at; for a height, of its block's time in the lake; None without."""
    from hashcanary.cli.opening import open_lake
    from hashcanary.moments import parse_moment

    if not args.at:
        return None
    moment = parse_moment(args.at)
    if moment.time is not None:
        return moment.time
    from hashcanary.store.recording import record_of

    return record_of(open_lake(args), moment).at
