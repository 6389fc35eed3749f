"""What the engine derives from declarations: order, clocks, basis, reasons, and its errors."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Literal

import numpy as np
import polars as pl
import pytest
from support.records import record, vendor_rows

from hashcanary import plugins
from hashcanary.metrics import declaration, engine, prepared
from hashcanary.metrics.declaration import Extra, Metric, all_metrics, find_metric
from hashcanary.metrics.engine import Metrics, metrics_of
from hashcanary.metrics.errors import (
    DuplicateMetric,
    MetricCycle,
    UnknownInput,
    UnknownMetric,
    WrongColumns,
)
from hashcanary.metrics.inputs import BASE_INPUTS, BaseInput
from hashcanary.metrics.prepared import Prepared
from hashcanary.store.record import Record
from hashcanary.units import COUNT

DAY = 86_400
Compute = Callable[[pl.DataFrame], pl.DataFrame]


def doubled(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(value=pl.last() * 2)


def metric(
    name: str,
    *inputs: str,
    compute: Compute = doubled,
    window: int | None = 1,
    lag: int = 0,
    rests_on: Literal["window", "row"] = "window",
    extras: tuple[Extra, ...] = (),
    interval: str = "",
) -> Metric:
    return Metric(
        name=name,
        title=name,
        unit=COUNT,
        grain="day",
        inputs=inputs,
        definition="",
        source="",
        compute=compute,
        window=window,
        lag=lag,
        rests_on=rests_on,
        extras=extras,
        interval=interval,
    )


def vendor_record() -> Record:
    """Ten days of a vendor's counts, the fourth of them missing, the sixth known a week late."""
    days = [day for day in range(10) if day != 3]
    known = {day: (day + 1) * DAY + (7 * DAY if day == 5 else 0) for day in days}
    rows = ((day, name, 1.0, at) for day, at in known.items() for name in ("BlkCnt", "DiffMean"))
    return record(daily=vendor_rows(rows))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Metrics]:
    def run(*declared: Metric) -> Metrics:
        known = {one.name: one for one in declared}
        for place in (engine, declaration):
            monkeypatch.setattr(place, "all_metrics", lambda: known)
        metrics = metrics_of(vendor_record())
        for name in known:
            _ = metrics[name]
        return metrics

    return run


def column(results: Metrics, name: str, of: str) -> list[object]:
    return results[name].rows[of].to_list()


def test_metrics_are_computed_after_what_they_need(computed: Callable[..., Metrics]) -> None:
    results = computed(metric("late", "early"), metric("early", "blocks.count"))
    assert column(results, "late", "value")[:4] == [4.0, 4.0, 4.0, None]


def test_a_metric_sees_its_declared_inputs_and_nothing_else(
    computed: Callable[..., Metrics],
) -> None:
    seen: list[list[str]] = []

    def watch(frame: pl.DataFrame) -> pl.DataFrame:
        seen.append(frame.columns)
        return frame.select(value=pl.lit(1.0).repeat_by(1).list.first(), more=pl.col("time"))

    first = metric("a", "blocks.count", compute=watch, extras=(Extra("more", "", COUNT),))
    second = metric("b", "a", compute=lambda frame: watch(frame).drop("more"))
    computed(first, second)
    assert seen == [["time", "blocks.count"], ["time", "a", "a.more"]]


def test_a_row_is_known_when_the_last_input_of_its_window_is(
    computed: Callable[..., Metrics],
) -> None:
    results = computed(
        metric("one", "blocks.count"),
        metric("three", "blocks.count", window=3),
        metric("all", "blocks.count", window=None),
        metric("yesterday", "blocks.count", lag=1, compute=lagged),
    )
    late = 13 * DAY
    assert column(results, "one", "known_at")[5:9] == [late, 7 * DAY, 8 * DAY, 9 * DAY]
    assert column(results, "three", "known_at")[5:9] == [late, late, late, 9 * DAY]
    assert column(results, "all", "known_at")[5:9] == [late] * 4
    assert column(results, "yesterday", "known_at")[5:8] == [5 * DAY, late, 7 * DAY]


