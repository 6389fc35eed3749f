"""Pages of blocks as esplora and mempool give them, newest first, and what they say of each.

Every header is put together from its fields, hashed, and held against the hash that the page names
it by and against its own target, so that nothing about a header rests on the service's word. What
is beside the header does: mempool adds fees, the coinbase's value and script, and the pool.

References: Esplora ``API.md`` ("Block format"); mempool ``mempool.interfaces.ts`` (BlockExtended).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.chain.errors import ChainError
from hashcanary.chain.headers import Places, decode_headers, encode_headers
from hashcanary.chain.proof_of_work import check_proof_of_work
from hashcanary.chain.subsidy import subsidy_column
from hashcanary.sources.errors import BadHeaders, BadValue, OutOfOrder
from hashcanary.sources.facts import BLOCKS, HEADERS, POOL_LABELS, Facts
from hashcanary.sources.files.blocks_table import blocks_of
from hashcanary.sources.files.columns import EARLIEST, LATEST, MAX_HEIGHT, Table
from hashcanary.sources.http.json_documents import Node
from hashcanary.sources.source import Content, Options

if TYPE_CHECKING:
    from hashcanary.chain.networks import Network

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
        rows = self.rows.with_columns(
            height=pl.lit(None, pl.Int64), source=pl.lit(source), known_at=pl.col("time")
        )
        return Facts(HEADERS, rows.select(list(HEADERS.schema)))

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
            .with_columns(source=pl.lit(source))
        )
        self._check_claims(table, frame)
        return Facts(BLOCKS, frame.select(list(BLOCKS.schema)))

    def labels(self, source: str) -> Facts:
        """Rows of POOL_LABELS: whom the service takes for the miner, where it says so.

        It labels by the coinbase, which is known with the block; it may judge anew later.
        """
        rows = self.rows.filter(pl.col("pool").is_not_null()).with_columns(
            evidence=pl.format("the service's word: {}", pl.col("slug").fill_null("no slug")),
            list=pl.lit(source),
            source=pl.lit(source),
            known_at=pl.col("time"),
        )
        return Facts(POOL_LABELS, rows.select(list(POOL_LABELS.schema)))

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
