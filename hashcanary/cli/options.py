"""Options that several commands have, and how what users write in them is read.

What cannot be used raises UsageError while the command line is parsed.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from math import isnan
from pathlib import Path

from hashcanary.cli.declare import Option, beside, option, valued
from hashcanary.errors import UsageError

_MOST_SEED = 2**63 - 1
# USD/kWh: no price that anyone states is dearer
_DEAREST_STATED = 10.0


def path_of(text: str) -> Path:
    """A file or folder that an option names."""
    return Path(text).expanduser()


def part_of(argument: str) -> Callable[[str], float]:
    """Reads a fraction from 0 to 1, of ``5%`` or ``0.05``."""

    def parse(text: str) -> float:
        bare = text.strip()
        percent = bare.endswith("%")
        part = number_of(bare.removesuffix("%")) / (100.0 if percent else 1.0)
        if not 0.0 <= part <= 1.0:
            raise UsageError(
                argument=argument,
                expected="a share from 0% to 100%",
                found=text,
                remedy="Write 5% or 0.05.",
            )
        return part

    return parse


def _price_of(text: str) -> float:
    """``--price``, USD a bitcoin."""
    price = number_of(text)
    if not 0.0 < price < 1e12:
        raise UsageError(
            argument="--price",
            expected="US dollars a bitcoin, a number above 0 such as 60000",
            found=text,
            remedy="Omit it to use the record's last one.",
        )
    return price


def power_price(text: str, least: float = 0.0, most: float = _DEAREST_STATED) -> float:
    """USD/kWh of ``--power-price``: ``0.05`` or ``0.05 USD/kWh``, of no other currency.

    least, most: USD/kWh.
    """
    match = re.fullmatch(
        r"\s*([+-]?[0-9.]+(?:[eE][+-]?\d+)?)\s*([^\d\s].*?)?\s*", text, re.ASCII | re.DOTALL
    )
    unit = (match[2] or "").lower().replace(" ", "") if match else ""
    value = number_of(match[1]) if match else float("nan")
    if unit not in ("", "usd", "$", "usd/kwh", "$/kwh"):
        raise UsageError(
            argument="--power-price",
            expected="US dollars per kWh, the only currency and unit taken",
            found=text,
            remedy="Convert it at that day's rate; USD/MWh is 1000 times USD/kWh.",
        )
    if not least <= value <= most:
        raise UsageError(
            argument="--power-price",
            expected=f"a number from {least:g} to {most:g} USD/kWh, such as 0.05",
            found=text,
            remedy="Miners have paid about 0.03 to 0.10; 50 USD/MWh are 0.05 USD/kWh.",
        )
    return value


def own_price(text: str) -> float:
    """``--power-price`` of a user's contract, USD/kWh, within what miners pay."""
    from hashcanary.economics.power.prices import CHEAPEST, DEAREST

    return power_price(text, CHEAPEST, DEAREST)


