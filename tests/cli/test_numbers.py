"""Numbers as users write them in options."""

from __future__ import annotations

import pytest

from hashcanary.cli.numbers import power_price, seed_of
from hashcanary.errors import UsageError


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.05", 0.05), (" 0.05 USD/kWh ", 0.05), ("0.077 usd", 0.077), ("5e-2", 0.05), ("0", 0.0)],
)
def test_power_prices_that_are_read(text: str, value: float) -> None:
    assert power_price(text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-0.05", "0 to 10"),
        ("cheap", "0 to 10"),
        ("", "0 to 10"),
        ("nan", "0 to 10"),
        ("50", "0 to 10"),
        ("0.0.5", "0 to 10"),
        ("0.45 CNY", "only currency"),
        ("0.45 CNY/kWh", "only currency"),
        ("50 USD/MWh", "only currency"),
        ("0.05 €", "only currency"),
        ("٠.٥", "0 to 10"),
    ],
)
def test_power_prices_that_are_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        power_price(text)


@pytest.mark.parametrize("text", ["-1", "1.5", "", "9223372036854775808", "٣"])
def test_a_seed_is_a_whole_number_of_63_bits(text: str) -> None:
    assert seed_of("9223372036854775807") == 2**63 - 1
    with pytest.raises(UsageError, match="seed"):
        seed_of(text)
