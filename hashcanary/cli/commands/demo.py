"""``hashcanary demo``: a simulated history and its report, with no data and no network."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_DESCRIPTION = """\
Draws several years of mining history at random (exact retargets, exponential block
times, growth, a storm, a capitulation and its recovery, a price), writes it to
files, loads them through the same loaders as real data, and reports on it. No
network and no data are needed. Everything made is marked SIMULATED.

Writes into DIR: data/ (the files), lake/ (unless --home says where), report.html
and charts/. The same seed gives the same files.
"""
_EXAMPLES = """\
  hashcanary demo
  hashcanary demo --seed 7 --years 8 --dir another-demo
  hashcanary --home hashcanary-demo/lake metric show hashrate.sma30
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "demo",
        run,
        summary="build a simulated history and report on it; no data needed",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
        has_csv=False,
    )
    parser.add_argument(
        "--seed", metavar="N", type=int, default=1, help="which history (default: 1)"
    )
    parser.add_argument(
        "--years", metavar="N", type=float, default=5.0, help="1 to 30 (default: 5)"
    )
    parser.add_argument(
        "--dir",
        metavar="DIR",
        default="hashcanary-demo",
        help="where to write (default: hashcanary-demo)",
    )


def run(args: argparse.Namespace) -> Exit:
    """Do it."""
    raise NotImplementedError
