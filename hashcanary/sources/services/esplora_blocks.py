"""Walks the blocks of an esplora or mempool service that the lake does not have.

1. The newest page tells the tip. Wanted are the heights from a first one up to it, without those
   whose rows the lake has, and with those whose block it does not know.
2. They are asked for from below, a page at a time. A page whose first block names a parent that
   nobody knows lies on another branch: the pages below it are fetched, down to the fork.
3. If two pages of one branch do not fit, the service's chain changed meanwhile: all is asked anew.

Every header of a page is put together from its fields, hashed, and held against the hash that the
page names it by and against its own target, so that nothing about a header rests on the service's
word. What is beside the header does: mempool adds fees, the coinbase's value and script, the pool.

References: Esplora ``API.md`` ("Block format"); mempool ``mempool.interfaces.ts`` (BlockExtended).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.chain.errors import ChainError
from hashcanary.chain.headers import Places, decode_headers, encode_headers
from hashcanary.chain.networks import Network
from hashcanary.chain.proof_of_work import check_proof_of_work
from hashcanary.chain.subsidy import subsidy_column
from hashcanary.sources.errors import BadHeaders, BadValue, OutOfOrder, StaleService
from hashcanary.sources.facts import BLOCKS, HEADERS, POOL_LABELS, Facts
from hashcanary.sources.feed import Batch, Held
from hashcanary.sources.files.blocks_table import blocks_of
from hashcanary.sources.files.columns import EARLIEST, LATEST, MAX_HEIGHT, Table
from hashcanary.sources.http.json_documents import Node
from hashcanary.sources.source import Content, Options

if TYPE_CHECKING:
    from hashcanary.sources.http.client import Answer, Http


# esplora gives 10 blocks a page, mempool 15
MOST_BLOCKS = 100
_MAX_SATOSHIS = 21 * 10**14
_NO_PARENT = bytes(32)
_FIELDS = ("hash", "prev_hash", "version", "merkle_root", "time", "bits", "nonce")
_EXTRAS: dict[str, pl.DataType] = {
    "total_fee": pl.Int64(),
    "coinbase_value": pl.Int64(),
    "coinbase_script": pl.Binary(),
    "pool": pl.String(),
    "slug": pl.String(),
}
_SCHEMA: dict[str, pl.DataType] = (
    {"height": pl.Int64(), **{name: HEADERS.schema[name] for name in _FIELDS}}
    | dict.fromkeys(("tx_count", "size", "weight", "median_time_past"), pl.Int64())
    | _EXTRAS
)


@dataclass(frozen=True, slots=True)
class Page:
    """Blocks that follow one another, ascending by height. rows: what an answer says of each."""

    url: str
    rows: pl.DataFrame
    network: Network

    @property
    def lowest(self) -> int:
        """The height of its first block."""
        return int(self.rows["height"][0])

    @property
    def top(self) -> int:
        """The height of its last block."""
        return int(self.rows["height"][-1])

    @property
    def parent(self) -> bytes:
        """The hash of the block before its first one."""
        return bytes(self.rows["prev_hash"][0])

    @property
    def tip(self) -> bytes:
        """The hash of its last block."""
        return bytes(self.rows["hash"][-1])

    def only(self, wanted: pl.Series) -> Page:
        """The page with the rows where ``wanted`` is true."""
        return Page(self.url, self.rows.filter(wanted), self.network)

    def headers(self, source: str) -> Facts:
        """Rows of HEADERS; their heights are for the lake to find by their parents."""
        return HEADERS.facts(self.rows.drop("height"), source, known_at="time")

    def blocks(self, source: str) -> Facts:
        """Rows of BLOCKS. Raises BadValue where a row breaks a rule that rows must keep."""
        columns = [name for name in BLOCKS.schema if name in self.rows.columns]
        table = Table(self.url, self.rows.select(columns), "row", 1)
        content = Content(Path(source), source, b"", "")
        parsed = blocks_of(content, Options(network=self.network), source, table)
        extras = self.rows.select("hash", "coinbase_value", "coinbase_script")
        frame = (
            parsed.facts[0]
            .frame.drop("coinbase_value", "coinbase_script")
            .join(extras, on="hash", how="left", maintain_order="left")
        )
        self._check_claims(table, frame)
        return BLOCKS.facts(frame, source)

    def labels(self, source: str) -> Facts:
        """Rows of POOL_LABELS: whom the service takes for the miner, where it says so.

        It labels by the coinbase, which is known with the block; it may judge anew later.
        """
        rows = self.rows.filter(pl.col("pool").is_not_null()).with_columns(
            evidence=pl.format("the service's word: {}", pl.col("slug").fill_null("no slug")),
            list=pl.lit(source),
        )
        return POOL_LABELS.facts(rows, source, known_at="time")

    def _check_claims(self, table: Table, blocks: pl.DataFrame) -> None:
        """No coinbase may take more than subsidy and fees; rows of both are ascending."""
        subsidy = pl.Series(subsidy_column(blocks["height"].to_numpy(), self.network))
        most = subsidy + blocks["total_fee"]
        table.refuse(
            blocks["coinbase_value"] > most,
            "total_fee",
            "fees that with the subsidy make up what the coinbase takes",
            "The service is wrong about this block: ask another.",
        )


def parse_page(document: object, url: str, network: Network) -> Page:
    """The blocks of an answer, checked: form, order, links, hashes, proof of work.

    Raises WrongSchema, OutOfOrder, BadValue, BadHeaders; each names the URL and the place.
    """
    nodes = list(Node(document, url).items(MOST_BLOCKS))
    if not nodes:
        Node(document, url).fail("at least one block")
    read = [_row(node) for node in nodes]
    _check_order(url, read)
    rows = pl.DataFrame(read[::-1], schema=_SCHEMA)
    _check_headers(url, rows, network)
    return Page(url, rows, network)


def _row(block: Node) -> dict[str, object]:
    height = block.at("height").integer(0, MAX_HEIGHT, "a height")
    orphan = height == 0 and not block.has("previousblockhash")
    version = block.at("version").integer(-(1 << 31), (1 << 32) - 1, "a block's version")
    row: dict[str, object] = {
        "height": height,
        "hash": block.at("id").hash(),
        "prev_hash": _NO_PARENT if orphan else block.at("previousblockhash").hash(),
        # Core takes it for signed, esplora for unsigned
        "version": version - (1 << 32) if version >= 1 << 31 else version,
        "merkle_root": block.at("merkle_root").hash(),
        "time": block.at("timestamp").integer(EARLIEST, LATEST, "Unix seconds"),
        "bits": block.at("bits").integer(1, LATEST, "a compact target"),
        "nonce": block.at("nonce").integer(0, LATEST),
        "tx_count": block.at("tx_count").integer(1, 10**6),
        "size": block.at("size").integer(80, 4_000_000),
        "weight": block.at("weight").integer(80, 4_000_000),
        "median_time_past": None,
    }
    if block.has("mediantime"):
        row["median_time_past"] = block.at("mediantime").integer(0, LATEST, "Unix seconds")
    return row | _extras(block)


def _extras(block: Node) -> dict[str, object]:
    """What mempool adds; null where it does not, or not yet."""
    found: dict[str, object] = dict.fromkeys(_EXTRAS)
    if not block.has("extras"):
        return found
    extras = block.at("extras")
    for name, column in (("totalFees", "total_fee"), ("reward", "coinbase_value")):
        if extras.has(name):
            found[column] = extras.at(name).integer(0, _MAX_SATOSHIS, "satoshis")
    if extras.has("coinbaseRaw"):
        found["coinbase_script"] = extras.at("coinbaseRaw").hex(2, 100, "a coinbase's scriptSig")
    if extras.has("pool"):
        pool = extras.at("pool")
        found["pool"] = pool.at("name").text("a pool's name", 100)
        found["slug"] = pool.at("slug").text("a pool's slug", 100) if pool.has("slug") else None
    return found


def _check_order(url: str, read: list[dict[str, object]]) -> None:
    """Each block is the parent of the one listed before it."""
    for index in range(1, len(read)):
        child, block = read[index - 1], read[index]
        expected = int(str(child["height"])) - 1
        if block["height"] != expected:
            raise OutOfOrder(
                url=url,
                path=f"$[{index}].height",
                expected=f"height {expected:,}, one below the block before it in the list",
                found=f"{block['height']:,}",
            )
        if block["hash"] != child["prev_hash"]:
            raise OutOfOrder(
                url=url,
                path=f"$[{index}].id",
                expected=f"the parent of the block before it, {_hex(child['prev_hash'])}",
                found=_hex(block["hash"]),
            )


def _check_headers(url: str, rows: pl.DataFrame, network: Network) -> None:
    """Every header's fields give the hash it is named by, and that hash meets its target."""
    columns = decode_headers(encode_headers(rows))
    computed = columns.frame()["hash"]
    wrong = rows["hash"] != computed
    if wrong.any():
        index = wrong.arg_true()[0]
        raise BadValue(
            file=url,
            place=f"$[{rows.height - 1 - index}].id, height {rows['height'][index]:,}",
            expected=f"the hash of the header's own fields, {computed[index].hex()}",
            found=rows["hash"][index].hex(),
            more="",
            remedy="The service is wrong about this block: ask another.",
        )
    try:
        check_proof_of_work(columns, network, Places(int(rows["height"][0])))
    except ChainError as error:
        raise BadHeaders(file=url, problem=error) from error


