"""Chapter: what comes next, from the hashrate of now to the next two retargets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.errors import (
    EpochStartMissing,
    NoBlocksToObserve,
    NoRetargets,
    NothingObserved,
)
from hashcanary.inference.filter.observations import FEWEST, Blocks, blocks_of
from hashcanary.inference.filter.posterior import (
    Bands,
    History,
    Posterior,
    bands_ahead,
    history,
    posterior,
    recent_bands,
)
from hashcanary.inference.retarget.forecast import (
    RetargetForecast,
    forecast_from,
    mempool_change,
    naive_change,
)
from hashcanary.moments import DAY
from hashcanary.report.charts.catalogue import BAND_COLUMNS
from hashcanary.report.document import Dataset, Drawing, Figure, Ledger, Section, Series, ends
from hashcanary.units import FRACTION, HASHRATE, Unit
from hashcanary.views.forecast import central, hashrate_sentence, outer, sentences, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.arrays import Floats
    from hashcanary.store.record import Record
    from hashcanary.views.table import Table

# days of the hashrate that are drawn, before and after the last block
PAST_DAYS, AHEAD_DAYS = 120.0, 30.0
# forecasts along the epoch that are drawn, at most
_MADE = 24
_QUARTER = 504
# where the columns of a chart stand among the quantiles of ``bank.LEVELS``
_PLACES = (3, 2, 4, 1, 5, 0, 6)
_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Made:
    """A forecast made along the epoch: time (Unix seconds), quantiles, and the rules beside it."""

    time: float
    change: Floats
    mempool: float | None
    naive: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """The posterior and the forecast at the last block of a record.

    missing: why there is no posterior, empty where there is one. no_forecast: the same for the
    forecast. made: forecasts from blocks of this epoch, ascending in time.
    """

    missing: str
    no_forecast: str
    now: Posterior | None = None
    past: Bands | None = None
    ahead: Bands | None = None
    forecast: RetargetForecast | None = None
    made: tuple[Made, ...] = ()


def outlook(record: Record) -> Outlook:
    """What the record's blocks leave open at the last of them."""
    try:
        blocks = blocks_of(record)
        # what is drawn, and the epoch whose forecasts are made again
        since = float(blocks.time[-1]) - (PAST_DAYS + 30) * DAY
        past = history(blocks, record.network, since=since)
        now = posterior(past.state_at(blocks.height.size - 1))
    except (NoBlocksToObserve, NothingObserved, NoRetargets) as error:
        return Outlook(missing=str(error), no_forecast=str(error))
    forecast: RetargetForecast | None = None
    made: tuple[Made, ...] = ()
    why = ""
    try:
        forecast = forecast_from(blocks, now, record.network)
        made = _made(past, blocks, forecast)
    except EpochStartMissing as error:
        why = str(error)
    return Outlook(
        missing="",
        no_forecast=why,
        now=now,
        past=recent_bands(past, PAST_DAYS),
        ahead=bands_ahead(now, AHEAD_DAYS),
        forecast=forecast,
        made=made,
    )


def _made(past: History, blocks: Blocks, forecast: RetargetForecast) -> tuple[Made, ...]:
    """Forecasts from up to ``_MADE`` blocks of the epoch, those known of it."""
    first = blocks.find(forecast.first_height)
    last = blocks.height.size - 1
    chosen = np.unique(np.linspace(first + FEWEST, last, _MADE).round().astype(np.int64))
    return tuple(
        _made_at(past, blocks, first, at) for at in chosen.tolist() if first + FEWEST <= at <= last
    )


def _made_at(past: History, blocks: Blocks, first: int, at: int) -> Made:
    made = forecast_from(blocks.part(0, at + 1), posterior(past.state_at(at)), past.network)
    start, now = float(blocks.time[first]), float(blocks.time[at])
    quarter = blocks.find(int(blocks.height[at]) - _QUARTER)
    before = blocks.find(made.first_height - 1)
    mempool = None
    if quarter >= 0 and before >= 0:
        mempool = mempool_change(
            height=made.height,
            epoch_time=start,
            now=now,
            quarter_time=float(blocks.time[quarter]),
            previous_change=float(blocks.work[first] / blocks.work[before] - 1),
        )
    return Made(made.time, made.change, mempool, naive_change(made.intervals, now - start))


