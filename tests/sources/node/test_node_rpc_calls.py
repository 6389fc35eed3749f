"""Calls to a node over RPC: answers matched with calls, credentials, waits, and what is refused."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import node_server
from support.clocks import Clock

from hashcanary.errors import UsageError
from hashcanary.sources.catalogue.bitcoind import (
    INTERVAL,
    STATS,
    authentication,
    clients,
    cookie_path,
    node_url,
)
from hashcanary.sources.errors import (
    AnswerTooLarge,
    BadCookie,
    CutBody,
    NodeFault,
    NodeStarting,
    OutOfOrder,
    Refused,
    SourceError,
    Unreachable,
    WrongSchema,
)
from hashcanary.sources.http.client import Answer, Http
from hashcanary.sources.http.line import Limits
from hashcanary.sources.node.rpc_node import Call, Fault, Rpc, _matched

FAST = Limits(connect=2.0, read=0.3, total=2.0, body=1 << 20, tries=3, longest_wait=60.0)


@pytest.fixture
def served() -> Iterator[Any]:
    """A node with 20 blocks behind HTTP."""
    with node_server.serve(node_server.FakeNode(node_server.chain_of(20))) as served:
        yield served


@pytest.fixture
def rpc(served: Any) -> Iterator[Rpc]:
    clock = Clock(1_800_000_000.0)
    with Http(served.url, "the node", clock, limits=FAST) as http:
        yield Rpc(http, clock, patience=60)


def hashes(count: int) -> list[Call]:
    return [Call("getblockhash", (height,)) for height in range(count)]


def values(answers: list[Any]) -> list[Any]:
    return [answer if isinstance(answer, Fault) else answer.value for answer in answers]


def test_answers_stand_in_the_order_of_the_calls(served: Any, rpc: Rpc) -> None:
    expected = [block.hash.hex() for block in served.node.blocks[:5]]
    served.faults.append(node_server.answers(lambda batch: batch[::-1]))
    assert values(rpc.batch(hashes(5))) == expected


def test_an_error_of_one_call_leaves_the_others(served: Any, rpc: Rpc) -> None:
    calls = [Call("getblockhash", (0,)), Call("getblockhash", (99,)), Call("nonsense")]
    first, second, third = rpc.batch(calls)
    assert values([first]) == [served.node.blocks[0].hash.hex()]
    assert second == Fault(-8, "Block height out of range")
    assert third == Fault(-32601, "Method not found")


def test_no_calls_ask_nothing(served: Any, rpc: Rpc) -> None:
    assert rpc.batch([]) == []
    assert served.requests == 0


def test_a_refused_call_is_an_error_with_the_nodes_words(rpc: Rpc) -> None:
    with pytest.raises(NodeFault, match=r"getblockhash, found error -8: Block height out of"):
        rpc.ask("getblockhash", 99)


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (lambda batch: [*batch, batch[0]], WrongSchema, "at most 3 entries"),
        (lambda batch: [batch[0], batch[0], batch[1]], OutOfOrder, "twice"),
        (lambda batch: batch[:2], WrongSchema, "found 2, none to getblockhash"),
        (lambda batch: [{**one, "id": one["id"] - 3} for one in batch], WrongSchema, "the id of"),
        (lambda batch: [{**one, "id": "7"} for one in batch], WrongSchema, "the id of"),
        (lambda batch: [{**one, "id": None} for one in batch], WrongSchema, "the id of"),
        (lambda batch: [1, 2, 3], WrongSchema, "an object"),
        (lambda batch: "no", WrongSchema, "a list"),
        (lambda batch: {"result": 1, "error": None}, WrongSchema, "an object"),
        (lambda batch: [{**one, "error": "no"} for one in batch], WrongSchema, "an object"),
        (
            lambda batch: [{**one, "error": {"code": "x"}} for one in batch],
            WrongSchema,
            "a code|code",
        ),
    ],
)
def test_answers_to_other_calls_are_refused(
    served: Any, rpc: Rpc, change: Any, error: type[SourceError], told: str
) -> None:
    served.faults.append(None)
    rpc.batch(hashes(3))  # so that the ids before are those of another request
    served.faults.append(node_server.answers(change))
    with pytest.raises(error, match=told):
        rpc.batch(hashes(3))


def test_the_answer_to_an_earlier_request_is_known_for_what_it_is(served: Any, rpc: Rpc) -> None:
    kept: list[bytes] = []
    served.faults.append(node_server.body(lambda data: kept.append(data) or data))
    rpc.batch(hashes(3))
    served.faults.append(node_server.body(lambda _: kept[0]))
    with pytest.raises(WrongSchema, match="the id of a call in this batch"):
        rpc.batch(hashes(3))


def test_an_error_for_the_whole_batch_is_that_of_each_call(served: Any, rpc: Rpc) -> None:
    said = {"result": None, "error": {"code": -32700, "message": "Parse error"}, "id": None}
    served.faults.append(node_server.status(500, json.dumps(said).encode()))
    assert rpc.batch(hashes(2)) == [Fault(-32700, "Parse error")] * 2


def test_a_node_that_is_starting_is_waited_for(served: Any, rpc: Rpc) -> None:
    served.node.starting = 8
    assert values(rpc.batch(hashes(2)))[0] == served.node.blocks[0].hash.hex()
    assert rpc.clock.slept == [1, 2, 4, 8]  # type: ignore[attr-defined]


def test_a_node_that_does_not_get_ready_is_given_up(served: Any, rpc: Rpc) -> None:
    served.node.starting = 1000
    with pytest.raises(NodeStarting, match=r"within 60 s.*Loading block index"):
        rpc.ask("getbestblockhash")
    assert 45 <= sum(rpc.clock.slept) <= 60  # type: ignore[attr-defined]


def test_a_full_work_queue_is_asked_again(served: Any, rpc: Rpc) -> None:
    full = node_server.status(503, b"Work queue depth exceeded")
    served.faults.extend([full, node_server.status(429, b"", Retry_After="7"), None])
    assert len(rpc.batch(hashes(3))) == 3
    assert 7.0 in rpc.clock.slept  # type: ignore[attr-defined]


def test_a_queue_that_stays_full_is_told(served: Any, rpc: Rpc) -> None:
    served.faults.extend([node_server.status(503, b"Work queue depth exceeded")] * 3)
    with pytest.raises(Unreachable, match=r"3 tries .*Work queue depth exceeded"):
        rpc.batch(hashes(3))


def test_a_silent_node_is_left_after_its_tries(served: Any, rpc: Rpc) -> None:
    served.faults.extend([node_server.silence] * 3)
    with pytest.raises(Unreachable):
        rpc.batch(hashes(3))
    assert served.requests == 3


def test_an_answer_cut_off_is_asked_again(served: Any, rpc: Rpc) -> None:
    served.faults.extend([node_server.cut, None])
    assert len(rpc.batch(hashes(3))) == 3
    served.faults.extend([node_server.cut] * 3)
    with pytest.raises(CutBody):
        rpc.batch(hashes(3))


def test_an_answer_beyond_the_bound_is_refused(served: Any, rpc: Rpc) -> None:
    served.faults.append(node_server.body(lambda data: data + b" " * (1 << 20)))
    with pytest.raises(AnswerTooLarge):
        rpc.batch(hashes(3))


def test_what_is_no_json_is_told(served: Any, rpc: Rpc) -> None:
    served.faults.append(node_server.body(lambda _: b"<html>It works!</html>"))
    with pytest.raises(WrongSchema, match="It works!"):
        rpc.batch(hashes(3))


def with_cookie(served: Any, holding: Any, cookie: Path) -> Rpc:
    asked = holding.asked(cookie=str(cookie))
    http = Http(served.url, "the node", holding.clock, FAST, auth=authentication(asked))
    return Rpc(http, holding.clock)


def test_a_cookie_that_changes_under_way_is_read_again(served: Any, tmp_path: Path) -> None:
    cookie = tmp_path / ".cookie"
    cookie.write_text("__cookie__:first")
    served.allowed = {"__cookie__:first"}
    rpc = with_cookie(served, node_server.Holding(), cookie)
    assert rpc.ask("getbestblockhash").value == served.node.blocks[-1].hash.hex()

    def restart(_: str) -> None:
        served.allowed = {"__cookie__:second"}
        cookie.write_text("__cookie__:second")

    served.faults.append(lambda reply: (restart(""), setattr(reply, "status", 401)))
    assert rpc.ask("getbestblockhash").value == served.node.blocks[-1].hash.hex()
    rpc.http.close()


def test_credentials_that_do_not_fit_are_told_and_not_shown(served: Any, tmp_path: Path) -> None:
    (tmp_path / ".cookie").write_text("__cookie__:confidential")
    served.allowed = {"__cookie__:other"}
    rpc = with_cookie(served, node_server.Holding(), tmp_path / ".cookie")
    shown = b64encode(b"__cookie__:confidential").decode()
    with pytest.raises(Refused, match="status 401") as caught:
        rpc.ask("getbestblockhash")
    assert "confidential" not in str(caught.value)
    assert shown not in str(caught.value)
    rpc.http.close()


@pytest.mark.parametrize("content", [b"", b"no colon", b"a:b\nc:d", b"a:" + b"x" * 5000])
def test_a_file_that_is_no_cookie_is_told(served: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".cookie").write_bytes(content)
    rpc = with_cookie(served, node_server.Holding(), tmp_path / ".cookie")
    with pytest.raises(BadCookie, match=r"\.cookie: expected a node's cookie"):
        rpc.ask("getbestblockhash")


def test_a_node_that_is_not_running_has_no_cookie(served: Any, tmp_path: Path) -> None:
    rpc = with_cookie(served, node_server.Holding(), tmp_path / "none")
    with pytest.raises(BadCookie, match=r"No such file.*the node and its RPC server"):
        rpc.ask("getbestblockhash")


def test_the_cookie_is_sought_where_the_network_keeps_it() -> None:
    from hashcanary.chain.networks import MAIN

    main = node_server.Holding(network=MAIN).asked(datadir="/data")
    regtest = node_server.Holding().asked(datadir="/data")
    assert cookie_path(main) == Path("/data/.cookie")
    assert cookie_path(regtest) == Path("/data/regtest/.cookie")
    assert (node_url(main), node_url(regtest)) == (
        "http://127.0.0.1:8332",
        "http://127.0.0.1:18443",
    )


def test_a_name_and_a_password_stand_in_for_the_cookie() -> None:
    asked = node_server.Holding().asked(user="me", password="secret")
    assert authentication(asked)() == {"Authorization": "Basic bWU6c2VjcmV0"}
    with pytest.raises(UsageError, match="both, or neither"):
        authentication(node_server.Holding().asked(user="me"))


@pytest.mark.parametrize(
    ("name", "value"), [("interval", "soon"), ("interval", "nan"), ("interval", "-1")]
)
def test_a_number_that_is_none_is_told(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=rf"the setting {name}: expected a number from 0"):
        INTERVAL.number({name: value})


def test_no_more_connections_than_a_node_can_bear(served: Any) -> None:
    asked = node_server.Holding().asked(url=served.url, connections="17")
    expected = "the setting connections: expected a whole number from 1 to 16"
    with pytest.raises(UsageError, match=expected):
        clients(asked, "the node", None)


@pytest.mark.parametrize("value", ["some", "-1", "1.5", "9" * 20])
def test_how_many_blocks_is_a_number_or_all(value: str) -> None:
    assert (STATS.whole_unless({"stats": "7"}), STATS.whole_unless({})) == (7, None)
    with pytest.raises(UsageError, match=r"the setting stats: expected a whole number .*, or all"):
        STATS.whole_unless({"stats": value})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 12) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "result", "error", "code", "message", "x"]), inner)
    ),
    max_leaves=12,
)


@pytest.mark.fuzz
@given(value=JSON)
def test_no_answer_does_more_than_raise_a_named_error(value: object) -> None:
    answer = Answer("http://node", 200, json.dumps(value).encode(), 0.0)
    try:
        found = _matched(answer, hashes(3), range(4, 7))
    except SourceError:
        return
    assert len(found) == 3


@pytest.mark.fuzz
@given(data=st.binary(max_size=200))
def test_no_bytes_do_more_than_raise_a_named_error(data: bytes) -> None:
    with pytest.raises(SourceError):
        _matched(Answer("http://node", 200, data, 0.0), hashes(3), range(4, 7))
