"""``hashcanary verify``: whether what the lake holds is sound."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Row, Table
    from hashcanary.store.findings import Check
    from hashcanary.store.verify import VerifyReport

_FINDINGS_SHOWN = 10
_DESCRIPTION = """\
Checks again what the lake holds: proof of work and links of headers, targets at
every retarget, subsidies, and the checksums of the lake's own files. Prints each
check with how much it covered, and every finding with its place.

Exits with 0 when nothing was found, with 1 when something was.
"""
_EXAMPLES = """\
  hashcanary verify
  hashcanary verify --json | jq '.rows[]'
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    add_command(
        commands,
        shared,
        "verify",
        run,
        summary="check proof of work, links, retargets, subsidies, checksums",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )


def run(args: argparse.Namespace) -> Exit:
    """Make every check, and print them and what they found."""
    from hashcanary.cli.opening import home_of
    from hashcanary.cli.output import emit, format_of
    from hashcanary.cli.progress import bar
    from hashcanary.store.verify import verify

    with bar() as tell:
        report = verify(home_of(args), tell)
    how = format_of(args)
    emit(_for_people(report) if how == "people" else _findings(report), how)
    return Exit.DONE if report.sound else Exit.FOUND


def _findings(report: VerifyReport) -> Table:
    """Every finding as a row, the checks beside them."""
    from dataclasses import asdict

    from hashcanary.cli.output import Column, Table

    columns = [Column(key, key) for key in ("check", "table", "place", "expected", "found")]
    rows = [
        {"check": check.name, **asdict(finding)}
        for check in report.checks
        for finding in check.findings
    ]
    document = {
        "home": report.home,
        "version": report.version,
        "sound": report.sound,
        "checks": [_check(check) for check in report.checks],
    }
    return Table(columns, rows, document=document)


def _check(check: Check) -> Row:
    return {
        "name": check.name,
        "title": check.title,
        "covered": check.covered,
        "of": check.what,
        "findings": len(check.findings),
    }


def _for_people(report: VerifyReport) -> Table:
    """The checks as a table, the first findings of each under it."""
    from hashcanary.cli.output import Column, Table

    columns = [
        Column("name", "check"),
        Column("title", "that", wide=True),
        Column("covered", "covered"),
        Column("of", "of"),
        Column("findings", "findings"),
    ]
    rows = [_check(check) for check in report.checks]
    version = "a damaged version" if report.version is None else f"version {report.version}"
    title = f"Lake at {report.home}, {version}"
    return Table(columns, rows, title=title, notes=[*_told(report)])


def _told(report: VerifyReport) -> Iterator[str]:
    for check in report.checks:
        if check.findings:
            yield f"{check.name}:"
        yield from (
            f"  {finding.table}, {finding.place}: expected {finding.expected}, "
            f"found {finding.found}"
            for finding in check.findings[:_FINDINGS_SHOWN]
        )
        more = len(check.findings) - _FINDINGS_SHOWN
        if more > 0:
            yield f"  and {more:,} more, all in --json and --csv"
    total = len(report.findings)
    yield "Nothing was found." if report.sound else f"{total:,} findings."
