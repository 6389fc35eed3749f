"""How forecasts are judged, as tables: scores and reliability, from outcomes made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from hashcanary.errors import UsageError
from hashcanary.studies.after_retarget import HashpriceOutcome, Judged
from hashcanary.studies.calibration import RetargetOutcome
from hashcanary.views.calibration import calibration, hashprice_tables, retarget_tables

if TYPE_CHECKING:
    from hashcanary.store.record import Record


def _retarget(place: int, came: float, pit: float, second: float | None = 0.0) -> RetargetOutcome:
    return RetargetOutcome(
        first_height=2016 * place,
        time=1_209_600 * place,
        point=288,
        came=came,
        median=0.01,
        naive=0.05,
        mempool=0.03,
        discount=0.02,
        pit=pit,
        decrease=0.4,
        crps=0.01,
        crps_beta=0.02,
        width_80=0.1,
        second_came=second,
        second=np.array([-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]),
    )


def test_errors_are_means_and_intervals_are_counted() -> None:
    # off by 0.02 and 0.04; pits at 0.5 lie in every interval, at 0.95 in that of 95% alone
    outcomes = [_retarget(1, 0.03, 0.5), _retarget(2, -0.03, 0.95)]
    (first, second), _ = (part.records() for part in retarget_tables(outcomes))
    assert (first["retarget"], first["block"], first["epochs"]) == ("next", 288, 2)
    assert first["error_fraction"] == pytest.approx(0.03)
    # mempool's 0.03 is off by 0 and 0.06
    assert first["mempool_error_fraction"] == pytest.approx(0.03)
    assert first["error_to_mempool_ratio"] == pytest.approx(1.0)
    assert first["naive_error_fraction"] == pytest.approx(0.05)
    assert first["crps_to_beta_law_ratio"] == pytest.approx(0.5)
    assert first["held_50_fraction"] == 0.5
    assert first["held_80_fraction"] == 0.5
    assert first["held_95_fraction"] == 1.0
    # exact binomial: two of two is compatible with 0.025 ** (1 / 2) or more
    assert first["held_95_fraction_low"] == pytest.approx(0.025**0.5)
    assert (second["retarget"], second["error_fraction"]) == ("second", 0.0)
    assert second["crps_to_beta_law_ratio"] is None


def test_without_a_second_retarget_there_is_no_row_of_it() -> None:
    scores, _ = retarget_tables([_retarget(1, 0.02, 0.5, None)])
    assert [row["retarget"] for row in scores.records()] == ["next"]


def test_reliability_compares_a_probability_with_what_came() -> None:
    # forecast probability 0.4 each; one of four came down: z = (1 - 1.6) / sqrt(4 * 0.24)
    outcomes = [_retarget(place, came, 0.5) for place, came in enumerate((-0.1, 0.1, 0.1, 0.1))]
    (row,) = retarget_tables(outcomes)[1].records()
    assert (row["forecast_from_fraction"], row["forecast_to_fraction"]) == (0.25, 0.5)
    assert row["forecasts"] == 4
    assert row["mean_forecast_fraction"] == pytest.approx(0.4)
    assert row["observed_fraction"] == 0.25
    assert row["z_ratio"] == pytest.approx(-0.6 / 0.96**0.5)


def _hashprice(place: int, point: int, came: float, decrease: float) -> HashpriceOutcome:
    held = Judged(came=came, median=1.0, pit=0.5, decrease=decrease, crps=0.02)
    return HashpriceOutcome(
        first_height=2016 * place,
        time=1_209_600 * place,
        point=point,
        now_usd_per_phs_day=50.0,
        held=held,
        moving=Judged(came=1.2, median=1.1, pit=0.99, decrease=0.1, crps=0.05),
        unchanged=Judged(came=1.2, median=1.1, pit=0.99, decrease=0.1, crps=0.04),
        stays=1.0,
        mempool=1.05,
    )


def test_hashprice_is_judged_at_both_prices_and_each_block() -> None:
    outcomes = [_hashprice(1, 288, 1.1, 0.3), _hashprice(2, 288, 0.9, 0.8)]
    scores, reliability = hashprice_tables(outcomes)
    held, moving = scores.records()
    assert (held["price"], moving["price"]) == ("held", "as it came")
    assert held["error_fraction"] == pytest.approx(0.1)
    assert held["stays_error_fraction"] == pytest.approx(0.1)
    # a point's score is its error: 0.02 less 0.1
    assert held["crps_less_stays_fraction"] == pytest.approx(-0.08)
    assert held["crps_less_price_alone_fraction"] is None
    assert moving["crps_less_price_alone_fraction"] == pytest.approx(0.01)
    assert moving["held_95_fraction"] == 0.0
    rows = [row for row in reliability.records() if row["event"].endswith("held")]
    assert [row["observed_fraction"] for row in rows] == [0.0, 1.0]
    assert [row["mean_forecast_fraction"] for row in rows] == [0.3, 0.8]


@pytest.mark.parametrize("option", [{"of": "price"}, {"show": "errors"}])
def test_a_forecast_or_table_that_is_none_is_wrong_usage(
    option: dict[str, str],
) -> None:
    with pytest.raises(UsageError):
        # refused before the record is read
        calibration(cast("Record", None), **option)
