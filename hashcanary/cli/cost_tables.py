"""The tables of ``hashcanary cost``: definitions side by side, sensitivity, history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from hashcanary.cli.forms import gain, whole
from hashcanary.cli.output import Column, Table
from hashcanary.economics.costs.answers import by_swing
from hashcanary.economics.costs.model import LEVEL
from hashcanary.moments import iso_day, iso_time
from hashcanary.units import RATIO, USD, USD_PER_BTC
from hashcanary.views.text import SIMULATED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.cli.output import Row
    from hashcanary.economics.costs.answers import CostAnswer, CostAnswers, Sensitivity
    from hashcanary.economics.costs.history import ModelCosts
    from hashcanary.economics.costs.published import PublishedCost
    from hashcanary.store.record import Record

_BAND = f"{LEVEL:.0%} band; each model's `band` says of what"
_ALONE = f"{LEVEL:.0%} band of each assumption alone, all else as stated"
_MONTHS_SHOWN, _DAYS_SHOWN = 13, 62


def _ratio(value: object) -> str:
    return f"{float(str(value)):.2f}"


def _times(value: object) -> str:
    return f"{float(str(value)):.1f}"


def definitions(record: Record, found: CostAnswers, published: Sequence[PublishedCost]) -> Table:
    """Every definition as known at a moment; published figures under them."""
    columns = [
        Column("model", "model"),
        Column("kind", "kind", data_only=True),
        Column("title", "title", data_only=True),
        Column("cost", "USD/BTC", USD_PER_BTC, people=whole),
        Column("low", "low", USD_PER_BTC, people=whole),
        Column("high", "high", USD_PER_BTC, people=whole),
        Column("price_to_cost", "price/cost", RATIO, people=_ratio),
        Column("price_to_cost_low", "low", RATIO, people=_ratio, spare=2),
        Column("price_to_cost_high", "high", RATIO, people=_ratio, spare=2),
        Column("day", "of", spare=1),
        Column("rests_on", "rests on", wide=True),
        *(
            Column(key, key, data_only=True)
            for key in ("hindsight", "missing", "definition", "source", "differs", "band")
        ),
    ]
    rows = [_model_row(one) for one in found.answers]
    rows += [_published_row(one) for one in sorted(published, key=lambda one: one.usd_per_btc)]
    price = "no price is known"
    if found.price_usd is not None and found.price_day is not None:
        price = f"price {found.price_usd:,.0f} USD on {iso_day(found.price_day)}"
    return Table(
        columns,
        rows,
        title=f"What a bitcoin costs to make, as known at {record.at_text}; {price}",
        notes=_notes(record, found, published),
        document={
            **_head(record),
            "price_usd": found.price_usd,
            "price_day": None if found.price_day is None else iso_day(found.price_day),
            "interval": _BAND,
            "provenance": record.provenance,
        },
    )


def _model_row(one: CostAnswer) -> Row:
    model = one.model
    return {
        "model": model.name,
        "kind": "model",
        "title": model.title,
        "cost": one.usd_per_btc,
        "low": one.low,
        "high": one.high,
        "price_to_cost": one.ratio,
        "price_to_cost_low": one.ratio_low,
        "price_to_cost_high": one.ratio_high,
        "day": None if one.day is None else iso_day(one.day),
        "rests_on": one.rests_on if one.missing is None else f"missing: {one.missing}",
        "hindsight": list(one.hindsight),
        "missing": one.missing,
        "definition": model.definition,
        "source": model.source,
        "differs": model.differs,
        "band": model.band,
    }


def _published_row(one: PublishedCost) -> Row:
    return {
        "model": one.title,
        "kind": "published",
        "title": one.title,
        "cost": one.usd_per_btc,
        "day": iso_day(one.day),
        "rests_on": f"PUBLISHED, no band: {one.source}",
        "hindsight": [],
        "definition": one.definition,
        "source": one.source,
        "differs": one.why,
        "band": "none: the source gives none",
    }


def _notes(record: Record, found: CostAnswers, published: Sequence[PublishedCost]) -> list[str]:
    notes = [SIMULATED] if record.simulated else []
    notes.append(
        f"low, high: {LEVEL:.0%} bands. price/cost: the newest price over the newest cost known"
        f"{_of_days(found)}; above 1 the coin fetches more than it costs."
    )
    apart = found.spread_of_definitions
    if apart:
        least, most = apart
        notes.append(
            f"The definition itself moves the answer: from {whole(least.usd_per_btc)} "
            f"({least.model.name}) to {whole(most.usd_per_btc)} USD/BTC ({most.model.name})."
        )
    for one in found.answers:
        stated = [move for move in one.sensitivities if move.low is not None]
        if one.model.name in ("electricity", "all-in") and stated:
            notes.append(f"{one.model.name}: {_moves(stated[0], one)}")
    if any("regression" in one.model.name or "refit" in one.model.name for one in found.answers):
        notes.append("Regressions and the PoW floor are lines through past prices: nobody's bills.")
    if published:
        notes.append(
            "PUBLISHED: external inputs as others printed them; --json says why they cannot be "
            "reproduced. The newest known of each, compared with no price."
        )
    late = sorted({text for one in found.answers for text in one.hindsight})
    if late:
        notes.append(f"Stated with hindsight: {'; '.join(late)}.")
    return notes


def _of_days(found: CostAnswers) -> str:
    days = sorted({iso_day(one.day) for one in found.answers if one.day is not None})
    if not days:
        return ""
    return f" (of {days[0]})" if len(days) == 1 else f" (of {days[0]} to {days[-1]})"


def _moves(move: Sensitivity, one: CostAnswer) -> str:
    cost = one.usd_per_btc or float("nan")
    return (
        f"{move.title} moves it most, {gain(move.usd_per_btc_at_low / cost - 1)} to "
        f"{gain(move.usd_per_btc_at_high / cost - 1)}; --sensitivity shows all."
    )


def _sensitivity_columns() -> list[Column]:
    return [
        Column("model", "model"),
        Column("assumption", "assumption", data_only=True),
        Column("title", "assumption"),
        Column("low", "low", people=_plain),
        Column("high", "high", people=_plain),
        Column("unit", "unit", data_only=True),
        Column("cost", "cost", USD_PER_BTC, data_only=True),
        Column("cost_at_low", "USD/BTC", USD_PER_BTC, people=whole),
        Column("cost_at_high", "at high", USD_PER_BTC, people=whole),
        Column("swing", "span", RATIO, people=_times),
        Column("rests_on", "rests on", data_only=True),
        Column("band", "band", data_only=True),
    ]


def sensitivity(record: Record, found: CostAnswers) -> Table:
    """What each assumption does, that which moves its model most first; definitions on top."""
    rows: list[Row] = []
    apart = found.spread_of_definitions
    if apart:
        least, most = apart
        low, high = least.usd_per_btc or 0.0, most.usd_per_btc or 0.0
        rows.append(
            {
                "model": "any",
                "assumption": "definition",
                "title": "the definition",
                "cost_at_low": low,
                "cost_at_high": high,
                "swing": high / low,
                "rests_on": f"{least.model.name}: {least.rests_on}; {most.model.name}: "
                f"{most.rests_on}",
                "band": "the models with the lowest and the highest cost",
            }
        )
    answers = {one.model.name: one for one in found.answers}
    rows += [_sensitivity_row(one, answers[one.model]) for one in by_swing(found.answers)]
    return Table(
        _sensitivity_columns(),
        rows,
        title=f"What moves the cost of a bitcoin, as known at {record.at_text}",
        notes=[
            *([SIMULATED] if record.simulated else []),
            f"Each assumption alone at the ends of its {LEVEL:.0%} band, all else as stated; "
            "USD/BTC at its low and at its high end. span: the dearer over the cheaper. The model "
            "itself: the spread it has by its own definition.",
        ],
        document={
            **_head(record),
            "interval": _ALONE,
            "provenance": record.provenance,
        },
    )


def _plain(value: object) -> str:
    number = float(str(value))
    return f"{number:.3g}" if number >= 0.01 else f"{number:.4f}"


def _sensitivity_row(one: Sensitivity, answer: CostAnswer) -> Row:
    return {
        "model": one.model,
        "assumption": one.assumption,
        "title": f"{one.title}, {one.unit.symbol}" if one.unit and one.unit.symbol else one.title,
        "low": one.low,
        "high": one.high,
        "unit": one.unit.suffix if one.unit else None,
        "cost": answer.usd_per_btc,
        "cost_at_low": one.usd_per_btc_at_low,
        "cost_at_high": one.usd_per_btc_at_high,
        "swing": one.swing,
        "rests_on": answer.rests_on,
        "band": _ALONE,
    }


def _history_columns() -> list[Column]:
    return [
        Column("model", "model"),
        Column("time", "day"),
        Column("price", "price", USD, people=whole),
        Column("cost", "USD/BTC", USD_PER_BTC, people=whole),
        Column("low", "low", USD_PER_BTC, people=whole),
        Column("high", "high", USD_PER_BTC, people=whole),
        Column("price_to_cost", "price/cost", RATIO, people=_ratio),
        Column("price_to_cost_low", "low", RATIO, people=_ratio, spare=2),
        Column("price_to_cost_high", "high", RATIO, people=_ratio, spare=2),
        Column("hindsight", "hindsight", spare=1),
        Column("known_at", "known at", data_only=True),
        Column("rests_on", "rests on", data_only=True),
        Column("missing", "missing", data_only=True),
        Column("band", "band", data_only=True),
    ]


def history(record: Record, found: CostAnswers, start: int | None, end: int | None) -> Table:
    """Every day of every model; people see the last day of each of the last months."""
    rows: list[Row] = []
    shown: list[Row] = []
    for one in found.history:
        days = one.days.filter(
            pl.lit(start is None) | (pl.col("time") >= (start or 0)),
            pl.lit(end is None) | (pl.col("time") < (end or 0)),
        )
        first = 0 if days.is_empty() else int(one.days["time"].search_sorted(days["time"][0]))
        said = one.rests_on(first, days.height)
        own = [
            _history_row(one, row, rests_on)
            for row, rests_on in zip(days.iter_rows(named=True), said, strict=True)
        ]
        rows += own
        known = [row for row in own if row["cost"] is not None]
        shown += known if len(known) <= _DAYS_SHOWN else _month_ends(known)
    cut = len(shown) < sum(row["cost"] is not None for row in rows)
    return Table(
        _history_columns(),
        rows,
        title=f"Cost of a bitcoin by day, as known at {record.at_text}",
        notes=[
            *([SIMULATED] if record.simulated else []),
            *(["Shown: the last day of each of the last months; --csv has every day."] * cut),
            f"low, high: {LEVEL:.0%} bands. hindsight: the model's constants were fitted to later "
            "days than this.",
        ],
        document={
            **_head(record),
            "interval": _BAND,
            "models": {
                one.model.name: {
                    "definition": one.model.definition,
                    "source": one.model.source,
                    "differs": one.model.differs,
                    "band": one.model.band,
                }
                for one in found.history
            },
            "provenance": record.provenance,
        },
        people_rows=shown,
    )


def _history_row(one: ModelCosts, row: dict[str, object], rests_on: str) -> Row:
    known_at = row["known_at"]
    return {
        "model": one.model.name,
        "time": iso_day(int(str(row["time"]))),
        "price": row["price_usd"],
        "cost": row["cost_usd_per_btc"],
        "low": row["low_usd_per_btc"],
        "high": row["high_usd_per_btc"],
        "price_to_cost": row["price_to_cost"],
        "price_to_cost_low": row["price_to_cost_low"],
        "price_to_cost_high": row["price_to_cost_high"],
        "hindsight": row["hindsight"],
        "known_at": None if known_at is None else iso_time(int(str(known_at))),
        "rests_on": rests_on,
        "missing": row["missing"],
        "band": one.model.band,
    }


def _month_ends(rows: Sequence[Row]) -> list[Row]:
    last = {str(row["time"])[:7]: row for row in rows}
    return list(last.values())[-_MONTHS_SHOWN:]


def _head(record: Record) -> dict[str, object]:
    return {
        "at": record.at_text,
        "network": record.network.name,
        "simulated": record.simulated,
    }
