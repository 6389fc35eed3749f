"""Median time past: the partial start, gaps and times that run backwards."""

from __future__ import annotations

import numpy as np
import pytest

from hashcanary.chain.header_times import median_time_past, rolling_median_11


def column(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


def test_the_median_of_eleven_is_the_sixth_in_order() -> None:
    assert rolling_median_11(column(9, 1, 8, 2, 7, 3, 6, 4, 5, 11, 10)).tolist() == [6]


def test_fewer_than_eleven_have_no_rolling_median() -> None:
    assert rolling_median_11(column(*range(10))).tolist() == []


def test_from_genesis_the_upper_middle_of_fewer_values_counts() -> None:
    # sorted[n // 2] for n = 1, 2, 3, 4, as in Core's GetMedianTimePast
    values, known = median_time_past(column(10, 5, 30, 20), column(0, 1, 2, 3))
    assert values.tolist() == [10, 10, 10, 20]
    assert known.all()


def test_a_run_from_elsewhere_is_known_from_its_eleventh_header_on() -> None:
    values, known = median_time_past(np.arange(100, 112), np.arange(500, 512))
    assert known.tolist() == [False] * 10 + [True, True]
    assert values[10:].tolist() == [105, 106]


def test_after_a_gap_ten_headers_are_needed_again() -> None:
    heights = np.concatenate((np.arange(12), np.arange(20, 32)))
    values, known = median_time_past(np.arange(24) * 10, heights)
    assert known.tolist() == [True] * 12 + [False] * 10 + [True] * 2
    assert int(values[22]) == 170


def test_a_gap_right_after_genesis_is_seen() -> None:
    _, known = median_time_past(column(1, 2, 3), column(0, 2, 3))
    assert known.tolist() == [True, False, False]


def test_no_headers_give_no_medians() -> None:
    values, known = median_time_past(np.empty(0, np.int64), np.empty(0, np.int64))
    assert len(values) == len(known) == 0


@pytest.mark.parametrize("time", [-1, 1 << 32])
def test_times_that_no_header_can_hold_are_refused(time: int) -> None:
    with pytest.raises(ValueError, match="2\\^32"):
        rolling_median_11(column(time, *range(10)))


def test_times_up_to_the_last_that_a_header_can_hold_are_taken() -> None:
    last = (1 << 32) - 1
    assert rolling_median_11(column(*range(last - 10, last + 1))).tolist() == [last - 5]
    assert rolling_median_11(column(*range(11))).tolist() == [5]
