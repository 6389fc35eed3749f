"""Shutdown prices beside those that others printed, what moves them, and how paths held.

``--write`` also writes the tables into docs/shutdown.md.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from inference_page import write_part
from real_data import real_data

from hashcanary.chain.networks import MAIN
from hashcanary.economics.hash_economics import HashEconomics, Stated, hash_economics
from hashcanary.economics.machines.rigs import Rig, read_rigs
from hashcanary.economics.power.prices import network_price, power_mix, read_power_prices
from hashcanary.economics.shutdown.switching import HORIZON_DAYS, Paths, paths_of
from hashcanary.economics.shutdown.table import Line, Terms, shutdown_table
from hashcanary.interval import Interval
from hashcanary.metrics.engine import metrics_of
from hashcanary.moments import DAY, iso_day, parse_moment
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.recording import record_of

PAGE = Path(__file__).resolve().parent.parent / "docs" / "shutdown.md"
ONE, NOTHING = Interval.exact(1.0), Interval.exact(0.0)
BARE = Terms(NOTHING, ONE, NOTHING)
RATE_2018 = 30_262 / 4_424
AT, RIG, POWER = "2026-02-03", "Antminer S19 XP", 0.05


def line(rig: Rig, power: float | Interval, market: HashEconomics, terms: Terms = BARE) -> Line:
    """One machine at one price of power, without paths."""
    return shutdown_table([rig], [power], market, terms, None, "not drawn")[0]


def printed_table() -> str:
    """Each printed figure, ours from the inputs that were stated with it, and the difference."""
    rig = read_rigs().rig
    s9 = replace(rig("S9"), efficiency_j_per_th=100.0)
    rows: list[tuple[str, str, float, float]] = []
    for what, machine, power, stated, printed in (
        (
            "ViaBTC, S19 at 0.077 USD/kWh, 17.62T, fees 1.3%",
            rig("S19"),
            0.077,
            Stated(17.62e12, 1e4, 6.25, 0.013),
            8_744.27,
        ),
        (
            "F2Pool, 6 September 2018, S9 of 100 J/TH at 0.45 CNY/kWh, 7.0192T",
            s9,
            0.45 / RATE_2018,
            Stated(7.0192e12, 1e4, 12.5, 0.0),
            4_424.0,
        ),
    ):
        price = line(machine, power, hash_economics(None, stated)).shutdown_price_usd_per_btc
        assert price is not None
        rows.append((what, "USD/BTC", printed, price.value))
    for what, machine, hashprice, printed in (
        ("VanEck, S19 XP at 62 USD/PH/s/day", rig("S19 XP"), 62.0, 0.12),
        ("VanEck, S19 XP at 39.5 USD/PH/s/day", rig("S19 XP"), 39.5, 0.077),
    ):
        found = line(
            machine, POWER, hash_economics(None, Stated(hashprice_usd_per_phs_day=hashprice))
        )
        rows.append((what, "USD/kWh", printed, found.break_even_usd_per_kwh.value))
    for source, efficiency, hashprice, printed in (
        ("the press", 17.5, 39.0, 93.0),
        ("Luxor", 17.0, 39.53, 97.0),
        ("Luxor", 22.0, 39.53, 75.0),
        ("Luxor", 32.0, 39.53, 51.0),
    ):
        machine = replace(rig("S21"), efficiency_j_per_th=efficiency)
        found = line(
            machine, POWER, hash_economics(None, Stated(hashprice_usd_per_phs_day=hashprice))
        )
        what = f"{source}, {efficiency:g} J/TH at {hashprice:g} USD/PH/s/day"
        rows.append((what, "USD/MWh", printed, found.revenue_usd_per_mwh.value))
    text = (
        "| printed by | unit | printed | from the same inputs | difference |\n|---|---|---|---|---|"
    )
    for what, unit, printed, ours in rows:
        text += f"\n| {what} | {unit} | {printed:,.6g} | {ours:,.6g} | {ours / printed - 1:+.2%} |"
    return text


def sensitivity_table(market: HashEconomics, power: Interval) -> str:
    """Shutdown price of one machine with one assumption at either end, the others in the middle."""
    rig, usual = read_rigs().rig(RIG), Terms()
    exact = replace(rig, nameplate_spread=0.0)
    middle = Terms(Interval.exact(usual.pool_fee.value), Interval.exact(usual.pue.value))
    calm = replace(
        market, hashprice_usd_per_phs_day=Interval.exact(market.hashprice_usd_per_phs_day.value)
    )

    def ends(one: Line) -> tuple[float, float]:
        assert one.shutdown_price_usd_per_btc is not None
        return one.shutdown_price_usd_per_btc.low, one.shutdown_price_usd_per_btc.high

    whole = line(rig, power, market, usual).shutdown_price_usd_per_btc
    stated = line(rig, power.value, market, usual).shutdown_price_usd_per_btc
    assert whole is not None
    assert stated is not None
    said = f"{power.low:.3f} to {power.high:.3f} USD/kWh"
    at = power.value
    rows = [
        (f"power price {said}", *ends(line(exact, power, calm, middle))),
        ("PUE 1.01 to 1.20", *ends(line(exact, at, calm, replace(middle, pue=usual.pue)))),
        ("nameplate 5% either way", *ends(line(rig, at, calm, middle))),
        (
            "pool fee 0 to 4%",
            *ends(line(exact, at, calm, replace(middle, pool_fee=usual.pool_fee))),
        ),
        ("fees of the last 30 days", *ends(line(exact, at, market, middle))),
        ("all but the power price, as where one's own is stated", stated.low, stated.high),
        ("all together", whole.low, whole.high),
    ]
    rows[:-2] = sorted(rows[:-2], key=lambda row: row[1] - row[2])
    text = (
        f"{RIG} at {at:.4f} USD/kWh, what the network's middle miner pays as known at {AT}: "
        f"{whole.value:,.0f} USD/BTC.\n\n"
        "| assumption | from, USD/BTC | to, USD/BTC | width of the middle |\n|---|---|---|---|"
    )
    for what, low, high in rows:
        text += f"\n| {what} | {low:,.0f} | {high:,.0f} | {(high - low) / whole.value:.1%} |"
    return text


def held_table(lake: Lake) -> str:
    """How often the paths' bands held what a hash earned over the three years that came."""
    frame = metrics_of(record_of(lake)).frame("day", ["hashprice.subsidy"])
    value = frame["hashprice.subsidy"].fill_null(np.nan).to_numpy()
    times = frame["time"].to_numpy()
    known = np.flatnonzero(np.isfinite(value))
    rows = []
    for start in range(int(known[0]) + 4 * 366, int(known[-1]) - HORIZON_DAYS, 91):
        moment = iso_day(int(times[start]) + DAY)
        market = hash_economics(record_of(lake, parse_moment(moment)))
        found = paths_of(replace(market, fees_to_subsidy=NOTHING), 1)
        if not isinstance(found, Paths) or market.day is None:
            continue
        at = int(np.searchsorted(times, market.day))
        came = np.nanmean(value[at + 1 : at + 1 + HORIZON_DAYS]) / value[at]
        drawn = found.factors.mean(axis=1)
        rows.append((market.day, float((drawn < came).mean())))
    levels = np.array([level for _, level in rows])
    text = (
        f"Mean hashprice of the next {HORIZON_DAYS} days over that of the start, {len(rows)} "
        f"starts from {iso_day(rows[0][0])} to {iso_day(rows[-1][0])}, 91 days apart; about "
        f"{(rows[-1][0] - rows[0][0]) / DAY / HORIZON_DAYS:.0f} of them do not overlap.\n\n"
        "| band of the paths | held |\n|---|---|"
    )
    for width in (0.5, 0.8, 0.9):
        inside = np.abs(levels - 0.5) <= width / 2
        text += f"\n| central {width:.0%} | {inside.sum()} of {len(rows)}, {inside.mean():.0%} |"
    return text + f"\n| above the median | {(levels > 0.5).mean():.0%} |"


def main() -> None:
    """Measure, print, and write where asked to."""
    home = Path(tempfile.mkdtemp()) / "lake"
    lake = load(Lake.create(home, MAIN), [real_data()], now=0).lake
    record = record_of(lake, parse_moment(AT))
    mix = power_mix(read_power_prices(), parse_moment(AT).time or 0, record.daily)
    text = "\n\n".join(
        (
            printed_table(),
            "What moves the price at which a machine stops:",
            sensitivity_table(hash_economics(record), network_price(mix)),
            "How the paths of the hashprice would have held:",
            held_table(lake),
        )
    )
    print(text)
    if "--write" in sys.argv:
        write_part("shutdown_tables", "Measured", text, PAGE)


if __name__ == "__main__":
    main()
