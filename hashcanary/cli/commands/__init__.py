"""The commands, one module each: ``add`` declares it to the parser, ``run`` does it."""

from __future__ import annotations

from hashcanary.cli.commands import (
    completion,
    demo,
    episodes,
    load,
    metric,
    report,
    status,
    verify,
)

COMMANDS = (demo, load, status, verify, report, metric, episodes, completion)