def count_of(argument: str, least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number between limits."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text[:20]) <= most:
            limit = "2**63 - 1" if most == _MOST_SEED else f"{most:,}"
            raise UsageError(
                argument=argument,
                expected=f"an integer from {least:,} to {limit}",
                found=text,
                remedy="Omit it for the default.",
            )
        return int(text)

    return parse


def number_between(what: str, least: float, most: float) -> Callable[[str], float]:
    """Reads a number of ``what``, such as days, within limits."""

    def parse(text: str) -> float:
        number = number_of(text)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(
                f"expected {what} from {least:g} to {most:g}, found {text!r}"
            )
        return number

    return parse


def any_number(what: str) -> Callable[[str], float]:
    """Reads a number of ``what``, whose limits are checked where it is used."""

    def parse(text: str) -> float:
        number = number_of(text)
        if isnan(number):
            raise argparse.ArgumentTypeError(f"expected {what}, a number, found {text!r}")
        return number

    return parse


def number_of(text: str) -> float:
    """A number, or one that no limit holds: what is wrong with it is said where it is used."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _efficiency(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            argument="--efficiency",
            expected="J/TH, such as 17.5",
            found=text,
            remedy="Write a plain number.",
        ) from None


def _bound(argument: str) -> Callable[[str], int]:
    """Reads a bound, Unix seconds: the start of a date for --start, the end of it for --end."""

    def parse(text: str) -> int:
        from hashcanary.moments import DAY, parse_moment

        try:
            time = parse_moment(text).time
        except UsageError:
            time = None
        if time is None:
            raise UsageError(
                argument=argument,
                expected="a date (2026-02-03) or a time with zone (2026-02-03T12:00:00Z)",
                found=text,
                remedy="A date counts from its start for --start, to its end for --end.",
            )
        whole_day = len(text) == len("2026-02-03")
        return time - DAY if argument == "--start" and whole_day else time

    return parse


AT = beside(
    "--at",
    metavar="T",
    help="as known at T: a date (its end, UTC), a time with zone, or a block height "
    "(default: all that the lake holds)",
)
NETWORK = beside("--network", metavar="NAME", help="network of a new lake (default: main)")


def bounds(what: str) -> tuple[Option, Option]:
    """``--start T`` and ``--end T``, of which ``what`` there is; Unix seconds, the end excluded."""
    return (
        valued(
            "--start", "T", _bound("--start"), f"only {what} from T on: a date or a time with zone"
        ),
        valued(
            "--end",
            "T",
            _bound("--end"),
            f"only {what} before the end of T: a date (included) or a time with zone",
        ),
    )


def file(*flags: str, text: str) -> Option:
    """A file that replaces built-in figures, or adds to them."""
    return option(*flags, metavar="FILE", type=path_of, help=text)


def place(flag: str, metavar: str, text: str) -> Option:
    """A file or folder that the command itself reads or writes."""
    return beside(flag, metavar=metavar, type=path_of, help=text)


def number(flag: str, limits: tuple[int, int], default: int, text: str) -> Option:
    """A whole number within limits."""
    told = f"{text} (default: {default})"
    return option(flag, metavar="N", type=count_of(flag, *limits), default=default, help=told)


def seed(of: str) -> Option:
    """``--seed N``, of what is drawn."""
    return number("--seed", (0, _MOST_SEED), 1, f"of {of}")


def choice(flag: str, names: tuple[str, ...], default: str | None, text: str) -> Option:
    """One of several names. default: None where the view has one of its own."""
    told = text if default is None else f"{text} (default: {default})"
    return option(flag, choices=names, default=default, help=told)


def table(names: tuple[str, ...], default: str | None, text: str = "the table") -> Option:
    """``--show``: which table is the main one. default: as of ``choice``."""
    return choice("--show", names, default, text)


def price(metavar: str, text: str) -> Option:
    """``--price``, USD a bitcoin."""
    return option("--price", metavar=metavar, type=_price_of, help=text)


def shows(flag: str, name: str, text: str) -> Option:
    """An option in place of ``--show NAME``."""
    return option(flag, action="store_const", const=name, dest="show", help=text)


def models(what: str) -> Option:
    """``--model NAME``, of which there may be several."""
    return option(
        "--model",
        metavar="NAME",
        action="append",
        default=[],
        dest="models",
        help=f"only this {what}; can be repeated (default: all)",
    )


PNG = place("--png", "FILE", "also write the curve as a picture")
RIGS = file("--rigs", text="a catalogue of rigs, as TOML")
OWN_RIGS = file(
    "--rigs", text="a catalogue of rigs as TOML that replaces the built-in one, or extends it"
)
POWER_PRICES = file("--power-prices", text="power prices by region, as TOML")
PRICES = file("--power-prices", "--prices", text="power prices by region, as TOML")
WEIGHTS = file("--weights", text="weights, windows and words instead of the built-in ones, as TOML")
# what costs of a coin assume: power, machines, stated figures
ASSUMPTIONS = (
    valued(
        "--power-price",
        "P",
        own_price,
        "your own power price in USD/kWh, for every model that has one",
    ),
    valued("--efficiency", "E", _efficiency, "your machines' J/TH instead of the network's"),
    file("--assumptions", text="stated figures that override the built-in ones, TOML"),
    RIGS,
    POWER_PRICES,
)
