"""Verifies a lake from what is stored: its files by their checksums, its rows by consensus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashcanary.store import fact_checks
from hashcanary.store.errors import LakeDamaged
from hashcanary.store.file_checks import check_delta, check_files, check_versions, damaged
from hashcanary.store.lake import Lake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hashcanary.store.findings import Check, Finding

CHECKS: tuple[tuple[str, Callable[[Lake], Check]], ...] = (
    ("delta", check_delta),
    ("keys", fact_checks.check_keys),
    ("work", fact_checks.check_proof_of_work),
    ("links", fact_checks.check_links),
    ("rules", fact_checks.check_header_rules),
    ("retargets", fact_checks.check_retargets),
    ("subsidy", fact_checks.check_amounts),
    ("reports", fact_checks.check_reports),
)


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """All checks of a lake. version: the one whose rows were checked, None where it is damaged."""

    home: str
    version: int | None
    checks: tuple[Check, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What all checks found."""
        return tuple(finding for check in self.checks for finding in check.findings)

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(home: Path, progress: Callable[[str, int, int], None] | None = None) -> VerifyReport:
    """Check the newest version of the lake at ``home``, and the files of every version.

    progress: called with the check that begins, how many are done, of how many. Damage is a
    finding, not an error. Raises NoLake.
    """
    total = len(CHECKS) + 2
    tell = progress or _silent
    tell("versions", 0, total)
    versions, manifests = check_versions(home)
    tell("checksums", 1, total)
    checks = [versions, check_files(home, manifests)]
    try:
        lake = Lake.open(home)
    except LakeDamaged as error:
        title = "the lake can be opened"
        return VerifyReport(str(home), None, (*checks, damaged("open", title, error)))
    for done, (name, check) in enumerate(CHECKS, start=2):
        tell(name, done, total)
        checks.append(_made(lake, name, check))
    return VerifyReport(str(home), lake.version, tuple(checks))


def _made(lake: Lake, name: str, check: Callable[[Lake], Check]) -> Check:
    try:
        return check(lake)
    except LakeDamaged as error:
        return damaged(name, "the rows can be read", error)


def _silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
