"""Coinbase transactions: what they hold, what they say, and what is no coinbase.

Outputs of many coinbases at once equal the outputs read one by one.
"""

from __future__ import annotations

import hashlib
import re

import bitcoin.core
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import block_maker
from support.mining import GENESIS_COINBASE

from hashcanary.chain.coinbase import (
    Output,
    bip34_height,
    height_push,
    outputs_of,
    parse_coinbase,
    payouts_of,
    witness_commitment,
)
from hashcanary.chain.errors import ChainError, InvalidBlock, InvalidCoinbase
from hashcanary.chain.networks import REGTEST
from hashcanary.chain.whole_block import check_block

GENESIS_TXID = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"


def test_the_coinbase_of_the_genesis_block() -> None:
    coinbase = parse_coinbase(b"before" + GENESIS_COINBASE + b"after", 6)
    assert coinbase.txid.hex() == GENESIS_TXID
    assert coinbase.value == 50_0000_0000
    assert b"Chancellor on brink of second bailout" in coinbase.script
    assert coinbase.size == len(GENESIS_COINBASE)
    (output,) = outputs_of(coinbase.outputs)
    assert output.value == 50_0000_0000
    assert output.script.hex().startswith("4104678afdb0fe5548271967f1a67130b7105cd6a8")
    assert bip34_height(coinbase.script) is None


@pytest.mark.parametrize(
    ("height", "push"),
    # BIP34's rule as Core's CScript writes it
    [
        (1, "51"),
        (16, "60"),
        (17, "0111"),
        (127, "017f"),
        (128, "028000"),
        (255, "02ff00"),
        (32_767, "02ff7f"),
        (32_768, "03008000"),
        (227_931, "035b7a03"),
        (8_388_608, "0400008000"),
    ],
)
def test_heights_are_pushed_in_their_shortest_form(height: int, push: str) -> None:
    assert height_push(height).hex() == push
    if height < 8_388_608:
        assert bip34_height(height_push(height) + b"/tag/", REGTEST) == height


def test_no_height_is_inferred_before_bip34() -> None:
    assert bip34_height(height_push(227_930) + b"x") is None
    assert bip34_height(height_push(227_931) + b"x") == 227_931
    # block 227,835, read as a height, would lie in the far future
    assert bip34_height(bytes.fromhex("0479204f5102") + b"O\t\x06/P2SH/") is None
    assert bip34_height(bytes.fromhex("045b7a0300") + b"not shortest") is None
    assert bip34_height(b"") is None
    assert bip34_height(b"\x03\x5b") is None


def test_witness_commitment_is_that_of_the_last_such_output() -> None:
    script = bytes.fromhex("6a24aa21a9ed")
    outputs = (
        Output(1, b"\x51"),
        Output(0, script + b"a" * 32),
        Output(0, script + b"b" * 32 + b"more"),
        Output(0, script + b"c" * 31),
    )
    assert witness_commitment(outputs) == b"b" * 32
    assert witness_commitment(outputs[:1]) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((4, b"\x02"), "one null input"),
        ((5, b"\x01"), "one null input"),
        ((40, b"\x7f"), "one null input"),
        ((41, b"\x01"), "a script of 2 to 100 bytes"),
        ((41, b"\x65"), "a script of 2 to 100 bytes"),
        ((123, b"\x00"), "between 1 and as many outputs"),
        ((131, b"\x40"), "at most 21 million coins"),
    ],
)
def test_what_is_no_coinbase_is_named(change: tuple[int, bytes], expected: str) -> None:
    at, byte = change
    with pytest.raises(InvalidCoinbase, match=re.escape(expected)):
        parse_coinbase(GENESIS_COINBASE[:at] + byte + GENESIS_COINBASE[at + 1 :])


@pytest.mark.fuzz
@given(st.integers(0, len(GENESIS_COINBASE) - 1))
def test_a_coinbase_cut_short_is_named(length: int) -> None:
    with pytest.raises(InvalidCoinbase):
        parse_coinbase(GENESIS_COINBASE[:length])


