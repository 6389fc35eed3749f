"""Hashprice on the day after the retarget: closed forms, brute force, and what it does without."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hashcanary.chain.networks import MAIN
from hashcanary.economics.errors import NoHashprice
from hashcanary.economics.hash_economics import Days
from hashcanary.economics.shutdown.switching import BLOCK_DAYS
from hashcanary.errors import UsageError
from hashcanary.inference.filter.bank import LEVELS
from hashcanary.inference.retarget.forecast import (
    RetargetForecast,
    Span,
    Waiting,
    forecast_retarget,
)
from hashcanary.inference.retarget.hashprice_ahead import (
    Ahead,
    Basis,
    basis_at,
    basis_of,
    hashprice_ahead,
)
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from types import ModuleType

    from hashcanary.store.record import Record

TIMESPAN = 1_209_600
# block 934,800 stands 1,392 blocks into its epoch; the moment is noon of a day
HEIGHT, MOMENT = 934_800, 20_000 * DAY + DAY // 2
DIFFICULTY = 1.4e14


def _settled(ratio: float, height: int = HEIGHT) -> RetargetForecast:
    """A forecast that knows the change, the last block of the epoch being there."""
    span = Span(TIMESPAN / ratio, TIMESPAN, 0.0, None)
    return _forecast(span, 0, height)


def _open(left: int = 623, shape: float = 400.0, mean: float = 623 * 600.0) -> RetargetForecast:
    """A forecast with ``left`` intervals to come, whose wait is one Gamma variate."""
    waiting = Waiting(np.ones(1), np.array([shape]), np.array([mean]))
    return _forecast(Span((2015 - left) * 620.0, TIMESPAN, 0.0, waiting), left, HEIGHT)


def _forecast(span: Span, left: int, height: int) -> RetargetForecast:
    first = height - height % 2016
    wait = 600.0 * (left + 1) * np.linspace(0.9, 1.1, LEVELS.size)
    return RetargetForecast(
        height=height,
        time=float(MOMENT),
        first_height=first,
        first_time=MOMENT - int(span.passed),
        intervals=2015 - left,
        needed=2015,
        retarget_height=first + 2016,
        change=span.quantiles(LEVELS),
        date=MOMENT + wait,
        second_height=first + 4032,
        second_change=np.zeros(LEVELS.size),
        second_date=MOMENT + 2 * wait,
        hashrate=np.full(LEVELS.size, 1e21),
        lacks=(),
        span=span,
    )


def _days(prices: np.ndarray, fees: np.ndarray) -> Days:
    """Days up to the one that ends before the moment; each known at its end."""
    time = 20_000 * DAY - DAY * np.arange(prices.size, 0, -1, dtype=np.int64)
    still = np.full(prices.size, 1e14), np.full(prices.size, 3.125)
    return Days(time, prices, time + DAY, fees, time + DAY, *still)


def _basis(
    prices: np.ndarray | None = None, fees: np.ndarray | None = None, height: int = HEIGHT
) -> Basis:
    prices = np.full(1500, 80_000.0) if prices is None else prices
    fees = np.full(prices.size, 0.05) if fees is None else fees
    return basis_at(_days(prices, fees), _settled(1.0, height), MAIN, DIFFICULTY)


def _by_hand(price: float, reward: float, difficulty: float) -> float:
    """144 blocks' reward over the hashrate that finds them at a difficulty, USD/PH/s/day."""
    return 144 * reward * price / (difficulty * 2**32 / 600 / 1e15)


@pytest.mark.parametrize("ratio", [0.25, 0.88, 1.0, 1.063, 4.0])
def test_a_known_difficulty_and_still_prices_leave_arithmetic(ratio: float) -> None:
    basis = _basis()
    ahead = hashprice_ahead(_settled(ratio), basis, 500)
    expected = _by_hand(80_000.0, 3.125 + 0.05, DIFFICULTY * ratio)
    assert basis.now.value == pytest.approx(_by_hand(80_000.0, 3.175, DIFFICULTY), rel=1e-12)
    assert ahead.held == pytest.approx(np.full(500, expected), rel=1e-12)
    # a price that never changed does not begin to
    assert ahead.moved == pytest.approx(ahead.held, rel=1e-12)


