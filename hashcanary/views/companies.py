"""What mining companies report: production, treasury, power, debt and AI contracts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from hashcanary.economics.companies.reports import CompanyPeriod, Told, company_periods
from hashcanary.economics.companies.standing import CompaniesNow, CompanyNow, Total, companies_now
from hashcanary.moments import DAY, day_start
from hashcanary.units import (
    BTC,
    BTC_PER_MONTH,
    COUNT,
    DATE,
    FRACTION,
    J_PER_TH,
    MEGAWATTS,
    MONTHS,
    RATIO,
    USD,
    USD_PER_BTC,
    USD_PER_KWH,
    USD_PER_MONTH,
    USD_PER_MWH,
    USD_PER_PHS_DAY,
    USD_PER_YEAR,
    Unit,
)
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import INTERVAL, Column, Table
from hashcanary.views.text import (
    SIMULATED,
    banded,
    count,
    day,
    decimals,
    percent,
    period,
    with_ends,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from hashcanary.economics.companies.power import Input
    from hashcanary.interval import Interval
    from hashcanary.store.record import Record

    Get = Callable[[Any], Any]
    Text = Callable[[Any], str]

# of the periods, the last ones that people see
_PERIODS_SHOWN = 40
# days by which a price may be older than the moment before it is said
_FRESH_DAYS = 3
_MILLION = 1e-6


_WHOLE, _TENTH, _MILLIONS = decimals(0), decimals(1), decimals(1, _MILLION)
_HUNDREDTH, _ROUND = decimals(2), decimals(0, _MILLION)
_CHANGE, _WHOLE_PERCENT = decimals(1, signed=True), partial(percent, decimals=0)


def _number(
    name: str, title: str, unit: Unit, get: str = "", text: Text | None = _WHOLE, spare: int = 0
) -> Column:
    """An exact figure. text: None for whole percents."""
    return Column(name, title, unit, get or name, text=text, digits=0, spare=spare)


def _band(
    name: str, title: str, unit: Unit, get: Get | str, text: Text | None = _WHOLE, spare: int = 0
) -> Column:
    """A figure with limits, equal to it where all of its inputs were reported."""
    return Column(name, title, unit, get, INTERVAL, text=text, digits=0, spare=spare)


def _hidden(name: str, unit: Unit | None = None, get: Get | str | None = None) -> Column:
    """What people do not see."""
    return Column(name, name.replace("_", " "), unit, get, hidden=True)


def _reported(
    name: str,
    title: str,
    unit: Unit,
    get: str = "",
    text: Text = _WHOLE,
    spare: int | None = 0,
    to: int | None = None,
) -> tuple[Column, ...]:
    """A figure as reported, the end of its period, the day it was published, and where.

    spare, to: ``spare`` of the figure and of the end of its period; None hides them.
    """
    figure, hidden = attrgetter(path := get or name), spare is None

    def of(read: Callable[[Told], int]) -> Get:
        return lambda row: None if (told := figure(row)) is None else read(told)

    end, amount = of(lambda told: day_start(told.last)), f"{path}.amount"
    return (
        Column(
            name, title, unit, amount, text=text, spare=spare or 0, hidden=hidden, optional=True
        ),
        Column(f"{name}_to", "to", DATE, end, hidden=to is None, spare=to or 0),
        _hidden(f"{name}_known", DATE, of(lambda told: told.known_at - 1)),
        _hidden(f"{name}_source", None, f"{path}.source_url"),
    )


def _name(name: str, *, simulated: bool) -> str:
    return f"{name} (SIMULATED)" if simulated else name


_COMPANY = Column(
    "company", "company", get=lambda row: _name(row.company.name, simulated=row.company.simulated)
)
_SIMULATED = _hidden("simulated", None, "company.simulated")


def _reporters(row: CompanyPeriod) -> str:
    name = row.name if row.companies == 1 else f"{row.companies} reported companies"
    return _name(name, simulated=row.simulated)


def _inputs(of: str) -> Get:
    """What a figure is computed from, in words; ``of``: the row's figure."""
    return lambda row: None if (figure := getattr(row, of)) is None else inputs(figure.inputs)


def _produced_from(row: CompanyNow) -> int | None:
    return None if row.produced is None else day_start(row.produced.first)


