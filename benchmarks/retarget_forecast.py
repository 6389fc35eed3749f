"""The next retarget, forecast from m blocks into every epoch of the data: error, score, coverage.

Rolling origin: each forecast rests on the blocks up to its own and on nothing later. Beside it the
naive rule, mempool.space's rule, the constant-rate Beta law and one discount filter. ``--write``
also writes the tables into docs/inference.md.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from inference_page import write_part
from real_data import real_data

from hashcanary.chain.difficulty import difficulty_float64_column
from hashcanary.chain.networks import MAIN
from hashcanary.inference.bank import BANK
from hashcanary.inference.baselines import BetaLaw, DiscountFilter, mempool_change, naive_change
from hashcanary.inference.mixture import BANDS, LEVELS
from hashcanary.inference.observations import blocks_of
from hashcanary.inference.posterior import history, posterior
from hashcanary.inference.retarget import Span, forecast_from
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load

if TYPE_CHECKING:
    from hashcanary.inference.bank import Bank
    from hashcanary.inference.observations import Blocks
    from hashcanary.inference.posterior import History
    from hashcanary.store.record import Record

POINTS = (36, 72, 144, 288, 504, 1008, 1512)
# most that the mean absolute error may be of mempool.space's, 2020 on
ERROR_BARS = {36: 0.80, 72: 0.80, 144: 0.80, 288: 0.80, 504: 0.85, 1008: 0.93, 1512: 0.95}
ERAS = {"2011-2014": (1.29e9, 1.42e9), "2020-2026": (1.57e9, 2e9)}
TUNED_TO = 1_704_067_200
MEMORY = 1000.0
_GRID = np.concatenate(
    (
        np.linspace(-0.75, -0.35, 50, endpoint=False),
        np.linspace(-0.35, 0.6, 951),
        np.linspace(0.6, 3.0, 80)[1:],
    )
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One forecast and what came: relative changes; scores in relative change."""

    point: int
    time: float
    actual: float
    median: float
    naive: float
    mempool: float
    discount: float
    crps: float
    crps_beta: float
    inside: tuple[bool, ...]
    width: float


def record() -> Record:
    """All the real data, loaded into a lake of its own."""
    home = Path(tempfile.mkdtemp()) / "lake"
    return load(Lake.create(home, MAIN), [real_data()], now=0).lake.record()


def crps(below: np.ndarray, actual: float) -> float:
    """The integral of (F - 1{actual <= x})^2 over the grid of changes."""
    square = (below - (actual <= _GRID)) ** 2
    return float(np.trapezoid(square, _GRID))


def outcomes(rec: Record, bank: Bank = BANK) -> list[Outcome]:
    """Every forecast at every point of every epoch whose blocks and outcome are known."""
    blocks = blocks_of(rec)
    difficulty = difficulty_float64_column(rec.blocks["bits"].to_numpy().astype(np.int64))
    past = history(blocks, MAIN, bank)
    found = []
    for first in blocks.height[blocks.height % 2016 == 0].tolist():
        at, after = blocks.find(first), blocks.find(first + 2016)
        before, before_that = blocks.find(first - 504), blocks.find(first - 2016)
        known = min(after, before, before_that) >= 0 and first > 100_000
        # every block of the epoch and of the one before
        if not known or after - at != 2016 or at - before_that != 2016:
            continue
        change = float(difficulty[after] / difficulty[at] - 1)
        previous = float(difficulty[at] / difficulty[before_that] - 1)
        found += [_outcome(past, blocks, at, m, change, previous) for m in POINTS]
    return found


