"""A page says one thing: the head, the explanation, ribbons and gauge agree by written rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from support.agreement import contradictions, page_contradictions, stamps

from hashcanary.inference.gap.explanation import explain_drop
from hashcanary.interval import Interval
from hashcanary.moments import DAY, day_start
from hashcanary.report.build import build_report
from hashcanary.simulation.history import record_of, simulate_history
from hashcanary.studies.verdict.states import STATES
from hashcanary.studies.verdict.verdict import verdict_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.inference.gap.gap import Drop
    from hashcanary.report.document import Report
    from hashcanary.store.record import Record
    from hashcanary.studies.verdict.verdict import Verdict

    Cut = Callable[[Record, int], Record]

# days on which instruments once contradicted each other
DAYS = (
    date(2020, 3, 20),
    date(2021, 7, 15),
    date(2022, 7, 15),
    date(2022, 12, 28),
    date(2026, 2, 3),
)
SEEDS = range(301, 307)


Said = tuple["Verdict", "Drop | None", float]


def _of(record: Record) -> Said:
    told = explain_drop(record)
    drop = None if told.explained is None else told.explained.drop
    return verdict_of(record), drop, told.below


def _said(found: Verdict, drop: Drop | None, below: float) -> list[str]:
    return contradictions(found.probabilities, found.gap, found.rising, drop, below)


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_head_and_explanation_agree_on_days_of_the_record(
    day: date, real_record: Record, cut: Cut
) -> None:
    assert _said(*_of(cut(real_record, day_start(day) + DAY))) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_head_and_explanation_agree_in_simulated_histories(seed: int) -> None:
    assert _said(*_of(record_of(simulate_history(seed, 1.5)))) == []


@pytest.fixture(scope="module")
def fallen(real_record: Record, cut: Cut) -> Said:
    """March 2020, days after the price halved."""
    return _of(cut(real_record, day_start(date(2020, 3, 20)) + DAY))


def test_what_is_planted_is_found(fallen: Said) -> None:
    found, drop, below = fallen
    assert drop is not None

    def sure(state: str) -> dict[str, float]:
        return {name: float(name == state) for name in STATES}

    calm = contradictions(sure("calm"), found.gap, found.rising, drop, below)
    assert any("takes" in one for one in calm)
    assert any("below its high" in one for one in calm)
    caused = contradictions(sure("curtailed"), found.gap, found.rising, drop, below)
    assert caused == ["curtailed for sure, and no part of the gap has that cause"]
    back = contradictions(sure("recovering"), found.gap, found.rising, drop, below)
    assert any(one.startswith("recovering for sure") for one in back)
    rising = contradictions(sure("capitulating"), found.gap, 0.999, drop, below)
    assert any(one.startswith("capitulating for sure") for one in rising)
    other = replace(drop, share=Interval(0.5, 0.4, 0.6))
    assert any("none of the head's" in one for one in _said(found, other, below))
    assert any("none is explained" in one for one in _said(found, None, below))
    uneven = replace(found.gap, growth=Interval(0.5, 0.4, 0.6))
    parts = contradictions(found.probabilities, uneven, found.rising, drop, below)
    assert sum("add up" in one for one in parts) == 2


@pytest.fixture(scope="module")
def page(real_record: Record, cut: Cut) -> Report:
    """July 2021: ribbons inverted, machines that stayed earn well, hashrate coming back."""
    return build_report(cut(real_record, day_start(date(2021, 7, 15)) + DAY))


def test_a_page_says_why_ribbons_and_gauge_part_from_its_head(page: Report) -> None:
    figures = {one.key: one for section in page.sections for one in section.figures}
    inverted = figures["ribbon.state"].value == "inverted"
    assert inverted
    note = figures["stress.gauge"].note
    word = next((one for one in ("calm", "stressed", "capitulation") if one in note), None)
    assert page_contradictions(page, word, inverted=inverted) == []
    assert stamps(page, STATES) == []


def test_a_page_that_does_not_say_why_is_found(page: Report) -> None:
    recovering = replace(page, head=replace(page.head, state="recovering"))
    sections = tuple(replace(one, lead="", notes=()) for one in recovering.sections)
    found = page_contradictions(
        replace(recovering, sections=sections), "capitulation", inverted=True
    )
    assert [one.split(" does")[0] for one in found] == ["the chapter hurt", "the chapter ribbons"]
    said = replace(page.sections[0], lead="Bitcoin mining is exiting.")
    loud = replace(recovering, sections=(said, *recovering.sections[1:]))
    assert stamps(loud, STATES) == ["the chapter now says that mining is exiting"]
