"""Chapters: how it ranks in history, and its episodes by the ribbons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.moments import DAY
from hashcanary.report.document import Drawing, Figure, Ledger, Section
from hashcanary.report.sections.now import SMOOTHINGS
from hashcanary.studies.luck import Drawdown, luck_of_drawdowns
from hashcanary.units import DATE, FRACTION, STATE, YEARS
from hashcanary.views.episodes import rule_after, rule_table
from hashcanary.views.table import Cell, Column, Table
from hashcanary.views.text import chance, count, day, ordinal, percent
from hashcanary.views.verdict import ribbon_difference

if TYPE_CHECKING:
    from hashcanary.report.reading import Reading, Row
    from hashcanary.studies.episodes import EpisodeStudy


# an inversion of so many days is one of a week or more
_LONG_DAYS = 7


def history(reading: Reading) -> Section:
    """Rank of the present drawdown among all, and since when none was as deep."""
    rows = tuple(row for key, words in SMOOTHINGS if (row := _row(reading, key, words)))
    since = reading.metric("drawdown.sma30")
    return Section(
        key="history",
        short="History",
        title="How it ranks in history",
        lead=_lead(reading),
        parts=(
            Table(
                key="ranks",
                title="Depth, rank and precedent, by every smoothing",
                columns=(
                    Column("smoothing", "hashrate as"),
                    Column("depth", "deepest point of this drawdown", FRACTION, signed=True),
                    Column("luck", "return period at constant hashrate", YEARS),
                    Column("rank", "rank of all drawdowns"),
                    Column("now", "today", FRACTION, signed=True),
                    Column("since", "last as deep as today"),
                    Column("record", "maximum drawdown on record", FRACTION, signed=True),
                    Column("record_time", "on", DATE),
                ),
                rows=rows,
                empty="No drawdown is known for the last days.",
                note="A drawdown lasts from a peak until that peak is reached again "
                f"({since.source}). Drawdowns of the first years, when a handful of machines made "
                "all blocks, count as any other.",
            ),
        ),
    )


def _row(reading: Reading, key: str, words: str) -> tuple[Cell, ...] | None:
    name = f"drawdown.{key}"
    row = reading.current(name)
    if row is None:
        return None
    rows = reading.metrics[name].present()
    deepest = rows.row(int(rows["value"].arg_min() or 0), named=True)
    rank = f"{ordinal(row['rank'])} of {row['drawdowns']:,}" if row["rank"] else "at its peak"
    since = day(row["deepest_since"]) if row["deepest_since"] is not None else "never before"
    return (
        words,
        row["depth"],
        _luck(reading, key, row),
        rank,
        row["value"],
        since if row["value"] < 0 else "at its peak",
        deepest["value"],
        int(deepest["time"]),
    )


def _luck(reading: Reading, key: str, now: Row) -> float | None:
    """Return period of the present drawdown's deepest point, years; None at the peak."""
    rows = reading.metrics[f"drawdown.{key}"].present()
    inside = rows.filter(rows["time"] > now["peak_time"], rows["time"] <= now["time"])
    if inside.is_empty():
        return None
    row = inside.row(int(inside["value"].arg_min() or 0), named=True)
    (luck,) = luck_of_drawdowns(reading.metrics, key, [Drawdown.of(row)])
    return None if luck is None else luck.once_in_years


def _lead(reading: Reading) -> str:
    row = reading.current("drawdown.sma30")
    if row is None:
        return "Missing: a drawdown of the last days to compare with earlier ones."
    first = day(reading.metrics["drawdown.sma30"].present()["time"][0])
    if not row["rank"]:
        return f"By the 30-day mean, hashrate is at its highest since the record begins ({first})."
    text = (
        f"By the 30-day mean this is the {ordinal(row['rank'], best='deepest')} of "
        f"{row['drawdowns']:,} drawdowns since {first}, {percent(-row['depth'])} at its deepest."
    )
    if row["deepest_since"] is None:
        return text + " No earlier day was as far below its peak as today."
    return text + f" The last day as far below its peak as today was {day(row['deepest_since'])}."