def test_difficulties_are_those_of_the_forecast_at_every_level() -> None:
    forecast = _open()
    ahead = hashprice_ahead(forecast, _basis(), 10_000)
    drawn = np.quantile(ahead.change, LEVELS)
    assert drawn == pytest.approx(forecast.change, abs=2e-5)
    # the span that each draw's wait makes
    span = (2015 - 623) * 620.0 + ahead.waits
    assert ahead.change == pytest.approx(TIMESPAN / span - 1, rel=1e-12)
    # what a Gamma variate is, whatever interpolates between its quantiles
    assert ahead.waits.mean() == pytest.approx(623 * 600.0, rel=1e-4)
    assert ahead.waits.std() == pytest.approx(623 * 600.0 / 20, rel=2e-3)


@pytest.mark.parametrize("left", [1, 9, 623])
def test_the_retargets_block_comes_one_interval_after_its_epochs_last(left: int) -> None:
    ahead = hashprice_ahead(_open(left, mean=left * 600.0), _basis(), 200)
    # of ``left + 1`` intervals of one mean, all but the last have passed by then
    assert ahead.dates - MOMENT == pytest.approx(ahead.waits / left * (left + 1))


def test_a_hash_earns_what_the_next_block_pays() -> None:
    # 1,049,999 is the last block before the subsidy halves
    basis = _basis(height=1_049_999)
    assert basis.subsidy_btc == 1.5625
    assert basis.now.value == pytest.approx(_by_hand(80_000.0, 1.5625 + 0.05, DIFFICULTY))
    assert _basis(height=1_049_998).subsidy_btc == 3.125


def test_a_price_moves_by_stretches_of_its_past_one_after_the_other() -> None:
    random = np.random.default_rng(8)
    prices = 5e4 * np.exp(np.cumsum(random.normal(0.002, 0.03, 1400)))
    slow = _open(left=2015, shape=5.0, mean=2015 * 60_000.0)
    ahead = hashprice_ahead(slow, _basis(prices), 300)
    assert ahead.moves is not None
    assert ahead.moves.shape == (300, int(ahead.steps.max()) + 1)
    assert (ahead.moves[:, 0] == 0).all()
    changes = np.diff(np.log(prices))
    bare = np.round(changes - changes.mean(), 12)
    after = dict(zip(bare.tolist(), np.roll(bare, -1).tolist(), strict=True))
    steps = np.round(np.diff(ahead.moves, axis=1), 12)
    for row in steps[:20]:
        # each step is the past's next one, but where a stretch begins
        begins = [
            place
            for place in range(1, row.size)
            if abs(after[_nearest(bare, row[place - 1])] - row[place]) > 1e-9
        ]
        assert all(place % BLOCK_DAYS == 0 for place in begins)
        assert len(begins) >= row.size // BLOCK_DAYS - 2


def _nearest(values: np.ndarray, value: float) -> float:
    return float(values[np.abs(values - value).argmin()])


