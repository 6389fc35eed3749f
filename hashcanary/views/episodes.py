"""Every capitulation in the record: how deep, how long, and what the price did afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from hashcanary.metrics.intervals import INDEPENDENT_RATIO
from hashcanary.moments import iso_day
from hashcanary.studies.episodes import SHORT_DAYS, Episode, EpisodeStudy, find_episodes, with_luck
from hashcanary.studies.forward_returns import HORIZONS, INTERVAL, ForwardReturn, ForwardSummary
from hashcanary.studies.luck import DEFINITION as SIMULATED_INVERSIONS
from hashcanary.studies.luck import RETURN_PERIOD, Chance, RibbonLuck
from hashcanary.units import COUNT, DATE, DAYS, FRACTION, HASHRATE, PROBABILITY, USD, YEARS
from hashcanary.views.answer import Answer, View, one_of
from hashcanary.views.table import Cell, Column, Table, defined, limited
from hashcanary.views.text import chance, count, day, period

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hashcanary.store.record import Record

TABLES = ("episodes", "after")
_OPEN = "the episode is still open"


def _dollars(price: float) -> str:
    return f"{price:,.0f}" if price >= 100 else f"{price:.2f}"


def _simulated(kind: str, title: str, spare: int) -> tuple[Column, ...]:
    name = f"simulated_as_{kind}"
    return (
        Column(
            name,
            title,
            PROBABILITY,
            spare=spare,
            optional=True,
            definition=f"SIMULATED: chance that in a year block arrivals alone invert the ribbons "
            f"{title}",
        ),
        Column(f"{name}_at_most", "95% upper limit of it", PROBABILITY, hidden=True),
        Column(f"{name}_in_record", "simulated records with one", FRACTION, hidden=True),
    )


def _returns(moment: str, *, hidden: bool) -> tuple[Column, ...]:
    return tuple(
        column
        for days in HORIZONS
        for column in (
            Column(
                f"after_{moment}_{days}d",
                f"+{days} d",
                FRACTION,
                signed=True,
                digits=0,
                hidden=hidden,
                spare={30: 4, 180: 1}.get(days, 0),
                definition=f"change of the price over the {days} days after the {moment} was known",
            ),
            Column(f"after_{moment}_{days}d_missing", "missing", hidden=True),
        )
    )


class After(NamedTuple):
    """What the price did over one horizon after days. of: the rule, or the word, of these days;
    moment: of an episode; began: day numbers.
    """

    of: str
    summary: ForwardSummary
    moment: str = ""
    began: tuple[int, ...] = ()


ANY_DAY = "windows apart, any day"
VIEW = View(
    "episodes",
    "episodes",
    "Which capitulations are in the record, and what did the price do afterwards?",
    tables={
        "episodes": defined(
            {"rank": "by depth, within the rule"},
            Column("rule", "rule"),
            Column("rank", "rank", COUNT, hidden=True, spare=3),
            Column("start", "start", DATE),
            Column("start_known", "start known", DATE, hidden=True),
            Column("end", "end", DATE),
            Column("end_known", "end known", DATE, hidden=True),
            Column("open", "open", hidden=True),
            Column("length", "length", DAYS),
            Column("since_previous", "since the one before", DAYS, hidden=True),
            Column("depth", "depth", FRACTION, limits=INDEPENDENT_RATIO),
            Column("depth_on", "deepest on", DATE, hidden=True),
            Column("peak", "peak", HASHRATE, hidden=True),
            Column("peak_on", "peak on", DATE, hidden=True),
            Column("return_period", "return period", YEARS, spare=2, definition=RETURN_PERIOD),
            Column("oscillator_lowest", "lowest oscillator", FRACTION, hidden=True),
            *_simulated("long", "as long", 6),
            *_simulated("deep", "as deep", 5),
            Column("price_start", "price", USD, text=_dollars, spare=3),
            Column("price_end", "price at the end", USD, hidden=True),
            *_returns("start", hidden=False),
            *_returns("end", hidden=True),
            Column("basis", "source", hidden=True, spare=6),
            Column("unknown_rows", "unknown rows inside", COUNT, hidden=True),
            Column("censored", "begins or ends at a gap", hidden=True),
            Column("simulated", "simulated", hidden=True),
        ),
        "after": (
            Column("rule", "rule", get="of"),
            Column("moment", "after the"),
            Column("horizon", "horizon", DAYS, "summary.horizon_days"),
            Column("events", "episodes", COUNT, "summary.events", hidden=True),
            Column("measured", "measured", COUNT, "summary.measured"),
            Column("mean", "mean", FRACTION, "summary.mean", hidden=True, signed=True),
            Column("median", "median", FRACTION, "summary.median", signed=True),
            Column("positive", "rose", COUNT, "summary.positive", hidden=True),
            Column("independent", "windows apart", COUNT, "summary.independent"),
            Column("share_positive", "rose", FRACTION, "summary.rose", INTERVAL, digits=0),
            Column("any_day_share_positive", "any day", FRACTION, "summary.base_share", digits=0),
            Column("any_day_independent", ANY_DAY, COUNT, "summary.base_independent", hidden=True),
        ),
    },
    more={
        "rules": "each rule: its definition and source, what it covers, its number of episodes, "
        "and SIMULATED inversions of a network that never shrinks"
    },
)


def episodes(record: Record, *, show: str = "episodes") -> Answer:
    """Every episode by every rule as known at the record's moment.

    show: the main table, one of ``TABLES``. Raises UsageError.
    """
    from hashcanary.metrics.engine import metrics_of

    one_of("--show", show, TABLES, "Omit it for the episodes.")
    metrics = metrics_of(record)
    every = find_episodes(metrics, simulated=record.simulated)
    return answer(record, with_luck(metrics, every), show)


def answer(record: Record, studies: Sequence[EpisodeStudy], show: str = "episodes") -> Answer:
    """The answer of studies that were computed. show: the main table."""
    tables = {"episodes": episodes_table(studies), "after": after_table(studies)}
    main = tables.pop(show)
    return Answer(
        VIEW,
        record,
        f"{main.title}, as known at {record.at_text}",
        (main, *tables.values()),
        more={"rules": [rule_facts(study) for study in studies]},
        sentences=[line for study in studies for line in _sentences(study)],
        notes=_NOTES[show],
        result=studies,
    )


_NOTES = {
    "episodes": (
        f"Return period: {RETURN_PERIOD}.",
        "As long, as deep: chance that in a year block arrivals alone invert the ribbons as long, "
        "and as deep (simulated).",
        "Price: when the start was known. +N d: its change over the next N days.",
    ),
    "after": (f"Windows apart do not overlap. Rose: {INTERVAL}.",),
}


def episodes_table(studies: Iterable[EpisodeStudy]) -> Table:
    """Every episode of every rule; people see those of a week or more."""
    every = [episode for study in studies for episode in study.episodes]
    return Table(
        "episodes",
        "Capitulations",
        VIEW.tables["episodes"],
        [episode_row(episode) for episode in every],
        empty="No rule finds an episode.",
        shown=[
            _for_people(episode) for episode in every if episode.open or episode.days >= SHORT_DAYS
        ],
    )


def after_table(studies: Iterable[EpisodeStudy]) -> Table:
    """What the price did after starts and ends, a row a horizon."""
    rows = [
        After(study.rule.name, summary, moment)
        for study in studies
        for moment, summaries in (("start", study.after_start), ("end", study.after_end))
        for summary in summaries
    ]
    return Table("after", "The price after capitulations", VIEW.tables["after"], rows)


def episode_row(episode: Episode) -> dict[str, Cell]:
    """An episode's cells by column name."""
    depth, luck = episode.depth, episode.luck
    fall = None if luck is None else luck.fall
    inversion = None if luck is None else luck.inversion
    row: dict[str, Cell] = dict.fromkeys(column.name for column in VIEW.tables["episodes"])
    row |= {
        "rule": episode.rule,
        "rank": episode.rank,
        "start": episode.start,
        "start_known": episode.start_known - 1,
        "end": episode.end,
        "end_known": episode.end_known and episode.end_known - 1,
        "open": episode.open,
        "length": episode.days,
        "since_previous": episode.days_since_previous,
        "return_period": None if fall is None else fall.once_in_years,
        "oscillator_lowest": None if inversion is None else inversion.lowest,
        "price_start": episode.price_start,
        "price_end": episode.price_end,
        **_changes("start", episode.after_start),
        **_changes("end", episode.after_end),
        "basis": episode.basis,
        "unknown_rows": episode.unknown_rows,
        "censored": episode.censored,
        "simulated": episode.simulated,
    }
    if depth is not None:
        row |= {
            "depth": limited(depth.value, depth.low, depth.high),
            "depth_on": depth.time,
            "peak": depth.peak,
            "peak_on": depth.peak_time,
        }
    for name, such in _chances(episode).items():
        row[name] = such.per_year
        row[f"{name}_at_most"] = such.at_most
        row[f"{name}_in_record"] = such.per_record
    return row


