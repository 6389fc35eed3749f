"""Bitcoin Core's JSON-RPC: calls in batches, each answer matched with its call.

Every request is a batch, also one of a single call: a node answers a batch with status 200 and an
error per call, where it answers a single call with a status that depends on its version. A node
that is starting (error -28) is asked again, after waits that double, up to a bound. All calls made
here only read, so that asking twice does no harm.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hashcanary.sources.errors import NodeFault, NodeStarting, OutOfOrder, WrongSchema
from hashcanary.sources.http.json_documents import Node, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.sources.feed import Clock
    from hashcanary.sources.http.client import Answer, Http

METHOD_NOT_FOUND = -32601
_STARTING = -28
# With these statuses a node answers a call it does not understand, and one that fails.
_WITH_BODY = (400, 404, 500)
_CODES = 1 << 31
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 15.0


@dataclass(frozen=True, slots=True)
class Call:
    """A method and its parameters, by position."""

    method: str
    params: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What a node answers instead of a result: Core's code, and its words."""

    code: int
    message: str


@dataclass(slots=True)
class Rpc:
    """A client of one node's RPC; for one thread.

    patience: seconds to wait for a node that is starting.
    """

    http: Http
    clock: Clock
    patience: float = 600.0
    _next: int = field(default=1, init=False)

    def ask(self, method: str, *params: object) -> Node:
        """The result of one call. Raises NodeFault where the node refuses it."""
        answer = self.batch([Call(method, params)])[0]
        if isinstance(answer, Fault):
            raise NodeFault(
                node=self.http.base, method=method, code=answer.code, message=answer.message
            )
        return answer

    def batch(self, calls: Sequence[Call]) -> list[Node | Fault]:
        """The answers to ``calls``, in their order.

        Raises ServiceError's kinds for what is no answer to them, NodeStarting for a node that
        does not get ready.
        """
        if not calls:
            return []
        wait, deadline = _FIRST_WAIT, self.clock.now() + self.patience
        while True:
            answers = self._once(calls)
            starting = [a for a in answers if isinstance(a, Fault) and a.code == _STARTING]
            if not starting:
                return answers
            if self.clock.now() + wait > deadline:
                raise NodeStarting(
                    node=self.http.base, seconds=self.patience, message=starting[0].message
                )
            self.clock.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    def _once(self, calls: Sequence[Call]) -> list[Node | Fault]:
        ids = range(self._next, self._next + len(calls))
        # never used again: an answer to an earlier request is then known for what it is
        self._next = ids.stop
        body = [
            {"jsonrpc": "2.0", "id": number, "method": call.method, "params": list(call.params)}
            for number, call in zip(ids, calls, strict=True)
        ]
        sent = json.dumps(body, separators=(",", ":")).encode()
        return _matched(self.http.post("/", sent, safe=True, accept=_WITH_BODY), calls, ids)


def _matched(answer: Answer, calls: Sequence[Call], ids: range) -> list[Node | Fault]:
    """The answers in the order of ``ids``, whatever order the node gives them in."""
    whole = Node(answer.json(), answer.url)
    if isinstance(whole.value, dict):
        return [_fault(whole.at("error"))] * len(calls)
    found: dict[int, Node | Fault] = {}
    for item in whole.items(len(calls)):
        number = item.at("id").integer(ids.start, ids.stop - 1, "the id of a call in this batch,")
        if number in found:
            raise OutOfOrder(
                answer.url, f"{item.path}.id", "each answer once", f"id {number} twice"
            )
        found[number] = _fault(item.at("error")) if item.has("error") else _named(item, calls, ids)
    for number in ids:
        if number not in found:
            raise WrongSchema(
                url=answer.url,
                path="$",
                expected=f"an answer to each of {len(calls):,} calls",
                found=f"{len(found):,}, none to {calls[number - ids.start].method}",
            )
    return [found[number] for number in ids]


def _named(item: Node, calls: Sequence[Call], ids: range) -> Node:
    """A result, with a path that tells which call it answers."""
    number = item.at("id").value
    assert isinstance(number, int | float)
    return Node(item.at("result").value, item.url, calls[int(number) - ids.start].method)


def _fault(error: Node) -> Fault:
    code = error.at("code").integer(-_CODES, _CODES, "an error code")
    return Fault(code, printable(error.at("message").text("an error message", most=1 << 20)))
