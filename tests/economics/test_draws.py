"""Random numbers by address."""

from __future__ import annotations

import numpy as np
import pytest

from hashcanary.economics.draws import Purpose, band_of, generator
from hashcanary.errors import UsageError


def test_the_same_address_gives_the_same_numbers_whatever_else_was_drawn() -> None:
    alone = generator(7, Purpose.FLEET).standard_normal(5)
    generator(7, Purpose.MARKET).standard_normal(1000)
    assert np.array_equal(generator(7, Purpose.FLEET).standard_normal(5), alone)


def test_seeds_and_purposes_give_different_numbers() -> None:
    drawn = {
        float(generator(seed, purpose).standard_normal())
        for seed in (0, 1, 2**63 - 1)
        for purpose in Purpose
    }
    assert len(drawn) == 3 * len(Purpose)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_does_not_fit_is_refused(seed: int) -> None:
    with pytest.raises(UsageError, match="seed"):
        generator(seed, Purpose.FLEET)


def test_a_band_holds_95_of_100_draws_and_the_median() -> None:
    band = band_of(np.arange(1001.0))
    assert (band.low, band.value, band.high) == (25.0, 500.0, 975.0)
