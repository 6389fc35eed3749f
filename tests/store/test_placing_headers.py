"""Where headers stand: by genesis, by known blocks, by the lake, by a given height."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest
import zstandard
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.networks import MAIN, REGTEST
from hashcanary.errors import Exit, UsageError
from hashcanary.store.errors import Misplaced, Unanchored
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.placing import place


def hash_of(header: bytes) -> bytes:
    return sha256(sha256(header).digest()).digest()[::-1]


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, list[bytes]], Path]:
    def write(name: str, headers: list[bytes]) -> Path:
        path = tmp_path / name
        path.write_bytes(b"".join(headers))
        return path

    return write


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", REGTEST)


def heights(lake: Lake) -> list[int]:
    return lake.frame("headers")["height"].to_list()


def test_a_run_from_genesis_starts_at_height_0(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    report = load(lake, [put("run.bin", [REGTEST_GENESIS, *grow(5)])])
    assert heights(report.lake) == [0, 1, 2, 3, 4, 5]


def test_a_run_whose_parent_is_genesis_starts_at_height_1(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    assert heights(load(lake, [put("run.bin", grow(5))]).lake) == [1, 2, 3, 4, 5]


def test_a_run_is_placed_on_its_parent_in_the_lake(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    chain = [REGTEST_GENESIS, *grow(9)]
    after = load(lake, [put("a.bin", chain[:4])]).lake
    assert heights(load(after, [put("b.bin", chain[4:])]).lake) == list(range(10))


def test_files_are_placed_by_one_another_in_any_order(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    chain = grow(9)
    files = [put("z.bin", chain[6:]), put("m.bin", chain[3:6]), put("a.bin", chain[:3])]
    assert heights(load(lake, files).lake) == list(range(1, 10))


def test_a_run_is_placed_by_a_later_run_that_continues_it(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    chain = grow(20)
    known = put("known.csv", [])
    rows = ["height,time,bits,hash"]
    for at in (14, 15, 16):
        time = int.from_bytes(chain[at][68:72], "little")
        rows.append(f"{100 + at},{time},207fffff,{hash_of(chain[at]).hex()}")
    known.write_text("\n".join(rows) + "\n")
    early, late = put("early.bin", chain[2:10]), put("late.bin", chain[10:20])
    assert heights(load(lake, [early, late, known]).lake) == list(range(102, 120))


def test_a_branch_is_placed_on_the_block_it_leaves(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    trunk = [REGTEST_GENESIS, *grow(6)]
    branch = grow(2, parent=trunk[3], branch=1)
    report = load(lake, [put("trunk.bin", trunk), put("branch.bin", branch)])
    assert heights(report.lake) == [0, 1, 2, 3, 4, 4, 5, 5, 6]


def test_a_run_that_nothing_places_is_refused_with_what_to_do(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    chain = grow(9)
    file = put("lost.bin", chain[4:])
    with pytest.raises(Unanchored, match="--height") as caught:
        load(lake, [file])
    assert caught.value.exit_code == Exit.SOURCE
    assert caught.value.fields["count"] == 5
    assert caught.value.fields["first"] == hash_of(chain[4]).hex()
    assert "lost.bin" in str(caught.value)
    assert Lake.open(lake.home).version == 0


def test_a_height_given_by_the_user_places_a_run(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    report = load(lake, [put("run.bin", grow(9)[4:])], height=5)
    assert heights(report.lake) == [5, 6, 7, 8, 9]


def test_a_height_against_the_chain_is_refused(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    with pytest.raises(Misplaced, match="height 7"):
        load(lake, [put("run.bin", [REGTEST_GENESIS, *grow(3)])], height=7)
    assert Lake.open(lake.home).version == 0


def test_one_height_for_several_files_is_refused(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    chain = grow(9)
    with pytest.raises(UsageError, match="one file of headers"):
        load(lake, [put("a.bin", chain[2:4]), put("b.bin", chain[5:7])], height=5)


def test_two_facts_that_place_a_run_differently_are_refused(
    lake: Lake, put: Callable[[str, list[bytes]], Path], tmp_path: Path
) -> None:
    chain = grow(9)
    table = tmp_path / "blocks.csv"
    rows = ["height,time,bits,hash"]
    for at, height in ((2, 50), (6, 60)):
        time = int.from_bytes(chain[at][68:72], "little")
        rows.append(f"{height},{time},207fffff,{hash_of(chain[at]).hex()}")
    table.write_text("\n".join(rows) + "\n")
    with pytest.raises(Misplaced, match="height 60"):
        load(lake, [put("run.bin", chain[1:]), table])


def test_files_that_follow_each_other_but_are_placed_apart_are_refused(
    lake: Lake, put: Callable[[str, list[bytes]], Path], tmp_path: Path
) -> None:
    chain = grow(20)
    table = tmp_path / "blocks.csv"
    rows = ["height,time,bits,hash"]
    for at, height in ((4, 50), (14, 70)):
        time = int.from_bytes(chain[at][68:72], "little")
        rows.append(f"{height},{time},207fffff,{hash_of(chain[at]).hex()}")
    table.write_text("\n".join(rows) + "\n")
    files = [put("two.bin", chain[10:]), put("one.bin", chain[1:10])]
    with pytest.raises(Misplaced, match="linked") as caught:
        load(lake, [*files, table])
    assert {caught.value.fields["expected"], caught.value.fields["found"]} == {50 - 3, 70 - 13}


def test_headers_in_any_order_are_placed() -> None:
    """A tree of 2,000 headers, shuffled, as block files hold them."""
    names = [bytes([0, at // 256, at % 256]) for at in range(2000)]
    rows = pl.DataFrame(
        {
            "hash": names[1:],
            "prev_hash": names[:-1],
            "height": pl.repeat(None, 1999, dtype=pl.Int64, eager=True),
            "file": pl.repeat("blk00000.dat", 1999, eager=True),
            "true": list(range(1, 2000)),
        }
    ).sample(fraction=1, shuffle=True, seed=5)
    anchors = pl.DataFrame({"hash": [names[1000]], "height": [1000]})
    assert place(rows, anchors).to_list() == rows["true"].to_list()


def test_real_headers_are_placed_by_the_last_block_of_an_epoch(
    real_data: Path, tmp_path: Path
) -> None:
    """A part of the real file without a block that the network knows by itself."""
    packed = (real_data / "headers" / "headers_150001_340000.bin.zst").read_bytes()
    raw = zstandard.ZstdDecompressor().stream_reader(packed).read()
    part = tmp_path / "part.bin"
    part.write_bytes(raw[80 * 20_000 : 80 * 22_500])
    empty = Lake.create(tmp_path / "lake", MAIN)
    with pytest.raises(Unanchored):
        load(empty, [part])
    epochs = real_data / "blocks" / "difficulty_epochs_0_933408.csv"
    lake = load(empty, [part, epochs]).lake
    held = set(lake.frame("headers")["height"].to_list())
    assert set(range(170_001, 172_501)) <= held


def named(*blocks: str, given: dict[str, int] | None = None) -> pl.DataFrame:
    """Headers by two letters, their own and their parent's, each of a file of its name."""
    return pl.DataFrame(
        [
            {
                "hash": own.encode(),
                "prev_hash": parent.encode(),
                "height": (given or {}).get(own),
                "file": f"{own}.bin",
            }
            for own, parent in blocks
        ],
        schema={
            "hash": pl.Binary,
            "prev_hash": pl.Binary,
            "height": pl.Int64,
            "file": pl.String,
        },
    )


