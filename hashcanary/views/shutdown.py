"""At which prices machines stop paying for their power, and the catalogue of machines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from math import expm1, isinf
from typing import TYPE_CHECKING, NamedTuple

from hashcanary.economics.machines.rigs import RELEASE_MEANINGS, Catalogue, Rig, read_rigs
from hashcanary.economics.shutdown.switching import BLOCK_DAYS, HORIZON_DAYS, PATHS, Flow, Paths
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_day
from hashcanary.units import (
    BTC_PER_BLOCK,
    COUNT,
    DATE,
    DAYS,
    DIFFICULTY,
    FRACTION,
    J_PER_TH,
    PER_YEAR,
    RATIO,
    TERAHASHES,
    UNIX_TIME,
    USD,
    USD_PER_BTC,
    USD_PER_DAY,
    USD_PER_KWH,
    USD_PER_MWH,
    USD_PER_PHS_DAY,
    USD_PER_THS,
    WATTS,
    Unit,
)
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Cell, Column, Table, defined
from hashcanary.views.text import banded, count, day, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hashcanary.economics.hash_economics import HashEconomics, Stated
    from hashcanary.economics.shutdown.table import Line, Terms
    from hashcanary.store.record import Record


# people are shown machines first sold in the last six years, unless they name some
_SHOWN_DAYS = 2192
_CORNERS = "all that is uncertain at its favourable end, and at its other end"
_FEES = "by the lowest and the highest fees of the last 30 days"
# facts by the names of stated inputs
_NAMES = {
    "difficulty": "difficulty",
    "price_usd_per_btc": "price",
    "subsidy_btc": "subsidy",
    "fees_to_subsidy": "fees_to_subsidy",
    "hashprice_usd_per_phs_day": "hashprice",
}
_ASSUMED = "stated, or the limits of what is assumed"


def _corner(
    name: str,
    title: str,
    unit: Unit,
    get: str | None = None,
    spare: int = 0,
    digits: int | None = None,
    definition: str = "",
) -> Column:
    """A figure with the outermost limits of all that is uncertain."""
    return Column(
        name, title, unit, get, _CORNERS, None, definition, digits, optional=True, spare=spare
    )


def _over_paths(
    name: str,
    title: str,
    unit: Unit,
    of: str,
    spare: int,
    digits: int | None = None,
    limits: str = "90% of paths",
) -> Column:
    """A figure of a line's ``Payback``, its ``of``; nothing where no paths were drawn."""

    def get(line: Line) -> Cell:
        return None if isinstance(line.earns, str) else getattr(line.earns, of)

    return Column(name, title, unit, get, limits, 0.90, "", digits, optional=True, spare=spare)


class _Basis(NamedTuple):
    """What all lines rest on; flow, paths, their number and seed: None where there are none."""

    market: HashEconomics
    terms: Terms
    flow: Flow | None
    paths: Paths | None
    drawn: int | None
    seed: int | None


def _of(name: str, title: str, unit: Unit, get: Callable[[_Basis], Cell] | str) -> Column:
    """A fact that is left out where it is not known."""
    return Column(name, title, unit, get, optional=True)


def _fees(basis: _Basis) -> Interval | None:
    """A hashprice that is stated has its fees inside."""
    market = basis.market
    return None if "hashprice_usd_per_phs_day" in market.stated else market.fees_to_subsidy


_HASHPRICE = "market.hashprice_usd_per_phs_day"
_DRAWN_FROM = "daily changes the paths are drawn from"


def _days(days: float) -> str:
    return "never" if isinf(days) else f"{days:,.0f}"


def _missing(line: Line) -> tuple[str, ...]:
    """What a line does not have, with the reason."""
    missing = []
    if isinstance(line.earns, str):
        missing.append(f"earned_3_years, payback: {line.earns}")
    elif line.earns.days is None:
        missing.append("payback: no price of a rig is stated")
    if line.shutdown_price_usd_per_btc is None:
        missing.append("shutdown price: a hashprice is stated without a price")
    if line.off_below_usd_per_phs_day is None:
        missing.append("off_below, on_above: no volatility, or power is free")
    return tuple(missing)


