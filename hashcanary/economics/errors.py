"""Errors of the economics of mining."""

from __future__ import annotations

from hashcanary.errors import Exit, HashcanaryError


class BadFigures(HashcanaryError):
    """A file of stated figures, of rigs or of power prices, that cannot be used."""

    template = (
        "{file}, {place}: expected {expected}, found {found}. Correct the file; those that come "
        "with hashcanary (economics/*.toml) show the form."
    )
    exit_code = Exit.USAGE
    http_status = 400


class NoRigYet(HashcanaryError):
    """A moment before the first rig of the catalogue was sold."""

    template = (
        "expected a moment from {first} on, when {rig}, the first of the catalogue, came out, "
        "found {at}. Ask for a later one, or give a catalogue with earlier rigs."
    )
    exit_code = Exit.MISSING
    http_status = 404


class UnknownRig(HashcanaryError):
    """A name that no rig of the catalogue has."""

    template = (
        "expected the name of a rig, found {found!r}. {nearest} `hashcanary rigs` lists them; "
        "a file with your own can extend it."
    )
    exit_code = Exit.USAGE
    http_status = 400