def anchors(**heights: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"hash": [name.encode() for name in heights], "height": list(heights.values())},
        schema={"hash": pl.Binary, "height": pl.Int64},
    )


@pytest.mark.parametrize(
    ("blocks", "known", "heights"),
    [
        # by the first, by one amid, by the last, by the parent of the first
        (("ba", "cb", "dc"), {"b": 7}, [7, 8, 9]),
        (("ba", "cb", "dc"), {"c": 7}, [6, 7, 8]),
        (("ba", "cb", "dc"), {"d": 7}, [5, 6, 7]),
        (("ba", "cb", "dc"), {"a": 7}, [8, 9, 10]),
        # the second run follows the first one's second block; heights pass either way
        (("ba", "cb", "dc", "yc", "zy"), {"z": 9}, [6, 7, 8, 8, 9]),
        (("ba", "cb", "dc", "yc", "zy"), {"d": 9}, [7, 8, 9, 9, 10]),
        (("yc", "zy", "ba", "cb", "dc"), {"b": 4}, [6, 7, 4, 5, 6]),
        # and over two links
        (("ba", "yb", "cb", "zc", "xy"), {"x": 9}, [7, 8, 8, 9, 9]),
        # a repeated header, in the middle of a run
        (("ba", "cb", "ba", "dc"), {"d": 9}, [7, 8, 7, 9]),
    ],
)
def test_heights_are_counted_along_runs_and_links(
    blocks: tuple[str, ...], known: dict[str, int], heights: list[int]
) -> None:
    assert place(named(*blocks), anchors(**known)).to_list() == heights
    if "a" not in known:
        assert place(named(*blocks, given=known), anchors()).to_list() == heights


def test_known_blocks_that_disagree_are_named_with_what_follows_from_either() -> None:
    with pytest.raises(Misplaced) as caught:
        place(named("ba", "cb", "dc"), anchors(b=5, d=9))
    assert caught.value.fields == {
        "place": "d.bin",
        "hash": b"d".hex(),
        "expected": 7,
        "because": f"counted from block {b'b'.hex()} at height 5",
        "found": 9,
    }
    with pytest.raises(Misplaced) as caught:
        place(named("ba", "cb", "dc", given={"c": 3}), anchors(c=4))
    assert caught.value.fields == {
        "place": "c.bin",
        "hash": b"c".hex(),
        "expected": 3,
        "because": "as one source has it",
        "found": 4,
    }
    with pytest.raises(Misplaced) as caught:
        place(named("ba", "cb"), pl.concat([anchors(x=3), anchors(x=4)]))
    assert caught.value.fields["place"] == "block rows"
    # each run's own heights agree, the link between them does not
    with pytest.raises(Misplaced) as caught:
        place(named("ba", "cb", "yb"), anchors(c=6, y=9))
    assert caught.value.fields == {
        "place": "y.bin",
        "hash": b"y".hex(),
        "expected": 6,
        "because": f"it is linked to {b'b'.hex()}",
        "found": 9,
    }


def test_a_run_that_nothing_reaches_is_named_by_its_ends() -> None:
    with pytest.raises(Unanchored) as caught:
        place(named("ba", "zx", "yz", "wy", "cb"), anchors(b=1))
    assert caught.value.fields == {
        "place": "z.bin",
        "count": 3,
        "first": b"z".hex(),
        "last": b"w".hex(),
    }
