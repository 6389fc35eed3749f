"""Fisher's exact test and Holm's correction against SciPy, by hand, and their false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from hashcanary.studies.pools import fisher, holm


def test_the_lady_tasting_tea() -> None:
    # R. A. Fisher, The Design of Experiments, 1935: 3 of 4 right, two-sided
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 400), st.integers(0, 400))
def test_p_values_are_scipys(first: int, second: int, others: int, more: int) -> None:
    ours = fisher(first, first + others, second, second + more)
    theirs = fisher_exact([[first, second], [others, more]]).pvalue
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_holms_correction_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_luck_flags_any_pool_as_seldom_as_said() -> None:
    shares = (0.29, 0.17, 0.12, 0.11, 0.1, 0.05, 0.04, 0.04, 0.02, 0.02, 0.02, 0.02)
    rng = np.random.default_rng(3)
    tables = rng.multinomial(1000, shares, (600, 2))
    alarms = sum(
        min(holm([fisher(int(a), 1000, int(b), 1000) for a, b in zip(*pair, strict=True)])) < 0.05
        for pair in tables
    )
    # at most 5% of 600; 3 standard deviations above that is 46
    assert alarms <= 46


def test_a_halved_share_of_a_large_pool_is_flagged() -> None:
    assert holm([fisher(150, 1000, 300, 1000)] + [0.5] * 20)[0] < 1e-10
