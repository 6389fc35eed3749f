"""``hashcanary study stress``: how far the stress gauge is to be trusted."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import count_of, seed_of
from hashcanary.errors import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Table
    from hashcanary.store.record import Record
    from hashcanary.studies.stress.capitulations import Capitulation
    from hashcanary.studies.stress.component import Component
    from hashcanary.studies.stress.gauge import StressHistory
    from hashcanary.studies.stress.luck import StressLuck
    from hashcanary.studies.stress.settings import Settings

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
What the stress gauge read before, at and after capitulations that others
published, how early, how often it cried wolf, and what chance would have done.

--show components: the gauge without each of its parts. weights: under a thousand
random weights. choices: other windows of percentiles, other models of the cost.
luck: SIMULATED worlds that grow without stress. returns: what the price did after
it began to say a word, with how little so few windows say.

Exits with 3 where too little is known for the gauge to speak.
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
        "--weights", metavar="FILE", help="weights, windows and words in place of ours, as TOML"
    )
    parser.add_argument(
        "--capitulations", metavar="FILE", help="published capitulations in place of ours, as TOML"
    )
    parser.add_argument(
        "--against",
        choices=_AGAINST,
        help="published capitulations, or the record's own episodes by either rule of "
        "`hashcanary episodes` (default: published; ribbon in a simulated lake, where nothing "
        "published happened)",
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
    from pathlib import Path

    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.studies.stress.capitulations import read_capitulations
    from hashcanary.studies.stress.registry import all_components
    from hashcanary.studies.stress.settings import read_settings

    seed = seed_of(args.seed)
    worlds = count_of("--worlds", args.worlds, 1, 1000)
    draws = count_of("--draws", args.draws, 10, 100_000)
    settings = read_settings(all_components(), Path(args.weights) if args.weights else None)
    published: tuple[Capitulation, ...] = ()
    if args.against in {None, "published"}:
        published = read_capitulations(Path(args.capitulations) if args.capitulations else None)
    elif args.capitulations:
        raise UsageError(
            argument="--capitulations",
            expected="--against published with it",
            found=args.against,
            remedy="Leave one of the two out.",
        )
    record = open_record(args)
    own = record.simulated and not args.capitulations
    against = args.against or ("ribbon" if own else "published")
    asked = _Asked(args.show, against, published, seed, worlds, draws)
    emit(_table(record, settings, asked), format_of(args))
    return Exit.DONE


class _Asked(NamedTuple):
    """What the user asked for."""

    show: str
    against: str
    published: tuple[Capitulation, ...]
    seed: int
    worlds: int
    draws: int


def _table(record: Record, settings: Settings, asked: _Asked) -> Table:
    from hashcanary.cli import stress_parts_tables as parts
    from hashcanary.cli import stress_study_tables as tables
    from hashcanary.studies.stress import after, robustness
    from hashcanary.studies.stress.capitulations import from_episodes
    from hashcanary.studies.stress.gauge import stress_history
    from hashcanary.studies.stress.registry import all_components
    from hashcanary.studies.stress.sources import stress_sources

    known, capitulations = all_components(), asked.published
    models = robustness.OTHER_MODELS if asked.show == "choices" else ()
    sources = stress_sources(record, models=models)
    history = stress_history(sources, settings, known)
    tables.speaks(history, record.at_text)
    if asked.against != "published":
        capitulations = from_episodes(sources.metrics, asked.against, simulated=record.simulated)
    if asked.show == "components":
        return parts.components(record, history, robustness.left_out(history, capitulations))
    if asked.show == "weights":
        found = robustness.random_weights(
            history, capitulations, draws=asked.draws, seed=asked.seed
        )
        return parts.weights(record, history, found, capitulations)
    if asked.show == "choices":
        others = robustness.other_choices(sources, settings, known, capitulations)
        return parts.choices(record, others)
    if asked.show == "luck":
        return tables.luck(record, _luck(history, known, asked))
    if asked.show == "returns":
        return tables.returns(record, after.after_words(history, sources.metrics["price"].rows))
    return tables.episodes(record, history, capitulations, asked.against)


def _luck(history: StressHistory, known: Mapping[str, Component], asked: _Asked) -> StressLuck:
    from hashcanary.cli.progress import bar
    from hashcanary.studies.stress.luck import stress_luck

    with bar() as tell:
        return stress_luck(
            history,
            known,
            worlds=asked.worlds,
            seed=asked.seed,
            progress=lambda done, whole: tell("simulated worlds", done, whole),
        )
