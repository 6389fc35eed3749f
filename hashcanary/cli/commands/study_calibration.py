"""``hashcanary study calibration``: how good forecasts of the retarget, or of hashprice, were."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_bounds, add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Row, Table
    from hashcanary.interval import Interval
    from hashcanary.store.record import Record
    from hashcanary.studies.calibration import PointScore

_EXAMPLES = """\
  hashcanary study calibration
  hashcanary study calibration --start 2024-01-01
  hashcanary study calibration --start 2011-01-01 --end 2015-01-01 --json
  hashcanary study calibration --of hashprice --start 2020-01-01
"""
_DESCRIPTION = """\
Forecasts the next retarget of every epoch of the record anew, from seven of its
blocks each, with what was known at that block and nothing later, and says how
good that was: the mean absolute error beside the rules that others publish, the
score of the whole distribution beside the constant-rate law's, and how often the
50, 80 and 95% bands held what came, with the error that so few epochs leave.

With --of hashprice the same for hashprice on the first whole day after the
retarget, asked at two blocks: at the price of then, and at the price that came.

An epoch counts when all its blocks and those of the one before it are known.
Exits with 3 where no epoch is.
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        commands,
        shared,
        "calibration",
        run,
        summary="how good the forecasts of the retarget were, epoch by epoch",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--of",
        choices=("difficulty", "hashprice"),
        default="difficulty",
        help="what was forecast (default: difficulty)",
    )
    add_bounds(parser, "epochs that began")
    add_at(parser)


def run(args: argparse.Namespace) -> Exit:
    """Judge the forecasts and print."""
    from hashcanary.cli.opening import bounds, open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.studies.calibration import retarget_outcomes, scores

    start, end = bounds(args)
    record = open_record(args)
    if args.of == "hashprice":
        from hashcanary.cli.calibration_hashprice import table
        from hashcanary.studies.after_retarget import hashprice_outcomes

        emit(table(record, hashprice_outcomes(record, start=start, end=end)), format_of(args))
        return Exit.DONE
    outcomes = retarget_outcomes(record, start=start, end=end)
    span = (outcomes[0].time, outcomes[-1].time)
    emit(_table(record, scores(outcomes), span), format_of(args))
    return Exit.DONE


def _table(record: Record, found: list[PointScore], span: tuple[int, int]) -> Table:
    from hashcanary.cli.output import Column, Table

    columns = [
        Column("what", "retarget"),
        Column("point", "block"),
        Column("epochs", "epochs", spare=3),
        Column("mean_absolute_error_fraction", "error", people=_points),
        Column("error_ratio_to_mempool", "/ mempool", people=_ratio, optional=True),
        Column("score_ratio_to_beta_law", "CRPS / Beta", people=_ratio, optional=True, spare=2),
        *(
            Column(f"held_{name}", f"{name}% held", people=str, spare=int(name == "80"))
            for name in _BANDS
        ),
    ]
    rows = [row for score in found for row in _rows(score)]
    return Table(
        columns,
        rows,
        title=f"Forecasts of the retarget and what came, as known at {record.at_text}",
        notes=_notes(record, found, span),
        document=_document(record, span),
        people_rows=[{**row, **_people_shares(row)} for row in rows],
    )


_BANDS = ("50", "80", "95")


def _rows(score: PointScore) -> list[Row]:
    first: Row = {
        "what": "next",
        "point": score.point,
        "epochs": score.epochs,
        "mean_absolute_error_fraction": score.error,
        "naive_error_fraction": score.naive_error,
        "mempool_error_fraction": score.mempool_error,
        "discount_filter_error_fraction": score.discount_error,
        "error_ratio_to_mempool": score.ratio,
        "score_ratio_to_beta_law": score.score_ratio,
        "mean_width_80_fraction": score.width_80,
        **_shares(score.held),
    }
    second: Row = {
        "what": "second",
        "point": score.point,
        "epochs": score.second_epochs,
        "mean_absolute_error_fraction": score.second_error,
        **_shares(score.second_held),
    }
    return [first, second] if score.second_epochs else [first]


def _shares(held: tuple[Interval, ...]) -> dict[str, object]:
    return {
        f"held_{band}{suffix}": value
        for band, share in zip(_BANDS, held, strict=True)
        for suffix, value in (("", share.value), ("_low", share.low), ("_high", share.high))
    }


def _people_shares(row: Row) -> dict[str, object]:
    return {
        f"held_{band}": "{:.0%} ({:.0%}–{:.0%})".format(
            *(float(str(row[f"held_{band}{suffix}"])) for suffix in ("", "_low", "_high"))
        )
        for band in _BANDS
    }


def _points(value: object) -> str:
    return f"{100 * float(str(value)):.2f} pts"


def _ratio(value: object) -> str:
    return f"{float(str(value)):.3f}"


def _document(record: Record, span: tuple[int, int]) -> dict[str, object]:
    from hashcanary.moments import iso_time
    from hashcanary.studies.calibration import INTERVAL

    return {
        "at": record.at_text,
        "network": record.network.name,
        "simulated": record.simulated,
        "first_epoch": iso_time(span[0]),
        "last_epoch": iso_time(span[1]),
        "unit": "fraction (relative change of the difficulty)",
        "interval": INTERVAL,
        "source": "block headers of the record, each forecast from the blocks up to its own",
        "provenance": record.provenance,
    }


def _notes(record: Record, found: list[PointScore], span: tuple[int, int]) -> list[str]:
    from hashcanary.moments import iso_day
    from hashcanary.views.text import SIMULATED

    notes = [SIMULATED] if record.simulated else []
    notes.append(
        f"Epochs that began {iso_day(span[0])} to {iso_day(span[1])}; block: of the epoch, from "
        "which the forecast was made, with nothing known after it."
    )
    notes.append(
        "Error: mean absolute, points of change; / mempool: as a ratio to that of mempool.space's "
        "rule. CRPS: score of the whole distribution, as a ratio to the constant-rate Beta law's; "
        "below 1 is better."
    )
    notes.append(
        "Held: share of epochs whose change lay in the band, with the 95% interval that so many "
        "epochs leave; a calibrated band's share is what its name says."
    )
    return notes
