"""Asks peers for headers on behalf of a lake that holds given ones, without a lake."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.chain.headers import encode_headers
from hashcanary.errors import HashcanaryError
from hashcanary.sources.catalogue.p2p import P2P
from hashcanary.sources.facts import EVENTS, HEADERS
from hashcanary.sources.feed import Asked, Held
from support.clocks import Clock
from support.mining import double_sha256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.chain.networks import Network
    from hashcanary.sources.feed import Batch

NOW = 1_600_000_000


@dataclass
class Answer:
    """What the feed gave. headers: raw, in order; events: their details."""

    batches: list[Batch]
    headers: list[bytes]
    heights: list[int]
    notes: tuple[str, ...]
    events: list[dict[str, str]]
    error: HashcanaryError | None

    @property
    def reasons(self) -> list[str]:
        return [event["reason"] for event in self.events]


def held_of(network: Network, chain: Sequence[bytes], first: int = 0) -> Held:
    """A lake whose active chain is ``chain``, raw headers from a height on."""
    names = [double_sha256(header)[::-1] for header in chain]
    heights = {name: first + at for at, name in enumerate(names)}
    steps = [*range(10), *(9 + 2**power for power in range(1, 25))]
    places = [len(chain) - 1 - step for step in steps if step < len(chain)]
    frame = pl.DataFrame(
        {
            "height": pl.Series([heights[name] for name in names], dtype=pl.Int64),
            "hash": pl.Series(names, dtype=pl.Binary),
            "time": pl.Series([_number(header, 68) for header in chain], dtype=pl.Int64),
            "bits": pl.Series([_number(header, 72) for header in chain], dtype=pl.Int64),
        }
    )
    return Held(
        network=network,
        locator=tuple(names[place] for place in places),
        tip_height=first + len(chain) - 1 if chain else None,
        height_of=heights.get,
        heights_with=lambda *_: np.empty(0, np.int64),
        last_known=lambda *_: None,
        active_from=lambda height: frame.filter(pl.col("height") >= height),
    )


def asked(held: Held, peers: Sequence[str], clock: Clock | None = None, **settings: str) -> Asked:
    """The question; the time-out is for a busy machine."""
    told = {"timeout": "20", "peers": ",".join(peers)} | settings
    return Asked(held, {}, told, clock or Clock(NOW))


def ask(
    network: Network,
    peers: Sequence[str],
    chain: Sequence[bytes] = (),
    first: int = 0,
    **settings: str,
) -> Answer:
    """All that peers give beyond the chain that is held."""
    batches: list[Batch] = []
    error = None
    try:
        for batch in P2P.batches(asked(held_of(network, chain, first), peers, **settings)):
            batches.append(batch)  # noqa: PERF402 (what came before an error counts)
    except HashcanaryError as raised:
        error = raised
    facts = [one for batch in batches for one in batch.facts]
    headers = [one.frame for one in facts if one.table is HEADERS]
    events = [one.frame for one in facts if one.table is EVENTS]
    for frame in headers:
        assert frame.schema == pl.Schema(HEADERS.schema)
    for frame in events:
        assert frame.schema == pl.Schema(EVENTS.schema)
        assert set(frame["kind"]) == {"peer-dropped"}
    raw = b"".join(encode_headers(frame) for frame in headers)
    return Answer(
        batches=batches,
        headers=[raw[at : at + 80] for at in range(0, len(raw), 80)],
        heights=[height for frame in headers for height in frame["height"]],
        notes=tuple(note for batch in batches for note in batch.notes),
        events=[json.loads(text) for frame in events for text in frame["detail"]],
        error=error,
    )


def _number(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 4], "little")
