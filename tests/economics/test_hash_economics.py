"""What a hash earns at a moment is one figure, whoever shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from hashcanary.economics.errors import NoMarket
from hashcanary.economics.hash_economics import (
    STALE_DAYS,
    UNKNOWN_FEES,
    Stated,
    difficulty_at,
    hash_economics,
    in_force,
)
from hashcanary.economics.supply.study import study_supply
from hashcanary.inference.retarget.forecast import forecast_retarget
from hashcanary.inference.retarget.hashprice_ahead import basis_of
from hashcanary.metrics.engine import metrics_of
from hashcanary.moments import DAY, parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.store.record import Record

    Cut = Callable[[Record, int], Record]

# the retarget of 22 January 2026, and the last block before it
_FIRST = 933_408


def _moment(text: str) -> int:
    moment = parse_moment(text).time
    assert moment is not None
    return moment


@pytest.fixture(scope="module")
def after_a_retarget(real_record: Record, cut: Cut) -> Record:
    """As known at the end of the day on which the difficulty went from 146.47 T to 141.67 T."""
    return cut(real_record, _moment("2026-01-22"))


@pytest.fixture(scope="module")
def before_a_retarget(real_record: Record, cut: Cut) -> Record:
    """As known at an epoch's last block."""
    (known_at,) = real_record.blocks.filter(pl.col("height") == _FIRST - 1)["known_at"]
    return cut(real_record, known_at)


def test_hashprice_is_the_formula_at_the_difficulty_in_force(after_a_retarget: Record) -> None:
    earns = hash_economics(after_a_retarget)
    # 3.125 BTC and fees, the close of 21 January, 144 blocks a day among D 2^32 / 600 hashes
    assert earns.difficulty == pytest.approx(141.668e12, rel=1e-5)
    assert earns.price_usd_per_btc == pytest.approx(89_599.36, abs=0.01)
    per_phs = 144 * 600 * 1e15 / (141.668107417e12 * 2**32)
    reward = 3.125 * (1 + earns.fees_to_subsidy.value)
    assert earns.hashprice_usd_per_phs_day.value == pytest.approx(
        reward * 89_599.36 * per_phs, rel=1e-6
    )
    assert earns.hashprice_usd_per_phs_day.value == pytest.approx(40.01, abs=0.005)


def test_the_daily_metric_is_the_mean_of_its_day(after_a_retarget: Record) -> None:
    days = metrics_of(after_a_retarget)["hashprice"].rows.drop_nulls("value")
    assert days["value"][-1] == pytest.approx(38.70, abs=0.005)


@pytest.mark.parametrize("when", ["2022-11-25", "2024-04-21", "2026-01-10", "2026-01-22"])
def test_forecast_and_supply_curve_start_from_the_same_hashprice(
    real_record: Record, cut: Cut, when: str
) -> None:
    record = cut(real_record, _moment(when))
    earns = hash_economics(record).hashprice_usd_per_phs_day
    assert basis_of(record, forecast_retarget(record)).now.three == pytest.approx(
        earns.three, rel=1e-12
    )
    study = study_supply(record, draws=200)
    assert study.market.hashprice_usd_per_phs_day == earns.value


def test_after_an_epochs_last_block_the_next_ones_difficulty_is_in_force(
    before_a_retarget: Record, real_record: Record
) -> None:
    assert int(before_a_retarget.blocks["height"][-1]) == _FIRST - 1
    assert in_force(before_a_retarget, _FIRST - 1) == difficulty_at(real_record, _FIRST)
    assert in_force(before_a_retarget, _FIRST - 1) != difficulty_at(real_record, _FIRST - 1)
    # the forecast measures its change from the block before, and says the same of now
    basis = basis_of(before_a_retarget, forecast_retarget(before_a_retarget))
    earns = hash_economics(before_a_retarget).hashprice_usd_per_phs_day
    assert basis.now.three == pytest.approx(earns.three, rel=1e-12)
    ratio = difficulty_at(real_record, _FIRST) / difficulty_at(real_record, _FIRST - 1)
    assert basis.now_ratio == pytest.approx(ratio)


