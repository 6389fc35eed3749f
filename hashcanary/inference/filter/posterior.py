"""The posterior of the hashrate and its bands, carried on by blocks or made of a record at once.

The two give the same numbers: a span is taken into the bank for good once no later block can
change what it shows; the spans after it are added to a copy whenever the posterior is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.chain.networks import Network
from hashcanary.chain.targets import block_work
from hashcanary.inference.errors import NothingObserved
from hashcanary.inference.filter.bank import (
    BANK,
    FACTORS,
    LEVELS,
    LIGHT,
    Bank,
    Filtered,
    below,
    quantiles,
    run_bank,
    spread,
    weights_of,
)
from hashcanary.inference.filter.observations import (
    BINS_PER_DAY,
    FEWEST,
    VOUCHERS,
    Blocks,
    Observations,
    must_retarget,
    observe,
)
from hashcanary.moments import DAY


class NewBlock(NamedTuple):
    """A block to carry a state on with: height, header time (Unix seconds), compact bits.

    change: 30-day log change of the price known at that time, NaN where none is.
    """

    height: int
    time: int
    bits: int
    change: float = float("nan")


@dataclass(frozen=True, slots=True)
class State:
    """A filter between two blocks; ``advance`` gives the next one.

    settled: (m, 6) state of the bank at ``settled_height``, which later blocks leave as it is;
    None before anything was observed. recent: the blocks since then, and those before it that
    vouch for its time.
    """

    network: Network
    bank: Bank
    settled: Floats | None
    settled_height: int
    recent: Blocks


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is known of the hashrate at a block: m normals of the log rate, three a model.

    height, time: of the block (Unix seconds, repaired); rows: (m, 6) parameters of the models and
    state: (m, 6) of the bank there, their variances spread (``bank.spread``); weights, mean,
    variance: (m,) of log H/s; change: of the price as known there, NaN where none is. unobserved:
    blocks before this one that say nothing yet, being too few.
    """

    rows: Floats
    height: int
    time: float
    state: Floats
    weights: Floats
    mean: Floats
    variance: Floats
    change: float
    unobserved: int

    def quantiles(self, levels: Floats = LEVELS) -> Floats:
        """Hashrate in H/s at each of ``levels``."""
        mixed = quantiles(self.weights[None], self.mean[None], self.variance[None], levels)
        return np.asarray(np.exp(mixed[0]))

    def heavy(self) -> Posterior:
        """The same without the models too light to move a figure that anyone could see."""
        kept = np.flatnonzero(self.weights > LIGHT * self.weights.max())
        return replace(
            self,
            rows=self.rows[kept],
            state=self.state[kept],
            weights=self.weights[kept] / self.weights[kept].sum(),
            mean=self.mean[kept],
            variance=self.variance[kept],
        )

    def below(self, rate: float) -> float:
        """Probability that the hashrate is below ``rate``, H/s."""
        at = np.array([np.log(rate)])
        return float(below(self.weights, self.mean, self.variance, at)[0])


def empty_state(network: Network, bank: Bank = BANK) -> State:
    """The state before the first block. Raises NoRetargets where blocks are not worked for."""
    must_retarget(network)
    return State(network, bank, None, -1, Blocks.none())


def advance(state: State, block: NewBlock) -> State:
    """The state after one more block, in a time that does not depend on what came before.

    Raises ValueError when the block does not stand above the last one.
    """
    recent = state.recent
    if recent.height.size and block.height <= recent.height[-1]:
        raise ValueError(f"expected a block above {recent.height[-1]}, found {block.height}")
    grown = Blocks(
        np.append(recent.height, block.height),
        np.append(recent.time, block.time),
        np.append(recent.work, float(block_work(block.bits))),
        np.append(recent.change, block.change),
    )
    state = replace(state, recent=grown)
    gap = recent.height.size > 0 and block.height != recent.height[-1] + 1
    # nothing settles before the last edge has all its vouchers
    if not gap and block.height - state.settled_height <= VOUCHERS and state.settled is not None:
        return state
    return _settle(state)


def _settle(state: State) -> State:
    """Take the spans into the bank that no later block can change."""
    seen = _since(state)
    done = seen.where(seen.settled)
    if done.size == 0:
        return state
    settled = state.settled
    if settled is not None or done.count.any():
        settled = run_bank(done, state.bank, state=settled).state
    keep = max(int(done.index[-1]) - VOUCHERS, 0)
    return replace(
        state,
        settled=settled,
        settled_height=int(done.height[-1]),
        recent=state.recent.part(keep),
    )


def _since(state: State) -> Observations:
    """The spans after the settled height, as the recent blocks show them."""
    seen = observe(state.recent, state.network)
    return seen.where(seen.first >= state.settled_height)


def state_of(blocks: Blocks, network: Network, bank: Bank = BANK) -> State:
    """The state after all of ``blocks``, in one pass over them."""
    return _settle(replace(empty_state(network, bank), recent=blocks))


