"""What ``explain_drop`` answers: facts, tables, words and what is missing."""

from __future__ import annotations

from dataclasses import replace
from math import exp, nan

import pytest
from support.stress_worlds import stress_world

from hashcanary.errors import UsageError
from hashcanary.inference.explain.margins import Missing
from hashcanary.inference.gap.explanation import CANNOT_TELL, KINDS, Explanation
from hashcanary.inference.gap.explanation import explain_drop as explained
from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_day, iso_time
from hashcanary.store.record import Record
from hashcanary.views.answer import Answer
from hashcanary.views.drop import (
    answer,
    details,
    explain_drop,
    headline,
    missing_text,
    sentences,
    table,
    times,
)


@pytest.fixture(scope="module")
def record() -> Record:
    """A storm of which everything is known, a week after it began."""
    world = stress_world("curtailment", 59, missing=0.0)
    return world.known_at(world.start + 7 * DAY)


@pytest.fixture(scope="module")
def storm(record: Record) -> Explanation:
    return explained(record)


@pytest.fixture(scope="module")
def told(record: Record, storm: Explanation) -> Answer:
    return answer(record, storm)


def _with(explanation: Explanation, **probabilities: float) -> Explanation:
    shares = {name: probabilities.get(name, 0.0) for name in explanation.probabilities}
    leading = max(shares, key=lambda name: shares[name])
    return replace(
        explanation,
        probabilities=shares,
        answer=leading if shares[leading] >= 0.6 else CANNOT_TELL,
    )


def test_facts_are_those_of_the_explanation_in_their_units(
    told: Answer, storm: Explanation
) -> None:
    assert storm.explained is not None
    assert storm.recent is not None
    document, drop = told.to_dict(), storm.explained.drop
    assert document["answer"] == storm.answer
    assert document["least_named_probability"] == 0.6
    assert document["start"] == iso_time(int(drop.begin.value))
    assert document["start_low"] <= document["start"] <= document["start_high"]
    assert document["depth_fraction"] == drop.depth.value
    assert (document["decline_days_low"], document["decline_days_high"]) == drop.days.ends
    assert document["recent_change_fraction_low"] == storm.recent.change.low
    margin = storm.margin
    assert margin is not None
    assert document["hashprice_usd_per_phs_day"] == margin.hashprice_usd_per_phs_day
    assert document["hashprice_day"] == iso_day(margin.day)
    squeeze = margin.squeeze
    assert document["break_even_usd_per_phs_day"] == squeeze.break_even_usd_per_phs_day.value
    assert document["network_efficiency_j_per_th_low"] == squeeze.network_j_per_th.low
    assert document["network_power_price_usd_per_kwh_high"] == squeeze.power_usd_per_kwh.high


def test_causes_pools_regions_and_power_stand_beside_the_evidence(
    told: Answer, storm: Explanation
) -> None:
    document = told.to_dict()
    causes = {row["cause"]: row for row in document["causes"]}
    assert {name: row["posterior_probability"] for name, row in causes.items()} == (
        storm.probabilities
    )
    assert {name: row["prior_probability"] for name, row in causes.items()} == storm.prior
    shares = [row["posterior_probability"] for row in document["causes"]]
    assert shares == sorted(shares, reverse=True)
    assert [row["pool"] for row in document["pools"]] == [row.pool for row in storm.pools]
    assert document["pools"][0]["change_fraction"] == storm.pools[0].change.value
    assert {row["region"]: row["only_loser_probability"] for row in document["regions"]} == {
        row.region: storm.region_probabilities.get(row.region) for row in storm.losing_regions
    }
    assert document["power"][0]["highest_usd_per_mwh"] == storm.power[0].highest
    assert told.table("power")["usual_usd_per_mwh"].to_list() == [storm.power[0].usual]


def test_each_kind_of_evidence_has_its_factors_by_cause(told: Answer, storm: Explanation) -> None:
    rows = told.to_dict()["rows"]
    assert [row["kind"] for row in rows] == list(KINDS)
    for row, evidence in zip(rows, storm.evidence, strict=True):
        for cause in ("luck", "curtailment", "economics", "exit"):
            factor = row[f"{cause}_log_bayes_factor_nats"]
            assert factor == (None if evidence.factors is None else evidence.factors[cause])


def test_pools_of_few_blocks_are_left_to_machines(storm: Explanation) -> None:
    small = replace(storm.pools[0], before=29, pool="tiny")
    pools = table(replace(storm, pools=(*storm.pools, small)), "pools")
    assert pools.rows[-1].pool == "tiny"
    assert pools.shown is not None
    assert all(row.before >= 30 for row in pools.shown)
    left = len(pools.rows) - len(pools.shown)
    assert pools.note.startswith(f"{left} smaller pool")


def test_the_headline_names_the_cause_noise_or_neither(storm: Explanation) -> None:
    assert headline(_with(storm, exit=0.8, luck=0.2)).endswith(": structural exit (80%)")
    assert headline(_with(storm, luck=0.9, exit=0.1)).startswith("No drop beyond noise")
    # of a drop that is likelier than not, the likeliest cause of one
    assert headline(_with(storm, luck=0.4, exit=0.35, economics=0.25)).endswith("exit (35%)")
    unsure = headline(_with(storm, curtailment=0.5, exit=0.45))
    assert "undetermined" in unsure
    assert unsure.endswith("curtailment (50%)")


