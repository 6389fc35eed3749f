"""``hashcanary shutdown``: at which prices machines stop paying for their power."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.commands.rigs import add_rigs, catalogue_of
from hashcanary.cli.declare import add_at, add_command
from hashcanary.errors import Exit, UsageError
from hashcanary.interval import Interval

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.economics.machines.rigs import Catalogue, Rig
    from hashcanary.economics.market import Stated
    from hashcanary.economics.shutdown.table import Terms
    from hashcanary.report.shutdown import Shutdown
    from hashcanary.store.record import Record

# people are shown machines first sold in the last six years, unless they name some
_SHOWN_DAYS = 2192
_DESCRIPTION = """\
For each machine and price of power: the price of bitcoin at which it stops paying
for its power, the price of power that it can bear, what a MWh earns, the profit a
day, the hashprice below which stopping is worth a later restart, and what a TH/s
earns in three years over 1,000 paths of the hashprice.

Difficulty, price and fees are those of the record's last day known at --at; each
can be stated instead, and where all are, or a hashprice is, no lake is needed. low
and high take all that is uncertain at its favourable end, and at its other end:
nameplates, fees of the last 30 days, and what is not stated of the price of power,
pool fee and PUE.

Exits with 3 where no hashprice is known, or no machine was sold yet.
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
        summary="prices at which machines stop paying for their power",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(parser)
    parser.add_argument(
        "--power-price",
        metavar="USD",
        action="append",
        help="USD per kWh; may be given more than once (default: what the network's middle miner "
        "pays, with its band, as known at --at)",
    )
    parser.add_argument("--power-prices", metavar="FILE", help="prices of power by region, as TOML")
    parser.add_argument(
        "--rig",
        metavar="NAME",
        action="append",
        help="only this machine; may be given more than once (default: all sold by --at)",
    )
    add_rigs(parser)
    for name, metavar, text in _INPUTS:
        parser.add_argument(name, metavar=metavar, help=text)
    parser.add_argument("--html", metavar="FILE", help="also write table and chart as one page")
    parser.add_argument("--png", metavar="FILE", help="also write the chart as a picture")


_INPUTS = (
    ("--difficulty", "D", "in place of the record's; 17.62T is read as well"),
    ("--price", "USD", "price of bitcoin in place of the record's"),
    ("--subsidy", "BTC", "new coins a block in place of the record's"),
    ("--fee-share", "F", "fees as a fraction of the whole reward, in place of the record's"),
    ("--fees-to-subsidy", "F", "fees as a fraction of the subsidy, in place of the record's"),
    ("--hashprice", "USD", "USD/PH/s/day, in place of difficulty, price, subsidy and fees"),
    ("--pool-fee", "F", "what the pool takes, a fraction (default: 0.02, between 0 and 0.04)"),
    (
        "--pue",
        "X",
        "power of the site over that of its machines, cooling included (default: 1.10, between "
        "1.01 and 1.20)",
    ),
    ("--restart-cost", "USD", "of one machine and one restart (default: 20, between 5 and 80)"),
    ("--rig-price", "USD", "what a TH/s of machines is bought for; without it no payback"),
    ("--volatility", "V", "of hashprice a year, in place of the record's daily changes"),
    ("--drift", "R", "of hashprice a year, with --volatility (default: 0)"),
    ("--discount", "R", "a year, for when to stop and restart (default: 0.1)"),
    ("--seed", "N", "of the paths (default: 1)"),
)


def run(args: argparse.Namespace) -> Exit:
    """Read, compute, print, write."""
    from hashcanary.cli.output import emit, format_of

    found = _shutdown(args)
    if args.html or args.png:
        _write(args, found)
    from hashcanary.cli.shutdown_table import table

    emit(table(found), format_of(args))
    return Exit.DONE


