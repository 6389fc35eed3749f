"""Models of the hashrate compared by their predictive log score on the real record.

Every model says, before each bin of 18 blocks, how likely each length of it is; the score is the
mean log density of what came (nats a bin, of the log of the seconds per hash). Settings are chosen
on the bins before 2024 and scored apart on those since. ``--write`` also writes the table into
docs/inference.md.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from inference_page import write_part
from retarget_forecast import TUNED_TO, record
from scipy.special import betaln

from hashcanary.chain.networks import MAIN
from hashcanary.inference.filter.bank import BANK, Bank, Model, run_bank
from hashcanary.inference.filter.kernels import compiled
from hashcanary.inference.filter.observations import BIN, blocks_of, observe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.inference.filter.observations import Observations

    Floats = NDArray[np.float64]

# the consecutive blocks of 2020 to 2026, and the bins that every model only learns from
FIRST, LEARNING = 610_700, 448
EPOCH = 112


@dataclass(frozen=True, slots=True)
class Scored:
    """A model with its chosen setting and its score of every bin."""

    name: str
    setting: str
    scores: Floats


def discount_scores(seconds_per_hash: Floats, memory: float) -> Floats:
    """One discount Gamma filter: conjugate, exact. memory: blocks an observation counts for."""
    keep = (1 - 1 / memory) ** BIN
    shape, scale = float(BIN), float(seconds_per_hash[0])
    scores = np.zeros(seconds_per_hash.size)
    for i, seconds in enumerate(seconds_per_hash[1:].tolist(), start=1):
        shape, scale = shape * keep, scale * keep
        share = seconds / (seconds + scale)
        scores[i] = BIN * math.log(share) + shape * math.log1p(-share) - betaln(float(BIN), shape)
        shape, scale = shape + BIN, scale + seconds
    return scores


@compiled
def changepoint_scores(sums: Floats, blocks: float, hazard: float, shape: float) -> Floats:
    """Bayesian online changepoint detection (Adams and MacKay 2007) with the Gamma pair.

    sums: seconds per hash of each bin; hazard: chance of a change a bin; shape: of the prior of a
    new rate about the mean of what is believed before it.
    """
    longest = 2000
    weight, a, b = np.zeros(longest), np.zeros(longest), np.zeros(longest)
    weight[0], a[0], b[0] = 1.0, shape, shape * sums[0] / blocks
    count, scores = 1, np.zeros(sums.size)
    logs = np.empty(longest)
    for i in range(sums.size):
        top = -np.inf
        for k in range(count):
            share = sums[i] / (sums[i] + b[k])
            logs[k] = blocks * math.log(share) + a[k] * math.log(1.0 - share)
            logs[k] -= math.lgamma(blocks) + math.lgamma(a[k]) - math.lgamma(blocks + a[k])
            top = max(top, logs[k])
        whole = 0.0
        for k in range(count):
            weight[k] *= math.exp(logs[k] - top)
            whole += weight[k]
            a[k] += blocks
            b[k] += sums[i]
        scores[i] = top + math.log(whole)
        rate = 0.0
        for k in range(count):
            weight[k] /= whole
            rate += weight[k] * a[k] / b[k]
        last = min(count, longest - 1)
        for k in range(last, 0, -1):
            weight[k], a[k], b[k] = weight[k - 1] * (1.0 - hazard), a[k - 1], b[k - 1]
        weight[0], a[0], b[0] = hazard, shape, shape / rate
        count = last + 1
    return scores


def compare(seen: Observations) -> list[Scored]:
    """Every model with the setting that scores best before 2024."""
    early = _early(seen)
    calm = _without_shocks()
    sums = seen.count * seen.seconds / seen.work

    def best(name: str, tried: dict[str, Floats]) -> Scored:
        chosen = max(tried, key=lambda one: float(tried[one][early].mean()))
        return Scored(name, chosen, tried[chosen])

    def walk(model: Model) -> Floats:
        return run_bank(seen, Bank((model,), 1.0)).scores

    wanders = (0.0015, 0.003, 0.005, 0.006, 0.007, 0.008, 0.010, 0.012)
    return [
        best(
            "discount Gamma filter",
            {f"{n} blocks": discount_scores(sums, n) for n in (300, 500, 700, 1000, 1400, 2000)},
        ),
        best(
            "log random walk",
            {f"{q:.4f} a bin": walk(Model(q, 0.0, 0.0, 0.4, 0.0)) for q in wanders},
        ),
        best(
            "changepoints (BOCPD)",
            {
                f"one in {days} days, prior of {shape} blocks": changepoint_scores(
                    sums, float(BIN), 1 / (8 * days), float(shape)
                )
                for days in (3, 7, 15, 30)
                for shape in (50, 150, 400)
            },
        ),
        best(
            "level and transient",
            {
                f"{q:.4f} a bin, {days:g} days of {sd:.0%}": walk(Model(q, days, sd, 0.4, 0.0))
                for q in wanders
                for days, sd in ((0.5, 0.05), (2.0, 0.03), (2.0, 0.06), (5.0, 0.05))
            },
        ),
        Scored(
            "bank without a price",
            f"{len(BANK.models)} models",
            run_bank(seen, _without_price()).scores,
        ),
        Scored("bank without shocks", f"{len(calm.models)} models", run_bank(seen, calm).scores),
        Scored("bank (used)", f"{len(BANK.models)} models", run_bank(seen, BANK).scores),
    ]


def _without_price() -> Bank:
    models = (
        Model(m.wander, m.transient_days, m.transient_sd, m.growth, 0.0, m.prior)
        for m in BANK.models
    )
    return Bank(tuple(models), BANK.forgetting, BANK.sharpness, BANK.shocks)


def _without_shocks() -> Bank:
    assert BANK.shocks is not None
    return Bank(BANK.models[: -BANK.shocks.groups], BANK.forgetting, BANK.sharpness)


def _early(seen: Observations) -> NDArray[np.bool_]:
    early: NDArray[np.bool_] = (seen.time < TUNED_TO) & (np.arange(seen.size) >= LEARNING)
    return early


def table(seen: Observations, compared: list[Scored]) -> str:
    """Mean score of each model against the one used, with the error of the difference."""
    early, late = _early(seen), seen.time >= TUNED_TO
    used = compared[-1].scores
    lines = [
        "| model | setting | to 2024, nats a bin | against the one used | since 2024 | against the "
        "one used |",
        "|---|---|---|---|---|---|",
    ]
    for one in compared:
        cells = []
        for chosen in (early, late):
            difference = (one.scores - used)[chosen]
            cells += [f"{one.scores[chosen].mean():.5f}", _difference(difference)]
        lines.append(f"| {one.name} | {one.setting} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _difference(difference: Floats) -> str:
    """Mean per thousand bins with its standard error from means of whole epochs."""
    if not difference.any():
        return ""
    whole = difference[: difference.size // EPOCH * EPOCH].reshape(-1, EPOCH).mean(axis=1)
    error = whole.std(ddof=1) / whole.size**0.5
    return f"{1000 * difference.mean():+.2f} ± {1000 * error:.2f} per 1000"


def page(compared: list[Scored], seen: Observations) -> str:
    """The table with what it means."""
    return (
        f"Mean log density of each bin of {BIN} blocks under each model, before it came: "
        f"{int(seen.size):,} bins from block {int(seen.first[0]):,} to {int(seen.height[-1]):,}, "
        f"the first {LEARNING} for learning. Settings: the best before 2024. Differences are in "
        "nats per 1000 bins (125 days), ± one standard error over epochs.\n\n"
        + table(seen, compared)
        + "\n"
    )


def main() -> int:
    """Print the table, or write it."""
    seen = observe(blocks_of(record()), MAIN)
    seen = seen.where((seen.first >= FIRST) & (seen.count == BIN))
    text = page(compare(seen), seen)
    sys.stdout.write(text)
    if "--write" in sys.argv[1:]:
        write_part("hashrate_models", "Which model, and why", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
