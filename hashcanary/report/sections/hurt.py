"""Chapter: who is hurt: machines underwater, what a coin costs, where machines stop."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.economics.costs.history import CostAnswers, ModelCosts, cost_answers
from hashcanary.economics.costs.model import find_cost_models
from hashcanary.economics.costs.stated import (
    PublishedCost,
    assume,
    newest_known,
    read_published_costs,
)
from hashcanary.economics.draws import BAND_TEXT, band_of
from hashcanary.economics.errors import (
    BadCostModel,
    NoCost,
    NoHashprice,
    NoMarket,
    NoRigYet,
    TooFewDaysForFleet,
)
from hashcanary.economics.hash_economics import hash_economics
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.selling.study import ClassSold, draw_overheads, margin_classes, sold
from hashcanary.economics.shutdown.table import Line, Terms, shutdown_table
from hashcanary.economics.supply.fleet_history import FleetHistory, fleet_history
from hashcanary.economics.supply.study import SupplyStudy, history_of, study_supply
from hashcanary.inference.retarget.after import AfterRetarget, after_retarget
from hashcanary.inference.retarget.hashprice_ahead import basis_of
from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.report.charts.catalogue import COSTS, CUTS, DRAWN, FAMILY, FLEET, STRESS, cost_key
from hashcanary.report.charts.supply import SUPPLY, supply_data
from hashcanary.report.document import (
    Dataset,
    Drawing,
    Figure,
    Ledger,
    Section,
    Series,
    ends,
    rounded,
)
from hashcanary.studies.errors import NoStress
from hashcanary.studies.stress.answer import StressNow, stress_now
from hashcanary.studies.stress.component import all_components
from hashcanary.studies.stress.gauge import BAND_TEXT as GAUGE_BAND
from hashcanary.studies.stress.gauge import LEVEL as GAUGE_LEVEL
from hashcanary.studies.stress.gauge import StressHistory, stress_history
from hashcanary.studies.stress.settings import read_settings
from hashcanary.studies.stress.sustainability import BAND_TEXT as INDEX_BAND
from hashcanary.studies.stress.sustainability import sources_of, sustainability_history
from hashcanary.units import (
    EXAHASHES,
    FRACTION,
    HASHRATE,
    INDEX_100,
    USD,
    USD_PER_BTC,
    USD_PER_PHS_DAY,
    Unit,
)
from hashcanary.views import costs as cost_view
from hashcanary.views import shutdown as shutdown_view
from hashcanary.views import stress as stress_view
from hashcanary.views import supply as supply_view
from hashcanary.views.costs import FITTED
from hashcanary.views.forecast import report_table as after_table
from hashcanary.views.selling import by_margin
from hashcanary.views.supply import fleet_assumptions
from hashcanary.views.table import Table
from hashcanary.views.text import banded, day, harmless, percent
from hashcanary.views.verdict import gauge_difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hashcanary.report.charts.definition import Chart
    from hashcanary.report.sections.outlook import Outlook
    from hashcanary.store.record import Record

SEED = 1
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Years:
    """What the years say.

    no_costs: why there are no costs. cost_days, fleet_days, stress_days:
    what the charts draw, ``time`` and their columns, by week; without rows where nothing is known.
    stress: None where the gauge is silent, and no_stress says why.
    """

    costs: CostAnswers | None
    no_costs: str
    cost_days: pl.DataFrame
    fleet_days: pl.DataFrame
    stress: StressNow | None
    no_stress: str
    stress_days: pl.DataFrame


def years(record: Record) -> Years:
    """What the record's years say. Raises what models of cost and components of the gauge raise."""
    fleet = _fleet(record)
    costs, no_costs = _cost_years(record)
    cost_days = fleet_days = stress_days = pl.DataFrame({"time": []})
    now, no_stress = None, "no cost of a coin is known"
    if fleet is not None:
        columns = {name: getattr(fleet, name) for name in FLEET.columns}
        fleet_days = _known(pl.DataFrame({"time": fleet.time, **columns}), FLEET.columns[0])
    if costs is not None:
        cost_days = _frame(costs.history)
        now, no_stress, stress_days = _stress_years(record, costs, fleet)
    return Years(costs, no_costs, cost_days, fleet_days, now, no_stress, stress_days)


def _cost_years(record: Record) -> tuple[CostAnswers | None, str]:
    try:
        return cost_answers(record, find_cost_models(), assume()), ""
    except (NoCost, BadCostModel) as error:
        return None, str(error)