@pytest.mark.parametrize(
    ("low", "high", "years", "words", "often"),
    [
        (-0.31, -0.08, 400.0, "down 8 to 31%", "once in 400 years"),
        (-0.31, -0.08, 2.5, "down 8 to 31%", "once in 2.5 years"),
        (-0.31, -0.08, 0.25, "down 8 to 31%", "4 times a year"),
        (-0.61, -0.48, 1e6, "down 48 to 61%", "once in over 10,000 years"),
        (-0.31, -0.08, nan, "down 8 to 31%", None),
        (-0.05, 0.12, 0.01, "between 5% down and 12% up", None),
        (0.03, 0.12, 0.01, "up 3 to 12%", None),
    ],
)
def test_the_last_days_are_given_with_their_interval_and_return_period(
    storm: Explanation, low: float, high: float, years: float, words: str, often: str | None
) -> None:
    assert storm.recent is not None
    recent = replace(
        storm.recent, change=Interval((low + high) / 2, low, high), once_in_years=years
    )
    first, second, *_ = sentences(replace(storm, recent=recent))
    assert words in first
    assert (often in second) if often else ("so few blocks" not in second)


def test_without_blocks_to_compare_the_last_days_are_left_out(storm: Explanation) -> None:
    whole = sentences(storm)
    assert sentences(replace(storm, recent=None)) == whole[-2:]


def test_the_probability_that_it_is_real_is_that_it_is_not_noise(storm: Explanation) -> None:
    assert "30%" in sentences(_with(storm, luck=0.7, exit=0.3))[-1]
    assert "58%" in sentences(_with(storm, luck=0.42, exit=0.58))[-2]


def test_assumptions_are_the_values_that_were_used(storm: Explanation) -> None:
    margin = storm.margin
    assert margin is not None
    squeeze = replace(
        margin.squeeze,
        network_j_per_th=Interval(21.0, 18.0, 25.0),
        power_usd_per_kwh=Interval(0.051, 0.042, 0.063),
    )
    last = details(replace(storm, margin=replace(margin, squeeze=squeeze)))[-1]
    for figure in ("21 J/TH (18 to 25)", "0.051 USD/kWh (0.042 to 0.063)"):
        assert figure in last


def test_power_has_its_load_where_that_is_known(storm: Explanation) -> None:
    power = replace(storm.power[0], load=51_000.0, usual_load=48_000.0)
    (*_, row) = table(replace(storm, power=(power,)), "evidence").rows
    assert "51,000 MW" in row[2]
    assert "48,000 MW" in row[2]


def test_what_is_missing_is_null_and_named(record: Record, storm: Explanation) -> None:
    bare = replace(
        storm,
        pools=(),
        losing_regions=(),
        margin=None,
        power=(),
        missing=(Missing("hashprice", "no rig"),),
    )
    document = answer(record, bare).to_dict()
    findings = {row["kind"]: row["finding"] for row in document["rows"]}
    assert findings["pools"] == findings["hashprice"] == findings["power"] == "missing"
    assert document["hashprice_usd_per_phs_day"] is None
    assert document["break_even_usd_per_phs_day_low"] is None
    assert len(document["missing"]) == 1
    assert document["pools"] == document["regions"] == document["power"] == []


def test_labels_that_are_too_few_are_counted() -> None:
    text = missing_text(Missing("pools", "few labels", 0.0, 3.0 * DAY, 1200, 4032))
    assert "1 Jan 1970 to 4 Jan 1970" in text
    assert "1,200 of 4,032" in text


@pytest.mark.parametrize(
    ("log_factor", "shown"),
    [(0.0, "1.0"), (2.302586, "×10"), (-1.0, "÷2.7"), (1e9, f"×{exp(30):,.0f}")],
)
def test_a_factor_reads_as_times(log_factor: float, shown: str) -> None:
    assert times(log_factor) == shown


def test_a_drop_is_looked_for_since_a_date_or_a_time(record: Record, storm: Explanation) -> None:
    assert storm.explained is not None
    begin = int(storm.explained.drop.begin.value) // DAY * DAY
    for since in (iso_day(begin), iso_time(begin)):
        document = explain_drop(record, since=since).to_dict()
        assert document["start"] == iso_time(int(storm.explained.drop.begin.value))
    after = explain_drop(record, since=iso_day(begin + 3 * DAY)).to_dict()
    assert after["start"] != document["start"]


def test_where_no_drop_is_likely_it_says_so(record: Record, storm: Explanation) -> None:
    nothing = replace(storm, explained=None, answer="luck", recent=None, pools=(), margin=None)
    told = answer(record, replace(nothing, losing_regions=(), power=()))
    assert "No drop of the last 100 days is likely" in told.text()
    assert told.to_dict()["headline"] == "No drop of the last 100 days is likely"
    assert told.to_dict()["depth_fraction"] is None


def test_what_has_come_back_is_said_to_be_history(storm: Explanation) -> None:
    assert storm.explained is not None
    back = replace(storm.explained.drop, returned=Interval(0.97, 0.9, 1.0))
    over = replace(storm, explained=replace(storm.explained, drop=back))
    assert ", which is made good: " in headline(over)
    assert "made good" not in headline(storm)


@pytest.mark.parametrize("since", ["yesterday", "1999-01-01", "2100-01-01", "12345"])
def test_a_beginning_that_cannot_be_is_a_usage_error(record: Record, since: str) -> None:
    with pytest.raises(UsageError) as error:
        explain_drop(record, since=since)
    assert error.value.fields["argument"] == "--since"