VIEW = View(
    "shutdown",
    "shutdown",
    "At which prices do machines stop paying for their power?",
    facts=(
        Column("day", "day of the price", DATE, "market.day"),
        Column("hashprice", "hashprice now", USD_PER_PHS_DAY, _HASHPRICE, _FEES, None),
        Column("price", "price of bitcoin", USD_PER_BTC, "market.price_usd_per_btc"),
        Column("difficulty", "difficulty", DIFFICULTY, "market.difficulty"),
        Column("subsidy", "new coins a block", BTC_PER_BLOCK, "market.subsidy_btc"),
        replace(
            _of("fees_to_subsidy", "fees over subsidy", FRACTION, _fees), limits=_FEES, level=None
        ),
        Column("pool_fee", "pool fee", FRACTION, "terms.pool_fee", _ASSUMED, None),
        Column("pue", "power of the site over its machines'", RATIO, "terms.pue", _ASSUMED, None),
        Column("restart_cost", "cost of a restart", USD, "terms.restart_usd", _ASSUMED, None),
        Column("rig_price", "price of a rig", USD_PER_THS, "terms.rig_usd_per_ths"),
        _of("volatility", "volatility of hashprice", PER_YEAR, "flow.volatility"),
        _of("volatility_days", "daily changes it is of; 0: stated", COUNT, "flow.changes"),
        _of("drift", "drift of hashprice, for stop and restart", PER_YEAR, "flow.drift"),
        _of("discount", "discount, for stop and restart", PER_YEAR, "flow.discount"),
        _of("paths", "paths of hashprice", COUNT, "drawn"),
        _of("paths_days", f"{_DRAWN_FROM}; 0: stated", COUNT, "paths.changes"),
        _of("paths_drift", "drift of the logarithm on the paths", PER_YEAR, "paths.drift"),
        _of("paths_drift_error", "standard error of that drift", PER_YEAR, "paths.drift_error"),
        _of("seed", "seed of the paths", COUNT, "seed"),
    ),
    tables={
        "rigs": defined(
            {
                "payback_days": f"null where a rig price is stated: not within {HORIZON_DAYS:,} "
                "days",
                "paid_back_fraction": "of the paths",
            },
            Column("rig", "rig", get="rig.name"),
            _corner("efficiency", "efficiency", J_PER_TH, "rig.nameplate_j_per_th", 7, 3),
            _corner("power_price", "power price", USD_PER_KWH, "power_band_usd_per_kwh", 0, 3),
            _corner(
                *("shutdown", "shutdown price", USD_PER_BTC, "shutdown_price_usd_per_btc"),
                definition="bitcoin at which power alone is paid, difficulty and fees as they are",
            ),
            _corner(
                *("shutdown", "shutdown hashprice", USD_PER_PHS_DAY),
                "shutdown_hashprice_usd_per_phs_day",
                digits=3,
                definition="at which power alone is paid",
            ),
            _corner("break_even", "break-even power", USD_PER_KWH, None, 0, 3),
            _corner("revenue", "revenue", USD_PER_MWH, None, 8, 3),
            _corner("profit", "profit", USD_PER_DAY, None, 3, 3, "of one machine"),
            *(
                _corner(name, title, unit, None, 6, digits, definition)
                for unit, digits in ((USD_PER_BTC, None), (USD_PER_PHS_DAY, 3))
                for name, title, definition in (
                    ("off_below", "stop below", "where a later restart is worth it"),
                    ("on_above", "restart above", "where a restart is worth its cost"),
                )
            ),
            _over_paths(
                "earned_3_years", "earned in 3 years", USD_PER_THS, "earned_usd_per_ths", 5, 3
            ),
            replace(_over_paths("payback", "payback", DAYS, "days", 2), text=_days),
            _over_paths(
                "paid_back", "paid back", FRACTION, "share", 4, 0, f"exact 90% of {PATHS:,} paths"
            ),
            Column("missing", "missing", get=_missing, hidden=True),
        )
    },
    more={
        "rigs_file": "where the catalogue of rigs is from",
        "power_source": "who states the power price",
        "stated": "inputs that were stated in place of the record's",
        "missing": "what was not known",
    },
)


