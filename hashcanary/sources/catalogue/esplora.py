"""A block explorer's API: mempool.space or any other mempool or esplora, one's own too.

Blocks come first, then prices: mempool's historical series, one number an hour, or a day. What a
tick's time means depends on how mempool got it (``price-updater.ts``, ``kraken-api.ts``): while it
runs, the average of exchanges' last prices, dated by the full hour; for hours or days before that,
the close of an exchange's candle, dated by its opening. Nothing tells which. So each tick is taken
for the close of the candle that begins at its time and ends at the next tick's: right for the
second kind, an hour old for the first, and never known too soon. A tick without another one an hour
or a day later is not kept, and neither is a Thursday's midnight among daily ticks: there mempool
has Kraken's close of the whole week.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from hashcanary.chain.networks import MAIN
from hashcanary.moments import DAY, iso_time
from hashcanary.sources.errors import OutOfOrder
from hashcanary.sources.facts import CANDLES, Facts
from hashcanary.sources.feed import Asked, Batch, Choice, Feed, Number
from hashcanary.sources.files.columns import LATEST, Table, settle
from hashcanary.sources.http.client import Http
from hashcanary.sources.http.json_documents import Node
from hashcanary.sources.http.line import Limits
from hashcanary.sources.services.esplora_blocks import SOURCE, Explorer, Walk
from hashcanary.sources.services.settings import SHARED, client, url_and_rate

MARKET = "mempool BTC-USD"
HOUR = 3600
# hourly from 2009 to 2090
_MOST_TICKS = 1_000_000
_ABSENT = frozenset({400, 404, 405})
_THURSDAY = 4
# mempool fills in what it missed once a day; what it filled in later than this is not asked for
_LOOK_BACK = 3 * DAY


@dataclass(frozen=True, slots=True)
class Ticks:
    """Candles made of ticks, ascending, and what was not kept."""

    frame: pl.DataFrame
    notes: tuple[str, ...]


def parse_ticks(document: object, url: str, source: str) -> Ticks:
    """Rows of CANDLES of which only the close is known.

    Raises WrongSchema, OutOfOrder (published newest first), BadValue, ConflictingRows.
    """
    times: list[int] = []
    prices: list[float] = []
    unpriced = 0
    for index, node in enumerate(Node(document, url).at("prices").items(_MOST_TICKS)):
        # before trading began, mempool dates a price of nothing
        time = node.at("time").integer(0, LATEST, "Unix seconds")
        price = node.at("USD").real("a price in USD")
        if times and time > times[-1]:
            raise OutOfOrder(
                url=url,
                path=f"$.prices[{index}].time",
                expected=f"a time not after the one before it, {iso_time(times[-1])}",
                found=iso_time(time),
            )
        if price <= 0:
            unpriced += 1
            continue
        times.append(time)
        prices.append(price)
    notes = [f"ticks without a price: {unpriced:,}"] if unpriced else []
    read = pl.DataFrame({"time": times, "USD": prices}, {"time": pl.Int64(), "USD": pl.Float64()})
    table = Table(url, read, "row", 1)
    found = pl.DataFrame([table.times("time")[0] if times else read["time"], table.prices("USD")])
    once, _ = settle(table, found, ("time",))
    kept, further = _candles(once, source)
    return Ticks(kept, (*notes, *further))


def _candles(ticks: pl.DataFrame, source: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Ticks with a next one an hour or a day later, as candles."""
    span = (pl.col("time").shift(-1) - pl.col("time")).alias("interval")
    spans = ticks.with_columns(span)
    thursday = pl.from_epoch("time", "s").dt.weekday() == _THURSDAY
    weekly = thursday & (pl.col("interval") == DAY)
    usable = pl.col("interval").is_in([HOUR, DAY]).fill_null(value=False)
    aligned = pl.col("time") % pl.col("interval") == 0
    kept = spans.filter(usable & aligned & ~weekly)
    left_out = max(ticks.height - kept.height - 1, 0)
    notes = (
        (f"ticks not kept, for none follows an hour or a day later: {left_out:,}",)
        if left_out
        else ()
    )
    rows = kept.with_columns(
        market=pl.lit(MARKET),
        open_time=pl.col("time"),
        close=pl.col("USD"),
        known_at=pl.col("time") + pl.col("interval"),
    )
    return CANDLES.facts(rows, source).frame, notes


