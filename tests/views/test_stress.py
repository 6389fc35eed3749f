"""The stress gauge as tables and words: made by hand, and on the real record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.stress_histories import history, silent_index, with_words

from hashcanary.errors import UsageError
from hashcanary.moments import day_start
from hashcanary.studies.stress.answer import StressNow, stress_now
from hashcanary.studies.stress.component import all_components
from hashcanary.studies.stress.gauge import stress_history
from hashcanary.studies.stress.settings import PARTS, read_settings
from hashcanary.studies.stress.sustainability import stress_sources, sustainability_history
from hashcanary.views.stress import PART_DEFINITIONS, PART_TITLES, component_table, held, stress

if TYPE_CHECKING:
    from hashcanary.store.record import Record


def now_with(words: list[int]) -> StressNow:
    """The answer after days with the words given, by fixed thresholds."""
    made = with_words(np.array(words))
    return replace(stress_now(made, silent_index(len(words)), "then"), cuts=(50.0, 70.0, 84.0))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([0, 2, 3, 2], "above 70 (stressed) for 3 days"),
        ([3, 0, 0], "below 50 (calm) for 2 days"),
        ([2, 3], "above 84 (capitulation) for 1 day"),
    ],
)
def test_how_long_a_word_has_held(words: list[int], text: str) -> None:
    assert held(now_with(words)) == text


def test_without_a_word_nothing_has_held() -> None:
    assert held(replace(now_with([0]), word=None)) == ""


def test_the_reports_table_leaves_out_what_is_missing() -> None:
    percentiles = np.full((3, 60), 40.0)
    percentiles[0, 50:] = np.nan
    percentiles[1] = 80.0
    table = component_table(stress_now(history(percentiles), silent_index(60), "then"))
    # a third of the weight is gone, the other two share it
    assert [row["contribution_index_0_100"] for row in table.records()] == [40.0, 20.0]
    assert [row["percentile_index_0_100"] for row in table.records()] == [80.0, 40.0]
    assert "a (gone)" in table.note


def test_every_part_of_the_index_has_words() -> None:
    assert set(PARTS) == set(PART_TITLES) == set(PART_DEFINITIONS)


def test_the_answer_is_what_the_gauge_computes(real_record: Record) -> None:
    known = all_components()
    settings = read_settings(known)
    sources = stress_sources(real_record)
    gauge = stress_history(sources, settings, known)
    index = sustainability_history(sources, settings)
    now = stress_now(gauge, index, "latest")
    document = stress(real_record).to_dict()
    assert document["gauge_index_0_100"] == now.gauge.value
    assert document["gauge_index_0_100_low"] == now.gauge.low
    assert now.index is not None
    assert document["index_index_0_100_high"] == now.index.index.high
    assert [word["begins_at_index_0_100"] for word in document["words"]] == [None, *now.cuts]
    assert sum(word["draws_fraction"] for word in document["words"]) == pytest.approx(1)
    by = {row["name"]: row for row in document["rows"]}
    assert by["underwater"]["value"] == gauge.components[5].value[gauge.time == now.day][0]
    assert by["underwater"]["unit"] == "fraction"
    assert sum(by[part]["contribution_index_0_100"] for part in PARTS) == pytest.approx(
        by["index"]["value"]
    )

    start, end = (day_start(date(2025, month, 1)) for month in (3, 5))
    answer = stress(real_record, history=True, start=start, end=end)
    frame = answer.table()
    inside = (gauge.time >= start) & (gauge.time < end)
    assert frame.height == 61
    assert frame["gauge_index_0_100"].to_list() == gauge.gauge[inside].tolist()
    assert frame["puell_percentile_index_0_100"].to_list() == (
        gauge.components[3].percentile[inside].tolist()
    )
    assert frame["stressed_from_index_0_100"].to_list() == gauge.cuts[1, inside].tolist()
    assert (frame["day"][0], frame["day"][-1]) == (date(2025, 3, 1), date(2025, 4, 30))
    weights = [each["weight_fraction"] for each in answer.to_dict()["components"]]
    assert sum(weights) == pytest.approx(1)


def test_bounds_need_a_history(real_record: Record) -> None:
    with pytest.raises(UsageError, match="--history"):
        stress(real_record, start=0)
