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
    costs=(
        "81 bytes of traffic a header and peer: 77 MB for 950,000 headers. Nothing is kept beside "
        "the lake; memory below 150 MB. A peer is asked for headers alone and trusted in nothing."
    ),
)
