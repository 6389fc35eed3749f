"""The header tree in memory: found by hash, extended, and named to peers as Bitcoin Core does."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.networks import REGTEST
from hashcanary.store.held import HeldHeaders, Tip
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load

EASY = 0x207FFFFF


def name(tail: str) -> bytes:
    """A hash that ends so; others with the same end of 8 bytes begin otherwise."""
    return tail.encode().rjust(32, b"\0")


def rows(*blocks: tuple[bytes, bytes, int]) -> pl.DataFrame:
    """Headers as (hash, parent, height), ten minutes apart."""
    return pl.DataFrame(
        [
            {"height": h, "hash": own, "prev_hash": parent, "time": 600 * h, "bits": EASY}
            for own, parent, h in blocks
        ],
        schema={
            "height": pl.Int64,
            "hash": pl.Binary,
            "prev_hash": pl.Binary,
            "time": pl.Int64,
            "bits": pl.Int64,
        },
    )


def line(length: int, first: int = 0) -> list[tuple[bytes, bytes, int]]:
    """A chain without forks, block n named n."""
    return [(name(str(n)), name(str(n - 1)), n) for n in range(first, length)]


@pytest.fixture
def empty(tmp_path: Path) -> HeldHeaders:
    return HeldHeaders.of(Lake.create(tmp_path / "lake", REGTEST))


def test_nothing_is_held_at_first(empty: HeldHeaders) -> None:
    assert empty.tip is None
    assert empty.height_of(name("0")) is None
    assert empty.locator(name("0")) == ()
    assert not empty.is_active(Tip(0, name("0")))
    assert empty.places_of(pl.Series([name("0")], dtype=pl.Binary)).is_empty()
    assert empty.extended(rows()) is empty


def test_every_block_is_found_and_no_other(empty: HeldHeaders) -> None:
    # in an order in which neither hashes nor heights ascend
    held = empty.extended(rows(*line(7, 4))).extended(rows(*line(4)))
    assert [held.height_of(name(str(n))) for n in range(9)] == [*range(7), None, None]
    wanted = pl.Series([name("8"), name("4"), name("0"), name("9")], dtype=pl.Binary)
    assert held.places_of(wanted).rows() == [(name("4"), 4), (name("0"), 0)]
    assert held.tip == Tip(6, name("6"))


def test_hashes_with_the_same_last_bytes_are_told_apart(empty: HeldHeaders) -> None:
    one, other, third = (bytes([first]) + bytes(23) + b"the same" for first in (1, 2, 3))
    held = empty.extended(rows((one, name("-"), 0), (other, one, 1)))
    assert (held.height_of(one), held.height_of(other), held.height_of(third)) == (0, 1, None)
    held = held.extended(rows((third, other, 2)))
    assert [held.height_of(block) for block in (one, other, third)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("length", "heights"),
    [
        (1, [0]),
        (3, [2, 1, 0]),
        (11, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        # Core's GetLocator: one by one for ten blocks, then steps of 2, 4, 8, 16, genesis last
        (41, [40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 29, 25, 17, 1, 0]),
        (40, [39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 28, 24, 16, 0]),
    ],
)
def test_the_locator_is_dense_at_the_tip(
    empty: HeldHeaders, length: int, heights: list[int]
) -> None:
    held = empty.extended(rows(*line(length)))
    assert held.locator(name("0")) == tuple(name(str(height)) for height in heights)


def test_a_locator_ends_with_genesis_where_it_is_not_held(empty: HeldHeaders) -> None:
    held = empty.extended(rows(*line(12, 10)))
    assert held.locator(name("0")) == (name("11"), name("10"), name("0"))


def test_a_branch_is_active_once_it_is_longer(empty: HeldHeaders) -> None:
    trunk = line(4)
    branch = [(name("b2"), name("1"), 2), (name("b3"), name("b2"), 3), (name("b4"), name("b3"), 4)]
    held = empty.extended(rows(*trunk)).extended(rows(*branch[:2]))
    assert held.tip == Tip(3, name("3"))
    assert held.is_active(Tip(2, name("2")))
    assert not held.is_active(Tip(2, name("b2")))
    assert not held.is_active(Tip(4, name("3")))
    assert held.fork_below(Tip(3, name("b3"))) == Tip(1, name("1"))
    assert held.fork_below(Tip(3, name("3"))) == Tip(3, name("3"))
    assert held.fork_below(Tip(9, name("nowhere"))) is None
    longer = held.extended(rows(*branch[2:]))
    assert longer.active["hash"].to_list() == [name(one) for one in ("0", "1", "b2", "b3", "b4")]
    assert longer.fork_below(Tip(3, name("3"))) == Tip(1, name("1"))
    assert held.tip == Tip(3, name("3"))


def test_a_block_on_the_tip_of_a_shorter_branch_does_not_lengthen_the_chain(
    empty: HeldHeaders,
) -> None:
    branch = [(name("b2"), name("1"), 2), (name("b3"), name("b2"), 3)]
    held = empty.extended(rows(*line(6))).extended(rows(branch[0])).extended(rows(branch[1]))
    assert held.active["hash"].to_list() == [name(str(n)) for n in range(6)]
    on = held.extended(rows(*line(8, 6)))
    assert on.active["hash"].to_list() == [name(str(n)) for n in range(8)]
    assert on.active.columns == ["height", "hash", "time", "bits"]


def test_extended_is_as_read_anew(tmp_path: Path) -> None:
    chain = [REGTEST_GENESIS, *grow(8)]
    (tmp_path / "a.bin").write_bytes(b"".join(chain[:5]))
    (tmp_path / "b.bin").write_bytes(b"".join(chain[5:]))
    (tmp_path / "c.bin").write_bytes(b"".join(grow(3, chain[3], branch=1)))
    lake = load(Lake.create(tmp_path / "two", REGTEST), [tmp_path / "a.bin"]).lake
    before = HeldHeaders.of(lake)
    lake = load(lake, [tmp_path / "b.bin", tmp_path / "c.bin"]).lake
    anew = HeldHeaders.of(lake)
    known = before.frame["hash"].implode()
    extended = before.extended(anew.frame.filter(~pl.col("hash").is_in(known)))
    assert (before.version, anew.version) == (1, 2)
    assert extended.active.equals(anew.active)
    assert extended.keys.tolist() == anew.keys.tolist()
    for block in anew.frame["hash"]:
        assert extended.height_of(block) == anew.height_of(block)
