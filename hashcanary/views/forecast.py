"""When the next retargets come, and what the next one does to hashprice and hashrate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hashcanary.economics.draws import BAND_TEXT
from hashcanary.economics.hash_economics import CHANGE_YEARS, FEE_DAYS
from hashcanary.economics.shutdown.switching import BLOCK_DAYS
from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.units import (
    BTC_PER_BLOCK,
    COUNT,
    DATE,
    DAYS,
    DIFFICULTY,
    EXAHASHES,
    FRACTION,
    HASHRATE,
    J_PER_TH,
    PROBABILITY,
    UNIX_TIME,
    USD_PER_BTC,
    USD_PER_MWH,
    USD_PER_PHS_DAY,
    Unit,
)
from hashcanary.views.answer import Answer, View, one_of
from hashcanary.views.supply import fleet_assumptions, fleet_facts
from hashcanary.views.table import Cell, Column, Row, Table, defined
from hashcanary.views.text import banded, count, day, minute, percent, period, probability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.arrays import Floats
    from hashcanary.inference.retarget.after import AfterRetarget, Quantiles, RigAfter, Then
    from hashcanary.inference.retarget.forecast import RetargetForecast
    from hashcanary.store.record import Record

PREDICTIVE = "central, posterior predictive"
# where the limits of each central interval stand among ``bank.LEVELS``, in percent
_ENDS = {95: (0, 6), 80: (1, 5), 50: (2, 4)}
MEDIAN = 3
_FAR = (
    "Two weeks ahead little is known: the second retarget's median errs about as much as no change "
    "does (`hashcanary study calibration`)."
)


def fan(column: Column, *, mean: bool = True, inner: int = 0) -> tuple[Column, ...]:
    """The columns of a distribution: median with the central 95, 80 and 50% interval, and its mean.

    column: of the median and its 95%; inner: how spare those of 80 and 50% are, which people do
    not see where it is 0.
    """
    within = [
        replace(
            column,
            name=f"{column.name}_{level}",
            title=f"{column.title}, {level}%",
            level=level / 100,
            ends=True,
            hidden=column.hidden or not inner,
            spare=inner,
        )
        for level in (80, 50)
    ]
    average = replace(
        column, name=f"{column.name}_mean", title=f"{column.title}, mean", limits="", hidden=True
    )
    return column, *within, *((average,) if mean else ())


def central(values: Floats, level: int = 95) -> Interval:
    """The median and the central interval of quantiles (7,) at ``bank.LEVELS``.

    level: percent.
    """
    value, low, high = (float(values[at]) for at in (MEDIAN, *_ENDS[level]))
    return Interval(value, low, high, level=level / 100)


def fan_cells(name: str, values: Floats | None, mean: float | None = None) -> dict[str, Cell]:
    """The cells of a ``fan``, by column. values: (7,) at ``bank.LEVELS``, None where unknown."""
    cells: dict[str, Cell] = {f"{name}_mean": mean}
    for level in _ENDS:
        key = name if level == 95 else f"{name}_{level}"
        cells[key] = None if values is None else central(values, level)
    return cells


def outer(table: Table) -> Table:
    """The table with its 95% intervals alone for people, for a page with little room."""
    columns = [replace(column, hidden=column.hidden or column.ends) for column in table.columns]
    return replace(table, columns=columns)


VIEW = View(
    "forecast_retarget",
    "forecast retarget",
    "How will the difficulty change at the next two retargets, and when?",
    facts=(
        Column("height", "last block used", COUNT),
        Column("time", "time of that block", UNIX_TIME),
        Column("epoch_first_height", "first block of its epoch", COUNT, "first_height"),
        Column("epoch_first_time", "time of the first block", UNIX_TIME, "first_time"),
        Column("intervals_done", "block intervals of the epoch so far", COUNT, "intervals"),
        Column("intervals_needed", "block intervals that the retarget measures", COUNT, "needed"),
        Column("decrease", "probability that the next retarget is a decrease", PROBABILITY),
        *fan(Column("hashrate", "hashrate now", HASHRATE, limits="central, posterior"), mean=False),
    ),
    tables={
        "retargets": (
            Column("retarget", "retarget"),
            Column("height", "block", COUNT, definition="first block with the new difficulty"),
            *fan(
                Column("change", "change of difficulty", FRACTION, limits=PREDICTIVE, signed=True),
                mean=False,
                inner=1,
            ),
            *fan(Column("date", "date", UNIX_TIME, limits=PREDICTIVE), mean=False, inner=2),
        )
    },
    more={"missing": "what would have made the forecast better"},
)


def forecast_retarget(record: Record, *, height: int | None = None) -> Answer:
    """The next two changes of difficulty and their dates, with 50, 80 and 95% intervals.

    height: of the block to forecast from, with nothing after it; None for the last one. Raises
    NoBlocksToObserve, NothingObserved, HeightNotKnown, EpochStartMissing, NoRetargets.
    """
    from hashcanary.inference.retarget.forecast import forecast_retarget as forecast_of

    forecast = forecast_of(record, height)
    known: dict[str, Cell] = {
        "time": round(forecast.time),
        "decrease": decrease(forecast),
        **fan_cells("hashrate", forecast.hashrate),
    }
    return Answer(
        VIEW,
        record,
        f"Next two retargets from block {forecast.height:,}, as known at {record.at_text}",
        (table(forecast),),
        facts=VIEW.facts_of(forecast, known),
        more={"missing": list(forecast.lacks)},
        sentences=[*sentences(forecast), hashrate_sentence(forecast.hashrate, forecast.time)],
        notes=[_FAR, *(f"Missing: {what}." for what in forecast.lacks)],
        result=forecast,
    )


def table(forecast: RetargetForecast | None, empty: str = "") -> Table:
    """The next two retargets, a row each. empty: why there is no forecast."""
    rows: list[Mapping[str, Cell]] = []
    if forecast is not None:
        rows = [
            {
                "retarget": name,
                "height": height,
                **fan_cells("change", change),
                **fan_cells("date", date.round()),
            }
            for name, height, change, date in (
                ("next", forecast.retarget_height, forecast.change, forecast.date),
                ("second", forecast.second_height, forecast.second_change, forecast.second_date),
            )
        ]
    note = "" if forecast is None else _note(forecast)
    return Table("retargets", "The next two retargets", VIEW.tables["retargets"], rows, note, empty)


def _note(forecast: RetargetForecast) -> str:
    return (
        f"Median (95% interval of the predictive distribution), from block headers up to "
        f"{minute(round(forecast.time))}. The epoch has {forecast.intervals:,} of the "
        f"{forecast.needed:,} block intervals that the retarget measures. How often such "
        "intervals held: hashcanary study calibration."
    )


def decrease(forecast: RetargetForecast) -> float:
    """The probability that the next retarget does not raise the difficulty."""
    import numpy as np

    return float(forecast.span.below(np.zeros(1))[0])


def sentences(forecast: RetargetForecast) -> list[str]:
    """What the next two retargets do and when, and how sure that is."""
    left = forecast.retarget_height - forecast.height
    falls = decrease(forecast)
    change, sure = (
        ("a decrease", falls) if forecast.change[MEDIAN] < 0 else ("an increase", 1 - falls)
    )
    first, second = (
        day(round(float(date[MEDIAN]))) for date in (forecast.date, forecast.second_date)
    )
    return [
        f"Next retarget at block {forecast.retarget_height:,}, in {count(left, 'block')}, about "
        f"{first}: expected change {change_text(forecast.change)}; probability of {change} "
        f"{_sure(sure)}.",
        f"Second retarget about {second}: expected change {change_text(forecast.second_change)}.",
        *(() if forecast.span.lowest < 1 else (_AT_LEAST,)),
    ]


_AT_LEAST = "Difficulty is the least that the network allows: it cannot fall."


def change_text(values: Floats) -> str:
    """A change of difficulty with its 95% interval: ``−12.3% (95%: −15.3% to −9.3%)``."""
    return banded(central(values), FRACTION, signed=True).replace("(", "(95%: ")


def _sure(share: float) -> str:
    return "over 99.9%" if share > 0.999 else percent(share, 1 if share > 0.99 else 0)


def hashrate_sentence(hashrate: Floats, time: float) -> str:
    """The estimated hashrate with its 95% interval. time: of the last block, Unix seconds."""
    text = banded(central(hashrate), HASHRATE, 3).replace("(", "(95%: ")
    return f"Estimated hashrate on {day(round(time))}: {text}."


TABLES = ("hashprice", "rigs", "variance")
# rigs that a sentence names
_NAMED = 4
_DRAWN = f"central; {BAND_TEXT} and of the forecast of the retarget"
_FEES = f"lowest and highest of fees of the last {FEE_DAYS} days"
_INPUTS = {
    "difficulty": "difficulty: chance of the blocks to come, and the hashrate until then",
    "price": "price until then",
    "fees": "fees of that day",
    "curve": "fleet and power prices: priors of the supply curve",
}
_PAIRED = "underwater, price held, where the highest difficulty meets the fleets with"
_STOPPED = "if all underwater hashrate stopped now"
_BY_ELASTICITY = "change of profitable by the elasticity at the margin"


def _drawn(name: str, title: str, unit: Unit, *, hidden: bool = False) -> tuple[Column, ...]:
    return fan(Column(name, title, unit, limits=_DRAWN, hidden=hidden))


AFTER = View(
    "forecast_hashprice",
    "forecast hashprice",
    "What does the next retarget do to hashprice and to the hashrate underwater?",
    facts=(
        Column("height", "last block used", COUNT, "forecast.height"),
        Column("time", "time of that block", UNIX_TIME),
        Column("retarget_height", "first block with the new difficulty", COUNT),
        Column("price_day", "day of the price", DATE, "basis.day"),
        Column("price", "price of bitcoin", USD_PER_BTC, "basis.price_usd_per_btc"),
        Column("price_is_stated", "whether the price was stated", get="basis.stated"),
        Column("price_changes", "daily changes of the price to draw from", COUNT),
        Column("difficulty", "difficulty in force", DIFFICULTY, "basis.difficulty"),
        Column("subsidy", "subsidy now", BTC_PER_BLOCK, "basis.subsidy_btc"),
        Column("subsidy_after", "subsidy after the retarget", BTC_PER_BLOCK),
        Column("fees", "fees of the last known day", BTC_PER_BLOCK, limits=_FEES),
        *_drawn("difficulty_change", "change of difficulty", FRACTION),
        *_drawn("day_after", "days to the first whole one after the retarget", DAYS),
        *_drawn("offset_price", "price of bitcoin that keeps hashprice as it is", USD_PER_BTC),
        Column("running_hashrate", "running hashrate", EXAHASHES, "running_ehs"),
        *_drawn("underwater_worst_dependence", f"{_PAIRED} most", FRACTION),
        *_drawn("underwater_best_dependence", f"{_PAIRED} least", FRACTION),
        *_drawn("stopped_difficulty_change", f"change of difficulty {_STOPPED}", FRACTION),
        *_drawn("stopped_delay", f"delay of the retarget {_STOPPED}", DAYS),
        *fleet_facts("study."),
        Column("draws", "number of draws", COUNT),
    ),
    tables={
        "hashprice": defined(
            {"interval": "what kind the limits of hashprice are in this row"},
            Column("when", "when"),
            *fan(Column("hashprice", "hashprice", USD_PER_PHS_DAY, limits=_DRAWN), inner=5),
            Column("interval", "limits of hashprice", hidden=True),
            *fan(Column("underwater", "underwater", FRACTION, limits=_DRAWN), inner=6),
            *fan(
                Column(
                    "underwater_hashrate", "underwater", EXAHASHES, limits=_DRAWN, digits=3, spare=3
                )
            ),
            *_drawn("underwater_change", "change of underwater", FRACTION, hidden=True),
            *fan(Column("revenue", "revenue", USD_PER_MWH, limits=_DRAWN, digits=3, spare=1)),
            *fan(
                Column(
                    "profitable_change",
                    "change of profitable",
                    FRACTION,
                    limits=_DRAWN,
                    signed=True,
                    spare=2,
                    definition="hashrate profitable then over that profitable now, less one",
                )
            ),
            *_drawn("profitable_hashrate_change", "the same", EXAHASHES, hidden=True),
            *_drawn("returning_hashrate", "idle now, profitable then", EXAHASHES, hidden=True),
            *_drawn("profitable_change_by_elasticity", _BY_ELASTICITY, FRACTION, hidden=True),
            Column("more_profitable", "P(more is profitable)", PROBABILITY, hidden=True),
            Column("less_profitable", "P(less is profitable)", PROBABILITY, hidden=True),
        ),
        "rigs": (
            Column("rig", "rig", get="name"),
            Column("efficiency", "efficiency", J_PER_TH, "j_per_th", BAND_TEXT, digits=3, spare=2),
            Column("off_at_now", "off at, now", USD_PER_BTC, limits=BAND_TEXT, digits=1, spare=1),
            Column("off_at_after", "off at, after", USD_PER_BTC, limits=BAND_TEXT, digits=1),
            Column("profitable_now", "P(profitable) now", PROBABILITY, "pays_now"),
            Column("profitable_after_price_held", "after", PROBABILITY, "pays_after"),
            Column(
                "profitable_after_price_moving",
                "price moving",
                PROBABILITY,
                "pays_moving",
                spare=3,
            ),
            Column("crosses", "crosses", definition="likelier than not profitable on one side"),
        ),
        "variance": (
            Column("input", "input", hidden=True),
            Column("meaning", "what is uncertain", wide=True),
            Column("hashprice_variance", "of hashprice", FRACTION, digits=0),
            Column("underwater_variance", "of the share underwater", FRACTION, digits=0),
        ),
    },
    more={"missing": "what was not known"},
)
_TITLES = {
    "hashprice": "Hashprice after the retarget at block {height:,}",
    "rigs": "The network's rigs before and after the retarget at block {height:,}",
    "variance": "Variance of the figures after the retarget at block {height:,}",
}
_NOTES = {
    "hashprice": f"Medians (95% of draws); of hashprice now the {_FEES}. Underwater: of the "
    "running hashrate; revenue: of a MWh at a site of the network's machines, after pool fee. "
    "Profitable: hashrate that would run, without the delay of an adjustment.",
    "rigs": "Off at: break-even price of bitcoin at the network's median power price, with the "
    "difficulty of now and after the retarget (95% of draws). P(profitable): at that power price.",
    "variance": "Shapley effects of independent inputs with the price moving, within 1%.",
}


def forecast_hashprice(
    record: Record, *, price: float | None = None, show: str = "hashprice", seed: int = 1
) -> Answer:
    """Hashprice and the share underwater on the first whole day after the next retarget.

    price: USD/BTC to start from and to hold, None for the last known one. show: the main table,
    one of ``TABLES``. seed: of the draws. Raises UsageError, NoHashprice, NoRigYet,
    TooFewDaysForFleet, NoBlocksToObserve, NothingObserved, EpochStartMissing, NoRetargets.
    """
    from hashcanary.economics.supply.study import study_supply
    from hashcanary.inference.retarget.after import after_retarget
    from hashcanary.inference.retarget.forecast import forecast_retarget
    from hashcanary.inference.retarget.hashprice_ahead import basis_of

    one_of("--show", show, TABLES, "Omit it for hashprice.")
    forecast = forecast_retarget(record)
    basis = basis_of(record, forecast, price)
    after = after_retarget(forecast, study_supply(record, seed=seed), basis, seed)
    return answer(record, after, show)


def answer(record: Record, after: AfterRetarget, show: str = "hashprice") -> Answer:
    """The answer of draws that were computed. show: the main table."""
    return Answer(
        AFTER,
        record,
        f"{_title(after, show)}, as known at {record.at_text}",
        tuple(after_table(after, key) for key in AFTER.ordered(show)),
        facts=facts(after),
        more={"missing": list(after.lacks)},
        sentences=after_sentences(after),
        result=after,
    )


def _title(after: AfterRetarget, key: str) -> str:
    return _TITLES[key].format(height=after.forecast.retarget_height)


def facts(after: AfterRetarget) -> dict[str, Cell]:
    """The figures beside the rows, by the names of ``AFTER.facts``."""
    basis, stopped = after.basis, after.stopped
    spreads = {
        "difficulty_change": after.change,
        "day_after": after.days,
        "offset_price": after.offset_usd_per_btc,
        "underwater_worst_dependence": after.worst,
        "underwater_best_dependence": after.best,
        "stopped_difficulty_change": stopped.change if stopped else None,
        "stopped_delay": stopped.later_days if stopped else None,
    }
    cells: dict[str, Cell] = {
        "time": round(after.forecast.time),
        "retarget_height": after.forecast.retarget_height,
        "subsidy_after": basis.subsidy_after_btc,
        "price_changes": int(basis.log_changes.size),
        "fees": Interval(
            basis.fees_now_btc, float(basis.fees_btc.min()), float(basis.fees_btc.max())
        ),
    }
    for name, spread in spreads.items():
        cells |= _spread(name, spread)
    return AFTER.facts_of(after, cells)


def _spread(name: str, spread: Quantiles | None) -> dict[str, Cell]:
    if spread is None:
        return fan_cells(name, None)
    return fan_cells(name, spread.values, spread.mean)


def after_table(after: AfterRetarget, key: str = "hashprice") -> Table:
    """One of ``TABLES``."""
    rows: list[Row]
    if key == "hashprice":
        rows = [_now(after), _row("after, price held", after.held)]
        rows += [] if after.moving is None else [_row("after, price moving", after.moving)]
    elif key == "rigs":
        rows = list(after.rigs)
    else:
        parts = after.under_water_parts
        rows = [
            (name, _INPUTS[name], after.hashprice_parts.get(name, 0.0), parts[name])
            for name in sorted(parts, key=lambda name: -parts[name])
        ]
    empty = "Too few changes of the price are known to let it move."
    return Table(key, _title(after, key), AFTER.tables[key], rows, _NOTES[key], empty)


def report_table(after: AfterRetarget) -> Table:
    """The figures as a chapter of a report has them, what they mean for the price under it."""
    figures = outer(after_table(after))
    note = " ".join((figures.note, *_held(after), _offset(after)))
    return replace(figures, key="after_retarget", note=note)


def _now(after: AfterRetarget) -> Mapping[str, Cell]:
    known = {
        "underwater": after.under_water_now,
        "underwater_hashrate": after.under_water_now_ehs,
        "revenue": after.revenue_now_usd_per_mwh,
    }
    row = {"when": "now", "interval": _FEES} | dict.fromkeys(("more_profitable", "less_profitable"))
    for name in _SPREADS:
        row |= _spread(name, known.get(name))
    return row | {"hashprice": after.hashprice_now_usd_per_phs_day}


# figures of the day after the retarget, by the names of their columns
_SPREADS = {
    "hashprice": "hashprice_usd_per_phs_day",
    "underwater": "under_water",
    "underwater_hashrate": "under_water_ehs",
    "underwater_change": "gain",
    "revenue": "revenue_usd_per_mwh",
    "profitable_change": "response",
    "profitable_hashrate_change": "response_ehs",
    "returning_hashrate": "back_ehs",
    "profitable_change_by_elasticity": "by_elasticity",
}


def _row(when: str, then: Then) -> Mapping[str, Cell]:
    row: dict[str, Cell] = {
        "when": when,
        "interval": _DRAWN,
        "more_profitable": then.rises,
        "less_profitable": then.falls,
    }
    for name, attribute in _SPREADS.items():
        row |= _spread(name, getattr(then, attribute))
    return row


def after_sentences(after: AfterRetarget) -> list[str]:
    """What follows from the next retarget, with limits and what it assumes."""
    return [
        *_held(after),
        *_underwater(after),
        *_moving(after),
        _offset(after),
        _rigs(after),
        *_variance(after),
        *_feedback(after),
        *_stopped(after),
        fleet_assumptions(after.study),
        f"The supply curve stays as it is until then. Limits: 95% of {after.draws:,} draws. How "
        "often such intervals held: `hashcanary study calibration --of hashprice`.",
        *(f"Missing: {what}." for what in after.lacks),
    ]


def _held(after: AfterRetarget) -> list[str]:
    basis, forecast = after.basis, after.forecast
    source = "as stated" if basis.stated else f"closing price of {day(basis.day)}"
    lines = [
        f"With bitcoin at {basis.price_usd_per_btc:,.0f} USD ({source}), hashprice goes from "
        f"{after.hashprice_now_usd_per_phs_day.value:.2f} to "
        f"{_text(after.held.hashprice_usd_per_phs_day, USD_PER_PHS_DAY)} on {_day(after)}, the "
        "first whole day after the retarget.",
        f"Difficulty: expected change {change_text(forecast.change)}. Fees: their {FEE_DAYS}-day "
        f"median times how fees left such a median in {CHANGE_YEARS} years.",
    ]
    if basis.subsidy_after_btc != basis.subsidy_btc:
        lines.append(f"The subsidy halves before it, to {basis.subsidy_after_btc:g} BTC a block.")
    return lines


def _text(figure: Quantiles, unit: Unit, digits: int | None = None, *, signed: bool = False) -> str:
    return banded(central(figure.values), unit, digits, signed=signed)


def _day(after: AfterRetarget) -> str:
    low, middle, high = (
        after.basis.day + round(float(after.days.values[at])) * DAY for at in (0, MEDIAN, -1)
    )
    return day(middle) if low == high else f"{day(middle)} (95%: {period(low, high + 1)})"


def _underwater(after: AfterRetarget) -> list[str]:
    then, now = after.held.under_water, after.under_water_now
    return [
        f"Underwater then: {_text(then, FRACTION)} of the running hashrate, mean "
        f"{percent(then.mean)}; now {_text(now, FRACTION)}, mean {percent(now.mean)}.",
        "Difficulty and fleet are drawn independently. With the most harmful dependence the upper "
        f"limit is {percent(after.worst.values[-1])}, with the most helpful "
        f"{percent(after.best.values[-1])}.",
    ]


def _moving(after: AfterRetarget) -> list[str]:
    then = after.moving
    if then is None:
        return []
    return [
        f"With the price moving (block bootstrap of its daily changes of {CHANGE_YEARS} years, "
        f"blocks of up to {BLOCK_DAYS} days, no drift): hashprice "
        f"{_text(then.hashprice_usd_per_phs_day, USD_PER_PHS_DAY)}, underwater "
        f"{_text(then.under_water, FRACTION)}."
    ]


def _offset(after: AfterRetarget) -> str:
    offset = after.offset_usd_per_btc
    change = offset.median / after.basis.price_usd_per_btc - 1
    verb = "could drop" if change < 0 else "would have to rise"
    return (
        f"With fees in bitcoin as now, bitcoin {verb} by {percent(abs(change))}, to "
        f"{_text(offset, USD_PER_BTC)}, for hashprice to stay as it is."
    )


def _rigs(after: AfterRetarget) -> str:
    crossing = [rig for rig in after.rigs if rig.crosses]
    if not crossing:
        return (
            "No rig of the fleet crosses break-even at the network's median power price, with the "
            "price held."
        )
    names = "; ".join(_rig(rig) for rig in crossing[:_NAMED])
    more = f"; and {len(crossing) - _NAMED} more" if len(crossing) > _NAMED else ""
    return (
        "Rigs that cross break-even at the network's median power price, with the price held: "
        f"{names}{more}."
    )


def _rig(rig: RigAfter) -> str:
    before, after = rig.off_at_now_usd_per_btc.value, rig.off_at_after_usd_per_btc.value
    return (
        f"{rig.name}, profitable with {probability(rig.pays_now)} now and "
        f"{probability(rig.pays_after)} after (off below {before:,.0f}, then {after:,.0f} USD/BTC)"
    )


def _variance(after: AfterRetarget) -> list[str]:
    if not after.under_water_parts:
        return []
    return [
        f"Variance of hashprice with the price moving: {_parts(after.hashprice_parts)}.",
        f"Variance of the share underwater: {_parts(after.under_water_parts)} (curve: fleet and "
        "power prices).",
    ]


def _parts(parts: dict[str, float]) -> str:
    if not any(parts.values()):
        return "none, it is the same in every draw"
    ranked = sorted(parts.items(), key=lambda part: -part[1])
    return ", ".join(f"{name} {percent(part, 0)}" for name, part in ranked)


def _feedback(after: AfterRetarget) -> list[str]:
    then = after.held
    ranked = sorted((("up", then.rises), ("down", then.falls)), key=lambda push: -push[1])
    (way, share), (other, rest) = ranked
    push = (
        f"{way} in {percent(share, 0)} of draws, {other} in {percent(rest, 0)}"
        if share
        else "neither way"
    )
    return [
        f"With the price held, profitable hashrate changes by "
        f"{_text(then.response, FRACTION, signed=True)}, or "
        f"{_text(then.response_ehs, EXAHASHES, 3, signed=True)}. By the elasticity at the margin: "
        f"{_text(then.by_elasticity, FRACTION, signed=True)}.",
        f"Of it {_text(then.back_ehs, EXAHASHES, 3)} are idle now and could return.",
        f"That pushes the adjustment after the next {push}. It is a direction, no forecast: "
        "`hashcanary forecast retarget` has one.",
    ]


def _stopped(after: AfterRetarget) -> list[str]:
    stopped = after.stopped
    if stopped is None:
        return []
    low, late, high = (float(stopped.later_days.values[at]) for at in (0, MEDIAN, -1))
    return [
        f"If all underwater hashrate stopped at block {after.forecast.height:,}, the difficulty "
        f"would change by {_text(stopped.change, FRACTION, signed=True)} and the retarget come "
        f"{late:.1f} days later ({low:.1f} to {high:.1f})."
    ]
