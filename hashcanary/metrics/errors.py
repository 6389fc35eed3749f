"""Errors of metrics."""

from __future__ import annotations

from hashcanary.errors import Exit, HashcanaryError


class UnknownMetric(HashcanaryError):
    """A name no metric has."""

    template = (
        "expected the name of a metric, found {name!r}; similar names: {near}. `hashcanary metric "
        "list` lists them all."
    )
    exit_code = Exit.USAGE
    http_status = 404


class DuplicateMetric(HashcanaryError):
    """Two declarations under one name."""

    template = (
        "metric {name!r} is declared twice, the second time in {module}; names must be unique. "
        "Rename one, or uninstall one of the packages."
    )
    exit_code = Exit.USAGE


class MetricCycle(HashcanaryError):
    """Metrics that need each other."""

    template = "expected metrics without a cycle, found {path}. Break the cycle in a declaration."
    exit_code = Exit.USAGE


class UnknownInput(HashcanaryError):
    """A declared input that is neither a base input nor a metric."""

    template = (
        "metric {metric!r} declares the input {input!r}, which is neither a base input nor a "
        "metric of grain {grain!r}. Correct the declaration."
    )
    exit_code = Exit.USAGE


class WrongColumns(HashcanaryError):
    """A compute function that does not return what its declaration promises."""

    template = (
        "metric {metric!r} promised the columns {expected} in {rows} rows, its function returned "
        "{found} in {found_rows}. Correct the function or the declaration."
    )
    exit_code = Exit.USAGE


class NothingToMeasure(HashcanaryError):
    """A record that holds nothing metrics could start from."""

    template = (
        "expected block or daily rows known at {at}, found none in {lake}. "
        "Load some with `hashcanary load PATH`, or use a later --at."
    )
    exit_code = Exit.MISSING
    http_status = 404
