"""Commands of the economics of miners: costs, machines, shutdown prices, companies."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from hashcanary.cli import options as opt
from hashcanary.cli.declare import answer, asked, beside, command, option, valued
from hashcanary.cli.opening import open_lake, open_record
from hashcanary.cli.output import present, say_written, write_file
from hashcanary.errors import Exit, UsageError


@command(
    "cost",
    "what a bitcoin costs to make, by definition, with bands",
    opt.AT,
    opt.models("model"),
    [
        opt.shows("--history", "history", "cost and price / cost by day"),
        opt.shows("--sensitivity", "sensitivity", "how much each assumption moves each model"),
    ],
    *opt.bounds("days of --history"),
    *opt.ASSUMPTIONS,
    opt.file("--published", text="published costs, as TOML"),
)
def cost(args: argparse.Namespace) -> Exit:
    """Compares definitions of the cost of a bitcoin: each with its 90% band, price / cost,
    and its assumptions. Published figures that cannot be reproduced are listed as
    published.

    Models are plug-ins; --json contains the definition and source of each, and its
    differences from the source. Assumptions are stated in files that can be overridden.
    --sensitivity shows how much each assumption moves the cost, --history every day.

    Exits with 3 where no model has a cost.

    For example:
      hashcanary cost
      hashcanary cost --at 2026-02-05 --json
      hashcanary cost --power-price 0.06 --efficiency 17.5    your own machines
      hashcanary cost --sensitivity --model all-in
      hashcanary cost --history --model electricity --csv > electricity.csv
    """
    return answer(args, "costs")


@command(
    "rigs", "machines: hashrate, power, efficiency, release, with sources", opt.AT, opt.OWN_RIGS
)
def rigs(args: argparse.Namespace) -> Exit:
    """Lists mining machines: hashrate, power and efficiency by the manufacturer's data
    sheet, the month of first sale and how it is known, and the source of each figure.
    The limits of the efficiency span the figures of all sources, each within a stated
    fraction of its nameplate.

    --at lists only machines on sale by then. Your own file replaces the built-in
    catalogue, or extends it if it contains extends = "built-in".

    Exits with 3 if no machine of the catalogue was on sale yet.

    For example:
      hashcanary rigs
      hashcanary rigs --at 2021-05-01
      hashcanary rigs --rigs mine.toml --csv > rigs.csv
    """
    # a lake is needed only for the time of a height
    from hashcanary.moments import parse_moment
    from hashcanary.views.shutdown import rigs

    moment = parse_moment(args.at) if args.at else None
    at = None if moment is None else moment.time
    if moment is not None and at is None:
        from hashcanary.store.recording import record_of

        at = record_of(open_lake(args), moment).at
    return present(args, rigs(at=at, **asked(args)))


def _number(argument: str) -> Callable[[str], float]:
    """Reads a number; 17.62T is 17.62e12."""

    def parse(text: str) -> float:
        digits, scale = (text[:-1], 1e12) if text.endswith("T") else (text, 1.0)
        try:
            value = float(digits) * scale
        except ValueError:
            value = float("nan")
        whole = argument != "--seed" or (value >= 0 and value == int(value))
        if not abs(value) < 1e30 or not whole:
            raise UsageError(
                argument=argument,
                expected="a number" if argument != "--seed" else "a whole number, 0 or more",
                found=text,
                remedy="US dollars are the only currency; write 0.02 for 2%.",
            )
        return value if argument != "--seed" else int(value)

    return parse


_MARKET = ("difficulty", "price", "subsidy", "fee_share", "fees_to_subsidy", "hashprice")
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


@command(
    "shutdown",
    "prices at which machines become unprofitable",
    opt.AT,
    valued(
        "--power-price",
        "USD",
        opt.power_price,
        "USD per kWh; can be repeated (default: what the network's median miner pays, "
        "with its band, as known at --at)",
        action="append",
        default=[],
    ),
    opt.POWER_PRICES,
    option(
        "--rig",
        metavar="NAME",
        action="append",
        default=[],
        help="only this machine; can be repeated (default: all sold by --at)",
    ),
    opt.OWN_RIGS,
    *(
        option(
            name,
            metavar=metavar,
            type=_number(name),
            default=1 if name == "--seed" else None,
            help=text,
        )
        for name, metavar, text in _INPUTS
    ),
    opt.place("--html", "FILE", "also write table and chart as one page"),
    opt.place("--png", "FILE", "also write the chart as a picture"),
)
def shutdown(args: argparse.Namespace) -> Exit:
    r"""For each machine and power price: the shutdown price of bitcoin, the break-even
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

    For example:
      hashcanary shutdown
      hashcanary shutdown --power-price 0.04 --power-price 0.06 --rig 'S19 XP' --rig S21
      hashcanary shutdown --at 2026-02-03 --rig-price 16 --html shutdown.html
      hashcanary shutdown --rig S19 --power-price 0.077 --difficulty 17.62T \
          --subsidy 6.25 --price 10000 --fees-to-subsidy 0.013 --pool-fee 0 --pue 1
    """
    from hashcanary.views.shutdown import shutdown, stated

    market = {name: getattr(args, name) for name in _MARKET}
    no_lake = stated(**market).enough and not args.at
    answer = shutdown(None if no_lake else open_record(args), **asked(args))
    if args.html or args.png:
        from hashcanary.report.render.shutdown_page import picture, render_page

        written = []
        if args.html:
            written.append(write_file(args.html, "a page", render_page(answer).encode()))
        if args.png:
            written.append(write_file(args.png, "a picture", picture(answer)))
        say_written(written)
    return present(args, answer)


@command(
    "companies",
    "what mining companies report: coins, power, debt, AI",
    opt.AT,
    option("--company", metavar="NAME", help="only this company"),
    opt.table(("now", "months", "debt", "ai"), "now"),
    opt.price("P", "price of bitcoin in USD instead of the record's last"),
    beside(
        "--example",
        action="store_true",
        help="print a file of real reports with their sources, and exit",
    ),
)
def companies(args: argparse.Namespace) -> Exit:
    """Company reports, once loaded: coins produced, sold and held, power, debt and AI
    contracts, and what follows from them. A figure is used from its publication on, a
    restatement from its own. A figure that was not reported is missing, never zero;
    sums are over the companies that reported, with their number.

      now     share of production sold; share of the network's production; months of power
              that coins and cash pay for; forced selling, the share of a month's coins needed for
              power; power cost per coin against the network's
      months  by period; whether the treasury changed by production less sales, and the
              difference
      debt    debt / value of coins held; the price of bitcoin at which both are equal
      ai      contracts in USD per MWh against mining at the same site

    Reports are CSV files typed from press releases and filings; docs/companies.md
    describes the columns.

    Exits with 3 if no report was published by --at.

    For example:
      hashcanary companies --example > reports.csv && hashcanary load reports.csv
      hashcanary companies
      hashcanary companies --show months --company Riot
      hashcanary companies --show debt --price 40000
      hashcanary companies --at 2024-08-31 --json
    """
    if not args.example:
        return answer(args, "companies")
    from importlib.resources import files

    example = files("hashcanary.sources.files") / "company_reports_example.csv"
    sys.stdout.write(example.read_text(encoding="utf-8"))
    return Exit.DONE
