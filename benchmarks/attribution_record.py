"""What is said of falls whose causes are on record, from what was known at the time.

``--write`` also writes the table into docs/inference.md. Nothing was set by these falls.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from inference_page import write_part
from real_data import real_data

from hashcanary.chain.networks import MAIN
from hashcanary.inference.explain.causes import NAMES
from hashcanary.inference.gap.explanation import explain_drop
from hashcanary.moments import iso_day, parse_moment
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.recording import record_of
from hashcanary.views.text import probability

if TYPE_CHECKING:
    from hashcanary.inference.gap.explanation import Explanation
    from hashcanary.store.record import Record

# what is on record, and the days on which one asks
FALLS = (
    ("November 2018: the price halves", ("2018-12-10", "2019-01-10")),
    ("March 2020: the price halves", ("2020-03-20", "2020-04-01")),
    ("May 2020: the subsidy halves", ("2020-05-19", "2020-05-30")),
    ("16 April 2021: outage of Xinjiang's grid", ("2021-04-18", "2021-05-01")),
    ("May to July 2021: China bans mining", ("2021-06-20", "2021-07-10", "2021-09-01")),
    ("23 December 2022: storm in the US", ("2022-12-24", "2022-12-31")),
    ("quiet: September 2023", ("2023-09-10",)),
    ("14 January 2024: storm in the US", ("2024-01-16", "2024-01-22")),
    ("April 2024: the subsidy halves", ("2024-05-10", "2024-05-20")),
    ("quiet: September 2024", ("2024-09-15",)),
    ("23 January 2026: storm in the US", ("2026-01-24", "2026-01-26", "2026-02-01")),
)


def page(lake: Lake) -> str:
    """The table with what it means."""
    head = ["event on record", "as known on", "drop found", "depth", *NAMES, "answer", "missing"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    without: list[str] = []
    for what, days in FALLS:
        for day in days:
            record = record_of(lake, parse_moment(day))
            found = explain_drop(record)
            if found.power:
                without.append(_without_power(record, found, day))
            began, depth = "none", ""
            if found.explained is not None:
                drop = found.explained.drop
                began = iso_day(int(drop.begin.value))
                depth = f"{drop.depth.value:.0%} ({drop.depth.low:.0%} to {drop.depth.high:.0%})"
            lacks = sum(one.factors is None for one in found.evidence)
            cells = [
                what,
                day,
                began,
                depth,
                *(probability(found.probabilities[name]) for name in NAMES),
                found.answer,
                f"{lacks} of {len(found.evidence)}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return (
        "Drops whose causes are on record, and two quiet months, each as known on the day in "
        "the second column. Power prices are ERCOT's, from 2025 on; before 2020 pools and most "
        "blocks are not known. No number was fitted to these drops, but the profiles of causes "
        "were stated with knowledge of them.\n\n" + "\n".join(lines) + "\n"
        "\nWhat the price of power adds: " + "; ".join(without) + ".\n"
    )


def _without_power(record: Record, found: Explanation, day: str) -> str:
    """The answer's probability with prices of power and without them."""
    bare = replace(record, daily=record.daily.filter(~pl.col("series").str.starts_with("power_")))
    leading = max(found.probabilities, key=lambda name: found.probabilities[name])
    before = explain_drop(bare).probabilities[leading]
    price = found.power[0]
    return (
        f"on {day} {leading} has {probability(found.probabilities[leading])}, without it "
        f"{probability(before)} ({price.vendor}: {price.highest:,.0f} USD/MWh on "
        f"{iso_day(price.day)}, usual {price.usual:,.0f})"
    )


def main() -> int:
    """Print the table, or write it."""
    data = real_data()
    with tempfile.TemporaryDirectory() as folder:
        lake = load(Lake.create(Path(folder) / "lake", MAIN), [data], now=0).lake
        text = page(lake)
    sys.stdout.write(text)
    if "--write" in sys.argv[1:]:
        write_part("attribution_record", "Drops of known cause", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