def test_without_the_epochs_first_block_the_last_ones_difficulty_is_taken(
    before_a_retarget: Record,
) -> None:
    holed = replace(
        before_a_retarget,
        blocks=before_a_retarget.blocks.filter(pl.col("height") != _FIRST - 2016),
    )
    assert in_force(holed, _FIRST - 1) == difficulty_at(holed, _FIRST - 1)


def _without_prices_since(record: Record, time: int) -> Record:
    day = datetime.fromtimestamp(time, UTC).date()
    return replace(
        record,
        daily=record.daily.filter(pl.col("day") < day),
        candles=record.candles.filter(pl.col("open_time") < time),
    )


def test_a_price_that_is_old_takes_the_moment_back_to_it(after_a_retarget: Record) -> None:
    last = _moment("2025-12-20") - DAY
    earns = hash_economics(_without_prices_since(after_a_retarget, last + DAY))
    assert earns.day == last
    assert earns.moment is not None
    assert earns.moment < last + 2 * DAY
    # the epoch that began on 11 December 2025
    assert earns.difficulty == pytest.approx(148.196e12, rel=1e-3)
    tip = int(after_a_retarget.blocks["known_at"][-1])
    near = tip // DAY * DAY - (STALE_DAYS - 2) * DAY
    assert hash_economics(_without_prices_since(after_a_retarget, near)).moment == tip


def test_without_any_price_there_is_no_hashprice_but_a_stated_one(after_a_retarget: Record) -> None:
    none = _without_prices_since(after_a_retarget, 0)
    with pytest.raises(NoMarket):
        hash_economics(none)
    stated = hash_economics(none, Stated(hashprice_usd_per_phs_day=40.0))
    assert stated.hashprice_usd_per_phs_day.three == (40.0, 40.0, 40.0)


def test_fees_are_those_of_the_last_day_between_those_of_thirty(after_a_retarget: Record) -> None:
    fees = hash_economics(after_a_retarget).fees_to_subsidy
    rows = metrics_of(after_a_retarget)["fees.to_subsidy"].rows.drop_nulls("value").tail(30)
    assert fees.three == pytest.approx(
        (rows["value"][-1], rows["value"].min(), rows["value"].max()), rel=1e-9
    )


def test_what_is_stated_takes_the_records_place(after_a_retarget: Record) -> None:
    own = hash_economics(after_a_retarget)
    halved = hash_economics(
        after_a_retarget, Stated(difficulty=2 * (own.difficulty or 0), fees_to_subsidy=0.0)
    )
    bare = own.hashprice_usd_per_phs_day.value / (1 + own.fees_to_subsidy.value)
    assert halved.hashprice_usd_per_phs_day.value == pytest.approx(bare / 2)
    assert halved.stated == ("difficulty", "fees_to_subsidy")
    assert hash_economics(None, Stated(1e12, 50_000.0, 3.125)).fees_to_subsidy == UNKNOWN_FEES


def test_where_vendors_reach_further_than_blocks_the_days_own_figures_count(
    after_a_retarget: Record,
) -> None:
    none = replace(after_a_retarget, blocks=after_a_retarget.blocks.clear())
    bare = hash_economics(none)
    assert bare.to_halving is None
    assert any("blocks" in missing for missing in bare.lacks)
    # the metric of that day, with a vendor's difficulty and fees
    day = metrics_of(none)["hashprice"].rows.drop_nulls("value").row(-1, named=True)
    assert bare.day == day["time"]
    assert bare.hashprice_usd_per_phs_day.value == pytest.approx(day["value"], rel=1e-9)
    early = after_a_retarget.blocks.filter(pl.col("time") < day["time"] - 90 * DAY)
    assert hash_economics(replace(after_a_retarget, blocks=early)).day == bare.day
