"""Whether a window has fewer blocks than noise leaves, and the drops that are beyond noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.units import (
    BLOCKS,
    COUNT,
    DAYS,
    FRACTION,
    HASHRATE,
    P_VALUE,
    PROBABILITY,
    RATIO,
    UNIX_TIME,
    YEARS,
)
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Cell, Column, Table
from hashcanary.views.text import count, day, how_often, minute, moved, percent

if TYPE_CHECKING:
    from hashcanary.inference.drops.drops import Drop, DropList
    from hashcanary.inference.gap.change import Change
    from hashcanary.inference.luck.luck import WindowLuck
    from hashcanary.store.record import Record

YEAR_DAYS = 365.25
_DAYS = 3
# drops whose probability is given, percent
_DROPS = (0, 5, 10, 20)
_SMALLEST = 1e-6
_EXACT = "95% confidence, exact (ratio of two Gamma variates)"
_POSTERIOR = "central 95% of the posterior"


def small(chance: float) -> str:
    """A probability that may be tiny, for people: ``5.2%``, ``0.036%``, ``<0.0001%``."""
    if chance < _SMALLEST:
        return f"<{percent(_SMALLEST, 4)}"
    if chance > 0.999:
        return ">99.9%"
    return percent(chance) if chance >= 0.001 else f"{chance * 100:.2g}%"


VIEW = View(
    "luck",
    "study luck",
    "Does a window of time have fewer blocks than noise of block arrivals leaves?",
    facts=(
        Column("start", "start of the window", UNIX_TIME),
        Column("end", "end of the window", UNIX_TIME),
        Column("reference_first", "first block compared with", COUNT),
        Column("reference_last", "last block compared with", COUNT, "reference.last"),
        Column("hashrate_before", "hashrate over those blocks", HASHRATE, "rate"),
        Column("span", "span in which the window may be the worst", DAYS, "span_days"),
        Column(
            "models_change",
            "change, by draws of what happened around it",
            FRACTION,
            limits=_POSTERIOR,
        ),
        Column("models_correlation", "correlation of both log hashrates", RATIO),
    ),
    tables={
        "window": (
            Column("blocks", "blocks", COUNT, definition="block headers of the record"),
            Column("expected_blocks", "expected", COUNT, text="{:,.1f}".format),
            Column("change", "change", FRACTION, limits=_EXACT, signed=True),
            Column("p_value", "p-value", P_VALUE, text=small),
            Column("p_worst_of_span", "worst of span", P_VALUE, text=small),
            Column("once_in", "return period", YEARS),
            *(
                Column(f"lower_by_{drop}_percent", f"lower by {drop}%", PROBABILITY, hidden=True)
                for drop in _DROPS
            ),
        )
    },
    more={
        "models": "quantiles of the change of the hashrate, by draws of what happened around it",
        "missing": "what was not known",
    },
)
_LUCK_NOTE = (
    "p-value: that this window holds as few blocks at constant hashrate. Worst of span: that some "
    "window of its length within {days:g} days does."
)


def luck(
    record: Record,
    *,
    start: float | None = None,
    end: float | None = None,
    span_days: float = YEAR_DAYS,
) -> Answer:
    """How likely noise leaves as few blocks as a window has, at the hashrate of those before it.

    start, end: Unix seconds; None: the last three days whose blocks are settled. span_days: days in
    which the window may have been picked as the worst. Raises WindowNotKnown, HeightNotKnown,
    NoBlocksToObserve.
    """
    from hashcanary.inference.filter.observations import blocks_of
    from hashcanary.inference.luck.luck import window_luck
    from hashcanary.inference.luck.windows import between_times, settled_until

    blocks = blocks_of(record)
    until = settled_until(blocks) if end is None else end
    since = until - _DAYS * DAY if start is None else start
    window = between_times(blocks, record.network, since, until)
    noise = window_luck(blocks, record.network, window, span_days=span_days)
    return answer(record, noise, *_compared(record, noise))


def _compared(record: Record, noise: WindowLuck) -> tuple[Change | None, str]:
    """The window against the blocks before it by draws of that time, or why there is no answer."""
    from hashcanary.inference.errors import WindowNotKnown
    from hashcanary.inference.gap.change import change_between

    assert noise.reference is not None
    # header times are not ordered: the last block before it may say a time inside
    before = (noise.reference.start, min(noise.reference.end, noise.window.start))
    try:
        return change_between(record, before, (noise.window.start, noise.window.end)), ""
    except WindowNotKnown as error:
        return None, str(error)


def answer(record: Record, noise: WindowLuck, models: Change | None, no_models: str = "") -> Answer:
    """The answer of a window that was judged. no_models: why there is no comparison by them."""
    from hashcanary.inference.filter.bank import LEVELS

    window, reference = noise.window, noise.reference
    assert reference is not None
    quantiles = [] if models is None else [float(one) for one in models.quantiles(LEVELS)]
    change = None if models is None else Interval(quantiles[3], quantiles[0], quantiles[-1])
    known: dict[str, Cell] = {
        "start": round(window.start),
        "end": round(window.end),
        "reference_first": reference.first + 1,
        "models_change": change,
        "models_correlation": None if models is None else models.correlation,
    }
    missing = [*noise.lacks, *(models.lacks if models else (no_models,))]
    return Answer(
        VIEW,
        record,
        f"Blocks from {minute(round(window.start))} to {minute(round(window.end))}, as known at "
        f"{record.at_text}",
        (_table(noise, models),),
        facts=VIEW.facts_of(noise, known),
        more={
            "models": [
                {"level_probability": float(level), "change_fraction": value}
                for level, value in zip(LEVELS if models else (), quantiles, strict=True)
            ],
            "missing": missing,
        },
        sentences=[
            *_luck_sentences(noise),
            *_by_models(models, change),
            *_apart(noise, change),
            *(f"Missing: {each}." for each in missing),
        ],
        result=noise,
    )


def _table(noise: WindowLuck, models: Change | None) -> Table:
    row = (
        noise.window.blocks,
        noise.expected,
        Interval(noise.change, noise.low, noise.high),
        noise.p_value,
        noise.p_span,
        noise.once_in_years,
        *(None if models is None else models.fallen(drop / 100) for drop in _DROPS),
    )
    note = _LUCK_NOTE.format(days=noise.span_days)
    return Table("window", "Blocks of the window", VIEW.tables["window"], [row], note)


def _luck_sentences(noise: WindowLuck) -> list[str]:
    assert noise.reference is not None
    return [
        f"These blocks are consistent with hashrate {moved(noise.low, noise.high)} against the "
        f"{noise.reference.blocks:,} blocks before (95%).",
        "At constant hashrate, some window of this length holds as few "
        f"{how_often(noise.once_in_years)}.",
    ]


def _by_models(models: Change | None, change: Interval | None) -> list[str]:
    if models is None or change is None:
        return []
    low, high = (percent(end, signed=True) for end in change.ends)
    chances = ", ".join(f"by more than {drop}%: {_share(models, drop)}" for drop in _DROPS[1:])
    return [
        "With the days around it, and what drops usually look like, hashrate changed by "
        f"{percent(change.value, signed=True)} (95%: {low} to {high}).",
        f"P(lower hashrate): {_share(models, 0)}; {chances}.",
    ]


def _share(models: Change, drop: int) -> str:
    """A share of the draws, which tell no less than one of them."""
    chance, least = models.fallen(drop / 100), models.least
    if chance < least:
        return f"<{percent(least)}"
    return f">{percent(1 - least)}" if chance > 1 - least else percent(chance)


def _apart(noise: WindowLuck, change: Interval | None) -> list[str]:
    """Why the window alone and the models part, where their limits do."""
    if change is None or (noise.low <= change.high and change.low <= noise.high):
        return []
    return [
        "The two differ: the first is of this window's blocks alone, while the second weighs them "
        "with the days around it and with how often drops of such a depth begin."
    ]


# what noise does more often than once in so many years is not worth a sentence
_WORTH_A_LINE = 0.1
_LIMIT = "header time of the block at that end of the central 95% of the posterior"
_NULL = "noise, ordinary variation and growth of the hashrate as learned by then; no drop"


def _limit(name: str, title: str, get: str) -> Column:
    # header times need not follow heights: an Interval of them could be out of order
    return Column(name, title, UNIX_TIME, get, definition=_LIMIT, hidden=True)


def _depth(drop: Drop) -> Cell:
    return Interval(drop.depth, drop.depth_low, drop.depth_high)


DROPS = View(
    "drops",
    "study drops",
    "When did the hashrate drop, by its blocks, at a stated rate of false alarms?",
    facts=(
        Column("between_false_alarms", "between false alarms", YEARS, "years"),
        Column("watched_blocks", "blocks watched", COUNT, "watched"),
        Column("false_alarms", "false alarms expected in them, at most", COUNT),
        Column("now_once_in", "return period of now", YEARS, "luck_years_now"),
    ),
    tables={
        "drops": (
            Column("start", "start", UNIX_TIME, "start_time", text=day),
            _limit("start_low", "start, lower limit", "start_low_time"),
            _limit("start_high", "start, upper limit", "start_high_time"),
            Column("start_height", "start height", COUNT, "start", hidden=True),
            Column("alarm", "alarm", UNIX_TIME, "alarm_time", text=day),
            Column("alarm_height", "alarm at block", COUNT, "alarm", spare=2),
            Column("delay", "delay", BLOCKS, spare=3, definition="from its start to its alarm"),
            Column("depth", "depth", FRACTION, _depth, "central 95% of the posterior", digits=0),
            Column("end", "until", UNIX_TIME, "end_time", text=day),
            Column("end_height", "end height", COUNT, "end", hidden=True),
            Column("returned", "recovered", spare=1),
            Column("once_in", "return period", YEARS, "luck_years"),
            Column("level_before", "before", HASHRATE, "level", hidden=True),
        )
    },
    more={
        "watched": "first and last heights of the unbroken runs of blocks that were watched",
        "null_hypothesis": "what a drop is tested against",
    },
)
_DROPS_NOTE = (
    "Depth: of the mean hashrate from start to end, below the level before (95%). Until: the last "
    "block that made the drop more certain. Recovered: more than half of it within three days of "
    "the end. Return period: of noise that looks as much like a drop."
)


def drops(record: Record, *, years: float = 1.0) -> Answer:
    """Drops in hashrate of a record, with the alarm that each raised.

    years: of blocks between two false alarms. Raises NoBlocksToObserve, NothingObserved,
    NoRetargets.
    """
    from hashcanary.inference.drops.drops import find_drops

    found = find_drops(record, years)
    table = Table(
        "drops",
        "Drops in hashrate",
        DROPS.tables["drops"],
        found.drops,
        _DROPS_NOTE,
        empty="No drop raised an alarm.",
    )
    return Answer(
        DROPS,
        record,
        f"Drops in hashrate, as known at {record.at_text}",
        (table,),
        facts=DROPS.facts_of(found),
        more={
            "watched": [{"first_height": first, "last_height": last} for first, last in found.runs],
            "null_hypothesis": _NULL,
        },
        sentences=_drop_sentences(found),
        result=found,
    )


def _drop_sentences(found: DropList) -> list[str]:
    lines = [
        f"{count(len(found.drops), 'alarm')} in {count(found.watched, 'block')}; noise and "
        f"ordinary variation alone raise {found.false_alarms:.1f} on average, or fewer."
    ]
    if len(found.runs) > 1:
        runs = ", ".join(f"{first:,} to {last:,}" for first, last in found.runs)
        lines.append(f"Watched heights: {runs}. A drop across a gap cannot be seen.")
    if found.luck_years_now < _WORTH_A_LINE:
        return [*lines, "The blocks since the last alarm show no further drop."]
    often = how_often(found.luck_years_now)
    return [*lines, f"At constant hashrate, noise looks as much like a drop as now {often}."]
