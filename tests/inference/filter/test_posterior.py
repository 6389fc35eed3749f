"""The posterior: carried on as at once, from nothing later, and right as often as it says."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.worlds import START, WORLDS, world_chain, world_path

from hashcanary.chain.networks import MAIN, NETWORKS
from hashcanary.inference.errors import (
    HeightNotKnown,
    NoBlocksToObserve,
    NoRetargets,
    NothingObserved,
)
from hashcanary.inference.filter.bank import (
    LEVELS,
    quantiles,
    run_bank,
    spread,
    weights_of,
)
from hashcanary.inference.filter.observations import observe
from hashcanary.inference.filter.posterior import (
    NewBlock,
    advance,
    empty_state,
    history,
    posterior,
    state_of,
)

if TYPE_CHECKING:
    from types import ModuleType


def test_block_by_block_is_the_same_as_at_once(chains: ModuleType, stormy: Any) -> None:
    blocks = chains.blocks_from(stormy).part(0, 700)
    state = empty_state(MAIN)
    for i in range(700):
        state = advance(
            state, NewBlock(int(blocks.height[i]), int(blocks.time[i]), int(stormy.bits[i]))
        )
        if i in (100, 333, 500, 699):
            once = posterior(state_of(blocks.part(0, i + 1), MAIN))
            carried = posterior(state)
            assert carried.state == pytest.approx(once.state, abs=1e-9)
            assert (carried.height, carried.time) == (once.height, once.time)


def test_block_by_block_over_a_gap_is_the_same_as_at_once(chains: ModuleType, stormy: Any) -> None:
    blocks = chains.blocks_from(stormy)
    keep = np.r_[0:205, 220:300, 1800:1900]
    part = type(blocks)(*(getattr(blocks, n)[keep] for n in ("height", "time", "work", "change")))
    state = empty_state(MAIN)
    for i, at in enumerate(keep):
        state = advance(
            state, NewBlock(int(part.height[i]), int(part.time[i]), int(stormy.bits[at]))
        )
    once = posterior(state_of(part, MAIN))
    assert posterior(state).state == pytest.approx(once.state, abs=1e-9)


def test_a_history_gives_any_blocks_state_from_nothing_later(
    chains: ModuleType, stormy: Any
) -> None:
    blocks = chains.blocks_from(stormy).part(0, 3000)
    past = history(blocks, MAIN)
    for index in (30, 500, 1511, 1512, 1523, 2016, 2999):
        alone = posterior(state_of(blocks.part(0, index + 1), MAIN))
        assert posterior(past.state_at(index)).state == pytest.approx(alone.state, abs=1e-9)


def test_a_record_cut_at_a_moment_gives_the_same_posterior_there(
    chains: ModuleType, stormy: Any, cut: Any
) -> None:
    closes = 9000 * np.exp(0.03 * np.sin(np.arange(270) / 9))
    record = chains.record_from(stormy, closes)
    row = record.blocks.row(9000, named=True)
    early = cut(record, row["known_at"])
    height = int(early.blocks["height"][-1])
    alone = chains.posterior_of(early)
    assert alone.state == pytest.approx(chains.posterior_of(record, height).state, abs=1e-12)
    assert not np.isnan(alone.change)


def test_one_more_block_takes_less_than_a_millisecond(chains: ModuleType, stormy: Any) -> None:
    blocks = chains.blocks_from(stormy)
    state = state_of(blocks.part(0, 20_000), MAIN)
    took = []
    for i in range(20_000, 20_200):
        block = NewBlock(int(blocks.height[i]), int(blocks.time[i]), int(stormy.bits[i]))
        start = time.perf_counter()
        state = advance(state, block)
        posterior(state)
        took.append(time.perf_counter() - start)
    # the median on a machine that does other things too; the state's size must not grow
    assert np.median(took) < 5e-3
    assert state.recent.height.size < 60


@pytest.mark.parametrize("world", WORLDS)
def test_bands_hold_the_simulated_truth_as_often_as_they_say(
    chains: ModuleType, world: str
) -> None:
    held = []
    for seed in range(6):
        path = world_path(world, 400, seed)
        seen = observe(chains.blocks_from(world_chain(path, seed)), MAIN)
        late = np.arange(600, seen.size - 1, 7)
        kept = run_bank(seen, keep=True).kept[late]
        truth = np.log(np.interp(seen.time[late] - START, path.times, path.rates))
        mixture = (
            weights_of(kept[:, :, 5]),
            kept[:, :, 0] + kept[:, :, 1],
            kept[:, :, 2] + 2 * kept[:, :, 3] + kept[:, :, 4],
        )
        bands = quantiles(*spread(*mixture), LEVELS)
        low, high = bands[:, [2, 1, 0]], bands[:, [4, 5, 6]]
        held.append((low <= truth[:, None]) & (truth[:, None] <= high))
    share = np.concatenate(held).mean(axis=0)
    # never too narrow by more than 3 points; a steady world is not known to be one
    assert (share >= np.array([0.50, 0.80, 0.95]) - 0.03).all(), share


def test_few_blocks_and_other_networks_are_named_errors(chains: ModuleType, stormy: Any) -> None:
    record = chains.record_from(stormy)
    with pytest.raises(NoBlocksToObserve, match="found 1"):
        chains.posterior_of(replace(record, blocks=record.blocks.head(1)))
    with pytest.raises(NothingObserved):
        chains.posterior_of(replace(record, blocks=record.blocks.head(5)))
    with pytest.raises(HeightNotKnown, match="0 gaps"):
        chains.posterior_of(record, 5)
    with pytest.raises(NoRetargets, match="regtest"):
        chains.posterior_of(replace(record, network=NETWORKS["regtest"]))


def test_a_block_below_the_last_is_refused(chains: ModuleType, stormy: Any) -> None:
    state = state_of(chains.blocks_from(stormy).part(0, 100), MAIN)
    last = int(state.recent.height[-1])
    for height in (5, last - 1, last):
        with pytest.raises(ValueError, match=f"expected a block above {last}, found {height}"):
            advance(state, NewBlock(height, 1, 0x1D00FFFF))
    assert advance(state, NewBlock(last + 1, 1, 0x1D00FFFF)).recent.height[-1] == last + 1


def test_missing_blocks_never_narrow_the_band(chains: ModuleType, stormy: Any) -> None:
    blocks = chains.blocks_from(stormy).part(0, 5000)
    keep = np.r_[0:3000, 4900:5000]
    part = type(blocks)(*(getattr(blocks, n)[keep] for n in ("height", "time", "work", "change")))
    whole, gapped = (posterior(state_of(one, MAIN)).quantiles() for one in (blocks, part))
    assert np.log(gapped[-1] / gapped[0]) >= np.log(whole[-1] / whole[0]) * 0.98
