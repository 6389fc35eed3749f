"""Blocks of explorers: pages as published, and the walk that asks for what is missing."""

from __future__ import annotations

import copy
import itertools
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support import http_service as web
from support.clocks import Clock
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.networks import MAIN, REGTEST, Network
from hashcanary.errors import Exit, HashcanaryError, UsageError
from hashcanary.sources.catalogue.esplora import ESPLORA
from hashcanary.sources.errors import (
    BadHeaders,
    BadValue,
    OutOfOrder,
    StaleService,
    WrongSchema,
)
from hashcanary.sources.services.esplora_blocks import parse_page
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.recording import record_of
from hashcanary.store.syncing import Syncer, SyncReport, sync
from hashcanary.store.verify import verify

URL = "https://mempool.example/api/v1/blocks/730000"
# the first block of the answer that mempool.space's API documentation gives for /v1/blocks/730000
PUBLISHED: dict[str, Any] = json.loads(
    """{
    "id": "0000000000000000000384f28cb3b9cf4377a39cfd6c29ae9466951de38c0529",
    "timestamp": 1648829449,
    "height": 730000,
    "version": 536870912,
    "bits": 386521239,
    "nonce": 3580664066,
    "difficulty": 28587155782195.14,
    "merkle_root": "efa344bcd6c0607f93b709515dd6dc5496178112d680338ebea459e3de7b4fbc",
    "tx_count": 1627,
    "size": 1210916,
    "weight": 3993515,
    "previousblockhash": "00000000000000000008b6f6fb83f8d74512ef1e0af29e642dd20daddd7d318f",
    "extras": {
      "coinbaseRaw": "COINBASE",
      "medianFee": 11,
      "feeRange": [1, 11, 11, 11, 18, 21, 660],
      "reward": 641321983,
      "totalFees": 16321983,
      "avgFee": 10038,
      "avgFeeRate": 16,
      "pool": {"id": 105, "name": "Binance Pool", "slug": "binancepool"}
    }
  }"""
    # too long for one line
    .replace(
        "COINBASE",
        "0390230b1362696e616e63652f383038e0006f02cd583765fabe6d6d686355577affaad03015e7"
        "32428a927a5d2d842471b350394139616bcb4401d804000000000000001a750000c9ad0000",
    )
)


def test_a_block_as_published_gives_its_header_and_what_stands_beside_it() -> None:
    page = parse_page([PUBLISHED], URL, MAIN)
    header = page.headers("esplora").frame.row(0, named=True)
    assert header["hash"].hex() == PUBLISHED["id"]
    assert header["prev_hash"].hex() == PUBLISHED["previousblockhash"]
    assert (header["height"], header["known_at"]) == (None, 1648829449)
    block = page.blocks("esplora").frame.row(0, named=True)
    assert (block["height"], block["total_fee"], block["tx_count"]) == (730000, 16321983, 1627)
    assert block["coinbase_value"] == 641321983 == block["total_fee"] + 625_000_000
    assert b"binance/808" in block["coinbase_script"]
    assert (block["subsidy"], block["median_time_past"]) == (None, None)
    label = page.labels("esplora").frame.row(0, named=True)
    assert (label["pool"], label["evidence"]) == ("Binance Pool", "the service's word: binancepool")


def test_esplora_gives_the_version_unsigned_and_no_extras() -> None:
    (header,) = grow(1)
    block = web.block_json(header, 1, extras=False)
    signed = parse_page([block], URL, REGTEST).headers("x").frame["version"][0]
    block["version"] = 0xFFFF_FFFF
    with pytest.raises(BadValue, match="the hash of the header's own fields"):
        parse_page([block], URL, REGTEST)
    assert signed == 1


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in PUBLISHED.items() if key != name}


def _with(**changed: Any) -> dict[str, Any]:
    return copy.deepcopy(PUBLISHED) | changed


