"""Computes declared metrics over a record.

1. The names asked for are closed over their inputs and put in an order in which each comes after
   what it needs.
2. ``inputs.py`` gives one frame a grain (days, epochs) with the base columns.
3. Each metric's function sees a frame with its declared inputs and nothing else, and gives its
   columns back; they are added to the grain's frame for the metrics after it.
4. When a row was final, whether it rests on a vendor's daily figures, and why a missing value is
   missing follow from the declarations, so that no metric can forget to say so. They are added at
   the end, one depth of the order after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.metrics.errors import MetricCycle, UnknownInput, WrongColumns
from hashcanary.metrics.inputs import BASE_INPUTS, base_frames
from hashcanary.metrics.registry import all_metrics, find_metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hashcanary.metrics.declaration import Grain, Metric
    from hashcanary.store.record import Record


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric over a record.

    rows, ascending by time, hold: ``time`` (Unix seconds UTC), the metric's own columns
    (``Metric.columns``), ``known_at`` (Unix seconds at which the value was final), ``basis``
    (``blocks`` or ``vendor``) and ``missing`` (why ``value`` is null; null where it is not).
    """

    metric: Metric
    rows: pl.DataFrame

    def present(self) -> pl.DataFrame:
        """The rows that have a value."""
        return self.rows.filter(pl.col("value").is_not_null())


class Results:
    """Computed metrics by name; also the frames they stand in, one a grain."""

    def __init__(self, frames: Mapping[Grain, pl.DataFrame], metrics: Mapping[str, Metric]) -> None:
        self.frames = frames
        self.metrics = metrics

    def __getitem__(self, name: str) -> MetricResult:
        metric = self.metrics[name]
        return MetricResult(metric, _rows_of(metric, self.frames[metric.grain]))

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)


def compute(record: Record, names: Iterable[str] | None = None) -> Results:
    """Compute the named metrics (None: every registered one) and all that they need.

    Raises UnknownMetric, UnknownInput, MetricCycle, WrongColumns, NothingToMeasure.
    """
    wanted = all_metrics() if names is None else {name: find_metric(name) for name in names}
    order = _in_order(wanted)
    frames = base_frames(record)
    for metric in order.values():
        frames[metric.grain] = _with_values(frames[metric.grain], metric)
    return Results(_with_what_follows(frames, order), order)


def _in_order(wanted: Mapping[str, Metric]) -> dict[str, Metric]:
    """Each metric after its inputs; depth first, with the path kept to name a circle."""
    order: dict[str, Metric] = {}

    def visit(metric: Metric, path: tuple[str, ...]) -> None:
        if metric.name in order:
            return
        if metric.name in path:
            raise MetricCycle(path=" -> ".join((*path, metric.name)))
        for needed in metric.inputs:
            if needed in BASE_INPUTS[metric.grain]:
                continue
            source = all_metrics().get(needed)
            if source is None or source.grain != metric.grain:
                raise UnknownInput(metric=metric.name, input=needed, grain=metric.grain)
            visit(source, (*path, metric.name))
        order[metric.name] = metric

    for metric in wanted.values():
        visit(metric, ())
    return order


def _with_values(frame: pl.DataFrame, metric: Metric) -> pl.DataFrame:
    """The frame with the metric's columns, named ``NAME`` and ``NAME.COLUMN``, added."""
    seen = [pl.col("time"), *(pl.col(column) for column in _visible(frame, metric))]
    result = metric.compute(frame.select(seen))
    if tuple(result.columns) != metric.columns or result.height != frame.height:
        raise WrongColumns(
            metric=metric.name,
            expected=", ".join(metric.columns),
            rows=frame.height,
            found=", ".join(result.columns),
            found_rows=result.height,
        )
    return frame.hstack(
        [result[column].alias(column_name(metric.name, column)) for column in metric.columns]
    )


