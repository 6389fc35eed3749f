"""Scripts of addresses: vectors of BIP 173 and BIP 350, well-known coins, bad text."""

from __future__ import annotations

import bitcoin.base58
import bitcoin.segwit_addr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashcanary.chain.address import script_of
from hashcanary.chain.errors import InvalidAddress

# BIP 173 and BIP 350, test vectors: address and scriptPubKey
VECTORS = {
    "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4": "0014751e76e8199196d454941c45d1b3a323f1433bd6",
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7": (
        "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262"
    ),
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y": (
        "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6"
    ),
    "BC1SW50QGDZ25J": "6002751e",
    "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs": "5210751e76e8199196d454941c45d1b3a323",
    "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy": (
        "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433"
    ),
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0": (
        "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    ),
    # the genesis block's key, as every explorer shows it; hash from Bitcoin Core's base58 tests
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa": "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac",
    "1AGNa15ZQXAZUgFiqJ2i7Z2DPU2J6hW62i": "76a91465a16059864a2fdbc7c99a4723a8395bc6f188eb88ac",
    "3CMNFxN1oHBc4R1EpboAL5yzHGgE611Xou": "a91474f209f6ea907e2ea48f74fae05782ae8a66525787",
    "mo9ncXisMeAoXwqcV5EWuyncbmCcQN4rVs": "76a91453c0307d6851aa0ce7825ba883c6bd9ad242b48688ac",
    "2N2JD6wb56AfK4tfmM6PwdVmoYk2dCKf4Br": "a9146349a418fc4578d10a372b54b45c280cc8c4382f87",
}
# version bytes of a key's and of a script's hash, and Bech32's prefix: Bitcoin Core's
# kernel/chainparams.cpp, btcd's SimNetParams
PUBLISHED = {
    "main": (0x00, 0x05, "bc"),
    "testnet4": (0x6F, 0xC4, "tb"),
    "signet": (0x6F, 0xC4, "tb"),
    "regtest": (0x6F, 0xC4, "bcrt"),
    "simnet": (0x3F, 0x7B, "sb"),
}
INVALID = [  # BIP 350 and BIP 173, invalid addresses, and damage to the ones above
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
    "bc1pw5dgrnzv",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
    "bc1gmk9yu",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf0a",
    "",
    "1",
    "1" * 5000,
    "LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9",  # another chain's
]


@pytest.mark.parametrize(("address", "script"), VECTORS.items())
def test_published_addresses_stand_for_their_scripts(address: str, script: str) -> None:
    assert script_of(address).hex() == script


@pytest.mark.parametrize("address", INVALID)
def test_text_that_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidAddress):
        script_of(address)


@given(st.sampled_from(sorted(PUBLISHED)), st.binary(min_size=20, max_size=20))
def test_an_address_of_a_hash_stands_for_its_script(name: str, body: bytes) -> None:
    key_hash, script_hash, _ = PUBLISHED[name]
    key = str(bitcoin.base58.CBase58Data.from_bytes(body, key_hash))
    assert script_of(key) == b"\x76\xa9\x14" + body + b"\x88\xac"
    script = str(bitcoin.base58.CBase58Data.from_bytes(body, script_hash))
    assert script_of(script) == b"\xa9\x14" + body + b"\x87"


@given(
    st.sampled_from(sorted(PUBLISHED)),
    st.sampled_from([20, 32]),
    st.binary(min_size=32, max_size=32),
)
def test_a_witness_address_stands_for_its_program(name: str, size: int, body: bytes) -> None:
    program = body[:size]
    address = bitcoin.segwit_addr.encode(PUBLISHED[name][2], 0, program)
    assert script_of(address) == bytes([0, size]) + program


@pytest.mark.parametrize(("version", "length"), [(0x00, 19), (0x00, 21), (0x05, 21), (0x01, 20)])
def test_other_lengths_and_versions_of_base58_are_refused(version: int, length: int) -> None:
    address = str(bitcoin.base58.CBase58Data.from_bytes(bytes(range(length)), version))
    with pytest.raises(InvalidAddress, match=f"{length} bytes behind version {version}"):
        script_of(address)


@pytest.mark.parametrize(("length", "expected"), [(90, "the checksum"), (91, "1 to 90 digits")])
def test_the_checksum_is_computed_of_90_digits_at_most(length: int, expected: str) -> None:
    with pytest.raises(InvalidAddress, match=expected):
        script_of("2" * length)


@pytest.mark.fuzz
@given(st.text(max_size=100))
def test_any_text_is_an_address_or_a_named_error(text: str) -> None:
    message = ""
    try:
        script = script_of(text)
    except InvalidAddress as error:
        script, message = b"\x51\x02\x00\x00", str(error)
    assert len(script) >= 4
    assert len(message) < 500
