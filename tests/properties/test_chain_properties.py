"""Properties of the chain arithmetic, each against an independent statement of the same thing."""

from __future__ import annotations

import statistics
import struct
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hashcanary.chain.errors import BrokenLink, ChainError
from hashcanary.chain.header_times import median_time_past
from hashcanary.chain.headers import decode_headers, encode_headers
from hashcanary.chain.networks import MAIN, REGTEST
from hashcanary.chain.retarget import next_bits
from hashcanary.chain.subsidy import subsidy, supply_after
from hashcanary.chain.targets import block_work, decode_compact, encode_compact, total_work
from hashcanary.chain.validate import validate_run

BITS = st.integers(0, (1 << 32) - 1)
TARGETS = st.integers(1, MAIN.pow_limit)
TIMES = st.integers(0, (1 << 32) - 1)
MAIN_BITS = TARGETS.map(encode_compact)


def stated(bits: int) -> Fraction:
    """Compact bits as what they are: a signed mantissa times a power of 256, cut to an integer."""
    mantissa, size = bits & 0x7FFFFF, bits >> 24
    return Fraction(mantissa) * Fraction(256) ** (size - 3) // 1


@given(BITS)
@example(0x00923456)
@example(0x01803456)
@example(0x02800056)
def test_decoding_is_mantissa_times_a_power_of_256(bits: int) -> None:
    value, negative, overflow = decode_compact(bits)
    exact = int(stated(bits))
    assert overflow is (exact >= 1 << 256)
    assert negative is (exact != 0 and bool(bits & 0x800000))
    assert value == exact % (1 << 256)


@given(st.integers(0, (1 << 256) - 1))
def test_encoding_keeps_the_three_leading_bytes_and_truncates(value: int) -> None:
    decoded = decode_compact(encode_compact(value))
    assert not decoded.negative
    assert not decoded.overflow
    assert decoded.value <= value
    # Two or three bytes of mantissa: what is lost is less than one part in 2^15.
    assert (value - decoded.value) << 15 <= value
    assert encode_compact(decoded.value) == encode_compact(value)


@given(MAIN_BITS)
def test_work_is_the_number_of_hashes_expected(bits: int) -> None:
    target = int(stated(bits))
    assert block_work(bits) == (2**256 - 1 - target) // (target + 1) + 1


@given(st.lists(MAIN_BITS, max_size=50))
def test_total_work_is_the_sum_over_blocks(bits: list[int]) -> None:
    assert total_work(np.array(bits, np.int64)) == sum(block_work(one) for one in bits)


@given(st.lists(TIMES, max_size=60))
def test_median_time_past_is_the_upper_median_of_the_last_eleven(times: list[int]) -> None:
    values, known = median_time_past(np.array(times, np.int64), np.arange(len(times)))
    assert known.all()
    assert values.tolist() == [
        statistics.median_high(times[max(0, at - 10) : at + 1]) for at in range(len(times))
    ]


@given(
    st.lists(TIMES, min_size=1, max_size=60),
    st.lists(st.integers(1, 2), min_size=60, max_size=60),
    st.integers(0, 3),
)
def test_median_time_past_over_gaps_is_known_where_ten_blocks_precede(
    times: list[int], steps: list[int], first: int
) -> None:
    heights = np.cumsum([first, *steps])[: len(times)]
    values, known = median_time_past(np.array(times, np.int64), heights)
    by_height = dict(zip(heights.tolist(), times, strict=True))
    for at, height in enumerate(heights.tolist()):
        needed = range(max(0, height - 10), height + 1)
        assert bool(known[at]) is all(one in by_height for one in needed)
        if known[at]:
            assert values[at] == statistics.median_high(by_height[one] for one in needed)


@given(MAIN_BITS, TIMES, TIMES, TIMES)
def test_a_longer_epoch_never_gives_a_harder_target(
    bits: int, first: int, last: int, later: int
) -> None:
    short, long = sorted((last, later))
    assert decode_compact(next_bits(bits, first, short, MAIN)).value <= (
        decode_compact(next_bits(bits, first, long, MAIN)).value
    )


@given(MAIN_BITS, TIMES, TIMES)
def test_a_retarget_stays_within_four_times_and_the_limit(bits: int, first: int, last: int) -> None:
    old, new = int(stated(bits)), int(stated(next_bits(bits, first, last, MAIN)))
    assert new <= min(old * 4, MAIN.pow_limit)
    # Truncated twice: by the division, and to a mantissa of at least 16 bits.
    assert (new + 1) * (1 + Fraction(1, 1 << 15)) * 4 >= old


