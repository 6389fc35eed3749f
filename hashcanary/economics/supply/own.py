"""A user's own machines, from a file, and where they stand on the network's supply curve.

power_price_usd_per_kwh = 0.052
pue = 1.04                      # optional, like all below; 1 where not given
overhead_fraction = 0.0         # other costs that end when a machine is off, over its power
pool_fee_fraction = 0.01

[[machines]]
rig = "Antminer S19j Pro"
count = 1200

[[machines]]
rig = "Antminer S21"
hashrate_ths = 40000            # in place of count
efficiency_j_per_th = 16.8      # as measured; the nameplate's where not given
power_price_usd_per_kwh = 0.048 # where it differs
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hashcanary.economics.draws import band_of
from hashcanary.economics.errors import BadFigures
from hashcanary.economics.machines.fleet import HOURS
from hashcanary.economics.machines.rigs import BEST_J_PER_TH, WORST_J_PER_TH, Catalogue, Rig
from hashcanary.economics.power.prices import CHEAPEST, DEAREST
from hashcanary.interval import Interval
from hashcanary.stated import Place, read_document

if TYPE_CHECKING:
    from hashcanary.economics.supply.curve import Supply

_DOCUMENT = ("power_price_usd_per_kwh", "pue", "overhead_fraction", "pool_fee_fraction", "machines")


@dataclass(frozen=True, slots=True)
class OwnMachines:
    """Machines of one rig on one contract.

    hashrate_ths: TH/s of all of them; efficiency_j_per_th: as measured, else of the nameplate,
    with its ends (equal where measured).
    """

    rig: Rig
    hashrate_ths: float
    efficiency_j_per_th: Interval
    usd_per_kwh: float


@dataclass(frozen=True, slots=True)
class OwnFleet:
    """A user's machines; pue, overhead, pool_fee: of the site, as fractions (pue a ratio).

    contract: these are rigs of the network as if they paid one price, not machines of one's own.
    """

    file: str
    machines: tuple[OwnMachines, ...]
    pue: float
    overhead: float
    pool_fee: float
    contract: bool = False

    def cost(self, one: OwnMachines) -> Interval:
        """Hashprice that pays for it: USD/PH/s/day, with the ends of its nameplate's band."""
        factor = HOURS * one.usd_per_kwh * self.pue * (1 + self.overhead) / (1 - self.pool_fee)
        return one.efficiency_j_per_th.scaled(factor)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where machines stand: cost, USD/PH/s/day; cheaper: the fraction of the network's machines
    that run for less; pays: whether the hashprice of the moment pays for them.
    """

    machines: OwnMachines
    cost_usd_per_phs_day: Interval
    cheaper: Interval
    pays: bool


def read_own_fleet(
    path: Path,
    catalogue: Catalogue,
    usd_per_kwh: float | None = None,
    moment: float | None = None,
) -> OwnFleet:
    """The machines of a file. usd_per_kwh: a contract in place of the file's prices; moment: Unix
    seconds by which its rigs must have been sold.

    Raises BadFigures, UnknownRig, NoRigYet.
    """
    document = read_document("hashcanary.economics.machines", "", path, BadFigures)
    document.only(*_DOCUMENT)
    price = usd_per_kwh
    if price is None and "power_price_usd_per_kwh" in document.table:
        price = document.number("power_price_usd_per_kwh", CHEAPEST, DEAREST)
    fixed = usd_per_kwh is not None
    machines = tuple(
        _machines(one, catalogue, price, moment, fixed=fixed) for one in document.parts("machines")
    )
    if not machines:
        raise document.bad("machines", "a [[machines]] or more", [])
    return OwnFleet(
        document.file,
        machines,
        document.number("pue", 1.0, 3.0, 1.0),
        document.number("overhead_fraction", 0.0, 5.0, 0.0),
        document.number("pool_fee_fraction", 0.0, 0.5, 0.0),
    )


def own_rigs(catalogue: tuple[Rig, ...], usd_per_kwh: float) -> OwnFleet:
    """One of each rig at a price of power: what a contract of one's own pays for."""
    machines = tuple(
        OwnMachines(rig, rig.hashrate_ths, rig.nameplate_j_per_th, usd_per_kwh) for rig in catalogue
    )
    return OwnFleet("own contract", machines, 1.0, 0.0, 0.0, contract=True)


def _machines(
    place: Place, catalogue: Catalogue, price: float | None, moment: float | None, *, fixed: bool
) -> OwnMachines:
    place.only("rig", "count", "hashrate_ths", "efficiency_j_per_th", "power_price_usd_per_kwh")
    rig = catalogue.rig(place.text("rig"), moment)
    if ("count" in place.table) == ("hashrate_ths" in place.table):
        raise place.bad("count", "a count or hashrate_ths, one of them", dict(place.table))
    if "count" in place.table:
        hashrate = place.number("count", 1e-3, 1e8) * rig.hashrate_ths
    else:
        hashrate = place.number("hashrate_ths", 1e-3, 1e10)
    efficiency = rig.nameplate_j_per_th
    if "efficiency_j_per_th" in place.table:
        own = place.number("efficiency_j_per_th", BEST_J_PER_TH, WORST_J_PER_TH)
        efficiency = Interval.exact(own)
    if "power_price_usd_per_kwh" in place.table:
        paid = place.number("power_price_usd_per_kwh", CHEAPEST, DEAREST)
        price = price if fixed else paid
    if price is None:
        raise place.bad("power_price_usd_per_kwh", "a price, here or for the whole file", None)
    return OwnMachines(rig, hashrate, efficiency, price)


def standing(own: OwnFleet, supply: Supply) -> tuple[Standing, ...]:
    """Where each of a user's machines stands on the network's curve."""
    now = supply.market.hashprice_usd_per_phs_day
    found = []
    for one in own.machines:
        cost = own.cost(one)
        found.append(Standing(one, cost, band_of(supply.paying(cost.value)), now >= cost.value))
    return tuple(found)
