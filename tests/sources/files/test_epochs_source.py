"""Difficulty epochs: headers where given, blocks where not."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from hashcanary.chain.networks import MAIN
from hashcanary.sources.files.reading import read


@pytest.mark.parametrize("bits", ["1b0404cb", "453248203", "0x1b0404cb"])
def test_heights_and_bits_are_enough(bits: str, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(f"epoch,first_height,bits\n49,98784,{bits}\n50,100800,{bits}\n")
    parsed = read(tmp_path / "e.csv")
    headers, blocks = (facts.frame for facts in parsed.facts)
    assert headers.is_empty()
    assert blocks.select("height", "bits").rows() == [(98784, 0x1B0404CB), (100800, 0x1B0404CB)]
    assert blocks["known_at"].null_count() == 2


def test_every_epochs_bits_are_known_from_one_table(real_data: Path) -> None:
    path = real_data / "blocks" / "difficulty_epochs_0_933408.csv"
    parsed = read(path)
    headers, blocks = (facts.frame for facts in parsed.facts)
    assert (headers.height, blocks.filter(pl.col("height") % 2016 == 0).height) == (436, 28)
    starts = pl.concat([headers.select("height", "bits"), blocks.select("height", "bits")])
    starts = starts.filter(pl.col("height") % 2016 == 0).sort("height")
    given = pl.read_csv(path)
    assert starts["height"].to_list() == [2016 * epoch for epoch in range(464)]
    assert starts["bits"].to_list() == given["nbits_hex"].str.to_integer(base=16).to_list()


def test_last_blocks_anchor_what_follows_them(real_data: Path) -> None:
    parsed = read(real_data / "blocks" / "difficulty_epochs_0_933408.csv")
    headers, blocks = (facts.frame for facts in parsed.facts)
    last = blocks.filter(pl.col("height") % 2016 == 2015)
    assert (last.height, last["hash"].null_count(), last["time"].null_count()) == (464, 0, 464)
    parents = dict(headers.select(pl.col("height") - 1, "prev_hash").iter_rows())
    named = dict(last.select("height", "hash").iter_rows())
    assert all(named[height] == hash_ for height, hash_ in parents.items())


def test_a_last_block_is_known_when_the_next_epoch_has_begun(real_data: Path) -> None:
    parsed = read(real_data / "blocks" / "difficulty_epochs_0_933408.csv")
    headers, blocks = (facts.frame for facts in parsed.facts)
    last = blocks.filter(pl.col("height") % 2016 == 2015)
    begun = headers.select(pl.col("height") - 1, begun="time")
    both = last.join(begun, on="height", how="left", maintain_order="left")
    assert both["known_at"].equals(both["begun"].rename("known_at"), null_equal=True)
    assert both["known_at"].null_count() == 464 - 436


def test_real_headers_of_epochs_are_the_networks_known_blocks(real_data: Path) -> None:
    """Core's checkpoint at 709,632 (taproot's activation) is an epoch's first block."""
    headers = read(real_data / "blocks" / "difficulty_epochs_0_933408.csv").facts[0].frame
    known = {anchor.height: anchor for anchor in MAIN.anchors if anchor.height % 2016 == 0}
    assert 709_632 in known
    for height, anchor in known.items():
        row = headers.filter(pl.col("height") == height)
        assert (row["hash"].to_list(), row["bits"].to_list()) in (
            ([anchor.hash], [anchor.bits]),
            ([], []),
        )