def _outcome(
    past: History, blocks: Blocks, at: int, m: int, actual: float, previous: float
) -> Outcome:
    forecast = forecast_from(
        blocks.part(0, at + m + 1), posterior(past.state_at(at + m)), past.network
    )
    now, first = float(blocks.time[at + m]), float(blocks.time[at])
    low_high = [(forecast.change[k], forecast.change[-1 - k]) for k in (2, 1, 0)]
    law = BetaLaw(m, max(now - first, 1.0))
    return Outcome(
        point=m,
        time=first,
        actual=actual,
        median=float(forecast.change[LEVELS.size // 2]),
        naive=naive_change(m, now - first),
        mempool=mempool_change(
            height=int(blocks.height[at + m]),
            epoch_time=first,
            now=now,
            quarter_time=float(blocks.time[at + m - 504]),
            previous_change=previous,
        ),
        discount=_discount(blocks, at, m),
        crps=_crps_of(forecast.span, actual),
        crps_beta=crps(law.below(_GRID), actual),
        inside=tuple(low <= actual <= high for low, high in low_high),
        width=float(low_high[1][1] - low_high[1][0]),
    )


def _crps_of(span: Span, actual: float) -> float:
    return crps(span.below(_GRID), actual)


def _discount(blocks: Blocks, at: int, m: int) -> float:
    """The change one discount filter gives, from the 20 memories of blocks before, or all."""
    start = max(int(np.searchsorted(blocks.height, blocks.height[at + m] - 6 * MEMORY)), 0)
    time, work = blocks.time[start : at + m + 1], blocks.work[start : at + m + 1]
    height = blocks.height[start : at + m + 1]
    whole = int(np.flatnonzero(np.diff(height, prepend=height[0]) > 1).max(initial=0))
    alpha = np.diff(time[whole:]) / work[whole + 1 :]
    age = (1 - 1 / MEMORY) ** np.arange(alpha.size - 1, -1, -1)
    law = DiscountFilter(MEMORY, float(age.sum()), float((age * alpha).sum()))
    elapsed = float(blocks.time[at + m] - blocks.time[at])
    return law.change(float(blocks.work[at + m]), m, elapsed)


def _ratio(rows: list[Outcome], ours: str, theirs: str) -> float:
    def error(name: str) -> float:
        return float(np.mean([abs(getattr(row, name) - row.actual) for row in rows]))

    return error(ours) / error(theirs)


def _part(rows: list[Outcome], start: float, end: float) -> dict[int, list[Outcome]]:
    chosen = [row for row in rows if start <= row.time < end]
    return {m: [row for row in chosen if row.point == m] for m in POINTS}


def error_table(rows: list[Outcome]) -> str:
    """Mean absolute error of the rules in points, and ours as a ratio to mempool.space's."""
    lines = [
        "| blocks into the epoch | ours | naive | mempool.space | discount filter | ours / "
        "mempool.space | before 2024 | since | bar | reached |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    start, end = ERAS["2020-2026"]
    whole = _part(rows, start, end)
    tuned, since = _part(rows, start, TUNED_TO), _part(rows, TUNED_TO, end)
    for m in POINTS:
        errors = [
            100 * float(np.mean([abs(getattr(row, name) - row.actual) for row in whole[m]]))
            for name in ("median", "naive", "mempool", "discount")
        ]
        ratios = [_ratio(part[m], "median", "mempool") for part in (whole, tuned, since)]
        reached = "yes" if ratios[0] <= ERROR_BARS[m] else "**no**"
        cells = [f"{one:.2f}" for one in errors] + [f"{one:.3f}" for one in ratios]
        lines.append(f"| {m} | " + " | ".join(cells) + f" | {ERROR_BARS[m]:.2f} | {reached} |")
    return "\n".join(lines)


def score_table(rows: list[Outcome], era: str) -> str:
    """CRPS beside the Beta law's, and coverage of the bands with its binomial error."""
    lines = [
        "| blocks into the epoch | epochs | CRPS / Beta law's | bar | 50% band holds | 80% | 95% | "
        "mean width of 80%, points |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for m, part in _part(rows, *ERAS[era]).items():
        count = len(part)
        score = sum(row.crps for row in part) / sum(row.crps_beta for row in part)
        bar = 0.85 if m <= 504 else 1.0
        cells = []
        for place, band in enumerate(BANDS):
            share = float(np.mean([row.inside[place] for row in part]))
            error = (band * (1 - band) / count) ** 0.5
            cells.append(f"{share:.1%} ± {error:.1%}")
        width = 100 * float(np.mean([row.width for row in part]))
        reached = "" if score <= bar else " **no**"
        lines.append(
            f"| {m} | {count} | {score:.3f} | {bar:.2f}{reached} | "
            + " | ".join(cells)
            + f" | {width:.2f} |"
        )
    return "\n".join(lines)


def page(rows: list[Outcome]) -> str:
    """The tables with what they mean."""
    epochs = len(_part(rows, *ERAS["2020-2026"])[POINTS[0]])
    parts = [
        f"Mean absolute error of the next change, percentage points, {epochs} epochs of 2020-2026, "
        "each forecast from the blocks and prices known at its own block. The grids and "
        "the forgetting were set on epochs before 2024; the sharpness of the weights was picked "
        "with all epochs in sight.\n\n" + error_table(rows),
    ]
    parts += [
        f"{era}: continuous ranked probability score as a ratio to the constant-rate Beta law's, "
        "and how often the bands held the outcome (± one binomial standard error).\n\n"
        + score_table(rows, era)
        for era in ERAS
    ]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Print the tables, or write them."""
    text = page(outcomes(record()))
    sys.stdout.write(text)
    if "--write" in sys.argv[1:]:
        write_part("retarget_forecast", "The next retarget, forecast on every epoch", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
