"""The study of the stress gauge as tables: figures are those of the computing layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hashcanary.errors import UsageError
from hashcanary.studies.stress.against import against, read_capitulations
from hashcanary.studies.stress.component import all_components
from hashcanary.studies.stress.gauge import stress_history
from hashcanary.studies.stress.luck import WORLDS
from hashcanary.studies.stress.robustness import left_out, random_weights
from hashcanary.studies.stress.settings import read_settings
from hashcanary.studies.stress.sustainability import stress_sources
from hashcanary.views.stress_study import TABLES, VIEW, WORLD_DEFINITIONS, stress_study

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.store.record import Record
    from hashcanary.studies.stress.gauge import StressHistory


@pytest.fixture(scope="module")
def gauge(real_record: Record) -> StressHistory:
    known = all_components()
    return stress_history(stress_sources(real_record), read_settings(known), known)


def test_hits_and_false_alarms_have_their_limits(real_record: Record, gauge: StressHistory) -> None:
    judged = against(gauge, read_capitulations())
    document = stress_study(real_record).to_dict()
    assert (document["hits"], document["judged"]) == (judged.hits.hits, judged.hits.trials)
    ends = [document[f"hit_fraction{end}"] for end in ("", "_low", "_high")]
    assert ends == list(judged.hits.share.three)
    assert document["covered_years"] == judged.years
    assert len(document["spells"]) == document["spell_count"] == len(judged.spells)
    assert document["without_activity_stressed_fraction"] < document["stressed_fraction"]
    trough = document["rows"][0]
    assert (trough["start"], trough["end"]) == ("2018-10-30", "2019-01-10")
    assert trough["lead_days"] == judged.readings[0].lead_days
    assert trough["highest_index_0_100_low"] == judged.readings[0].highest.low
    assert document["rows"][-1]["after_index_0_100"] is None


def test_a_file_of_capitulations_is_judged(real_record: Record, tmp_path: Path) -> None:
    path = tmp_path / "seen.toml"
    path.write_text(
        "[[capitulation]]\nname = 'mine'\nstart = 2022-06-09\nend = 2022-08-19\nsource = 's'\n"
        "[[capitulation]]\nname = 'before'\nstart = 2000-01-01\nend = 2000-02-01\nsource = 's'\n",
        encoding="utf-8",
    )
    document = stress_study(real_record, against=path).to_dict()
    assert document["against"] == "published"
    by = {row["capitulation"]: row for row in document["rows"]}
    assert (by["mine"]["hit"], by["before"]["hit"], by["before"]["covered"]) == (True, None, False)
    assert document["judged"] == 1


def test_components_left_out_and_random_weights(real_record: Record, gauge: StressHistory) -> None:
    seen = read_capitulations()
    rows = stress_study(real_record, show="components").to_dict()["rows"]
    for row, other in zip(rows, left_out(gauge, seen), strict=True):
        assert row["rank_correlation_ratio"] == other.rank_correlation
        assert row["word_changed_fraction"] == other.changed / other.words
        assert row["missed"] == list(other.missed)
    drawn = random_weights(gauge, seen, draws=50, seed=3)
    document = stress_study(real_record, show="weights", draws=50, seed=3).to_dict()
    assert document["random_hits"] == drawn.hits.tolist()
    assert document["width_index_0_100"] == drawn.width
    assert (document["draws"], document["seed"]) == (50, 3)
    for row in document["rows"]:
        assert row["gauge_index_0_100_low"] <= row["gauge_index_0_100_high"]
        assert 0 <= row["same_word_fraction"] <= 1


def test_every_kind_of_world_has_words() -> None:
    assert set(WORLDS) == set(WORLD_DEFINITIONS)


@pytest.mark.parametrize("options", [{"show": "levers"}, {"against": "rumours"}])
def test_what_is_no_choice_is_named(real_record: Record, options: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="expected one of"):
        stress_study(
            real_record, show=options.get("show", "episodes"), against=options.get("against")
        )
    assert tuple(VIEW.tables) == TABLES
