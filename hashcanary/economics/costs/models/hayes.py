"""Hayes: the price at which the marginal coin pays for its electricity."""

from __future__ import annotations

import numpy as np

from hashcanary.economics.costs.model import Cost, CostModel, Given
from hashcanary.economics.costs.models.electricity import THS_PER_PHS, energy_kwh_per_btc


def hayes(given: Given) -> Cost:
    """USD/kWh x W per GH/s x 24 / (BTC a day), from the subsidy alone."""
    stated, earned = given.stated, given.days["hashvalue.subsidy"] / THS_PER_PHS
    energy = energy_kwh_per_btc(stated["network_efficiency"], np.ones_like(earned), earned)
    return Cost(energy * stated["hayes_power_price"])


HAYES = CostModel(
    name="hayes",
    title="Hayes",
    definition="(USD/kWh x 24 x W per GH/s x 1000/1000) / (BTC that 1000 GH/s earn in a day from "
    "the subsidy at the day's difficulty)",
    source="A. Hayes, A Cost of Production Model for Bitcoin, SSRN 2580904, 2015; back-test in "
    "arXiv 1805.07610, 2018",
    differs="his efficiencies came from lists of machines; here the network's is stated, with its "
    "band. His 0.135 USD/kWh is a world average of all users: miners pay far less",
    band="90% of the stated efficiency and of the price of power",
    rests_on="difficulty and subsidy of the day",
    inputs=("hashvalue.subsidy",),
    assumptions=("network_efficiency", "hayes_power_price"),
    compute=hayes,
)
