"""Simulated header times against the time rules of consensus."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hashcanary.chain.targets import encode_compact
from hashcanary.simulation.mining import Clocks, header_times, median_times_past, mine
from hashcanary.simulation.paths import constant

RATE = 1e15


def one_after_another(wished: list[float], before: list[int]) -> list[int]:
    """What miners would write in turn, by the rule as it is stated."""
    chain = list(before)
    for wish in wished:
        time = int(np.floor(wish))
        past = sorted(chain[-11:])
        if past:
            time = max(time, past[len(past) // 2] + 1)
        chain.append(time)
    return chain[len(before) :]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-5000, 5000), min_size=1, max_size=60),
    st.lists(st.integers(-50, 50), max_size=11),
)
def test_header_times_are_what_miners_would_write_in_turn(
    offsets: list[int], before: list[int]
) -> None:
    start = 1_000_000_000
    wished = start + np.cumsum(np.full(len(offsets), 100.0)) + np.array(offsets)
    past = [start + time for time in before]
    found = header_times(wished, np.array(past, dtype=np.int64))
    assert found.tolist() == one_after_another(wished.tolist(), past)


def test_times_with_wrong_clocks_keep_the_rules() -> None:
    clocks = Clocks(noise=20.0, wrong=0.1, wrong_range=(-7000.0, 7000.0))
    chain = mine(
        constant(RATE, 3 * 2016 * 600),
        first_height=4032,
        first_bits=encode_compact(int(2**256 / (RATE * 600))),
        start_time=1_600_000_000,
        seed=9,
        clocks=clocks,
    )
    past = [sorted(chain.times[max(i - 11, 0) : i].tolist()) for i in range(1, chain.times.size)]
    medians = np.array([times[len(times) // 2] for times in past])
    assert (chain.times[1:] > medians).all()
    assert (chain.times <= chain.arrivals + 7200).all()
    assert (np.diff(chain.times) < 0).any()  # clocks did run backwards, as on the real chain
    assert np.array_equal(median_times_past(chain.times)[1:], medians)
