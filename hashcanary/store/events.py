"""What happened to the chain while it was followed, as rows of the table ``events``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.sources.facts import EVENTS

if TYPE_CHECKING:
    from hashcanary.store.held_headers import HeldHeaders

REORG = "reorg"


def reorganisation(
    before: HeldHeaders, after: HeldHeaders, source: str, time: int
) -> pl.DataFrame | None:
    """One row of EVENTS where the tip there was before is no longer on the active chain.

    height: of the fork, the last block both branches share; null where the new chain shares none.
    depth: how many blocks were left. time: Unix seconds at which it was seen. None where the tip
    stands.
    """
    old, new = before.tip, after.tip
    if old is None or new is None or after.is_active(old):
        return None
    fork = after.fork_below(old)
    detail = {
        "depth": None if fork is None else old.height - fork.height,
        "old_height": old.height,
        "old_tip": old.hash.hex(),
        "new_height": new.height,
        "new_tip": new.hash.hex(),
    }
    row = {
        "time": time,
        "kind": REORG,
        "height": None if fork is None else fork.height,
        "detail": json.dumps(detail, sort_keys=True),
        "source": source,
        "known_at": time,
    }
    return pl.DataFrame([row], schema=EVENTS.schema)
