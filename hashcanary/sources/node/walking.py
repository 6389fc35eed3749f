"""Walks the chain of a node: brings headers the lake has not, then what else is asked of blocks.

1. The node's network is checked, and how far it is itself.
2. The highest block is found that both the node's chain and the lake have: from the top down in
   doubling steps, then by halving.
3. Headers follow from there on, each the child of the one before; the first time also those of
   gaps below. Branches that the node left come last.
4. Rows about blocks come newest first, asked by hash. The hashes at their heights are read again
   afterwards: had one changed, the rows are dropped and all begins again at the fork, so that
   branches are never mixed.

What the node does not give is told in notes, by heights.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

import numpy as np

from hashcanary.arrays import Bools, Bytes, Ints
from hashcanary.chain.errors import ChainError
from hashcanary.chain.headers import HEADER_SIZE, Preceding, decode_headers
from hashcanary.chain.validate import ValidatedRun, validate_run
from hashcanary.sources.errors import BadHeaders, NodeMoving, OtherNetwork
from hashcanary.sources.facts import BLOCKS, HEADERS, Facts
from hashcanary.sources.feed import Asked, Batch, Cursor
from hashcanary.sources.node.chain_node import HEADERS_AT_ONCE, Branch, ChainNode, State

OURS = "bitcoind-"
_ZERO_HASH = bytes(32)
_TRIES = 8
_NOWHERE = -1


def walk(node: ChainNode, asked: Asked) -> Iterator[Batch]:
    """Everything new that a node has. Raises ServiceError's kinds, BadHeaders, BadBlock."""
    return _Walk(node, asked).batches()


@dataclass(slots=True)
class _Trail:
    """Hashes of the headers that came on this walk, by height; of several the last one read."""

    runs: list[tuple[int, Bytes]] = field(default_factory=list)

    def at(self, height: int) -> bytes | None:
        for first, hashes in reversed(self.runs):
            if first <= height < first + len(hashes):
                return bytes(hashes[height - first])
        return None

    def top(self) -> int:
        return max((first + len(hashes) - 1 for first, hashes in self.runs), default=0)


