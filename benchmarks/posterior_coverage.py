"""How often the posterior's bands hold the true hashrate, in simulated worlds where it is known.

``--write`` also writes the table into docs/inference.md.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
from inference_page import write_part

from hashcanary.chain.networks import MAIN
from hashcanary.chain.work import work_float64_column
from hashcanary.inference.bank import run_bank, smooth, weights_of
from hashcanary.inference.mixture import BANDS, LEVELS, quantiles
from hashcanary.inference.observations import Blocks, observe
from hashcanary.simulation.worlds import START, WORLDS, world_chain, world_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

# days of each chain, chains of each world, bins it learns from, bins between two looks
DAYS, CHAINS, LEARNING, APART = 500, 12, 600, 9
BAR = 0.03


def held(world: str, seed: int) -> dict[str, NDArray[np.float64]]:
    """The shares of looks (3,) at which the bands held the truth, filtered and smoothed."""
    path = world_path(world, DAYS, seed)
    chain = world_chain(path, seed)
    size = chain.times.size
    heights = np.arange(chain.first_height, chain.first_height + size, dtype=np.int64)
    work = work_float64_column(chain.bits)
    seen = observe(Blocks(heights, chain.times, work, np.full(size, np.nan)), MAIN)
    filtered = run_bank(seen, keep=True)
    at = np.arange(LEARNING, seen.size - 1, APART)
    kept, later = filtered.kept[at], smooth(filtered)
    truth = np.log(np.interp(seen.time[at] - START, path.times, path.rates))[:, None]
    known = {
        "filtered": (
            weights_of(kept[:, :, 5]),
            kept[:, :, 0] + kept[:, :, 1],
            kept[:, :, 2] + 2 * kept[:, :, 3] + kept[:, :, 4],
        ),
        "smoothed": (later.weights[at], later.mean[at], later.variance[at]),
    }
    shares = {}
    for name, mixture in known.items():
        bands = quantiles(*mixture, LEVELS)
        inside = (bands[:, [2, 1, 0]] <= truth) & (truth <= bands[:, [4, 5, 6]])
        shares[name] = inside.mean(axis=0)
    return shares


def page() -> str:
    """The table with what it means."""
    lines = [
        "| world | what | "
        + " | ".join(f"{band:.0%} band holds" for band in BANDS)
        + " | within 3 points |",
        "|---|---|---|---|---|---|",
    ]
    for world in WORLDS:
        runs = [held(world, seed) for seed in range(CHAINS)]
        for name in runs[0]:
            shares = np.array([run[name] for run in runs])
            mean, error = shares.mean(axis=0), shares.std(axis=0, ddof=1) / CHAINS**0.5
            within = [abs(one - band) <= BAR for one, band in zip(mean, BANDS, strict=True)]
            narrow = [band - one > BAR for one, band in zip(mean, BANDS, strict=True)]
            said = "yes" if all(within) else "**too narrow**" if any(narrow) else "no: too wide"
            cells = [f"{one:.1%} ± {sd:.1%}" for one, sd in zip(mean, error, strict=True)]
            lines.append(f"| {world} | {name} | " + " | ".join(cells) + f" | {said} |")
    return (
        f"SIMULATED: {CHAINS} chains of {DAYS} days in each world, ± one standard error over "
        "chains. The worlds are described in `hashcanary/simulation/worlds.py`; the models are "
        "not told which one they are in.\n\n" + "\n".join(lines) + "\n"
    )


def main() -> int:
    """Print the table, or write it."""
    text = page()
    sys.stdout.write(text)
    if "--write" in sys.argv[1:]:
        write_part("posterior_coverage", "Coverage where the truth is known", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
