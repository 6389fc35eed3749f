"""Errors of studies."""

from __future__ import annotations

from hashcanary.errors import BadInput, Exit, HashcanaryError, NotKnown


class BadStates(BadInput):
    """A file of stated numbers about states that cannot be used."""

    template = (
        "{file}, {place}: expected {expected}, found {found}. Correct it, or leave the file out "
        "for the built-in one."
    )


class NoLabels(NotKnown):
    """A study of the verdict, and no day that has both a verdict and a label."""

    template = (
        "expected one of the {expected} days whose state is on record, with blocks or daily rows "
        "of the year before, found none among {found}. Load a longer record, or other --spells."
    )


class NoPoolLabels(NotKnown):
    """Too few labelled days for a study of pools."""

    template = (
        "expected {days} consecutive days of labelled blocks known at {at}, found {found}. Label "
        "blocks of known coinbase with `hashcanary pools --label`, load a table of blocks that "
        "names pools, or use fewer --days."
    )


class NoWholeDays(NotKnown):
    """A study of hours, and too few days of which every block is known."""

    template = (
        "expected {expected} days or more whose blocks are all known at {at}, found {found}. Load "
        "or sync blocks, or use another --at."
    )


class NoWholeEpochs(NotKnown):
    """Forecasts to be judged, and no epoch that is known whole."""

    template = (
        "expected an epoch of 2,016 blocks known whole at {at}, with the one before it and the "
        "retarget after it, found none. Load the headers of at least 4,033 consecutive blocks, or "
        "use a longer span."
    )


class NoCostDays(NotKnown):
    """A study of price over cost, and no day that has both."""

    template = (
        "expected a day with a price and the cost of a coin, found none: {found}. Load blocks or "
        "daily rows, and prices, with `hashcanary load PATH`."
    )


class BadStressFile(BadInput):
    """A file of weights of the stress gauge that cannot be used."""

    template = (
        "{file}, {place}: expected {expected}, found {found}. Correct the file; the built-in one, "
        "hashcanary/studies/stress/stress.toml, shows the form."
    )


class BadStressComponent(HashcanaryError):
    """A component of the stress gauge with wrong columns."""

    template = (
        "component {component} of the stress gauge: expected the columns {expected}, found "
        "{found}. Correct its function."
    )
    exit_code = Exit.USAGE
    http_status = 500


class NoStress(NotKnown):
    """A moment without a value of the stress gauge."""

    template = (
        "expected {expected} at {at}, found {found}. Load blocks and prices of more years, use "
        "another --at, or require less in a file for --weights."
    )
