"""Values of daily series that a vendor revised after they were brought.

A revision is known from the moment it was retrieved, never from its day: the day's first value is
what anyone could have used until then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.sources.facts import DAILY_REFERENCE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from hashcanary.sources.feed import Held

_NAMED = 5
_SUBJECT = list(DAILY_REFERENCE.subject)


@dataclass(frozen=True, slots=True)
class Revisions:
    """Tells news from what is held.

    reached: the last day held of each series; held: ``day``, ``vendor``, ``series``, ``value``, the
    newest values of the days that are asked for again.
    """

    reached: Mapping[str, date]
    held: pl.DataFrame

    @classmethod
    def of(cls, held: Held, source: str, start: date, reached: Mapping[str, date]) -> Revisions:
        """What a lake holds from a day on, as ``source`` told it last.

        A fact that several sources tell alike bears the name of one of them, so where none bears
        this one's name all are asked.
        """
        rows = pl.DataFrame(schema=DAILY_REFERENCE.schema)
        if held.daily_from is not None:
            rows = held.daily_from(start)
        ours = pl.col("source") == source
        rows = rows.filter(ours == ours.any().over(_SUBJECT))
        rows = rows.filter(pl.col("known_at") == pl.col("known_at").max().over(_SUBJECT))
        return cls(dict(reached), rows.select(*_SUBJECT, "value"))

    def news(self, rows: pl.DataFrame, at: int) -> tuple[pl.DataFrame, tuple[str, ...]]:
        """The rows that are not held, and what is to be said of those that were revised.

        rows: of DAILY_REFERENCE; at: Unix seconds, when they were retrieved.
        """
        last = {"series": list(self.reached), "reached": list(self.reached.values())}
        schema = {"series": pl.String(), "reached": pl.Date()}
        rows = rows.join(pl.DataFrame(last, schema), on="series", how="left", maintain_order="left")
        asked_again = (pl.col("day") <= pl.col("reached")).fill_null(value=False)
        fresh = rows.filter(~asked_again).drop("reached")
        revised = (
            rows.filter(asked_again)
            .drop("reached")
            .join(self.held, on=[*_SUBJECT, "value"], how="anti")
            .with_columns(
                pl.max_horizontal(pl.lit(at, pl.Int64), pl.col("known_at") + 1).alias("known_at")
            )
        )
        return pl.concat([fresh, revised]), _said(revised)


def _said(revised: pl.DataFrame) -> tuple[str, ...]:
    if revised.is_empty():
        return ()
    named = [f"{series} of {day}" for day, series in revised.select("day", "series").iter_rows()]
    more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
    return (f"revised by the vendor since they were brought: {', '.join(named[:_NAMED])}{more}",)
