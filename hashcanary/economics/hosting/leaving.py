"""Which sites would leave mining at which rent, in each draw of the supply curve.

A site leaves when an offer's even margin beats mining's (``hosting``, ``hosting_sites``) and it
can: its region's convertible share says how likely that is, whatever its machines and power price.
A part of the machines of sites that leave runs again elsewhere and does not count as left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.draws import Moved, band_of, moved_by
from hashcanary.economics.hosting.offers import musd_per_mw_year, terms_of, usd_per_kw_month
from hashcanary.economics.hosting.sites import Ahead, at_price, mining_of, sites_of
from hashcanary.economics.priors import parameter_units
from hashcanary.interval import Interval
from hashcanary.units import FRACTION, PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.economics.hosting.contracts import HostingAssumption
    from hashcanary.economics.hosting.offers import Terms
    from hashcanary.economics.hosting.sites import Mining, Sites
    from hashcanary.economics.supply.curve import Supply

    Floats = NDArray[np.float64]

# sites whose building is dear or whose mining is good: the last tenth
_BEST = 0.1
_MEANINGS = {
    "decline": "drift of hashprice, of its logarithm a year",
    "power_level": "power price of the network, USD/kWh",
    "network_j_per_th": "the fleet's efficiency, J/TH",
    "fees": "transaction fees, of the subsidy, fraction",
    "convertible": "part of the hashrate that stands where AI could, fraction",
}
_UNITS = {"decline": PER_YEAR, "fees": FRACTION, "convertible": FRACTION}


@dataclass(frozen=True, slots=True)
class OfferPoint:
    """A rent, and what it would take.

    rent_usd_per_mwh, rent_usd_per_kw_month, rent_musd_per_mw_year: of critical IT, million USD the
    last; margin_usd_per_mwh: the even margin of the median site, a MWh of connection; beaten:
    fraction of the hashrate for whose sites it beats mining, could they take it; leaves,
    leaves_mean: fraction of it that would leave for good; leaves_ehs: EH/s; hashprice_change:
    fraction by which the hashprice of those who stay rises, with nobody coming back.
    """

    rent_usd_per_mwh: float
    rent_usd_per_kw_month: float
    rent_musd_per_mw_year: float
    margin_usd_per_mwh: Interval
    beaten: Interval
    leaves: Interval
    leaves_mean: float
    leaves_ehs: Interval
    hashprice_change: Interval


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Rents at which hosting is worth what mining is, USD/MWh of critical IT.

    no_margin: of a site that mining leaves nothing; median: of the median machine; best: of the
    tenth of sites to which mining is worth most or building costs most. own: of the median machine
    at a user's own power price, own_usd_per_kwh; None without one.
    """

    no_margin_usd_per_mwh: Interval
    median_usd_per_mwh: Interval
    best_usd_per_mwh: Interval
    own_usd_per_mwh: Interval | None
    own_usd_per_kwh: float | None


