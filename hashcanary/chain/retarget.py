"""The retarget rule: the target of the next epoch from the times of the last one.

Source: Bitcoin Core ``CalculateNextWorkRequired``. An epoch of 2016 blocks is measured over its
2015 inner intervals, clamped to a quarter and four times of two weeks; the new target is truncated
by its compact form, and that truncated target is the rule. BIP94 (testnet4) starts from the bits of
the epoch's first block instead of its last. Intermediate products never pass 2^256 on the networks
that retarget in Core (signet's limit was chosen so), hence unbounded integers give its results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.chain.compact import encode_compact, target_from_bits

if TYPE_CHECKING:
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
