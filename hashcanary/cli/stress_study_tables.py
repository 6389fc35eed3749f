"""The tables of ``hashcanary study stress``: capitulations, luck, returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.cli.output import Column, Table
from hashcanary.cli.stress_cells import change, document, marked, number, percent, tenths, whole
from hashcanary.moments import DAY, iso_day
from hashcanary.studies.errors import NoStress
from hashcanary.studies.forward_returns import INTERVAL
from hashcanary.studies.stress.against import against
from hashcanary.studies.stress.answer import ALL_WORDS
from hashcanary.studies.stress.gauge import BAND_TEXT, reweighted
from hashcanary.studies.stress.luck import DEFINITIONS
from hashcanary.units import DAYS, FRACTION, INDEX_100, PER_YEAR, YEARS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.cli.output import Row
    from hashcanary.store.record import Record
    from hashcanary.studies.stress.after import AfterWord
    from hashcanary.studies.stress.against import Against, Proportion, Reading
    from hashcanary.studies.stress.capitulations import Capitulation
    from hashcanary.studies.stress.gauge import StressHistory
    from hashcanary.studies.stress.luck import StressLuck

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


def _episode_columns() -> list[Column]:
    return [
        Column("capitulation", "capitulation"),
        Column("start", "from"),
        Column("end", "to", data_only=True),
        Column("before", "30 d before", INDEX_100, people=whole, spare=2),
        Column("at_start", "start", INDEX_100, people=whole),
        Column("highest", "top", INDEX_100, people=whole),
        Column("highest_low", "low", INDEX_100, people=whole, spare=1),
        Column("highest_high", "high", INDEX_100, people=whole, spare=1),
        Column("highest_on", "on", data_only=True),
        Column("after", "30 d after", INDEX_100, people=whole, spare=2),
        Column("word_at_start", "word then", data_only=True),
        Column("worst_word", "worst word"),
        Column("lead", "lead", DAYS, people=_lead),
        Column("hit", "hit"),
        Column("covered", "covered", data_only=True),
        Column("source", "source", data_only=True),
    ]


def episodes(
    record: Record,
    history: StressHistory,
    capitulations: Sequence[Capitulation],
    whose: str = "published",
) -> Table:
    """The gauge around capitulations; whose: a key of ``_WHOSE``."""
    title, said = _WHOSE[whose]
    found = against(history, capitulations)
    rows = [_reading_row(one) for one in found.readings]
    blind = _without_activity(history, capitulations)
    notes = [
        *marked(record),
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
        _episode_columns(),
        rows,
        title=f"The stress gauge at {title}, as known at {record.at_text}",
        notes=notes,
        document=document(
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


def _reading_row(one: Reading) -> Row:
    return {
        "capitulation": one.capitulation.name,
        "start": iso_day(one.capitulation.start),
        "end": iso_day(one.capitulation.end - DAY),
        "before": number(one.before),
        "at_start": number(one.at_start),
        "highest": number(one.highest),
        "highest_low": number(one.highest_low),
        "highest_high": number(one.highest_high),
        "highest_on": None if one.highest_day is None else iso_day(one.highest_day),
        "after": number(one.after),
        "word_at_start": ALL_WORDS[one.word] if one.word >= 0 else None,
        "worst_word": ALL_WORDS[one.worst] if one.worst >= 0 else None,
        "lead": one.lead_days,
        "hit": one.hit if one.covered else None,
        "covered": one.covered,
        "source": one.capitulation.source,
    }


def _share(one: Proportion) -> str:
    return f"{one.hits} of {one.trials} ({one.share.low:.0%} to {one.share.high:.0%})"


def _hits(who: str, found: Against) -> str:
    by_chance = f"{found.by_shift:.1f} by the same words laid elsewhere in time"
    if not np.isfinite(found.by_shift):
        by_chance = "nothing: too few days to lay the words elsewhere in time"
    elif found.as_many > 0:
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


def _counted(one: Proportion) -> dict[str, object]:
    return {
        "count": one.hits,
        "of": one.trials,
        "fraction": one.share.value,
        "low": one.share.low,
        "high": one.share.high,
    }


def _luck_columns() -> list[Column]:
    return [
        Column("world", "world"),
        Column("after_halving", "halving"),
        Column("word", "word"),
        Column("points", "from", INDEX_100, people=whole),
        Column("years", "years", YEARS, people=whole, spare=1),
        Column("share", "of days", FRACTION, people=percent),
        Column("share_low", "low", FRACTION, people=percent),
        Column("share_high", "high", FRACTION, people=percent),
        Column("spells", "spells a year", PER_YEAR, people=tenths),
        Column("own_share", "own word", FRACTION, people=percent, spare=2),
    ]


def luck(record: Record, found: StressLuck) -> Table:
    """SIMULATED worlds without stress."""
    rows: list[Row] = [
        {
            "world": one.world,
            "after_halving": "year after" if one.after_halving else "other years",
            "word": one.word,
            "points": one.points,
            "years": one.years,
            "share": number(one.share),
            "share_low": number(one.low),
            "share_high": number(one.high),
            "spells": number(one.spells_per_year),
            "own_share": number(one.own_share),
        }
        for one in found.words
    ]
    worlds = "; ".join(f"{name}: {text}" for name, text in DEFINITIONS.items())
    return Table(
        _luck_columns(),
        rows,
        title="SIMULATED: the stress gauge in worlds that grow without stress",
        notes=[
            f"SIMULATED: {found.worlds} worlds of each kind, seed {found.seed}. {worlds}.",
            "of days: that reach the points at which the record's word begins now; low, high: of "
            "nine worlds in ten. own word: by the world's own days before, a fifth of which is "
            "`stressed` in the long run whatever happens. A halving takes half of what miners "
            "earn: that is no luck.",
        ],
        document=document(
            record,
            simulated_worlds=True,
            worlds=found.worlds,
            seed=found.seed,
            definitions=DEFINITIONS,
            spread_of_gauge_index_0_100=dict(found.spread),
            spread_of_record_index_0_100=found.record_spread,
        ),
    )


def _return_columns() -> list[Column]:
    return [
        Column("word", "word"),
        Column("horizon", "horizon", DAYS),
        Column("spells", "spells"),
        Column("measured", "measured", data_only=True),
        Column("mean", "mean", FRACTION, data_only=True),
        Column("median", "median", FRACTION, people=change),
        Column("independent", "apart"),
        Column("share_positive", "rose", FRACTION, people=percent),
        Column("share_low", "low", FRACTION, people=percent),
        Column("share_high", "high", FRACTION, people=percent),
        Column("base_share", "any day", FRACTION, people=percent),
        Column("base_independent", "base, windows apart", data_only=True),
        Column("began", "began", data_only=True),
    ]


def returns(record: Record, found: Sequence[AfterWord]) -> Table:
    """What the price did after the gauge began to say a word."""
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
        _return_columns(),
        rows,
        title=f"The price after the stress gauge began to say a word, as known at {record.at_text}",
        notes=[
            *marked(record),
            "word: or worse. apart: windows that do not overlap; rose: part of them after which "
            f"the price was higher: {INTERVAL}. any day: since the gauge has words.",
            f"At most {most} windows a row, and rows share their years: where an interval holds "
            "the share of any day, nothing is shown. Weights were stated before these returns "
            "were looked at.",
        ],
        document=document(
            record, interval=INTERVAL, units={"horizon": "days", "median": "fraction"}
        ),
    )
