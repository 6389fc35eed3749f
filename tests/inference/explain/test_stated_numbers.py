"""Stated numbers: those that come along hold together, and wrong ones are named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from hashcanary.inference.errors import BadStatement
from hashcanary.inference.explain import causes as causes_module
from hashcanary.inference.explain.causes import read_causes, read_pool_regions
from hashcanary.moments import day_start
from hashcanary.sources.pools.pool_lists import built_in

FOLDER = Path(causes_module.__file__).parent


def test_priors_are_those_of_falls_that_begin_at_their_rates() -> None:
    found = read_causes()
    rng = np.random.default_rng(1)
    rates = np.array([cause.a_year for cause in found.real]) * 90 / 365.25
    counts = rng.poisson(rates, (400_000, 3))
    none = (counts.sum(axis=1) == 0).mean()
    priors = found.priors(90)
    assert priors["luck"] == pytest.approx(none, abs=0.003)
    assert sum(priors.values()) == pytest.approx(1.0)
    assert priors["curtailment"] / priors["exit"] == pytest.approx(rates[0] / rates[2])


def test_every_region_of_a_cause_and_every_pool_is_known() -> None:
    regions, found = read_pool_regions(), read_causes()
    slugs = {pool.slug for pool in built_in().pools}
    assert {one.slug for one in regions.entries if one.slug} <= slugs
    for cause in found.real:
        assert set(cause.regions) <= set(regions.regions)
        assert cause.season.sum() == pytest.approx(1.0)


def test_a_pool_without_an_entry_has_the_worlds_of_its_time() -> None:
    regions = read_pool_regions()
    before, since = regions.of("nobody", 1.6e9), regions.of("nobody", 1.7e9)
    assert before is not None
    assert since is not None
    assert before.parts["china"] > since.parts["china"]
    own = regions.of("foundryusa", 1.7e9)
    assert own is not None
    assert own.parts["north-america"] > 0.8
    assert "Foundry" in own.source


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("a_year = 2.5", 'a_year = "often"', "curtailment.a_year"),
        ("a_year = 2.5", "a_year = -1", "curtailment.a_year"),
        ("a_year = 2.5", "a_year = nan", "curtailment.a_year"),
        ("[exit]", "[departure]", "exit"),
        ("silent = 0.05", "silent = 0", "silent"),
        ("returns = [0.8, 1.0]", "returns = [1.0, 0.8]", "returns"),
        ("returns = [0.8, 1.0]", "returns = [0.8]", "returns"),
        ("north-america = 0.70", "north-america = 0.90", "regions"),
        ("silent = 0.05", "silent = ", "its text"),
        (
            "season = [2.2, 1.9, 0.6, 0.4, 0.5, 0.9, 1.2, 1.4, 0.7, 0.4, 0.5, 1.8]",
            "season = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]",
            "season",
        ),
        (
            "regions = { north-america = 0.70, china = 0.15, central-asia = 0.15 }",
            "regions = {}",
            "regions",
        ),
        ("fall_days = { median = 0.6, spread = 0.8 }", "fall_days = 3", "fall_days"),
        ('title = "curtailment"', 'title = ""', "title"),
    ],
)
def test_a_wrong_number_of_a_cause_is_named(tmp_path: Path, old: str, new: str, place: str) -> None:
    text = (FOLDER / "causes.toml").read_text("utf-8")
    assert old in text
    path = tmp_path / "own.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(BadStatement) as caught:
        read_causes(path)
    assert place in str(caught.value)
    assert "own.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('ercot = "north-america"', 'ercot = "moon"', "power.ercot"),
        ("north-america = 0.90, china = 0.01", "moon = 0.9", "exposure"),
        ("sure = 20", "sure = 0", "sure"),
        ('regions = ["north-america", "china", "central-asia"]', "regions = []", "regions"),
        ('regions = ["north-america", "china", "central-asia"]', "regions = 3", "regions"),
        ("from = 2021-01-01", "from = 2022-01-01", "until"),
        ("until = 2020-12-31", 'until = "2020"', "until"),
        ("from = 2021-01-01", "from = 2020-06-01", "pool"),
    ],
)
def test_a_wrong_entry_of_pools_regions_is_named(
    tmp_path: Path, old: str, new: str, place: str
) -> None:
    text = (FOLDER / "pool_regions.toml").read_text("utf-8")
    assert old in text
    path = tmp_path / "own.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(BadStatement) as caught:
        read_pool_regions(path)
    assert place in str(caught.value)


@pytest.mark.parametrize(
    ("old", "key", "taken", "refused"),
    [
        ("a_year = 2.5", "a_year = {}", ("0", "365"), ("-0.001", "365.1")),
        ("silent = 0.05", "silent = {}", ("1e-6", "1"), ("9e-7", "1.01")),
        ("regional = 0.85", "regional = {}", ("0", "1"), ("-0.01", "1.01")),
        ("returns = [0.8, 1.0]", "returns = [{}]", ("0, 1", "1, 1"), ("-0.1, 1", "0, 1.1")),
        (
            "depth = { median = 0.12, spread = 0.6 }",
            "depth = {{ median = {} }}",
            ("0.001, spread = 0.01", "0.9, spread = 3"),
            ("0.0009, spread = 1", "0.91, spread = 1", "0.1, spread = 0.009", "0.1, spread = 3.1"),
        ),
        (
            "fall_days = { median = 0.6, spread = 0.8 }",
            "fall_days = {{ median = {}, spread = 1 }}",
            ("0.001", "3660"),
            ("0", "3661"),
        ),
        (
            "margin = { mean = [0.68, -0.14], sd = [0.45, 0.24], correlation = 0.2 }",
            "margin = {{ mean = [{}",
            (
                "-5, 5], sd = [0.01, 5], correlation = -0.99 }",
                "5, -5], sd = [5, 0.01], correlation = 0.99 }",
            ),
            (
                "-5.1, 5], sd = [1, 1], correlation = 0 }",
                "5, 5.1], sd = [1, 1], correlation = 0 }",
                "1, 1], sd = [0.009, 1], correlation = 0 }",
                "1, 1], sd = [1, 5.1], correlation = 0 }",
                "1, 1], sd = [1, 1], correlation = 1 }",
                "1, 1, 1], sd = [1, 1], correlation = 0 }",
            ),
        ),
        (
            "power = { mean = 1.3, sd = 0.9 }",
            "power = {{ {} }}",
            ("mean = -5, sd = 0.01", "mean = 5, sd = 5"),
            ("mean = -5.1, sd = 1", "mean = 5.1, sd = 1", "mean = 0, sd = 0.009"),
        ),
    ],
)
def test_the_ends_of_what_a_number_may_be_are_taken_and_beyond_is_refused(
    tmp_path: Path, old: str, key: str, taken: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    text = (FOLDER / "causes.toml").read_text("utf-8")
    assert old in text
    path = tmp_path / "own.toml"
    for value in taken:
        path.write_text(text.replace(old, key.format(value).replace("}}", "}"), 1), "utf-8")
        read_causes(path)
    for value in refused:
        path.write_text(text.replace(old, key.format(value).replace("}}", "}"), 1), "utf-8")
        with pytest.raises(BadStatement):
            read_causes(path)


def test_stated_numbers_stand_where_they_are_named() -> None:
    storm, prices, ban = read_causes().real
    assert [each.name for each in (storm, prices, ban)] == ["curtailment", "economics", "exit"]
    # as causes.toml has them
    assert (storm.a_year, prices.a_year, ban.a_year) == (2.5, 1.0, 0.2)
    assert (storm.depth.median, storm.depth.spread) == (0.12, 0.6)
    assert [each.median for each in (storm.fall, storm.hold, storm.back)] == [0.6, 2.0, 2.5]
    assert [each.spread for each in (storm.fall, storm.hold, storm.back)] == [0.8, 0.9, 0.8]
    assert (storm.returns, prices.returns) == ((0.8, 1.0), (0.5, 1.0))
    assert (storm.regional, prices.regional, prices.regions["china"]) == (0.85, 0.3, 0.35)
    assert storm.looks.margin.mean == (0.68, -0.14)
    assert storm.looks.margin.sd == (0.45, 0.24)
    assert (storm.looks.power, storm.looks.margin.correlation) == ((1.3, 0.9), 0.2)
    # January is 2.2 of 12.9 in all
    assert storm.season[0] == pytest.approx(2.2 / 12.9)
    # storms of winter in the US; before China's ban, the end of the rains
    assert storm.season_at(day_start(date(2024, 2, 29))) == pytest.approx(12 * 1.9 / 12.5)
    assert storm.season_at(day_start(date(2020, 10, 28))) == pytest.approx(12 * 2.2 / 12.3)
    days = [day_start(date(2021, 6, 30)), day_start(date(2021, 7, 1))]
    assert [storm.season_at(day) for day in days] == pytest.approx(
        [12 * 0.8 / 12.3, 12 * 1.2 / 12.5]
    )
    assert prices.season == pytest.approx(np.full(12, 1 / 12))


def test_a_log_normal_has_its_median_and_its_spread() -> None:
    fall = read_causes().real[0].fall
    found = fall.at(np.array([0.5, 0.8413447460685429, 0.15865525393145707]))
    assert found == pytest.approx([0.6, 0.6 * np.exp(0.8), 0.6 * np.exp(-0.8)])


def test_without_any_rate_every_drop_is_luck_and_causes_have_their_titles() -> None:
    causes = read_causes()
    still = replace(causes, real=tuple(replace(each, a_year=0.0) for each in causes.real))
    assert still.priors(90) == {"luck": 1.0, "curtailment": 0.0, "economics": 0.0, "exit": 0.0}
    # 3.7 falls a year begin: none in half of one with probability e ** -1.85
    assert causes.priors(365.25 / 2)["luck"] == pytest.approx(np.exp(-1.85))
    assert causes.title("exit") == "structural exit"
    assert causes.title("luck") == causes.luck_title


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("from = 2021-01-01", "from = 2022-01-01", "until: expected a day after from, found"),
        ('ercot = "north-america"', 'ercot = "moon"', "power.ercot: expected one of north-america"),
        ("from = 2021-01-01", "from = 2020-06-01", "pool: expected one entry of"),
    ],
)
def test_an_entry_that_cannot_be_says_what_was_expected(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "own.toml"
    path.write_text((FOLDER / "pool_regions.toml").read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(BadStatement) as caught:
        read_pool_regions(path)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadStatement, match=r"nowhere\.toml"):
        read_causes(tmp_path / "nowhere.toml")


def test_a_pool_in_a_list_without_the_world_may_be_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('regions = ["a", "b"]\n[names]\na = "A"\nb = "B"\n[power]\n', "utf-8")
    parts, sure = read_pool_regions(path).table(("somebody",), 1.7e9)
    assert parts.tolist() == [[pytest.approx(1 / 3), pytest.approx(1 / 3)]]
    assert sure.tolist() == [2.0]


def test_an_entry_holds_from_its_first_day_to_the_end_of_its_last(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    own = '[[pool]]\nslug = "{}"\nexposure = {{ a = {} }}\nsure = {}\nsource = "{}"\n'
    path.write_text(
        'regions = ["a", "b"]\n[names]\na = "A"\nb = "B"\n[power]\n'
        + own.format("p", 0.25, 7, "first")
        + "until = 2020-12-31\n"
        + own.format("p", 0.5, 9, "second")
        + "from = 2021-01-01\nuntil = 2021-12-31\n"
        + own.format("q", 1.0, 3, "always")
        + own.replace("pool", "world").replace('slug = "{}"\n', "").format(0.125, 5, "world")
        + "from = 2021-06-01\n",
        "utf-8",
    )
    regions = read_pool_regions(path)
    new_year, june, next_year = 1_609_459_200, 1_622_505_600, 1_640_995_200

    def source(pool: str, time: float) -> str | None:
        entry = regions.of(pool, time)
        return None if entry is None else entry.source

    assert [source("p", time) for time in (0, new_year - 1, new_year)] == [
        "first",
        "first",
        "second",
    ]
    assert [source("p", time) for time in (next_year - 1, next_year)] == ["second", "world"]
    assert [source("x", time) for time in (june - 1, june, 1 << 40)] == [None, "world", "world"]
    assert [source("q", time) for time in (0, 1 << 40)] == ["always", "always"]
    parts, sure = regions.table(("p", "x", "q"), june - 1)
    assert parts.tolist() == [[0.5, 0.0], [pytest.approx(1 / 3)] * 2, [1.0, 0.0]]
    assert sure.tolist() == [9.0, 2.0, 3.0]
    parts, sure = regions.table(("x",), june)
    assert (parts.tolist(), sure.tolist()) == ([[0.125, 0.0]], [5.0])


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        ("until = 2020-12-31", "from = 2021-01-01", False),
        ("until = 2021-01-01", "from = 2021-01-01", True),
        ("from = 2021-01-01", "until = 2020-12-31", False),
        ("from = 2021-01-01", "until = 2021-01-01", True),
        ("from = 2020-01-01", "from = 2021-01-01", True),
    ],
)
@pytest.mark.parametrize("kind", ['pool]]\nslug = "p"', "world]]"])
def test_two_entries_that_hold_at_once_are_refused(
    tmp_path: Path, first: str, second: str, refused: bool, kind: str
) -> None:
    path = tmp_path / "own.toml"
    entry = f'[[{kind}\nexposure = {{ a = 1.0 }}\nsure = 3\nsource = "s"\n'
    path.write_text(
        'regions = ["a"]\n[names]\na = "A"\n[power]\n'
        + f"{entry}{first}\n{entry}{second}\n"
        + '[[pool]]\nslug = "q"\nexposure = { a = 1.0 }\nsure = 3\nsource = "s"\n',
        "utf-8",
    )
    if refused:
        with pytest.raises(BadStatement, match=r"one entry of (p|the world) at a time"):
            read_pool_regions(path)
    else:
        assert len(read_pool_regions(path).entries) == 3