def _fleet(record: Record) -> FleetHistory | None:
    found = fleet_history(history_of(record)[0], daily=record.daily, seed=SEED)
    return found if found.time.size else None


def _stress_years(
    record: Record, costs: CostAnswers, fleet: FleetHistory | None
) -> tuple[StressNow | None, str, pl.DataFrame]:
    sources = sources_of(record, costs.history, fleet)
    known = all_components()
    settings = read_settings(known)
    history = stress_history(sources, settings, known)
    try:
        now = stress_now(history, sustainability_history(sources, settings), record.at_text)
    except NoStress as error:
        return None, str(error), pl.DataFrame({"time": []})
    return now, "", _gauge(history)


def _gauge(history: StressHistory) -> pl.DataFrame:
    cuts = {line.column: history.cuts[at] for at, line in enumerate(CUTS)}
    gauge = {"gauge": history.gauge, "gauge_low": history.low, "gauge_high": history.high}
    return _known(pl.DataFrame({"time": history.time, **gauge, **cuts}), "gauge")


def _known(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """By week, from the first to the last day on which a column is known."""
    frame = frame.with_columns(pl.all().exclude("time").fill_nan(None))
    known = frame[column].is_not_null().arg_true()
    return _weekly(frame[int(known[0]) : int(known[-1]) + 1] if known.len() else frame.clear())


def _frame(history: Sequence[ModelCosts]) -> pl.DataFrame:
    """``time`` and the columns of the chart, from the first cost that is known."""
    by_name = {one.model.name: one.days for one in history}
    days = history[0].days
    columns = [pl.col("time"), pl.col("price_usd").alias("price")]
    nothing = pl.Series([None] * days.height, dtype=pl.Float64)
    for name, _ in DRAWN:
        model = by_name.get(name)
        for ending, column in (("", "cost"), ("_low", "low"), ("_high", "high")):
            values = nothing if model is None else model[f"{column}_usd_per_btc"]
            columns.append(pl.lit(values).alias(cost_key(name) + ending))
    fitted = [
        # not what only later days could have told
        by_name[name].select(pl.when(~pl.col("hindsight")).then("cost_usd_per_btc")).to_series()
        for name in FITTED
        if name in by_name
    ] or [nothing]
    columns += [
        pl.min_horizontal(*map(pl.lit, fitted)).alias(FAMILY.low),
        pl.max_horizontal(*map(pl.lit, fitted)).alias(FAMILY.high),
    ]
    frame = days.select(columns)
    costs = [name for name in frame.columns if name not in ("time", "price")]
    known = frame.select(pl.any_horizontal(pl.col(costs).is_not_null())).to_series()
    first = known.arg_true()[:1]
    if first.is_empty():
        return frame.clear()
    last = frame.filter(known | pl.col("price").is_not_null())["time"][-1]
    return _weekly(frame[int(first[0]) :].filter(pl.col("time") <= last))


def _weekly(frame: pl.DataFrame) -> pl.DataFrame:
    """One day of each week, the same in every record, and every day of the last one."""
    time = pl.col("time")
    return frame.filter((time // DAY % _WEEK == 0) | (time > time.max() - _WEEK * DAY))


_KEY, _TITLE = "hurt", "Who is hurt?"
# rigs in the table of the next to switch off, and in the paragraph
_RIGS, _NEXT = 8, 2
_SPARED: dict[Unit | None, int] = {USD_PER_BTC: 0, USD_PER_PHS_DAY: 4}
# facts of the supply curve that the ledger shows
_LEDGER = ("underwater", "at_risk", "elasticity", "network_efficiency", "network_power_price")
# a later price closer to the hashprice's own than this is no news
_MOVED = 0.01
_DIGITS = 5
# of shares and points, whose bands are wide
_FEW_DIGITS = 3
_TITLES = {
    FAMILY.low: "lowest of the regression-based valuations",
    FAMILY.high: "highest of the regression-based valuations",
}
_UNITS: Mapping[str, Unit] = {
    "bitcoin": USD_PER_BTC,
    "paying": HASHRATE,
    "low": HASHRATE,
    "high": HASHRATE,
    "hashrate": HASHRATE,
    "hashprice": USD_PER_PHS_DAY,
}
# USD/kWh that the table of shutdown prices states
_POWER_PRICES = (0.04, 0.06, 0.08)
# rigs in that table: the largest of the fleet
_LARGEST = 8
_NO_PATHS = "paths of the hashprice are those of `hashcanary shutdown`"


@dataclass(frozen=True, slots=True)
class Hurt:
    """What is known of who is hurt.

    no_supply, no_shutdown: why a part is None or empty, empty where it is there. published: all
    that was known by then, none beside an invented history. selling: by class of margin, all of
    them last. years: what the years say.
    """

    supply: SupplyStudy | None
    no_supply: str
    published: tuple[PublishedCost, ...]
    shutdown: tuple[Line, ...]
    no_shutdown: str
    selling: tuple[ClassSold, ...]
    years: Years


def compute_hurt(record: Record) -> Hurt:
    """What is known of who is hurt at the record's moment."""
    with ThreadPoolExecutor(1) as beside:
        through_time = beside.submit(years, record)
        supply, no_supply = _studied(record)
        lines, no_shutdown = _shutdown_prices(record, supply)
        selling = () if supply is None else _must_sell(supply)
    of_years = through_time.result()
    at = record.at if of_years.costs is None else of_years.costs.at
    published = tuple(
        cost
        for cost in read_published_costs()
        if not record.simulated and (at is None or cost.known <= at)
    )
    return Hurt(supply, no_supply, published, lines, no_shutdown, selling, of_years)


def after_of(record: Record, hurt: Hurt, ahead: Outlook) -> tuple[AfterRetarget | None, str]:
    """What the next retarget does to who is hurt, or why that cannot be said."""
    if ahead.forecast is None:
        return None, ahead.no_forecast
    if hurt.supply is None:
        return None, hurt.no_supply
    try:
        basis = basis_of(record, ahead.forecast)
    except NoHashprice as error:
        return None, str(error)
    return after_retarget(ahead.forecast, hurt.supply, basis, seed=SEED), ""


def _studied(record: Record) -> tuple[SupplyStudy | None, str]:
    try:
        return study_supply(record, seed=SEED), ""
    except (NoHashprice, NoRigYet, TooFewDaysForFleet) as error:
        return None, str(error)


def _shutdown_prices(record: Record, supply: SupplyStudy | None) -> tuple[tuple[Line, ...], str]:
    """The largest rigs of the fleet, the one that stops first on top, at each price of power."""
    if supply is None:
        return (), "the fleet is not known"
    try:
        market = hash_economics(record)
    except NoMarket as error:
        return (), str(error)
    largest = sorted(supply.rigs, key=lambda rig: -rig.share.value)[:_LARGEST]
    catalogue = read_rigs()
    rigs = sorted(
        (catalogue.rig(rig.name) for rig in largest), key=lambda rig: -rig.efficiency_j_per_th
    )
    return shutdown_table(rigs, _POWER_PRICES, market, Terms(), None, _NO_PATHS), ""


def _must_sell(supply: SupplyStudy) -> tuple[ClassSold, ...]:
    overheads = draw_overheads(assume().figures, supply.supply.left.size, SEED)
    now = sold(supply.supply, supply.market.hashprice_usd_per_phs_day, overheads)
    return margin_classes(supply, now)


def who_is_hurt(
    hurt: Hurt, state: str, after: AfterRetarget | None = None, no_after: str = ""
) -> Section:
    """Costs of a coin against the price, the supply curve, where machines stop, what must be sold.

    state: the verdict's; after: what the next retarget does; no_after: why that cannot be said.
    """
    through, study = hurt.years, hurt.supply
    parts: list[Ledger | Table | Drawing] = []
    if through.cost_days.height:
        parts.append(Drawing("costs"))
    if through.costs is not None:
        parts.append(_costs(hurt, through.costs))
    if study is not None:
        parts += [_ledger(study), Drawing("supply"), _next(study)]
    if hurt.shutdown:
        parts.append(shutdown_view.by_power_price(hurt.shutdown))
    if through.fleet_days.height:
        parts.append(Drawing("fleet"))
    if hurt.selling and study is not None:
        parts.append(by_margin(hurt.selling, study.market.day))
    if after is not None:
        parts.append(after_table(after))
    if through.stress is not None:
        parts += [
            Drawing("stress"),
            _stress(through.stress),
            stress_view.component_table(through.stress),
        ]
    notes = tuple(map(harmless, (*_gauge_notes(through.stress, state), *_notes(hurt, no_after))))
    return Section(_KEY, "Who is hurt", _TITLE, harmless(_lead(hurt)), tuple(parts), notes)


def _gauge_notes(now: StressNow | None, state: str) -> list[str]:
    """The gauge in a sentence, and why it and the verdict part, where they do."""
    if now is None:
        return []
    said = (stress_view.gauge_sentence(now), gauge_difference(state, now.word))
    return [" ".join(filter(None, said))]


def _lead(hurt: Hurt) -> str:
    """The answer in a paragraph; what cannot be said is missing, with the reason."""
    study, costs = hurt.supply, hurt.years.costs
    if study is None and costs is None:
        reasons = " ".join(dict.fromkeys((hurt.no_supply, hurt.years.no_costs)))
        return f"Who is hurt cannot be said: {reasons}"
    if study is None:
        lines = [f"Who is underwater cannot be said: {hurt.no_supply}"]
    else:
        lines = [*supply_view.underwater(study), *_since(study, costs), *_first(study, costs)]
    if costs is None:
        lines.append(f"What a coin costs cannot be said: {hurt.years.no_costs}")
    else:
        lines.append(cost_view.lead(costs))
    if study is not None:
        lines.append(fleet_assumptions(study))
    return " ".join(lines)


def _reference(study: SupplyStudy, costs: CostAnswers | None) -> tuple[float, int]:
    """The newest price and its day: the hashprice's own where none is newer."""
    own = study.price_usd_per_btc, study.market.day
    if costs is None or costs.price_usd is None or costs.price_day is None:
        return own
    return own if costs.price_day <= own[1] else (costs.price_usd, costs.price_day)


def _since(study: SupplyStudy, costs: CostAnswers | None) -> list[str]:
    """The share underwater at a newer price, where the hashprice is of an older day."""
    price, when = _reference(study, costs)
    ratio = price / study.price_usd_per_btc
    if abs(ratio - 1) < _MOVED:
        return []
    now = study.market.hashprice_usd_per_phs_day
    share = banded(band_of(study.supply.under_water(now * ratio)), FRACTION)
    return [
        f"With bitcoin at {price:,.0f} USD (on {day(when)}), difficulty and fees unchanged, it is "
        f"{share}."
    ]


def _first(study: SupplyStudy, costs: CostAnswers | None) -> list[str]:
    """The rigs that are next to switch off, at the median power price."""
    price, _ = _reference(study, costs)
    going = [rig for rig in study.rigs if rig.off_at_usd_per_btc.value <= price][:_NEXT]
    text = ", then ".join(
        f"{rig.name} below {banded(rig.off_at_usd_per_btc, USD_PER_BTC)}" for rig in going
    )
    return [f"Next to switch off, at the median power price: {text}."] if going else []


def _costs(hurt: Hurt, costs: CostAnswers) -> Table:
    published = newest_known(hurt.published, None)
    note = f"{cost_view.BANDS} {cost_view.VALUATIONS}"
    if published:
        note += " Published: as others printed them, without bands."
    table = cost_view.titled(cost_view.definitions(costs, published))
    return replace(
        table,
        key="costs",
        title="What a coin costs, by definition",
        note=f"{note} Every day: hashcanary cost --history.",
        empty="No cost is known.",
    )


def _ledger(study: SupplyStudy) -> Ledger:
    facts, since = supply_view.facts(study), study.market.day
    figures = []
    for column in supply_view.VIEW.facts:
        figure, unit = facts[column.name], column.unit
        if column.name not in _LEDGER or not isinstance(figure, Interval) or unit is None:
            continue
        if unit is EXAHASHES:
            # every hashrate of the report is in one unit
            figure, unit = figure.scaled(1e18), HASHRATE
        figures.append(
            Figure(
                f"supply.{column.name}",
                column.title.capitalize(),
                **ends(figure),
                unit=unit,
                interval=BAND_TEXT,
                since=since,
                until=since + DAY,
                source="drawn fleets and power prices",
                note=_remark(column.name, study),
                term="under_water",
            )
        )
    return Ledger("underwater", "Underwater", tuple(figures))


def _remark(name: str, study: SupplyStudy) -> str:
    if name == "underwater":
        return f"mean of the draws {percent(study.under_water_mean)}: few draws are far higher"
    return supply_view.LITERATURE if name == "elasticity" else ""


def _next(study: SupplyStudy) -> Table:
    """The rigs of the fleet from the first to switch off; the best ones are left out."""
    table = supply_view.table(study, "rigs")
    return replace(
        table,
        key="next_to_go",
        title="Which machines switch off next",
        # a price of bitcoin is what a reader can look up
        columns=[
            replace(column, spare=_SPARED.get(column.unit, column.spare))
            for column in table.columns
        ],
        rows=table.rows[:_RIGS],
        note=f"Bands: {BAND_TEXT}. {supply_view.NOTES['rigs']} Your own machines: hashcanary study "
        "supply --fleet.",
        empty="No machine of the catalogue makes 1% of the hashrate or more.",
    )


def _stress(now: StressNow) -> Ledger:
    """The stress gauge and the miner-sustainability index."""
    held = stress_view.held(now) or "no word yet: too few earlier days"
    gauge = _of_100("gauge", stress_view.GAUGE, now.gauge, GAUGE_BAND, now.day, held)
    index, label = now.index, stress_view.INDEX
    if index is None:
        missing = "too little is known of the fleet and of costs"
        named = "stress.index", f"{label}, 0 to 100", None, INDEX_100
        second = Figure(*named, missing=missing, term="gauge")
    else:
        parts = stress_view.parts_text(index)
        second = _of_100("index", label, index.index, INDEX_BAND, index.day, parts)
    return Ledger("stress", "Stress", (gauge, second))


def _of_100(key: str, label: str, band: Interval, kind: str, of: int, note: str) -> Figure:
    return Figure(
        f"stress.{key}",
        f"{label}, 0 to 100",
        **ends(band),
        unit=INDEX_100,
        level=GAUGE_LEVEL,
        interval=kind,
        since=of,
        until=of + DAY,
        source="drawn fleets, power prices and costs; blocks, closing prices",
        note=note,
        term="gauge",
    )


def _notes(hurt: Hurt, no_after: str) -> list[str]:
    notes = []
    if hurt.supply is not None:
        notes += [f"Missing: {text}." for text in hurt.supply.lacks]
        notes.append(supply_view.sensitivity_sentence(hurt.supply))
    if hurt.years.costs is not None:
        notes += cost_view.caveats(hurt.years.costs)
    if hurt.supply is not None and not hurt.shutdown:
        notes.append(f"Missing: shutdown prices: {hurt.no_shutdown}.")
    if hurt.years.stress is None:
        notes.append(f"Missing: the stress gauge: {hurt.years.no_stress}")
    if no_after and hurt.supply is not None:
        notes.append(f"Missing: what the next retarget does: {no_after}")
    return notes


def hurt_datasets(hurt: Hurt) -> tuple[Dataset, ...]:
    """Everything the chapter's charts draw; empty columns where nothing is known."""
    years = hurt.years
    return (
        _of("costs", years.cost_days, COSTS, USD_PER_BTC, _DIGITS),
        _published(hurt),
        *_supply(hurt),
        _of("fleet", years.fleet_days, FLEET, FRACTION, _FEW_DIGITS),
        _of("stress", years.stress_days, STRESS, INDEX_100, _FEW_DIGITS),
    )


def _of(name: str, days: pl.DataFrame, chart: Chart, unit: Unit, digits: int) -> Dataset:
    return Dataset(
        name,
        days["time"].to_list(),
        tuple(
            Series(
                column,
                _TITLES.get(column, column.replace("_", " ")),
                USD if column == "price" else unit,
                rounded(days[column], digits) if column in days.columns else [],
            )
            for column in chart.columns
        ),
    )


def _published(hurt: Hurt) -> Dataset:
    shown = sorted(hurt.published, key=lambda cost: cost.day)
    return Dataset(
        "published_costs",
        [cost.day for cost in shown],
        (
            Series("who", "published by", None, [harmless(cost.title) for cost in shown]),
            Series(
                "usd_per_btc", "as published", USD_PER_BTC, [cost.usd_per_btc for cost in shown]
            ),
        ),
    )


def _supply(hurt: Hurt) -> tuple[Dataset, ...]:
    study = hurt.supply
    rows = {name: [] for name in SUPPLY.datasets} if study is None else supply_data(study)
    here = None if study is None else study.market.hashprice_usd_per_phs_day
    return tuple(_along(name, rows[name], here) for name in SUPPLY.datasets)


_SUPPLY_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "supply": SUPPLY.columns,
    "supply_now": ("hashprice", "hashrate"),
    "supply_rigs": ("hashprice", "low", "high", "rig"),
}


def _along(name: str, rows: Sequence[Mapping[str, object]], here: float | None) -> Dataset:
    of_rigs = name == "supply_rigs"
    return Dataset(
        name,
        [],
        tuple(
            Series(
                column,
                column,
                None if column == "rig" else USD_PER_PHS_DAY if of_rigs else _UNITS[column],
                rounded(pl.Series([row[column] for row in rows], strict=False), _DIGITS),
            )
            for column in _SUPPLY_COLUMNS[name]
        ),
        along="hashprice",
        here=here,
    )
