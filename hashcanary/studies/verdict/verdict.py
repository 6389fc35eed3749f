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
from hashcanary.inference.gap.past_year import moved_by, past_year
from hashcanary.inference.gap.sampling import FOLLOWING, Evidence
from hashcanary.inference.gap.seen import DAYS, YEAR_DAYS, Seen
from hashcanary.interval import Interval
from hashcanary.metrics.engine import metrics_of
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY
from hashcanary.studies.verdict.states import (
    CURTAILMENT,
    WEEK_DAYS,
    Earnings,
    Known,
    accounts_of,
    probabilities,
    read_rules,
    states_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.arrays import Floats
    from hashcanary.inference.explain.assumptions import Assumptions
    from hashcanary.inference.gap.gap import Gap
    from hashcanary.inference.gap.past_year import PastYear
    from hashcanary.inference.gap.sampling import Draws
    from hashcanary.store.record import Record
    from hashcanary.studies.verdict.states import Rules

_BLOCKS_A_DAY = 144
# hashrates of the next week, over that of now, that are tried until one changes the verdict
_WEEKS = (1.0, 0.95, 1.05, 0.9, 1.1)
_YEAR, _MEAN_DAYS, _FEWEST_RANKED, _LATE_DAYS = 365, 7, 200, 5


@dataclass(frozen=True, slots=True)
class Margins:
    """What a hash earns, and the probability that margins are gone; NaN where not known."""

    hashprice_usd_per_phs_day: float
    earned: Earnings
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
    short_days: how many. rank: None where the 30-day mean is not known, or at its peak. changes:
    by the hashrate of the next week, nearest first, up to one that changes the state. unseen_days:
    of the last year, that no window covers. missing: what evidence is missing.
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
    unseen_days: float
    missing: tuple[str, ...]


def verdict_of(record: Record, given: Assumptions | None = None) -> Verdict:
    """The verdict as known at the record's moment.

    Raises NoRetargets, TooFewToExplain where there is too little to say anything, BadStatement,
    BadStates.
    """
    past, judge = past_year(record, given), Judge(record)
    draws, seen, factors, rules = past.draws, past.seen, past.factors, judge.rules
    gap, margins = gap_of(draws), judge.margins(past)
    short = short_of(seen, rules.noise_days)
    shares = judge.probabilities(past, draws, short, margins.gone)
    lacking = {"hashprice", "power"} - factors.keys()
    lacking |= {"hashprice"} if np.isnan(margins.gone) else set()
    lacking |= {"pools"} if past.pools is None or past.pools.missing else set()
    state = max(shares, key=lambda name: shares[name])
    week, changes = _week(draws), []
    for rate in _WEEKS:
        later = _after_a_week(past, rate * gap.rate.value)
        level = float(np.log(rate * gap.rate.value))
        then = judge.probabilities(past, later, level, margins.gone)
        most = max(then, key=lambda name: then[name])
        changes.append(Change(rate, most, then[most]))
        if most != state:
            break
    return Verdict(
        state=state,
        probabilities=shares,
        gap=gap,
        below=gap.below.value >= rules.gap,
        week=_fraction(week),
        rising=rising_of(draws),
        margins=margins,
        short=_fraction(short - draws.log_rate[:, -1]),
        short_days=rules.noise_days,
        data_from=float(seen.start[0]),
        data_to=past.now,
        vendor=bool(seen.vendor.any()),
        rank=_rank(record, past.now),
        changes=tuple(changes),
        unseen_days=unseen_days(seen),
        missing=tuple(kind for kind in ("hashprice", "power", "pools") if kind in lacking),
    )


class Judge:
    """What turns past years of one record into probabilities of states."""

    def __init__(self, record: Record, rules: Rules | None = None) -> None:
        """Raises BadStates."""
        self.rules = rules or read_rules()
        days = metrics_of(record).frame("day", ["hashprice", "price"])
        self._day = days["time"].to_numpy()
        self._known_at = days["hashprice.known_at"].to_numpy()
        self._hashprice, self._price = floats(days, "hashprice"), floats(days, "price")

    def states(self, past: PastYear) -> dict[str, float]:
        """Probability of each state at the end of a past year."""
        short = short_of(past.seen, self.rules.noise_days)
        return self.probabilities(past, past.draws, short, self.margins(past).gone)

    def probabilities(
        self, past: PastYear, draws: Draws, short: float, gone: float
    ) -> dict[str, float]:
        """Probability of each state, by draws of a past year or of what may follow it; see
        ``states_of`` and ``states.probabilities``.
        """
        exits = _exits(past.given, past.factors)
        states = states_of(accounts_of(draws, self.rules), self.rules, exits, short)
        season = past.given.causes.real[CURTAILMENT].season_at(draws.now)
        known = Known(gone, season, unseen_days(past.seen))
        return probabilities(states, known, self.rules)

    def margins(self, past: PastYear) -> Margins:
        """What a hash earns at the end of a past year; NaN where it is not known."""
        unknown = float("nan")
        none = Margins(unknown, Earnings(unknown, unknown, unknown, unknown), unknown)
        last = int(np.searchsorted(self._day, past.now, side="right"))
        days = slice(max(last - _YEAR - _MEAN_DAYS, 0), last)
        # nothing that was not known by then
        value = np.where(self._known_at[days] <= past.now, self._hashprice[days], np.nan)
        if value.size < _MEAN_DAYS:
            return none
        week = np.convolve(value, np.full(_MEAN_DAYS, 1 / _MEAN_DAYS), "valid")[-_YEAR:]
        known = np.flatnonzero(np.isfinite(week))
        if known.size < _FEWEST_RANKED or week.size - known[-1] > _LATE_DAYS:
            return none
        hashprice = float(week[known[-1]])
        margins, log_margin = past.around.margins(past.now), unknown
        if not isinstance(margins, Missing):
            log_margin = float(margins[0][np.isfinite(margins[0])][-1])
        prices = self._price[days][: value.size - (week.size - 1 - known[-1])]
        earned = Earnings(
            rank=float((week[known] <= hashprice).mean()),
            log_median=float(np.log(hashprice / np.median(week[known]))),
            log_margin=log_margin,
            price=float(prices[np.isfinite(prices)][-1] / np.nanmax(prices[-_YEAR:])),
        )
        return Margins(hashprice, earned, self.rules.margins_gone(earned))


def _after_a_week(past: PastYear, rate: float) -> Draws:
    """The past year a week later, after a week at ``rate``, H/s, as blocks would show it.

    What else is known stays as it is.
    """
    start = past.now + DAY * np.arange(WEEK_DAYS)
    seconds = np.full(start.size, float(DAY))
    blocks = np.full(start.size, float(_BLOCKS_A_DAY))
    week = Seen.of(start, start + DAY, blocks, seconds * rate, np.zeros(start.size, dtype=np.bool_))
    whole = past.seen.joined(week)
    whole = whole.where(whole.start >= whole.end[-1] - DAYS * DAY)
    ahead, evidence = int(WEEK_DAYS), past.evidence
    moved = Evidence(
        np.concatenate((evidence.log_factor[:, ahead:], evidence.log_factor[:, -ahead:]), axis=1),
        moved_by(evidence.place, ahead),
        evidence.log_likelihood,
    )
    return past.sampler.after(whole).draw(moved, FOLLOWING)


def _rank(record: Record, now: float) -> Rank | None:
    rows = metrics_of(record)["drawdown.sma30"].present()
    # a mean of before a gap is none of now
    if rows.is_empty() or rows["time"][-1] < now - _LATE_DAYS * DAY or rows["value"][-1] == 0:
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


def rising_of(draws: Draws) -> float:
    """Probability that the hashrate rose over the last week."""
    return float((_week(draws) > 0).mean())


def _week(draws: Draws) -> Floats:
    """Log change of the hashrate over the last week, of each draw."""
    before = int(np.searchsorted(draws.time, -WEEK_DAYS))
    return np.asarray(draws.log_rate[:, -1] - draws.log_rate[:, before])


def unseen_days(seen: Seen) -> float:
    """How many days of the last year no window covers."""
    since = seen.end[-1] - YEAR_DAYS * DAY
    covered = (seen.end - np.maximum(seen.start, since)).clip(min=0.0).sum() / DAY
    return float(max(YEAR_DAYS - covered, 0.0))


def short_of(seen: Seen, days: float) -> float:
    """Log of H/s by the blocks of the last days alone."""
    late = seen.where(seen.start >= seen.end[-1] - days * DAY - 1)
    seconds = late.end - late.start
    return float(np.log((np.exp(late.log_rate) * seconds).sum() / seconds.sum()))


def _fraction(log: Floats) -> Interval:
    """A median and its limits, of logs of ratios, as a fraction."""
    low, middle, high = np.expm1(np.quantile(log, (0.025, 0.5, 0.975))).tolist()
    return Interval(middle, low, high, KIND)
