"""What a bitcoin costs to make, by definition, with bands; what moves it; every day of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.economics.costs.model import LEVEL
from hashcanary.errors import UsageError
from hashcanary.moments import iso_day
from hashcanary.units import DATE, J_PER_TH, RATIO, UNIX_TIME, USD_PER_BTC, USD_PER_KWH
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Column, Table, limited
from hashcanary.views.text import banded, count, day, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from hashcanary.economics.costs.history import CostAnswer, CostAnswers, ModelCosts, Sensitivity
    from hashcanary.economics.costs.stated import PublishedCost, StatedFigure
    from hashcanary.store.record import Record

TABLES = ("definitions", "sensitivity", "history")
# models fitted to past prices: they value a coin and count nobody's costs
FITTED = ("difficulty-regression", "difficulty-refit", "difficulty-refit-4y", "pow-floor")
# the model named beside the lowest and the highest: the least that is paid
_LEAST_PAID = "electricity"
_MONTHS_SHOWN, _DAYS_SHOWN = 13, 62
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
        "history": (
            Column("model", "model"),
            Column("day", "day", DATE),
            Column("price", "price", USD_PER_BTC, spare=2),
            *_cost_columns(spare=1),
            Column(
                "hindsight",
                "hindsight",
                spare=3,
                definition="whether its constants were fitted to later days",
            ),
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
    from hashcanary.economics.costs.model import find_cost_models
    from hashcanary.economics.costs.stated import assume, newest_known, read_published_costs

    _check(show, bounded=start is not None or end is not None)
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
        sentences=_sentences(answers, known) if main == "definitions" else (),
        notes=[_NOTES[main]],
        result=answers,
    )


def _check(show: str | None, *, bounded: bool) -> None:
    if show is not None and show not in TABLES:
        raise UsageError(
            argument="show",
            expected=f"one of {', '.join(TABLES)}",
            found=show,
            remedy="Omit it for the definitions.",
        )
    if bounded and show != "history":
        raise UsageError(
            argument="--start and --end",
            expected="--history with them",
            found="none",
            remedy="--at gives the costs as known at a moment.",
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
        shown += known if len(known) <= _DAYS_SHOWN else _month_ends(known)
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


def _month_ends(rows: Sequence[tuple[object, ...]]) -> list[tuple[object, ...]]:
    last = {iso_day(int(str(row[1])))[:7]: row for row in rows}
    return list(last.values())[-_MONTHS_SHOWN:]


def _sentences(answers: CostAnswers, published: Sequence[PublishedCost]) -> list[str]:
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
