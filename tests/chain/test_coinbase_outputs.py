"""Outputs of many coinbases at once equal the outputs read one by one."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashcanary.chain.coinbase import outputs_of
from hashcanary.chain.coinbase_outputs import payouts_of


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
