"""Compact bits against the vectors of Bitcoin Core's arith_uint256 and bignum tests.

Work and difficulty against figures of Bitcoin Core and published difficulties.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hashcanary.chain.errors import InvalidTarget
from hashcanary.chain.networks import MAIN, NETWORKS, REGTEST, Network
from hashcanary.chain.targets import (
    bits_table,
    block_work,
    decode_compact,
    difficulty,
    difficulty_change,
    difficulty_float64,
    difficulty_float64_column,
    encode_compact,
    target_from_bits,
    target_words,
    total_work,
    why_implausible,
    work_float64_column,
)

ZEROS = (
    0,
    0x00123456,
    0x01003456,
    0x02000056,
    0x03000000,
    0x04000000,
    0x00923456,
    0x01803456,
    0x02800056,
    0x03800000,
    0x04800000,
)


@pytest.mark.parametrize("bits", ZEROS)
def test_bits_that_shift_to_nothing_are_zero_and_not_negative(bits: int) -> None:
    assert decode_compact(bits) == (0, False, False)
    assert encode_compact(decode_compact(bits).value) == 0


@pytest.mark.parametrize(
    ("bits", "value", "negative", "encoded"),
    [
        (0x01123456, 0x12, False, 0x01120000),
        (0x01FEDCBA, 0x7E, True, 0x01FE0000),
        (0x02123456, 0x1234, False, 0x02123400),
        (0x03123456, 0x123456, False, 0x03123456),
        (0x04123456, 0x12345600, False, 0x04123456),
        (0x04923456, 0x12345600, True, 0x04923456),
        (0x05009234, 0x92340000, False, 0x05009234),
        (0x20123456, 0x123456 << 232, False, 0x20123456),
    ],
)
def test_core_vectors_decode_and_encode_again(
    bits: int, value: int, negative: bool, encoded: int
) -> None:
    assert decode_compact(bits) == (value, negative, False)
    assert encode_compact(value, negative) == encoded


def test_a_value_with_its_top_bit_set_takes_one_byte_more() -> None:
    assert encode_compact(0x80) == 0x02008000


@pytest.mark.parametrize(
    ("bits", "overflow"),
    [
        (0xFF123456, True),
        (0x23000001, True),
        (0x220000FF, False),
        (0x22000100, True),
        (0x2100FFFF, False),
        (0x21010000, True),
        (0x207FFFFF, False),
        (0xFF000000, False),
    ],
)
def test_overflow_is_what_does_not_fit_256_bits(bits: int, overflow: bool) -> None:
    assert decode_compact(bits).overflow is overflow


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_limit_of_each_network_encodes_to_its_bits(network: Network) -> None:
    assert encode_compact(network.pow_limit) == network.pow_limit_bits


@pytest.mark.parametrize(
    ("bits", "why"),
    [
        (0x04923456, "is negative"),
        (0, "is zero"),
        (0xFF123456, "overflows 256 bits"),
        (0x1D010000, "is above the limit"),
    ],
)
def test_an_invalid_target_says_why(bits: int, why: str) -> None:
    with pytest.raises(InvalidTarget, match=why) as caught:
        target_from_bits(bits, MAIN)
    assert f"{bits:#010x}" in str(caught.value)


def test_a_target_that_nobody_can_have_met_is_valid_and_implausible() -> None:
    # 17,026,816 as a number, of which somebody meant the digits
    for bits in (17_026_816, encode_compact((1 << 156) - 1)):
        assert target_from_bits(bits, MAIN) > 0
        assert "more than 2^100 hashes a block" in (why_implausible(bits) or "")
    assert why_implausible(encode_compact(1 << 156)) is None


def test_the_same_bits_may_be_valid_on_another_network() -> None:
    assert target_from_bits(0x207FFFFF, REGTEST) == 0x7FFFFF << 232


@pytest.mark.parametrize("value", [-1, 1 << 256])
def test_values_outside_256_bits_are_not_encoded(value: int) -> None:
    with pytest.raises(ValueError, match="2\\^256"):
        encode_compact(value)


def test_bits_table_lists_each_value_once_with_its_count() -> None:
    table = bits_table(np.array([7, 7, 3, 7, 9, 9], np.int64))
    assert table.unique.tolist() == [3, 7, 9]
    assert table.inverse.tolist() == [1, 1, 0, 1, 2, 2]
    assert table.counts.tolist() == [1, 3, 2]


def test_bits_table_of_nothing_is_empty() -> None:
    assert [len(column) for column in bits_table(np.empty(0, np.int64))] == [0, 0, 0]


def test_target_words_run_from_the_greatest() -> None:
    words = target_words([1, 1 << 255, (1 << 64) + 2])
    assert words.tolist() == [[0, 0, 0, 1], [1 << 63, 0, 0, 0], [0, 0, 1, 2]]


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
