"""``hashcanary forecast retarget``: the next two changes of difficulty, with their intervals."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.commands.forecast_hashprice import add_hashprice
from hashcanary.cli.declare import add_at, add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Row, Table
    from hashcanary.inference.retarget.forecast import RetargetForecast
    from hashcanary.store.record import Record

_EXAMPLES = """\
  hashcanary forecast retarget
  hashcanary forecast retarget --height 934295
  hashcanary forecast retarget --at 2026-01-30 --json
"""
_DESCRIPTION = """\
Says how the difficulty will change at the next retarget and at the one after it,
and when: the median and the central 50, 80 and 95% intervals.

The hashrate moves while an epoch lasts, so it is followed by a bank of dynamic
models weighted by how well each predicted; the blocks that remain add their own
luck, which no interval is narrower than. Only blocks up to --height, known at
--at, are used, and prices known by then.

Exits with 3 where the epoch's first block, or any recent block, is not known.
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command and its part."""
    parser = commands.add_parser(
        "forecast",
        help="the next change of difficulty, and what it does to hashprice",
        description="Forecasts, with how sure they are.",
        epilog=f"examples:\n{_EXAMPLES}  hashcanary forecast hashprice\n",
        parents=[shared],
    )
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    retarget = add_command(
        parts,
        shared,
        "retarget",
        run_retarget,
        summary="the next two changes of difficulty and their dates",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    retarget.add_argument(
        "--height",
        metavar="H",
        type=int,
        help="from this block on, using none after it (default: the last one known)",
    )
    add_at(retarget)
    add_hashprice(parts, shared)


def run_retarget(args: argparse.Namespace) -> Exit:
    """Forecast and print."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.inference.retarget.forecast import forecast_retarget

    record = open_record(args)
    emit(_table(record, forecast_retarget(record, args.height)), format_of(args))
    return Exit.DONE


def _table(record: Record, forecast: RetargetForecast) -> Table:
    from hashcanary.cli.output import Column, Table
    from hashcanary.units import FRACTION, HASHRATE, UNIX_TIME

    rows = _rows(forecast)
    columns = [
        Column("what", "what"),
        Column("height", "height", people=str, optional=True),
        Column("unit", "unit", data_only=True),
        *(Column(name, title, people=str) for name, title in _SHOWN),
    ]
    units = {"change": FRACTION, "date": UNIX_TIME, "hashrate": HASHRATE}
    people = [
        {
            **row,
            **{name: _people(str(row["kind"]), float(str(row[name]))) for name, _ in _SHOWN},
        }
        for row in rows
    ]
    data = [{**row, "unit": units[str(row["kind"])].suffix} for row in rows]
    return Table(
        columns,
        data,
        title=f"Next retargets from block {forecast.height}, as known at {record.at_text}",
        notes=_notes(record, forecast),
        document=_document(record, forecast),
        people_rows=people,
    )


_SHOWN = (
    ("median", "median"),
    ("low_50", "50% from"),
    ("high_50", "to"),
    ("low_80", "80% from"),
    ("high_80", "to"),
    ("low_95", "95% from"),
    ("high_95", "to"),
)
# where each stands among the levels of a forecast
_PLACES = {
    "low_95": 0,
    "low_80": 1,
    "low_50": 2,
    "median": 3,
    "high_50": 4,
    "high_80": 5,
    "high_95": 6,
}


def _rows(forecast: RetargetForecast) -> list[Row]:
    given = (
        ("next change", "change", forecast.retarget_height, forecast.change),
        ("its date", "date", forecast.retarget_height, forecast.date),
        ("second change", "change", forecast.second_height, forecast.second_change),
        ("its date", "date", forecast.second_height, forecast.second_date),
        ("hashrate now", "hashrate", forecast.height, forecast.hashrate),
    )
    return [
        {
            "what": what,
            "kind": kind,
            "height": height,
            **{name: float(values[place]) for name, place in _PLACES.items()},
        }
        for what, kind, height, values in given
    ]


def _people(kind: str, value: float) -> str:
    from hashcanary.moments import iso_time
    from hashcanary.units import HASHRATE

    if kind == "change":
        return f"{value:+.2%}"
    if kind == "date":
        return iso_time(round(value))[5:16].replace("T", " ")
    return HASHRATE.people(value, 3)


def _document(record: Record, forecast: RetargetForecast) -> dict[str, object]:
    from hashcanary.moments import iso_time

    return {
        "at": record.at_text,
        "network": record.network.name,
        "simulated": record.simulated,
        "height": forecast.height,
        "time": iso_time(round(forecast.time)),
        "epoch_first_height": forecast.first_height,
        "epoch_first_time": iso_time(forecast.first_time),
        "intervals_done": forecast.intervals,
        "intervals_needed": forecast.needed,
        "retarget_height": forecast.retarget_height,
        "retarget_date": iso_time(round(float(forecast.date[3]))),
        "second_retarget_height": forecast.second_height,
        "second_retarget_date": iso_time(round(float(forecast.second_date[3]))),
        "interval": "central, posterior predictive",
        "source": "block headers of the record; a bank of dynamic models weighted by their scores",
        "lacks": list(forecast.lacks),
        "provenance": record.provenance,
    }


def _notes(record: Record, forecast: RetargetForecast) -> list[str]:
    from hashcanary.moments import iso_time
    from hashcanary.views.text import SIMULATED

    notes = [SIMULATED] if record.simulated else []
    notes.append(
        f"Block {forecast.height} of {iso_time(round(forecast.time))}: {forecast.intervals} of the "
        f"{forecast.needed} intervals that the retarget measures. Dates: month-day, UTC; the "
        f"retarget is expected in {iso_time(round(float(forecast.date[3])))[:7]}."
    )
    notes.append("Central intervals of the predictive distribution, from block headers.")
    notes += [f"Lacks {what}." for what in forecast.lacks]
    return notes
