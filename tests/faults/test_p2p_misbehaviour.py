"""Every way in which a peer misbehaves ends in its being dropped for a named reason.

Alone, it fails the sync by that name; beside an honest peer, it changes nothing of what is got.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support import p2p_peer as p2p
from support.mining import REGTEST_GENESIS, double_sha256, grow, mine
from support.p2p_asking import ask as ask_peers

from hashcanary.chain.networks import REGTEST, SIMNET, Anchor, Network
from hashcanary.errors import Exit
from hashcanary.sources.errors import NoPeerLeft
from hashcanary.sources.p2p.session import MAX_UNRELATED

MAGIC = REGTEST.magic


@pytest.fixture(scope="module")
def chain() -> list[bytes]:
    """Genesis and 2,100 headers: an answer of 2,000, and one that ends the chain."""
    return [REGTEST_GENESIS, *grow(2_100)]


def _missing_work(header: bytes) -> bytes:
    """The same header with a nonce by which it misses its target."""
    for nonce in range(1 << 16):
        other = header[:76] + struct.pack("<I", nonce)
        if double_sha256(other)[31] > 0x7F:
            return other
    raise AssertionError("no such nonce")


def _says(chain_of: Callable[[list[bytes]], list[bytes]]) -> Callable[..., Any]:
    """A peer whose first answer is made from the chain, and whose later ones are none."""

    def build(chain: list[bytes]) -> dict[str, Any]:
        def answer(conversation: Any, locator: list[bytes], asked: int) -> None:
            conversation.send_headers([] if asked else chain_of(chain))

        return {"answer": answer}

    return build


def _raw(data: bytes) -> Callable[..., Any]:
    """A peer that sends these bytes after the handshake and then listens."""

    def build(chain: list[bytes]) -> dict[str, Any]:
        def script(conversation: Any) -> None:
            conversation.greet()
            conversation.raw(data)
            conversation.wait_for_end()

        return {"script": script}

    return build


def _framed(command: str, payload: bytes) -> bytes:
    data: bytes = p2p.framed(MAGIC, command, payload)
    return data


def _never_speaks(chain: list[bytes]) -> dict[str, Any]:
    return {"script": lambda conversation: conversation.wait_for_end()}


def _never_answers(chain: list[bytes]) -> dict[str, Any]:
    return {"answer": lambda conversation, locator, asked: conversation.wait_for_end()}


def _drips(chain: list[bytes]) -> dict[str, Any]:
    def script(conversation: Any) -> None:
        conversation.greet()
        for byte in _framed("headers", p2p.headers_payload(chain[1:1000])):
            conversation.raw(bytes([byte]))
            time.sleep(0.01)

    return {"script": script}


def _hangs_up(chain: list[bytes]) -> dict[str, Any]:
    return {"script": lambda conversation: None}


def _hangs_up_amid(chain: list[bytes]) -> dict[str, Any]:
    def answer(conversation: Any, locator: list[bytes], asked: int) -> None:
        data = _framed("headers", p2p.headers_payload(chain[1:2001]))
        conversation.raw(data[: len(data) // 2])
        conversation.connection.shutdown(socket.SHUT_WR)

    return {"answer": answer}


def _wrong_checksum(chain: list[bytes]) -> dict[str, Any]:
    def answer(conversation: Any, locator: list[bytes], asked: int) -> None:
        data = bytearray(_framed("headers", p2p.headers_payload(chain[1:100])))
        data[-50] ^= 1
        conversation.raw(bytes(data))

    return {"answer": answer}


def _shows_our_nonce(chain: list[bytes]) -> dict[str, Any]:
    def script(conversation: Any) -> None:
        ours = conversation.until("version")[72:80]
        conversation.send("version", conversation.peer.version(ours))
        conversation.wait_for_end()

    return {"script": script}


def _chatters(chain: list[bytes]) -> dict[str, Any]:
    def script(conversation: Any) -> None:
        conversation.greet()
        for _ in range(MAX_UNRELATED + 1):
            conversation.send("ping", b"12345678")
        conversation.wait_for_end()

    return {"script": script}


def _sends_blocks(chain: list[bytes]) -> dict[str, Any]:
    def script(conversation: Any) -> None:
        conversation.greet()
        for _ in range(3):
            conversation.send("block", bytes(3_500_000))
        conversation.wait_for_end()

    return {"script": script}


def _repeats_an_answer(chain: list[bytes]) -> dict[str, Any]:
    def answer(conversation: Any, locator: list[bytes], asked: int) -> None:
        conversation.send_headers(chain[1:2001])

    return {"answer": answer}


def _jumps(chain: list[bytes]) -> dict[str, Any]:
    def answer(conversation: Any, locator: list[bytes], asked: int) -> None:
        conversation.send_headers(chain[2002:] if asked else chain[1:2001])

    return {"answer": answer}


def _late(step: int) -> Callable[[list[bytes]], list[bytes]]:
    """Headers whose last is ``step`` seconds after the one before."""

    def build(chain: list[bytes]) -> list[bytes]:
        return [*chain[1:50], mine(chain[49], 0x207FFFFF, step)]

    return build


MISBEHAVIOURS: dict[str, tuple[str, Callable[..., dict[str, Any]]]] = {
    "never speaks": ("silent", _never_speaks),
    "never answers": ("silent", _never_answers),
    "drips": ("silent", _drips),
    "hangs up": ("closed", _hangs_up),
    "hangs up amid an answer": ("closed", _hangs_up_amid),
    "speaks HTTP": ("bad-magic", _raw(b"HTTP/1.0 400 Bad Request\r\n\r\n")),
    "speaks for another network": ("bad-magic", _raw(SIMNET.magic + bytes(20))),
    "wrong checksum": ("bad-checksum", _wrong_checksum),
    "announces 4 GB": ("oversized", _raw(MAGIC + b"headers\0\0\0\0\0" + b"\xff" * 4 + bytes(4))),
    "2,001 headers": ("oversized", _says(lambda chain: chain[1:2002])),
    "a command of zeros": ("malformed", _raw(MAGIC + bytes(20))),
    "a nonce of ours": ("self-connection", _shows_our_nonce),
    "protocol of 2010": ("too-old", lambda chain: {"protocol": 31_799}),
    "serves nothing": ("serves-no-headers", lambda chain: {"services": 0}),
    "chatters": ("too-many-messages", _chatters),
    "sends blocks": ("too-many-messages", _sends_blocks),
    "misses its target": (
        "bad-work",
        _says(lambda chain: [*chain[1:50], _missing_work(chain[50])]),
    ),
    "an easier target than any": (
        "bad-work",
        _says(lambda chain: [chain[1][:72] + b"\xff\xff\xff\x20" + chain[1][76:]]),
    ),
    "wrong bits": (
        "bad-bits",
        _says(lambda chain: [*chain[1:50], mine(chain[49], 0x207FFFFE, 600)]),
    ),
    "before the median time past": ("bad-time", _says(_late(-3_000))),
    "from the future": ("bad-time", _says(_late(400_000_000))),
    "a link broken": ("unconnected", _says(lambda chain: [*chain[1:50], *chain[51:60]])),
    "another genesis": ("unconnected", _says(lambda chain: chain[51:60])),
    "jumps": ("unconnected", _jumps),
    "repeats an answer": ("repeated", _repeats_an_answer),
}


def _patience(reason: str) -> str:
    """Seconds to wait for a peer that is silent; of any other nobody waits for long."""
    return "1.5" if reason == "silent" else "20"


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_alone_it_fails_the_sync_by_its_name(name: str, chain: list[bytes]) -> None:
    reason, build = MISBEHAVIOURS[name]
    with p2p.Peer(MAGIC, chain, **build(chain)) as peer:
        began = time.monotonic()
        answer = ask_peers(REGTEST, [peer.name], timeout=_patience(reason))
        took = time.monotonic() - began
    assert isinstance(answer.error, NoPeerLeft)
    assert answer.error.exit_code == Exit.SOURCE
    assert f"{peer.name}: {reason}, " in str(answer.error)
    assert answer.reasons == [reason]
    assert answer.events[0]["peer"] == peer.name
    assert "expected" in answer.events[0]["detail"]
    assert "found" in answer.events[0]["detail"]
    assert any(f"peer {peer.name} dropped ({reason})" in note for note in answer.notes)
    assert answer.headers == chain[: len(answer.headers)]  # what was proven is kept
    assert took < 30


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_beside_an_honest_peer_it_changes_nothing(name: str, chain: list[bytes]) -> None:
    reason, build = MISBEHAVIOURS[name]
    with p2p.Peer(MAGIC, chain, **build(chain)) as bad, p2p.Peer(MAGIC, chain) as good:
        answer = ask_peers(REGTEST, [bad.name, good.name], timeout=_patience(reason))
    assert (answer.error, answer.reasons) == (None, [reason])
    assert answer.headers == chain
    assert answer.heights == list(range(len(chain)))


def test_a_peer_that_is_not_there_is_said_and_is_no_event(chain: list[bytes]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = f"127.0.0.1:{listener.getsockname()[1]}"
    with p2p.Peer(MAGIC, chain) as good:
        answer = ask_peers(REGTEST, [nobody, good.name])
    assert (answer.headers, answer.events) == (chain, [])
    assert any(f"peer {nobody} dropped (unreachable)" in note for note in answer.notes)
    alone = ask_peers(REGTEST, [nobody])
    assert "unreachable" in str(alone.error)


def test_the_error_lists_the_reason_of_every_peer(chain: list[bytes]) -> None:
    with (
        p2p.Peer(MAGIC, chain, **_hangs_up(chain)) as first,
        p2p.Peer(MAGIC, chain, services=0) as second,
        p2p.Peer(SIMNET.magic, chain) as third,
    ):
        names = [first.name, second.name, third.name]
        answer = ask_peers(REGTEST, names)
    reasons = ("closed", "serves-no-headers", "bad-magic")
    for name, reason in zip(names, reasons, strict=True):
        assert f"{name}: {reason}" in str(answer.error)
    assert answer.reasons == list(reasons)


def test_another_block_at_a_well_known_height_is_another_chain(chain: list[bytes]) -> None:
    known = Anchor(100, double_sha256(chain[100])[::-1], 0x207FFFFF)
    network = replace(REGTEST, anchors=(known,))
    fake = [*chain[:60], *grow(100, parent=chain[59], branch=1)]
    with p2p.Peer(MAGIC, fake) as bad, p2p.Peer(MAGIC, chain) as good:
        answer = ask_peers(network, [bad.name, good.name])
    assert answer.reasons == ["wrong-chain"]
    assert answer.headers == chain


def test_a_lesser_branch_from_far_below_is_low_work(chain: list[bytes]) -> None:
    fake = [*chain[:1000], *grow(900, parent=chain[999], branch=1)]
    with p2p.Peer(MAGIC, fake) as bad:
        answer = ask_peers(REGTEST, [bad.name], chain)
    assert (answer.reasons, answer.headers) == (["low-work"], [])


def _four_times_harder(bits: int) -> int:
    target = (bits & 0x7FFFFF) << 8 * ((bits >> 24) - 3) >> 2
    size = (target.bit_length() + 8) // 8  # one bit more: the highest of the word is a sign
    return size << 24 | target >> 8 * (size - 3)


def _hard_chain(network: Network, count: int, genesis: bytes) -> list[bytes]:
    """Blocks a second apart: every epoch is four times harder than the one before."""
    chain, bits = [genesis], network.genesis.bits
    for height in range(1, count):
        if height % network.retarget_interval == 0:
            bits = _four_times_harder(bits)
        chain.append(mine(chain[-1], bits, 1))
    return chain


def test_endless_easy_headers_are_cut_off_and_never_kept() -> None:
    network = replace(REGTEST, retarget_interval=16, target_timespan=9_600, no_retargeting=False)
    hard = _hard_chain(network, 80, REGTEST_GENESIS)
    # more than 20 minutes after its parent a block may have the easiest target
    easy = [REGTEST_GENESIS, *grow(9_000, step=1_300)]
    with p2p.Peer(MAGIC, hard) as good:
        assert ask_peers(network, [good.name]).headers == hard
    with p2p.Peer(MAGIC, easy) as bad:
        answer = ask_peers(network, [bad.name], hard)
    assert (answer.reasons, answer.headers) == (["low-work"], [])
    asked = [name for name, _ in bad.conversations[0].heard if name == "getheaders"]
    assert len(asked) <= 3  # after twice our blocks and one message more, it is over


def test_more_headers_than_time_allows_are_refused() -> None:
    chain = [REGTEST_GENESIS, *grow(6_000, step=1)]
    network = replace(REGTEST, target_spacing=1 << 40)
    with p2p.Peer(MAGIC, chain) as bad:
        answer = ask_peers(network, [bad.name])
    assert answer.reasons == ["too-many-headers"]
    assert answer.headers == chain[:4_001]


def test_headers_that_we_have_again_and_again_are_a_loop(chain: list[bytes]) -> None:
    def answer_with_old_ones(conversation: Any, locator: list[bytes], asked: int) -> None:
        conversation.send_headers(chain[1:2001])

    with p2p.Peer(MAGIC, chain, answer=answer_with_old_ones) as bad:
        answer = ask_peers(REGTEST, [bad.name], chain)
    assert (answer.reasons, answer.headers) == (["repeated"], [])
    assert len(bad.conversations[0].heard) < 10
