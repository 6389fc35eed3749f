from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from hashcanary.chain.networks import REGTEST
from hashcanary.store.active_chain import active, known_at
from hashcanary.store.placing import histories

EASY, HARD = 0x1D00FFFF, 0x1C00FFFF  # about 2^32 and 2^40 hashes


def tree(*rows: tuple[str, str, int, int, int]) -> pl.DataFrame:
    """Headers as (name, parent, height, time, bits), ascending by height."""
    return pl.DataFrame(
        [
            {"height": h, "hash": n.encode(), "prev_hash": p.encode(), "time": t, "bits": b}
            for n, p, h, t, b in rows
        ]
    ).sort("height")


def names(headers: pl.DataFrame) -> str:
    return b"".join(headers.filter(active(headers))["hash"].to_list()).decode()


def test_a_chain_without_forks_is_active_whole() -> None:
    assert names(tree(("a", "-", 5, 1, EASY), ("b", "a", 6, 2, EASY))) == "ab"


def test_the_longer_branch_wins_at_equal_targets() -> None:
    headers = tree(
        ("a", "-", 0, 1, EASY),
        ("b", "a", 1, 2, EASY),
        ("c", "b", 2, 3, EASY),
        ("x", "a", 1, 2, EASY),
        ("y", "x", 2, 4, EASY),
        ("z", "y", 3, 5, EASY),
    )
    assert names(headers) == "axyz"


def test_a_shorter_branch_with_more_work_wins() -> None:
    headers = tree(
        ("a", "-", 0, 1, EASY),
        ("b", "a", 1, 2, EASY),
        ("c", "b", 2, 3, EASY),
        ("d", "c", 3, 4, EASY),
        ("x", "a", 1, 9, HARD),
    )
    assert names(headers) == "ax"


def test_work_is_compared_exactly_where_floats_would_tie() -> None:
    """One easy block of 2^32 hashes on top of one of about 2^128 decides."""
    hardest = 0x1000FFFF
    headers = tree(
        ("a", "-", 0, 1, EASY),
        ("b", "a", 1, 2, hardest),
        ("x", "a", 1, 3, hardest),
        ("y", "x", 2, 4, EASY),
    )
    assert names(headers) == "axy"


@pytest.mark.parametrize(("late", "winner"), [("b", "ax"), ("x", "ab")])
def test_on_a_tie_the_branch_seen_first_wins(late: str, winner: str) -> None:
    times = {"b": 10, "x": 10, late: 20}
    headers = tree(
        ("a", "-", 0, 1, EASY), ("b", "a", 1, times["b"], EASY), ("x", "a", 1, times["x"], EASY)
    )
    assert names(headers) == winner


def test_parts_apart_by_a_gap_stand_beside_each_other() -> None:
    headers = tree(
        ("a", "-", 0, 1, EASY),
        ("k", "j", 10, 9, EASY),
        ("l", "k", 11, 10, EASY),
        ("m", "k", 11, 11, EASY),
        ("n", "m", 12, 12, EASY),
    )
    assert names(headers) == "akmn"


def test_of_two_trees_over_the_same_heights_the_one_with_more_work_stands() -> None:
    headers = tree(("a", "-", 5, 1, EASY), ("b", "a", 6, 2, EASY), ("x", "?", 5, 1, EASY))
    assert names(headers) == "ab"


def test_a_header_is_known_when_the_latest_of_its_branch_is() -> None:
    headers = tree(
        ("a", "-", 0, 100, EASY),
        ("b", "a", 1, 90, EASY),
        ("c", "b", 2, 120, EASY),
        ("x", "a", 1, 200, EASY),
        ("y", "x", 2, 150, EASY),
    )
    known = dict(zip(headers["hash"].to_list(), known_at(headers).tolist(), strict=True))
    assert known == {b"a": 100, b"b": 100, b"c": 120, b"x": 200, b"y": 200}


def checked(headers: pl.DataFrame, *new: str) -> set[tuple[str, str]]:
    """Each header that is checked, behind those before it, by name, when some of them are new."""
    marked = headers.with_columns(new=pl.col("hash").cast(pl.String).is_in(new))
    # the rules of an epoch of three blocks reach as far as those of eleven times
    network = replace(REGTEST, retarget_interval=3)
    behind: set[tuple[str, str]] = set()
    for history, rows in histories(marked, network):
        name = b"".join(headers["hash"].gather(rows).to_list()).decode()
        assert history.heights.tolist() == headers["height"].gather(rows).to_list()
        assert history.times.tolist() == headers["time"].gather(rows).to_list()
        assert history.bits.tolist() == headers["bits"].gather(rows).to_list()
        behind |= {(name[:at], name[at]) for at in range(history.before, len(name))}
    return behind


@pytest.mark.parametrize(
    ("new", "behind"),
    [
        ("z", {"abxyz"}),
        ("x", {"abx", "abxy", "abxyz"}),
        ("c", {"abc", "abcd"}),
        ("d", {"abcd"}),
        ("b", {"ab", "abc", "abcd", "abx", "abxy", "abxyz"}),
        ("a", {"a", "ab", "abc", "abcd", "abx", "abxy", "abxyz"}),
        ("cz", {"abc", "abcd", "abxyz"}),
        ("", set()),
    ],
)
def test_what_is_new_and_all_behind_it_is_checked_with_the_branch_before_it(
    new: str, behind: set[str]
) -> None:
    headers = tree(
        ("a", "-", 0, 1, EASY),
        ("b", "a", 1, 2, EASY),
        ("c", "b", 2, 3, HARD),
        ("d", "c", 3, 4, EASY),
        ("x", "b", 2, 5, EASY),
        ("y", "x", 3, 6, HARD),
        ("z", "y", 4, 7, EASY),
    )
    assert checked(headers, *new) == {(name[:-1], name[-1]) for name in behind}


def test_no_more_is_looked_at_than_the_rules_reach() -> None:
    trunk = "abcdefghijklmno"
    rows = [(name, trunk[at - 1] if at else "-", at, at, EASY) for at, name in enumerate(trunk)]
    branch = [(name, "uvwxi"[at - 1], 8 + at, 50 + at, EASY) for at, name in enumerate("uvwx")]
    branch[0] = ("u", "i", 9, 50, EASY)
    branch = [
        (name, parent, 9 + at, time, bits)
        for at, (name, parent, _, time, bits) in enumerate(branch)
    ]
    headers = tree(*rows, *branch)
    assert checked(headers, "o") == {("defghijklmn", "o")}
    assert checked(headers, "x") == {("bcdefghiuvw", "x")}
