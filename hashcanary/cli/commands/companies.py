"""``hashcanary companies``: what mining companies report, and what follows from it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import price_of
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

# of views.companies, which is not imported before it is needed
_TABLES = ("now", "months", "debt", "ai")
_DESCRIPTION = """\
Company reports, once loaded: coins produced, sold and held, power, debt and AI
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
"""
_EXAMPLES = """\
  hashcanary companies --example > reports.csv && hashcanary load reports.csv
  hashcanary companies
  hashcanary companies --show months --company Riot
  hashcanary companies --show debt --price 40000
  hashcanary companies --at 2024-08-31 --json
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "companies",
        run,
        summary="what mining companies report: coins, power, debt, AI",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(parser)
    parser.add_argument("--company", metavar="NAME", help="only this company")
    parser.add_argument("--show", choices=_TABLES, default="now", help="the table (default: now)")
    parser.add_argument(
        "--price", metavar="P", help="price of bitcoin in USD instead of the record's last"
    )
    parser.add_argument(
        "--example",
        action="store_true",
        help="print a file of real reports with their sources, and exit",
    )


def run(args: argparse.Namespace) -> Exit:
    """Compute and print."""
    if args.example:
        return _example()
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.views.companies import companies

    price = price_of(args.price)
    answer = companies(open_record(args), show=args.show, company=args.company, price=price)
    show(answer, format_of(args))
    return Exit.DONE


def _example() -> Exit:
    import sys
    from importlib.resources import files

    file = files("hashcanary.sources.files") / "company_reports_example.csv"
    sys.stdout.write(file.read_text(encoding="utf-8"))
    return Exit.DONE
