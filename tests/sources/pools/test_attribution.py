"""Attribution: address before tag, the longest tag, ties, bytes that are no text."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashcanary.chain.address import script_of
from hashcanary.sources.pools.attribution import attribute
from hashcanary.sources.pools.pool_lists import Pool, PoolList

GENESIS, OTHER = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1AGNa15ZQXAZUgFiqJ2i7Z2DPU2J6hW62i"


def pool(slug: str, *tags: str, address: str | None = None) -> Pool:
    paid = {} if address is None else {script_of(address): address}
    return Pool(slug, slug.title(), tags, paid)


LIST = PoolList(
    "test",
    "0" * 64,
    (
        pool("via", "/ViaBTC/"),
        pool("tatmas", "/ViaBTC/TATMAS Pool/"),
        pool("fish", "七彩神仙鱼", "🐟", address=GENESIS),
        pool("abc", "abcd", address=OTHER),
        pool("xyz", "wxyz"),
    ),
)


def outputs(*paid: tuple[int, str | bytes]) -> bytes:
    parts = [bytes([len(paid)])]
    for value, to in paid:
        script = script_of(to) if isinstance(to, str) else to
        parts.append(value.to_bytes(8, "little") + bytes([len(script)]) + script)
    return b"".join(parts)


def one(script: bytes | None, paid: bytes | None = None) -> tuple[str, str]:
    found = attribute(
        pl.Series([script], dtype=pl.Binary), pl.Series([paid], dtype=pl.Binary), LIST
    )
    return found.row(0)


def test_the_longest_tag_wins() -> None:
    assert one(b"\x03abc/ViaBTC/TATMAS Pool/\x00") == ("tatmas", "tag /ViaBTC/TATMAS Pool/")
    assert one(b"\x03abc/ViaBTC/Mined by x/\x00") == ("via", "tag /ViaBTC/")


def test_a_tag_that_is_an_expression_is_as_long_as_what_it_fits() -> None:
    uuid = "[0-9a-f]{8}-[0-9a-f]{4}"
    pools = (Pool("uuid", "Uuid", (), {}, (), (uuid,)), pool("via", "/ViaBTC/"), pool("f", "ff-00"))
    listed = PoolList("test", "0" * 64, pools)
    scripts = [b"..0123ABCD-00ff..", b"/ViaBTC/ 12345678-9abc", b"..ff-00..", b"12345678-9ab"]
    found = attribute(
        pl.Series(scripts, dtype=pl.Binary), pl.Series([None] * 4, dtype=pl.Binary), listed
    )
    assert found.rows() == [
        ("uuid", f"tag {uuid}"),
        ("uuid", f"tag {uuid}"),
        ("f", "tag ff-00"),
        ("unknown", "unknown"),
    ]


def test_of_equally_long_tags_the_first_in_the_script_wins() -> None:
    assert one(b"..wxyz..abcd") == ("xyz", "tag wxyz")
    assert one(b"..abcd..wxyz") == ("abc", "tag abcd")


def test_case_of_ascii_does_not_matter_and_of_other_bytes_does() -> None:
    assert one(b"/VIAbtc/")[0] == "via"
    altered = "七彩神仙鱼".encode().replace(b"\xe4", b"\xc4")
    assert one(altered) == ("unknown", "unknown")


def test_tags_of_other_scripts_are_met_amid_any_bytes() -> None:
    assert one(b"\xff\xfe" + "七彩神仙鱼".encode() + b"\x80")[0] == "fish"
    assert one(b"\xf0" + "🐟".encode()) == ("fish", "tag 🐟")


def test_the_address_comes_before_the_tag() -> None:
    assert one(b"/ViaBTC/", outputs((5, GENESIS))) == ("fish", f"address {GENESIS}")


def test_of_several_addresses_the_one_paid_most_names_the_pool() -> None:
    both = outputs((5, OTHER), (7, b"\x51"), (6, GENESIS))
    assert one(b"..", both) == ("fish", f"address {GENESIS}")
    assert one(b"..", outputs((5, OTHER), (5, GENESIS))) == ("abc", f"address {OTHER}")


def test_data_that_only_looks_like_a_payment_is_none() -> None:
    told = b"\x6a\x19" + script_of(GENESIS)
    assert one(b"..", outputs((5, told))) == ("unknown", "unknown")


@pytest.mark.parametrize("script", [b"", b"\x00" * 100, None])
def test_without_evidence_a_block_is_unknown(script: bytes | None) -> None:
    assert one(script, None) == ("unknown", "unknown")


def test_no_rows_and_no_tags() -> None:
    none = pl.Series([], dtype=pl.Binary)
    assert attribute(none, none, LIST).height == 0
    empty = PoolList("none", "0" * 64, ())
    some = pl.Series([b"/ViaBTC/"])
    assert attribute(some, pl.Series([None], dtype=pl.Binary), empty).row(0) == (
        "unknown",
        "unknown",
    )


TAGS = st.lists(st.text("aAbB/é", min_size=3, max_size=6), min_size=1, max_size=8)


@given(TAGS, st.lists(st.text("aAbB/é.", max_size=30), min_size=1, max_size=5))
def test_tags_found_are_those_of_a_search_tag_by_tag(tags: list[str], texts: list[str]) -> None:
    first: dict[bytes, int] = {}
    for place, tag in enumerate(tags):
        first.setdefault(tag.encode().lower(), place)
    pools = PoolList("p", "0" * 64, tuple(pool(f"p{n}", tag) for n, tag in enumerate(tags)))
    scripts = pl.Series([text.encode() for text in texts])
    found = attribute(scripts, pl.Series([None] * len(texts), dtype=pl.Binary), pools)
    for text, label in zip(texts, found["pool"], strict=True):
        hits = [
            (-len(tag), hit.start(), place)
            for tag, place in first.items()
            if (hit := re.search(re.escape(tag), text.encode().lower()))
        ]
        assert label == (f"p{min(hits)[2]}" if hits else "unknown")