def _hex(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


SOURCE = "esplora"
# a service may be a few blocks late, but one that stands still must be told from that
_MOST_BEHIND = 6
# deeper than any reorganisation there was, and than the 144 blocks of a day
_MOST_BACK = 200
_MOST_CHANGES = 5
_ABSENT = frozenset({400, 404, 405})


@dataclass(slots=True)
class Explorer:
    """A service's pages. mempool serves them with extras under ``v1/``, esplora does not."""

    http: Http
    network: Network
    extended: bool = True

    def newest(self) -> Page:
        """The page that ends at the tip."""
        if self.extended:
            answer = self.http.get("v1/blocks", accept=_ABSENT)
            if answer.status not in _ABSENT:
                return self._page(answer)
            self.extended = False
        return self._page(self.http.get("blocks"))

    def up_to(self, height: int) -> Page:
        """The page that ends at ``height``. Raises OutOfOrder where it ends elsewhere."""
        answer = self.http.get(f"{'v1/' if self.extended else ''}blocks/{height}")
        page = self._page(answer)
        if page.top != height:
            raise OutOfOrder(
                page.url, "$[0].height", f"height {height:,}, as asked", f"{page.top:,}"
            )
        return page

    def _page(self, answer: Answer) -> Page:
        return parse_page(answer.json(), answer.url, self.network)


@dataclass(slots=True)
class Walk:
    """One walk from ``first`` to the tip. recent: how many blocks are wanted where nothing else
    says from where on; start: the first wanted height, if the user or the cursor names one.
    """

    explorer: Explorer
    held: Held
    recent: int
    start: int | None
    _seen: set[bytes] = field(default_factory=set)
    _wanted: frozenset[int] = frozenset()
    # heights between which all blocks brought by this walk lie
    _began: int = -1
    _reached: int = -1

    def batches(self) -> Iterator[Batch]:
        """What is new, a page a batch. Raises StaleService, OutOfOrder, what pages raise."""
        have = frozenset(self.held.heights_with(SOURCE).tolist())
        for _ in range(_MOST_CHANGES):
            newest = self.explorer.newest()
            if (yield from self._reach(newest, have)):
                return
        raise OutOfOrder(
            url=newest.url,
            path="its pages",
            expected="pages of one chain",
            found=f"another chain in each of {_MOST_CHANGES} attempts",
        )

    def _reach(self, newest: Page, have: frozenset[int]) -> Generator[Batch, None, bool]:
        """Walk to the tip; false where the service's chain changed on the way."""
        notes = self._notes(newest.top)
        left = self._still_wanted(newest, have)
        self._wanted, total = frozenset(left), len(left)
        while left:
            top = min(left[0] + newest.rows.height - 1, newest.top)
            page = newest if newest.lowest <= left[0] else self.explorer.up_to(top)
            run = self._linked(page)
            if run is None:
                return False
            left = [height for height in left if height > page.top]
            for part in run:
                batch = self._batch(part, total - len(left), total, notes)
                if batch is not None:
                    yield batch
                    notes = ()
        return True

    def _notes(self, theirs: int) -> tuple[str, ...]:
        """What is said of the service's reach. Raises StaleService."""
        ours = self.held.tip_height
        if ours is None:
            return ()
        if theirs < ours - _MOST_BEHIND:
            raise StaleService(service=self.explorer.http.service, ours=ours, theirs=theirs)
        if theirs < ours:
            return (f"the service's tip, {theirs:,}, is behind ours, {ours:,}",)
        first = self._first(theirs)
        if first > ours + 1:
            span = f"blocks {ours + 1:,} to {first - 1:,}"
            return (f"{span} were not asked for: set from, or bring their headers otherwise",)
        return ()

    def _first(self, theirs: int) -> int:
        if self.start is not None:
            return self.start
        return max(max(theirs, self.held.tip_height or 0) - self.recent + 1, 0)

    def _still_wanted(self, newest: Page, have: frozenset[int]) -> list[int]:
        """Heights without a row of ours, and those near the tip where another block stands now."""
        first, ours = self._first(newest.top), self.held.tip_height
        wanted = set(range(first, newest.top + 1)) - have
        replaced = zip(newest.rows["height"], newest.rows["hash"], strict=True)
        wanted.update(
            height
            for height, block in replaced
            if (height >= first or (ours is not None and height <= ours)) and not self._known(block)
        )
        return sorted(wanted)

    def _known(self, block: bytes) -> bool:
        return block in self._seen or self.held.height_of(block) is not None

    def _linked(self, page: Page) -> list[Page] | None:
        """A page, and before it those that lead down to a block that is known; None: no chain."""
        run = [page]
        while self._branches_off(run[0]):
            if page.lowest - run[0].lowest > _MOST_BACK:
                raise OutOfOrder(
                    url=run[0].url,
                    path=f"the parent of block {run[0].lowest:,}",
                    expected=f"a block we know, at most {_MOST_BACK} blocks down the chain",
                    found=run[0].parent.hex(),
                )
            below = self.explorer.up_to(run[0].lowest - 1)
            if below.tip != run[0].parent:
                return None
            run.insert(0, below)
        return run

    def _branches_off(self, page: Page) -> bool:
        """Whether we know another block than its parent in its parent's place."""
        if page.lowest == 0 or self._known(page.parent):
            return False
        if self._began < page.lowest <= self._reached + 1:
            return True
        ours = self.held.tip_height
        if ours is None or page.lowest > ours + 1:
            return False
        if self.held.active_from is None:
            return True
        there = self.held.active_from(page.lowest - 1)
        return bool(there.height and there["height"][0] == page.lowest - 1)

    def _batch(self, page: Page, done: int, total: int, notes: tuple[str, ...]) -> Batch | None:
        """What a page has that is new; None where that is nothing."""
        known = pl.Series([self._known(block) for block in page.rows["hash"]], dtype=pl.Boolean)
        again = pl.Series([block in self._seen for block in page.rows["hash"]], dtype=pl.Boolean)
        asked = page.rows["height"].is_in(list(self._wanted))
        new, unheard = page.only(~known | (asked & ~again)), page.only(~known)
        if not new.rows.height:
            return None
        self._seen.update(new.rows["hash"])
        self._began = new.lowest if self._began < 0 else min(self._began, new.lowest)
        self._reached = max(self._reached, page.top)
        facts = [unheard.headers(SOURCE)] if unheard.rows.height else []
        facts.append(new.blocks(SOURCE))
        labels = new.labels(SOURCE)
        if labels.frame.height:
            facts.append(labels)
        cursor: dict[str, object] = {"height": page.top, "hash": page.tip.hex()}
        return Batch(tuple(facts), cursor, done, total, "blocks", notes)
