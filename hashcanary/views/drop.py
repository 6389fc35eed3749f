"""Why the hashrate dropped: how probable each cause is, and the evidence for it."""

from __future__ import annotations

from datetime import UTC, datetime
from math import exp, isfinite
from typing import TYPE_CHECKING

from hashcanary.errors import UsageError
from hashcanary.inference.explain.causes import LUCK, NAMES, read_causes, read_pool_regions
from hashcanary.inference.explain.margins import Machines, Missing
from hashcanary.inference.gap.explanation import CANNOT_TELL, LATE_DAYS, Evidence, Explanation
from hashcanary.inference.gap.gap import ENOUGH
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
    decimals,
    harmless,
    how_often,
    minute,
    moved,
    percent,
    probability,
    quantity,
    with_ends,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.store.record import Record

POSTERIOR = "central 95% of the posterior"
_RATIO = "95% confidence for the ratio of two rates"
_DRAWS = "95% of the draws of fleets and power prices"
_LOG_FACTOR = "log likelihood less that under luck; all kinds together lead from prior to answer"
_CAUSES = dict(zip(NAMES, ("noise", "curtailment", "economics", "structural exit"), strict=True))
_LONGEST_DAYS = 455
# pools named in the evidence; blocks before a drop without which not half a loss could be seen
_MOST_POOLS, _ENOUGH_BLOCKS = 3, 30
_LARGEST_FACTOR = 30.0
_BEGIN = "explained.drop.begin"
_RETURNED, _MISSING = "explained.drop.returned", "explained.drop.share"
_BREAK_EVEN = "margin.squeeze.break_even_usd_per_phs_day"
_HASHPRICE, _USUAL = "margin.hashprice_usd_per_phs_day", "margin.usual_usd_per_phs_day"
_PHS, _SHARE, _TIME = USD_PER_PHS_DAY, FRACTION, UNIX_TIME


def times(log_factor: float) -> str:
    """A log Bayes factor as people read it: ``×7.2``, ``÷17``."""
    factor = exp(min(abs(log_factor), _LARGEST_FACTOR))
    size = f"{factor:,.0f}" if factor >= 10 else f"{factor:.1f}"
    return size if size == "1.0" else ("×" if log_factor > 0 else "÷") + size


