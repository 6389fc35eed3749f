"""``hashcanary metric list`` and ``hashcanary metric show NAME``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_bounds, add_command
from hashcanary.errors import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import polars as pl

    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Column, Row, Table
    from hashcanary.metrics.declaration import Metric
    from hashcanary.metrics.engine import MetricResult
    from hashcanary.store.record import Record

_LIST_EXAMPLES = """\
  hashcanary metric list
  hashcanary metric list --json | jq -r '.rows[].name'
"""
_SHOW_EXAMPLES = """\
  hashcanary metric show hashrate.day
  hashcanary metric show hashprice --start 2025-12-01 --end 2026-01-31 --csv
  hashcanary metric show ribbon.state --at 2026-02-03 --json
"""
_SHOW_DESCRIPTION = """\
Prints a metric's rows: one a UTC day or a difficulty epoch, with the bounds of its
interval where it is an estimate, what it rests on, and why a value is missing.

People see the last rows and SI prefixes. JSON and CSV have every row between
--start and --end in plain units (hashrate in H/s), and say when each row was
final (known_at) and whether it rests on blocks or on a vendor's daily figures
(basis). In JSON, complete_from and complete_to bound the last run of rows without
a missing value.

Exits with 3 where the lake holds nothing the metric could start from.
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command and its two parts."""
    parser = commands.add_parser(
        "metric",
        help="list the metrics, or show one with its intervals",
        description="Lists the metrics there are, or shows one.",
        epilog=f"examples:\n{_LIST_EXAMPLES}{_SHOW_EXAMPLES}",
        parents=[shared],
    )
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_command(
        parts,
        shared,
        "list",
        run_list,
        summary="every metric: name, title, unit, rows",
        description="Lists every metric there is, those of installed packages too.",
        examples=_LIST_EXAMPLES,
    )
    show = add_command(
        parts,
        shared,
        "show",
        run_show,
        summary="one metric's rows",
        description=_SHOW_DESCRIPTION,
        examples=_SHOW_EXAMPLES,
    )
    show.add_argument("name", metavar="NAME", help="a metric's name, such as hashrate.sma30")
    add_bounds(show, "rows")
    add_at(show)
    show.add_argument(
        "--rows", metavar="N", type=int, default=15, help="rows shown to people (default: 15)"
    )


def run_list(args: argparse.Namespace) -> Exit:
    """Print every metric."""
    from hashcanary.cli.output import Column, Table, emit, format_of
    from hashcanary.metrics.registry import all_metrics

    rows = [_listed(metric) for metric in all_metrics().values()]
    columns = [Column("name", "name"), Column("title", "title", wide=True)]
    columns += [Column("unit", "unit"), Column("grain", "rows", spare=1)]
    if format_of(args) != "people":
        columns += [Column(key, key) for key in ("window", "interval", "definition", "source")]
    emit(Table(columns, rows), format_of(args))
    return Exit.DONE


def _listed(metric: Metric) -> Row:
    return {
        "name": metric.name,
        "title": metric.title,
        "unit": metric.unit.symbol or metric.unit.suffix,
        "grain": metric.grain,
        "window": metric.window,
        "interval": metric.interval,
        "definition": metric.definition,
        "source": metric.source,
        "differs": metric.differs,
        "inputs": list(metric.inputs),
    }


def run_show(args: argparse.Namespace) -> Exit:
    """Print one metric."""
    from hashcanary.cli.opening import bounds, open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.metrics.engine import metrics_of
    from hashcanary.metrics.registry import find_metric

    if args.rows < 1:
        raise UsageError(
            argument="--rows",
            expected="1 or more",
            found=args.rows,
            remedy="It counts for people; JSON and CSV have every row.",
        )
    start, end = bounds(args)
    metric = find_metric(args.name)
    record = open_record(args)
    result = metrics_of(record)[metric.name]
    emit(_shown(record, result, _between(result.rows, start, end), args.rows), format_of(args))
    return Exit.DONE


def _between(rows: pl.DataFrame, start: int | None, end: int | None) -> pl.DataFrame:
    import polars as pl

    if start is not None:
        rows = rows.filter(pl.col("time") >= start)
    if end is not None:
        rows = rows.filter(pl.col("time") < end)
    return rows


def _shown(record: Record, result: MetricResult, rows: pl.DataFrame, last: int) -> Table:
    """The table of a metric's rows, with what JSON says beside them."""
    from hashcanary.cli.output import Table

    metric = result.metric
    complete_from, complete_to = _complete(rows)
    document = {
        "name": metric.name,
        "title": metric.title,
        "unit": metric.unit.symbol or metric.unit.suffix,
        "definition": metric.definition,
        "source": metric.source,
        "differs": metric.differs,
        "interval": metric.interval,
        "grain": metric.grain,
        "units": {extra.name: extra.unit.suffix for extra in metric.extras},
        "at": record.at_text,
        "network": record.network.name,
        "simulated": record.simulated,
        "complete_from": complete_from,
        "complete_to": complete_to,
        "provenance": record.provenance,
    }
    shown = _rows(rows, _times(metric))
    return Table(
        _columns(metric),
        shown,
        title=f"{metric.title}, as known at {record.at_text}",
        notes=_notes(record, metric, shown, last),
        document=document,
        people_rows=_last(shown, last),
    )