def posterior(state: State) -> Posterior:
    """The posterior at the last block of ``state``.

    Raises NothingObserved when the blocks say nothing yet.
    """
    seen = _since(state)
    height = int(state.recent.height[-1]) if state.recent.height.size else 0
    if state.settled is None and not seen.count.any():
        raise NothingObserved(expected=FEWEST + 1, height=height)
    now = state.settled
    if seen.size:
        now = run_bank(seen, state.bank, state=state.settled).state
    assert now is not None
    silent = 0
    if seen.size and not seen.count[-1]:
        silent = int(seen.height[-1] - seen.first[-1])
    weights, mean, variance = _mixed(now)
    return Posterior(
        rows=_spread_columns(state.bank.rows(), slice(0, 2)),
        height=height,
        time=float(seen.time[-1]) if seen.size else float(state.recent.time[-1]),
        state=_spread_columns(now, slice(2, 5)),
        weights=weights,
        mean=mean,
        variance=variance,
        change=float(state.recent.change[-1]),
        unobserved=silent,
    )


def _mixed(states: Floats) -> tuple[Floats, Floats, Floats]:
    """Weights, means and variances (..., 3 m) of the log rate in states (..., m, 6) of the bank."""
    x, u, a, c, b, log_weight = (states[..., at] for at in range(6))
    return spread(weights_of(log_weight), x + u, a + 2 * c + b)


def _spread_columns(models: Floats, variances: slice) -> Floats:
    """Rows (m, k) of models as (3 m, k), the columns that are variances spread."""
    rows = np.concatenate([models] * FACTORS.size)
    rows[:, variances] *= np.repeat(FACTORS, models.shape[0])[:, None]
    return rows


def up_to(blocks: Blocks, height: int | None) -> Blocks:
    """The blocks up to ``height``, all of them without. Raises HeightNotKnown."""
    if height is None:
        return blocks
    return blocks.part(0, blocks.at(height) + 1)


@dataclass(frozen=True, slots=True)
class History:
    """A whole record filtered: the state at any of its blocks without a second pass."""

    network: Network
    blocks: Blocks
    filtered: Filtered

    def state_at(self, index: int) -> State:
        """The state as it was right after block ``index`` came, from nothing later."""
        seen = self.filtered.observations
        done = int(np.searchsorted(seen.index, index, side="right"))
        # spans are settled by the blocks after them: step back to one that was by then
        while done and not self._settled(done - 1, index):
            done -= 1
        if done == 0 or not seen.count[:done].any():
            return state_of(self.blocks.part(0, index + 1), self.network, self.filtered.bank)
        keep = max(int(seen.index[done - 1]) - VOUCHERS, 0)
        return State(
            self.network,
            self.filtered.bank,
            self.filtered.states_after(done - 1),
            int(seen.height[done - 1]),
            self.blocks.part(keep, index + 1),
        )

    def _settled(self, span: int, index: int) -> bool:
        seen = self.filtered.observations
        edge = int(seen.index[span])
        later = int(self.blocks.height[index] - seen.height[span])
        unbroken = later == index - edge
        return not unbroken or later >= VOUCHERS


def history(
    blocks: Blocks, network: Network, bank: Bank = BANK, *, since: float | None = None
) -> History:
    """Filter all blocks and keep every state, or those from ``since`` (Unix seconds) on.

    Raises NothingObserved, NoRetargets.
    """
    must_retarget(network)
    seen = observe(blocks, network)
    early = seen.time < (-np.inf if since is None else since)
    if not seen.count[early].any():
        return History(network, blocks, run_bank(seen, bank, keep=True))
    before = run_bank(seen.where(early), bank)
    kept = run_bank(seen.where(~early), bank, state=before.state, keep=True)
    return History(network, blocks, kept)


@dataclass(frozen=True, slots=True)
class Bands:
    """Quantiles of the hashrate at n moments.

    time: (n,) Unix seconds, ascending; rate: (n, 7) H/s at ``bank.LEVELS``.
    """

    time: Floats
    rate: Floats


def recent_bands(past: History, days: float) -> Bands:
    """What was known of the hashrate of the last ``days``, each time from what had come by then.

    One row a span of up to 18 blocks, at its end, once its header times were vouched for.
    """
    seen = past.filtered.observations
    first = int(np.searchsorted(seen.time, seen.time[-1] - days * DAY))
    kept = past.filtered.kept[first:]
    return Bands(seen.time[first:], np.exp(quantiles(*_mixed(kept), LEVELS)))


def bands_ahead(now: Posterior, days: float, step_days: float = 0.5) -> Bands:
    """Where the hashrate goes from the posterior's block on, blocks to come not being known.

    The first row is the posterior itself.
    """
    now = now.heavy()
    ahead = np.arange(0.0, days + step_days / 2, step_days)
    bins = (ahead * BINS_PER_DAY)[:, None]
    rows, state = now.rows, now.state
    change = 0.0 if np.isnan(now.change) else now.change
    fading = np.where(rows[:, 1] > 0, np.exp(-bins * rows[:, 2]), 0.0)
    mean = state[:, 0] + (rows[:, 3] + rows[:, 4] * change) * bins + fading * state[:, 1]
    variance = state[:, 2] + rows[:, 0] * bins + 2 * fading * state[:, 3]
    variance += fading**2 * state[:, 4] + rows[:, 1] * (1 - fading**2)
    weights = np.broadcast_to(now.weights, mean.shape)
    mixed = quantiles(np.ascontiguousarray(weights), mean, variance, LEVELS)
    return Bands(now.time + ahead * DAY, np.exp(mixed))