def _bands(of: str) -> Get:
    return lambda row: None if (figure := getattr(row, of)) is None else figure.band


VIEW = View(
    "companies",
    "companies",
    "What do mining companies report, and what follows from it?",
    facts=(
        Column("price", "price of bitcoin", USD_PER_BTC),
        Column("price_day", "day of the price", DATE, definition="null where it was stated"),
        Column("hashprice", "hashprice", USD_PER_PHS_DAY, limits=INTERVAL),
        Column("difficulty_day", "day of the difficulty", DATE, "hash_day"),
        Column("network_power_cost", "power a coin of the network", USD_PER_BTC, limits=INTERVAL),
    ),
    tables={
        "now": (
            _COMPANY,
            _number("produced", "produced", BTC_PER_MONTH, "produced_a_month"),
            _hidden("produced_from", DATE, _produced_from),
            *_reported("produced", "produced", BTC, spare=None, to=5),
            _number("sold_share", "sold", FRACTION, text=None),
            Column("network_share", "of network", FRACTION, digits=1, spare=3),
            *_reported("held", "held", BTC),
            *_reported("restricted", "restricted", BTC, spare=None),
            *_reported("cash", "cash", USD, spare=None),
            _hidden("funds", USD),
            replace(_band("power_bill", "power bill", USD_PER_MONTH, _bands("bill")), hidden=True),
            _band("covered", "months of power", MONTHS, "covered"),
            _band("forced_selling", "forced selling", FRACTION, "must_sell", None),
            _hidden("power_bill_inputs", None, _inputs("bill")),
            _hidden("power_bill_own", None, lambda row: row.bill and row.bill.own),
            _band("power_cost", "power a coin", USD_PER_BTC, _bands("per_coin"), spare=2),
            _hidden("power_cost_inputs", None, _inputs("per_coin")),
            _band("power_cost_to_network", "/ network's", RATIO, "over_network", _HUNDREDTH, 4),
            _SIMULATED,
        ),
        "months": (
            Column("period", "period", get=lambda row: _span(row.first, row.last)),
            Column("company", "company", get=_reporters),
            _hidden("of", None, lambda row: row.name if row.companies > 1 else None),
            _hidden("companies", COUNT),
            _hidden("period_start", DATE, lambda row: day_start(row.first)),
            _hidden("period_end", DATE, lambda row: day_start(row.last)),
            _number("produced", "produced", BTC, text=_TENTH),
            _hidden("bought", BTC),
            _number("sold", "sold", BTC, text=_TENTH),
            _hidden("sellers", COUNT, lambda row: row.sellers or None),
            _number("sold_share", "sold / produced", FRACTION, text=None),
            _hidden("sale_proceeds", USD, "proceeds"),
            _number("sale_price", "sold at", USD_PER_BTC, "usd_per_btc", spare=4),
            _number("held", "held", BTC, text=_TENTH, spare=2),
            _hidden("held_before", BTC),
            _number("change", "change", BTC, text=_CHANGE, spare=1),
            _number("unexplained", "unexplained", BTC, text=_CHANGE),
            _hidden("rounding", BTC),
            _hidden("adds_up"),
            _hidden("power_cost", USD),
            _hidden("power_cost", USD_PER_BTC, "power_usd_per_btc"),
            Column("network_share", "of network", FRACTION, digits=1, spare=3),
            _hidden("network_with_fees", None, "with_fees"),
            _hidden("restated"),
            _hidden("known", DATE, lambda row: row.known_at - 1),
            _hidden("sources"),
            _hidden("simulated"),
        ),
        "debt": (
            _COMPANY,
            *_reported("debt", "debt, million USD", USD, text=_MILLIONS, to=3),
            *_reported("convertible", "convertible, million USD", USD, text=_MILLIONS, spare=4),
            *_reported("held", "held", BTC, to=3),
            *_reported("restricted", "restricted", BTC, spare=2),
            *_reported("cash", "cash, million USD", USD, text=_MILLIONS, spare=1),
            _hidden("treasury", USD),
            _number("debt_to_treasury", "debt / coins", RATIO, text=_HUNDREDTH),
            _number("debt_equals_treasury_at", "equal at", USD_PER_BTC, "debt_price"),
            _number("net_debt_equals_treasury_at", "net of cash", USD_PER_BTC, "debt_price_net"),
            _SIMULATED,
        ),
        "ai": (
            _COMPANY,
            *_reported("ai_contracted", "load", MEGAWATTS, "ai.contracted"),
            *_reported("ai_gross", "site", MEGAWATTS, "ai.gross", spare=4),
            *_reported("ai_energized", "energized", MEGAWATTS, "ai.energized", spare=None),
            _number("ai_over_capacity", "of capacity", FRACTION, "ai.over_capacity", None, 3),
            *_reported("ai_revenue", "million USD/year", USD_PER_YEAR, "ai.revenue", _ROUND),
            _number("ai_load", "of load", USD_PER_MWH, "ai.usd_per_mwh_load", spare=2),
            _band("ai_site", "of site", USD_PER_MWH, "ai.usd_per_mwh_site"),
            _band("mining", "mining", USD_PER_MWH, "ai.mining_usd_per_mwh"),
            _band("ai_to_mining", "AI / mining", RATIO, "ai.ratio", _TENTH, 1),
            _hidden("inputs", None, _inputs("ai")),
            _SIMULATED,
        ),
    },
    more={
        "totals": "sums of companies that reported all parts: value, limits, number of companies",
        "too_old": "companies whose figures are all too old to count, with their last day",
        "missing": "what was not known",
    },
)  # fmt: skip
TABLES = tuple(VIEW.tables)
_TITLES = {
    "now": "Companies that reported",
    "months": "Companies' coins by period",
    "debt": "Debt of companies that reported",
    "ai": "AI contracts of companies",
}
_NOTES = {
    "now": "Sold: of what was produced in the same period. Of network: of all coins that miners "
    "earned in it. Months of power: how long unrestricted coins and cash pay for power. Forced "
    "selling: part of a month's coins that pays for its power. Ranges: 95%; a figure without a "
    "range is as reported.",
    "months": "Sold / produced: of companies that reported both. Unexplained: change of the "
    "treasury less produced and bought plus sold; figures are rounded, which hides a coin or two. "
    "Of network: of all coins that miners earned in the period.",
    "debt": "Debt / coins: debt over all coins held, at the price above. Equal at: the price at "
    "which the coins are worth the debt; net of cash: worth the debt less cash. Exact, from "
    "reported figures.",
    "ai": "Revenue before power: a lease's tenant mostly pays for it on top of the rent; a cloud's "
    "host pays for it and for the machines. Load: critical IT, let round the clock. Site: power "
    "behind it. Mining: hashprice / (J/TH x PUE). Neither has building costs. Ranges: 95%.",
}
# of sums, as people read them: their unit in words, by table
_SUMS: dict[str, dict[str, tuple[str, Callable[[float], str]]]] = {
    "now": {
        "produced_btc_per_month": ("BTC a month produced", _WHOLE),
        "network_share_fraction": ("of the network's production", percent),
        "sold_share_fraction": ("of production sold", _WHOLE_PERCENT),
        "held_btc": ("BTC held", _WHOLE),
        "restricted_btc": ("BTC restricted", _WHOLE),
        "forced_selling_fraction": ("of a month's coins for power", _WHOLE_PERCENT),
    },
    "debt": {
        "held_btc": ("BTC held", _WHOLE),
        "restricted_btc": ("BTC restricted", _WHOLE),
        "debt_to_treasury_ratio": ("debt / coins", _HUNDREDTH),
    },
    "ai": {
        "ai_contracted_mw": ("MW of load let for AI", _WHOLE),
        "ai_revenue_usd_per_year": ("million USD a year for it", _ROUND),
    },
}


