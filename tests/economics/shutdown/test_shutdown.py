"""Shutdown prices against tables that others printed, from the inputs that they state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hashcanary.economics.errors import NoMarket
from hashcanary.economics.hash_economics import HashEconomics, Stated, hash_economics, hashprice_of
from hashcanary.economics.machines.rigs import Rig, read_rigs
from hashcanary.economics.shutdown.switching import (
    HORIZON_DAYS,
    Flow,
    Paths,
    Payback,
    flow_of,
    paths_of,
    payback,
    thresholds,
)
from hashcanary.economics.shutdown.table import (
    Line,
    Terms,
    break_even_power,
    energy_cost,
    shutdown_table,
)
from hashcanary.errors import UsageError
from hashcanary.interval import Interval

FREE = Interval.exact(0.0)
EXACT = Terms(FREE, Interval.exact(1.0), restart_usd=FREE)
NO_PATHS = "no paths here"


def exactly(rig: Rig) -> Rig:
    """The rig with its nameplate taken at its word."""
    return replace(rig, nameplate_spread=0.0, others=())


def line(rig: str, power: float, stated: Stated, terms: Terms = EXACT) -> Line:
    market = hash_economics(None, stated)
    found = shutdown_table([exactly(read_rigs().rig(rig))], [power], market, terms, None, NO_PATHS)
    assert len(found) == 1
    return found[0]


def test_viabtc_s19_at_13_per_mille_fees() -> None:
    # ViaBTC: S19 95 TH/s 3250 W, 0.077 USD/kWh, difficulty "17.62T", 6.25 BTC, fees 1.3%:
    # 0.00068685 BTC a day, shutdown at 8,744.27 USD
    stated = Stated(17.62e12, 10_000.0, 6.25, 0.013)
    found = line("Antminer S19", 0.077, stated)
    assert found.shutdown_price_usd_per_btc is not None
    price = found.shutdown_price_usd_per_btc.value
    # the nameplate's 34.2 J/TH stands for 3250 W / 95 TH/s = 34.21
    assert price * 3250 / 95 / 34.2 == pytest.approx(8_744.27, rel=3e-4)
    assert price == pytest.approx(8_744.27, rel=0.01)
    earned_btc = hashprice_of(17.62e12, 1.0, 6.25, 0.013) / 1000 * 95
    assert earned_btc == pytest.approx(0.00068685, rel=3e-4)


def test_f2pool_s9_of_september_2018() -> None:
    # F2Pool, 6 September 2018: S9 at 0.45 CNY/kWh: 30,262 CNY or 4,424 USD; difficulty 7.0192T
    rate = 30_262 / 4_424
    stated = Stated(7.0192e12, 6_400.0, 12.5, 0.0)
    nameplate = replace(exactly(read_rigs().rig("S9")), efficiency_j_per_th=100.0, power_w=1350.0)
    found = shutdown_table(
        [nameplate], [0.45 / rate], hash_economics(None, stated), EXACT, None, NO_PATHS
    )[0]
    assert found.shutdown_price_usd_per_btc is not None
    price = found.shutdown_price_usd_per_btc
    assert price.value == pytest.approx(4_424, rel=0.01)
    assert price.value * rate == pytest.approx(30_262, rel=0.01)
    assert price.low == price.value == price.high


@pytest.mark.parametrize(("hashprice", "printed"), [(62.0, 0.12), (39.5, 0.077)])
def test_vaneck_break_even_of_the_s19_xp(hashprice: float, printed: float) -> None:
    found = line("S19 XP", 0.05, Stated(hashprice_usd_per_phs_day=hashprice))
    assert found.break_even_usd_per_kwh.value == pytest.approx(printed, rel=0.01)


@pytest.mark.parametrize(
    ("efficiency", "hashprice", "printed"),
    # 93 USD/MWh in the news for 17.5 J/TH; Luxor's bands at 39.53 USD/PH/s/day
    [(17.5, 39.0, 93.0), (17.0, 39.53, 97.0), (22.0, 39.53, 75.0), (32.0, 39.53, 51.0)],
)
def test_printed_revenue_per_mwh(efficiency: float, hashprice: float, printed: float) -> None:
    rig = replace(exactly(read_rigs().rig("S21")), efficiency_j_per_th=efficiency)
    market = hash_economics(None, Stated(hashprice_usd_per_phs_day=hashprice))
    found = shutdown_table([rig], [0.05], market, EXACT, None, NO_PATHS)[0]
    assert found.revenue_usd_per_mwh.value == pytest.approx(printed, rel=0.01)
    assert break_even_power(hashprice, efficiency, 1.0, 0.0) * 1000 == pytest.approx(
        printed, rel=0.01
    )


def test_hashvalue_that_luxor_printed() -> None:
    # 12 January 2026: 0.00043143 BTC/PH/s/day at 146.4726T, fees 0.55% of the reward
    fees = 0.0055 / (1 - 0.0055)
    assert hashprice_of(146.4726e12, 1.0, 3.125, fees) == pytest.approx(0.00043143, rel=1e-3)


def test_at_its_shutdown_price_a_machine_earns_nothing() -> None:
    terms = Terms(Interval.exact(0.02), Interval.exact(1.1), FREE)
    stated = Stated(141.67e12, 76_000.0, 3.125, 0.006)
    first = line("S19 XP", 0.06, stated, terms)
    assert first.shutdown_price_usd_per_btc is not None
    there = replace(stated, price_usd_per_btc=first.shutdown_price_usd_per_btc.value)
    then = line("S19 XP", 0.06, there, terms)
    assert then.profit_usd_per_day.value == pytest.approx(0.0, abs=1e-9)
    assert then.break_even_usd_per_kwh.value == pytest.approx(0.06)
    assert then.shutdown_hashprice_usd_per_phs_day.value == pytest.approx(
        hash_economics(None, there).hashprice_usd_per_phs_day.value
    )


def test_pool_fee_and_overhead_raise_the_shutdown_price_by_their_factors() -> None:
    stated = Stated(141.67e12, 76_000.0, 3.125, 0.0)
    bare = line("S21", 0.05, stated).shutdown_price_usd_per_btc
    dear = line("S21", 0.05, stated, Terms(Interval.exact(0.04), Interval.exact(1.2), FREE))
    assert bare is not None
    assert dear.shutdown_price_usd_per_btc is not None
    assert dear.shutdown_price_usd_per_btc.value / bare.value == pytest.approx(1.2 / 0.96)
    assert energy_cost(20.0, 1.1, 0.05) == pytest.approx(20 * 24 / 1000 * 1.1 * 0.05)


def test_a_band_holds_every_combination_of_what_is_uncertain() -> None:
    rig = read_rigs().rig("M60")
    market = hash_economics(None, Stated(141.67e12, 76_000.0, 3.125, 0.0))
    found = shutdown_table([rig], [0.05], market, Terms(), None, NO_PATHS)[0]
    rng = np.random.default_rng(1)
    low, high = rig.nameplate_j_per_th.ends
    band = found.profit_usd_per_day
    assert band.low < band.value < band.high
    for _ in range(200):
        e, u, p = rng.uniform(low, high), rng.uniform(1.01, 1.2), rng.uniform(0, 0.04)
        earned = market.hashprice_usd_per_phs_day.value / 1000 * (1 - p)
        profit = (earned - e * 0.024 * u * 0.05) * rig.hashrate_ths
        assert band.low <= profit <= band.high
        even = earned / (e * 0.024 * u)
        assert found.break_even_usd_per_kwh.low <= even <= found.break_even_usd_per_kwh.high


def test_dixits_central_case() -> None:
    # Journal of Political Economy 97 (1989): w = 1, k = 4, rho = 0.025, sigma = 0.1, mu = 0:
    # entry at 1.4667, exit at 0.7657
    off, on = thresholds(Flow(0.0, 0.1, 0.025), 1 / 365.25, 4.0)
    assert on == pytest.approx(1.4667, abs=5e-5)
    assert off == pytest.approx(0.7657, abs=5e-5)


def test_switching_costs_hold_a_machine_where_it_is() -> None:
    flow = Flow(0.0, 0.5, 0.1)
    assert thresholds(flow, 3.6, 0.0) == (1.0, 1.0)
    spans = [thresholds(flow, 3.6, cost) for cost in (1.0, 20.0, 200.0)]
    assert all(off < 1 < on for off, on in spans)
    assert [off for off, _ in spans] == sorted((off for off, _ in spans), reverse=True)
    assert [on for _, on in spans] == sorted(on for _, on in spans)


@pytest.mark.parametrize(
    ("volatility", "drift", "discount"),
    [(0.0, 0.0, 0.1), (float("nan"), 0.0, 0.1), (0.5, 0.2, 0.1), (0.5, 0.0, 0.0)],
)
def test_a_flow_that_cannot_be_is_refused(volatility: float, drift: float, discount: float) -> None:
    with pytest.raises(UsageError):
        Flow(drift, volatility, discount)
    with pytest.raises(UsageError):
        thresholds(Flow(0.0, 0.5, 0.1), 0.001, 1e5)


def market_with(changes: np.ndarray, to_halving: float | None = None) -> HashEconomics:
    return replace(
        hash_economics(None, Stated(hashprice_usd_per_phs_day=40.0)),
        log_changes=changes,
        to_halving=to_halving,
    )


def paths(market: HashEconomics, flow: Flow | None = None, seed: int = 3) -> Paths:
    found = paths_of(market, seed, flow)
    assert isinstance(found, Paths)
    return found


def test_a_hashprice_that_stays_pays_back_by_arithmetic() -> None:
    still = paths(market_with(np.zeros(800)))
    # 0.04 - 0.015 USD/TH/s/day; 15 USD/TH/s: 600 days
    found = payback(still, 0.04, 0.015, rig_usd_per_ths=15.0)
    assert found.days is not None
    assert found.days.three == (600.0, 600.0, 600.0)
    # all of 1,000 paths: where a share that gives so many by chance 5% of the time begins
    assert found.share is not None
    assert found.share.three == pytest.approx((1.0, 0.05 ** (1 / 1000), 1.0))
    assert found.earned_usd_per_ths.value == pytest.approx(0.025 * HORIZON_DAYS)
    never = payback(still, 0.04, 0.015, rig_usd_per_ths=28.0)
    assert never.days is not None
    assert never.days.value == float("inf")
    assert never.share is not None
    assert never.share.three == pytest.approx((0.0, 0.0, 1 - 0.05 ** (1 / 1000)))
    off = payback(still, 0.04, 0.05)
    assert (off.earned_usd_per_ths.three, off.days, off.share) == ((0.0, 0.0, 0.0), None, None)


def test_the_subsidy_halves_when_it_is_due() -> None:
    factors = paths(market_with(np.zeros(800), to_halving=100.0)).factors
    assert np.all(factors[:, :100] == 1)
    # no fees are known: the middle has none
    assert np.all(factors[:, 100:] == 0.5)


def test_stated_volatility_gives_the_closed_forms_quantiles() -> None:
    flow = flow_of(np.empty(0), drift=0.0, volatility=0.5)
    assert flow is not None
    last = np.log(paths(market_with(np.empty(0)), flow).factors[:, -1])
    years = HORIZON_DAYS / 365.25
    assert last.mean() == pytest.approx(-0.125 * years, abs=4 * 0.5 * years**0.5 / 1000**0.5)
    assert last.std() == pytest.approx(0.5 * years**0.5, rel=0.1)


def test_paths_keep_the_records_own_drift_and_spread_and_are_the_same_for_a_seed() -> None:
    changes = np.random.default_rng(8).normal(-0.001, 0.03, 1400)
    market = market_with(changes)
    first, again = paths(market), paths(market)
    assert np.array_equal(first.factors, again.factors)
    assert not np.array_equal(first.factors, paths(market, seed=4).factors)
    assert first.drift == pytest.approx(changes.mean() * 365.25)
    spread = np.log(first.factors[:, -1]).std()
    # the days' own spread, and that of a drift known from 1,400 days
    expected = 0.03 * (HORIZON_DAYS * (1 + HORIZON_DAYS / 1400)) ** 0.5
    assert spread == pytest.approx(expected, rel=0.15)


def test_too_short_a_record_says_what_lacks() -> None:
    said = paths_of(market_with(np.zeros(40)), 1)
    assert isinstance(said, str)
    assert "40 daily changes" in said
    assert flow_of(np.zeros(40)) is None


def test_restarts_cost() -> None:
    changes = np.random.default_rng(8).normal(0.0, 0.05, 1400)
    drawn = paths(market_with(changes))
    free = payback(drawn, 0.04, 0.04).earned_usd_per_ths
    dear = payback(drawn, 0.04, 0.04, 0.2).earned_usd_per_ths
    assert dear.value < free.value
    assert dear.low < free.low


def test_between_the_thresholds_a_machine_does_what_it_did() -> None:
    revenue = np.array([[1.2, 1.0, 0.9, 0.7, 0.9, 1.1, 1.3, 1.0, 0.6], [0.9] * 9])
    found = payback(Paths(revenue, np.full((2, 4), 0.5)), 1.0, 1.0, 0.1, (0.8, 1.25))
    # on: days 0 to 2, off 3 to 5, on 6 and 7 with one restart; the other never starts
    first = 0.2 + 0.0 - 0.1 + 0.3 + 0.0 - 0.1
    ends = sorted((first, 0.0))
    assert found.earned_usd_per_ths.value == pytest.approx(np.mean(ends))
    greedy = payback(Paths(revenue, np.full((2, 4), 0.5)), 1.0, 1.0, 0.1).earned_usd_per_ths
    assert greedy.value == pytest.approx((0.2 + 0.1 + 0.3 - 0.1) / 2)


def test_waiting_between_thresholds_beats_switching_at_break_even() -> None:
    flow = Flow(0.0, 0.6, 0.1)
    drawn = paths(market_with(np.empty(0)), flow)
    restart, power = 0.15, 0.036
    wise = thresholds(flow, power * 140, restart * 140)
    patient = payback(drawn, 0.04, power, restart, wise).earned_usd_per_ths
    greedy = payback(drawn, 0.04, power, restart).earned_usd_per_ths
    assert patient.value > greedy.value


def test_thresholds_and_earnings_carry_the_bands_of_what_is_uncertain() -> None:
    market = hash_economics(None, Stated(141.67e12, 76_000.0, 3.125, 0.0))
    flow = flow_of(np.empty(0), volatility=0.5)
    assert flow is not None
    drawn = paths_of(market, 1, flow)
    rig = read_rigs().rig("S19 XP")
    (wide,) = shutdown_table([rig], [0.05], market, Terms(), flow, drawn)
    exact = Terms(*(Interval.exact(one.value) for one in (Terms().pool_fee, Terms().pue)), FREE)
    (narrow,) = shutdown_table([exactly(rig)], [0.05], market, exact, flow, drawn)
    off, on = wide.off_below_usd_per_btc, wide.on_above_usd_per_btc
    assert off is not None
    assert on is not None
    assert wide.shutdown_price_usd_per_btc is not None
    assert off.low < off.value < off.high < on.high
    assert off.value < wide.shutdown_price_usd_per_btc.value < on.value
    assert on.low < on.value
    # with no restart cost both are the break-even
    assert narrow.off_below_usd_per_btc == narrow.on_above_usd_per_btc
    assert narrow.off_below_usd_per_btc == narrow.shutdown_price_usd_per_btc
    assert isinstance(wide.earns, Payback)
    assert isinstance(narrow.earns, Payback)
    spans = [
        one.earned_usd_per_ths.high - one.earned_usd_per_ths.low
        for one in (wide.earns, narrow.earns)
    ]
    assert spans[0] > 0.9 * spans[1]


def test_each_path_has_its_own_place_in_a_band() -> None:
    drawn = paths(market_with(np.zeros(800)))
    found = drawn.within(Interval(2.0, 1.0, 4.0), 0)
    assert found.min() >= 1.0
    assert found.max() <= 4.0
    assert (found < 2.0).mean() == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(
    "stated",
    [
        {"difficulty": 0.0},
        {"price_usd_per_btc": -1.0},
        {"subsidy_btc": float("nan")},
        {"hashprice_usd_per_phs_day": float("inf")},
        {"fees_to_subsidy": -0.1},
    ],
)
def test_stated_inputs_that_cannot_be_are_refused(stated: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Stated(**stated)


@pytest.mark.parametrize(
    "terms",
    [
        {"pool_fee": Interval(1.0, 0.0, 1.0)},
        {"pue": Interval.exact(0.9)},
        {"restart_usd": Interval(-1.0, -1.0, 0.0)},
        {"rig_usd_per_ths": float("nan")},
    ],
)
def test_terms_that_cannot_be_are_refused(terms: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Terms(**terms)  # type: ignore[arg-type]


def test_without_a_record_or_inputs_it_says_what_lacks() -> None:
    with pytest.raises(NoMarket, match="no difficulty and no subsidy"):
        hash_economics(None, Stated(price_usd_per_btc=70_000.0))


def test_fees_that_are_not_known_widen_the_band_and_are_named() -> None:
    found = hash_economics(None, Stated(141.67e12, 76_000.0, 3.125))
    band = found.hashprice_usd_per_phs_day
    assert band.low == band.value
    assert band.high == pytest.approx(band.value * 1.1)
    assert any("fees" in one for one in found.lacks)
    assert not Stated(141.67e12, 76_000.0, 3.125).enough
    assert Stated(141.67e12, 76_000.0, 3.125, 0.0).enough
