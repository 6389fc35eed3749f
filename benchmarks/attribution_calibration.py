"""Whether attributions are right as often as they say, in simulated worlds of known cause.

``--write`` also writes the tables into docs/inference.md; ``--worlds N`` takes N worlds a cause,
``--first SEED`` the seed of the first. Seeds below 10,000 served development; the page has others.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from inference_page import write_part
from support.stress_worlds import CAUSES, stress_world

from hashcanary.inference.explain.attribution import CANNOT_TELL, ENOUGH, assume, explain_drop
from hashcanary.inference.explain.shapes import REACH
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

AGES = (1, 3, 7, 30, 90)
BINS = (0.0, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0)
EVEN = dict.fromkeys(CAUSES, 1 / len(CAUSES))


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of each world at each age, and what was so.

    said: (worlds, ages, causes) probabilities; true: (worlds, ages) the index of the cause of the
    fall that was found, luck where it is not the world's; world: (worlds,) of the world; found:
    (worlds, ages) whether the fall is the world's; held: whether the 95% limits held its depth.
    """

    said: Floats
    true: Ints
    world: Ints
    found: Bools
    held: Bools


def judged(task: tuple[str, int, float]) -> tuple[Floats, Bools, Bools]:
    """One world, each cause held equally likely beforehand: said, found, held.

    Falls are looked for as far back as is usual, or so many times the true age where that is given.
    """
    cause, seed, ages = task
    world = stress_world(cause, seed)
    given = replace(assume(), prior=EVEN)
    rows, found, held = [], [], []
    for age in AGES:
        record = world.known_at(world.start + age * DAY)
        one = explain_drop(record, given, ages * age if ages else REACH)
        rows.append([one.probabilities[name] for name in CAUSES])
        # the fall that was found is the world's where the two overlap, give or take a day
        drop = one.drop
        found.append(drop.start - DAY <= world.down and drop.down + DAY >= world.start)
        held.append(drop.depth.low <= world.depth <= drop.depth.high)
    return np.array(rows), np.array(found), np.array(held)


def measure(worlds: int, first: int, workers: int, ages: float = 0.0) -> Judged:
    """Judge as many worlds of each cause, from the seed ``first`` on; ages: see ``judged``."""
    tasks = [(cause, first + at, ages) for at in range(worlds) for cause in CAUSES]
    if workers == 1:
        parts = [judged(task) for task in tasks]
    else:
        with ProcessPoolExecutor(workers) as pool:
            parts = list(pool.map(judged, tasks, chunksize=4))
    said, found, held = (np.array(part) for part in zip(*parts, strict=True))
    world = np.array([CAUSES.index(cause) for cause, _, _ in tasks])
    return Judged(said, np.where(found, world[:, None], 0), world, found, held)


def reliability(one: Judged) -> str:
    """Stated probability of every cause against how often it was the cause."""
    said, happened = one.said, one.true[:, :, None] == np.arange(len(CAUSES))
    lines = [
        "| forecast probability | n | mean forecast | observed frequency | ± one standard error | "
        "z-score |",
        "|---|---|---|---|---|---|",
    ]
    for low, high in itertools.pairwise(BINS):
        inside = (said >= low) & ((said < high) | (high == 1.0))
        if inside.sum() < 20:
            continue
        mean, share = float(said[inside].mean()), float(happened[inside].mean())
        # one world gives many of these: the error is over worlds
        off = ((happened - said) * inside).sum(axis=(1, 2))
        error = float(np.sqrt((off**2).sum()) / inside.sum())
        lines.append(
            f"| {low:.0%} to {high:.0%} | {inside.sum():,} | {mean:.1%} | {share:.1%} "
            f"| {error:.1%} | {(share - mean) / error:+.1f} |"
        )
    return "\n".join(lines)


def by_age(one: Judged) -> str:
    """How much is known at each age: log score, answers given, answers right."""
    lines = [
        "| days since the drop began | found | log score | base rates | mean forecast | observed "
        f"frequency | named a cause ({ENOUGH:.0%} or more) | was right | depth within 95% "
        "limits |",
        "|---" * 9 + "|",
    ]
    real = one.world > 0
    for at, age in enumerate(AGES):
        said, true = one.said[:, at], one.true[:, at]
        score = np.log(said[np.arange(true.size), true])
        share = np.bincount(true, minlength=len(CAUSES)) / true.size
        base = float((share * np.log(np.maximum(share, 1e-12))).sum())
        top, leading = said.max(axis=1), said.argmax(axis=1)
        right, named = leading == true, top >= ENOUGH
        error = score.std(ddof=1) / true.size**0.5
        given = f"{right[named].mean():.0%}" if named.any() else "-"
        wrong = np.sqrt((top * (1 - top)).sum()) / true.size
        there = real & one.found[:, at]
        held = one.held[there, at].mean()
        lines.append(
            f"| {age} | {one.found[real, at].mean():.0%} | {score.mean():.3f} ± {error:.3f} "
            f"| {base:.3f} | {top.mean():.1%} | {right.mean():.1%} ± {wrong:.1%} "
            f"| {named.mean():.0%} | {given} | {held:.1%} ± {_binomial(held, there.sum()):.1%} |"
        )
    return "\n".join(lines)


def confusion(one: Judged) -> str:
    """Mean probability that each cause's falls were given to each cause."""
    lines = ["| cause of the drop | " + " | ".join(CAUSES) + " | how many |"]
    lines.append("|---" * (len(CAUSES) + 2) + "|")
    for at, cause in enumerate(CAUSES):
        chosen = one.true == at
        mean = one.said[chosen].mean(axis=0)
        cells = " | ".join(f"{share:.0%}" for share in mean)
        lines.append(f"| {cause} | {cells} | {chosen.sum()} |")
    return "\n".join(lines)


def _binomial(share: float, size: int) -> float:
    return float(np.sqrt(max(share * (1 - share), 1e-9) / max(size, 1)))


def page(one: Judged) -> str:
    """The tables with what they mean."""
    return (
        f"SIMULATED: {one.world.size} worlds of `tests/support/stress_worlds.py`, as many "
        "of each cause, a quarter of them without labels of pools, a quarter without a price, a "
        "quarter without a price of power; seeds that nothing was developed on. Each was asked "
        f"{', '.join(map(str, AGES))} days after its drop began, with equal prior probabilities. A "
        "drop found where the world has none is noise.\n\nReliability of the probabilities of all "
        f"causes; errors are over worlds:\n\n{reliability(one)}\n\nBy the age of the drop: how "
        "often the world's drop was the one found, of worlds that have one; the mean log "
        "probability of the true cause, against that of the base rates at that age; the leading "
        "cause's probability and how often it was right. Where no cause reaches "
        f"{ENOUGH:.0%} the answer is `{CANNOT_TELL}`. The query does not state the age of a drop, "
        "and every age is possible: the probabilities are calibrated over all of them. For a drop "
        "known to have begun a day before, the probability of noise is too high; for one a quarter "
        "of a year ago, too low.\n\n"
        f"{by_age(one)}\n\nThe mean probability "
        f"given to each cause, by the true one, all ages:\n\n{confusion(one)}\n"
    )


def main() -> int:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--first", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    text = page(measure(args.worlds, args.first, args.workers))
    sys.stdout.write(text)
    if args.write:
        write_part("attribution_calibration", "Why it fell: right as often as it says", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
