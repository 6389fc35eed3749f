"""What a bitcoin costs to make, by definition and with bands, and the price after it fell below."""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from hashcanary.economics.costs.model import LEVEL, find_cost_models
from hashcanary.interval import Interval, clopper_pearson
from hashcanary.moments import DAY, iso_day
from hashcanary.units import (
    COUNT,
    DATE,
    DAYS,
    FRACTION,
    J_PER_TH,
    RATIO,
    UNIX_TIME,
    USD_PER_BTC,
    USD_PER_KWH,
)
from hashcanary.views.answer import Answer, View, one_of, only_of_history
from hashcanary.views.table import Column, Table, defined, limited
from hashcanary.views.text import banded, count, day, month_ends, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from hashcanary.economics.costs.history import CostAnswer, CostAnswers, ModelCosts, Sensitivity
    from hashcanary.economics.costs.stated import PublishedCost, StatedFigure
    from hashcanary.store.record import Record
    from hashcanary.studies.forward_returns import ForwardSummary
    from hashcanary.studies.price_to_cost import AfterCost

TABLES = ("definitions", "sensitivity", "history")
# models fitted to past prices: they value a coin and count nobody's costs
FITTED = ("difficulty-regression", "difficulty-refit", "difficulty-refit-4y", "pow-floor")
# the model named beside the lowest and the highest: the least that is paid
_LEAST_PAID = "electricity"
_DAYS_SHOWN = 62
_BAND = f"central {LEVEL:.0%}; each model's `band` has its meaning"
_BANDED = f"central {LEVEL:.0%}"


def _cost_columns(spare: int = 0) -> tuple[Column, ...]:
    return (
        Column("cost", "cost", USD_PER_BTC, limits=_BAND, level=LEVEL),
        Column("price_to_cost", "price / cost", RATIO, limits=_BAND, level=LEVEL, spare=spare),
    )


VIEW = View(
    "costs",
    "cost",
    "What does a bitcoin cost to make?",
    facts=(
        Column("price", "newest price of bitcoin", USD_PER_BTC),
        Column("price_day", "day of the price", DATE),
    ),
    tables={
        "definitions": (
            Column("model", "model"),
            Column("title", "definition", wide=True, hidden=True),
            Column("kind", "kind", hidden=True, definition="model or published"),
            *_cost_columns(),
            Column("day", "of", DATE, spare=2),
            Column("inputs", "assumptions and inputs", wide=True, spare=1),
            Column("missing", "missing", wide=True, optional=True, definition="why it has no cost"),
            Column("hindsight", "assumptions stated after the day", hidden=True),
            Column("definition", "what it counts", hidden=True),
            Column("source", "source", hidden=True),
            Column("differs", "how it differs from its source", hidden=True),
            Column("band", "what its limits are", hidden=True),
        ),
        "sensitivity": (
            Column("model", "model"),
            Column("assumption", "name", hidden=True),
            Column("title", "assumption", wide=True),
            Column("value", "value", hidden=True, definition="as stated, in the row's unit"),
            Column("low", "from", text=lambda value: f"{value:.3g}", definition="in its unit"),
            Column("high", "to", text=lambda value: f"{value:.3g}", definition="in its unit"),
            Column("unit", "unit", hidden=True),
            Column("cost", "cost as stated", USD_PER_BTC, hidden=True),
            Column("cost_at_low", "cost at from", USD_PER_BTC),
            Column("cost_at_high", "at to", USD_PER_BTC),
            Column("swing", "higher / lower", RATIO, digits=2),
        ),
        "history": defined(
            {"hindsight": "whether its constants were fitted to later days"},
            Column("model", "model"),
            Column("day", "day", DATE),
            Column("price", "price", USD_PER_BTC, spare=2),
            *_cost_columns(spare=1),
            Column("hindsight", "hindsight", spare=3),
            Column("known_at", "known at", UNIX_TIME, hidden=True),
            *(
                Column(name, title, unit, limits=_BANDED, level=LEVEL, hidden=True)
                for name, title, unit in (
                    ("network_efficiency", "efficiency assumed", J_PER_TH),
                    ("network_power_price", "power price assumed", USD_PER_KWH),
                )
            ),
            Column("missing", "missing", hidden=True, definition="why there is no cost"),
        ),
    },
    more={
        "assumptions": "stated figures that the models use, as of the newest day with a cost",
        "models": "each model's definition, source, difference from its source and band",
    },
)
BANDS = (
    f"Bands: {LEVEL:.0%}. Price / cost: the newest price over the newest cost; above 1 a coin "
    "sells for more than it costs."
)
VALUATIONS = (
    "Regressions and the PoW floor are regression-based valuation models, not cost models: their "
    "bands are how far prices strayed from them."
)
_TITLES = {
    "definitions": "Cost of a bitcoin by definition",
    "sensitivity": "What moves the cost of a bitcoin",
    "history": "Cost of a bitcoin by day",
}
_NOTES = {
    "definitions": BANDS,
    "sensitivity": f"Each assumption alone at the ends of its {LEVEL:.0%} band, all else as "
    "stated. The model itself: its spread by its own definition.",
    "history": f"Bands: {LEVEL:.0%}. Hindsight: the model's constants were fitted to later days.",
}


