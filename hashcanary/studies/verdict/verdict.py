"""The verdict on a record: its state, the gap and its parts, where it goes, and what is missing.

One set of draws answers everything: which state, how large the gap, which drops make it up, and how
the hashrate moved in the last week. What is not known makes an answer wider, or ``unknown``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.inference.explain.margins import Missing
from hashcanary.inference.gap.gap import KIND, gap_of
from hashcanary.inference.gap.past_year import past_year
from hashcanary.inference.gap.sampling import FOLLOWING, Evidence
from hashcanary.inference.gap.seen import DAYS, Seen
from hashcanary.interval import Interval
from hashcanary.metrics.engine import metrics_of
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY
from hashcanary.studies.verdict.states import (
    accounts_of,
    probabilities,
    read_rules,
    states_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.arrays import Floats
    from hashcanary.inference.explain.attribution import Assumptions
    from hashcanary.inference.gap.evidence import Circumstances
    from hashcanary.inference.gap.gap import Gap
    from hashcanary.inference.gap.past_year import PastYear
    from hashcanary.inference.gap.sampling import Draws
    from hashcanary.store.record import Record
    from hashcanary.studies.verdict.states import Rules

WEEK, _BLOCKS_A_DAY = 7.0, 144
# hashrates of the next week, over that of now, whose verdicts are told
_WEEKS = (0.9, 0.95, 1.0, 1.05, 1.1)
_YEAR, _FEWEST_RANKED, _LATE_DAYS = 365, 200, 5


@dataclass(frozen=True, slots=True)
class Margins:
    """What a hash earns. rank: part of the last year's days whose 7-day mean of the hashprice was
    no higher; to_break_even: hashprice over what the network's mean machine costs to run; gone:
    probability that margins are gone. NaN where not known.
    """

    hashprice_usd_per_phs_day: float
    rank: float
    to_break_even: float
    gone: float


@dataclass(frozen=True, slots=True)
class Rank:
    """The drawdown of the 30-day mean, in the record. drawdown: fraction, below 0; peak: Unix
    seconds; before: when, before that peak, it was last as deep; None where it never was; since:
    first day of the record that has one.
    """

    drawdown: float
    peak: int
    before: int | None
    since: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a week would make of the verdict. rate: hashrate in it over what it is now; state: the
    most probable after it, and its probability.
    """

    rate: float
    state: str
    probability: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict.

    state: the most probable; probabilities: of STATES, summing to 1. gap: None where nothing is
    below the highest level of the last year. week: change of the hashrate over the last seven days,
    a fraction; rising: probability that it rose. data_from, data_to: Unix seconds of what it rests
    on; vendor: whether some of it is a vendor's daily figures. short: what the blocks of the last
    days alone would say of the hashrate, as a fraction of what it is believed to be, less 1;
    short_days: how many. rank: None where the 30-day mean is not known, or at its peak. changes: by
    the hashrate of the next week. missing: what evidence is missing.
    """

    state: str
    probabilities: Mapping[str, float]
    gap: Gap
    below: bool
    week: Interval
    rising: float
    margins: Margins
    short: Interval
    short_days: float
    data_from: float
    data_to: float
    vendor: bool
    rank: Rank | None
    changes: tuple[Change, ...]
    missing: tuple[str, ...]


def verdict_of(record: Record, given: Assumptions | None = None) -> Verdict:
    """The verdict as known at the record's moment.

    Raises NoRetargets, TooFewToExplain where there is too little to say anything, BadStatement,
    BadStates.
    """
    rules = read_rules()
    past = past_year(record, given)
    draws, seen, factors = past.draws, past.seen, past.factors
    gap, margins = gap_of(draws), _margins(record, past.around, past.now, rules)
    judge = _Judge(rules, _exits(past.given, factors), margins.gone)
    short = _short(seen, rules.noise_days)
    shares = judge.probabilities(draws, short)
    missing = [kind for kind in ("hashprice", "power") if kind not in factors]
    week = _week(draws)
    return Verdict(
        state=max(shares, key=lambda name: shares[name]),
        probabilities=shares,
        gap=gap,
        below=gap.below.value >= rules.gap,
        week=_fraction(week),
        rising=float((week > 0).mean()),
        margins=margins,
        short=_fraction(short - draws.log_rate[:, -1]),
        short_days=rules.noise_days,
        data_from=float(seen.start[0]),
        data_to=past.now,
        vendor=bool(seen.vendor.any()),
        rank=_rank(record),
        changes=tuple(_after_a_week(past, judge, rate, gap.rate.value) for rate in _WEEKS),
        missing=(*missing, *(("pools",) if past.pools is None else ())),
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    """What turns draws into probabilities of states: see ``states_of``."""

    rules: Rules
    exits: float
    gone: float

    def probabilities(self, draws: Draws, short: float) -> dict[str, float]:
        states = states_of(accounts_of(draws, self.rules), self.rules, self.exits, short)
        return probabilities(states, self.gone, self.rules)


def _after_a_week(past: PastYear, judge: _Judge, rate: float, now: float) -> Change:
    """The verdict after a week at ``rate`` times the hashrate of now, H/s, as blocks would show it.

    What else is known stays as it is.
    """
    start = past.now + DAY * np.arange(WEEK)
    blocks = np.full(start.size, _BLOCKS_A_DAY * rate)
    work = np.full(start.size, now * rate * DAY)
    week = Seen.of(start, start + DAY, blocks, work, np.zeros(start.size, dtype=np.bool_))
    whole = past.seen.joined(week)
    whole = whole.where(whole.start >= whole.end[-1] - DAYS * DAY)
    ahead, evidence = int(WEEK), past.evidence
    moved = Evidence(
        np.concatenate((evidence.log_factor[:, ahead:], evidence.log_factor[:, -ahead:]), axis=1),
        np.concatenate((evidence.place[ahead:], np.zeros(ahead, dtype=np.int64))),
        evidence.log_likelihood,
    )
    draws = past.sampler.after(whole).draw(moved, FOLLOWING)
    shares = judge.probabilities(draws, float(np.log(now * rate)))
    state = max(shares, key=lambda name: shares[name])
    return Change(rate, state, shares[state])


def _rank(record: Record) -> Rank | None:
    rows = metrics_of(record)["drawdown.sma30"].present()
    if rows.is_empty() or rows["value"][-1] == 0:
        return None
    value, peak = float(rows["value"][-1]), int(rows["peak_time"][-1])
    earlier = rows.filter(pl.col("time") < peak, pl.col("value") <= value)
    return Rank(
        value, peak, int(earlier["time"][-1]) if earlier.height else None, int(rows["time"][0])
    )


def _exits(given: Assumptions, factors: dict[str, Floats]) -> float:
    """Probability that machines which stop slowly now do so for good, not for their margins."""
    _, economics, leave = given.causes.real
    of_margins = float(factors["hashprice"][1, -1]) if "hashprice" in factors else 0.0
    rate = economics.a_year * np.exp(of_margins)
    return float(leave.a_year / max(leave.a_year + rate, 1e-12))


def _margins(record: Record, around: Circumstances, now: float, rules: Rules) -> Margins:
    days = metrics_of(record).frame("day", ["hashprice"])
    week = np.convolve(floats(days, "hashprice"), np.full(7, 1 / 7), "valid")
    known = np.flatnonzero(np.isfinite(week))
    year = week[-_YEAR:][np.isfinite(week[-_YEAR:])]
    last = float(days["time"].to_numpy()[known[-1] + 6]) if known.size else 0.0
    if now - last > _LATE_DAYS * DAY or year.size < _FEWEST_RANKED:
        return Margins(float("nan"), float("nan"), float("nan"), float("nan"))
    hashprice = float(week[known[-1]])
    rank = float((year <= hashprice).mean())
    margins = around.margins(now)
    log_margin = float("nan")
    if not isinstance(margins, Missing):
        log_margin = float(margins[0][np.isfinite(margins[0])][-1])
    gone = rules.margins_gone(rank, log_margin)
    return Margins(hashprice, rank, float(np.exp(log_margin)), gone)


def _week(draws: Draws) -> Floats:
    """Log change of the hashrate over the last week, of each draw."""
    before = int(np.searchsorted(draws.time, -WEEK))
    return np.asarray(draws.log_rate[:, -1] - draws.log_rate[:, before])


def _short(seen: Seen, days: float) -> float:
    """Log of H/s by the blocks of the last days alone."""
    late = seen.where(seen.start >= seen.end[-1] - days * DAY - 1)
    seconds = late.end - late.start
    return float(np.log((np.exp(late.log_rate) * seconds).sum() / seconds.sum()))


def _fraction(log: Floats) -> Interval:
    """A median and its limits, of logs of ratios, as a fraction."""
    low, middle, high = np.expm1(np.quantile(log, (0.025, 0.5, 0.975))).tolist()
    return Interval(middle, low, high, KIND)
