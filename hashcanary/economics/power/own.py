"""What a user says that power costs."""

from __future__ import annotations

import re

from hashcanary.errors import UsageError

# USD/kWh: no price that anyone states is dearer
DEAREST_STATED = 10.0


def power_price(text: str, least: float = 0.0, most: float = DEAREST_STATED) -> float:
    """USD/kWh of ``0.05`` or ``0.05 USD/kWh``. least, most: USD/kWh.

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
            remedy="Convert it at the rate of the day you mean; USD/MWh is 1000 times USD/kWh.",
        )
    if not least <= value <= most:
        raise UsageError(
            argument="--power-price",
            expected=f"a number from {least:g} to {most:g} USD/kWh, such as 0.05",
            found=text,
            remedy="Miners have paid about 0.03 to 0.10; 50 USD/MWh are 0.05 USD/kWh.",
        )
    return value
