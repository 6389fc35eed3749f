"""Capitulations in the real record against the dates that were published when they happened.

Sources, with what they said:

- C. Edwards (Capriole), 2022-08-20: "officially ended today ... 71 days", "just two days shorter
  than 2018's"; CryptoSlate put the end at 2022-08-18. (u.today; pbird.media)
- C. Garner, November 2019: the inversion of 2018 came two weeks before the price broke $6k, on
  2018-11-14. (coinsavage.com)
- C. Edwards, 2019-11-19: "We are now in a Bitcoin Miner Capitulation". (newsbtc.com)
- C. Edwards, 2020-03-14: "crossover may have already occurred", data a week late; buy signal of
  2020-04-25. (u.today; reporter.am)
- C. Edwards, 2020-05-25: second capitulation of 2020 under way. (ZyCrypto)
- Bitcoin Magazine, 2021-08-11: buy signal of 2021-08-09, after China's ban. (btcethereum.com)
- NewsBTC, 2023-01-17: second wave began in late November 2022, now ended. (freakcryptos.com)
- CryptoQuant, 2024-05-15: "Hash Ribbons says yes"; still on by 2024-07-07. (technicalterrence.com)
- CoinDesk, 2026-01-27: last capitulation signal in late November 2025, still on; 2026-01-31,
  from CryptoQuant: hashrate down about 12% since 2025-11-11. (mexc.com/news/605534)
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from hashcanary.metrics.engine import metrics_of
from hashcanary.moments import DAY, Moment, day_start
from hashcanary.store.recording import record_of
from hashcanary.studies.episodes import Episode, EpisodeStudy, find_episodes

if TYPE_CHECKING:
    from hashcanary.metrics.engine import Metrics
    from hashcanary.store.lake import Lake

# a published day and by how many days the crossing may lie off it: how vague the source is, and
# that others smooth other estimates of the hashrate
STARTS = [
    (date(2018, 10, 31), 3),
    (date(2019, 11, 19), 2),
    (date(2020, 3, 14), 7),
    (date(2020, 5, 25), 2),
    (date(2022, 6, 10), 2),
    (date(2022, 11, 26), 4),
    (date(2024, 5, 15), 2),
    (date(2025, 11, 26), 4),
]
ENDS = [
    (date(2020, 4, 25), 2),
    (date(2021, 8, 9), 3),
    (date(2022, 8, 19), 2),
    (date(2023, 1, 17), 4),
]


def days_apart(moment: int | None, published: date) -> float:
    assert moment is not None
    return abs(moment - day_start(published)) / DAY


def joined(study: EpisodeStudy, pause: int = 2) -> list[tuple[int, int | None]]:
    """Start and end of inversions, taken together where the ribbon flickered for a few days."""
    runs: list[tuple[int, int | None]] = []
    for episode in study.episodes:
        before = episode.days_since_previous
        if runs and before is not None and before <= pause:
            runs[-1] = (runs[-1][0], episode.end)
        else:
            runs.append((episode.start, episode.end))
    return runs


@pytest.fixture(scope="module")
def studies(real_results: Metrics) -> dict[str, EpisodeStudy]:
    return {study.rule.name: study for study in find_episodes(real_results, simulated=False)}


@pytest.mark.parametrize(("published", "tolerance"), STARTS)
def test_inversions_begin_when_the_press_said(
    studies: dict[str, EpisodeStudy], published: date, tolerance: int
) -> None:
    starts = [start for start, _ in joined(studies["ribbon"])]
    assert min(days_apart(start, published) for start in starts) <= tolerance


@pytest.mark.parametrize(("published", "tolerance"), ENDS)
def test_inversions_end_when_the_press_said(
    studies: dict[str, EpisodeStudy], published: date, tolerance: int
) -> None:
    ends = [end for _, end in joined(studies["ribbon"]) if end is not None]
    assert min(days_apart(end, published) for end in ends) <= tolerance


@pytest.mark.parametrize(
    ("start", "length", "tolerance"), [(date(2018, 10, 31), 73, 2), (date(2022, 6, 10), 71, 1)]
)
def test_the_two_longest_lasted_as_long_as_published(
    studies: dict[str, EpisodeStudy], start: date, length: int, tolerance: int
) -> None:
    begin, end = min(joined(studies["ribbon"]), key=lambda run: days_apart(run[0], start))
    assert end is not None
    assert (end - begin) // DAY == pytest.approx(length, abs=tolerance)


def test_the_summer_of_2024_was_inverted_until_after_7_july(
    studies: dict[str, EpisodeStudy],
) -> None:
    assert inverted_on(studies["ribbon"], date(2024, 7, 7))
    assert not inverted_on(studies["ribbon"], date(2024, 9, 1))


def test_the_winter_of_2026_is_open_at_the_end_of_the_record(
    studies: dict[str, EpisodeStudy],
) -> None:
    current = studies["ribbon"].current
    assert current is not None
    assert inverted_on(studies["ribbon"], date(2026, 1, 27))
    assert current.depth is not None
    assert days_apart(current.depth.peak_time, date(2025, 11, 11)) <= 1
    assert studies["epoch"].current is not None


def test_depth_was_the_published_12_percent_as_known_on_the_day(
    real_lake: Lake,
) -> None:
    ribbon, _ = as_known_at(real_lake, day_start(date(2026, 1, 31)))
    assert ribbon.current is not None
    assert ribbon.current.depth is not None
    assert ribbon.current.depth.value == pytest.approx(-0.12, abs=0.01)


def test_chinas_ban_is_the_deepest_epoch_drawdown(studies: dict[str, EpisodeStudy]) -> None:
    (deepest,) = (episode for episode in studies["epoch"].episodes if episode.rank == 1)
    assert deepest.depth is not None
    # epoch of the record adjustment of -27.94%, at block 689,472, mined on 2021-07-03; the press
    # put the whole fall of the mean hashrate at 53%, from a daily peak
    assert days_apart(deepest.depth.time, date(2021, 7, 3)) <= 1
    assert -0.53 < deepest.depth.value < -0.40


def test_epoch_rule_sees_the_winter_of_2018_without_its_blocks(
    studies: dict[str, EpisodeStudy],
) -> None:
    # the record holds no block times of 2018: spans come from the targets. Difficulty fell by
    # 7.4%, 15.1% and 9.6% in a row from November on, as the press counted (7.45T to 5.11T)
    nearest = min(
        studies["epoch"].episodes,
        key=lambda episode: days_apart(episode.start, date(2018, 11, 5)),
    )
    assert days_apart(nearest.start, date(2018, 11, 5)) <= 14
    assert nearest.depth is not None
    assert nearest.depth.value == pytest.approx(5.11 / 7.45 - 1, abs=0.03)


def test_epoch_rule_says_where_it_cannot_look(studies: dict[str, EpisodeStudy]) -> None:
    # the first ten months at the easiest target, and the one rise that consensus limited to four
    # times: their spans cannot be read off the next target, and their last blocks are not known
    gaps = studies["epoch"].gaps
    assert len(gaps) == 2
    assert all(b < day_start(date(2010, 8, 1)) for _, b in gaps)


@pytest.mark.parametrize(
    "day", [date(2018, 12, 15), date(2021, 7, 20), date(2022, 7, 5), date(2024, 6, 19)]
)
def test_what_was_known_then_is_what_is_told_now(
    day: date, studies: dict[str, EpisodeStudy], real_lake: Lake
) -> None:
    at = day_start(day)
    for study in as_known_at(real_lake, at):
        expected = [seen_at(episode, at) for episode in studies[study.rule.name].episodes]
        assert [seen_at(episode, at) for episode in study.episodes] == [
            seen for seen in expected if seen is not None
        ]


def as_known_at(lake: Lake, at: int) -> tuple[EpisodeStudy, ...]:
    record = record_of(lake, Moment(str(at), time=at))
    return find_episodes(metrics_of(record), simulated=False)


def seen_at(episode: Episode, at: int) -> tuple[int, int, int | None] | None:
    """Start, when it was known, and end, of an episode as far as known at ``at``."""
    if episode.start_known > at:
        return None
    ended = episode.end_known is not None and episode.end_known <= at
    return episode.start, episode.start_known, episode.end if ended else None


def inverted_on(study: EpisodeStudy, day: date) -> bool:
    at = day_start(day)
    return any(
        episode.start <= at and (episode.end is None or at < episode.end)
        for episode in study.episodes
    )
