"""The network's mix of rigs."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary.economics.errors import NoRigYet, TooFewDaysForFleet
from hashcanary.economics.machines.fleet import FleetDrawer, History, draw_fleets
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.priors import read_priors
from hashcanary.moments import DAY, day_start

if TYPE_CHECKING:
    from hashcanary.store.record import Record


def growing(first: date, last: date, a_year: float = 1.5, hashprice: float = 100.0) -> History:
    """A hashrate that grows steadily, at a steady hashprice."""
    time = np.arange(day_start(first), day_start(last) + DAY, DAY, dtype=np.int64)
    years = (time - time[0]) / (365.25 * DAY)
    return History(time, 1e6 * a_year**years, np.full(time.size, hashprice))


_HISTORY = growing(date(2014, 1, 1), date(2026, 2, 1))
_MOMENT = day_start(date(2024, 6, 15))


def test_shares_are_shares_and_sum_to_one() -> None:
    fleets = draw_fleets(read_rigs(), _HISTORY, _MOMENT, 400)
    for shares in (fleets.shares, fleets.running):
        assert shares.min() >= 0
        assert shares.sum(axis=0) == pytest.approx(1.0, abs=1e-5)


def test_nothing_known_later_is_used() -> None:
    cut = _HISTORY.known_by(_MOMENT)
    later = History(
        _HISTORY.time,
        np.where(_HISTORY.time < _MOMENT, _HISTORY.hashrate_ths, 7.0),
        np.where(_HISTORY.time < _MOMENT, _HISTORY.hashprice_usd_per_phs_day, 7.0),
    )
    catalogue = read_rigs()
    known = type(catalogue)(catalogue.released_by(_MOMENT), catalogue.file)
    whole = draw_fleets(catalogue, later, _MOMENT, 300)
    assert whole.shares.tobytes() == draw_fleets(known, cut, _MOMENT, 300).shares.tobytes()
    assert all(rig.released <= _MOMENT for rig in whole.rigs)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    one, two, other = (draw_fleets(read_rigs(), _HISTORY, _MOMENT, 300, s) for s in (5, 5, 6))
    assert one.shares.tobytes() == two.shares.tobytes()
    assert one.shares.tobytes() != other.shares.tobytes()


def test_a_record_that_begins_late_gives_the_fleet_of_a_usual_growth_before() -> None:
    # the growth that is taken for granted, every machine paid: what came before changes nothing
    whole = growing(date(2014, 1, 1), date(2026, 2, 1), float(np.exp(0.45)), 1e6)
    late = whole.time >= _MOMENT - 75 * DAY
    part = History(
        whole.time[late], whole.hashrate_ths[late], whole.hashprice_usd_per_phs_day[late]
    )
    known, guessed = (draw_fleets(read_rigs(), one, _MOMENT, 300) for one in (whole, part))
    assert guessed.network_j_per_th == pytest.approx(known.network_j_per_th, rel=0.01)


def test_later_networks_are_more_efficient() -> None:
    moments = [day_start(date(year, 6, 1)) for year in range(2016, 2026)]
    median = [
        float(np.median(draw_fleets(read_rigs(), _HISTORY, at, 500).network_j_per_th))
        for at in moments
    ]
    assert all(a > b for a, b in pairwise(median))


def test_a_network_that_grows_fast_is_of_newer_machines() -> None:
    slow = growing(date(2014, 1, 1), date(2026, 2, 1), 1.1)
    fast = growing(date(2014, 1, 1), date(2026, 2, 1), 3.0)
    efficiency = [
        np.median(draw_fleets(read_rigs(), history, _MOMENT, 500).network_j_per_th)
        for history in (slow, fast)
    ]
    assert efficiency[0] > efficiency[1]


def test_what_does_not_pay_is_scrapped() -> None:
    poor, rich = (
        growing(date(2014, 1, 1), date(2026, 2, 1), hashprice=price) for price in (30.0, 300.0)
    )
    efficiency = [
        (fleets.shares * fleets.efficiency_j_per_th).sum(axis=0).mean()
        for fleets in (draw_fleets(read_rigs(), one, _MOMENT, 500) for one in (poor, rich))
    ]
    assert efficiency[0] < efficiency[1]


def test_before_the_first_rig_and_without_hashrate_there_is_no_fleet() -> None:
    with pytest.raises(NoRigYet):
        draw_fleets(read_rigs(), _HISTORY, day_start(date(2012, 1, 1)), 10)
    gap = History(_HISTORY.time, np.full(_HISTORY.time.size, np.nan), _HISTORY.hashrate_ths)
    with pytest.raises(TooFewDaysForFleet, match="30-day mean"):
        draw_fleets(read_rigs(), gap, _MOMENT, 10)


def test_every_prior_says_what_it_is_and_why() -> None:
    priors = read_priors()
    assert len(priors.fleet) == 7
    assert len(priors.supply) == 5
    every = (*priors.fleet.values(), *priors.supply.values())
    assert all(one.meaning and one.reason for one in every)


@pytest.mark.parametrize(
    ("day", "published"),
    [
        # Coin Metrics, MINE-MATCH, June 2023: 89.3 J/TH in July 2018, 33.6 in May 2023
        (date(2018, 7, 1), 89.3),
        (date(2023, 5, 15), 33.6),
        # Cambridge, Digital Mining Industry Report, 2025: 28.2 J/TH in mid 2024 among those asked
        (date(2024, 6, 30), 28.2),
    ],
)
def test_published_efficiencies_lie_within_the_band(
    real_record: Record, day: date, published: float
) -> None:
    from hashcanary.economics.supply.study import history_of

    history, _, _ = history_of(real_record)
    fleets = draw_fleets(read_rigs(), history, day_start(day) + DAY)
    low, high = np.quantile(fleets.network_j_per_th, (0.025, 0.975))
    assert low < published < high
    # a band so wide that it could not miss would be no check
    assert high < 1.7 * low


def test_where_nothing_was_paid_what_runs_is_what_there_is() -> None:
    poor = History(_HISTORY.time, _HISTORY.hashrate_ths, np.full(_HISTORY.time.size, 1e-6))
    fleets = draw_fleets(read_rigs(), poor, _MOMENT, 20)
    assert fleets.running.tobytes() == fleets.shares.tobytes()


def test_fleets_drawn_together_are_the_same_bytes_as_one_by_one() -> None:
    catalogue = read_rigs()
    # fewer steps than nine years have, releases in between, and moments out of order
    days = [date(2017, 6, 1), date(2017, 7, 1), date(2017, 8, 1), date(2018, 6, 1)]
    days += [date(2023, month, 1) for month in range(1, 13)] + [date(2022, 12, 20)]
    moments = [day_start(day) for day in days]
    drawer = FleetDrawer(catalogue, 40, 3)
    asked = [drawer.asked(_HISTORY, moment) for moment in moments]
    found = list(drawer.together(asked))
    assert [one.moment for one in found] == moments
    for one in found:
        alone = draw_fleets(catalogue, _HISTORY, one.moment, 40, 3)
        assert one.rigs == alone.rigs
        for name in ("shares", "running", "efficiency_j_per_th"):
            assert getattr(one, name).tobytes() == getattr(alone, name).tobytes()
