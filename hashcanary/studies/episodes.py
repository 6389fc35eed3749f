"""Episodes: every capitulation in the record, how deep, how long, and what the price did next.

Two rules find them, each on what was known when:

- ``ribbon``: from the first day on which the 30-day mean of the daily hashrate is below its
  60-day mean (an inversion) to the first day on which it no longer is (the recovery).
- ``epoch``: from the first difficulty epoch whose average hashrate is 7.5% or more below the
  highest epoch average so far, to the first one that is within 7.5% again. An epoch's average has
  a standard error of 2.2% and the peak is picked by luck too: in a network that grows by 30% a
  year without any stress, luck alone opens 0.1 such episodes a year (0.9 at a threshold of 5%).

1. A rule gives one row a day or an epoch: inside or not (unknown where the metric is missing).
2. Consecutive rows inside are an episode. Unknown rows do not end it; they are counted.
3. A row enters only once it was final. Prices are the first daily ones at or after that moment,
   so that nobody is assumed to have acted before it was known.
4. An episode that has not ended when the record ends is open: it has no end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.moments import DAY
from hashcanary.studies.forward_returns import (
    HORIZONS,
    DailyPrices,
    ForwardReturn,
    ForwardSummary,
    forward_returns,
    summarise,
)
from hashcanary.studies.luck import Drawdown, luck_of_drawdowns, ribbon_luck

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hashcanary.inference.luck.luck import DrawdownLuck
    from hashcanary.metrics.engine import Metrics
    from hashcanary.studies.luck import InversionLuck, RibbonLuck

EPOCH_THRESHOLD = 0.075
SHORT_DAYS = 7
# the drawdown whose depth an episode of each rule tells
_SMOOTHING = {"ribbon": "sma30", "epoch": "epoch"}


@dataclass(frozen=True, slots=True)
class Rule:
    """How episodes are found, in words, and where the rule comes from."""

    name: str
    title: str
    definition: str
    source: str


RIBBON = Rule(
    "ribbon",
    "Hash ribbon inversions",
    "from the first day on which hashrate.sma30 is below hashrate.sma60 to the first day on "
    "which it no longer is; depth: lowest drawdown.sma30 on the days between",
    "C. Edwards, Hash Ribbons & Bitcoin Bottoms, 2019",
)
EPOCH = Rule(
    "epoch",
    "Epoch-average drawdowns",
    f"from the first difficulty epoch whose average hashrate is {EPOCH_THRESHOLD:.1%} or more "
    "below the highest epoch average so far to the first one within that again; depth: lowest "
    "drawdown.epoch of the epochs between",
    "hashcanary; at this threshold block arrivals alone open 0.1 episodes a year under growth of "
    "30% a year",
)


@dataclass(frozen=True, slots=True)
class Depth:
    """The deepest fall below the running peak: a fraction below 0, with its interval.

    low, high: the interval of the drawdown metric. time, peak_time: start of the row of the
    deepest fall and of the peak it is measured from, Unix seconds. peak: hashrate there, H/s.
    """

    value: float
    low: float
    high: float
    time: int
    peak: float
    peak_time: int


@dataclass(frozen=True, slots=True)
class EpisodeLuck:
    """fall: of its depth; inversion: SIMULATED, of an inversion of the ribbons, None for others."""

    fall: DrawdownLuck | None
    inversion: InversionLuck | None


@dataclass(frozen=True, slots=True)
class Episode:
    """One capitulation. Times are Unix seconds UTC, prices USD.

    start, end: start of the first row inside and of the first row after it (None while open);
    start_known, end_known: when each was known. days: from start to end, while open to the end of
    the last known row. days_since_previous: from the end of the episode before; a short pause
    means that one inversion flickered. unknown_rows: rows inside of which nothing is known.
    censored: the row before its start or its end is unknown, so either may lie earlier.
    rank: by depth within the rule, 1 the deepest. basis: what it rests on, ``blocks``,
    ``vendor`` or ``blocks and vendor``. price_start, price_end: the first daily price once start
    and end were known; after_start and after_end are counted from these days. luck: what luck alone
    does, None where it was not asked for.
    """

    rule: str
    start: int
    start_known: int
    end: int | None
    end_known: int | None
    days: int
    days_since_previous: int | None
    depth: Depth | None
    rank: int | None
    price_start: float | None
    price_end: float | None
    after_start: tuple[ForwardReturn, ...]
    after_end: tuple[ForwardReturn, ...]
    basis: str
    unknown_rows: int
    censored: bool
    simulated: bool
    luck: EpisodeLuck | None = None

    @property
    def open(self) -> bool:
        """Whether it had not ended when the record ends."""
        return self.end is None


@dataclass(frozen=True, slots=True)
class EpisodeStudy:
    """All episodes by one rule, ascending by start, and what followed them together.

    short: how many ended within 7 days; they are episodes by the rule, most of them luck.
    covered_from, covered_to: Unix seconds between which the rule can be applied, None where it
    never can; gaps: ranges inside of that in which it cannot. luck: how often luck alone inverts
    the ribbons, None for another rule or where it was not asked for.
    """

    rule: Rule
    episodes: tuple[Episode, ...]
    short: int
    covered_from: int | None
    covered_to: int | None
    gaps: tuple[tuple[int, int], ...]
    after_start: tuple[ForwardSummary, ...]
    after_end: tuple[ForwardSummary, ...]
    simulated: bool
    luck: RibbonLuck | None = None

    @property
    def current(self) -> Episode | None:
        """The open episode, None when there is none."""
        last = self.episodes[-1] if self.episodes else None
        return last if last is not None and last.open else None


def find_episodes(metrics: Metrics, *, simulated: bool) -> tuple[EpisodeStudy, ...]:
    """Episodes by every rule.

    Metrics of a record cut at t give what could be known at t: the last episode is then open if
    it was. Raises KeyError when a required metric was not computed.
    """
    prices = DailyPrices(metrics["price"].rows)
    return (
        _study(RIBBON, ribbon_rows(metrics), prices, simulated=simulated),
        _study(EPOCH, epoch_rows(metrics), prices, simulated=simulated),
    )


def ribbon_rows(metrics: Metrics) -> pl.DataFrame:
    """One row a day, by the ribbon rule: see ``_ROW``."""
    state = metrics["ribbon.state"].rows.select(
        "time",
        "known_at",
        "basis",
        until=pl.col("time") + DAY,
        inside=pl.col("value") == "inverted",
    )
    return _with_depth(state, metrics["drawdown.sma30"].rows, metrics["hashrate.sma30"].rows)


def epoch_rows(metrics: Metrics) -> pl.DataFrame:
    """One row an epoch, by the drawdown rule at ``EPOCH_THRESHOLD``: see ``_ROW``."""
    drawdown = metrics["drawdown.epoch"].rows
    state = drawdown.select(
        "time",
        "known_at",
        "basis",
        until=pl.col("known_at"),
        inside=pl.col("value") <= -EPOCH_THRESHOLD,
    )
    return _with_depth(state, drawdown, metrics["hashrate.epoch"].rows)


_ROW = ("time", "until", "inside", "known_at", "basis", "depth", "low", "high", "peak", "peak_time")


def _with_depth(
    state: pl.DataFrame, drawdown: pl.DataFrame, hashrate: pl.DataFrame
) -> pl.DataFrame:
    """Columns ``_ROW``: times in Unix seconds, ``inside`` boolean or null, depths fractions."""
    depth = drawdown.select("time", "low", "high", "peak_time", depth=pl.col("value"))
    peak = hashrate.select(peak_time="time", peak="value")
    return (
        state.join(depth, on="time", how="left", maintain_order="left")
        .join(peak, on="peak_time", how="left", maintain_order="left")
        .select(_ROW)
    )


def _study(rule: Rule, rows: pl.DataFrame, prices: DailyPrices, *, simulated: bool) -> EpisodeStudy:
    known = rows.filter(pl.col("inside").is_not_null())
    found = [
        _episode(rule, rows, span, prices, simulated=simulated)
        for span in spans(rows["inside"].to_list())
    ]
    starts = [_day_known(episode.start_known) for episode in found]
    ends = [_day_known(episode.end_known) for episode in found if episode.end_known is not None]
    return EpisodeStudy(
        rule=rule,
        episodes=_ranked(_spaced(found)),
        short=sum(1 for episode in found if not episode.open and episode.days < SHORT_DAYS),
        covered_from=known["time"][0] if known.height else None,
        covered_to=known["until"][-1] if known.height else None,
        gaps=_gaps(rows),
        after_start=tuple(summarise(prices, starts, horizon) for horizon in HORIZONS),
        after_end=tuple(summarise(prices, ends, horizon) for horizon in HORIZONS),
        simulated=simulated,
    )


def spans(inside: Sequence[bool | None]) -> Iterator[tuple[int, int | None]]:
    """Runs of rows inside: index of the first, and of the first known row after (None: open)."""
    start: int | None = None
    for index, state in enumerate(inside):
        if state and start is None:
            start = index
        elif state is False and start is not None:
            yield start, index
            start = None
    if start is not None:
        yield start, None


def _episode(
    rule: Rule,
    rows: pl.DataFrame,
    span: tuple[int, int | None],
    prices: DailyPrices,
    *,
    simulated: bool,
) -> Episode:
    first, after = span
    within = rows[first : _last_known(rows) + 1 if after is None else after]
    known = within.filter(pl.col("inside").is_not_null())
    start, start_known = int(rows["time"][first]), int(rows["known_at"][first])
    end = None if after is None else int(rows["time"][after])
    end_known = None if after is None else int(rows["known_at"][after])
    signal = _day_known(start_known)
    recovery = None if end_known is None else _day_known(end_known)
    return Episode(
        rule=rule.name,
        start=start,
        start_known=start_known,
        end=end,
        end_known=end_known,
        days=((int(within["until"][-1]) if end is None else end) - start) // DAY,
        days_since_previous=None,
        depth=_deepest(within),
        rank=None,
        price_start=prices.on(signal),
        price_end=None if recovery is None else prices.on(recovery),
        after_start=forward_returns(prices, signal),
        after_end=() if recovery is None else forward_returns(prices, recovery),
        basis=" and ".join(sorted(known["basis"].unique().to_list())),
        unknown_rows=within.height - known.height,
        censored=_after_unknown(rows, first) or (after is not None and _after_unknown(rows, after)),
        simulated=simulated,
    )


def _last_known(rows: pl.DataFrame) -> int:
    return int(rows["inside"].is_not_null().arg_true()[-1])


def _after_unknown(rows: pl.DataFrame, index: int) -> bool:
    """Whether nothing is known of the row before ``index``."""
    return index == 0 or rows["inside"][index - 1] is None


def _day_known(known_at: int) -> int:
    """Day number of the first daily price at or after a moment; midnight ends the day before."""
    return (known_at - 1) // DAY


def _deepest(within: pl.DataFrame) -> Depth | None:
    """The row of the lowest drawdown, the first of equals; None where no depth is known."""
    inside = within.filter(pl.col("inside"), pl.col("depth").is_not_null())
    if inside.height == 0:
        return None
    row = inside.row(int(inside["depth"].arg_min() or 0), named=True)
    return Depth(
        value=row["depth"],
        low=row["low"],
        high=row["high"],
        time=row["time"],
        peak=row["peak"],
        peak_time=row["peak_time"],
    )


def _spaced(found: list[Episode]) -> list[Episode]:
    """Each episode with the days since the one before it."""
    spaced = found[:1]
    for before, episode in pairwise(found):
        pause = None if before.end is None else (episode.start - before.end) // DAY
        spaced.append(replace(episode, days_since_previous=pause))
    return spaced


def _ranked(found: list[Episode]) -> tuple[Episode, ...]:
    """Each episode with its rank by depth; those without a depth have none."""
    depths = sorted(episode.depth.value for episode in found if episode.depth)
    return tuple(
        replace(episode, rank=depths.index(episode.depth.value) + 1) if episode.depth else episode
        for episode in found
    )


def _gaps(rows: pl.DataFrame) -> tuple[tuple[int, int], ...]:
    """Ranges (Unix seconds) between known rows in which the rule cannot be applied."""
    known = rows.filter(pl.col("inside").is_not_null()).select("time")["time"].to_list()
    if not known:
        return ()
    covered = rows.filter(pl.col("time").is_between(known[0], known[-1])).with_columns(
        unknown=pl.col("inside").is_null()
    )
    runs = covered.with_columns(
        run=pl.col("unknown").rle_id(), next_time=pl.col("time").shift(-1)
    ).filter("unknown")
    spans_of_runs = runs.group_by("run", maintain_order=True).agg(
        pl.col("time").first(), pl.col("next_time").last()
    )
    return tuple((int(a), int(b)) for a, b in spans_of_runs.select("time", "next_time").iter_rows())


def with_luck(metrics: Metrics, studies: Sequence[EpisodeStudy]) -> tuple[EpisodeStudy, ...]:
    """The studies with the luck of each episode, and of the ribbons where they are the rule."""
    return tuple(_with_luck(metrics, study) for study in studies)


def _with_luck(metrics: Metrics, study: EpisodeStudy) -> EpisodeStudy:
    ribbons = ribbon_luck(metrics) if study.rule.name == "ribbon" else None
    lowest = _lowest(metrics, study.episodes) if ribbons else {}
    falls = [
        None
        if one.depth is None
        else Drawdown(one.depth.value, one.depth.time, one.depth.peak_time)
        for one in study.episodes
    ]
    luck = luck_of_drawdowns(metrics, _SMOOTHING[study.rule.name], falls)
    episodes = []
    for one, fall in zip(study.episodes, luck, strict=True):
        deepest = lowest.get(one.start)
        inversion = None if ribbons is None else ribbons.of(one.start, one.days, deepest)
        episodes.append(replace(one, luck=EpisodeLuck(fall, inversion)))
    return replace(study, episodes=tuple(episodes), luck=ribbons)


def _lowest(metrics: Metrics, episodes: Sequence[Episode]) -> dict[int, float]:
    """The lowest oscillator of each inversion, by its start."""
    rows = metrics["ribbon.oscillator"].rows.select("time", "value")
    starts = pl.Series("start", [one.start for one in episodes], dtype=pl.Int64)
    inside = rows.join_asof(
        pl.DataFrame({"start": starts}), left_on="time", right_on="start", strategy="backward"
    ).filter(pl.col("value") < 0, pl.col("start").is_not_null())
    lowest = inside.group_by("start").agg(pl.col("value").min())
    return dict(lowest.select("start", "value").iter_rows())
