"""The Python API: a lake, what was known of it at a moment, and an answer for every command.

An answer has ``table()`` (a Polars frame), ``to_dict()`` (the document of the command's ``--json``)
and ``text()``, and shows itself in a notebook. Errors are those of the commands, in their words.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hashcanary.moments import as_moment, require_past

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import polars as pl

    from hashcanary.report.document import Report
    from hashcanary.store.lake import Lake as StoredLake
    from hashcanary.store.record import Record
    from hashcanary.views.answer import Answer

    When = str | int | date

# sums of linear algebra follow the number of threads in their last digits
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def use_one_thread() -> None:
    """Make results of linear algebra independent of the number of cores, where numpy has not been
    imported yet; settings that the user made stay.
    """
    if "numpy" not in sys.modules:
        for name in ONE_THREAD:
            os.environ.setdefault(name, "1")


class Lake:
    """One version of a lake, for reading; opened again it shows a later version."""

    def __init__(self, stored: StoredLake) -> None:
        """Of a stored lake; ``Lake.open`` finds one by its folder."""
        self.stored = stored

    @classmethod
    def open(cls, home: str | Path | None = None) -> Lake:
        """The lake at ``home``, None for the default one. Raises NoLake, LakeDamaged."""
        use_one_thread()
        from hashcanary.store.lake import Lake as StoredLake
        from hashcanary.store.lake import default_home

        return cls(StoredLake.open(default_home() if home is None else Path(home).expanduser()))

    def __repr__(self) -> str:
        kind = "simulated lake" if self.stored.simulated else "lake"
        return f"<{kind} at {self.stored.home}, version {self.stored.version}>"

    def now(self) -> Known:
        """All that the lake holds. Raises LakeDamaged."""
        from hashcanary.store.recording import record_of

        return Known(record_of(self.stored))

    def at(self, when: When) -> Known:
        """What was known at a moment.

        when: a date (its end, UTC), a time with zone or a block height: as text, or as a date, an
        aware datetime or an int. Raises UsageError where it is none of these or has not come,
        NoSuchBlock, LakeDamaged.
        """
        from hashcanary.store.recording import record_of

        moment = as_moment(when)
        require_past(moment, time.time())
        return Known(record_of(self.stored, moment))

    def table(self, name: str, *, every_source: bool = False) -> pl.LazyFrame:
        """A table of docs/tables.md.

        Without ``every_source`` of the believed record: ``blocks``, ``days`` or ``epochs``. With it
        the rows of every source as stored: ``headers``, ``blocks``, ``candles`` and others.
        Raises UsageError for a name there is not, LakeDamaged.
        """
        from hashcanary.views.export import believed, stored

        if every_source:
            return stored(self.stored, name).lazy()
        return believed(self.now().record, name).lazy()

    def status(self) -> Answer:
        """How complete the lake is, and where sources disagree. Raises LakeDamaged."""
        from hashcanary.views.lake import status

        return status(self.stored)

    def verify(self) -> Answer:
        """Proof of work, links, retargets, subsidies and checksums, checked again."""
        from hashcanary.views.lake import verify

        return verify(self.stored.home)


class Known:
    """What was known at a moment. Each method is an answer of the command named in it."""

    def __init__(self, record: Record) -> None:
        """Of a record of the store; ``Lake.at`` and ``Lake.now`` make one."""
        self.record = record

    def __repr__(self) -> str:
        simulated = ", simulated" if self.record.simulated else ""
        return f"<known at {self.record.at_text}: {self.record.blocks.height:,} blocks{simulated}>"

    def metric(self, name: str) -> pl.DataFrame:
        """A metric's rows (``metric show``): ``time`` (Date; of epochs Datetime, UTC), ``value``,
        ``low`` and ``high`` in the metric's unit, ``known_at`` (Datetime, UTC), ``basis``,
        ``missing``.

        Raises UnknownMetric with the nearest names, NothingToMeasure.
        """
        from hashcanary.views.metrics import metric_frame

        return metric_frame(self.record, name)

    def frame(self, names: Sequence[str]) -> pl.DataFrame:
        """Metrics side by side, one row a day (or an epoch, where all are of epochs): ``time``, for
        each ``NAME`` and where it is an estimate ``NAME_low``, ``NAME_high``, and ``known_at``.

        Raises UnknownMetric, UsageError where days and epochs are mixed.
        """
        from hashcanary.views.metrics import frame

        return frame(self.record, names)

    def series(self, *names: str) -> Answer:
        """One metric, or several side by side, as ``metric show`` prints them."""
        from hashcanary.views.metrics import metric

        return metric(self.record, names)

    def export(self, folder: str | Path, kind: str = "parquet") -> Answer:
        """Write the believed record into a folder (``export``). kind: ``parquet`` or ``csv``.

        Raises UsageError, FolderTaken, OutputNotWritten.
        """
        from hashcanary.views.export import export

        return export(self.record, Path(folder).expanduser(), kind)

    def report(self) -> Report:
        """The report as a document (``report``); ``hashcanary.report`` renders it."""
        from hashcanary.report.build import build_report

        return build_report(self.record)
