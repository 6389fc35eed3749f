"""Where the process begins and ends: parse, run the command, turn errors into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from hashcanary.cli.output import say
from hashcanary.cli.parser import BROKEN_PIPE, BUG, INTERRUPTED, build_parser
from hashcanary.errors import HashcanaryError, UsageError

_BUG_TEXT = (
    "hashcanary: bug: {kind}: {error}. This should not happen; the lake is as its last commit "
    "left it. Please report it with the command and with what --debug prints."
)

# threads of BLAS sum in an order of their own: the last digits would follow the number of cores;
# and on matrices as small as these they only wait for one another
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

# Polars' allocator gives large columns back as soon as they are freed
_ALLOCATOR = "_RJEM_MALLOC_CONF", "narenas:1,oversize_threshold:262144"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, or raises SystemExit on wrong usage."""
    asked = list(sys.argv[1:] if arguments is None else arguments)
    as_json, debug = "--json" in asked, "--debug" in asked
    for name in _ONE_THREAD:
        os.environ[name] = "1"
    os.environ.setdefault(*_ALLOCATOR)
    try:
        args = build_parser().parse_args(asked)
        code = _run(args)
        sys.stdout.flush()
    except HashcanaryError as error:
        _tell(error, as_json=as_json, debug=debug)
        return int(error.exit_code)
    except KeyboardInterrupt:
        say("hashcanary: interrupted; the lake is as its last commit left it.")
        return INTERRUPTED
    except BrokenPipeError:
        # the reader went away: say nothing, and let the interpreter flush into the void
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001  the process edge: nothing above could tell the user
        _traceback(shown=debug)
        say(_BUG_TEXT.format(kind=type(error).__name__, error=error))
        return BUG
    return code


def _run(args: argparse.Namespace) -> int:

    if args.json and args.csv:
        raise UsageError(
            argument="--json and --csv",
            expected="one form of output",
            found="both",
            remedy="Omit one of them.",
        )
    if args.csv and not getattr(args, "has_csv", True):
        raise UsageError(
            argument="--csv",
            expected="a command that lists rows",
            found=args.command,
            remedy="Use --json; `metric show NAME --csv` gives the figures as CSV.",
        )
    return int(args.run(args))


def _tell(error: HashcanaryError, *, as_json: bool, debug: bool) -> None:
    """An error on stderr: one line for people, or one JSON object where JSON was asked for."""
    _traceback(shown=debug)
    if as_json:
        import json

        document = {
            "error": type(error).__name__,
            "message": str(error),
            "exit_code": int(error.exit_code),
        }
        sys.stderr.write(json.dumps(document) + "\n")
    else:
        say(f"hashcanary: error: {error}")


def _traceback(*, shown: bool) -> None:
    if shown:
        import traceback

        traceback.print_exc()
