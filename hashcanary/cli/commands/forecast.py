"""``hashcanary forecast``: the next two retargets, and hashprice after the next one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import price_of, seed_of
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_RETARGET_EXAMPLES = """\
  hashcanary forecast retarget
  hashcanary forecast retarget --height 934295
  hashcanary forecast retarget --at 2026-01-30 --json
"""
_RETARGET = """\
Forecasts the change of difficulty at the next retarget and at the one after it,
and their dates: the median and the central 50, 80 and 95% intervals.

A bank of dynamic models follows the hashrate, which moves while an epoch lasts,
weighted by how well each predicted of late. The blocks to come add the noise of
block arrivals, so no interval is narrower than that noise. Only blocks up to --height,
known at --at, are used, and prices known by then.

Exits with 3 where the epoch's first block, or any recent block, is not known.
"""
_HASHPRICE_EXAMPLES = """\
  hashcanary forecast hashprice
  hashcanary forecast hashprice --at 2025-11-25 --show rigs
  hashcanary forecast hashprice --price 70000 --json
"""
_HASHPRICE = """\
Forecasts hashprice, the share of the hashrate underwater and the revenue of a MWh
on the first whole day after the next retarget: medians and the central 50, 80 and
95% intervals of draws.

The price of bitcoin is held at the last one known, so that only difficulty and
fees move; or it moves as in the last four years, without drift (block bootstrap). Also:
the price that would offset the retarget, the rigs that cross break-even, and each
input's share of the variance.

Only blocks, prices, rigs and power prices known at --at are used. Exits with 3
where no price of the last days, or the epoch's first block, is known.
"""
# of views.after_retarget, which is not imported before it is needed
_TABLES = ("hashprice", "rigs", "variance")


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command and its parts."""
    parser = commands.add_parser(
        "forecast",
        help="the next change of difficulty, and what it does to hashprice",
        description="Forecasts with intervals.",
        epilog=f"examples:\n{_RETARGET_EXAMPLES}  hashcanary forecast hashprice\n",
        parents=[shared],
    )
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    retarget = add_command(
        parts,
        shared,
        "retarget",
        run_retarget,
        summary="the next two changes of difficulty and their dates",
        description=_RETARGET,
        examples=_RETARGET_EXAMPLES,
    )
    retarget.add_argument(
        "--height",
        metavar="H",
        type=int,
        help="forecast from this block, using none after it (default: the last known)",
    )
    add_at(retarget)
    hashprice = add_command(
        parts,
        shared,
        "hashprice",
        run_hashprice,
        summary="hashprice and the share underwater after the next retarget",
        description=_HASHPRICE,
        examples=_HASHPRICE_EXAMPLES,
    )
    hashprice.add_argument(
        "--price",
        metavar="USD",
        help="price of bitcoin to start from and to hold, instead of the record's last one",
    )
    hashprice.add_argument(
        "--show",
        choices=_TABLES,
        default="hashprice",
        help="the table: the figures, the network's rigs, or each input's share of the variance "
        "(default: hashprice)",
    )
    hashprice.add_argument("--seed", metavar="N", default="1", help="of the draws (default: 1)")
    add_at(hashprice)


def run_retarget(args: argparse.Namespace) -> Exit:
    """Forecast the retargets and print."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.retarget import forecast_retarget

    show(forecast_retarget(open_record(args), height=args.height), format_of(args))
    return Exit.DONE


def run_hashprice(args: argparse.Namespace) -> Exit:
    """Forecast hashprice and print."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.after_retarget import forecast_hashprice

    price, seed = price_of(args.price), seed_of(args.seed)
    answer = forecast_hashprice(open_record(args), price=price, show=args.show, seed=seed)
    show(answer, format_of(args))
    return Exit.DONE
