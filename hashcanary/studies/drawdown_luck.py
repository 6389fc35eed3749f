"""How often luck alone makes a drawdown of the hashrate, by the metric that it was read from.

Every drawdown that is shown anywhere is judged here, so that one fall has one answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from hashcanary.inference.luck.luck import YEAR, drawdown_luck
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.inference.luck.luck import DrawdownLuck
    from hashcanary.metrics.engine import Metrics

EPOCHS_PER_YEAR = YEAR / 14
DEFINITION = (
    "how often block arrivals alone take this mean as far below its highest of the last year (or "
    "since its peak, where that is longer) at constant hashrate; growth makes it rarer"
)


class Drawdown(NamedTuple):
    """A drawdown: fraction below 0, start of its row and of its peak's, Unix seconds."""

    value: float
    time: int
    peak_time: int


def luck_of_drawdowns(
    metrics: Metrics, smoothing: str, falls: Sequence[Drawdown | None]
) -> list[DrawdownLuck | None]:
    """The luck of falls of ``drawdown.SMOOTHING``; None where there is none or nothing to rest on.

    smoothing: ``day``, ``sma7`` and so on, or ``epoch``. Needs ``hashrate.SMOOTHING`` computed.
    """
    epoch = smoothing == "epoch"
    counted = "intervals" if epoch else "effective_blocks"
    rows = metrics[f"hashrate.{smoothing}"].rows.select("time", pl.col(counted).cast(pl.Float64))
    blocks: dict[int, float | None] = dict(rows.iter_rows())
    window = 1.0 if epoch or smoothing == "day" else float(smoothing.removeprefix("sma"))
    row_days = YEAR / EPOCHS_PER_YEAR if epoch else 1.0
    found: list[DrawdownLuck | None] = [None] * len(falls)
    known = [
        (place, fall, (now + peak) / 2)
        for place, fall in enumerate(falls)
        if fall is not None
        and fall.value < 0
        and (now := blocks.get(fall.time)) is not None
        and (peak := blocks.get(fall.peak_time)) is not None
    ]
    luck = drawdown_luck(
        [-fall.value for _, fall, _ in known],
        [count for _, _, count in known],
        [window] * len(known),
        [(fall.time - fall.peak_time) / DAY / row_days for _, fall, _ in known],
        law="blocks" if epoch else "time",
        rows_per_year=YEAR / row_days,
    )
    for (place, _, _), one in zip(known, luck, strict=True):
        found[place] = one
    return found