def companies(
    record: Record, *, show: str = "now", company: str | None = None, price: float | None = None
) -> Answer:
    """How companies that reported stand at the record's moment, or what they did by period.

    show: the main table, one of ``TABLES``. company: only this one. price: USD/BTC in place of the
    record's newest. Raises UsageError, NoCompanyReports, UnknownCompany.
    """
    VIEW.ordered(show)
    periods = company_periods(record, company)
    return answer(record, companies_now(record, company, price), periods, show)


def answer(
    record: Record, standing: CompaniesNow, periods: Sequence[CompanyPeriod], show: str = "now"
) -> Answer:
    """The answer of companies' figures. show: the main table."""
    rows: dict[str, Sequence[Any]] = {
        "now": standing.companies,
        "months": periods,
        "debt": [row for row in standing.companies if row.debt or row.held or row.cash],
        "ai": [row for row in standing.companies if row.ai is not None],
    }
    shown = {
        "now": [row for row in standing.companies if _mines(row)],
        "months": periods[-_PERIODS_SHOWN:],
    }
    tables = tuple(
        Table(key, _TITLES[key], VIEW.tables[key], rows[key], shown=shown.get(key))
        for key in VIEW.ordered(show)
    )
    return Answer(
        VIEW,
        record,
        f"{_TITLES[show]}, as known at {record.at_text}"
        f"{'' if show == 'months' else _priced(standing)}",
        tables,
        facts=VIEW.facts_of(standing, {"network_power_cost": standing.network_per_coin}),
        more={
            "totals": {name: _total(total) for name, total in standing.totals.items()},
            "too_old": [{"company": name, "last": str(last)} for name, last in standing.silent],
            "missing": list(standing.lacks),
        },
        sentences=[
            *_marks(record, tables[0]),
            *(_of_periods(periods) if show == "months" else _of_standing(standing, show)),
        ],
        notes=[_NOTES[show]],
        result=standing,
    )


