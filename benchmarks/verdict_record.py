"""The verdict on the real record against labels from published sources, and where nothing happens.

``--write`` also writes the tables into docs/verdict.md; ``--every N`` takes a verdict every N days.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import get_context

import numpy as np
from inference_page import PAGE, write_part
from numpy.typing import NDArray
from retarget_forecast import record

from hashcanary.chain.networks import MAIN
from hashcanary.moments import DAY, iso_day
from hashcanary.simulation.history import record_of, simulate_history
from hashcanary.studies.stress.luck import WORLDS
from hashcanary.studies.verdict.scores import (
    Score,
    SpellScore,
    daily_states,
    days_of,
    readings,
    scored,
)
from hashcanary.studies.verdict.spells import Spell, read_spells
from hashcanary.studies.verdict.states import KNOWN

Floats = NDArray[np.float64]
SINCE = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
# simulated years in which nothing happens: of each kind, from the third year of a world on
YEARS, WORLD_YEARS, STEP = 3, 5.0, 3
_NAMES = {
    "verdict": "**verdict**",
    "ribbons": "ribbons",
    "drawdown": "drawdown of the 30-day mean",
    "gauge": "stress gauge",
    "mixture": "the three mixed",
    "even": "all states alike",
}


def groups(spells: tuple[Spell, ...]) -> dict[str, list[Spell]]:
    """Spells of the rules, those kept apart, and those since 2024; rivals learn from the first."""
    before = [one for one in spells if one.begin < SINCE]
    own = [one for one in before if not one.kept]
    later = [replace(one, kept=True) for one in spells if one.begin >= SINCE]
    return {
        "the rules were set on": own,
        "before 2024, kept apart": [*own, *(one for one in before if one.kept)],
        "since 2024": [*own, *later],
    }


def score_table(found: dict[str, tuple[Score, ...]]) -> str:
    """A table of scores, by group and certainty of the labels."""
    lines = [
        "| spells | labels | instrument | days | spells | log score | by spell | right |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for group, scores in found.items():
        apart = group != next(iter(found))
        lines += [
            f"| {group} | {one.sure} | {_NAMES[one.instrument]} | {one.days} | "
            f"{one.spells} | {one.log_score:.2f} | {one.by_spell:.2f} | {one.right:.0%} |"
            for one in scores
            if one.kept == apart
        ]
    return "\n".join(lines)


def onset_table(spells: tuple[SpellScore, ...]) -> str:
    """How soon the spells of falls and stress were told, and how soon ribbons were inverted."""
    lines = [
        "| spell | label | began | verdict, days after | ribbons, days after | mean P(label) |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.spell.name} | {one.spell.state} | {iso_day(one.spell.begin)} | "
        f"{_days(one.onset_days)} | {_days(one.ribbon_days)} | {one.probability:.0%} |"
        for one in spells
        if one.spell.state in {"stressed", "capitulating", "exiting"} and one.spell.sure != "low"
    ]
    return "\n".join(lines)


def _days(days: int | None) -> str:
    return "never" if days is None else f"{days}"


def false_spells(kind: str, seed: int) -> list[tuple[bool, int, int]]:
    """Spells in which stress, capitulation or exit is more probable than not, and days looked at:
    outside a year after a halving, and within, when margins halve.

    A spell that ends for less than two weeks goes on.
    """
    world = record_of(simulate_history(seed, WORLD_YEARS, WORLDS[kind]))
    last = int(world.chain["time"].max()) // DAY * DAY - DAY  # type: ignore[arg-type]
    half = world.chain.filter(world.chain["height"] % MAIN.halving_interval == 0)["time"].to_list()
    days = range(last - YEARS * 365 * DAY, last, STEP * DAY)
    said = daily_states(world, days)
    worse = [KNOWN.index(name) for name in ("stressed", "capitulating", "exiting")]
    found = []
    for halved in (False, True):
        spells, looked, end = 0, 0, -np.inf
        for day, shares in said.items():
            if any(0 <= day - one < 365 * DAY for one in half) != halved:
                continue
            looked += STEP
            if shares[worse].sum() > 0.5:
                spells += day - end > 14 * DAY
                end = day
        found.append((halved, spells, looked))
    return found


def main() -> int:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--worlds", type=int, default=4)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    real, spells = record(), read_spells()
    # forked processes would wait for threads that they do not have
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        worlds = [(kind, seed) for kind in WORLDS for seed in range(101, 101 + given.worlds)]
        quiet = pool.map(false_spells, *zip(*worlds, strict=True))
        said = daily_states(real, days_of(spells, real, given.every))
        falsely = dict(zip(worlds, quiet, strict=True))
    read = readings(real)
    found = {
        name: scored(said, read, chosen, given.every) for name, chosen in groups(spells).items()
    }
    whole = scored(said, read, spells, given.every)
    text = (
        f"{len(said):,} verdicts, one every {given.every} days of the {len(spells)} spells whose "
        "state published sources name, each as known then. Log score: mean log probability of "
        "the label over days, and of the means of spells; 0 is perfect.\n\n"
        f"{score_table({name: each.scores for name, each in found.items()})}\n\n"
        f"How soon it was told:\n\n{onset_table(whole.spells)}\n\n"
        "In simulated worlds where nothing happens but the luck of blocks (and, in wandering ones, "
        "moves of the price), stress, capitulation or exit was more probable than not, beside the "
        f"year after a halving, when margins do halve:\n\n{_quiet(falsely)}"
    )
    sys.stdout.write(f"{text}\n")
    if given.write:
        write_part("verdict_record", "Against labels", text, PAGE.with_name("verdict.md"))
    return 0


def _quiet(falsely: dict[tuple[str, int], list[tuple[bool, int, int]]]) -> str:
    lines = [
        "| worlds | within a year after a halving | years | spells | a year |",
        "|---|---|---|---|---|",
    ]
    for kind in WORLDS:
        for halved in (False, True):
            own = [
                (spells, days)
                for (name, _), each in falsely.items()
                for there, spells, days in each
                if name == kind and there == halved
            ]
            spells, days = (sum(column) for column in zip(*own, strict=True))
            years = days / 365.25
            lines.append(
                f"| {kind} | {'yes' if halved else 'no'} | {years:.1f} | {spells} | "
                f"{spells / years:.2f} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