def next_retarget(ahead: Outlook) -> Section:
    """The hashrate now, the next two retargets, and how the forecast came about."""
    parts: list[Ledger | Table | Drawing] = []
    if ahead.past is not None:
        parts.append(Drawing("outlook"))
    if ahead.made:
        parts.append(Drawing("next_change"))
    parts += [
        Ledger("outlook", "Hashrate now", (_hashrate(ahead),)),
        outer(table(ahead.forecast, ahead.no_forecast)),
    ]
    return Section(
        key="next",
        short="What comes next",
        title="What comes next",
        lead=_lead(ahead),
        parts=tuple(parts),
        notes=_notes(ahead),
    )


def _hashrate(ahead: Outlook) -> Figure:
    key, label = "hashrate.posterior", "Hashrate now"
    if ahead.now is None:
        return Figure(key, label, None, HASHRATE, missing=ahead.missing, term="forecast")
    last = round(ahead.now.time)
    return Figure(
        key,
        label,
        **ends(central(ahead.now.quantiles())),
        unit=HASHRATE,
        since=last,
        until=last + 1,
        interval="95% interval of the posterior",
        source="block headers",
        term="forecast",
    )


def _lead(ahead: Outlook) -> str:
    if ahead.now is None:
        return f"No forecast: {ahead.missing}"
    hashrate = hashrate_sentence(ahead.now.quantiles(), ahead.now.time)
    if ahead.forecast is None:
        return f"{hashrate} No forecast of the next retarget: {ahead.no_forecast}"
    return " ".join((*sentences(ahead.forecast), hashrate))


def _notes(ahead: Outlook) -> tuple[str, ...]:
    if ahead.now is None:
        return ()
    notes = [
        "A bank of dynamic models of the hashrate, weighted by how well each predicted so far. The "
        "noise of block arrivals to come is in the intervals."
    ]
    if ahead.forecast is not None:
        notes += [f"Missing: {what}." for what in ahead.forecast.lacks]
    return tuple(notes)


def outlook_datasets(ahead: Outlook) -> tuple[Dataset, ...]:
    """What the charts of the outlook draw; empty columns where nothing is known."""
    return _rate(ahead), _next_change(ahead)


def _rate(ahead: Outlook) -> Dataset:
    time: list[int] = []
    rate: Floats = np.empty((0, len(BAND_COLUMNS)))
    kinds: list[str] = []
    if ahead.past is not None and ahead.ahead is not None:
        time = np.concatenate((ahead.past.time, ahead.ahead.time)).round().astype(int).tolist()
        rate = np.concatenate((ahead.past.rate, ahead.ahead.rate))
        kinds = ["known"] * ahead.past.time.size + ["ahead"] * ahead.ahead.time.size
    columns = _columns(rate, HASHRATE, "hashrate")
    return Dataset("rate", time, (*columns, Series("kind", "known or ahead", None, kinds)))


def _next_change(ahead: Outlook) -> Dataset:
    made, until = ahead.made, ahead.forecast
    time = [round(each.time) for each in made]
    change = np.array([each.change for each in made]).reshape(-1, len(BAND_COLUMNS))
    rules: list[tuple[str, str, list[float | None]]] = [
        ("mempool", "mempool.space's rule", [each.mempool for each in made]),
        ("naive", "mean interval so far", [each.naive for each in made]),
    ]
    columns = [(each.key, each.title, list(each.values)) for each in _columns(change, FRACTION, "")]
    columns += [(key, title, _rounded(values)) for key, title, values in rules]
    if until is not None and made:
        # an empty row keeps room up to the retarget
        time.append(max(round(float(until.date[3])), time[-1] + 1))
        for _, _, values in columns:
            values.append(None)
    series = tuple(Series(key, title, FRACTION, values) for key, title, values in columns)
    return Dataset("next_change", time, series)


def _columns(quantiles: Floats, unit: Unit, what: str) -> tuple[Series, ...]:
    titles = ["median", *(f"{key.replace('_', ' ')}%" for key in BAND_COLUMNS[1:])]
    return tuple(
        Series(key, f"{what} {title}".strip(), unit, _rounded(quantiles[:, place]))
        for key, title, place in zip(BAND_COLUMNS, titles, _PLACES, strict=True)
    )


def _rounded(values: Floats | Sequence[float | None]) -> list[float | int | str | None]:
    return [None if value is None else float(f"{value:.{_DIGITS}g}") for value in values]
