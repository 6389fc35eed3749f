"""Headers as columns, against two well-known blocks of the main chain."""

from __future__ import annotations

import polars as pl
import pytest

from hashcanary.chain.errors import InvalidHeaderField, TruncatedHeaders
from hashcanary.chain.headers import decode_headers, encode_headers, header_hash

# Block 1 (as every node serves it) and block 125552 (the example of the Bitcoin wiki).
BLOCK_1 = bytes.fromhex(
    "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe"
    "680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299"
)
BLOCK_1_HASH = "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048"
BLOCK_125552 = bytes.fromhex(
    "0100000081cd02ab7e569e8bcd9317e2fe99f2de44d49ab2b8851ba4a308000000000000e320b6c2fffc8d750423"
    "db8b1eb942ae710e951ed797f7affc8892b0f1fc122bc7f5d74df2b9441a42a14695"
)
BLOCK_125552_HASH = "00000000000000001e8d6829a8a21adc5d38d0a473b144b6765798e61f98bd1d"


def test_the_fields_and_hash_of_known_blocks() -> None:
    rows = decode_headers(BLOCK_1 + BLOCK_125552).frame().to_dicts()
    assert [row["hash"].hex() for row in rows] == [BLOCK_1_HASH, BLOCK_125552_HASH]
    assert rows[0]["prev_hash"].hex() == (
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
    )
    assert rows[1]["merkle_root"].hex() == (
        "2b12fcf1b09288fcaff797d71e950e71ae42b91e8bdb2304758dfcffc2b620e3"
    )
    assert (rows[1]["version"], rows[1]["time"], rows[1]["bits"], rows[1]["nonce"]) == (
        1,
        1305998791,
        440711666,
        2504433986,
    )


def test_the_frame_has_binary_hashes_and_64_bit_integers() -> None:
    schema = decode_headers(BLOCK_1).frame().schema
    assert dict(schema) == {
        "hash": pl.Binary,
        "prev_hash": pl.Binary,
        "version": pl.Int64,
        "merkle_root": pl.Binary,
        "time": pl.Int64,
        "bits": pl.Int64,
        "nonce": pl.Int64,
    }


def test_no_bytes_are_no_headers() -> None:
    assert decode_headers(b"").frame().height == 0


@pytest.mark.parametrize("count", [1, 127, 128, 129, 300])
def test_every_header_is_hashed_whatever_the_number(count: int) -> None:
    frame = decode_headers(BLOCK_1 * count).frame()
    assert frame["hash"].to_list() == [bytes.fromhex(BLOCK_1_HASH)] * count


def test_one_hash() -> None:
    assert header_hash(BLOCK_125552).hex() == BLOCK_125552_HASH


def test_a_cut_file_is_refused_with_the_offset() -> None:
    with pytest.raises(TruncatedHeaders, match="1 whole headers and 79 bytes from offset 80 on"):
        decode_headers(BLOCK_1 + BLOCK_125552[:-1])


def test_a_negative_version_survives_the_round_trip() -> None:
    data = b"\xff\xff\xff\xff" + BLOCK_1[4:]
    frame = decode_headers(data).frame()
    assert frame["version"].to_list() == [-1]
    assert encode_headers(frame) == data


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("time", -1),
        ("bits", 1 << 32),
        ("nonce", None),
        ("version", 1 << 31),
        ("prev_hash", b"short"),
        ("merkle_root", None),
    ],
)
def test_a_value_that_no_header_can_hold_is_named(column: str, value: object) -> None:
    frame = decode_headers(BLOCK_1 * 2).frame()
    bad = pl.Series(column, [frame[column][0], value], dtype=frame.schema[column])
    with pytest.raises(InvalidHeaderField, match=f"{column} of header 1: expected"):
        encode_headers(frame.with_columns(bad))
