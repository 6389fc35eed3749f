"""Whether a window of time has fewer blocks than noise of block arrivals leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.units import (
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
from hashcanary.views.table import Column, Table
from hashcanary.views.text import how_often, minute, moved, percent

if TYPE_CHECKING:
    from hashcanary.inference.filter.comparison import Comparison
    from hashcanary.inference.luck.luck import WindowLuck
    from hashcanary.store.record import Record

YEAR_DAYS = 365.25
_DAYS = 3
# drops whose probability by the dynamic models is given, percent
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
        Column("reference_last", "last block compared with", COUNT),
        Column("hashrate_before", "hashrate over those blocks", HASHRATE),
        Column("span", "span in which the window may be the worst", DAYS),
        Column("models_change", "change by the dynamic models", FRACTION, limits=_POSTERIOR),
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
        ),
    },
    more={
        "models": "quantiles of the change of the hashrate by the dynamic models",
        "missing": "what was not known",
    },
)
_NOTE = (
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


def _compared(record: Record, noise: WindowLuck) -> tuple[Comparison | None, str]:
    """The window against the blocks before it by the dynamic models, or why there is no answer."""
    from hashcanary.inference.errors import WindowNotKnown
    from hashcanary.inference.filter.comparison import compare_record

    assert noise.reference is not None
    before = (noise.reference.start, noise.reference.end)
    try:
        return compare_record(record, before, (noise.window.start, noise.window.end)), ""
    except WindowNotKnown as error:
        return None, str(error)


def answer(
    record: Record, noise: WindowLuck, models: Comparison | None, no_models: str = ""
) -> Answer:
    """The answer of a window that was judged. no_models: why there is no comparison by them."""
    from hashcanary.inference.filter.bank import LEVELS

    window, reference = noise.window, noise.reference
    assert reference is not None
    quantiles = [] if models is None else [float(change) for change in models.quantiles()]
    change = None if models is None else Interval(quantiles[3], quantiles[0], quantiles[-1])
    missing = [*noise.lacks, *(models.lacks if models else (no_models,))]
    return Answer(
        VIEW,
        record,
        f"Blocks from {minute(round(window.start))} to {minute(round(window.end))}, as known at "
        f"{record.at_text}",
        (_table(noise, models),),
        facts={
            "start": round(window.start),
            "end": round(window.end),
            "reference_first": reference.first + 1,
            "reference_last": reference.last,
            "hashrate_before": noise.rate,
            "span": noise.span_days,
            "models_change": change,
            "models_correlation": None if models is None else models.correlation,
        },
        more={
            "models": [
                {"level_probability": float(level), "change_fraction": value}
                for level, value in zip(LEVELS if models else (), quantiles, strict=True)
            ],
            "missing": missing,
        },
        sentences=[
            *_sentences(noise),
            *_by_models(models, change),
            *(f"Missing: {each}." for each in missing),
        ],
        result=noise,
    )


def _table(noise: WindowLuck, models: Comparison | None) -> Table:
    row = (
        noise.window.blocks,
        noise.expected,
        Interval(noise.change, noise.low, noise.high),
        noise.p_value,
        noise.p_span,
        noise.once_in_years,
        *(None if models is None else models.fallen(drop / 100) for drop in _DROPS),
    )
    note = _NOTE.format(days=noise.span_days)
    return Table("window", "Blocks of the window", VIEW.tables["window"], [row], note)


def _sentences(noise: WindowLuck) -> list[str]:
    assert noise.reference is not None
    return [
        f"These blocks are consistent with hashrate {moved(noise.low, noise.high)} against the "
        f"{noise.reference.blocks:,} blocks before (95%).",
        "At constant hashrate, some window of this length holds as few "
        f"{how_often(noise.once_in_years)}.",
    ]


def _by_models(models: Comparison | None, change: Interval | None) -> list[str]:
    if models is None or change is None:
        return []
    low, high = (percent(end, signed=True) for end in change.ends)
    chances = ", ".join(
        f"by more than {drop}%: {small(models.fallen(drop / 100))}" for drop in _DROPS[1:]
    )
    return [
        f"By the dynamic models hashrate changed by {percent(change.value, signed=True)} (95%: "
        f"{low} to {high}).",
        f"P(lower hashrate): {small(models.fallen(0.0))}; {chances}.",
    ]
