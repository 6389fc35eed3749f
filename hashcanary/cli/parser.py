"""The parser of the command line: global options, taken before and after the command, and commands.

Nothing heavy is imported here: ``hashcanary --help`` must answer at once.
"""

from __future__ import annotations

import argparse

from hashcanary.cli.commands import completion, demo, economics, lake, record, study
from hashcanary.cli.declare import Parser
from hashcanary.errors import EXIT_MEANINGS, Exit
from hashcanary.version import __version__

HOME_VARIABLE = "HASHCANARY_HOME"
INTERRUPTED, BUG, BROKEN_PIPE = 130, 70, 141

_ENVIRONMENT = f"""\
environment:
  {HOME_VARIABLE}  folder of the lake without --home
  XDG_DATA_HOME    its parent folder without either (default: ~/.local/share)
  XDG_CACHE_HOME   where pages keep the chart library (default: ~/.cache)
  NO_COLOR         any value: no colour
"""


_STREAMS = """\
Data go to stdout; progress, warnings and errors to stderr. With --json an error
is one JSON object on stderr: {"error", "message", "exit_code"}.
"""


def _exit_codes() -> str:
    codes = {int(code): EXIT_MEANINGS[code] for code in Exit} | {
        BUG: "a bug in hashcanary; --debug shows the traceback",
        INTERRUPTED: "interrupted; the lake is as its last commit left it",
        BROKEN_PIPE: "the reader of the output closed it",
    }
    return "exit codes:\n" + "".join(f"  {code:<4} {text}\n" for code, text in codes.items())


_EXAMPLES = """\
examples:
  hashcanary demo                         a simulated history, no data needed
  hashcanary load ~/bitcoin-data          a folder's files, into the lake
  hashcanary report --at 2026-02-03       what was known on that day
  hashcanary metric show hashrate.sma30   a metric with its interval
  hashcanary COMMAND --help               a command's options and examples
"""


COMMANDS = (
    demo.demo,
    lake.load,
    lake.sync,
    lake.status,
    lake.verify,
    record.report,
    record.METRIC,
    record.episodes,
    record.pools,
    record.FORECAST,
    record.verdict,
    record.EXPLAIN,
    lake.export,
    economics.cost,
    economics.rigs,
    economics.shutdown,
    economics.companies,
    record.stress,
    study.STUDY,
    completion.completion,
)


def build_parser() -> argparse.ArgumentParser:
    """The whole parser; ``args.run`` is the named command's function, ``args.parser`` itself."""
    parser = Parser(
        prog="hashcanary",
        description="Measures mining stress from the Bitcoin chain, with the uncertainty of every "
        "figure.",
        epilog="\n".join((_EXAMPLES, _exit_codes(), _ENVIRONMENT, _STREAMS)),
    )
    parser.set_defaults(parser=parser)
    _add_globals(parser, first=True)
    parser.add_argument(
        "--version",
        action="version",
        version=f"hashcanary {__version__}",
        help="print the version and exit",
    )
    shared = Parser(add_help=False)
    _add_globals(shared, first=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands, shared)
    return parser


def _add_globals(parser: argparse.ArgumentParser, *, first: bool) -> None:
    """The options every command takes. After a command, one that is absent changes nothing."""
    group = parser.add_argument_group("global options")
    group.add_argument(
        "--home",
        metavar="DIR",
        default=None if first else argparse.SUPPRESS,
        help=f"folder of the lake (default: ${HOME_VARIABLE}, else ~/.local/share/hashcanary)",
    )
    for name, told in (
        ("--json", "print one JSON object"),
        ("--csv", "print CSV, units in its header"),
        ("--debug", "show the traceback of an error"),
    ):
        absent = False if first else argparse.SUPPRESS
        group.add_argument(name, action="store_true", default=absent, help=told)