def _total(total: Total) -> dict[str, object]:
    value, low, high = (None,) * 3 if total.band is None else total.band.three
    return {"value": value, "low": low, "high": high, "companies": total.companies}


def _mines(row: CompanyNow) -> bool:
    """Whether it reported anything of mining; figures of debt or AI have tables of their own."""
    return any(part is not None for part in (row.produced, row.held, row.bill))


def _marks(record: Record, table: Table) -> list[str]:
    """What simulated reports in a real record are, where the record itself is not marked."""
    column = next(column for column in table.columns if column.name == "simulated")
    simulated = any(column.cell(row, 0) for row in table.rows)
    return [f"Marked rows are {SIMULATED}"] if simulated and not record.simulated else []


def _priced(standing: CompaniesNow) -> str:
    if standing.price_usd_per_btc is None:
        return "; no price is known"
    when = "as stated" if standing.price_day is None else f"of {day(standing.price_day)}"
    return f"; bitcoin at {standing.price_usd_per_btc:,.0f} USD {when}"


def _of_standing(standing: CompaniesNow, show: str) -> list[str]:
    """What the figures of a table say, their inputs, and what is missing."""
    lines = _of_now(standing) if show == "now" else []
    if show == "ai":
        lines = [
            f"  {_COMPANY.cell(row, 0)}: {inputs(row.ai.inputs) or 'no load reported'}"
            for row in standing.companies
            if row.ai is not None
        ]
    lines.append(_sums(standing, show))
    if standing.silent:
        silent = "; ".join(f"{name} (to {_day(last)})" for name, last in standing.silent)
        lines.append(f"Too old to count: {silent}.")
    return [*lines, *_stale(standing), *(f"Missing: {what}." for what in standing.lacks)]


def _of_now(standing: CompaniesNow) -> list[str]:
    lines = []
    others = [str(_COMPANY.cell(row, 0)) for row in standing.companies if not _mines(row)]
    if others:
        lines.append(f"Other figures only (--show debt, --show ai): {', '.join(others)}.")
    lines += _sellers(standing)
    if standing.network_per_coin is not None:
        lines.append(
            f"Power a coin of the network: {_number_of(standing.network_per_coin, USD_PER_BTC)}."
        )
    bills = [row for row in standing.companies if row.bill is not None]
    if bills:
        lines.append("Inputs of the power bills:")
    lines += [f"  {_COMPANY.cell(row, 0)}: {inputs(row.bill.inputs)}" for row in bills if row.bill]
    return lines


def _number_of(band: Interval, unit: Unit) -> str:
    return with_ends(band, _WHOLE, f" {unit.symbol}")


