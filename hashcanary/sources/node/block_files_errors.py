"""Errors of block files: each names the file and the offset in it."""

from __future__ import annotations

from hashcanary.errors import Exit
from hashcanary.sources.errors import SourceError


class NoBlockFiles(SourceError):
    """A folder that is no data directory of Bitcoin Core for this network."""

    template = (
        "{folder}: expected a Bitcoin Core data directory with block files of {network} "
        "(blk00000.dat and following), found {found}. Set datadir to the folder of bitcoin.conf, "
        "or to the blocks folder itself."
    )


class BadSetting(SourceError):
    """A setting of the feed that cannot be used."""

    template = "setting {name} of blockfiles: expected {expected}, found {found!r}. Correct it."
    exit_code = Exit.USAGE


class BadKey(SourceError):
    """A key file that cannot unlock block files."""

    template = (
        "{file}: expected 8 bytes, the key that block files are XORed with, found {found}. "
        "Copy xor.dat from the node together with its block files."
    )


class DamagedBlockFile(SourceError):
    """Bytes of a block file that cannot be what a node wrote."""

    template = (
        "{file}, offset {offset}: expected {expected}, found {found}. Copy the file from the "
        "node again; where the node's own copy is damaged, bitcoind -reindex fetches it anew."
    )