def _extras(**changed: Any) -> dict[str, Any]:
    return _with(extras=PUBLISHED["extras"] | changed)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"blocks": []}, r"\$: expected a list"),
        ([], r"\$: expected at least one block"),
        (None, r"\$: expected a list, found nothing"),
        ([7], r"\$\[0\]: expected an object, found 7"),
        ([PUBLISHED] * 101, r"\$: expected at most 100 entries"),
        ([_without("timestamp")], r"\$\[0\]\.timestamp: expected Unix seconds .*found nothing"),
        ([_without("previousblockhash")], r"\$\[0\]\.previousblockhash: expected a hash"),
        ([_with(height="730000")], r"\$\[0\]\.height: expected a height"),
        ([_with(height=True)], r"\$\[0\]\.height"),
        ([_with(nonce=1 << 32)], r"\$\[0\]\.nonce"),
        ([_with(bits="17091b57")], r"\$\[0\]\.bits: expected a compact target"),
        ([_with(id="00" * 31)], r"\$\[0\]\.id: expected a hash of 64 hex digits"),
        ([_with(id="zz" * 32)], r"\$\[0\]\.id"),
        ([_with(weight=4_000_001)], r"\$\[0\]\.weight"),
        ([_with(extras=[])], r"\$\[0\]\.extras: expected an object"),
        ([_extras(totalFees=-1)], r"\$\[0\]\.extras\.totalFees: expected satoshis"),
        ([_extras(reward=6.4)], r"\$\[0\]\.extras\.reward"),
        ([_extras(coinbaseRaw="00" * 101)], r"\$\[0\]\.extras\.coinbaseRaw"),
        ([_extras(coinbaseRaw="012")], r"\$\[0\]\.extras\.coinbaseRaw"),
        ([_extras(pool={"name": 5})], r"\$\[0\]\.extras\.pool\.name"),
    ],
)
def test_schema_drift_is_named_with_its_path(document: object, place: str) -> None:
    with pytest.raises(WrongSchema, match=place) as told:
        parse_page(document, URL, MAIN)
    assert told.value.fields["url"] == URL
    assert told.value.exit_code == Exit.SOURCE


def test_what_the_service_does_not_say_stays_unknown() -> None:
    page = parse_page([_with(extras={"totalFees": None})], URL, MAIN)
    block = page.blocks("esplora").frame.row(0, named=True)
    assert (block["total_fee"], block["coinbase_value"], block["coinbase_script"]) == (None,) * 3
    assert page.labels("esplora").frame.height == 0


@pytest.mark.parametrize("field", ["timestamp", "nonce", "version", "bits"])
def test_a_header_that_does_not_give_its_hash_is_refused(field: str) -> None:
    with pytest.raises(BadValue, match=rf"\$\[0\]\.id, height 730,000.*found {PUBLISHED['id']}"):
        parse_page([_with(**{field: PUBLISHED[field] ^ 1})], URL, MAIN)


def test_a_header_without_work_is_refused() -> None:
    (header,) = grow(1)
    with pytest.raises((BadHeaders, BadValue)) as told:
        parse_page([web.block_json(header, 1)], URL, MAIN)
    assert URL in str(told.value)


def test_a_coinbase_that_takes_more_than_it_may_is_refused() -> None:
    page = parse_page([_extras(totalFees=16321982)], URL, MAIN)
    with pytest.raises(BadValue, match="column total_fee"):
        page.blocks("esplora")


def test_blocks_out_of_order_or_twice_are_refused() -> None:
    first, second, third = (web.block_json(h, n + 1) for n, h in enumerate(grow(3)))
    sibling = web.block_json(grow(2, branch=1)[1], 2)
    for blocks in ([first, second], [second, second], [third, first]):
        with pytest.raises(OutOfOrder, match=r"\$\[1\]\.height: expected height"):
            parse_page(blocks, URL, REGTEST)
    with pytest.raises(OutOfOrder, match=r"\$\[1\]\.id: expected the parent"):
        parse_page([third, sibling], URL, REGTEST)


# the walk, into a real lake


@pytest.fixture
def chain() -> list[bytes]:
    """Genesis and a hundred blocks."""
    return [REGTEST_GENESIS, *grow(100)]


def _settings(url: str, **more: str) -> dict[str, str]:
    return {"url": url, "rate": "6000", "blocks": "60"} | more


def _new_lake(folder: Path, network: Network = REGTEST) -> Lake:
    return Lake.create(folder / "lake", network)


def _brought(lake: Lake, service: Any, **settings: str) -> SyncReport:
    return sync(lake, ESPLORA, _settings(service.url, **settings), Clock())


def _table(lake: Lake, name: str) -> pl.DataFrame:
    frame = lake.frame(name)
    return frame.sort(frame.columns)


def _sound(lake: Lake) -> bool:
    report = verify(lake.home)
    return report.sound and report.version == lake.version


def _active(lake: Lake) -> list[bytes]:
    held = Syncer(lake).asked(ESPLORA, {}, Clock(0.0, waits_left=0)).held
    assert held.active_from is not None
    return held.active_from(0)["hash"].to_list()


def _heights(lake: Lake) -> list[int]:
    return lake.frame("blocks", ["height"])["height"].sort().to_list()


