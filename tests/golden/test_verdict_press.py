"""The state of a day against what was said of that day, on the real record.

Sources: C. Edwards, Capriole Investments (capitulation of 2018, recoveries of August 2021 and 20
August 2022); press on the price's fall of 12 March 2020, on China's ban of 2021, on the squeeze of
autumn 2022, the storms of December 2022 and January 2026 and the recovery after the second; the
difficulty record of 29 October 2025.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from hashcanary.inference.gap.past_year import PastYears
from hashcanary.moments import DAY, day_start
from hashcanary.studies.verdict.verdict import Judge

if TYPE_CHECKING:
    from hashcanary.store.record import Record

# where a day lies between two states, either
SAID: dict[date, set[str]] = {
    date(2018, 12, 5): {"capitulating"},
    date(2020, 3, 20): {"capitulating"},
    date(2021, 6, 30): {"exiting"},
    date(2021, 8, 15): {"recovering"},
    date(2022, 8, 25): {"recovering"},
    date(2022, 10, 20): {"stressed"},
    date(2023, 11, 15): {"calm"},
    date(2025, 10, 28): {"calm"},
    date(2026, 1, 25): {"curtailed"},
    date(2026, 2, 3): {"curtailed", "recovering"},
}


@pytest.fixture(scope="module")
def probabilities(real_record: Record) -> dict[date, dict[str, float]]:
    years, judge = PastYears(real_record), Judge(real_record)
    return {day: judge.states(years.until(day_start(day) + DAY - 1)) for day in SAID}


@pytest.mark.parametrize("day", SAID, ids=str)
def test_the_state_of_a_day_is_what_was_said_of_it(
    day: date, probabilities: dict[date, dict[str, float]]
) -> None:
    told = probabilities[day]
    assert sum(told[name] for name in SAID[day]) > 0.5, told
