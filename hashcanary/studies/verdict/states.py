"""The state of mining, read off an account of the last year: its rules, and their probabilities.

A rule looks at one account, drawn or, in a simulated world, true: the path of the hashrate, falls
with causes, margins. So what is said of a state can be held against the truth of a world whose
account is known. The numbers stand in ``states.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hashcanary.inference.explain.causes import REAL
from hashcanary.inference.gap.kernel import BEGIN, DEPTH, FALL, HOLD
from hashcanary.inference.gap.seen import YEAR_DAYS
from hashcanary.stated import read_document
from hashcanary.studies.errors import BadStates

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.arrays import Bools, Floats, Ints
    from hashcanary.inference.gap.sampling import Draws
    from hashcanary.stated import Place

CALM, NOISE, STRESSED, RECOVERING, UNKNOWN = "calm", "noise", "stressed", "recovering", "unknown"
OF_CAUSE = dict(zip(REAL, ("curtailed", "capitulating", "exiting"), strict=True))
STATES = (CALM, NOISE, STRESSED, *OF_CAUSE.values(), RECOVERING, UNKNOWN)
KNOWN = STATES[:-1]
# machines off: for a while, for margins, for good
FALLS = tuple(OF_CAUSE.values())
CURTAILMENT, WEEK_DAYS = 0, 7.0
_CAPITULATING, _EXITING = (STATES.index(OF_CAUSE[name]) for name in REAL[1:])


@dataclass(frozen=True, slots=True)
class Step:
    """A logistic step downwards: the probability of what lies below ``at``."""

    at: float
    width: float

    def below(self, value: float) -> float:
        """Probability; NaN where the value is not known."""
        return float(1 / (1 + np.exp(np.clip((value - self.at) / self.width, -50, 50))))


class Earnings(NamedTuple):
    """What a hash earns; NaN where not known.

    rank: part of the last year's days whose 7-day mean of the hashprice was no higher; log_median:
    log of it over its median of the year; log_margin: log of it over what the network's mean
    machine costs to run; price: of a coin, over its highest of the last year.
    """

    rank: float
    log_median: float
    log_margin: float
    price: float


@dataclass(frozen=True, slots=True)
class Rules:
    """What ``states.toml`` states; fractions, and days."""

    unseen_days: float
    gap: float
    fall: float
    fall_days: float
    out: float
    returned: float
    noise: float
    noise_days: float
    rank: Step
    log_median: Step
    log_margin: Step
    price: Step
    cost_unknown: float
    prior_weight: float
    prior: Floats

    def margins_gone(self, earned: Earnings) -> float:
        """Probability that margins are gone; NaN where the hashprice's rank is not known."""
        cost = earned.log_margin
        near = self.cost_unknown if np.isnan(cost) else self.log_margin.below(cost)
        low = self.rank.below(earned.rank) * self.log_median.below(earned.log_median)
        return low * (1 - (1 - near) * (1 - self.price.below(earned.price)))


def read_rules(path: Path | None = None) -> Rules:
    """The rules of a file, the built-in ones without. Raises BadStates."""
    document = read_document("hashcanary.studies.verdict", "states.toml", path, BadStates)
    margins, prior = document.part("margins"), document.part("prior")
    shares = np.array([prior.number(name, 1e-6, 1.0) for name in KNOWN])
    if abs(shares.sum() - 1) > 1e-9:
        raise prior.bad("calm", "fractions of all states that sum to 1", float(shares.sum()))
    return Rules(
        unseen_days=document.number("unseen_days", 0.0, 365.0),
        gap=document.number("gap", 1e-3, 0.5),
        fall=document.number("fall", 1e-3, 0.5),
        fall_days=document.number("fall_days", 1.0, 365.0),
        out=document.number("out", 0.01, 1.0),
        returned=document.number("returned", 0.01, 0.99),
        noise=document.number("noise", 0.01, 0.9),
        noise_days=document.number("noise_days", 0.5, 14.0),
        rank=_step(margins.part("rank")),
        log_median=_step(margins.part("log_median")),
        log_margin=_step(margins.part("log_margin")),
        price=_step(margins.part("price")),
        cost_unknown=margins.number("cost_unknown", 0.0, 1.0),
        prior_weight=prior.number("weight", 1e-4, 0.5),
        prior=shares,
    )


