"""Computes declared metrics over a record, each at its first use.

1. What a metric needs is computed first, and once: base inputs (``inputs.py``), other metrics.
2. Its function sees a frame with its declared inputs and nothing else, and gives its columns back.
3. When a row was final, whether it rests on a vendor's daily figures, and why a missing value is
   missing follow from the declarations, so that no metric can forget to say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.metrics.declaration import Grain, Metric, all_metrics, find_metric
from hashcanary.metrics.errors import MetricCycle, UnknownInput, WrongColumns
from hashcanary.metrics.inputs import BASE_INPUTS
from hashcanary.metrics.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


class Metrics:
    """The metrics of a record by name, each computed at its first use; threads may share it."""

    def __init__(self, record: Record) -> None:
        self._prepared = Prepared(record)
        self._lock = RLock()
        self._columns: dict[tuple[Grain, str], pl.DataFrame] = {}
        self._results: dict[str, MetricResult] = {}

    def __getitem__(self, name: str) -> MetricResult:
        """Raises UnknownMetric, UnknownInput, MetricCycle, WrongColumns, NothingToMeasure."""
        metric = find_metric(name)
        with self._lock:
            if name not in self._results:
                rows = self.frame(metric.grain, [name]).select(_rows_of(metric))
                self._results[name] = MetricResult(metric, rows)
            return self._results[name]

    def frame(self, grain: Grain, names: Iterable[str] = ()) -> pl.DataFrame:
        """``time`` and the columns of base inputs and metrics of a grain.

        Of each its value as ``NAME``, of a metric ``NAME.COLUMN`` for its other columns, and
        ``NAME.known_at`` (Unix seconds), ``NAME.vendor`` (whether it rests on a vendor's figures)
        and ``NAME.missing`` (why it is where it is null). Raises what getting a metric does.
        """
        with self._lock:
            parts = [self._of(grain, name, ()) for name in names]
            time = pl.Series("time", self._prepared.times(grain))
        return pl.DataFrame([time, *(column for part in parts for column in part)])

    def _of(self, grain: Grain, name: str, path: tuple[str, ...]) -> pl.DataFrame:
        """The columns of a base input or a metric. path: of metrics that need it, from the first.

        Depth first: what a metric needs comes before it.
        """
        if name in path:
            raise MetricCycle(path=" -> ".join((*path, name)))
        if (grain, name) not in self._columns:
            base = BASE_INPUTS[grain].get(name)
            self._columns[grain, name] = (
                base.columns(self._prepared) if base else self._computed(grain, name, path)
            )
        return self._columns[grain, name]

    def _computed(self, grain: Grain, name: str, path: tuple[str, ...]) -> pl.DataFrame:
        metric = all_metrics().get(name) if path else find_metric(name)
        if metric is None or metric.grain != grain:
            raise UnknownInput(metric=path[-1] if path else name, input=name, grain=grain)
        inputs = {one: self._of(grain, one, (*path, name)) for one in metric.inputs}
        values = _values(metric, pl.Series("time", self._prepared.times(grain)), inputs)
        all_columns = [*values, *(column for part in inputs.values() for column in part)]
        return pl.DataFrame(all_columns).select(
            *(column.name for column in values),
            _known_at(metric).alias(f"{name}.known_at"),
            _vendor(metric).alias(f"{name}.vendor"),
            _reason(metric).alias(f"{name}.missing"),
        )


def metrics_of(record: Record) -> Metrics:
    """The metrics of a record; of the same record the same, so that nothing is computed twice."""
    return record.once(Metrics)


def _values(metric: Metric, time: pl.Series, inputs: Mapping[str, pl.DataFrame]) -> list[pl.Series]:
    """The metric's columns, named ``NAME`` and ``NAME.COLUMN``. Raises WrongColumns."""
    seen = [part[column] for name, part in inputs.items() for column in _visible(name, part)]
    result = metric.compute(pl.DataFrame([time, *seen]))
    if tuple(result.columns) != metric.columns or result.height != time.len():
        raise WrongColumns(
            metric=metric.name,
            expected=", ".join(metric.columns),
            rows=time.len(),
            found=", ".join(result.columns),
            found_rows=result.height,
        )
    return [result[column].alias(column_name(metric.name, column)) for column in metric.columns]


def _visible(name: str, columns: pl.DataFrame) -> list[str]:
    """What a function sees of an input: values, and not what follows from the declaration."""
    follows = {f"{name}.{ending}" for ending in ("known_at", "vendor", "missing")}
    return [column for column in columns.columns if column not in follows]


def column_name(metric_name: str, column: str) -> str:
    """Where a metric's column stands in the grain's frame."""
    return metric_name if column == "value" else f"{metric_name}.{column}"


def _known_at(metric: Metric) -> pl.Expr:
    """A row is final when the last input of its window is; windows only look back."""
    latest = pl.max_horizontal(f"{name}.known_at" for name in metric.inputs).shift(metric.lag)
    if metric.window is None:
        return latest.cum_max()
    return latest if metric.window == 1 else latest.rolling_max(metric.window, min_samples=1)


def _vendor(metric: Metric) -> pl.Expr:
    """Whether anything in the row's window rests on a vendor's daily figures."""
    flags = pl.any_horizontal(f"{name}.vendor" for name in metric.inputs)
    any_input = flags.shift(metric.lag).fill_null(value=False)
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
    for name in reversed(metric.inputs):
        absent = pl.col(name).is_null().shift(metric.lag)
        first = pl.when(absent).then(pl.col(f"{name}.missing").shift(metric.lag)).otherwise(first)
    return pl.when(pl.col(metric.name).is_null()).then(first)


def _earlier(metric: Metric) -> str:
    """Why a value can be missing although every input of its row is there."""
    if metric.window is None:
        return "an input is missing earlier in the record"
    if metric.window == 1:
        return "not defined on this row"
    return f"warm-up, or a gap within the last {metric.window} {metric.grain}s"


def _rows_of(metric: Metric) -> list[pl.Expr]:
    name = metric.name
    return [
        pl.col("time"),
        *(pl.col(column_name(name, column)).alias(column) for column in metric.columns),
        pl.when(pl.col(name).is_not_null()).then(pl.col(f"{name}.known_at")).alias("known_at"),
        pl.when(pl.col(f"{name}.vendor"))
        .then(pl.lit("vendor"))
        .otherwise(pl.lit("blocks"))
        .alias("basis"),
        pl.col(f"{name}.missing").alias("missing"),
    ]
