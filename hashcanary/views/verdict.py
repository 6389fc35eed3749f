"""The verdict: what is going on in mining, why, how sure that is, and where it goes."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from hashcanary.moments import iso_day, iso_time
from hashcanary.units import DATE, DAYS, FRACTION, PROBABILITY
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Column, Table
from hashcanary.views.text import count, day, percent, probability, with_ends

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from hashcanary.inference.gap.gap import Drop, Gap
    from hashcanary.interval import Interval
    from hashcanary.store.record import Record
    from hashcanary.studies.verdict.verdict import Verdict

_POSTERIOR = "95% of what the blocks and the stated priors leave possible"
_SHARE = "of the highest level of the last year"
# parts of a gap from this on have a sentence, and so many drops at most
_TOLD, _MOST_TOLD = 0.005, 3
SCATTERED, GROWTH = "unknown", "growth"

MEANINGS = {
    "calm": "hashrate is at or near its highest level, and margins are not gone",
    "noise": "few blocks of late, which block arrivals alone explain",
    "stressed": "margins are gone, but machines still run",
    "curtailed": "machines are off for a while, for weather or the price of power",
    "capitulating": "machines are being switched off because they do not pay",
    "exiting": "machines leave for other reasons than margins: bans, relocation, AI",
    "recovering": "hashrate is coming back after a drop",
    "unknown": "the record does not suffice",
}
_OF = {"curtailment": "curtailment", "economics": "economics", "exit": "permanent exit"}

VIEW = View(
    "verdict",
    "verdict",
    "What is going on in mining, why, and how sure is that?",
    tables={
        "states": (
            Column("state", "state"),
            Column("probability", "probability", PROBABILITY),
            Column("meaning", "meaning", definition="what the state means", spare=1),
        ),
        "parts": (
            Column("since", "drop from", DATE, definition="day on which it began, UTC"),
            Column("cause", "cause", definition="the cause that is at least 60% probable, if any"),
            Column("real", "P(real)", PROBABILITY),
            Column("depth", "deepest", FRACTION, limits=_POSTERIOR),
            Column("days", "fell over", DAYS, limits=_POSTERIOR, spare=2),
            Column("returned", "back", FRACTION, limits=_POSTERIOR),
            Column(
                "share",
                "missing now",
                FRACTION,
                limits=_POSTERIOR,
                definition=f"fraction {_SHARE} that it takes away now and did not then",
            ),
            Column("curtailment", "P(curtailment)", PROBABILITY, spare=3),
            Column("economics", "P(economics)", PROBABILITY, spare=3),
            Column("exit", "P(exit)", PROBABILITY, spare=3),
        ),
    },
    more={
        "verdict": "state, probabilities by state, headline, sentences, quote, gap with its parts, "
        "trend, as_of, data_to; shares are fractions of the highest level of the last year and add "
        "up to below_fraction; gap is null where nothing is below",
        "parts": "drops of the last year, a row each",
    },
)


def verdict(
    record: Record,
    *,
    causes: Path | None = None,
    regions: Path | None = None,
    rigs: Path | None = None,
    power_prices: Path | None = None,
) -> Answer:
    """What is going on in mining, why, and how sure that is, as known at the record's moment.

    causes, regions, rigs, power_prices: TOML files in place of those that come with hashcanary.
    Raises BadStatement, BadFigures, NoRetargets, TooFewToExplain.
    """
    from hashcanary.economics.machines.rigs import read_rigs
    from hashcanary.economics.power.prices import read_power_prices
    from hashcanary.inference.explain.attribution import Assumptions
    from hashcanary.inference.explain.causes import read_causes, read_pool_regions
    from hashcanary.inference.explain.margins import Machines
    from hashcanary.studies.verdict.verdict import verdict_of

    given = Assumptions(
        read_causes(causes),
        read_pool_regions(regions),
        Machines(read_rigs(rigs), read_power_prices(power_prices)),
    )
    return answer(record, verdict_of(record, given))


def answer(record: Record, found: Verdict) -> Answer:
    """The answer of a verdict that was reached."""
    tables = states(found), parts(found)
    return Answer(
        VIEW,
        record,
        headline(found),
        tables,
        more={"verdict": document(record, found), "parts": tables[1].records()},
        sentences=sentences(found),
        notes=[f"As known at {record.at_text}, from data up to {iso_time(int(found.data_to))}."],
        result=found,
    )


def states(found: Verdict) -> Table:
    """Every state with its probability, the most probable first."""
    ranked = sorted(found.probabilities.items(), key=lambda one: -one[1])
    rows = [(name, share, MEANINGS[name]) for name, share in ranked]
    likely = [row for row in rows if row[1] >= 0.01]
    return Table("states", "States", VIEW.tables["states"], rows, shown=likely)


def parts(found: Verdict) -> Table:
    """The drops of the last year, the earliest first."""
    rows = [
        (
            one.begin.value,
            one.cause,
            one.probability,
            one.depth,
            one.days,
            one.returned,
            one.share,
            *one.causes.values(),
        )
        for one in found.gap.drops
    ]
    return Table(
        "parts",
        "Drops of the last year",
        VIEW.tables["parts"],
        rows,
        empty="No drop of the last year is likely.",
    )


def headline(found: Verdict) -> str:
    """State and size in one line."""
    share = probability(found.probabilities[found.state])
    text = f"Bitcoin mining is {found.state} (P {share})"
    if found.state == "unknown":
        text = f"The state of Bitcoin mining is unknown (P {share})"
    if not found.below:
        return f"{text}: hashrate is at or near its highest level of the last year"
    return f"{text}: hashrate is {_down(found.gap.below)} below its highest level of the last year"


def sentences(found: Verdict) -> list[str]:
    """At most ten lines, each the answer to one question."""
    return [
        *_state(found),
        *_gap(found),
        *_rank(found),
        *_trend(found),
        *_margins(found),
        *_changes(found),
        *_missing(found),
    ]


def quote(record: Record, found: Verdict) -> str:
    """One sentence with date and source."""
    simulated = "SIMULATED: " if record.simulated else ""
    return (
        f"{simulated}{headline(found)} (hashcanary, data to {iso_day(int(found.data_to))}, "
        f"as known at {record.at_text})."
    )


def document(record: Record, found: Verdict) -> dict[str, Any]:
    """The verdict as JSON holds it."""
    return {
        "state": found.state,
        "probabilities": dict(found.probabilities),
        "headline": headline(found),
        "sentences": sentences(found),
        "quote": quote(record, found),
        "gap": _gap_document(found.gap) if found.below else None,
        "trend": {
            "days": 7,
            **_limits("change_fraction", found.week),
            "rising_probability": found.rising,
        },
        "as_of": record.at_text,
        "data_to": iso_time(int(found.data_to)),
    }


def _gap_document(gap: Gap) -> dict[str, Any]:
    return {
        "from": iso_day(int(gap.peak_time.value)),
        "peak_hashes_per_second": gap.peak.value,
        **_limits("below_fraction", gap.below),
        "parts": [
            *map(_part, gap.drops),
            _rest(SCATTERED, gap.scattered),
            _rest(GROWTH, gap.growth),
        ],
    }


def _rest(cause: str, share: Interval) -> dict[str, Any]:
    """What belongs to no drop: its share counts whole, and none of it comes back as one."""
    limits = _limits("share_fraction", share)
    return {"cause": cause, "since": None, **limits, "returned_fraction": None}


def _part(drop: Drop) -> dict[str, Any]:
    return {
        "cause": drop.cause,
        "since": iso_day(int(drop.begin.value)),
        **_limits("share_fraction", drop.share),
        "returned_fraction": drop.returned.value,
        "probability": drop.probability,
        "causes": dict(drop.causes),
    }


def _limits(name: str, figure: Interval) -> dict[str, float]:
    return {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}


def _down(below: Interval) -> str:
    return with_ends(below, percent).replace("(", "(95%: ")


def _state(found: Verdict) -> Iterator[str]:
    others = sorted(found.probabilities.items(), key=lambda one: -one[1])[1:3]
    named = [f"{name} {probability(share)}" for name, share in others if share >= 0.05]
    text = f"State: {found.state}: {MEANINGS[found.state]}"
    yield f"{text}; else {', '.join(named)}." if named else f"{text}."


def _gap(found: Verdict) -> Iterator[str]:
    gap = found.gap
    if not found.below:
        yield "Gap: none to speak of; the level of now is within 2% of the year's highest."
        return
    yield f"Gap: {_down(gap.below)} below the level of about {day(int(gap.peak_time.value))}."
    large = sorted(gap.drops, key=lambda one: -one.share.value)[:_MOST_TOLD]
    for one in sorted(large, key=lambda drop: drop.begin.value):
        if one.share.value >= _TOLD:
            yield _drop(one)
    if gap.growth.value >= _TOLD:
        yield f"Slow decline: {_points(gap.growth.value)}; cause cannot be told."
    elif gap.growth.value <= -_TOLD:
        yield f"Growth since then: {-gap.growth.value * 100:.1f} points made up for."


def _drop(one: Drop) -> str:
    ranked = sorted(one.causes.items(), key=lambda cause: -cause[1])
    named = ", ".join(f"{_OF[name]} {probability(share)}" for name, share in ranked if share >= 0.1)
    cause = named if one.cause != SCATTERED else f"cause cannot be told ({named})"
    back = "none of it is back" if one.returned.value < 0.01 else "{} of it is back"
    return (
        f"Drop from {day(int(one.begin.value))}: {_points(one.share.value)}; "
        f"{back.format(percent(one.returned.value, 0))}; {cause}."
    )


def _points(share: float) -> str:
    """A part of the gap: ``3.1 points of it``."""
    return f"{share * 100:.1f} points of it"


def _rank(found: Verdict) -> Iterator[str]:
    rank = found.rank
    if rank is None:
        return
    text = f"Rank: the 30-day mean is {percent(-rank.drawdown)} below its peak of {day(rank.peak)}"
    if rank.before is None:
        yield f"{text}, farther than ever before in the record, from {day(rank.since)}."
    else:
        yield f"{text}; before, it was last as far below one on {day(rank.before)}."


def _changes(found: Verdict) -> Iterator[str]:
    others = [one for one in found.changes if one.state != found.state]
    if not others:
        yield "What would change it: no hashrate within 10% of today's, for a week."
        return
    nearest = min(others, key=lambda one: (abs(one.rate - 1), one.rate))
    size = percent(abs(nearest.rate - 1), 0)
    rate = {True: f"{size} more", False: f"{size} less"}[nearest.rate > 1]
    week = "a week at today's hashrate" if nearest.rate == 1 else f"a week at {rate} hashrate"
    yield (
        f"What would change it: {week} would make it {nearest.state} "
        f"(P {probability(nearest.probability)})."
    )


def _trend(found: Verdict) -> Iterator[str]:
    yield (f"Last week: {_signed(found.week)}; P(rising) {probability(found.rising)}.")
    if abs(found.short.value) >= 0.03:
        few = "fewer" if found.short.value < 0 else "more"
        yield (
            f"Luck: the last {count(round(found.short_days), 'day')} had {few} blocks than the "
            f"hashrate makes likely, by {percent(abs(found.short.value))}."
        )


def _signed(figure: Interval) -> str:
    low, high = percent(figure.low, signed=True), percent(figure.high, signed=True)
    return f"{percent(figure.value, signed=True)} (95%: {low} to {high})"


def _margins(found: Verdict) -> Iterator[str]:
    margins = found.margins
    if not isfinite(margins.rank):
        return
    text = (
        f"Margins: hashprice {margins.hashprice_usd_per_phs_day:.1f} USD/PH/s/day, no higher on "
        f"{percent(margins.rank, 0)} of the year's days"
    )
    if isfinite(margins.to_break_even):
        text += f", {margins.to_break_even:.2f} times the average machine's break-even"
    yield f"{text}; P(margins gone) {probability(margins.gone)}."


def _missing(found: Verdict) -> Iterator[str]:
    names = {
        "hashprice": "prices and fees",
        "power": "prices of power",
        "pools": "labels of pools",
    }
    if found.missing:
        yield f"Missing: {', '.join(names[kind] for kind in found.missing)}."
    if found.vendor:
        yield "Source: in part a vendor's daily figures, where blocks are not known."
