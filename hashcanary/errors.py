"""The root of every error hashcanary raises on purpose.

A class is a message template that says what was expected, what was found and what to do, an exit
code for the command line and a status for HTTP. Each layer keeps its own classes in its
``errors.py``; the docs page of errors is generated from them.
"""

from __future__ import annotations

from enum import IntEnum
from string import Formatter
from typing import ClassVar


class Exit(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    FOUND = 1
    USAGE = 2
    MISSING = 3
    SOURCE = 4
    LAKE = 5


EXIT_MEANINGS: dict[Exit, str] = {
    Exit.DONE: "done",
    Exit.FOUND: "a check found something",
    Exit.USAGE: "wrong usage",
    Exit.MISSING: "data missing or incomplete",
    Exit.SOURCE: "a source failed: a file or a server gave something that cannot be used",
    Exit.LAKE: "the lake is damaged, busy, or cannot be written",
}


class HashcanaryError(Exception):
    """Root of all errors. Fields given to the constructor fill ``template`` and stay readable.

    They are given by name, or in the order in which they first stand in the template. Raises
    KeyError or ValueError at construction when a field is not given, or one too many, so that no
    half-filled message can leave the house.
    """

    template: ClassVar[str]
    exit_code: ClassVar[Exit] = Exit.SOURCE
    http_status: ClassVar[int] = 500

    def __init__(self, *values: object, **named: object) -> None:
        names = dict.fromkeys(name for _, name, _, _ in Formatter().parse(self.template) if name)
        first = [*names][: len(values)]
        self.fields = dict(zip(first, values, strict=True)) | named
        super().__init__(self.template.format(**self.fields))

    def __reduce__(self) -> tuple[object, ...]:
        """So that an error leaves a process of a pool as it is."""
        return _again, (type(self), self.fields)


def _again(kind: type[HashcanaryError], fields: dict[str, object]) -> HashcanaryError:
    return kind(**fields)


class BadInput(HashcanaryError):
    """Something the user gives, a name, a number or a file, that cannot be used."""

    exit_code = Exit.USAGE
    http_status = 400


class NotKnown(HashcanaryError):
    """Something asked for that what is loaded does not tell."""

    exit_code = Exit.MISSING
    http_status = 404


class UnknownName(HashcanaryError):
    """A name that nothing has."""

    exit_code = Exit.USAGE
    http_status = 404


class BadDeclaration(HashcanaryError):
    """A declaration of a plug-in that cannot be used."""

    exit_code = Exit.USAGE


class DuplicateName(BadDeclaration):
    """Two plug-ins of one kind under one name."""

    template = (
        "the name {name!r} is declared twice, the second time in {module}; names must be unique. "
        "Rename one, or uninstall one of the packages."
    )


class UsageError(BadInput):
    """An argument that cannot be used."""

    template = "{argument}: expected {expected}, found {found!r}. {remedy}"
