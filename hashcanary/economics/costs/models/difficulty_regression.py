"""Glassnode's regression of market value on difficulty, with its published constants."""

from __future__ import annotations

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.economics.costs.model import Cost, CostModel, Given, with_residuals

# ln(market value in USD) = A + B ln(difficulty); fitted by Glassnode to 14 September 2022
A, B = 10.2560, 0.5250


def regression_usd_per_btc(difficulty: Floats, supply_btc: Floats) -> Floats:
    """USD a coin: exp(A + B ln D) / supply. difficulty: a ratio, to difficulty one."""
    value: Floats = np.exp(A + B * np.log(difficulty)) / supply_btc
    return value


def difficulty_regression(given: Given) -> Cost:
    """The published line, with how far price has strayed from it so far."""
    days = given.days
    model = regression_usd_per_btc(days["blocks.difficulty_mean"], days["blocks.supply_btc"])
    return with_residuals(model, days["price.usd"])


DIFFICULTY_REGRESSION = CostModel(
    name="difficulty-regression",
    title="Difficulty regression",
    definition="exp(10.2560 + 0.5250 ln D) / supply, D the mean difficulty of the day's blocks",
    source="Glassnode, Difficulty Regression Model; constants as published, R2 0.944, fitted to 14 "
    "September 2022",
    differs="nothing. It is a line through past prices, not a cost: nobody's bills are in it. "
    "Figures that others publish under this name were fitted anew",
    band="90% by how far price has strayed from the line on all days before, about its mean miss",
    rests_on="difficulty, supply",
    inputs=("blocks.difficulty_mean", "blocks.supply_btc", "price.usd"),
    known_from="2022-09-14",
    missing="fewer than 365 days with a price are known before it: no band",
    compute=difficulty_regression,
)
