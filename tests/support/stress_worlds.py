"""Simulated worlds in which the cause of a fall in hashrate is known. Nothing in them happened.

They are what attributions are checked against. Causes differ in how fast the hashrate falls and
returns, in which pools lose, in the season, in prices before it, and in the price of power; a part
of the evidence is missing at random. The ranges are broad and are not those that the attribution
assumes: shapes are smooth where it takes straight lines, lengths are even or log-even in ranges
where it takes log-normal ones, pools' machines are not where its list says, and prices are paths.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.chain.header_times import median_time_past
from hashcanary.chain.networks import MAIN
from hashcanary.chain.targets import difficulty_float64_column, encode_compact
from hashcanary.moments import DAY
from hashcanary.simulation.errors import UnusableScenario
from hashcanary.simulation.mining import Clocks, mine
from hashcanary.simulation.paths import HashratePath
from hashcanary.simulation.scenario import Exit
from hashcanary.store.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.simulation.mining import MinedChain

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

CAUSES = ("luck", "curtailment", "economics", "exit")
# days of history before a fall begins, and after it
BEFORE, AFTER = 75, 100
# no halving follows within a world's length
FIRST_HEIGHT = 2016 * 315
_HOURS = 24
_SUBSIDY = 12.5
_LIST = "simulated@000000000000"
_REGIONS = ("north-america", "china", "central-asia", "elsewhere")
# slug, typical share, and where its machines stand on average
_POOLS: tuple[tuple[str, float, tuple[float, ...]], ...] = (
    ("foundryusa", 0.28, (0.88, 0.02, 0.02, 0.08)),
    ("antpool", 0.19, (0.28, 0.32, 0.15, 0.25)),
    ("viabtc", 0.13, (0.17, 0.33, 0.22, 0.28)),
    ("f2pool", 0.11, (0.28, 0.27, 0.18, 0.27)),
    ("binancepool", 0.05, (0.15, 0.30, 0.25, 0.30)),
    ("marapool", 0.05, (0.85, 0.00, 0.00, 0.15)),
    ("spiderpool", 0.05, (0.12, 0.45, 0.18, 0.25)),
    ("luxor", 0.04, (0.72, 0.03, 0.05, 0.20)),
    ("secpool", 0.03, (0.15, 0.35, 0.20, 0.30)),
    ("sbicrypto", 0.02, (0.40, 0.05, 0.30, 0.25)),
    ("braiinspool", 0.02, (0.35, 0.05, 0.20, 0.40)),
    ("unknown", 0.03, (0.40, 0.20, 0.17, 0.23)),
)


@dataclass(frozen=True, slots=True)
class StressWorld:
    """One world: its cause, and a record of all of it, marked as simulated.

    start, down: Unix seconds at which the fall begins and is deepest (in a world of luck, moments
    like them); depth: fraction of the hashrate lost at the deepest, 0 under luck; region: that
    lost, empty where none did alone. missing: the evidence that the record lacks, of ``pools``,
    ``price``, ``power``.
    """

    cause: str
    start: int
    down: int
    depth: float
    region: str
    missing: tuple[str, ...]
    record: Record

    def known_at(self, time: int) -> Record:
        """What was known at a moment."""
        known = pl.col("known_at") <= time
        whole = self.record
        blocks = whole.blocks.filter(known)
        return Record(
            time,
            str(time),
            whole.network,
            True,
            blocks,
            whole.daily.filter(known),
            whole.candles.filter(known),
            whole.provenance,
            whole.pool_labels.filter(pl.col("height").is_in(blocks["height"].implode())),
            whole.pool_list,
        )


@dataclass(frozen=True, slots=True)
class _Fall:
    """How a fall goes. Times in days; region: index among ``_REGIONS``, -1 where all lose."""

    log_depth: float
    fall: float
    hold: float
    back: float
    returns: float
    region: int
    inside: float

    def shape(self, since: Floats) -> Floats:
        """0 before it, 1 at its deepest, at days ``since`` its beginning."""
        down = _smooth(since / self.fall)
        up = _smooth((since - self.fall - self.hold) / self.back)
        return np.asarray(down - self.returns * up)


def stress_world(
    cause: str, seed: int, missing: float = 0.25, left_for_good: float | None = None
) -> StressWorld:
    """A world of one of ``CAUSES``; each kind of evidence is missing with chance ``missing``.

    left_for_good: in a world of ``exit``, the fraction of the hashrate that leaves and, unlike in
    other worlds of exit, does not come back. Raises UnusableScenario.
    """
    if cause not in CAUSES:
        raise ValueError(f"expected one of {', '.join(CAUSES)}, found {cause}")
    if left_for_good is not None and cause != "exit":
        raise UnusableScenario(
            what="left_for_good",
            expected="a world of exit",
            found=f"one of {cause}",
            remedy="Leave it out.",
        )
    rng = np.random.default_rng([seed, CAUSES.index(cause), 7])
    fall = _fall(cause, rng)
    if left_for_good is not None:
        # what an exit takes is checked as a scenario's is
        share = Exit(0.0, left_for_good).share
        fall = replace(fall, log_depth=-np.log1p(-share), returns=0.0)
    start = _start(cause, rng)
    begin = start - BEFORE * DAY
    hours = np.arange((BEFORE + AFTER) * _HOURS + 1, dtype=np.float64)
    since = hours / _HOURS - BEFORE
    rate = 1e20 * np.exp(rng.uniform(-0.5, 2.0))
    usual = rate * np.exp(_wander(hours, rng))
    left, by_pool = _pools(fall, since, hours, rng)
    path = HashratePath(hours * 3600.0, usual * left)
    chain = mine(
        path,
        first_height=FIRST_HEIGHT,
        first_bits=encode_compact(int(2**256 / (usual[0] * MAIN.target_spacing))),
        start_time=begin,
        seed=seed,
        clocks=Clocks(60.0, 0.01, (-3000.0, 7000.0)),
    )
    gone = rng.random(3) < missing
    names = ("pools", "price", "power")
    lacks = tuple(name for name, one in zip(names, gone, strict=True) if one)
    heights = np.arange(FIRST_HEIGHT, FIRST_HEIGHT + chain.times.size, dtype=np.int64)
    pools = _labels(heights, chain.arrivals - begin, by_pool, rng)
    price = _price(cause, fall, int(chain.bits[0]), start, rng)
    power = _power(cause, fall, start, rng)
    record = Record(
        None,
        "latest",
        MAIN,
        True,
        _blocks(heights, chain),
        power.head(0) if "power" in lacks else power,
        price.head(0) if "price" in lacks else price,
        {"simulated": f"stress world, {cause}, seed {seed}"},
        pools.head(0) if "pools" in lacks else pools,
        None if "pools" in lacks else _LIST,
    )
    depth = 0.0 if cause == "luck" else float(-np.expm1(-fall.log_depth))
    region = _REGIONS[fall.region] if fall.region >= 0 and cause != "luck" else ""
    return StressWorld(cause, start, start + int(fall.fall * DAY), depth, region, lacks, record)


def _blocks(heights: Ints, chain: MinedChain) -> pl.DataFrame:
    past, known = median_time_past(chain.times, heights)
    unknown = dict.fromkeys(("total_fee", "tx_count", "size", "weight"), pl.lit(None, pl.Int64))
    return pl.DataFrame(
        {
            "height": heights,
            "time": chain.times,
            "bits": chain.bits,
            "median_time_past": pl.Series(past).set(pl.Series(~known), None),
            "known_at": np.maximum.accumulate(chain.times),
        }
    ).with_columns(**unknown, source=pl.lit("simulated"))


def _fall(cause: str, rng: np.random.Generator) -> _Fall:
    """Draw how a fall goes: the worlds' own ranges."""

    def log_even(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    depth = -np.log1p(-float(np.clip(np.exp(rng.normal(np.log(0.13), 0.6)), 0.03, 0.6)))
    if cause == "curtailment":
        region = int(rng.choice(4, p=(0.64, 0.15, 0.14, 0.07))) if rng.random() < 0.85 else -1
        return _Fall(
            depth,
            log_even(0.1, 2.5),
            log_even(0.4, 9.0),
            log_even(0.6, 9.0),
            rng.uniform(0.8, 1.0),
            region,
            rng.uniform(0.7, 1.0),
        )
    if cause == "economics":
        return _Fall(
            depth,
            log_even(3.0, 40.0),
            log_even(6.0, 70.0),
            log_even(10.0, 90.0),
            rng.uniform(0.5, 1.0),
            -1,
            0.0,
        )
    if cause == "exit":
        region = int(rng.choice(4, p=(0.22, 0.42, 0.28, 0.08))) if rng.random() < 0.92 else -1
        return _Fall(
            depth * rng.uniform(1.0, 2.0),
            log_even(0.8, 60.0),
            log_even(40.0, 300.0),
            log_even(40.0, 300.0),
            rng.uniform(0.3, 1.0),
            region,
            rng.uniform(0.75, 1.0),
        )
    return _Fall(0.0, 1.0, 1.0, 1.0, 1.0, -1, 0.0)


def _start(cause: str, rng: np.random.Generator) -> int:
    """When a fall begins: curtailment has its season. Unix seconds."""
    weight = np.ones(12)
    if cause == "curtailment":
        weight = np.array([2.4, 2.0, 0.7, 0.5, 0.4, 0.8, 1.1, 1.3, 0.8, 0.4, 0.5, 1.7])
    month = int(rng.choice(12, p=weight / weight.sum()))
    year = int(rng.integers(2022, 2026))
    first = np.datetime64(f"{year}-{month + 1:02d}-01", "s").astype(np.int64)
    return int(first) + int(rng.uniform(0, 28) * DAY)


def _wander(hours: Floats, rng: np.random.Generator) -> Floats:
    """Ordinary log hashrate: growth, and a random walk of some years' roughness or other's."""
    growth = rng.normal(0.35, 0.35) * hours / (24 * 365)
    three_hours = np.exp(rng.uniform(np.log(0.0006), np.log(0.0045)))
    steps = rng.normal(0, three_hours / np.sqrt(3), hours.size)
    return np.asarray(growth + np.cumsum(steps))


def _smooth(phase: Floats) -> Floats:
    return np.asarray((1 - np.cos(np.pi * np.clip(phase, 0.0, 1.0))) / 2, dtype=np.float64)


def _pools(
    fall: _Fall, since: Floats, hours: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """What is left of the network's hashrate, and each pool's share of it, hour by hour."""
    usual = np.array([share for _, share, _ in _POOLS])
    share = rng.dirichlet(usual * 60 / usual.sum())
    # shares move by themselves, pool by pool
    moves = rng.normal(0, 0.006, (hours.size // 24 + 1, usual.size)).cumsum(axis=0)
    share = share * np.exp(moves[(hours // 24).astype(np.int64)])
    share /= share.sum(axis=1, keepdims=True)
    places = np.array([rng.dirichlet(np.array(where) * 9 + 0.05) for _, _, where in _POOLS])
    lost = -np.expm1(-fall.log_depth * fall.shape(since))
    if fall.region < 0:
        unlike = rng.gamma(6.0, 1 / 6.0, usual.size)
        stopped = lost[:, None] * unlike / (share @ unlike)[:, None]
    else:
        there = places[:, fall.region]
        inside = np.minimum(fall.inside * lost / (share @ there), 0.95)
        rest = lost - inside * (share @ there)
        stopped = inside[:, None] * there + rest[:, None]
    kept = share * (1 - np.clip(stopped, 0.0, 0.98))
    return kept.sum(axis=1), kept / kept.sum(axis=1, keepdims=True)


def _labels(height: Ints, found: Floats, by_pool: Floats, rng: np.random.Generator) -> pl.DataFrame:
    """Who found each block. found: seconds since the beginning."""
    at = np.minimum((found / 3600.0).astype(np.int64), by_pool.shape[0] - 1)
    edges = np.cumsum(by_pool, axis=1)[at]
    chosen = (rng.random(height.size)[:, None] > edges).sum(axis=1)
    names = [slug for slug, _, _ in _POOLS]
    picked = [names[min(one, len(names) - 1)] for one in chosen.tolist()]
    return pl.DataFrame({"height": height, "pool": picked})


def _price(
    cause: str, fall: _Fall, bits: int, start: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Daily candles from half a year before the fall. Economics: a crash before it or beside it."""
    days = np.arange(-190, AFTER + 1)
    log = np.cumsum(rng.normal(0, rng.uniform(0.02, 0.035), days.size))
    log -= log[190]
    margin = rng.normal(0.75, 0.45)
    if cause == "economics":
        depth, length = rng.uniform(0.25, 0.65), rng.uniform(4, 45)
        # the crash is between two thirds and all done when the fall has gone down
        ends = fall.fall * rng.uniform(-0.3, 1.0)
        since = np.asarray((days - ends + length) / length, dtype=np.float64)
        log += np.log1p(-depth) * _smooth(since)
        margin = rng.normal(0.20, 0.30)
        log -= log[190 + min(int(fall.fall), AFTER)]
    machines = np.exp(rng.normal(0, 0.25))
    year = 1970 + start / (365.25 * DAY)
    # USD/PH/s/day that power costs: machines that get better by a fifth a year
    cost = 60.0 * np.exp(-0.205 * (year - 2021.0)) * machines
    difficulty = float(difficulty_float64_column(np.array([bits], dtype=np.int64))[0])
    coins = _SUBSIDY / 2 * DAY * 1e15 / (difficulty * 2**32)
    close = cost * np.exp(margin + log) / coins
    opens = (start // DAY + days.astype(np.int64)) * DAY
    return pl.DataFrame(
        {
            "market": ["BTC-USD"] * days.size,
            "interval": np.full(days.size, DAY, dtype=np.int64),
            "open_time": opens,
            **dict.fromkeys(("open", "high", "low", "close"), close),
            "volume": np.ones(days.size),
            "known_at": opens + DAY,
        }
    )


def _power(cause: str, fall: _Fall, start: int, rng: np.random.Generator) -> pl.DataFrame:
    """Daily prices of power in North America; a storm there makes it dear, mostly."""
    days = np.arange(-BEFORE, AFTER + 1)
    log = np.log(35.0) + 0.35 * rng.normal(size=days.size)
    log += 0.3 * np.convolve(rng.normal(size=days.size + 6), np.ones(7) / np.sqrt(7), "valid")
    if cause == "curtailment" and fall.region == 0 and rng.random() < 0.85:
        storm = (days >= 0) & (days <= fall.fall + fall.hold)
        log[storm] += rng.uniform(0.4, 2.5)
    day = np.arange(days.size) - BEFORE + start // DAY
    return pl.DataFrame(
        {
            "day": pl.Series(day.astype(np.int32)).cast(pl.Date),
            "vendor": ["ercot"] * days.size,
            "series": ["power_price_usd_per_mwh"] * days.size,
            "value": np.exp(log),
            "known_at": (day + 1) * DAY,
        }
    )
