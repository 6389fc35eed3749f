"""The falls of the real record, what is known of each from elsewhere, and alarms in calm times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.targets import work_float64_column
from hashcanary.inference.drops.watch import BLOCKS_A_YEAR
from hashcanary.moments import iso_day

if TYPE_CHECKING:
    from hashcanary.inference.drops.drops import Drop, DropList
    from hashcanary.store.record import Record

# from 2020 on no block is missing
CALM_FROM = 1_577_836_800


def real_table(found: DropList) -> str:
    """The falls of the record, and what is known of each from elsewhere."""
    lines = [
        "| start (95%) | alarm, block | delay, blocks | depth (95%) | until | recovered | return "
        "period | known cause |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in found.drops:
        start = (
            f"{iso_day(one.start_time)} ({iso_day(one.start_low_time)[5:]} to "
            f"{iso_day(one.start_high_time)[5:]})"
        )
        alarm = f"{datetime.fromtimestamp(one.alarm_time, UTC):%Y-%m-%d %H:%M}, {one.alarm:,}"
        depth = f"{one.depth:.0%} ({one.depth_low:.0%} to {one.depth_high:.0%})"
        end = "not ended" if one.end_time is None else iso_day(one.end_time)
        back = {True: "yes", False: "no", None: "not known"}[one.returned]
        years = one.luck_years
        rare = "over 1,000,000 years" if years >= 1e6 else f"{years:,.0f} years"
        rare = f"{years:.1f} years" if years < 10 else rare
        lines.append(
            f"| {start} | {alarm} | {one.delay} | {depth} | {end} | {back} | {rare} | "
            f"{told_of(one)} |"
        )
    return "\n".join(lines)


# what happened, by the days on which it did; from the press, not from the blocks
EVENTS = (
    ("2009-01-01", "2009-12-31", "the network's first months: a handful of machines"),
    ("2013-03-11", "2013-03-12", "chain split at block 225,430: part of the miners on the other"),
    ("2020-03-05", "2020-03-18", "price fell by 40% on 12 March 2020"),
    ("2020-05-10", "2020-05-14", "halving of 11 May 2020"),
    ("2020-10-20", "2020-10-28", "end of the rainy season in Sichuan: machines move"),
    ("2021-04-15", "2021-04-18", "mine accident and power cuts in Xinjiang"),
    ("2021-05-10", "2021-05-22", "China announces a crackdown on 21 May 2021"),
    ("2021-06-08", "2021-06-11", "China: Xinjiang and Qinghai order miners off on 9 June 2021"),
    ("2021-06-15", "2021-06-22", "China: Sichuan orders miners off on 18 June 2021"),
    (
        "2021-06-25",
        "2021-06-28",
        "China: the last of the exodus; deepest on 28 June to 3 July 2021",
    ),
    ("2022-12-21", "2022-12-26", "winter storm Elliott: curtailment in the United States"),
    ("2024-01-12", "2024-01-18", "winter storms Gerri and Heather: curtailment in Texas"),
    ("2024-05-01", "2024-05-10", "hashprice at its lowest after the halving of 20 April 2024"),
    ("2025-06-20", "2025-06-26", "heat wave in the eastern United States: curtailment"),
    (
        "2026-01-22",
        "2026-01-30",
        "winter storm of 23 January 2026: curtailment in the United States",
    ),
)


def told_of(drop: Drop) -> str:
    """What is known of a fall from elsewhere."""
    day = iso_day(drop.start_time)
    told = [what for first, last, what in EVENTS if first <= day <= last]
    return told[0] if told else "nothing known to us: may be luck"


def calm(whole: Record, found: DropList) -> tuple[int, float, int, float]:
    """Alarms and years in calm epochs since 2020, and alarms and years in the others.

    An epoch is calm where neither the retarget at its end nor the following one is down.
    """
    height = whole.blocks["height"].to_numpy()
    time, bits = whole.blocks["time"].to_numpy(), whole.blocks["bits"].to_numpy()
    first = np.flatnonzero((height % 2016 == 0) & (time >= CALM_FROM))
    work = work_float64_column(bits[first])
    quiet = {
        int(height[first[i]]) // 2016
        for i in range(first.size - 2)
        if work[i + 1] >= work[i] and work[i + 2] >= work[i + 1]
    }
    judged = {int(height[first[i]]) // 2016 for i in range(first.size - 2)}
    alarms = [one.alarm // 2016 for one in found.drops if one.alarm // 2016 in judged]
    inside = sum(epoch in quiet for epoch in alarms)
    a_year = BLOCKS_A_YEAR / 2016
    return inside, len(quiet) / a_year, len(alarms) - inside, (len(judged) - len(quiet)) / a_year
