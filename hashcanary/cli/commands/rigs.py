"""``hashcanary rigs``: the catalogue of machines, with the source of each figure."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Row, Table
    from hashcanary.economics.machines.rigs import Catalogue, Rig

_DESCRIPTION = """\
Lists mining machines: hashrate, power and efficiency as their makers print them,
month of first sale and how surely it is known, and who says so. Machines draw up
to a stated fraction more or less than their nameplate; where sources disagree
every figure is kept, and the band of the efficiency holds all of them.

With --at only machines whose month of first sale had begun. A file of your own
stands in place of the catalogue that comes with hashcanary, or adds to it where
it says extends = "built-in".

Exits with 3 where no machine of the catalogue was sold yet.
"""
_EXAMPLES = """\
  hashcanary rigs
  hashcanary rigs --at 2021-05-01
  hashcanary rigs --rigs mine.toml --csv > rigs.csv
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "rigs",
        run,
        summary="machines: hashrate, power, efficiency, release, with sources",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(parser)
    add_rigs(parser)


def add_rigs(parser: argparse.ArgumentParser) -> None:
    """``--rigs FILE``: a catalogue of the user's own."""
    parser.add_argument(
        "--rigs",
        metavar="FILE",
        help="a catalogue of rigs as TOML, in place of the built-in one or, where it says so, "
        "added to it",
    )


def catalogue_of(args: argparse.Namespace) -> Catalogue:
    """The catalogue that ``--rigs`` names, the built-in one without. Raises BadFigures."""
    from pathlib import Path

    from hashcanary.economics.machines.rigs import read_rigs

    return read_rigs(Path(args.rigs) if args.rigs else None)


def run(args: argparse.Namespace) -> Exit:
    """Read, choose, print."""
    from hashcanary.cli.output import emit, format_of

    catalogue, time = catalogue_of(args), _time(args)
    rigs = catalogue.rigs if time is None else catalogue.released_by(time)
    emit(_table(catalogue, rigs, args.at), format_of(args))
    return Exit.DONE


def _time(args: argparse.Namespace) -> int | None:
    """Unix seconds of --at; for a height, of its block's time in the lake; None without."""
    from hashcanary.cli.opening import open_lake
    from hashcanary.moments import parse_moment

    if not args.at:
        return None
    moment = parse_moment(args.at)
    if moment.time is not None:
        return moment.time
    from hashcanary.store.recording import record_of

    return record_of(open_lake(args), moment).at


def _table(catalogue: Catalogue, rigs: tuple[Rig, ...], at: str | None) -> Table:
    from hashcanary.cli.output import Column, Table
    from hashcanary.economics.machines.rigs import RELEASE_MEANINGS
    from hashcanary.units import J_PER_TH, TERAHASHES, WATTS

    columns = [
        Column("name", "rig"),
        Column("maker", "maker", spare=4),
        Column("hashrate", "TH/s", TERAHASHES, people=_figure),
        Column("power", "W", WATTS, people=_figure, spare=3),
        Column("efficiency", "J/TH", J_PER_TH, people=_figure),
        Column("efficiency_low", "low", J_PER_TH, people=_figure, spare=2),
        Column("efficiency_high", "high", J_PER_TH, people=_figure, spare=2),
        Column("released", "released"),
        Column("release", "how surely", spare=1),
        Column("released_low", "from", data_only=True),
        Column("released_high", "to", data_only=True),
        Column("cooling", "cooling", spare=5),
        Column("assumed", "assumed", data_only=True),
        Column("others", "other sources", data_only=True),
        Column("sources", "sources", data_only=True),
        Column("note", "note", data_only=True),
        Column("interval", "interval", data_only=True),
    ]
    spread = rigs[0].nameplate_spread
    when = f"first sold by {at}" if at else "of the whole catalogue"
    return Table(
        columns,
        [_row(rig) for rig in rigs],
        title=f"{len(rigs)} rigs {when} ({catalogue.file})",
        notes=[
            f"low, high: {_interval(spread)}: nameplates are no measurement.",
            *(
                f"{key}: {RELEASE_MEANINGS[key]}."
                for key in RELEASE_MEANINGS
                if any(rig.release == key for rig in rigs)
            ),
            "--json and --csv say the source of each rig and what other sources say of it.",
        ],
        document={
            "file": catalogue.file,
            "at": at,
            "nameplate_spread_fraction": spread,
            "release": RELEASE_MEANINGS,
            "interval": _interval(spread),
        },
    )


def _row(rig: Rig) -> Row:
    from hashcanary.moments import iso_day

    low, high = rig.nameplate_j_per_th.ends
    since, until = rig.released_band
    return {
        "name": rig.name,
        "maker": rig.maker,
        "hashrate": rig.hashrate_ths,
        "power": rig.power_w,
        "efficiency": rig.efficiency_j_per_th,
        "efficiency_low": low,
        "efficiency_high": high,
        "released": iso_day(rig.released)[:7],
        "release": rig.release,
        "released_low": iso_day(since),
        "released_high": iso_day(until),
        "cooling": rig.cooling,
        "assumed": list(rig.assumed),
        "others": [
            {
                one.name: iso_day(int(one.value))[:7] if one.name == "released" else one.value,
                "source": one.source,
            }
            for one in rig.others
        ],
        "sources": list(rig.sources),
        "note": rig.note,
        "interval": _interval(rig.nameplate_spread),
    }


def _interval(spread: float) -> str:
    return f"all sources' figures, each {spread:.0%} lower and higher"


def _figure(value: object) -> str:
    return f"{float(str(value)):,.4g}" if float(str(value)) < 1000 else f"{float(str(value)):,.0f}"
