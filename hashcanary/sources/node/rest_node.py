"""A node asked over its REST interface, which needs no credentials and has binary answers.

Headers come 2,000 at a time. Fees are not told as such: they follow from a whole block and what its
transactions spend (``spenttxouts``, Core 30 and later), so they are read of the newest blocks only.
Branches that the node left are not to be had here.

Spent outputs come as a node serializes them (``/rest/spenttxouts``): CompactSize transactions; of
each CompactSize outputs (int64 value, script); of the coinbase none. What a block's transactions
spend, less what they pay, is its fees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hashcanary.chain.coinbase import MOST_VALUE
from hashcanary.chain.errors import ChainError, InvalidBlock
from hashcanary.chain.headers import HEADER_SIZE, header_hash
from hashcanary.chain.subsidy import subsidy
from hashcanary.sources.errors import BadBlock, Refused, WrongSchema
from hashcanary.sources.http.json_documents import Node
from hashcanary.sources.node.chain_node import (
    HEADERS_AT_ONCE,
    Branch,
    State,
    Told,
    block_rows,
    check_claim,
    coinbase_row,
    shared_out,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.chain.networks import Network
    from hashcanary.sources.http.client import Http
    from hashcanary.sources.node.chain_node import Answers, Job, Known, Row


_LEAST_INPUT, _LEAST_OUTPUT = 41, 9


def fees(block: bytes, spent: bytes) -> int:
    """Satoshis that the transactions of a block leave to its miner.

    block: whole, of sound form (``chain.whole_block``); spent: what its transactions spend. Raises
    InvalidBlock where that is not what this block spends.
    """
    inputs, paid = _paid(block)
    counts, value = _spent(spent)
    if counts != [0, *inputs[1:]]:
        found = f"those of {len(counts):,} transactions, {sum(counts):,} in all"
        expected = f"outputs spent by {len(inputs):,} transactions, {sum(inputs) - 1:,} in all"
        raise InvalidBlock(offset=len(spent), expected=expected, found=found)
    left = value - paid
    if not 0 <= left <= MOST_VALUE:
        expected = f"fees from 0 to {MOST_VALUE:,} satoshis"
        raise InvalidBlock(offset=len(spent), expected=expected, found=f"{left:,}")
    return left


def _paid(block: bytes) -> tuple[list[int], int]:
    """How many inputs each transaction has, the coinbase first; satoshis paid by all others."""
    cursor = _Bytes(block, HEADER_SIZE)
    inputs, paid = [], []
    for _ in range(cursor.compact()):
        cursor.take(4)
        witnessed = block[cursor.place] == 0
        cursor.place += 2 if witnessed else 0
        inputs.append(cursor.count(_LEAST_INPUT))
        for _ in range(inputs[-1]):
            cursor.take(36)
            cursor.skip()
            cursor.take(4)
        paid.append(_outputs(cursor))
        for _ in range(inputs[-1] if witnessed else 0):
            for _ in range(cursor.count(1)):
                cursor.skip()
        cursor.take(4)
    return inputs, sum(paid[1:])


def _spent(data: bytes) -> tuple[list[int], int]:
    """How many outputs each transaction spends, and satoshis in all."""
    cursor = _Bytes(data)
    counts, total = [], 0
    for _ in range(cursor.count(1)):
        start = cursor.place
        counts.append(cursor.count(_LEAST_OUTPUT))
        cursor.place = start
        total += _outputs(cursor)
    cursor.require(cursor.place == len(data), "the end", f"{len(data) - cursor.place:,} bytes more")
    return counts, total


def _outputs(cursor: _Bytes) -> int:
    """Pass over a number of outputs and the outputs; gives the sum of their values."""
    total = 0
    for _ in range(cursor.count(_LEAST_OUTPUT)):
        total += int.from_bytes(cursor.take(8), "little")
        cursor.skip()
    return total


@dataclass(slots=True)
class _Bytes:
    """Bytes read from front to back, never beyond their end: that raises InvalidBlock."""

    data: bytes
    place: int = 0

    def require(self, good: bool, expected: str, found: str) -> None:
        """Raise InvalidBlock at this place unless ``good``."""
        if not good:
            raise InvalidBlock(offset=self.place, expected=expected, found=found)

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        taken = self.data[self.place : self.place + size]
        self.require(len(taken) == size, f"{size} bytes", f"the end after {len(taken)}")
        self.place += size
        return taken

    def compact(self) -> int:
        """A CompactSize in its shortest form."""
        first = self.take(1)[0]
        if first < 0xFD:
            return first
        width = 2 << (first - 0xFD)
        value = int.from_bytes(self.take(width), "little")
        least = 0xFD if width == 2 else 1 << (4 * width)
        self.require(value >= least, "a CompactSize in its shortest form", f"{value}")
        return value

    def count(self, least: int) -> int:
        """How many follow, of at least ``least`` bytes each: no more than the data can hold."""
        count = self.compact()
        most = (len(self.data) - self.place) // least
        self.require(count <= most, f"a count of at most {most:,}", f"{count:,}")
        return count

    def skip(self) -> None:
        """Pass over a CompactSize and as many bytes."""
        size = self.compact()
        left = len(self.data) - self.place
        self.require(size <= left, f"at most {left:,} bytes", f"{size:,}")
        self.place += size


_NOT_FOUND = 404
_FEES_UNKNOWN = (
    "fees are not known: the node has not what the block spends (spenttxouts comes with Bitcoin "
    "Core 30, and needs undo data)"
)


@dataclass(slots=True)
class RestNode:
    """A node behind its REST interface. clients: one a connection; blocks: how many of the newest
    blocks to read whole, None for all.
    """

    clients: Sequence[Http]
    network: Network
    blocks: int | None
    name: str = "bitcoind-rest"
    facts_at_once: int = 16
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = self.clients[0].base

    def state(self) -> State:
        """What it says of itself."""
        return State.of(self._info())

    def best(self) -> bytes:
        """The hash of its tip."""
        return self._info().at("bestblockhash").hash()

    def _info(self) -> Node:
        answer = self.clients[0].get("rest/chaininfo.json", accept=(_NOT_FOUND,))
        if answer.status == _NOT_FOUND:
            found = "status 404: is the node started with -rest?"
            raise Refused(service=f"REST of {self.url}", url=answer.url, status=404, found=found)
        return Node(answer.json(), answer.url)

    def hashes(self, heights: Sequence[int]) -> list[bytes | None]:
        """The hashes of its chain at these heights; None above its tip."""
        return [self._hash(height) for height in heights]

    def _hash(self, height: int) -> bytes | None:
        path = f"rest/blockhashbyheight/{height}.hex"
        answer = self.clients[0].get(path, accept=(_NOT_FOUND,))
        if answer.status == _NOT_FOUND:
            return None
        text = answer.body[:100].decode("ascii", "replace").strip()
        return Node(text, answer.url, "the body").hash()

    def headers(self, first: int, count: int, parent: bytes) -> bytes:
        """Raw headers from ``first`` on; none where the chain has moved."""
        start = parent if first else self.network.genesis.hash
        skipped = 1 if first else 0
        raw = self._headers_from(start, min(count + skipped, HEADERS_AT_ONCE))
        if raw and header_hash(raw[:HEADER_SIZE]) != start:
            raise WrongSchema(
                url=f"{self.url}/rest/headers",
                path="the first header",
                expected=f"that of block {start.hex()}",
                found=f"that of {header_hash(raw[:HEADER_SIZE]).hex()}",
            )
        return raw[skipped * HEADER_SIZE :]

    def _headers_from(self, start: bytes, count: int) -> bytes:
        answer = self.clients[0].get(
            f"rest/headers/{start.hex()}.bin", {"count": str(count)}, accept=(_NOT_FOUND,)
        )
        if answer.status == _NOT_FOUND:
            return b""
        size = len(answer.body)
        if size % HEADER_SIZE or size > count * HEADER_SIZE:
            raise WrongSchema(
                url=answer.url,
                path="the body",
                expected=f"at most {count:,} headers of {HEADER_SIZE} bytes",
                found=f"{size:,} bytes",
            )
        return answer.body

    def branches(self, known: Known) -> tuple[list[Branch], list[str]]:
        """None: REST does not tell of branches that the node left."""
        del known
        return [], []

    def asked_from(self, tip: int) -> dict[str, int]:
        """The lowest height of the newest blocks, as many as are to be read whole."""
        return {"coinbase_value": 0 if self.blocks is None else max(tip + 1 - self.blocks, 0)}

    def facts(self, heights: Sequence[int], hashes: Sequence[bytes], tip: int) -> Told:
        """Size, weight, transactions, coinbase and exact fees of these blocks."""
        del tip
        jobs = list(zip(heights, hashes, strict=True))
        found = shared_out(self.clients, jobs, self._about)
        rows = [found[height] for height in heights]
        there = [row for row in rows if isinstance(row, dict)]
        return Told(
            block_rows(there, self.name),
            {height: row for height, row in found.items() if isinstance(row, str)},
            {height: _FEES_UNKNOWN for height, row in found.items() if _without_fees(row)},
        )

    def _about(self, client: Http, job: Job) -> Answers:
        """What is known of a block, or why nothing is."""
        height, block = job
        answer = client.get(f"rest/block/{block.hex()}.bin", accept=(_NOT_FOUND,))
        if answer.status == _NOT_FOUND:
            return {height: "the node has not the block"}
        row: Row = {"height": height, "hash": block}
        row |= coinbase_row(answer.body, block, height, self.url)
        spent = client.get(f"rest/spenttxouts/{block.hex()}.bin", accept=(_NOT_FOUND,))
        if spent.status != _NOT_FOUND:
            left = self._fees(height, answer.body, spent.body)
            row |= {"subsidy": subsidy(height, self.network), "total_fee": left}
            check_claim(row, height, self.url)
        return {height: row}

    def _fees(self, height: int, block: bytes, spent: bytes) -> int:
        try:
            return fees(block, spent)
        except ChainError as error:
            raise BadBlock(self.url, f"{height:,}", "what the block spends", str(error)) from error


def _without_fees(row: Row | str) -> bool:
    return isinstance(row, dict) and "total_fee" not in row
