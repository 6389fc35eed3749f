"""Headers from peers: all of them, in order, from the branch with the most work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from support import p2p_asking as asking
from support import p2p_peer as p2p
from support.clocks import Clock
from support.mining import REGTEST_GENESIS, double_sha256, grow
from support.p2p_asking import ask as ask_peers

from hashcanary.chain.networks import MAIN, REGTEST
from hashcanary.sources.catalogue.p2p import P2P
from hashcanary.sources.p2p.messages import USER_AGENT

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = REGTEST.magic


@pytest.fixture(scope="module")
def chain() -> list[bytes]:
    return [REGTEST_GENESIS, *grow(4_500)]


@pytest.mark.parametrize("count", [1, 2, 2_000, 2_001, 2_002, 4_001, 4_501])
def test_an_empty_lake_gets_every_header_genesis_included(count: int, chain: list[bytes]) -> None:
    with p2p.Peer(MAGIC, chain[:count]) as peer:
        answer = ask_peers(REGTEST, [peer.name])
    assert (answer.error, answer.events) == (None, [])
    assert answer.headers == (chain[:count] if count > 1 else [])
    assert answer.heights == list(range(len(answer.headers)))


@pytest.mark.parametrize("held", [1, 2, 2_500, 4_499])
def test_a_lake_gets_what_it_has_not(held: int, chain: list[bytes]) -> None:
    with p2p.Peer(MAGIC, chain) as peer:
        answer = ask_peers(REGTEST, [peer.name], chain[:held])
    assert answer.headers == chain[held:]
    assert answer.heights == list(range(held, len(chain)))


def test_a_lake_that_has_all_gets_nothing(chain: list[bytes]) -> None:
    with p2p.Peer(MAGIC, chain) as peer:
        answer = ask_peers(REGTEST, [peer.name], chain)
    assert (answer.error, answer.batches) == (None, [])


@pytest.mark.parametrize("first", [1, 2, 1_000, 2_000, 2_001, 4_400])
def test_a_lake_that_begins_later_goes_on_from_its_tip_and_gets_what_is_below(
    first: int, chain: list[bytes]
) -> None:
    with p2p.Peer(MAGIC, chain) as peer:
        answer = ask_peers(REGTEST, [peer.name], chain[first : first + 50], first)
    assert answer.error is None
    assert not any("missing" in note for note in answer.notes)
    below = chain[:first] if first > 1 else []
    assert answer.headers == [*chain[first + 50 :], *below]
    assert answer.heights == [*range(first + 50, len(chain)), *range(len(below))]


def test_a_gap_is_not_filled_by_a_chain_that_does_not_lead_to_what_is_above_it(
    chain: list[bytes],
) -> None:
    other = grow(1_200, branch=7)

    def lie(conversation: Any, locator: list[bytes], asked: int) -> None:
        conversation.send_headers([] if asked == 0 else other)

    with (
        p2p.Peer(MAGIC, chain[:1_100], answer=lie) as liar,
        p2p.Peer(MAGIC, chain[:1_100]) as honest,
    ):
        alone = ask_peers(REGTEST, [liar.name], chain[1_000:1_100], 1_000)
        both = ask_peers(REGTEST, [liar.name, honest.name], chain[1_000:1_100], 1_000)
    assert alone.headers == []
    assert any("headers of blocks 1 to 999 are still missing" in note for note in alone.notes)
    assert any("wrong-chain" in note for note in alone.notes)
    assert both.headers == chain[:1_000]


def test_gaps_between_stretches_are_all_filled(chain: list[bytes]) -> None:
    whole = asking.held_of(REGTEST, chain)
    active = whole.active_from(0)
    there = pl.col("height").is_between(5, 2_099) | (pl.col("height") >= 4_300)
    held = replace(whole, active_from=lambda least: active.filter(there, pl.col("height") >= least))
    with p2p.Peer(MAGIC, chain) as peer:
        batches = list(P2P.batches(asking.asked(held, [peer.name])))
    heights = [row for one in batches for facts in one.facts for row in facts.frame["height"]]
    assert heights == [*range(1, 5), *range(2_100, 4_300)]


def test_what_a_lake_does_not_tell_is_said_to_be_unchecked(chain: list[bytes]) -> None:
    held = replace(asking.held_of(REGTEST, chain[:100]), active_from=None)
    with p2p.Peer(MAGIC, chain[:120]) as peer:
        (batch,) = P2P.batches(asking.asked(held, [peer.name]))
    assert batch.facts[0].frame["height"].to_list() == list(range(100, 120))
    assert any("checked against each other only" in note for note in batch.notes)


def test_rows_are_of_the_feed_and_known_at_their_own_time(chain: list[bytes]) -> None:
    with p2p.Peer(MAGIC, chain[:100]) as peer:
        answer = ask_peers(REGTEST, [peer.name])
    frame = answer.batches[0].facts[0].frame
    assert set(frame["source"]) == {"p2p"}
    assert frame["known_at"].to_list() == frame["time"].to_list()
    assert (answer.batches[-1].done, answer.batches[-1].total) == (99, 99)


def test_the_handshake_tells_who_we_are_and_wants_no_transactions(chain: list[bytes]) -> None:
    with p2p.Peer(MAGIC, chain) as peer:
        ask_peers(REGTEST, [peer.name], chain[:1_001])
    (name, payload), *rest = peer.conversations[0].heard
    assert name == "version"
    assert USER_AGENT.encode() in payload
    assert payload[-5:] == (1_000).to_bytes(4, "little") + b"\0"
    assert {name for name, _ in rest} == {"verack", "getheaders", "ping"}


def test_pings_and_questions_are_answered_meanwhile(chain: list[bytes]) -> None:
    def answer_after_a_ping(conversation: Any, locator: list[bytes], asked: int) -> None:
        conversation.send("inv", b"\x01" + bytes(36))
        conversation.send("ping", b"theponge")
        conversation.send("getheaders", bytes(40))
        assert conversation.until("pong") == b"theponge"
        assert conversation.until("headers") == b"\0"
        conversation.send_headers(chain[1:100])

    with p2p.Peer(MAGIC, chain, answer=answer_after_a_ping) as peer:
        answer = ask_peers(REGTEST, [peer.name])
    assert (answer.error, answer.headers) == (None, chain[:100])


def test_a_peer_that_is_silent_where_it_has_nothing_is_not_held_up_for_it(
    chain: list[bytes],
) -> None:
    def answer(conversation: Any, locator: list[bytes], asked: int) -> None:
        if asked == 0:
            conversation.send_headers(chain[1:2001])

    with p2p.Peer(MAGIC, chain[:2001], answer=answer) as peer:
        answered = ask_peers(REGTEST, [peer.name])
        assert ask_peers(REGTEST, [peer.name], chain[:2001]).error is None
    assert (answered.error, answered.headers, answered.notes) == (None, chain[:2001], ())


def test_a_peer_that_claims_more_than_it_gives_is_said(chain: list[bytes]) -> None:
    with p2p.Peer(MAGIC, chain, answer=lambda conversation, locator, asked: None) as peer:
        answer = ask_peers(REGTEST, [peer.name], chain[:100])
    assert answer.notes == (f"peer {peer.name} claimed 4,500 blocks, but gave 99",)


def test_several_peers_with_one_chain_give_it_once(chain: list[bytes]) -> None:
    with p2p.Peer(MAGIC, chain[:3_000]) as behind, p2p.Peer(MAGIC, chain) as ahead:
        answer = ask_peers(REGTEST, [behind.name, ahead.name, behind.name, "localhost:1"])
    assert answer.headers == chain
    assert len([note for note in answer.notes if "unreachable" in note]) == 1


def test_a_peer_that_is_behind_is_said(chain: list[bytes]) -> None:
    with p2p.Peer(MAGIC, chain[:3_000]) as behind:
        answer = ask_peers(REGTEST, [behind.name], chain)
    assert answer.notes == (f"peer {behind.name} is behind: it had 2,999 blocks of 4,500",)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("fork", [1, 1_999, 2_000, 2_001, 4_200, 4_499])
def test_of_two_branches_the_one_with_more_work_is_taken(
    order: int, fork: int, chain: list[bytes]
) -> None:
    other = [*chain[:fork], *grow(len(chain) - fork + 1, parent=chain[fork - 1], branch=1)]
    with p2p.Peer(MAGIC, chain) as lesser, p2p.Peer(MAGIC, other) as best:
        answer = ask_peers(REGTEST, [lesser.name, best.name][::order])
    given = dict(zip(answer.headers, answer.heights, strict=True))
    assert [given[header] for header in other] == list(range(len(other)))
    assert answer.error is None
    if order == 1:  # the lesser branch came first, and stays as a stale one
        assert set(given) == {*chain, *other}
        assert any(f"peer {lesser.name}: on a branch that" in note for note in answer.notes)
    else:
        assert set(given) == set(other)
        assert any(
            f"peer {lesser.name}: on a lesser branch" in note
            or f"peer {lesser.name} dropped (low-work)" in note
            for note in answer.notes
        )


# of 2,105 blocks: the fork falls between an answer of known headers and the next
@pytest.mark.parametrize("depth", [1, 10, 144, 2_105, 3_000])
def test_a_reorganisation_since_the_last_time_brings_the_better_branch(
    depth: int, chain: list[bytes]
) -> None:
    fork = len(chain) - depth
    better = [*chain[:fork], *grow(depth + 1, parent=chain[fork - 1], branch=2)]
    with p2p.Peer(MAGIC, better) as peer:
        answer = ask_peers(REGTEST, [peer.name], chain)
    assert (answer.error, answer.headers) == (None, better[fork:])
    assert answer.heights == list(range(fork, len(better)))


def test_a_branch_of_equal_work_does_not_replace_ours(chain: list[bytes]) -> None:
    equal = [*chain[:-3], *grow(3, parent=chain[-4], branch=3)]
    with p2p.Peer(MAGIC, equal) as peer:
        answer = ask_peers(REGTEST, [peer.name], chain)
    assert (answer.error, answer.headers, answer.events) == (None, [], [])
    assert "lesser branch: 3 headers after height 4,497" in answer.notes[0]


def test_a_stale_peer_stays_honest_however_far_the_others_are_ahead(chain: list[bytes]) -> None:
    stale = [*chain[:99], *grow(1, parent=chain[98], branch=5)]
    with p2p.Peer(MAGIC, stale) as behind, p2p.Peer(MAGIC, chain[:600]) as ahead:
        answer = ask_peers(REGTEST, [behind.name, ahead.name], chain[:100])
    assert (answer.error, answer.events, answer.headers) == (None, [], chain[100:600])
    assert any(f"peer {behind.name}: on a lesser branch" in note for note in answer.notes)


def test_a_long_chain_comes_in_batches_that_can_be_kept_one_by_one(
    chain: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashcanary.sources.p2p.syncing.BATCH", 2_000)
    with p2p.Peer(MAGIC, chain) as peer:
        answer = ask_peers(REGTEST, [peer.name])
        assert [batch.cursor["height"] for batch in answer.batches] == [2_000, 4_000, 4_500]
        first = answer.batches[0].facts[0].frame.height
        rest = ask_peers(REGTEST, [peer.name], chain[:first])
    assert answer.headers[first:] == rest.headers


def _real(real_data: Path, name: str) -> list[bytes]:
    zstandard = pytest.importorskip("zstandard")
    with (real_data / "headers" / name).open("rb") as packed:
        chain: list[bytes] = p2p.split(zstandard.ZstdDecompressor().stream_reader(packed).read())
    return chain


def test_the_real_chains_beginning_comes_to_an_empty_lake(real_data: Path) -> None:
    chain = _real(real_data, "headers_000000_010236.bin.zst")
    with p2p.Peer(MAIN.magic, chain) as peer:
        answer = ask_peers(MAIN, [peer.name])
    assert (answer.error, answer.notes, answer.headers) == (None, (), chain)


def test_188_000_real_headers_pass_with_every_retarget_checked(real_data: Path) -> None:
    chain = _real(real_data, "headers_150001_340000.bin.zst")
    with p2p.Peer(MAIN.magic, chain, first_height=150_001) as peer:
        answer = ask_peers(MAIN, [peer.name], chain[:2_000], 150_001)
    assert answer.error is None
    assert answer.notes[0].startswith("headers of blocks 1 to 150,000 are still missing")
    assert not any("checked against each other only" in note for note in answer.notes)
    assert answer.headers == chain[2_000:]
    assert (answer.heights[0], answer.heights[-1]) == (152_001, 340_000)
    assert len(answer.batches) > 3


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Callable[..., SimpleNamespace]:
    """Waits for news on behalf of a lake that holds a chain; tells the clock it used."""
    monkeypatch.setattr("hashcanary.sources.p2p.syncing._LOOK", 0.01)

    def run(peers: list[str], chain: list[bytes], **settings: str) -> SimpleNamespace:
        clock = Clock(1_600_000_000.0, step=0.1)
        assert P2P.wait is not None
        P2P.wait(asking.asked(asking.held_of(REGTEST, chain), peers, clock, **settings))
        looked = clock.time - 1_600_000_000 - sum(clock.slept)
        return SimpleNamespace(slept=clock.slept, took=looked)

    return run


@pytest.mark.parametrize("how", ["headers", "inv"])
def test_waiting_ends_when_a_peer_announces_a_block(
    how: str, chain: list[bytes], waiting: Any
) -> None:
    fresh = grow(1, parent=chain[99])

    def announce(conversation: Any, locator: list[bytes], asked: int) -> None:
        peer = conversation.peer
        peer.answer_honestly(conversation, locator, asked)
        if asked == 0:
            peer.add(fresh)
            if how == "headers":
                conversation.send_headers(fresh)
            else:
                block = b"\x02\0\0\0" + double_sha256(fresh[0])
                conversation.send("inv", b"\x01" + block)

    with p2p.Peer(MAGIC, chain[:100], answer=announce) as peer:
        waited = waiting([peer.name], chain[:100], poll="3600")
    assert waited.slept == []
    assert waited.took < 60
    assert "sendheaders" in {name for name, _ in peer.conversations[0].heard}


def test_a_block_that_came_before_the_wait_ends_it_at_once(
    chain: list[bytes], waiting: Any
) -> None:
    with p2p.Peer(MAGIC, chain[:101]) as peer:
        waited = waiting([peer.name], chain[:100], poll="3600")
    assert (waited.slept, waited.took < 60) == ([], True)


def test_waiting_ends_after_a_while_without_news(chain: list[bytes], waiting: Any) -> None:
    with p2p.Peer(MAGIC, chain[:100]) as peer:
        waited = waiting([peer.name], chain[:100], poll="3")
    assert waited.took >= 3


def test_a_lesser_branch_and_false_news_do_not_end_the_wait(
    chain: list[bytes], waiting: Any
) -> None:
    def cry(conversation: Any, locator: list[bytes], asked: int) -> None:
        conversation.peer.answer_honestly(conversation, locator, asked)
        if asked < 5:
            conversation.send("inv", b"\x01\x02\0\0\0" + bytes([asked]) * 32)

    stale = [*chain[:98], *grow(2, parent=chain[97], branch=4)]
    with p2p.Peer(MAGIC, stale, answer=cry) as peer:
        waited = waiting([peer.name], chain[:100], poll="10")
    assert waited.took >= 10


def test_without_any_peer_the_poll_is_slept(chain: list[bytes], waiting: Any) -> None:
    waited = waiting(["127.0.0.1:1"], chain[:100], poll="60")
    assert len(waited.slept) == 1
    assert 59 <= waited.slept[0] <= 60


@pytest.mark.parametrize(
    "fault",
    [
        lambda conversation: conversation.connection.close(),
        lambda conversation: conversation.raw(b"garbage!"),
        lambda conversation: conversation.send("inv", b"\x05"),
        lambda conversation: conversation.send("headers", b"\x05"),
    ],
    ids=["hangs up", "garbage", "malformed inv", "malformed headers"],
)
def test_a_peer_that_misbehaves_while_we_wait_is_let_go(
    fault: Callable[[Any], None], chain: list[bytes], waiting: Any
) -> None:
    def misbehave(conversation: Any, locator: list[bytes], asked: int) -> None:
        if asked == 0:
            conversation.send_headers([])
        fault(conversation)

    with p2p.Peer(MAGIC, chain[:100], answer=misbehave) as peer:
        waited = waiting([peer.name], chain[:100], poll="3600")
    assert len(waited.slept) == 1
