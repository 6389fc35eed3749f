"""Waiting for a node's next block: by asking, and by notices over a real ZMQ socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import node_server

from hashcanary.errors import UsageError
from hashcanary.sources.catalogue.bitcoind import REST, RPC
from hashcanary.sources.errors import MissingExtra, Unreachable
from hashcanary.sources.feed import Feed
from hashcanary.sources.node import zmq_notices
from hashcanary.sources.node.zmq_notices import is_notice, reachable


@pytest.fixture
def served() -> Iterator[Any]:
    """A node with 3 blocks."""
    with node_server.serve(node_server.FakeNode(node_server.chain_of(3))) as served:
        yield served


@pytest.fixture
def holding(served: Any) -> Any:
    """A lake that has all of the node's blocks."""
    holding = node_server.Holding()
    holding.sync(RPC, url=served.url, user="a", password="b")
    return holding


def waits(feed: Feed, holding: Any, **settings: str) -> None:
    assert feed.wait is not None
    feed.wait(holding.asked(**settings))


def add_block(served: Any) -> None:
    served.node.blocks = node_server.chain_of(1, served.node.blocks)


@pytest.mark.parametrize("feed", [RPC, REST])
def test_asking_ends_with_the_next_block(served: Any, holding: Any, feed: Feed) -> None:
    def when_slept() -> None:
        if len(holding.clock.slept) == 4:
            add_block(served)

    holding.clock.when_slept = when_slept
    waits(feed, holding, url=served.url, zmq="off", interval="15", user="a", password="b")
    assert holding.clock.slept == [15.0] * 4


def test_a_block_that_came_before_the_wait_is_not_missed(served: Any, holding: Any) -> None:
    add_block(served)
    waits(RPC, holding, url=served.url, zmq="off", user="a", password="b")
    assert holding.clock.slept == []


def test_a_reorganisation_to_the_same_height_is_news(served: Any, holding: Any) -> None:
    served.node.switch(node_server.chain_of(1, served.node.blocks[:-1], branch=5))
    waits(RPC, holding, url=served.url, zmq="off", user="a", password="b")
    assert holding.clock.slept == []


def test_a_node_that_goes_away_ends_the_wait(served: Any, holding: Any) -> None:
    served.faults.extend([node_server.status(503)] * 5)
    with pytest.raises(Unreachable):
        waits(RPC, holding, url=served.url, zmq="off", user="a", password="b")


class Publisher:
    """A PUB socket such as a node has, on a free port of this machine."""

    def __init__(self) -> None:
        import zmq

        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.PUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.address = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"

    @contextmanager
    def sending(self, *messages: tuple[bytes, ...]) -> Iterator[None]:
        """Sends messages over and over meanwhile, as the subscriber may come late."""
        enough = threading.Event()

        def work() -> None:
            while not enough.wait(0.01):
                for parts in messages:
                    self.socket.send_multipart(parts)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join(10)

    def close(self) -> None:
        self.socket.close()
        self.context.term()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    pytest.importorskip("zmq")
    publisher = Publisher()
    yield publisher
    publisher.close()


@pytest.mark.parametrize(
    "parts", [(b"hashblock", b"\xab" * 32, b"\1\0\0\0"), (b"rawblock", bytes(200), b"\2\0\0\0")]
)
@pytest.mark.parametrize("named_by_the_node", [True, False])
def test_a_notice_ends_the_wait(
    served: Any,
    holding: Any,
    publisher: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    parts: tuple[bytes, ...],
    named_by_the_node: bool,
) -> None:
    # nothing but the notice may end it
    monkeypatch.setattr(zmq_notices, "_SOON", 30.0)
    settings = {} if named_by_the_node else {"zmq": publisher.address}
    if named_by_the_node:
        everywhere = publisher.address.replace("127.0.0.1", "0.0.0.0")
        served.node.notices = (("pubrawtx", "tcp://nowhere:1"), ("pubhashblock", everywhere))
    with publisher.sending(parts):
        waits(RPC, holding, url=served.url, user="a", password="b", **settings)
    assert holding.clock.slept == []


def test_garbage_is_no_notice_and_a_lost_one_does_no_harm(
    served: Any, holding: Any, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zmq_notices, "_SOON", 0.2)
    monkeypatch.setattr(zmq_notices, "_UNHEARD_OF", 0.2)
    asked = 0

    def before(method: str) -> None:
        nonlocal asked
        asked += method == "getbestblockhash"
        if asked == 3:
            add_block(served)

    served.node.before = before
    with publisher.sending((b"hashblock",), (b"hashblock", b"short", b"\0" * 4), (b"hashtx", b"")):
        waits(RPC, holding, url=served.url, user="a", password="b", zmq=publisher.address)
    assert asked == 3


def test_rest_listens_where_it_is_told_to(
    served: Any, holding: Any, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zmq_notices, "_SOON", 30.0)
    with publisher.sending((b"hashblock", b"\xab" * 32, b"\1\0\0\0")):
        waits(REST, holding, url=served.url, zmq=publisher.address)
    assert holding.clock.slept == []


def test_an_address_that_is_none_is_told(served: Any, holding: Any) -> None:
    pytest.importorskip("zmq")
    with pytest.raises(UsageError, match=r"the setting zmq.*found 'tcp:/nonsense'"):
        waits(RPC, holding, url=served.url, user="a", password="b", zmq="tcp:/nonsense")


def test_without_pyzmq_an_address_is_an_error_and_polling_goes_on(
    served: Any, holding: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zmq_notices, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'hashcanary\[node\]'"):
        waits(RPC, holding, url=served.url, user="a", password="b", zmq="tcp://127.0.0.1:1")
    served.node.notices = (("pubhashblock", "tcp://127.0.0.1:1"),)
    holding.clock.when_slept = lambda: add_block(served)
    waits(RPC, holding, url=served.url, user="a", password="b")
    assert holding.clock.slept == [10.0]


@pytest.mark.parametrize(
    ("address", "url", "expected"),
    [
        ("tcp://0.0.0.0:28332", "http://10.0.0.7:8332", "tcp://10.0.0.7:28332"),
        ("tcp://*:28332", "http://node.local:8332", "tcp://node.local:28332"),
        ("tcp://[::]:28332", "http://[::1]:8332", "tcp://[::1]:28332"),
        ("tcp://192.168.1.2:28332", "http://10.0.0.7:8332", "tcp://192.168.1.2:28332"),
        ("ipc:///tmp/blocks", "http://10.0.0.7:8332", "ipc:///tmp/blocks"),
    ],
)
def test_every_interface_of_the_node_is_its_host(address: str, url: str, expected: str) -> None:
    assert reachable([address, address], url) == [expected]


@pytest.mark.fuzz
@given(parts=st.lists(st.binary(max_size=90), max_size=4))
def test_only_whole_notices_of_blocks_are_notices(parts: list[bytes]) -> None:
    assert not is_notice([b"hash" + b"".join(parts), *parts])
    assert is_notice([b"hashblock", *parts]) == ([len(part) for part in parts] == [32, 4])
