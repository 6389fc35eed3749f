"""A process of its own for what the years say, so that it is computed while the report is.

``YearsJob()`` first: the process imports what it needs. ``job`` is then called like ``years``.
"""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import hashcanary
from hashcanary.report.beside import Beside
from hashcanary.report.errors import YearsFailed

if TYPE_CHECKING:
    import polars as pl

    from hashcanary.metrics.declaration import Grain
    from hashcanary.metrics.engine import Results
    from hashcanary.report.years import Years
    from hashcanary.store.record import Record

    Frames = dict[Grain, pl.DataFrame]

_PROGRAM = "from hashcanary.report.years_job import serve; serve()"
# what the engine adds to the columns of a metric
_FOLLOWS = ("known_at", "vendor", "missing")
# it takes two seconds; a machine may be busy
_PATIENCE_S = 300


class YearsJob(Beside):
    """The process; a context manager that ends it if it is not needed."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="hashcanary-")
        home = str(Path(hashcanary.__file__).resolve().parents[1])
        path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH", ""))))
        super().__init__(
            # not from the folder that the command was called in
            [sys.executable, "-P", "-c", _PROGRAM],
            YearsFailed,
            _PATIENCE_S,
            {**os.environ, "PYTHONPATH": path},
        )

    def __call__(self, record: Record, results: Results) -> Years:
        """What the years say, as ``years`` has it. Raises YearsFailed."""
        # by a file, since megabytes through a pipe make the report's threads wait for each other
        question = Path(self._folder.name) / "question"
        with question.open("wb") as file:
            pickle.dump(_question(record, results), file, pickle.HIGHEST_PROTOCOL)
        # what it wrote is this program's own
        found: Years = pickle.loads(self.answer(os.fsencode(question)))
        return found

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._folder.cleanup()


def _question(record: Record, results: Results) -> tuple[Record, Frames, list[str]]:
    """What ``years`` reads and can be sent: no blocks, no metrics that it does not need."""
    from hashcanary.economics.power.prices import GRID_SERIES
    from hashcanary.report.years import needed

    lean = replace(
        record,
        blocks=record.blocks.clear(),
        candles=record.candles.clear(),
        daily=record.daily.filter(record.daily["series"] == GRID_SERIES),
        pool_labels=record.pool_labels.clear(),
        companies=record.companies.clear(),
        provenance={},
    )
    names = [name for name in needed() if name in results.metrics]
    left = {
        column
        for name, metric in results.metrics.items()
        if name not in names
        for column in (name, *(f"{name}.{each}" for each in (*metric.columns, *_FOLLOWS)))
    }
    frames = {
        grain: frame.select(name for name in frame.columns if name not in left)
        for grain, frame in results.frames.items()
    }
    return lean, frames, names


def serve() -> None:
    """Answer one question on stdin, on stdout."""
    # imported while the other process reads its record
    from hashcanary.metrics.engine import Results
    from hashcanary.metrics.registry import find_metric
    from hashcanary.report.years import warm, years

    warm()
    with Path(os.fsdecode(sys.stdin.buffer.read())).open("rb") as file:
        record, frames, names = pickle.load(file)
    results = Results(frames, {name: find_metric(name) for name in names})
    pickle.dump(years(record, results), sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
