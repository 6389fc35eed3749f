"""Addresses: how people write the script that an output pays to.

Base58Check for a key's hash and a script's hash, Bech32 for witness version 0 (BIP 173), Bech32m
for later ones (BIP 350).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from hashcanary.chain.errors import InvalidAddress

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKS = {0: 1}  # what Bech32's checksum gives for witness version 0
_CHECK_LATER = 0x2BC830A3  # and Bech32m's for every later version
_LONGEST = 90
_CHECKSUM = 4


@dataclass(frozen=True, slots=True)
class AddressForm:
    """How a network writes addresses.

    key_hash, script_hash: the version byte of Base58Check; prefix: Bech32's human-readable part.
    """

    key_hash: int
    script_hash: int
    prefix: str


# Bitcoin Core kernel/chainparams.cpp; simnet: bcoin protocol/networks.js
_TEST = AddressForm(0x6F, 0xC4, "tb")
FORMS: dict[str, AddressForm] = {
    "main": AddressForm(0x00, 0x05, "bc"),
    "testnet4": _TEST,
    "signet": _TEST,
    "regtest": AddressForm(0x6F, 0xC4, "bcrt"),
    "simnet": AddressForm(0x3F, 0x7B, "sb"),
}


def script_of(address: str) -> bytes:
    """The scriptPubKey that an address of any known network stands for. Raises InvalidAddress."""
    known = {form.prefix for form in FORMS.values()}
    prefix = address.rpartition("1")[0].lower()
    if prefix in known:
        return _from_bech32(address, prefix)
    payload = _from_base58(address)
    version, body = payload[0], payload[1:]
    if len(body) == 20 and version in {form.key_hash for form in FORMS.values()}:
        return b"\x76\xa9\x14" + body + b"\x88\xac"
    if len(body) == 20 and version in {form.script_hash for form in FORMS.values()}:
        return b"\xa9\x14" + body + b"\x87"
    raise InvalidAddress(
        address=address,
        expected="20 bytes behind a version byte in use",
        found=f"{len(body)} bytes behind version {version}",
    )


def _witness_version(script: bytes) -> int | None:
    """The version of a witness program: one push of 2 to 40 bytes behind OP_0 to OP_16."""
    if not 4 <= len(script) <= 42 or script[1] != len(script) - 2:
        return None
    if script[0] == 0:
        return 0 if len(script) in (22, 34) else None
    return script[0] - 0x50 if 0x51 <= script[0] <= 0x60 else None


def _from_base58(address: str) -> bytes:
    """Version byte and body. The length is bounded, for the arithmetic is quadratic in it."""
    if not 0 < len(address) <= _LONGEST or set(address) - set(_BASE58):
        raise InvalidAddress(address[:_LONGEST], "1 to 90 digits of Base58", "others")
    number = 0
    for char in address:
        number = number * 58 + _BASE58.index(char)
    zeros = len(address) - len(address.lstrip("1"))
    data = b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
    payload, told = data[:-_CHECKSUM], data[-_CHECKSUM:]
    due = _double_sha256(payload)[:_CHECKSUM]
    if not payload or told != due:
        raise InvalidAddress(address, f"the checksum {due.hex()}", told.hex())
    return payload


def _double_sha256(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


def _from_bech32(address: str, prefix: str) -> bytes:
    plain, data = address.lower(), address.lower()[len(prefix) + 1 :]
    mixed = address not in (plain, address.upper())
    if len(address) > _LONGEST or len(data) < 8 or mixed or set(data) - set(_BECH32):
        raise InvalidAddress(
            address[:_LONGEST], "Bech32 in one case, at most 90 characters", "another form"
        )
    words = [_BECH32.index(char) for char in data]
    version, program = words[0], bytes(_regrouped(words[1:-6], 5, 8, pad=False))
    if _polymod([*_expanded(prefix), *words]) != _CHECKS.get(version, _CHECK_LATER):
        raise InvalidAddress(address=address, expected="a fitting checksum", found=data[-6:])
    script = bytes([version + 0x50 if version else 0, len(program)]) + program
    padded = _regrouped(program, 8, 5, pad=True)
    if _witness_version(script) != version or padded != words[1:-6]:
        raise InvalidAddress(
            address=address,
            expected="a witness program of a known length and version",
            found=f"version {version} and {len(program)} bytes",
        )
    return script


def _regrouped(values: Sequence[int], width: int, into: int, *, pad: bool) -> list[int]:
    """Digits of ``width`` bits as digits of ``into`` bits; the rest is padded or dropped."""
    total = held = 0
    out: list[int] = []
    for value in values:
        total = total << width | value
        held += width
        while held >= into:
            held -= into
            out.append(total >> held & ((1 << into) - 1))
        total &= (1 << held) - 1
    if pad and held:
        out.append(total << (into - held) & ((1 << into) - 1))
    return out


def _expanded(prefix: str) -> list[int]:
    return [*(ord(char) >> 5 for char in prefix), 0, *(ord(char) & 31 for char in prefix)]


def _polymod(values: Iterable[int]) -> int:
    """Remainder of the checksum's polynomial code over 32 symbols (BIP 173)."""
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATORS):
            if top >> place & 1:
                check ^= generator
    return check
