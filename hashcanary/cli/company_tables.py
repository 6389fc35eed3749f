"""The tables of ``hashcanary companies``: now, by month, debt, AI contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.cli.output import Column, Table
from hashcanary.moments import iso_day
from hashcanary.views.text import SIMULATED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from fractions import Fraction

    from hashcanary.cli.output import Row
    from hashcanary.economics.companies.company import CompanyNow
    from hashcanary.economics.companies.periods import CompanyPeriod
    from hashcanary.economics.companies.reports import Told
    from hashcanary.economics.companies.standing import CompaniesNow
    from hashcanary.interval import Interval
    from hashcanary.store.record import Record

# of the periods, the last ones that people see
_PERIODS_SHOWN = 40
# what puts a company among those that mine now
_OF_MINING = ("produced_btc_per_month", "held_btc", "power_bill_usd_per_month")
# days by which a price may be older than the moment before it is said
_FRESH_DAYS = 3


def _told(name: str, told: Told | None) -> Row:
    """A figure in the unit of its head, the end of its period, and where it was published."""
    if told is None:
        return dict.fromkeys((name, f"{name}_to", f"{name}_known", f"{name}_source"))
    return {
        name: float(told.amount),
        f"{name}_to": str(told.last),
        f"{name}_known": iso_day(told.known_at - 1),
        f"{name}_source": told.source_url,
    }


def _band(name: str, unit: str, band: Interval | None) -> Row:
    keys = [f"{name}{end}_{unit}" for end in ("", "_low", "_high")]
    return dict(zip(keys, (None,) * 3 if band is None else band.three, strict=True))


def _float(value: Fraction | float | None) -> float | None:
    return None if value is None else float(value)


def now_row(one: CompanyNow) -> Row:
    """Everything that follows of one company, units in the keys."""
    produced, bill, coin = one.produced, one.bill, one.per_coin
    return {
        "company": _name(one.company.name, simulated=one.company.simulated),
        "produced_btc_per_month": _float(one.produced_a_month),
        "produced_from": None if produced is None else str(produced.first),
        **_told("produced_btc", produced),
        "sold_share_fraction": _float(one.sold_share),
        "network_share_fraction": one.network_share,
        **_told("held_btc", one.held),
        **_told("restricted_btc", one.restricted),
        **_told("cash_usd", one.cash),
        "funds_usd": one.funds_usd,
        **_band("power_bill", "usd_per_month", None if bill is None else bill.band),
        **_band("covered", "months", one.covered),
        **_band("must_sell", "fraction", one.must_sell),
        "power_rests_on": None if bill is None else bill.rests_on,
        "power_all_own": None if bill is None else bill.own,
        **_band("power_per_coin", "usd_per_btc", None if coin is None else coin.band),
        "power_per_coin_rests_on": None if coin is None else coin.rests_on,
        **_band("power_to_network", "ratio", one.over_network),
        "simulated": one.company.simulated,
    }


def debt_row(one: CompanyNow) -> Row:
    """Debt against treasury."""
    return {
        "company": _name(one.company.name, simulated=one.company.simulated),
        **_told("debt_usd", one.debt),
        **_told("convertible_usd", one.convertible),
        **_told("held_btc", one.held),
        **_told("restricted_btc", one.restricted),
        **_told("cash_usd", one.cash),
        "treasury_usd": one.treasury_usd,
        "debt_to_treasury_ratio": one.debt_to_treasury,
        "debt_is_treasury_at_usd_per_btc": _float(one.debt_price),
        "debt_less_cash_is_treasury_at_usd_per_btc": _float(one.debt_price_net),
        "simulated": one.company.simulated,
    }


def ai_row(one: CompanyNow) -> Row:
    """AI contracts against mining."""
    ai = one.ai
    assert ai is not None
    return {
        "company": _name(one.company.name, simulated=one.company.simulated),
        **_told("ai_contracted_mw", ai.contracted),
        **_told("ai_gross_mw", ai.gross),
        **_told("ai_energized_mw", ai.energized),
        "ai_over_capacity_fraction": ai.over_capacity,
        **_told("ai_revenue_usd_per_year", ai.revenue),
        "ai_load_usd_per_mwh": ai.usd_per_mwh_load,
        **_band("ai_site", "usd_per_mwh", ai.usd_per_mwh_site),
        **_band("mining", "usd_per_mwh", ai.mining_usd_per_mwh),
        **_band("ai_to_mining", "ratio", ai.ratio),
        "rests_on": ai.rests_on,
        "simulated": one.company.simulated,
    }


def period_row(one: CompanyPeriod) -> Row:
    """What was done in a period, and whether the treasury adds up."""
    several = one.companies > 1
    name = f"{one.companies} reported companies" if several else one.name
    return {
        "company": _name(name, simulated=one.simulated),
        "of": one.name if several else None,
        "companies": one.companies,
        "period_start": str(one.first),
        "period_end": str(one.last),
        "period": _span(one),
        "produced_btc": _float(one.produced),
        "bought_btc": _float(one.bought),
        "sold_btc": _float(one.sold),
        "sellers": one.sellers or None,
        "sold_share_fraction": _float(one.sold_share),
        "sale_proceeds_usd": _float(one.proceeds),
        "sale_usd_per_btc": _float(one.usd_per_btc),
        "held_btc": _float(one.held),
        "held_before_btc": _float(one.held_before),
        "change_btc": _float(one.change),
        "unexplained_btc": _float(one.unexplained),
        "rounding_btc": _float(one.rounding),
        "adds_up": one.adds_up,
        "power_cost_usd": _float(one.power_cost),
        "power_usd_per_btc": _float(one.power_usd_per_btc),
        "network_share_fraction": one.network_share,
        "network_with_fees": one.with_fees,
        "restated": one.restated,
        "known": iso_day(one.known_at - 1),
        "sources": list(one.sources),
        "simulated": one.simulated,
    }


def _name(name: str, *, simulated: bool) -> str:
    return f"{name} (SIMULATED)" if simulated else name


def _span(one: CompanyPeriod) -> str:
    """A month or a quarter as people write it."""
    first, last = one.first, one.last
    days = (last - first).days + 1
    if first.day == 1 and days in (28, 29, 30, 31) and first.month == last.month:
        return f"{first:%Y-%m}"
    if first.day == 1 and first.month % 3 == 1 and days in (90, 91, 92):
        return f"{first.year}-Q{(first.month + 2) // 3}"
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31):
        return str(first.year)
    return f"{first} to {last}"


def _as(form: str, scale: float = 1.0) -> Callable[[object], str]:
    return lambda value: format(float(str(value)) * scale, form)


def _banded(row: Row, name: str, unit: str, form: str) -> str | None:
    keys = [f"{name}{end}_{unit}" for end in ("", "_low", "_high")]
    if row[keys[0]] is None:
        return None
    value, low, high = (format(float(str(row[key])), form) for key in keys)
    return value if low == high else f"{value} ({low} to {high})"


def _for_people(rows: Iterable[Row], bands: Sequence[tuple[str, str, str]]) -> list[Row]:
    return [
        {**row, **{f"{name}_{unit}": _banded(row, name, unit, form) for name, unit, form in bands}}
        for row in rows
    ]


def now_table(record: Record, found: CompaniesNow) -> Table:
    """Production, treasury and power of each company as it stands."""
    rows = [now_row(one) for one in found.companies]
    columns = [
        Column("company", "company"),
        Column("produced_btc_to", "to", spare=5),
        Column("produced_btc_per_month", "BTC/month", people=_as(",.0f")),
        Column("sold_share_fraction", "sold", people=_as(".0%")),
        Column("network_share_fraction", "network", people=_as(".1%"), spare=3),
        Column("held_btc", "BTC held", people=_as(",.0f")),
        Column("covered_months", "months of power"),
        Column("must_sell_fraction", "must sell"),
        Column("power_per_coin_usd_per_btc", "power, USD/BTC", spare=2),
        Column("power_to_network_ratio", "to network's", spare=4),
    ]
    bands = (
        ("covered", "months", ",.0f"),
        ("must_sell", "fraction", ".0%"),
        ("power_per_coin", "usd_per_btc", ",.0f"),
        ("power_to_network", "ratio", ".2f"),
    )
    notes = [
        "sold: of what was produced in the same period. network: of all coins that miners earned "
        "in it. months of power: what coins that are not restricted and cash, as far as told, "
        "would pay. must sell: part of a month's coins that pays the power; above 100% more is "
        "sold than mined. Ranges: 95%; without one all is as told.",
        *(
            f"  {row['company']}: {row['power_rests_on']}"
            for row in rows
            if row["power_rests_on"] is not None
        ),
        *_sellers(found),
        _sums(
            found,
            *("produced_btc_per_month", "network_share_fraction", "sold_share_fraction"),
            *("held_btc", "restricted_btc", "must_sell_fraction"),
        ),
    ]
    if found.network_per_coin is not None:
        value, low, high = (f"{one:,.0f}" for one in found.network_per_coin.three)
        notes.append(f"Power a coin of the network: {value} ({low} to {high}) USD/BTC.")
    mining = [row for row in rows if any(row[key] is not None for key in _OF_MINING)]
    others = [str(row["company"]) for row in rows if row not in mining]
    if others:
        notes.append(f"Other figures only (--show debt, --show ai): {', '.join(others)}.")
    people = _for_people(mining, bands)
    return _table(record, found, "Companies that reported", columns, rows, notes, people)


def debt_table(record: Record, found: CompaniesNow) -> Table:
    """Debt over treasury, and the price of bitcoin at which they are equal."""
    rows = [debt_row(one) for one in found.companies if one.debt or one.held or one.cash]
    million = _as(",.1f", 1e-6)
    columns = [
        Column("company", "company"),
        Column("debt_usd", "debt, M USD", people=million),
        Column("debt_usd_to", "of", spare=3),
        Column("convertible_usd", "convertible", people=million, optional=True, spare=4),
        Column("held_btc", "BTC held", people=_as(",.0f")),
        Column("held_btc_to", "of", spare=3),
        Column("restricted_btc", "restricted", people=_as(",.0f"), spare=2),
        Column("cash_usd", "cash, M USD", people=million, spare=1),
        Column("debt_to_treasury_ratio", "debt/coins", people=_as(".2f")),
        Column("debt_is_treasury_at_usd_per_btc", "equal at USD", people=_as(",.0f")),
        Column("debt_less_cash_is_treasury_at_usd_per_btc", "less cash", people=_as(",.0f")),
    ]
    notes = [
        "debt/coins: debt over all coins held, at the price above. equal at: the price of bitcoin "
        "at which they are worth the debt; below it debt exceeds them. less cash: the same of the "
        "debt less cash. Exact from what was told: no band; - where a part was not told.",
        _sums(found, "held_btc", "restricted_btc", "debt_to_treasury_ratio"),
    ]
    return _table(record, found, "Debt of companies that reported", columns, rows, notes, rows)


def ai_table(record: Record, found: CompaniesNow) -> Table:
    """AI contracts and mining, in USD a megawatt hour of the site, on one line."""
    rows = [ai_row(one) for one in found.companies if one.ai is not None]
    columns = [
        Column("company", "company"),
        Column("ai_contracted_mw", "load, MW", people=_as(",.0f")),
        Column("ai_gross_mw", "site, MW", people=_as(",.0f"), spare=4),
        Column("ai_over_capacity_fraction", "of capacity", people=_as(".0%"), spare=3),
        Column("ai_revenue_usd_per_year", "M USD/year", people=_as(",.0f", 1e-6)),
        Column("ai_load_usd_per_mwh", "USD/MWh of load", people=_as(",.0f"), spare=2),
        Column("ai_site_usd_per_mwh", "USD/MWh of site"),
        Column("mining_usd_per_mwh", "mining"),
        Column("ai_to_mining_ratio", "AI/mining", spare=1),
    ]
    bands = (
        ("ai_site", "usd_per_mwh", ",.0f"),
        ("mining", "usd_per_mwh", ",.0f"),
        ("ai_to_mining", "ratio", ".1f"),
    )
    notes = [
        "Revenue before any power: a lease's tenant mostly pays it on top of the rent, a cloud's "
        "host pays it and the machines. load: critical IT, let round the clock. site: power behind "
        "it. mining: hashprice over J/TH and PUE. Building costs are in neither. Ranges: 95%.",
        *(f"  {row['company']}: {row['rests_on']}" for row in rows),
        _sums(found, "ai_contracted_mw", "ai_revenue_usd_per_year"),
    ]
    people = _for_people(rows, bands)
    return _table(record, found, "AI contracts of companies", columns, rows, notes, people)


def periods_table(record: Record, periods: Sequence[CompanyPeriod]) -> Table:
    """Production, sales and treasury by period, sums of those that reported the same one."""
    rows = [period_row(one) for one in periods]
    columns = [
        Column("period", "period"),
        Column("company", "company"),
        Column("produced_btc", "produced", people=_as(",.1f")),
        Column("sold_btc", "sold", people=_as(",.1f")),
        Column("sold_share_fraction", "share", people=_as(".0%")),
        Column("sale_usd_per_btc", "USD/BTC", people=_as(",.0f"), spare=4),
        Column("held_btc", "held", people=_as(",.1f"), spare=2),
        Column("change_btc", "change", people=_as("+,.1f"), spare=1),
        Column("unexplained_btc", "unexplained", people=_as("+,.1f")),
        Column("network_share_fraction", "network", people=_as(".1%"), spare=3),
    ]
    seen = {column.key for column in columns}
    every = rows[0] if rows else {}
    columns += [Column(key, key, data_only=True) for key in every if key not in seen]
    left = len(rows) - _PERIODS_SHOWN
    odd = [one for one in periods if one.adds_up is False and one.companies == 1]
    notes = [
        "share: sold over produced, of those that told both. unexplained: by how much the change "
        "of the treasury misses produced + bought - sold; digits printed hide a coin or two. "
        "network: of all coins that miners earned in the period.",
        *(f"{left} earlier periods are in --csv and --json." for _ in range(left > 0)),
        *(
            f"  {one.name}, {_span(one)}: {float(one.unexplained or 0):+,.1f} BTC that rounding "
            f"(up to {float(one.rounding or 0):.1f}) does not explain"
            for one in odd
        ),
    ]
    again = [f"{one.name}, {_span(one)}" for one in periods if one.restated and one.companies == 1]
    notes += [f"Restated since it was first published: {'; '.join(again)}." for _ in again[:1]]
    head = _head(record)
    title = f"Companies' coins by period, as known at {record.at_text}"
    notes = [*_marks(record, any(one.simulated for one in periods)), *notes]
    shown = rows[-_PERIODS_SHOWN:]
    return Table(columns, rows, title=title, notes=notes, document=head, people_rows=shown)


def _head(record: Record) -> dict[str, object]:
    return {
        "at": record.at_text,
        "network": record.network.name,
        "simulated": record.simulated,
        "provenance": record.provenance,
    }


def _marks(record: Record, some: bool) -> list[str]:
    if record.simulated:
        return [SIMULATED]
    return [f"Marked rows are {SIMULATED}"] if some else []


def _table(
    record: Record,
    found: CompaniesNow,
    title: str,
    columns: list[Column],
    rows: list[Row],
    notes: list[str],
    people: list[Row],
) -> Table:
    """A table of what stands now: all keys in CSV and JSON, those of ``columns`` for people."""
    seen = {column.key for column in columns}
    every = rows[0] if rows else {}
    columns += [Column(key, key, data_only=True) for key in every if key not in seen]
    some = any(one.company.simulated for one in found.companies)
    silent = "; ".join(f"{name} (to {day})" for name, day in found.silent)
    notes = [
        *_marks(record, some),
        *notes,
        *(f"Too old to count: {silent}." for _ in range(bool(silent))),
        *_stale(found),
        *(f"Not known: {one}" for one in found.lacks),
    ]
    return Table(
        columns,
        rows,
        title=f"{title}, as known at {record.at_text}{_priced(found)}",
        notes=notes,
        document={**_head(record), **_document(found)},
        people_rows=people,
    )


def _document(found: CompaniesNow) -> dict[str, object]:
    def day(seconds: int | None) -> str | None:
        return None if seconds is None else iso_day(seconds)

    return {
        "price_usd_per_btc": found.price_usd_per_btc,
        "price_day": day(found.price_day),
        **_band("hashprice", "usd_per_phs_day", found.hashprice_usd_per_phs_day),
        "difficulty_day": day(found.hash_day),
        **_band("network_power_per_coin", "usd_per_btc", found.network_per_coin),
        "totals": {
            name: {"value": total.band and total.band.value, "low": total.band and total.band.low}
            | {"high": total.band and total.band.high, "companies": total.companies}
            for name, total in found.totals.items()
        },
        "too_old": [{"company": name, "last": str(last)} for name, last in found.silent],
        "lacks": list(found.lacks),
    }


def _priced(found: CompaniesNow) -> str:
    if found.price_usd_per_btc is None:
        return "; no price is known"
    when = "as stated" if found.price_day is None else f"of {iso_day(found.price_day)}"
    return f"; bitcoin at {found.price_usd_per_btc:,.0f} USD {when}"


def _stale(found: CompaniesNow) -> list[str]:
    if found.price_day is None:
        return []
    old = (found.moment - found.price_day) // 86_400 - 1
    if old <= _FRESH_DAYS:
        return []
    return [f"The newest price is {old} days older than what is known of companies."]


_SUMS = {
    "produced_btc_per_month": "{:,.0f} BTC a month",
    "network_share_fraction": "{:.1%} of the network's production",
    "sold_share_fraction": "{:.0%} of it sold",
    "held_btc": "{:,.0f} BTC held",
    "restricted_btc": "{:,.0f} BTC restricted",
    "must_sell_fraction": "{:.0%} of a month's coins for power",
    "debt_to_treasury_ratio": "{:.2f} times the coins in debt",
    "ai_contracted_mw": "{:,.0f} MW of load let for AI",
    "ai_revenue_usd_per_year": "{:,.0f} M USD a year for it",
}


def _sums(found: CompaniesNow, *names: str) -> str:
    """What all that told come to, with the number of them and the band, where there is one."""
    said = []
    for name in names:
        total = found.totals[name]
        if total.band is None:
            continue
        scale = 1e-6 if "usd_per_year" in name else 1.0
        value, low, high = (_SUMS[name].format(one * scale) for one in total.band.three)
        ends = [one.split(" ")[0] for one in (low, high)]
        band = "" if low == high else f", {ends[0]} to {ends[1]}"
        said.append(f"{value} ({total.companies}{band})")
    return f"Reported companies only, in brackets how many: {'; '.join(said) or 'none told'}."


def _sellers(found: CompaniesNow) -> list[str]:
    """Who pays more for power than a month's coins bring."""
    bands = {one.company.name: one.must_sell for one in found.companies if one.must_sell}
    surely = [name for name, band in bands.items() if band.low > 1]
    likely = [name for name, band in bands.items() if band.value > 1 >= band.low]
    maybe = [name for name, band in bands.items() if band.high > 1 >= band.value]
    said = [
        f"{word}: {', '.join(names)}"
        for word, names in (("surely", surely), ("rather yes", likely), ("perhaps", maybe))
        if names
    ]
    if not bands:
        return []
    return [f"Must sell more than they mine, for power alone: {'; '.join(said) or 'none'}."]