def _sellers(standing: CompaniesNow) -> list[str]:
    """Whose power costs more than a month's coins bring, and how sure that is."""
    bands = {row.company.name: row.must_sell for row in standing.companies if row.must_sell}
    groups = {
        "P > 97.5%": [name for name, band in bands.items() if band.low > 1],
        "likely (P > 50%)": [name for name, band in bands.items() if band.value > 1 >= band.low],
        "possible": [name for name, band in bands.items() if band.high > 1 >= band.value],
    }
    parts = [f"{word}: {', '.join(names)}" for word, names in groups.items() if names]
    if not bands:
        return []
    return [f"Power costs more than production brings: {'; '.join(parts) or 'none'}."]


def _sums(standing: CompaniesNow, show: str) -> str:
    """What all that reported come to, with the number of them and the band, where there is one."""
    parts = []
    for name, (words, form) in _SUMS[show].items():
        total = standing.totals[name]
        if total.band is None:
            continue
        value, low, high = map(form, total.band.three)
        limits = "" if low == high else f"{low} to {high}; "
        parts.append(f"{value} {words} ({limits}{count(total.companies, 'company', 'companies')})")
    return f"Sums of reported companies: {', '.join(parts) or 'none reported'}."


def _stale(standing: CompaniesNow) -> list[str]:
    if standing.price_day is None:
        return []
    old = (standing.moment - standing.price_day) // DAY - 1
    if old <= _FRESH_DAYS:
        return []
    return [f"The newest price is {old} days older than what is known of companies."]


def _of_periods(periods: Sequence[CompanyPeriod]) -> list[str]:
    """Earlier periods, treasuries that do not add up, and restatements."""
    left = len(periods) - _PERIODS_SHOWN
    lines = [f"{left} earlier periods are in --csv and --json."] if left > 0 else []
    own = [row for row in periods if row.companies == 1]
    odd = [row for row in own if row.adds_up is False]
    if odd:
        lines.append("Treasuries that do not add up by more than rounding:")
    lines += [
        f"  {row.name}, {_span(row.first, row.last)}: {_CHANGE(row.unexplained)} BTC, rounding up "
        f"to {_TENTH(row.rounding)}"
        for row in odd
    ]
    restated = [f"{row.name}, {_span(row.first, row.last)}" for row in own if row.restated]
    if restated:
        lines.append(f"Restated since it was first published: {'; '.join(restated)}.")
    return lines


def _span(first: date, last: date) -> str:
    """A month, a quarter or a year as people write it."""
    days = (last - first).days + 1
    if first.day == 1 and days in (28, 29, 30, 31) and first.month == last.month:
        return f"{first:%b %Y}"
    if first.day == 1 and first.month % 3 == 1 and days in (90, 91, 92):
        return f"Q{(first.month + 2) // 3} {first.year}"
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31):
        return str(first.year)
    return period(day_start(first), day_start(last) + DAY)


def _day(when: date) -> str:
    return day(day_start(when))


# inputs in words: what a company reported, and what is assumed in place of it
_REPORTED = {
    "power_cost": "power bill {} USD",
    "produced": "{} BTC produced",
    "hashrate_average": "average hashrate {} EH/s",
    "hashrate_energized": "energized hashrate {} EH/s",
    "efficiency": "efficiency {} J/TH",
    "power_price": "power {} USD/kWh",
    "ai_gross": "site {} MW",
    "ai_contracted": "load {} MW",
}
_ASSUMED: dict[str, tuple[str, Unit, int]] = {
    "running": ("of which {} run", FRACTION, 0),
    "efficiency": ("efficiency not reported, the network's {}", J_PER_TH, 3),
    "power_price": ("power not reported, 95% of the hashrate pays {}", USD_PER_KWH, 2),
    "pue": ("PUE {}", RATIO, 3),
    "connection": ("site not reported, {} times the load", RATIO, 3),
}


def inputs(parts: Sequence[Input]) -> str:
    """What a figure is computed from: as reported, with its period, else as assumed."""
    return "; ".join(map(_input, parts))


def _input(part: Input) -> str:
    told = part.reported
    if told is None:
        words, unit, digits = _ASSUMED[part.name]
        return words.format(banded(part.band, unit, digits))
    when = _span(told.first, told.last) if told.days > 1 else _day(told.last)
    return f"{_REPORTED[part.name].format(_thousands(told))} ({when})"


def _thousands(told: Told) -> str:
    whole, point, rest = told.figure.shown(told.stored).partition(".")
    return f"{int(whole):,}{point}{rest}"