@pytest.mark.fuzz
@given(st.binary(max_size=400))
def test_any_bytes_give_a_coinbase_or_a_named_error(data: bytes) -> None:
    for read in (parse_coinbase, outputs_of, check_block):
        outcome: object = None
        try:
            outcome = read(data)
        except ChainError as error:
            outcome = error
        assert outcome is not None


def test_whole_real_blocks_hold_together(raw_blocks: dict[str, bytes]) -> None:
    for name, block in raw_blocks.items():
        theirs = bitcoin.core.CBlock.deserialize(block)
        ours = check_block(block)
        assert ours.tx_count == len(theirs.vtx), name
        assert ours.weight == theirs.GetWeight(), name
        assert ours.coinbase.txid == theirs.vtx[0].GetTxid()[::-1], name
        assert ours.coinbase.value == sum(out.nValue for out in theirs.vtx[0].vout), name


def test_any_bit_of_a_whole_block_is_checked(raw_blocks: dict[str, bytes]) -> None:
    """Bits of the header are proof of work's; all others are the merkle trees'."""
    block = raw_blocks["block481829.dat"]
    step = len(block) * 8 // 40
    for bit in range(36 * 8, len(block) * 8, step):
        if 68 <= bit // 8 < 80:
            continue
        damaged = bytearray(block)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ChainError):
            check_block(bytes(damaged))


def damaged(block: bytes, at: int, new: bytes) -> bytes:
    return block[:at] + new + block[at + len(new) :]


def test_what_does_not_hold_together_is_named_with_its_place() -> None:
    """A header, the count at byte 80, the coinbase and one more transaction."""
    maker = block_maker
    other = maker.filler(90)
    block = maker.block(maker.FIRST_BLOCK, 1, [other])
    second = len(block) - len(other)
    named = block[36:68][::-1].hex()
    for bad, message in (
        (damaged(block, 36, bytes(32)), f"byte 36 .* the merkle root {named}, found {'00' * 32}"),
        (damaged(block, 80, b"\0"), "byte 80 .* a count of at least 1"),
        (damaged(block, 80, b"\x09"), "byte 80 .* a count from 1 to 2, found 9"),
        (damaged(block, 80, b"\1"), f"byte {second} .* end of the block, found {len(other)} bytes"),
        (block + b"more", f"byte {len(block)} .* the end of the block, found 4 bytes more"),
        (damaged(block, second + 4, b"\0\2"), f"byte {second + 5} .* the flag 1, found another"),
        (
            damaged(block, second + 4, b"\0\1\0"),
            f"byte {second + 7} .* at least one input, found none",
        ),
        (block[:-1], f"byte {second} .* a whole transaction, found the end of the block"),
        (block[: second + 55], f"byte {second + 55} .* the rest of a transaction, found the end"),
    ):
        with pytest.raises(InvalidBlock, match=message):
            check_block(bad)


def with_witness(transaction: bytes) -> bytes:
    """The transaction with a witness of one item, of two bytes, for its one input."""
    return transaction[:4] + b"\0\1" + transaction[4:-4] + b"\1\2ab" + transaction[-4:]


def test_witnesses_are_what_the_coinbase_commits_to_or_none() -> None:
    maker = block_maker
    other = maker.filler(90)
    bare = maker.block(maker.FIRST_BLOCK, 1, [other])
    assert check_block(bare).weight == 4 * len(bare)
    # the same txid: only the coinbase could tell that there is a witness, and it commits to none
    unseen = bare[: -len(other)] + with_witness(other)
    with pytest.raises(InvalidBlock, match=r"byte 80 .* no witness: nothing commits to any"):
        check_block(unseen)
    committed = maker.block(maker.FIRST_BLOCK, 1, [other], witness=True)
    # BIP141: three times the size without witnesses, and the size with them; 2 + 34 bytes of one
    assert check_block(committed).weight == 4 * len(committed) - 3 * 36
    with pytest.raises(InvalidBlock, match=r"byte 80 .* the commitment"):
        check_block(committed[: -len(other)] + with_witness(other))


