"""Which state an account of the last year is in, by accounts written by hand."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary.studies.errors import BadStates
from hashcanary.studies.verdict.states import (
    STATES,
    Accounts,
    probabilities,
    read_rules,
    states_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RULES = read_rules()
NOW = np.log(5e20)


def _account(
    fallen: float = 0.0,
    lost: float | None = None,
    active: Sequence[float] = (0, 0, 0),
    missing: Sequence[float] = (0, 0, 0),
) -> Accounts:
    lost = fallen if lost is None else lost
    return Accounts(*(np.array([one], dtype=float) for one in (NOW, fallen, lost, active, missing)))


def _state(account: Accounts, *, exits: float = 0.1, short: float = 0.0) -> tuple[str, ...]:
    found = states_of(account, RULES, exits, NOW + short)
    return tuple(STATES[int(one[0])] for one in found)


def test_near_the_top_margins_tell_calm_from_stressed() -> None:
    assert _state(_account(0.01)) == ("calm", "stressed")
    assert _state(_account(0.019)) == ("calm", "stressed")


def test_few_blocks_without_a_fall_are_noise_but_not_where_margins_are_gone() -> None:
    assert _state(_account(0.01), short=np.log(0.92)) == ("noise", "stressed")
    assert _state(_account(0.01), short=np.log(0.95)) == ("calm", "stressed")


@pytest.mark.parametrize("at", range(3))
def test_a_young_fall_that_still_goes_names_the_state(at: int) -> None:
    active = np.eye(3)[at] * 0.1
    named = ("curtailed", "capitulating", "exiting")[at]
    assert _state(_account(0.1, active=active, missing=active)) == (named, named)


def test_a_young_fall_counts_though_an_older_one_has_come_back() -> None:
    older = _account(0.25, 0.6, active=(0.05, 0, 0), missing=(0.05, 0, 0.3))
    assert _state(older) == ("curtailed", "curtailed")


def test_it_recovers_once_enough_of_what_was_lost_is_back() -> None:
    lost = 0.5
    back = RULES.returned * lost
    assert _state(_account(lost - back - 0.01, lost, missing=(0, 0, 0.5))) == (
        "recovering",
        "recovering",
    )
    assert _state(_account(lost - back + 0.01, lost, missing=(0, 0, 0.5))) == (
        "exiting",
        "exiting",
    )


def test_what_went_slowly_went_for_its_margins_where_these_are_gone() -> None:
    assert _state(_account(0.08), exits=0.9) == ("exiting", "capitulating")
    assert _state(_account(0.08), exits=0.1) == ("capitulating", "capitulating")


def test_probabilities_sum_to_one_and_none_is_nothing() -> None:
    states = states_of(_account(0.01), RULES, 0.1, NOW)
    for gone in (0.0, 0.3, 1.0):
        found = probabilities(states, gone, RULES)
        assert list(found) == list(STATES)
        assert sum(found.values()) == pytest.approx(1.0)
        assert found["unknown"] == 0.0
        assert min(found[name] for name in STATES[:-1]) > 0
        kept = 1 - RULES.prior_weight
        assert found["stressed"] == pytest.approx(kept * gone + RULES.prior_weight * 0.12)


def test_without_margins_it_is_never_calm() -> None:
    found = probabilities(states_of(_account(0.01), RULES, 0.1, NOW), float("nan"), RULES)
    assert found["calm"] == 0.0
    assert found["unknown"] > 0.9
    assert sum(found.values()) == pytest.approx(1.0)


def test_margins_go_with_rank_and_break_even() -> None:
    assert RULES.margins_gone(0.01, 0.3) > 0.9
    assert RULES.margins_gone(0.5, 0.3) < 0.01
    assert RULES.margins_gone(0.01, 1.2) < 0.01
    assert RULES.margins_gone(0.01, float("nan")) > 0.9
    assert np.isnan(RULES.margins_gone(float("nan"), float("nan")))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("gap = 0.02", "gap = 2", "gap"),
        ("calm = 0.50", "calm = 0.90", "prior.calm"),
        ("width = 0.06", "width = 0", "margins.log_margin.width"),
    ],
)
def test_a_file_of_states_that_is_wrong_is_refused(
    tmp_path: Path, old: str, new: str, place: str
) -> None:
    text = (files("hashcanary.studies.verdict") / "states.toml").read_text()
    assert old in text
    path = tmp_path / "states.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadStates, match=place):
        read_rules(path)