def test_dates_are_those_of_the_forecast(chains: ModuleType, stormy: Any) -> None:
    record = chains.record_from(stormy)
    for back in (30, 900, 1700):
        height = int(record.blocks["height"][-1]) // 2016 * 2016 - 2016 + back
        forecast = forecast_retarget(record, height)
        basis = replace(_basis(), day=int(forecast.time) // DAY * DAY - DAY)
        ahead = hashprice_ahead(forecast, basis, 10_000)
        # the last interval is drawn with the others: minutes, of days
        assert np.quantile(ahead.dates, LEVELS) == pytest.approx(forecast.date, abs=900)


def test_the_day_is_the_first_whole_one_after_the_retarget() -> None:
    forecast = _settled(1.0)
    # the block comes at noon of the moment's day, ten minutes later or so: tomorrow is whole
    ahead = hashprice_ahead(forecast, _basis(), 100)
    assert (ahead.steps == 2).all()
    late = replace(forecast, date=forecast.date + DAY)
    assert (hashprice_ahead(late, _basis(), 100).steps == 3).all()


def test_a_halving_in_between_halves_the_subsidy_and_not_the_fees() -> None:
    # 1,050,000 halves the subsidy, in the epoch of block 1,048,320
    before = 1_049_900
    basis = _basis(height=before)
    ahead = hashprice_ahead(_settled(1.0, before), basis, 50)
    assert (basis.subsidy_btc, basis.subsidy_after_btc) == (3.125, 1.5625)
    now, then = (_by_hand(80_000.0, one + 0.05, DIFFICULTY) for one in (3.125, 1.5625))
    assert basis.now.value == pytest.approx(now)
    assert ahead.held == pytest.approx(np.full(50, then))


def test_fees_that_grow_by_a_rate_grow_on_by_it() -> None:
    fees = 0.01 * 1.002 ** np.arange(1500)
    ahead = hashprice_ahead(_settled(1.0), _basis(fees=fees), 300)
    # two days after the last one known
    assert ahead.fees_btc == pytest.approx(np.full(300, 0.01 * 1.002**1501), rel=1e-9)


def test_fees_are_those_of_each_day_of_the_past_over_the_median_before_it() -> None:
    random = np.random.default_rng(5)
    fees = np.exp(random.normal(-3, 0.5, 1500))
    ahead = hashprice_ahead(_settled(1.0), _basis(fees=fees), 20_000)
    kept = fees[-1460:]
    ratios = [kept[at + 2] / np.median(kept[at - 29 : at + 1]) for at in range(29, kept.size - 2)]
    expected = np.array(ratios) * np.median(fees[-30:])
    # 20,000 draws over 1,429 days: each of them 13 or 14 times
    values, counts = np.unique(np.round(ahead.fees_btc, 10), return_counts=True)
    assert values == pytest.approx(np.sort(expected), abs=1e-9)
    assert set(counts) == {13, 14}


def test_the_price_moves_as_every_stretch_of_its_past_did_without_drift() -> None:
    random = np.random.default_rng(3)
    prices = 5e4 * np.exp(np.cumsum(random.normal(0.01, 0.03, 1400)))
    ahead = hashprice_ahead(_settled(1.0), _basis(prices), 20_000)
    assert ahead.moves is not None
    changes = np.diff(np.log(prices))
    bare = np.tile(changes - changes.mean(), 2)
    stretches = np.array([bare[at : at + 2].sum() for at in range(changes.size)])
    drawn = ahead.moves[np.arange(20_000), ahead.steps]
    assert (ahead.steps == 2).all()
    assert drawn.std() == pytest.approx(stretches.std(), rel=0.02)
    assert abs(drawn.mean()) < 4 * stretches.std() / 20_000**0.5
    # each of them is one of the past's
    apart = np.abs(np.sort(stretches)[None, :] - drawn[:200, None]).min(axis=1)
    assert apart.max() < 1e-9
    assert ahead.moved == pytest.approx(ahead.held * np.exp(drawn))


def test_harder_difficulty_is_less_hashprice_in_every_draw() -> None:
    prices = 5e4 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.03, 1400)))
    basis = _basis(prices)
    easy, hard = (hashprice_ahead(_settled(one), basis, 500) for one in (0.95, 1.05))
    assert (hard.held < easy.held).all()
    assert easy.moved is not None
    assert hard.moved is not None
    assert (hard.moved < easy.moved).all()
    assert hard.moved / easy.moved == pytest.approx(np.full(500, 0.95 / 1.05))


def test_the_same_seed_gives_the_same_bytes_and_another_others() -> None:
    prices = 5e4 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.03, 1400)))
    basis = _basis(prices, np.random.default_rng(2).gamma(2.0, 0.02, 1400))

    def drawn(seed: int) -> tuple[bytes, bytes]:
        ahead = hashprice_ahead(_open(), basis, 300, seed)
        assert ahead.moved is not None
        return ahead.held.tobytes(), ahead.moved.tobytes()

    assert drawn(4) == drawn(4)
    assert drawn(4)[0] != drawn(5)[0]
    assert drawn(4)[1] != drawn(5)[1]


def test_only_what_was_known_by_the_block_is_used(real_record: Record, cut: Any) -> None:
    moment = 1_669_300_000
    early = cut(real_record, moment)
    forecast = forecast_retarget(early)
    before, after = basis_of(early, forecast), basis_of(real_record, forecast)
    assert before.day + DAY <= moment
    for name in Basis.__slots__:
        assert np.array_equal(getattr(before, name), getattr(after, name)), name
    ones = [hashprice_ahead(forecast, basis, 200) for basis in (before, after)]
    assert ones[0].held.tobytes() == ones[1].held.tobytes()


