"""Checks a whole block against its header: every byte of it, by the two merkle trees.

1. The bytes are cut into transactions, which must fill them.
2. The txids give the header's merkle root, and no two neighbours in that tree are the same, which
   would let transactions be repeated unseen (CVE-2012-2459).
3. Where the coinbase commits to witnesses, the wtxids give that commitment (BIP141); where it does
   not, no transaction has a witness.

Source: Bitcoin Core ``consensus/merkle.cpp``; CheckBlock and CheckWitnessMalleation in
``validation.cpp``.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from hashcanary.chain.coinbase import Coinbase, outputs_of, parse_coinbase, witness_commitment
from hashcanary.chain.errors import InvalidBlock
from hashcanary.chain.headers import HEADER_SIZE

LEAST_TRANSACTION = 60
"""Bytes of the smallest transaction: one input and one output, both without a script."""


@dataclass(frozen=True, slots=True)
class WholeBlock:
    """What a block holds. weight: in weight units; size: bytes."""

    tx_count: int
    size: int
    weight: int
    coinbase: Coinbase


@dataclass(slots=True)
class _Transactions:
    """Double SHA-256 of each transaction without its witness, with it, and bytes without it."""

    txids: list[bytes]
    wtxids: list[bytes]
    stripped: int = 0
    witness: bool = False


def check_block(block: bytes) -> WholeBlock:
    """What a whole block holds, once every byte of it has been checked against its header.

    The header's own proof of work is not looked at. Raises InvalidBlock or InvalidCoinbase.
    """
    try:
        return _check(block)
    except IndexError:
        raise InvalidBlock(len(block), "the rest of a transaction", "the end") from None


def read_count(block: bytes) -> tuple[int, int]:
    """The number of transactions that a block says it holds, and where the first begins.

    Raises InvalidBlock where the bytes end before it or it is longer than needed.
    """
    try:
        count, start = _compact_size(block, HEADER_SIZE)
    except IndexError:
        count, start = 0, len(block) + 1
    _require(start <= len(block), HEADER_SIZE, "a count of transactions", "the end")
    expected = "a count of at least 1 in its shortest form"
    shortest = {1: 1, 3: 0xFD, 5: 0x10000, 9: 0x1_0000_0000}[start - HEADER_SIZE]
    _require(count >= shortest, HEADER_SIZE, expected, str(count))
    return count, start


def _check(block: bytes) -> WholeBlock:
    count, start = read_count(block)
    most = (len(block) - start) // LEAST_TRANSACTION
    _require(1 <= count <= max(most, 1), HEADER_SIZE, f"a count from 1 to {most}", str(count))
    coinbase = parse_coinbase(block, start)
    found = _transactions(block, start, count)
    root = _merkle_root(found.txids)
    named = block[36:68]
    _require(root == named, 36, f"the merkle root {root[::-1].hex()}", named[::-1].hex())
    _check_witness(coinbase, found)
    stripped = start + found.stripped
    return WholeBlock(count, len(block), 3 * stripped + len(block), coinbase)


def _transactions(block: bytes, place: int, count: int) -> _Transactions:
    found = _Transactions([], [])
    for _ in range(count):
        start = place
        witness = block[place + 4] == 0
        body = place + (6 if witness else 4)
        _require(not witness or block[place + 5] == 1, place + 5, "the flag 1", "another")
        place, inputs = _body_end(block, body)
        body_end = place
        if witness:
            place = _witness_end(block, place, inputs)
        place += 4
        _require(place <= len(block), start, "a whole transaction", "the end of the block")
        whole = block[start:place]
        wtxid = txid = sha256(sha256(whole).digest()).digest()
        if witness:
            bare = block[start : start + 4] + block[body:body_end] + block[place - 4 : place]
            txid = sha256(sha256(bare).digest()).digest()
            found.stripped += len(bare)
            found.witness = True
        else:
            found.stripped += len(whole)
        found.txids.append(txid)
        found.wtxids.append(wtxid)
    _require(place == len(block), place, "the end of the block", f"{len(block) - place} bytes more")
    return found


def _body_end(block: bytes, place: int) -> tuple[int, int]:
    """Where inputs and outputs that begin at ``place`` end, and how many inputs there are."""
    inputs, place = _compact_size(block, place)
    _require(inputs > 0, place, "at least one input", "none")
    for _ in range(inputs):
        length, place = _compact_size(block, place + 36)
        place += length + 4
    outputs, place = _compact_size(block, place)
    for _ in range(outputs):
        length, place = _compact_size(block, place + 8)
        place += length
    return place, inputs


def _witness_end(block: bytes, place: int, inputs: int) -> int:
    for _ in range(inputs):
        items, place = _compact_size(block, place)
        for _ in range(items):
            length, place = _compact_size(block, place)
            place += length
    return place


def _compact_size(block: bytes, place: int) -> tuple[int, int]:
    first = block[place]
    if first < 0xFD:
        return first, place + 1
    width = 2 << (first - 0xFD)
    return int.from_bytes(block[place + 1 : place + 1 + width], "little"), place + 1 + width


def _merkle_root(hashes: list[bytes]) -> bytes:
    """The root above hashes in the order in which blocks hold them."""
    level = hashes
    while len(level) > 1:
        for one, other in zip(level[::2], level[1::2], strict=False):
            _require(one != other, HEADER_SIZE, "each transaction once", "one repeated")
        if len(level) % 2:
            level = [*level, level[-1]]
        level = [
            sha256(sha256(one + other).digest()).digest()
            for one, other in zip(level[::2], level[1::2], strict=True)
        ]
    return level[0]


def _check_witness(coinbase: Coinbase, found: _Transactions) -> None:
    committed = witness_commitment(outputs_of(coinbase.outputs)) if coinbase.witness else None
    if committed is None:
        _require(not found.witness, HEADER_SIZE, "no witness: nothing commits to any", "one")
        return
    root = _merkle_root([bytes(32), *found.wtxids[1:]])
    due = sha256(sha256(root + coinbase.reserved).digest()).digest()
    _require(due == committed, HEADER_SIZE, f"the commitment {due.hex()}", committed.hex())


def _require(good: bool, offset: int, expected: str, found: str) -> None:
    if not good:
        raise InvalidBlock(offset=offset, expected=expected, found=found)