class Leaving:
    """The draws behind a study: sites, what mining is to them, and which rent each would take.

    values: draws of the hosting file's assumptions by name, in the unit of each; convertible:
    fraction of each part of the power mix that could leave, (draws, parts).
    """

    def __init__(
        self,
        supply: Supply,
        values: dict[str, Floats],
        ahead: Ahead,
        convertible: Floats,
        seed: int,
    ) -> None:
        self._supply, self._values, self._ahead = supply, values, ahead
        self._terms: Terms = terms_of(values)
        self._sites: Sites = sites_of(supply, seed)
        self._mining = self._mines(self._sites)
        self._dearer = np.exp(values["capex_between"][:, None] * self._sites.building)
        self._rents = self._terms.rent_for(self._mining.even_usd_per_mwh, self._dearer)
        self._weight = self._sites.weight
        rows = np.arange(supply.left.size)[:, None]
        self._can = self._weight * convertible[rows, self._sites.region]
        self._gone = 1.0 - values["moved"]
        self._ehs = supply.market.hashrate_ths / 1e6

    def _mines(self, sites: Sites) -> Mining:
        return mining_of(sites, self._ahead, self._values, self._supply.parameters, self._terms)

    @property
    def could(self) -> Floats:
        """The fraction of the hashrate that would leave at any rent: (draws,)."""
        return np.asarray(self._can.sum(axis=1) * self._gone)

    def leaves(self, rent_usd_per_mwh: float) -> Floats:
        """The fraction of the hashrate that would leave at a rent: (draws,)."""
        takes = self._rents <= rent_usd_per_mwh
        return np.asarray((self._can * takes).sum(axis=1) * self._gone)

    def offer(self, rent_usd_per_mwh: float) -> OfferPoint:
        """A point of the curve."""
        leaves = self.leaves(rent_usd_per_mwh)
        beaten = (self._weight * (self._rents <= rent_usd_per_mwh)).sum(axis=1)
        return OfferPoint(
            rent_usd_per_mwh,
            usd_per_kw_month(rent_usd_per_mwh),
            musd_per_mw_year(rent_usd_per_mwh),
            band_of(self._terms.margin(rent_usd_per_mwh)),
            band_of(beaten),
            band_of(leaves),
            float(leaves.mean()),
            band_of(leaves * self._ehs),
            band_of(1.0 / (1.0 - leaves) - 1.0),
        )

    def break_even(self, power_usd_per_kwh: float | None) -> BreakEven:
        """Rents at which sites are indifferent."""
        own = None
        if power_usd_per_kwh is not None:
            mining = self._mines(at_price(self._sites, power_usd_per_kwh))
            rents = self._terms.rent_for(mining.even_usd_per_mwh, self._dearer)
            own = band_of(_quantile(rents, self._weight, 0.5))
        nothing = self._terms.rent_for(np.zeros((self._gone.size, 1)))[:, 0]
        return BreakEven(
            band_of(nothing),
            band_of(_quantile(self._rents, self._weight, 0.5)),
            band_of(_quantile(self._rents, self._weight, 1.0 - _BEST)),
            own,
            power_usd_per_kwh,
        )

    def mining_bands(self) -> tuple[Interval, Interval, Interval]:
        """Revenue, margin and even margin of the median site: bands of USD/MWh of connection."""
        one, weight = self._mining, self._weight
        parts = (one.revenue_usd_per_mwh, one.margin_usd_per_mwh, one.even_usd_per_mwh)
        revenue, margin, even = (band_of(_quantile(part, weight, 0.5)) for part in parts)
        return revenue, margin, even

    def levers(
        self, rent_usd_per_mwh: float, assumed: dict[str, HostingAssumption]
    ) -> tuple[Moved, ...]:
        """What each assumption moves of the share that would leave at a rent, USD/MWh."""
        parameters = {
            **self._supply.parameters,
            **self._values,
            "decline": self._ahead.drift,
            "fees": self._ahead.fees,
            "convertible": self._can.sum(axis=1),
        }
        # how long it takes to build moves when they leave, not how many
        meanings = {name: one.title for name, one in assumed.items() if name != "build"}
        units = {name: one.unit for name, one in assumed.items()}
        return moved_by(
            {**meanings, **_MEANINGS},
            parameters,
            self.leaves(rent_usd_per_mwh),
            {**parameter_units(), **units, **_UNITS},
            {name: one.source for name, one in assumed.items()},
        )


def _quantile(values: Floats, weight: Floats, part: float) -> Floats:
    """A quantile over sites of each draw: (draws,). weight: (draws, sites), rows sum to 1."""
    order = np.argsort(values, axis=1)
    rows = np.arange(values.shape[0])[:, None]
    total = np.cumsum(weight[rows, order], axis=1)
    at = np.minimum((total < part - 1e-12).sum(axis=1), values.shape[1] - 1)
    return np.asarray(values[rows[:, 0], order[rows[:, 0], at]])
