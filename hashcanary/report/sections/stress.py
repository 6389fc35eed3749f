"""Parts of the chapter on who is hurt: the stress gauge, and what the next retarget does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.moments import DAY
from hashcanary.report.document import Figure, Ledger
from hashcanary.studies.stress.gauge import BAND_TEXT, LEVEL
from hashcanary.studies.stress.sustainability import BAND_TEXT as INDEX_BAND_TEXT
from hashcanary.studies.stress.sustainability import TITLES
from hashcanary.units import FRACTION, INDEX_100, USD_PER_BTC, USD_PER_PHS_DAY
from hashcanary.views.table import INTERVAL, Column, Table, limited
from hashcanary.views.text import bounds, harmless, percent, quantity

if TYPE_CHECKING:
    from hashcanary.inference.retarget.after import AfterRetarget, Quantiles
    from hashcanary.studies.stress.answer import ComponentNow, StressNow
    from hashcanary.units import Unit
    from hashcanary.views.table import Cell

_DRAWN = "drawn fleets, power prices and costs; blocks, closing prices"


def stress_parts(now: StressNow) -> tuple[Ledger | Table, ...]:
    """The gauge and the index as figures, and the gauge's components."""
    return _ledger(now), _components(now)


def _ledger(now: StressNow) -> Ledger:
    gauge = Figure(
        key="stress.gauge",
        label="Stress gauge, 0 to 100",
        value=now.gauge,
        unit=INDEX_100,
        low=now.low,
        high=now.high,
        level=LEVEL,
        interval=BAND_TEXT,
        since=now.day,
        until=now.day + DAY,
        source=_DRAWN,
        note=_word(now),
        term="gauge",
    )
    index = now.index
    if index is None:
        missing = "too little of what it is made of is known"
        return Ledger(
            "stress",
            "Stress",
            (gauge, Figure("stress.index", _INDEX, None, INDEX_100, missing=missing, term="gauge")),
        )
    parts = ", ".join(
        f"{TITLES[one.name].lower()} {percent(one.value, 0)} "
        f"({percent(one.low, 0)} to {percent(one.high, 0)})"
        for one in index.parts
        if one.value is not None and one.low is not None and one.high is not None
    )
    return Ledger(
        "stress",
        "Stress",
        (
            gauge,
            Figure(
                key="stress.index",
                label=_INDEX,
                value=index.index,
                unit=INDEX_100,
                low=index.low,
                high=index.high,
                level=LEVEL,
                interval=INDEX_BAND_TEXT,
                since=index.day,
                until=index.day + DAY,
                source=_DRAWN,
                note=parts,
                term="gauge",
            ),
        ),
    )


_INDEX = "Miner sustainability, 0 to 100"


def _word(now: StressNow) -> str:
    return now.held or "no word yet: too few days are behind it"


def stress_sentence(now: StressNow) -> str:
    """The gauge for the verdict."""
    word = f", {now.held}" if now.held else ""
    return (
        f"The stress gauge stands at {now.gauge:.0f} of 100 ({LEVEL:.0%}: {now.low:.0f} to "
        f"{now.high:.0f}){word}."
    )


def _components(now: StressNow) -> Table:
    gone = [one for one in now.components if one.missing is not None]
    note = (
        "Percentile: of the days before, of the sign itself, with less stress; points: percentile "
        f"times weight, their sum is the gauge. Its band: {BAND_TEXT}. Weights are stated, not "
        "fitted; how far it is to be trusted: hashcanary study stress. The fleet under water is "
        "here the mean of monthly draws, and their median above."
    )
    if gone:
        missing = "; ".join(f"{one.component.title}: {one.missing}" for one in gone)
        note += f" Missing, their weight left to the others: {missing}."
    return Table(
        key="stress_components",
        title="What the stress gauge is made of",
        columns=(
            Column("component", "sign"),
            Column("percentile", "percentile (90%)", INDEX_100, limits=INTERVAL, digits=2),
            Column("value", "value"),
            Column("points", "points", INDEX_100, digits=3),
        ),
        rows=tuple(_component_row(one) for one in now.components if one.missing is None),
        note=harmless(note),
        empty="No sign is known.",
    )


def _component_row(one: ComponentNow) -> tuple[Cell, ...]:
    percentile = limited(one.percentile, one.percentile_low, one.percentile_high)
    unit, value = one.component.unit, one.value
    said = None
    if value is not None:
        inner = bounds(one.low, one.high, unit, digits=3) if one.low != one.high else ""
        said = quantity(value, unit, 3) + (f" ({inner})" if inner else "")
    return harmless(one.component.title), percentile, said, one.contributes


def after_ledger(found: AfterRetarget) -> Ledger:
    """Hashprice and who is under water after the next retarget."""
    rows: list[tuple[str, str, Quantiles, Unit, str]] = [
        ("hashprice_held", "Hashprice, price held", _hashprice(found), USD_PER_PHS_DAY, ""),
        ("under_water_held", "Under water, price held", found.held.under_water, FRACTION, ""),
    ]
    if found.moving is not None:
        moving = found.moving
        price = "the price moves as in its last four years, without drift"
        rows += [
            (
                "hashprice_moving",
                "Hashprice, price moving",
                moving.hashprice_usd_per_phs_day,
                USD_PER_PHS_DAY,
                price,
            ),
            (
                "under_water_moving",
                "Under water, price moving",
                moving.under_water,
                FRACTION,
                price,
            ),
        ]
    rows.append(
        (
            "offset",
            "Price of bitcoin that keeps hashprice as it is",
            found.offset_usd_per_btc,
            USD_PER_BTC,
            f"from {found.basis.price_usd_per_btc:,.0f} USD; fees as now",
        )
    )
    return Ledger(
        "after_retarget",
        "After the next retarget",
        tuple(_after(found, *row) for row in rows),
    )


def _hashprice(found: AfterRetarget) -> Quantiles:
    return found.held.hashprice_usd_per_phs_day


def _after(
    found: AfterRetarget, key: str, label: str, of: Quantiles, unit: Unit, note: str
) -> Figure:
    basis = found.basis.day
    first, last = (basis + round(float(found.days.values[at])) * DAY for at in (0, -1))
    return Figure(
        key=f"after.{key}",
        label=label,
        value=of.median,
        unit=unit,
        low=float(of.values[0]),
        high=float(of.values[-1]),
        interval="95% of draws of the forecast, the fees and the supply curve",
        since=first,
        until=last + DAY,
        source="the forecast of the retarget, the supply curve",
        note=note,
        term="under_water",
    )
