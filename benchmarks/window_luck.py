"""Luck: windows and drawdowns against simulation, comparisons against known truth, real windows.

``--write`` also writes the tables into docs/inference.md.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from inference_page import write_part
from retarget_forecast import record
from support.records import chain as chain_of
from support.records import record as simple_record
from support.worlds import START, WORLDS, world_chain, world_path

from hashcanary.chain.networks import MAIN
from hashcanary.chain.targets import work_float64_column
from hashcanary.inference.filter.bank import BANDS
from hashcanary.inference.filter.bank import LEVELS as BAND_ENDS
from hashcanary.inference.filter.observations import Blocks, blocks_of
from hashcanary.inference.gap.change import change_of, windows_around
from hashcanary.inference.gap.past_year import PastYears
from hashcanary.inference.luck.luck import window_luck
from hashcanary.inference.luck.windows import (
    between_blocks,
    between_times,
    some_drawdown,
    some_window,
)
from hashcanary.metrics.engine import metrics_of
from hashcanary.moments import DAY
from hashcanary.studies.episodes import find_episodes, with_luck
from hashcanary.views.text import chance, percent, wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hashcanary.store.record import Record

    Floats = NDArray[np.float64]

LEVELS = (0.5, 0.1, 0.01)
CHAINS, DAYS = 8, 400
# blocks of each chain before the first look, and between two
LEARNING, APART = 90 * 144, 1440
# windows of the real record that somebody spoke of: the first day and the day after the last
WINDOWS = (
    ("2021-06-25", "2021-07-02", "the week before the record fall of the difficulty"),
    ("2022-12-23", "2022-12-27", "winter storm Elliott"),
    ("2024-01-14", "2024-01-18", "Texas cold of January 2024"),
    ("2026-01-24", "2026-01-25", "one day of the winter storm"),
    ("2026-01-24", "2026-01-27", "its three worst days"),
    ("2026-01-23", "2026-01-30", "its week"),
    ("2025-12-10", "2025-12-16", "the days before 15 December 2025"),
)


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table of the page."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def steady_blocks(seed: int, days: int) -> Blocks:
    """A chain at a rate that never changes, with clocks that err."""
    chain = world_chain(world_path("steady", days, seed), seed)
    return as_blocks(chain.first_height, chain.times, chain.bits)


def as_blocks(first: int, times: NDArray[np.int64], bits: NDArray[np.int64]) -> Blocks:
    """Blocks without prices."""
    heights = np.arange(first, first + times.size, dtype=np.int64)
    return Blocks(heights, times, work_float64_column(bits), np.full(times.size, np.nan))


def p_values() -> str:
    """How often p-values are as small as they say, where luck is all there is."""
    found: dict[str, list[float]] = {"8 blocks": [], "144 blocks": [], "one day": []}
    for seed in range(4):
        blocks = steady_blocks(seed, DAYS)
        for at in range(3000, blocks.height.size - 200, 150):
            first, time = int(blocks.height[at]), float(blocks.time[at])
            windows = {
                "8 blocks": between_blocks(blocks, MAIN, first, first + 8),
                "144 blocks": between_blocks(blocks, MAIN, first, first + 144),
                "one day": between_times(blocks, MAIN, time + 7, time + 7 + DAY),
            }
            for name, window in windows.items():
                found[name].append(window_luck(blocks, MAIN, window).p_value)
    rows = []
    for name, values in found.items():
        cells = []
        for level in (0.5, 0.1, 0.01):
            error = (level * (1 - level) / len(values)) ** 0.5
            cells.append(f"{np.mean(np.array(values) <= level):.1%} ± {error:.1%}")
        rows.append((name, f"{len(values):,}", *cells))
    return table(("window", "windows", "p ≤ 50%", "p ≤ 10%", "p ≤ 1%"), rows)


def fewest(days: int, span: int, paths: int, rng: np.random.Generator) -> Floats:
    """The fewest blocks in any window of ``days`` within ``span`` days, at 144 a day."""
    found = np.empty(paths)
    for path in range(paths):
        times = np.sort(rng.uniform(0, span, rng.poisson(144 * span)))
        starts = times[times <= span - days]
        inside = np.searchsorted(times, starts + days) - np.searchsorted(times, starts, "right")
        found[path] = inside.min()
    return found


def deepest(days: int, span: int, paths: int, rng: np.random.Generator) -> Floats:
    """The deepest fall of a mean of ``days`` below its highest so far."""
    total = np.cumsum(np.pad(rng.poisson(144, (paths, span + days - 1)), ((0, 0), (1, 0))), axis=1)
    mean = (total[:, days:] - total[:, :-days]).astype(np.float64)
    return np.asarray((1 - mean / np.maximum.accumulate(mean, axis=1)).max(axis=1))


def scans() -> str:
    """What is stated of worst windows and of drawdowns within a year, against simulation."""
    rng = np.random.default_rng(1)
    rows = []
    for days in (1, 3, 7):
        lowest = fewest(days, 365, 3000, rng)
        for level in LEVELS:
            count = int(np.quantile(lowest, level))
            simulated = float((lowest <= count).mean())
            stated = float(some_window(count, np.array(144.0 * days), 365 / days))
            what = (
                f"{count} blocks or fewer in some {days} days"
                if days > 1
                else (f"{count} blocks or fewer in some day's length")
            )
            rows.append(compare_row(what, stated, simulated, lowest.size))
    for days in (7, 30, 60):
        falls = deepest(days, 365, 10_000, rng)
        for level in LEVELS:
            depth = float(np.quantile(falls, 1 - level))
            simulated = float((falls >= depth).mean())
            stated = float(
                some_drawdown(
                    np.array([depth]),
                    np.array([144.0 * days]),
                    np.array([365.0]),
                    np.array([float(days)]),
                    "time",
                )[0]
            )
            what = f"{days}-day mean {percent(depth)} below its highest"
            rows.append(compare_row(what, stated, simulated, falls.size))
    return table(("within a year, at 144 a day", "stated", "simulated"), rows)


def compare_row(what: str, stated: float, simulated: float, size: int) -> tuple[str, ...]:
    """A row with the simulation's own error."""
    error = (simulated * (1 - simulated) / size) ** 0.5
    return what, f"{stated:.2%}", f"{simulated:.2%} ± {error:.2%}"


