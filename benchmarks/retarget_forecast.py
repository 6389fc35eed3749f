"""The next retarget, forecast from m blocks into every epoch of the data: error, score, coverage.

What `hashcanary study calibration` measures, in two eras, with what it must reach. ``--write``
also writes the tables into docs/inference.md.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from inference_page import write_part
from real_data import real_data
from scipy.stats import binom

from hashcanary.chain.networks import MAIN
from hashcanary.inference.filter.bank import BANDS
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.recording import record_of
from hashcanary.studies.calibration import RetargetOutcome, retarget_outcomes, scores

if TYPE_CHECKING:
    from hashcanary.store.record import Record
    from hashcanary.studies.calibration import PointScore

# most that the mean absolute error may be of mempool.space's, 2020 on
ERROR_BARS = {36: 0.80, 72: 0.80, 144: 0.80, 288: 0.80, 504: 0.85, 1008: 0.93, 1512: 0.95}
ERAS = {"2011-2014": (1.29e9, 1.42e9), "2020-2026": (1.57e9, 2e9)}
TUNED_TO = 1_704_067_200
# what lies outside of the 95% band on either side
TAIL = 0.025
# how far a band's share may be from what it says
WITHIN = 0.03


def record() -> Record:
    """All the real data, loaded into a lake of its own."""
    home = Path(tempfile.mkdtemp()) / "lake"
    return record_of(load(Lake.create(home, MAIN), [real_data()], now=0).lake)


def between(found: list[RetargetOutcome], start: float, end: float) -> list[PointScore]:
    """The scores of the epochs that began in [start, end), Unix seconds."""
    return scores([one for one in found if start <= one.time < end])


def error_table(found: list[RetargetOutcome]) -> str:
    """Mean absolute error of the rules in points, and ours as a ratio to mempool.space's."""
    lines = [
        "| blocks into the epoch | ours | naive | mempool.space | discount filter | ours / "
        "mempool.space | before 2024 | since | bar | reached |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    start, end = ERAS["2020-2026"]
    eras = (between(found, start, end), between(found, start, TUNED_TO))
    for score, before, since in zip(*eras, between(found, TUNED_TO, end), strict=True):
        bar = ERROR_BARS[score.point]
        errors = (score.error, score.naive_error, score.mempool_error, score.discount_error)
        cells = [f"{100 * one:.2f}" for one in errors]
        cells += [f"{one.ratio:.3f}" for one in (score, before, since)]
        reached = "yes" if score.ratio <= bar else "**no**"
        lines.append(f"| {score.point} | " + " | ".join(cells) + f" | {bar:.2f} | {reached} |")
    return "\n".join(lines)


def score_table(found: list[PointScore]) -> str:
    """CRPS beside the Beta law's, and coverage of the bands with its binomial error."""
    lines = [
        "| blocks into the epoch | epochs | CRPS / Beta law's | bar | 50% band holds | 80% | 95% | "
        "mean width of 80%, points |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for score in found:
        bar = 0.85 if score.point <= 504 else 1.0
        cells = []
        for band, share in zip(BANDS, score.held, strict=True):
            error = (band * (1 - band) / score.epochs) ** 0.5
            cells.append(f"{share.value:.1%} ± {error:.1%}")
        reached = "" if score.score_ratio <= bar else " **no**"
        lines.append(
            f"| {score.point} | {score.epochs} | {score.score_ratio:.3f} | {bar:.2f}{reached} | "
            + " | ".join(cells)
            + f" | {100 * score.width_80:.2f} |"
        )
    return "\n".join(lines)


def second_table(found: list[PointScore]) -> str:
    """The retarget after the next: error and coverage."""
    lines = [
        "| blocks into the epoch | epochs | error, points | of no change | 50% band holds | 80% | "
        "95% |",
        "|---|---|---|---|---|---|---|",
    ]
    for score in found:
        assert score.second_error is not None
        assert score.second_unchanged_error is not None
        cells = [f"{share.value:.1%}" for share in score.second_held]
        lines.append(
            f"| {score.point} | {score.second_epochs} | {100 * score.second_error:.2f} | "
            f"{100 * score.second_unchanged_error:.2f} | " + " | ".join(cells) + " |"
        )
    return "\n".join(lines)


def tail_table(found: list[RetargetOutcome]) -> str:
    """How often the change came below and above the outermost quantiles."""
    eras = {
        "2011-2014": ERAS["2011-2014"],
        "2020-2023": (1.57e9, TUNED_TO),
        "since": (TUNED_TO, 2e9),
    }
    lines = [
        "| blocks into the epoch | " + " | ".join(f"{era}, below | above" for era in eras) + " |",
        "|---" * (1 + 2 * len(eras)) + "|",
    ]
    for point in sorted({one.point for one in found}):
        cells = []
        for start, end in eras.values():
            pits = [o.pit for o in found if o.point == point and start <= o.time < end]
            outside = (sum(pit < TAIL for pit in pits), sum(pit > 1 - TAIL for pit in pits))
            cells += [f"{count / len(pits):.1%}" for count in outside]
        lines.append(f"| {point} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def within(eras: list[list[PointScore]]) -> str:
    """How many shares are within 3 points, and how many a perfect forecaster's would be."""
    shares = [
        (band, share, score.epochs)
        for era in eras
        for score in era
        for band, share in zip(BANDS, score.held, strict=True)
    ]
    close = sum(abs(share.value - band) <= WITHIN for band, share, _ in shares)
    fair = sum(share.low <= band <= share.high for band, share, _ in shares)
    perfect = 0.0
    for band, _, count in shares:
        held = [k for k in range(count + 1) if abs(k / count - band) <= WITHIN]
        perfect += float(binom.pmf(held, count, band).sum())
    return (
        f"{close} of these {len(shares)} shares are within 3 points of what their band says; of a "
        f"forecaster that knew the law itself, {perfect:.0f} would be, on average: so few epochs "
        f"allow no more. {fair} hold what they should within their exact 95% binomial interval."
    )


def page(found: list[RetargetOutcome]) -> str:
    """The tables with what they mean."""
    eras = {name: between(found, *span) for name, span in ERAS.items()}
    epochs = eras["2020-2026"][0].epochs
    parts = [
        f"Mean absolute error of the next change, percentage points, {epochs} epochs of 2020-2026, "
        "each forecast from the blocks and prices known at its own block. The grids and "
        "the forgetting were set on epochs before 2024; the sharpness of the weights was picked "
        "with all epochs in sight.\n\n" + error_table(found),
    ]
    parts += [
        f"{name}: continuous ranked probability score as a ratio to the constant-rate Beta law's, "
        "and how often the bands held the outcome (± one binomial standard error).\n\n"
        + score_table(score)
        for name, score in eras.items()
    ]
    parts.append(within(list(eras.values())))
    parts.append(
        "How often the change came below the 2.5% quantile, and above the 97.5% quantile.\n\n"
        + tail_table(found)
    )
    parts.append("The retarget after the next, 2020-2026.\n\n" + second_table(eras["2020-2026"]))
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Print the tables, or write them."""
    text = page(retarget_outcomes(record()))
    sys.stdout.write(text)
    if "--write" in sys.argv[1:]:
        write_part("retarget_forecast", "The next retarget, forecast on every epoch", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
