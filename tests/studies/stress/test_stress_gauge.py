"""The gauge from components whose days are made by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from hashcanary.moments import DAY
from hashcanary.studies.errors import BadStressComponent
from hashcanary.studies.stress.component import Component
from hashcanary.studies.stress.gauge import LEVEL, stress_history, weighted, words_of
from hashcanary.studies.stress.settings import Settings
from hashcanary.units import RATIO

if TYPE_CHECKING:
    from collections.abc import Callable

DAYS = 600


def settings(weights: dict[str, float], **changed: Any) -> Settings:
    made = Settings(weights, dict.fromkeys(weights, "all"), 200, 50, (0.5, 0.8, 0.95), 0.5, {}, "t")
    return replace(made, **changed)


def frame(value: np.ndarray, wide: float = 0.0) -> Callable[[Any], pl.DataFrame]:
    """A component's days: known an hour after each day; missing where NaN."""
    time = np.arange(value.size, dtype=np.int64) * DAY
    known = np.isfinite(value)

    def compute(_: Any) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "time": time,
                "value": value,
                "low": value - wide,
                "high": value + wide,
                "known_at": np.where(known, time + DAY + 3600, 0),
                "missing": [None if told else "gone" for told in known.tolist()],
            }
        ).with_columns(pl.col("value", "low", "high").fill_nan(None))

    return compute


def component(name: str, value: np.ndarray, stress: Any = "high", **more: Any) -> Component:
    wide = more.pop("wide", 0.0)
    return Component(name, name, RATIO, stress, "d", "s", "w", frame(value, wide), **more)


def sources(size: int = DAYS) -> Any:
    time = np.arange(size, dtype=np.int64) * DAY
    metrics = SimpleNamespace(frame=lambda _: pl.DataFrame({"time": time}))
    return SimpleNamespace(metrics=metrics, simulated=False, costs={}, fleet=None)


def found(*components: Component, weights: dict[str, float] | None = None, **changed: Any) -> Any:
    known = {one.name: one for one in components}
    stated = weights or dict.fromkeys(known, 1 / len(known))
    size = components[0].compute(None).height
    return stress_history(sources(size), settings(stated, **changed), known)


def test_what_is_high_or_low_is_turned_towards_stress() -> None:
    rising = np.arange(DAYS, dtype=np.float64)
    high, low = found(component("a", rising), component("b", rising, "low")).components
    # each day is above all days before it
    assert (high.percentile[50:] == 100.0).all()
    assert (low.percentile[50:] == 0.0).all()
    assert np.isnan(high.percentile[:50]).all()


def test_the_gauge_is_the_weighted_mean_of_percentiles() -> None:
    rng = np.random.default_rng(1)
    made = [component(name, rng.normal(size=DAYS)) for name in "abc"]
    weights = {"a": 0.5, "b": 0.3, "c": 0.2}
    history = found(*made, weights=weights)
    each = {one.component.name: one.percentile for one in history.components}
    expected = 0.5 * each["a"] + 0.3 * each["b"] + 0.2 * each["c"]
    np.testing.assert_allclose(history.gauge, expected)
    # percentiles of noise are even on average
    assert np.nanmean(history.gauge) == pytest.approx(50.0, abs=3)


def test_what_is_missing_leaves_its_weight_to_the_others_and_is_named() -> None:
    rng = np.random.default_rng(2)
    gone = rng.normal(size=DAYS)
    gone[300:310] = np.nan
    weights = {"a": 0.4, "b": 0.35, "c": 0.25}
    made = [
        component("a", gone),
        component("b", rng.normal(size=DAYS)),
        component("c", rng.normal(size=DAYS)),
    ]
    history = found(*made, weights=weights)
    first, b, c = (one.percentile for one in history.components)
    expected = (0.35 * b[305] + 0.25 * c[305]) / 0.6
    assert history.gauge[305] == pytest.approx(expected)
    assert history.weight_known[305] == pytest.approx(0.6)
    assert history.components[0].missing[305] == "gone"
    assert history.components[0].missing[310] is None
    assert "fewer than 50 days" in history.components[0].missing[10]
    assert np.isnan(first[305])
    silent = found(*made, weights=weights, least_weight=0.61)
    assert np.isnan(silent.gauge[300:310]).all()
    assert np.isfinite(silent.gauge[310])
    assert np.isnan(silent.low[305])
    assert np.isnan(silent.known_at[305])
    assert silent.word[305] == -1


