"""A bank of small dynamic models of the hashrate, weighted by how well each predicted lately.

Each model: the log rate is a level, a random walk with drift (growth, and a response to the price),
plus a transient that dies out. No single setting fits a record in which the rate wanders for years
and then hardly does: the weights, discounted scores (dynamic model averaging: Raftery, Karny and
Ettler, Technometrics 52, 2010), follow. One bin is 18 blocks; one day is 8 bins.

What the bank says is a mixture: weighted normal distributions of a log rate, whose quantiles are
in closed form but for one root.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.inference.errors import NothingObserved
from hashcanary.inference.filter.observations import BINS_PER_DAY, FEWEST, Observations

YEAR = 365.25
# standard deviation of the log rate before anything is known of it
VAGUE = 5.0


@dataclass(frozen=True, slots=True)
class Model:
    """One model.

    wander: standard deviation of the level's change a bin; transient_days: over how many days a
    transient falls to 1/e, 0 for none; transient_sd: its standard deviation; growth: of the log
    rate a year; response: of the log rate a day to a 30-day log change of the price; prior: its
    weight where no score speaks, relative to the others'.
    """

    wander: float
    transient_days: float
    transient_sd: float
    growth: float
    response: float
    prior: float = 1.0

    def row(self) -> tuple[float, float, float, float, float, float]:
        """What the compiled recursions take, per bin: q2, su2, 1/tau, growth, response; prior."""
        slow = 1 / (self.transient_days * BINS_PER_DAY) if self.transient_days else 0.0
        return (
            self.wander**2,
            self.transient_sd**2,
            slow,
            self.growth / YEAR / BINS_PER_DAY,
            self.response / BINS_PER_DAY,
            math.log(self.prior),
        )


@dataclass(frozen=True, slots=True)
class Shocks:
    """The last ``groups`` models of a bank are shocks: times in which the rate moves far.

    Model k belongs to group k modulo ``groups``; a model of a group enters its shock at the rate
    ``enter`` a bin, and leaves it at the rate ``end``, for a model of the group by its weight.
    """

    groups: int
    enter: float
    end: float


@dataclass(frozen=True, slots=True)
class Bank:
    """Models, and the factor by which an old score counts less with each bin.

    sharpness: how many times a score counts: with more than one, scores that are soon forgotten
    still single out the models that forecast best. shocks: None where no model is one.
    Where scores are forgotten, or there are none, the models have their prior weights.
    """

    models: tuple[Model, ...]
    forgetting: float
    sharpness: float = 1.0
    shocks: Shocks | None = None

    def rows(self) -> Floats:
        """The (m, 6) parameters of the models."""
        return np.array([model.row() for model in self.models], dtype=np.float64)

    def settings(self) -> Floats:
        """What the compiled recursions take beside the models, (5,)."""
        shocks = self.shocks or Shocks(0, 0.0, 0.0)
        return np.array(
            (self.forgetting, self.sharpness, shocks.groups, shocks.enter, shocks.end),
            dtype=np.float64,
        )

    def start(self, log_rate: float) -> Floats:
        """The (m, 6) state in which next to nothing is known: about ``log_rate``, or far off."""
        state = np.zeros((len(self.models), 6))
        state[:, 0] = log_rate
        state[:, 2] = VAGUE**2
        state[:, 4] = [model.transient_sd**2 for model in self.models]
        state[:, 5] = [math.log(model.prior) for model in self.models]
        return state


_WANDERS = (0.0008, 0.0015, 0.003, 0.005, 0.008, 0.012)
_TRANSIENTS = ((0.0, 0.0), (0.5, 0.05), (2.0, 0.03), (2.0, 0.06), (5.0, 0.05), (10.0, 0.06))
# growth a year, and prior weight: a hundredfold a year and more was seen when ASICs came
_GROWTHS = ((0.0, 1.0), (0.4, 1.0), (5.0, 0.3))
_RESPONSE = 0.004
# a shock comes every two months and is over after three days: storms, the first days of a ban
_SHOCK = (2.0, 0.10)


BANK = Bank(
    tuple(
        Model(wander, days, sd, growth, _RESPONSE, prior)
        for (days, sd), wander, (growth, prior) in product(
            (*_TRANSIENTS, _SHOCK), _WANDERS, _GROWTHS
        )
    ),
    forgetting=0.9995,
    sharpness=2.5,
    shocks=Shocks(groups=len(_WANDERS) * len(_GROWTHS), enter=0.002, end=0.05),
)


@dataclass(frozen=True, slots=True)
class Filtered:
    """What the bank knows after n observations.

    state: (m, 6) after the last one: x, u, var x, cov xu, var u, log weight. scores: (n,) log
    predictive density of each observation under the weighted models, 0 where nothing was observed
    or known before. kept: (n, m, 6) the state after each, or (0, m, 6).
    """

    bank: Bank
    observations: Observations
    state: Floats
    scores: Floats
    kept: Floats

    def states_after(self, index: int) -> Floats:
        """The (m, 6) state after observation ``index``, of those that were kept."""
        return np.array(self.kept[index])


def first_guess(observations: Observations, bank: Bank) -> Floats:
    """The state before anything was observed. Raises NothingObserved where nothing is."""
    seen = np.flatnonzero(observations.count)
    if seen.size == 0:
        height = int(observations.height[-1]) if observations.size else 0
        raise NothingObserved(expected=FEWEST + 1, height=height)
    return bank.start(float(observations.log_rate[seen[0]]))


def run_bank(
    observations: Observations,
    bank: Bank = BANK,
    *,
    state: Floats | None = None,
    keep: bool = False,
) -> Filtered:
    """Filter the observations, from ``state`` where it is given; it is not changed.

    Raises NothingObserved when no state is given and nothing is observed.
    """
    from hashcanary.inference.filter.kernels import run_forward

    size, count = observations.size, len(bank.models)
    fresh = state is None
    now = first_guess(observations, bank) if state is None else state.copy()
    scores = np.zeros(size)
    kept = np.empty((size if keep else 0, count, 6))
    run_forward(
        observations.spans(),
        bank.rows(),
        bank.settings(),
        now,
        kept,
        scores,
    )
    if fresh:
        # the first observation was its own guess
        scores[: int(np.flatnonzero(observations.count)[0]) + 1] = 0.0
    return Filtered(bank, observations, now, scores, kept)


def weights_of(log_weights: Floats) -> Floats:
    """Weights that sum to one over the last axis."""
    shifted = np.exp(log_weights - log_weights.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


# the central bands everything is given in, and the quantiles that bound them
BANDS = (0.50, 0.80, 0.95)
LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
# how well a model knows its own variance: the logarithm of the factor it is off by is normal with
# this standard deviation (set on epochs before 2024), taken at three points of Gauss and Hermite
SPREAD = 0.6
SHARES = np.array([1 / 6, 2 / 3, 1 / 6])
_POINTS = np.exp(SPREAD * np.array([-math.sqrt(3), 0.0, math.sqrt(3)]))
FACTORS = _POINTS / (SHARES @ _POINTS)
# models lighter than this move no quantile that anyone could see
LIGHT = 1e-5


def spread(weights: Floats, mean: Floats, variance: Floats) -> tuple[Floats, Floats, Floats]:
    """Normals (..., m), each as three (..., 3 m) of the same mean and, together, variance.

    A rate that mostly wanders less than its variance says, and at times far more, is more peaked
    and has longer tails than a normal.
    """
    return (
        np.concatenate([weights * share for share in SHARES], axis=-1),
        np.concatenate([mean] * SHARES.size, axis=-1),
        np.concatenate([variance * factor for factor in FACTORS], axis=-1),
    )


def quantiles(weights: Floats, mean: Floats, variance: Floats, levels: Floats) -> Floats:
    """Quantiles (n, k) at ``levels`` (k,) of n mixtures of m normals, each given as (n, m)."""
    # numba is imported where it is needed
    from hashcanary.inference.filter.kernels import mixture_quantiles

    out = np.empty((weights.shape[0], levels.size))
    mixture_quantiles(weights, mean, np.sqrt(variance), levels, LIGHT, out)
    return out


def below(weights: Floats, mean: Floats, variance: Floats, at: Floats) -> Floats:
    """Probability (k,) that one mixture of (m,) normals lies below each of ``at`` (k,)."""
    from scipy.special import ndtr

    return np.asarray(weights @ ndtr((at[None, :] - mean[:, None]) / np.sqrt(variance)[:, None]))
