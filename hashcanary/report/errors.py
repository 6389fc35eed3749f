"""Errors of the report."""

from __future__ import annotations

from hashcanary.errors import Exit, HashcanaryError


class BundleFailed(HashcanaryError):
    """The chart library could not be taken from vl-convert."""

    template = (
        "expected the Vega bundle from the installed vl-convert-python, its process ended with "
        "code {code}: {said}. Reinstall vl-convert-python, or take the report as text or JSON."
    )
    exit_code = Exit.SOURCE


class NothingToDraw(HashcanaryError):
    """Pictures of a report that has no days."""

    template = (
        "expected days to draw, the report as known at {at} has none. "
        "Load block headers and prices, or ask for a later moment."
    )
    exit_code = Exit.MISSING
    http_status = 404
