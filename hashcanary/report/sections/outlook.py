"""Chapter: what comes next, from the hashrate of now to the next two retargets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.report.document import Drawing, Figure, Ledger, Section
from hashcanary.units import FRACTION, HASHRATE, UNIX_TIME
from hashcanary.views.text import count, day, percent, quantity

if TYPE_CHECKING:
    from hashcanary.inference.filter.observations import Floats
    from hashcanary.inference.retarget.forecast import RetargetForecast
    from hashcanary.report.outlook import Outlook
    from hashcanary.units import Unit
    from hashcanary.views.table import Table

_MEDIAN = 3
_INTERVAL = "95% interval of the posterior predictive distribution"
_POSTERIOR = "95% interval of the posterior"
_SOURCE = "block headers"
_ZERO = np.zeros(1)


def next_retarget(found: Outlook) -> Section:
    """The hashrate now, the next two retargets, and how the forecast came about."""
    parts: list[Ledger | Table | Drawing] = []
    if found.past is not None:
        parts.append(Drawing("outlook"))
    if found.made:
        parts.append(Drawing("next_change"))
    parts.append(Ledger("outlook", "The next two retargets", _figures(found)))
    return Section(
        key="next",
        short="What comes next",
        title="What comes next",
        lead=_lead(found),
        parts=tuple(parts),
        notes=_notes(found),
    )


def _figures(found: Outlook) -> tuple[Figure, ...]:
    forecast, now = found.forecast, found.now
    rate = None if now is None else now.quantiles()
    last = None if now is None else round(now.time)
    whys = (found.missing, found.no_forecast)
    return (
        _figure("hashrate.posterior", "Hashrate now", rate, HASHRATE, whys[0], last, _POSTERIOR),
        _figure(
            "retarget.change",
            "Next change of the difficulty",
            None if forecast is None else forecast.change,
            FRACTION,
            whys[1],
            last,
        ),
        _figure(
            "retarget.date",
            "Date of that retarget",
            None if forecast is None else forecast.date,
            UNIX_TIME,
            whys[1],
            last,
        ),
        _figure(
            "retarget.second_change",
            "Change after that",
            None if forecast is None else forecast.second_change,
            FRACTION,
            whys[1],
            last,
        ),
        _figure(
            "retarget.second_date",
            "Date of the one after",
            None if forecast is None else forecast.second_date,
            UNIX_TIME,
            whys[1],
            last,
        ),
    )


def _figure(
    key: str,
    label: str,
    quantiles: Floats | None,
    unit: Unit,
    missing: str,
    last: int | None,
    interval: str = _INTERVAL,
) -> Figure:
    if quantiles is None:
        return Figure(key, label, None, unit, missing=missing, term="forecast")
    return Figure(
        key=key,
        label=label,
        value=float(quantiles[_MEDIAN]),
        unit=unit,
        low=float(quantiles[0]),
        high=float(quantiles[-1]),
        since=last,
        until=None if last is None else last + 1,
        interval=interval,
        source=_SOURCE,
        term="forecast",
    )


def _lead(found: Outlook) -> str:
    if found.now is None:
        return f"What comes next cannot be said: {found.missing}"
    low, middle, high = found.now.quantiles()[[0, _MEDIAN, -1]]
    rate = (
        f"The blocks up to {day(round(found.now.time))} say {quantity(middle, HASHRATE, 3)} "
        f"(95%: {quantity(low, HASHRATE, 3).rsplit(' ', 1)[0]} to {quantity(high, HASHRATE, 3)})."
    )
    if found.forecast is None:
        return f"{rate} The next retarget cannot be said: {found.no_forecast}"
    return f"{_retarget(found.forecast)} {rate}"


def _retarget(forecast: RetargetForecast) -> str:
    middle = float(forecast.change[_MEDIAN])
    low, high = float(forecast.change[0]), float(forecast.change[-1])
    falls = float(forecast.span.below(_ZERO)[0])
    direction = "fall" if middle < 0 else "rise"
    sure = max(falls, 1 - falls)
    size = (
        f"{percent(abs(middle))} (95%: {percent(low, signed=True)} to {percent(high, signed=True)})"
    )
    left = forecast.retarget_height - forecast.height
    return (
        f"The difficulty is expected to {direction} by {size} in {count(left, 'block')}, at block "
        f"{forecast.retarget_height:,}, about {day(round(float(forecast.date[_MEDIAN])))}; that it "
        f"will {direction} at all is {_chance(sure)} sure."
    )


def _chance(share: float) -> str:
    return "more than 99.9%" if share > 0.999 else percent(share, 1 if share > 0.99 else 0)


def _notes(found: Outlook) -> tuple[str, ...]:
    if found.now is None:
        return ()
    notes = [
        "A bank of dynamic models of the hashrate, weighted by how well each predicted so far; the "
        "luck of the blocks to come is in the bands. How often such bands held what came: "
        "hashcanary study calibration."
    ]
    if found.forecast is not None:
        notes += [f"Lacks {what}." for what in found.forecast.lacks]
    return tuple(notes)