def test_the_hashprice_of_now_is_the_metrics(real_record: Record, cut: Any) -> None:
    from hashcanary.metrics.engine import metrics_of

    # no retarget on the day before: its difficulty is the one in force
    record = cut(real_record, 1_669_300_000)
    basis = basis_of(record, forecast_retarget(record))
    rows = metrics_of(record)["hashprice"].present()
    assert int(rows["time"][-1]) == basis.day
    assert basis.now.value == pytest.approx(float(rows["value"][-1]), rel=1e-9)


def test_a_last_block_of_days_ago_is_said(real_record: Record, cut: Any) -> None:
    # headers of 2015 to 2019 are few: the last block by then is 552,384 of a week before
    record = cut(real_record, 1_544_400_000)
    forecast = forecast_retarget(record)
    assert record.at is not None
    assert record.at - forecast.time > DAY
    assert basis_of(record, forecast).lacks[0].startswith(f"blocks after {forecast.height} of")
    fresh = cut(real_record, 1_669_300_000)
    assert basis_of(fresh, forecast_retarget(fresh)).lacks == ()


def test_a_stated_price_takes_the_place_of_the_last_one() -> None:
    days = _days(np.full(1500, 80_000.0), np.full(1500, 0.05))
    given = basis_at(days, _settled(1.0), MAIN, DIFFICULTY, 40_000.0)
    assert given.stated
    assert given.now.value == pytest.approx(_basis().now.value / 2)


@pytest.mark.parametrize("price", [0.0, -5.0, float("nan"), float("inf")])
def test_a_price_that_is_none_is_a_named_error(price: float) -> None:
    days = _days(np.full(1500, 80_000.0), np.full(1500, 0.05))
    with pytest.raises(UsageError, match="a number above 0"):
        basis_at(days, _settled(1.0), MAIN, DIFFICULTY, price)


def test_without_a_price_of_the_last_days_there_is_a_named_error() -> None:
    prices = np.full(1500, 80_000.0)
    prices[-8:] = np.nan
    with pytest.raises(NoHashprice, match="within 7 days"):
        _basis(prices)
    with pytest.raises(NoHashprice, match="found the last on none"):
        _basis(np.full(1500, np.nan))
    # a week old it still serves
    prices[-7] = 80_000.0
    assert _basis(prices).price_usd_per_btc == 80_000.0


def test_without_a_year_of_prices_only_the_held_one_is_said() -> None:
    basis = _basis(np.full(300, 80_000.0))
    ahead = hashprice_ahead(_open(), basis, 100)
    assert ahead.moved is None
    assert ahead.held.shape == (100,)
    assert any("299 are known" in what for what in basis.lacks)


def test_unknown_fees_are_a_stated_band() -> None:
    basis = _basis(fees=np.full(1500, np.nan))
    ahead = hashprice_ahead(_settled(1.0), basis, 1000)
    assert basis.fees_now_btc == 0.0
    assert any(what.startswith("fees: 0% to 10%") for what in basis.lacks)
    assert ahead.fees_btc.min() == 0.0
    assert ahead.fees_btc.max() == pytest.approx(0.3125)
    assert ahead.fees_btc.mean() == pytest.approx(0.3125 / 2, rel=0.01)


def test_few_days_of_fees_are_said_and_drawn_as_they_are() -> None:
    fees = np.full(1500, np.nan)
    fees[-20:] = np.linspace(0.02, 0.21, 20)
    basis = _basis(fees=fees)
    ahead = hashprice_ahead(_settled(1.0), basis, 1000)
    assert set(np.round(ahead.fees_btc, 9)) == set(np.round(fees[-20:], 9))
    assert "fees of 10 of the last 30 days" in basis.lacks
    assert (basis.now.low, basis.now.high) == pytest.approx(
        tuple(_by_hand(80_000.0, 3.125 + one, DIFFICULTY) for one in (0.02, 0.21))
    )


def test_a_retarget_far_off_still_has_an_answer() -> None:
    slow = _open(left=2015, shape=5.0, mean=2015 * 60_000.0)
    ahead = hashprice_ahead(slow, _basis(), 200)
    assert isinstance(ahead, Ahead)
    assert np.isfinite(ahead.held).all()
    assert ahead.steps.max() == 366