def stated(
    difficulty: float | None = None,
    price: float | None = None,
    subsidy: float | None = None,
    fee_share: float | None = None,
    fees_to_subsidy: float | None = None,
    hashprice: float | None = None,
) -> Stated:
    """What takes the place of the record's figures; ``enough`` where none of it is needed.

    As in ``shutdown``; fee_share: fees as a fraction of the whole reward. Raises UsageError.
    """
    from hashcanary.economics.hash_economics import Stated

    if fee_share is not None:
        if fees_to_subsidy is not None or not 0 <= fee_share < 1:
            raise UsageError(
                argument="--fee-share",
                expected="a fraction from 0 to below 1, without --fees-to-subsidy",
                found=fee_share,
                remedy="Fees of 1.3% of the subsidy are --fees-to-subsidy 0.013.",
            )
        fees_to_subsidy = fee_share / (1 - fee_share)
    return Stated(difficulty, price, subsidy, fees_to_subsidy, hashprice)


def shutdown(
    record: Record | None,
    *,
    difficulty: float | None = None,
    price: float | None = None,
    subsidy: float | None = None,
    fee_share: float | None = None,
    fees_to_subsidy: float | None = None,
    hashprice: float | None = None,
    pool_fee: float | None = None,
    pue: float | None = None,
    restart_cost: float | None = None,
    rig_price: float | None = None,
    volatility: float | None = None,
    drift: float | None = None,
    discount: float | None = None,
    power_price: float | Sequence[float] = (),
    power_prices: Path | None = None,
    rig: Sequence[str] = (),
    rigs: Path | None = None,
    seed: int = 1,
) -> Answer:
    """Shutdown prices of machines as known at the record's moment, or from stated inputs alone.

    record: None where a hashprice, or difficulty, price, subsidy and fees are stated. difficulty: a
    ratio to difficulty one; price: USD/BTC; subsidy: BTC a block; fee_share, fees_to_subsidy:
    fractions; hashprice: USD/PH/s/day, in place of all of them. pool_fee: a fraction; pue: a ratio;
    restart_cost: USD a machine; rig_price: USD/TH/s, without it there is no payback. volatility,
    drift, discount: a year. power_price: USD/kWh, one or several, none for what the network's
    median miner pays; power_prices: by region, TOML. rig: names, none for all sold by then; rigs:
    a catalogue, TOML.
    Raises UsageError, BadFigures, UnknownRig, NoRigYet, NoMarket.
    """
    from hashcanary.economics.hash_economics import hash_economics
    from hashcanary.economics.shutdown.switching import flow_of, paths_of
    from hashcanary.economics.shutdown.table import shutdown_table

    inputs = stated(difficulty, price, subsidy, fee_share, fees_to_subsidy, hashprice)
    terms = _terms(pool_fee, pue, restart_cost, rig_price)
    if drift is not None and volatility is None:
        raise UsageError(
            argument="--drift",
            expected="--volatility beside it",
            found=drift,
            remedy="Without both, the record's own daily changes are resampled, with their drift.",
        )
    catalogue = read_rigs(rigs)
    market = hash_economics(record, inputs)
    stated_powers = (power_price,) if isinstance(power_price, (int, float)) else power_price
    powers, source = _powers(stated_powers, power_prices, record, market.day)
    flow = flow_of(market.log_changes, drift=drift, volatility=volatility, discount=discount)
    paths = paths_of(market, seed, flow if volatility is not None else None)
    chosen = _rigs(rig, catalogue, record, market.day)
    lines = shutdown_table(chosen, powers, market, terms, flow, paths)
    seldom = 0 if rig or market.day is None else market.day - _SHOWN_DAYS * DAY
    shown = [line for line in lines if line.rig.released >= seldom]
    return Answer(
        VIEW,
        record,
        _headline(market, record),
        (Table("rigs", "Shutdown prices", _columns(lines, market), lines, shown=shown),),
        facts=VIEW.facts_of(
            _Basis(market, terms, flow, None, None, None)
            if isinstance(paths, str)
            else _Basis(market, terms, flow, paths, len(paths.factors), seed)
        ),
        more={
            "rigs_file": catalogue.file,
            "power_source": source,
            "stated": [_NAMES[name] for name in market.stated],
            "missing": list(market.lacks),
        },
        sentences=[
            *_stated_inputs(market),
            *_assumptions(lines, terms, source),
            _switching(terms, flow),
            _earnings(paths, terms, seed),
            *(f"Missing: {text}." for text in market.lacks),
        ],
        notes=_hints(terms, len({line.rig.name for line in lines if line not in shown})),
        result=lines,
    )


