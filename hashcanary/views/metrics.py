"""Which metrics there are, and the series of one or of several side by side."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from hashcanary.errors import UsageError
from hashcanary.metrics.declaration import Grain, Metric, all_metrics, find_metric
from hashcanary.moments import DAY, iso_day, iso_time
from hashcanary.units import DATE, UNIX_TIME
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Cell, Column, Table, defined, limited
from hashcanary.views.text import period

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from hashcanary.store.record import Record

PEOPLE_ROWS = 15


def _unit(metric: Metric) -> str:
    return metric.unit.symbol or metric.unit.suffix


LIST = View(
    "metrics",
    "metric list",
    "Which metrics are there, and how is each defined?",
    tables={
        "metrics": defined(
            {"window": "rows it looks back over; null: all"},
            Column("name", "name"),
            Column("title", "title", wide=True),
            Column("unit", "unit", get=_unit),
            Column("grain", "rows", spare=1, definition="one a UTC day, or one a difficulty epoch"),
            Column("window", "window", hidden=True),
            Column("interval", "interval", hidden=True, definition="what low and high are"),
            Column("definition", "definition", hidden=True),
            Column("source", "source", hidden=True, definition="of the definition"),
            Column("differs", "differs", hidden=True, definition="from its source"),
            Column("inputs", "inputs", hidden=True),
        )
    },
)
_SERIES = (
    Column("time", "day", definition="the UTC day, or when the difficulty epoch began"),
    Column("value", "value"),
    Column("low", "low", optional=True),
    Column("high", "high", optional=True),
)
_ENDS = (
    Column("known_at", "final at", UNIX_TIME, hidden=True, definition="when the row was final"),
    Column("basis", "basis", definition="blocks, or vendor where a daily figure stands in"),
    Column("missing", "missing", hidden=True, definition="why the value is null"),
)
SHOW = View(
    "series",
    "metric show",
    "What were the values of a metric, with limits, as known then?",
    tables={"series": (*_SERIES, *_ENDS)},
    more={
        "name": "the metric; a list where several stand side by side",
        "title": "title of the metric",
        "unit": "unit of value, low and high",
        "definition": "how it is defined",
        "source": "source of the definition",
        "differs": "how it differs from its source",
        "interval": "what low and high are",
        "grain": "day or epoch",
        "known_to": "when the last value was final",
        "complete_from": "first time of the last run of rows without a missing value",
        "complete_to": "last time of that run",
    },
    open_rows=True,
)


def metric_list() -> Answer:
    """Every metric there is, those of installed packages too."""
    rows = list(all_metrics().values())
    return Answer(LIST, None, "", (Table("metrics", "", LIST.tables["metrics"], rows),))


def metric(
    record: Record,
    names: str | Sequence[str],
    *,
    start: int | None = None,
    end: int | None = None,
    rows: int = PEOPLE_ROWS,
) -> Answer:
    """The rows of one metric, or of several of one grain side by side.

    start, end: Unix seconds, the end excluded; rows: that people see. Raises UsageError,
    UnknownMetric, NothingToMeasure.
    """
    check_rows(rows)
    names = [names] if isinstance(names, str) else names
    if len(names) > 1:
        return _side_by_side(record, names, (start, end), rows)
    from hashcanary.metrics.engine import metrics_of

    result = metrics_of(record)[names[0]]
    frame = _between(result.rows, start, end)
    series = frame.to_dicts()
    shown = _last(series, rows)
    table = Table("series", "", _columns(result.metric), series, shown=shown)
    return Answer(
        SHOW,
        record,
        f"{result.metric.title}, as known at {record.at_text}",
        (table,),
        more=_about(result.metric, frame),
        notes=list(_notes(result.metric, series, shown)),
        result=frame,
    )


def check_rows(rows: int) -> None:
    """Raise UsageError for rows that nobody can be shown."""
    if rows < 1:
        raise UsageError(
            argument="--rows",
            expected="1 or more",
            found=rows,
            remedy="It applies to the terminal; JSON and CSV have every row.",
        )


def metric_frame(record: Record, name: str) -> pl.DataFrame:
    """A metric's rows: ``time`` as Date (an epoch's as UTC Datetime), ``value``, ``low``, ``high``,
    the metric's other columns, ``known_at`` as UTC Datetime, ``basis``, ``missing``.
    """
    import polars as pl

    from hashcanary.metrics.engine import metrics_of

    result = metrics_of(record)[name]
    rows = result.rows
    if "low" not in rows.columns:
        absent = pl.lit(None, pl.Float64)
        rows = rows.with_columns(low=absent, high=absent)
    extras = [extra for extra in result.metric.extras if extra.unit is UNIX_TIME]
    return rows.select(
        _time(result.metric.grain),
        "value",
        "low",
        "high",
        *(
            pl.from_epoch(extra.name).dt.replace_time_zone("UTC") if extra in extras else extra.name
            for extra in result.metric.extras
        ),
        pl.from_epoch("known_at").dt.replace_time_zone("UTC"),
        "basis",
        "missing",
    )


def frame(record: Record, names: Sequence[str]) -> pl.DataFrame:
    """Metrics of one grain side by side, a row a day or an epoch.

    ``time`` (Date, an epoch's as UTC Datetime); of each metric ``NAME`` and, where it is an
    estimate, ``NAME_low`` and ``NAME_high``; ``known_at``, UTC Datetime: when the last of a row's
    values was final. Raises UsageError, UnknownMetric.
    """
    import polars as pl

    metrics = _of_one_grain(names)
    rows = _wide(record, metrics)
    grain = metrics[0].grain
    return rows.with_columns(_time(grain), pl.from_epoch("known_at").dt.replace_time_zone("UTC"))


def _of_one_grain(names: Sequence[str]) -> list[Metric]:

    metrics = [find_metric(name) for name in dict.fromkeys(names)]
    grains = sorted({each.grain for each in metrics})
    if len(grains) != 1:
        raise UsageError(
            argument="NAME",
            expected="metrics of one grain, days or epochs",
            found=", ".join(f"{each.name} ({each.grain})" for each in metrics) or "none",
            remedy="Show those of days and those of epochs separately.",
        )
    return metrics


def _wide(record: Record, metrics: Sequence[Metric]) -> pl.DataFrame:
    """``time`` and ``known_at`` in Unix seconds, and each metric's columns by its name."""
    import polars as pl

    from hashcanary.metrics.engine import metrics_of

    results = [metrics_of(record)[each.name] for each in metrics]
    columns = [
        result.rows[column].alias(name)
        for result in results
        for column, name in _names(result.metric)
    ]
    known = pl.DataFrame(
        [result.rows["known_at"].alias(result.metric.name) for result in results]
    ).max_horizontal()
    return pl.DataFrame([results[0].rows["time"], *columns, known.alias("known_at")])


def side_by_side_frame(record: Record, grain: Grain) -> pl.DataFrame:
    """Every metric of a grain side by side, as in ``wide_columns``."""
    import polars as pl

    rows = _wide(record, [each for each in all_metrics().values() if each.grain == grain])
    return rows.with_columns(_time(grain), pl.from_epoch("known_at").dt.replace_time_zone("UTC"))


def _names(metric: Metric) -> list[tuple[str, str]]:
    ends = ("low", "high") if metric.interval else ()
    return [("value", metric.name), *((end, f"{metric.name}_{end}") for end in ends)]


def wide_columns(metrics: Sequence[Metric]) -> tuple[Column, ...]:
    """Columns of metrics side by side: a key is ``hashrate_sma30_hashes_per_second``."""
    day = metrics[0].grain == "day"
    columns = []
    for each in metrics:
        keys = [key for _, key in _names(each)]
        columns.append(
            Column(
                each.name.replace(".", "_"),
                each.name,
                each.unit,
                partial(_cell, keys),
                each.interval,
                definition=each.definition,
            )
        )
    time = replace(
        _SERIES[0], title="day" if day else "epoch from", unit=DATE if day else UNIX_TIME
    )
    return (time, *columns, _ENDS[0])


def _cell(keys: Sequence[str], row: Mapping[str, Any]) -> Cell:
    return limited(*(row[key] for key in keys)) if len(keys) == 3 else row[keys[0]]


def _side_by_side(
    record: Record, names: Sequence[str], bounds: tuple[int | None, int | None], rows: int
) -> Answer:
    metrics = _of_one_grain(names)
    series = _between(_wide(record, metrics), *bounds).to_dicts()
    table = Table(
        "series", "", wide_columns(metrics), series, shown=_last(series, rows, metrics[0].name)
    )
    return Answer(
        SHOW,
        record,
        f"As known at {record.at_text}",
        (table,),
        more={"name": [each.name for each in metrics], "grain": metrics[0].grain},
        notes=[f"{each.name}: {each.title}." for each in metrics],
    )


def _time(grain: Grain) -> pl.Expr:
    import polars as pl

    if grain == "day":
        return pl.from_epoch("time").dt.date().alias("time")
    return pl.from_epoch("time").dt.replace_time_zone("UTC").alias("time")


def _between(rows: pl.DataFrame, start: int | None, end: int | None) -> pl.DataFrame:
    import polars as pl

    if start is not None:
        rows = rows.filter(pl.col("time") >= start)
    return rows if end is None else rows.filter(pl.col("time") < end)


def _columns(metric: Metric) -> tuple[Column, ...]:
    moment = DATE if metric.grain == "day" else UNIX_TIME
    time = replace(_SERIES[0], title="day" if moment is DATE else "epoch from", unit=moment)
    # what is counted and not estimated is known to more decimals
    digits = 2 if metric.unit.percent and not metric.interval else None
    figures = [
        replace(column, unit=metric.unit, bare=True, digits=digits) for column in _SERIES[1:]
    ]
    if not metric.interval:
        figures[1:] = [replace(column, get=lambda row: None) for column in figures[1:]]
    extras = [
        Column(
            extra.name,
            extra.name,
            moment if extra.unit is UNIX_TIME else extra.unit,
            definition=extra.title,
            spare=spare,
        )
        for spare, extra in enumerate(metric.extras, 1)
    ]
    return (time, *figures, *extras, *_ENDS)


def _about(metric: Metric, rows: pl.DataFrame) -> dict[str, object]:
    known_to = rows["known_at"].max()
    complete = _complete(rows)
    written = iso_day if metric.grain == "day" else iso_time
    return {
        "name": metric.name,
        "title": metric.title,
        "unit": _unit(metric),
        "definition": metric.definition,
        "source": metric.source,
        "differs": metric.differs,
        "interval": metric.interval,
        "grain": metric.grain,
        "known_to": iso_time(known_to) if isinstance(known_to, int) else None,
        "complete_from": None if complete is None else written(complete[0]),
        "complete_to": None if complete is None else written(complete[1]),
    }


def _complete(rows: pl.DataFrame) -> tuple[int, int] | None:
    """First and last time of the last run of rows without a missing value, Unix seconds."""
    import polars as pl

    present = rows.with_row_index("row").filter(pl.col("value").is_not_null())
    if present.is_empty():
        return None
    # rows less their rank among the present ones: the same along a run
    run = pl.col("row").cast(pl.Int64) - pl.int_range(pl.len(), dtype=pl.Int64)
    times = present.filter(run == run.last())["time"]
    return int(times[0]), int(times[-1])


def _last(rows: list[dict[str, Any]], count: int, key: str = "value") -> list[dict[str, Any]]:
    """The last rows up to the last that has a value."""
    end = max((place for place, row in enumerate(rows, 1) if row[key] is not None), default=0)
    return rows[max(end - count, 0) : end]


def _notes(
    metric: Metric, rows: list[dict[str, Any]], shown: list[dict[str, Any]]
) -> Iterator[str]:
    """What people read under the table."""
    yield f"{metric.name}: {metric.definition}."
    if metric.interval:
        yield f"low, high: {metric.interval}."
    yield from (f"{extra.name}: {extra.title}." for extra in metric.extras)
    begins = next((place for place, row in enumerate(rows) if shown and row is shown[0]), 0)
    yield from _missing(rows[begins:])
    if len(rows) > len(shown) > 0:
        yield f"{len(shown)} of {len(rows):,} rows; --rows N shows more, --csv all."


def _missing(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Why values are missing, a line a run of rows with the same reason."""
    for reason, run in groupby(rows, key=lambda row: row["missing"]):
        if reason is not None:
            times = [row["time"] for row in run]
            yield f"Missing, {period(times[0], times[-1] + DAY)}: {reason}."