@given(MAIN_BITS)
def test_an_epoch_of_two_weeks_keeps_its_bits(bits: int) -> None:
    assert next_bits(bits, 1000, 1000 + 1_209_600, MAIN) == bits


@given(st.integers(0, 8_000_000))
def test_each_block_adds_its_subsidy_to_the_supply(height: int) -> None:
    assert supply_after(height + 1) - supply_after(height) == subsidy(height + 1)


FIELDS = st.tuples(
    st.integers(-(1 << 31), (1 << 31) - 1),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
    TIMES,
    BITS,
    BITS,
)


@given(st.lists(FIELDS, max_size=12))
def test_headers_decode_as_struct_does_and_encode_to_the_same_bytes(
    headers: list[tuple[int, bytes, bytes, int, int, int]],
) -> None:
    packed = [struct.pack("<i32s32sIII", *fields) for fields in headers]
    frame = decode_headers(b"".join(packed)).frame()
    assert encode_headers(frame) == b"".join(packed)
    assert frame["hash"].to_list() == [
        sha256(sha256(one).digest()).digest()[::-1] for one in packed
    ]
    columns = ("version", "prev_hash", "merkle_root", "time", "bits", "nonce")
    assert frame.select(columns).rows() == [
        (version, prev[::-1], root[::-1], time, bits, nonce)
        for version, prev, root, time, bits, nonce in headers
    ]


def mined_run(count: int) -> bytes:
    """Regtest's genesis and ``count`` headers on it, mined here."""
    root = bytes.fromhex("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b")[::-1]
    headers = [struct.pack("<i32s32sIII", 1, bytes(32), root, 1296688602, 0x207FFFFF, 2)]
    for index in range(count):
        parent = sha256(sha256(headers[-1]).digest()).digest()
        for nonce in range(1000):
            header = struct.pack(
                "<i32s32sIII", 4, parent, root, 1296688602 + 600 * index + 1, 0x207FFFFF, nonce
            )
            if sha256(sha256(header).digest()).digest()[31] < 0x80:
                break
        headers.append(header)
    return b"".join(headers)


RUN = mined_run(30)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(st.integers(0, (len(RUN) - 80) * 8 - 1))
def test_a_flipped_bit_in_any_header_but_the_last_is_found(bit: int) -> None:
    # At regtest's trivial target the last header's proof of work alone catches every other flip.
    assert validate_run(RUN, REGTEST).last_height == 30
    with pytest.raises(ChainError, match=f"header {bit // 640}|header {bit // 640 + 1}"):
        validate_run(flipped(RUN, bit), REGTEST)


@given(st.data())
def test_a_flipped_bit_anywhere_in_real_headers_is_found(
    first_headers: bytes, data: st.DataObject
) -> None:
    bit = data.draw(st.integers(0, len(first_headers) * 8 - 1))
    assert validate_run(first_headers, MAIN).first_height == 0
    with pytest.raises(ChainError, match=f"header {bit // 640} "):
        validate_run(flipped(first_headers, bit), MAIN)


@pytest.fixture(scope="module")
def first_headers(real_data: Path) -> bytes:
    """The first 64 real headers."""
    import zstandard

    path = real_data / "headers" / "headers_000000_010236.bin.zst"
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read(64 * 80)


@given(st.permutations(range(31)).filter(lambda order: order != sorted(order)))
def test_headers_out_of_order_are_found(order: list[int]) -> None:
    with pytest.raises(ChainError):
        validate_run(b"".join(RUN[index * 80 : index * 80 + 80] for index in order), REGTEST)


@given(st.sets(st.integers(1, 29), min_size=1))
def test_missing_headers_are_found(missing: set[int]) -> None:
    kept = [index for index in range(31) if index not in missing]
    with pytest.raises(BrokenLink, match=f"header {min(missing)} of the run"):
        validate_run(b"".join(RUN[index * 80 : index * 80 + 80] for index in kept), REGTEST)


def test_frames_of_headers_concatenate() -> None:
    halves = [decode_headers(RUN[: 15 * 80]).frame(), decode_headers(RUN[15 * 80 :]).frame()]
    assert pl.concat(halves).equals(decode_headers(RUN).frame())
