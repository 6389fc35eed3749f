"""The constants of the networks, checked by what they must hash to."""

from __future__ import annotations

import struct
from hashlib import sha256

import pytest

from hashcanary.chain.networks import MAIN, NETWORKS, Anchor, Network


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_genesis_fields_hash_to_the_genesis_hash(network: Network) -> None:
    genesis = network.genesis
    header = struct.pack(
        "<i32s32sIII",
        genesis.version,
        bytes(32),
        genesis.merkle_root[::-1],
        genesis.time,
        genesis.bits,
        genesis.nonce,
    )
    assert sha256(sha256(header).digest()).digest()[::-1] == genesis.hash


@pytest.mark.parametrize("anchor", MAIN.anchors, ids=lambda anchor: str(anchor.height))
def test_every_well_known_block_meets_its_target(anchor: Anchor) -> None:
    bits = anchor.bits
    target = (bits & 0x7FFFFF) << 8 * ((bits >> 24) - 3)
    assert int.from_bytes(anchor.hash, "big") <= target


def test_the_blocks_of_bip30_are_known_by_hash() -> None:
    # Bitcoin Core IsBIP30Repeat (91842, 91880) and IsBIP30Unspendable (91722, 91812).
    published = {
        "00000000000a4d0a398161ffc163c503763b1f4360639393e0e4c8e300e0caec": 91842,
        "00000000000743f190a18c5577a3c2d2a1f610ae9601ac046a38084ccb7cd721": 91880,
        "00000000000271a2dc26e7667f8419f2e15416dc6955e5a6c6cdf3f2574dd08e": 91722,
        "00000000000af0aed4792b1acee3d966af36cf5def14935db8de83d6f9306f2f": 91812,
    }
    known = MAIN.anchors_by_hash
    assert {text: known[bytes.fromhex(text)].height for text in published} == published


def test_magic_bytes_differ_and_main_is_the_published_one() -> None:
    assert MAIN.magic.hex() == "f9beb4d9"
    assert len({network.magic for network in NETWORKS.values()}) == len(NETWORKS)


def test_signet_magic_is_the_hash_of_its_challenge() -> None:
    # BIP325: the first four bytes of the double SHA-256 of the serialised challenge.
    challenge = bytes.fromhex(
        "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be4"
        "30210359ef5021964fe22d6f8e05b2463c9540ce96883fe3b278760f048f5189f2e6c452ae"
    )
    digest = sha256(sha256(bytes([len(challenge)]) + challenge).digest()).digest()
    assert NETWORKS["signet"].magic == digest[:4]


@pytest.mark.parametrize(
    ("name", "no_retargeting", "min_difficulty_rule", "bip94", "halving_interval"),
    [
        ("main", False, False, False, 210_000),
        ("testnet4", False, True, True, 210_000),
        ("signet", False, False, False, 210_000),
        ("regtest", True, True, False, 150),
        ("simnet", False, True, False, 210_000),
    ],
)
def test_the_rules_of_each_network(
    name: str, no_retargeting: bool, min_difficulty_rule: bool, bip94: bool, halving_interval: int
) -> None:
    network = NETWORKS[name]
    assert network.no_retargeting is no_retargeting
    assert network.min_difficulty_rule is min_difficulty_rule
    assert network.bip94 is bip94
    assert network.halving_interval == halving_interval
