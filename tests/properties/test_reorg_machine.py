"""A node that mines, forks and reorganises while we follow it, or are off: against a full rebuild.

The machine keeps a tree of mined regtest headers and what a node would show: the headers of its
best branch from the fork with ours on, and statistics of each block. While we are on, we sync after
each thing that happens; while off, not. Its oracles: a new lake into which all that we were ever
shown goes in one piece, one into which the best branch is loaded from a file, and a walk over the
tree. Branches of up to 144 blocks are left.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from support.clocks import Clock
from support.mining import REGTEST_GENESIS, double_sha256, mine

from hashcanary.chain.headers import decode_headers
from hashcanary.chain.networks import REGTEST
from hashcanary.sources.facts import BLOCKS, HEADERS, Facts
from hashcanary.sources.feed import Asked, Batch, Feed
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.recording import active_headers, all_headers, record_of
from hashcanary.store.renewing import Recorder
from hashcanary.store.syncing import Syncer
from hashcanary.store.verify import verify

DEEPEST = 144


class Node:
    """A full node: a tree of headers, the active branch, and who asks it."""

    def __init__(self) -> None:
        self.height = {double_sha256(REGTEST_GENESIS): 0}
        self.parent: dict[bytes, bytes] = {}
        self.header = {double_sha256(REGTEST_GENESIS): REGTEST_GENESIS}
        self.tip = double_sha256(REGTEST_GENESIS)
        self.branches = 0

    def grow(self, count: int, on: bytes, step: int = 600) -> None:
        """Mine blocks on any one; the tip moves when there is more work than on its branch."""
        self.branches += on != self.tip
        for _ in range(count):
            header = mine(self.header[on], step=step, branch=self.branches)
            name = double_sha256(header)
            self.header[name], self.parent[name] = header, on
            self.height[name] = self.height[on] + 1
            on = name
        if self.height[on] > self.height[self.tip]:
            self.tip = on

    def branch(self, tip: bytes) -> list[bytes]:
        """The blocks up to a tip, genesis first."""
        names = [tip]
        while names[-1] in self.parent:
            names.append(self.parent[names[-1]])
        return names[::-1]


def header_facts(headers: list[bytes]) -> Facts:
    rows = decode_headers(b"".join(headers)).frame()
    nulls = pl.lit(None, pl.Int64).alias("height")
    told = rows.with_columns(nulls, source=pl.lit("node"), known_at=pl.col("time"))
    return Facts(HEADERS, told.select(list(HEADERS.schema)))


def block_facts(node: Node, names: list[bytes]) -> Facts:
    """What a node counts of each block: here a number that follows from its hash."""
    told = {
        "height": [node.height[name] for name in names],
        "hash": [name[::-1] for name in names],
        "tx_count": [1 + name[0] for name in names],
        "source": ["node"] * len(names),
    }
    frame = pl.DataFrame(told, schema={name: BLOCKS.schema[name] for name in told})
    rest = [pl.lit(None, kind).alias(n) for n, kind in BLOCKS.schema.items() if n not in told]
    return Facts(BLOCKS, frame.with_columns(rest).select(list(BLOCKS.schema)))


class Machine(RuleBasedStateMachine):
    """What may happen, in any order."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.home = Path(self.folder.name) / "lake"
        self.node, self.clock = Node(), Clock()
        self.syncer = Syncer(Lake.create(self.home, REGTEST))
        self.recorder = Recorder()
        self.shown: dict[bytes, None] = {}
        self.ours: bytes | None = None
        self.reorgs = 0
        self.node.grow(DEEPEST + 6, self.node.tip)
        self.on = True
        self.sync()

    @rule(count=st.integers(1, 12))
    def extend(self, count: int) -> None:
        self.node.grow(count, self.node.tip)

    @rule(
        depth=st.integers(1, 12) | st.integers(1, DEEPEST) | st.just(DEEPEST),
        more=st.integers(1, 3),
    )
    def reorganise(self, depth: int, more: int) -> None:
        branch = self.node.branch(self.node.tip)
        depth = min(depth, len(branch) - 1)
        self.node.grow(depth + more, branch[-1 - depth], 300 + 10 * more)

    @rule(depth=st.integers(1, 20), short=st.integers(1, 4))
    def fork_that_loses(self, depth: int, short: int) -> None:
        branch = self.node.branch(self.node.tip)
        depth = min(depth, len(branch) - 1)
        if depth > short:
            self.node.grow(depth - short, branch[-1 - depth], 450)

    @rule(depth=st.integers(1, 30))
    def a_stale_branch_wins_again(self, depth: int) -> None:
        """Blocks on a block of some other branch, until that one has the most work."""
        names = list(self.node.height)
        on = names[-min(depth, len(names))]
        need = self.node.height[self.node.tip] - self.node.height[on] + 1
        if 0 < need <= DEEPEST:
            self.node.grow(need, on, 500)

    @rule()
    def go_off(self) -> None:
        self.on = False

    @rule()
    def go_on(self) -> None:
        """Another process takes it up."""
        if not self.on:
            self.syncer, self.on = Syncer(Lake.open(self.home)), True

    def sync(self) -> None:
        self.clock.time += 60
        report = self.syncer.sync(Feed("node", "", (), (), self.batches), {}, self.clock)
        assert report.error is None
        self.check_events(report.events)
        self.ours = self.node.tip

    def batches(self, asked: Asked) -> Iterator[Batch]:
        """What a node gives: from the last block of the locator that is on its branch."""
        branch = self.node.branch(self.node.tip)
        places = {name[::-1]: at for at, name in enumerate(branch)}
        start = next((places[name] + 1 for name in asked.held.locator if name in places), 0)
        for at in range(start, len(branch), 50):
            names = branch[at : at + 50]
            self.shown |= dict.fromkeys(names)
            headers = header_facts([self.node.header[name] for name in names])
            yield Batch((headers, block_facts(self.node, names)), {"tip": names[-1].hex()})

    def check_events(self, events: tuple[dict[str, object], ...]) -> None:
        """One event a reorganisation, from the fork and as deep as the tree says."""
        branch = self.node.branch(self.node.tip)
        if self.ours is None or self.ours in branch:
            assert events == ()
            return
        mine = self.node.branch(self.ours)
        fork = sum(a == b for a, b in zip(mine, branch, strict=False)) - 1
        (event,) = events
        detail = json.loads(str(event["detail"]))
        assert (event["height"], detail["depth"]) == (fork, len(mine) - 1 - fork)
        assert detail["old_tip"] == self.ours[::-1].hex()
        assert detail["new_tip"] == self.node.tip[::-1].hex()
        self.reorgs += 1
        DEPTHS.append(detail["depth"])

    @invariant()
    def readers_see_what_a_full_rebuild_gives(self) -> None:
        if not self.on or self.ours == self.node.tip:
            return
        self.sync()
        lake = self.syncer.lake
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "all.bin"
            rebuilt = Lake.create(Path(folder) / "lake", REGTEST)
            report = Syncer(rebuilt).sync(Feed("node", "", (), (), self.everything), {}, Clock())
            assert report.error is None
            path.write_bytes(b"".join(self.node.header[n] for n in self.node.branch(self.ours)))
            from_file = load(Lake.create(Path(folder) / "file", REGTEST), [path]).lake
            for table in ("headers", "blocks"):
                assert lake.frame(table).equals(report.lake.frame(table))
            record = record_of(report.lake)
            assert record_of(lake).blocks.equals(record.blocks)
            assert self.recorder.record(lake).blocks.equals(record.blocks)
            hashes = active_headers(all_headers(lake))["hash"].to_list()
            assert hashes == from_file.frame("headers")["hash"].to_list()
            assert hashes == [name[::-1] for name in self.node.branch(self.ours)]
            times = record_of(from_file).blocks
            assert record_of(lake).blocks["time"].equals(times["time"])
            assert record_of(lake).blocks["known_at"].equals(times["known_at"])
            counted = [1 + name[0] for name in self.node.branch(self.ours)]
            assert record_of(lake).blocks["tx_count"].to_list() == counted

    def everything(self, asked: Asked) -> Iterator[Batch]:
        """All that was ever shown, in one piece."""
        names = list(self.shown)
        headers = header_facts([self.node.header[name] for name in names])
        yield Batch((headers, block_facts(self.node, names)), {})

    def teardown(self) -> None:
        assert verify(self.home).findings == ()
        assert len(Lake.open(self.home).frame("events")) == self.reorgs
        self.folder.cleanup()


DEPTHS: list[int] = []


def run_machine(
    examples: int, steps: int, counted: Callable[[str], None], *, same: bool = False
) -> None:
    """same: the same examples on every run, so that the share of every run is no matter of luck."""
    DEPTHS.clear()
    chosen = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=same
    )
    run_state_machine_as_test(Machine, settings=chosen)
    deepest = max(DEPTHS, default=0)
    assert len(DEPTHS) >= examples
    told = "each state equal to a full rebuild"
    counted(f"{len(DEPTHS):,} reorganisations, the deepest {deepest} blocks: {told}")


def test_reorganisations_end_as_a_full_rebuild(counted: Callable[[str], None]) -> None:
    run_machine(4, 16, counted, same=True)


@pytest.mark.torture
def test_many_reorganisations_end_as_a_full_rebuild(counted: Callable[[str], None]) -> None:
    run_machine(150, 40, counted)
    assert max(DEPTHS) >= DEEPEST
