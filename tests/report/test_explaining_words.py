"""The words for why the hashrate fell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.stress_worlds import stress_world

from hashcanary.inference.explain.attribution import CANNOT_TELL, Explanation, explain_drop
from hashcanary.moments import DAY
from hashcanary.report.explaining import evidence_lines, headline, notes, sentences
from hashcanary.views.text import probability


@pytest.fixture(scope="module")
def storm() -> Explanation:
    """A storm of which everything is known, a week after it began."""
    world = stress_world("curtailment", 3, missing=0.0)
    return explain_drop(world.known_at(world.start + 7 * DAY))


def _with(found: Explanation, **probabilities: float) -> Explanation:
    rest = {name: probabilities.get(name, 0.0) for name in found.probabilities}
    leading = max(rest, key=lambda name: rest[name])
    answer = leading if rest[leading] >= 0.6 else CANNOT_TELL
    return replace(found, probabilities=rest, answer=answer)


def test_the_headline_names_the_cause_luck_or_neither(storm: Explanation) -> None:
    assert "was structural exit (80%)" in headline(_with(storm, exit=0.8, luck=0.2))
    assert "No drop beyond luck" in headline(_with(storm, luck=0.9, exit=0.1))
    unsure = headline(_with(storm, curtailment=0.5, exit=0.5))
    assert "cannot tell" in unsure
    assert "curtailment (50%)" in unsure


def test_nothing_is_said_to_be_certain() -> None:
    assert probability(1.0) == ">99%"
    assert probability(0.0) == "<1%"
    assert probability(0.42) == "42%"


@pytest.mark.parametrize(
    ("low", "high", "years", "said"),
    [
        (-0.31, -0.08, 400.0, "down 8 to 31% from what it was before"),
        (-0.31, -0.08, 400.0, "luck alone would do this once in 400 years"),
        (-0.31, -0.08, 2.5, "once in 2.5 years"),
        (-0.31, -0.08, 0.25, "luck alone would do this 4 times a year"),
        (-0.61, -0.48, float("inf"), "less than once in 100,000 years"),
        (-0.05, 0.12, 0.01, "between 5% down and 12% up"),
        (0.03, 0.12, 0.01, "up 3 to 12%"),
    ],
)
def test_the_sentence_a_reader_needs(
    storm: Explanation, low: float, high: float, years: float, said: str
) -> None:
    recent = replace(storm.recent, low=low, high=high, once_in_years=years)
    told = sentences(replace(storm, recent=recent))[0]
    assert said in told
    assert ("luck alone" in told) == (high < 0)


def test_without_blocks_to_compare_the_sentence_is_left_out(storm: Explanation) -> None:
    nan = float("nan")
    recent = replace(storm.recent, low=nan, high=nan, change=nan)
    assert not any("consistent" in one for one in sentences(replace(storm, recent=recent)))


def test_luck_is_told_as_the_probability_that_there_is_more(storm: Explanation) -> None:
    told = " ".join(sentences(_with(storm, luck=0.7, exit=0.3)))
    assert "more than luck and ordinary wander has a probability of 30%" in told


def test_evidence_is_told_with_intervals_and_units(storm: Explanation) -> None:
    said = {line.kind: line.says for line in evidence_lines(storm)}
    assert "days" in said["fall"]
    assert "is back" in said["return"]
    assert "USD/PH/s/day" in said["hashprice"]
    assert "USD/MWh" in said["power"]
    assert "ercot" in said["power"]
    power = replace(storm.power[0], load=51_000.0, usual_load=48_000.0)
    lines = evidence_lines(replace(storm, power=(power,)))
    assert "load 51,000 MW, usual 48,000" in lines[-1].says


def test_what_is_missing_is_told_as_missing(storm: Explanation) -> None:
    bare = replace(storm, pools=(), losing_regions=(), margin=None, power=(), lacks=("a price",))
    said = {line.kind: line.says for line in evidence_lines(bare)}
    assert said["pools"] == said["hashprice"] == said["power"] == "missing"
    told = notes(bare, simulated=True, at="2026-01-27")
    assert told[0].startswith("SIMULATED")
    assert "Lacks a price." in told
    unsure = notes(_with(storm, curtailment=0.5, luck=0.5), simulated=False, at="latest")
    assert any("No cause is named below 60%" in one for one in unsure)
