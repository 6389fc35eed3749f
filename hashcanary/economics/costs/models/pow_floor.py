"""The PoW floor: what difficulty per issued coin alone would suggest."""

from __future__ import annotations

from hashcanary.economics.costs.model import Cost, CostModel, Given, with_residuals


def pow_floor(given: Given) -> Cost:
    """The metric of that name, with how far price has strayed from a constant multiple of it."""
    return with_residuals(given.days["pow_floor"], given.days["price.usd"])


POW_FLOOR = CostModel(
    name="pow-floor",
    title="PoW floor",
    definition="2/3 x (mean of D x 2^32 over 180 days)^0.41 / (coins issued in 180 days): the "
    "metric pow_floor",
    source="Glassnode workbench, btc-difficulty-issuance-price (kuntah, 2022)",
    differs="the metric's definition says how. A floor under past prices, not a cost: price was "
    "above it on most days by construction",
    band="90% by how far price has strayed from a constant multiple of it on all days before",
    rests_on="difficulty and issuance of 180 days",
    inputs=("pow_floor", "price.usd"),
    known_from="2022-12-31",
    compute=pow_floor,
    missing="fewer than 365 days with a price are known before it: no band",
)
