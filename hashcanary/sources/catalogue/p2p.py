"""Block headers from any Bitcoin node, by the peer-to-peer protocol: no node of one's own."""

from __future__ import annotations

from hashcanary.sources.feed import Feed
from hashcanary.sources.p2p.settings import SETTINGS
from hashcanary.sources.p2p.syncing import batches, wait

P2P = Feed(
    name="p2p",
    title="Block headers from peers",
    gives=("headers", "events"),
    settings=SETTINGS,
    batches=batches,
    wait=wait,
    example=(
        "# headers from your own node and, through Tor, from another; then go on as blocks come\n"
        "hashcanary sync --source p2p -o peers=127.0.0.1,NAME.onion:8333 \\\n"
        "    -o proxy=socks5://127.0.0.1:9050 --follow"
    ),
    costs=(
        "Traffic: 81 bytes a header, 77 MB for 950,000, from the first peer; others are asked only "
        "for what they have beyond it. Time: that of the line; judging 100,000 headers takes 0.2 s "
        "and storing them 0.4 s more (benchmarks/p2p_sync.py). Memory: 100 MB for a whole chain. "
        "Nothing on disk beside the lake. Nothing a peer says is trusted. What is missing "
        "below the lake's blocks is fetched too, and held back (80 bytes a header) until it leads "
        "to the block above the gap."
    ),
)