@dataclass(slots=True)
class _Walk:
    """One walk: what was read so far, and what is to be told at its end.

    done, read: by height, whether a row about the block came on this walk, and the block's hash.
    whole_from: by what is asked of blocks, the height from which on none lacks it; None where
    rows are missing.
    """

    node: ChainNode
    asked: Asked
    cursor: Cursor = field(init=False)
    trail: _Trail = field(default_factory=_Trail)
    done: Bools = field(default_factory=lambda: np.zeros(0, np.bool_))
    read: Bytes = field(default_factory=lambda: np.zeros((0, 32), np.uint8))
    whole_from: dict[str, int] | None = None
    missing: dict[str, list[int]] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cursor = dict(self.asked.cursor)

    def batches(self) -> Iterator[Batch]:
        """Headers, then rows about blocks, then the tip; begun again where the chain moves."""
        for _ in range(_TRIES):
            state = self._checked(self.node.state())
            common = self._common(state)
            self._keep_what_stands(state)
            stands = yield from self._headers(common, state.blocks)
            stands = stands and (yield from self._gaps(common))
            stands = stands and (yield from self._facts(common, state))
            if stands:
                fetched = self.trail.at(state.blocks) if common < state.blocks else None
                yield self._last(state, fetched or state.best)
                return
        raise NodeMoving(node=self.node.url, tries=_TRIES)

    def known(self, block: bytes, height: int) -> bool:
        """Whether the lake or this walk has the header of a block, at this height."""
        return self.trail.at(height) == block or self.asked.held.height_of(block) == height

    def _checked(self, state: State) -> State:
        network, found = self.asked.held.network, state.chain
        if found == network.name:
            genesis = self._hash_at(0)
            if genesis == network.genesis.hash:
                self._say_how_far(state)
                return state
            found = f"one whose first block is {genesis.hex() if genesis else 'not there'}"
        raise OtherNetwork(node=self.node.url, expected=network.name, found=found)

    def _say_how_far(self, state: State) -> None:
        held = self.asked.held.tip_height
        if state.loading or state.headers > state.blocks:
            self._note(
                f"the node is itself behind: it has blocks up to {state.blocks:,} and headers up "
                f"to {state.headers:,}; what is above comes when it has caught up"
            )
        if held is not None and state.blocks < held:
            self._note(
                f"the node's chain ends at block {state.blocks:,}, below the lake's tip {held:,}"
            )

    def _common(self, state: State) -> int:
        """The highest known block of the node's chain, seen from the top."""
        top = max(self.asked.held.tip_height or 0, self.trail.top())

        def shared(height: int) -> bool:
            block = self._hash_at(height)
            return block is not None and self.known(block, height)

        return _highest(min(state.blocks, top), shared)

    def _hash_at(self, height: int) -> bytes | None:
        return self.node.hashes([height])[0]

    def _keep_what_stands(self, state: State) -> None:
        """Forget which rows came before the chain moved, where they are of blocks it left."""
        before = self.read
        self.read = np.zeros((state.blocks + 1, 32), np.uint8)
        self.done = np.zeros(state.blocks + 1, np.bool_)
        self.missing.clear()
        heights = np.flatnonzero(before[: state.blocks + 1].any(axis=1))

        def stands(index: int) -> bool:
            return bytes(before[heights[index]]) == self._hash_at(int(heights[index]))

        if len(heights):
            kept = heights[: _highest(len(heights) - 1, stands) + 1]
            self.read[kept], self.done[kept] = before[kept], True

    def _headers(self, after: int, last: int) -> Generator[Batch, None, bool]:
        """Batches of the headers above ``after`` up to ``last``; false where the chain moved."""
        before = None
        if after != _NOWHERE:
            parent = self._hash_at(after)
            if parent is None:
                return False
            before = _preceding(after, parent)
        while after < last:
            parent = _ZERO_HASH if before is None else before.hash
            raw = self.node.headers(after + 1, min(HEADERS_AT_ONCE, last - after), parent)
            if not raw:
                return False
            run = self._validated(raw, before)
            before, after = run.preceding(), run.last_height
            self.trail.runs.append((run.first_height, run.columns.hash))
            yield Batch((self._rows(run),), dict(self.cursor), after + 1, last + 1, "headers")
        return True

    def _validated(self, raw: bytes, before: Preceding | None) -> ValidatedRun:
        try:
            return validate_run(raw, self.asked.held.network, preceding=before)
        except ChainError as error:
            raise BadHeaders(file=self.node.url, problem=error) from error

    def _rows(self, run: ValidatedRun) -> Facts:
        return HEADERS.facts(run.frame(), self.node.name, known_at="time")

    def _gaps(self, common: int) -> Generator[Batch, None, bool]:
        """Headers below ``common`` that the lake has not; looked for until a walk has ended."""
        active = self.asked.held.active_from
        if active is None or "tip" in self.cursor:
            return True
        absent = np.ones(max(common, 0), np.bool_)
        held = active(0)["height"].to_numpy()
        absent[held[held < common]] = False
        for first, last in _spans(np.flatnonzero(absent)):
            if self.trail.at(last) is None and not (yield from self._headers(first - 1, last)):
                return False
        return True

    def _facts(self, common: int, state: State) -> Generator[Batch, None, bool]:
        """Batches of rows about blocks, newest first; false where the chain moved."""
        heights = self._to_ask(common, state)
        total, size = len(heights), self.node.facts_at_once
        for end in range(total, 0, -size):
            part = heights[max(end - size, 0) : end].tolist()
            hashes = self.node.hashes(part)
            there = [block for block in hashes if block is not None]
            if len(there) < len(part):
                return False
            told = self.node.facts(part, there, state.blocks)
            if self.node.hashes(part) != hashes:
                return False
            if told.missing:
                self.whole_from = None
            for height, reason in sorted({**told.missing, **told.partly}.items()):
                self.missing.setdefault(reason, []).append(height)
            done = total - end + len(part)
            if told.rows.is_empty():
                if done < total:
                    self._note(f"blocks below {part[0]:,} were not asked about after that")
                break
            came = told.rows["height"].to_numpy()
            self.done[came] = True
            hashes_read = b"".join(told.rows["hash"].to_list())
            self.read[came] = np.frombuffer(hashes_read, np.uint8).reshape(-1, 32)
            yield Batch((Facts(BLOCKS, told.rows),), dict(self.cursor), done, total, "blocks")
        return True

    def _to_ask(self, common: int, state: State) -> Ints:
        """Heights for which the lake lacks what is asked of the block that the node has there."""
        wanted = self.node.asked_from(state.blocks)
        first = min(wanted.values())
        kept = max(first, state.kept_from)
        if first < min(kept, state.blocks + 1):
            self._note(
                f"blocks {first:,} to {min(kept - 1, state.blocks):,}: pruned by the node, so only "
                "their headers came from it"
            )
        shared = self._shared_with_active(common)
        self.whole_from = {what: max(least, kept) for what, least in wanted.items()}
        absent = np.zeros(len(self.done), np.bool_)
        for what, least in self.whole_from.items():
            if least <= state.blocks:
                absent |= self._lacking(what, least, shared)
        return np.flatnonzero(absent & ~self.done)

    def _lacking(self, what: str, least: int, shared: int) -> Bools:
        """By height, from ``least`` on, whether the lake lacks one thing asked of blocks."""
        lacking = np.ones(len(self.done), np.bool_)
        lacking[:least] = False
        whole = self._whole_to(what, least, shared)
        if whole is None:
            held = self.asked.held.heights_with(OURS, what)
            lacking[held[held <= shared]] = False
        else:
            lacking[: whole + 1] = False
        return lacking

    def _whole_to(self, what: str, first: int, shared: int) -> int | None:
        """The height up to which one thing came for all from ``first`` on by the last walk; None
        where that is not known. Looking through all rows takes a while in a full lake.
        """
        tip, whole_from = self.cursor.get("tip"), self.cursor.get("whole_from")
        whole = whole_from.get(what) if isinstance(whole_from, dict) else None
        if not isinstance(tip, str) or not isinstance(whole, int) or whole > first:
            return None
        height, active = self.asked.held.height_of(bytes.fromhex(tip)), self.asked.held.active_from
        if height is None or height > shared or active is None:
            return None
        return height if active(height)["hash"][0].hex() == tip else None

    def _shared_with_active(self, common: int) -> int:
        """The highest block that the node's chain shares with the lake's active one: above it,
        rows that the lake has are of other blocks.
        """
        active = self.asked.held.active_from
        if active is None or common == _NOWHERE:
            return common
        top = active(common)["hash"]
        if len(top) and top[0] == self._hash_at(common):
            return common
        ours = active(0)
        by_height = dict(zip(ours["height"].to_list(), ours["hash"].to_list(), strict=True))
        return _highest(common, lambda height: by_height.get(height) == self._hash_at(height))

    def _last(self, state: State, tip: bytes) -> Batch:
        """Branches that the node left, where its chain ends now, and all notes."""
        branches, notes = self.node.branches(self.known)
        facts = [self._rows(run) for run in map(self._branch, branches) if run is not None]
        gone = [f"{_shown(heights)}: {reason}" for reason, heights in self.missing.items()]
        cursor: Cursor = {"tip": tip.hex()}
        if self.whole_from is not None:
            cursor["whole_from"] = self.whole_from
        done = state.blocks + 1
        return Batch(tuple(facts), cursor, done, done, "headers", (*gone, *self.notes, *notes))

    def _branch(self, branch: Branch) -> ValidatedRun | None:
        parent = decode_headers(branch.headers[:HEADER_SIZE]).prev_hash[0].tobytes()
        if not self.known(parent, branch.fork):
            self._note(f"a branch above block {branch.fork:,} was left out: its fork is not known")
            return None
        return self._validated(branch.headers, _preceding(branch.fork, parent))

    def _note(self, note: str) -> None:
        self.notes.setdefault(note)


def _highest(top: int, holds: Callable[[int], bool]) -> int:
    """The greatest height up to ``top`` for which something holds that holds for all below it."""
    height, step, above = top, 1, None
    while not holds(height):
        if height == 0:
            return _NOWHERE
        height, step, above = max(height - step, 0), 2 * step, height
    while above is not None and above - height > 1:
        middle = (height + above) // 2
        height, above = (middle, above) if holds(middle) else (height, middle)
    return height


def _preceding(height: int, block: bytes) -> Preceding:
    """A parent of which no more than its height is known."""
    nothing = np.zeros(0, np.int64)
    return Preceding(height, block, nothing, nothing)


def _spans(heights: Ints) -> list[tuple[int, int]]:
    """The runs of consecutive numbers in an ascending column: first and last of each."""
    if not len(heights):
        return []
    cuts = np.flatnonzero(np.diff(heights) != 1)
    firsts = heights[np.concatenate(([0], cuts + 1))]
    lasts = heights[np.concatenate((cuts, [len(heights) - 1]))]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def _shown(heights: list[int]) -> str:
    if len(heights) == 1:
        return f"block {heights[0]:,}"
    return f"{len(heights):,} blocks from {min(heights):,} to {max(heights):,}"
