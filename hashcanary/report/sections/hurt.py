"""Chapter: who is hurt: machines under water, what a coin costs, where machines stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.economics.costs.model import LEVEL
from hashcanary.economics.costs.published import newest_known
from hashcanary.economics.draws import BAND_TEXT
from hashcanary.economics.supply.curve import LITERATURE_ELASTICITY, LITERATURE_ERROR
from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.report.document import Drawing, Figure, Ledger, Section
from hashcanary.report.hurting import answer
from hashcanary.report.sections.stress import stress_parts
from hashcanary.units import (
    DATE,
    FRACTION,
    HASHRATE,
    J_PER_TH,
    RATIO,
    USD_PER_BTC,
    USD_PER_KWH,
    USD_PER_PHS_DAY,
)
from hashcanary.views.after_retarget import report_table as after_table
from hashcanary.views.selling import by_margin
from hashcanary.views.table import INTERVAL, Column, Table, limited
from hashcanary.views.text import day, harmless, percent

if TYPE_CHECKING:
    from hashcanary.economics.costs.answers import CostAnswer, CostAnswers
    from hashcanary.economics.costs.published import PublishedCost
    from hashcanary.economics.shutdown.table import Line
    from hashcanary.economics.supply.study import RigPoint, SupplyStudy
    from hashcanary.inference.retarget.after import AfterRetarget
    from hashcanary.report.hurt import Hurt
    from hashcanary.units import Unit
    from hashcanary.views.table import Cell

_KEY, _TITLE = "hurt", "Who is hurt?"
# rigs of the fleet in the table of the next to go
_RIGS = 8
_SOURCE = "drawn fleets and power prices"


def who_is_hurt(found: Hurt, after: AfterRetarget | None = None, no_after: str = "") -> Section:
    """Costs of a coin against the price, the supply curve, where machines stop, what must be sold.

    after: what the next retarget does; no_after: why that cannot be said.
    """
    parts: list[Ledger | Table | Drawing] = []
    if found.years.cost_days.height:
        parts.append(Drawing("costs"))
    if found.years.costs is not None:
        parts.append(_costs(found, found.years.costs))
    if found.supply is not None:
        parts += [Ledger("under_water", "Under water", _figures(found.supply))]
        parts += [Drawing("supply"), _next(found.supply)]
    if found.shutdown:
        parts.append(_shutdown(found.shutdown))
    if found.years.fleet_days.height:
        parts.append(Drawing("fleet"))
    if found.selling and found.supply is not None:
        parts.append(by_margin(found.selling, found.supply.market.day))
    if after is not None:
        parts.append(after_table(after))
    if found.years.stress is not None:
        parts += [Drawing("stress"), *stress_parts(found.years.stress)]
    lead, notes = harmless(answer(found)), _notes(found, no_after)
    return Section(_KEY, "Who is hurt", _TITLE, lead, tuple(parts), notes)


def _figures(study: SupplyStudy) -> tuple[Figure, ...]:
    rows: tuple[tuple[str, str, Interval, Unit, float, str], ...] = (
        (
            "under_water",
            "Hashrate that does not pay for its power",
            study.under_water,
            FRACTION,
            1.0,
            f"of what runs; mean of draws {percent(study.under_water_mean)}",
        ),
        ("room", "Room for further shutdown", study.room_ehs, HASHRATE, 1e18, ""),
        (
            "elasticity",
            "Hashrate lost for 1% of hashprice, in percent",
            study.elasticity,
            RATIO,
            1.0,
            f"over a fall of 10%; fitted to late 2018: {LITERATURE_ELASTICITY}, standard error "
            f"{LITERATURE_ERROR} (Noda, Okumura and Hashimoto)",
        ),
        ("efficiency", "Machines that run", study.network_j_per_th, J_PER_TH, 1.0, ""),
        (
            "power_price",
            "Median price of power of the network",
            study.power_usd_per_kwh,
            USD_PER_KWH,
            1.0,
            "spread over miners besides",
        ),
    )
    since = study.market.day
    return tuple(
        Figure(
            key=f"supply.{key}",
            label=label,
            value=one.value * scale,
            unit=unit,
            low=one.low * scale,
            high=one.high * scale,
            interval=BAND_TEXT,
            since=since,
            until=since + DAY,
            source=_SOURCE,
            note=note,
            term="under_water",
        )
        for key, label, one, unit, scale, note in rows
    )


def _costs(found: Hurt, costs: CostAnswers) -> Table:
    rows = [_cost_row(one) for one in costs.answers]
    published = sorted(newest_known(found.published, None), key=lambda one: one.usd_per_btc)
    rows += [_published_row(one) for one in published]
    price = "No price is known."
    if costs.price_usd is not None and costs.price_day is not None:
        price = f"Price: {costs.price_usd:,.0f} USD on {day(costs.price_day)}."
    note = f"{price} Bands: {LEVEL:.0%}, of what stands beside them or, of lines through past "
    note += "prices, by how far prices strayed from them: nobody's bills are in those."
    if published:
        note += " Published: external inputs as others printed them, without bands."
    return Table(
        key="costs",
        title="What a coin costs, by who counts",
        columns=(
            Column("model", "definition"),
            Column("cost", f"USD a BTC ({LEVEL:.0%})", USD_PER_BTC, limits=INTERVAL),
            Column("rests_on", "rests on"),
            Column("price_to_cost", "price over it", RATIO, limits=INTERVAL),
            Column("time", "of", DATE, spare=1),
        ),
        rows=tuple(rows),
        note=note + " Every day: hashcanary cost --history.",
        empty="No cost is known.",
    )


def _cost_row(one: CostAnswer) -> tuple[Cell, ...]:
    cost = limited(one.usd_per_btc, one.low, one.high)
    ratio = limited(one.ratio, one.ratio_low, one.ratio_high)
    rests_on = one.rests_on if one.missing is None else f"missing: {one.missing}"
    return harmless(one.model.title), cost, harmless(rests_on), ratio, one.day


def _published_row(one: PublishedCost) -> tuple[Cell, ...]:
    return (
        harmless(f"{one.title}, published"),
        one.usd_per_btc,
        harmless(f"external input, no band: {one.source}"),
        None,
        one.day,
    )


def _next(study: SupplyStudy) -> Table:
    """The rigs of the fleet from the first to go; the best ones are left out."""
    market = study.market
    return Table(
        key="next_to_go",
        title="Which machines go next",
        columns=(
            Column("rig", "machine"),
            Column("off_price", "stops below, USD a BTC", USD_PER_BTC, limits=INTERVAL),
            Column("under_water", "of them under water", FRACTION, limits=INTERVAL),
            Column("share", "of the hashrate", FRACTION, limits=INTERVAL),
            Column(
                "off_hashprice",
                "stops below, USD/PH/s/day",
                USD_PER_PHS_DAY,
                limits=INTERVAL,
                digits=3,
            ),
        ),
        rows=tuple(_rig_row(one) for one in study.rigs[:_RIGS]),
        note=(
            f"Bands: {BAND_TEXT}. Stops: at the network's median power price, difficulty and fees "
            f"as on {day(market.day)}, when bitcoin was at {study.price_usd_per_btc:,.0f} USD and "
            f"a petahash a second earned {market.hashprice_usd_per_phs_day:.2f} USD a day. Under "
            "water: by what each owner pays. Your own machines: hashcanary study supply --fleet."
        ),
        empty="No machine of the catalogue makes 1% of the hashrate or more.",
    )


def _rig_row(one: RigPoint) -> tuple[Cell, ...]:
    off, under = one.off_at_usd_per_btc, one.under_water
    return (
        harmless(one.name),
        off,
        under,
        one.share,
        one.off_at_usd_per_phs_day,
    )


def _shutdown(lines: tuple[Line, ...]) -> Table:
    """A row a machine, a column a price of power."""
    powers = tuple(dict.fromkeys(line.power_usd_per_kwh for line in lines))
    by_rig: dict[str, list[Line]] = {}
    for line in lines:
        by_rig.setdefault(line.rig.name, []).append(line)
    return Table(
        key="shutdown",
        title="The price of bitcoin at which a machine no longer pays for its power",
        columns=(
            Column("rig", "machine"),
            *(
                Column(
                    f"at_{power:g}".replace(".", "_"),
                    f"at {power:g} USD/kWh, USD a BTC",
                    USD_PER_BTC,
                    limits=INTERVAL,
                )
                for power in powers
            ),
            Column("break_even", "bears, USD/kWh", USD_PER_KWH, limits=INTERVAL, digits=2),
        ),
        rows=tuple(
            (
                harmless(name),
                *(one.shutdown_price_usd_per_btc for one in own),
                own[0].break_even_usd_per_kwh,
            )
            for name, own in by_rig.items()
        ),
        note=_terms_note(),
        empty="No machine.",
    )


def _terms_note() -> str:
    from hashcanary.economics.shutdown.table import USUAL_POOL_FEE, USUAL_PUE

    fee, pue = USUAL_POOL_FEE, USUAL_PUE
    return (
        "The largest of the fleet; difficulty and fees as they are. Bands: pool fee "
        f"{percent(fee.low, 0)} to {percent(fee.high, 0)}, power of the site {pue.low:g} to "
        f"{pue.high:g} times the machine's, nameplates and fees of 30 days, all at their "
        "favourable end and all at their other. Stop and restart, paths of revenue and payback: "
        "hashcanary shutdown."
    )


def _missing_costs(costs: CostAnswers) -> list[str]:
    """A line a reason, with all the definitions that it keeps from an answer."""
    by_reason: dict[str, list[str]] = {}
    for one in costs.answers:
        if one.missing is not None:
            by_reason.setdefault(one.missing, []).append(one.model.title)
    return [f"Lacks the cost by {'; '.join(names)}: {why}." for why, names in by_reason.items()]


def _notes(found: Hurt, no_after: str) -> tuple[str, ...]:
    notes = []
    if found.supply is not None:
        notes += [f"Lacks {one}." for one in found.supply.lacks]
        lever = found.supply.levers[0]
        notes.append(
            f"What moves the share under water most: {lever.meaning}; from {lever.low:.3g} to "
            f"{lever.high:.3g} it goes from {percent(lever.at_low)} to "
            f"{percent(lever.at_high)} (means of the lowest and highest fifth)."
        )
    if found.years.costs is not None:
        notes += _missing_costs(found.years.costs)
        late = sorted({text for one in found.years.costs.answers for text in one.hindsight})
        if late:
            notes.append(f"Stated with hindsight: {'; '.join(late)}.")
    if found.supply is not None and not found.shutdown:
        notes.append(f"Lacks shutdown prices: {found.no_shutdown}.")
    if found.years.stress is None:
        notes.append(f"Lacks the stress gauge: {found.years.no_stress}")
    if no_after and found.supply is not None:
        notes.append(f"Lacks what the next retarget does: {no_after}")
    return tuple(harmless(note) for note in notes)
