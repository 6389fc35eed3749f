"""``hashcanary study stress``: how far the stress gauge can be trusted."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import count_of, path_of, seed_of
from hashcanary.errors import Exit, UsageError

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser

# of views.stress_study, which is not imported before it is needed
_SHOWN = ("episodes", "components", "weights", "choices", "luck", "returns")
_AGAINST = ("published", "ribbon", "epoch")
_EXAMPLES = """\
  hashcanary study stress
  hashcanary study stress --show components
  hashcanary study stress --against epoch
  hashcanary study stress --show luck --worlds 20
  hashcanary study stress --weights mine.toml --capitulations seen.toml --json
"""
_DESCRIPTION = """\
The stress gauge before, at and after published capitulations: its lead, hits and
false alarms, against those expected by chance.

--show components: the gauge without each of its components. weights: under a
thousand random weights. choices: with other windows of percentiles and other cost
models. luck: in SIMULATED worlds that grow without stress. returns: returns of the
price after the gauge first reached a word.

Exits with 3 if too little is known for a gauge.
"""


def add(studies: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        studies,
        shared,
        "stress",
        run,
        summary="the stress gauge against published capitulations, luck and itself",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--show", choices=_SHOWN, default="episodes", help="the table (default: episodes)"
    )
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="weights, windows and words instead of the built-in ones, as TOML",
    )
    parser.add_argument(
        "--capitulations",
        metavar="FILE",
        help="published capitulations instead of the built-in ones, as TOML",
    )
    parser.add_argument(
        "--against",
        choices=_AGAINST,
        help="published capitulations, or the record's own episodes by either rule of "
        "`hashcanary episodes` (default: published; ribbon in a simulated lake)",
    )
    parser.add_argument(
        "--worlds", metavar="N", default="8", help="of --show luck, of each kind (default: 8)"
    )
    parser.add_argument(
        "--draws", metavar="N", default="1000", help="of --show weights (default: 1000)"
    )
    parser.add_argument("--seed", metavar="N", default="1", help="of all draws (default: 1)")
    add_at(parser)


def run(args: argparse.Namespace) -> Exit:
    """Study and print."""
    from contextlib import nullcontext
    from functools import partial

    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import format_of, show
    from hashcanary.cli.progress import bar
    from hashcanary.views.stress_study import stress_study

    seed = seed_of(args.seed)
    worlds = count_of("--worlds", args.worlds, 1, 1000)
    draws = count_of("--draws", args.draws, 10, 100_000)
    file = path_of(args.capitulations)
    if file is not None and args.against not in {None, "published"}:
        raise UsageError(
            argument="--capitulations",
            expected="--against published with it",
            found=args.against,
            remedy="Omit one of the two.",
        )
    record = open_record(args)
    with bar() if args.show == "luck" else nullcontext() as tell:
        answer = stress_study(
            record,
            show=args.show,
            weights=path_of(args.weights),
            against=file or args.against,
            worlds=worlds,
            draws=draws,
            seed=seed,
            progress=tell and partial(tell, "simulated worlds"),
        )
    show(answer, format_of(args))
    return Exit.DONE
