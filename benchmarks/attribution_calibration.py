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
from multiprocessing import get_context
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from inference_page import write_part
from support.stress_worlds import CAUSES, stress_world

from hashcanary.inference.explain.assumptions import assume
from hashcanary.inference.explain.causes import REAL
from hashcanary.inference.gap.explanation import CANNOT_TELL, REAL_FROM, explain_drop
from hashcanary.inference.gap.gap import ENOUGH
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

AGES = (1, 3, 7, 30, 90)
BINS = (0.0, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0)
# one asks of drops that began since so many days before the world's did
_BEFORE = 3
# every cause as often: the worlds have as many of each
_A_YEAR = 1.0


class Said(NamedTuple):
    """Of one world at one age. causes: probabilities given that the drop is real; real: that it is;
    found: whether it is the world's; held: whether the 95% limits held its depth.
    """

    causes: tuple[float, ...]
    real: float
    found: bool
    held: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of each world at each age: causes (worlds, ages, causes), real, found, held
    (worlds, ages); world: (worlds,) index of its cause in CAUSES.
    """

    causes: Floats
    real: Floats
    found: Bools
    held: Bools
    world: Ints


def judged(task: tuple[str, int]) -> list[Said]:
    """One world, asked at every age."""
    cause, seed = task
    world, given = stress_world(cause, seed), assume()
    even = tuple(replace(one, a_year=_A_YEAR) for one in given.causes.real)
    given = replace(given, causes=replace(given.causes, real=even))
    rows = []
    for age in AGES:
        record = world.known_at(world.start + age * DAY)
        one = explain_drop(record, given, world.start - _BEFORE * DAY).explained
        if one is None:
            rows.append(Said((1 / len(REAL),) * len(REAL), 0.0, found=False, held=False))
            continue
        drop = one.drop
        # the drop that was found is the world's where the two overlap, give or take a day
        down = drop.begin.value + drop.days.value * DAY
        found = drop.begin.value - DAY <= world.down and down + DAY >= world.start
        held = drop.depth.low <= world.depth <= drop.depth.high
        rows.append(Said(tuple(drop.causes.values()), drop.probability, found=found, held=held))
    return rows


def measure(worlds: int, first: int, workers: int) -> Judged:
    """Judge as many worlds of each cause, from the seed ``first`` on."""
    tasks = [(cause, first + at) for at in range(worlds) for cause in CAUSES]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(judged, tasks, chunksize=4))
    causes, real, found, held = (
        np.array([[one[at] for one in part] for part in parts]) for at in range(4)
    )
    world = np.array([CAUSES.index(cause) for cause, _ in tasks])
    return Judged(causes, real, found, held, world)


def reliability(one: Judged) -> str:
    """Stated probability of every cause against how often it was the cause, of drops found."""
    happened = (one.world - 1)[:, None, None] == np.arange(len(REAL))[None, None, :]
    chosen = (one.found & (one.real >= REAL_FROM) & (one.world > 0)[:, None])[:, :, None]
    lines = [
        "| probability of a cause | n | mean | observed | ± one standard error | z-score |",
        "|---|---|---|---|---|---|",
    ]
    happened = np.broadcast_to(happened, one.causes.shape)
    for low, high in itertools.pairwise(BINS):
        inside = chosen & (one.causes >= low) & ((one.causes < high) | (high == 1.0))
        if inside.sum() < 20:
            continue
        mean, share = float(one.causes[inside].mean()), float(happened[inside].mean())
        # one world gives many of these: the error is over worlds
        off = ((happened - one.causes) * inside).sum(axis=(1, 2))
        error = float(np.sqrt((off**2).sum()) / inside.sum())
        lines.append(
            f"| {low:.0%} to {high:.0%} | {inside.sum():,} | {mean:.1%} | {share:.1%} "
            f"| {error:.1%} | {(share - mean) / error:+.1f} |"
        )
    return "\n".join(lines)


def by_age(one: Judged) -> str:
    """How much is known at each age: drops found, their causes, false alarms."""
    lines = [
        "| days since the drop began | called real, of worlds with a drop | of worlds without one "
        f"| right cause, of those called real | named one ({ENOUGH:.0%} or more) | was right "
        "| depth within 95% limits |",
        "|---" * 7 + "|",
    ]
    for at, age in enumerate(AGES):
        there = one.world > 0
        called = one.real[:, at] >= REAL_FROM
        chosen = there & called & one.found[:, at]
        said, true = one.causes[chosen, at], one.world[chosen] - 1
        right, named = said.argmax(axis=1) == true, said.max(axis=1) >= ENOUGH
        alarm, luck = called[~there].mean(), int((~there).sum())
        held = one.held[chosen, at].mean()
        lines.append(
            f"| {age} | {(called & one.found[:, at])[there].mean():.0%} | {alarm:.0%} ± "
            f"{_binomial(alarm, luck):.0%} | {right.mean():.0%} ± "
            f"{_binomial(right.mean(), true.size):.0%} | {named.mean():.0%} | "
            f"{right[named].mean():.0%} | {held:.0%} ± {_binomial(held, true.size):.0%} |"
        )
    return "\n".join(lines)


def confusion(one: Judged) -> str:
    """Mean probability that each cause's drops were given to each cause."""
    lines = ["| cause of the drop | " + " | ".join(REAL) + " | how many |"]
    lines.append("|---" * (len(REAL) + 2) + "|")
    called = one.found & (one.real >= REAL_FROM)
    for at, cause in enumerate(REAL):
        chosen = called & (one.world == at + 1)[:, None]
        mean = one.causes[chosen].mean(axis=0)
        cells = " | ".join(f"{share:.0%}" for share in mean)
        lines.append(f"| {cause} | {cells} | {chosen.sum()} |")
    return "\n".join(lines)


def _binomial(share: float, size: int) -> float:
    return float(np.sqrt(max(share * (1 - share), 1e-9) / max(size, 1)))


def page(one: Judged) -> str:
    """The tables with what they mean."""
    return (
        f"SIMULATED: {one.world.size} worlds of `tests/support/stress_worlds.py`, as many of each "
        "cause and without a drop, a quarter of them without labels of pools, a quarter without a "
        "price, a quarter without a price of power; seeds that nothing was developed on. Each was "
        f"asked {', '.join(map(str, AGES))} days after its drop began, of drops that began since "
        f"{_BEFORE} days before, with causes equally frequent beforehand. Shapes, pools and prices "
        "of these worlds are not those that the attribution assumes.\n\nOf drops that were called "
        f"real, at any age; errors are over worlds:\n\n{reliability(one)}\n\nBy the age of the "
        f"drop. Called real: P(real) of {REAL_FROM:.0%} or more. Where no cause reaches "
        f"{ENOUGH:.0%} the answer is `{CANNOT_TELL}`.\n\n{by_age(one)}\n\nThe mean probability "
        f"given to each cause, by the true one, all ages:\n\n{confusion(one)}\n"
    )


def main() -> int:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--first", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    text = page(measure(args.worlds, args.first, args.workers))
    sys.stdout.write(text)
    if args.write:
        write_part("attribution_calibration", "Why it fell: right as often as it says", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
