"""The verdict: what is going on in mining, why, how sure that is, and where it goes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import exp, isfinite
from typing import TYPE_CHECKING

from hashcanary.moments import DAY, iso_day, iso_time
from hashcanary.units import DATE, DAYS, FRACTION, PROBABILITY, RATIO
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Column, Table
from hashcanary.views.text import banded, count, day, harmless, percent, probability, with_ends

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from hashcanary.economics.costs.history import CostAnswers
    from hashcanary.inference.gap.gap import Drop, Gap
    from hashcanary.inference.retarget.forecast import RetargetForecast
    from hashcanary.interval import Interval
    from hashcanary.store.record import Record
    from hashcanary.studies.verdict.verdict import Verdict

_POSTERIOR = "95% of what the blocks and the stated priors leave possible"
_SHARE = "of the highest level of the last year"
# drops from this on, and of this part of the gap, are named, and so many at most
_TOLD, _PART, _MOST_TOLD = 0.005, 0.07, 3
SCATTERED, GROWTH = "unknown", "growth"
# a drop that takes away less than this has come back
_BACK = 1e-4
# blocks of the last days that are this far off have a sentence
_LUCK = 0.03
# days of the last year that nobody saw have one from here on
_UNSEEN_DAYS = 2
_COST_NAMES = {"electricity": "electricity cost", "all-in": "all-in cost"}
_COSTS, _COST_DAYS = tuple(_COST_NAMES), 90

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
# states in which hashrate falls, and words of the stress gauge
_FALLING = ("curtailed", "capitulating", "exiting")
_LOW, _HIGH = "calm", ("stressed", "capitulation")
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
        "up to below_fraction; the cause `growth` is what the level did since, below 0 where it "
        "made up for drops; gap is null where nothing is below",
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
    from hashcanary.inference.explain.assumptions import Assumptions
    from hashcanary.inference.explain.causes import read_causes, read_pool_regions
    from hashcanary.inference.explain.margins import Machines
    from hashcanary.studies.verdict.verdict import verdict_of

    given = Assumptions(
        read_causes(causes),
        read_pool_regions(regions),
        Machines(read_rigs(rigs), read_power_prices(power_prices)),
    )
    # compiled draws leave a processor to what stands beside them
    with ThreadPoolExecutor(1) as beside:
        costs = beside.submit(cost_of_a_coin, record)
        ahead = beside.submit(next_retarget, record)
        found = verdict_of(record, given)
        return answer(record, found, ahead.result(), costs.result())


def next_retarget(record: Record) -> RetargetForecast | None:
    """The forecast of the next retarget; None where the record does not suffice for one."""
    from hashcanary.inference.errors import EpochStartMissing, NoBlocksToObserve, NothingObserved
    from hashcanary.inference.retarget.forecast import forecast_retarget

    try:
        return forecast_retarget(record)
    except (EpochStartMissing, NoBlocksToObserve, NothingObserved):
        return None


def cost_of_a_coin(record: Record) -> CostAnswers | None:
    """What a coin costs by the definitions that are named; None where none has a cost."""
    from hashcanary.economics.costs.history import cost_answers
    from hashcanary.economics.costs.model import find_cost_models
    from hashcanary.economics.costs.stated import assume
    from hashcanary.economics.errors import NoCost

    # fleets of the last months say what a coin costs now
    last = record.chain["time"].max() if record.chain.height else None
    since = 0.0 if last is None else float(last) - _COST_DAYS * DAY  # type: ignore[arg-type]
    try:
        return cost_answers(record, find_cost_models(_COSTS), assume(), since)
    except NoCost:
        return None


@dataclass(frozen=True, slots=True)
class Head:
    """What a page begins with. document: the verdict as JSON holds it; found: None where too little
    is known for one.
    """

    state: str
    headline: str
    sentences: tuple[str, ...]
    document: dict[str, Any]
    found: Verdict | None


def head(
    record: Record,
    found: Verdict,
    retarget: RetargetForecast | None = None,
    costs: CostAnswers | None = None,
) -> Head:
    """The head of a verdict that was reached, beside a forecast and costs that were computed."""
    lines = sentences(found, retarget, costs)
    told = document(record, found, lines)
    return Head(found.state, headline(found), tuple(lines), told, found)


def no_head(record: Record, why: str) -> Head:
    """The head where no verdict can be reached. why: a sentence."""
    line = f"The state of Bitcoin mining is unknown. {why}"
    simulated = "SIMULATED: " if record.simulated else ""
    told: dict[str, Any] = {
        "state": "unknown",
        "probabilities": {name: float(name == "unknown") for name in MEANINGS},
        "headline": line,
        "sentences": [],
        "quote": f"{simulated}{line} (hashcanary, as known at {harmless(record.at_text)}).",
        "gap": None,
        "trend": None,
        "as_of": harmless(record.at_text),
        "data_to": None,
    }
    return Head("unknown", line, (), told, None)


def ribbon_difference(state: str, *, inverted: bool) -> str:
    """Why ribbons and the verdict part, where they do."""
    falling = state in _FALLING
    if inverted and not falling:
        return (
            f"The verdict is {state}: ribbons compare the mean of 30 days with that of 60, and "
            "stay inverted for weeks after hashrate has turned."
        )
    if falling and not inverted:
        return (
            f"The verdict is {state}: ribbons compare the mean of 30 days with that of 60, and "
            "invert weeks after hashrate has turned."
        )
    return ""


def gauge_difference(state: str, word: str | None) -> str:
    """Why the stress gauge and the verdict part, where they do. word: of the gauge."""
    if word in _HIGH and state not in {"stressed", "capitulating"}:
        return (
            f"The verdict is {state}: the gauge ranks margins, hashrate and price against earlier "
            "years, whatever the cause and whether a drop is over."
        )
    if word == _LOW and state in {"stressed", "capitulating"}:
        return (
            f"The verdict is {state}: the gauge ranks against the years before, in which worse "
            "times lie."
        )
    if word == _LOW and state in {"curtailed", "exiting"}:
        return (
            f"The verdict is {state}: machines that still run earn well, and margins weigh most in "
            "the gauge."
        )
    return ""


def answer(
    record: Record,
    found: Verdict,
    retarget: RetargetForecast | None = None,
    costs: CostAnswers | None = None,
) -> Answer:
    """The answer of a verdict that was reached, beside a forecast and costs that were computed."""
    tables, told = (states(found), parts(found)), head(record, found, retarget, costs)
    return Answer(
        VIEW,
        record,
        told.headline,
        tables,
        more={"verdict": told.document, "parts": tables[1].records()},
        sentences=list(told.sentences),
        notes=[
            f"As known at {harmless(record.at_text)}, from data up to "
            f"{iso_time(int(found.data_to))}."
        ],
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
    text = f"Bitcoin mining is {found.state} (probability {share})"
    if found.state == "unknown":
        text = f"The state of Bitcoin mining is unknown (probability {share})"
    if not found.below:
        return f"{text}: hashrate is at or near its highest level of the last year"
    return f"{text}: hashrate is {_down(found.gap.below)} below its highest level of the last year"


def sentences(
    found: Verdict, retarget: RetargetForecast | None = None, costs: CostAnswers | None = None
) -> list[str]:
    """At most ten lines, each the answer to one question."""
    return [
        _state(found),
        _gap(found),
        *_rank(found),
        _trend(found),
        *_margins(found),
        *_price(costs),
        *_retarget(retarget),
        _changes(found),
        *_missing(found, retarget, costs),
    ]


def quote(record: Record, found: Verdict) -> str:
    """One sentence with date and source."""
    simulated = "SIMULATED: " if record.simulated else ""
    return (
        f"{simulated}{headline(found)} (hashcanary, data to {iso_day(int(found.data_to))}, "
        f"as known at {harmless(record.at_text)})."
    )


def document(record: Record, found: Verdict, lines: list[str]) -> dict[str, Any]:
    """The verdict as JSON holds it."""
    return {
        "state": found.state,
        "probabilities": dict(found.probabilities),
        "headline": headline(found),
        "sentences": lines,
        "quote": quote(record, found),
        "gap": _gap_document(found.gap) if found.below else None,
        "trend": {
            "days": 7,
            **_limits("change_fraction", found.week),
            "rising_probability": found.rising,
        },
        "as_of": harmless(record.at_text),
        "data_to": iso_time(int(found.data_to)),
    }


def _gap_document(gap: Gap) -> dict[str, Any]:
    drops = [one for one in gap.drops if abs(one.share.value) >= _BACK]
    # the shares of drops that have come back stay in the sum
    back = sum(one.share.value for one in gap.drops) - sum(one.share.value for one in drops)
    return {
        "from": iso_day(int(gap.peak_time.value)),
        "peak_hashes_per_second": gap.peak.value,
        **_limits("below_fraction", gap.below),
        "parts": [
            *map(_part, drops),
            _rest(SCATTERED, replace(gap.scattered, value=gap.scattered.value + back)),
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
        "cause_probabilities": dict(drop.causes),
    }


def _limits(name: str, figure: Interval) -> dict[str, float]:
    return {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}


def _down(below: Interval) -> str:
    return with_ends(below, percent).replace("(", "(95%: ")


def _state(found: Verdict) -> str:
    others = sorted(found.probabilities.items(), key=lambda one: -one[1])[1:3]
    named = [f"{name} {probability(share)}" for name, share in others if share >= 0.05]
    text = f"State: {found.state}, {MEANINGS[found.state]}"
    return f"{text}; else {', '.join(named)}." if named else f"{text}."


def _gap(found: Verdict) -> str:
    gap = found.gap
    if not found.below:
        return "Gap: none to speak of; hashrate is at or near the year's highest level."
    least = max(_TOLD, _PART * gap.below.value)
    large = sorted(gap.drops, key=lambda one: -one.share.value)[:_MOST_TOLD]
    named = [one for one in large if one.share.value >= least]
    told = [_drop(one) for one in sorted(named, key=lambda drop: drop.begin.value)]
    rest = gap.below.value - sum(one.share.value for one in named)
    if rest >= _TOLD:
        told.append(f"{_points(rest)} went slowly, cause cannot be told")
    elif rest <= -_TOLD:
        told.append(f"growth made up for {_points(-rest)}")
    since = f"Gap: {_down(gap.below)} below the level of about {day(int(gap.peak_time.value))}"
    return f"{since}: {'; '.join(told)}." if told else f"{since}."


def _drop(one: Drop) -> str:
    ranked = sorted(one.causes.items(), key=lambda cause: -cause[1])
    named = ", ".join(f"{_OF[name]} {probability(share)}" for name, share in ranked if share >= 0.1)
    cause = named if one.cause != SCATTERED else f"cause cannot be told: {named}"
    returned = one.returned.value
    back = "none of it back" if returned < 0.01 else f"{percent(returned, 0)} of it back"
    return (
        f"{_points(one.share.value)} in the drop from {day(int(one.begin.value))} ({cause}; {back})"
    )


def _points(share: float) -> str:
    """A part of the gap: ``3.1 points``."""
    return f"{share * 100:.1f} points"


def _rank(found: Verdict) -> Iterator[str]:
    rank = found.rank
    if rank is None:
        return
    text = f"Rank: the 30-day mean is {percent(-rank.drawdown)} below its peak of {day(rank.peak)}"
    if rank.before is None:
        yield f"{text}, farther than ever before in the record, from {day(rank.since)}."
    else:
        yield f"{text}; before, it was last as far below one on {day(rank.before)}."


def _changes(found: Verdict) -> str:
    others = [one for one in found.changes if one.state != found.state]
    if not others:
        return "What would change it: no hashrate within 10% of today's, for a week."
    nearest = others[0]
    size = percent(abs(nearest.rate - 1), 0)
    rate = f"{size} {'more' if nearest.rate > 1 else 'less'}"
    week = "a week at today's hashrate" if nearest.rate == 1 else f"a week at {rate} hashrate"
    return (
        f"What would change it: {week} would make it {nearest.state} "
        f"(probability {probability(nearest.probability)})."
    )


def _trend(found: Verdict) -> str:
    text = f"Last week: {_signed(found.week)}; a rise with probability {probability(found.rising)}."
    if abs(found.short.value) < _LUCK:
        return text
    few = "fewer" if found.short.value < 0 else "more"
    return (
        f"{text} By luck the last {count(round(found.short_days), 'day')} had {few} blocks than "
        f"that makes likely, by {percent(abs(found.short.value))}."
    )


def _retarget(ahead: RetargetForecast | None) -> Iterator[str]:
    if ahead is None:
        return
    from hashcanary.views.forecast import MEDIAN, change_text, decrease

    when = day(round(float(ahead.date[MEDIAN])))
    yield (
        f"Next retarget: {change_text(ahead.change)} about {when}; a decrease with probability "
        f"{probability(decrease(ahead))}."
    )


def _price(costs: CostAnswers | None) -> Iterator[str]:
    known = {} if costs is None else {each.model.name: each.price_to_cost for each in costs.answers}
    told = [
        f"{banded(ratio, RATIO)} times its {title}"
        for name, title in _COST_NAMES.items()
        if (ratio := known.get(name)) is not None
    ]
    if told and costs is not None and costs.price_usd is not None:
        yield f"Price against cost: {costs.price_usd:,.0f} USD a coin, {', '.join(told)}."


def _signed(figure: Interval) -> str:
    low, high = percent(figure.low, signed=True), percent(figure.high, signed=True)
    return f"{percent(figure.value, signed=True)} (95%: {low} to {high})"


def _margins(found: Verdict) -> Iterator[str]:
    margins = found.margins
    if not isfinite(margins.gone):
        return
    earned = margins.earned
    text = (
        f"Margins: hashprice {margins.hashprice_usd_per_phs_day:.1f} USD/PH/s/day, no higher on "
        f"{percent(earned.rank, 0)} of the year's days"
    )
    if isfinite(earned.log_margin):
        text += f", {exp(earned.log_margin):.2f} times the average machine's break-even"
    # the average machine may still earn well where the dearest ones do not
    yield f"{text}; gone for the dearest machines with probability {probability(margins.gone)}."


def _missing(
    found: Verdict, retarget: RetargetForecast | None, costs: CostAnswers | None
) -> Iterator[str]:
    names = {
        "hashprice": "prices and fees",
        "power": "prices of power",
        "pools": "labels of pools",
    }
    lacking = [names[kind] for kind in found.missing]
    if found.unseen_days >= _UNSEEN_DAYS:
        days = count(round(found.unseen_days), "day")
        lacking.insert(0, f"{days} of the last year, so that its highest level may be higher")
    lacking += ["the next retarget"] if retarget is None else []
    lacking += ["the cost of a coin"] if costs is None else []
    text = f"Missing: {'; '.join(lacking)}." if lacking else ""
    if found.vendor:
        text += " In part from a vendor's daily figures, where blocks are not known."
    if text:
        yield text.strip()
