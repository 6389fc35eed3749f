"""``hashcanary pools``: who mined how much, and whose share changed by more than luck."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import count_of
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.sources.pools.pool_lists import PoolList

_BUILT_IN = "built-in"
_DESCRIPTION = """\
Lists the pools that mined the blocks of the last N final days: blocks, share and
hashrate with 95% limits, and the change against the N days before, with whether it
is beyond noise. Below the table: the Herfindahl-Hirschman index and the Nakamoto
coefficient with their limits.

Blocks are labelled by a list of pools as they are synced: a payout address first,
else the longest tag in the coinbase. Every label records its list, and labels of
several lists are kept; --list selects one, --label adds one.
"""
_EXAMPLES = """\
  hashcanary pools
  hashcanary pools --at 2026-01-27 --days 3 --by group
  hashcanary pools --label                     by the built-in list
  hashcanary pools --label pools-v2.json       by the mining-pools dictionary
  hashcanary pools --days 30 --csv > pools.csv
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "pools",
        run,
        summary="shares of pools, with intervals; changes beyond noise",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(parser)
    parser.add_argument(
        "--days",
        metavar="N",
        default="7",
        help="length of the window and of the one before it, in days (default: 7)",
    )
    parser.add_argument(
        "--by",
        choices=("pool", "group"),
        default="pool",
        help="count pools, or groups of pools believed to share templates or an owner "
        "(default: pool)",
    )
    parser.add_argument(
        "--list",
        metavar="NAME",
        help="use the labels of this list (default: the one that labels most of the newest month)",
    )
    parser.add_argument(
        "--label",
        metavar="FILE",
        nargs="?",
        const=_BUILT_IN,
        help="first label the blocks of known coinbase that have no label: by the list in FILE "
        "(pools-v2.json, or TOML like the built-in list), or by the built-in list without FILE",
    )


def run(args: argparse.Namespace) -> Exit:
    """Label if asked to, study the pools, print them."""
    from hashcanary.cli.opening import open_lake
    from hashcanary.cli.output import format_of, show
    from hashcanary.moments import parse_moment
    from hashcanary.store.recording import record_of
    from hashcanary.views.pools import pools

    days = count_of("--days", args.days, 1, 3660)
    moment = parse_moment(args.at) if args.at else None
    lake, wanted = open_lake(args), args.list
    if args.label is not None:
        from hashcanary.cli.output import say
        from hashcanary.store.pool_labels import label

        done = label(lake, _list_of(args.label))
        lake, wanted = done.lake, wanted or done.list
        say(
            f"{done.list}: {done.new:,} blocks labelled now, {done.unknown:,} of them unknown; "
            f"{done.blocks:,} blocks have a known coinbase"
        )
    show(pools(record_of(lake, moment, wanted), days=days, by=args.by), format_of(args))
    return Exit.DONE


def _list_of(named: str) -> PoolList:
    from pathlib import Path

    from hashcanary.sources.pools.pool_lists import built_in, read_pool_list

    return built_in() if named == _BUILT_IN else read_pool_list(Path(named))