def test_leaving_one_out_is_what_its_weight_says() -> None:
    rng = np.random.default_rng(3)
    made = [component(name, rng.normal(size=DAYS)) for name in "abc"]
    stated = settings({"a": 0.5, "b": 0.3, "c": 0.2})
    known = {one.name: one for one in made}
    whole = stress_history(sources(), stated, known)
    without = stress_history(sources(), stated.without(["a"]), known)
    # gauge = (1 - w) x gauge without + w x percentile
    expected = 0.5 * without.gauge + 0.5 * whole.components[0].percentile
    np.testing.assert_allclose(whole.gauge, expected)


def test_words_begin_at_quantiles_of_its_own_days_before() -> None:
    rng = np.random.default_rng(4)
    history = found(component("a", rng.normal(size=DAYS)), component("b", rng.normal(size=DAYS)))
    for day in (120, 350, 599):
        before = history.gauge[:day]
        cuts = np.quantile(before[np.isfinite(before)], (0.5, 0.8, 0.95))
        np.testing.assert_allclose(history.cuts[:, day], cuts)
        assert history.word[day] == (history.gauge[day] >= cuts).sum()
    # 50 days until a percentile, 50 gauges until a word
    assert (history.word[:100] == -1).all()
    assert (history.word[100:] >= 0).all()


def test_the_words_of_noise_come_as_often_as_stated() -> None:
    rng = np.random.default_rng(5)
    made = [component(name, rng.normal(size=6000)) for name in "abcd"]
    word = found(*made).word
    share = np.bincount(word[word >= 0], minlength=4) / (word >= 0).sum()
    np.testing.assert_allclose(share, (0.5, 0.3, 0.15, 0.05), atol=0.02)


def test_what_is_exact_has_no_band() -> None:
    rng = np.random.default_rng(6)
    history = found(component("a", rng.normal(size=DAYS)), component("b", rng.normal(size=DAYS)))
    told = np.isfinite(history.gauge)
    np.testing.assert_allclose(history.low[told], history.gauge[told])
    np.testing.assert_allclose(history.high[told], history.gauge[told])


def test_a_components_band_is_ranked_at_its_ends() -> None:
    rng = np.random.default_rng(7)
    value = rng.normal(size=DAYS)
    one = component("a", value, wide=0.4, uncertainty="u", level=LEVEL)
    history = found(one)
    day, part = 400, history.components[0]
    before = value[200:400]
    for end, shown in (
        (value[day] - 0.4, part.percentile_low),
        (value[day] + 0.4, part.percentile_high),
    ):
        assert shown[day] == pytest.approx(100 * (before < end).mean())
    # with one component, the gauge's band is that of the component, but for the draws' steps
    inside = np.isfinite(part.percentile)
    assert np.abs(history.low - part.percentile_low)[inside].mean() < 2.0
    assert np.abs(history.high - part.percentile_high)[inside].mean() < 2.0


def test_low_stress_components_move_the_other_way() -> None:
    rng = np.random.default_rng(8)
    value = rng.normal(size=DAYS)
    one = component("a", value, "low", wide=0.4, uncertainty="u", level=LEVEL)
    part = found(one).components[0]
    before = value[200:400]
    # stress is what is low: its lower end ranks higher
    assert part.percentile_high[400] == pytest.approx(100 * (before > value[400] - 0.4).mean())
    assert part.percentile_low[400] == pytest.approx(100 * (before > value[400] + 0.4).mean())


