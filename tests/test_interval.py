"""Figures with limits: how they are moved, scaled and put together."""

from __future__ import annotations

from math import exp, isnan, log, nan

import pytest

from hashcanary.interval import Interval, corners

SHARE = Interval(0.2, 0.1, 0.4, "exact binomial", 0.9)


def test_an_exact_figure_has_no_width() -> None:
    assert Interval.exact(3.5).three == (3.5, 3.5, 3.5)


def test_limits_the_other_way_round_are_refused() -> None:
    with pytest.raises(ValueError, match=r"2\.0.*\(3\.0, 1\.0\)"):
        Interval(2.0, 3.0, 1.0)


def test_what_is_not_known_is_allowed() -> None:
    half = Interval(nan, 3.0, nan)
    assert half.low == 3.0
    assert isnan(half.high)
    assert half.scaled(-1.0).low == -3.0


def test_a_rising_function_keeps_the_order_of_limits() -> None:
    # odds of 1/5, 1/10 and 2/5
    odds = SHARE.map(lambda share: share / (1 - share))
    assert odds.three == pytest.approx((1 / 4, 1 / 9, 2 / 3))


def test_a_falling_function_swaps_the_limits() -> None:
    assert SHARE.map(lambda share: 1 - share).three == pytest.approx((0.8, 0.6, 0.9))
    assert SHARE.map(lambda share: 1 / share).three == pytest.approx((5.0, 2.5, 10.0))


def test_a_factor_below_zero_swaps_the_limits() -> None:
    assert SHARE.scaled(100.0).three == pytest.approx((20.0, 10.0, 40.0))
    assert SHARE.scaled(-100.0).three == pytest.approx((-20.0, -40.0, -10.0))
    assert SHARE.scaled(-100.0).ends == pytest.approx((-40.0, -10.0))


def test_what_the_limits_are_stays_with_the_figure() -> None:
    moved = SHARE.map(log).scaled(-1.0)
    assert (moved.kind, moved.level) == ("exact binomial", 0.9)
    assert moved.value == pytest.approx(1.6094379124341003)


def test_corners_are_the_least_and_the_most_of_the_whole_box() -> None:
    """Against every point of a grid in the box, by brute force."""
    hashprice, efficiency, fee = (
        Interval(50.0, 40.0, 65.0),
        Interval(20.0, 18.0, 23.0),
        Interval(0.02, 0.0, 0.04),
    )

    def power_price(h: float, e: float, p: float) -> float:
        return h / 1000 * (1 - p) / (e * 0.024)

    found = corners(power_price, [hashprice], [efficiency, fee])
    grids = [
        [one.low + step / 10 * (one.high - one.low) for step in range(11)]
        for one in (hashprice, efficiency, fee)
    ]
    box = [power_price(h, e, p) for h in grids[0] for e in grids[1] for p in grids[2]]
    assert found.ends == pytest.approx((min(box), max(box)))
    # 0.05 USD/TH/s/day less 2%, over 0.48 kWh
    assert found.value == pytest.approx(0.049 / 0.48)


def test_corners_of_rising_figures_alone() -> None:
    product = corners(lambda a, b: a * b, [Interval(2.0, 1.0, 4.0), Interval(3.0, 2.0, 5.0)])
    assert product.three == (6.0, 2.0, 20.0)
    assert Interval.exact(0.0).map(exp).three == (1.0, 1.0, 1.0)