def lagged(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(value=pl.col("blocks.count").shift(1))


def test_a_missing_value_is_not_known_and_says_why(computed: Callable[..., Metrics]) -> None:
    def mean(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select(value=pl.last().rolling_mean(3))

    results = computed(
        metric("one", "blocks.count"),
        metric("three", "one", compute=mean, window=3),
        metric("yesterday", "one", lag=1, compute=lambda f: f.select(value=pl.last().shift(1))),
    )
    assert column(results, "one", "known_at")[3] is None
    reason = column(results, "one", "missing")[3]
    assert isinstance(reason, str)
    assert reason.startswith("the day's blocks are not all known")
    assert column(results, "three", "missing")[2:7] == [
        None,
        reason,
        "warm-up, or a gap within the last 3 days",
        "warm-up, or a gap within the last 3 days",
        None,
    ]
    assert column(results, "yesterday", "missing")[3:6] == [None, reason, None]
    assert column(results, "one", "missing")[2] is None


def test_basis_follows_the_window_or_the_row(
    computed: Callable[..., Metrics], monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = np.arange(10) == 4
    count = BASE_INPUTS["day"]["blocks.count"]
    changed = replace(count, clock=replace(count.clock, vendor=lambda _: flags))
    monkeypatch.setitem(BASE_INPUTS["day"], "blocks.count", changed)
    results = computed(
        metric("one", "blocks.count"),
        metric("three", "blocks.count", window=3),
        metric("all", "blocks.count", window=None),
        metric("peak", "blocks.count", window=None, rests_on="row"),
    )

    def vendors(name: str) -> list[int]:
        return [at for at, basis in enumerate(column(results, name, "basis")) if basis == "vendor"]

    assert vendors("one") == vendors("peak") == [4]
    assert vendors("three") == [4, 5, 6]
    assert vendors("all") == [4, 5, 6, 7, 8, 9]


class Calls(dict[str, int]):
    """Counts how often the function of each metric is called."""

    def metric(self, name: str, *inputs: str) -> Metric:
        def counted(frame: pl.DataFrame) -> pl.DataFrame:
            self[name] = self.get(name, 0) + 1
            return doubled(frame)

        return metric(name, *inputs, compute=counted)


def test_a_metric_is_computed_once_whoever_needs_it(computed: Callable[..., Metrics]) -> None:
    calls = Calls()
    metrics = computed(
        calls.metric("base", "blocks.count"),
        calls.metric("one", "base"),
        calls.metric("two", "one"),
    )
    assert metrics["two"] is metrics["two"]
    assert metrics.frame("day", ["one", "two"]).height == 10
    assert calls == {"base": 1, "one": 1, "two": 1}


def test_what_was_computed_of_a_record_is_kept_with_it_and_with_no_other(
    computed: Callable[..., Metrics],
) -> None:
    calls = Calls()
    computed(calls.metric("one", "blocks.count"))
    record = vendor_record()
    for _ in range(3):
        assert column(metrics_of(record), "one", "value")[0] == 2.0
    assert calls == {"one": 2}
    later = replace(record, daily=record.daily.filter(pl.col("value") > 1))
    assert metrics_of(later) is not metrics_of(record)


def test_threads_that_share_metrics_compute_each_once(computed: Callable[..., Metrics]) -> None:
    calls = Calls()
    computed(calls.metric("base", "blocks.count"), calls.metric("one", "base"))
    calls.clear()
    metrics, together = Metrics(vendor_record()), Barrier(8)

    def ask(_: int) -> float:
        together.wait()
        return float(metrics["one"].rows["value"][0])

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == [4.0] * 8
    assert calls == {"base": 1, "one": 1}


def test_asking_for_a_metric_computes_what_it_needs_and_nothing_else(
    computed: Callable[..., Metrics], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls()
    computed(calls.metric("other", "price.usd"), calls.metric("mine", "blocks.count"))
    calls.clear()
    read: list[str] = []
    for name, base in BASE_INPUTS["day"].items():

        def noted(of: Prepared, base: BaseInput = base) -> object:
            read.append(base.name)
            return base.compute(of)

        monkeypatch.setitem(BASE_INPUTS["day"], name, replace(base, compute=noted))
    for costly in ("daily_price", "pool_blocks", "core_lookup"):
        monkeypatch.delattr(prepared, costly)
    assert column(Metrics(vendor_record()), "mine", "value")[0] == 2.0
    assert (read, calls) == (["blocks.count"], {"mine": 1})


def test_a_name_that_is_neither_metric_nor_input_has_no_column(
    computed: Callable[..., Metrics],
) -> None:
    metrics = computed(metric("one", "blocks.count"))
    with pytest.raises(UnknownMetric, match="found 'on'; similar names: one"):
        metrics.frame("day", ["on"])
    with pytest.raises(UnknownInput, match=r"'one', which is neither .* of grain 'epoch'"):
        metrics.frame("epoch", ["one"])


def test_metrics_that_need_each_other_are_refused(computed: Callable[..., Metrics]) -> None:
    with pytest.raises(MetricCycle, match="a -> b -> a"):
        computed(metric("a", "b"), metric("b", "a"))


@pytest.mark.parametrize("needed", ["nothing.such", "epoch.bits"])
def test_an_input_that_is_not_there_is_refused(
    needed: str, computed: Callable[..., Metrics]
) -> None:
    with pytest.raises(UnknownInput, match=f"declares the input '{needed}'"):
        computed(metric("a", needed))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda frame: frame.select(value=pl.last()).head(3),
        lambda frame: frame.select(other=pl.last()),
        lambda frame: frame.select(value=pl.last(), low=pl.last()),
    ],
)
def test_a_function_that_breaks_its_promise_is_refused(
    wrong: Compute, computed: Callable[..., Metrics]
) -> None:
    with pytest.raises(WrongColumns, match="promised the columns value in 10 rows"):
        computed(metric("a", "blocks.count", compute=wrong))


def test_an_interval_promises_low_and_high() -> None:
    promised = metric("a", "blocks.count", interval="95%", extras=(Extra("more", "", COUNT),))
    assert promised.columns == ("value", "low", "high", "more")


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(UnknownMetric, match=r"similar names: hashrate\.sma30"):
        find_metric("hashrate.sma31")
    with pytest.raises(UnknownMetric, match="similar names: none"):
        find_metric("@@@@")
    # four means of the price are declared
    with pytest.raises(UnknownMetric) as caught:
        find_metric("price.sma")
    near = str(caught.value.fields["near"]).split(", ")
    assert len(near) == 3
    assert all(name.startswith("price.sma") for name in near)


def test_a_name_used_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = [("mine", metric("a", "blocks.count")), ("theirs", metric("a", "blocks.work"))]
    monkeypatch.setattr(plugins, "declared", lambda *_: twice)
    with pytest.raises(DuplicateMetric, match="declared twice, the second time in theirs"):
        all_metrics.__wrapped__()


def test_the_names_others_rely_on_are_declared() -> None:
    relied_on = {
        "hashrate.day",
        "hashrate.sma30",
        "hashrate.epoch",
        "drawdown.sma30",
        "ribbon.state",
        "ribbon.oscillator",
        "difficulty.change",
        "hashprice",
        "hashvalue",
        "revenue.usd",
        "puell",
        "rsi14",
    }
    assert relied_on <= set(all_metrics())


def test_every_declaration_says_what_it_is() -> None:
    for one in all_metrics().values():
        assert all((one.title, one.definition, one.source, one.missing)), one.name
        assert one.window is None or one.window > one.lag >= 0
