"""The base columns metrics start from, one frame a grain, prepared from a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.metrics.declaration import BaseInput, Grain

if TYPE_CHECKING:
    import polars as pl

    from hashcanary.store.record import Record

BASE_INPUTS: dict[Grain, dict[str, BaseInput]] = {"day": {}, "epoch": {}}


def base_frames(record: Record) -> dict[Grain, pl.DataFrame]:
    """One frame a grain; columns: ``time``, the base inputs, their known_at and basis columns."""
    raise NotImplementedError