def _terms(
    pool_fee: float | None, pue: float | None, restart: float | None, rig_price: float | None
) -> Terms:
    from hashcanary.economics.shutdown.table import Terms

    usual = Terms()

    def exactly(value: float | None, assumed: Interval) -> Interval:
        return assumed if value is None else Interval.exact(value)

    return Terms(
        exactly(pool_fee, usual.pool_fee),
        exactly(pue, usual.pue),
        exactly(restart, usual.restart_usd),
        rig_price,
    )


def _powers(
    prices: Sequence[float], file: Path | None, record: Record | None, of_day: int | None
) -> tuple[Sequence[float | Interval], str]:
    """USD/kWh as stated; else what the network's median miner pays, as known at the moment."""
    from hashcanary.economics.power.prices import network_price, power_mix, read_power_prices

    known = read_power_prices(file)
    if prices:
        return prices, "stated"
    moment = known.newest + 1 if record is None or of_day is None else of_day + DAY
    if record is not None and record.at is not None:
        moment = record.at
    mix = power_mix(known, moment, None if record is None else record.daily)
    source = (
        f"what the network's median miner pays as known at {day(moment - 1)}, {known.file}, 95% of "
        "draws"
    )
    return [network_price(mix)], "; ".join((source, *mix.notes))


def _rigs(
    names: Sequence[str], catalogue: Catalogue, record: Record | None, of_day: int | None
) -> tuple[Rig, ...]:
    time = None
    if record is not None and of_day is not None:
        time = record.at if record.at is not None else of_day + DAY
    if names:
        return tuple(catalogue.rig(name, time) for name in names)
    sold = catalogue.rigs if time is None else catalogue.released_by(time)
    return tuple(sorted(sold, key=lambda rig: rig.efficiency_j_per_th))


def _columns(lines: Sequence[Line], market: HashEconomics) -> list[Column]:
    """People see power prices where there are several; prices of bitcoin, else hashprices."""
    several = len({line.power_band_usd_per_kwh for line in lines}) > 1
    other = USD_PER_BTC if market.price_usd_per_btc is None else USD_PER_PHS_DAY
    return [
        replace(column, hidden=True)
        if column.unit is other or (column.name == "power_price" and not several)
        else column
        for column in VIEW.tables["rigs"]
    ]


def _headline(market: HashEconomics, record: Record | None) -> str:
    """What a hash earns, in a line."""
    coin = market.price_usd_per_btc
    price = "" if coin is None else f", bitcoin at {coin:,.0f} USD"
    when = "" if market.day is None else f" of {day(market.day)}"
    known = "from stated inputs" if record is None else f"as known at {record.at_text}"
    hashprice = banded(market.hashprice_usd_per_phs_day, USD_PER_PHS_DAY)
    return f"Shutdown prices at a hashprice of {hashprice}{price}{when}; {known}"


def _stated_inputs(market: HashEconomics) -> list[str]:
    names = [_NAMES[name].replace("_", " ") for name in market.stated]
    return [f"Stated: {', '.join(names)}."] if names else []


