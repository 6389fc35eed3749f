"""Errors of simulation."""

from __future__ import annotations

from hashcanary.errors import Exit, HashcanaryError


class UnusableScenario(HashcanaryError):
    """A scenario no history can be drawn from."""

    template = "{what}: expected {expected}, found {found}. {remedy}"
    exit_code = Exit.USAGE
    http_status = 400
