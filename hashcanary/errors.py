"""The root of every error hashcanary raises on purpose.

A class is a message template that says what was expected, what was found and what to do, an exit
code for the command line and a status for HTTP. Each layer keeps its own classes in its
``errors.py``; the docs page of errors is generated from them.
"""

from __future__ import annotations

from enum import IntEnum
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

    Raises KeyError at construction when a field of the template is not given, so that no
    half-filled message can leave the house.
    """

    template: ClassVar[str]
    exit_code: ClassVar[Exit] = Exit.SOURCE
    http_status: ClassVar[int] = 500

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        super().__init__(self.template.format(**fields))


class UsageError(HashcanaryError):
    """An argument that cannot be used."""

    template = "{argument}: expected {expected}, found {found!r}. {remedy}"
    exit_code = Exit.USAGE
    http_status = 400
