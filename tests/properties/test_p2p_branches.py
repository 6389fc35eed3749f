"""Whatever a lake holds and wherever a peer's branch forks: the longer chain is what one ends with.

On regtest every block has the same work, so the most work is the greatest length.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import p2p_peer as p2p
from support.mining import REGTEST_GENESIS, grow
from support.p2p_asking import ask as ask_peers

from hashcanary.chain.networks import REGTEST


@pytest.fixture(scope="module")
def trunk() -> list[bytes]:
    return [REGTEST_GENESIS, *grow(6_100)]


@pytest.fixture(scope="module")
def twig(trunk: list[bytes]) -> Callable[[int, int], list[bytes]]:
    """A branch off the trunk."""
    return lambda fork, length: grow(length, parent=trunk[fork], branch=9)


# around the ends of answers of 2,000 and of the locator's steps, and anywhere
near = st.sampled_from([0, 395, 1_999, 2_000, 2_001, 2_395, 3_999, 4_000, 6_000, 6_099])
forks = st.one_of(near, st.integers(0, 6_099))


@settings(max_examples=40)
@given(
    fork=forks, over=st.integers(-150, 150), held=st.one_of(st.just(6_101), st.integers(1, 6_100))
)
def test_the_longer_chain_is_what_one_ends_with(
    trunk: list[bytes], twig: Callable[[int, int], list[bytes]], fork: int, over: int, held: int
) -> None:
    length = max(held - 1 - fork + over, 1)
    other = [*trunk[: fork + 1], *twig(fork, length)]
    ours = trunk[:held]
    with p2p.Peer(REGTEST.magic, other) as peer:
        answer = ask_peers(REGTEST, [peer.name], ours)
    if len(other) > len(ours):
        assert (answer.error, answer.events) == (None, [])
        shared = min(fork + 1, held)
        assert answer.headers == other[shared:]
        assert answer.heights == list(range(len(other) - len(answer.headers), len(other)))
    else:
        assert answer.headers == []
        depth = held - 1 - min(fork, held - 1)
        assert answer.reasons == (["low-work"] if depth > 144 else [])