def tick_batches(
    asked: Asked, http: Http, source: str, cursor: Mapping[str, object]
) -> Iterator[Batch]:
    """The ticks that are new. ``cursor``: where the feed's other part stopped, kept as it is."""
    last = asked.held.last_known("candles", MARKET, HOUR)
    if last is not None and asked.clock.now() < last + 2 * HOUR:
        return
    answer = http.get("v1/historical-price", {"currency": "USD"}, accept=_ABSENT)
    if answer.status in _ABSENT:
        return
    ticks = parse_ticks(answer.json(), answer.url, source)
    known = pl.col("known_at")
    new = ticks.frame.filter(known <= int(asked.clock.now()))
    if last is not None:
        new = new.filter(known > last - _LOOK_BACK)
        if not new.filter(known > last).height:
            return
    if new.height:
        facts = (Facts(CANDLES, new),)
        yield Batch(facts, dict(cursor), new.height, new.height, "prices", ticks.notes)


_MOST_HEIGHT = 10**8
_MEMPOOL = "https://mempool.space/api"
# where mempool.space has other networks than main
_ELSEWHERE = {
    "testnet4": "https://mempool.space/testnet4/api",
    "signet": "https://mempool.space/signet/api",
}
_URL, _RATE = url_and_rate(_MEMPOOL, 30)
_BLOCKS = Number(
    "blocks", "how many of the latest blocks to bring, at first", "4032", low=1, high=_MOST_HEIGHT
)
_FROM = Number(
    "from", "the height to begin at, instead of so many of the latest", high=_MOST_HEIGHT
)
_PRICES = Choice("prices", "yes: bring prices too, where the service has them", "yes")
_POLL = Number("poll", "seconds between questions while the tip is followed", "60", low=10)
_LIMITS = Limits(body=32 << 20)


def batches(asked: Asked) -> Iterator[Batch]:
    """Blocks that the lake does not have, then prices."""
    start = _FROM.whole_unless(asked.settings)
    recent = _BLOCKS.whole(asked.settings)
    prices = _PRICES.word(asked.settings)
    cursor = dict(asked.cursor)
    network = asked.held.network
    with client(asked, SOURCE, _LIMITS, _url(asked), _RATE) as http:
        for batch in Walk(Explorer(http, network), asked.held, recent, start).batches():
            cursor = batch.cursor
            yield batch
        if prices == "yes" and network == MAIN:
            yield from tick_batches(asked, http, SOURCE, cursor)


def _url(asked: Asked) -> str:
    """The URL as set; where nobody set one, that of the lake's network. Raises UsageError."""
    url, network = _URL.text(asked.settings), asked.held.network
    if url != _MEMPOOL or network == MAIN:
        return url
    if network.name not in _ELSEWHERE:
        raise _URL.refused(f"the URL of an explorer of {network.name}", url)
    return _ELSEWHERE[network.name]


ESPLORA = Feed(
    name="esplora",
    title="Block explorer (mempool.space, esplora)",
    gives=("headers", "blocks", "pool_labels", "candles"),
    settings=(_URL, _RATE, *SHARED, _BLOCKS, _FROM, _PRICES, _POLL),
    batches=batches,
    wait=_POLL.pause,
    example=(
        "# the last 4,032 blocks and prices from your own mempool.space instance\n"
        "hashcanary sync --source esplora -o url=http://127.0.0.1:8999/api"
    ),
    costs=(
        "One request for 15 blocks (10 from plain esplora), about 3 KB a block; at 30 requests a "
        "minute the default of 4,032 blocks takes nine minutes and 12 MB. It is for the latest "
        "weeks: the whole chain would be 63,000 requests, for which a node or a peer is better. "
        "Prices are one answer of about 2 MB, at most once an hour. Headers are proven by their "
        "work; fees, the coinbase and pools are the service's word."
    ),
)
