"""``hashcanary study luck``: whether the blocks of a window are fewer than luck leaves."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_bounds, add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Row, Table
    from hashcanary.inference.filter.comparison import Comparison
    from hashcanary.inference.luck.luck import WindowLuck
    from hashcanary.store.record import Record

_EXAMPLES = """\
  hashcanary study luck
  hashcanary study luck --start 2026-01-24 --end 2026-01-24
  hashcanary study luck --start 2026-01-23 --end 2026-01-29 --json
"""
_DESCRIPTION = """\
Counts the blocks of a window of time (the last three days without --start and
--end) and says how likely luck alone leaves as few at an unchanged hashrate: that
of the 2,016 blocks before it. Once for this window by itself, and once for the
worst window of its length in a span such as a year, which is what a window is
that somebody looks at because it was bad.

Beside it, from the dynamic models: how far the hashrate of the window lies below
that of those blocks before it, and with what probability by more than 0, 5, 10
and 20%. The two are different questions: the first takes the rate as constant
and knows nothing else, the second lets it move as it has moved before.

Exits with 3 where blocks at an end of the window, or before it, are not known.
"""
_DAYS = 3
# falls whose probability is told
_FALLS = (0.0, 0.05, 0.1, 0.2)


def add(studies: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        studies,
        shared,
        "luck",
        run,
        summary="whether the blocks of a window are fewer than luck leaves",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_bounds(parser, "blocks")
    parser.add_argument(
        "--span",
        metavar="DAYS",
        type=_days,
        default=365.25,
        help="in which the window may have been picked as the worst, 1 to 36525 (default: 365.25)",
    )
    add_at(parser)


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = math.nan
    if not 1 <= days <= 36525:
        raise argparse.ArgumentTypeError(f"expected days from 1 to 36525, found {text!r}")
    return days


def run(args: argparse.Namespace) -> Exit:
    """Judge the window and print."""
    from hashcanary.cli.opening import bounds, open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.inference.filter.observations import blocks_of
    from hashcanary.inference.luck.luck import window_luck
    from hashcanary.inference.luck.windows import between_times, settled_until
    from hashcanary.moments import DAY

    start, end = bounds(args)
    record = open_record(args)
    blocks = blocks_of(record)
    until = settled_until(blocks) if end is None else float(end)
    since = until - _DAYS * DAY if start is None else float(start)
    window = between_times(blocks, record.network, since, until)
    luck = window_luck(blocks, record.network, window, span_days=args.span)
    emit(_table(record, luck, *_compared(record, luck)), format_of(args))
    return Exit.DONE


def _compared(record: Record, luck: WindowLuck) -> tuple[Comparison | None, str]:
    """The window against the blocks before it by the dynamic models, or why there is no answer."""
    from hashcanary.inference.errors import WindowNotKnown
    from hashcanary.inference.filter.comparison import compare_record

    assert luck.reference is not None
    before = (luck.reference.start, luck.reference.end)
    try:
        return compare_record(record, before, (luck.window.start, luck.window.end)), ""
    except WindowNotKnown as error:
        return None, str(error)


def _table(record: Record, luck: WindowLuck, models: Comparison | None, why: str) -> Table:
    from hashcanary.cli.output import Column, Table
    from hashcanary.moments import iso_time
    from hashcanary.views.text import wait

    columns = [
        Column("blocks", "blocks"),
        Column("expected_blocks", "expected", people=lambda value: f"{float(str(value)):.1f}"),
        Column("change_fraction", "change", people=_percent),
        Column("change_low_fraction", "95% from", people=_percent),
        Column("change_high_fraction", "to", people=_percent),
        Column("p_value", "by luck", people=_small),
        Column("p_worst_of_span", "worst of span", people=_small),
        Column("once_in_years", "once in", people=lambda value: wait(float(str(value)))),
        *(Column(f"probability_lower_by_{_name(fall)}", "", data_only=True) for fall in _FALLS),
    ]
    span = f"{iso_time(round(luck.window.start))} to {iso_time(round(luck.window.end))}"
    return Table(
        columns,
        [_row(luck, models)],
        title=f"Blocks from {span}, as known at {record.at_text}",
        notes=_notes(record, luck, models, why),
        document=_document(record, luck, models, why),
    )


def _name(fall: float) -> str:
    return f"{fall:.0%}".removesuffix("%") + "_percent"


def _row(luck: WindowLuck, models: Comparison | None) -> Row:
    return {
        "blocks": luck.window.blocks,
        "expected_blocks": luck.expected,
        "change_fraction": luck.change,
        "change_low_fraction": luck.low,
        "change_high_fraction": luck.high,
        "p_value": luck.p_value,
        "p_worst_of_span": luck.p_span,
        "once_in_years": luck.once_in_years,
        **{
            f"probability_lower_by_{_name(fall)}": None if models is None else models.fallen(fall)
            for fall in _FALLS
        },
    }


def _document(
    record: Record, luck: WindowLuck, models: Comparison | None, why: str
) -> dict[str, object]:
    from hashcanary.moments import iso_time

    reference = luck.reference
    assert reference is not None
    document: dict[str, object] = {
        "at": record.at_text,
        "network": record.network.name,
        "simulated": record.simulated,
        "start": iso_time(round(luck.window.start)),
        "end": iso_time(round(luck.window.end)),
        "compared_with_blocks": [reference.first + 1, reference.last],
        "hashrate_before_hashes_per_second": luck.rate,
        "span_days": luck.span_days,
        "interval": "95% confidence, exact (ratio of two Gamma variates)",
        "source": "block headers of the record",
    }
    if models is not None:
        document["models_change_fraction"] = [float(one) for one in models.quantiles()]
        document["models_levels"] = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]
        document["models_correlation"] = models.correlation
    document["lacks"] = [*luck.lacks, *(models.lacks if models else (why,))]
    document["provenance"] = record.provenance
    return document


def _notes(record: Record, luck: WindowLuck, models: Comparison | None, why: str) -> list[str]:
    """What people are told under the table."""
    from hashcanary.views.text import SIMULATED, how_often, moved

    assert luck.reference is not None
    notes = [SIMULATED] if record.simulated else []
    notes.append(
        f"These blocks are consistent with a hashrate {moved(luck.low, luck.high)} against the "
        f"{luck.reference.blocks:,} blocks before; luck alone would leave as few in some window of "
        f"this length {how_often(luck.once_in_years)}."
    )
    notes.append(
        f"By luck: that this window holds as few at an unchanged hashrate; worst of span: that "
        f"some window of its length within {luck.span_days:g} days does."
    )
    if models is not None:
        low, middle, high = (float(one) for one in models.quantiles()[[0, 3, 6]])
        chances = ", ".join(
            f"{_small(models.fallen(one))} by more than {one:.0%}" for one in _FALLS[1:]
        )
        notes.append(
            f"By the dynamic models the hashrate changed by {middle:+.1%} (95%: {low:+.1%} to "
            f"{high:+.1%}); lower with probability {_small(models.fallen(0.0))}, {chances}."
        )
        notes += [f"Lacks {what}." for what in models.lacks]
    else:
        notes.append(f"The dynamic models have no answer: {why}")
    notes += [f"Lacks {what}." for what in luck.lacks]
    return notes


def _percent(value: object) -> str:
    return f"{float(str(value)):+.1%}"


def _small(value: object) -> str:
    chance = float(str(value))
    return (
        f"{chance:.1%}"
        if 0.001 <= chance <= 0.999
        else f"{chance:.1e}"
        if chance < 0.5
        else "over 99.9%"
    )
