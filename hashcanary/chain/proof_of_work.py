"""Proof of work and links of a run of headers, and the heights of the blocks in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.errors import (
    BrokenLink,
    HeightConflict,
    InvalidTarget,
    MissedTarget,
    UnknownHeight,
    WrongBits,
)
from hashcanary.chain.targets import bits_table, decode_compact, target_words, why_invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.arrays import Bytes, Ints
    from hashcanary.chain.headers import HeaderColumns, Places, Preceding
    from hashcanary.chain.networks import Network

KnownBlocks = Mapping[bytes, tuple[int, int | None]]
"""Hash in printed order -> (height, bits or None)."""


def check_proof_of_work(columns: HeaderColumns, network: Network, places: Places) -> None:
    """Raise InvalidTarget or MissedTarget for the first header without valid proof of work."""
    table = bits_table(columns.bits)
    reasons = [why_invalid(int(bits), network.pow_limit) for bits in table.unique]
    for which, why in enumerate(reasons):
        if why is not None:
            index = int(np.argmax(table.inverse == which))
            raise InvalidTarget(
                place=places.at(index),
                network=network.name,
                limit=network.pow_limit_bits,
                found=int(columns.bits[index]),
                why=why,
            )
    targets = [decode_compact(int(bits)).value for bits in table.unique]
    missed = _above(columns.hash, target_words(targets), table.inverse)
    if len(missed):
        index = int(missed[0])
        raise MissedTarget(
            place=places.at(index),
            expected=f"{targets[table.inverse[index]]:064x}",
            found=columns.hash[index].tobytes().hex(),
        )


def _above(hashes: Bytes, targets: NDArray[np.uint64], which: Ints) -> Ints:
    """Indexes of the hashes above their targets, compared word by word from the greatest."""
    words = hashes.view(">u8")
    above = np.zeros(len(words), np.bool_)
    equal = np.ones(len(words), np.bool_)
    for place in range(4):
        word, limit = words[:, place].astype(np.uint64), targets[which, place]
        above |= equal & (word > limit)
        equal &= word == limit
    return np.flatnonzero(above)


def check_links(columns: HeaderColumns, preceding: Preceding | None, places: Places) -> None:
    """Raise BrokenLink for the first header that does not name the header before it."""
    if preceding is not None and columns.prev_hash[0].tobytes() != preceding.hash:
        raise _broken_link(places.at(0), preceding.hash, columns.prev_hash[0].tobytes())
    named = columns.prev_hash[1:].view(np.uint64)
    hashes = columns.hash[:-1].view(np.uint64)
    broken = np.flatnonzero((named != hashes).any(axis=1))
    if len(broken):
        before = int(broken[0])
        raise _broken_link(
            places.at(before + 1),
            columns.hash[before].tobytes(),
            columns.prev_hash[before + 1].tobytes(),
        )


def _broken_link(place: str, expected: bytes, found: bytes) -> BrokenLink:
    return BrokenLink(place=place, expected=expected.hex(), found=found.hex())


def known_in_run(columns: HeaderColumns, known: KnownBlocks) -> list[tuple[int, int, int | None]]:
    """Blocks of the run whose height is known: (index, height, bits or None), ascending."""
    # The last 8 bytes of a printed hash are as good as random: compare those, then the whole.
    wanted = np.frombuffer(b"".join(block[24:] for block in known), np.uint64)
    candidates = np.flatnonzero(np.isin(columns.hash[:, 24:].copy().view(np.uint64)[:, 0], wanted))
    found = []
    for index in candidates.tolist():
        block = known.get(columns.hash[index].tobytes())
        if block is not None:
            found.append((index, *block))
    return found


def find_first_height(
    columns: HeaderColumns,
    preceding: Preceding | None,
    known: KnownBlocks,
    inside: list[tuple[int, int, int | None]],
) -> int | None:
    """Height of the run's first header, by its parent or a known block inside; None if unknown."""
    if preceding is not None:
        return preceding.height + 1
    parent = known.get(columns.prev_hash[0].tobytes())
    if parent is not None:
        return parent[0] + 1
    return inside[0][1] - inside[0][0] if inside else None


def check_heights(
    columns: HeaderColumns,
    network: Network,
    inside: list[tuple[int, int, int | None]],
    places: Places,
) -> int:
    """The run's first height, once every known block agrees with it.

    Raises UnknownHeight when there is none, HeightConflict when a known block stands elsewhere or
    another block stands at the height of one of the network's, WrongBits when its bits differ.
    """
    first = places.first_height
    if first is None:
        raise UnknownHeight(
            place=places.at(0), found=columns.prev_hash[0].tobytes().hex(), network=network.name
        )
    for index, height, bits in inside:
        if first + index != height:
            raise HeightConflict(
                place=places.at(index),
                network=network.name,
                expected=f"this well-known block to have height {height}",
                found=f"height {first + index}",
            )
        if bits is not None and bits != int(columns.bits[index]):
            raise WrongBits(
                place=places.at(index),
                network=network.name,
                expected=bits,
                rule="as known for this block",
                found=int(columns.bits[index]),
            )
    for block, (height, _) in network_blocks(network).items():
        index = height - first
        if 0 <= index < len(columns) and columns.hash[index].tobytes() != block:
            raise HeightConflict(
                place=places.at(index),
                network=network.name,
                expected=f"block {block.hex()}",
                found=f"block {columns.hash[index].tobytes().hex()}",
            )
    return first


def network_blocks(network: Network) -> dict[bytes, tuple[int, int | None]]:
    """Genesis and the well-known blocks of a network, as known blocks."""
    return {
        block: (anchor.height, anchor.bits) for block, anchor in network.anchors_by_hash.items()
    }
