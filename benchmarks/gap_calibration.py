"""How often the bands of the gap and of its parts hold the truth, in years drawn from the priors.

``--write`` also writes the table into docs/verdict.md; ``--worlds N`` takes N years, ``--first
SEED`` the seed of the first. Seeds below 1,000 served development and the tests.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from inference_page import PAGE, write_part
from numpy.typing import NDArray
from support.gap_worlds import drawn_world

from hashcanary.inference.explain.causes import REAL, read_causes
from hashcanary.inference.gap.gap import parts_of
from hashcanary.inference.gap.sampling import FRESH, Evidence, Sampler, read_background

Floats = NDArray[np.float64]
LEVELS = (0.8, 0.95)
PARTS = ("the gap", *REAL, "level and rises")


def judged(seed: int) -> tuple[Floats, Floats]:
    """Ranks of the truth among the draws, and errors of the means, of each of PARTS.

    A truth that equals some draws, as where there is nothing to find, gets a rank among them by
    chance.
    """
    world = drawn_world(seed)
    draws = Sampler(world.seen, read_causes(), read_background()).draw(Evidence.none(), FRESH)
    found = parts_of(draws)
    drawn = [found.below, *found.by_cause.T, found.below - found.by_cause.sum(axis=1)]
    truth = [world.below, *world.shares.values(), world.rest]
    chance = np.random.default_rng(seed)
    ranks, errors = [], []
    for one, true in zip(drawn, truth, strict=True):
        less, same = (one < true - 1e-9).mean(), (np.abs(one - true) <= 1e-9).mean()
        ranks.append(less + same * chance.random())
        errors.append(one.mean() - true)
    return np.array(ranks), np.array(errors)


def page(ranks: Floats, errors: Floats) -> str:
    """The table, with the binomial standard error of each share of years."""
    size = ranks.shape[0]
    lines = [
        f"Of {size} simulated years drawn from the priors, the share in which the band holds "
        "the truth (binomial standard error in brackets), and the error of the mean:",
        "",
        "| part | 80% band | 95% band | bias, points | RMSE, points |",
        "|---|---|---|---|---|",
    ]
    for at, name in enumerate(PARTS):
        shares = []
        for level in LEVELS:
            held = np.abs(ranks[:, at] - 0.5) <= level / 2
            error = np.sqrt(level * (1 - level) / size)
            shares.append(f"{held.mean():.1%} ({error:.1%})")
        bias, rmse = errors[:, at].mean(), np.sqrt((errors[:, at] ** 2).mean())
        held_in = " | ".join(shares)
        lines.append(f"| {name} | {held_in} | {100 * bias:+.2f} | {100 * rmse:.2f} |")
    return "\n".join(lines)


def main() -> int:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=400)
    parser.add_argument("--first", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.worlds)
    with ProcessPoolExecutor(given.workers) as pool:
        parts = list(pool.map(judged, seeds, chunksize=4))
    ranks, errors = (np.array(part) for part in zip(*parts, strict=True))
    text = page(ranks, errors)
    sys.stdout.write(f"{text}\n")
    if given.write:
        title = "Right as often as it says"
        write_part("gap_calibration", title, text, PAGE.with_name("verdict.md"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
