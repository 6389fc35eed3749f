"""Filter and forecast over the full real record, and the posterior of one new block.

No peer filters blocks, so only the bars stand beside ours. The medians of several rounds after a
first one that compiles.
"""

from __future__ import annotations

import statistics
import time

from retarget_forecast import record
from table import show

from hashcanary.chain.networks import MAIN
from hashcanary.inference.filter.bank import run_bank
from hashcanary.inference.filter.observations import blocks_of, observe
from hashcanary.inference.filter.posterior import NewBlock, advance, posterior, state_of
from hashcanary.inference.retarget.forecast import forecast_from
from hashcanary.store.record import Record

ROUNDS, NEW_BLOCKS = 5, 300
RECORD_BAR, BLOCK_BAR = 1.0, 0.001


def whole(rec: Record) -> float:
    """Seconds for everything over the whole record."""
    start = time.perf_counter()
    blocks = blocks_of(rec)
    forecast_from(blocks, posterior(state_of(blocks, MAIN)), MAIN)
    run_bank(observe(blocks, MAIN), keep=True)
    return time.perf_counter() - start


def one_by_one(rec: Record) -> list[float]:
    """Seconds of each of the last blocks, added one by one with the posterior after each."""
    blocks, took = blocks_of(rec), []
    bits = rec.blocks["bits"].to_list()
    first = blocks.height.size - NEW_BLOCKS
    state = state_of(blocks.part(0, first), MAIN)
    for i in range(first, blocks.height.size):
        block = NewBlock(
            int(blocks.height[i]), int(blocks.time[i]), bits[i], float(blocks.change[i])
        )
        start = time.perf_counter()
        state = advance(state, block)
        posterior(state)
        took.append(time.perf_counter() - start)
    return took


def measure() -> list[dict[str, object]]:
    """The rows of the table."""
    rec = record()
    whole(rec)
    one_by_one(rec)
    full = statistics.median(whole(rec) for _ in range(ROUNDS))
    each = statistics.median(one_by_one(rec))
    return [
        _row(
            f"filter with all states, forecast: {rec.blocks.height:,} blocks, s", full, RECORD_BAR
        ),
        _row("posterior of one more block, ms", 1000 * each, 1000 * BLOCK_BAR),
    ]


def _row(what: str, ours: float, bar: float) -> dict[str, object]:
    return {"what": what, "ours": ours, "bar": f"below {bar:g}", "reached": ours < bar}


if __name__ == "__main__":
    raise SystemExit(show(measure()))
