"""Lists of pools: what is read, what is refused, and how a list is known."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashcanary.sources.errors import BadPoolList, SourceError
from hashcanary.sources.pools.pool_lists import (
    built_in,
    parse_pool_list,
    read_pool_list,
    slug_of_label,
)

OWN = """
name = "mine"
edition = "1"
[[pool]]
slug = "a"
name = "A"
tags = ["/a pool/"]
addresses = ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]
aliases = ["older-a"]
[[group]]
slug = "all"
name = "All"
members = ["a"]
relation = "one owner"
source = "told"
since = 2020-01-02
"""


def own(old: str, new: str) -> bytes:
    assert old in OWN
    return OWN.replace(old, new).encode()


def test_the_projects_own_format() -> None:
    found = parse_pool_list("x.toml", OWN.encode())
    (pool,), (group,) = found.pools, found.groups
    assert (pool.slug, pool.tags, list(pool.addresses.values())) == (
        "a",
        ("/a pool/",),
        ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"],
    )
    assert (group.members, group.since) == (("a",), 1_577_923_200)
    assert found.canonical() == {"a": "a", "older-a": "a"}
    assert found.names()["older-a"] == "A"


def test_a_list_is_known_by_its_name_and_the_digest_of_its_bytes() -> None:
    one = parse_pool_list("x.toml", OWN.encode()).label
    other = parse_pool_list("x.toml", OWN.encode() + b"# changed\n").label
    assert one.startswith("mine-1@")
    assert other.startswith("mine-1@")
    assert one != other


def test_the_dictionarys_format_has_slugs_of_letters_and_digits() -> None:
    found = parse_pool_list(
        "pools-v2.json",
        b'[{"id":1,"name":"Bitcoin India","tags":["/Bitcoin-India/"],"addresses":[]},'
        b'{"id":2,"name":"BitcoinIndia","tags":[],"addresses":'
        b'["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]}]',
    )
    (pool,) = found.pools
    assert (found.name, pool.slug, pool.name, len(pool.addresses)) == (
        "pools-v2",
        "bitcoinindia",
        "Bitcoin India",
        1,
    )


def test_the_dictionarys_first_form_is_read_by_names() -> None:
    found = parse_pool_list(
        "pools.json",
        b'{"coinbase_tags":{"/A/":{"name":"A Pool","link":""},"/A2/":{"name":"A Pool"}},'
        b'"payout_addresses":{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa":{"name":"A pool"}}}',
    )
    (pool,) = found.pools
    assert (pool.slug, pool.name, pool.tags, len(pool.addresses)) == (
        "apool",
        "A Pool",
        ("/A/", "/A2/"),
        1,
    )


def test_tags_of_the_dictionary_that_can_only_be_expressions_are() -> None:
    tags = [r"OCEAN\\.XYZ", "x[0-9]{2}", "one|two", "BTC.COM", "/$Mined by 7/", "(ckpool)"]
    text = ",".join(f'"{tag}"' for tag in tags)
    data = f'[{{"name":"A","tags":[{text}],"addresses":[]}}]'.encode()
    (pool,) = parse_pool_list("x.json", data).pools
    assert pool.expressions == (r"OCEAN\.XYZ", "x[0-9]{2}", "one|two")
    assert pool.tags == ("BTC.COM", "/$Mined by 7/", "(ckpool)")
    # the project's own format has plain text alone
    (own_pool,) = parse_pool_list("x.toml", own("/a pool/", "x[0-9]{2}")).pools
    assert own_pool.expressions == ()


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("x[9-0]", "regex parse error"),
        ("x(?=[0-9])", "regex parse error"),
        ("[a-z]*", "empty text"),
        ("a|" * 300, "500"),
    ],
)
def test_expressions_that_cannot_be_used_are_refused(tag: str, told: str) -> None:
    with pytest.raises(BadPoolList, match=told):
        parse_pool_list("x.json", f'[{{"name":"A","tags":["{tag}"],"addresses":[]}}]'.encode())


@pytest.mark.parametrize(
    ("label", "slug"),
    [
        ("Foundry USA", "foundryusa"),
        ("foundryusa", "foundryusa"),
        ("F2Pool", "f2pool"),
        ("Unknown", "unknown"),
        ("UNKNOWN POOL", "unknown"),
        ("N/A", "unknown"),
        ("a slug of another list", "a slug of another list"),
        ("Some New Pool", "Some New Pool"),
    ],
)
def test_labels_that_others_wrote_are_slugs(label: str, slug: str) -> None:
    assert slug_of_label(label) == slug


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (own('tags = ["/a pool/"]', 'tags = ["ab"]'), "3 to 100 bytes"),
        (own('tags = ["/a pool/"]', 'tags = "/a pool/"'), "tags: expected a list of texts"),
        (own("DivfNa", "DivfNb"), "checksum"),
        (own('members = ["a"]', 'members = ["b"]'), "members that are pools"),
        (own("2020-01-02", '"2020"'), "since: expected a date"),
        (own('slug = "a"', "slug = 1"), "slug"),
        (own('aliases = ["older-a"]', 'aliases = ["a"]'), "no other pool claims"),
        (OWN.encode() + b'[[pool]]\nslug="c"\nname="C"\ntags=["/A POOL/"]\n', "no other pool"),
        (b"\xff", "TOML"),
        (b"name = ", "TOML"),
        (b"pool = 3\n", "[[pool]]"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_place(data: bytes, told: str) -> None:
    with pytest.raises(BadPoolList) as refused:
        parse_pool_list("x.toml", data)
    assert told in str(refused.value)


@pytest.mark.parametrize("data", [b"{}", b"[1]", b'[{"tags":[]}]', b"[" * 100_000, b"nul"])
def test_json_of_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(BadPoolList):
        parse_pool_list("x.json", data)


DAMAGE = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=6)
VENDOR = (
    b'[{"id":1,"name":"A","tags":["/a pool/"],"addresses":["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]}]'
)


@pytest.mark.fuzz
@given(st.sampled_from([("x.toml", OWN.encode()), ("x.json", VENDOR)]), DAMAGE)
@settings(max_examples=300)
def test_damaged_bytes_are_a_list_or_a_named_error(
    file: tuple[str, bytes], damage: list[tuple[int, int]]
) -> None:
    name, whole = file
    data = bytearray(whole)
    for place, value in damage:
        data[place % len(data)] = value
    try:
        found = parse_pool_list(name, bytes(data))
    except BadPoolList:
        return
    assert found.digest != parse_pool_list(name, whole).digest or bytes(data) == whole


def test_a_long_list_is_read_in_little_time() -> None:
    tags = ", ".join(f'"/tag {number}/"' for number in range(50_000))
    start = time.process_time()
    found = parse_pool_list("x.toml", own('"/a pool/"', tags))
    assert len(found.pools[0].tags) == 50_000
    assert time.process_time() - start < 5


def test_a_list_that_is_no_file_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        read_pool_list(tmp_path / "nothing.json")


def test_the_built_in_list_holds_the_pools_that_matter() -> None:
    known = {pool.slug for pool in built_in().pools}
    asked = (
        "foundryusa antpool viabtc f2pool spiderpool marapool secpool luxor binancepool sbicrypto "
        "ocean braiinspool poolin btccom btctop 1thash huobipool okexpool bitfury btcc kncminer "
        "ghashio btcguild eligius deepbit 50btc bitminter ozcoin 21inc bwpool"
    )
    assert set(asked.split()) <= known
    assert len(known) >= 60


def test_addresses_of_both_lists_agree(real_data: Path) -> None:
    theirs = {
        script: pool.slug
        for pool in read_pool_list(real_data / "pools" / "pools-v2.json").pools
        for script in pool.addresses
    }
    ours = {script: pool.slug for pool in built_in().pools for script in pool.addresses}
    shared = ours.keys() & theirs.keys()
    assert len(shared) >= 5
    assert {script: ours[script] for script in shared} == {
        script: theirs[script] for script in shared
    }
