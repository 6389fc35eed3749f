"""The retarget rule against the vectors of Bitcoin Core's pow_tests and real headers of 2026.

Which bits each network demands, on histories made by hand; Core's GetNextWorkRequired, BIP94.
"""

from __future__ import annotations

import numpy as np
import pytest

from hashcanary.chain.errors import InvalidTarget, WrongBits, WrongTime
from hashcanary.chain.header_times import check_times, latest_time, median_time_past
from hashcanary.chain.headers import History
from hashcanary.chain.networks import MAIN, REGTEST, SIGNET, SIMNET, TESTNET4, Network
from hashcanary.chain.retarget import (
    check_bits,
    clamped_timespan,
    epoch_of,
    expected_bits,
    next_bits,
    next_retarget,
)
from hashcanary.chain.targets import difficulty_change

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


LIMIT, HARD = 0x1D00FFFF, 0x1C05A3F4
RETARGET_UNKNOWN = "retarget at 4032: the epoch's first header (2016) is not in the run"


def history(times: list[int], bits: list[int], first_height: int) -> History:
    return History.of(np.array(times, np.int64), np.array(bits, np.int64), first_height, None)


def epoch(bits: int, last_bits: int | None = None, step: int = 600) -> tuple[list[int], list[int]]:
    """Times and bits of a whole epoch at height 2016; its last 2015 intervals sum up evenly."""
    times = [index * step for index in range(2016)]
    return times, [bits] * 2015 + [bits if last_bits is None else last_bits]


def test_a_late_block_may_be_easy_and_the_next_returns() -> None:
    # 1201 s after its parent: an exception; then 600 s: back to the last ordinary bits.
    times = [0, 600, 1801, 2401, 3602, 4803, 5403]
    bits = [HARD, HARD, LIMIT, HARD, LIMIT, LIMIT, HARD]
    assert check_bits(history(times, bits, 4032), TESTNET4) == (RETARGET_UNKNOWN,)


def test_twenty_minutes_sharp_are_not_late() -> None:
    with pytest.raises(WrongBits, match=r"expected bits 0x1c05a3f4.*1200 s after the parent"):
        check_bits(history([0, 1200], [HARD, LIMIT], 4032), TESTNET4)


def test_a_late_block_must_be_easy() -> None:
    with pytest.raises(WrongBits, match=r"expected bits 0x1d00ffff.*1201 s after the parent"):
        check_bits(history([0, 1201], [HARD, HARD], 4032), TESTNET4)


def test_main_makes_no_exception_for_late_blocks() -> None:
    assert check_bits(history([0, 90_000], [HARD, HARD], 4032), MAIN) == (RETARGET_UNKNOWN,)
    with pytest.raises(WrongBits, match="the same as the block before it"):
        check_bits(history([0, 90_000], [HARD, LIMIT], 4032), MAIN)


def test_the_search_for_ordinary_bits_stops_at_the_epochs_first_block() -> None:
    # The epoch itself begins at the limit: that is its ordinary target.
    times, bits = epoch(HARD, step=6000)
    times += [times[-1] + 600, times[-1] + 1200]
    expected = expected_bits(history(times, [*bits, LIMIT, LIMIT], 2016), TESTNET4)
    assert expected.known[-2:].tolist() == [True, True]
    assert int(expected.bits[-1]) == LIMIT


def test_exceptions_before_the_run_leave_the_ordinary_bits_unknown() -> None:
    expected = expected_bits(history([0, 600, 1801], [LIMIT, HARD, LIMIT], 4040), TESTNET4)
    assert expected.known.tolist() == [False, False, True]


def test_testnet4_retargets_from_the_first_block_of_the_epoch() -> None:
    times, bits = epoch(HARD, last_bits=LIMIT)
    times[-1] = times[-2] + 1201
    span = times[-1] - times[0]
    target = 0x05A3F4 << 200
    new = target * span // 1_209_600
    mantissa = new >> 200
    assert mantissa < 0x800000
    bits.append(0x1C000000 | mantissa)
    times.append(times[-1] + 600)
    # Only the first of the two retargets is without its epoch.
    assert check_bits(history(times, bits, 2016), TESTNET4) == (
        "retarget at 2016: the epoch's first header (0) is not in the run",
    )


@pytest.mark.parametrize("network", [TESTNET4, MAIN], ids=["testnet4", "main"])
def test_a_retarget_follows_the_first_block_under_bip94_and_the_last_elsewhere(
    network: Network,
) -> None:
    times, bits = epoch(HARD, last_bits=0x1C0168FD, step=600)
    times[-1] = 1_209_600
    expected = expected_bits(history([*times, times[-1] + 1], [*bits, 0], 2016), network)
    assert int(expected.bits[-1]) == (HARD if network.bip94 else 0x1C0168FD)


def test_regtest_keeps_its_bits_at_the_end_of_an_epoch() -> None:
    times, bits = epoch(0x207FFFFF, step=1)
    assert int(expected_bits(history([*times, 2016], [*bits, 0], 2016), REGTEST).bits[-1]) == (
        0x207FFFFF
    )


def test_bip94_lets_an_epoch_begin_at_most_600_seconds_before_its_parent() -> None:
    for back, allowed in ((600, True), (601, False)):
        times = [index * 600 for index in range(12)]
        one = history([*times, times[-1] - back], [HARD] * 13, 2016 * 2 - 12)
        median, known = median_time_past(one.times, one.heights)
        if allowed:
            check_times(one, TESTNET4, median, known, None)
        else:
            with pytest.raises(WrongTime, match=r"height 4032.*BIP94"):
                check_times(one, TESTNET4, median, known, None)
        check_times(one, MAIN, median, known, None)


def test_inside_an_epoch_bip94_asks_for_no_more_than_the_median_rule() -> None:
    times = [index * 600 for index in range(12)]
    one = history([*times, times[-1] - 2400], [HARD] * 13, 4040)
    median, known = median_time_past(one.times, one.heights)
    notes = check_times(one, TESTNET4, median, known, None)
    assert notes == (
        "time rule of heights 4040 to 4050: fewer than 11 headers before them are in the run",
    )


def test_the_latest_time_of_a_header() -> None:
    assert latest_time(1000) == 8200


def test_a_genesis_with_other_bits_is_named() -> None:
    with pytest.raises(WrongBits, match=r"height 0.*those of the genesis block"):
        check_bits(history([0, 1], [HARD, HARD], 0), TESTNET4)


@pytest.mark.parametrize(
    ("first", "count", "last"),
    [(6040, 11, 6047), (6040, 8, 6047), (6040, 7, 6046), (6047, 3, 6047), (4033, 2, 4034)],
)
def test_what_cannot_be_told_ends_with_the_epoch_or_the_run(
    first: int, count: int, last: int
) -> None:
    notes = check_bits(history([600 * at for at in range(count)], [HARD] * count, first), MAIN)
    amid = (
        f"bits of heights {first} to {last}: checked against each other only, because the epoch's "
        "first header (4032) is not in the run"
    )
    retarget = "retarget at 6048: the epoch's first header (4032) is not in the run"
    assert notes == ((retarget, amid) if first + count > 6048 else (amid,))


def test_after_exceptions_only_late_blocks_are_known_until_an_ordinary_one() -> None:
    bits = [LIMIT, LIMIT, LIMIT, HARD, HARD, LIMIT]
    expected = expected_bits(history([0, 1201, 1801, 2401, 3001, 4202], bits, 4040), TESTNET4)
    assert expected.known.tolist() == [False, True, False, False, True, True]
    assert expected.bits[expected.known].tolist() == [LIMIT, HARD, LIMIT]
