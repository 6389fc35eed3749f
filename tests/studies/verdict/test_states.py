"""Which state an account of the last year is in, by accounts written by hand."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary.inference.gap.kernel import FALLS
from hashcanary.inference.gap.sampling import Draws
from hashcanary.studies.errors import BadStates
from hashcanary.studies.verdict.states import (
    STATES,
    Accounts,
    Earnings,
    Known,
    accounts_of,
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
    risen: float = 0.0,
) -> Accounts:
    lost = fallen if lost is None else lost
    figures = (NOW, risen, fallen, lost, active, missing)
    return Accounts(*(np.array([one], dtype=float) for one in figures))


def _state(account: Accounts, *, exits: float = 0.1, short: float = 0.0) -> tuple[str, ...]:
    found = states_of(account, RULES, exits, NOW + short)
    return tuple(STATES[int(one[0])] for one in found)


def test_near_the_top_margins_tell_calm_from_stressed() -> None:
    assert _state(_account(0.01)) == ("calm", "stressed")
    assert _state(_account(0.0149)) == ("calm", "stressed")
    assert _state(_account(0.0153)) != ("calm", "stressed")


def test_few_blocks_without_a_fall_are_noise_but_not_where_margins_are_gone() -> None:
    assert _state(_account(0.01), short=np.log(0.88)) == ("noise", "stressed")
    assert _state(_account(0.01), short=np.log(0.9)) == ("calm", "stressed")


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


def test_it_does_not_recover_while_it_falls() -> None:
    back = _account(0.2, 0.5, missing=(0, 0.3, 0), risen=-0.001)
    assert _state(back) == ("capitulating", "capitulating")


def _draws(begin: float, depth: float, missing: float, cause: int) -> Draws:
    """One fall that was down after a day and has held for another since its begin."""
    falls = np.zeros((1, FALLS, 7))
    falls[0, 0] = (cause, begin, 1.0, 1.0, 3.0, 1.0, depth)
    time = np.array([-30.0, -8.0, -7.0, 0.0])
    path = np.zeros((1, FALLS, time.size))
    path[0, 0, -1] = missing
    return Draws(0.0, time, falls, np.array([1]), np.full((1, 4), NOW), path)


@pytest.mark.parametrize(
    ("begin", "missing", "cause", "active"),
    [
        (-1.5, 0.2, 1, True),  # still holds
        (-5.0, 0.2, 1, False),  # comes back
        (-5.0, 0.1, 0, True),  # comes back, and half of a curtailment is out
        (-5.0, 0.07, 0, False),  # a third of it
        (-31.0, 0.19, 0, False),  # too long ago
    ],
)
def test_a_fall_is_active_while_it_holds_and_a_curtailment_while_it_is_out(
    begin: float, missing: float, cause: int, *, active: bool
) -> None:
    found = accounts_of(_draws(begin, 0.2, missing, cause), RULES)
    assert found.active[0].tolist() == [missing if active and at == cause else 0 for at in range(3)]
    assert found.missing[0, cause] == missing
    assert found.risen[0] == pytest.approx(-missing)
    assert found.fallen[0] == found.lost[0] == pytest.approx(missing)


def test_what_went_slowly_went_for_its_margins_where_these_are_gone() -> None:
    assert _state(_account(0.08), exits=0.9) == ("exiting", "capitulating")
    assert _state(_account(0.08), exits=0.1) == ("capitulating", "capitulating")


def test_probabilities_sum_to_one_and_none_is_nothing() -> None:
    states = states_of(_account(0.01), RULES, 0.1, NOW)
    for gone in (0.0, 0.3, 1.0):
        found = probabilities(states, Known(gone, 1.0, 0.0), RULES)
        assert list(found) == list(STATES)
        assert sum(found.values()) == pytest.approx(1.0)
        assert found["unknown"] == 0.0
        assert min(found[name] for name in STATES[:-1]) > 0
        kept = 1 - RULES.prior_weight
        assert found["stressed"] == pytest.approx(kept * gone + RULES.prior_weight * 0.10)


def test_without_margins_it_is_never_calm() -> None:
    found = probabilities(
        states_of(_account(0.01), RULES, 0.1, NOW), Known(float("nan"), 1.0, 0.0), RULES
    )
    assert found["calm"] == 0.0
    assert found["unknown"] > 0.9
    assert sum(found.values()) == pytest.approx(1.0)


def test_curtailment_follows_its_season() -> None:
    states = states_of(_account(0.01), RULES, 0.1, NOW)
    shares = [
        probabilities(states, Known(0.0, season, 0.0), RULES)["curtailed"]
        for season in (0.0, 1.0, 2.0)
    ]
    assert shares[0] == 0.0
    # 0.17 of the prior, then 0.34 beside the 0.83 of the others
    assert shares[1:] == pytest.approx([0.1 * 0.17, 0.1 * 0.34 / 1.17])


def test_a_year_of_which_a_month_is_not_seen_is_never_calm() -> None:
    states = states_of(_account(0.01), RULES, 0.1, NOW)
    seen, unseen = (probabilities(states, Known(0.0, 1.0, days), RULES) for days in (30.0, 31.0))
    assert (seen["unknown"], unseen["calm"]) == (0.0, 0.0)
    assert unseen["unknown"] == seen["calm"] > 0.9


def test_margins_go_with_rank_and_break_even_or_price() -> None:
    def gone(rank: float, log_margin: float, price: float, log_median: float = -0.5) -> float:
        return RULES.margins_gone(Earnings(rank, log_median, log_margin, price))

    assert gone(0.0, 0.3, 1.0) > 0.9
    assert gone(0.5, 0.3, 1.0) < 0.01
    assert gone(0.0, 1.2, 1.0) < 0.01
    assert gone(0.0, 1.2, 0.2) > 0.85
    assert gone(0.5, 1.2, 0.2) < 0.01
    # the lowest of a year in which it hardly moved
    assert gone(0.0, 0.3, 1.0, log_median=-0.05) < 0.05
    low = RULES.rank.below(0.0)
    assert gone(0.0, float("nan"), 1.0) == pytest.approx(0.15 * low, rel=1e-2)
    assert np.isnan(gone(float("nan"), float("nan"), 1.0))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("gap = 0.015", "gap = 2", "gap"),
        ("calm = 0.42", "calm = 0.90", "prior.calm"),
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