def _shutdown(args: argparse.Namespace) -> Shutdown:
    from hashcanary.economics.market import market_of
    from hashcanary.economics.shutdown.payback import paths_of
    from hashcanary.economics.shutdown.switching import flow_of
    from hashcanary.economics.shutdown.table import shutdown_table
    from hashcanary.moments import DAY
    from hashcanary.report.shutdown import Shutdown

    stated, terms = _stated(args), _terms(args)
    volatility, drift = _number(args, "volatility"), _number(args, "drift")
    if drift is not None and volatility is None:
        raise UsageError(
            argument="--drift",
            expected="--volatility beside it",
            found=args.drift,
            remedy="Without both the record's own daily changes are drawn, drift and all.",
        )
    seed, discount = _number(args, "seed"), _number(args, "discount")
    catalogue = catalogue_of(args)
    record = _record(args, stated)
    market = market_of(record, stated)
    powers, source = _powers(args, record, market.day)
    flow = flow_of(market.log_changes, drift=drift, volatility=volatility, discount=discount)
    paths = paths_of(
        market, 1 if seed is None else int(seed), flow if volatility is not None else None
    )
    rigs = _rigs(args, catalogue, record, market.day)
    return Shutdown(
        lines=shutdown_table(rigs, powers, market, terms, flow, paths),
        market=market,
        terms=terms,
        flow=flow,
        paths=paths if isinstance(paths, str) else paths.said,
        at_text=record.at_text if record is not None else "",
        network=record.network.name if record is not None else "",
        simulated=record is not None and record.simulated,
        catalogue=catalogue.file,
        power_source=source,
        seldom=0 if args.rig or market.day is None else market.day - _SHOWN_DAYS * DAY,
        provenance=record.provenance if record is not None else {},
    )


def _record(args: argparse.Namespace, stated: Stated) -> Record | None:
    """None where all is stated and no moment is asked for."""
    from hashcanary.cli.opening import open_record

    return None if stated.enough and not args.at else open_record(args)


def _powers(
    args: argparse.Namespace, record: Record | None, day: int | None
) -> tuple[list[float | Interval], str]:
    """USD/kWh as stated; else what the network's middle miner pays, as known at the moment."""
    from pathlib import Path

    from hashcanary.cli.numbers import power_price
    from hashcanary.economics.power.prices import network_price, power_mix, read_power_prices
    from hashcanary.moments import DAY, iso_day

    prices = read_power_prices(Path(args.power_prices) if args.power_prices else None)
    if args.power_price:
        return [power_price(one) for one in args.power_price], "stated"
    moment = prices.newest + 1 if record is None or day is None else day + DAY
    if record is not None and record.at is not None:
        moment = record.at
    mix = power_mix(prices, moment, record.daily if record is not None else None)
    source = (
        f"what the network's middle miner pays as known at {iso_day(moment - 1)}, "
        f"{prices.file}, 95% of draws; --power-price states your own"
    )
    return [network_price(mix)], "; ".join((source, *mix.notes))


def _rigs(
    args: argparse.Namespace, catalogue: Catalogue, record: Record | None, day: int | None
) -> tuple[Rig, ...]:
    from hashcanary.moments import DAY

    time = None
    if record is not None and day is not None:
        time = record.at if record.at is not None else day + DAY
    if args.rig:
        return tuple(catalogue.rig(name, time) for name in args.rig)
    sold = catalogue.rigs if time is None else catalogue.released_by(time)
    return tuple(sorted(sold, key=lambda rig: rig.efficiency_j_per_th))


def _stated(args: argparse.Namespace) -> Stated:
    from hashcanary.economics.market import Stated

    share, fees = _number(args, "fee_share"), _number(args, "fees_to_subsidy")
    if share is not None:
        if fees is not None or not 0 <= share < 1:
            raise UsageError(
                argument="--fee-share",
                expected="a fraction from 0 to below 1, without --fees-to-subsidy",
                found=args.fee_share,
                remedy="Fees of 1.3% of the subsidy are --fees-to-subsidy 0.013.",
            )
        fees = share / (1 - share)
    return Stated(
        difficulty=_number(args, "difficulty"),
        price_usd_per_btc=_number(args, "price"),
        subsidy_btc=_number(args, "subsidy"),
        fees_to_subsidy=fees,
        hashprice_usd_per_phs_day=_number(args, "hashprice"),
    )


def _terms(args: argparse.Namespace) -> Terms:
    from hashcanary.economics.shutdown.table import (
        USUAL_POOL_FEE,
        USUAL_PUE,
        USUAL_RESTART_USD,
        Terms,
    )

    def exactly(name: str, usual: Interval) -> Interval:
        value = _number(args, name)
        return usual if value is None else Interval.exact(value)

    return Terms(
        pool_fee=exactly("pool_fee", USUAL_POOL_FEE),
        pue=exactly("pue", USUAL_PUE),
        restart_usd=exactly("restart_cost", USUAL_RESTART_USD),
        rig_usd_per_ths=_number(args, "rig_price"),
    )


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


def _write(args: argparse.Namespace, found: Shutdown) -> None:
    from pathlib import Path

    from hashcanary.cli.reporting import say_written, writing
    from hashcanary.report.shutdown_page import picture, render_page

    written = []
    for name, what in ((args.html, "a page"), (args.png, "a picture")):
        if name:
            path = Path(name)
            data = render_page(found).encode() if what == "a page" else picture(found, "png")
            with writing(path, what):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            written.append(path)
    say_written(written)
