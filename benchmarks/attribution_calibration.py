"""Whether attributions are right as often as they say, in simulated worlds of known cause.

``--write`` also writes the tables into docs/inference.md; ``--worlds N`` takes N worlds a cause,
``--first SEED`` the seed of the first. Seeds below 10,000 served development; the page has others.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from inference_page import write_part

from hashcanary.inference.attribution import CANNOT_TELL, ENOUGH, assume, explain_drop
from hashcanary.moments import DAY
from hashcanary.simulation.stress_worlds import CAUSES, stress_world

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

AGES = (1, 3, 7, 30, 90)
BINS = (0.0, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0)
EVEN = dict.fromkeys(CAUSES, 1 / len(CAUSES))


def judged(task: tuple[str, int]) -> Floats:
    """Probabilities (ages, causes) of one world, each cause held equally likely beforehand."""
    cause, seed = task
    world = stress_world(cause, seed)
    given = replace(assume(), prior=EVEN)
    rows = []
    for age in AGES:
        found = explain_drop(world.known_at(world.start + age * DAY), given).probabilities
        rows.append([found[name] for name in CAUSES])
    return np.array(rows)


def measure(worlds: int, first: int, workers: int) -> tuple[Floats, NDArray[np.int64]]:
    """Probabilities (worlds, ages, causes), and the index of each world's cause."""
    tasks = [(cause, first + at) for at in range(worlds) for cause in CAUSES]
    if workers == 1:
        found = [judged(task) for task in tasks]
    else:
        with ProcessPoolExecutor(workers) as pool:
            found = list(pool.map(judged, tasks, chunksize=4))
    return np.array(found), np.array([CAUSES.index(cause) for cause, _ in tasks])


def reliability(said: Floats, true: NDArray[np.int64]) -> str:
    """Stated probability of every cause against how often it was the cause."""
    happened = true[:, None, None] == np.arange(len(CAUSES))
    happened = np.broadcast_to(happened, said.shape)
    lines = [
        "| said | how many | said on average | was so | ± one standard error | apart, errors |",
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


def by_age(said: Floats, true: NDArray[np.int64]) -> str:
    """How much is known at each age: log score, answers given, answers right."""
    base = float(np.log(1 / len(CAUSES)))
    lines = [
        "| days since the fall began | log score | knowing nothing | said so on average | was so "
        f"| named one ({ENOUGH:.0%} or more) | and was right | "
        + " | ".join(f"on {cause}" for cause in CAUSES)
        + " |",
        "|---" * (7 + len(CAUSES)) + "|",
    ]
    for at, age in enumerate(AGES):
        own = said[:, at]
        score = np.log(own[np.arange(true.size), true])
        top, leading = own.max(axis=1), own.argmax(axis=1)
        right, named = leading == true, top >= ENOUGH
        error = score.std(ddof=1) / true.size**0.5
        each = " | ".join(f"{np.exp(score[true == one].mean()):.2f}" for one in range(len(CAUSES)))
        given = f"{right[named].mean():.0%}" if named.any() else "-"
        wrong = np.sqrt((top * (1 - top)).sum()) / true.size
        lines.append(
            f"| {age} | {score.mean():.3f} ± {error:.3f} | {base:.3f} | {top.mean():.1%} "
            f"| {right.mean():.1%} ± {wrong:.1%} | {named.mean():.0%} | {given} | {each} |"
        )
    return "\n".join(lines)


def page(said: Floats, true: NDArray[np.int64]) -> str:
    """The tables with what they mean."""
    return (
        f"SIMULATED: {true.size} worlds of `hashcanary/simulation/stress_worlds.py`, as many of "
        "each cause, a quarter of them without labels of pools, a quarter without a price, a "
        "quarter without a price of power; seeds that nothing was developed on. Each was asked "
        f"{', '.join(map(str, AGES))} days after its fall began, all causes held equally likely "
        "beforehand. \n\nEvery probability that was said of any cause, against how often that was "
        "the cause:\n\n"
        f"{reliability(said, true)}\n\nBy the time that had passed: the mean log probability of "
        "the true cause; the leading cause's probability and how often it was right; and the "
        "geometric mean probability that the true cause was given, by cause. Where none has "
        f"{ENOUGH:.0%} the answer is `{CANNOT_TELL}`.\n\n{by_age(said, true)}\n"
    )


def main() -> int:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--worlds", type=int, default=250)
    parser.add_argument("--first", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    text = page(*measure(args.worlds, args.first, args.workers))
    sys.stdout.write(text)
    if args.write:
        write_part("attribution_calibration", "Why it fell: right as often as it says", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
