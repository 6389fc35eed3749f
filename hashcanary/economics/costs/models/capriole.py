"""Capriole: the cost of production as electricity over its share of all costs."""

from __future__ import annotations

from hashcanary.economics.costs.model import Cost, CostModel, Given
from hashcanary.economics.costs.models.cambridge import daily_energy_kwh, rolled

_DAYS = 7


def capriole(given: Given) -> Cost:
    """Cambridge's energy x USD/kWh / new coins / share of electricity, USD a new coin."""
    _, energy, _ = daily_energy_kwh(given)
    electrical = energy * given.stated["cambridge_power_price"]
    issued = rolled(given.days["issuance.btc"], _DAYS)
    return Cost(electrical / issued / given.stated["electricity_share"])


CAPRIOLE = CostModel(
    name="capriole",
    title="Capriole's ratio",
    definition="(Cambridge's best guess of energy a day x USD/kWh / coins issued a day) / 0.8, the "
    "share of electricity in the cost of production",
    source="C. Edwards, Capriole: Bitcoin Production Cost; its ratio from its published pairs of "
    "electrical and production cost, 2024 and 2026",
    differs="Capriole takes energy from Cambridge's live site; here from its older method on "
    "the catalogue of rigs here. Capriole's own figures stand beside, as published",
    band="90% of the share of electricity and of the price of power; the share was 0.6 in older "
    "versions",
    rests_on="rigs on sale, hashrate, revenue, price",
    inputs=("hashrate.day", "revenue.usd", "issuance.btc"),
    assumptions=("cambridge_power_price", "electricity_share"),
    compute=capriole,
    missing="no rig of the catalogue was out, or less than 20 days are known before it",
)