@pytest.mark.parametrize(("extended", "size"), [(True, 15), (False, 10)])
def test_the_latest_blocks_come_in_pages_and_once(
    chain: list[bytes], tmp_path: Path, extended: bool, size: int
) -> None:
    with web.Service(web.Explorer(chain, extended)) as service:
        report = _brought(_new_lake(tmp_path), service)
        assert report.error is None
        assert _heights(report.lake) == list(range(41, 101))
        assert report.new["headers"] == 60
        asked = len(service.asked)
        # the newest page is the last one too; plain esplora is asked in vain for the other kind
        assert asked == -(-60 // size) + (not extended)
        again = _brought(report.lake, service)
    assert again.error is None
    assert again.lake.version == report.lake.version
    assert len(service.asked) == asked + 1 + (not extended)
    assert _sound(again.lake)


def test_the_whole_chain_comes_from_genesis_where_the_user_says_so(
    chain: list[bytes], tmp_path: Path
) -> None:
    with web.Service(web.Explorer(chain)) as service:
        report = _brought(_new_lake(tmp_path), service, **{"from": "0"})
    assert report.error is None
    assert _heights(report.lake) == list(range(101))
    assert report.lake.frame("headers").height == 101


def test_only_new_blocks_are_asked_for_when_the_chain_has_grown(
    chain: list[bytes], tmp_path: Path
) -> None:
    with web.Service(web.Explorer(chain)) as service:
        report = _brought(_new_lake(tmp_path), service)
        chain += grow(40, chain[-1])
        asked = len(service.asked)
        report = _brought(report.lake, service)
    assert _heights(report.lake) == list(range(41, 141))
    assert [one.path for one in service.asked[asked:]] == [
        f"/api/v1/blocks{page}" for page in ("", "/115", "/130")
    ]


def test_blocks_whose_headers_are_held_bring_what_stands_beside_them(
    chain: list[bytes], tmp_path: Path
) -> None:
    (tmp_path / "headers.bin").write_bytes(b"".join(chain))
    lake = load(_new_lake(tmp_path), [tmp_path / "headers.bin"], now=0).lake
    before = _table(lake, "headers")
    with web.Service(web.Explorer(chain)) as service:
        report = _brought(lake, service)
    assert report.error is None
    assert "headers" not in report.rows
    assert _table(report.lake, "headers").equals(before)
    assert _heights(report.lake) == list(range(41, 101))


@pytest.mark.parametrize("depth", [1, 14, 15, 16, 40])
def test_a_reorganisation_while_we_were_off_is_followed_down_to_the_fork(
    chain: list[bytes], tmp_path: Path, depth: int
) -> None:
    with web.Service(web.Explorer(chain)) as service:
        report = _brought(_new_lake(tmp_path), service)
        stale = chain[-depth:]
        chain[-depth:] = grow(depth + 1, chain[-depth - 1], branch=1)
        report = _brought(report.lake, service)
    assert report.error is None
    (event,) = report.events
    assert json.loads(str(event["detail"]))["depth"] == depth
    assert event["height"] == 100 - depth
    # the stale branch stays
    assert report.lake.frame("headers").height == 60 + depth + 1
    known = set(report.lake.frame("headers")["hash"])
    assert all(bytes.fromhex(web.block_json(h, 0)["id"]) in known for h in stale)
    active = record_of(report.lake).blocks
    assert active["height"].to_list() == list(range(41, 102))
    assert _sound(report.lake)


def test_a_reorganisation_between_two_pages_ends_on_the_new_branch(
    chain: list[bytes], tmp_path: Path
) -> None:
    explorer = web.Explorer(chain)
    branch = [*chain[:80], *grow(30, chain[79], branch=1)]

    def moving(asking: Any) -> Any:
        if len(service.asked) == 4:
            explorer.chain = branch
        return explorer(asking)

    with web.Service(moving) as service:
        report = _brought(_new_lake(tmp_path), service, blocks="90")
    assert report.error is None
    with web.Service(web.Explorer(branch)) as service:
        clean = _brought(_new_lake(tmp_path / "clean"), service, **{"from": "11"})
    assert _active(report.lake)[-90:] == _active(clean.lake)[-90:]


def test_a_service_that_keeps_changing_is_left(chain: list[bytes], tmp_path: Path) -> None:
    explorer = web.Explorer(chain)
    branches = itertools.count(1)

    def moving(asking: Any) -> Any:
        explorer.chain = [*chain[:50], *grow(50, chain[49], next(branches))]
        return explorer(asking)

    with web.Service(moving) as service:
        report = _brought(_new_lake(tmp_path), service)
    assert isinstance(report.error, OutOfOrder)
    assert len(service.asked) < 100


def test_a_service_far_behind_is_stale_and_a_little_behind_is_not(
    chain: list[bytes], tmp_path: Path
) -> None:
    with web.Service(web.Explorer(chain)) as service:
        lake = _brought(_new_lake(tmp_path), service).lake
        service.answer = web.Explorer(chain[:-7])
        late = _brought(lake, service)
        service.answer = web.Explorer(chain[:-6])
        slow = _brought(lake, service)
    assert isinstance(late.error, StaleService)
    assert "height 100 or above, found 93" in str(late.error)
    assert slow.error is None
    assert slow.lake.version == lake.version


def test_another_chain_altogether_is_not_mixed_in(chain: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "headers.bin").write_bytes(b"".join([REGTEST_GENESIS, *grow(300)]))
    lake = load(_new_lake(tmp_path), [tmp_path / "headers.bin"], now=0).lake
    other = [REGTEST_GENESIS, *grow(310, branch=7)]
    with web.Service(web.Explorer(other)) as service:
        report = _brought(lake, service)
    assert isinstance(report.error, OutOfOrder)
    assert "at most 200 blocks down" in str(report.error)
    assert report.lake.version == lake.version


def test_a_gap_that_is_left_is_said(chain: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "headers.bin").write_bytes(b"".join(chain[:21]))
    lake = load(_new_lake(tmp_path), [tmp_path / "headers.bin"], now=0).lake
    with web.Service(web.Explorer(chain)) as service:
        report = _brought(lake, service)
    assert report.error is None
    assert report.notes == (
        "blocks 21 to 40 were not asked for: set from, or bring their headers otherwise",
    )


def test_what_was_saved_is_brought_again_without_the_service(
    chain: list[bytes], tmp_path: Path
) -> None:
    with web.Service(web.Explorer(chain)) as service:
        url = service.url
        first = _brought(_new_lake(tmp_path), service, save=str(tmp_path / "kept"))
    settings = _settings(url, replay=str(tmp_path / "kept"))
    again = sync(_new_lake(tmp_path / "again"), ESPLORA, settings, Clock())
    assert again.error is None
    for name in ("headers", "blocks", "pool_labels"):
        assert _table(again.lake, name).equals(_table(first.lake, name))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"blocks": "0"}, "blocks"),
        ({"blocks": "many"}, "blocks"),
        ({"from": "-1"}, "from"),
        ({"prices": "perhaps"}, "prices"),
        ({"rate": "0"}, "rate"),
        ({"rate": "nan"}, "rate"),
        ({"url": "mempool.space"}, "URL"),
        ({"save": "a", "replay": "b"}, "save and replay"),
    ],
)
def test_a_setting_that_cannot_be_is_named(
    tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    told = _settings("http://127.0.0.1:9") | settings
    report = sync(_new_lake(tmp_path), ESPLORA, told, Clock())
    assert isinstance(report.error, UsageError)
    assert named in str(report.error)


def test_waiting_passes_by_the_clock(tmp_path: Path) -> None:
    clock = Clock()
    asked = Syncer(_new_lake(tmp_path)).asked(ESPLORA, {"poll": "90"}, clock)
    assert ESPLORA.wait is not None
    ESPLORA.wait(asked)
    assert clock.slept == [90.0]


def test_blocks_of_the_real_chain_pass_all_rules(real_data: Path, tmp_path: Path) -> None:
    import zstandard

    raw = (real_data / "headers" / "headers_000000_010236.bin.zst").read_bytes()
    data = zstandard.ZstdDecompressor().decompress(raw, max_output_size=1 << 24)
    headers = [data[at : at + 80] for at in range(0, 80 * 2100, 80)]

    def real(asking: Any) -> Any:
        reply = web.Explorer(headers)(asking)
        blocks = json.loads(reply.body)
        for block in blocks:
            block["extras"] = None
            block["mediantime"] = None
        return web.as_json(blocks)

    with web.Service(real) as service:
        lake = _new_lake(tmp_path, MAIN)
        report = _brought(lake, service, blocks="2100", prices="no")
    assert report.error is None
    assert report.new["headers"] == 2100
    assert _sound(report.lake)


def test_every_error_is_of_the_house() -> None:
    assert issubclass(StaleService, HashcanaryError)
    assert StaleService.exit_code == Exit.SOURCE
