"""Each kind of evidence against its closed form: densities by scipy, mixtures summed by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from hashcanary.inference.explain.attribution import (
    drop_factors,
    low_window,
    margin_factors,
    pool_factors,
    power_factors,
    season_factors,
)
from hashcanary.inference.explain.causes import Cause, read_causes
from hashcanary.inference.explain.margins import Margin, PowerPrice, Squeeze
from hashcanary.inference.explain.pool_loss import LOSSES, PoolTables
from hashcanary.inference.explain.profile import DropProfile, Fitted
from hashcanary.inference.explain.shapes import DEPTHS
from hashcanary.interval import Interval
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

CAUSES = replace(read_causes(), silent=0.3)
EXACT = Interval.exact(0.1)


def unix(year: int, month: int, day: int) -> float:
    return datetime(year, month, day, tzinfo=UTC).timestamp()


def cause(name: str) -> Cause:
    return next(each for each in CAUSES.real if each.name == name)


def mixture(density: float, wide: float) -> float:
    """A density that with probability ``silent`` is the wide one."""
    return math.log((1 - CAUSES.silent) * math.exp(density) + CAUSES.silent * math.exp(wide))


@pytest.mark.parametrize("month", [1, 6, 12])
def test_a_season_is_twelve_times_its_months_share(month: int) -> None:
    found = season_factors(CAUSES, unix(2025, month, 28))
    assert found["luck"] == 0.0
    for each in CAUSES.real:
        share = each.season[month - 1]
        assert found[each.name] == pytest.approx(math.log(0.7 * 12 * share + 0.3))
    # a cause that is as likely in every month says nothing
    even = replace(cause("exit"), season=np.full(12, 1 / 12))
    same = season_factors(replace(CAUSES, real=(even,)), unix(2025, month, 28))
    assert same["exit"] == pytest.approx(0.0, abs=1e-12)


def test_the_month_is_that_of_utc() -> None:
    before, after = (season_factors(CAUSES, unix(2025, 2, 1) + off) for off in (-1, 0))
    storms = cause("curtailment").season
    assert before["curtailment"] == pytest.approx(math.log(0.7 * 12 * storms[0] + 0.3))
    assert after["curtailment"] == pytest.approx(math.log(0.7 * 12 * storms[1] + 0.3))


def made_margin(log_margin: float, log_change: float, log_sd: float) -> Margin:
    squeeze = Squeeze(EXACT, log_sd, EXACT, EXACT, EXACT, EXACT)
    made = SimpleNamespace(squeeze=squeeze, log_margin=log_margin, log_change=log_change)
    return cast("Margin", made)


@pytest.mark.parametrize("at", [(0.1, -0.3), (-0.4, -0.05), (1.2, 0.2)])
@pytest.mark.parametrize("added", [0.0, 0.25])
def test_margins_are_normal_with_what_is_unknown_of_machines_added(
    at: tuple[float, float], added: float
) -> None:
    def log_density(looks: object, wider: float = 1.0) -> float:
        margin = looks.margin  # type: ignore[attr-defined]
        first, second = (wider * each for each in margin.sd)
        cross = margin.correlation * first * second
        law = multivariate_normal(margin.mean, [[first**2 + added**2, cross], [cross, second**2]])
        return float(law.logpdf(at))

    found = margin_factors(CAUSES, made_margin(*at, added))
    wide = log_density(CAUSES.luck, 2.0)
    luck = mixture(log_density(CAUSES.luck), wide)
    assert found["luck"] == 0.0
    for each in CAUSES.real:
        assert found[each.name] == pytest.approx(mixture(log_density(each.looks), wide) - luck)


def test_margins_below_cost_speak_for_economics() -> None:
    poor, rich = (margin_factors(CAUSES, made_margin(at, -0.3, 0.1)) for at in (-0.3, 1.5))
    assert poor["economics"] > 0 > rich["economics"]
    # however clear, evidence may say nothing: no factor is below what silence leaves
    usual = margin_factors(CAUSES, made_margin(30.0, 5.0, 0.1))
    assert all(math.isfinite(factor) for factor in usual.values())


@pytest.mark.parametrize("log_ratio", [-0.5, 0.0, 0.8, 3.0])
@pytest.mark.parametrize("region", ["north-america", "china", "nowhere"])
def test_power_is_dear_where_the_storm_was_or_it_was_elsewhere(
    log_ratio: float, region: str
) -> None:
    found = power_factors(
        CAUSES, cast("PowerPrice", SimpleNamespace(region=region, log_ratio=log_ratio))
    )
    plain = norm.pdf(log_ratio, *CAUSES.luck.power)
    wide = norm.pdf(log_ratio, CAUSES.luck.power[0], 2 * CAUSES.luck.power[1])
    luck = 0.7 * plain + 0.3 * wide
    for each in CAUSES.real:
        there = each.regional * each.regions.get(region, 0.0) if each.regional else 1.0
        own = there * norm.pdf(log_ratio, *each.looks.power) + (1 - there) * plain
        expected = math.log((0.7 * own + 0.3 * wide) / luck)
        assert found[each.name] == pytest.approx(expected, abs=1e-9)
    assert found["luck"] == 0.0


def test_dear_power_in_a_region_of_storms_speaks_for_one() -> None:
    calm, dear = (
        power_factors(
            CAUSES,
            cast("PowerPrice", SimpleNamespace(region="north-america", log_ratio=ratio)),
        )["curtailment"]
        for ratio in (0.0, 2.0)
    )
    assert dear > 0 > calm


def fitted_of(
    name: str, early: float, whole: float, weight: NDArray[np.float64], over: NDArray[np.float64]
) -> Fitted:
    shapes = SimpleNamespace(over=lambda start, end: over[:, None])
    made = SimpleNamespace(
        cause=cause(name), early=early, whole=whole, weight=weight, shapes=shapes
    )
    return cast("Fitted", made)


def test_a_recovery_counts_given_the_decline() -> None:
    flat = np.zeros((1, DEPTHS.size))
    fitted = (
        fitted_of("curtailment", 3.0, 10.0, flat, np.ones(1)),
        fitted_of("exit", 4.0, 2.0, flat, np.ones(1)),
    )
    early, later = drop_factors((1.0, 6.0), fitted)
    assert early == {"luck": 0.0, "curtailment": 2.0, "exit": 3.0}
    # (10 - 3) - (6 - 1) and (2 - 4) - (6 - 1)
    assert later == {"luck": 0.0, "curtailment": 2.0, "exit": -7.0}


def test_pools_are_weighed_by_the_shapes_that_agree_with_the_blocks() -> None:
    rng = np.random.default_rng(4)
    regions = tuple(cause("curtailment").regions)
    tables = PoolTables(
        luck=-3.0,
        silent=-5.0,
        alike=rng.normal(-4, 2, LOSSES.size),
        regions={region: rng.normal(-4, 2, LOSSES.size) for region in regions},
    )
    draws = 3
    fitted = [
        fitted_of(
            name,
            0.0,
            float(rng.normal()),
            rng.normal(0, 1, (draws, DEPTHS.size)),
            rng.uniform(-0.2, 1, draws),
        )
        for name in ("curtailment", "economics", "exit")
    ]
    found = pool_factors(tables, tuple(fitted), CAUSES, (-3.0, -1.0))
    luck = math.log(0.7 * math.exp(-3.0) + 0.3 * math.exp(-5.0))
    for each in fitted:
        own = each.cause
        total = sum(own.regions.values())
        by_loss = [
            math.log(
                0.7
                * (
                    (1 - own.regional) * math.exp(tables.alike[at])
                    + sum(
                        own.regional * share / total * math.exp(tables.regions[region][at])
                        for region, share in own.regions.items()
                    )
                )
                + 0.3 * math.exp(-5.0)
            )
            for at in range(LOSSES.size)
        ]
        terms = []
        for draw in range(draws):
            share = max(float(each.shapes.over(None, None)[draw, 0]), 0.0)  # type: ignore[arg-type]
            for place, depth in enumerate(DEPTHS):
                terms.append(each.weight[draw, place] + np.interp(share * depth, LOSSES, by_loss))
        assert found.factors[own.name] == pytest.approx(logsumexp(terms) - each.whole - luck)
    assert found.factors["luck"] == 0.0
    assert sum(found.regions.values()) == pytest.approx(1.0)


def test_the_region_that_lost_is_weighed_by_causes_and_their_rates() -> None:
    regions = tuple(cause("curtailment").regions)
    flat = np.zeros(LOSSES.size)
    likely = regions[0]
    tables = PoolTables(
        0.0, 0.0, flat, {name: flat + (3.0 if name == likely else 0.0) for name in regions}
    )
    weight = np.full((1, DEPTHS.size), -math.log(DEPTHS.size))
    fitted = tuple(fitted_of(each.name, 0.0, 0.0, weight, np.ones(1)) for each in CAUSES.real)
    found = pool_factors(tables, fitted, CAUSES, (-3.0, -1.0)).regions
    raw = {
        region: sum(
            each.regions.get(region, 0.0) * each.a_year for each in CAUSES.real if each.regional
        )
        * (math.exp(3.0) if region == likely else 1.0)
        for region in regions
    }
    for region in regions:
        assert found[region] == pytest.approx(raw[region] / sum(raw.values()))


def test_pools_are_counted_while_it_was_low_and_for_45_days_at_most() -> None:
    now = unix(2021, 7, 1)

    def window(low_from: float, low_to: float) -> tuple[float, float]:
        drop = SimpleNamespace(now=now, low_from=now + low_from * DAY, low_to=now + low_to * DAY)
        return low_window(cast("DropProfile", drop))

    assert window(-10.0, -2.0) == pytest.approx((-10.0, -2.0))
    assert window(-80.0, -2.0) == pytest.approx((-80.0, -35.0))