def costs(
    record: Record,
    *,
    show: str | None = None,
    models: Sequence[str] = (),
    start: int | None = None,
    end: int | None = None,
    power_price: float | None = None,
    efficiency: float | None = None,
    assumptions: Path | None = None,
    rigs: Path | None = None,
    power_prices: Path | None = None,
    published: Path | None = None,
) -> Answer:
    """The cost of a coin by every definition as known at the record's moment, with 90% bands.

    show: the main table, one of ``TABLES``, None for the definitions. models: names, empty for
    all. start, end: of the history, Unix seconds, ``end`` excluded. power_price: USD/kWh of your
    own contract; efficiency: J/TH of your own machines. The rest: TOML files. Raises UsageError,
    BadFigures, UnknownCostModel, BadCostModel, NothingToMeasure, NoCost.
    """
    from hashcanary.economics.costs.history import cost_answers
    from hashcanary.economics.costs.stated import assume, newest_known, read_published_costs

    if show is not None:
        one_of("show", show, TABLES, "Omit it for the definitions.")
    only_of_history(start, end, "the costs", history=show == "history")
    chosen = find_cost_models(models)
    assumed = assume(assumptions, rigs, power_prices, efficiency, power_price)
    beside = read_published_costs(published)
    answers = cost_answers(record, chosen, assumed)
    known = () if models else newest_known(beside, answers.at)
    main = show or "definitions"
    tables = [definitions(answers, known), _sensitivity(answers)]
    if main == "history":
        # long, so only where it is asked for
        tables.append(_history(answers, start, end))
    return Answer(
        VIEW,
        record,
        f"{_TITLES[main]}, as known at {record.at_text}",
        tuple(sorted(tables, key=lambda table: table.key != main)),
        facts={"price": answers.price_usd, "price_day": answers.price_day},
        more={
            "assumptions": assumption_records(
                figure for answer in answers.answers for figure in answer.assumptions
            ),
            "models": [
                {
                    "model": model.name,
                    "title": model.title,
                    "definition": model.definition,
                    "source": model.source,
                    "differs": model.differs,
                    "band": model.band,
                    "inputs": model.rests_on,
                }
                for model in chosen
            ],
        },
        sentences=_cost_sentences(answers, known) if main == "definitions" else (),
        notes=[_NOTES[main]],
        result=answers,
    )


def definitions(answers: CostAnswers, published: Sequence[PublishedCost] = ()) -> Table:
    """Every definition, the lowest cost first, and figures that others published."""
    rows = [_model_row(answer) for answer in answers.answers]
    rows += [_published_row(cost) for cost in sorted(published, key=lambda cost: cost.usd_per_btc)]
    return Table("definitions", _TITLES["definitions"], VIEW.tables["definitions"], rows)