def ribbons(reading: Reading, studies: tuple[EpisodeStudy, ...], state: str) -> Section:
    """The ribbons today, and every episode with what the price did next. state: the verdict's."""
    return Section(
        key="ribbons",
        short="Ribbons, episodes",
        title="Ribbons and episodes",
        lead=_inversions(reading, studies[0], state),
        parts=(
            Drawing("price"),
            Drawing("ribbon"),
            Ledger("ribbons", "The ribbons today", _today(reading)),
            *(part for study in studies for part in (rule_table(study), rule_after(study))),
        ),
    )


def _today(reading: Reading) -> tuple[Figure, ...]:
    return (
        reading.figure("ribbon.state", "Hash ribbons", term="ribbons"),
        reading.figure("ribbon.oscillator", "30-day mean / 60-day mean − 1", term="ribbons"),
        reading.figure("ribbon.days_inverted", "Inverted for", term="ribbons"),
        _last_true(reading, "ribbon.recovery", "Last recovery", "ribbons"),
        _last_true(reading, "ribbon.buy_state", "Last day the buy rule was met", "buy"),
    )


def last_true(reading: Reading, name: str) -> int | None:
    """Start of the last day on which a mark stands, Unix seconds."""
    rows = reading.metrics[name].present()
    true = rows.filter(rows["value"])["time"]
    return int(true[-1]) if true.len() else None


def _last_true(reading: Reading, name: str, label: str, term: str) -> Figure:
    time = last_true(reading, name)
    known = reading.last(name)
    if time is None:
        why = reading.figure(name, label).missing if known is None else "no such day on record"
        return Figure(key=name, label=label, value=None, unit=STATE, missing=why, term=term)
    return Figure(
        key=name,
        label=label,
        value=day(time),
        unit=STATE,
        since=time,
        until=time + DAY,
        source=reading.grounds[known["basis"]] if known else "",
        note="up to " + day(known["time"]) if known else "",
        term=term,
    )


def _inversions(reading: Reading, study: EpisodeStudy, state: str) -> str:
    long = [one for one in study.episodes if one.days >= _LONG_DAYS]
    if study.covered_from is None:
        return "Missing: the 60 days of hashrate that the ribbons need."
    text = (
        f"Since {day(study.covered_from)} the ribbons have been inverted "
        f"{count(len(study.episodes), 'time')}, {len(long)} of them for a week or more."
    )
    row = reading.current("ribbon.state")
    if row is None:
        return text
    inverted = row["value"] == "inverted"
    said = (
        text,
        _now_inverted(reading, study) if inverted else _not_inverted(reading, study),
        ribbon_difference(state, inverted=inverted),
        "Few of their windows are independent, so past returns are weak evidence.",
    )
    return " ".join(filter(None, said))


def _now_inverted(reading: Reading, study: EpisodeStudy) -> str:
    counted = reading.current("ribbon.days_inverted")
    if counted is None:
        return "They are inverted now."
    since = day(counted["time"] - (int(counted["value"]) - 1) * DAY)
    text = f"They have been inverted for {count(int(counted['value']), 'day')}, since {since}"
    luck = None if study.current is None else study.current.luck
    if luck is None or luck.inversion is None:
        return f"{text}."
    long = luck.inversion.as_long
    text += (
        "; in simulated networks whose hashrate never falls, noise inverts them as long in "
        f"{chance(long.per_year, long.at_most)} of years"
    )
    deep = luck.inversion.as_deep
    return (
        f"{text}."
        if deep is None
        else f"{text}, and as deep in {chance(deep.per_year, deep.at_most)}."
    )


def _not_inverted(reading: Reading, study: EpisodeStudy) -> str:
    ended = [one for one in study.episodes if one.end is not None]
    if not ended or ended[-1].end is None:
        return "They are not inverted now."
    end = ended[-1].end
    text = (
        f"They are not inverted now; they crossed back on {day(end)} after "
        f"{count(ended[-1].days, 'day')}."
    )
    buy = last_true(reading, "ribbon.buy_state")
    return f"{text} The buy rule was met on {day(buy)}." if buy is not None and buy >= end else text
