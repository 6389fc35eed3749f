"""Errors of studies."""

from __future__ import annotations

from hashcanary.errors import Exit, HashcanaryError


class NoPoolLabels(HashcanaryError):
    """A question about pools, and too few labelled days to answer it."""

    template = (
        "expected {days} consecutive days of labelled blocks known at {at}, found {found}. Label "
        "blocks of known coinbase by `hashcanary pools --label`, load a table of blocks that "
        "names pools, or ask for fewer --days."
    )
    exit_code = Exit.MISSING
    http_status = 404