def comparisons() -> str:
    """How often bands of the change from 30 days before hold the truth, as known at each look."""
    rows = []
    for world in WORLDS:
        chains = [held(world, seed) for seed in range(CHAINS)]
        for name, moved in (("all looks", False), ("changes of 5% and more", True)):
            each = [one[one[:, 3] >= 0.05] if moved else one for one in chains]
            shares = np.array([one[:, :3].mean(axis=0) for one in each if len(one)])
            if len(shares) < CHAINS // 2:
                continue
            error = shares.std(axis=0, ddof=1) / len(shares) ** 0.5
            cells = [f"{a:.1%} ± {b:.1%}" for a, b in zip(shares.mean(axis=0), error, strict=True)]
            rows.append((world, name, str(sum(map(len, each))), *cells))
    heads = tuple(f"{band:.0%} band holds" for band in BANDS)
    return table(("world", "what", "looks", *heads), rows)


def held(world: str, seed: int) -> Floats:
    """(looks, 4): whether each band held, and how large the true change was."""
    path = world_path(world, DAYS, seed)
    chain = world_chain(path, seed)
    mined = as_record(chain.times.tolist(), chain.first_height, chain.bits.tolist())
    blocks, years, looks = blocks_of(mined), PastYears(mined), []
    for end in range(LEARNING, blocks.height.size - 1, APART):
        known = blocks.part(0, end)
        last = float(known.time.max())
        then, now = (last - 33 * DAY, last - 30 * DAY), (last - 3 * DAY, last)
        found = change_of(years.around(windows_around(known, then, now)), then, now)
        late, early = (
            float(np.interp(np.linspace(*span, 60) - START, path.times, np.log(path.rates)).mean())
            for span in (now, then)
        )
        bounds = np.log1p(found.quantiles(BAND_ENDS))
        inside = [bounds[at] <= late - early <= bounds[6 - at] for at in (2, 1, 0)]
        looks.append([*inside, abs(late - early)])
    return np.array(looks, dtype=np.float64)


