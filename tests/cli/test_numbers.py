"""Numbers as users write them in options."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from hashcanary.cli.numbers import (
    count_of,
    number_between,
    part_of,
    path_of,
    power_price,
    price_of,
    seed_of,
)
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


@pytest.mark.parametrize(
    ("text", "part"),
    [("5%", 0.05), ("0.05", 0.05), (" 100% ", 1.0), ("0", 0.0), ("1", 1.0), ("0.5%", 0.005)],
)
def test_a_share_is_a_percentage_or_a_fraction(text: str, part: float) -> None:
    assert part_of("--depth", text) == pytest.approx(part)


@pytest.mark.parametrize("text", ["101%", "1.01", "-1%", "nan", "a lot", "", "5%%", "%"])
def test_a_share_of_more_than_all_or_of_no_number_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--depth.*0% to 100%"):
        part_of("--depth", text)


def test_a_price_is_above_nothing_and_may_be_left_out() -> None:
    assert price_of(None) is None
    assert price_of("60000") == 60_000.0
    assert price_of("1e5") == 100_000.0
    for text in ("0", "-5", "nan", "inf", "1e12", "60k", ""):
        with pytest.raises(UsageError, match="US dollars a bitcoin"):
            price_of(text)


def test_power_prices_have_their_own_limits() -> None:
    assert power_price("0.2", least=0.01, most=0.2) == 0.2
    assert power_price("0.01", least=0.01, most=0.2) == 0.01
    for text in ("0.009", "0.21"):
        with pytest.raises(UsageError, match=r"0\.01 to 0\.2 USD"):
            power_price(text, least=0.01, most=0.2)


def test_a_count_is_a_whole_number_within_its_limits() -> None:
    assert [count_of("--days", text, 1, 2_000) for text in ("1", "2000", "007")] == [1, 2_000, 7]
    for text in ("0", "2001", "1.0", "-1", "", " 5", "1_000", "9" * 400):
        with pytest.raises(UsageError, match=r"--days.*1 to 2,000"):
            count_of("--days", text, 1, 2_000)


def test_a_number_between_limits_is_one_of_argparse() -> None:
    days = number_between("days", 0.5, 30)
    assert (days("0.5"), days("30"), days("7")) == (0.5, 30.0, 7.0)
    for text in ("0.4", "30.1", "nan", "week"):
        with pytest.raises(argparse.ArgumentTypeError, match=r"days from 0\.5 to 30"):
            days(text)


def test_a_path_knows_the_users_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert path_of(None) is None
    assert path_of("~/rigs.toml") == Path("/home/somebody/rigs.toml")
    assert path_of("rigs.toml") == Path("rigs.toml")
