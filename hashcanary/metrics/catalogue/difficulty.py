"""Difficulty: by day and by epoch, its changes, and how far an epoch has come."""

from __future__ import annotations

import polars as pl

from hashcanary.chain.networks import RETARGET_INTERVAL
from hashcanary.metrics.declaration import Metric, value
from hashcanary.units import DIFFICULTY, FRACTION

_SOURCE = "Bitcoin Core, rpc/blockchain.cpp GetDifficulty: (0xffff << 208) / target"


def change(frame: pl.DataFrame) -> pl.DataFrame:
    """Relative change of difficulty at each epoch's first block."""
    before = pl.col("epoch.previous_difficulty")
    # one division of one difference: 0 stays exactly 0, and small changes keep their digits
    return frame.select(value=(pl.col("epoch.difficulty") - before) / before)


def epoch_progress(frame: pl.DataFrame) -> pl.DataFrame:
    """Share of its epoch's blocks that are mined at each day's last block."""
    mined = pl.col("blocks.last_height") % RETARGET_INTERVAL + 1
    return frame.select(value=mined / RETARGET_INTERVAL)


DIFFICULTY_DAY = Metric(
    name="difficulty.day",
    title="Difficulty",
    unit=DIFFICULTY,
    inputs=("blocks.difficulty_last",),
    definition="difficulty of the last block, by height, whose header time lies in the UTC day; "
    "where a vendor's figures are used for the day, the vendor's mean of the day",
    source=_SOURCE,
    compute=value(pl.col("blocks.difficulty_last")),
    missing="missing where the day is not final, or neither its blocks nor a vendor's daily "
    "figure are known",
)

DIFFICULTY_EPOCH = Metric(
    name="difficulty.epoch",
    title="Difficulty of the epoch",
    unit=DIFFICULTY,
    grain="epoch",
    inputs=("epoch.difficulty",),
    definition="difficulty of the epoch's first block, and so of all its blocks",
    source=_SOURCE,
    compute=value(pl.col("epoch.difficulty")),
    missing="missing where the epoch's first block is not known",
)

DIFFICULTY_CHANGE = Metric(
    name="difficulty.change",
    title="Difficulty adjustment",
    unit=FRACTION,
    grain="epoch",
    inputs=("epoch.difficulty", "epoch.previous_difficulty"),
    definition="difficulty of the epoch / difficulty of the epoch before - 1, from the targets "
    "consensus encodes, so that their truncation is in it",
    source="Bitcoin Core, pow.cpp CalculateNextWorkRequired",
    compute=change,
    missing="missing where no block of the epoch before is known",
    differs="1209600 s / time of the epoch - 1, which knows neither the limits nor the truncation",
)

DIFFICULTY_EPOCH_PROGRESS = Metric(
    name="difficulty.epoch_progress",
    title="Progress of the difficulty epoch",
    unit=FRACTION,
    inputs=("blocks.last_height",),
    definition="blocks of the epoch mined at the day's last block / 2016",
    source="Bitcoin Core, consensus/params.h DifficultyAdjustmentInterval",
    compute=epoch_progress,
    missing="missing where the day's blocks are not all known or the day is not final; a vendor's "
    "figures are never used",
)
