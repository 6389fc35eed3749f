"""``hashcanary explain drop``: was a drop noise, curtailment, economics or a structural exit."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import path_of
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_EXAMPLES = """\
  hashcanary explain drop
  hashcanary explain drop --at 2026-01-27
  hashcanary explain drop --since 2021-05-01 --at 2021-07-10 --json
"""
_DESCRIPTION = """\
Finds the likeliest drop in hashrate of the last 100 days (or since --since) and
gives the probability that it was noise of block arrivals, curtailment (weather, the
price of power), economics (hashprice below break-even) or a structural exit
(relocation, AI hosting). For each kind of evidence it shows the likelihood ratio of
each cause against noise. It names no cause whose probability is below 60%.

Uses blocks, labels of pools, prices, and daily series power_price_usd_per_mwh of
vendors such as ercot where they are loaded; lists what is missing. The profiles of
the causes, the regions of pools, the catalogue of rigs and power prices are stated
assumptions; --causes, --regions, --rigs and --power-prices override them.

Exits with 3 where too few blocks are known.
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command and its part."""
    parser = commands.add_parser(
        "explain",
        help="why hashrate dropped: noise, weather, economics or exit",
        description="Causes and their probabilities.",
        epilog=f"examples:\n{_EXAMPLES}",
        parents=[shared],
    )
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    drop = add_command(
        parts,
        shared,
        "drop",
        run_drop,
        summary="the likeliest recent drop in hashrate, and its cause",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(drop)
    drop.add_argument(
        "--since",
        metavar="T",
        help="look for drops that began since T, a date or a time with zone (default: 100 days)",
    )
    drop.add_argument("--causes", metavar="FILE", help="profiles of the causes, as TOML")
    drop.add_argument("--regions", metavar="FILE", help="regions of pools, as TOML")
    drop.add_argument("--rigs", metavar="FILE", help="a catalogue of rigs, as TOML")
    drop.add_argument("--power-prices", metavar="FILE", help="power prices by region, as TOML")


def run_drop(args: argparse.Namespace) -> Exit:
    """Explain and print."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.drop import explain_drop

    answer = explain_drop(
        open_record(args),
        since=args.since,
        causes=path_of(args.causes),
        regions=path_of(args.regions),
        rigs=path_of(args.rigs),
        power_prices=path_of(args.power_prices),
    )
    show(answer, format_of(args))
    return Exit.DONE
