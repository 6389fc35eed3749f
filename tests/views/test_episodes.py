"""Episodes as tables: on small invented records, and on the real one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from support.episode_records import results, ribbon
from support.records import record

from hashcanary.errors import UsageError
from hashcanary.inference.luck.luck import DrawdownLuck
from hashcanary.studies.episodes import EpisodeLuck, EpisodeStudy, find_episodes
from hashcanary.studies.luck import Chance, InversionLuck, RibbonLuck
from hashcanary.views.episodes import (
    VIEW,
    after_table,
    answer,
    episodes,
    episodes_table,
    rule_after,
    rule_facts,
    rule_table,
)

if TYPE_CHECKING:
    from hashcanary.metrics.engine import Metrics
    from hashcanary.store.record import Record
    from hashcanary.views.answer import Answer


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


NONE = np.empty(0, dtype=np.int64)
LUCK = RibbonLuck(
    seed=7,
    worlds=400,
    first=0,
    known=np.ones(730, dtype=np.bool_),
    world=NONE,
    start=NONE,
    days=NONE,
    lowest=np.empty(0),
    per_year=4.4,
    low=2.6,
    high=6.4,
    weeks_per_year=1.26,
)


def answered(states: str, show: str = "episodes", luck: RibbonLuck | None = None) -> Answer:
    """The answer on days of letters, by the ribbons alone."""
    study = ribbon(find_episodes(results(states), simulated=False))
    return answer(record(), [replace(study, luck=luck)], show)


def test_sentences_say_what_a_rule_covers_and_what_is_not_shown() -> None:
    lines = answered("?n" + "i" * 8 + "nn?n" + "ii" + "nnn").sentences
    text = " ".join(lines)
    assert lines[0].startswith("ribbon: ")
    # from the second of January to the nineteenth, but for the thirteenth
    assert "Covered: 2 to 19 Jan 2024, with 1 gap." in text
    assert "1 more episode ended within a week" in text
    assert "times a year" not in text
    assert not any("*" in line for line in lines)
    cut = " ".join(answered("?" + "i" * 9 + "n").sentences)
    assert "*: begins or ends at a gap of the record." in cut


def test_a_rule_that_cannot_be_applied_says_so() -> None:
    found = answered("???")
    assert found.sentences[-1].strip() == "The rule cannot be applied anywhere in this record."
    assert found.to_dict()["rules"][0]["episodes"] == 0
    assert found.to_dict()["rows"] == []
    assert "No rule finds an episode." in found.text()


def test_simulated_inversions_are_told_with_their_range() -> None:
    found = answered("n" + "i" * 8 + "nn", luck=LUCK)
    text = " ".join(found.sentences)
    assert "in 400 networks" in text
    assert "4 times a year (3 to 6 in four years of five)" in text
    assert "1.3 a year last a week or more" in text
    inversions = found.to_dict()["rules"][0]["simulated_inversions"]
    assert (inversions["seed"], inversions["worlds"]) == (7, 400)
    assert inversions["inversions_per_year"] == 4.4
    assert inversions["inversions_per_year_low"] == 2.6
    assert inversions["inversions_per_year_high"] == 6.4
    assert inversions["a_week_or_longer_per_year"] == 1.26


def test_either_table_may_stand_first_with_notes_of_its_own() -> None:
    first, second = (answered("n" + "i" * 8 + "nn", show) for show in ("episodes", "after"))
    assert [table.key for table in first.tables] == ["episodes", "after"]
    assert [table.key for table in second.tables] == ["after", "episodes"]
    assert first.title.startswith("Capitulations, as known at")
    assert first.notes[0].startswith("Return period")
    assert second.notes[0].startswith("Windows apart")
    assert second.to_dict()["shown"] == "after"


def test_people_read_ends_shares_and_prices() -> None:
    prices: list[float | None] = [99.5] * 10 + [12_345.6] * 60
    given = results("n" + "i" * 8 + "n" * 61, None, prices)
    found = answer(record(), [ribbon(find_episodes(given, simulated=False))])
    text = found.text(300)
    assert "2 Jan 2024" in text
    assert "10 Jan 2024" in text
    # below a hundred dollars with cents
    assert "99.50" in text
    (row,) = found.to_dict()["rows"]
    assert row["length_days"] == 8
    assert row["price_end_usd"] == 99.5
    assert row["after_end_30d_fraction"] == pytest.approx(12_345.6 / 99.5 - 1)
    after = answer(record(), [ribbon(find_episodes(given, simulated=False))], "after").table()
    thirty = after.filter(pl.col("moment") == "end", pl.col("horizon_days") == 30).row(
        0, named=True
    )
    assert thirty["median_fraction"] == row["after_end_30d_fraction"]
    assert thirty["positive"] == thirty["measured"] == 1


def test_the_reports_note_names_gaps_short_ones_and_what_luck_does() -> None:
    study = ribbon(find_episodes(results("n" + "i" * 8 + "nn?n" + "ii" + "nn"), simulated=False))
    note = rule_table(replace(study, luck=LUCK)).note
    assert "1 episode ended within a week" in note
    assert "The rule cannot be applied: 12 Jan 2024." in note
    assert "in 400 networks" in note
    plain = rule_table(study)
    assert "networks" not in plain.note
    names = [column.name for column in plain.columns]
    assert not any("simulated" in name for name in names)
    with_luck = [column.name for column in rule_table(replace(study, luck=LUCK)).columns]
    assert {"simulated_as_long", "simulated_as_deep"} <= set(with_luck)
    none = rule_table(ribbon(find_episodes(results("nnn"), simulated=False)))
    assert none.empty.startswith("None in the record")
    assert rule_after(study).empty == "No episode has ended long enough ago."


def test_another_table_is_refused(real_record: Record) -> None:
    with pytest.raises(UsageError, match="episodes, after"):
        episodes(real_record, show="returns")
    assert tuple(VIEW.tables) == ("episodes", "after")
