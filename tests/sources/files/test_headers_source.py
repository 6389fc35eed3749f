"""Raw headers: heights where a known block tells them, null where none does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hashcanary.chain.networks import REGTEST
from hashcanary.sources.facts import HEADERS
from hashcanary.sources.files.reading import read
from hashcanary.sources.source import Options

Write = Callable[[str, str | bytes], Path]
ON_REGTEST = Options(network=REGTEST)


def test_a_run_from_genesis_has_heights(mined: Callable[[int], bytes], write: Write) -> None:
    parsed = read(write("h.bin", mined(30)), None, ON_REGTEST)
    frame = parsed.facts[0].frame
    assert frame.schema == HEADERS.schema
    assert frame["height"].to_list() == list(range(30))
    assert frame["time"].to_list() == [1296688602 + 600 * height for height in range(30)]
    assert frame["known_at"].equals(frame["time"].rename("known_at"))
    assert (parsed.coverage.rows, parsed.coverage.last) == (30, "block 29")


def test_a_run_without_a_known_block_waits_for_its_heights(
    mined: Callable[[int], bytes], write: Write
) -> None:
    parsed = read(write("h.bin", mined(30)[10 * 80 :]), None, ON_REGTEST)
    frame = parsed.facts[0].frame
    assert frame["height"].null_count() == 20
    assert frame.drop("height", "source").equals(
        read(write("all.bin", mined(30)), None, ON_REGTEST)
        .facts[0]
        .frame[10:]
        .drop("height", "source")
    )
    assert "no block of known height" in parsed.coverage.notes[0]


def test_real_runs_agree_with_the_wallets_checkpoints(real_data: Path) -> None:
    """Electrum's and bitcoinj's checkpoints against the raw headers of three other projects."""
    epochs = pl.read_csv(real_data / "blocks" / "difficulty_epochs_0_933408.csv")
    runs = {"000000_010236": (0, 10_236), "080001_100000": (80_001, 100_000)}
    runs["150001_340000"] = (150_001, 340_000)
    for name, (first, last) in runs.items():
        frame = read(real_data / "headers" / f"headers_{name}.bin.zst").facts[0].frame
        assert frame["height"].to_list() == list(range(first, last + 1))
        seen = frame.with_columns(hex=pl.col("hash").bin.encode("hex"))
        both = seen.join(epochs, left_on="height", right_on="last_block_height")
        assert both.height == sum(first <= e * 2016 + 2015 <= last for e in range(464))
        assert both["hex"].equals(both["last_block_hash"].rename("hex"))
        bits = both["nbits_hex"].str.to_integer(base=16)
        assert both["bits"].equals(bits.rename("bits"))


def test_headers_of_another_network_are_refused(
    mined: Callable[[int], bytes], write: Write
) -> None:
    from hashcanary.sources.errors import BadHeaders

    with pytest.raises(BadHeaders, match=r"h\.bin.*main"):
        read(write("h.bin", mined(30)))
