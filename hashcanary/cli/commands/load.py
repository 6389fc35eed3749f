"""``hashcanary load PATH...``: files and folders into the lake."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_command
from hashcanary.errors import Exit, UsageError

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.sources.source import Options

_DESCRIPTION = """\
Imports files and folders into the lake, and creates the lake if there is none.
Files are recognised by their content, not by their names: raw block headers, block
tables, Core's getblockstats, Coin Metrics daily series, candles, company reports,
ERCOT's hourly prices of power; other tables need a mapping file. zstd-compressed
files are read as they are.

A load is atomic: on any error nothing is written. Loading the same data again, or
in another order, changes nothing.

Prints the rows and the range of each file, the gaps in it, and what was skipped and
why.
"""
_EXAMPLES = """\
  hashcanary load ~/bitcoin-data
  hashcanary load headers.bin.zst blockstats.parquet
  hashcanary load prices.csv --as candles --market BTCUSD
  hashcanary load vendor.csv --mapping vendor.toml
  hashcanary load run.bin --height 150001
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "load",
        run,
        summary="import files or folders into the lake",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument("paths", metavar="PATH", nargs="+", help="a file or a folder")
    parser.add_argument(
        "--as", dest="kind", metavar="KIND", help="kind of the files, instead of detecting it"
    )
    parser.add_argument(
        "--mapping",
        metavar="FILE",
        help="a TOML file that describes the columns of a table",
    )
    parser.add_argument(
        "--market", metavar="NAME", help="the candles' market (default: the file's name)"
    )
    parser.add_argument(
        "--interval",
        metavar="SECONDS",
        type=int,
        help="length of a candle, where the spacing of the rows does not show it",
    )
    parser.add_argument(
        "--height", metavar="N", type=int, help="height of the first header of the file"
    )
    parser.add_argument("--network", metavar="NAME", help="network of a new lake (default: main)")


def run(args: argparse.Namespace) -> Exit:
    """Load, and print what each file gave."""
    from hashcanary.cli.opening import lake_to_load
    from hashcanary.cli.output import format_of, say, show
    from hashcanary.cli.progress import bar
    from hashcanary.store.loading import load
    from hashcanary.views.lake import loaded

    options = _options(args)
    with lake_to_load(args, args.network) as lake:
        if lake.simulated:
            say(f"hashcanary: {lake.home} holds simulated history; all it reports is marked so.")
        with bar() as tell:
            report = load(lake, args.paths, args.kind, options, tell, args.height)
    show(loaded(report), format_of(args))
    return Exit.DONE


def _options(args: argparse.Namespace) -> Options:
    from pathlib import Path

    from hashcanary.sources.source import Options

    for name, least, unit in (("height", 0, "a block's height"), ("interval", 1, "seconds")):
        value = getattr(args, name)
        if value is not None and value < least:
            raise UsageError(
                argument=f"--{name}",
                expected=f"{unit}, {least} or more",
                found=value,
                remedy="Correct it, or omit it.",
            )
    return Options(
        market=args.market,
        interval=args.interval,
        mapping=Path(args.mapping) if args.mapping else None,
    )
