"""Any bytes from a peer end in a named reason or in headers that are proven; in time and memory."""

from __future__ import annotations

import struct
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import p2p_peer as p2p
from support.mining import REGTEST_GENESIS, grow
from support.p2p_asking import ask as ask_peers

from hashcanary.chain.networks import REGTEST
from hashcanary.sources.errors import NoPeerLeft, Reason
from hashcanary.sources.p2p.messages import MAX_PAYLOAD

MAGIC = REGTEST.magic
COMMANDS = ("headers", "inv", "version", "verack", "ping", "pong", "getheaders", "addr", "block")

payloads = st.one_of(
    st.binary(max_size=200),
    st.integers(0, 2_100).map(lambda count: b"\xfd" + struct.pack("<H", count)),
    st.integers(1, 20).flatmap(
        lambda count: st.binary(min_size=81 * count, max_size=81 * count).map(
            lambda body: bytes([count]) + body
        )
    ),
)
pieces = st.one_of(
    st.tuples(st.sampled_from(COMMANDS), payloads),
    st.tuples(st.just("raw"), st.binary(max_size=60)),
    st.tuples(st.just("proven"), st.integers(0, 30).map(bytes)),
)


@pytest.fixture(scope="module")
def chain() -> list[bytes]:
    return [REGTEST_GENESIS, *grow(40)]


conversations = st.tuples(st.booleans(), st.lists(pieces, max_size=8), st.integers(0, 4_000))
Said = tuple[bool, list[tuple[str, bytes]], int]


def _ends_well(chain: list[bytes], said: Said) -> None:
    """A peer that greets or not, and then sends some pieces up to a cut."""
    greets, sent, cut = said

    def message(kind: str, payload: bytes) -> bytes:
        if kind == "raw":
            return payload
        if kind == "proven":
            kind, payload = "headers", p2p.headers_payload(chain[1 : 1 + len(payload)])
        data: bytes = p2p.framed(MAGIC, kind, payload)
        return data

    def script(conversation: Any) -> None:
        if greets:
            conversation.greet()
        conversation.raw(b"".join(message(*piece) for piece in sent)[:cut])

    with p2p.Peer(MAGIC, chain, script=script) as peer:
        began = time.monotonic()
        answer = ask_peers(REGTEST, [peer.name])
        took = time.monotonic() - began
    if answer.error is not None:
        assert isinstance(answer.error, NoPeerLeft)
        (reason,) = answer.reasons
        assert reason in set(Reason)
    assert answer.headers == chain[: len(answer.headers)]
    assert took < 30


@pytest.mark.fuzz
@settings(max_examples=150)
@given(said=conversations)
def test_any_bytes_end_in_a_named_reason(chain: list[bytes], said: Said) -> None:
    _ends_well(chain, said)


@pytest.mark.fuzz
@pytest.mark.torture
@settings(max_examples=10_000)
@given(said=conversations)
def test_any_bytes_end_in_a_named_reason_ten_thousand_times(chain: list[bytes], said: Said) -> None:
    _ends_well(chain, said)


def _flips(chain: list[bytes]) -> list[bytes]:
    """Every message of an honest conversation, with each of its first bytes and some later bent."""
    data: bytes = p2p.framed(MAGIC, "headers", p2p.headers_payload(chain[1:30]))
    bent = []
    for place in [*range(120), *range(120, len(data), 97)]:
        other = bytearray(data)
        other[place] ^= 1 << place % 8
        bent.append(bytes(other))
    return bent


def test_no_bit_flip_on_the_wire_passes(chain: list[bytes]) -> None:
    flips = _flips(chain)
    for data in flips:

        def script(conversation: Any, data: bytes = data) -> None:
            conversation.greet()
            conversation.raw(data)

        with p2p.Peer(MAGIC, chain, script=script) as peer:
            answer = ask_peers(REGTEST, [peer.name])
        assert isinstance(answer.error, NoPeerLeft)
        assert answer.headers == []
        assert answer.reasons[0] in {
            "bad-magic",
            "bad-checksum",
            "oversized",
            "malformed",
            "closed",
        }
    assert len(flips) > 140


def test_a_flood_of_the_largest_messages_stays_within_memory(chain: list[bytes]) -> None:
    def script(conversation: Any) -> None:
        conversation.greet()
        for _ in range(50):
            conversation.raw(flood)

    flood = p2p.framed(MAGIC, "block", bytes(MAX_PAYLOAD))
    with p2p.Peer(MAGIC, chain, script=script) as peer:
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            answer = ask_peers(REGTEST, [peer.name])
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert answer.reasons == ["too-many-messages"]
    assert peak - before < 5 * MAX_PAYLOAD