def _with_what_follows(
    frames: Mapping[Grain, pl.DataFrame], order: Mapping[str, Metric]
) -> dict[Grain, pl.DataFrame]:
    """The frames with what follows from the declarations; all metrics of one depth at once."""
    depth: dict[str, int] = {}
    for metric in order.values():
        depth[metric.name] = 1 + max((depth.get(needed, 0) for needed in metric.inputs), default=0)
    done = dict(frames)
    for level in range(1, max(depth.values(), default=0) + 1):
        for grain, frame in done.items():
            done[grain] = frame.with_columns(
                column
                for metric in order.values()
                if metric.grain == grain and depth[metric.name] == level
                for column in (
                    _known_at(metric).alias(f"{metric.name}.known_at"),
                    _vendor(metric).alias(f"{metric.name}.vendor"),
                    _reason(metric).alias(f"{metric.name}.missing"),
                )
            )
    return done


def column_name(metric_name: str, column: str) -> str:
    """Where a metric's column stands in the grain's frame."""
    return metric_name if column == "value" else f"{metric_name}.{column}"


def _visible(frame: pl.DataFrame, metric: Metric) -> list[str]:
    columns: list[str] = []
    for needed in metric.inputs:
        if needed in BASE_INPUTS[metric.grain]:
            columns.append(needed)
        else:
            source = all_metrics()[needed]
            columns += [column_name(needed, column) for column in source.columns]
    return [column for column in columns if column in frame.columns]


def _known_at(metric: Metric) -> pl.Expr:
    """A row is final when the last input of its window is; windows only look back."""
    latest = pl.max_horizontal(
        pl.col(base.known_at)
        if (base := BASE_INPUTS[metric.grain].get(needed))
        else pl.col(f"{needed}.known_at")
        for needed in metric.inputs
    ).shift(metric.lag)
    if metric.window is None:
        return latest.cum_max()
    return latest if metric.window == 1 else latest.rolling_max(metric.window, min_samples=1)


def _vendor(metric: Metric) -> pl.Expr:
    """Whether anything in the row's window rests on a vendor's daily figures."""
    flags = []
    for needed in metric.inputs:
        base = BASE_INPUTS[metric.grain].get(needed)
        if base is None:
            flags.append(pl.col(f"{needed}.vendor"))
        elif base.basis is not None:
            flags.append(pl.col(base.basis))
    if not flags:
        return pl.lit(value=False)
    any_input = pl.any_horizontal(flags).shift(metric.lag).fill_null(value=False)
    if metric.window == 1 or metric.rests_on == "row":
        return any_input
    if metric.window is None:
        return any_input.cum_max()
    # rolling_max knows no booleans
    windowed = any_input.cast(pl.Int8).rolling_max(metric.window, min_samples=1)
    return windowed.cast(pl.Boolean)


def _reason(metric: Metric) -> pl.Expr:
    """Why a value is missing: the first missing input's reason, else the window's."""
    first: pl.Expr = pl.lit(_earlier(metric))
    for needed in reversed(metric.inputs):
        base = BASE_INPUTS[metric.grain].get(needed)
        reason = pl.lit(base.reason) if base else pl.col(f"{needed}.missing")
        absent = pl.col(needed).is_null().shift(metric.lag)
        first = pl.when(absent).then(reason.shift(metric.lag)).otherwise(first)
    return pl.when(pl.col(metric.name).is_null()).then(first)


def _earlier(metric: Metric) -> str:
    """Why a value can be missing although every input of its row is there."""
    if metric.window is None:
        return "an input is missing earlier in the record"
    if metric.window == 1:
        return "not defined on this row"
    return f"warm-up, or a gap within the last {metric.window} {metric.grain}s"


def _rows_of(metric: Metric, frame: pl.DataFrame) -> pl.DataFrame:
    name = metric.name
    return frame.select(
        "time",
        *(pl.col(column_name(name, column)).alias(column) for column in metric.columns),
        pl.when(pl.col(name).is_not_null()).then(pl.col(f"{name}.known_at")).alias("known_at"),
        pl.when(pl.col(f"{name}.vendor"))
        .then(pl.lit("vendor"))
        .otherwise(pl.lit("blocks"))
        .alias("basis"),
        pl.col(f"{name}.missing").alias("missing"),
    )
