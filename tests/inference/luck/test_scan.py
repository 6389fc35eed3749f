"""Scan statistics against closed forms and against luck itself, simulated."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray

from hashcanary.inference.luck.windows import clumps, in_one_window, some_drawdown, some_window

Floats = NDArray[np.float64]


def fewest(rate: float, span: float, paths: int, rng: np.random.Generator) -> Floats:
    """The fewest blocks that any window of length 1 in a span holds, by every place it can take."""
    found = np.empty(paths)
    for path in range(paths):
        times = np.sort(rng.uniform(0, span, rng.poisson(rate * span)))
        starts = np.concatenate(([0.0], times[times <= span - 1]))
        after = np.searchsorted(times, starts + 1) - np.searchsorted(times, starts, side="right")
        ends = times[times >= 1]
        before = np.searchsorted(times, ends) - np.searchsorted(times, ends - 1, side="right")
        found[path] = min(after.min(), before.min(initial=10**9))
    return found


def test_a_window_has_the_published_probabilities() -> None:
    # 98 blocks on 24 January 2026 against an expected 144, and against 138
    assert in_one_window(98, np.array([144.0, 138.0])) == pytest.approx([3.1e-5, 2.1e-4], rel=0.02)


@pytest.mark.parametrize("rate", [12.0, 144.0])
def test_the_fewest_of_all_windows_is_as_simulated(rate: float) -> None:
    rng = np.random.default_rng(5)
    found = fewest(rate, 60.0, 3000, rng)
    for level in (0.02, 0.1, 0.3, 0.6):
        count = int(np.quantile(found, level))
        simulated = float((found <= count).mean())
        error = 3 * (simulated * (1 - simulated) / found.size) ** 0.5
        stated = float(some_window(count, np.array(rate), 60.0))
        assert stated == pytest.approx(simulated, abs=error + 0.08 * simulated)


def test_an_empty_window_is_the_longest_gap_of_the_closed_form() -> None:
    # n uniform points on (0, 1): P(no gap above x), Stevens (1939); n is Poisson
    rate, span = 9.0, 12.0
    x, mean = 1 / span, rate * span
    total, weight = 0.0, np.exp(-mean)
    for n in range(250):
        weight *= mean / n if n else 1.0
        signed = ((-1) ** j * comb(n + 1, j) * (1 - j * x) ** n for j in range(int(span) + 1))
        total += weight * min(max(sum(signed), 0.0), 1.0)
    assert float(some_window(0, np.array(rate), span)) == pytest.approx(1 - total, rel=0.01)


def test_a_span_of_one_window_is_that_window() -> None:
    assert float(some_window(98, np.array(144.0), 1.0)) == pytest.approx(
        float(in_one_window(98, np.array(144.0)))
    )


def test_more_blocks_are_never_rarer() -> None:
    counts = range(60, 200)
    often = [float(clumps(count, np.array(144.0))) for count in counts]
    chance = [float(some_window(count, np.array(144.0), 365.0)) for count in counts]
    assert np.all(np.diff(often) >= -1e-15)
    assert np.all(np.diff(chance) >= 0)
    assert chance[-1] > 0.99


def deepest(values: Floats, window: int) -> Floats:
    """The deepest fall (paths,) of the mean over a window below its highest so far."""
    total = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    mean = total[:, window:] - total[:, :-window]
    return np.asarray((1 - mean / np.maximum.accumulate(mean, axis=1)).max(axis=1))


@pytest.mark.parametrize("window", [1, 7, 30, 60])
@pytest.mark.parametrize("rows", [365, 900])
def test_the_deepest_fall_of_a_mean_is_as_simulated(window: int, rows: int) -> None:
    rng = np.random.default_rng([window, rows])
    days = rng.poisson(144, (3000, rows + window - 1)).astype(np.float64)
    found = deepest(days, window)
    levels = np.array([0.3, 0.1, 0.02])
    depth = np.quantile(found, 1 - levels)
    same = np.ones(3)
    stated = some_drawdown(depth, 144.0 * window * same, rows * same, window * same, "time")
    for one, least in zip(stated, depth, strict=True):
        # counts are whole: many falls are just as deep
        simulated = float((found >= least).mean())
        error = 3 * (simulated * (1 - simulated) / found.size) ** 0.5
        assert one == pytest.approx(simulated, abs=error + 0.2 * simulated)


def test_the_deepest_fall_of_epochs_is_as_simulated() -> None:
    rng = np.random.default_rng(8)
    found = deepest(1 / rng.gamma(2015, size=(20_000, 26)), 1)
    levels = np.array([0.5, 0.1, 0.01])
    depth = np.quantile(found, 1 - levels)
    stated = some_drawdown(depth, np.full(3, 2015.0), np.full(3, 26.0), np.ones(3), "blocks")
    assert stated == pytest.approx(levels, rel=0.2)


def test_a_fall_that_never_happens_is_not_impossible_by_rounding() -> None:
    deep = some_drawdown(
        np.array([0.07, 0.1, 0.2]), np.full(3, 4320.0), np.full(3, 365.0), np.full(3, 30.0), "time"
    )
    assert 1 > deep[0] > deep[1] > deep[2] >= 0
    assert deep[2] < 1e-9