def test_transactions_repeated_unseen_by_the_root_are_refused() -> None:
    """CVE-2012-2459: the last two of six transactions doubled give the same root."""
    maker = block_maker
    others = [maker.filler(90, n) for n in range(5)]
    block = maker.block(maker.FIRST_BLOCK, 1, others)
    assert check_block(block).tx_count == 6
    doubled = block[:80] + b"\x08" + block[81:] + others[3] + others[4]
    ids = [hashlib.sha256(hashlib.sha256(t).digest()).digest() for t in [*others, *others[3:]]]
    first = hashlib.sha256(hashlib.sha256(block[81 : -sum(map(len, others))]).digest()).digest()
    assert maker.merkle_root([first, *ids]) == block[36:68]
    with pytest.raises(ChainError, match="each transaction once"):
        check_block(doubled)


def compact(number: int) -> bytes:
    if number < 0xFD:
        return bytes([number])
    return b"\xfd" + number.to_bytes(2, "little")


def serialized(outputs: list[tuple[int, bytes]]) -> bytes:
    body = b"".join(
        value.to_bytes(8, "little") + compact(len(script)) + script for value, script in outputs
    )
    return compact(len(outputs)) + body


OUTPUT = st.tuples(st.integers(0, 10**9), st.one_of(st.binary(max_size=50), st.just(b"\x6a" * 300)))


@given(st.lists(st.one_of(st.none(), st.lists(OUTPUT, min_size=1, max_size=260)), max_size=6))
def test_all_rows_at_once_equal_one_by_one(rows: list[list[tuple[int, bytes]] | None]) -> None:
    data = [None if row is None else serialized(row) for row in rows]
    found = payouts_of(pl.Series(data, dtype=pl.Binary)).rows()
    expected = [
        (place, output.value, output.script)
        for place, row in enumerate(data)
        if row is not None
        for output in outputs_of(row)
        if len(output.script) <= 42
    ]
    assert found == expected


@pytest.mark.fuzz
@given(st.lists(st.binary(max_size=200), max_size=5))
def test_any_bytes_give_outputs_that_lie_within_them(rows: list[bytes]) -> None:
    found = payouts_of(pl.Series(rows, dtype=pl.Binary))
    for row, _, script in found.iter_rows():
        assert script in rows[row]


def test_a_row_cut_short_gives_what_is_whole() -> None:
    whole = serialized([(50, b"\x51"), (60, b"\x52\x53")])
    for end in range(len(whole)):
        found = payouts_of(pl.Series([whole[:end], whole], dtype=pl.Binary))
        assert found.filter(row=1).rows() == [(1, 50, b"\x51"), (1, 60, b"\x52\x53")]
        assert found.filter(row=0).height == (0 if end < 11 else 1)


def test_counts_and_lengths_beyond_all_bytes_leave_what_is_whole() -> None:
    """A CompactSize of eight bytes may say more than a signed integer of 64 bits holds."""
    output = (50).to_bytes(8, "little") + b"\1\x51"
    most = b"\xff" * 9
    rows = [most + output, b"\1" + output[:8] + most, b"\xfe\2\0\0\0" + output + output]
    assert payouts_of(pl.Series(rows, dtype=pl.Binary)).rows() == [
        (0, 50, b"\x51"),
        (2, 50, b"\x51"),
        (2, 50, b"\x51"),
    ]


def test_only_scripts_longer_than_any_with_an_address_are_passed_over() -> None:
    outputs = [(1, bytes(41)), (2, bytes(42)), (3, bytes(43)), (4, b"")]
    rows = pl.Series([serialized(outputs), None, b"", serialized(outputs[2:])], dtype=pl.Binary)
    assert [(row, value) for row, value, _ in payouts_of(rows).iter_rows()] == [
        (0, 1),
        (0, 2),
        (0, 4),
        (3, 4),
    ]


def test_no_more_outputs_are_read_than_are_counted() -> None:
    both = serialized([(1, b"a"), (2, b"b")])
    rows = pl.Series([b"\x01" + both[1:], both, b"\x00" + both[1:]], dtype=pl.Binary)
    assert payouts_of(rows).select("row", "value").rows() == [(0, 1), (1, 1), (1, 2)]
