"""A feed's facts in the lake: placed, checked, committed with its cursor, gone on with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl
import pytest
from support import p2p_peer as p2p
from support.clocks import Clock
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.headers import decode_headers
from hashcanary.chain.networks import REGTEST
from hashcanary.sources.catalogue.p2p import P2P
from hashcanary.sources.errors import SourceError
from hashcanary.sources.facts import BLOCKS, DAILY_REFERENCE, HEADERS, Facts
from hashcanary.sources.feed import Asked, Batch, Feed
from hashcanary.store import syncing
from hashcanary.store.errors import BrokenRule, LakeBusy, Unanchored
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.recording import record_of
from hashcanary.store.syncing import SyncReport, sync
from hashcanary.store.verify import verify


class Broken(SourceError):
    template = "{server}: expected an answer, found none."


def header_facts(headers: Sequence[bytes], source: str = "fake") -> Facts:
    rows = decode_headers(b"".join(headers)).frame()
    nulls = pl.lit(None, pl.Int64).alias("height")
    frame = rows.with_columns(nulls, source=pl.lit(source), known_at=pl.col("time"))
    return Facts(HEADERS, frame.select(list(HEADERS.schema)))


def block_facts(heights: Sequence[int], hashes: Sequence[bytes], source: str = "fake") -> Facts:
    told = {"height": heights, "hash": hashes, "tx_count": [1] * len(heights)}
    frame = pl.DataFrame(told, schema={name: BLOCKS.schema[name] for name in told})
    rest = [pl.lit(None, kind).alias(n) for n, kind in BLOCKS.schema.items() if n not in told]
    frame = frame.with_columns(rest).with_columns(source=pl.lit(source))
    return Facts(BLOCKS, frame.select(list(BLOCKS.schema)))


@dataclass
class Told:
    """A feed that gives what it is told to, and keeps what it was asked."""

    batches: list[Batch | Exception]
    asked: list[Asked] = field(default_factory=list)

    def feed(self, name: str = "fake") -> Feed:
        return Feed(name, "a feed of tests", ("headers",), (), self.run)

    def run(self, asked: Asked) -> Iterator[Batch]:
        self.asked.append(asked)
        for batch in self.batches:
            if isinstance(batch, Exception):
                raise batch
            yield batch


def batch(headers: Sequence[bytes], at: int, *more: Facts, notes: tuple[str, ...] = ()) -> Batch:
    facts = (header_facts(headers), *more) if headers else more
    return Batch(facts, {"at": at}, at, None, "headers", notes)


def run(lake: Lake, *batches: Batch | Exception, clock: Clock | None = None) -> SyncReport:
    return sync(lake, Told(list(batches)).feed(), {}, clock or Clock())


def name_of(header: bytes) -> bytes:
    return decode_headers(header).hash[0].tobytes()


def chain_of(lake: Lake) -> list[bytes]:
    from hashcanary.store.recording import active_headers, all_headers

    return active_headers(all_headers(lake))["hash"].to_list()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", REGTEST)


def test_headers_are_placed_by_their_parents(lake: Lake) -> None:
    chain = [REGTEST_GENESIS, *grow(30)]
    found = run(lake, batch(chain[:10], 10), batch(chain[10:], 31))
    assert found.error is None
    assert found.new == {"headers": 31}
    assert (found.first, found.last) == ("block 0", "block 30")
    rows = found.lake.frame("headers")
    assert rows["height"].to_list() == list(range(31))
    assert rows["hash"].to_list() == [name_of(header) for header in chain]
    assert verify(lake.home).findings == ()


def test_small_batches_become_one_version(lake: Lake) -> None:
    chain = grow(40)
    found = run(lake, *(batch([header], at) for at, header in enumerate(chain)))
    assert found.versions == 1
    assert found.lake.version == 1
    assert found.new == {"headers": 40}


def test_many_rows_or_a_long_wait_make_a_version_in_between(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = grow(40)
    batches = [batch(chain[at : at + 10], at) for at in range(0, 40, 10)]
    monkeypatch.setattr(syncing, "MOST_ROWS", 20)
    assert run(lake, *batches).versions == 2
    other = Lake.create(lake.home.parent / "slow", REGTEST)
    monkeypatch.setattr(syncing, "MOST_ROWS", 50_000)
    slow = Clock(step=syncing.MOST_SECONDS)
    assert run(other, *batches, clock=slow).versions == 4


def test_the_cursor_is_kept_with_the_facts_and_given_back(lake: Lake) -> None:
    chain = grow(12)
    first = Told([batch(chain[:5], 5), Broken(server="fake")])
    found = sync(lake, first.feed(), {}, Clock())
    assert isinstance(found.error, Broken)
    assert found.new == {"headers": 5}
    assert first.asked[0].cursor == {}
    second = Told([batch(chain[5:], 12)])
    found = sync(found.lake, second.feed(), {"a": "b"}, Clock())
    assert second.asked[0].cursor == {"at": 5}
    assert second.asked[0].settings == {"a": "b"}
    assert found.lake.manifest.feeds["fake"].cursor == {"at": 12}
    assert found.lake.manifest.feeds["fake"].reached == "block 12"
    other = Told([])
    sync(found.lake, other.feed("another"), {}, Clock())
    assert other.asked[0].cursor == {}
    assert verify(lake.home).findings == ()


def test_a_cursor_alone_makes_a_version_only_when_it_moves(lake: Lake) -> None:
    found = run(lake, Batch((), {"at": 1}))
    assert found.lake.version == 1
    later = Clock(1_800_000_000.0)
    assert run(found.lake, Batch((), {"at": 1}), clock=later).lake.version == 1
    assert run(found.lake, Batch((), {"at": 2}), clock=later).lake.version == 2


def test_loading_a_file_keeps_the_cursors(lake: Lake, tmp_path: Path) -> None:
    after = run(lake, batch(grow(3), 3)).lake
    (tmp_path / "a.bin").write_bytes(b"".join([REGTEST_GENESIS, *grow(5)]))
    loaded = load(after, [tmp_path / "a.bin"]).lake
    assert loaded.manifest.feeds["fake"].cursor == {"at": 3}
    assert loaded.manifest.feeds == Lake.open(lake.home).manifest.feeds


def test_a_flipped_bit_in_a_cursor_is_found(lake: Lake) -> None:
    run(lake, batch(grow(3), 3))
    path = lake.home / "versions" / "00000001.json"
    path.write_text(path.read_text().replace('"at": 3', '"at": 2'))
    assert not verify(lake.home).sound


def test_the_same_facts_again_change_nothing(lake: Lake) -> None:
    facts = batch(grow(8), 8)
    first = run(lake, facts)
    again = run(first.lake, facts)
    assert again.rows == {"headers": 8}
    assert again.new == {"headers": 0}
    assert again.lake.version == first.lake.version
    assert again.lake.frame("headers").equals(first.lake.frame("headers"))


def test_a_feed_and_files_in_any_order_give_the_same_table(lake: Lake, tmp_path: Path) -> None:
    chain = [REGTEST_GENESIS, *grow(20)]
    (tmp_path / "zz.bin").write_bytes(b"".join(chain[:15]))
    (tmp_path / "aa.bin").write_bytes(b"".join(chain[3:9]))
    files = [tmp_path / "zz.bin", tmp_path / "aa.bin"]
    one = run(load(lake, files).lake, batch(chain, 21)).lake
    other = Lake.create(tmp_path / "other", REGTEST)
    two = load(run(other, batch(chain[5:], 21), batch(chain[:9], 9)).lake, files).lake
    assert one.frame("headers").equals(two.frame("headers"))


def test_what_comes_before_a_refused_batch_stays(lake: Lake) -> None:
    chain = [REGTEST_GENESIS, *grow(8)]
    wrong_bits = bytearray(chain[6])
    wrong_bits[72:76] = bytes.fromhex("ffff7f1f")
    found = run(lake, batch(chain[:6], 6), batch([bytes(wrong_bits)], 7), batch(chain[6:], 9))
    assert isinstance(found.error, BrokenRule)
    assert "fake" in str(found.error)
    assert found.lake.frame("headers").height == 6
    assert found.lake.manifest.feeds["fake"].cursor == {"at": 6}
    lost = run(found.lake, batch(grow(3, parent=chain[-1]), 12))
    assert isinstance(lost.error, Unanchored)
    assert lost.lake.version == found.lake.version


def test_facts_of_other_tables_come_along(lake: Lake) -> None:
    chain = grow(4)
    names = [name_of(header) for header in chain]
    daily = pl.DataFrame(
        {
            "day": ["2024-01-01"],
            "vendor": "v",
            "series": "price",
            "value": 5.0,
            "source": "fake",
            "known_at": 1704153600,
        }
    ).with_columns(pl.col("day").str.to_date())
    found = run(
        lake,
        batch(chain, 4, block_facts([1, 2, 3, 4], names), notes=("two were not there",)),
        batch([], 5, Facts(DAILY_REFERENCE, daily)),
    )
    assert found.new == {"headers": 4, "blocks": 4, "daily_reference": 1}
    assert found.notes == ("two were not there",)
    assert record_of(found.lake).blocks["tx_count"].to_list() == [1, 1, 1, 1]
    assert found.lake.manifest.loaded[0].path == "fake"
    assert found.lake.manifest.loaded[0].notes == ("two were not there",)


def test_block_rows_place_headers_that_nothing_else_does(lake: Lake) -> None:
    chain = grow(9)
    row = block_facts([5], [name_of(chain[4])])
    told = run(lake, batch([], 1, row)).lake
    found = run(told, batch(chain[4:], 9))
    assert found.error is None
    assert found.lake.frame("headers")["height"].to_list() == [5, 6, 7, 8, 9]


def test_a_reorganisation_is_an_event_and_the_stale_branch_stays(lake: Lake) -> None:
    trunk = grow(10)
    old = grow(3, parent=trunk[-1], branch=1)
    new = grow(5, parent=trunk[-1], branch=2)
    before = run(lake, batch([*trunk, *old], 1)).lake
    found = run(before, batch(new, 2), clock=Clock(1_700_000_123.0))
    assert len(found.events) == 1
    event = found.events[0]
    assert (event["kind"], event["height"], event["time"]) == ("reorg", 10, 1_700_000_123)
    assert json.loads(str(event["detail"])) == {
        "depth": 3,
        "new_height": 15,
        "new_tip": name_of(new[-1]).hex(),
        "old_height": 13,
        "old_tip": name_of(old[-1]).hex(),
    }
    assert found.versions == 1
    assert found.lake.frame("events").to_dicts() == [event]
    assert found.lake.frame("headers").height == 18
    assert chain_of(found.lake) == [name_of(header) for header in (*trunk, *new)]
    assert verify(lake.home).findings == ()


def test_a_lighter_branch_is_kept_and_is_no_event(lake: Lake) -> None:
    trunk = grow(10)
    before = run(lake, batch(trunk, 1)).lake
    found = run(before, batch(grow(2, parent=trunk[5], branch=1), 2))
    assert found.events == ()
    assert found.lake.frame("headers").height == 12
    assert chain_of(found.lake) == [name_of(header) for header in trunk]


def test_a_feed_is_told_what_the_lake_holds(lake: Lake) -> None:
    trunk = [REGTEST_GENESIS, *grow(40)]
    stale = grow(2, parent=trunk[30], branch=1)
    names = [name_of(header) for header in trunk]
    rows = block_facts([7, 8, 31, 32], [names[7], names[8], name_of(stale[0]), names[32]])
    after = run(lake, batch([*trunk, *stale], 1, rows)).lake
    told = Told([])
    sync(after, told.feed(), {}, Clock())
    held = told.asked[0].held
    places = [*range(40, 30, -1), 29, 25, 17, 1, 0]
    assert held.locator == tuple(names[place] for place in places)
    assert held.tip_height == 40
    assert [held.height_of(name) for name in (names[17], name_of(stale[1]))] == [17, 32]
    assert held.height_of(b"\x01" * 32) is None
    assert held.heights_with("fa").tolist() == [7, 8, 32]
    assert held.heights_with("fa", "coinbase_value").tolist() == []
    assert held.heights_with("other").tolist() == []
    assert held.last_known("headers") == 1296688602 + 40 * 600
    assert held.last_known("headers", names[3]) == 1296688602 + 3 * 600
    assert held.last_known("daily_reference", "nobody") is None
    assert held.active_from is not None
    assert held.active_from(39)["hash"].to_list() == names[39:]


def test_peers_fill_what_a_lake_lacks_below_to_the_same_chain_as_a_full_sync(lake: Lake) -> None:
    trunk = [REGTEST_GENESIS, *grow(60)]
    rows = block_facts([20, 45], [name_of(trunk[20]), name_of(trunk[45])])
    report = run(lake, batch([*trunk[20:30], *trunk[45:50]], 1, rows))
    assert report.error is None
    with p2p.Peer(REGTEST.magic, trunk) as peer:
        settings = {"peers": peer.name, "timeout": "20"}
        filled = sync(report.lake, P2P, settings, Clock(2e9))
        again = sync(filled.lake, P2P, settings, Clock(2e9))
    assert (filled.error, again.error) == (None, None)
    assert chain_of(again.lake) == [name_of(header) for header in trunk]
    assert filled.new == {"headers": 61 - 15}
    assert again.lake.version == filled.lake.version


def test_an_empty_lake_tells_nothing(lake: Lake) -> None:
    told = Told([])
    sync(lake, told.feed(), {}, Clock())
    held = told.asked[0].held
    assert (held.locator, held.tip_height) == ((), None)
    assert held.height_of(b"\0" * 32) is None
    assert held.heights_with("").tolist() == []


def test_another_writer_in_between_is_taken_up(lake: Lake, tmp_path: Path) -> None:
    chain = [REGTEST_GENESIS, *grow(20)]
    (tmp_path / "a.bin").write_bytes(b"".join(chain[:15]))

    def batches(asked: Asked) -> Iterator[Batch]:
        load(lake, [tmp_path / "a.bin"])
        yield batch(chain[12:], 20)

    feed = replace(Told([]).feed(), batches=batches)
    found = sync(lake, feed, {}, Clock())
    assert found.error is None
    assert found.new == {"headers": 6}
    assert chain_of(found.lake) == [name_of(header) for header in chain]


def test_a_busy_lake_is_an_error_and_loses_nothing(lake: Lake) -> None:
    import fcntl

    with (lake.home / "lock").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(LakeBusy):
            run(lake, batch(grow(3), 3))
    assert run(lake, batch(grow(3), 3)).new == {"headers": 3}


def test_an_interrupted_sync_keeps_what_came(lake: Lake) -> None:
    chain = grow(6)

    def batches(asked: Asked) -> Iterator[Batch]:
        yield batch(chain, 6)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(lake, replace(Told([]).feed(), batches=batches), {}, Clock())
    assert Lake.open(lake.home).frame("headers").height == 6
    assert Lake.open(lake.home).manifest.feeds["fake"].cursor == {"at": 6}


def test_progress_is_told_batch_by_batch(lake: Lake) -> None:
    seen: list[tuple[int, int | None, str]] = []
    chain = grow(4)
    feed = Told([batch(chain[:2], 2), batch(chain[2:], 4)]).feed()
    sync(lake, feed, {}, Clock(), lambda *told: seen.append(told))
    assert seen == [(2, None, "headers"), (4, None, "headers")]
