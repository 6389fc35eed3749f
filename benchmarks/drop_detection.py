"""How soon falls of the hashrate are noticed, beside the optimum and beside the rules in use.

``--write`` also writes the tables into docs/inference.md and the chart beside it.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from drop_chart import draw
from drop_record import calm, real_table
from drop_rules import (
    DAY,
    LONGEST,
    WARM,
    Pulse,
    Ribbons,
    Rule,
    cusum,
    delays,
    depth_for,
    mixture,
    mixture_threshold,
)
from drop_rules import false_alarms as rule_false_alarms
from drop_worlds import TOLD, Detector, coverage, false_alarms
from drop_worlds import delays as world_delays
from inference_page import write_part
from retarget_forecast import record
from support.run_length import optimal_delay, run_length, threshold_for

from hashcanary.inference.drops.drops import find_drops
from hashcanary.inference.drops.watch import BLOCKS_A_YEAR, FALLS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.inference.drops.drops import DropList
    from hashcanary.store.record import Record

    Floats = NDArray[np.float64]

DROPS = (0.05, 0.10, 0.20, 0.40)
BAR = 1.25
# years between two false alarms: one a month, a quarter, a year, five years
YEARS = (1 / 12, 1 / 4, 1.0, 5.0)
RUNS, RULE_RUNS, WORLD_RUNS, CHAINS = 4000, 800, 100, 28
# blocks before a fall in three days
SOON = 3 * DAY
RULES: tuple[Rule, ...] = (Pulse(14), Pulse(30), Ribbons())


def mean(found: Floats) -> tuple[float, float]:
    """Mean and standard error of blocks (runs, 2); what never came counts as what was waited."""
    blocks = np.minimum(np.where(np.isnan(found[:, 0]), LONGEST, found[:, 0]), LONGEST)
    return float(blocks.mean()), float(blocks.std() / blocks.size**0.5)


def soon(found: Floats) -> float:
    """Share of the alarms that came within three days."""
    return float((found[:, 1] <= SOON).mean())


def cell(found: Floats) -> str:
    """A mean delay in blocks and hours; how many were missed, where any were."""
    blocks, error = mean(found)
    hours = np.minimum(np.where(np.isnan(found[:, 1]), LONGEST, found[:, 1]), LONGEST).mean() / 6
    missed = float((np.isnan(found[:, 0]) | (found[:, 1] >= LONGEST)).mean())
    text = f"{blocks:,.0f} ± {error:,.0f} ({hours:,.0f} h)"
    return text + (f", {missed:.0%} missed" if missed >= 0.005 else "")


class Known:
    """Delays where the rate before the fall is known, by rule, at each of YEARS."""

    def __init__(self) -> None:
        """Simulate; some minutes."""
        self.optimum: dict[tuple[float, float], Floats] = {}
        self.page: dict[tuple[float, float], Floats] = {}
        self.ours: dict[tuple[float, float], Floats] = {}
        self.worst: dict[float, tuple[float, float, Floats]] = {}
        sizes = np.array(FALLS)
        unit = mixture_threshold(sizes, 1.0)
        for drop in DROPS:
            one = np.array([drop])
            single = mixture_threshold(one, 1.0)
            for years in YEARS:
                blocks = years * BLOCKS_A_YEAR
                key = (drop, years)
                # whoever waits longest to be asked is rarely alarmed on the way
                warm = min(WARM, int(blocks / 2))
                self.optimum[key] = mixture(1, RUNS, one, single * blocks, drop, warm)
                self.page[key] = cusum(2, RUNS, drop, threshold_for(drop, blocks), drop, warm)
                self.ours[key] = mixture(3, RUNS, sizes, unit * blocks, drop, warm)
            fresh = mixture(4, RUNS, sizes, unit * BLOCKS_A_YEAR, drop, 0)
            best = optimal_delay(drop, BLOCKS_A_YEAR)
            exact = run_length(drop, threshold_for(drop, BLOCKS_A_YEAR))
            self.worst[drop] = (best, exact, fresh)
        self.rules = {
            (rule.name, drop, years): delays(rule, depth_for(rule, 1 / years), drop, RULE_RUNS)
            for rule in RULES
            for years in YEARS
            for drop in DROPS
        }


class Worlds:
    """False alarms and delays where nothing is told to the watch."""

    def __init__(self) -> None:
        """Simulate; some minutes."""
        self.alarms: dict[tuple[str, float], tuple[float, float, float]] = {}
        self.delays: dict[tuple[str, float], Floats] = {}
        self.matched: dict[float, Floats] = {}
        self.bound: dict[float, Floats] = {}
        for world in ("steady", "growing"):
            for years in YEARS:
                chains = CHAINS if years >= 1 else CHAINS // 4
                self.alarms[world, years] = false_alarms(world, Detector(), years, chains)
            asked = (*YEARS, self.rate("growing")) if world == "growing" else YEARS
            found = world_delays(world, Detector(), DROPS, asked, WORLD_RUNS)
            for drop, each in zip(DROPS, found, strict=True):
                self.delays[world, drop] = each[: len(YEARS)]
                self.matched[drop] = seen(each[-1])
        for drop in DROPS:
            told = Detector(TOLD, (drop,))
            asked = (false_alarms("growing", told, 1.0, CHAINS)[0],)
            self.bound[drop] = world_delays("growing", told, (drop,), asked, WORLD_RUNS)[0, 0]
            self.bound[drop] = seen(self.bound[drop])

    def rate(self, world: str) -> float:
        """False alarms a year that were counted where one was asked for."""
        return self.alarms[world, 1.0][0]

    def at(self, world: str, drop: float, years: float) -> Floats:
        """Delays (runs, 2), of the runs not above the threshold before the fall."""
        found = self.delays[world, drop][YEARS.index(years)]
        return seen(found)


def seen(found: Floats) -> Floats:
    """The runs (runs, 2) in which the statistic was not above the threshold before the fall."""
    return found[np.isfinite(found[:, 0])]


def verdict(ratio: float) -> str:
    """A ratio to the optimum and what it is beside the bar."""
    return f"{ratio:.2f}" if ratio <= BAR else f"**{ratio:.2f}**"


def delay_table(known: Known, worlds: Worlds) -> str:
    """Mean delays at one false alarm a year, by who watches."""
    rows: list[tuple[str, list[str]]] = []
    best = {drop: mean(known.optimum[drop, 1.0])[0] for drop in DROPS}

    def row(name: str, found: list[Floats]) -> None:
        cells = [
            f"{cell(one)}; {verdict(mean(one)[0] / best[drop])}"
            for one, drop in zip(found, DROPS, strict=True)
        ]
        rows.append((name, cells))

    row("optimum: fall and rate known (Shiryaev-Roberts)", [known.optimum[d, 1.0] for d in DROPS])
    row("CUSUM: fall and rate known", [known.page[d, 1.0] for d in DROPS])
    row("**ours, rate known**", [known.ours[d, 1.0] for d in DROPS])
    row("**ours, steady world**, rate learned", [worlds.at("steady", d, 1.0) for d in DROPS])
    row("**ours, growing world**, rate learned", [worlds.at("growing", d, 1.0) for d in DROPS])
    row("the same at the threshold with one a year there", [worlds.matched[d] for d in DROPS])
    row("bound there: fall and law of the world known", [worlds.bound[d] for d in DROPS])
    for rule in RULES:
        depth = depth_for(rule, 1.0)
        name = f"{rule.name}, alarm at -{depth:.1%}"
        row(name, [known.rules[rule.name, d, 1.0] for d in DROPS])
    head = "| who watches | " + " | ".join(f"fall of {d:.0%}" for d in DROPS) + " |\n"
    lines = [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows]
    return head + "|---" * (len(DROPS) + 1) + "|\n" + "\n".join(lines)


def bar_table(known: Known, worlds: Worlds) -> str:
    """Whether the bar is reached, known and learned, mean and worst."""
    lines = [
        "| fall | ours / optimum, rate known | worst case: ours / CUSUM's exact | ours / optimum, "
        f"steady world | ours / optimum, growing world | ours / bound there | bar {BAR} |",
        "|---|---|---|---|---|---|---|",
    ]
    for drop in DROPS:
        best, best_error = mean(known.optimum[drop, 1.0])
        exact, _, fresh = known.worst[drop]

        def part(found: Floats, by: float, by_error: float = 0.0) -> str:
            value, error = mean(found)
            spread = value / by * math.hypot(error / value, by_error / by)
            return f"{verdict(value / by)} ± {spread:.2f}"

        bound, bound_error = mean(worlds.bound[drop])
        steady = mean(worlds.at("steady", drop, 1.0))[0] / best
        growing = mean(worlds.matched[drop])[0] / best
        said = " ".join(
            f"{name}: {'yes' if ratio <= BAR else '**no**'};"
            for name, ratio in (
                ("known", mean(known.ours[drop, 1.0])[0] / best),
                ("steady", steady),
                ("growing", growing),
            )
        )
        lines.append(
            f"| {drop:.0%} | {part(known.ours[drop, 1.0], best, best_error)} | "
            f"{part(fresh[:, :2], exact)} | {part(worlds.at('steady', drop, 1.0), best)} | "
            f"{part(worlds.matched[drop], best)} | "
            f"{part(worlds.matched[drop], bound, bound_error)} | {said.rstrip(';')} |"
        )
    return "\n".join(lines)


def false_alarm_table(worlds: Worlds) -> str:
    """False alarms stated and counted, with the error of a count; and of the rules as in use."""
    lines = ["| world | stated a year | counted a year | in years |", "|---|---|---|---|"]
    for (world, years), (counted, error, watched) in worlds.alarms.items():
        lines.append(f"| {world} | {1 / years:.1f} | {counted:.2f} ± {error:.2f} | {watched:.0f} |")
    used = [(RULES[0], 0.1), (RULES[0], 0.2), (RULES[1], 0.1), (RULES[1], 0.2), (RULES[2], 0.0)]
    lines += ["", "| rule as in use | false alarms a year, rate known |", "|---|---|"]
    lines += [
        f"| {rule.name}, alarm at -{depth:.0%} | {rule_false_alarms(rule, depth):.1f} |"
        for rule, depth in used
    ]
    return "\n".join(lines)


def roc(known: Known, worlds: Worlds) -> list[tuple[str, float, float, float, float]]:
    """Who, fall, false alarms a year, mean delay in blocks, share noticed within three days."""
    rows = []
    for drop in (0.10, 0.20):
        for years in YEARS:
            found: dict[str, Floats] = {
                "optimum, fall and rate known": known.optimum[drop, years],
                "ours, rate known": known.ours[drop, years],
                "ours, steady world": worlds.at("steady", drop, years),
                "ours, growing world": worlds.at("growing", drop, years),
            }
            found |= {rule.name: known.rules[rule.name, drop, years] for rule in RULES}
            for name, one in found.items():
                rows.append((name, drop, 1 / years, mean(one)[0], soon(one)))
    return rows


def roc_table(rows: list[tuple[str, float, float, float, float]]) -> str:
    """The same as a table: delay and share noticed at each rate of false alarms."""
    lines = []
    for drop in (0.10, 0.20):
        lines += [
            f"Fall of {drop:.0%}: mean delay in blocks (noticed within three days).",
            "",
            "| who watches | " + " | ".join(f"{1 / y:.1f} false a year" for y in YEARS) + " |",
            "|---" * (len(YEARS) + 1) + "|",
        ]
        names = dict.fromkeys(row[0] for row in rows)
        for name in names:
            cells = [
                f"{delay:,.0f} ({share:.0%})"
                for who, fall, _, delay, share in rows
                if who == name and fall == drop
            ]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def page(known: Known, worlds: Worlds, whole: Record, found: DropList) -> str:
    """The tables with what they mean."""
    inside, quiet, outside, rest = calm(whole, found)
    held = {drop: coverage(drop, 60) for drop in (0.10, 0.20, 0.40)}
    intervals = "; ".join(
        f"{drop:.0%}: start {share[0]:.0%}, depth {share[1]:.0%} of {count}"
        for drop, (share, count) in held.items()
    )
    error = max(inside, 1) ** 0.5 / quiet
    return "\n\n".join(
        (
            "SIMULATED except for the list of drops at the end. Delays count blocks from a "
            "permanent drop to its alarm, mean ± one standard error over runs, (hours), and the "
            "ratio to "
            "the optimum; the drop comes long after the start, at a random moment, in runs without "
            "an alarm before it. An alarm that had not come within {LONGEST // DAY} days counts "
            "as that long, and as missed. All at one false alarm a year.",
            delay_table(known, worlds),
            "The optimum knows the rate before the drop and the size of the drop: no detector with "
            "as few false alarms has a smaller mean delay (Shiryaev-Roberts: Pollak and "
            "Tartakovsky 2009), or a smaller worst one (CUSUM: Moustakides 1986), which is computed"
            " exactly from an integral equation. Ours is one detector that knows neither. In the "
            "growing world (0.4% of wander a day, 60% of growth a year) the rate before a drop is "
            "soon out of date: the bound is a detector that knows the law of that world and the "
            "size of the drop, but not the rate. Ratios in the growing world are at the "
            "threshold with one false alarm a year there; a bar that is not reached is bold.",
            bar_table(known, worlds),
            "False alarms, counted on chains without a drop, with partly wrong clocks (± one "
            "standard error over chains). The threshold is set for the steady world, which has "
            "the most of them.",
            false_alarm_table(worlds),
            f"Coverage of the 95% intervals of a drop's start and depth ({intervals} "
            "alarms, steady world).",
            "![Mean delay against false alarms a year](drop-detection.png)",
            roc_table(roc(known, worlds)),
            f"Drops on record at one false alarm a year: {len(found.drops)} in "
            f"{found.watched:,} watched blocks, of which noise and ordinary variation would raise "
            f"{found.false_alarms:.1f} at most. Since 2020 there were {inside} alarms in "
            f"{quiet:.1f} years of calm epochs (neither of the next two retargets down): "
            f"{inside / quiet:.2f} ± {error:.2f} a year, where drops of a day or two that "
            f"recovered are real and count; and {outside} in the other {rest:.1f} years. Known "
            "causes are from the press. Times of blocks 340,001 to 499,998 and 509,999 to "
            "610,682 are not in these data: the falls of 2015 to 2019, that of November 2018 among "
            "them, cannot be seen.",
            real_table(found),
        )
    )


def main() -> int:
    """Print the tables, or write them."""
    whole = record()
    known, worlds = Known(), Worlds()
    text = page(known, worlds, whole, find_drops(whole))
    sys.stdout.write(text + "\n")
    if "--write" in sys.argv[1:]:
        docs = Path(__file__).resolve().parent.parent / "docs"
        (docs / "drop-detection.png").write_bytes(draw(roc(known, worlds)))
        write_part("drop_detection", "Drops in hashrate, and the delay of detection", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
