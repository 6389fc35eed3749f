"""What headers owe to blocks outside their own file is checked when they are loaded."""

from __future__ import annotations

import struct
from hashlib import sha256
from pathlib import Path

import pytest
import zstandard

from hashcanary.chain.networks import MAIN, SIMNET
from hashcanary.store.errors import BrokenRule
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load

EASIEST = 0x207FFFFF


def digest(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


def child(parent: bytes, time: int, bits: int) -> bytes:
    for nonce in range(1 << 20):
        header = struct.pack("<i32s32sIII", 1, digest(parent), bytes(32), time, bits, nonce)
        if digest(header)[31] < 0x10:
            return header
    raise AssertionError("no nonce found")


def genesis() -> bytes:
    """bcoin protocol/networks.js: simnet's first header."""
    first = SIMNET.genesis
    return struct.pack(
        "<i32s32sIII", 1, bytes(32), first.merkle_root[::-1], first.time, first.bits, first.nonce
    )


@pytest.fixture(scope="module")
def epoch() -> list[bytes]:
    """Heights 0 to 2015 of a simnet chain, five minutes apart: the next target is half."""
    chain = [genesis()]
    for height in range(1, 2016):
        chain.append(child(chain[-1], SIMNET.genesis.time + 300 * height, EASIEST))
    return chain


def after(epoch: list[bytes], bits: int) -> list[bytes]:
    time = SIMNET.genesis.time + 300 * 2016
    first = child(epoch[-1], time, bits)
    return [first, child(first, time + 300, bits)]


def test_simnet_genesis_is_what_the_network_says() -> None:
    assert digest(genesis())[::-1] == SIMNET.genesis.hash


# 2015 intervals of 300 s are 604,500 of 1,209,600 s, so by hand:
# 0x7fffff * 604500 // 1209600 = 4192222 = 0x3ff7de
RIGHT = 0x203FF7DE


def test_the_right_target_after_an_epoch_in_the_lake_is_taken(
    tmp_path: Path, epoch: list[bytes]
) -> None:
    (tmp_path / "a.bin").write_bytes(b"".join(epoch))
    (tmp_path / "b.bin").write_bytes(b"".join(after(epoch, RIGHT)))
    lake = load(Lake.create(tmp_path / "lake", SIMNET), [tmp_path / "a.bin"]).lake
    assert load(lake, [tmp_path / "b.bin"]).lake.frame("headers").height == 2018


@pytest.mark.parametrize("together", [True, False])
def test_a_wrong_target_after_an_epoch_in_the_lake_is_refused(
    tmp_path: Path, epoch: list[bytes], together: bool
) -> None:
    (tmp_path / "a.bin").write_bytes(b"".join(epoch))
    (tmp_path / "b.bin").write_bytes(b"".join(after(epoch, RIGHT - 1)))
    lake = Lake.create(tmp_path / "lake", SIMNET)
    if together:
        files = [tmp_path / "b.bin", tmp_path / "a.bin"]
    else:
        lake = load(lake, [tmp_path / "a.bin"]).lake
        files = [tmp_path / "b.bin"]
    with pytest.raises(BrokenRule, match=f"{RIGHT:#010x}") as caught:
        load(lake, files)
    assert "b.bin" in str(caught.value)
    assert Lake.open(lake.home).version == lake.version


def test_filling_the_epoch_before_stored_headers_checks_those(
    tmp_path: Path, epoch: list[bytes]
) -> None:
    (tmp_path / "b.bin").write_bytes(b"".join(after(epoch, RIGHT - 1)))
    (tmp_path / "a.bin").write_bytes(b"".join(epoch))
    lake = load(Lake.create(tmp_path / "lake", SIMNET), [tmp_path / "b.bin"], height=2016).lake
    with pytest.raises(BrokenRule, match="2016"):
        load(lake, [tmp_path / "a.bin"])


def test_a_time_not_above_the_median_of_stored_headers_is_refused(
    tmp_path: Path, epoch: list[bytes]
) -> None:
    late = epoch[:30]
    early = child(late[-1], SIMNET.genesis.time + 300 * 24, EASIEST)
    (tmp_path / "a.bin").write_bytes(b"".join(late))
    (tmp_path / "b.bin").write_bytes(early)
    lake = load(Lake.create(tmp_path / "lake", SIMNET), [tmp_path / "a.bin"]).lake
    with pytest.raises(BrokenRule, match="median time past"):
        load(lake, [tmp_path / "b.bin"])


def test_real_headers_cut_amid_an_epoch_join_again(real_data: Path, tmp_path: Path) -> None:
    """The retarget at 312,480 needs blocks from both halves."""
    packed = (real_data / "headers" / "headers_150001_340000.bin.zst").read_bytes()
    raw = zstandard.ZstdDecompressor().stream_reader(packed).read()
    start = 80 * (310_000 - 150_001)
    cut, end = start + 80 * 1_500, start + 80 * 4_000
    (tmp_path / "a.bin").write_bytes(raw[start:cut])
    (tmp_path / "b.bin").write_bytes(raw[cut:end])
    lake = Lake.create(tmp_path / "lake", MAIN)
    lake = load(lake, [tmp_path / "a.bin"], height=310_000).lake
    lake = load(lake, [tmp_path / "b.bin"]).lake
    assert lake.frame("headers")["height"].to_list() == list(range(310_000, 314_000))
