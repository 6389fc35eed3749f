"""``hashcanary companies``: what mining companies report, and what follows from it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import price_of
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

_SHOWN = ("now", "months", "debt", "ai")
_DESCRIPTION = """\
What mining companies report, once it is loaded: coins produced, sold and held,
power, debt and AI contracts, and what follows. Each figure counts from its
publication on, and a restatement from its own. What was not reported is missing,
never zero; sums are of those that told, and say how many they are.

  now     share of production sold, share of the network's, months of power that
          coins and cash pay, the part of a month's coins that pays the power,
          power a coin against the network's
  months  by period; whether treasuries change by what is produced less what is
          sold, and by how much not
  debt    over coins held, and the price of bitcoin at which they are equal
  ai      contracts in USD a MWh beside what mining earns there

Reports are CSV files that you or others write from press releases and filings:
docs/companies.md says what their columns are.

Exits with 3 where no report was published by --at.
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
    parser.add_argument("--company", metavar="NAME", help="only this one")
    parser.add_argument("--show", choices=_SHOWN, default="now", help="the table (default: now)")
    parser.add_argument(
        "--price", metavar="P", help="price of bitcoin in USD in place of the record's newest"
    )
    parser.add_argument(
        "--example",
        action="store_true",
        help="print a file of real reports with their sources, and nothing else",
    )


def run(args: argparse.Namespace) -> Exit:
    """Compute and print."""
    if args.example:
        return _example()
    from hashcanary.cli import company_tables as tables
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.economics.companies.periods import company_periods
    from hashcanary.economics.companies.standing import companies_now

    price = price_of(args.price)
    record = open_record(args)
    if args.show == "months":
        table = tables.periods_table(record, company_periods(record, args.company))
    else:
        found = companies_now(record, args.company, price)
        form = {"now": tables.now_table, "debt": tables.debt_table, "ai": tables.ai_table}
        table = form[args.show](record, found)
    emit(table, format_of(args))
    return Exit.DONE


def _example() -> Exit:
    import sys
    from importlib.resources import files

    file = files("hashcanary.sources.files") / "company_reports_example.csv"
    sys.stdout.write(file.read_text(encoding="utf-8"))
    return Exit.DONE
