"""Labels of days and scores of states, by spells and probabilities written by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary.moments import DAY, iso_day, parse_moment
from hashcanary.studies.errors import BadStates, NoLabels
from hashcanary.studies.verdict.scores import EVEN, MIXTURE, VERDICT, scored
from hashcanary.studies.verdict.spells import Spell, labels, read_spells
from hashcanary.studies.verdict.states import KNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hashcanary.arrays import Floats

START = 18_000 * DAY
SPELLS = read_spells()


def _spell(name: str, state: str, first: int, last: int | None, **more: object) -> Spell:
    end = None if last is None else START + last * DAY
    one = Spell(name, state, START + first * DAY, end, 0, 0, "high", kept=False, cause="told")
    return replace(one, **more)  # type: ignore[arg-type]


def _sure_of(state: str, share: float) -> Floats:
    rest = (1 - share) / (len(KNOWN) - 1)
    return np.array([share if name == state else rest for name in KNOWN])


def _days(found: Mapping[int, object]) -> list[int]:
    return sorted((day - START) // DAY for day in found)


def test_the_longest_spell_names_a_day_and_edges_none() -> None:
    long = _spell("long", "recovering", 0, 20, begin_days=2, end_days=3)
    short = _spell("short", "curtailed", 1, 10, begin_days=1, end_days=1)
    found = labels([long, short], ("high",))
    assert _days(found) == list(range(2, 18))
    assert {one.spell for one in found.values()} == {"long"}
    assert _days(labels([short], ("high",))) == list(range(2, 10))


def test_labels_are_of_the_certainty_asked_for_and_have_an_end() -> None:
    spells = [
        _spell("sure", "calm", 0, 1),
        _spell("less", "noise", 5, 6, sure="medium"),
        _spell("open", "exiting", 8, None),
        _spell("unsure", "exiting", 10, 12, sure="low"),
    ]
    assert _days(labels(spells, ("high",))) == [0, 1]
    assert _days(labels(spells, ("high", "medium"))) == [0, 1, 5, 6]


def test_scores_are_logs_of_the_probability_of_the_label() -> None:
    spells = [
        _spell("set", "calm", 0, 9),
        _spell("kept", "stressed", 20, 21, kept=True),
        _spell("other", "exiting", 30, 35, kept=True),
    ]
    said = {START + day * DAY: _sure_of("calm", 0.7) for day in range(10)}
    said |= {START + day * DAY: _sure_of("stressed", 0.8) for day in (20, 21)}
    said |= {START + day * DAY: _sure_of("calm", 0.94) for day in range(30, 36)}
    found = scored(said, {"ribbons": {}, "drawdown": {}, "gauge": {}}, spells, 1)
    by = {(one.instrument, one.kept, one.sure): one for one in found.scores}
    own = by[VERDICT, False, "high"]
    assert (own.days, own.spells, own.right) == (10, 1, 1.0)
    assert own.log_score == pytest.approx(math.log(0.7))
    assert math.isnan(own.error)
    kept = by[VERDICT, True, "medium"]
    assert (kept.days, kept.spells, kept.right) == (8, 2, 0.25)
    assert kept.log_score == pytest.approx((2 * math.log(0.8) + 6 * math.log(0.01)) / 8)
    assert kept.by_spell == pytest.approx((math.log(0.8) + math.log(0.01)) / 2)
    assert kept.error == pytest.approx(abs(math.log(0.8) - math.log(0.01)) / 2)
    assert by[EVEN, True, "high"].log_score == pytest.approx(math.log(1 / 7))
    spell = {one.spell.name: one for one in found.spells}
    assert spell["kept"].onset_days == 0
    assert spell["other"].onset_days is None
    assert (spell["other"].most, spell["other"].days) == ("calm", 6)
    assert spell["set"].onset_days is None


def test_a_rival_says_how_often_a_label_was_with_its_reading_on_the_spells_it_learnt_from() -> None:
    spells = [
        _spell("set", "calm", 0, 29),
        _spell("fall", "capitulating", 40, 69),
        _spell("kept", "capitulating", 80, 80, kept=True),
    ]
    days = [*range(30), *range(40, 70), 80]
    said = {START + day * DAY: _sure_of("calm", 0.5) for day in days}
    ribbons = {START + day * DAY: int(day < 40) * 3 for day in days}
    found = scored(said, {"ribbons": ribbons, "drawdown": {}, "gauge": {}}, spells, 1)
    by = {(one.instrument, one.kept): one for one in found.scores if one.sure == "high"}
    # 30 days seen, and 10 of each state before any was
    assert by["ribbons", True].log_score == pytest.approx(math.log(40 / 100))
    assert by["drawdown", True].log_score == pytest.approx(math.log(40 / 130))
    assert by["ribbons", False].log_score == pytest.approx(math.log(40 / 100))
    assert by[MIXTURE, False].log_score == pytest.approx(math.log(40 / 100), abs=1e-3)
    spell = {one.spell.name: one for one in found.spells}
    assert spell["fall"].ribbon_days == 0


def test_the_onset_is_the_first_day_on_which_what_is_named_is_more_likely_than_not() -> None:
    spells = [
        _spell("fall", "capitulating", 4, 9, begin_days=2),
        _spell("storm", "curtailed", 20, 25),
    ]
    said = {START + day * DAY: _sure_of("calm", 0.9) for day in range(40)}
    said |= {START + 3 * DAY: _sure_of("exiting", 0.9), START + 22 * DAY: _sure_of("exiting", 0.9)}
    found = scored(said, {"ribbons": {START + 8 * DAY: 0}, "drawdown": {}, "gauge": {}}, spells, 1)
    by = {one.spell.name: one for one in found.spells}
    assert (by["fall"].onset_days, by["fall"].ribbon_days) == (-1, 4)
    assert by["storm"].onset_days == 2


def test_days_without_labels_cannot_be_scored() -> None:
    with pytest.raises(NoLabels, match="found none among 1 days"):
        scored({0: _sure_of("calm", 0.9)}, {}, [_spell("one", "calm", 0, 1)], 1)


def test_the_built_in_spells_are_those_of_the_sources() -> None:
    by = {one.name: one for one in SPELLS}
    storm = by["2026-01-fern"]
    assert (storm.state, iso_day(storm.begin), storm.sure) == ("curtailed", "2026-01-23", "high")
    ban = by["2021-06-ban-sichuan"]
    assert ban.end == parse_moment("2021-07-03").time - DAY
    assert len(SPELLS) == 65
    # one in three, drawn beforehand
    assert sum(one.kept for one in SPELLS) == 21
    assert all(one.state in KNOWN for one in SPELLS)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('state = "capitulating"', 'state = "panicking"', "state"),
        ("begin_uncertain_days = 30", "begin_uncertain_days = -1", "begin_uncertain_days"),
        ("begin = 2011-09-01", 'begin = "autumn"', "begin"),
        ("end = 2011-12-01", "end = 2011-08-01", "end"),
        ('id = "2012-halving"', 'id = "2011-bust"', "id"),
        ('sure = "medium"', 'sure = "quite"', "sure"),
    ],
)
def test_a_spell_that_is_wrong_is_named(tmp_path: Path, old: str, new: str, place: str) -> None:
    text = (files("hashcanary.studies.verdict") / "spells.toml").read_text("utf-8")
    assert old in text
    path = tmp_path / "spells.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadStates, match=f"spell .*{place}"):
        read_spells(path)


def test_a_file_without_spells_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spells.toml"
    path.write_text("", encoding="utf-8")
    with pytest.raises(BadStates, match="spell"):
        read_spells(path)
