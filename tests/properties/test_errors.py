"""Every error: its exit code and its HTTP status say the same of who can do something about it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import hashcanary
from hashcanary.chain import errors as chain_errors
from hashcanary.errors import Exit, HashcanaryError
from hashcanary.inference import errors as inference_errors
from hashcanary.metrics import errors as metrics_errors
from hashcanary.store import errors as store_errors

# RFC 9110 and, for 507, RFC 4918: what was sent is wrong (400, 422) or in conflict (409), what was
# asked for is not there (404); a server that was asked answers wrongly (502); the lake is busy
# (503) or has no room (507); an extension is wrong or a disk is (500)
STATUSES = {
    Exit.USAGE: {400, 404, 409, 422, 500},
    Exit.MISSING: {404},
    Exit.SOURCE: {409, 422, 500, 502},
    Exit.LAKE: {409, 500, 503, 507},
}


def kinds(root: type[HashcanaryError]) -> Iterator[type[HashcanaryError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_the_status_of_an_error_fits_its_exit_code() -> None:
    for module in pkgutil.walk_packages(hashcanary.__path__, "hashcanary."):
        if module.name.endswith(".errors"):
            importlib.import_module(module.name)
    errors = set(kinds(HashcanaryError))
    assert len(errors) > 100
    wrong = {
        kind.__name__: (kind.exit_code, kind.http_status)
        for kind in errors
        if kind.http_status not in STATUSES[kind.exit_code]
    }
    assert wrong == {}


def test_whoever_asks_for_what_is_not_there_is_told_404() -> None:
    for kind in (
        metrics_errors.UnknownMetric,
        store_errors.NoSuchBlock,
        store_errors.NoLake,
        inference_errors.WindowNotKnown,
    ):
        assert kind.http_status == 404


def test_what_breaks_a_rule_of_the_chain_is_422() -> None:
    assert {kind.http_status for kind in kinds(chain_errors.ChainError)} == {422}
