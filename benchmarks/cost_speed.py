"""Every model of the cost of a coin over the full real record, with bands and the metrics needed.

No peer gives the history of several definitions, so only the bar stands beside ours.
"""

from __future__ import annotations

import statistics
import time

from retarget_forecast import record
from table import show

from hashcanary.economics.costs.history import cost_history
from hashcanary.economics.costs.model import find_cost_models
from hashcanary.economics.costs.stated import assume

ROUNDS, BAR = 5, 3.0


def measure() -> list[dict[str, object]]:
    """The row of the table."""
    rec, models = record(), find_cost_models()
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        cost_history(rec, models, assume())
        took.append(time.perf_counter() - start)
    days = cost_history(rec, models[:1], assume())[0].days.height
    return [
        {
            "what": f"cost of a coin by {len(models)} models, {days:,} days, with bands, s",
            "ours": statistics.median(took),
            "bar": f"below {BAR:g}",
            "reached": statistics.median(took) < BAR,
        }
    ]


if __name__ == "__main__":
    raise SystemExit(show(measure()))