def titled(table: Table) -> Table:
    """The definitions by their titles in place of the models' names, as a page shows them."""
    seen = {"model": True, "title": False}
    return replace(
        table,
        columns=tuple(
            replace(column, hidden=seen.get(column.name, column.hidden)) for column in table.columns
        ),
    )


def _model_row(answer: CostAnswer) -> tuple[object, ...]:
    model = answer.model
    return (
        model.name,
        model.title,
        "model",
        answer.cost,
        answer.price_to_cost,
        answer.day,
        "; ".join((*map(assumption, answer.assumptions), model.rests_on)),
        answer.missing,
        tuple(figure.name for figure in answer.hindsight),
        model.definition,
        model.source,
        model.differs,
        model.band,
    )


def _published_row(cost: PublishedCost) -> tuple[object, ...]:
    return (
        cost.title,
        f"{cost.title}, published",
        "published",
        cost.usd_per_btc,
        None,
        cost.day,
        f"published, no band: {cost.source}",
        None,
        (),
        cost.definition,
        cost.source,
        cost.why,
        "none: the source has none",
    )


def assumption(figure: StatedFigure) -> str:
    """An assumption in words: ``power 0.0494 USD/kWh (0.0398 to 0.0613)``."""
    value, unit = figure.value, figure.unit
    if value.value != value.value:
        return f"{figure.title} not known"
    exact = ", exact" if value.low == value.high else ""
    return f"{figure.title} {banded(value, unit, None if unit.percent else 3)}{exact}"


def assumption_records(figures: Iterable[StatedFigure]) -> list[dict[str, object]]:
    """Each assumption once, as JSON holds it."""
    return [
        {
            "name": figure.name,
            "title": figure.title,
            "value": figure.value.value,
            "low": figure.value.low,
            "high": figure.value.high,
            "unit": figure.unit.suffix,
            "source": figure.source,
            "stated": iso_day(figure.stated) if figure.stated else None,
        }
        for figure in dict.fromkeys(figures)
    ]


def _sensitivity(answers: CostAnswers) -> Table:
    """What each assumption moves, that which moves its model most first; the definition on top."""
    from hashcanary.economics.costs.history import by_swing

    known = {answer.model.name: answer.cost.value for answer in answers.answers if answer.cost}
    rows: list[tuple[object, ...]] = []
    if len(known) > 1:
        least, most = min(known.values()), max(known.values())
        rows.append(
            ("any", "definition", "the definition", *(None,) * 5, least, most, most / least)
        )
    rows += [_sensitivity_row(move, known[move.model]) for move in by_swing(answers.answers)]
    return Table("sensitivity", _TITLES["sensitivity"], VIEW.tables["sensitivity"], rows)


def _sensitivity_row(move: Sensitivity, cost: float) -> tuple[object, ...]:
    ends = (cost, move.usd_per_btc_at_low, move.usd_per_btc_at_high, move.swing)
    if move.stated is None:
        return (move.model, move.assumption, move.title, *(None,) * 4, *ends)
    unit = move.stated.unit
    title = f"{move.title}, {unit.symbol}" if unit.symbol else move.title
    return (move.model, move.assumption, title, *move.stated.value.three, unit.suffix, *ends)


def _history(answers: CostAnswers, start: int | None, end: int | None) -> Table:
    """Every day of every model; people see the last day of each of the last months."""
    rows: list[tuple[object, ...]] = []
    shown: list[tuple[object, ...]] = []
    for costs_of in answers.history:
        own = _days(costs_of, start, end)
        rows += own
        known = [row for row in own if row[3] is not None]
        shown += known if len(known) <= _DAYS_SHOWN else month_ends(known, itemgetter(1))
    cut = len(shown) < sum(row[3] is not None for row in rows)
    note = "Shown: the last day of each of the last months; --csv has every day." if cut else ""
    return Table(
        "history", _TITLES["history"], VIEW.tables["history"], rows, note=note, shown=shown
    )


