"""Targets: how headers state them, how hard they are to meet, and the work that meeting them takes.

Compact bits: the 32-bit floating form in which a header states its target.

Source: Bitcoin Core ``arith_uint256::SetCompact`` and ``GetCompact``. Scalars are exact Python
integers; columns work on the distinct bits, of which a chain has one per epoch.

Difficulty: how many times harder than the target of difficulty one.

``difficulty = (0xffff << 208) / target``, on every network (not the network's own limit).
Exact as a Fraction; the conversions to float64 say so in their names.

Work: the expected number of hashes behind a block, ``2^256 // (target + 1)``.

Source: Bitcoin Core ``GetBlockProof``. The chain with the most work is the active one.
``difficulty * 2^32`` is smaller by 1.526e-5; hashcanary uses the exact work.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hashcanary.chain.errors import InvalidTarget

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.arrays import Floats, Ints
    from hashcanary.chain.networks import Network


MAX_UINT256 = (1 << 256) - 1
_SIGN = 0x0080_0000
# a target that takes more hashes for one block than this is no target of a chain in use: all blocks
# of main up to 2026 took 2^97 together, and a block of then takes 2^79
_MOST_WORK_BITS = 100


class Compact(NamedTuple):
    """What compact bits say. value: the magnitude modulo 2^256, never negative."""

    value: int
    negative: bool
    overflow: bool


def decode_compact(bits: int) -> Compact:
    """Decode 32-bit compact ``bits`` with the flags of Core's ``SetCompact``."""
    size, word = bits >> 24, bits & 0x007F_FFFF
    if size <= 3:
        word >>= 8 * (3 - size)
        value = word
    else:
        value = (word << 8 * (size - 3)) & MAX_UINT256
    # The sign is looked at with the word after the shift: 0x00923456 is zero, not negative.
    negative = word != 0 and bool(bits & _SIGN)
    overflow = word != 0 and (
        size > 34 or (word > 0xFF and size > 33) or (word > 0xFFFF and size > 32)
    )
    return Compact(value, negative, overflow)


def encode_compact(value: int, negative: bool = False) -> int:
    """Encode an integer of 0 to 2^256 - 1 as compact bits: truncates, never rounds."""
    if not 0 <= value <= MAX_UINT256:
        raise ValueError(f"expected an integer from 0 to 2^256 - 1, found {value}")
    size = (value.bit_length() + 7) // 8
    mantissa = value << 8 * (3 - size) if size <= 3 else value >> 8 * (size - 3)
    if mantissa & _SIGN:
        mantissa >>= 8
        size += 1
    return size << 24 | mantissa | (_SIGN if negative and mantissa else 0)


def why_invalid(bits: int, pow_limit: int) -> str | None:
    """Why ``bits`` are no valid proof-of-work target, in words; None when they are one."""
    value, negative, overflow = decode_compact(bits)
    if negative:
        return "is negative"
    if overflow:
        return "overflows 256 bits"
    if value == 0:
        return "is zero"
    if value > pow_limit:
        return "is above the limit"
    return None


def why_implausible(bits: int) -> str | None:
    """Why nobody can have met a target of a valid form, in words; None where somebody may have.

    Of consensus it is no rule: it tells numbers that were read wrongly, where no hash proves work.
    """
    if decode_compact(bits).value < 1 << 256 - _MOST_WORK_BITS:
        return f"takes more than 2^{_MOST_WORK_BITS} hashes a block, more than were ever made"
    return None


def target_from_bits(bits: int, network: Network) -> int:
    """The target that ``bits`` stand for, a valid one of ``network``.

    Raises InvalidTarget when it is negative, zero, overflows or is above the network's limit.
    """
    why = why_invalid(bits, network.pow_limit)
    if why is not None:
        raise InvalidTarget(
            place="bits",
            network=network.name,
            limit=network.pow_limit_bits,
            found=bits,
            why=why,
        )
    return decode_compact(bits).value


class BitsTable(NamedTuple):
    """The distinct bits of a column. unique: (m,) ascending; inverse, counts as in np.unique."""

    unique: Ints
    inverse: Ints
    counts: Ints


def bits_table(bits: Ints) -> BitsTable:
    """Distinct values of a (n,) column of bits: what is computed per block runs once per value.

    Sorts stretches of equal bits instead of blocks, because a chain keeps them for an epoch.
    """
    if len(bits) == 0:
        nothing = np.empty(0, np.int64)
        return BitsTable(nothing, nothing, nothing)
    starts = np.concatenate(([0], np.flatnonzero(bits[1:] != bits[:-1]) + 1))
    lengths = np.diff(starts, append=len(bits))
    unique, which = np.unique(bits[starts], return_inverse=True)
    counts = np.zeros(len(unique), np.int64)
    np.add.at(counts, which, lengths)
    return BitsTable(unique.astype(np.int64), np.repeat(which, lengths).astype(np.int64), counts)


def target_words(targets: list[int]) -> NDArray[np.uint64]:
    """Targets as a (m, 4) array of 64-bit words, the most significant first."""
    packed = b"".join(target.to_bytes(32, "big") for target in targets)
    return np.frombuffer(packed, ">u8").reshape(-1, 4).astype(np.uint64)


DIFFICULTY_ONE_TARGET = 0xFFFF << 208


def difficulty(bits: int) -> Fraction:
    """Exact difficulty of compact ``bits``, dimensionless.

    Raises ValueError when the bits encode no positive target.
    """
    value, negative, overflow = decode_compact(bits)
    if negative or overflow or value == 0:
        raise ValueError(f"expected bits of a positive 256-bit target, found {bits:#010x}")
    return Fraction(DIFFICULTY_ONE_TARGET, value)


def difficulty_float64(bits: int) -> float:
    """Difficulty of ``bits`` as the nearest float64."""
    return float(difficulty(bits))


def difficulty_float64_column(bits: Ints) -> Floats:
    """Difficulty of a (n,) column of bits, each the nearest float64."""
    table = bits_table(bits)
    values = np.array([difficulty_float64(int(one)) for one in table.unique], np.float64)
    return values[table.inverse]


def difficulty_change(old_bits: int, new_bits: int) -> Fraction:
    """Exact relative change of difficulty from one epoch to the next: -0.1116 means -11.16%.

    From the encoded targets, so the truncation of compact bits is in it.
    """
    return difficulty(new_bits) / difficulty(old_bits) - 1


def block_work(bits: int) -> int:
    """Exact work of a block with compact ``bits``, in hashes; 0 for bits of no valid target."""
    value, negative, overflow = decode_compact(bits)
    if negative or overflow or value == 0:
        return 0
    return (1 << 256) // (value + 1)


def total_work(bits: Ints) -> int:
    """Exact sum of the work of a (n,) column of bits, in hashes."""
    table = bits_table(bits)
    return sum(
        block_work(int(one)) * int(count)
        for one, count in zip(table.unique, table.counts, strict=True)
    )


def work_float64_column(bits: Ints) -> Floats:
    """Work of each of n blocks, in hashes, each the nearest float64."""
    table = bits_table(bits)
    return np.array([float(block_work(int(one))) for one in table.unique], np.float64)[
        table.inverse
    ]
