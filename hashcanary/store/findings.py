"""What a check of the lake found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be.

    table: of the lake, or ``files``; place: a file, a height or a key; expected and found: in
    words or values.
    """

    table: str
    place: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check. covered: how many files, rows or retargets it could look at; what: of which."""

    name: str
    title: str
    covered: int
    what: str
    findings: tuple[Finding, ...] = ()