def test_components_of_one_uncertainty_are_off_together() -> None:
    rng = np.random.default_rng(9)
    a, b = rng.normal(size=(2, DAYS))

    def width(first: str, second: str) -> float:
        history = found(
            component("a", a, wide=0.8, uncertainty=first),
            component("b", b, wide=0.8, uncertainty=second),
        )
        return float(np.nanmean(history.high - history.low))

    # the mean of two that move together is as wide as one, of two apart as wide over root 2
    assert width("u", "v") / width("u", "u") == pytest.approx(2**-0.5, abs=0.06)


def test_an_error_of_all_years_moves_no_percentile() -> None:
    rng = np.random.default_rng(10)
    value = rng.normal(size=DAYS)

    def ends(shared: float) -> np.ndarray:
        one = component("a", value, wide=0.8, uncertainty="u", level=LEVEL, shared=shared)
        part = found(one).components[0]
        return np.array([part.percentile_low[400], part.percentile_high[400]])

    before = value[200:400]
    moved = 0.8 * 0.25**0.5  # a quarter of the variance is left
    expected = [100 * (before < value[400] + side * moved).mean() for side in (-1, 1)]
    np.testing.assert_allclose(ends(0.75), expected)
    assert ends(0.75)[0] > ends(0.0)[0]


def test_chances_of_words_sum_to_one_and_follow_the_band() -> None:
    rng = np.random.default_rng(11)
    history = found(component("a", rng.normal(size=DAYS), wide=0.5, uncertainty="u"))
    told = history.word >= 0
    np.testing.assert_allclose(history.chance[:, told].sum(axis=0), 1.0)
    assert np.isnan(history.chance[:, ~told]).all()
    likely = history.chance[:, told].max(axis=0) > 0.9
    same = history.chance[:, told].argmax(axis=0) == history.word[told]
    assert likely.sum() > 20
    assert same[likely].mean() > 0.9


def test_the_same_seed_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(12)
    made = component("a", rng.normal(size=DAYS), wide=0.5, uncertainty="u")
    first, second = found(made), found(made)
    assert first.low.tobytes() == second.low.tobytes()
    assert first.chance.tobytes() == second.chance.tobytes()


def test_a_record_cut_anywhere_gives_the_same_days() -> None:
    rng = np.random.default_rng(13)
    a, b = rng.normal(size=(2, DAYS)).cumsum(axis=1)
    b[250:260] = np.nan

    def of(size: int) -> Any:
        return found(
            component("a", a[:size], wide=1.0, uncertainty="u"), component("b", b[:size], "low")
        )

    whole = of(DAYS)
    for size in (180, 255, 431):
        early = of(size)
        for name in ("gauge", "low", "high", "word", "known_at", "weight_known"):
            np.testing.assert_array_equal(
                getattr(early, name), getattr(whole, name)[:size], err_msg=name
            )
        np.testing.assert_array_equal(early.cuts, whole.cuts[:, :size])
        np.testing.assert_array_equal(early.chance, whole.chance[:, :size])


def test_a_day_is_known_when_its_last_component_is() -> None:
    rng = np.random.default_rng(14)
    history = found(component("a", rng.normal(size=DAYS)))
    told = np.isfinite(history.gauge)
    np.testing.assert_array_equal(history.known_at[told], np.flatnonzero(told) * DAY + DAY + 3600)


def test_weighted_by_hand() -> None:
    percentiles = np.array([[10.0, np.nan, np.nan], [40.0, 40.0, np.nan]])
    gauge, part = weighted(percentiles, np.array([0.25, 0.75]), 0.5)
    np.testing.assert_allclose(gauge, [32.5, 40.0, np.nan])
    np.testing.assert_allclose(part, [1.0, 0.75, 0.0])


def test_words_by_hand() -> None:
    cuts = np.array([[50.0, 50.0, np.nan], [70.0, 70.0, np.nan], [90.0, 90.0, np.nan]])
    assert words_of(np.array([49.9, 70.0, 99.0]), cuts).tolist() == [0, 2, -1]


def test_other_columns_are_refused() -> None:
    bad = Component("a", "a", RATIO, "high", "d", "s", "w", lambda _: pl.DataFrame({"time": [0]}))
    with pytest.raises(BadStressComponent, match="component a"):
        stress_history(sources(1), settings({"a": 1.0}), {"a": bad})
