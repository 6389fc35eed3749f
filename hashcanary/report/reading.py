"""Reads computed metrics off as figures, each with its date, interval and ground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from hashcanary.moments import DAY
from hashcanary.report.document import Figure
from hashcanary.views.text import count, day, harmless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.metrics.declaration import Metric
    from hashcanary.metrics.engine import Metrics

# an older value is not today's, and is called missing
LATE_DAYS = 7
# an epoch is over after two weeks or so, and the one before it is then the last whole one
LATE_EPOCH_DAYS = 35
_YEAR = 365

Row = dict[str, Any]


class Reading:
    """The metrics of a record, read at its last measured day.

    today: start of the last UTC day that has a hashrate, Unix seconds; None where no day has.
    """

    def __init__(self, metrics: Metrics, vendors: Sequence[str] = ()) -> None:
        """Vendors: whose daily figures the record holds."""
        self.metrics = metrics
        named = ", ".join(harmless(vendor) for vendor in vendors) or "a vendor"
        self.grounds = {"blocks": "blocks", "vendor": f"daily figures of {named}"}
        measured = metrics["hashrate.day"].present()
        self.today: int | None = int(measured["time"][-1]) if measured.height else None

    def metric(self, name: str) -> Metric:
        """The declaration of a metric."""
        return self.metrics[name].metric

    def rows(self, name: str) -> pl.DataFrame:
        """All rows of a metric."""
        return self.metrics[name].rows

    def last(self, name: str) -> Row | None:
        """The last row with a value, however old; None where there is none."""
        present = self.metrics[name].present()
        return present.row(-1, named=True) if present.height else None

    def late(self, name: str, row: Row) -> bool:
        """Whether a row is too old to speak of today."""
        days = LATE_DAYS if self.metric(name).grain == "day" else LATE_EPOCH_DAYS
        return self.today is not None and row["time"] < self.today - days * DAY

    def current(self, name: str) -> Row | None:
        """The last row with a value if it is of the last days, else None."""
        row = self.last(name)
        return None if row is None or self.late(name, row) else row

    def figure(
        self, name: str, label: str, *, term: str = "", note: str = "", source: str = ""
    ) -> Figure:
        """The last value of a metric. source: said instead of the basis the engine knows."""
        metric = self.metric(name)
        row = self.last(name)
        if row is None or self.late(name, row):
            why = self._why(name, row)
            return Figure(name, label, None, metric.unit, missing=why, term=term, note=note)
        since, until = _period(metric, row)
        value = row["value"]
        return Figure(
            key=name,
            label=label,
            value=str(value) if isinstance(value, (bool, str)) else float(value),
            unit=metric.unit,
            since=since,
            until=until,
            low=row.get("low"),
            high=row.get("high"),
            interval=metric.interval,
            source=source or self.grounds[row["basis"]],
            term=term,
            note=note,
        )

    def _why(self, name: str, row: Row | None) -> str:
        rows = self.rows(name)
        # of the last measured day, where it has one: later days are only not final yet
        of_today = rows.filter(rows["time"] == self.today) if self.today is not None else rows
        told = (of_today if of_today.height else rows)["missing"]
        reason = told[-1] if told.len() else None
        why = str(reason or "nothing is known of it")
        if row is not None:
            why += f"; last known on {day(row['time'])}"
        return why

    def standing(self, name: str) -> str:
        """How the last value stands among those of the last 365 days, in words."""
        row = self.current(name)
        if row is None:
            return ""
        year = self.rows(name).filter(
            pl.col("time").is_between(row["time"] - _YEAR * DAY, row["time"], closed="left"),
            pl.col("value").is_not_null(),
        )["value"]
        if year.len() < _YEAR // 2:
            return ""
        above = int((year > row["value"]).sum())
        share = above / year.len()
        if above == year.len():
            return f"the lowest of the last {count(year.len() + 1, 'day')}"
        if above == 0:
            return f"the highest of the last {count(year.len() + 1, 'day')}"
        if share >= 0.5:
            return f"lower than on {share:.0%} of the days of the last year"
        return f"higher than on {1 - share:.0%} of the days of the last year"

    def a_year_before(self, name: str) -> float | None:
        """The relative change of a metric's last value against 365 days earlier."""
        row = self.current(name)
        if row is None:
            return None
        before = self.rows(name).filter(pl.col("time") == row["time"] - _YEAR * DAY)["value"]
        if before.len() == 0 or before[0] is None or before[0] == 0:
            return None
        return float(row["value"] / before[0] - 1)


def _period(metric: Metric, row: Row) -> tuple[int, int]:
    """The time a row stands for, Unix seconds, its end excluded."""
    time = int(row["time"])
    if metric.grain == "epoch":
        known = row["known_at"]
        return time, int(known) if known is not None and known > time else time + 1
    window = metric.window if metric.window is not None and metric.rests_on == "window" else 1
    return time - (window - 1) * DAY, time + DAY
