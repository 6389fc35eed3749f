"""Any bytes in block files give facts or a named error, in bounded time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import block_maker

from hashcanary.chain.coinbase import parse_coinbase
from hashcanary.chain.errors import ChainError
from hashcanary.chain.networks import REGTEST
from hashcanary.errors import HashcanaryError
from hashcanary.sources.node.block_files import ScanOptions, scan
from hashcanary.sources.node.block_files_records import coinbase_columns
from hashcanary.sources.node.block_files_walk import FRAME, WINDOW

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = REGTEST.magic
SECONDS = 5
PIECES = st.one_of(
    st.binary(max_size=300),
    st.just(MAGIC),
    st.integers(0, 2**32 - 1).map(lambda size: MAGIC + size.to_bytes(4, "little")),
    st.integers(80, 400).map(lambda size: MAGIC + size.to_bytes(4, "little") + bytes(size)),
    st.integers(0, 12).map(bytes),
)


@pytest.mark.fuzz
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=8), st.binary(max_size=10), st.integers(0, 3), st.data())
def test_any_bytes_give_facts_or_a_named_error(
    tmp_path: Path, pieces: list[bytes], key: bytes, real: int, data: st.DataObject
) -> None:
    """Real blocks among the pieces, a key of any length, a cursor of any content."""
    blocks = block_maker.chain(real)
    pieces = [block_maker.framed(blocks), *pieces]
    folder = block_maker.write(tmp_path, {0: b"".join(pieces)}, bytes(8))
    (folder / "xor.dat").write_bytes(key if len(key) > 8 else bytes(8))
    cursor = data.draw(
        st.sampled_from([{}, {"folder": 3}, {"folder": "x", "ends": {"0": -5}}, {"ends": "0"}])
    )
    began = time.monotonic()
    found: list[object] = []
    try:
        for batch in scan(folder, block_maker.held(), dict(cursor), ScanOptions(1)):
            found += [facts.frame for facts in batch.facts]
    except HashcanaryError as error:
        found.append(error)
    assert time.monotonic() - began < SECONDS
    for frame in found:
        if isinstance(frame, pl.DataFrame):
            assert set(frame["height"]) <= set(range(real + 1))


@pytest.mark.fuzz
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=250), st.integers(0, 2**16), st.booleans())
def test_any_bytes_after_a_valid_header(tmp_path: Path, body: bytes, at: int, cut: bool) -> None:
    """Count and coinbase overwritten at any place: named, or as the scalar parser reads it."""
    blocks = block_maker.chain(4)
    last = bytearray(block_maker.block(blocks[4], 5, [block_maker.filler(200)], witness=True))
    place = 80 + at % (len(last) - 80)
    last[place : place + len(body)] = body
    block_maker.write(tmp_path, {0: block_maker.framed([*blocks, bytes(last), *blocks[:1]])})
    found: list[object] = []
    try:
        for batch in scan(tmp_path, block_maker.held(), {}, ScanOptions(1)):
            found += [facts.frame for facts in batch.facts]
    except HashcanaryError as error:
        found.append(error)
    assert found
    frames = [frame for frame in found if isinstance(frame, pl.DataFrame)]
    rows = frames[1].filter(pl.col("height") == 5) if frames else pl.DataFrame()
    for row in rows.iter_rows(named=True):
        coinbase = parse_coinbase(bytes(last), 81)
        assert row["coinbase_script"] == coinbase.script
        assert row["coinbase_value"] == coinbase.value


@pytest.mark.fuzz
@settings(max_examples=300)
@given(
    outputs=st.lists(
        st.tuples(st.integers(0, 30_0000_0000), st.integers(0, 300)), min_size=1, max_size=5
    ),
    length=st.integers(1, 102),
    witness=st.booleans(),
    count=st.sampled_from([1, 2, 252, 253, 70_000]),
    damage=st.none() | st.tuples(st.integers(0, 2_000), st.integers(0, 7)),
)
def test_columns_read_what_the_scalar_parser_reads(
    outputs: list[tuple[int, int]],
    length: int,
    witness: bool,
    count: int,
    damage: tuple[int, int] | None,
) -> None:
    """Coinbases of any form, some too long for a window, some with a wrong bit."""
    pays = [(value, bytes(range(256))[:size] * (1 + size // 256)) for value, size in outputs]
    coinbase = bytearray(block_maker.coinbase_of(b"\x01" * length, pays, witness))
    sound = damage is None and 2 <= length <= 100
    if damage is not None:
        coinbase[damage[0] % len(coinbase)] ^= 1 << damage[1]
    before = bytes(80) + block_maker.compact_size(count)
    body = before + bytes(coinbase) + bytes(60 * (count - 1))
    window = (bytes(FRAME) + body).ljust(WINDOW, b"\0")[:WINDOW]
    read = coinbase_columns(window, np.array([len(body)]))
    try:
        theirs = parse_coinbase(body, len(before))
    except ChainError:
        assert not sound
        assert not read.good[0]
        return
    if sound and FRAME + len(before) + theirs.size + 48 <= WINDOW:
        assert read.good[0]
    if read.good[0]:
        assert read.scripts() == [theirs.script]
        assert read.outputs() == [theirs.outputs]
        assert read.value[0] == theirs.value
        assert read.witness[0] == theirs.witness
        assert read.stripped(0) == theirs.stripped
        assert read.tx_count[0] == count
