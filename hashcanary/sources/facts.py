"""The form of facts: the tables a source may yield rows for, checked once, at this door.

Facts are kept as they were found: integers for satoshis, bits and times (Unix seconds UTC).
Every row ends up with ``source`` (which file or server) and ``known_at`` (the first moment at
which someone could have known it).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True, slots=True)
class FactTable:
    """A table of the lake: its columns, the columns that identify a row, and what it is about.

    Two rows with the same key are one fact, and columns outside the key must agree. Where
    ``source`` is in the key, each source's word is kept; where it is not, a fact that several
    sources tell alike is kept once, under the least of their names. Either way two sources that
    differ are both kept. Rows with the same subject speak of the same thing: of several, a
    documented precedence takes one.
    """

    name: str
    title: str
    schema: dict[str, pl.DataType]
    key: tuple[str, ...]
    subject: tuple[str, ...]

    def facts(self, rows: pl.DataFrame, source: str, *, known_at: str = "known_at") -> Facts:
        """Rows as facts of a source, columns that they lack null.

        known_at: the column of ``rows`` that says when each was known.
        """
        columns = {
            name: pl.lit(None, dtype)
            for name, dtype in self.schema.items()
            if name not in rows.columns
        }
        columns |= {"source": pl.lit(source), "known_at": pl.col(known_at)}
        full = rows.with_columns(**columns)
        return Facts(self, full.select(list(self.schema)))


# of the columns that are no Int64; a name is of one type in all tables, but for companies' value
_TYPES: dict[str, pl.DataType] = (
    dict.fromkeys(("hash", "prev_hash", "merkle_root"), pl.Binary())
    | dict.fromkeys(("coinbase_script", "coinbase_outputs"), pl.Binary())
    | dict.fromkeys(("open", "high", "low", "close", "volume", "value"), pl.Float64())
    | dict.fromkeys(("day", "period_start", "period_end"), pl.Date())
    | dict.fromkeys(("source", "market", "vendor", "series", "kind", "detail"), pl.String())
    | dict.fromkeys(("pool", "evidence", "list"), pl.String())
    | dict.fromkeys(("company", "figure", "unit", "source_url"), pl.String())
    | {"simulated": pl.Boolean()}
)


def _columns(names: str, **others: pl.DataType) -> dict[str, pl.DataType]:
    """The schema of columns named in their order, then source and known_at."""
    types = _TYPES | others
    return {name: types.get(name, pl.Int64()) for name in (*names.split(), "source", "known_at")}


HEADERS = FactTable(
    "headers",
    "Block headers: a tree, stale branches included. Hashes are 32 bytes in the printed order.",
    _columns("height hash prev_hash version merkle_root time bits nonce"),
    ("hash",),
    ("hash",),
)

BLOCKS = FactTable(
    "blocks",
    "What is known of a block beside its header; null where the source does not say. Of the "
    "coinbase: the sum of its outputs (satoshis), its scriptSig, and its outputs as serialized.",
    _columns(
        "height hash time bits median_time_past subsidy total_fee tx_count size weight "
        "coinbase_value coinbase_script coinbase_outputs"
    ),
    ("height", "hash", "source"),
    ("height",),
)

CANDLES = FactTable(
    "candles",
    "Candles of a market; interval in seconds, known at the close.",
    _columns("market interval open_time open high low close volume"),
    ("market", "interval", "open_time", "open", "high", "low", "close", "volume", "known_at"),
    ("market", "interval", "open_time"),
)

DAILY_REFERENCE = FactTable(
    "daily_reference",
    "Vendors' daily series, long, apart from what we compute; known when the day is over.",
    _columns("day vendor series value"),
    ("day", "vendor", "series", "value", "known_at"),
    ("day", "vendor", "series"),
)

EVENTS = FactTable(
    "events",
    "What happened to the chain or to the data: a reorganisation, a dropped peer. Detail is JSON.",
    _columns("time kind height detail"),
    ("time", "kind", "height", "detail", "source"),
    ("time", "kind", "height"),
)

POOL_LABELS = FactTable(
    "pool_labels",
    "Who mined a block, according to one list of pools: a label, and the evidence for it.",
    _columns("height hash pool evidence list"),
    ("height", "hash", "list", "source"),
    ("height", "hash"),
)

COMPANIES = FactTable(
    "companies",
    "What mining companies report, long: one figure of a company and period a row, an integer of "
    "its unit; known when the day is over on which it was published.",
    _columns(
        "company figure period_start period_end value unit revision simulated source_url",
        value=pl.Int64(),
    ),
    (
        *("company", "figure", "period_start", "period_end", "value", "revision", "simulated"),
        *("source_url", "known_at"),
    ),
    ("company", "figure", "period_start", "period_end"),
)

# what the columns of the tables mean, with their units; a name means the same in all of them
MEANINGS: dict[str, str] = {
    "height": "height of the block; of an event the block it is about",
    "hash": "hash of the header, 32 bytes in the printed order",
    "prev_hash": "hash of the header before it",
    "version": "version field of the header",
    "merkle_root": "root of the transactions",
    "time": "Unix seconds UTC: of a header its own time, of an event when it was seen",
    "bits": "compact target",
    "nonce": "nonce of the header",
    "source": "the file or server the row comes from",
    "known_at": "Unix seconds UTC: the first moment at which someone could have known it",
    "median_time_past": "Unix seconds UTC: median of the last 11 header times",
    "subsidy": "new coins, satoshis",
    "total_fee": "fees of the transactions, satoshis",
    "tx_count": "number of transactions, the coinbase included",
    "size": "bytes",
    "weight": "weight units of BIP 141",
    "coinbase_value": "sum of the coinbase's outputs, satoshis",
    "coinbase_script": "scriptSig of the coinbase",
    "coinbase_outputs": "outputs of the coinbase, as serialized",
    "market": "market of the candle, as named by its source",
    "interval": "length of the candle, seconds",
    "open_time": "Unix seconds UTC at which the candle opens",
    "open": "price at its opening, quote currency a coin",
    "high": "highest price, quote currency a coin",
    "low": "lowest price, quote currency a coin",
    "close": "price at its close, quote currency a coin",
    "volume": "coins traded",
    "day": "UTC day",
    "vendor": "who publishes the series",
    "series": "name of the series; its unit stands at its end",
    "value": "the figure: of a series in the unit of its name, of a company's report in unit",
    "kind": "kind of event",
    "detail": "JSON",
    "pool": "who mined the block by the list",
    "evidence": "what the label rests on: a payout address or a tag",
    "list": "list of pools, NAME@DIGEST",
    "company": "name of the company",
    "figure": "name of the figure",
    "period_start": "first day of the period",
    "period_end": "last day of the period",
    "unit": "unit of the value",
    "revision": "number of the publication of that day",
    "simulated": "whether the report is invented",
    "source_url": "where it was published",
}

TABLES: dict[str, FactTable] = {
    table.name: table
    for table in (HEADERS, BLOCKS, CANDLES, DAILY_REFERENCE, EVENTS, POOL_LABELS, COMPANIES)
}


@dataclass(frozen=True, slots=True)
class Facts:
    """Rows for one table: ``frame`` has its columns, in order.

    ``height`` of a header is null where the file alone does not tell it; ``known_at`` is a
    block's own time, and null only where a block has none.
    """

    table: FactTable
    frame: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one file gave: shown to the user after each load, never left out.

    rows: facts read; first, last: where they begin and end, as people write it (heights or
    dates); gaps: ranges that are missing inside; notes: what was not kept or could not be
    checked, and why.
    """

    rows: int
    first: str
    last: str
    gaps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a source gives for one file: facts and a coverage report, or it raises."""

    kind: str
    facts: tuple[Facts, ...]
    coverage: Coverage
    provenance: dict[str, object] = field(default_factory=dict)


# names of markets of bitcoin against USD, USDT or USDC, and what makes one no spot price of it
_AGAINST_USD = r"(?:^|[^a-z0-9])(?:btc|xbt)[-_/]?(?:usdt|usdc|usd)(?:[^a-z0-9]|$)"
_NO_PRICE = r"cme|future|quarter|option|index|inverse"


def prices_bitcoin(market: pl.Expr) -> pl.Expr:
    """Whether the closes of markets of these names are prices of bitcoin in USD."""
    name = market.str.to_lowercase()
    return name.str.contains(_AGAINST_USD) & ~name.str.contains(_NO_PRICE)
