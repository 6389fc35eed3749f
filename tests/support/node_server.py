"""A small node for tests: RPC and REST to Bitcoin Core's published formats, faulty on command.

Formats: Core's ``doc/JSON-RPC-interface.md``, ``doc/REST-interface.md``, the help of its calls; the
form of ``spenttxouts`` by pull request 32540.
"""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import polars as pl

from hashcanary.chain.networks import REGTEST, Network
from hashcanary.sources.facts import BLOCKS, Facts
from hashcanary.sources.feed import Asked, Batch, Feed, Held
from support.clocks import Clock
from support.mining import GENESIS_COINBASE, REGTEST_GENESIS, double_sha256

COIN = 100_000_000


@dataclass(frozen=True)
class Block:
    """A block as a node keeps it. spent: of each transaction but the coinbase the serialized
    outputs it spends; fee: satoshis; stripped: bytes without witness.
    """

    raw: bytes
    spent: tuple[tuple[bytes, ...], ...] = ()
    fee: int = 0
    stripped: int = 0
    coinbase_value: int = 50 * COIN

    @property
    def header(self) -> bytes:
        return self.raw[:80]

    @property
    def hash(self) -> bytes:
        return double_sha256(self.header)[::-1]

    @property
    def time(self) -> int:
        return int.from_bytes(self.raw[68:72], "little")


GENESIS = Block(REGTEST_GENESIS + b"\1" + GENESIS_COINBASE, stripped=81 + len(GENESIS_COINBASE))


def _output(value: int, script: bytes = b"\x51") -> bytes:
    return value.to_bytes(8, "little") + bytes([len(script)]) + script


def _payment(number: int, fee: int, *, witness: bool) -> tuple[bytes, bytes, tuple[bytes, ...]]:
    """A transaction with two inputs and one output: without witness, whole, what it spends."""
    inputs = b"".join(
        number.to_bytes(32, "little") + bytes([index, 0, 0, 0]) + b"\0" + b"\xff" * 4
        for index in range(2)
    )
    body = b"\2" + inputs + b"\1" + _output(3 * COIN - fee)
    version, lock = b"\2\0\0\0", bytes(4)
    stripped = version + body + lock
    whole = version + b"\0\1" + body + b"\1\2\x01\x02" * 2 + lock if witness else stripped
    return stripped, whole, (_output(COIN, bytes(25)), _output(2 * COIN, bytes(22)))


def _coinbase(height: int, branch: int, value: int, commitment: bytes) -> tuple[bytes, bytes]:
    """Without witness, whole; the scriptSig begins with the height (BIP34)."""
    push = b"\4" + height.to_bytes(4, "little") + b"/canary/" + branch.to_bytes(4, "little")
    outputs = [_output(value)]
    outputs += [_output(0, bytes.fromhex("6a24aa21a9ed") + commitment)] if commitment else []
    inputs = b"\1" + bytes(32) + b"\xff" * 4 + bytes([len(push)]) + push + b"\xff" * 4
    body = inputs + bytes([len(outputs)]) + b"".join(outputs)
    stripped = b"\1\0\0\0" + body + bytes(4)
    whole = b"\1\0\0\0" + b"\0\1" + body + b"\1\x20" + bytes(32) + bytes(4)
    return stripped, whole if commitment else stripped


def _root(ids: list[bytes]) -> bytes:
    while len(ids) > 1:
        ids = ids + ids[-1:] if len(ids) % 2 else ids
        ids = [double_sha256(ids[at] + ids[at + 1]) for at in range(0, len(ids), 2)]
    return ids[0]


def mine(
    parent: Block,
    height: int,
    *,
    branch: int = 0,
    fees: tuple[int, ...] = (),
    claimed: int | None = None,
    witness: bool = True,
    subsidy: int = 50 * COIN,
) -> Block:
    """A regtest block with one payment for each fee; every second one has a witness."""
    made = [
        _payment(height * 100 + number, fee, witness=witness and number % 2 == 0)
        for number, fee in enumerate(fees)
    ]
    value = subsidy + sum(fees) if claimed is None else claimed
    commitment = b""
    if fees and witness:
        root = _root([bytes(32), *(double_sha256(whole) for _, whole, _ in made)])
        commitment = double_sha256(root + bytes(32))
    bare, coinbase = _coinbase(height, branch, value, commitment)
    root = _root([double_sha256(bare), *(double_sha256(stripped) for stripped, _, _ in made)])
    start = b"\0\0\0\x20" + double_sha256(parent.header) + root
    start += (parent.time + 600).to_bytes(4, "little") + bytes.fromhex("ffff7f20")
    nonce = 0
    while double_sha256(header := start + nonce.to_bytes(4, "little"))[:28:-1] >= b"\x7f\xff\xff":
        nonce += 1
    count = bytes([1 + len(made)])
    raw = header + count + coinbase + b"".join(whole for _, whole, _ in made)
    stripped = 81 + len(bare) + sum(len(one) for one, _, _ in made)
    return Block(raw, tuple(spent for _, _, spent in made), sum(fees), stripped, value)


