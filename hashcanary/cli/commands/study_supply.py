"""``hashcanary study supply``: what hashrate pays at which hashprice, and who is under water."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.assuming import stated_price
from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import path_of, seed_of
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_EXAMPLES = """\
  hashcanary study supply
  hashcanary study supply --at 2022-11-25 --show rigs
  hashcanary study supply --power-price 0.06 --show own
  hashcanary study supply --fleet mine.toml --json
"""
_DESCRIPTION = """\
Profitable hashrate at each hashprice; the share underwater now; the rigs next to
switch off, and the price of bitcoin at which they do; the sensitivity of the share
underwater.

Which machines run and what they pay for power is not public. Both are drawn from
stated priors: the fleet from release dates, growth of the hashrate, ageing and past
profitability; power prices by region. Every share comes with the 95% band of the
draws. A rig released or a price published after --at is not used.

--fleet FILE lists your own machines and what you pay:

  power_price_usd_per_kwh = 0.052
  [[machines]]
  rig = "Antminer S19j Pro"
  count = 1200
"""
# of views.supply, which is not imported before it is needed
_TABLES = ("curve", "rigs", "assumptions", "own")


def add(studies: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        studies,
        shared,
        "supply",
        run,
        summary="profitable hashrate at each hashprice; hashrate underwater",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--show",
        choices=_TABLES,
        help="the table: the curve, the network's rigs, the sensitivity of the share underwater, "
        "or your own machines (default: own with --fleet or --power-price, else curve)",
    )
    parser.add_argument(
        "--power-price",
        metavar="USD/KWH",
        help="your own power price: break-even of the network's rigs at it; with --fleet, instead "
        "of the file's prices",
    )
    parser.add_argument("--fleet", metavar="FILE", help="your own machines, as TOML")
    parser.add_argument("--rigs", metavar="FILE", help="a catalogue of rigs, as TOML")
    parser.add_argument(
        *("--power-prices", "--prices"),
        metavar="FILE",
        help="power prices by region, as TOML",
    )
    parser.add_argument("--png", metavar="FILE", help="also write the curve as a picture")
    parser.add_argument("--seed", metavar="N", default="1", help="of the draws (default: 1)")
    add_at(parser)


def run(args: argparse.Namespace) -> Exit:
    """Study and print."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.supply import supply

    price, seed = stated_price(args.power_price), seed_of(args.seed)
    record = open_record(args)
    answer = supply(
        record,
        show=args.show,
        power_price=price,
        fleet=path_of(args.fleet),
        rigs=path_of(args.rigs),
        power_prices=path_of(args.power_prices),
        seed=seed,
    )
    show(answer, format_of(args))
    picture = path_of(args.png)
    if picture is not None:
        from hashcanary.cli.reporting import write_picture
        from hashcanary.report.charts.supply import supply_picture

        write_picture(picture, supply_picture(answer.result, simulated=record.simulated))
    return Exit.DONE
