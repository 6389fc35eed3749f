"""Economic metrics at the edges: no rows, nothing known, and what each declaration promises."""

from __future__ import annotations

import polars as pl
import pytest

from hashcanary.metrics.declaration import Metric, all_metrics

FAMILIES = (
    "issuance", "supply", "fees", "revenue", "hashprice", "hashvalue", "puell", "thermocap",
    "pow_floor", "price", "rsi14",
)  # fmt: skip
ECONOMIC = [metric for name, metric in all_metrics().items() if name.split(".")[0] in FAMILIES]


def frame_of(metric: Metric, rows: int) -> pl.DataFrame:
    """What the engine gives the metric when nothing is known on any of ``rows`` days."""
    names = ["time"]
    for needed in metric.inputs:
        names.append(needed)
        if needed in all_metrics():
            names += [f"{needed}.{column}" for column in all_metrics()[needed].columns[1:]]
    return pl.DataFrame(
        {name: [None] * rows for name in names}, schema=dict.fromkeys(names, pl.Float64)
    )


def test_the_catalogue_holds_every_family() -> None:
    assert {metric.name.split(".")[0] for metric in ECONOMIC} == set(FAMILIES)


@pytest.mark.parametrize("metric", ECONOMIC, ids=lambda metric: metric.name)
def test_no_rows_give_no_rows(metric: Metric) -> None:
    result = metric.compute(frame_of(metric, 0))
    assert tuple(result.columns) == metric.columns
    assert result.height == 0


@pytest.mark.parametrize("metric", ECONOMIC, ids=lambda metric: metric.name)
def test_nothing_known_gives_nothing(metric: Metric) -> None:
    result = metric.compute(frame_of(metric, 400))
    assert tuple(result.columns) == metric.columns
    assert result.height == 400
    assert result["value"].null_count() == 400


@pytest.mark.parametrize("metric", ECONOMIC, ids=lambda metric: metric.name)
def test_window_is_where_the_first_value_of_a_full_record_stands(metric: Metric) -> None:
    frame = frame_of(metric, 500).with_columns(
        pl.lit(2.0).alias(name) for name in frame_of(metric, 0).columns if name != "time"
    )
    # a price that stands still has no strength to measure
    frame = frame.with_columns(pl.int_range(1, 501).cast(pl.Float64).alias("price.usd"))
    missing = metric.compute(frame)["value"].null_count()
    expected = {"rsi14": 14, "price.mayer": 0}.get(metric.name, (metric.window or 1) - 1)
    assert missing == expected
