"""``hashcanary episodes``: every capitulation in the record and what followed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.forms import gain, percent_one
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Row, Table
    from hashcanary.store.record import Record
    from hashcanary.studies.episodes import EpisodeStudy

_DESCRIPTION = """\
Lists every capitulation in the record: by the ribbon rule (the 30-day mean of the
hashrate below the 60-day mean) and by the fall of the epoch-average hashrate from
its peak. For each: start, end, days, depth, how often luck alone makes a fall as
deep and (simulated) an inversion as long, and what the price did over the next
30, 90, 180 and 365 days. An episode that has not ended says so; a return whose
day has not come is missing, not zero.
"""
_EXAMPLES = """\
  hashcanary episodes
  hashcanary episodes --at 2022-12-31 --json
  hashcanary episodes --csv > episodes.csv
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "episodes",
        run,
        summary="every capitulation: depth, length, what the price did after",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(parser)


def run(args: argparse.Namespace) -> Exit:
    """Find the episodes and print them."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.metrics.engine import metrics_of
    from hashcanary.studies.episodes import find_episodes, with_luck

    record = open_record(args)
    metrics = metrics_of(record)
    studies = with_luck(metrics, find_episodes(metrics, simulated=record.simulated))
    how = format_of(args)
    if how != "people":
        emit(_whole(record, studies), how)
        return Exit.DONE
    for study in studies:
        emit(_of_rule(record, study), how)
    return Exit.DONE


def _whole(record: Record, studies: Sequence[EpisodeStudy]) -> Table:
    """Every episode by every rule, for JSON and CSV."""
    from hashcanary.cli.output import Column, Table
    from hashcanary.studies.episode_table import SCHEMA, study_summary, to_rows

    document = {
        "at": record.at_text,
        "network": record.network.name,
        "simulated": record.simulated,
        "rules": [study_summary(study) for study in studies],
        "provenance": record.provenance,
    }
    return Table([Column(name, name) for name in SCHEMA], to_rows(studies), document=document)


def _of_rule(record: Record, study: EpisodeStudy) -> Table:
    """One rule's episodes as people read them, those of a week or more."""
    from hashcanary.cli.output import Column, Table
    from hashcanary.studies.episode_table import to_rows
    from hashcanary.studies.episodes import SHORT_DAYS
    from hashcanary.studies.forward_returns import HORIZONS

    columns = [
        Column("start", "start"),
        Column("end", "end"),
        Column("days", "days"),
        Column("depth_fraction", "depth", people=percent_one),
        Column("depth_by_luck_once_in_years", "by luck", people=_wait, spare=2),
        Column("luck_long", "as long", optional=True, people=str, spare=1),
        Column("luck_deep", "as inverted", optional=True, people=str, spare=1),
        Column("price_start_usd", "USD", people=_dollars),
        *(Column(f"after_start_{days}d_fraction", f"+{days} d", people=gain) for days in HORIZONS),
    ]
    rows = [row for row in to_rows([study]) if row["open"] or _days(row) >= SHORT_DAYS]
    shown = [{**row, "end": row["end"] or "open", **_chances(row)} for row in rows]
    return Table(
        columns,
        rows,
        title=f"{study.rule.title}, as known at {record.at_text}",
        notes=_notes(record, study),
        people_rows=shown,
    )


def _wait(value: object) -> str:
    from hashcanary.views.text import wait

    return wait(float(str(value)))


def _chances(row: Row) -> dict[str, object]:
    """How likely luck alone gives an inversion as long, and one as deep, as people read it."""
    from hashcanary.views.text import chance

    said: dict[str, object] = {}
    for what in ("long", "deep"):
        name = f"simulated_luck_as_{what}"
        per_year, most = row[f"{name}_per_year_fraction"], row[f"{name}_at_most_fraction"]
        if per_year is not None:
            said[f"luck_{what}"] = chance(float(str(per_year)), float(str(most)))
    return said


def _dollars(value: object) -> str:
    price = float(str(value))
    return f"{price:,.0f}" if price >= 100 else f"{price:.2f}"


def _days(row: Row) -> int:
    return int(str(row["days"]))


def _notes(record: Record, study: EpisodeStudy) -> list[str]:
    """What people are told under a rule's table."""
    from hashcanary.moments import iso_day
    from hashcanary.studies.drawdown_luck import DEFINITION as DRAWDOWN_LUCK
    from hashcanary.studies.ribbon_luck import DEFINITION as RIBBON_LUCK
    from hashcanary.views.text import SIMULATED

    notes = [SIMULATED] if record.simulated else []
    notes.append(f"An episode runs {study.rule.definition}.")
    notes.append(f"By luck: once in so long; {DRAWDOWN_LUCK}.")
    if study.luck is not None:
        notes.append(
            f"As long, as inverted: chance that in a year luck alone inverts the ribbons as long, "
            f"and as deep. {RIBBON_LUCK}: {study.luck.per_year:.0f} a year "
            f"({study.luck.low:.0f} to {study.luck.high:.0f} in four years of five), "
            f"{study.luck.weeks_per_year:.1f} of a week or more."
        )
    notes.append("USD, +N d: price when the start was known, its change over the next N days.")
    if study.short:
        notes.append(
            f"{study.short} more ended within 7 days, most of them luck: they are in --json and "
            "--csv."
        )
    if study.covered_from is None or study.covered_to is None:
        notes.append("The rule cannot be applied anywhere in this record.")
    else:
        gaps = f", {len(study.gaps)} gaps inside" if study.gaps else ", without a gap"
        notes.append(
            f"Rests on {iso_day(study.covered_from)} to {iso_day(study.covered_to - 1)}{gaps}."
        )
    return [*notes, ""]
