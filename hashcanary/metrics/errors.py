"""Errors of metrics."""

from __future__ import annotations

from hashcanary.errors import BadDeclaration, NotKnown, UnknownName


class UnknownMetric(UnknownName):
    """A name no metric has."""

    template = (
        "expected the name of a metric, found {name!r}; similar names: {near}. `hashcanary metric "
        "list` lists them all."
    )


class DuplicateMetric(BadDeclaration):
    """Two declarations under one name."""

    template = (
        "metric {name!r} is declared twice, the second time in {module}; names must be unique. "
        "Rename one, or uninstall one of the packages."
    )


class MetricCycle(BadDeclaration):
    """Metrics that need each other."""

    template = "expected metrics without a cycle, found {path}. Break the cycle in a declaration."


class UnknownInput(BadDeclaration):
    """A declared input that is neither a base input nor a metric."""

    template = (
        "metric {metric!r} declares the input {input!r}, which is neither a base input nor a "
        "metric of grain {grain!r}. Correct the declaration."
    )


class WrongColumns(BadDeclaration):
    """A compute function that does not return what its declaration promises."""

    template = (
        "metric {metric!r} promised the columns {expected} in {rows} rows, its function returned "
        "{found} in {found_rows}. Correct the function or the declaration."
    )


class NothingToMeasure(NotKnown):
    """A record that holds nothing metrics could start from."""

    template = (
        "expected block or daily rows known at {at}, found none in {lake}. "
        "Load some with `hashcanary load PATH`, or use a later --at."
    )
