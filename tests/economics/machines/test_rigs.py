"""The catalogue of rigs: what it holds, how it is read, what it refuses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from hashcanary.economics.errors import BadFigures, NoRigYet, UnknownRig
from hashcanary.economics.machines.rigs import ROUNDING, read_rigs
from hashcanary.moments import iso_day, parse_moment

if TYPE_CHECKING:
    from pathlib import Path

MINE = """
nameplate_spread = 0.02
[sources]
own = "measured at the meter"
[[rig]]
name = "Own Rig"
maker = "Own"
hashrate_ths = 100
power_w = 2000
efficiency_j_per_th = 20
released = "2024-03"
release = "listed"
sources = ["own"]
"""


def at(day: str) -> int:
    time = parse_moment(day).time
    assert time is not None
    return time


def test_power_is_hashrate_times_efficiency_for_every_rig() -> None:
    for rig in read_rigs().rigs:
        product = rig.hashrate_ths * rig.efficiency_j_per_th
        assert math.isclose(product, rig.power_w, rel_tol=ROUNDING), rig.name
        assert rig.sources, rig.name


@pytest.mark.parametrize(
    ("name", "ths", "watts", "j_per_th"),
    # Glassnode's four reference rigs, and the rig of ViaBTC's vector
    [
        ("Antminer S9", 13.5, 1323, 98),
        ("Antminer S17", 56, 2520, 45),
        ("Antminer S19 Pro", 110, 3250, 29.55),
        ("Antminer S19 XP", 140, 3010, 21.5),
        ("Antminer S19", 95, 3250, 34.2),
    ],
)
def test_published_nameplates(name: str, ths: float, watts: float, j_per_th: float) -> None:
    rig = read_rigs().rig(name)
    assert (rig.hashrate_ths, rig.power_w, rig.efficiency_j_per_th) == (ths, watts, j_per_th)


def test_sources_that_disagree_are_both_kept_and_widen_the_band() -> None:
    catalogue = read_rigs()
    s9, m60 = catalogue.rig("Antminer S9"), catalogue.rig("Whatsminer M60")
    assert iso_day(s9.released)[:7] == "2017-09"
    assert [iso_day(int(one.value))[:7] for one in s9.others] == ["2017-02"]
    low, high = s9.released_band
    assert iso_day(low) <= "2017-02-01"
    assert iso_day(high) >= "2017-09-01"
    low_j, high_j = m60.nameplate_j_per_th.ends
    assert low_j == pytest.approx(18.3 * 0.95)
    assert high_j == pytest.approx(19.9 * 1.05)


def test_only_what_was_sold_by_then() -> None:
    catalogue = read_rigs()
    names = {rig.name for rig in catalogue.released_by(at("2020-05-01"))}
    assert "Antminer S19" in names
    assert "Antminer S19" not in {rig.name for rig in catalogue.released_by(at("2020-04-29"))}
    releases = [rig.released for rig in catalogue.rigs]
    assert releases == sorted(releases)
    assert all(rig.released <= at("2020-05-01") for rig in catalogue.released_by(at("2020-05-01")))


def test_a_date_before_the_first_rig_is_named() -> None:
    with pytest.raises(NoRigYet, match=r"2013-11-01.*Antminer S1.*2010-01-01"):
        read_rigs().released_by(at("2010-01-01"))


def test_a_rig_is_not_known_before_its_month() -> None:
    catalogue = read_rigs()
    assert catalogue.rig("S21", at("2023-09-01")).name == "Antminer S21"
    with pytest.raises(NoRigYet, match=r"2023-09-01.*Antminer S21.*2023-08-30"):
        catalogue.rig("S21", at("2023-08-30"))


def test_names_are_found_in_any_case_and_without_the_family() -> None:
    catalogue = read_rigs()
    assert catalogue.rig("s19 xp").name == "Antminer S19 XP"
    assert catalogue.rig("ANTMINER S19XP").name == "Antminer S19 XP"
    with pytest.raises(UnknownRig, match="Antminer S19 XP"):
        catalogue.rig("s19 xq")
    with pytest.raises(UnknownRig, match="Similar names: none"):
        catalogue.rig("")


def test_a_users_file_stands_alone_or_extends(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(MINE)
    alone = read_rigs(mine)
    assert [rig.name for rig in alone.rigs] == ["Own Rig"]
    assert alone.rigs[0].sources == ("measured at the meter",)
    mine.write_text('extends = "built-in"\n' + MINE.replace("Own Rig", "Antminer S19"))
    both = read_rigs(mine)
    assert len(both.rigs) == len(read_rigs().rigs)
    assert both.rig("S19").power_w == 2000
    assert both.rig("S19").nameplate_spread == 0.02
    assert both.rig("S9").nameplate_spread == read_rigs().rig("S9").nameplate_spread


def test_two_figures_give_the_third(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(MINE.replace("power_w = 2000\n", ""))
    assert read_rigs(mine).rigs[0].power_w == 2000
    mine.write_text(MINE.replace("efficiency_j_per_th = 20\n", ""))
    assert read_rigs(mine).rigs[0].efficiency_j_per_th == 20


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("efficiency_j_per_th = 20", "efficiency_j_per_th = 25", "2500 W, within 0.5%"),
        ("efficiency_j_per_th = 20", "efficiency_j_per_th = 0.2", "from 2 to 20000"),
        ("efficiency_j_per_th = 20\n", "", None),
        ("power_w = 2000\nefficiency_j_per_th = 20", "power_w = 20", "from 2 to 20000 J/TH"),
        ("power_w = 2000\nefficiency_j_per_th = 20", "", "power_w or efficiency_j_per_th"),
        ("hashrate_ths = 100\n", "", "hashrate_ths"),
        ("power_w = 2000", "power_w = -2000", "a number from"),
        ("power_w = 2000", 'power_w = "2 kW"', "a number from"),
        ("hashrate_ths = 100", "hashrate_ths = nan", "a number from"),
        ("hashrate_ths = 100", "hashrate_ths = true", "a number from"),
        ('released = "2024-03"', 'released = "2024-13"', "a month such as"),
        ('released = "2024-03"', "released = 2024-03-01", "a month such as"),
        ('release = "listed"', 'release = "surely"', "one of listed"),
        ('release = "listed"', 'release = "listed"\ncooling = "wind"', "one of air"),
        ('sources = ["own"]', 'sources = ["theirs"]', "keys of .sources."),
        ('sources = ["own"]', "sources = []", "a source or more"),
        ('sources = ["own"]', 'sources = ["own"]\nprice_usd = 3', "price_usd"),
        ('sources = ["own"]', 'sources = ["own"]\nassumed = ["price"]', "names among"),
        (
            'sources = ["own"]',
            'sources = ["own"]\nothers = [{ source = "own" }]',
            "a figure beside",
        ),
        ("nameplate_spread = 0.02", "nameplate_spread = 5", "from 0 to 0.5"),
        ("nameplate_spread = 0.02", 'extends = "all"\nnameplate_spread = 0.02', "built-in"),
        ("[[rig]]", "[[rigs]]", "one of extends"),
        ("[[rig]]", "[[rig", "a TOML document"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    tmp_path: Path, old: str, new: str, said: str | None
) -> None:
    mine = tmp_path / "mine.toml"
    assert old in MINE
    mine.write_text(MINE.replace(old, new))
    if said is None:
        assert read_rigs(mine).rigs
        return
    with pytest.raises(BadFigures, match=said) as caught:
        read_rigs(mine)
    assert "mine.toml" in str(caught.value)


def test_a_rig_twice_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(MINE + MINE[MINE.index("[[rig]]") :])
    with pytest.raises(BadFigures, match=r"rig 2\.name: expected a rig once"):
        read_rigs(mine)
    with pytest.raises(BadFigures, match="a TOML document"):
        read_rigs(tmp_path / "none.toml")
