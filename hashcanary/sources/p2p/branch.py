"""One peer's branch, judged as its headers arrive.

1. Headers that the best chain has are passed over: a locator is sparse, so an answer may begin
   below the fork.
2. The first header that is new must follow a block of the best chain; each message continues the
   one before.
3. Each message is validated in full: proof of work, links, bits, retargets, times, well-known
   blocks, with the 2016 headers before it.
4. A branch is held back until its exact work exceeds what the best chain has above the fork; then
   it takes its place. What is held back is bounded, so that cheap headers cannot fill the memory.

A gap below what the lake holds is filled by a peer whose chain leads from the block below it to the
very block that the lake holds above it. Headers are validated as they arrive and held back, 80
bytes each, until that block is reached: so nothing can come into a gap that does not belong to the
chain above it.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.errors import (
    BrokenLink,
    ChainError,
    HeightConflict,
    InvalidTarget,
    MissedTarget,
    WrongBits,
    WrongTime,
)
from hashcanary.chain.headers import (
    HEADER_SIZE,
    HeaderColumns,
    Preceding,
    decode_headers,
    header_hash,
)
from hashcanary.chain.networks import Network
from hashcanary.chain.targets import total_work
from hashcanary.chain.validate import ValidatedRun, validate_run
from hashcanary.sources.errors import PeerDropped, Reason

if TYPE_CHECKING:
    from hashcanary.sources.feed import Held
    from hashcanary.sources.p2p.best_chain import BestChain
    from hashcanary.sources.p2p.session import Session


MAX_HELD_BACK = 100_000
"""Headers of a branch kept before its work exceeds that of the best chain: 20 MB."""
DEEPEST_HONEST_FORK = 144
"""Blocks: a lesser branch that leaves the best chain further down is spam."""
_SPARE = 2_000

_REASONS: dict[type[ChainError], Reason] = {
    InvalidTarget: Reason.BAD_WORK,
    MissedTarget: Reason.BAD_WORK,
    BrokenLink: Reason.UNCONNECTED,
    HeightConflict: Reason.WRONG_CHAIN,
    WrongBits: Reason.BAD_BITS,
    WrongTime: Reason.BAD_TIME,
}


class Branch:
    """What a peer's headers add to the best chain.

    last: hash of the last header given, None before the first; seen: headers given; notes: what
    could not be checked.
    """

    def __init__(self, best: BestChain, network: Network, now: int) -> None:
        self.last: bytes | None = None
        self.seen = 0
        self.notes: tuple[str, ...] = ()
        self._best = best
        self._network = network
        self._now = now
        self._known_to = -1
        self._end: Preceding | None = None
        self._fork = 0
        self._above = 0
        self._needed = 0
        self._work = 0
        self._held_back: list[ValidatedRun] = []
        age = max(now - network.genesis.time, 0)
        self._most = 2 * age // network.target_spacing + 2 * network.retarget_interval

    def take(self, data: bytes) -> list[ValidatedRun]:
        """Judge the headers of one message; gives those that now are part of the best chain.

        data: headers of 80 bytes each, one at least. Raises PeerDropped.
        """
        self._check_continues(data)
        self.seen += len(data) // HEADER_SIZE
        if self.seen > self._most:
            raise PeerDropped(
                Reason.TOO_MANY_HEADERS,
                f"expected at most {self._most:,} headers, twice as many as {self._network.name} "
                f"can have by now, found more",
            )
        self.last = header_hash(data[-HEADER_SIZE:])
        if self._end is None:
            data = self._after_known(data)
        return self._judge(data) if data else []

    def finish(self) -> None:
        """The peer has no more. Raises PeerDropped for a lesser branch from far below."""
        if self._held_back and self._above > DEEPEST_HONEST_FORK:
            raise PeerDropped(Reason.LOW_WORK, self._lesser())

    def standing(self) -> str | None:
        """What is to be said of a branch that is not the best chain; None of one that is."""
        if self._held_back:
            return self._lesser()
        if self.last is not None and self._best.find(self.last) is None:
            return "on a branch that another peer's has overtaken"
        return None

    def _check_continues(self, data: bytes) -> None:
        """The message follows the one before, or else a block of the best chain."""
        parent = data[4:36][::-1]
        if self.last is None:
            if self._best.find(parent) is None:
                raise PeerDropped(
                    Reason.UNCONNECTED,
                    f"expected headers that follow a block of the best chain, found "
                    f"{header_hash(data[:HEADER_SIZE]).hex()} after {parent.hex()}, "
                    "which it does not have",
                )
        elif parent != self.last:
            first = header_hash(data[:HEADER_SIZE])
            again = self._best.find(first) is not None or any(
                first == run.columns.hash[row].tobytes()
                for run in self._held_back
                for row in (0, len(run) - 1)
            )
            raise PeerDropped(
                Reason.REPEATED if again else Reason.UNCONNECTED,
                f"expected headers that follow {self.last.hex()}, found {first.hex()} after "
                f"{parent.hex()}{', which was given before' if again else ''}",
            )

    def _after_known(self, data: bytes) -> bytes:
        """Without the headers that the best chain has; remembers where the rest forks from."""
        least, most = 0, len(data) // HEADER_SIZE
        while least < most:  # a chain that has left the best chain never comes back to it
            middle = (least + most) // 2
            if self._best.find(_hash_at(data, middle)) is None:
                most = middle
            else:
                least = middle + 1
        parent = _hash_at(data, least - 1) if least else data[4:36][::-1]
        height = self._best.find(parent)
        rest = data[least * HEADER_SIZE :]
        if height is None or (height <= self._known_to and not rest):
            raise PeerDropped(
                Reason.REPEATED, f"expected headers above height {self._known_to}, found none"
            )
        if rest:
            self._end = self._best.preceding(height, parent)
            self._fork, self._above = height, self._best.tip_height - height
            self._needed = self._best.work_above(height)
        else:
            self._known_to = height
        return rest

    def _judge(self, data: bytes) -> list[ValidatedRun]:
        try:
            run = validate_run(data, self._network, preceding=self._end, now=self._now)
        except ChainError as error:
            raise dropped_for(error) from error
        self._end = run.preceding()
        self.notes += run.notes
        self._work += total_work(run.columns.bits)
        self._held_back.append(run)
        if self._work <= self._needed:
            self._check_bound()
            return []
        accepted, self._held_back = self._held_back, []
        self._best.take(self._fork, accepted)
        self._fork, self._needed, self._work = run.last_height, 0, 0
        return accepted

    def _check_bound(self) -> None:
        count = sum(len(run) for run in self._held_back)
        if count > min(MAX_HELD_BACK, 2 * self._above + _SPARE):
            raise PeerDropped(Reason.LOW_WORK, self._lesser())

    def _lesser(self) -> str:
        count = sum(len(run) for run in self._held_back)
        than = "as much as" if self._work == self._needed else "less than"
        return (
            f"on a lesser branch: {count:,} headers after height {self._fork:,} up to "
            f"{self._held_back[-1].columns.hash[-1].tobytes().hex()} with a work of "
            f"{self._work:.4g} hashes, {than} the {self._needed:.4g} of the "
            f"{self._above:,} blocks there"
        )


def dropped_for(error: ChainError) -> PeerDropped:
    """What a rule that headers break means for the peer that gave them."""
    # the rest of the message is advice on files
    found = str(error).partition(". ")[0]
    return PeerDropped(_REASONS.get(type(error), Reason.WRONG_CHAIN), found)


def _hash_at(data: bytes, index: int) -> bytes:
    return header_hash(data[index * HEADER_SIZE : (index + 1) * HEADER_SIZE])


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
