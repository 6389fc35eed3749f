"""A node asked over its RPC: its chain, the branches it left, its notices.

Rows about blocks are statistics (``getblockstats``), and whole blocks for their coinbases. The
former count fees exactly, by the node's undo data. Their ``total_size`` and ``total_weight`` leave
out header and coinbase, so they are not the block's size and weight: these come with whole blocks
alone, and are null elsewhere.

Bitcoin Core's JSON-RPC: calls in batches, each answer matched with its call.

Every request is a batch, also one of a single call: a node answers a batch with status 200 and an
error per call, where it answers a single call with a status that depends on its version. A node
that is starting (error -28) is asked again, after waits that double, up to a bound. All calls made
here only read, so that asking twice does no harm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.coinbase import MOST_VALUE
from hashcanary.chain.headers import HEADER_SIZE, decode_headers, header_hash
from hashcanary.chain.networks import Network
from hashcanary.chain.subsidy import subsidy
from hashcanary.sources.errors import BadBlock, NodeFault, NodeStarting, OutOfOrder, WrongSchema
from hashcanary.sources.http.json_documents import Node, printable
from hashcanary.sources.node.chain_node import (
    HEADERS_AT_ONCE,
    MAX_BLOCKS,
    Answers,
    Branch,
    Job,
    Known,
    Row,
    State,
    Told,
    block_rows,
    check_claim,
    coinbase_row,
    header_time,
    shared_out,
)

if TYPE_CHECKING:
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


STATS = ("blockhash", "height", "mediantime", "subsidy", "time", "totalfee", "txs")
_REFUSED = "the node refused: {}"
_STATS_AT_ONCE = 50
_MAX_TRANSACTIONS = 100_000
_BLOCK_SIZES = (HEADER_SIZE + 61, 4_000_000)


@dataclass(frozen=True, slots=True)
class BlockAsker:
    """Asks a node about blocks. clients: one a connection."""

    clients: Sequence[Rpc]
    network: Network
    name: str

    def told(self, stats: Sequence[Job], coinbases: Sequence[Job]) -> Told:
        """Rows for all blocks named, with statistics of some and coinbases of some.

        Raises ServiceError's kinds, BadBlock for what cannot be true of a block.
        """
        parts = [stats[at : at + _STATS_AT_ONCE] for at in range(0, len(stats), _STATS_AT_ONCE)]
        counted = shared_out(self.clients, parts, self._stats)
        read = shared_out(self.clients, coinbases, self._whole)
        rows: list[Row] = []
        missing: dict[int, str] = {}
        partly: dict[int, str] = {}
        for height, block in sorted({*stats, *coinbases}):
            answers = [found[height] for found in (counted, read) if height in found]
            facts = [one for one in answers if isinstance(one, dict)]
            refused = [one for one in answers if isinstance(one, str)]
            if refused:
                (partly if facts else missing)[height] = refused[0]
            if facts:
                rows.append(self._row(height, block, facts))
        return Told(block_rows(rows, self.name), missing, partly)

    def _row(self, height: int, block: bytes, facts: Sequence[Row]) -> Row:
        row: Row = {"height": height, "hash": block}
        for one in facts:
            for column, value in one.items():
                if row.setdefault(column, value) != value:
                    raise self._bad(height, f"one {column}", f"{row[column]} and {value}")
        check_claim(row, height, self.clients[0].http.base)
        return row

    def _stats(self, client: Rpc, jobs: Sequence[Job]) -> Answers:
        calls = [Call("getblockstats", (block.hex(), list(STATS))) for _, block in jobs]
        return {
            job[0]: _REFUSED.format(answer.message)
            if isinstance(answer, Fault)
            else self._counted(job, answer)
            for job, answer in zip(jobs, client.batch(calls), strict=True)
        }

    def _counted(self, job: Job, told: Node) -> Row:
        """What ``getblockstats`` says, if it is of this block and can be true."""
        height, block = job
        named = told.at("blockhash").hash()
        if (named, told.at("height").value) != (block, height):
            raise self._bad(
                height, f"statistics of {block.hex()}", f"those of {named.hex()} at another height"
            )
        due = subsidy(height, self.network)
        time = header_time(told.at("time"))
        return {
            "time": time,
            "median_time_past": told.at("mediantime").integer(0, time, "a median time"),
            "subsidy": told.at("subsidy").integer(due, due, "the subsidy in satoshis,"),
            "total_fee": told.at("totalfee").integer(0, MOST_VALUE, "fees in satoshis"),
            "tx_count": told.at("txs").integer(1, _MAX_TRANSACTIONS, "transactions"),
        }

    def _whole(self, client: Rpc, job: Job) -> Answers:
        """The answer to ``getblock``, which gives a whole block in hex digits."""
        height, block = job
        (answer,) = client.batch([Call("getblock", (block.hex(), False))])
        if isinstance(answer, Fault):
            return {height: _REFUSED.format(answer.message)}
        raw = answer.hex(*_BLOCK_SIZES, "a block in hex digits")
        return {height: coinbase_row(raw, block, height, self.clients[0].http.base)}

    def _bad(self, height: int, expected: str, found: str) -> BadBlock:
        return BadBlock(self.clients[0].http.base, f"{height:,}", expected, found)


def among(jobs: Mapping[int, bytes], first: int) -> list[Job]:
    """Those from a height on."""
    return [(height, block) for height, block in jobs.items() if height >= first]


_OUT_OF_RANGE = -8
_MAX_TIPS = 2000
_MAX_BRANCH = 2016
_NO_STATS = "fees were not brought: the node has no getblockstats (it comes with Bitcoin Core 0.17)"
_LEFT = frozenset({"valid-fork", "valid-headers", "headers-only"})


@dataclass(slots=True)
class RpcNode:
    """A node behind its RPC. clients: one a connection; stats, coinbases: of how many of the
    newest blocks to ask for them, None for all.
    """

    clients: Sequence[Rpc]
    network: Network
    stats: int | None
    coinbases: int | None
    name: str = "bitcoind-rpc"
    facts_at_once: int = 1000
    url: str = field(init=False)
    _notes: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.url = self.clients[0].http.base

    def state(self) -> State:
        """What it says of itself."""
        return State.of(self.clients[0].ask("getblockchaininfo"))

    def hashes(self, heights: Sequence[int]) -> list[bytes | None]:
        """The hashes of its chain at these heights; None above its tip."""
        answers = self.clients[0].batch([Call("getblockhash", (height,)) for height in heights])
        return [self._hash(answer) for answer in answers]

    def _hash(self, answer: Node | Fault) -> bytes | None:
        if isinstance(answer, Node):
            return answer.hash()
        if answer.code == _OUT_OF_RANGE:
            return None
        raise self._refused("getblockhash", answer)

    def headers(self, first: int, count: int, parent: bytes) -> bytes:
        """Raw headers from ``first`` on; none where the chain has moved."""
        hashes = self.hashes(range(first, first + count))
        there = [block for block in hashes if block is not None]
        raw = self._raw_headers(there)
        if not raw or None in raw:
            return b""
        joined = b"".join(header for header in raw if header is not None)
        named = decode_headers(joined).prev_hash
        parents = np.frombuffer(b"".join([parent, *there[:-1]]), np.uint8).reshape(-1, 32)
        return joined if np.array_equal(named, parents) else b""

    def _raw_headers(self, hashes: Sequence[bytes]) -> list[bytes | None]:
        """Headers by hash; None for one that the node does not know (any more)."""
        calls = [Call("getblockheader", (block.hex(), False)) for block in hashes]
        headers: list[bytes | None] = []
        for block, answer in zip(hashes, self.clients[0].batch(calls), strict=True):
            if isinstance(answer, Fault):
                if answer.code == METHOD_NOT_FOUND:
                    raise self._refused("getblockheader", answer)
                headers.append(None)
                continue
            header = answer.hex(HEADER_SIZE, HEADER_SIZE, "a header of 160 hex digits")
            if header_hash(header) != block:
                raise WrongSchema(
                    url=self.url,
                    path="getblockheader",
                    expected=f"the header of block {block.hex()}",
                    found=f"that of {header_hash(header).hex()}",
                )
            headers.append(header)
        return headers

    def branches(self, known: Known) -> tuple[list[Branch], list[str]]:
        """Branches by ``getchaintips``, but for invalid ones and very long ones."""
        answer = self.clients[0].batch([Call("getchaintips")])[0]
        if isinstance(answer, Fault):
            return [], [*self._notes, f"branches that the node left: {answer.message}"]
        notes = list(self._notes)
        tips: list[_Tip] = []
        for item in answer.items(_MAX_TIPS):
            tip = _Tip.of(item)
            if tip.length == 0 or tip.status not in _LEFT or known(tip.top, tip.height):
                continue
            if tip.length > _MAX_BRANCH:
                notes.append(
                    f"a branch of {tip.length:,} headers up to height {tip.height:,} "
                    f"({tip.status}) was not brought: it is longer than {_MAX_BRANCH:,}"
                )
            else:
                tips.append(tip)
        self._climb_down(tips, known)
        return [tip.branch() for tip in tips if tip.headers], notes

    def _climb_down(self, tips: Sequence[_Tip], known: Known) -> None:
        """Fetch the headers of all branches, from their tops to what is known, side by side."""
        open_tips = list(tips)
        while open_tips:
            found = self._raw_headers([tip.next for tip in open_tips])
            for tip, header in zip(open_tips, found, strict=True):
                tip.take(header)
            open_tips = [tip for tip in open_tips if not tip.ended(known)]

    def asked_from(self, tip: int) -> dict[str, int]:
        """The lowest heights for which statistics and coinbases are asked for."""
        if self.stats != 0 and not self._has_stats():
            self.stats = 0
            self._notes.append(_NO_STATS)
        return {
            "total_fee": _first(self.stats, tip),
            "coinbase_value": _first(self.coinbases, tip),
        }

    def _has_stats(self) -> bool:
        """Whether the node has the call at all; genesis has statistics in every version."""
        answer = self.clients[0].batch([Call("getblockstats", (0, ["height"]))])[0]
        return not (isinstance(answer, Fault) and answer.code == METHOD_NOT_FOUND)

    def facts(self, heights: Sequence[int], hashes: Sequence[bytes], tip: int) -> Told:
        """Statistics and coinbases of these blocks, as far as they are asked for."""
        jobs = dict(zip(heights, hashes, strict=True))
        asker = BlockAsker(self.clients, self.network, self.name)
        return asker.told(
            among(jobs, _first(self.stats, tip)), among(jobs, _first(self.coinbases, tip))
        )

    def notices(self) -> list[str]:
        """The addresses at which the node tells of new blocks over ZMQ."""
        answer = self.clients[0].batch([Call("getzmqnotifications")])[0]
        if isinstance(answer, Fault):
            return []
        found = [
            (item.at("type").text(most=100), item.at("address").text(most=1000))
            for item in answer.items(1000)
        ]
        return [address for kind, address in found if kind in ("pubhashblock", "pubrawblock")]

    def best(self) -> bytes:
        """The hash of its tip."""
        return self.clients[0].ask("getbestblockhash").hash()

    def _refused(self, method: str, fault: Fault) -> NodeFault:
        return NodeFault(node=self.url, method=method, code=fault.code, message=fault.message)


@dataclass(slots=True)
class _Tip:
    """The end of a branch, and what was read of it so far, from its top down."""

    height: int
    top: bytes
    length: int
    status: str
    next: bytes
    headers: list[bytes] = field(default_factory=list)
    lost: bool = False

    @classmethod
    def of(cls, item: Node) -> _Tip:
        height = item.at("height").integer(0, MAX_BLOCKS + HEADERS_AT_ONCE, "a height")
        length = item.at("branchlen").integer(0, height, "the length of a branch")
        top = item.at("hash").hash()
        return cls(height, top, length, item.at("status").text("a status", most=100), top)

    def take(self, header: bytes | None) -> None:
        """One header further down; the branch is given up where the node has it no more."""
        if header is None:
            self.lost, self.headers = True, []
            return
        self.headers.append(header)
        self.next = decode_headers(header).prev_hash[0].tobytes()

    def ended(self, known: Known) -> bool:
        below = self.height - len(self.headers)
        return self.lost or len(self.headers) >= self.length or known(self.next, below)

    def branch(self) -> Branch:
        return Branch(self.height - len(self.headers), b"".join(reversed(self.headers)))


def _first(newest: int | None, tip: int) -> int:
    """The lowest of the newest heights; above the tip where none is asked for."""
    return 0 if newest is None else max(tip + 1 - newest, 0)
