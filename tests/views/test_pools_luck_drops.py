"""What ``pools``, ``luck`` and ``drops`` answer, on made-up cases and simulated chains."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.stress_worlds import stress_world

from hashcanary.inference.drops.drops import Drop, DropList
from hashcanary.inference.gap.change import Change
from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_time
from hashcanary.store.record import Record
from hashcanary.studies.pools import PoolRow, PoolStudy
from hashcanary.views.data import csv_text
from hashcanary.views.luck import answer as window_answer
from hashcanary.views.luck import drops, luck, small
from hashcanary.views.pools import answer, changes, lead, shares

if TYPE_CHECKING:
    from hashcanary.inference.luck.luck import WindowLuck

START = 1_767_225_600  # 1 Jan 2026


@pytest.fixture(scope="module")
def record() -> Record:
    return stress_world("curtailment", 3, missing=0.0).record


def _row(pool: str, blocks: int, beyond: bool | None, change: float | None = 0.02) -> PoolRow:
    share = Interval(blocks / 1000, blocks / 1100, blocks / 900)
    return PoolRow(
        pool=pool,
        name=pool,
        blocks=blocks,
        share=share,
        hashrate=share.scaled(1e21),
        before=100,
        share_change=None if change is None else Interval(change, change - 0.01, change + 0.01),
        hashrate_change=Interval(nan, nan, nan),
        p_value=0.2,
        p_corrected=0.4,
        beyond_luck=beyond,
    )


STUDY = PoolStudy(
    list="mine@1",
    by="pool",
    days=7,
    start=START,
    end=START + 7 * DAY,
    known_at=START + 8 * DAY,
    blocks=1000,
    before=990,
    rows=(
        _row("large", 600, False),
        _row("mover", 300, True, -0.05),
        _row("gone", 0, False),
        _row("unknown", 100, None),
    ),
    unknown_share=Interval(0.1, 0.08, 0.12),
    hhi=Interval(0.45, 0.42, 0.48),
    nakamoto=Interval(1.0, 1.0, 1.0),
    compared=3,
    simulated=True,
)


def test_pools_have_shares_hashrates_and_changes_with_limits(record: Record) -> None:
    document = answer(record, STUDY).to_dict()
    assert (document["start"], document["end"]) == (iso_time(START), iso_time(START + 7 * DAY))
    assert (document["blocks"], document["blocks_before"], document["compared"]) == (1000, 990, 3)
    assert document["hhi_ratio_low"] == 0.42
    first = document["rows"][0]
    assert first["share_fraction"] == 0.6
    assert first["hashrate_hashes_per_second_high"] == pytest.approx(600 / 900 * 1e21)
    assert first["hashrate_change_fraction"] is None
    assert first["p_corrected"] == 0.4
    assert document["rows"][-1]["beyond_luck"] is None
    assert answer(record, STUDY).table()["share_change_fraction"].to_list()[1] == -0.05


def test_the_lead_names_who_found_most_and_what_changed() -> None:
    text = lead(STUDY)
    for words in ("1 to 7 Jan 2026", "large found 60.0%", "more than half", "mover (−5.0 points)"):
        assert words in text
    three = lead(replace(STUDY, nakamoto=Interval(3.0, 3.0, 4.0)))
    assert "3 pools more than half" in three
    alone = replace(STUDY, rows=(_row("unknown", 1000, None),))
    assert "none is of a known pool" in lead(alone)


def test_tables_of_shares_and_changes_choose_their_rows() -> None:
    assert [row.pool for row in shares(STUDY).rows] == ["large", "mover", "unknown"]
    assert [row.pool for row in changes(STUDY).rows] == ["mover", "large", "gone", "unknown"]
    alone = replace(STUDY, before=None, rows=(_row("large", 600, None, None),))
    assert changes(alone).rows == []
    assert "nothing is compared" in changes(alone).empty


def test_without_a_majority_the_fewest_pools_are_null(record: Record) -> None:
    document = answer(record, replace(STUDY, nakamoto=Interval(nan, 5.0, inf))).to_dict()
    assert (document["nakamoto"], document["nakamoto_high"]) == (None, None)
    assert any("no majority" in text for text in document["sentences"])


def test_groups_are_listed_with_their_sources(record: Record) -> None:
    plain, groups = (len(answer(record, replace(STUDY, by=by)).sentences) for by in _BOTH)
    from hashcanary.sources.pools.pool_lists import built_in

    assert groups - plain == len(built_in().groups)


_BOTH = ("pool", "group")


def test_the_luck_of_a_window_is_that_of_the_test(record: Record) -> None:
    from hashcanary.inference.filter.observations import blocks_of
    from hashcanary.inference.luck.luck import window_luck
    from hashcanary.inference.luck.windows import between_times

    end = int(record.blocks["time"][-1]) - 30 * DAY
    found = luck(record, start=end - 3 * DAY, end=end, span_days=100.0)
    blocks = blocks_of(record)
    expected = window_luck(
        blocks,
        record.network,
        between_times(blocks, record.network, end - 3 * DAY, end),
        span_days=100.0,
    )
    (row,) = found.to_dict()["rows"]
    assert row["blocks"] == expected.window.blocks
    assert row["p_value"] == expected.p_value
    assert row["p_worst_of_span"] == expected.p_span
    assert (row["change_fraction_low"], row["change_fraction_high"]) == (
        expected.low,
        expected.high,
    )
    document = found.to_dict()
    assert document["span_days"] == 100.0
    assert [each["level_probability"] for each in document["models"]] == [
        *(0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
    ]
    assert document["models_change_fraction"] == document["models"][3]["change_fraction"]


@pytest.mark.parametrize(
    ("chance", "text"),
    [(0.0515, "5.1%"), (3.63e-4, "0.036%"), (3.4e-8, "<0.0001%"), (0.9995, ">99.9%")],
)
def test_small_probabilities_keep_two_digits(chance: float, text: str) -> None:
    assert small(chance) == text


DROP = Drop(
    start=900_000,
    start_low=899_900,
    start_high=900_050,
    start_time=START,
    # header times need not follow heights
    start_low_time=START + 60,
    start_high_time=START + 30,
    alarm=900_120,
    alarm_time=START + DAY,
    end=None,
    end_time=None,
    depth=0.2,
    depth_low=0.1,
    depth_high=0.3,
    level=9e20,
    returned=None,
    luck_years=120.0,
)


def test_drops_have_alarms_depths_and_ends(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = DropList((DROP,), 2.0, ((0, 105_191), (200_000, 200_999)), 3.5)
    monkeypatch.setattr("hashcanary.inference.drops.drops.find_drops", lambda *_: listed)
    document = drops(record, years=2.0).to_dict()
    (row,) = document["rows"]
    assert row["start_low"] == iso_time(START + 60)
    assert row["start_high"] == iso_time(START + 30)
    assert (row["start_height"], row["alarm_height"], row["delay_blocks"]) == (
        900_000,
        900_120,
        120,
    )
    assert (row["depth_fraction_low"], row["depth_fraction_high"]) == (0.1, 0.3)
    assert row["end"] is row["end_height"] is row["returned"] is None
    assert row["once_in_years"] == 120.0
    assert document["watched"] == [
        {"first_height": 0, "last_height": 105_191},
        {"first_height": 200_000, "last_height": 200_999},
    ]
    assert document["watched_blocks"] == 106_192
    # two years of blocks, and a little more, at one in two years
    assert document["false_alarms"] == pytest.approx(1.01, abs=0.01)
    assert "once in 3.5 years" in document["sentences"][-1]


def test_several_alarms_and_gaps_are_told_with_what_noise_alone_raises(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = replace(DROP, end=900_400, end_time=START + 3 * DAY, returned=False)
    listed = DropList((DROP, ended), 0.5, ((0, 52_559), (200_000, 252_559)), 0.05)
    monkeypatch.setattr("hashcanary.inference.drops.drops.find_drops", lambda *_: listed)
    answer = drops(record, years=0.5)
    first, runs, now = answer.sentences
    # two years of blocks at two false alarms a year
    assert first.startswith("2 alarms in 105,120 blocks")
    assert "raise 4.0 on average" in first
    assert "0 to 52,559, 200,000 to 252,559" in runs
    assert "no further drop" in now
    document = answer.to_dict()
    assert document["between_false_alarms_years"] == 0.5
    assert document["false_alarms"] == 4.0
    assert document["rows"][1]["end"] == iso_time(START + 3 * DAY)
    assert (document["rows"][1]["end_height"], document["rows"][1]["returned"]) == (900_400, False)
    assert document["rows"][0]["level_before_hashes_per_second"] == 9e20
    text = answer.text(200)
    assert "20% (10% to 30%)" in text
    assert "1 Jan 2026" in text
    assert "120 years" in text


def test_without_a_drop_the_table_says_so_and_one_run_is_not_told(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = DropList((), 1.0, ((0, 999),), 0.0)
    monkeypatch.setattr("hashcanary.inference.drops.drops.find_drops", lambda *_: listed)
    answer = drops(record)
    assert "0 alarms in 1,000 blocks" in answer.sentences[0]
    assert len(answer.sentences) == 2
    assert "No drop raised an alarm." in answer.text()
    assert csv_text(answer.tables[0]).count("\n") == 1


def test_the_share_of_no_known_pool_and_concentration_are_said(record: Record) -> None:
    sentences = answer(record, STUDY).to_dict()["sentences"]
    text = " ".join(sentences)
    assert "10.0% of the blocks are of no known pool" in text
    assert "0.4500 (0.4200 to 0.4800)" in text
    assert "Fewest pools above a half: 1 (1 to 1)" in text
    assert "any of the 3 pools compared" in text
    assert "mine@1" in text
    unsure = replace(STUDY, nakamoto=Interval(3.0, 2.0, inf))
    assert "3 (2 to more)" in " ".join(answer(record, unsure).sentences)


def test_nothing_is_compared_where_the_window_before_has_no_labels(record: Record) -> None:
    rows = tuple(replace(row, share_change=None, beyond_luck=None) for row in STUDY.rows)
    alone = replace(STUDY, before=None, rows=rows)
    document = answer(record, alone).to_dict()
    assert document["blocks_before"] is None
    assert {row["share_change_fraction"] for row in document["rows"]} == {None}
    assert "are not all labelled: nothing is compared" in document["sentences"][0]
    assert sum("nothing is compared" in line for line in document["sentences"]) == 1


def test_groups_have_their_own_title_and_csv_every_column(record: Record) -> None:
    assert answer(record, STUDY).title.startswith("Pools, 1 to 7 Jan 2026")
    grouped = answer(record, replace(STUDY, by="group"))
    assert grouped.title.startswith("Groups of pools, ")
    header, first, *_ = csv_text(grouped.tables[0]).splitlines()
    assert header.startswith("pool,name,blocks,share_fraction,share_fraction_low")
    assert first.startswith("large,large,600,0.6,")
    assert header.endswith("p_value,p_corrected,beyond_luck")


def test_people_read_changes_in_points_and_who_is_unknown_in_words(record: Record) -> None:
    text = answer(record, STUDY).text(200)
    assert "−5.0 (−6.0 to −4.0)" in text
    assert "percentage points" in text
    assert "no known pool" in text
    assert " slug" not in text


def test_names_of_pools_are_harmless_in_a_sentence() -> None:
    evil = replace(STUDY.rows[0], name="evil\x1b[31m")
    assert "\x1b" not in lead(replace(STUDY, rows=(evil, *STUDY.rows[1:])))


@pytest.fixture(scope="module")
def judged(record: Record) -> WindowLuck:
    from hashcanary.inference.filter.observations import blocks_of
    from hashcanary.inference.luck.luck import window_luck
    from hashcanary.inference.luck.windows import between_times

    end = int(record.blocks["time"][-1]) - 30 * DAY
    blocks = blocks_of(record)
    window = between_times(blocks, record.network, end - 3 * DAY, end)
    return window_luck(blocks, record.network, window, span_days=100.0)


def test_without_the_models_the_window_is_judged_and_why_is_said(
    record: Record, judged: WindowLuck
) -> None:
    found = window_answer(record, judged, None, "a gap of a week")
    document = found.to_dict()
    (row,) = document["rows"]
    assert document["models"] == []
    assert document["models_change_fraction"] is document["models_correlation_ratio"] is None
    assert document["missing"] == ["a gap of a week"]
    assert found.sentences[-1] == "Missing: a gap of a week."
    assert row["lower_by_0_percent_probability"] is None
    assert row["p_value"] == judged.p_value
    assert row["expected_blocks"] == judged.expected
    assert row["once_in_years"] == judged.once_in_years
    assert "within 100 days" in found.tables[0].note
    assert not any("dynamic models" in line for line in found.sentences)
    assert judged.reference is not None
    assert document["reference_first"] == judged.reference.first + 1
    assert document["reference_last"] == judged.reference.last
    assert document["hashrate_before_hashes_per_second"] == judged.rate


def test_the_models_have_their_change_and_the_chances_of_drops(
    record: Record, judged: WindowLuck
) -> None:
    # a thousand draws from 30% down to 2% up
    changes = np.linspace(-0.3, 0.02, 1000)
    models = Change((0, 1), (1, 2), np.log1p(changes), 0.4, ("blocks in the later time",))
    found = window_answer(record, judged, models)
    document = found.to_dict()
    # at 2.5, 50 and 97.5% of the way
    assert document["models_change_fraction"] == pytest.approx(-0.14, abs=1e-4)
    assert document["models_change_fraction_low"] == pytest.approx(-0.292, abs=1e-4)
    assert document["models_change_fraction_high"] == pytest.approx(0.012, abs=1e-4)
    assert document["models_correlation_ratio"] == 0.4
    (row,) = document["rows"]
    chances = [row[f"lower_by_{drop}_percent_probability"] for drop in (0, 5, 10, 20)]
    assert chances == pytest.approx([30 / 32, 25 / 32, 20 / 32, 10 / 32], abs=1e-3)
    text = " ".join(found.sentences)
    assert "−14.0% (95%: −29.2% to +1.2%)" in text
    assert "P(lower hashrate): 93.7%" in text
    assert "by more than 20%: 31.3%" in text
    assert document["missing"] == ["blocks in the later time"]
    assert judged.reference is not None
    assert f"{judged.reference.blocks:,} blocks before (95%)" in text


def test_a_window_of_ones_own_is_judged_and_the_last_three_settled_days_without(
    record: Record,
) -> None:
    document = luck(record).to_dict()
    times = record.blocks["time"].to_list()
    # the median of the last eleven headers, a little earlier than the last
    until = sorted(times[-11:])[5]
    assert document["end"] == iso_time(until)
    assert document["start"] == iso_time(until - 3 * DAY)
    assert document["span_days"] == 365.25


def test_draws_tell_no_less_than_one_of_them(record: Record, judged: WindowLuck) -> None:
    models = Change((0, 1), (1, 2), np.log1p(np.linspace(-0.3, -0.1, 500)), 0.4, ())
    text = " ".join(window_answer(record, judged, models).sentences)
    assert "P(lower hashrate): >99.8%; by more than 5%: >99.8%" in text
    models = Change((0, 1), (1, 2), np.log1p(np.linspace(0.1, 0.3, 500)), 0.4, ())
    text = " ".join(window_answer(record, judged, models).sentences)
    assert "P(lower hashrate): <0.2%; by more than 5%: <0.2%" in text


@pytest.mark.parametrize(
    ("limits", "apart"),
    [((-0.01, 0.02), True), ((-0.9, -0.8), True), ((-0.9, 0.5), False)],
)
def test_limits_that_do_not_overlap_are_said_to_differ_and_why(
    record: Record, judged: WindowLuck, limits: tuple[float, float], *, apart: bool
) -> None:
    judged = replace(judged, change=-0.3, low=-0.4, high=-0.2)
    low, high = limits
    models = Change((0, 1), (1, 2), np.log1p(np.linspace(low, high, 40)), 0.4, ())
    said = any(
        line.startswith("The two differ")
        for line in window_answer(record, judged, models).sentences
    )
    assert said == apart
