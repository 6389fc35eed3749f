"""Episodes as tables: on small invented records, and on the real one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from support.episode_records import results, ribbon

from hashcanary.errors import UsageError
from hashcanary.inference.luck.luck import DrawdownLuck
from hashcanary.studies.episodes import EpisodeLuck, EpisodeStudy, find_episodes
from hashcanary.studies.luck import Chance, InversionLuck
from hashcanary.views.episodes import (
    VIEW,
    after_table,
    episodes,
    episodes_table,
    rule_after,
    rule_facts,
    rule_table,
)

if TYPE_CHECKING:
    from hashcanary.metrics.engine import Metrics
    from hashcanary.store.record import Record


def lucky(study: EpisodeStudy) -> EpisodeStudy:
    """The study with the luck of its first episode, made by hand."""
    inversion = InversionLuck(-0.03, Chance(0.0, 0.012, 0.0), Chance(0.25, 0.31, 0.9))
    fall = DrawdownLuck(35.0, 40.0)
    first = replace(study.episodes[0], luck=EpisodeLuck(fall, inversion))
    return replace(study, episodes=(first, *study.episodes[1:]))


def test_an_open_episode_has_no_end_and_says_why_returns_are_missing() -> None:
    (row,) = episodes_table(find_episodes(results("nniii"), simulated=True)).records()
    assert (row["start"], row["start_known"], row["end"]) == ("2024-01-03", "2024-01-03", None)
    assert (row["open"], row["simulated"], row["rule"], row["length_days"]) == (
        *(True, True, "ribbon"),
        3,
    )
    assert row["after_start_30d_fraction"] is None
    assert row["after_start_30d_missing"] == "ends on 2024-02-02, after the last price (2024-01-05)"
    assert row["after_end_30d_missing"] == "the episode is still open"
    assert (row["return_period_years"], row["simulated_as_long_probability"]) == (None, None)


def test_depth_has_limits_and_prices_give_returns() -> None:
    prices: list[float | None] = [100.0] * 3 + [200.0] * 30 + [300.0] * 30
    falls = [0.0, -0.2, *[0.0] * 61]
    given = results("ni" + "n" * 61, falls, prices)
    (row,) = episodes_table(find_episodes(given, simulated=False)).records()
    ends = [row[f"depth_fraction{end}"] for end in ("", "_low", "_high")]
    assert ends == pytest.approx([-0.2, -0.22, -0.18])
    assert (row["depth_on"], row["peak_hashes_per_second"]) == ("2024-01-02", 1e21)
    # 100 when start and end were known, 200 thirty days later
    assert (row["price_start_usd"], row["after_start_30d_fraction"]) == (100.0, 1.0)
    assert (row["after_end_30d_fraction"], row["after_end_30d_missing"]) == (1.0, None)


def test_people_see_long_and_open_episodes_with_chances_as_text() -> None:
    study = ribbon(find_episodes(results("n" + "i" * 7 + "n" + "i" * 2 + "n"), simulated=False))
    table = episodes_table([lucky(study)])
    record = table.records()[0]
    assert record["simulated_as_long_probability"] == 0.0
    assert record["simulated_as_long_at_most_probability"] == 0.012
    assert record["simulated_as_deep_in_record_fraction"] == 0.9
    assert record["return_period_years"] == 40.0
    assert len(table.rows) == 2
    (shown,) = table.shown or ()
    assert (shown["simulated_as_long"], shown["simulated_as_deep"]) == ("under 1.2%", "25%")
    assert shown["end"] == "9 Jan 2024"
    (cut,) = episodes_table(find_episodes(results("?iii"), simulated=False)).shown or ()
    assert cut["end"] == "open *"


def test_no_episode_is_an_empty_table_with_its_columns() -> None:
    table = episodes_table(find_episodes(results("???", epochs=[None]), simulated=True))
    frame = table.frame()
    assert frame.height == 0
    assert frame.columns == table.keys
    assert frame.schema["start"] == pl.Date


def test_a_rule_says_what_it_covers() -> None:
    facts = rule_facts(ribbon(find_episodes(results("?nin?n"), simulated=False)))
    assert (facts["covered_from"], facts["covered_to"]) == ("2024-01-02", "2024-01-06")
    assert facts["gaps"] == [{"from": "2024-01-05", "to": "2024-01-05"}]
    assert (facts["episodes"], facts["open"], facts["shorter_than_7_days"]) == (1, False, 1)
    assert facts["simulated_inversions"] is None
    nothing = rule_facts(ribbon(find_episodes(results("???"), simulated=False)))
    assert (nothing["covered_from"], nothing["covered_to"]) == (None, None)


def test_returns_of_all_episodes_are_those_of_the_summaries() -> None:
    prices: list[float | None] = [100.0] * 3 + [200.0] * 97
    studies = find_episodes(results("nin" + "n" * 97, None, prices), simulated=False)
    rows = after_table(studies).records()
    assert [row["horizon_days"] for row in rows] == [30, 90, 180, 365] * 4
    (thirty,) = (
        row
        for row in rows
        if (row["rule"], row["moment"], row["horizon_days"]) == ("ribbon", "start", 30)
    )
    assert (thirty["events"], thirty["measured"], thirty["positive"]) == (1, 1, 1)
    assert (thirty["mean_fraction"], thirty["share_positive_fraction"]) == (1.0, 1.0)
    # Clopper and Pearson's lower limit of one of one
    assert thirty["share_positive_fraction_low"] == pytest.approx(0.025)


def test_the_reports_tables_have_the_views_figures_newest_first() -> None:
    prices: list[float | None] = [100.0] * 3 + [200.0] * 97
    study = ribbon(find_episodes(results("nini" + "n" * 96, None, prices), simulated=False))
    rows = rule_table(study).records()
    assert [row["start"] for row in rows] == ["2024-01-04", "2024-01-02"]
    assert not any(column.hidden for column in rule_table(study).columns)
    after = rule_after(study).records()
    assert [row["horizon_days"] for row in after] == [30, 90]
    # the first end was known at 100, the second at 200: no rise
    assert [row["median_fraction"] for row in after] == [0.5, 0.5]


def test_the_real_record_by_both_rules(real_record: Record, real_results: Metrics) -> None:
    answer = episodes(real_record)
    found = find_episodes(real_results, simulated=False)
    frame = answer.table()
    assert frame.height == sum(len(study.episodes) for study in found)
    china: dict[str, Any] = frame.filter(pl.col("start") == date(2021, 6, 3)).row(0, named=True)
    assert china["oscillator_lowest_fraction"] == pytest.approx(-0.19, abs=0.02)
    assert china["simulated_as_deep_probability"] == 0
    ribbon_rule, epoch_rule = answer.to_dict()["rules"]
    assert 3 < ribbon_rule["simulated_inversions"]["inversions_per_year"] < 12
    assert epoch_rule["simulated_inversions"] is None
    assert answer.tables[1].key == "after"


def test_another_table_is_refused(real_record: Record) -> None:
    with pytest.raises(UsageError, match="episodes, after"):
        episodes(real_record, show="returns")
    assert tuple(VIEW.tables) == ("episodes", "after")
