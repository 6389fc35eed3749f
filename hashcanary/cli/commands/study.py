"""``hashcanary study NAME``: what the record, or simulated worlds, say of a question.

A study is one file beside this one, ``study_NAME.py``, with ``add(studies, shared)`` that declares
it as a command declares itself.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from hashcanary.cli.declare import Commands, Parser

_EXAMPLES = """\
  hashcanary study NAME --help
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command and every study there is."""
    parser = commands.add_parser(
        "study",
        help="studies of the whole record",
        description="Studies of the whole record, with the uncertainty of their results.",
        epilog=f"examples:\n{_EXAMPLES}",
        parents=[shared],
    )
    studies = parser.add_subparsers(title="studies", metavar="NAME", required=True)
    for study in _studies():
        study.add(studies, shared)


def _studies() -> Iterator[ModuleType]:
    """The modules ``study_NAME`` of this folder, by name."""
    # pkgutil would do the same, and take a thirtieth of the time that --help has
    for name in sorted(os.listdir(os.path.dirname(__file__))):  # noqa: PTH120, PTH208
        if name.startswith("study_") and name.endswith(".py"):
            yield import_module(f"hashcanary.cli.commands.{name.removesuffix('.py')}")
