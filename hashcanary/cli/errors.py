"""Errors of the command line."""

from __future__ import annotations

from hashcanary.errors import Exit, HashcanaryError


class DemoLakeTaken(HashcanaryError):
    """A demo asked to build where another history already lies."""

    template = (
        "{home}: expected no lake, or the demo's own of seed {seed} and {years:g} years, found "
        "{found}. Give the demo its own folder: `hashcanary demo --dir DIR`."
    )
    exit_code = Exit.USAGE
    http_status = 409


class SyncFailed(HashcanaryError):
    """Some of the live sources of a sync failed."""

    template = (
        "{failed} of {asked} live sources failed; what was committed is kept. {problems} Run the "
        "command again: each source resumes where it stopped."
    )
    exit_code = Exit.SOURCE
    http_status = 502
