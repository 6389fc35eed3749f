"""A data directory written by Bitcoin Core's own code, scanned, and compared block by block.

The chain has fees, under-claims, witnesses, two reorganisations and blocks that arrived out of
order; Core (py-bitcoinkernel) validates it and writes blk, rev and xor.dat. What it then says of
every block is what the scan must have found.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import bitcoin.core
import polars as pl
import pytest
from support import block_maker
from support.clocks import Clock

from hashcanary.chain.networks import REGTEST
from hashcanary.chain.subsidy import subsidy
from hashcanary.sources.catalogue.blockfiles import BLOCKFILES
from hashcanary.sources.facts import BLOCKS, HEADERS
from hashcanary.sources.node.block_files import ScanOptions, scan
from hashcanary.store import active_chain
from hashcanary.store.lake import Lake
from hashcanary.store.recording import record_of
from hashcanary.store.syncing import sync
from hashcanary.store.verify import verify

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

pbk = pytest.importorskip("pbk", reason="no py-bitcoinkernel: pip install py-bitcoinkernel")

SPENDABLE = b"\x51"
MATURITY = 100
LENGTH = 330
FEE = 1234


class Miner:
    """Builds a chain whose coinbases are spent once they are mature."""

    def __init__(self, maker: ModuleType) -> None:
        self.maker = maker
        self.blocks = [maker.FIRST_BLOCK]
        self.coins: list[tuple[bytes, int]] = [(b"", 0)]

    def next_block(self, height: int, witness: bool = False, unclaimed: int = 0) -> bytes:
        """A block on top; from maturity on it spends the coinbase of MATURITY blocks before."""
        others, fees = [], 0
        if height > MATURITY and self.coins[height - MATURITY][1] > 10 * FEE:
            txid, value = self.coins[height - MATURITY]
            fees = FEE * (1 + height % 5)
            out = (value - fees).to_bytes(8, "little") + b"\1" + SPENDABLE
            spend = b"\2\0\0\0\1" + txid + bytes(4) + b"\0" + b"\xff" * 4 + b"\1" + out + bytes(4)
            others.append(spend)
        value = (50_0000_0000 >> height // 150) + fees - unclaimed
        outputs = [(value, SPENDABLE), (0, b"\x6a\x04data")]
        block = self.maker.block(
            self.blocks[-1], height, others, witness=witness, outputs=outputs, tag=b"/kernel/"
        )
        return bytes(block)

    def add(self, block: bytes) -> None:
        """Take a block as the tip."""
        self.blocks.append(block)
        coinbase = bitcoin.core.CBlock.deserialize(block).vtx[0]
        self.coins.append((coinbase.GetTxid(), coinbase.vout[0].nValue))


@pytest.fixture(scope="module")
def datadir(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object]:
    """A data directory that Core wrote, and Core's view of it, still open."""
    folder = tmp_path_factory.mktemp("core")
    core = pbk.load_chainman(folder, pbk.ChainType.REGTEST)
    miner = Miner(block_maker)
    for height in range(1, LENGTH + 1):
        unclaimed = 777 if height % 40 == 0 else 0
        miner.add(miner.next_block(height, witness=height % 3 == 0, unclaimed=unclaimed))
    blocks = miner.blocks
    shuffled = blocks[1:]
    rng = random.Random(5)
    for block in shuffled:
        core.process_block_header(pbk.BlockHeader(block[:80]))
    for start in range(0, LENGTH, 30):
        part = shuffled[start : start + 30]
        rng.shuffle(part)
        for block in part:
            core.process_block(pbk.Block(block))
    short = _branch(block_maker, blocks[200], 201, 3)
    long = _branch(block_maker, blocks[-3], LENGTH - 1, 4)
    for block in [*short, *long]:
        core.process_block(pbk.Block(block))
    return folder, core


def _branch(maker: ModuleType, parent: bytes, height: int, count: int) -> list[bytes]:
    branch = []
    for at in range(height, height + count):
        value = 50_0000_0000 >> at // 150
        parent = maker.block(parent, at, tag=b"/branch/", value=value)
        branch.append(parent)
    return branch


def _scanned(
    folder: Path, maker: ModuleType, whole: bool = False
) -> tuple[pl.DataFrame, pl.DataFrame]:
    batches = list(scan(folder, maker.held(), {}, ScanOptions(2, whole)))
    facts = [facts for batch in batches for facts in batch.facts]
    headers, blocks = (
        pl.concat([one.frame for one in facts if one.table is table]).sort("height", "hash")
        for table in (HEADERS, BLOCKS)
    )
    return headers, blocks


def test_core_locked_its_files(datadir: tuple[Path, object]) -> None:
    folder, _ = datadir
    assert any((folder / "blocks" / "xor.dat").read_bytes())
    assert (folder / "blocks" / "blk00000.dat").read_bytes()[:4] != REGTEST.magic


