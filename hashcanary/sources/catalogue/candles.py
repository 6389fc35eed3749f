"""Candles of any market: open, high, low, close and volume."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from hashcanary.sources.files.candles_table import CLOSE, FIELDS, HIGH, LOW, OPEN, TIME, candles_of
from hashcanary.sources.files.tables import has, read_table
from hashcanary.sources.source import Content, Options, Probe, Source

if TYPE_CHECKING:
    from hashcanary.sources.facts import Parsed

KIND = "candles"


def recognise(probe: Probe) -> bool:
    """Whether a table has a time and at least three of open, high, low and close."""
    return has(probe.columns, TIME) == 1 and has(probe.columns, OPEN, HIGH, LOW, CLOSE) >= 3


def parse(content: Content, options: Options) -> Parsed:
    """Rows of ``candles``, known at their close.

    The market is what ``options`` call it, else the file's name without its ending: what the file
    is about cannot be told from prices.
    """
    table = read_table(content, KIND, FIELDS)
    market = options.market
    if market is None:
        market = PurePath(content.name).stem
        named = "the market is named after the file; --market NAME gives it another name"
        table = replace(table, notes=(named, *table.notes))
    return candles_of(content, options, KIND, table, market)


CANDLES_SOURCE = Source(
    kind=KIND,
    title="Candles",
    reads=(
        "Parquet, CSV or JSON lines with a time (timestamp, date, open_time), open, high, low, "
        "close and, where present, volume"
    ),
    recognise=recognise,
    parse=parse,
)
