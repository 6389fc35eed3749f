"""Messages: the same as an independent implementation writes and reads, wherever they are cut."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import p2p_peer as p2p

from hashcanary.chain.networks import MAIN, REGTEST
from hashcanary.sources.errors import PeerDropped, Reason
from hashcanary.sources.p2p.messages import (
    MAX_PAYLOAD,
    PROTOCOL_VERSION,
    USER_AGENT,
    Deframer,
    Message,
    frame,
    getheaders_payload,
    read_blocks,
    read_headers,
    read_version,
    version_payload,
)

if TYPE_CHECKING:
    from pathlib import Path

NONCE = bytes(range(1, 9))


def _all(deframer: Deframer) -> list[Message]:
    messages = []
    while (message := deframer.next_message()) is not None:
        messages.append(message)
    return messages


def _reason(deframer: Deframer) -> Reason:
    with pytest.raises(PeerDropped) as caught:
        _all(deframer)
    return caught.value.reason


def test_version_is_what_python_bitcoinlib_reads() -> None:
    messages = pytest.importorskip("bitcoin.messages")
    data = frame(MAIN, "version", version_payload(NONCE, 1_700_000_000, 812_345))
    read = messages.MsgSerializable.stream_deserialize(io.BytesIO(data))
    assert (read.nVersion, read.nServices, read.nTime) == (PROTOCOL_VERSION, 0, 1_700_000_000)
    assert (read.nNonce, read.strSubVer) == (struct.unpack("<Q", NONCE)[0], USER_AGENT.encode())
    assert (read.nStartingHeight, read.fRelay) == (812_345, 0)


def test_version_of_python_bitcoinlib_is_read() -> None:
    messages = pytest.importorskip("bitcoin.messages")
    theirs = messages.msg_version()
    theirs.nStartingHeight = 7
    deframer = Deframer(MAIN)
    deframer.feed(theirs.to_bytes())
    (message,) = _all(deframer)
    version = read_version(message.payload)
    assert message.command == "version"
    assert (version.protocol, version.services) == (theirs.nVersion, 1)
    assert (version.nonce, version.start_height) == (struct.pack("<Q", theirs.nNonce), 7)
    assert version.user_agent == theirs.strSubVer.decode()


def test_getheaders_is_what_python_bitcoinlib_writes() -> None:
    messages = pytest.importorskip("bitcoin.messages")
    locator = [bytes([place]) * 31 + b"\x77" for place in range(30)]
    theirs = messages.msg_getheaders()
    theirs.locator.vHave = [block[::-1] for block in locator]
    theirs.locator.nVersion = PROTOCOL_VERSION
    assert frame(MAIN, "getheaders", getheaders_payload(locator)) == theirs.to_bytes()


def test_an_inv_of_python_bitcoinlib_names_its_blocks() -> None:
    messages = pytest.importorskip("bitcoin.messages")
    theirs = messages.msg_inv()
    for kind, name in ((1, b"\x01" * 32), (2, b"\x02" * 31 + b"\x03"), (2, b"\x04" * 32)):
        entry = messages.CInv()
        entry.type, entry.hash = kind, name
        theirs.inv.append(entry)
    deframer = Deframer(MAIN)
    deframer.feed(theirs.to_bytes())
    (message,) = _all(deframer)
    assert read_blocks(message.payload) == [b"\x03" + b"\x02" * 31, b"\x04" * 32]


def test_headers_of_python_bitcoinlib_are_read(real_data: Path) -> None:
    core = pytest.importorskip("bitcoin.core")
    zstandard = pytest.importorskip("zstandard")
    file = real_data / "headers" / "headers_150001_340000.bin.zst"
    with file.open("rb") as packed:
        raw = zstandard.ZstdDecompressor().stream_reader(packed).read(2000 * 80)
    payload = io.BytesIO()
    # a block without transactions is how a header stands in this message
    blocks = [core.CBlock.deserialize(raw[at : at + 80] + b"\0") for at in range(0, len(raw), 80)]
    core.serialize.VectorSerializer.stream_serialize(core.CBlock, blocks, payload)
    assert read_headers(payload.getvalue()) == raw


def test_cut_at_any_byte_gives_the_same_messages() -> None:
    sent = [("version", b"x" * 86), ("verack", b""), ("headers", p2p.headers_payload([b"h" * 80]))]
    stream = b"".join(p2p.framed(REGTEST.magic, *message) for message in sent)
    for cut in range(len(stream) + 1):
        deframer, got = Deframer(REGTEST), []
        for part in (stream[:cut], stream[cut:]):
            deframer.feed(part)
            got += _all(deframer)
        assert got == sent


@given(
    st.lists(st.tuples(st.sampled_from(["ping", "inv", "x"]), st.binary(max_size=300)), max_size=6),
    st.lists(st.integers(1, 50), min_size=1, max_size=20),
)
def test_chunks_of_any_size_give_the_same_messages(
    sent: list[tuple[str, bytes]], sizes: list[int]
) -> None:
    stream = b"".join(frame(REGTEST, *message) for message in sent)
    deframer, got, at, turn = Deframer(REGTEST), [], 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        deframer.feed(stream[at : at + size])
        got += _all(deframer)
        at, turn = at + size, turn + 1
    assert got == [Message(*message) for message in sent]


def test_another_networks_magic_is_refused_at_its_first_wrong_byte() -> None:
    deframer = Deframer(REGTEST)
    deframer.feed(REGTEST.magic[:2])
    assert _all(deframer) == []
    deframer.feed(b"\0")
    assert _reason(deframer) == Reason.BAD_MAGIC


def test_a_wrong_checksum_is_refused() -> None:
    data = bytearray(frame(REGTEST, "ping", b"12345678"))
    data[-1] ^= 1
    deframer = Deframer(REGTEST)
    deframer.feed(data)
    assert _reason(deframer) == Reason.BAD_CHECKSUM


def test_a_length_beyond_the_bound_is_refused_before_the_payload_comes() -> None:
    deframer = Deframer(REGTEST)
    deframer.feed(REGTEST.magic + b"block".ljust(12, b"\0") + struct.pack("<I", MAX_PAYLOAD + 1))
    assert _all(deframer) == []
    deframer.feed(bytes(4))
    assert _reason(deframer) == Reason.OVERSIZED


@pytest.mark.parametrize("name", [b"", b"\0\0x", b"p\0ng", b"\xff\xfe", b"a b"])
def test_a_command_that_is_no_name_is_refused(name: bytes) -> None:
    deframer = Deframer(REGTEST)
    deframer.feed(REGTEST.magic + name.ljust(12, b"\0") + bytes(8))
    assert _reason(deframer) == Reason.MALFORMED


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x01",
        b"\x01" + bytes(80),
        b"\x01" + bytes(82),
        b"\x01" + bytes(80) + b"\x01",
        b"\xfd\x01\x00" + bytes(81),  # 1 is written in one byte
        b"\xfd\x01",
        b"\xff",
        b"\x00\x00",
    ],
)
def test_headers_that_are_not_exactly_headers_are_refused(payload: bytes) -> None:
    with pytest.raises(PeerDropped) as caught:
        read_headers(payload)
    assert caught.value.reason == Reason.MALFORMED


def test_no_headers_are_none() -> None:
    assert read_headers(b"\0") == b""


@pytest.mark.fuzz
@given(st.binary(max_size=400))
def test_any_payload_is_read_or_refused_by_name(payload: bytes) -> None:
    for read in (read_version, read_headers, read_blocks):
        reason = None
        try:
            read(payload)
        except PeerDropped as why:
            reason = why.reason
        assert reason in {None, Reason.MALFORMED, Reason.OVERSIZED}
