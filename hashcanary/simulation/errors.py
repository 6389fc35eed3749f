"""Errors of simulation."""

from __future__ import annotations

from hashcanary.errors import BadInput


class UnusableScenario(BadInput):
    """A scenario no history can be drawn from."""

    template = "{what}: expected {expected}, found {found}. {remedy}"
