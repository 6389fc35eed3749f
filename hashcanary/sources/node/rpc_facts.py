"""Rows about blocks over RPC: statistics (``getblockstats``), and whole blocks for their coinbases.

``getblockstats`` counts fees exactly, by the node's undo data. Its ``total_size`` and
``total_weight`` leave out header and coinbase, so they are not the block's size and weight: these
come with whole blocks alone, and are null elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashcanary.chain.coinbase import MOST_VALUE
from hashcanary.chain.errors import ChainError
from hashcanary.chain.headers import HEADER_SIZE, header_hash
from hashcanary.chain.subsidy import subsidy
from hashcanary.chain.whole_block import check_block
from hashcanary.sources.errors import BadBlock
from hashcanary.sources.node.chain_node import Told, block_rows, header_time, shared_out
from hashcanary.sources.node.rpc import Call, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hashcanary.chain.networks import Network
    from hashcanary.sources.http.json_documents import Node
    from hashcanary.sources.node.rpc import Rpc

STATS = ("blockhash", "height", "mediantime", "subsidy", "time", "totalfee", "txs")
_REFUSED = "the node refused: {}"
_STATS_AT_ONCE = 50
_MAX_TRANSACTIONS = 100_000
_BLOCK_SIZES = (HEADER_SIZE + 61, 4_000_000)

Row = dict[str, object]
Job = tuple[int, bytes]
Answers = dict[int, Row | str]
"""By height: what is known of the block, or the node's words for why it does not say."""


@dataclass(frozen=True, slots=True)
class BlockAsker:
    """Asks a node about blocks. clients: one a connection."""

    clients: Sequence[Rpc]
    network: Network
    name: str

    def told(self, stats: Sequence[Job], coinbases: Sequence[Job]) -> Told:
        """Rows for all blocks named, with statistics of some and coinbases of some.

        Raises ServiceError's kinds, BadBlock for what cannot be true of a block.
        """
        parts = [stats[at : at + _STATS_AT_ONCE] for at in range(0, len(stats), _STATS_AT_ONCE)]
        counted = shared_out(self.clients, parts, self._stats)
        read = shared_out(self.clients, coinbases, self._whole)
        rows: list[Row] = []
        missing: dict[int, str] = {}
        partly: dict[int, str] = {}
        for height, block in sorted({*stats, *coinbases}):
            answers = [found[height] for found in (counted, read) if height in found]
            facts = [one for one in answers if isinstance(one, dict)]
            refused = [one for one in answers if isinstance(one, str)]
            if refused:
                (partly if facts else missing)[height] = refused[0]
            if facts:
                rows.append(self._row(height, block, facts))
        return Told(block_rows(rows, self.name), missing, partly)

    def _row(self, height: int, block: bytes, facts: Sequence[Row]) -> Row:
        row: Row = {"height": height, "hash": block}
        for one in facts:
            for column, value in one.items():
                if row.setdefault(column, value) != value:
                    raise self._bad(height, f"one {column}", f"{row[column]} and {value}")
        problem = overclaimed(row)
        if problem is not None:
            raise self._bad(height, *problem)
        return row

    def _stats(self, client: Rpc, jobs: Sequence[Job]) -> Answers:
        calls = [Call("getblockstats", (block.hex(), list(STATS))) for _, block in jobs]
        return {
            job[0]: _REFUSED.format(answer.message)
            if isinstance(answer, Fault)
            else self._counted(job, answer)
            for job, answer in zip(jobs, client.batch(calls), strict=True)
        }

    def _counted(self, job: Job, told: Node) -> Row:
        """What ``getblockstats`` says, if it is of this block and can be true."""
        height, block = job
        named = told.at("blockhash").hash()
        if (named, told.at("height").value) != (block, height):
            raise self._bad(
                height, f"statistics of {block.hex()}", f"those of {named.hex()} at another height"
            )
        due = subsidy(height, self.network)
        time = header_time(told.at("time"))
        return {
            "time": time,
            "median_time_past": told.at("mediantime").integer(0, time, "a median time"),
            "subsidy": told.at("subsidy").integer(due, due, "the subsidy in satoshis,"),
            "total_fee": told.at("totalfee").integer(0, MOST_VALUE, "fees in satoshis"),
            "tx_count": told.at("txs").integer(1, _MAX_TRANSACTIONS, "transactions"),
        }

    def _whole(self, client: Rpc, job: Job) -> Answers:
        """The answer to ``getblock``, which gives a whole block in hex digits."""
        height, block = job
        (answer,) = client.batch([Call("getblock", (block.hex(), False))])
        if isinstance(answer, Fault):
            return {height: _REFUSED.format(answer.message)}
        raw = answer.hex(*_BLOCK_SIZES, "a block in hex digits")
        return {height: coinbase_row(raw, block, height, self.clients[0].http.base)}

    def _bad(self, height: int, expected: str, found: str) -> BadBlock:
        return BadBlock(
            node=self.clients[0].http.base, block=f"{height:,}", expected=expected, found=found
        )


def coinbase_row(raw: bytes, block: bytes, height: int, url: str) -> Row:
    """What a whole block says of itself, by column, once it is proved to be the one asked for.

    raw: as sent; block: its hash; url: of the node. Raises BadBlock.
    """
    try:
        whole = check_block(raw)
    except ChainError as error:
        raise BadBlock(
            node=url, block=f"{height:,}", expected="a whole block", found=str(error)
        ) from error
    found = header_hash(raw[:HEADER_SIZE])
    if found != block:
        raise BadBlock(node=url, block=f"{height:,}", expected=block.hex(), found=found.hex())
    return {
        "time": int.from_bytes(raw[68:72], "little"),
        "tx_count": whole.tx_count,
        "size": whole.size,
        "weight": whole.weight,
        "coinbase_value": whole.coinbase.value,
        "coinbase_script": whole.coinbase.script,
        "coinbase_outputs": whole.coinbase.outputs,
    }


def overclaimed(row: Row) -> tuple[str, str] | None:
    """What is wrong where a coinbase takes more than subsidy and fees: expected and found."""
    claimed, subsidised, fee = (
        row.get(name) for name in ("coinbase_value", "subsidy", "total_fee")
    )
    if not (isinstance(claimed, int) and isinstance(subsidised, int) and isinstance(fee, int)):
        return None
    due = subsidised + fee
    return (f"a coinbase of at most {due:,} satoshis", f"{claimed:,}") if claimed > due else None


def among(jobs: Mapping[int, bytes], first: int) -> list[Job]:
    """Those from a height on."""
    return [(height, block) for height, block in jobs.items() if height >= first]
