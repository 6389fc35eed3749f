"""The retarget rule against the vectors of Bitcoin Core's pow_tests and real headers of 2026."""

from __future__ import annotations

import pytest

from hashcanary.chain.difficulty import difficulty_change
from hashcanary.chain.errors import InvalidTarget
from hashcanary.chain.networks import MAIN, REGTEST, SIGNET, SIMNET, TESTNET4
from hashcanary.chain.retarget import (
    clamped_timespan,
    epoch_of,
    next_bits,
    next_retarget,
)

DAY = 86_400


@pytest.mark.parametrize(
    ("old", "first", "last", "new"),
    [
        pytest.param(0x1D00FFFF, 1261130161, 1262152739, 0x1D00D86A, id="height 32256"),
        pytest.param(0x1D00FFFF, 1231006505, 1233061996, 0x1D00FFFF, id="limit"),
        pytest.param(0x1C05A3F4, 1279008237, 1279297671, 0x1C0168FD, id="height 68544, x4"),
        pytest.param(0x1C387F6F, 1263163443, 1269211443, 0x1D00E1FD, id="clamped at a quarter"),
        pytest.param(0x1701FCA1, 1769110282, 1770471767, 0x17023C7E, id="height 935424"),
    ],
)
def test_vectors(old: int, first: int, last: int, new: int) -> None:
    assert next_bits(old, first, last, MAIN) == new


def test_the_change_of_february_2026() -> None:
    assert clamped_timespan(1769110282, 1770471767, MAIN) == 1_361_485
    consensus = float(difficulty_change(0x1701FCA1, 0x17023C7E))
    assert round(consensus * 100, 4) == -11.1553


@pytest.mark.parametrize(("days", "clamped"), [(1, 3.5), (3.5, 3.5), (14, 14), (56, 56), (90, 56)])
def test_the_span_is_clamped_to_a_quarter_and_four_times(days: float, clamped: float) -> None:
    assert clamped_timespan(0, int(days * DAY), MAIN) == clamped * DAY


def test_times_that_run_backwards_count_as_the_least_span() -> None:
    assert clamped_timespan(10, 0, MAIN) == 302_400


def test_regtest_never_retargets() -> None:
    assert next_bits(0x207FFFFF, 0, 1, REGTEST) == 0x207FFFFF


def test_testnet4_starts_from_the_first_block_of_the_epoch() -> None:
    # BIP94: the last block may be a minimum-difficulty exception; the first never is.
    bits = next_bits(0x1D00FFFF, 0, 14 * DAY, TESTNET4, first_bits=0x1C05A3F4)
    assert bits == 0x1C05A3F4
    with pytest.raises(ValueError, match="first block"):
        next_bits(0x1D00FFFF, 0, 14 * DAY, TESTNET4)


def test_other_networks_start_from_the_last_block_of_the_epoch() -> None:
    assert next_bits(0x1C05A3F4, 0, 14 * DAY, MAIN, first_bits=0x1C0168FD) == 0x1C05A3F4


def test_signet_keeps_its_own_limit() -> None:
    assert next_bits(0x1E0377AE, 0, 90 * DAY, SIGNET) == 0x1E0377AE
    # 0x377ae * 8 seconds is the only product of signet that comes near 2^256, and it fits.
    assert SIGNET.pow_limit * 4 * 14 * DAY < 1 << 256


def test_simnet_retargets_from_its_easy_limit() -> None:
    # A quarter of 0x7fffff << 232 is 0x1fffffc0.., truncated to three bytes.
    assert next_bits(0x207FFFFF, 0, 1, SIMNET) == 0x201FFFFF


def test_old_bits_must_be_valid() -> None:
    with pytest.raises(InvalidTarget, match="above the limit"):
        next_bits(0x207FFFFF, 0, 14 * DAY, MAIN)


@pytest.mark.parametrize(
    ("height", "epoch", "following"), [(0, 0, 2016), (2015, 0, 2016), (2016, 1, 4032)]
)
def test_epochs_and_the_next_retarget(height: int, epoch: int, following: int) -> None:
    assert (epoch_of(height, MAIN), next_retarget(height, MAIN)) == (epoch, following)
