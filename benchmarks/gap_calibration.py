"""How often the bands of the gap and of its parts hold the truth, in years drawn from the priors,
and how often a state was true that was given a probability.

``--write`` also writes the table into docs/verdict.md; ``--worlds N`` takes N years, ``--first
SEED`` the seed of the first. Seeds below 1,000 served development and the tests.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from inference_page import PAGE, write_part
from numpy.typing import NDArray
from support.gap_worlds import World, drawn_world

from hashcanary.inference.explain.causes import REAL, read_causes
from hashcanary.inference.gap.gap import drops_of, parts_of
from hashcanary.inference.gap.kernel import BEGIN
from hashcanary.inference.gap.sampling import (
    FRESH,
    Draws,
    Evidence,
    Sampler,
    read_background,
)
from hashcanary.moments import DAY
from hashcanary.studies.verdict.states import (
    KNOWN,
    Known,
    accounts_of,
    probabilities,
    read_rules,
    states_of,
)
from hashcanary.studies.verdict.verdict import short_of

Floats = NDArray[np.float64]
LEVELS = (0.8, 0.95)
PARTS = ("the gap", *REAL, "level and rises")


# ages of the newest drop, days: about 1, 7, 30, and 90 and more
AGES = ((0.0, 3.0), (3.0, 14.0), (14.0, 60.0), (60.0, 455.0))
# a drop is told of as real from this probability on
REAL_FROM = 0.5


class Judged(NamedTuple):
    """Of one year: ranks of the truth among the draws and errors of the means, of each of PARTS;
    probabilities of KNOWN, which of them was true, and days since the newest drop began, as it did
    (NaN for none) and as the draws tell of one that is more likely real than not.
    """

    ranks: Floats
    errors: Floats
    said: Floats
    true: int
    age: float
    told: float


def judged(seed: int) -> Judged:
    """One year. A truth that equals some draws, as where there is nothing to find, gets a rank
    among them by chance.
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
    said, true = _states(world, draws)
    falling = (world.truth.cause >= 0) & (world.truth.cause < len(REAL))
    begin = world.truth.falls[:, :, BEGIN][falling]
    age = float(-begin.max()) if begin.size else np.nan
    return Judged(np.array(ranks), np.array(errors), said, true, age, _told(draws))


def _told(draws: Draws) -> float:
    """Days since the newest drop began that is told of as real; NaN where none is."""
    begins = [drop.begin.value for _, drop in drops_of(draws) if drop.probability >= REAL_FROM]
    return (draws.now - max(begins)) / DAY if begins else np.nan


def _states(world: World, draws: Draws) -> tuple[Floats, int]:
    """What was said, and which was true. These years know no margins, and nothing is spread."""
    rules = replace(read_rules(), prior_weight=0.0)
    short = short_of(world.seen, rules.noise_days)
    said = probabilities(
        states_of(accounts_of(draws, rules), rules, 0.0, short), Known(0.0, 1.0, 0.0), rules
    )
    (true,), _ = states_of(accounts_of(world.truth, rules), rules, 0.0, short)
    return np.array([said[name] for name in KNOWN]), int(true)


def reliability(years: list[Judged]) -> str:
    """Tenths of probability against how often what was given it was true, by age."""
    head = [
        "| newest drop began | years | "
        + " | ".join(f"{tenth * 10} to {tenth * 10 + 10}%" for tenth in range(10))
        + " | mean error | by chance |",
        "|---" * 14 + "|",
    ]
    told, true = (np.array([getattr(one, name) for one in years]) for name in ("told", "age"))
    return "\n".join(
        [
            "And of each state that was given a probability, how often it was true (binomial "
            "standard error in brackets), by the age of the newest drop that is told of as real. "
            "Mean error: of the tenths, by how many states are in them; by chance: what it would "
            "be on average were all probabilities right.",
            "",
            *head,
            *_by_age(years, told),
            "",
            "By the age that the newest drop had in truth, which nobody knows: of years whose drop "
            "began a day ago, states that were true before are too probable, and over all years it "
            "evens out.",
            "",
            *head,
            *_by_age(years, true),
        ]
    )


def _by_age(years: list[Judged], ages: Floats) -> list[str]:
    lines = []
    for low, high in (*AGES, (np.nan, np.nan), (0.0, np.inf)):
        every, none = high == np.inf, np.isnan(low)
        inside = np.isnan(ages) if none else (ages >= low) & (ages < high)
        chosen = [one for one, held in zip(years, inside | every, strict=True) if held]
        name = "none" if none else "all years" if every else f"{low:g} to {high:g} days ago"
        if chosen:
            lines.append(f"| {name} | {len(chosen)} | {_tenths(chosen)} |")
    return lines


def _tenths(chosen: list[Judged]) -> str:
    said = np.array([one.said for one in chosen])
    true = np.arange(len(KNOWN))[None, :] == np.array([one.true for one in chosen])[:, None]
    tenth = np.minimum((said * 10).astype(np.int64), 9)
    cells, error, luck = [], 0.0, 0.0
    for at in range(10):
        inside = (tenth == at) & (said > 0)
        count = int(inside.sum())
        if not count:
            cells.append("-")
            continue
        mean, held = said[inside].mean(), true[inside].mean()
        sd = np.sqrt((said[inside] * (1 - said[inside])).sum()) / count
        cells.append(f"{held:.0%}, said {mean:.0%} ({sd:.0%})")
        error += count * abs(held - mean)
        # the mean size of a normal error
        luck += count * sd * np.sqrt(2 / np.pi)
    total = int((said > 0).sum())
    return f"{' | '.join(cells)} | {error / max(total, 1):.1%} | {luck / max(total, 1):.1%}"


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
    parser.add_argument("--worlds", type=int, default=900)
    parser.add_argument("--first", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.worlds)
    with ProcessPoolExecutor(given.workers) as pool:
        years = list(pool.map(judged, seeds, chunksize=4))
    ranks, errors = (np.array([one[at] for one in years]) for at in (0, 1))
    text = f"{page(ranks, errors)}\n\n{reliability(years)}"
    sys.stdout.write(f"{text}\n")
    if given.write:
        title = "Right as often as it says"
        write_part("gap_calibration", title, text, PAGE.with_name("verdict.md"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