def as_record(times: list[int], first: int, bits: list[int]) -> Record:
    """A record of blocks alone."""
    return simple_record(chain_of(times, first, bits), simulated=True)


def real_windows(real: Record) -> str:
    """Windows of the record that were spoken of."""
    rows, blocks = [], blocks_of(real)
    for start, end, what in WINDOWS:
        window = between_times(blocks, real.network, seconds(start), seconds(end))
        luck = window_luck(blocks, real.network, window)
        rows.append(
            (
                f"{start} to {end}: {what}",
                str(luck.window.blocks),
                f"{luck.expected:.0f}",
                f"{percent(luck.change, signed=True)} ({percent(luck.low, signed=True)} to "
                f"{percent(luck.high, signed=True)})",
                f"{luck.p_value:.1e}" if luck.p_value < 0.001 else f"{luck.p_value:.1%}",
                wait(luck.once_in_years),
            )
        )
    heads = ("window (UTC)", "blocks", "expected", "change (95%)", "p-value of the window")
    return table((*heads, "return period of such a window"), rows)


def seconds(date: str) -> float:
    """Start of a UTC day, Unix seconds."""
    return datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()


def ribbons(real: Record) -> str:
    """The record's longer inversions since 2018 beside what luck does."""
    metrics = metrics_of(real)
    study = with_luck(metrics, find_episodes(metrics, simulated=False))[0]
    rows = []
    for one in study.episodes:
        if one.days < 20 or one.start < seconds("2018-01-01") or one.luck is None:
            continue
        luck, fall = one.luck.inversion, one.luck.fall
        assert luck is not None
        assert luck.as_deep is not None
        assert luck.lowest is not None
        rows.append(
            (
                f"{datetime.fromtimestamp(one.start, UTC):%Y-%m-%d}",
                str(one.days),
                percent(luck.lowest, signed=True),
                chance(luck.as_long.per_year, luck.as_long.at_most),
                chance(luck.as_deep.per_year, luck.as_deep.at_most),
                "" if one.depth is None else percent(one.depth.value, signed=True),
                "" if fall is None else wait(fall.once_in_years),
            )
        )
    own = study.luck
    assert own is not None
    observed = len(study.episodes) / (float(own.known.sum()) / 365.25)
    text = (
        f"SIMULATED: in {own.worlds} networks that grow as the record did and never fall, luck "
        f"alone inverts the ribbons {own.per_year:.1f} times a year ({own.low:.0f} to "
        f"{own.high:.0f} in four years of five), {own.weeks_per_year:.1f} times for a week or "
        f"more; the record has {observed:.1f} a year. The chances are those of at least one such "
        "inversion in a year, among those within a year of its start.\n\n"
    )
    heads = ("inversion from", "days", "oscillator's lowest", "as long by noise", "as low by noise")
    return text + table((*heads, "30-day mean below its peak", "return period"), rows)


def page() -> str:
    """All tables with what they mean."""
    real = record()
    return "\n\n".join(
        (
            "SIMULATED, at a rate that never changes, clocks erring: how often the p-value of a "
            "window is as small as it says (± one binomial standard error), against the 2,016 "
            "blocks before it.",
            p_values(),
            "SIMULATED: what is stated of the worst window and of the deepest drawdown of a year.",
            scans(),
            f"SIMULATED, {CHAINS} chains of {DAYS} days in each world: how often the bands of the "
            "change of the hashrate, the last three days against three days a month before, hold "
            "the truth (± one standard error over chains).",
            comparisons(),
            "The record: windows that were spoken of.",
            real_windows(real),
            ribbons(real),
        )
    )


def main() -> int:
    """Print the tables, or write them."""
    text = page()
    sys.stdout.write(text + "\n")
    if "--write" in sys.argv[1:]:
        write_part("window_luck", "Luck", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
