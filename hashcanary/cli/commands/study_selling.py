"""``hashcanary study selling``: share of production that is sold to pay for power."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import path_of, seed_of
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_EXAMPLES = """\
  hashcanary study selling
  hashcanary study selling --at 2022-11-25 --show drops
  hashcanary study selling --show history --csv
"""
_DESCRIPTION = """\
Forced selling: the share of production that miners need to pay for power, by margin
of the running machines; after a drop in price; through time.

Power is paid in money: a machine whose power costs half of its revenue sells half
of its coins. Where power costs more than the revenue it sells all of them, and the
shortfall is paid from a treasury or other money, or the machine stops. Which
machines run and what they pay are drawn from stated priors (study supply); each
share comes with the 95% band of the draws. It is a bound, not a measurement of
coins sold.
"""
# of views.selling, which is not imported before it is needed
_TABLES = ("classes", "drops", "history", "published", "assumptions")


def add(studies: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        studies,
        shared,
        "selling",
        run,
        summary="forced selling: share of production needed for power",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--show",
        choices=_TABLES,
        default="classes",
        help="the table: classes of machines by margin, drops in price, every day of the record, "
        "published figures, or the sensitivity of the share (default: classes)",
    )
    parser.add_argument("--rigs", metavar="FILE", help="a catalogue of rigs, as TOML")
    parser.add_argument(
        *("--power-prices", "--prices"),
        metavar="FILE",
        help="power prices by region, as TOML",
    )
    parser.add_argument(
        "--assumptions", metavar="FILE", help="overheads instead of the built-in ones, as TOML"
    )
    parser.add_argument("--seed", metavar="N", default="1", help="of the draws (default: 1)")
    add_at(parser)


def run(args: argparse.Namespace) -> Exit:
    """Study and print."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.selling import selling

    seed = seed_of(args.seed)
    answer = selling(
        open_record(args),
        show=args.show,
        rigs=path_of(args.rigs),
        power_prices=path_of(args.power_prices),
        assumptions=path_of(args.assumptions),
        seed=seed,
    )
    show(answer, format_of(args))
    return Exit.DONE
