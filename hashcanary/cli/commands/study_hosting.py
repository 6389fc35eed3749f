"""``hashcanary study hosting``: AI hosting against mining, and what leaves for good."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.assuming import stated_price
from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import number_of, part_of, path_of, seed_of
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_EXAMPLES = """\
  hashcanary study hosting
  hashcanary study hosting --offer 180 --offer 250 --power-price 0.04
  hashcanary study hosting --show contracts --csv
  hashcanary study hosting --left-for-good 5%
"""
_DESCRIPTION = """\
Revenue per MWh from hosting AI, by published contracts, and from mining; the share
of the hashrate that would leave at a rent; difficulty and hashprice after a
permanent exit.

A rent is USD per MWh of critical IT load, due for the reserved capacity; the tenant
pays for power. After the site's own costs, the building and the months without
income it is compared with the margin of mining, both per MWh of the grid
connection. A site leaves where the rent beats mining and its region allows it.
Machines, power prices and all assumptions are draws of stated priors
(economics/hosting/hosting.toml); every share comes with the 95% band of the draws.
A contract published after --at is not used.

Contracts in which the host also buys the computers are listed but not used.
"""
# of views.hosting, which is not imported before it is needed
_TABLES = ("offers", "contracts", "assumptions", "left")


def add(studies: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        studies,
        shared,
        "hosting",
        run,
        summary="AI hosting against mining; share of the hashrate that would leave",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--offer",
        metavar="USD/MWH",
        action="append",
        help="a rent of critical IT, power paid by the tenant; can be repeated; the sensitivity is "
        "of the first (default: median of the known contracts)",
    )
    parser.add_argument(
        "--left-for-good",
        metavar="PCT",
        help="share of the hashrate that leaves permanently, such as 5%%",
    )
    parser.add_argument(
        "--who",
        choices=("proportional", "dearest", "cheapest"),
        default="proportional",
        help="whose machines leave: all alike (default), those that cost most to run, or those "
        "that cost least",
    )
    parser.add_argument(
        "--power-price", metavar="USD/KWH", help="your own, for your break-even rent"
    )
    parser.add_argument("--contracts", metavar="FILE", help="contracts and assumptions, as TOML")
    parser.add_argument(
        "--show",
        choices=_TABLES,
        help="the table: rents, published contracts, the sensitivity, or the effect of a permanent "
        "exit (default: left with --left-for-good, else offers)",
    )
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
    from hashcanary.views.hosting import hosting

    offers = tuple(number_of(text) for text in args.offer or ())
    price, seed = stated_price(args.power_price), seed_of(args.seed)
    left = args.left_for_good
    part = None if left is None else part_of("--left-for-good", left)
    record = open_record(args)
    answer = hosting(
        record,
        show=args.show,
        offers=offers,
        left_for_good=part,
        who=args.who,
        power_price=price,
        contracts=path_of(args.contracts),
        rigs=path_of(args.rigs),
        power_prices=path_of(args.power_prices),
        seed=seed,
    )
    show(answer, format_of(args))
    picture = path_of(args.png)
    if picture is not None:
        from hashcanary.cli.reporting import write_picture
        from hashcanary.report.charts.supply import hosting_picture

        write_picture(picture, hosting_picture(answer.result, simulated=record.simulated))
    return Exit.DONE