def _days(costs_of: ModelCosts, start: int | None, end: int | None) -> list[tuple[object, ...]]:
    days = costs_of.days.with_row_index("row").filter(
        pl.lit(start is None) | (pl.col("time") >= (start or 0)),
        pl.lit(end is None) | (pl.col("time") < (end or 0)),
    )
    own = [costs_of.stated.get(name) for name in ("network_efficiency", "network_power_price")]
    return [
        (
            costs_of.model.name,
            each["time"],
            each["price_usd"],
            limited(each["cost_usd_per_btc"], each["low_usd_per_btc"], each["high_usd_per_btc"]),
            limited(each["price_to_cost"], each["price_to_cost_low"], each["price_to_cost_high"]),
            each["hindsight"],
            each["known_at"],
            *(None if stated is None else stated.on(each["row"]).value for stated in own),
            each["missing"],
        )
        for each in days.iter_rows(named=True)
    ]


def _cost_sentences(answers: CostAnswers, published: Sequence[PublishedCost]) -> list[str]:
    """What the definitions say together, and what moves two of them."""
    lines = [lead(answers)]
    for answer in answers.answers:
        stated = [move for move in answer.sensitivities if move.stated is not None]
        if answer.model.name in (_LEAST_PAID, "all-in") and stated and answer.cost:
            low, high = (
                percent(end / answer.cost.value - 1, 0, signed=True)
                for end in (stated[0].usd_per_btc_at_low, stated[0].usd_per_btc_at_high)
            )
            lines.append(
                f"The {answer.model.name} cost depends most on {stated[0].title}: {low} to {high}; "
                "--sensitivity has every assumption."
            )
    if any(answer.model.name in FITTED for answer in answers.answers):
        lines.append(VALUATIONS)
    if published:
        lines.append(
            f"Published: {count(len(published), 'figure')} of others, the newest known of each, "
            "with no band; --json has why they cannot be reproduced."
        )
    return [*lines, *caveats(answers)]


def caveats(answers: CostAnswers) -> list[str]:
    """Definitions without a cost, with the reason; assumptions that were stated later."""
    by_reason: dict[str, list[str]] = {}
    for answer in answers.answers:
        if answer.missing is not None:
            by_reason.setdefault(answer.missing, []).append(answer.model.title)
    lines = [f"Missing: cost by {'; '.join(names)}: {why}." for why, names in by_reason.items()]
    late = {
        f"{figure.title} (first stated {day(figure.stated)})"
        for answer in answers.answers
        for figure in answer.hindsight
    }
    return [*lines, f"Stated with hindsight: {', '.join(sorted(late))}."] if late else lines


def lead(answers: CostAnswers) -> str:
    """The lowest and the highest cost, electricity alone, and the price over it.

    Models fitted to past prices are left out: they count no costs.
    """
    counted = [a for a in answers.answers if a.cost is not None and a.model.name not in FITTED]
    if not counted:
        return "No cost model has a cost yet; regression-based valuations are in the table."
    least, most = counted[0], counted[-1]
    paid = next((each for each in counted if each.model.name == _LEAST_PAID), least)
    on = "" if paid.day is None else f" on {day(paid.day)}"
    lines = [f"A coin cost {_dollars(paid)} by {_named(paid)}{on}.", _price(answers, paid)]
    if least is not most:
        lines.append(
            f"By definition the cost ranges from {_dollars(least)}, {least.model.title}, to "
            f"{_dollars(most)}, {most.model.title}: definitions differ in machines, power price "
            "and what they count."
        )
    return " ".join(lines)


def _price(answers: CostAnswers, paid: CostAnswer) -> str:
    """The newest price, and over one of the costs."""
    if answers.price_usd is None or answers.price_day is None:
        return "No price is known."
    on = f"{answers.price_usd:,.0f} USD on {day(answers.price_day)}"
    if paid.price_to_cost is None:
        return f"Bitcoin is at {on}."
    return f"Bitcoin, {on}, is at {banded(paid.price_to_cost, RATIO)} times that cost."


