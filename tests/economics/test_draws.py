"""Bands of answers over draws."""

from __future__ import annotations

import numpy as np

from hashcanary.economics.draws import band_of


def test_a_band_holds_95_of_100_draws_and_the_median() -> None:
    band = band_of(np.arange(1001.0))
    assert (band.low, band.value, band.high) == (25.0, 500.0, 975.0)
