"""The bits that a header must carry: the retarget rule and its exceptions on test networks.

The retarget rule: the target of the next epoch from the times of the last one.

Source: Bitcoin Core ``CalculateNextWorkRequired``. An epoch of 2016 blocks is measured over its
2015 inner intervals, clamped to a quarter and four times of two weeks; the new target is truncated
by its compact form, and that truncated target is the rule. BIP94 (testnet4) starts from the bits of
the epoch's first block instead of its last. Intermediate products never pass 2^256 on the networks
that retarget in Core (signet's limit was chosen so), hence unbounded integers give its results.

Which bits each header of a run must carry, as far as the run and what precedes it can tell.

1. Inside an epoch bits stay those of the block before.
2. At an epoch's first block they follow from the epoch before (``next_bits``).
3. Under the minimum-difficulty rule of test networks a block inside an epoch that comes more than
   twice the spacing after its parent has the easiest bits; any other returns to the bits of the
   last block of the epoch that were not such an exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hashcanary.chain.errors import WrongBits
from hashcanary.chain.targets import encode_compact, target_from_bits

if TYPE_CHECKING:
    from hashcanary.arrays import Bools, Ints
    from hashcanary.chain.headers import History
    from hashcanary.chain.networks import Network


def clamped_timespan(first_time: int, last_time: int, network: Network) -> int:
    """Seconds from an epoch's first to its last header, clamped as the rule does."""
    span = last_time - first_time
    return min(max(span, network.target_timespan // 4), network.target_timespan * 4)


def next_bits(
    last_bits: int,
    first_time: int,
    last_time: int,
    network: Network,
    first_bits: int | None = None,
) -> int:
    """Compact bits of the epoch after one that ended with ``last_bits``.

    first_time, last_time: header times of the epoch's first and last block (2015 intervals
    apart), Unix seconds. first_bits: bits of the epoch's first block, needed under BIP94.
    Raises InvalidTarget when the old bits are not valid on ``network``.
    """
    if network.no_retargeting:
        return last_bits
    base = last_bits
    if network.bip94:
        if first_bits is None:
            raise ValueError(f"{network.name} retargets from the bits of the epoch's first block")
        base = first_bits
    target = target_from_bits(base, network) * clamped_timespan(first_time, last_time, network)
    return encode_compact(min(target // network.target_timespan, network.pow_limit))


def epoch_of(height: int, network: Network) -> int:
    """Number of the epoch in which ``height`` lies, from 0."""
    return height // network.retarget_interval


def next_retarget(height: int, network: Network) -> int:
    """Height of the first block above ``height`` that may carry a new target."""
    return (epoch_of(height, network) + 1) * network.retarget_interval


class ExpectedBits(NamedTuple):
    """Bits demanded of each row of a history; ``known`` says where that can be told."""

    bits: Ints
    known: Bools


def expected_bits(history: History, network: Network) -> ExpectedBits:
    """Bits that the rules demand of each of n consecutive headers."""
    size = len(history.bits)
    opens_epoch = history.heights % network.retarget_interval == 0
    expected = np.zeros(size, np.int64)
    known = np.ones(size, np.bool_)
    if network.min_difficulty_rule:
        _after_exceptions(history, network, opens_epoch, expected, known)
    else:
        expected[1:] = history.bits[:-1]
    known[0] = False
    for index in np.flatnonzero(opens_epoch).tolist():
        bits = _at_retarget(history, network, index)
        known[index] = bits is not None
        expected[index] = bits or 0
    return ExpectedBits(expected, known)


def _at_retarget(history: History, network: Network, index: int) -> int | None:
    """Bits of an epoch's first block; None when the epoch before is not known in full."""
    if int(history.heights[index]) == 0:
        return network.genesis.bits
    first = index - (1 if network.no_retargeting else network.retarget_interval)
    if first < 0:
        return None
    return next_bits(
        last_bits=int(history.bits[index - 1]),
        first_time=int(history.times[first]),
        last_time=int(history.times[index - 1]),
        network=network,
        first_bits=int(history.bits[first]),
    )


def _after_exceptions(
    history: History,
    network: Network,
    opens_epoch: Bools,
    expected: Ints,
    known: Bools,
) -> None:
    """Fill in, for every header but the first, what the minimum-difficulty rule demands."""
    limit = network.pow_limit_bits
    ordinary = opens_epoch | (history.bits != limit)
    last_ordinary = np.maximum.accumulate(np.where(ordinary, np.arange(len(ordinary)), -1))[:-1]
    late = history.times[1:] - history.times[:-1] > 2 * network.target_spacing
    expected[1:] = np.where(late, limit, history.bits[last_ordinary])
    known[1:] = late | (last_ordinary >= 0)


def check_bits(history: History, network: Network) -> tuple[str, ...]:
    """Raise WrongBits for the run's first header with other bits than the rules demand.

    Returns notes on what could not be told from the run and what precedes it.
    """
    expected, known = expected_bits(history, network)
    wrong = known & (expected != history.bits)
    wrong[: history.before] = False
    if wrong.any():
        row = int(np.argmax(wrong))
        raise WrongBits(
            place=history.places.at(row - history.before),
            network=network.name,
            expected=int(expected[row]),
            rule=_rule(history, network, row),
            found=int(history.bits[row]),
        )
    return _notes(history, network, known)


def _rule(history: History, network: Network, row: int) -> str:
    height = int(history.heights[row])
    if height == 0:
        return "those of the genesis block"
    if height % network.retarget_interval == 0 and not network.no_retargeting:
        span = int(history.times[row - 1] - history.times[row - network.retarget_interval])
        return f"the retarget after an epoch of {span} s"
    if network.min_difficulty_rule:
        gap = int(history.times[row] - history.times[row - 1])
        return f"the minimum-difficulty rule, {gap} s after the parent"
    return "the same as the block before it, inside an epoch"


def _notes(history: History, network: Network, known: Bools) -> tuple[str, ...]:
    """One note for each stretch of headers whose bits could not be told."""
    unknown = np.flatnonzero(~known)
    heights = history.heights[unknown[unknown >= history.before]].tolist()
    interval = network.retarget_interval
    notes = [
        f"retarget at {height}: the epoch's first header ({height - interval}) is not in the run"
        for height in heights
        if height % interval == 0
    ]
    amid = [height for height in heights if height % interval]
    if amid:
        end = min((amid[-1] // interval + 1) * interval - 1, int(history.heights[-1]))
        notes.append(
            f"bits of heights {amid[0]} to {end}: checked against each other only, because the "
            f"epoch's first header ({amid[0] // interval * interval}) is not in the run"
        )
    return tuple(notes)
