"""Raw block headers: 80 bytes each, one after another, each the child of the one before."""

from __future__ import annotations

import polars as pl

from hashcanary.chain.errors import ChainError, UnknownHeight
from hashcanary.chain.headers import HEADER_SIZE, Places, decode_headers
from hashcanary.chain.networks import Network
from hashcanary.chain.proof_of_work import check_links, check_proof_of_work
from hashcanary.chain.validate import validate_run
from hashcanary.moments import iso_day
from hashcanary.sources.errors import BadHeaders
from hashcanary.sources.facts import HEADERS, Coverage, Parsed
from hashcanary.sources.files.reading import has_work
from hashcanary.sources.source import Content, Options, Probe, Source

KIND = "headers"
_LOOKED_AT = 64


def recognise(probe: Probe) -> bool:
    """Whether most of the first 80-byte records have proof of work, as only headers have.

    The first record of a raw block has it too, the others have not. A damaged record or a
    truncated end does not hide a run of headers: they are for ``parse`` to report.
    """
    if probe.form != "binary":
        return False
    count = min(len(probe.head) // HEADER_SIZE, _LOOKED_AT)
    proven = sum(
        has_work(probe.head[index * HEADER_SIZE : (index + 1) * HEADER_SIZE])
        for index in range(count)
    )
    return count > 0 and 2 * proven >= count


def parse(content: Content, options: Options) -> Parsed:
    """Rows of ``headers``, known at their own time; height is null where no block tells it.

    Every rule that the run can prove by itself is checked (see ``chain.validate``). Raises
    BadHeaders, which names the header.
    """
    try:
        frame, notes = _validated(content.data, options.network)
    except ChainError as error:
        raise BadHeaders(file=content.path, problem=error) from error
    facts = HEADERS.facts(frame, content.source, known_at="time")
    return Parsed(KIND, (facts,), _coverage(facts.frame, notes))


def _validated(data: bytes, network: Network) -> tuple[pl.DataFrame, tuple[str, ...]]:
    try:
        run = validate_run(data, network)
    except UnknownHeight:
        columns, nowhere = decode_headers(data), Places(None)
        check_proof_of_work(columns, network, nowhere)
        check_links(columns, None, nowhere)
        height = pl.lit(None, pl.Int64).alias("height")
        return columns.frame().with_columns(height), (
            "no block of known height in the run: heights, bits and times wait for the lake",
        )
    return run.frame(), run.notes


def _coverage(frame: pl.DataFrame, notes: tuple[str, ...]) -> Coverage:
    heights = frame["height"]
    if heights.has_nulls():
        first, last = (f"a header of {iso_day(frame['time'][at])}" for at in (0, -1))
    else:
        first, last = (f"block {heights[at]:,}" for at in (0, -1))
    return Coverage(frame.height, first, last, notes=notes)


HEADERS_SOURCE = Source(
    kind=KIND,
    title="Raw block headers",
    reads="80-byte headers one after another, each the child of the one before, plain or zstd",
    recognise=recognise,
    parse=parse,
)
