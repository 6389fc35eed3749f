"""What is taken of several sources, and what was known when."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.networks import MAIN, REGTEST, TESTNET4, Network
from hashcanary.errors import Exit
from hashcanary.moments import Moment, parse_moment
from hashcanary.store.errors import NoSuchBlock
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.record import Record
from hashcanary.store.recording import record_of
from hashcanary.store.resolve import believed, resolve

GENESIS_TIME = 1296688602
BITS = 0x1D00FFFF


def headers(*rows: dict[str, object]) -> pl.DataFrame:
    schema = {
        "height": pl.Int64,
        "hash": pl.Binary,
        "time": pl.Int64,
        "bits": pl.Int64,
        "source": pl.String,
    }
    return pl.DataFrame(rows, schema=schema)


def blocks(*rows: dict[str, object]) -> pl.DataFrame:
    numbers = ("height", "time", "bits", "median_time_past", "total_fee", "size")
    schema = dict.fromkeys(numbers, pl.Int64) | {"hash": pl.Binary, "source": pl.String}
    return pl.DataFrame(rows, schema=schema)


def test_a_header_is_believed_before_a_node_and_a_node_before_a_table() -> None:
    by_header = headers({"height": 1, "hash": b"h", "time": 10, "bits": BITS, "source": "z"})
    by_node = {"height": 1, "hash": b"h", "time": 11, "median_time_past": 5, "source": "y"}
    by_table = {"height": 1, "time": 12, "bits": BITS, "source": "a"}
    taken = [
        resolve(one, two, MAIN).blocks["time"].item()
        for one, two in (
            (by_header, blocks(by_node, by_table)),
            (headers(), blocks(by_node, by_table)),
            (headers(), blocks(by_table)),
        )
    ]
    assert taken == [10, 11, 12]


def test_equal_claims_go_to_the_source_whose_name_comes_first() -> None:
    rows = [{"height": 1, "time": t, "bits": BITS, "source": s} for t, s in ((7, "b"), (8, "a"))]
    assert resolve(headers(), blocks(*rows), MAIN).blocks.row(0, named=True)["time"] == 8


def test_what_the_believed_source_leaves_open_the_next_one_fills() -> None:
    resolved = resolve(
        headers({"height": 1, "hash": b"h", "time": 10, "bits": BITS, "source": "headers"}),
        blocks(
            {"height": 1, "hash": b"h", "total_fee": 500, "median_time_past": 9, "source": "n"},
            {"height": 1, "total_fee": 600, "size": 285, "source": "table"},
        ),
        MAIN,
    )
    row = resolved.blocks.row(0, named=True)
    assert (row["time"], row["total_fee"], row["size"]) == (10, 500, 285)
    (other,) = resolved.disagreements().rows(named=True)
    assert other == {
        "height": 1,
        "fact": "total_fee",
        "taken": "500",
        "taken_source": "n",
        "other": "600",
        "other_source": "table",
    }


def test_a_row_about_another_block_of_the_height_fills_nothing() -> None:
    resolved = resolve(
        headers({"height": 1, "hash": b"h", "time": 10, "bits": BITS, "source": "headers"}),
        blocks({"height": 1, "hash": b"stale", "total_fee": 7, "time": 11, "source": "node"}),
        MAIN,
    )
    assert resolved.blocks["total_fee"].item() is None
    (other,) = resolved.disagreements().rows(named=True)
    assert (other["fact"], other["other"]) == ("hash", b"stale".hex())


def test_a_row_left_out_in_the_middle_leaves_those_around_it_where_they_are() -> None:
    """A stale block's row stands before and between rows of the active chain's blocks."""
    resolved = resolve(
        headers(
            *(
                {
                    "height": h,
                    "hash": bytes([h]),
                    "time": 600 * h,
                    "bits": BITS,
                    "source": "chain",
                }
                for h in (1, 2, 3)
            )
        ),
        blocks(
            {"height": 3, "total_fee": 31, "source": "table"},
            {"height": 2, "hash": b"stale", "total_fee": 20, "size": 9, "source": "node"},
            {"height": 1, "hash": b"\1", "total_fee": 10, "size": 7, "source": "node"},
            {"height": 2, "total_fee": 25, "source": "table"},
            {"height": 3, "hash": b"\3", "total_fee": 30, "source": "node"},
        ),
        MAIN,
    )
    assert resolved.blocks["height"].to_list() == [1, 2, 3]
    assert resolved.blocks["time"].to_list() == [600, 1200, 1800]
    assert resolved.blocks["source"].to_list() == ["chain"] * 3
    assert resolved.blocks["total_fee"].to_list() == [10, 25, 30]
    assert resolved.blocks["size"].to_list() == [7, None, None]
    columns = ("height", "fact", "taken", "taken_source", "other", "other_source")
    assert resolved.disagreements().select(columns).rows() == [
        (2, "hash", "02", "chain", b"stale".hex(), "node"),
        (3, "total_fee", "30", "node", "31", "table"),
    ]


@pytest.mark.parametrize(
    "believed",
    [
        {"hash": b"h", "median_time_past": 3, "time": 1, "source": "z"},
        {"hash": b"h", "time": 2, "source": "y"},
        {"median_time_past": 3, "time": 3, "source": "b"},
        {"time": 4, "source": "c"},
    ],
    ids=["of a node", "with the hash", "without, first by name", "without, next by name"],
)
def test_ranks_come_before_names(believed: dict[str, object]) -> None:
    """Whatever stands at or below a rank in the list gives way to it, wherever its row stands."""
    ranked: list[dict[str, object]] = [
        {"hash": b"h", "median_time_past": 3, "time": 1, "source": "z"},
        {"hash": b"h", "time": 2, "source": "y"},
        {"median_time_past": 3, "time": 3, "source": "b"},
        {"time": 4, "source": "c"},
    ]
    below = ranked[ranked.index(believed) :]
    for rows in (below, below[::-1]):
        claims = blocks(*({"height": height, **row} for height in (5, 6) for row in rows))
        resolved = resolve(headers(), claims, MAIN).blocks
        assert resolved.select("height", "time", "source").rows() == [
            (height, believed["time"], believed["source"]) for height in (5, 6)
        ]


def test_equal_facts_of_two_sources_are_no_disagreement_and_each_other_one_is_listed() -> None:
    rows = [
        {"height": 8, "time": time, "total_fee": fee, "source": source}
        for time, fee, source in ((7, 5, "c"), (9, 5, "b"), (7, 6, "a"), (6, None, "d"))
    ]
    differing = resolve(headers(), blocks(*rows), MAIN).disagreements()
    assert differing.select("fact", "taken", "taken_source", "other", "other_source").rows() == [
        ("time", "7", "a", "9", "b"),
        ("time", "7", "a", "6", "d"),
        ("total_fee", "6", "a", "5", "b"),
        ("total_fee", "6", "a", "5", "c"),
    ]


def test_bits_are_filled_up_to_the_ends_of_their_epoch_and_on_no_network_without_one_target() -> (
    None
):
    rows = blocks(
        {"height": 2015, "time": 1, "source": "node"},
        {"height": 2016, "time": 2, "source": "node"},
        {"height": 3000, "bits": BITS, "source": "epochs"},
        {"height": 4031, "time": 4, "source": "node"},
        {"height": 4032, "time": 5, "source": "node"},
    )
    filled = resolve(headers(), rows, MAIN).blocks["bits"].to_list()
    assert filled == [None, BITS, BITS, BITS, None]
    left = resolve(headers(), rows, TESTNET4).blocks["bits"].to_list()
    assert left == [None, None, BITS, None, None]


def test_bits_come_from_another_block_of_the_epoch() -> None:
    rows = blocks(
        {"height": 2016, "bits": 0x1C00FFFF, "source": "epochs"},
        {"height": 2500, "time": 50, "source": "node"},
        {"height": 4032, "time": 60, "source": "node"},
    )
    bits = resolve(headers(), rows, MAIN).blocks["bits"].to_list()
    assert bits == [0x1C00FFFF, 0x1C00FFFF, None]


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "height": st.integers(2010, 2022),
            "hash": st.sampled_from([None, b"one", b"other"]),
            "time": st.sampled_from([None, 10, 11]),
            "bits": st.sampled_from([None, BITS, 0x1C00FFFF]),
            "median_time_past": st.sampled_from([None, 9]),
            "total_fee": st.sampled_from([None, 5, 6]),
            "source": st.sampled_from("abc"),
        }
    ),
    max_size=20,
)


@given(of_headers=ROWS, of_blocks=ROWS, network=st.sampled_from([MAIN, TESTNET4]))
def test_rows_that_nobody_contests_are_what_comparing_all_gives(
    of_headers: list[dict[str, object]], of_blocks: list[dict[str, object]], network: Network
) -> None:
    whole = {"hash": b"one", "time": 10, "bits": BITS}
    named = {row["height"]: row | {k: row[k] or v for k, v in whole.items()} for row in of_headers}
    tree = headers(*({key: row[key] for key in headers().columns} for row in named.values()))
    tree, rows = tree.sort("height"), blocks(*of_blocks).sort("height", maintain_order=True)
    # whose time it is says nothing where nobody says the time
    timed = pl.col("time").is_not_null()
    compared = resolve(tree, rows, network).blocks.filter(timed)
    assert_frame_equal(
        believed(tree, rows, network).filter(timed).select(compared.columns), compared
    )


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, list[bytes]], Path]:
    def write(name: str, raw: list[bytes]) -> Path:
        path = tmp_path / name
        path.write_bytes(b"".join(raw))
        return path

    return write


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", REGTEST)


def at(seconds: int) -> Moment:
    return Moment(str(seconds), time=seconds)


def tip(record: Record) -> tuple[int, int]:
    last = record.blocks.row(-1, named=True)
    return last["height"], last["time"]


def test_a_branch_that_won_later_is_not_there_before(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    trunk = [REGTEST_GENESIS, *grow(4)]
    winner = grow(4, parent=trunk[2], branch=1, step=1000)
    lake = load(lake, [put("t.bin", trunk), put("w.bin", winner)]).lake
    third, fifth = GENESIS_TIME + 2 * 600 + 1000, GENESIS_TIME + 2 * 600 + 3000
    assert tip(record_of(lake)) == (6, GENESIS_TIME + 2 * 600 + 4000)
    assert tip(record_of(lake, at(third))) == (3, GENESIS_TIME + 3 * 600)
    assert tip(record_of(lake, at(third + 200))) == (4, GENESIS_TIME + 4 * 600)
    assert tip(record_of(lake, at(fifth))) == (5, fifth)


def test_the_stale_branch_stays_in_the_lake(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    trunk = [REGTEST_GENESIS, *grow(3)]
    lake = load(lake, [put("t.bin", trunk), put("s.bin", grow(1, trunk[1], branch=1))]).lake
    assert lake.frame("headers").height == 5
    assert record_of(lake).blocks["height"].to_list() == [0, 1, 2, 3]


def test_the_chain_is_the_blocks_without_what_few_ask_for(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    trunk = [REGTEST_GENESIS, *grow(40)]
    lake = load(lake, [put("t.bin", trunk), put("s.bin", grow(3, trunk[20], branch=1))]).lake
    for moment in (None, at(GENESIS_TIME + 15_000), parse_moment("30")):
        record = record_of(lake, moment)
        chain = record.chain
        assert "size" not in chain.columns
        assert chain.equals(record.blocks.select(chain.columns))
        # from now on both are one
        assert record.chain is record.blocks


def test_known_at_never_runs_backwards_and_a_cut_is_a_prefix(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    chain = [REGTEST_GENESIS, *grow(12)]
    chain += grow(1, chain[-1], step=3000)
    chain += grow(1, chain[-1], step=-2400)
    chain += grow(5, chain[-1])
    record = load(lake, [put("c.bin", chain)]).lake
    whole = record_of(record).blocks
    assert whole["known_at"].is_sorted()
    for moment in whole["known_at"].unique().to_list():
        cut = record_of(record, at(moment)).blocks
        assert cut.equals(whole.filter(pl.col("known_at") <= moment))
        assert cut.equals(whole.head(cut.height))


def test_a_height_is_the_moment_at_which_its_block_is_the_tip(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    chain = [REGTEST_GENESIS, *grow(12)]
    chain += grow(1, chain[-1], step=3000)
    chain += grow(1, chain[-1], step=-2400)
    lake = load(lake, [put("c.bin", chain)]).lake
    record = record_of(lake, parse_moment("13"))
    assert tip(record) == (13, GENESIS_TIME + 12 * 600 + 3000)
    assert (record.at, record.at_text) == (GENESIS_TIME + 12 * 600 + 3000, "13")


def test_a_height_nobody_knows_is_an_error_that_names_those_known(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    lake = load(lake, [put("c.bin", grow(3))]).lake
    with pytest.raises(NoSuchBlock, match="1 to 3") as caught:
        record_of(lake, parse_moment("99"))
    assert caught.value.exit_code == Exit.MISSING


@pytest.mark.parametrize(
    ("heights", "known"),
    [((1, 2, 3), "1 to 3$"), ((1, 2, 4), "1 to 4, with gaps"), ((1, 3, 4), "1 to 4, with gaps")],
)
def test_the_error_about_a_height_says_where_heights_are_missing(
    lake: Lake, put: Callable[[str, list[bytes]], Path], heights: tuple[int, ...], known: str
) -> None:
    chain = grow(4)
    for height in heights:
        lake = load(lake, [put(f"{height}.bin", [chain[height - 1]])], height=height).lake
    with pytest.raises(NoSuchBlock) as caught:
        record_of(lake, parse_moment("99"))
    assert re.search(known, str(caught.value.fields["known"]))


def test_an_empty_lake_gives_an_empty_record(lake: Lake) -> None:
    record = record_of(lake)
    assert (record.blocks.height, record.daily.height, record.candles.height) == (0, 0, 0)
    assert record.blocks.schema["median_time_past"] == pl.Int64
    assert record_of(lake, at(0)).blocks.height == 0


def test_candles_and_daily_values_are_known_at_their_end(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(
        "timestamp,open,high,low,close,volume\n"
        "2024-01-01T00:00:00Z,1,2,1,2,5\n2024-01-02T00:00:00Z,2,3,2,3,5\n"
        "2024-01-03T00:00:00Z,3,4,3,4,5\n"
    )
    (tmp_path / "y.csv").write_text(
        "time,BlkCnt,DiffMean,PriceUSD\n2024-01-01,144,1.5,40\n2024-01-02,140,1.5,41\n"
    )
    lake = load(lake, [tmp_path / "x.csv", tmp_path / "y.csv"]).lake
    record = record_of(lake, parse_moment("2024-01-01"))
    assert record.candles["close"].to_list() == [2.0]
    assert record.daily["value"].to_list() == [144.0, 1.5, 40.0]


def test_of_two_sources_of_one_daily_value_one_is_in_the_record(lake: Lake, tmp_path: Path) -> None:
    for name, price in (("b.csv", 41), ("a.csv", 40)):
        (tmp_path / name).write_text(f"time,BlkCnt,DiffMean,PriceUSD\n2024-01-01,1,1,{price}\n")
    lake = load(lake, [tmp_path / "b.csv", tmp_path / "a.csv"]).lake
    # the count and the difficulty on which both agree are kept once
    assert lake.frame("daily_reference").height == 4
    prices = record_of(lake).daily.filter(pl.col("series") == "PriceUSD")
    assert prices["value"].to_list() == [40.0]


@pytest.mark.parametrize("order", [("a.csv", "b.csv"), ("b.csv", "a.csv")])
def test_a_file_fetched_again_revises_what_the_older_one_said_last(
    lake: Lake, tmp_path: Path, order: tuple[str, str]
) -> None:
    head = "time,BlkCnt,DiffMean,PriceUSD\n2024-01-01,144,1.5,40\n"
    (tmp_path / "a.csv").write_text(head + "2024-01-02,9,1.5,41\n")
    (tmp_path / "b.csv").write_text(head + "2024-01-02,140,1.5,41\n2024-01-03,139,1.5,42\n")
    for name in order:
        lake = load(lake, [tmp_path / name]).lake
    # 3 days of 3 series, and the provisional count of the second day
    assert lake.frame("daily_reference").height == 10
    counts = record_of(lake).daily.filter(pl.col("series") == "BlkCnt")
    assert counts["value"].to_list() == [144.0, 140.0, 139.0]
    # the moment asked for does not change which file is believed
    then = record_of(lake, parse_moment("2024-01-02")).daily.filter(pl.col("series") == "BlkCnt")
    assert then["value"].to_list() == [144.0, 140.0]


def test_an_unfinished_candle_gives_way_to_the_finished_one(lake: Lake, tmp_path: Path) -> None:
    head = "timestamp,open,high,low,close,volume\n2024-01-01T00:00:00Z,1,2,1,2,5\n"
    (tmp_path / "btcusd.csv").write_text(head + "2024-01-02T00:00:00Z,2,2,2,2,1\n")
    again = tmp_path / "again"
    again.mkdir()
    (again / "btcusd.csv").write_text(
        head + "2024-01-02T00:00:00Z,2,3,1,3,9\n2024-01-03T00:00:00Z,3,4,3,4,5\n"
    )
    lake = load(load(lake, [tmp_path / "btcusd.csv"]).lake, [again / "btcusd.csv"]).lake
    assert record_of(lake).candles["close"].to_list() == [2.0, 3.0, 4.0]


def test_real_height_931519_is_taken_from_the_node_and_listed(real_lake: Lake) -> None:
    from hashcanary.store.status import status

    row = record_of(real_lake).blocks.filter(pl.col("height") == 931_519)
    assert row["source"].item().startswith("blockstats.parquet")
    listed = [d for d in status(real_lake).disagreements if d.where == "931519"]
    assert len(listed) == 1
    assert listed[0].fact == "time"
    assert abs(int(listed[0].taken) - int(listed[0].other)) == 5


def test_real_median_times_counted_from_headers_are_those_a_node_gives(
    real_data: Path, tmp_path: Path
) -> None:
    file = real_data / "headers" / "headers_000000_010236.bin.zst"
    record = record_of(load(Lake.create(tmp_path / "main", MAIN), [file]).lake)
    stats = pl.read_parquet(real_data / "blocks" / "blockstats.parquet")
    both = stats.select("height", "mediantime").join(record.blocks, on="height")
    assert both.height == 10_237
    assert both["mediantime"].equals(both["median_time_past"])


def test_the_real_record_as_known_on_a_day_is_a_prefix_of_all_of_it(
    real_lake: Lake, real_record: Record
) -> None:
    moment = parse_moment("2026-01-09")
    cut = record_of(real_lake, moment)
    assert moment.time is not None
    known = pl.col("known_at") <= moment.time
    assert cut.blocks.equals(real_record.blocks.filter(known))
    assert cut.daily.equals(real_record.daily.filter(known))
    assert cut.candles.equals(real_record.candles.filter(known))


def test_the_record_says_what_it_rests_on(real_lake: Lake) -> None:
    provenance = record_of(real_lake).provenance
    assert provenance["lake_version"] == real_lake.version
    assert provenance["tables"] == {
        name: state.version for name, state in real_lake.manifest.tables.items()
    }
    early = record_of(real_lake, parse_moment("2009-02-01")).provenance["sources"]
    assert isinstance(early, list)
    assert [name.split("@")[0] for name in early] == [
        "coinmetrics_btc_full_20090103_20200727.csv",
        "difficulty_epochs_0_933408.csv",
        "headers_000000_010236.bin",
    ]
