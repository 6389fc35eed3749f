"""Subsidy and supply: published heights and sums."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hashcanary.chain.networks import MAIN, REGTEST, SIMNET
from hashcanary.chain.subsidy import (
    max_supply,
    subsidy,
    subsidy_column,
    supply_after,
)


@pytest.mark.parametrize(
    ("height", "satoshis"),
    [
        (0, 50_00000000),
        (209_999, 50_00000000),
        (210_000, 25_00000000),
        (420_000, 12_50000000),
        (630_000, 6_25000000),
        (840_000, 3_12500000),
        (1_050_000, 1_56250000),
        (32 * 210_000, 1),
        (33 * 210_000, 0),
        (64 * 210_000, 0),
        (10**9, 0),
    ],
)
def test_subsidy_at_known_heights(height: int, satoshis: int) -> None:
    assert subsidy(height) == satoshis
    assert subsidy_column(np.array([height], np.int64)).tolist() == [satoshis]


@pytest.mark.parametrize(
    ("height", "bitcoin"),
    [(209_999, 10_500_000), (840_000, 19_687_503.125), (935_424, 19_985_703.125)],
)
def test_supply_after_known_heights(height: int, bitcoin: float) -> None:
    assert supply_after(height) == int(bitcoin * 1000) * 100_000


def test_the_supply_never_passes_the_known_maximum() -> None:
    assert max_supply() == 2_099_999_997_690_000
    assert supply_after(33 * 210_000) == max_supply()
    assert supply_after(10**9) == max_supply()


def test_genesis_alone_is_fifty_bitcoin() -> None:
    assert supply_after(0) == 50_00000000


def test_regtest_halves_every_150_blocks_and_simnet_as_main() -> None:
    assert [subsidy(height, REGTEST) for height in (149, 150, 300)] == [
        50_00000000,
        25_00000000,
        12_50000000,
    ]
    assert SIMNET.halving_interval == MAIN.halving_interval == 210_000


@pytest.mark.parametrize("function", [subsidy, supply_after])
def test_a_negative_height_is_refused(function: Callable[[int], int]) -> None:
    with pytest.raises(ValueError, match="-1"):
        function(-1)


def test_a_negative_height_in_a_column_is_refused() -> None:
    with pytest.raises(ValueError, match="-5"):
        subsidy_column(np.array([1, -5], np.int64))
