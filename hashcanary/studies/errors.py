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


class NoWholeEpochs(HashcanaryError):
    """Forecasts to be judged, and no epoch that is known whole."""

    template = (
        "expected an epoch of 2,016 blocks known whole at {at}, with the one before it and the "
        "retarget after it, found none. Load the headers of at least 4,033 consecutive blocks, or "
        "name a longer span."
    )
    exit_code = Exit.MISSING
    http_status = 404


class NoCostDays(HashcanaryError):
    """A study of price over cost, and no day that has both."""

    template = (
        "expected a day with a price and the cost of a coin, found none: {found}. Load blocks or "
        "daily rows, and prices, with `hashcanary load PATH`."
    )
    exit_code = Exit.MISSING
    http_status = 404
