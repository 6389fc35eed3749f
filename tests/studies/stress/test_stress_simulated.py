"""The whole way on simulated blocks and prices: no look-ahead, marked, what is missing by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary import plugins
from hashcanary.errors import DuplicateName
from hashcanary.simulation.history import record_of, simulate_history
from hashcanary.studies.stress import component
from hashcanary.studies.stress.component import all_components
from hashcanary.studies.stress.components.revenue import PUELL
from hashcanary.studies.stress.gauge import stress_history
from hashcanary.studies.stress.settings import Settings, read_settings
from hashcanary.studies.stress.sustainability import stress_sources, sustainability_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.store.record import Record
    from hashcanary.studies.stress.gauge import StressHistory


@pytest.fixture(scope="module")
def soon() -> Settings:
    """Windows that two and a half years can fill."""
    return replace(read_settings(all_components()), window_days=365, fewest_days=120)


@pytest.fixture(scope="module")
def record() -> Record:
    return record_of(simulate_history(seed=7, years=2.5))


def of(record: Record, soon: Settings) -> StressHistory:
    return stress_history(stress_sources(record), soon, all_components())


def test_nothing_known_later_is_used(
    record: Record, soon: Settings, cut: Callable[[Record, int], Record]
) -> None:
    whole = of(record, soon)
    spoken = np.flatnonzero(np.isfinite(whole.known_at))
    for place in (250, 390):
        at = int(whole.known_at[spoken[place]]) + 3600
        early = of(cut(record, at), soon)
        known = np.isfinite(whole.known_at) & (whole.known_at <= at)
        mine = np.isin(early.time, whole.time[known])
        assert known.sum() == mine.sum() > 200
        for name in ("gauge", "low", "high", "word", "known_at", "weight_known"):
            np.testing.assert_allclose(
                getattr(early, name)[mine], getattr(whole, name)[known], rtol=1e-9, err_msg=name
            )


def test_what_is_simulated_stays_marked(record: Record, soon: Settings) -> None:
    assert of(record, soon).simulated


def test_without_fees_what_needs_them_is_missing_by_name(record: Record, soon: Settings) -> None:
    import polars as pl

    bare = replace(record, blocks=record.blocks.with_columns(total_fee=pl.lit(None, pl.Int64)))
    history = of(bare, soon)
    last = int(np.flatnonzero(np.isfinite(history.gauge))[-1])
    missing = {
        one.component.name: one.missing[last]
        for one in history.components
        if one.missing[last] is not None
    }
    # hashprice and costs count fees; Puell, the fleet and hashrate do not need them
    assert set(missing) == {"hashprice", "price_to_cost"}
    assert all("fee" in why for why in missing.values())
    assert history.weight_known[last] == pytest.approx(1 - 1 / 6 - 1 / 9)
    index = sustainability_history(stress_sources(bare), soon)
    # a third of the index is too little
    assert np.isnan(index.index).all()


def test_two_components_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = [("mine.one", PUELL), ("mine.two", replace(PUELL, title="other"))]
    monkeypatch.setattr(plugins, "declared", lambda group, wanted: iter(twice))
    component.all_components.cache_clear()
    try:
        with pytest.raises(DuplicateName, match=r"'puell' .* second time in mine\.two"):
            all_components()
    finally:
        component.all_components.cache_clear()
