"""Who mined a million blocks: attribution by the built-in list and by the mining-pools dictionary.

The coinbases are made up: each has the tag and the outputs of a real block or of a pool of the
list amid random bytes, as the extra nonces of pools are; one in five has no known tag. The peer:
the rule of mempool.space (the first pool of the list that fits, address by address, one regular
expression a tag) in plain Python, on a fiftieth of the blocks, times fifty; the same outputs and
tags; the answers are compared. The limit: NumPy adds up every byte of the scripts and outputs once.
"""

from __future__ import annotations

import re
import time

import numpy as np
import polars as pl
from real_data import real_data
from table import show

from hashcanary.chain.address import script_of
from hashcanary.chain.coinbase import outputs_of
from hashcanary.sources.pools.attribution import attribute
from hashcanary.sources.pools.pool_lists import UNKNOWN, PoolList, built_in, read_pool_list

BLOCKS = 1_000_000
PEER_PART = 50
BAR_SECONDS = 5.0
NOBODY = script_of("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
COMMITMENT = bytes.fromhex("6a24aa21a9ed") + bytes(32)


def coinbases(pools: PoolList) -> tuple[pl.Series, pl.Series]:
    """Scripts and outputs of a million blocks; a tenth pays to an address of the list."""
    rng = np.random.default_rng(1)
    noise = rng.integers(0x80, 0x100, BLOCKS * 40, dtype=np.uint8).tobytes()
    tags = [tag.encode() for pool in pools.pools for tag in pool.tags]
    listed = [script for pool in pools.pools for script in pool.addresses]
    scripts, outputs = [], []
    for at in range(BLOCKS):
        start = at * 40
        tag = b"" if at % 5 == 0 else tags[at % len(tags)]
        scripts.append(noise[start : start + 30] + tag + noise[start + 30 : start + 40])
        paid = listed[at % len(listed)] if at % 10 == 0 else NOBODY
        outputs.append(b"\2" + output(312_500_000 + at, paid) + output(0, COMMITMENT))
    return pl.Series(scripts), pl.Series(outputs)


def output(value: int, script: bytes) -> bytes:
    return value.to_bytes(8, "little") + bytes([len(script)]) + script


def mempools_rule(scripts: list[bytes], outputs: list[bytes], pools: PoolList) -> list[str]:
    """The first pool that fits, as mempool.space's backend goes through its list."""
    compiled = [
        (
            pool.slug,
            set(pool.addresses),
            [re.compile(re.escape(tag.encode()), re.IGNORECASE) for tag in pool.tags],
        )
        for pool in pools.pools
    ]
    found = []
    for script, paid in zip(scripts, outputs, strict=True):
        to = {one.script for one in outputs_of(paid)}
        found.append(
            next(
                (
                    slug
                    for slug, addresses, tags in compiled
                    if not addresses.isdisjoint(to) or any(tag.search(script) for tag in tags)
                ),
                UNKNOWN,
            )
        )
    return found


def measure() -> list[dict[str, object]]:
    """One row a list."""
    lists = (built_in(), read_pool_list(real_data() / "pools" / "pools-v2.json"))
    return [measured(pools) for pools in lists]


def measured(pools: PoolList) -> dict[str, object]:
    scripts, outputs = coinbases(pools)
    start = time.perf_counter()
    found = attribute(scripts, outputs, pools)
    ours = time.perf_counter() - start
    part = slice(1, BLOCKS // PEER_PART)
    start = time.perf_counter()
    theirs = mempools_rule(scripts[part].to_list(), outputs[part].to_list(), pools)
    peer = (time.perf_counter() - start) * PEER_PART
    check(found[part], theirs, pools)
    start = time.perf_counter()
    for column in (scripts, outputs):
        np.frombuffer(b"".join(column), np.uint8).sum()
    limit = time.perf_counter() - start
    return {
        "what": f"{BLOCKS:,} coinbases by {pools.name}, {len(pools.pools)} pools",
        "ours": f"{ours:.2f} s",
        "peer": f"mempool.space's rule {peer:.0f} s",
        "limit": f"NumPy {limit:.2f} s",
        "ratio_to_peer": ours / peer,
        "ratio_to_limit": ours / limit,
        "bar": f"under {BAR_SECONDS:.0f} s",
        "reached": ours < BAR_SECONDS,
    }


def check(found: pl.DataFrame, theirs: list[str], pools: PoolList) -> None:
    """Both rules agree but where an address and a tag contend, or a tag lies within another.

    Then the address wins here, and the longest tag; there, whichever pool is listed first.
    """
    tags = {pool.slug: [tag.lower() for tag in pool.tags] for pool in pools.pools}
    by_tag = found["evidence"].str.starts_with("tag ") | (found["pool"] == UNKNOWN)
    differ = found.with_columns(theirs=pl.Series(theirs)).filter(
        by_tag, pl.col("pool") != pl.col("theirs")
    )
    for pool, other in differ.select("pool", "theirs").unique().iter_rows():
        if not any(within in tag for tag in tags.get(pool, ()) for within in tags.get(other, ())):
            raise SystemExit(f"{pool} here is {other} by mempool.space's rule")


if __name__ == "__main__":
    raise SystemExit(show(measure()))