def _chances(episode: Episode) -> dict[str, Chance]:
    """The simulated chances of an inversion, by column name."""
    inversion = None if episode.luck is None else episode.luck.inversion
    if inversion is None:
        return {}
    both = {"simulated_as_long": inversion.as_long, "simulated_as_deep": inversion.as_deep}
    return {name: such for name, such in both.items() if such is not None}


def _changes(moment: str, returns: Iterable[ForwardReturn]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {f"after_{moment}_{days}d_missing": _OPEN for days in HORIZONS}
    for change in returns:
        cells[f"after_{moment}_{change.horizon_days}d"] = change.value
        cells[f"after_{moment}_{change.horizon_days}d_missing"] = change.missing
    return cells


def _for_people(episode: Episode, *, limits: bool = False) -> dict[str, Cell]:
    """The row with its end and its simulated chances as text; its depth without limits."""
    row = episode_row(episode)
    end = "open" if episode.end is None else day(episode.end)
    row["end"] = f"{end} *" if episode.censored else end
    if not limits:
        row["depth"] = None if episode.depth is None else episode.depth.value
    chances = _chances(episode).items()
    return row | {name: chance(such.per_year, such.at_most) for name, such in chances}


def rule_facts(study: EpisodeStudy) -> dict[str, object]:
    """What a rule is, and what it covers."""
    return {
        "rule": study.rule.name,
        "title": study.rule.title,
        "definition": study.rule.definition,
        "source": study.rule.source,
        "episodes": len(study.episodes),
        "shorter_than_7_days": study.short,
        "open": study.current is not None,
        "covered_from": _iso(study.covered_from),
        "covered_to": _iso(study.covered_to and study.covered_to - 1),
        "gaps": [{"from": iso_day(start), "to": iso_day(end - 1)} for start, end in study.gaps],
        "simulated_inversions": study.luck and _inversions(study.luck),
    }


def _iso(seconds: int | None) -> str | None:
    return None if seconds is None else iso_day(seconds)


def _inversions(luck: RibbonLuck) -> dict[str, object]:
    """How often block arrivals alone invert the ribbons."""
    return {
        "definition": SIMULATED_INVERSIONS,
        "seed": luck.seed,
        "worlds": luck.worlds,
        "simulated_years": luck.years,
        "inversions_per_year": luck.per_year,
        "inversions_per_year_low": luck.low,
        "inversions_per_year_high": luck.high,
        "interval": "four of five simulated years",
        "a_week_or_longer_per_year": luck.weeks_per_year,
    }


def _sentences(study: EpisodeStudy) -> list[str]:
    """What a rule is, what it covers, and what block arrivals alone do."""
    lines = [f"{study.rule.name}: {study.rule.title.lower()}, {study.rule.definition}."]
    if study.covered_from is None or study.covered_to is None:
        return [*lines, "  The rule cannot be applied anywhere in this record."]
    gaps = f", with {count(len(study.gaps), 'gap')}" if study.gaps else ""
    lines.append(f"  Covered: {period(study.covered_from, study.covered_to)}{gaps}.")
    if study.luck is not None:
        lines += [f"  {line}" for line in _luck(study.luck)]
    if study.short:
        lines.append(
            f"  {count(study.short, 'more episode')} ended within a week, most of them noise: "
            "--json and --csv have them."
        )
    if any(episode.censored for episode in study.episodes):
        lines.append("  *: begins or ends at a gap of the record.")
    return lines


def _luck(luck: RibbonLuck) -> list[str]:
    return [
        f"Simulated, in {luck.worlds} networks that grow as the record did but never shrink: block "
        f"arrivals alone invert the ribbons {luck.per_year:.0f} times a year "
        f"({luck.low:.0f} to {luck.high:.0f} in four years of five).",
        f"Of these {luck.weeks_per_year:.1f} a year last a week or more.",
    ]


_SIMULATED_COLUMNS = ("simulated_as_long", "simulated_as_deep")


def rule_table(study: EpisodeStudy) -> Table:
    """One rule's episodes, the newest first, with returns from their ends, for the report."""
    return Table(
        f"episodes_{study.rule.name}",
        study.rule.title,
        _columns(
            "episodes",
            *("start", "end", "length", "depth", "return_period"),
            *(_SIMULATED_COLUMNS if study.luck else ()),
            *("rank", *(f"after_end_{days}d" for days in HORIZONS), "basis"),
        ),
        [episode_row(episode) for episode in reversed(study.episodes)],
        note=_note(study),
        empty=f"None in the record: {study.rule.definition}.",
        shown=[_for_people(episode, limits=True) for episode in reversed(study.episodes)],
    )


def rule_after(study: EpisodeStudy) -> Table:
    """What the price did after one rule's episodes had ended, for the report."""
    columns = _columns(
        "after",
        *("horizon", "measured", "median", "independent", "share_positive"),
        "any_day_share_positive",
    )
    return Table(
        f"after_{study.rule.name}",
        f"{study.rule.title}: how often the price was higher afterwards",
        columns,
        [After("", summary) for summary in study.after_end if summary.measured],
        note="Counted from the day on which the end was known. Windows apart do not overlap. "
        f"Rose: {INTERVAL}. Where the share of any day lies inside the interval, episodes say no "
        "more than any day.",
        empty="No episode has ended long enough ago.",
    )


def _columns(table: str, *names: str) -> list[Column]:
    """Columns of a table by name, seen by people."""
    return [replace(column, hidden=False) for column in VIEW.columns(table, *names)]


def _note(study: EpisodeStudy) -> str:
    rule = study.rule
    lines = [
        f"{rule.definition[:1].upper()}{rule.definition[1:]} ({rule.source}).",
        "Changes of the price count from the day on which the end was known; a dash: not over yet, "
        "or no price.",
        f"Return period: {RETURN_PERIOD}.",
    ]
    if study.short:
        lines.append(f"{count(study.short, 'episode')} ended within a week: most of them noise.")
    if study.luck is not None:
        lines += _luck(study.luck)
        lines.append(
            "As long, as deep: the chance of at least one such inversion in a year, among those "
            "within a year of it in these networks."
        )
    if any(episode.censored for episode in study.episodes):
        lines.append("*: begins or ends at a gap of the record.")
    if study.gaps:
        spans = "; ".join(period(start, end) for start, end in study.gaps)
        lines.append(f"The rule cannot be applied: {spans}.")
    return " ".join(lines)
