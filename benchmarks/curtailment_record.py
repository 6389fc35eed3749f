"""Curtailment in the block times of the real record: by year, by clocks that are wrong, by price.

``--write`` also writes the tables into docs/verdict.md.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from inference_page import PAGE, write_part
from retarget_forecast import record

from hashcanary.studies.curtailment import CurtailmentStudy, curtailment_study

if TYPE_CHECKING:
    from hashcanary.interval import Interval


def _percent(change: Interval | None) -> str:
    if change is None:
        return "-"
    return f"{change.value:+.1%} ({change.low:+.1%} to {change.high:+.1%})"


def page(found: CurtailmentStudy) -> str:
    """The tables with what they mean."""
    lines = [
        "Blocks of 15 to 19 h over those of 1 to 5 h by the clock of Texas, less 1, with 95% of "
        "resampled weeks (`hashcanary study curtailment`). Placebo: share of clocks wrong by 3 to "
        "21 hours that show as large a deficit, the true one among them.",
        "",
        "| year | summer weekdays | placebo | summer weekends | weekdays of other months |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.year} | {_percent(one.afternoons)} | {one.p_placebo:.0%} | "
        f"{_percent(one.weekends)} | {_percent(one.others)} |"
        for one in found.years
        if one.p_placebo is not None
    ]
    lines += [
        "",
        "Hashrate of days by their price of power in Texas, against days below 40 USD/MWh within "
        "two weeks, 2025 to 2026:",
        "",
        "| USD/MWh | days | hashrate |",
        "|---|---|---|",
    ]
    lines += [
        f"| {one.low:g} to {one.high:g} | {one.days} | {_percent(one.change)} |"
        for one in found.prices
    ]
    if found.exposed is not None and found.share is not None:
        exposed = found.exposed
        lines += [
            "",
            f"On days of 60 USD/MWh and more {exposed.value:.0%} ({exposed.low:.0%} to "
            f"{exposed.high:.0%}) of North America's hashrate was off, if it has {found.share:.1%} "
            "of the world's. Storms lie over several grids, so that not all of it is the price's.",
        ]
    return "\n".join(lines)


def main() -> int:
    """Print the tables, or write them."""
    text = page(curtailment_study(record()))
    sys.stdout.write(f"{text}\n")
    if "--write" in sys.argv[1:]:
        write_part(
            "curtailment_record", "Curtailment in block times", text, PAGE.with_name("verdict.md")
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
