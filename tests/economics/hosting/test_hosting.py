"""Rents of hosting in units of power: published vectors, closed forms, cash flows one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary.economics.errors import BadFigures
from hashcanary.economics.hosting.contracts import HOURS_A_YEAR, Contract, read_hosting
from hashcanary.economics.hosting.offers import (
    Ahead,
    Terms,
    contract_figures,
    draw_assumptions,
    level_over_average,
    musd_per_mw_year,
    revenue_usd_per_mwh,
    terms_of,
    usd_per_kw_month,
    worth_of_years,
)
from hashcanary.moments import day_start

if TYPE_CHECKING:
    from pathlib import Path

_FIGURES = read_hosting()
_NOW = day_start(date(2026, 2, 2))


def _contract(host: str, what: str) -> Contract:
    (one,) = [each for each in _FIGURES.contracts if each.host == host and what in each.what]
    return one


def _rent(contract: Contract) -> float:
    """USD/MWh of what is let, every hour of a year."""
    return contract.usd_per_year / (contract.capacity_mw * HOURS_A_YEAR)


def test_mining_earns_what_the_press_printed() -> None:
    # news of late 2025: 93 USD/MWh at 17.5 J/TH and 39 USD/PH/s/day
    assert float(revenue_usd_per_mwh(39.0, 17.5)) == pytest.approx(93, abs=0.5)
    # VanEck, December 2025: an S19 XP of 21.5 J/TH breaks even at 0.077 USD/kWh at 39.5, 0.12 at 62
    assert float(revenue_usd_per_mwh(39.5, 21.5)) == pytest.approx(77, abs=0.5)
    assert float(revenue_usd_per_mwh(62.0, 21.5)) == pytest.approx(120, abs=0.5)
    # a site that draws a tenth more than its machines earns so much less a MWh
    assert float(revenue_usd_per_mwh(39.0, 17.5, 1.1)) * 1.1 == pytest.approx(92.857, abs=1e-3)


@pytest.mark.parametrize(
    ("host", "what", "usd", "megawatts", "years"),
    [
        ("TeraWulf", "200 MW", 3.7e9, 200, 10),
        ("Core Scientific", "120 MW", 2.0e9, 120, 12),
        ("Applied Digital", "250 MW", 7.0e9, 250, 15),
        ("Cipher", "168 MW", 3.0e9, 168, 10),
        ("Hut 8", "River Bend", 7.0e9, 245, 15),
        ("Riot", "25 MW", 311e6, 25, 10),
        ("IREN", "GPUs", 9.7e9, 200, 5),
    ],
)
def test_a_contracts_rent_is_its_total_over_megawatts_and_hours(
    host: str, what: str, usd: float, megawatts: float, years: float
) -> None:
    found = _rent(_contract(host, what))
    assert found == pytest.approx(usd / (megawatts * years * 365.25 * 24))


def test_hosts_own_arithmetic_is_met() -> None:
    # TeraWulf on Core42: 1.5 million USD a MW and year, 125 USD/kW-month
    core42 = _rent(_contract("TeraWulf", ", 60 MW"))
    assert usd_per_kw_month(core42) == pytest.approx(125.0)
    assert musd_per_mw_year(core42) == pytest.approx(1.5)
    # TeraWulf, 14 August 2025: 85% of it are 315 million a year
    fluidstack = _contract("TeraWulf", "200 MW")
    assert fluidstack.kept is not None
    assert fluidstack.usd_per_year * fluidstack.kept[0] == pytest.approx(315e6, rel=0.005)
    # Riot: 89.8 million for 25 MW; NOI of about 25 million a year
    riot = _contract("Riot", "25 MW")
    assert riot.capex_musd_per_mw == pytest.approx((89.8 / 25, 89.8 / 25), abs=0.01)
    assert riot.kept is not None
    assert riot.usd_per_year * riot.kept[0] == pytest.approx(25e6, rel=0.01)


def test_what_is_not_comparable_is_not_counted() -> None:
    counted = {(one.host, one.what) for one in _FIGURES.contracts if one.comparable}
    assert ("IREN", _contract("IREN", "GPUs").what) not in counted
    assert ("TeraWulf", _contract("TeraWulf", ", 60 MW").what) not in counted
    assert not any(host == "Core Scientific" for host, _ in counted)
    # of a contract that sources read two ways one reading is counted
    for host, what in (("Galaxy", "Helios"), ("Cipher", "300 MW")):
        assert sum(one[0] == host and what in one[1] for one in counted) == 1


@pytest.mark.parametrize(("rate", "years"), [(0.09, 10), (0.16, 15), (0.05, 25)])
def test_an_annuity_is_the_sum_of_its_years(rate: float, years: int) -> None:
    summed = sum((1 + rate) ** -(year + 0.5) for year in range(years))
    assert float(worth_of_years(rate, years)) == pytest.approx(summed)


@pytest.mark.parametrize(("rate", "rise", "years"), [(0.09, 0.03, 15), (0.05, 0.05, 10)])
def test_a_level_rent_is_worth_what_the_rising_one_is(rate: float, rise: float, years: int) -> None:
    rents = np.array([(1 + rise) ** year for year in range(years)])
    rents /= rents.mean()
    falls = (1 + rate) ** -np.arange(1.0, years + 1)
    level = float((rents * falls).sum() / falls.sum())
    assert float(level_over_average(rate, rise, years)) == pytest.approx(level, rel=1e-6)
    assert level < 1


def _terms(**changed: float) -> Terms:
    at = {
        "connection": 1.4, "kept": 0.85, "capex_musd_per_mw": 9.0, "years": 12.0,
        "escalator": 0.03, "rate": 0.09, "residual": 0.25, "dark_years": 1.0,
    }  # fmt: skip
    return Terms(**{name: np.array([value]) for name, value in {**at, **changed}.items()})


def test_a_margin_is_the_cash_of_its_years() -> None:
    rent, rate = 210.0, 0.09
    # a MW of critical IT: build now, earn from the second year on for twelve, sell what is left
    first = rent * HOURS_A_YEAR * 12 / sum(1.03**year for year in range(12))
    cash = -9e6 + 0.25 * 9e6 / (1 + rate) ** 13
    cash += sum(0.85 * first * 1.03**year / (1 + rate) ** (1 + year + 0.5) for year in range(12))
    # even over thirteen years and 1.4 MW of connection
    hours = sum((1 + rate) ** -(year + 0.5) for year in range(13)) * HOURS_A_YEAR
    assert _terms().margin(rent) == pytest.approx([cash / 1.4 / hours])


def test_the_rent_for_a_margin_is_its_inverse() -> None:
    terms = _terms()
    margin = terms.margin(187.0)
    assert terms.rent_for(margin[:, None])[0, 0] == pytest.approx(187.0)
    # a building that costs twice as much needs so much more rent
    dear = _terms(capex_musd_per_mw=18.0)
    assert terms.rent_for(margin[:, None], 2.0) == pytest.approx(dear.rent_for(margin[:, None]))


def test_a_tenant_who_builds_leaves_the_rent_and_nothing_to_pay_off() -> None:
    values = _values()
    (found,) = contract_figures((_contract("Core Scientific", "120 MW"),), values, 1)
    free = replace(terms_of(values), capex_musd_per_mw=np.zeros(4), years=np.full(4, 12.0))
    free = replace(free, connection=np.full(4, 171 / 120))
    ends = np.sort(free.margin(found.rent_usd_per_mwh.value))
    assert ends[0] <= found.margin_usd_per_mwh.value <= ends[-1]
    assert "capex" in found.stated
    assert found.at_meter_usd_per_mwh.value == pytest.approx(
        found.rent_usd_per_mwh.value * 120 / 171
    )


def test_a_capacity_of_the_grid_is_less_of_critical_it() -> None:
    (found,) = contract_figures((_contract("Cipher", "grid"),), _values(), 1)
    # 300 MW of connection over 1.1 or more
    assert found.critical_it_mw.high < 300 / 1.1
    # a MWh of the connection earns the same, whatever the ratio
    assert found.at_meter_usd_per_mwh.low == pytest.approx(found.at_meter_usd_per_mwh.high)
    assert found.at_meter_usd_per_mwh.value == pytest.approx(5.5e9 / (300 * 15 * HOURS_A_YEAR))


def _values() -> dict[str, np.ndarray]:
    return draw_assumptions(_FIGURES.assumed_at(_NOW)[0], 4, 1)


def test_hashprice_halves_when_due_and_again_four_years_on() -> None:
    ahead = Ahead(np.array([40.0]), np.array([0.0]), np.array([0.0]), 2.0)
    assert [float(ahead.at(year)[0]) for year in (0.5, 1.9, 2.1, 5.9, 6.2)] == [40, 40, 20, 20, 10]
    # fees do not halve: 40 of which a fifth of the subsidy are fees
    fees = replace(ahead, fees=np.array([0.2]))
    assert float(fees.at(3.0)[0]) == pytest.approx(40 / 1.2 * (0.5 + 0.2))
    falls = replace(ahead, drift=np.array([-0.5]), to_halving_years=None)
    assert float(falls.at(4.0)[0]) == pytest.approx(40 * np.exp(-2.0))


def test_only_what_was_known_by_then_is_assumed() -> None:
    before, late = _FIGURES.assumed_at(day_start(date(2025, 1, 1)))
    now, _ = _FIGURES.assumed_at(_NOW)
    assert before["capex"].median < now["capex"].median
    assert late
    assert all(one.published < _NOW for one in _FIGURES.contracts_by(_NOW))
    # the first contract was published on 3 June 2024: known when that day is over
    assert not _FIGURES.contracts_by(day_start(date(2024, 6, 4)) - 1)
    assert len(_FIGURES.contracts_by(day_start(date(2024, 6, 4)))) == 1


_GOOD = """
[[contract]]
host = "A"
tenant = "B"
what = "ours"
published = 2025-01-01
kind = "colocation"
capacity = 0.1
capacity_unit = "GW"
capacity_of = "critical IT"
revenue = 175.32
revenue_unit = "million USD"
revenue_over = "year"
years = 10
power = "tenant"
pays = "reserved"
capex_by = "host"
source = "ours"
"""


def test_a_users_contracts_take_the_place_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(_GOOD)
    found = read_hosting(path)
    # 175.32 million USD / (100 MW x 8766 h) = 200 USD/MWh
    assert [_rent(one) for one in found.contracts] == pytest.approx([200.0])
    assert found.assumptions == _FIGURES.assumptions
    assert found.decline == _FIGURES.decline


def test_a_users_assumption_takes_the_place_of_every_entry_of_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[assumption]]\nname = "capex"\ntitle = "ours"\nunit = "million USD/MW"\nmedian = 12.0\n'
        'spread = 0.0\nknown = 2024-01-01\njudged = false\nsource = "ours"\n'
        '[decline]\nreach_years = 8\nper_year = -0.3\nspread = 0.1\nhighest = 0.0\nsource = "us"\n'
    )
    found = read_hosting(path)
    assert found.assumed_at(_NOW)[0]["capex"].median == 12.0
    assert found.decline.per_year == -0.3
    assert found.contracts == _FIGURES.contracts


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"GW"', '"horsepower"', "capacity_unit: expected one of kW, MW, GW"),
        ('"million USD"', '"million EUR"', "revenue_unit: expected one of USD, million USD"),
        ("capacity = 0.1", "capacity = -5", "capacity: expected a number from"),
        ("capacity = 0.1", 'capacity = "many"', "capacity: expected a number from"),
        ("revenue = 175.32", "revenue = 0", "revenue: expected a number from"),
        ("years = 10", "years = 0", "years: expected a number from"),
        ("published = 2025-01-01", 'published = "soon"', "published: expected a date"),
        ("published = 2025-01-01\n", "", "published: expected a date"),
        ('kind = "colocation"', 'kind = "cloud"', "kind: expected one of colocation, gpu-cloud"),
        ('kind = "colocation"', 'kind = "gpu-cloud"', "capex: expected what the host's computers"),
        (
            "years = 10",
            "years = 10\ncapex = [9, 8]",
            "capex: expected the lowest, then the highest",
        ),
        ("years = 10", "years = 10\nkept = [0.9, 1.2]", "kept: expected a number from 0 to 1"),
        (
            "years = 10",
            "years = 10\nconnection = 0.05",
            "connection: expected no less than the 100",
        ),
        ("years = 10", "years = 10\nyaers = 3", "yaers: expected one of"),
        ('source = "ours"', "", "source: expected a text"),
    ],
)
def test_a_contract_that_cannot_be_is_refused_and_named(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    assert old in _GOOD
    path = tmp_path / "mine.toml"
    path.write_text(_GOOD.replace(old, new))
    with pytest.raises(BadFigures) as refused:
        read_hosting(path)
    assert f"{path}, contract 1.{said}" in str(refused.value)


def test_an_assumption_nobody_asks_for_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[assumption]]\nname = "kapex"\ntitle = "ours"\nunit = "ratio"\nmedian = 1.0\n'
        'spread = 0.0\nknown = 2024-01-01\njudged = false\nsource = "ours"\n'
    )
    with pytest.raises(BadFigures, match=r"assumption 1.name: expected one of connection"):
        read_hosting(path)


def test_every_entry_has_a_source_and_a_day() -> None:
    for one in (*_FIGURES.assumptions, *_FIGURES.convertible, *_FIGURES.published):
        assert one.source
        assert one.known > 0
    judged = [one for one in (*_FIGURES.assumptions, *_FIGURES.convertible) if one.judged]
    assert all("judgement" in one.source or "memory" in one.source for one in judged)
