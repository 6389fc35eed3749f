"""First principles: the power that a coin takes, at what miners pay for it."""

from __future__ import annotations

from hashcanary.arrays import Floats
from hashcanary.economics.costs.model import Cost, CostModel, Given

# TH/s of a PH/s
THS_PER_PHS = 1000.0
_KWH_PER_WATT_DAY = 24 / 1000


def energy_kwh_per_btc(j_per_th: Floats, power_overhead: Floats, btc_per_ths_day: Floats) -> Floats:
    """Energy of a coin, kWh: J/TH x 24/1000 x overhead / (BTC that a TH/s earns in a day).

    power_overhead: power of the site over that of the machines, a ratio.
    """
    return j_per_th * power_overhead * _KWH_PER_WATT_DAY / btc_per_ths_day


def electricity_usd_per_btc(given: Given) -> Floats:
    """USD of power a coin, fees counted as coins."""
    stated = given.stated
    energy = energy_kwh_per_btc(
        stated["network_efficiency"],
        stated["power_overhead"],
        given.days["hashvalue"] / THS_PER_PHS,
    )
    return energy * stated["network_power_price"]


def electricity(given: Given) -> Cost:
    """Power alone, USD a coin."""
    return Cost(electricity_usd_per_btc(given))


ELECTRICITY = CostModel(
    name="electricity",
    title="Electricity",
    definition="J/TH of the network x 24/1000 x power of cooling and losses x USD/kWh / (BTC that "
    "a TH/s earns in a day, subsidy and fees, at the day's difficulty)",
    source="first principles",
    differs="nothing: efficiency and price of power are stated with their bands, not measured",
    band="90% of the stated efficiency, overhead and price of power",
    rests_on="difficulty, subsidy and fees of the day",
    inputs=("hashvalue",),
    assumptions=("network_efficiency", "power_overhead", "network_power_price"),
    compute=electricity,
)