def chain_of(length: int, base: list[Block] | None = None, **how: Any) -> list[Block]:
    """Blocks above ``base`` (genesis), ``length`` of them, with the base in front."""
    blocks = list(base or [GENESIS])
    for _ in range(length):
        height = len(blocks)
        subsidy = (50 * COIN) >> (height // 150)
        blocks.append(mine(blocks[-1], height, subsidy=subsidy, **how))
    return blocks


def spent_outputs(block: Block) -> bytes:
    """What the transactions of a block spend, as ``/rest/spenttxouts`` gives it."""
    per_transaction = [(), *block.spent]
    return bytes([len(per_transaction)]) + b"".join(
        bytes([len(outputs)]) + b"".join(outputs) for outputs in per_transaction
    )


class Refusal(Exception):
    """An error of a call, as a node answers it."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


@dataclass
class FakeNode:
    """What a node has, and what it says. before: called with the method before each call."""

    blocks: list[Block]
    chain: str = "regtest"
    left: list[tuple[int, list[Block], str]] = field(default_factory=list)
    loading: bool = False
    more_headers: int = 0
    pruned_below: int = 0
    without_undo: frozenset[int] = frozenset()
    starting: int = 0
    missing_calls: frozenset[str] = frozenset()
    spent_outputs: bool = True
    notices: tuple[tuple[str, str], ...] = ()
    changed: Callable[[str, Any], Any] = lambda method, result: result
    before: Callable[[str], None] = lambda method: None
    _known: tuple[Any, dict[bytes, tuple[int, Block]]] = ((), {})
    _lists: Any = None

    def known(self) -> dict[bytes, tuple[int, Block]]:
        """Every block by its hash, with its height."""
        branches = [*((fork + 1, blocks) for fork, blocks, _ in self.left), (0, self.blocks)]
        state = [(first, id(blocks), len(blocks)) for first, blocks in branches]
        if self._known[0] != state:
            self._lists = [blocks for _, blocks in branches]  # so that no id is used again
            self._known = (
                state,
                {
                    block.hash: (first + index, block)
                    for first, blocks in branches
                    for index, block in enumerate(blocks)
                },
            )
        return self._known[1]

    def switch(self, blocks: list[Block], status: str = "valid-fork") -> None:
        """Take another chain for the active one; the blocks it displaces are a branch left."""
        pairs = zip(blocks, self.blocks, strict=False)
        fork = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        if self.blocks[fork:]:
            self.left.append((fork - 1, self.blocks[fork:], status))
        self.blocks = blocks

    def call(self, method: str, params: list[Any]) -> Any:
        self.before(method)
        if self.starting:
            self.starting -= 1
            raise Refusal(-28, "Loading block index…")
        if method in self.missing_calls or not hasattr(self, f"_{method}"):
            raise Refusal(-32601, "Method not found")
        return self.changed(method, getattr(self, f"_{method}")(*params))

    def _getblockchaininfo(self) -> dict[str, Any]:
        tip = len(self.blocks) - 1
        info = {
            "chain": self.chain,
            "blocks": tip,
            "headers": tip + self.more_headers,
            "bestblockhash": self.blocks[-1].hash.hex(),
            "initialblockdownload": self.loading,
            "pruned": self.pruned_below > 0,
            "warnings": [],
        }
        return info | ({"pruneheight": self.pruned_below} if self.pruned_below else {})

    def _getbestblockhash(self) -> str:
        return self.blocks[-1].hash.hex()

    def _getblockhash(self, height: int) -> str:
        if not 0 <= height < len(self.blocks):
            raise Refusal(-8, "Block height out of range")
        return self.blocks[height].hash.hex()

    def _find(self, text: str) -> tuple[int, Block]:
        found = self.known().get(bytes.fromhex(text))
        if found is None:
            raise Refusal(-5, "Block not found")
        return found

    def _getblockheader(self, text: str, verbose: bool = True) -> str:
        assert not verbose
        return self._find(text)[1].header.hex()

    def _getblock(self, text: str, verbosity: object = 1) -> str:
        assert not verbosity
        height, block = self._find(text)
        if height < self.pruned_below:
            raise Refusal(-1, "Block not available (pruned data)")
        return block.raw.hex()

    def _getblockstats(self, which: str | int, stats: list[str]) -> dict[str, Any]:
        text = self.blocks[which].hash.hex() if isinstance(which, int) else which
        height, block = self._find(text)
        if height and height in self.without_undo:
            raise Refusal(
                -1, "Undo data expected but can't be read. This could be due to disk corruption"
            )
        times = sorted(one.time for one in self.blocks[max(height - 10, 0) : height + 1])
        size, weight = len(block.raw), 3 * block.stripped + len(block.raw)
        told = {
            "blockhash": block.hash.hex(),
            "height": height,
            "time": block.time,
            "mediantime": times[len(times) // 2],
            "subsidy": (50 * COIN) >> (height // 150),
            "totalfee": block.fee,
            "txs": 1 + len(block.spent),
            "total_size": max(size - 300, 0),
            "total_weight": max(weight - 1200, 0),
        }
        return {name: told[name] for name in stats}

    def _getchaintips(self) -> list[dict[str, Any]]:
        tip = len(self.blocks) - 1
        tips = [
            {"height": tip, "hash": self.blocks[-1].hash.hex(), "branchlen": 0, "status": "active"}
        ]
        return tips + [
            {
                "height": fork + len(blocks),
                "hash": blocks[-1].hash.hex(),
                "branchlen": len(blocks),
                "status": status,
            }
            for fork, blocks, status in self.left
        ]

    def _getzmqnotifications(self) -> list[dict[str, Any]]:
        return [{"type": kind, "address": address, "hwm": 1000} for kind, address in self.notices]

    def rest(self, path: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
        """Status and body of a GET below ``/rest/``."""
        self.before(path)
        if self.starting:
            self.starting -= 1
            return 503, b"Service temporarily unavailable: Loading block index"
        if path == "/rest/chaininfo.json":
            told = self.changed("chaininfo", self._getblockchaininfo())
            return 200, json.dumps(told).encode() + b"\n"
        kind, _, name = path.removeprefix("/rest/").removesuffix(".bin").partition("/")
        if kind == "blockhashbyheight":
            there = self.blocks[int(name.removesuffix(".hex")) :]
            return (200, there[0].hash.hex().encode() + b"\n") if there else (404, b"Height\r\n")
        found = self.known().get(bytes.fromhex(name))
        data = None if found is None else self._binary(kind, *found, query)
        if data is None:
            return 404, f"{name} not found\r\n".encode()
        return 200, self.changed(kind, data)

    def _binary(
        self, kind: str, height: int, block: Block, query: dict[str, list[str]]
    ) -> bytes | None:
        if kind == "headers":
            count = int(query["count"][0])
            assert 1 <= count <= 2000
            above = self.blocks[height : height + count]
            return b"".join(one.header for one in above) if above[:1] == [block] else b""
        if kind == "block" and height >= self.pruned_below:
            return block.raw
        if kind == "spenttxouts" and self.spent_outputs and height not in self.without_undo:
            return spent_outputs(block)
        return None


@dataclass
class Reply:
    """What a server is about to send; a fault changes it. hold: seconds before it is sent, or
    until the server ends; cut: bytes of the body that are sent before the connection breaks.
    """

    status: int
    body: bytes
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    hold: float = 0.0
    cut: int | None = None


Fault = Callable[[Reply], None]


def status(code: int, body: bytes = b"", **headers: str) -> Fault:
    """Another status, with other headers (``_`` for ``-``)."""

    def change(reply: Reply) -> None:
        reply.status, reply.body = code, body
        reply.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    return change


def body(change_body: Callable[[bytes], bytes]) -> Fault:
    """Another body."""

    def change(reply: Reply) -> None:
        reply.body = change_body(reply.body)

    return change


def answers(change_answers: Callable[[list[Any]], Any]) -> Fault:
    """Another JSON body, made of the answers of a batch."""
    return body(lambda data: json.dumps(change_answers(json.loads(data))).encode())


def cut(reply: Reply) -> None:
    """Half of the body, then nothing."""
    reply.cut = len(reply.body) // 2


def silence(reply: Reply) -> None:
    """No answer for as long as anybody waits."""
    reply.hold = 30.0


@dataclass
class Served:
    """A node behind HTTP. faults: one for each request to come; allowed: the pairs of name and
    password that are taken, all if empty; asked: the methods and paths that were asked for.
    """

    node: FakeNode
    url: str = ""
    faults: deque[Fault | None] = field(default_factory=deque)
    allowed: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    requests: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def reply(self, method: str, target: str, sent: bytes, authorization: str) -> Reply:
        """The answer to one request, faults and all."""
        self.requests += 1
        fault = self.faults.popleft() if self.faults else None
        reply = self._answer(method, target, sent, authorization)
        if fault is not None:
            fault(reply)
        return reply

    def _answer(self, method: str, target: str, sent: bytes, authorization: str) -> Reply:
        parts = urlsplit(target)
        if method == "GET":
            self.asked.append(parts.path)
            code, data = self.node.rest(parts.path, parse_qs(parts.query))
            return Reply(code, data, "application/octet-stream")
        basic = {f"Basic {b64encode(pair.encode()).decode()}" for pair in self.allowed}
        if basic and authorization not in basic:
            return Reply(401, b"", headers={"WWW-Authenticate": 'Basic realm="jsonrpc"'})
        answered = [self._answered(one) for one in json.loads(sent)]
        return Reply(200, json.dumps(answered).encode())

    def _answered(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(request["method"])
        given: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            given["result"] = self.node.call(request["method"], request["params"])
        except Refusal as refusal:
            given["error"] = {"code": refusal.code, "message": refusal.message}
        return given


@contextmanager
def serve(node: FakeNode) -> Iterator[Served]:
    """Serve a node on a free port of this machine, while the context lasts."""
    served = Served(node)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        wbufsize = -1  # one packet for head and body
        disable_nagle_algorithm = True

        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            given = self.headers.get("Authorization", "")
            reply = served.reply(self.command, self.path, self.rfile.read(length), given)
            if reply.hold:
                served.ended.wait(reply.hold)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body if reply.cut is None else reply.body[: reply.cut])
            self.close_connection = reply.cut is not None

        do_GET = do_POST = _handle  # noqa: N815 -- the name that http.server calls

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client gave up waiting

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.ended.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


@dataclass
class Holding:
    """What a lake would hold: headers by hash with their parents, rows about blocks."""

    network: Network = REGTEST
    heights: dict[bytes, int] = field(default_factory=dict)
    parents: dict[bytes, bytes] = field(default_factory=dict)
    rows: list[pl.DataFrame] = field(default_factory=list)
    cursor: dict[str, object] = field(default_factory=dict)
    clock: Clock = field(default_factory=lambda: Clock(1_800_000_000.0))

    def active(self) -> pl.DataFrame:
        """The longest branch, the first one seen of two equal ones."""
        tip = max(self.heights, key=lambda one: self.heights[one], default=None)
        chain: list[tuple[int, bytes]] = []
        while tip in self.heights:
            chain.append((self.heights[tip], tip))
            tip = self.parents[tip]
        schema = {"height": pl.Int64(), "hash": pl.Binary()}
        return pl.DataFrame(chain[::-1], schema=schema, orient="row")

    def blocks(self) -> pl.DataFrame:
        """All rows about blocks, by height."""
        return pl.concat(self.rows).unique(["height", "hash"], keep="last").sort("height")

    def asked(self, **settings: str) -> Asked:
        active = self.active()

        def heights_with(source: str, column: str = "height") -> Any:
            rows = pl.concat(self.rows) if self.rows else pl.DataFrame(schema=BLOCKS.schema)
            ours = rows.filter(pl.col("source").str.starts_with(source))
            ours = ours.filter(pl.col(column).is_not_null())
            there = ours.join(active, on=["height", "hash"], how="semi")
            return there["height"].unique().sort().to_numpy().astype(np.int64)

        held = Held(
            network=self.network,
            locator=(),
            tip_height=None if active.is_empty() else int(active["height"][-1]),
            height_of=self.heights.get,
            heights_with=heights_with,
            last_known=lambda *_: None,
            active_from=lambda height: active.filter(pl.col("height") >= height),
        )
        return Asked(held, self.cursor, settings, self.clock)

    def take(self, batch: Batch) -> None:
        """Commit a batch: every header must have its parent here, at the height below."""
        for facts in batch.facts:
            self._put(facts)
        self.cursor = json.loads(json.dumps(batch.cursor))

    def _put(self, facts: Facts) -> None:
        assert facts.frame.schema == facts.table.schema
        if facts.table.name != "headers":
            self.rows.append(facts.frame)
            return
        for row in facts.frame.iter_rows(named=True):
            below = self.heights.get(row["prev_hash"], -1)
            assert row["height"] == below + 1
            self.heights[row["hash"]], self.parents[row["hash"]] = row["height"], row["prev_hash"]

    def sync(self, feed: Feed, **settings: str) -> tuple[Batch, ...]:
        """Ask a feed for everything and take it."""
        taken = []
        for batch in feed.batches(self.asked(**settings)):
            self.take(batch)
            taken.append(batch)
        return tuple(taken)

    def notes(self, feed: Feed, **settings: str) -> list[str]:
        """The notes of one sync."""
        return [note for batch in self.sync(feed, **settings) for note in batch.notes]
