"""Validation of a contiguous run of headers by the rules that headers alone can prove.

1. Decode and hash every header.
2. Proof of work: bits are a valid target of the network and the hash is at most that target.
3. Links: each header names the one before it, the first one the given parent.
4. Height: from the given parent, or from genesis or a well-known block inside the run.
5. Bits: unchanged inside an epoch, exact at each retarget whose epoch is known in full, by the
   network's rules.
6. Times: later than the median time past of the parent; on BIP94 networks not 600 s before the
   parent at an epoch's first block; at most two hours ahead of ``now`` when that is given.

What a run cannot prove by itself, because it begins amid an epoch, is told in ``notes``.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from hashcanary.arrays import Bools, Ints
from hashcanary.chain.errors import EmptyRun
from hashcanary.chain.header_times import check_times, median_time_past
from hashcanary.chain.headers import HeaderColumns, History, Places, Preceding, decode_headers
from hashcanary.chain.networks import Network
from hashcanary.chain.proof_of_work import (
    KnownBlocks,
    check_heights,
    check_links,
    check_proof_of_work,
    find_first_height,
    known_in_run,
    network_blocks,
)
from hashcanary.chain.retarget import check_bits


@dataclass(frozen=True, slots=True)
class ValidatedRun:
    """A run of headers that passed every check that could be made.

    first_height, last_height: of the run. columns: the decoded headers. median_time_past: (n,)
    Unix seconds, to be used only where median_known. notes: what could not be checked, and why.
    history: times and bits with those given from before the run.
    """

    network: Network
    first_height: int
    columns: HeaderColumns
    median_time_past: Ints
    median_known: Bools
    notes: tuple[str, ...]
    history: History

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def last_height(self) -> int:
        """Height of the run's last header."""
        return self.first_height + len(self) - 1

    def frame(self) -> pl.DataFrame:
        """The headers as rows: ``height`` Int64, the columns of ``HeaderColumns.frame``, and
        ``median_time_past`` Int64, null where the ten headers before are not known.
        """
        median = pl.Series("median_time_past", self.median_time_past)
        if not self.median_known.all():
            median = median.zip_with(
                pl.Series(self.median_known), pl.Series([None], dtype=pl.Int64)
            )
        heights = pl.Series("height", self.history.heights[self.history.before :])
        return self.columns.frame().insert_column(0, heights).with_columns(median)

    def preceding(self) -> Preceding:
        """What a run that continues this one needs to be checked in full."""
        reach = self.network.retarget_interval
        return Preceding(
            height=self.last_height,
            hash=self.columns.hash[-1].tobytes(),
            times=self.history.times[-reach:],
            bits=self.history.bits[-reach:],
        )


def validate_run(
    data: bytes,
    network: Network,
    *,
    preceding: Preceding | None = None,
    known_blocks: KnownBlocks | None = None,
    now: int | None = None,
) -> ValidatedRun:
    """Decode and validate concatenated 80-byte headers, each the child of the one before.

    preceding: what is known of the headers before the run. known_blocks: hashes with their heights
    and, if known, bits, next to those of the network; the run's parent may be one of them. now:
    Unix seconds, to refuse headers from the future.

    Raises a ChainError that names the first header at fault, what was expected and what was found.
    """
    columns = decode_headers(data)
    if len(columns) == 0:
        raise EmptyRun()
    known = {**network_blocks(network), **(known_blocks or {})}
    inside = known_in_run(columns, known)
    places = Places(find_first_height(columns, preceding, known, inside))
    check_proof_of_work(columns, network, places)
    check_links(columns, preceding, places)
    first_height = check_heights(columns, network, inside, places)
    history = History.of(columns.time, columns.bits, first_height, preceding)
    notes = check_bits(history, network)
    median, median_known = median_time_past(history.times, history.heights)
    notes += check_times(history, network, median, median_known, now)
    return ValidatedRun(
        network=network,
        first_height=first_height,
        columns=columns,
        median_time_past=median[history.before :],
        median_known=median_known[history.before :],
        notes=notes,
        history=history,
    )