def test_every_block_is_as_core_says(datadir: tuple[Path, object]) -> None:
    folder, core = datadir
    headers, blocks = _scanned(folder, block_maker)
    whole = _scanned(folder, block_maker, whole=True)[1]
    tip = core.get_active_chain().height  # type: ignore[attr-defined]
    assert tip == LENGTH + 2
    rows = {row["hash"]: row for row in blocks.iter_rows(named=True)}
    assert len(rows) == blocks.height == LENGTH + 1 + 3 + 4
    parents = dict(headers.select("hash", "prev_hash").iter_rows())
    weights = dict(whole.select("hash", "weight").iter_rows())
    fees_seen = under = 0
    entries = [
        core.block_tree_entries[pbk.BlockHash(block[::-1])]  # type: ignore[attr-defined]
        for block in rows
    ]
    for entry in entries:
        found = rows[bytes(entry.block_hash)[::-1]]
        assert found["height"] == entry.height
        if entry.height:
            assert parents[found["hash"]] == bytes(entry.previous.block_hash)[::-1]
        block = core.blocks[entry]  # type: ignore[attr-defined]
        raw = bytes(block)
        coinbase = block.transactions[0]
        assert found["size"] == len(raw)
        assert found["tx_count"] == len(block.transactions)
        outputs = [(out.amount, bytes(out.script_pubkey)) for out in coinbase.outputs]
        assert found["coinbase_value"] == sum(amount for amount, _ in outputs)
        serialized = b"".join(a.to_bytes(8, "little") + bytes([len(s)]) + s for a, s in outputs)
        assert found["coinbase_outputs"] == bytes([len(outputs)]) + serialized
        stripped = len(raw) - (36 if b"\xaa\x21\xa9\xed" in serialized else 0)
        assert weights[found["hash"]] == 3 * stripped + len(raw)
    active = core.get_active_chain().block_tree_entries  # type: ignore[attr-defined]
    for entry in list(active)[1:]:
        found = rows[bytes(entry.block_hash)[::-1]]
        claimed = found["coinbase_value"] - subsidy(entry.height, REGTEST)
        spent = core.block_spent_outputs[entry].transactions  # type: ignore[attr-defined]
        paid_in = sum(coin.output.amount for one in spent for coin in one.coins)
        others = list(core.blocks[entry].transactions)[1:]  # type: ignore[attr-defined]
        true = paid_in - sum(out.amount for one in others for out in one.outputs)
        fees_seen += true > 0
        under += claimed < true
        assert claimed == true - (777 if entry.height % 40 == 0 else 0)
    assert fees_seen > 100
    assert under > 5


def test_of_all_branches_the_active_one_is_core_s(datadir: tuple[Path, object]) -> None:
    folder, core = datadir
    headers, _ = _scanned(folder, block_maker)
    chain = core.get_active_chain().block_tree_entries  # type: ignore[attr-defined]
    expected = [bytes(entry.block_hash)[::-1] for entry in chain]
    assert headers.filter(active_chain.active(headers))["hash"].to_list() == expected
    assert headers.height > len(expected)


def test_a_lake_synced_from_the_files_has_core_s_chain(
    datadir: tuple[Path, object], tmp_path: Path
) -> None:
    folder, core = datadir
    settings = {"datadir": str(folder)}
    empty = Lake.create(tmp_path / "lake", REGTEST)
    report = sync(empty, BLOCKFILES, settings, Clock(0.0, waits_left=0))
    assert report.error is None
    chain = core.get_active_chain().block_tree_entries  # type: ignore[attr-defined]
    expected = [bytes(entry.block_hash)[::-1] for entry in chain]
    headers = report.lake.frame("headers").sort("height")
    assert headers.filter(active_chain.active(headers))["hash"].to_list() == expected
    assert record_of(report.lake).blocks["tx_count"].null_count() == 0
    assert verify(report.lake.home).findings == ()
    again = sync(report.lake, BLOCKFILES, settings, Clock(0.0, waits_left=0))
    assert again.error is None
    assert again.lake.version == report.lake.version


def test_a_directory_is_read_while_core_writes_it(tmp_path: Path) -> None:
    """After each block the next look at the files finds that block and nothing else."""
    core = pbk.load_chainman(tmp_path, pbk.ChainType.REGTEST)
    heights: dict[bytes, int] = {}
    cursor: dict[str, object] = {}
    parent = block_maker.FIRST_BLOCK
    for height in range(1, 40):
        parent = block_maker.block(parent, height, witness=height % 2 == 0)
        core.process_block(pbk.Block(parent))
        held = block_maker.held(REGTEST, heights.get)
        (batch,) = scan(tmp_path, held, cursor, ScanOptions())
        cursor = dict(batch.cursor)
        found = batch.facts[1].frame
        assert found["height"].to_list() == ([0, 1] if height == 1 else [height])
        heights |= dict(found.select("hash", "height").iter_rows())
    assert list(scan(tmp_path, block_maker.held(REGTEST, heights.get), cursor, ScanOptions())) == []
