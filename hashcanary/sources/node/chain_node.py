"""A node as it is asked for its chain, whichever of its interfaces answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

import polars as pl

from hashcanary.chain.errors import ChainError
from hashcanary.chain.headers import HEADER_SIZE, header_hash
from hashcanary.chain.whole_block import check_block
from hashcanary.sources.errors import BadBlock
from hashcanary.sources.facts import BLOCKS
from hashcanary.sources.files.columns import EARLIEST, LATEST

if TYPE_CHECKING:
    from hashcanary.sources.http.json_documents import Node

C = TypeVar("C")
P = TypeVar("P")
R = TypeVar("R")
HEADERS_AT_ONCE = 2000
MAX_BLOCKS = 10_000_000  # 190 years of blocks
_CHAINS = {"test": "testnet3"}
Known = Callable[[bytes, int], bool]
"""Whether a block's header is known at a height."""


Row = dict[str, object]
Job = tuple[int, bytes]
Answers = dict[int, Row | str]
"""By height: what is known of the block, or the node's words for why it does not say."""


@dataclass(frozen=True, slots=True)
class State:
    """What a node says of itself.

    chain: its network, by our names; blocks: height of its tip; headers: of the best header it
    knows; best: hash of its tip; loading: whether it is still fetching the chain; kept_from: the
    lowest height whose block it keeps.
    """

    chain: str
    blocks: int
    headers: int
    best: bytes
    loading: bool
    kept_from: int

    @classmethod
    def of(cls, info: Node) -> State:
        """From ``getblockchaininfo``, which REST gives as ``chaininfo.json``."""
        chain = info.at("chain").text("the name of a network", most=100)
        blocks = info.at("blocks").integer(0, MAX_BLOCKS, "a height")
        pruned = info.at("pruned").value is True and info.has("pruneheight")
        return cls(
            chain=_CHAINS.get(chain, chain),
            blocks=blocks,
            headers=info.at("headers").integer(0, MAX_BLOCKS, "a height"),
            best=info.at("bestblockhash").hash(),
            loading=info.at("initialblockdownload").value is True,
            kept_from=info.at("pruneheight").integer(0, MAX_BLOCKS, "a height") if pruned else 0,
        )


@dataclass(frozen=True, slots=True)
class Told:
    """Rows of ``blocks`` for some heights; missing: reasons for the heights without a row;
    partly: what rows that are there lack, by height.
    """

    rows: pl.DataFrame
    missing: Mapping[int, str]
    partly: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Branch:
    """Raw headers of a branch that the node left, ascending; fork: height of the block before."""

    fork: int
    headers: bytes


class ChainNode(Protocol):
    """What a walk asks of a node. Each method raises ServiceError's kinds.

    name: of the source of its rows; url: as people may see it; facts_at_once: heights in one
    question about blocks.
    """

    name: str
    url: str
    facts_at_once: int

    def state(self) -> State:
        """What it says of itself."""

    def hashes(self, heights: Sequence[int]) -> list[bytes | None]:
        """The hashes of its chain at these heights; None above its tip."""

    def headers(self, first: int, count: int, parent: bytes) -> bytes:
        """At most ``count`` raw headers of its chain from height ``first`` on, each the child of
        the one before, the first one of ``parent``; none where the chain has moved.
        """

    def branches(self, known: Known) -> tuple[list[Branch], list[str]]:
        """Branches it left and that are not known, and notes on what was not brought."""

    def asked_from(self, tip: int) -> dict[str, int]:
        """What is asked of blocks, by a column of ``blocks`` that is filled by it: the lowest
        height of a chain up to ``tip`` about whose block that is to be asked.
        """

    def facts(self, heights: Sequence[int], hashes: Sequence[bytes], tip: int) -> Told:
        """What it says of these blocks, of a chain whose tip is at height ``tip``."""


def shared_out(
    clients: Sequence[C], parts: Sequence[P], ask: Callable[[C, P], dict[int, R]]
) -> dict[int, R]:
    """Ask all parts, each over one of the connections; gives the answers together, by height."""
    used = clients[: len(parts)]

    def work(client: C, mine: Sequence[P]) -> dict[int, R]:
        found: dict[int, R] = {}
        for part in mine:
            found |= ask(client, part)
        return found

    if len(used) < 2:
        return work(clients[0], parts)
    together: dict[int, R] = {}
    with ThreadPoolExecutor(len(used)) as pool:
        for found in pool.map(work, used, [parts[at :: len(used)] for at in range(len(used))]):
            together |= found
    return together


def block_rows(rows: Sequence[Mapping[str, object]], name: str) -> pl.DataFrame:
    """Rows of ``blocks`` from what is known of each; known at the block's own time."""
    full = [
        {column: row.get(column) for column in BLOCKS.schema}
        | {"source": name, "known_at": row["time"]}
        for row in rows
    ]
    return pl.DataFrame(full, schema=BLOCKS.schema, orient="row")


def header_time(value: Node) -> int:
    """A time that a header can hold, in Unix seconds."""
    return value.integer(EARLIEST, LATEST, "a time in Unix seconds,")


def coinbase_row(raw: bytes, block: bytes, height: int, url: str) -> Row:
    """What a whole block says of itself, by column, once it is proved to be the one asked for.

    raw: as sent; block: its hash; url: of the node. Raises BadBlock.
    """
    try:
        whole = check_block(raw)
    except ChainError as error:
        raise BadBlock(url, f"{height:,}", "a whole block", str(error)) from error
    found = header_hash(raw[:HEADER_SIZE])
    if found != block:
        raise BadBlock(node=url, block=f"{height:,}", expected=block.hex(), found=found.hex())
    return {
        "time": int.from_bytes(raw[68:72], "little"),
        "tx_count": whole.tx_count,
        "size": whole.size,
        "weight": whole.weight,
        "coinbase_value": whole.coinbase.value,
        "coinbase_script": whole.coinbase.script,
        "coinbase_outputs": whole.coinbase.outputs,
    }


def check_claim(row: Row, height: int, url: str) -> None:
    """Refuse a coinbase that takes more than subsidy and fees. Raises BadBlock."""
    claimed, subsidised, fee = (
        row.get(name) for name in ("coinbase_value", "subsidy", "total_fee")
    )
    if not (isinstance(claimed, int) and isinstance(subsidised, int) and isinstance(fee, int)):
        return
    due = subsidised + fee
    if claimed > due:
        expected = f"a coinbase of at most {due:,} satoshis"
        raise BadBlock(url, f"{height:,}", expected, f"{claimed:,}")
