"""Addresses of scripts and back: vectors of BIP 173 and BIP 350, well-known coins, bad text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashcanary.chain.address import FORMS, address_of, script_of
from hashcanary.chain.errors import InvalidAddress
from hashcanary.chain.networks import MAIN, NETWORKS

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
    name = "testnet4" if address[0] in "tm2" else "main"
    lower = address.lower() if address[:3] == "BC1" else address
    assert address_of(bytes.fromhex(script), NETWORKS[name]) == lower


@pytest.mark.parametrize("address", INVALID)
def test_text_that_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidAddress):
        script_of(address)


@pytest.mark.parametrize(
    "script",
    [
        "",
        "6a24aa21a9ed" + "00" * 32,
        "41" + "04" * 65 + "ac",
        "0013" + "00" * 19,
        "5101ff",
        "76a914" + "00" * 20 + "88ad",
    ],
)
def test_other_scripts_have_no_address(script: str) -> None:
    assert address_of(bytes.fromhex(script), MAIN) is None


@given(
    st.sampled_from(sorted(FORMS)),
    st.one_of(
        st.binary(min_size=20, max_size=20).map(lambda body: b"\x76\xa9\x14" + body + b"\x88\xac"),
        st.binary(min_size=20, max_size=20).map(lambda body: b"\xa9\x14" + body + b"\x87"),
        st.binary(min_size=32, max_size=32).map(lambda body: b"\x00\x20" + body),
        st.binary(min_size=2, max_size=40).map(lambda body: bytes([0x51, len(body)]) + body),
    ),
)
def test_a_script_comes_back_from_its_address(name: str, script: bytes) -> None:
    address = address_of(script, NETWORKS[name])
    assert address is not None
    assert script_of(address) == script


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
