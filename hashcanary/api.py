"""The Python API: a lake, what was known of it at a moment, and an answer for every command.

An answer has ``table()`` (a Polars frame), ``to_dict()`` (the document of the command's ``--json``)
and ``text()``, and shows itself in a notebook. Errors are those of the commands, in their words.
"""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec

from hashcanary.moments import as_moment, require_past

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    import polars as pl

    from hashcanary.report.document import Report
    from hashcanary.store.lake import Lake as StoredLake
    from hashcanary.store.record import Record
    from hashcanary.views import (
        calibration,
        companies,
        costs,
        curtailment,
        drop,
        episodes,
        export,
        forecast,
        hosting,
        luck,
        metrics,
        pools,
        selling,
        shutdown,
        stress,
        stress_study,
        supply,
        verdict,
        verdict_study,
    )
    from hashcanary.views.answer import Answer

    When = str | int | date
else:

    class _Lazy:
        """A module of ``hashcanary.views`` that is imported where it is used."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, attribute: str) -> object:
            return getattr(import_module(f"hashcanary.views.{self._name}"), attribute)

    _NAMES = (
        "calibration companies costs curtailment drop episodes export forecast hosting luck "
        "metrics pools selling shutdown stress stress_study supply verdict verdict_study"
    )
    globals().update({name: _Lazy(name) for name in _NAMES.split()})

P = ParamSpec("P")

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


class Asks(Generic[P]):
    """A method of ``Known`` that is a view's function: imported at its first use, given the record.

    ``help(then.supply)`` has the function's signature and units.
    """

    def __init__(self, function: Callable[[], Callable[Concatenate[Record, P], Answer]]) -> None:
        """Of what imports the view's function and gives it."""
        self.function = function

    def __get__(self, known: Known, owner: type[Known]) -> Callable[P, Answer]:
        bound: Callable[P, Answer] = MethodType(self.function(), known.record)
        return bound


class Known:
    """What was known at a moment; each method is an answer of the command of its name."""

    def __init__(self, record: Record) -> None:
        """Of a record of the store; ``Lake.at`` and ``Lake.now`` make one."""
        self.record = record

    def __repr__(self) -> str:
        simulated = ", simulated" if self.record.simulated else ""
        return f"<known at {self.record.at_text}: {self.record.chain.height:,} blocks{simulated}>"

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

    def report(self) -> ReportAnswer:
        """The report (``report``). Raises NothingToMeasure."""
        from hashcanary.report.build import build_report

        return ReportAnswer(build_report(self.record))

    def rigs(self, rigs: Path | None = None) -> Answer:
        """The catalogue of machines sold by then (``rigs``). rigs: a TOML file that adds to it."""
        from hashcanary.views.shutdown import rigs as list_rigs

        return list_rigs(at=self.record.at, rigs=rigs)

    verdict = Asks(lambda: verdict.verdict)
    series = Asks(lambda: metrics.metric)
    export = Asks(lambda: export.export)
    forecast_retarget = Asks(lambda: forecast.forecast_retarget)
    forecast_hashprice = Asks(lambda: forecast.forecast_hashprice)
    explain_drop = Asks(lambda: drop.explain_drop)
    episodes = Asks(lambda: episodes.episodes)
    pools = Asks(lambda: pools.pools)
    costs = Asks(lambda: costs.costs)
    shutdown = Asks(lambda: shutdown.shutdown)
    companies = Asks(lambda: companies.companies)
    supply = Asks(lambda: supply.supply)
    selling = Asks(lambda: selling.selling)
    hosting = Asks(lambda: hosting.hosting)
    stress = Asks(lambda: stress.stress)
    luck = Asks(lambda: luck.luck)
    drops = Asks(lambda: luck.drops)
    curtailment = Asks(lambda: curtailment.curtailment)
    calibration = Asks(lambda: calibration.calibration)
    cost_study = Asks(lambda: costs.cost_study)
    stress_study = Asks(lambda: stress_study.stress_study)
    verdict_study = Asks(lambda: verdict_study.verdict_study)


class ReportAnswer:
    """The report, with what the other answers have, and its charts."""

    def __init__(self, report: Report) -> None:
        """Of a report that was built; ``Known.report`` builds one."""
        self.document = report

    def table(self, key: str) -> pl.DataFrame:
        """One of its tables as a Polars frame, by its key in ``to_dict``. Raises UsageError."""
        from hashcanary.views.answer import one_of

        tables = {each.key: each for part in self.document.sections for each in part.tables}
        one_of("table", key, tables, "to_dict() has them with their titles.")
        return tables[key].frame()

    def to_dict(self) -> dict[str, Any]:
        """The document of ``report --json``."""
        from hashcanary.report.render.document_json import as_json

        return as_json(self.document)

    def text(self, width: int = 80) -> str:
        """The report as the command prints it, without colours, ``width`` characters wide."""
        from hashcanary.report.render.terminal import render_terminal
        from hashcanary.views.terminal import plain

        return plain(render_terminal(self.document), width)

    def html(self) -> str:
        """The page of ``report --html``. Raises BundleFailed."""
        from hashcanary.report.render.html import render_html

        return render_html(self.document)

    def chart(self, name: str) -> ShownChart:
        """One of its charts, which shows itself in a notebook. Raises UsageError, NothingToDraw."""
        from hashcanary.report.charts import charts_of
        from hashcanary.views.answer import one_of

        one_of("chart", name, charts_of(self.document), "to_dict() names them by chapter.")
        return ShownChart(self.document, name)

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(self.text(100))}</pre>"


class ShownChart:
    """A chart that shows itself: Vega-Lite where the notebook draws it, beside it a PNG."""

    def __init__(self, report: Report, name: str) -> None:
        """A chart of a report, by its name."""
        self._report, self.name = report, name

    @property
    def spec(self) -> dict[str, Any]:
        """The whole Vega-Lite document, its data inline. Raises NothingToDraw."""
        from hashcanary.report.render.pictures import chart_spec

        return chart_spec(self._report, self.name)

    def png(self) -> bytes:
        """The chart as a PNG. Raises NothingToDraw."""
        from hashcanary.report.render.pictures import draw

        return draw(self._report, self.name)

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        from base64 import b64encode

        return {
            "application/vnd.vegalite.v6+json": self.spec,
            "image/png": b64encode(self.png()).decode(),
            "text/plain": f"<chart {self.name}>",
        }
