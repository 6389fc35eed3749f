"""``hashcanary shutdown``: at which prices machines stop paying for their power."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.commands.rigs import add_rigs
from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import path_of
from hashcanary.errors import Exit, UsageError

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.views.answer import Answer

_MARKET = ("difficulty", "price", "subsidy", "fee_share", "fees_to_subsidy", "hashprice")
_TERMS = ("pool_fee", "pue", "restart_cost", "rig_price", "volatility", "drift", "discount")
_DESCRIPTION = """\
For each machine and power price: the shutdown price of bitcoin, the break-even
power price, revenue per MWh, profit per day, the prices at which to stop and
restart it, and the earnings of a TH/s over three years on 1,000 paths of the
hashprice.

The difficulty is the one in force at --at, price and fees those of the last day
known by then. Each can be stated instead; with all of them, or a hashprice, no lake is
needed. The limits
combine the favourable ends, and the unfavourable ends, of all that is uncertain:
nameplates, fees of the last 30 days, and power price, pool fee and PUE unless
they are stated.

Exits with 3 if no hashprice is known, or no machine was on sale yet.
"""
_EXAMPLES = """\
  hashcanary shutdown
  hashcanary shutdown --power-price 0.04 --power-price 0.06 --rig 'S19 XP' --rig S21
  hashcanary shutdown --at 2026-02-03 --rig-price 16 --html shutdown.html
  hashcanary shutdown --rig S19 --power-price 0.077 --difficulty 17.62T \\
      --subsidy 6.25 --price 10000 --fees-to-subsidy 0.013 --pool-fee 0 --pue 1
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "shutdown",
        run,
        summary="prices at which machines become unprofitable",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(parser)
    parser.add_argument(
        "--power-price",
        metavar="USD",
        action="append",
        help="USD per kWh; can be repeated (default: what the network's median miner pays, with "
        "its band, as known at --at)",
    )
    parser.add_argument("--power-prices", metavar="FILE", help="power prices by region, as TOML")
    parser.add_argument(
        "--rig",
        metavar="NAME",
        action="append",
        help="only this machine; can be repeated (default: all sold by --at)",
    )
    add_rigs(parser)
    for name, metavar, text in _INPUTS:
        parser.add_argument(name, metavar=metavar, help=text)
    parser.add_argument("--html", metavar="FILE", help="also write table and chart as one page")
    parser.add_argument("--png", metavar="FILE", help="also write the chart as a picture")


_INPUTS = (
    ("--difficulty", "D", "instead of the record's; 17.62T is accepted as well"),
    ("--price", "USD", "price of bitcoin instead of the record's"),
    ("--subsidy", "BTC", "new coins per block instead of the record's"),
    ("--fee-share", "F", "fees as a fraction of the whole reward, instead of the record's"),
    ("--fees-to-subsidy", "F", "fees as a fraction of the subsidy, instead of the record's"),
    ("--hashprice", "USD", "USD/PH/s/day, instead of difficulty, price, subsidy and fees"),
    ("--pool-fee", "F", "pool fee, a fraction (default: 0.02, between 0 and 0.04)"),
    (
        "--pue",
        "X",
        "power of the site / power of its machines (default: 1.10, between 1.01 and 1.20)",
    ),
    ("--restart-cost", "USD", "per machine and restart (default: 20, between 5 and 80)"),
    ("--rig-price", "USD", "per TH/s; without it payback is omitted"),
    ("--volatility", "V", "of hashprice, per year, instead of the record's"),
    ("--drift", "R", "of hashprice, per year, with --volatility (default: 0)"),
    ("--discount", "R", "discount rate per year, for stop and restart prices (default: 0.1)"),
    ("--seed", "N", "of the paths (default: 1)"),
)


def run(args: argparse.Namespace) -> Exit:
    """Read, compute, print, write."""
    from hashcanary.cli.numbers import power_price
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.shutdown import shutdown, stated

    market = {name: _number(args, name) for name in _MARKET}
    terms = {name: _number(args, name) for name in _TERMS}
    seed = _number(args, "seed")
    no_lake = stated(**market).enough and not args.at
    answer = shutdown(
        None if no_lake else open_record(args),
        power_price=[power_price(text) for text in args.power_price or ()],
        power_prices=path_of(args.power_prices),
        rig=args.rig or (),
        rigs=path_of(args.rigs),
        seed=1 if seed is None else int(seed),
        **market,
        **terms,
    )
    if args.html or args.png:
        _write(args, answer)
    show(answer, format_of(args))
    return Exit.DONE


def _number(args: argparse.Namespace, name: str) -> float | None:
    """The number of an option, None where it is not given; 17.62T is 17.62e12."""
    text = getattr(args, name)
    if text is None:
        return None
    digits, scale = (text[:-1], 1e12) if text.endswith("T") else (text, 1.0)
    try:
        value = float(digits) * scale
    except ValueError:
        value = float("nan")
    whole = name != "seed" or (value >= 0 and value == int(value))
    if not abs(value) < 1e30 or not whole:
        raise UsageError(
            argument=f"--{name.replace('_', '-')}",
            expected="a number" if name != "seed" else "a whole number, 0 or more",
            found=text,
            remedy="US dollars are the only currency; write 0.02 for 2%.",
        )
    return value


def _write(args: argparse.Namespace, answer: Answer) -> None:
    from hashcanary.cli.reporting import say_written, writing
    from hashcanary.report.render.shutdown_page import picture, render_page

    written = []
    for path, what in ((path_of(args.html), "a page"), (path_of(args.png), "a picture")):
        if path is not None:
            data = render_page(answer).encode() if what == "a page" else picture(answer)
            with writing(path, what):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            written.append(path)
    say_written(written)
