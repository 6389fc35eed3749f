"""Episodes as plain rows and frames, for CSV, JSON and charts; units stand in the names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from hashcanary.moments import iso_day
from hashcanary.studies.drawdown_luck import DEFINITION as DRAWDOWN_LUCK
from hashcanary.studies.forward_returns import HORIZONS, INTERVAL
from hashcanary.studies.ribbon_luck import DEFINITION as RIBBON_LUCK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hashcanary.studies.episodes import Depth, Episode, EpisodeLuck, EpisodeStudy
    from hashcanary.studies.forward_returns import ForwardReturn, ForwardSummary
    from hashcanary.studies.ribbon_luck import Chance, RibbonLuck

_HEAD = {
    "rule": pl.String(),
    "rank": pl.Int64(),
    "start": pl.String(),
    "start_known": pl.String(),
    "end": pl.String(),
    "end_known": pl.String(),
    "open": pl.Boolean(),
    "days": pl.Int64(),
    "days_since_previous": pl.Int64(),
    "depth_fraction": pl.Float64(),
    "depth_low_fraction": pl.Float64(),
    "depth_high_fraction": pl.Float64(),
    "depth_on": pl.String(),
    "peak_hashes_per_second": pl.Float64(),
    "peak_on": pl.String(),
    "depth_by_luck_once_in_years": pl.Float64(),
    "oscillator_lowest_fraction": pl.Float64(),
    "simulated_luck_as_long_per_year_fraction": pl.Float64(),
    "simulated_luck_as_long_at_most_fraction": pl.Float64(),
    "simulated_luck_as_long_in_record_fraction": pl.Float64(),
    "simulated_luck_as_deep_per_year_fraction": pl.Float64(),
    "simulated_luck_as_deep_at_most_fraction": pl.Float64(),
    "simulated_luck_as_deep_in_record_fraction": pl.Float64(),
    "price_start_usd": pl.Float64(),
    "price_end_usd": pl.Float64(),
}
_TAIL = {
    "basis": pl.String(),
    "unknown_rows": pl.Int64(),
    "censored": pl.Boolean(),
    "simulated": pl.Boolean(),
}


def _return_columns(moment: str) -> dict[str, pl.DataType]:
    columns: dict[str, pl.DataType] = {}
    for days in HORIZONS:
        columns[f"after_{moment}_{days}d_fraction"] = pl.Float64()
        columns[f"after_{moment}_{days}d_missing"] = pl.String()
    return columns


SCHEMA: dict[str, pl.DataType] = {
    **_HEAD,
    **_return_columns("start"),
    **_return_columns("end"),
    **_TAIL,
}
"""Columns of a row of episodes; dates are UTC days, fractions are of 1, prices USD."""

_OPEN = "the episode is still open"


def episode_row(episode: Episode) -> dict[str, object]:
    """One episode with the columns of ``SCHEMA``, in its order."""
    row: dict[str, object] = {
        "rule": episode.rule,
        "rank": episode.rank,
        "start": iso_day(episode.start),
        "start_known": iso_day(episode.start_known - 1),
        "end": _day(episode.end),
        "end_known": _day(episode.end_known and episode.end_known - 1),
        "open": episode.open,
        "days": episode.days,
        "days_since_previous": episode.days_since_previous,
        **_depth(episode.depth),
        **_luck(episode.luck),
        "price_start_usd": episode.price_start,
        "price_end_usd": episode.price_end,
        **_returns("start", episode.after_start),
        **_returns("end", episode.after_end),
        "basis": episode.basis,
        "unknown_rows": episode.unknown_rows,
        "censored": episode.censored,
        "simulated": episode.simulated,
    }
    return {name: row[name] for name in SCHEMA}


def to_rows(studies: Iterable[EpisodeStudy]) -> list[dict[str, object]]:
    """Every episode of the studies, in their order."""
    return [episode_row(episode) for study in studies for episode in study.episodes]


def to_frame(studies: Iterable[EpisodeStudy]) -> pl.DataFrame:
    """``to_rows`` as a frame with the types of ``SCHEMA``, also when there is no episode."""
    return pl.DataFrame(to_rows(studies), schema=SCHEMA)


def study_summary(study: EpisodeStudy) -> dict[str, object]:
    """What a study says beside its episodes, as plain values."""
    return {
        "rule": study.rule.name,
        "title": study.rule.title,
        "definition": study.rule.definition,
        "source": study.rule.source,
        "episodes": len(study.episodes),
        "shorter_than_7_days": study.short,
        "open": study.current is not None,
        "covered_from": _day(study.covered_from),
        "covered_to": _day(study.covered_to and study.covered_to - 1),
        "gaps": [{"from": iso_day(a), "to": iso_day(b - 1)} for a, b in study.gaps],
        "after_start": [_summary(summary) for summary in study.after_start],
        "after_end": [_summary(summary) for summary in study.after_end],
        "interval": INTERVAL,
        "depth_by_luck": DRAWDOWN_LUCK,
        "inversions_by_luck": _ribbon_luck(study.luck),
        "simulated": study.simulated,
    }


def _summary(summary: ForwardSummary) -> dict[str, object]:
    return {
        "days": summary.horizon_days,
        "events": summary.events,
        "measured": summary.measured,
        "mean_fraction": summary.mean,
        "median_fraction": summary.median,
        "positive": summary.positive,
        "independent": summary.independent,
        "share_positive_fraction": summary.share_positive,
        "low_fraction": summary.low,
        "high_fraction": summary.high,
        "any_day_share_positive_fraction": summary.base_share,
        "any_day_independent": summary.base_independent,
    }


def _depth(depth: Depth | None) -> dict[str, object]:
    return {
        "depth_fraction": None if depth is None else depth.value,
        "depth_low_fraction": None if depth is None else depth.low,
        "depth_high_fraction": None if depth is None else depth.high,
        "depth_on": None if depth is None else iso_day(depth.time),
        "peak_hashes_per_second": None if depth is None else depth.peak,
        "peak_on": None if depth is None else iso_day(depth.peak_time),
    }


def _luck(luck: EpisodeLuck | None) -> dict[str, object]:
    fall = None if luck is None else luck.fall
    inversion = None if luck is None else luck.inversion
    return {
        "depth_by_luck_once_in_years": None if fall is None else fall.once_in_years,
        "oscillator_lowest_fraction": None if inversion is None else inversion.lowest,
        **_chance("long", None if inversion is None else inversion.as_long),
        **_chance("deep", None if inversion is None else inversion.as_deep),
    }


def _chance(what: str, chance: Chance | None) -> dict[str, object]:
    name = f"simulated_luck_as_{what}"
    return {
        f"{name}_per_year_fraction": None if chance is None else chance.per_year,
        f"{name}_at_most_fraction": None if chance is None else chance.at_most,
        f"{name}_in_record_fraction": None if chance is None else chance.per_record,
    }


def _ribbon_luck(luck: RibbonLuck | None) -> dict[str, object] | None:
    """How often luck alone inverts the ribbons; None where it was not asked for."""
    if luck is None:
        return None
    return {
        "simulated": True,
        "definition": RIBBON_LUCK,
        "seed": luck.seed,
        "worlds": luck.worlds,
        "simulated_years": luck.years,
        "inversions_per_year": luck.per_year,
        "inversions_per_year_low": luck.low,
        "inversions_per_year_high": luck.high,
        "interval": "four of five simulated years lie between",
        "a_week_or_longer_per_year": luck.weeks_per_year,
    }


def _returns(moment: str, returns: tuple[ForwardReturn, ...]) -> dict[str, object]:
    by_days = {entry.horizon_days: entry for entry in returns}
    row: dict[str, object] = {}
    for days in HORIZONS:
        entry = by_days.get(days)
        row[f"after_{moment}_{days}d_fraction"] = entry and entry.value
        row[f"after_{moment}_{days}d_missing"] = entry.missing if entry else _OPEN
    return row


def _day(seconds: int | None) -> str | None:
    return None if seconds is None else iso_day(seconds)
