"""Chapter 5: ribbons and episodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.report.document import Drawing, Figure, Ledger, Section
from hashcanary.report.verdict import INVERTED_DAYS
from hashcanary.studies.drawdown_luck import DEFINITION
from hashcanary.units import COUNT, DATE, DAYS, FRACTION, STATE, YEARS
from hashcanary.views.table import INTERVAL, Column, Table, limited
from hashcanary.views.text import chance, count, day

if TYPE_CHECKING:
    from hashcanary.report.reading import Reading
    from hashcanary.studies.episodes import Episode, EpisodeLuck, EpisodeStudy
    from hashcanary.studies.forward_returns import ForwardSummary
    from hashcanary.studies.ribbon_luck import RibbonLuck
    from hashcanary.views.table import Cell

_HORIZONS = (30, 90, 180, 365)


def ribbons(reading: Reading, studies: tuple[EpisodeStudy, ...]) -> Section:
    """The ribbons today, and every episode with what the price did next."""
    return Section(
        key="ribbons",
        short="Ribbons, episodes",
        title="Ribbons and episodes",
        lead=_lead(reading, studies[0]),
        parts=(
            Drawing("price"),
            Drawing("ribbon"),
            Ledger("ribbons", "The ribbons today", _today(reading)),
            *(part for study in studies for part in (_episodes(study), _summary(study))),
        ),
    )


def _today(reading: Reading) -> tuple[Figure, ...]:
    return (
        reading.figure("ribbon.state", "Hash ribbons", term="ribbons"),
        reading.figure(
            "ribbon.oscillator", "30-day mean over 60-day mean, less one", term="ribbons"
        ),
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
        why = reading.figure(name, label).missing if known is None else "no such day in the record"
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


def _lead(reading: Reading, study: EpisodeStudy) -> str:
    long = [one for one in study.episodes if one.days >= INVERTED_DAYS]
    if study.covered_from is None:
        return "The ribbons need sixty days of hashrate, which the record does not hold."
    text = (
        f"Since {day(study.covered_from)} the ribbons have been inverted "
        f"{count(len(study.episodes), 'time')}, {len(long)} of them for a week or more."
    )
    row = reading.current("ribbon.state")
    if row is None:
        return text
    state = "They are inverted now" if row["value"] == "inverted" else "They are not inverted now"
    return f"{text} {state}. What the price did afterwards is no rule: few of these stand apart."


_LUCK_COLUMNS = (
    Column("luck_long", "as long (simulated)", COUNT, spare=1),
    Column("luck_deep", "as inverted (simulated)", COUNT, spare=1),
)


def _episodes(study: EpisodeStudy) -> Table:
    return Table(
        key=f"episodes_{study.rule.name}",
        title=study.rule.title,
        columns=(
            Column("start", "began", DATE),
            Column("end", "ended", DATE),
            Column("days", "days", DAYS),
            Column("depth", "depth (95%)", FRACTION, limits=INTERVAL),
            Column("luck", "by luck, once in", YEARS),
            *(_LUCK_COLUMNS if study.luck else ()),
            Column("rank", "rank", spare=1),
            *(
                Column(f"after_{days}", f"price +{days} d", FRACTION, signed=True)
                for days in _HORIZONS
            ),
            Column("basis", "rests on", spare=1),
        ),
        rows=tuple(_episode(one) for one in reversed(study.episodes)),
        note=_episodes_note(study),
        empty=f"None in the record: {study.rule.definition}.",
    )


def _episode(one: Episode) -> tuple[Cell, ...]:
    depth = None
    if one.depth is not None:
        depth = Interval(one.depth.value, one.depth.low, one.depth.high)
    after = {each.horizon_days: each.value for each in one.after_end}
    end: int | str = "open" if one.end is None else one.end
    if one.censored:
        end = f"{end if isinstance(end, str) else day(end)} *"
    return (
        one.start,
        end,
        one.days,
        depth,
        *_luck(one.luck),
        "" if one.rank is None else str(one.rank),
        *(after.get(days) for days in _HORIZONS),
        one.basis,
    )


def _luck(luck: EpisodeLuck | None) -> tuple[Cell, ...]:
    """How often luck alone makes its depth; of an inversion also its length and its own depth."""
    if luck is None:
        return (None,)
    fall = None if luck.fall is None else luck.fall.once_in_years
    if luck.inversion is None:
        return (fall,)
    both = (luck.inversion.as_long, luck.inversion.as_deep)
    return (
        fall,
        *(None if one is None else chance(one.per_year, one.at_most) for one in both),
    )


def _luck_note(luck: RibbonLuck) -> str:
    return (
        f" Simulated, in a network that grows as the record did but never falls: luck alone "
        f"inverts the ribbons {luck.per_year:.0f} times a year ({luck.low:.0f} to {luck.high:.0f} "
        f"in four years of five), {luck.weeks_per_year:.1f} times for a week or more. As long and "
        f"as inverted: the chance of at least one inversion in a year that lasts as long, and "
        f"of one in which the 30-day mean goes as far below the 60-day mean, among those within a "
        f"year of it in {luck.worlds} such networks."
    )


def _episodes_note(study: EpisodeStudy) -> str:
    text = (
        f"{study.rule.definition[:1].upper()}{study.rule.definition[1:]} ({study.rule.source}). "
        "Returns of the price run from the day the end was known; a dash: not over yet, or no "
        "price."
    )
    if study.short:
        text += f" {study.short} ended within a week: most of them luck."
    text += f" By luck: {DEFINITION}."
    if study.luck is not None:
        text += _luck_note(study.luck)
    if any(one.censored for one in study.episodes):
        text += " *: begins or ends at a gap of the record."
    if study.gaps:
        spans = "; ".join(f"{day(start)} to {day(end)}" for start, end in study.gaps)
        text += f" The rule cannot be applied: {spans}."
    return text


def _summary(study: EpisodeStudy) -> Table:
    return Table(
        key=f"after_{study.rule.name}",
        title=f"{study.rule.title}: how often the price was higher afterwards",
        columns=(
            Column("horizon", "days after the end"),
            Column("measured", "episodes measured", COUNT),
            Column("median", "median return", FRACTION, signed=True),
            Column("independent", "windows that do not overlap", COUNT),
            Column("share", "share of these that rose (95%)", FRACTION, limits=INTERVAL),
            Column("base", "share of all days", FRACTION, limits=INTERVAL),
        ),
        rows=tuple(_summary_row(one) for one in study.after_end if one.measured),
        note=(
            "Intervals: exact (Clopper and Pearson), on windows that do not overlap. Where the "
            "share of all days lies inside the interval, the episodes tell nothing that any day "
            "would not have told."
        ),
        empty="No episode has ended long enough ago.",
    )


def _summary_row(one: ForwardSummary) -> tuple[Cell, ...]:
    share = limited(one.share_positive, one.low, one.high)
    return (
        f"{one.horizon_days}",
        one.measured,
        one.median,
        one.independent,
        share,
        one.base_share,
    )