def _named(answer: CostAnswer) -> str:
    return "electricity alone" if answer.model.name == _LEAST_PAID else answer.model.title


def _dollars(answer: CostAnswer) -> str:
    """``74,771 USD (55,187 to 102,957)``."""
    return "" if answer.cost is None else banded(answer.cost, USD_PER_BTC).replace("/BTC", "")


# the horizon that people see, days
_SHOWN_DAYS = 180
_EXACT = "exact (Clopper-Pearson) 95%, of windows that do not overlap"

_ENDS = f"by the ends of the cost's {LEVEL:.0%} band"
_NOW, _APART = "whether it holds on the newest day", "windows that do not overlap"
_ANY_APART = "independent windows of any day"


class _Row(NamedTuple):
    """What followed the spells of a model by a rule, over one horizon."""

    of: AfterCost
    after: ForwardSummary


def _in_state(row: _Row) -> Interval:
    fewer, more = (days / row.of.known_days for days in row.of.in_state_band)
    return Interval(row.of.in_state / row.of.known_days, fewer, more)


def _return(what: str, *, hidden: bool = False, spare: int = 0) -> Column:
    column = Column(f"return_{what}", f"{what} return", FRACTION, f"after.{what}", digits=0)
    return replace(column, signed=True, hidden=hidden, spare=spare)


def _base(row: _Row) -> Interval | None:
    """The share after any day, with the limits that its windows without overlap leave."""
    share, trials = row.after.base_share, row.after.base_independent
    if share is None:
        return None
    return Interval(share, *clopper_pearson(round(share * trials), trials))


def _began(row: _Row) -> list[str]:
    return [iso_day(each * DAY) for each in row.of.began]


STUDY = View(
    "cost_study",
    "study costs",
    "What did the price do after it fell below the cost of a coin?",
    tables={
        "after": defined(
            {
                "base_share_fraction": "share of all days since the model has a cost after which "
                "it rose"
            },
            Column("model", "model", get="of.model"),
            Column("rule", "price", get="of.rule"),
            Column("in_state", "of days", FRACTION, _in_state, _ENDS, LEVEL, digits=0, spare=2),
            Column("now", "now", get="of.now", spare=4, definition=_NOW),
            Column("spells", "spells", COUNT, lambda row: len(row.of.began), spare=3),
            Column("horizon", "horizon", DAYS, "after.horizon_days", hidden=True),
            Column("measured", "spells with a return", COUNT, "after.measured", hidden=True),
            _return("mean", hidden=True),
            _return("median", spare=1),
            Column("independent", "independent", COUNT, "after.independent", definition=_APART),
            Column("share_positive", "rose", FRACTION, "after.rose", _EXACT, digits=0),
            Column("base_share", "any day", FRACTION, _base, _EXACT, digits=0),
            Column("base_independent", _ANY_APART, COUNT, "after.base_independent", hidden=True),
            Column("began", "days on which a spell was first known", get=_began, hidden=True),
        )
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
    from hashcanary.economics.costs.stated import assume
    from hashcanary.studies.price_to_cost import RULES, after_costs

    chosen = find_cost_models(models)
    assumed = assume(assumptions, rigs, power_prices, efficiency, power_price)
    studied = after_costs(cost_history(record, chosen, assumed))
    rows = [_Row(model, after) for model in studied for after in model.after]
    title = "After a price below the cost of a bitcoin"
    return Answer(
        STUDY,
        record,
        f"{title}, as known at {record.at_text}; {_SHOWN_DAYS} days on",
        (
            Table(
                "after",
                title,
                STUDY.tables["after"],
                rows,
                shown=[row for row in rows if row.after.horizon_days == _SHOWN_DAYS],
            ),
        ),
        more={
            "rules": dict(RULES),
            "assumptions": assumption_records(
                figure for model in studied for figure in model.assumptions
            ),
        },
        sentences=_study_sentences(studied),
        result=studied,
    )


def _study_sentences(studied: Sequence[AfterCost]) -> list[str]:
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
