"""First principles with overheads: pool, site, administration and the wear of machines."""

from __future__ import annotations

from hashcanary.economics.costs.model import Cost, CostModel, Given
from hashcanary.economics.costs.models.electricity import electricity_usd_per_btc


def all_in(given: Given) -> Cost:
    """Power and stated overheads, USD a coin that the pool pays out."""
    stated = given.stated
    over = 1 + stated["running"] + stated["administration"] + stated["machines"]
    return Cost(electricity_usd_per_btc(given) * over / (1 - stated["pool_fee"]))


ALL_IN = CostModel(
    name="all-in",
    title="All-in",
    definition="electricity x (1 + running + administration + machines) / (1 - pool fee), each "
    "overhead a stated fraction of the cost of power",
    source="first principles; companies' reports as CoinShares sums them up",
    differs="companies' all-in figures hold stock options and what was paid for machines long ago, "
    "and are of companies, not of the network. A machine once bought runs while it pays its "
    "power: this is no shutdown price",
    band="90% of the stated efficiency, price of power and overheads",
    rests_on="difficulty, subsidy and fees of the day",
    inputs=("hashvalue",),
    assumptions=(
        "network_efficiency",
        "power_overhead",
        "network_power_price",
        "pool_fee",
        "running",
        "administration",
        "machines",
    ),
    compute=all_in,
)