def _step(place: Place) -> Step:
    return Step(place.number("at", -5.0, 5.0), place.number("width", 1e-3, 5.0))


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the rules look at in accounts of the last year, (m,) of them.

    now: log of H/s; risen: less that of a week ago; fallen: log of its highest level of the last
    year over it; lost: log of that level over the lowest since. active: (m, causes) log that falls
    which still go or hold take away now, of those that began within Rules.fall_days; missing: (m,
    causes) log that all falls do.
    """

    now: Floats
    risen: Floats
    fallen: Floats
    lost: Floats
    active: Floats
    missing: Floats


def accounts_of(draws: Draws, rules: Rules) -> Accounts:
    """The accounts that were drawn."""
    rate = draws.log_rate[:, draws.time >= -YEAR_DAYS]
    top = rate.argmax(axis=1)
    peak = rate[np.arange(top.size), top]
    since = np.arange(rate.shape[1])[None, :] >= top[:, None]
    begin, cause = draws.falls[:, :, BEGIN], draws.cause
    going = begin + draws.falls[:, :, FALL] + draws.falls[:, :, HOLD] > 0
    taken = draws.missing[:, :, -1]
    out = (cause == CURTAILMENT) & (taken > rules.out * draws.falls[:, :, DEPTH])
    young = (going | out) & (begin >= -rules.fall_days)
    before = int(np.searchsorted(draws.time, -WEEK_DAYS))

    def by_cause(chosen: Bools) -> Floats:
        parts = (np.where(chosen & (cause == at), taken, 0.0) for at in range(len(REAL)))
        return np.stack([part.sum(axis=1) for part in parts], axis=1)

    return Accounts(
        now=rate[:, -1],
        risen=rate[:, -1] - draws.log_rate[:, before],
        fallen=peak - rate[:, -1],
        lost=peak - np.where(since, rate, np.inf).min(axis=1),
        active=by_cause(young),
        missing=by_cause(np.ones_like(young)),
    )


def states_of(accounts: Accounts, rules: Rules, exits: float, short: float) -> tuple[Ints, Ints]:
    """Index in STATES of each account where margins are not gone, and where they are, (m,) each.

    exits: probability that machines which stopped without a fall of their own did so for good and
    not for their margins, where margins are not gone. short: log of H/s by the blocks of the last
    Rules.noise_days alone.
    """
    gap = accounts.fallen >= -np.log1p(-rules.gap)
    fresh = accounts.active.max(axis=1) >= -np.log1p(-rules.fall)
    back = accounts.lost - accounts.fallen >= rules.returned * accounts.lost
    back &= accounts.risen >= 0
    told = fresh | (accounts.missing.max(axis=1) >= accounts.fallen / 2)
    leading = np.where(fresh, accounts.active.argmax(axis=1), accounts.missing.argmax(axis=1))
    cause = np.array([STATES.index(name) for name in OF_CAUSE.values()])[leading]
    noisy = short - accounts.now <= np.log1p(-rules.noise)
    calm = np.where(noisy, STATES.index(NOISE), STATES.index(CALM))
    stressed = np.full(calm.size, STATES.index(STRESSED))
    # machines that stop without a fall of their own do so for their margins where these are gone
    slow = _EXITING if exits > 0.5 else _CAPITULATING

    def read(near: Ints, slowly: int) -> Ints:
        falling = np.where(told, cause, slowly)
        falling[back & ~fresh] = STATES.index(RECOVERING)
        return np.where(gap, falling, near)

    return read(calm, slow), read(stressed, _CAPITULATING)


class Known(NamedTuple):
    """What is known beside accounts. gone: probability that margins are gone, NaN where it is not
    known; season: how many times likelier than on average a curtailment is; unseen_days: of the
    last year.
    """

    gone: float
    season: float
    unseen_days: float


def probabilities(states: tuple[Ints, Ints], known: Known, rules: Rules) -> dict[str, float]:
    """Probability of each of STATES, summing to 1."""
    prior = rules.prior.copy()
    prior[KNOWN.index(OF_CAUSE[REAL[CURTAILMENT]])] *= known.season
    prior /= prior.sum()
    shares = [np.bincount(one, minlength=len(STATES))[: len(KNOWN)] / one.size for one in states]
    gone = 0.0 if np.isnan(known.gone) else known.gone
    found = (1 - gone) * shares[0] + gone * shares[1]
    found = (1 - rules.prior_weight) * found + rules.prior_weight * prior
    named = dict(zip(KNOWN, found.tolist(), strict=True))
    named[UNKNOWN] = 0.0
    if np.isnan(known.gone) or known.unseen_days > rules.unseen_days:
        # without margins, or the year's highest level, nobody can say that it is calm
        named[UNKNOWN] = named[CALM]
        named[CALM] = 0.0
    return named
