"""A user's own machines."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from hashcanary.economics.errors import BadFigures, NoRigYet, UnknownRig
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.supply.own import own_rigs, read_own_fleet
from hashcanary.moments import day_start

if TYPE_CHECKING:
    from pathlib import Path

_FILE = """
power_price_usd_per_kwh = 0.05
pue = 1.1
pool_fee_fraction = 0.02
[[machines]]
rig = "Antminer S19j Pro"
count = 10
[[machines]]
rig = "S21"
hashrate_ths = 4000
efficiency_j_per_th = 18
power_price_usd_per_kwh = 0.04
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(_FILE)
    return path


def test_machines_are_read_and_cost_what_their_power_costs(file: Path) -> None:
    own = read_own_fleet(file, read_rigs())
    first, second = own.machines
    # nameplate of the S19j Pro: 100 TH/s, 3050 W
    assert first.hashrate_ths == 1000
    assert first.efficiency_j_per_th.value == pytest.approx(30.5)
    # 1 PH/s of 18 J/TH draws 18 kW for 24 hours, the site a tenth more; the pool leaves 98%
    assert own.cost(second).value == pytest.approx(18 * 24 * 0.04 * 1.1 / 0.98)
    assert own.cost(second).low == own.cost(second).high
    assert own.cost(first).low < own.cost(first).value < own.cost(first).high


def test_a_contract_takes_the_place_of_every_price_of_the_file(file: Path) -> None:
    own = read_own_fleet(file, read_rigs(), 0.07)
    assert {one.usd_per_kwh for one in own.machines} == {0.07}


def test_a_contract_alone_pays_for_machines_up_to_an_efficiency() -> None:
    own = own_rigs(read_rigs().rigs, 0.06)
    for one in own.machines:
        # break-even power price of hashprice 39.5 at 21.5 J/TH is 0.0766 USD/kWh (VanEck)
        assert (own.cost(one).value <= 39.5) == (39.5 / (24 * one.rig.efficiency_j_per_th) >= 0.06)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("= 0.05", "= -0.05", "power_price_usd_per_kwh"),
        ("= 0.05", '= "0.05"', "power_price_usd_per_kwh"),
        ("= 0.05", '= "0.05 EUR"', "power_price_usd_per_kwh"),
        ("power_price_usd_per_kwh = 0.05\n", "", "machines 1.power_price_usd_per_kwh"),
        ("count = 10", "count = -1", "machines 1.count"),
        ("count = 10", "count = 10\nhashrate_ths = 5", "machines 1.count"),
        ("efficiency_j_per_th = 18", "efficiency_j_per_th = 0.1", "machines 2.efficiency"),
        ("pue = 1.1", "pue = 0.5", "pue"),
        ("pue = 1.1", "peu = 1.1", "peu"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(file: Path, old: str, new: str, place: str) -> None:
    file.write_text(_FILE.replace(old, new, 1))
    with pytest.raises(BadFigures) as error:
        read_own_fleet(file, read_rigs())
    assert place in str(error.value)


def test_a_rig_not_sold_yet_is_refused(file: Path) -> None:
    with pytest.raises(NoRigYet, match="S21"):
        read_own_fleet(file, read_rigs(), moment=day_start(date(2022, 1, 1)))


def test_a_rig_that_nobody_sells_is_named(file: Path) -> None:
    file.write_text(_FILE.replace("S21", "S99"))
    with pytest.raises(UnknownRig, match="S99"):
        read_own_fleet(file, read_rigs())
