"""The tables of ``hashcanary study stress``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.cli.output import SIMULATED, Column, Table
from hashcanary.moments import DAY, iso_day
from hashcanary.studies.errors import NoStress
from hashcanary.studies.forward_returns import INTERVAL
from hashcanary.studies.stress.against import against
from hashcanary.studies.stress.answer import ALL_WORDS
from hashcanary.studies.stress.gauge import BAND_TEXT, reweighted
from hashcanary.studies.stress.luck import DEFINITIONS
from hashcanary.studies.stress.robustness import LEVEL, correlations
from hashcanary.units import COUNT, DAYS, FRACTION, INDEX_100, PER_YEAR, RATIO, YEARS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.cli.output import Row
    from hashcanary.store.record import Record
    from hashcanary.studies.stress.after import AfterWord
    from hashcanary.studies.stress.against import Against, Reading, Wilson
    from hashcanary.studies.stress.capitulations import Capitulation
    from hashcanary.studies.stress.gauge import StressHistory
    from hashcanary.studies.stress.luck import StressLuck
    from hashcanary.studies.stress.robustness import Difference, RandomWeights

# what sees the hashrate's own fall, which published capitulations were read from
_ACTIVITY = "activity"


def speaks(history: StressHistory, at_text: str) -> None:
    """Raise NoStress where the gauge never has a word."""
    if not (history.word >= 0).any():
        raise NoStress(
            expected=f"a gauge with {history.settings.fewest_days} days of its own behind it",
            at=at_text,
            found=f"{int(np.isfinite(history.gauge).sum())} days with a gauge",
        )


def _points(value: object) -> str:
    return f"{float(str(value)):.0f}"


def _tenths(value: object) -> str:
    return f"{float(str(value)):.1f}"


def _percent(value: object) -> str:
    number = float(str(value))
    return f"{number:.1%}" if 0 < number < 0.1 else f"{number:.0%}"


def _change(value: object) -> str:
    return f"{float(str(value)):+.0%}"


def _many(value: object) -> str:
    return str(len(value)) if isinstance(value, list) else str(value)


def _ratio(value: object) -> str:
    return f"{float(str(value)):.3f}"


def _document(record: Record, **more: object) -> dict[str, object]:
    return {
        "at": record.at_text,
        "network": record.network.name,
        "simulated": record.simulated,
        **more,
        "provenance": record.provenance,
    }


def _marked(record: Record) -> list[str]:
    return [SIMULATED] if record.simulated else []


_WHOSE = {
    "published": (
        "published capitulations",
        "Published capitulations are read off hashrate, and so are ribbon and drawdown: here they "
        "are no independent witness.",
    ),
    "ribbon": (
        "inversions of the hash ribbons",
        "Inversions of a week or more, as `hashcanary episodes` finds them: ribbon and drawdown "
        "see the same hashrate and are no independent witness.",
    ),
    "epoch": (
        "epoch-average drawdowns",
        "Falls of the epoch average by 7.5% or more, as `hashcanary episodes` finds them: ribbon "
        "and drawdown see the same hashrate and are no independent witness.",
    ),
}


def episodes(
    record: Record,
    history: StressHistory,
    capitulations: Sequence[Capitulation],
    whose: str = "published",
) -> Table:
    """The gauge around capitulations; whose: a key of ``_WHOSE``."""
    title, said = _WHOSE[whose]
    columns = [
        Column("capitulation", "capitulation"),
        Column("start", "from"),
        Column("end", "to", data_only=True),
        Column("before", "30 d before", INDEX_100, people=_points, spare=2),
        Column("at_start", "start", INDEX_100, people=_points),
        Column("highest", "top", INDEX_100, people=_points),
        Column("highest_low", "low", INDEX_100, people=_points, spare=1),
        Column("highest_high", "high", INDEX_100, people=_points, spare=1),
        Column("highest_on", "on", data_only=True),
        Column("after", "30 d after", INDEX_100, people=_points, spare=2),
        Column("word_at_start", "word then", data_only=True),
        Column("worst_word", "worst word"),
        Column("lead", "lead", DAYS, people=_lead),
        Column("hit", "hit"),
        Column("covered", "covered", data_only=True),
        Column("source", "source", data_only=True),
    ]
    found = against(history, capitulations)
    rows = [_reading_row(one) for one in found.readings]
    blind = _without_activity(history, capitulations)
    notes = [
        *_marked(record),
        "Points of the gauge: at the start, the highest inside with its band, 30 days before and "
        "after. lead: days from the first `stressed` day (from 90 days before, after the last one) "
        "to the start; below 0: late. hit: `stressed` or worse on a day inside.",
        _hits("The gauge", found),
        said,
    ]
    if blind is not None:
        notes.append(_hits("Revenue and economics alone, blind to hashrate's fall", blind))
    judged = sum(one.covered for one in found.readings)
    notes.append(
        "False alarm: a spell within 30 days of none of them. "
        f"{judged} on whose days the gauge has words are few: the intervals say how few."
    )
    return Table(
        columns,
        rows,
        title=f"The stress gauge at {title}, as known at {record.at_text}",
        notes=notes,
        document=_document(
            record,
            against=whose,
            gauge=_judged(found),
            without_activity=None if blind is None else _judged(blind),
            interval={"band": BAND_TEXT, "shares": "Wilson's 95%"},
            units={"lead": "days", "before": "index_0_100", "highest": "index_0_100"},
        ),
    )


def _without_activity(
    history: StressHistory, capitulations: Sequence[Capitulation]
) -> Against | None:
    settings = history.settings
    gone = [name for name in settings.weights if settings.groups[name] == _ACTIVITY]
    if not gone or len(gone) == len(settings.weights):
        return None
    return against(reweighted(history, settings.without(gone).weights), capitulations)


def _lead(value: object) -> str:
    return f"{int(str(value)):+d} d"


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _reading_row(one: Reading) -> Row:
    return {
        "capitulation": one.capitulation.name,
        "start": iso_day(one.capitulation.start),
        "end": iso_day(one.capitulation.end - DAY),
        "before": _number(one.before),
        "at_start": _number(one.at_start),
        "highest": _number(one.highest),
        "highest_low": _number(one.highest_low),
        "highest_high": _number(one.highest_high),
        "highest_on": None if one.highest_day is None else iso_day(one.highest_day),
        "after": _number(one.after),
        "word_at_start": ALL_WORDS[one.word] if one.word >= 0 else None,
        "worst_word": ALL_WORDS[one.worst] if one.worst >= 0 else None,
        "lead": one.lead_days,
        "hit": one.hit if one.covered else None,
        "covered": one.covered,
        "source": one.capitulation.source,
    }


def _share(one: Wilson) -> str:
    return f"{one.hits} of {one.trials} ({one.low:.0%} to {one.high:.0%})"


def _hits(who: str, found: Against) -> str:
    by_chance = f"{found.by_shift:.1f} by the same words laid elsewhere in time"
    if found.as_many > 0:
        by_chance += f", as many or more in {found.as_many:.1%} of the shifts"
    else:
        by_chance += ", as many in no shift"
    return (
        f"{who}: `stressed` or worse on {found.days:.0%} of {found.years:.1f} years; hits "
        f"{_share(found.hits)}, against {by_chance}. False alarms: {_share(found.false_alarms)} "
        "spells."
    )


def _judged(found: Against) -> dict[str, object]:
    return {
        "hits": _counted(found.hits),
        "false_alarms_of_spells": _counted(found.false_alarms),
        "days_fraction": found.days,
        "covered_years": found.years,
        "hits_expected_by_shifts": found.by_shift,
        "shifts_with_as_many_fraction": found.as_many,
        "spells": [
            {
                "first": iso_day(one.first),
                "last": iso_day(one.last),
                "days_stressed": one.days,
                "false_alarm": one.false_alarm,
            }
            for one in found.spells
        ],
    }


def _counted(one: Wilson) -> dict[str, object]:
    return {
        "count": one.hits,
        "of": one.trials,
        "fraction": one.value,
        "low": one.low,
        "high": one.high,
    }


def _difference_columns(first: str) -> list[Column]:
    return [
        Column("what", first),
        Column("days", "days", DAYS, people=_points, spare=1),
        Column("rank_correlation", "corr", RATIO, people=_ratio),
        Column("mean", "mean", INDEX_100, people=_tenths),
        Column("largest", "most", INDEX_100, people=_tenths),
        Column("word_changed", "word", FRACTION, people=_percent),
        Column("false_alarms", "false alarms", COUNT, spare=2),
        Column("missed", "missed", people=_many),
        Column("added", "added", people=_many),
    ]


def _difference_rows(found: Sequence[Difference]) -> list[Row]:
    return [
        {
            "what": one.what,
            "days": one.days,
            "rank_correlation": one.rank_correlation,
            "mean": one.mean,
            "largest": one.largest,
            "word_changed": one.changed / one.words if one.words else None,
            "missed": list(one.missed),
            "added": list(one.added),
            "false_alarms": one.false_alarms,
        }
        for one in found
    ]


def _named(found: Sequence[Difference], label: str) -> list[str]:
    """Which capitulations are missed, and which are added, by what."""
    texts = [
        f"{kind} {verb} {one.what}: {', '.join(names)}."
        for one in found
        for kind, verb, names in (
            ("Missed", label, one.missed),
            ("Added", label, one.added),
        )
        if names
    ]
    return [" ".join(texts)] if texts else []


_COMPARED = (
    "corr: Spearman's rank correlation with the stated gauge. mean, most: absolute difference, "
    "points of 100. word: part of the days on which it is another one. missed, added: published "
    "capitulations."
)


def components(record: Record, history: StressHistory, found: Sequence[Difference]) -> Table:
    """The gauge without each of its parts."""
    names = [one.component.name for one in history.components]
    matrix = correlations(history)
    pairs = sorted(
        (
            (float(matrix[row, column]), names[row], names[column])
            for row in range(len(names))
            for column in range(row)
        ),
        reverse=True,
    )
    near = ", ".join(f"{one} and {two} {value:.2f}" for value, one, two in pairs[:3])
    far = ", ".join(f"{one} and {two} {value:.2f}" for value, one, two in pairs[-2:])
    return Table(
        _difference_columns("without"),
        _difference_rows(found),
        title=f"The stress gauge without each of its parts, as known at {record.at_text}",
        notes=[
            *_marked(record),
            f"{_COMPARED} Over the days on which what is left out is known.",
            *_named(found, "without"),
            f"Rank correlation of percentiles: {near} at most, {far} at least. What goes together "
            "counts once by the weight of its group.",
        ],
        document=_document(
            record,
            rank_correlations={
                name: dict(zip(names, row.tolist(), strict=True))
                for name, row in zip(names, matrix, strict=True)
            },
        ),
    )


def choices(record: Record, found: Sequence[Difference]) -> Table:
    """The gauge put together otherwise."""
    return Table(
        _difference_columns("instead"),
        _difference_rows(found),
        title=f"The stress gauge put together otherwise, as known at {record.at_text}",
        notes=[*_marked(record), _COMPARED, *_named(found, "with")],
        document=_document(record),
    )


def weights(
    record: Record,
    history: StressHistory,
    found: RandomWeights,
    capitulations: Sequence[Capitulation],
) -> Table:
    """The gauge under random weights, at the highest day of each capitulation."""
    columns = [
        Column("capitulation", "capitulation"),
        Column("day", "highest on"),
        Column("gauge", "gauge", INDEX_100, people=_points),
        Column("low", "low", INDEX_100, people=_points),
        Column("high", "high", INDEX_100, people=_points),
        Column("same_word", "same word", FRACTION, people=_percent),
    ]
    rows: list[Row] = []
    for one in against(history, capitulations).readings:
        if one.highest_day is None:
            continue
        at = int(np.searchsorted(history.time, one.highest_day))
        rows.append(
            {
                "capitulation": one.capitulation.name,
                "day": iso_day(one.highest_day),
                "gauge": one.highest,
                "low": float(found.low[at]),
                "high": float(found.high[at]),
                "same_word": _number(float(found.same[at])),
            }
        )
    ours = against(history, capitulations).hits.hits
    worse = float((found.hits < ours).mean())
    better = float((found.hits > ours).mean())
    return Table(
        columns,
        rows,
        title=f"The stress gauge under random weights, as known at {record.at_text}",
        notes=[
            *_marked(record),
            f"{found.draws:,} weights, even over all there can be (Dirichlet, all parameters 1). "
            f"low, high: {LEVEL:.0%} of them; {found.width:.0f} points wide on average. The word "
            f"of a day is the same under {found.holds:.0%} of the weights.",
            f"Hits: {ours} of {found.covered} by the stated weights; fewer under {worse:.0%} of "
            f"the random ones, more under {better:.0%}.",
        ],
        document=_document(
            record,
            draws=found.draws,
            width_index_0_100=found.width,
            word_holds_fraction=found.holds,
            hits=found.hits.tolist(),
            hits_stated=ours,
            covered=found.covered,
        ),
    )


def luck(record: Record, found: StressLuck) -> Table:
    """SIMULATED worlds without stress."""
    columns = [
        Column("world", "world"),
        Column("after_halving", "halving"),
        Column("word", "word"),
        Column("points", "from", INDEX_100, people=_points),
        Column("years", "years", YEARS, people=_points, spare=1),
        Column("share", "of days", FRACTION, people=_percent),
        Column("share_low", "low", FRACTION, people=_percent),
        Column("share_high", "high", FRACTION, people=_percent),
        Column("spells", "spells a year", PER_YEAR, people=_tenths),
        Column("own_share", "own word", FRACTION, people=_percent, spare=2),
    ]
    rows: list[Row] = [
        {
            "world": one.world,
            "after_halving": "year after" if one.after_halving else "other years",
            "word": one.word,
            "points": one.points,
            "years": one.years,
            "share": _number(one.share),
            "share_low": _number(one.low),
            "share_high": _number(one.high),
            "spells": _number(one.spells_per_year),
            "own_share": _number(one.own_share),
        }
        for one in found.words
    ]
    worlds = "; ".join(f"{name}: {text}" for name, text in DEFINITIONS.items())
    return Table(
        columns,
        rows,
        title="SIMULATED: the stress gauge in worlds that grow without stress",
        notes=[
            f"SIMULATED: {found.worlds} worlds of each kind, seed {found.seed}. {worlds}.",
            "of days: that reach the points at which the record's word begins now; low, high: of "
            "nine worlds in ten. own word: by the world's own days before, a fifth of which is "
            "`stressed` in the long run whatever happens. A halving takes half of what miners "
            "earn: that is no luck.",
        ],
        document=_document(
            record,
            simulated_worlds=True,
            worlds=found.worlds,
            seed=found.seed,
            definitions=DEFINITIONS,
            spread_of_gauge_index_0_100=dict(found.spread),
            spread_of_record_index_0_100=found.record_spread,
        ),
    )


def returns(record: Record, found: Sequence[AfterWord]) -> Table:
    """What the price did after the gauge began to say a word."""
    columns = [
        Column("word", "word"),
        Column("horizon", "horizon", DAYS),
        Column("spells", "spells"),
        Column("measured", "measured", data_only=True),
        Column("mean", "mean", FRACTION, data_only=True),
        Column("median", "median", FRACTION, people=_change),
        Column("independent", "apart"),
        Column("share_positive", "rose", FRACTION, people=_percent),
        Column("share_low", "low", FRACTION, people=_percent),
        Column("share_high", "high", FRACTION, people=_percent),
        Column("base_share", "any day", FRACTION, people=_percent),
        Column("base_independent", "base, windows apart", data_only=True),
        Column("began", "began", data_only=True),
    ]
    rows: list[Row] = [
        {
            "word": one.word,
            "horizon": after.horizon_days,
            "spells": len(one.began),
            "measured": after.measured,
            "mean": after.mean,
            "median": after.median,
            "independent": after.independent,
            "share_positive": after.share_positive,
            "share_low": after.low,
            "share_high": after.high,
            "base_share": after.base_share,
            "base_independent": after.base_independent,
            "began": [iso_day(day * DAY) for day in one.began],
        }
        for one in found
        for after in one.after
    ]
    most = max((int(str(row["independent"])) for row in rows), default=0)
    return Table(
        columns,
        rows,
        title=f"The price after the stress gauge began to say a word, as known at {record.at_text}",
        notes=[
            *_marked(record),
            "word: or worse. apart: windows that do not overlap; rose: part of them after which "
            f"the price was higher: {INTERVAL}. any day: since the gauge has words.",
            f"At most {most} windows a row, and rows share their years: where an interval holds "
            "the share of any day, nothing is shown. Weights were stated before these returns "
            "were looked at.",
        ],
        document=_document(
            record, interval=INTERVAL, units={"horizon": "days", "median": "fraction"}
        ),
    )
