"""What is ordinary for the hashrate, and what is believed of it at each edge between bins.

Ordinary is luck, a wandering level and its growth, as the bank of models below learns them. Falls
that come back within days are no part of it: no model here has a transient, or a storm a month
would soon be as ordinary as the weather.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.filter.bank import Bank, Model, weights_of

if TYPE_CHECKING:
    from hashcanary.inference.filter.observations import Floats, Ints

# variance of the log rate after an alarm: the level is to be learned from the drop on
_AFRESH = 0.25


def _wandering() -> Bank:
    wanders = (0.0008, 0.0015, 0.003, 0.005, 0.008, 0.012)
    growths = ((0.0, 1.0), (0.4, 1.0), (3.0, 0.1))
    return Bank(
        tuple(
            Model(wander, 0.0, 0.0, growth, 0.004, prior)
            for wander, (growth, prior) in product(wanders, growths)
        ),
        forgetting=0.9995,
        sharpness=2.5,
    )


ORDINARY = _wandering()


@dataclass(frozen=True, slots=True)
class Edges:
    """Settled edges, ascending: what is known where each span ends.

    height; clock: seconds per hash; spans: (e, 4) as the bank takes them; change: of the price;
    states: (e, m, 6) of the bank; beliefs: (e, 6), see ``beliefs_of``.
    """

    height: Ints
    clock: Floats
    spans: Floats
    change: Floats
    states: Floats
    beliefs: Floats

    def part(self, first: int, stop: int | None = None) -> Edges:
        """Those from index ``first`` to before ``stop``."""
        return Edges(*(getattr(self, one.name)[first:stop] for one in fields(self)))

    def joined(self, later: Edges) -> Edges:
        """These and later ones."""
        return Edges(
            *(
                np.concatenate((getattr(self, one.name), getattr(later, one.name)))
                for one in fields(self)
            )
        )

    def rows(self) -> Floats:
        """What the compiled scan takes, (e, 8): height, clock, belief."""
        return np.column_stack((self.height, self.clock, self.beliefs))


def beliefs_of(bank: Bank, states: Floats, change: Floats) -> Floats:
    """What the weighted models together believe at edges, (e, 6): the first two moments.

    Log rate, its variance, wander variance a bin, drift a bin, its variance, covariance of both.
    """
    weights, level = weights_of(states[:, :, 5]), states[:, :, 0]
    rows = bank.rows()
    drift = rows[None, :, 3] + rows[None, :, 4] * change[:, None]
    mean, mean_drift = (weights * level).sum(axis=1), (weights * drift).sum(axis=1)
    off, off_drift = level - mean[:, None], drift - mean_drift[:, None]
    return np.stack(
        (
            mean,
            (weights * (states[:, :, 2] + off**2)).sum(axis=1),
            weights @ rows[:, 0],
            mean_drift,
            (weights * off_drift**2).sum(axis=1),
            (weights * off * off_drift).sum(axis=1),
        ),
        axis=1,
    )


def afresh(edges: Edges, bank: Bank, place: int) -> Edges:
    """The edges from ``place`` on as the bank sees them when it no longer knows the level there."""
    from hashcanary.inference.filter.kernels import run_forward

    states = edges.states.copy()
    states[place, :, 2] += _AFRESH
    later = edges.spans[place + 1 :]
    if later.shape[0]:
        kept = np.empty((later.shape[0], len(bank.models), 7))
        run_forward(
            later,
            bank.rows(),
            bank.settings(),
            states[place].copy(),
            kept,
            np.empty(later.shape[0]),
        )
        states[place + 1 :] = kept[:, :, :6]
    return replace(edges, states=states, beliefs=beliefs_of(bank, states, edges.change))
