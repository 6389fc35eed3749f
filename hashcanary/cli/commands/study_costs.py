"""``hashcanary study costs``: what the price did after it fell below the cost of a coin."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.assuming import add_assumptions, assumed_of
from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.forms import gain, percent
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Column, Row, Table
    from hashcanary.store.record import Record
    from hashcanary.studies.forward_returns import ForwardSummary
    from hashcanary.studies.price_to_cost import AfterCost

_SHOWN_DAYS = 180
_EXAMPLES = """\
  hashcanary study costs
  hashcanary study costs --model electricity --model all-in
  hashcanary study costs --at 2025-01-01 --csv
  hashcanary study costs --power-price 0.06 --efficiency 17.5    your own machines
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
    add_assumptions(parser)


def run(args: argparse.Namespace) -> Exit:
    """Study and print."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.economics.costs.history import cost_history
    from hashcanary.economics.costs.registry import find_cost_models
    from hashcanary.studies.price_to_cost import after_costs

    models, assumed = find_cost_models(args.model), assumed_of(args)
    record = open_record(args)
    found = after_costs(cost_history(record, models, assumed))
    emit(_table(record, found), format_of(args))
    return Exit.DONE


def _table(record: Record, found: tuple[AfterCost, ...]) -> Table:
    from hashcanary.cli.output import Column, Table
    from hashcanary.studies.price_to_cost import QUIET_DAYS, RULES
    from hashcanary.units import DAYS, FRACTION
    from hashcanary.views.text import SIMULATED

    columns = [
        Column("model", "model"),
        Column("rule", "price"),
        *_share("in_state", "of days", spare=2),
        Column("now", "now", spare=4),
        Column("spells", "spells", spare=3),
        Column("horizon", "horizon", DAYS, data_only=True),
        Column("measured", "measured", data_only=True),
        Column("mean", "mean", FRACTION, data_only=True),
        Column("median", "median", FRACTION, people=gain, spare=1),
        Column("independent", "apart"),
        Column("share_positive", "rose", FRACTION, people=percent),
        Column("share_low", "low", FRACTION, people=percent),
        Column("share_high", "high", FRACTION, people=percent),
        *_share("base_share", "any day"),
        Column("base_independent", "base, windows apart", data_only=True),
        Column("began", "began", data_only=True),
        Column("interval", "interval", data_only=True),
        Column("rests_on", "rests on", data_only=True),
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
            "has a cost. of days: by the cost, and by the ends of its 90% band.",
            f"Costs rest on: {_rests_on(found)}.",
            f"{len(found)} rows ask the same few years again and again: the best of them is no "
            "discovery. Days on which a model's constants were hindsight are left out.",
        ],
        document={
            "at": record.at_text,
            "network": record.network.name,
            "simulated": record.simulated,
            "rules": RULES,
            "interval": _INTERVAL,
            "provenance": record.provenance,
        },
        people_rows=[_for_people(row) for row in rows if row["horizon"] == _SHOWN_DAYS],
    )


_INTERVAL = (
    "of share and base_share: exact (Clopper-Pearson) 95% of windows that do not overlap; of "
    "in_state: the model's cost at the ends of its 90% band"
)


def _share(key: str, title: str, spare: int = 0) -> list[Column]:
    """A share, its low and its high; people see the three in one cell."""
    from hashcanary.cli.output import Column
    from hashcanary.units import FRACTION

    return [
        Column(key, title, FRACTION, people=str, spare=spare),
        Column(f"{key}_low", "low", FRACTION, data_only=True),
        Column(f"{key}_high", "high", FRACTION, data_only=True),
    ]


def _for_people(row: Row) -> Row:
    """A row with shares and their limits as one text."""
    cells = dict(row)
    for key in ("in_state", "base_share"):
        values = [row[f"{key}{end}"] for end in ("", "_low", "_high")]
        if None not in values:
            value, low, high = map(percent, values)
            cells[key] = f"{value} ({low} to {high})"
    return cells


def _rows(one: AfterCost) -> list[Row]:
    from hashcanary.moments import DAY, iso_day

    return [
        {
            "model": one.model,
            "rule": one.rule,
            **_three("in_state", (one.in_state, *one.in_state_band), one.known_days),
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
            **_base_limits(after),
            "base_independent": after.base_independent,
            "began": [iso_day(day * DAY) for day in one.began],
            "interval": _INTERVAL,
            "rests_on": one.rests_on,
        }
        for after in one.after
    ]


def _rests_on(found: tuple[AfterCost, ...]) -> str:
    """What the costs of all models assume, each assumption once."""
    return "; ".join(dict.fromkeys(part for one in found for part in one.rests_on.split("; ")))


def _three(key: str, counts: tuple[int, ...], of: int) -> Row:
    keys = (key, f"{key}_low", f"{key}_high")
    return {key: count / of for key, count in zip(keys, counts, strict=True)}


def _base_limits(after: ForwardSummary) -> Row:
    """What the share after any day may be off by, by its windows that do not overlap."""
    from hashcanary.studies.forward_returns import clopper_pearson

    low, high = None, None
    if after.base_share is not None:
        trials = after.base_independent
        low, high = clopper_pearson(round(after.base_share * trials), trials)
    return {"base_share_low": low, "base_share_high": high}
