"""The cost of a coin on the real record by every model: speed, published figures, what followed.

``--write`` also writes the tables into docs/costs.md.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import numpy as np
from inference_page import PAGE, write_part
from retarget_forecast import record

from hashcanary.economics.costs.history import cost_history
from hashcanary.economics.costs.model import find_cost_models
from hashcanary.economics.costs.models.difficulty_refit import fitted_before
from hashcanary.economics.costs.stated import assume, read_published_costs
from hashcanary.metrics.engine import metrics_of
from hashcanary.moments import DAY, iso_day, parse_moment
from hashcanary.studies.price_to_cost import after_costs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.economics.costs.history import ModelCosts
    from hashcanary.store.record import Record
    from hashcanary.studies.price_to_cost import AfterCost

_COSTS_PAGE = PAGE.with_name("costs.md")
_DAYS = ("2018-12-15", "2020-03-12", "2022-11-20", "2024-06-01", "2025-12-03", "2026-02-02")
_LIMIT_SECONDS = 3.0
_HORIZON = 180


def _day(text: str) -> int:
    moment = parse_moment(text).time
    assert moment is not None
    return moment - DAY


def _definitions() -> str:
    rows = ["| model | definition | source | differs | band |", "|---|---|---|---|---|"]
    rows += [
        f"| `{one.name}` | {one.definition} | {one.source} | {one.differs} | {one.band} |"
        for one in find_cost_models()
    ]
    return "\n".join(rows)


def _on_days(history: Sequence[ModelCosts]) -> str:
    head = "| model | " + " | ".join(_DAYS) + " |"
    rows = [head, "|---|" + "---|" * len(_DAYS)]
    for costs in history:
        cells = []
        for text in _DAYS:
            row = costs.days.filter(time=_day(text)).row(0, named=True)
            if row["cost_usd_per_btc"] is None:
                cells.append("-")
                continue
            mark = "*" if row["hindsight"] else ""
            low, middle, high = (
                f"{row[name] / 1000:,.1f}"
                for name in ("low_usd_per_btc", "cost_usd_per_btc", "high_usd_per_btc")
            )
            cells.append(f"{middle}{mark} ({low} to {high}); {row['price_to_cost']:.2f}")
        rows.append(f"| `{costs.model.name}` | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _published(history: Sequence[ModelCosts]) -> str:
    """Beside each published figure the models of its own day."""
    names = ("electricity", "cambridge", "capriole", "all-in", "difficulty-refit-4y")
    named = {one.model.name: one.days for one in history}
    rows = ["| published | of | USD/BTC | " + " | ".join(f"`{name}`" for name in names) + " |"]
    rows.append("|---|---|---|" + "---|" * len(names))
    for one in read_published_costs():
        cells = []
        for name in names:
            day = named[name].filter(time=one.day)["cost_usd_per_btc"]
            known = day.len() and day[0] is not None
            cells.append(f"{day[0]:,.0f}" if known else "-")
        told = " | ".join(cells)
        rows.append(f"| {one.title} | {iso_day(one.day)} | {one.usd_per_btc:,.0f} | {told} |")
    return "\n".join(rows)


def _fit(whole: Record) -> str:
    names = ("blocks.difficulty_mean", "price.usd", "blocks.supply_btc")
    days = metrics_of(whole).frame("day", names)
    x = days["blocks.difficulty_mean"].log().to_numpy()
    y = (days["price.usd"] * days["blocks.supply_btc"]).log().to_numpy()
    level, slope, _ = fitted_before(x, y, None)
    rows = ["| fitted to the days before | A | B |", "|---|---|---|"]
    for text in ("2018-12-15", "2020-05-01", "2022-09-14", "2024-04-20", "2026-02-02"):
        row = int(np.flatnonzero(days["time"].to_numpy() == _day(text))[0])
        rows.append(f"| {text} | {level[row]:.4f} | {slope[row]:.4f} |")
    rows.append("| Glassnode, published, to 2022-09-14 | 10.2560 | 0.5250 |")
    return "\n".join(rows)


def _after(found: Sequence[AfterCost]) -> str:
    rows = [
        "| model | price | of days | spells | apart | rose, 95% limits | any day | median |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in found:
        after = next(one_ for one_ in one.after if one_.horizon_days == _HORIZON)
        rose = median = "-"
        if after.rose is not None and after.median is not None:
            rose = f"{after.rose.value:.0%} ({after.rose.low:.0%} to {after.rose.high:.0%})"
            median = f"{after.median:+.0%}"
        base = "-" if after.base_share is None else f"{after.base_share:.0%}"
        rows.append(
            f"| `{one.model}` | {one.rule} | {one.in_state / one.known_days:.0%} | "
            f"{len(one.began)} | {after.independent} | {rose} | {base} | {median} |"
        )
    return "\n".join(rows)


def main() -> int:
    """Measure, print, and with ``--write`` put the tables into the page."""
    whole = record()
    models, assumed = find_cost_models(), assume()
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        history = cost_history(whole, models, assumed)
        seconds.append(time.perf_counter() - start)
    speed = (
        f"The full history of all {len(models)} models, {history[0].days.height:,} days, their "
        f"bands and the metrics they need: {min(seconds):.1f} s on one core (limit: "
        f"{_LIMIT_SECONDS:.0f} s), the record read before."
    )
    text = "\n\n".join(
        (
            "### The models",
            _definitions(),
            "### Speed",
            speed,
            "### Cost on some days\n\nThousand USD a BTC with 90% bands; price over cost. *: with "
            "constants fitted to later days.",
            _on_days(history),
            "### Beside published figures\n\nUSD a BTC. Overheads and shares were judged with "
            "some of these in view; nothing was fitted to them.",
            _published(history),
            "### The regression, fitted anew",
            _fit(whole),
            f"### What followed, {_HORIZON} days on\n\nWhat `hashcanary study costs` says: only "
            "windows apart are evidence, and the rows ask the same few years again and again.",
            _after(after_costs(history)),
        )
    )
    sys.stdout.write(text + "\n")
    if "--write" in sys.argv[1:]:
        write_part("cost_record", "On the real record", text, _COSTS_PAGE)
    return int(min(seconds) > _LIMIT_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
