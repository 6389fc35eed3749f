"""The options by which a user's own assumptions take the place of those that come along."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.errors import UsageError

if TYPE_CHECKING:
    from hashcanary.economics.costs.stated import Assumed


def add_assumptions(parser: argparse.ArgumentParser) -> None:
    """What costs of a coin rest on: power, machines, stated figures."""
    parser.add_argument(
        "--power-price",
        metavar="P",
        help="your price of power in USD/kWh, for every model that has one",
    )
    parser.add_argument(
        "--efficiency", metavar="E", help="your machines' J/TH in place of the network's"
    )
    parser.add_argument(
        "--assumptions", metavar="FILE", help="stated figures in place of built-in ones, as TOML"
    )
    parser.add_argument("--rigs", metavar="FILE", help="a catalogue of rigs, as TOML")
    parser.add_argument("--power-prices", metavar="FILE", help="prices of power by region, as TOML")


def assumed_of(args: argparse.Namespace) -> Assumed:
    """The assumptions that the options give. Raises BadFigures, UsageError."""
    from pathlib import Path

    from hashcanary.economics.costs.stated import assume

    return assume(
        Path(args.assumptions) if args.assumptions else None,
        Path(args.rigs) if args.rigs else None,
        Path(args.power_prices) if args.power_prices else None,
        _number(args.efficiency, "--efficiency", "J/TH, such as 17.5"),
        stated_price(args.power_price),
    )


def stated_price(text: str | None) -> float | None:
    """USD/kWh of ``--power-price``, None where it is not given. Raises UsageError."""
    from hashcanary.cli.numbers import power_price
    from hashcanary.economics.power.prices import CHEAPEST, DEAREST

    return None if text is None else power_price(text, CHEAPEST, DEAREST)


def _number(text: str | None, argument: str, expected: str) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            argument=argument, expected=expected, found=text, remedy="Give a plain number."
        ) from None
