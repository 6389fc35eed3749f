"""Errors of consensus arithmetic: a header or a target that breaks a rule, and where.

``place`` names the header: its index in the run and, once known, its height.
"""

from __future__ import annotations

from typing import ClassVar

from hashcanary.errors import HashcanaryError


class ChainError(HashcanaryError):
    """Root of what breaks a rule of the chain."""

    template = "{problem}"
    http_status: ClassVar[int] = 422


class TruncatedHeaders(ChainError):
    """The bytes are not a whole number of headers."""

    template = (
        "Expected a whole number of 80-byte headers, found {size} bytes: {whole} whole headers and "
        "{rest} bytes from offset {offset} on. Get the file again, or cut it at that offset."
    )


class EmptyRun(ChainError):
    """There is no header at all."""

    template = "Expected at least one 80-byte header, found none. Give a file that holds headers."


class InvalidHeaderField(ChainError):
    """A column cannot be written as a header field."""

    template = (
        "{column} of header {index}: expected {expected}, found {found}. Correct that row before "
        "writing headers from it."
    )


class InvalidTarget(ChainError):
    """Compact bits that encode no valid proof-of-work target."""

    template = (
        "{place}: expected bits of a target between 1 and the limit of {network} "
        "({limit:#010x}), found {found:#010x}, which {why}. The data are damaged or belong to "
        "another network."
    )


class MissedTarget(ChainError):
    """A header whose hash is above its target."""

    template = (
        "{place}: expected a hash of at most the target {expected}, found {found}. At least one "
        "bit of this header is wrong: get it again."
    )


class BrokenLink(ChainError):
    """A header that does not name the header before it."""

    template = (
        "{place}: expected previous hash {expected}, found {found}. Headers are missing, out of "
        "order or from two branches: load contiguous runs one by one."
    )


class UnknownHeight(ChainError):
    """A run in which no block of known height appears."""

    template = (
        "{place} follows {found}: expected it to follow a block of known height, or the run to "
        "contain one (genesis, a checkpoint of {network}). Load the headers before it first, or "
        "name the network they belong to."
    )


class HeightConflict(ChainError):
    """A well-known block stands at another height than the run says."""

    template = (
        "{place}: expected {expected}, found {found}. The run is of another chain than that of "
        "{network}, or a stated height is wrong."
    )


class WrongBits(ChainError):
    """Bits that differ from what the retarget rule demands."""

    template = (
        "{place}: expected bits {expected:#010x} ({rule}), found {found:#010x}. The header is not "
        "of the chain of {network}: get it again from another source."
    )


class WrongTime(ChainError):
    """A header time that breaks a time rule."""

    template = (
        "{place}: expected a time {expected}, found {found}. Get the header again, or "
        "check this machine's clock."
    )


class InvalidAddress(ChainError):
    """Text that is no address."""

    template = (
        "address {address!r}: expected {expected}, found {found}. Copy it again; its checksum "
        "fails if one character is wrong or missing."
    )


class InvalidCoinbase(ChainError):
    """Bytes that are no coinbase transaction."""

    template = (
        "byte {offset} of the coinbase transaction: expected {expected}, found {found}. "
        "Get the block again: at least one bit of it is wrong."
    )


class InvalidBlock(ChainError):
    """A block whose bytes do not hold together."""

    template = (
        "byte {offset} of the block: expected {expected}, found {found}. "
        "Get the block again: at least one bit of it is wrong."
    )
