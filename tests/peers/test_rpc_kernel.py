"""Blocks that Core's own code validated, served over RPC and REST: fees as Core has them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import bitcoin.core
import pytest
from support import block_maker, node_server

from hashcanary.sources.catalogue.bitcoind import REST, RPC

pbk = pytest.importorskip("pbk", reason="no py-bitcoinkernel: pip install py-bitcoinkernel")

LENGTH = 130
MATURITY = 100


def _mined(maker: ModuleType) -> list[bytes]:
    """A chain whose coinbases are spent as soon as they are mature, fees and all."""
    blocks, coins = [maker.FIRST_BLOCK], [b""]
    for height in range(1, LENGTH + 1):
        fee = 100 * height
        others = []
        if height > MATURITY:
            out = (50 * 10**8 - fee).to_bytes(8, "little") + b"\1\x51"
            spend = b"\2\0\0\0\1" + coins[height - MATURITY] + bytes(4) + b"\0" + b"\xff" * 4
            others = [spend + b"\1" + out + bytes(4)]
        value = 50 * 10**8 + (fee if others else 0) - height % 2
        block = maker.block(
            blocks[-1], height, others, witness=height % 3 == 0, outputs=[(value, b"\x51")]
        )
        blocks.append(bytes(block))
        coins.append(bitcoin.core.CBlock.deserialize(blocks[-1]).vtx[0].GetTxid())
    return blocks


@pytest.fixture(scope="module")
def core_blocks(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Every block of Core's active chain, with what Core says it spends."""
    folder: Path = tmp_path_factory.mktemp("kernel")
    core = pbk.load_chainman(folder, pbk.ChainType.REGTEST)
    for block in _mined(block_maker)[1:]:
        core.process_block(pbk.Block(block))
    found = []
    for entry in core.get_active_chain().block_tree_entries:
        block = core.blocks[entry]
        spent = list(core.block_spent_outputs[entry].transactions) if entry.height else []
        outputs = [
            [(coin.output.amount, bytes(coin.output.script_pubkey)) for coin in one.coins]
            for one in spent
        ]
        paid = sum(out.amount for one in list(block.transactions)[1:] for out in one.outputs)
        fee = sum(amount for one in outputs for amount, _ in one) - paid
        serialized = tuple(
            tuple(amount.to_bytes(8, "little") + bytes([len(s)]) + s for amount, s in one)
            for one in outputs
        )
        found.append(node_server.Block(bytes(block), serialized, fee))
    return found


def test_fees_by_both_interfaces_are_core_s(core_blocks: list[Any]) -> None:
    assert len(core_blocks) == LENGTH + 1
    with node_server.serve(node_server.FakeNode(core_blocks)) as served:
        rpc, rest = node_server.Holding(), node_server.Holding()
        rpc.sync(RPC, url=served.url, user="a", password="b", coinbases="all")
        rest.sync(REST, url=served.url, blocks="all")
    # every odd block up to maturity claimed a satoshi too little, which its heir cannot spend
    fees = [100 * height - height % 2 for height in range(MATURITY + 1, LENGTH + 1)]
    expected = [0] * (MATURITY + 1) + fees
    assert [block.fee for block in core_blocks] == expected
    for holding in (rpc, rest):
        rows = holding.blocks()
        assert rows["hash"].to_list() == [block.hash for block in core_blocks]
        assert rows["total_fee"].to_list() == expected
        claimed = rows["coinbase_value"] - rows["subsidy"]
        unclaimed = (rows["total_fee"] - claimed).to_list()
        assert unclaimed == [height % 2 for height in range(MATURITY + 1)] + [0] * len(fees)
