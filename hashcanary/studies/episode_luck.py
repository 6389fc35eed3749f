"""What luck alone does, beside each episode: its length, its depth, the fall it lies in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.studies.fall_luck import Fall, luck_of_falls
from hashcanary.studies.ribbon_luck import ribbon_luck

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.inference.luck.luck import FallLuck
    from hashcanary.metrics.engine import Results
    from hashcanary.studies.episodes import Episode, EpisodeStudy
    from hashcanary.studies.ribbon_luck import InversionLuck, RibbonLuck

# the drawdown whose depth an episode of each rule tells
_SMOOTHING = {"ribbon": "sma30", "epoch": "epoch"}


@dataclass(frozen=True, slots=True)
class EpisodeLuck:
    """fall: of its depth; inversion: SIMULATED, of an inversion of the ribbons, None for others."""

    fall: FallLuck | None
    inversion: InversionLuck | None


def with_luck(results: Results, studies: Sequence[EpisodeStudy]) -> tuple[EpisodeStudy, ...]:
    """The studies with the luck of each episode, and of the ribbons where they are the rule.

    Needs the results that ``find_episodes`` needs.
    """
    return tuple(_with_luck(results, study) for study in studies)


def _with_luck(results: Results, study: EpisodeStudy) -> EpisodeStudy:
    ribbons = ribbon_luck(results) if study.rule.name == "ribbon" else None
    lowest = _lowest(results, study.episodes) if ribbons else {}
    falls = [
        None if one.depth is None else Fall(one.depth.value, one.depth.time, one.depth.peak_time)
        for one in study.episodes
    ]
    luck = luck_of_falls(results, _SMOOTHING[study.rule.name], falls)
    episodes = tuple(
        replace(one, luck=EpisodeLuck(fall, _inversion(ribbons, one, lowest.get(one.start))))
        for one, fall in zip(study.episodes, luck, strict=True)
    )
    return replace(study, episodes=episodes, luck=ribbons)


def _inversion(
    ribbons: RibbonLuck | None, episode: Episode, lowest: float | None
) -> InversionLuck | None:
    return None if ribbons is None else ribbons.of(episode.start, episode.days, lowest)


def _lowest(results: Results, episodes: Sequence[Episode]) -> dict[int, float]:
    """The lowest oscillator of each inversion, by its start."""
    rows = results["ribbon.oscillator"].rows.select("time", "value")
    starts = pl.Series("start", [one.start for one in episodes], dtype=pl.Int64)
    inside = rows.join_asof(
        pl.DataFrame({"start": starts}), left_on="time", right_on="start", strategy="backward"
    ).filter(pl.col("value") < 0, pl.col("start").is_not_null())
    lowest = inside.group_by("start").agg(pl.col("value").min())
    return dict(lowest.select("start", "value").iter_rows())