def _columns(metric: Metric) -> list[Column]:
    from hashcanary.cli.output import Column

    by_day = metric.grain == "day"
    columns = [Column("time", "day" if by_day else "epoch from", people=_moment_of(by_day))]
    columns.append(Column("value", "value", metric.unit))
    columns += [Column(bound, bound, metric.unit, optional=True) for bound in ("low", "high")]
    for spare, extra in enumerate(metric.extras, 1):
        if extra.name in _times(metric):
            columns.append(Column(extra.name, extra.name, people=_moment_of(by_day), spare=spare))
        else:
            columns.append(Column(extra.name, extra.name, extra.unit, spare=spare))
    return [
        *columns,
        Column("known_at", "final at", data_only=True),
        Column("basis", "basis"),
        Column("missing", "missing", data_only=True),
    ]


def _moment_of(by_day: bool) -> Callable[[object], str]:
    return lambda value: str(value)[:10] if by_day else str(value)


def _times(metric: Metric) -> frozenset[str]:
    """The extras that are moments."""
    from hashcanary.units import UNIX_TIME

    return frozenset(extra.name for extra in metric.extras if extra.unit is UNIX_TIME)


def _rows(rows: pl.DataFrame, times: frozenset[str]) -> list[Row]:
    """Rows as JSON says them: times in ISO 8601, bounds on every row."""
    from hashcanary.moments import iso_time

    def said(key: str, value: object) -> object:
        return iso_time(value) if key in times and isinstance(value, int) else value

    shown: list[Row] = []
    for row in rows.iter_rows(named=True):
        known_at = row["known_at"]
        shown.append(
            {
                "time": iso_time(row["time"]),
                "value": row["value"],
                "low": row.get("low"),
                "high": row.get("high"),
                **{key: said(key, value) for key, value in row.items() if key not in _SAID},
                "known_at": None if known_at is None else iso_time(known_at),
                "basis": row["basis"],
                "missing": row["missing"],
            }
        )
    return shown


_SAID = frozenset(("time", "value", "low", "high", "known_at", "basis", "missing"))


def _complete(rows: pl.DataFrame) -> tuple[str | None, str | None]:
    """First and last time of the last run of rows without a missing value."""
    import polars as pl

    from hashcanary.moments import iso_time

    present = rows.with_row_index("row").filter(pl.col("value").is_not_null())
    if present.is_empty():
        return None, None
    # rows less their rank among the present ones: the same along a run
    run = pl.col("row").cast(pl.Int64) - pl.int_range(pl.len(), dtype=pl.Int64)
    times = present.filter(run == run.last())["time"]
    return iso_time(times[0]), iso_time(times[-1])


def _last(rows: Sequence[Row], count: int) -> Sequence[Row]:
    """The last rows up to the last that has a value."""
    end = max((place for place, row in enumerate(rows, 1) if row["value"] is not None), default=0)
    return rows[max(end - count, 0) : end]


def _notes(record: Record, metric: Metric, rows: Sequence[Row], last: int) -> list[str]:
    """What people are told under the table."""
    from hashcanary.views.text import SIMULATED

    shown = _last(rows, last)
    notes = [SIMULATED] if record.simulated else []
    notes.append(f"{metric.name}: {metric.definition}.")
    if metric.interval:
        notes.append(f"low, high: {metric.interval}.")
    notes += [f"{extra.name}: {extra.title}." for extra in metric.extras]
    begins = rows.index(shown[0]) if shown else 0
    notes += _missing(rows[begins:])
    if len(rows) > len(shown) > 0:
        notes.append(f"{len(shown)} of {len(rows):,} rows; --rows N shows more, --csv all.")
    return notes


def _missing(rows: Sequence[Row]) -> Iterator[str]:
    """Why values are missing, a line a run of rows with the same reason."""
    from itertools import groupby

    for reason, run in groupby(rows, key=lambda row: row["missing"]):
        if reason is not None:
            days = [str(row["time"])[:10] for row in run]
            span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
            yield f"Missing, {span}: {reason}."