def _assumptions(lines: Sequence[Line], terms: Terms, source: str) -> list[str]:
    """What power costs and who states it; on which terms machines run."""
    prices = dict.fromkeys(line.power_band_usd_per_kwh for line in lines)
    power = ", ".join(banded(each, USD_PER_KWH, 3) for each in prices)
    own = "" if source == "stated" else " --power-price states your own."
    return [
        f"Power at {power}: {source}.{own}",
        f"Pool fee {_given(terms.pool_fee, FRACTION)}; PUE {_given(terms.pue, RATIO)}; nameplates "
        f"{percent(lines[0].rig.nameplate_spread, 0)} either way. Limits: {_CORNERS}.",
    ]


def _given(band: Interval, unit: Unit, digits: int | None = None) -> str:
    return f"{banded(band, unit, digits)}, {'stated' if band.low == band.high else 'assumed'}"


def _switching(terms: Terms, flow: Flow | None) -> str:
    if flow is None:
        return "Missing: stop and restart prices: no year of hashprice and no stated --volatility."
    of = f"of {flow.changes:,} daily changes" if flow.changes else "stated"
    return (
        f"Stop below, restart above (Dixit 1989): a restart costs "
        f"{_given(terms.restart_usd, USD, 2)}; discount {percent(flow.discount, 0)} a year, "
        f"volatility {flow.volatility:.2f} a year ({of}), drift "
        f"{percent(flow.drift, 0, signed=True)} a year."
    )


def _earnings(paths: Paths | str, terms: Terms, seed: int) -> str:
    if isinstance(paths, str):
        return f"Missing: earnings of 3 years and payback: {paths}."
    drift = percent(expm1(paths.drift), 0, signed=True)
    drawn = (
        f"the record's {paths.changes:,} daily changes of price over difficulty in blocks of "
        f"{BLOCK_DAYS} days (drift {drift} a year, standard error {paths.drift_error:.2f})"
        if paths.changes
        else f"geometric Brownian motion (drift of the logarithm {paths.drift:+.2f} a year)"
    )
    halved = "; the subsidy halves when it is due" if paths.halves else ""
    text = (
        f"Earned in 3 years: median and 90% of {len(paths.factors):,} paths, each with its own "
        f"nameplate, PUE, pool fee and power price within their limits; hashprice by {drawn}"
        f"{halved}; seed {seed}."
    )
    if terms.rig_usd_per_ths is None:
        return text
    return (
        f"{text} Payback at {terms.rig_usd_per_ths:g} USD/TH/s: median days; never: not within 3 "
        "years. Paid back: share of the paths."
    )


def _hints(terms: Terms, older: int) -> list[str]:
    """What people may ask for beside what they see."""
    payback = [] if terms.rig_usd_per_ths else ["Payback: state --rig-price USD/TH/s."]
    machines = count(older, "older machine")
    return [*payback, f"Not shown: {machines}; --json and --csv have them."] if older else payback


def by_power_price(lines: Sequence[Line]) -> Table:
    """Shutdown prices of machines, a row a machine and a column a power price."""
    by_rig: dict[str, list[Line]] = {}
    for line in lines:
        by_rig.setdefault(line.rig.name, []).append(line)
    powers = dict.fromkeys(line.power_usd_per_kwh for line in lines)
    return Table(
        "shutdown",
        "The price of bitcoin at which a machine no longer pays for its power",
        (
            Column("rig", "machine"),
            *(
                Column(
                    f"at_{power:g}".replace(".", "_"),
                    f"at {power:g} USD/kWh",
                    USD_PER_BTC,
                    limits=_CORNERS,
                    level=None,
                )
                for power in powers
            ),
            Column(
                *("break_even", "break-even power", USD_PER_KWH),
                limits=_CORNERS,
                level=None,
                digits=2,
            ),
        ),
        [
            (
                name,
                *(each.shutdown_price_usd_per_btc for each in own),
                own[0].break_even_usd_per_kwh,
            )
            for name, own in by_rig.items()
        ],
        note="The largest of the fleet; difficulty and fees as they are. " + _terms_note(),
        empty="No machine.",
    )


