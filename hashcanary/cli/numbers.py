"""Numbers as users write them in options: parts of a whole, prices of bitcoin and power, seeds."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

from hashcanary.errors import UsageError

_MOST_SEED = 2**63 - 1
# USD/kWh: no price that anyone states is dearer
_DEAREST_STATED = 10.0


def path_of(text: str | None) -> Path | None:
    """A file that an option names, None where it is not given."""
    return None if text is None else Path(text).expanduser()


def part_of(argument: str, text: str) -> float:
    """A fraction from 0 to 1, of ``5%`` or ``0.05``. Raises UsageError."""
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


def price_of(text: str | None) -> float | None:
    """``--price``, USD a bitcoin; None where it is not given. Raises UsageError."""
    if text is None:
        return None
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
    """USD/kWh of ``--power-price``: ``0.05`` or ``0.05 USD/kWh``. least, most: USD/kWh.

    Raises UsageError, for other currencies too.
    """
    match = re.fullmatch(
        r"\s*([+-]?[0-9.]+(?:[eE][+-]?\d+)?)\s*([^\d\s].*?)?\s*", text, re.ASCII | re.DOTALL
    )
    unit = (match[2] or "").lower().replace(" ", "") if match else ""
    try:
        value = float(match[1]) if match else float("nan")
    except ValueError:
        value = float("nan")
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


def count_of(argument: str, text: str, least: int, most: int) -> int:
    """A whole number between limits. Raises UsageError."""
    if not text.isascii() or not text.isdigit() or not least <= int(text[:20]) <= most:
        limit = "2**63 - 1" if most == _MOST_SEED else f"{most:,}"
        raise UsageError(
            argument=argument,
            expected=f"an integer from {least:,} to {limit}",
            found=text,
            remedy="Omit it for the default.",
        )
    return int(text)


def seed_of(text: str) -> int:
    """The seed of draws that a user gave. Raises UsageError."""
    return count_of("--seed", text, 0, _MOST_SEED)


def number_between(what: str, least: float, most: float) -> Callable[[str], float]:
    """A type of argparse: a number of ``what``, such as days, within limits."""

    def parse(text: str) -> float:
        number = number_of(text)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(
                f"expected {what} from {least:g} to {most:g}, found {text!r}"
            )
        return number

    return parse


def number_of(text: str) -> float:
    """A number, or one that no limit holds: what is wrong with it is said where it is used."""
    try:
        return float(text)
    except ValueError:
        return float("nan")
