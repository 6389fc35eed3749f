"""``hashcanary study costs``: what the price did after it fell below the cost of a coin."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Row, Table
    from hashcanary.store.record import Record
    from hashcanary.studies.price_to_cost import AfterCost

_SHOWN_DAYS = 180
_EXAMPLES = """\
  hashcanary study costs
  hashcanary study costs --model electricity --model all-in
  hashcanary study costs --at 2025-01-01 --csv
"""
_DESCRIPTION = """\
For every definition of the cost of a bitcoin: how often the price was below it,
or low against it by the record so far, when each such spell was first known, and
what the price did in the 30, 90, 180 and 365 days after, beside what it did after
any day. Only windows that do not overlap count as evidence; most definitions
leave a handful, and their intervals say so.

Exits with 3 where no day has a price and a cost.
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        commands,
        shared,
        "costs",
        run,
        summary="what the price did after it fell below the cost of a coin",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(parser)
    parser.add_argument(
        "--model",
        metavar="NAME",
        action="append",
        default=[],
        help="only this model of cost; may be given more than once (default: all)",
    )


def run(args: argparse.Namespace) -> Exit:
    """Study and print."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.economics.cost_registry import find_cost_models
    from hashcanary.economics.cost_stated import assume
    from hashcanary.economics.costs import cost_history
    from hashcanary.studies.price_to_cost import after_costs

    models = find_cost_models(args.model)
    record = open_record(args)
    found = after_costs(cost_history(record, models, assume()))
    emit(_table(record, found), format_of(args))
    return Exit.DONE


def _table(record: Record, found: tuple[AfterCost, ...]) -> Table:
    from hashcanary.cli.output import SIMULATED, Column, Table
    from hashcanary.studies.forward_returns import INTERVAL
    from hashcanary.studies.price_to_cost import QUIET_DAYS, RULES
    from hashcanary.units import DAYS, FRACTION

    columns = [
        Column("model", "model"),
        Column("rule", "price"),
        Column("in_state", "of days", FRACTION, people=_percent, spare=2),
        Column("now", "now", spare=4),
        Column("spells", "spells", spare=3),
        Column("horizon", "horizon", DAYS, data_only=True),
        Column("measured", "measured", data_only=True),
        Column("mean", "mean", FRACTION, data_only=True),
        Column("median", "median", FRACTION, people=_change, spare=1),
        Column("independent", "apart"),
        Column("share_positive", "rose", FRACTION, people=_percent),
        Column("share_low", "low", FRACTION, people=_percent),
        Column("share_high", "high", FRACTION, people=_percent),
        Column("base_share", "any day", FRACTION, people=_percent),
        Column("base_independent", "base, windows apart", data_only=True),
        Column("began", "began", data_only=True),
    ]
    rows = [row for one in found for row in _rows(one)]
    return Table(
        columns,
        rows,
        title=f"After a price below the cost of a bitcoin, as known at {record.at_text}; "
        f"{_SHOWN_DAYS} days on",
        notes=[
            *([SIMULATED] if record.simulated else []),
            *(f"{name}: {text}." for name, text in RULES.items()),
            f"A spell begins after {QUIET_DAYS} days without. apart: spells whose windows do not "
            "overlap; rose: the share of them after which the price was higher, with its exact "
            "95% limits; any day: that share after all days since the model "
            "has a cost.",
            f"{len(found)} rows ask the same few years again and again: the best of them is no "
            "discovery. Days on which a model's constants were hindsight are left out.",
        ],
        document={
            "at": record.at_text,
            "network": record.network.name,
            "simulated": record.simulated,
            "rules": RULES,
            "interval": INTERVAL,
            "units": {"median": "fraction", "share_positive": "fraction", "horizon": "days"},
            "provenance": record.provenance,
        },
        people_rows=[row for row in rows if row["horizon"] == _SHOWN_DAYS],
    )


def _rows(one: AfterCost) -> list[Row]:
    from hashcanary.moments import DAY, iso_day

    return [
        {
            "model": one.model,
            "rule": one.rule,
            "in_state": one.in_state / one.known_days,
            "now": one.now,
            "spells": len(one.began),
            "horizon": after.horizon_days,
            "measured": after.measured,
            "mean": after.mean,
            "median": after.median,
            "independent": after.independent,
            "share_positive": after.share_positive,
            "share_low": after.low,
            "share_high": after.high,
            "base_share": after.base_share,
            "base_independent": after.base_independent,
            "began": [iso_day(day * DAY) for day in one.began],
        }
        for after in one.after
    ]


def _percent(value: object) -> str:
    return f"{float(str(value)):.0%}"


def _change(value: object) -> str:
    return f"{float(str(value)):+.0%}"