def test_fees_are_of_the_last_day_the_last_thirty_and_four_years() -> None:
    fees = 0.01 + 1e-5 * np.arange(1500)
    days = _days(np.full(1500, 80_000.0), fees)
    basis = basis_at(days, _settled(1.0), MAIN, DIFFICULTY)
    assert (basis.fees_now_btc, basis.fee_day) == (fees[-1], 19_999 * DAY)
    assert basis.fees_btc.tolist() == fees[-30:].tolist()
    # days that begin within 4 x 365.25 days before noon
    assert basis.fee_history_btc.tolist() == fees[-1460:].tolist()
    assert basis.lacks == ()
    # a day without any fee is a day like others, but no ratio can start from it
    fees[-2] = 0.0
    free = basis_at(_days(np.full(1500, 80_000.0), fees), _settled(1.0), MAIN, DIFFICULTY)
    assert free.fees_btc.tolist() == fees[-30:].tolist()
    assert free.fee_history_btc.tolist() == [*fees[-1460:-2], fees[-1]]


def test_fees_and_prices_known_after_the_block_are_not_used() -> None:
    prices, fees = 80_000.0 + np.arange(1500), 0.01 + 1e-5 * np.arange(1500)
    days = _days(prices, fees)
    for late, last in ((0, -1), (1, -2)):
        days.fees_known_at[-1] = days.price_known_at[-1] = MOMENT + late
        basis = basis_at(days, _settled(1.0), MAIN, DIFFICULTY)
        assert (basis.fees_now_btc, basis.price_usd_per_btc) == (fees[last], prices[last])
        assert basis.day == basis.fee_day == int(days.time[last])
        assert basis.log_changes[-1] == pytest.approx(np.log(prices[last] / prices[last - 1]))
        assert basis.lacks == (() if late == 0 else ("fees of 1 of the last 30 days",))


def test_without_fees_their_day_is_that_of_the_price() -> None:
    prices = np.full(1500, 80_000.0)
    prices[-3:] = np.nan
    assert _basis(prices, np.full(1500, np.nan)).fee_day == 19_996 * DAY


@pytest.mark.parametrize(("days_of_fees", "drawn"), [(364, False), (365, True)])
def test_a_year_of_fees_is_drawn_from_and_less_is_not(days_of_fees: int, drawn: bool) -> None:
    fees = np.full(1500, np.nan)
    fees[-days_of_fees:] = 0.05
    basis = _basis(fees=fees)
    assert basis.fee_history_btc.size == (days_of_fees if drawn else 0)
    short = "fees of 365 days: those of one of the last 30 are taken"
    assert basis.lacks == (() if drawn else (short,))


def test_a_month_without_any_fee_is_taken_as_it_is() -> None:
    fees = np.full(1500, 0.05)
    fees[-30:] = 0.0
    basis = _basis(fees=fees)
    assert basis.fee_history_btc.size == 0
    assert basis.fees_btc.tolist() == [0.0] * 30
    fees[-7] = 0.05
    assert _basis(fees=fees).fee_history_btc.size == 1460 - 29


def test_changes_of_the_price_are_those_of_one_day_to_the_next() -> None:
    prices = 1000.0 * 1.01 ** np.arange(1500)
    prices[700] = prices[900] = prices[901] = np.nan
    prices[1100] = 0.0
    basis = _basis(prices)
    # 1,461 days have 1,460 steps; a day that is missing takes the steps to and from it
    assert basis.log_changes.size == 1460 - 2 - 3 - 2
    assert basis.log_changes == pytest.approx(np.full(basis.log_changes.size, np.log(1.01)))


@pytest.mark.parametrize(("known", "lacks"), [(366, 0), (365, 1), (2, 1), (1, 1)])
def test_a_year_of_changes_is_needed_to_move_a_price(known: int, lacks: int) -> None:
    prices = np.full(1500, np.nan)
    prices[-known:] = 80_000.0
    basis = _basis(prices)
    assert basis.log_changes.size == known - 1
    assert len(basis.lacks) == lacks
    assert all(f"of which {known - 1} are known" in what for what in basis.lacks)


@pytest.mark.parametrize(("late", "stale"), [(0, False), (1, True)])
def test_a_price_is_stale_when_its_day_ended_over_a_week_ago(late: int, stale: bool) -> None:
    forecast = replace(_settled(1.0), time=20_007 * DAY + late)
    days = _days(np.full(1500, 80_000.0), np.full(1500, 0.05))
    if stale:
        with pytest.raises(NoHashprice, match="found the last on 2024-10-03"):
            basis_at(days, forecast, MAIN, DIFFICULTY)
    else:
        assert basis_at(days, forecast, MAIN, DIFFICULTY).day == 19_999 * DAY
