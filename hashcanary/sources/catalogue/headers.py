"""Raw block headers: 80 bytes each, one after another, each the child of the one before."""

from __future__ import annotations

import re

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
_HEX = re.compile(rb"[0-9a-fA-F]{160}")


def recognise(probe: Probe) -> bool:
    """Whether most of the first 80-byte records have proof of work, as only headers have.

    The first record of a raw block has it too, the others have not. A damaged record or a
    truncated end does not hide a run of headers: they are for ``parse`` to report.
    """
    if probe.form not in {"binary", "text"}:
        return False
    head = _from_hex(probe.head) if probe.form == "text" else probe.head
    if head is None:
        return False
    count = min(len(head) // HEADER_SIZE, _LOOKED_AT)
    proven = sum(
        has_work(head[index * HEADER_SIZE : (index + 1) * HEADER_SIZE]) for index in range(count)
    )
    return count > 0 and 2 * proven >= count


def _from_hex(data: bytes) -> bytes | None:
    """Headers written as lines of hex digits, as nodes print them; None where these are none.

    A last line that is not whole, as where a file's beginning is looked at, is left away.
    """
    if not _HEX.match(data[: 3 * HEADER_SIZE].lstrip()):
        return None
    lines = data.split()
    if not all(_HEX.fullmatch(line) for line in lines[: max(len(lines) - 1, 1)]):
        return None
    whole = lines if _HEX.fullmatch(lines[-1]) else lines[:-1]
    return bytes.fromhex(b"".join(whole).decode("ascii"))


def parse(content: Content, options: Options) -> Parsed:
    """Rows of ``headers``, known at their own time; height is null where no block tells it.

    Every rule that the run can prove by itself is checked (see ``chain.validate``). Raises
    BadHeaders, which names the header.
    """
    data = _from_hex(content.data)
    if data is None:
        data = content.data
    elif len(data) * 2 < len(b"".join(content.data.split())):
        last = len(content.data.split())
        expected = f"{2 * HEADER_SIZE} hex digits"
        raise BadHeaders(file=content.path, problem=f"line {last:,}: expected {expected}")
    try:
        frame, notes = _validated(data, options.network)
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
    reads=(
        "80-byte headers one after another, each the child of the one before, plain or zstd, or as "
        "lines of 160 hex digits"
    ),
    recognise=recognise,
    parse=parse,
)
