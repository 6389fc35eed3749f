"""Why the hashrate dropped: how probable each cause is, and the evidence for it."""

from __future__ import annotations

from datetime import UTC, datetime
from math import exp, isfinite
from typing import TYPE_CHECKING

from hashcanary.errors import UsageError
from hashcanary.units import (
    COUNT,
    DATE,
    DAYS,
    FRACTION,
    J_PER_TH,
    LOG_SD,
    MEGAWATTS,
    NATS,
    PROBABILITY,
    UNIX_TIME,
    USD_PER_KWH,
    USD_PER_MWH,
    USD_PER_PHS_DAY,
    YEARS,
)
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Column, Table
from hashcanary.views.text import (
    banded,
    count,
    day,
    harmless,
    how_often,
    minute,
    moved,
    percent,
    probability,
    quantity,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.inference.explain.attribution import Evidence, Explanation
    from hashcanary.inference.explain.margins import Margin
    from hashcanary.inference.explain.missing import Missing
    from hashcanary.interval import Interval
    from hashcanary.store.record import Record
    from hashcanary.views.table import Cell

POSTERIOR = "central 95% of the posterior"
_EXACT = "95% confidence, exact (ratio of two Gamma variates)"
_DRAWS = "95% of the draws of fleets and power prices"
_CAUSES = ("luck", "curtailment", "economics", "exit")
_LONGEST_DAYS = 400
# pools named in the evidence; blocks before a drop without which not half a loss could be seen
_MOST_POOLS, _ENOUGH_BLOCKS = 3, 30
_LARGEST_FACTOR = 30.0


def times(log_factor: float) -> str:
    """A log Bayes factor as people read it: ``×7.2``, ``÷17``."""
    factor = exp(min(abs(log_factor), _LARGEST_FACTOR))
    size = f"{factor:,.0f}" if factor >= 10 else f"{factor:.1f}"
    return size if size == "1.0" else ("×" if log_factor > 0 else "÷") + size


_HASHPRICE = (
    Column("hashprice", "hashprice of the subsidy at the drop", USD_PER_PHS_DAY),
    Column("hashprice_day", "day of the last price", DATE),
    Column("hashprice_before", "mean of the 60 days before", USD_PER_PHS_DAY),
    Column("hashprice_percentile", "days of the year before below it", FRACTION),
    Column("price_drawdown", "price of bitcoin below its 90-day high", FRACTION),
    Column(
        "break_even",
        "break-even hashprice of the average machine",
        USD_PER_PHS_DAY,
        limits=_DRAWS,
    ),
    Column("break_even_spread", "its spread", LOG_SD),
    Column("underwater_before", "underwater before the drop", FRACTION, limits=_DRAWS),
    Column("newly_underwater", "newly underwater", FRACTION, limits=_DRAWS),
    Column("network_efficiency", "efficiency of the fleet", J_PER_TH, limits=_DRAWS),
    Column("network_power_price", "its median power price", USD_PER_KWH, limits=_DRAWS),
)
VIEW = View(
    "explain_drop",
    "explain drop",
    "Why did the hashrate drop: noise, curtailment, economics or exit?",
    facts=(
        Column("answer", "most probable cause, or that it cannot be told"),
        Column("least_named", "least probability of a cause that is named", PROBABILITY),
        Column("start", "beginning of the drop, median", UNIX_TIME),
        Column("start_low", f"lower end of its interval, {POSTERIOR}", UNIX_TIME),
        Column("start_high", f"upper end of its interval, {POSTERIOR}", UNIX_TIME),
        Column("height_before", "last block before the drop", COUNT),
        Column("last_height", "last block known", COUNT),
        Column("last_time", "time of the last block known", UNIX_TIME),
        Column("depth", "hashrate lost at the deepest", FRACTION, limits=POSTERIOR),
        Column("decline", "days over which it dropped", DAYS, limits=POSTERIOR),
        Column("returned", "part of the loss that is back", FRACTION, limits=POSTERIOR),
        Column("recent_change", "last days against the time before", FRACTION, limits=_EXACT),
        Column("recent", "the last days that are compared", DAYS),
        Column("recent_blocks", "their blocks", COUNT),
        Column("recent_once_in", "return period at constant hashrate", YEARS),
        Column("reach", "days back that a drop is looked for", DAYS),
        *_HASHPRICE,
    ),
    tables={
        "evidence": (
            Column("kind", "kind", hidden=True),
            Column("evidence", "evidence", wide=True),
            Column("finding", "finding", wide=True),
            *(
                Column(
                    f"{cause}_log_bayes_factor",
                    cause,
                    NATS,
                    text=times,
                    hidden=cause == "luck",
                    definition=f"log likelihood under {cause} less that under luck, given the "
                    "evidence above",
                )
                for cause in _CAUSES
            ),
            Column("source", "source", spare=9),
        ),
        "causes": (
            Column("cause", "cause"),
            Column("title", "title"),
            Column("posterior", "probability", PROBABILITY),
            Column("prior", "before evidence", PROBABILITY),
        ),
        "pools": (
            Column("pool", "pool", hidden=True),
            Column("name", "pool"),
            Column("blocks_before", "blocks before", COUNT, lambda row: row.before),
            Column("blocks_while_low", "blocks while low", COUNT, lambda row: row.after),
            Column(
                "hashrate_change",
                "change of its hashrate (95%)",
                FRACTION,
                lambda row: row.change,
                "95% confidence for the ratio of two rates",
                signed=True,
            ),
        ),
        "regions": (
            Column("region", "region", hidden=True),
            Column("name", "region"),
            Column("hashrate_share", "share of the hashrate", FRACTION, limits=POSTERIOR),
            Column("loss_share", "share of the loss", FRACTION, limits=POSTERIOR),
            Column("only_loser", "if one region lost, this one", PROBABILITY),
        ),
        "power": (
            Column("vendor", "vendor"),
            Column("region", "region"),
            Column("day", "day of the highest price", DATE),
            Column("highest", "highest of 5 days", USD_PER_MWH),
            Column("usual", "usual", USD_PER_MWH, definition="median of the 60 days before"),
            Column("load", "load", MEGAWATTS),
            Column("usual_load", "usual load", MEGAWATTS),
        ),
    },
    more={
        "headline": "the answer in a line",
        "causes": "probability of each cause, before and after the evidence",
        "pools": "blocks of each pool before the drop and while hashrate was low",
        "regions": "share of the hashrate and of the loss, empty where no loss is certain",
        "power": "power prices around the drop",
        "missing": "what was not known",
    },
)
_TITLES = {
    "evidence": "The evidence",
    "causes": "Probability of each cause",
    "pools": "Which pools lost",
    "regions": "Which regions lost",
    "power": "Power prices",
}
FACTORS = (
    "×N, ÷N: how many times likelier, or less likely, the evidence is than under noise of block "
    "arrivals alone, each kind given those above it."
)
_SOURCES = {
    "decline": ("how it dropped", "block headers"),
    "recovery": ("how it recovered", "block headers"),
    "pools": ("which pools lost", "labels of pools; pool_regions"),
    "season": ("season", "block headers"),
    "hashprice": ("hashprice and break-even", "price; difficulty"),
    "power": ("power price", "daily series of power prices"),
}


def explain_drop(
    record: Record,
    *,
    since: str | None = None,
    causes: Path | None = None,
    regions: Path | None = None,
    rigs: Path | None = None,
    power_prices: Path | None = None,
) -> Answer:
    """The likeliest drop in hashrate of late, and what caused it, as known at the record's moment.

    since: look for drops that began since then, a date or a time with zone; None: 100 days.
    causes, regions, rigs, power_prices: TOML files in place of those that come with hashcanary.
    Raises UsageError, BadStatement, BadFigures, NoBlocksToObserve, NoRetargets, TooFewToExplain.
    """
    from hashcanary.economics.machines.rigs import read_rigs
    from hashcanary.economics.power.prices import read_power_prices
    from hashcanary.inference.explain import attribution
    from hashcanary.inference.explain.causes import read_causes
    from hashcanary.inference.explain.pool_regions import read_pool_regions
    from hashcanary.inference.explain.squeeze import Machines

    assumptions = attribution.Assumptions(
        read_causes(causes),
        read_pool_regions(regions),
        Machines(read_rigs(rigs), read_power_prices(power_prices)),
    )
    return answer(record, attribution.explain_drop(record, assumptions, _reach(record, since)))


def _reach(record: Record, since: str | None) -> float:
    """Days back from the last block that a drop may have begun."""
    from hashcanary.inference.explain.windows import REACH
    from hashcanary.moments import DAY, parse_moment

    if since is None or record.blocks.height == 0:
        return REACH
    try:
        time = parse_moment(since).time
    except UsageError:
        time = None
    if time is not None:
        # a date counts from its start
        begin = time - DAY if len(since) == len("2026-02-03") else time
        days = (int(record.blocks["time"].max()) - begin) / DAY  # type: ignore[arg-type]
        if 1 <= days <= _LONGEST_DAYS:
            return days
    raise UsageError(
        argument="--since",
        expected=f"a date or a time with zone, 1 to {_LONGEST_DAYS} days before the last block "
        "known",
        found=since,
        remedy="Name another, or leave it out for the last 100 days.",
    )


def answer(record: Record, explanation: Explanation) -> Answer:
    """The answer of an explanation that was computed."""
    from hashcanary.inference.explain.attribution import ENOUGH

    drop, tables = explanation.drop, tuple(table(explanation, key) for key in VIEW.tables)
    missing = [missing_text(each) for each in explanation.missing]
    return Answer(
        VIEW,
        record,
        headline(explanation),
        tables,
        facts=_facts(explanation) | {"least_named": ENOUGH},
        more={
            "headline": headline(explanation),
            **{each.key: each.records() for each in tables[1:]},
            "missing": missing,
        },
        sentences=[
            *sentences(explanation),
            f"Probabilities: {_listed(explanation, explanation.probabilities)}.",
            *details(explanation),
            *(f"Missing: {each}." for each in missing),
        ],
        notes=[
            f"No cause below {percent(ENOUGH, 0)} is named.",
            f"Before the evidence: {_listed(explanation, explanation.prior)}, by how often drops "
            "of each cause begin.",
            f"As known at {record.at_text}, up to block {drop.last:,} of {minute(int(drop.now))}.",
        ],
        result=explanation,
    )


def _facts(explanation: Explanation) -> dict[str, Cell]:
    drop, recent = explanation.drop, explanation.recent
    return {
        "answer": explanation.answer,
        "start": drop.start,
        "start_low": drop.start_low,
        "start_high": drop.start_high,
        "height_before": drop.height,
        "last_height": drop.last,
        "last_time": drop.now,
        "depth": drop.depth,
        "decline": drop.decline_days,
        "returned": drop.returned,
        "recent_change": recent.change,
        "recent": recent.days,
        "recent_blocks": recent.blocks,
        "recent_once_in": recent.once_in_years,
        "reach": explanation.reach,
        **dict.fromkeys(column.name for column in _HASHPRICE),
        **({} if explanation.margin is None else _hashprice_facts(explanation.margin)),
    }


def _hashprice_facts(margin: Margin) -> dict[str, Cell]:
    squeeze = margin.squeeze
    return {
        "hashprice": margin.hashprice,
        "hashprice_day": margin.day,
        "hashprice_before": margin.usual,
        "hashprice_percentile": margin.percentile,
        "price_drawdown": margin.price_drawdown,
        "break_even": squeeze.break_even_usd_per_phs_day,
        "break_even_spread": squeeze.break_even_log_sd,
        "underwater_before": squeeze.underwater_before,
        "newly_underwater": squeeze.newly,
        "network_efficiency": squeeze.network_j_per_th,
        "network_power_price": squeeze.power_usd_per_kwh,
    }


def table(explanation: Explanation, key: str) -> Table:
    """One of the view's tables."""
    rows: list[object] = []
    shown = None
    note = ""
    if key == "evidence":
        rows += [_evidence(explanation, each) for each in explanation.evidence]
        note = FACTORS
    elif key == "causes":
        rows += [
            (name, explanation.causes.title(name), share, explanation.prior[name])
            for name, share in _ranked(explanation.probabilities)
        ]
    elif key == "pools":
        rows += explanation.pools
        shown = [row for row in explanation.pools if row.before >= _ENOUGH_BLOCKS]
        left = len(rows) - len(shown)
        note = f"{count(left, 'smaller pool')} left out: too few blocks to tell." if left else ""
    elif key == "regions":
        rows += [
            (
                row.region,
                explanation.regions.names[row.region],
                row.share,
                row.loss,
                explanation.region_probabilities.get(row.region),
            )
            for row in explanation.losing_regions
        ]
    else:
        rows += explanation.power
    return Table(
        key, _TITLES[key], _columns(explanation, key), rows, note, shown=shown, drawn=key == "pools"
    )


def _columns(explanation: Explanation, key: str) -> tuple[Column, ...]:
    """Columns of a table; causes by the titles that their file gives them."""
    from dataclasses import replace

    columns = VIEW.tables[key]
    if key != "evidence":
        return columns
    titles = {f"{name}_log_bayes_factor": explanation.causes.title(name) for name in _CAUSES}
    return tuple(
        replace(each, title=titles[each.name]) if each.name in titles else each for each in columns
    )


def _evidence(explanation: Explanation, evidence: Evidence) -> tuple[object, ...]:
    """A row: kind, title, finding, log factors by cause, source."""
    title, source = _SOURCES[evidence.kind]
    factors = evidence.factors
    return (
        evidence.kind,
        title,
        _FINDINGS[evidence.kind](explanation) or "missing",
        *(None if factors is None else factors[name] for name in _CAUSES),
        source,
    )


def headline(explanation: Explanation) -> str:
    """The answer in a line."""
    from hashcanary.inference.explain.attribution import CANNOT_TELL
    from hashcanary.inference.explain.causes import LUCK

    (leading, share), *_ = _ranked(explanation.probabilities)
    cause = f"{explanation.causes.title(leading)} ({probability(share)})"
    if explanation.answer == LUCK:
        return f"No drop beyond noise in the last {explanation.reach:.0f} days: {cause}"
    since = f"Drop in hashrate from {day(int(explanation.drop.start))}"
    if explanation.answer == CANNOT_TELL:
        return f"{since}: cause undetermined; most likely {cause}"
    return f"{since}: {cause}"


def sentences(explanation: Explanation) -> list[str]:
    """What a reader needs, without the tables."""
    from hashcanary.inference.explain.causes import LUCK

    drop, recent = explanation.drop, explanation.recent
    change = recent.change
    lines = []
    if isfinite(change.low):
        lines.append(
            f"Blocks of the last {recent.days:.1f} days are consistent with hashrate "
            f"{moved(change.low, change.high)} from before {day(int(drop.start))} (95%)."
        )
        if change.high < 0 and recent.once_in_years > 0:
            lines.append(
                f"At constant hashrate, so few blocks would come {how_often(recent.once_in_years)}."
            )
    real = probability(1 - explanation.probabilities[LUCK])
    if explanation.answer == LUCK:
        return [
            *lines,
            f"The likeliest drop began on {day(int(drop.start))}; P(real), more than noise and "
            f"ordinary variation, is {real}.",
        ]
    return [
        *lines,
        f"P(real), more than noise and ordinary variation, is {real}.",
        f"If it is real, hashrate dropped by {banded(drop.depth, FRACTION)}, from "
        f"{minute(int(drop.start))}.",
    ]


def details(explanation: Explanation) -> list[str]:
    """What regions lost, what hashprice was against cost, and what that assumes."""
    lines = []
    if explanation.losing_regions:
        most = max(explanation.losing_regions, key=lambda row: row.loss.value - row.share.value)
        lines.append(
            f"{harmless(explanation.regions.names[most.region])} had "
            f"{banded(most.loss, FRACTION, 0)} of the loss, and {banded(most.share, FRACTION, 0)} "
            "of the hashrate."
        )
    margin = explanation.margin
    if margin is not None:
        squeeze = margin.squeeze
        lines += [
            f"Hashprice to {day(margin.day)} was above {percent(margin.percentile, 0)} of the "
            f"days of the year before; bitcoin was {percent(margin.price_drawdown, 0)} below its "
            "90-day high.",
            "Break-even hashprice of the average machine: "
            f"{banded(squeeze.break_even_usd_per_phs_day, USD_PER_PHS_DAY, 2)}.",
            f"Assumptions: running machines {banded(squeeze.network_j_per_th, J_PER_TH, 2)}, power "
            f"{banded(squeeze.power_usd_per_kwh, USD_PER_KWH, 2)}.",
        ]
    return lines


def missing_text(missing: Missing) -> str:
    """What is missing and why, as a noun phrase."""
    days = f"{day(int(missing.since))} to {day(int(missing.until))}"
    return {
        "no labels": "pools of the blocks (the record has no labels of pools)",
        "few labels": f"pools of the blocks of {days} ({missing.labelled:,} of "
        f"{missing.blocks:,} known blocks have a label)",
        "gaps": f"blocks of {days} (their heights have gaps)",
        "no hashprice": "hashprice of the days before the drop (no price, or no difficulty)",
        "no rig": "machines of before the drop (no rig of the catalogue was sold yet)",
        "no fleet": "the fleet of before the drop (no hashrate, or no hashprice)",
        "no power price": "power prices of the days of the drop (no such daily series is loaded)",
    }[missing.reason]


def _ranked(probabilities: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(probabilities.items(), key=lambda item: -item[1])


def _listed(explanation: Explanation, probabilities: dict[str, float]) -> str:
    return ", ".join(
        f"{explanation.causes.title(name)} {probability(share)}"
        for name, share in _ranked(probabilities)
    )


def _decline(explanation: Explanation) -> str:
    drop = explanation.drop
    return f"{banded(drop.depth, FRACTION, 0)} over {_days(drop.decline_days)}"


def _days(figure: Interval) -> str:
    return f"{figure.value:.1f} days ({figure.low:.1f} to {figure.high:.1f})"


def _recovery(explanation: Explanation) -> str:
    drop = explanation.drop
    days = (drop.now - drop.start) / 86_400
    return f"{banded(drop.returned, FRACTION, 0)} of it is back after {days:.1f} days"


def _pools(explanation: Explanation) -> str:
    rows = [
        row for row in explanation.pools if row.pool != "unknown" and isfinite(row.change.value)
    ]
    return "; ".join(
        f"{harmless(row.name)} {banded(row.change, FRACTION, 0)}" for row in rows[:_MOST_POOLS]
    )


def _season(explanation: Explanation) -> str:
    return f"began in {datetime.fromtimestamp(explanation.drop.start, UTC):%B}"


def _hashprice(explanation: Explanation) -> str:
    margin = explanation.margin
    if margin is None:
        return ""
    return (
        f"{quantity(margin.hashprice, USD_PER_PHS_DAY, 3)}, "
        f"{percent(exp(margin.log_change) - 1, 0, signed=True)} against the 60 days before; "
        f"newly underwater: {banded(margin.squeeze.newly, FRACTION, 0)}"
    )


def _power(explanation: Explanation) -> str:
    parts = []
    for price in explanation.power:
        text = (
            f"{price.vendor}: {quantity(price.highest, USD_PER_MWH, 3)} on {day(price.day)}, "
            f"usually {quantity(price.usual, USD_PER_MWH, 2)}"
        )
        if isfinite(price.load) and isfinite(price.usual_load):
            text += f"; load {price.load:,.0f} MW, usually {price.usual_load:,.0f} MW"
        parts.append(text)
    return "; ".join(parts)


_FINDINGS = {
    "decline": _decline,
    "recovery": _recovery,
    "pools": _pools,
    "season": _season,
    "hashprice": _hashprice,
    "power": _power,
}
