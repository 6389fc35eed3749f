"""Fetches the headers that are missing below what the lake holds.

A gap is filled by a peer whose chain leads from the block below it to the very block that the lake
holds above it. Headers are validated as they arrive and held back, 80 bytes each, until that block
is reached: so nothing can come into a gap that does not belong to the chain above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.errors import ChainError
from hashcanary.chain.headers import HEADER_SIZE, HeaderColumns, decode_headers, header_hash
from hashcanary.chain.validate import validate_run
from hashcanary.sources.errors import PeerDropped, Reason
from hashcanary.sources.p2p.branch import dropped_for

if TYPE_CHECKING:
    from collections.abc import Generator

    from hashcanary.sources.feed import Held
    from hashcanary.sources.p2p.best_chain import BestChain
    from hashcanary.sources.p2p.session import Session


@dataclass(frozen=True, slots=True)
class Gap:
    """Heights ``first`` to ``last`` are missing; below, above: the hashes of the blocks around."""

    first: int
    last: int
    below: bytes
    above: bytes

    def __len__(self) -> int:
        return self.last - self.first + 1

    def missing(self) -> str:
        """What is to be said where nobody filled it."""
        return (
            f"headers of blocks {self.first:,} to {self.last:,} are still missing: no peer gave a "
            "chain that leads to the block above them; hashcanary sync --source p2p -o peers=... "
            "with another peer asks again"
        )


def gaps_of(held: Held) -> list[Gap]:
    """Where the active chain has holes above genesis, ascending."""
    if held.tip_height is None or held.active_from is None:
        return []
    active = held.active_from(0)
    heights = np.concatenate(([0], active["height"].to_numpy()))
    rows = np.flatnonzero(np.diff(heights) > 1)
    gaps = []
    for row in rows.tolist():
        below = held.network.genesis.hash if row == 0 else active["hash"][row - 1]
        first, last = int(heights[row]) + 1, int(heights[row + 1]) - 1
        gaps.append(Gap(first, last, below, active["hash"][row]))
    return gaps


def fill(
    session: Session, gap: Gap, best: BestChain, now: int
) -> Generator[int, None, list[HeaderColumns]]:
    """Walk one peer through a gap; gives how many headers came with each message, and at the end
    all of them, ascending; none where the peer's chain ends before. Raises PeerDropped.
    """
    before = best.preceding(gap.first - 1, gap.below)
    parts: list[bytes] = []
    left = len(gap)
    session.ask_headers([gap.below])
    while data := session.headers():
        count = min(len(data) // HEADER_SIZE, left)
        mine, beyond = data[: count * HEADER_SIZE], data[count * HEADER_SIZE :]
        if mine:
            if mine[4:36][::-1] != before.hash:
                raise PeerDropped(
                    Reason.UNCONNECTED,
                    f"expected headers that follow {before.hash.hex()}, found one after "
                    f"{mine[4:36][::-1].hex()}",
                )
            try:
                run = validate_run(mine, best.network, preceding=before, now=now)
            except ChainError as error:
                raise dropped_for(error) from error
            before, left = run.preceding(), left - count
            parts.append(mine)
            yield count
        if beyond:
            if header_hash(beyond[:HEADER_SIZE]) == gap.above:
                return [decode_headers(part) for part in parts]
            raise PeerDropped(
                Reason.WRONG_CHAIN,
                f"expected block {gap.above.hex()} at height {gap.last + 1:,}, found "
                f"{header_hash(beyond[:HEADER_SIZE]).hex()}",
            )
        session.ask_headers([before.hash])
    return []