VIEW = View(
    "explain_drop",
    "explain drop",
    "Why did the hashrate drop: noise, curtailment, economics or exit?",
    facts=(
        Column("answer", "most probable cause, or that it cannot be told"),
        Column("least_named", "a less probable cause is not named", PROBABILITY, lambda _: ENOUGH),
        Column("start", "beginning of the drop, median", _TIME, f"{_BEGIN}.value"),
        Column("start_low", "lower limit of its beginning (95%)", _TIME, f"{_BEGIN}.low"),
        Column("start_high", "upper limit of its beginning (95%)", _TIME, f"{_BEGIN}.high"),
        Column("height_before", "last block before the drop", COUNT, "explained.height"),
        Column("last_height", "last block known", COUNT, "last"),
        Column("last_time", "time of the last block known", _TIME, "now"),
        Column("depth", "hashrate lost at the deepest", _SHARE, "explained.drop.depth", POSTERIOR),
        Column("decline", "time over which it dropped", DAYS, "explained.drop.days", POSTERIOR),
        Column("returned", "part of the loss that is back", _SHARE, _RETURNED, POSTERIOR),
        Column("share", "of the year's highest level, missing now", _SHARE, _MISSING, POSTERIOR),
        Column("recent_change", "change from before the drop", _SHARE, "recent.change", POSTERIOR),
        Column("recent", "the last days", DAYS, "recent.days"),
        Column("recent_blocks", "blocks of the last days", COUNT, "recent.blocks"),
        Column("recent_once_in", "their return period", YEARS, "recent.once_in_years"),
        Column("hashprice", "hashprice of the subsidy at the drop", _PHS, _HASHPRICE),
        Column("hashprice_day", "day of the last price", DATE, "margin.day"),
        Column("hashprice_before", "mean hashprice of 60 days before", _PHS, _USUAL),
        Column("hashprice_percentile", "year's days below it", _SHARE, "margin.percentile"),
        Column("price_drawdown", "price below 90-day high", _SHARE, "margin.price_drawdown"),
        Column("break_even", "average machine's break-even", _PHS, _BREAK_EVEN, _DRAWS),
        Column("break_even_spread", "its spread", LOG_SD, "margin.squeeze.break_even_log_sd"),
        *(
            Column(name, title, unit, f"margin.squeeze.{attribute}", _DRAWS)
            for name, title, unit, attribute in (
                ("underwater_before", "underwater before the drop", _SHARE, "underwater_before"),
                ("newly_underwater", "newly underwater", _SHARE, "newly"),
                ("network_efficiency", "fleet's efficiency", J_PER_TH, "network_j_per_th"),
                ("network_power_price", "its power price", USD_PER_KWH, "power_usd_per_kwh"),
            )
        ),
    ),
    tables={
        "evidence": (
            Column("kind", "kind", hidden=True),
            Column("evidence", "evidence", wide=True),
            Column("finding", "finding", wide=True),
            *(
                Column(
                    f"{cause}_log_bayes_factor",
                    title,
                    NATS,
                    definition=_LOG_FACTOR,
                    text=times,
                    hidden=cause == "luck",
                )
                for cause, title in _CAUSES.items()
            ),
            Column("source", "source", spare=9),
        ),
        "drops": (
            Column("start", "drop from", DATE, definition="day on which it began, UTC"),
            Column("cause", "cause", definition="the cause that is at least 60% probable, if any"),
            Column("real", "P(real)", PROBABILITY),
            Column("depth", "deepest", _SHARE, limits=POSTERIOR),
            Column("returned", "back", _SHARE, limits=POSTERIOR),
        ),
        "causes": (
            Column("cause", "cause"),
            Column("title", "title"),
            Column("posterior", "probability", PROBABILITY),
            Column("prior", "before evidence", PROBABILITY),
        ),
        "pools": (
            Column("pool", "slug", hidden=True),
            Column("name", "pool"),
            Column("blocks_before", "blocks before", COUNT, "before"),
            Column("blocks_while_low", "blocks while low", COUNT, "after"),
            Column("change", "change of its hashrate (95%)", _SHARE, limits=_RATIO, signed=True),
        ),
        "regions": (
            Column("region", "region", hidden=True),
            Column("name", "region"),
            Column("hashrate_share", "share of the hashrate", _SHARE, limits=POSTERIOR),
            Column("loss_share", "share of the loss", _SHARE, limits=POSTERIOR),
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
        "drops": "the other drops of the last year",
        "causes": "probability of each cause, before and after the evidence",
        "pools": "blocks of each pool before the drop and while hashrate was low",
        "regions": "share of the hashrate and of the loss, empty where no loss is certain",
        "power": "power prices around the drop",
        "missing": "what was not known",
    },
)
FACTORS = (
    "×N, ÷N: how many times likelier, or less likely, the evidence is than under noise of block "
    "arrivals and ordinary variation alone. All kinds together lead from the probability before "
    "the evidence to the one after it."
)


def explain_drop(
    record: Record,
    *,
    since: str | None = None,
    causes: Path | None = None,
    regions: Path | None = None,
    rigs: Path | None = None,
    power_prices: Path | None = None,
) -> Answer:
    """The drop in hashrate that matters now, and what caused it, as known at the record's moment.

    since: the first drop that began since then, a date or a time with zone; None: the newest real
    one that has not come back. causes, regions, rigs, power_prices: TOML files in place of those
    that come with hashcanary. Raises UsageError, BadStatement, BadFigures, NothingToMeasure,
    NoRetargets, TooFewToExplain.
    """
    from hashcanary.economics.machines.rigs import read_rigs
    from hashcanary.economics.power.prices import read_power_prices
    from hashcanary.inference.explain.assumptions import Assumptions
    from hashcanary.inference.gap import explanation

    given = None
    if any((causes, regions, rigs, power_prices)):
        machines = Machines(read_rigs(rigs), read_power_prices(power_prices))
        given = Assumptions(read_causes(causes), read_pool_regions(regions), machines)
    return answer(record, explanation.explain_drop(record, given, _begin(record, since)))


def _begin(record: Record, since: str | None) -> float | None:
    """Unix seconds from which on a drop may have begun."""
    from hashcanary.moments import DAY, parse_moment

    if since is None:
        return None
    try:
        time = parse_moment(since).time
    except UsageError:
        time = None
    if time is not None:
        # a date counts from its start
        begin = time - DAY if len(since) == len("2026-02-03") else time
        last = record.chain["time"].max() if record.chain.height else begin + DAY
        if 1 <= (int(last) - begin) / DAY <= _LONGEST_DAYS:  # type: ignore[arg-type]
            return float(begin)
    raise UsageError(
        argument="--since",
        expected=f"a date or a time with zone, 1 to {_LONGEST_DAYS} days before the last block "
        "known",
        found=since,
        remedy="Use another date, or omit it for the drop that matters now.",
    )


def answer(record: Record, explanation: Explanation) -> Answer:
    """The answer of an explanation that was computed."""
    tables = tuple(table(explanation, key) for key in VIEW.tables)
    missing = [missing_text(each) for each in explanation.missing]
    told = explanation.explained is not None
    up_to = f", up to block {explanation.last:,}" if explanation.last else ""
    return Answer(
        VIEW,
        record,
        headline(explanation),
        tables,
        facts=VIEW.facts_of(explanation),
        more={
            "headline": headline(explanation),
            **{each.key: each.records() for each in tables[1:]},
            "missing": missing,
        },
        sentences=[
            *sentences(explanation),
            *(
                [f"Probabilities: {_listed(explanation, explanation.probabilities)}."]
                if told
                else []
            ),
            *details(explanation),
            *(f"Missing: {each}." for each in missing),
        ],
        notes=[
            f"No cause below {percent(ENOUGH, 0)} is named.",
            f"Before the evidence: {_listed(explanation, explanation.prior)}, by how often drops "
            "of each cause begin.",
            f"As known at {harmless(record.at_text)}{up_to} of {minute(int(explanation.now))}.",
        ],
        result=explanation,
    )


def table(explanation: Explanation, key: str) -> Table:
    """One of the view's tables."""
    rows: list[object] = []
    shown, title, note = None, f"The {key}", ""
    if key == "evidence":
        rows += [_evidence(explanation, each) for each in explanation.evidence]
        note = FACTORS
    elif key == "drops":
        title = "Other drops of the last year"
        rows += [
            (one.begin.value, one.cause, one.probability, one.depth, one.returned)
            for one in explanation.others
        ]
    elif key == "causes":
        rows += [
            (name, explanation.causes.title(name), share, explanation.prior[name])
            for name, share in _ranked(explanation.probabilities)
        ]
    elif key == "pools":
        title = "Which pools lost"
        rows += explanation.pools
        shown = [row for row in explanation.pools if row.before >= _ENOUGH_BLOCKS]
        left = len(rows) - len(shown)
        note = f"{count(left, 'smaller pool')} left out: too few blocks to tell." if left else ""
    elif key == "regions":
        names, alone = explanation.regions.names, explanation.region_probabilities
        rows += [
            (row.region, names[row.region], row.share, row.loss, alone.get(row.region))
            for row in explanation.losing_regions
        ]
    else:
        rows += explanation.power
    return Table(key, title, VIEW.tables[key], rows, note, shown=shown, drawn=key == "pools")


def _evidence(explanation: Explanation, evidence: Evidence) -> tuple[object, ...]:
    """A row: kind, title, finding, log factors by cause, source."""
    title, source, finding = _KINDS[evidence.kind]
    factors = evidence.factors
    return (
        evidence.kind,
        title,
        finding(explanation) or "missing",
        *(None if factors is None else factors[name] for name in _CAUSES),
        source,
    )


def headline(explanation: Explanation) -> str:
    """The answer in a line."""
    if explanation.explained is None:
        return f"No drop of the last {LATE_DAYS:.0f} days is likely"
    told = explanation.probabilities
    # of a drop that is likely, the likeliest cause of one
    named = {name: share for name, share in told.items() if name != LUCK or told[LUCK] > 0.5}
    (leading, share), *_ = _ranked(named)
    cause = f"{explanation.causes.title(leading)} ({probability(share)})"
    since = f"Drop in hashrate from {day(int(explanation.explained.drop.begin.value))}"
    over = ", which is made good" if explanation.over else ""
    if explanation.answer == LUCK:
        return f"No drop beyond noise of late: {cause}"
    if explanation.answer == CANNOT_TELL:
        return f"{since}{over}: cause undetermined; most likely {cause}"
    return f"{since}{over}: {cause}"


def sentences(explanation: Explanation) -> list[str]:
    """What a reader needs, without the tables."""
    found, recent = explanation.explained, explanation.recent
    if found is None:
        return []
    drop, lines = found.drop, []
    since = day(int(drop.begin.value))
    if recent is not None:
        change = recent.change
        lines.append(f"Hashrate is now {moved(change.low, change.high)} from before {since} (95%).")
        if change.high < 0 and recent.once_in_years > 0:
            lines.append(
                f"At the hashrate of before, so few blocks as in the last {recent.days:.1f} days "
                f"would come {how_often(recent.once_in_years)}."
            )
    real = probability(1 - explanation.probabilities[LUCK])
    lines.append(f"P(real), more than noise and ordinary variation, is {real}.")
    if explanation.answer != LUCK:
        lines.append(
            f"If it is real, hashrate dropped by {banded(drop.depth, FRACTION)}, from "
            f"{minute(int(drop.begin.value))}; {banded(drop.returned, FRACTION, 0)} of that is "
            "back."
        )
    return lines


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


def _shape(explanation: Explanation) -> str:
    if explanation.explained is None:
        return ""
    drop = explanation.explained.drop
    days = with_ends(drop.days, decimals(1), " days")
    back = banded(drop.returned, FRACTION, 0)
    return f"{banded(drop.depth, FRACTION, 0)} over {days}; {back} of it is back"


def _pools(explanation: Explanation) -> str:
    rows = [
        row for row in explanation.pools if row.pool != "unknown" and isfinite(row.change.value)
    ]
    return "; ".join(
        f"{harmless(row.name)} {banded(row.change, FRACTION, 0)}" for row in rows[:_MOST_POOLS]
    )


def _season(explanation: Explanation) -> str:
    if explanation.explained is None:
        return ""
    return f"began in {datetime.fromtimestamp(explanation.explained.drop.begin.value, UTC):%B}"


def _hashprice(explanation: Explanation) -> str:
    margin = explanation.margin
    if margin is None:
        return ""
    return (
        f"{quantity(margin.hashprice_usd_per_phs_day, USD_PER_PHS_DAY, 3)}, "
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


_KINDS = {
    "blocks": ("how it dropped and came back", "block headers", _shape),
    "pools": ("which pools lost", "labels of pools; pool_regions", _pools),
    "season": ("season", "block headers", _season),
    "hashprice": ("hashprice and break-even", "price; difficulty", _hashprice),
    "power": ("power price", "daily series of power prices", _power),
}
