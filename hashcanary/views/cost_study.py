"""What the price of bitcoin did after it fell below a cost of a coin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.economics.costs.model import LEVEL
from hashcanary.interval import Interval, clopper_pearson
from hashcanary.moments import DAY, iso_day
from hashcanary.units import COUNT, DAYS, FRACTION
from hashcanary.views.answer import Answer, View
from hashcanary.views.costs import assumption, assumption_records
from hashcanary.views.table import Column, Table, limited

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hashcanary.store.record import Record
    from hashcanary.studies.forward_returns import ForwardSummary
    from hashcanary.studies.price_to_cost import AfterCost

# the horizon that people see, days
_SHOWN_DAYS = 180
_EXACT = "exact (Clopper-Pearson) 95%, of windows that do not overlap"

VIEW = View(
    "cost_study",
    "study costs",
    "What did the price do after it fell below the cost of a coin?",
    tables={
        "after": (
            Column("model", "model"),
            Column("rule", "price"),
            Column(
                "in_state",
                "of days",
                FRACTION,
                limits=f"by the ends of the cost's {LEVEL:.0%} band",
                level=LEVEL,
                digits=0,
                spare=2,
            ),
            Column("now", "now", spare=4, definition="whether it holds on the newest day"),
            Column("spells", "spells", COUNT, spare=3),
            Column("horizon", "horizon", DAYS, hidden=True),
            Column("measured", "spells with a return", COUNT, hidden=True),
            Column("return_mean", "mean return", FRACTION, signed=True, digits=0, hidden=True),
            Column("return_median", "median return", FRACTION, signed=True, digits=0, spare=1),
            Column("independent", "independent", COUNT, definition="windows that do not overlap"),
            Column("share_positive", "rose", FRACTION, limits=_EXACT, digits=0),
            Column(
                "base_share",
                "any day",
                FRACTION,
                limits=_EXACT,
                digits=0,
                definition="share of all days since the model has a cost after which it rose",
            ),
            Column("base_independent", "independent windows of any day", COUNT, hidden=True),
            Column("began", "days on which a spell was first known", hidden=True),
        ),
    },
    more={
        "rules": "what each rule counts as a low price",
        "assumptions": "stated figures that the models use, as of the newest day",
    },
)


def cost_study(
    record: Record,
    *,
    models: Sequence[str] = (),
    power_price: float | None = None,
    efficiency: float | None = None,
    assumptions: Path | None = None,
    rigs: Path | None = None,
    power_prices: Path | None = None,
) -> Answer:
    """What the price did after spells below each cost, and after any day, with exact 95% limits.

    models: names, empty for all. power_price: USD/kWh of your own contract; efficiency: J/TH of
    your own machines. The rest: TOML files. Raises UsageError, BadFigures, UnknownCostModel,
    BadCostModel, NothingToMeasure, NoCostDays.
    """
    from hashcanary.economics.costs.history import cost_history
    from hashcanary.economics.costs.model import find_cost_models
    from hashcanary.economics.costs.stated import assume
    from hashcanary.studies.price_to_cost import RULES, after_costs

    chosen = find_cost_models(models)
    assumed = assume(assumptions, rigs, power_prices, efficiency, power_price)
    studied = after_costs(cost_history(record, chosen, assumed))
    rows = [_row(model, after) for model in studied for after in model.after]
    title = "After a price below the cost of a bitcoin"
    return Answer(
        VIEW,
        record,
        f"{title}, as known at {record.at_text}; {_SHOWN_DAYS} days on",
        (
            Table(
                "after",
                title,
                VIEW.tables["after"],
                rows,
                shown=[row for row in rows if row[5] == _SHOWN_DAYS],
            ),
        ),
        more={
            "rules": dict(RULES),
            "assumptions": assumption_records(
                figure for model in studied for figure in model.assumptions
            ),
        },
        sentences=_sentences(studied),
        result=studied,
    )


def _row(model: AfterCost, after: ForwardSummary) -> tuple[object, ...]:
    fewer, more = (days / model.known_days for days in model.in_state_band)
    return (
        model.model,
        model.rule,
        Interval(model.in_state / model.known_days, fewer, more),
        model.now,
        len(model.began),
        after.horizon_days,
        after.measured,
        after.mean,
        after.median,
        after.independent,
        limited(after.share_positive, after.low, after.high),
        _base(after),
        after.base_independent,
        tuple(iso_day(each * DAY) for each in model.began),
    )


def _base(after: ForwardSummary) -> Interval | None:
    """The share after any day, with the limits that its windows without overlap leave."""
    if after.base_share is None:
        return None
    trials = after.base_independent
    return Interval(after.base_share, *clopper_pearson(round(after.base_share * trials), trials))


def _sentences(studied: Sequence[AfterCost]) -> list[str]:
    from hashcanary.studies.price_to_cost import QUIET_DAYS, RULES

    figures = dict.fromkeys(figure for model in studied for figure in model.assumptions)
    return [
        *(f"{name.capitalize()}: {text}." for name, text in RULES.items()),
        f"A spell begins after {QUIET_DAYS} days without. Independent: spells whose windows do "
        "not overlap; rose: the share of them after which the price was higher; any day: the same "
        "share of all days since the model has a cost.",
        f"Assumptions: {'; '.join(map(assumption, figures))}.",
        f"{len(studied)} rows test the same few years again and again, so the best of them is no "
        "discovery. Days on which a model's constants were hindsight are left out.",
    ]
