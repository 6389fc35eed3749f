"""The options by which a user's own assumptions take the place of those that come along."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypedDict

from hashcanary.cli.numbers import path_of
from hashcanary.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


class Assumptions(TypedDict):
    """What views of costs take; None for what comes with hashcanary."""

    assumptions: Path | None
    rigs: Path | None
    power_prices: Path | None
    efficiency: float | None
    power_price: float | None


def add_assumptions(parser: argparse.ArgumentParser) -> None:
    """Options of what costs of a coin assume: power, machines, stated figures."""
    parser.add_argument(
        "--power-price",
        metavar="P",
        help="your own power price in USD/kWh, for every model that has one",
    )
    parser.add_argument(
        "--efficiency", metavar="E", help="your machines' J/TH instead of the network's"
    )
    parser.add_argument(
        "--assumptions", metavar="FILE", help="stated figures that override the built-in ones, TOML"
    )
    parser.add_argument("--rigs", metavar="FILE", help="a catalogue of rigs, as TOML")
    parser.add_argument("--power-prices", metavar="FILE", help="power prices by region, as TOML")


def assumed_of(args: argparse.Namespace) -> Assumptions:
    """The assumptions that the options state, as views take them. Raises UsageError."""
    return {
        "assumptions": path_of(args.assumptions),
        "rigs": path_of(args.rigs),
        "power_prices": path_of(args.power_prices),
        "efficiency": _number(args.efficiency, "--efficiency", "J/TH, such as 17.5"),
        "power_price": stated_price(args.power_price),
    }


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
            argument=argument, expected=expected, found=text, remedy="Write a plain number."
        ) from None
