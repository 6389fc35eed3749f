"""A block explorer's API: mempool.space or any other mempool or esplora, one's own too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.chain.networks import MAIN
from hashcanary.errors import UsageError
from hashcanary.sources.feed import Choice, Feed, Number
from hashcanary.sources.http.line import Limits
from hashcanary.sources.services.esplora_blocks import SOURCE, Explorer, Walk
from hashcanary.sources.services.price_ticks import tick_batches
from hashcanary.sources.services.settings import SHARED, client, url_and_rate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hashcanary.sources.feed import Asked, Batch

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
        raise UsageError(
            argument="the setting url",
            expected=f"the URL of an explorer of {network.name}",
            found=url,
            remedy="Set it with -o url=URL or in sources.toml.",
        )
    return _ELSEWHERE[network.name]


def wait(asked: Asked) -> None:
    """Let some time pass: a service tells nobody of a new block."""
    asked.clock.sleep(_POLL.whole(asked.settings))


ESPLORA = Feed(
    name="esplora",
    title="Block explorer (mempool.space, esplora)",
    gives=("headers", "blocks", "pool_labels", "candles"),
    settings=(_URL, _RATE, *SHARED, _BLOCKS, _FROM, _PRICES, _POLL),
    batches=batches,
    wait=wait,
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
