"""Errors of inference."""

from __future__ import annotations

from hashcanary.errors import BadInput, NotKnown


class NoBlocksToObserve(NotKnown):
    """A record too short for an estimate of the hashrate."""

    template = (
        "expected two blocks or more known at {at}, found {found}. Load or sync some with "
        "`hashcanary load PATH` or `hashcanary sync`, or use a later --at."
    )


class NothingObserved(NotKnown):
    """Blocks between which no rate can be read."""

    template = (
        "expected {expected} consecutive blocks, or two blocks whose work between is known, up to "
        "height {height}, found none. Load the blocks between with `hashcanary load PATH`, or use "
        "a later --at."
    )


class EpochStartMissing(NotKnown):
    """The block that the next retarget measures from is not known."""

    template = (
        "expected block {first_height}, the first of the epoch of height {height}: the retarget "
        "measures from its time. It is not in this record; load or sync it, or use a height in "
        "another epoch."
    )


class HeightNotKnown(NotKnown):
    """A height asked for that the record does not hold."""

    template = (
        "expected a height the record holds, {lowest} to {highest} with {gaps} gaps, found "
        "{height}. Load or sync that block, or use another height."
    )


class NoRetargets(BadInput):
    """A network whose next target does not follow from the times of an epoch."""

    template = (
        "expected a network that retargets every {interval} blocks from their times alone, found "
        "{network}. Use a lake of main or signet."
    )


class BadStatement(BadInput):
    """A file of stated numbers, of causes or of pools' regions, that cannot be used."""

    template = (
        "{file}, {place}: expected {expected}, found {found}. Correct the file; the built-in ones "
        "(inference/explain/causes.toml, inference/explain/pool_regions.toml) show the form."
    )


class TooFewToExplain(NotKnown):
    """Too few blocks around a moment to look for a drop."""

    template = (
        "expected {expected} days or more of blocks before {at}, some of them in the last "
        "{recent} days, found {found}. Load or sync them, or use another --at."
    )


class WindowNotKnown(NotKnown):
    """A window of the chain whose blocks, or their duration, are not known."""

    template = (
        "the window from {start} to {end}: expected {expected}, found {found}. Load or sync the "
        "missing blocks, or use another window."
    )
