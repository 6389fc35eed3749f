"""The active chain of random header trees, against a slow walk over every branch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from hashcanary.store.active_chain import active, known_at
from hashcanary.store.placing import place

# compact bits and the exact work of each: 2^256 // (target + 1), target = mantissa * 256^(size - 3)
BITS = [0x1D00FFFF, 0x1D00FFFE, 0x1C7FFFFF, 0x1B0404CB, 0x1000FFFF, 0x207FFFFF]


def work(bits: int) -> int:
    target = (bits & 0x7FFFFF) << 8 * ((bits >> 24) - 3)
    return 2**256 // (target + 1)


@dataclass
class Node:
    name: bytes
    parent: bytes
    height: int
    time: int
    bits: int


@st.composite
def trees(draw: Callable[..., int]) -> list[Node]:
    """One root, and headers each on any header before it."""
    base = draw(st.integers(0, 900_000))
    nodes = [Node(b"\x01\x00", b"\x00\x00", base, draw(st.integers(0, 99)), BITS[0])]
    for index in range(draw(st.integers(0, 25))):
        # near the end more often, so that branches grow
        back = draw(st.integers(0, min(3, len(nodes) - 1)) | st.integers(0, len(nodes) - 1))
        parent = nodes[len(nodes) - 1 - back]
        name = bytes([1 + (index + 1) // 256, (index + 1) % 256])
        bits = draw(st.sampled_from(BITS))
        nodes.append(Node(name, parent.name, parent.height + 1, draw(st.integers(0, 99)), bits))
    return nodes


def frame(nodes: list[Node]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "height": [node.height for node in nodes],
            "hash": [node.name for node in nodes],
            "prev_hash": [node.parent for node in nodes],
            "time": [node.time for node in nodes],
            "bits": [node.bits for node in nodes],
        }
    )


def branch(nodes: list[Node], tip: Node) -> list[Node]:
    """From a tip back to the root."""
    by_name = {node.name: node for node in nodes}
    path = [tip]
    while path[-1].parent in by_name:
        path.append(by_name[path[-1].parent])
    return path


def best(nodes: list[Node]) -> set[bytes]:
    def rank(tip: Node) -> tuple[int, int, bytes]:
        path = branch(nodes, tip)
        return -sum(work(node.bits) for node in path), max(node.time for node in path), tip.name

    return {node.name for node in branch(nodes, min(nodes, key=rank))}


@given(trees(), st.randoms(use_true_random=False))
def test_the_active_chain_is_the_branch_with_the_most_work(
    nodes: list[Node], order: Random
) -> None:
    shuffled = list(nodes)
    order.shuffle(shuffled)
    headers = frame(shuffled).sort("height", maintain_order=True)
    assert set(headers.filter(active(headers))["hash"].to_list()) == best(nodes)


@given(trees())
def test_a_header_is_known_from_the_latest_time_of_its_branch_on(nodes: list[Node]) -> None:
    headers = frame(nodes).sort("height", maintain_order=True)
    told = dict(zip(headers["hash"].to_list(), known_at(headers).tolist(), strict=True))
    assert told == {node.name: max(n.time for n in branch(nodes, node)) for node in nodes}


@given(trees(), st.data())
def test_any_one_known_block_places_a_whole_tree_in_any_order(
    nodes: list[Node], data: st.DataObject
) -> None:
    known = data.draw(st.sampled_from(nodes))
    headers = frame(data.draw(st.permutations(nodes)))
    anchors = pl.DataFrame({"hash": [known.name], "height": [known.height]})
    unplaced = headers.select("hash", "prev_hash").with_columns(
        height=pl.lit(None, pl.Int64), file=pl.lit("tree")
    )
    assert place(unplaced, anchors).to_list() == headers["height"].to_list()
