"""A simulated history as a record, as a lake that holds it would give it: marked as simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from hashcanary.chain.header_times import median_time_past
from hashcanary.chain.networks import MAIN
from hashcanary.moments import DAY
from hashcanary.simulation.history import BLOCKS_FILE, MARKET
from hashcanary.store.record import Record

if TYPE_CHECKING:
    from hashcanary.simulation.history import History

_DAILY = {"day": pl.Date, "vendor": pl.String, "series": pl.String, "value": pl.Float64}


def record_of(history: History) -> Record:
    """All of a simulated history as known at its end, pools' labels and all; no vendor's days."""
    times, heights = (history.blocks[name].to_numpy() for name in ("time", "height"))
    opened = pl.col("date").cast(pl.String).str.to_date().cast(pl.Datetime("us")).dt.epoch("s")
    return Record(
        at=None,
        at_text="latest",
        network=MAIN,
        simulated=True,
        blocks=history.blocks.select(
            "height",
            "time",
            bits="nbits",
            median_time_past=pl.Series(median_time_past(times, heights)[0]),
            total_fee="totalfee",
            tx_count=pl.lit(None, dtype=pl.Int64),
            size=pl.lit(None, dtype=pl.Int64),
            weight=pl.lit(None, dtype=pl.Int64),
            source=pl.lit(BLOCKS_FILE),
            known_at=pl.col("time").cum_max(),
        ),
        daily=pl.DataFrame(schema={**_DAILY, "known_at": pl.Int64}),
        candles=history.candles.select(
            market=pl.lit(MARKET),
            interval=pl.lit(DAY, dtype=pl.Int64),
            open_time=opened,
            open="open",
            high="high",
            low="low",
            close="close",
            volume=pl.lit(None, dtype=pl.Float64),
            known_at=opened + DAY,
        ),
        provenance={"simulated": f"a history of {history.days} days, seed {history.seed}"},
        pool_labels=history.blocks.select("height", "pool"),
        pool_list="simulated",
    )
