"""The simulator against closed forms that hold for any chain with Bitcoin's retarget rule.

Sources: D_next = 1209600 H / (2^32 G), G ~ Gamma(2015, 1), under constant hashrate, and what
follows from it; Kraft 2016 (doi 10.1007/s12083-015-0347-x) for growth. Tolerances are four
standard errors of the statistic over the simulated epochs, seeds are fixed.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import polygamma

from hashcanary.chain.targets import encode_compact
from hashcanary.simulation.mining import MinedChain, mine
from hashcanary.simulation.paths import HashratePath, constant

EPOCHS = 3500  # as many as header times, which are 32 bits, have room for
EPOCH = 2016
RATE = 1e15


def bits_for(rate: float) -> int:
    return encode_compact(int(2**256 / (rate * 600)))


def mined(path: HashratePath, seed: int, start_rate: float = RATE) -> MinedChain:
    return mine(path, first_height=0, first_bits=bits_for(start_rate), start_time=0, seed=seed)


def log_difficulties(chain: MinedChain) -> np.ndarray:
    """Natural log of difficulty by epoch, up to a constant, decoded here from the compact form."""
    bits = chain.bits[::EPOCH]
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    return -(np.log(mantissa) + 8 * (exponent - 3) * np.log(2))


@pytest.fixture(scope="module")
def steady() -> MinedChain:
    """Constant hashrate; the first epochs, which remember the start, are cut off by users."""
    return mined(constant(RATE, EPOCHS * EPOCH * 600), seed=20260203)


def test_long_run_interval_is_a_tenth_of_a_percent_over_ten_minutes(steady: MinedChain) -> None:
    starts = steady.arrivals[EPOCH::EPOCH]
    lengths = np.diff(starts)
    # epoch lengths are negatively correlated, so batches of ten give the standard error
    batches = lengths[: lengths.size // 10 * 10].reshape(-1, 10).mean(axis=1) / EPOCH
    error = batches.std(ddof=1) / np.sqrt(batches.size)
    expected = 1_209_600 / 2014
    assert expected == pytest.approx(600.5958, abs=5e-5)
    assert error < 0.15  # small against the 0.5958 s that is tested
    assert batches.mean() == pytest.approx(expected, abs=4 * error)


def test_spread_of_difficulty_follows_from_2015_intervals(steady: MinedChain) -> None:
    logs = log_difficulties(steady)[2:]
    expected = float(np.sqrt(polygamma(1, 2015)))
    assert expected == pytest.approx(0.022280, abs=5e-7)
    assert logs.std(ddof=1) == pytest.approx(expected, abs=4 * expected / np.sqrt(2 * logs.size))


def test_spread_of_one_step_changes(steady: MinedChain) -> None:
    steps = np.diff(log_difficulties(steady)[2:])
    expected = 0.031509
    # neighbours have correlation -1/2, so the variance of the variance is 1 + 2 (1/2)^2 times
    # that of independent steps
    error = expected * np.sqrt(1.5 / (2 * steps.size))
    assert steps.std(ddof=1) == pytest.approx(expected, abs=4 * error)


def test_next_difficulty_is_uncorrelated_with_the_last(steady: MinedChain) -> None:
    logs = log_difficulties(steady)[2:]
    correlation = np.corrcoef(logs[:-1], logs[1:])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(logs.size)


def test_next_difficulty_does_not_depend_on_the_old_one() -> None:
    path = constant(RATE, 30 * EPOCH * 600)
    easy, hard = mined(path, seed=7, start_rate=RATE / 2), mined(path, seed=7, start_rate=RATE * 2)
    first, second = log_difficulties(easy), log_difficulties(hard)
    shared = min(first.size, second.size)
    assert abs(first[0] - second[0]) == pytest.approx(np.log(4), abs=1e-5)
    # one second of a fortnight, and the truncation of the compact form, are all that remains
    assert np.abs(first[1:shared] - second[1:shared]).max() < 1e-5


@pytest.mark.parametrize(
    ("monthly", "minutes"),
    [(0.02, 9.909), (0.05, 9.780), (0.10, 9.583), (0.20, 9.244), (0.50, 8.512), (1.00, 7.776)],
)
def test_blocks_are_too_fast_under_growth(monthly: float, minutes: float) -> None:
    per_day = np.log1p(monthly) / 30
    days = np.arange(0, 1500.25, 0.25)
    path = HashratePath(days * 86_400, RATE * np.exp(per_day * days))
    chain = mined(path, seed=11)
    starts = chain.arrivals[::EPOCH][4:]
    intervals = np.diff(starts) / EPOCH / 60
    batches = intervals[: intervals.size // 8 * 8].reshape(-1, 8).mean(axis=1)
    error = batches.std(ddof=1) / np.sqrt(batches.size)
    # the closed form leaves out the 0.0993% that blocks are slow by at constant hashrate
    assert batches.mean() == pytest.approx(minutes * 1.000993, abs=4 * error + 0.002)


def test_intervals_within_an_epoch_are_exponential() -> None:
    from scipy.stats import kstest

    chain = mined(constant(RATE, EPOCH * 600 * 2), seed=5)
    intervals = np.diff(chain.arrivals[:EPOCH])
    assert kstest(intervals, "expon", args=(0, 600)).pvalue > 0.01


def test_every_retarget_follows_from_header_times() -> None:
    """Each epoch's target recomputed here with the rule's own integers."""
    chain = mined(constant(RATE, 20 * EPOCH * 600), seed=3, start_rate=RATE / 10)
    limit = 2**224 - 1

    def target(bits: int) -> int:
        return (bits & 0x7FFFFF) << 8 * ((bits >> 24) - 3)

    epochs = chain.bits[::EPOCH].tolist()
    assert len(epochs) > 15
    for number, (old, new) in enumerate(pairwise(epochs)):
        first, last = chain.times[number * EPOCH], chain.times[number * EPOCH + EPOCH - 1]
        span = min(max(int(last - first), 302_400), 4_838_400)
        exact = min(target(old) * span // 1_209_600, limit)
        assert exact - target(new) in range(1 << 8 * ((new >> 24) - 3))
    # a start at a tenth of the hashrate meets the clamp: difficulty times four, no more
    assert target(epochs[1]) == pytest.approx(target(epochs[0]) / 4, rel=1e-6)


def test_mining_ends_where_the_path_ends() -> None:
    seconds = 3.5 * EPOCH * 600
    chain = mined(constant(RATE, seconds), seed=1)
    assert chain.times.size == chain.bits.size == chain.arrivals.size
    assert seconds - 20 * 600 < chain.arrivals[-1] <= seconds