def _terms_note() -> str:
    from hashcanary.economics.shutdown.table import USUAL_POOL_FEE, USUAL_PUE

    return (
        f"Limits: pool fee {_given(USUAL_POOL_FEE, FRACTION)}; PUE {_given(USUAL_PUE, RATIO)}; "
        f"nameplates and fees of 30 days: {_CORNERS}. Stop and restart prices, earnings and "
        "payback: hashcanary shutdown."
    )


_NAMEPLATE = "nameplate_j_per_th"
_NAMEPLATES = "figures of all sources, each lower and higher by the nameplates' spread"


def _month(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%b %Y}"


RIGS = View(
    "rigs",
    "rigs",
    "Which machines mine, how efficient are they, and since when were they sold?",
    facts=(
        Column("sold_by", "first sold before", UNIX_TIME),
        Column("nameplate_spread", "how far off a nameplate may be", FRACTION),
    ),
    tables={
        "rigs": defined(
            {"released": "first day of the month of first sale"},
            Column("rig", "rig", get="name"),
            Column("maker", "maker", spare=4),
            Column("hashrate", "hashrate", TERAHASHES, "hashrate_ths", digits=3),
            Column("power", "power", WATTS, "power_w", digits=3, spare=3),
            Column("efficiency", "efficiency", J_PER_TH, _NAMEPLATE, _NAMEPLATES, None, digits=3),
            Column("released", "first sold", DATE, text=_month),
            Column("released_low", "earliest", DATE, lambda rig: rig.released_band[0], hidden=True),
            Column("released_high", "latest", DATE, lambda rig: rig.released_band[1], hidden=True),
            Column("release", "date is", spare=1, definition="how its month of sale is known"),
            Column("cooling", "cooling", spare=5),
            Column("assumed", "figures assumed", hidden=True),
            Column("sources", "sources", hidden=True),
            Column("note", "note", hidden=True),
        )
    },
    more={
        "file": "where the catalogue is from",
        "release": "what each way of dating a release means",
        "other_figures": "figures of other sources that differ",
    },
)


def rigs(*, at: int | None = None, rigs: Path | None = None) -> Answer:
    """The machines of a catalogue; it needs no record.

    at: Unix seconds, only machines whose month of first sale had begun by then. rigs: a TOML file
    in place of the built-in one, or added to it. Raises BadFigures, NoRigYet.
    """
    catalogue = read_rigs(rigs)
    listed = catalogue.rigs if at is None else catalogue.released_by(at)
    spread = listed[0].nameplate_spread
    # a date means its end: the second before lies in it
    when = "" if at is None else f" first sold by {day(at - 1)}"
    known = {rig.release for rig in listed}
    return Answer(
        RIGS,
        None,
        f"{count(len(listed), 'rig')}{when} ({catalogue.file})",
        (Table("rigs", "Mining machines", RIGS.tables["rigs"], listed),),
        facts={"nameplate_spread": spread} | ({} if at is None else {"sold_by": at}),
        more={
            "file": catalogue.file,
            "release": dict(RELEASE_MEANINGS),
            "other_figures": [each for rig in listed for each in _others(rig)],
        },
        sentences=[
            f"Limits of the efficiency: all sources' figures, each {percent(spread, 0)} lower and "
            "higher, since a nameplate is no measurement.",
            *(
                f"{key.capitalize()}: {text}."
                for key, text in RELEASE_MEANINGS.items()
                if key in known
            ),
            "--json and --csv have the source of each rig, --json what other sources print.",
        ],
        result=listed,
    )


def _others(rig: Rig) -> list[dict[str, object]]:
    return [
        {
            "rig": rig.name,
            other.name: iso_day(int(other.value)) if other.name == "released" else other.value,
            "source": other.source,
        }
        for other in rig.others
    ]
