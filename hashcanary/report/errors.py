"""Errors of the report."""

from __future__ import annotations

from hashcanary.errors import Exit, HashcanaryError


class BundleFailed(HashcanaryError):
    """The chart library could not be taken from vl-convert."""

    template = (
        "expected the Vega bundle of the installed vl-convert-python, found that its process ended "
        "with code {code}: {said}. Reinstall vl-convert-python, or use the report as text or JSON."
    )
    exit_code = Exit.SOURCE


class NothingToDraw(HashcanaryError):
    """Pictures of a report that has no days."""

    template = (
        "expected days to draw, found none in the report as known at {at}. Load block headers and "
        "prices, or use a later --at."
    )
    exit_code = Exit.MISSING
    http_status = 404
