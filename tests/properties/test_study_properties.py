"""Properties of forward returns, spans and the economic recursions, whatever the data."""

from __future__ import annotations

import math
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from hashcanary.interval import clopper_pearson
from hashcanary.metrics.catalogue.rsi import rsi14
from hashcanary.metrics.catalogue.thermocap import cumulative_since_first
from hashcanary.studies.episodes import spans
from hashcanary.studies.forward_returns import non_overlapping

STATES = st.lists(st.sampled_from([True, False, None]), max_size=60)
DAYS = st.lists(st.integers(0, 400), max_size=40, unique=True).map(sorted)
PRICES = st.lists(st.one_of(st.none(), st.floats(0.01, 1e6)), max_size=80)


@given(STATES)
def test_spans_hold_every_row_inside_and_no_known_row_outside(states: list[bool | None]) -> None:
    held: set[int] = set()
    for first, after in spans(states):
        rows = range(first, len(states) if after is None else after)
        assert states[first] is True
        assert after is None or states[after] is False
        assert all(states[row] is not False for row in rows)
        held.update(rows)
    assert held >= {row for row, state in enumerate(states) if state}


@given(STATES)
def test_only_the_last_span_may_be_open(states: list[bool | None]) -> None:
    ends = [after for _, after in spans(states)]
    assert all(after is not None for after in ends[:-1])


@given(DAYS, st.integers(1, 60))
def test_windows_taken_do_not_overlap_and_none_more_fits(days: list[int], horizon: int) -> None:
    taken = [days[index] for index in non_overlapping(days, horizon)]
    assert all(b - a >= horizon for a, b in pairwise(taken))
    for day in set(days) - set(taken):
        assert any(abs(day - other) < horizon for other in taken)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_exact_interval_leaves_a_fortieth_in_each_tail(counted: tuple[int, int]) -> None:
    positive, trials = counted
    low, high = clopper_pearson(positive, trials)
    assert low <= positive / trials <= high
    if positive:
        assert binom.sf(positive - 1, trials, low) == pytest.approx(0.025, abs=1e-9)
    if positive < trials:
        assert binom.cdf(positive, trials, high) == pytest.approx(0.025, abs=1e-9)


@given(PRICES)
def test_rsi_is_wilders_recursion_done_by_hand(prices: list[float | None]) -> None:
    frame = pl.DataFrame({"price.usd": prices}, schema={"price.usd": pl.Float64})
    for ours, by_hand in zip(rsi14(frame)["value"], by_the_book(prices), strict=True):
        if by_hand is None:
            assert ours is None
        else:
            assert math.isclose(ours, by_hand, abs_tol=1e-6)
            assert -1e-9 <= ours <= 100 + 1e-9


def by_the_book(prices: list[float | None]) -> list[float | None]:
    """RSI one day after the other, with plain numbers."""
    values: list[float | None] = []
    changes: list[float] = []
    gain = loss = 0.0
    for before, price in zip([None, *prices], prices, strict=False):
        if before is None or price is None:
            changes = []
            values.append(None)
            continue
        changes.append(price - before)
        if len(changes) == 14:
            gain = sum(max(change, 0.0) for change in changes) / 14
            loss = sum(max(-change, 0.0) for change in changes) / 14
        elif len(changes) > 14:
            gain = (13 * gain + max(changes[-1], 0.0)) / 14
            loss = (13 * loss + max(-changes[-1], 0.0)) / 14
        enough = len(changes) >= 14 and gain + loss > 0
        values.append(100 * gain / (gain + loss) if enough else None)
    return values


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), min_size=1, max_size=50))
def test_a_cumulative_sum_never_falls_and_never_passes_a_gap(income: list[float | None]) -> None:
    frame = pl.DataFrame(
        {"income": income, "issuance.btc": [50.0] * len(income)},
        schema={"income": pl.Float64, "issuance.btc": pl.Float64},
    )
    total = frame.select(cumulative_since_first("income")).to_series().to_list()
    known = [value for value in total if value is not None]
    assert known == sorted(known)
    assert all(value is None for value in total[len(known) :])
