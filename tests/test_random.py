"""Random numbers by address."""

from __future__ import annotations

import numpy as np
import pytest

from hashcanary.errors import UsageError
from hashcanary.random import Purpose, generator


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


def test_numbers_at_an_address_do_not_depend_on_other_draws() -> None:
    alone = generator(3, Purpose.BLOCKS, step=7).random(5)
    generator(3, Purpose.BLOCKS, step=6).random(100_000)
    assert generator(3, Purpose.BLOCKS, step=7).random(5).tolist() == alone.tolist()
    assert generator(3, Purpose.FEES, step=7).random(5).tolist() != alone.tolist()
    assert generator(4, Purpose.BLOCKS, step=7).random(5).tolist() != alone.tolist()
