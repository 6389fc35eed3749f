"""Work and difficulty against figures of Bitcoin Core and published difficulties."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hashcanary.chain.difficulty import (
    difficulty,
    difficulty_change,
    difficulty_float64,
    difficulty_float64_column,
)
from hashcanary.chain.work import block_work, total_work, work_float64_column

GENESIS_BITS, EARLY_2026_BITS = 0x1D00FFFF, 0x17023C7E
GENESIS_WORK, EARLY_2026_WORK = 4_295_032_833, 540_592_547_075_317_195_878_382


@pytest.mark.parametrize(
    ("bits", "work"),
    [(GENESIS_BITS, GENESIS_WORK), (EARLY_2026_BITS, EARLY_2026_WORK), (0x207FFFFF, 2)],
)
def test_work_of_one_block(bits: int, work: int) -> None:
    assert block_work(bits) == work


@pytest.mark.parametrize("bits", [0, 0x04923456, 0xFF123456])
def test_bits_of_no_valid_target_carry_no_work(bits: int) -> None:
    assert block_work(bits) == 0


def test_total_work_is_exact_beyond_64_bits() -> None:
    bits = np.array([GENESIS_BITS] * 3 + [EARLY_2026_BITS] * 5 + [GENESIS_BITS], np.int64)
    assert total_work(bits) == 4 * GENESIS_WORK + 5 * EARLY_2026_WORK


def test_work_as_float64_is_the_nearest() -> None:
    bits = np.array([EARLY_2026_BITS, GENESIS_BITS], np.int64)
    assert work_float64_column(bits).tolist() == [float(EARLY_2026_WORK), float(GENESIS_WORK)]


def test_difficulty_times_two_to_the_32_falls_short_of_the_work() -> None:
    shortfall = 1 - difficulty(EARLY_2026_BITS) * 2**32 / EARLY_2026_WORK
    assert float(shortfall) == pytest.approx(1.526e-5, rel=1e-3)


def test_difficulty_one_is_exact() -> None:
    assert difficulty(GENESIS_BITS) == Fraction(1)


@pytest.mark.parametrize(
    ("bits", "published"),
    # Bitcoin Core rpc/blockchain tests (blockchain_tests.cpp) and published difficulties.
    [
        (0x1B0404CB, 16307.420938523983),
        (0x1F111111, 0.000001),
        (0x12345678, 5913134931067755359633408.0),
    ],
)
def test_difficulty_of_bits(bits: int, published: float) -> None:
    assert difficulty_float64(bits) == pytest.approx(published, abs=1e-6, rel=1e-12)


def test_difficulty_column_repeats_the_scalar() -> None:
    bits = np.array([0x1B0404CB, GENESIS_BITS, 0x1B0404CB], np.int64)
    assert difficulty_float64_column(bits).tolist() == [
        16307.420938523983,
        1.0,
        16307.420938523983,
    ]


@pytest.mark.parametrize("bits", [0, 0x04923456, 0xFF123456])
def test_difficulty_of_no_target_is_refused(bits: int) -> None:
    with pytest.raises(ValueError, match=f"{bits:#010x}"):
        difficulty(bits)


def test_halving_the_target_doubles_the_difficulty() -> None:
    assert difficulty_change(0x1C000200, 0x1C000100) == 1
