"""``hashcanary explain drop``: was a fall luck, curtailment, economics or a structural exit."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.errors import Exit, UsageError

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Row, Table
    from hashcanary.inference.explain.attribution import Explanation
    from hashcanary.store.record import Record

_LONGEST = 400
_EXAMPLES = """\
  hashcanary explain drop
  hashcanary explain drop --at 2026-01-27
  hashcanary explain drop --since 2021-05-01 --at 2021-07-10 --json
"""
_DESCRIPTION = """\
Finds the fall of the hashrate that the blocks of the last 100 days (or
since --since) speak of most, and says how probably it was luck, curtailment (weather,
the price of power), economics (hashprice against what power costs) or a
structural exit, with the evidence: how many times likelier each kind of
evidence is under each cause than under luck. Where no cause reaches 60% the
answer is that it cannot tell.

Uses blocks, labels of pools, prices, and daily series power_price_usd_per_mwh
of vendors such as ercot where they are loaded; names what is missing. What the
causes look like, where pools' machines stand, which machines there are and what
their power costs are stated assumptions: --causes, --regions, --rigs and
--power-prices take files in place of those that come with hashcanary.

Exits with 3 where too few blocks are known.
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command and its part."""
    parser = commands.add_parser(
        "explain",
        help="why the hashrate fell: luck, weather, economics or exit",
        description="Causes, with how probable they are.",
        epilog=f"examples:\n{_EXAMPLES}",
        parents=[shared],
    )
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    drop = add_command(
        parts,
        shared,
        "drop",
        run_drop,
        summary="the largest fall of late, and what probably caused it",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_at(drop)
    drop.add_argument(
        "--since",
        metavar="T",
        help="look for falls that began since T, a date or a time with zone (default: 100 days)",
    )
    drop.add_argument("--causes", metavar="FILE", help="what the causes look like, as TOML")
    drop.add_argument("--regions", metavar="FILE", help="where pools' machines stand, as TOML")
    drop.add_argument("--rigs", metavar="FILE", help="a catalogue of rigs, as TOML")
    drop.add_argument("--power-prices", metavar="FILE", help="prices of power by region, as TOML")


def run_drop(args: argparse.Namespace) -> Exit:
    """Explain and print."""
    from pathlib import Path

    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.economics.machines.rigs import read_rigs
    from hashcanary.economics.power.prices import read_power_prices
    from hashcanary.inference.explain.attribution import assume, explain_drop
    from hashcanary.inference.explain.causes import read_causes
    from hashcanary.inference.explain.pool_regions import read_pool_regions
    from hashcanary.inference.explain.squeeze import machines

    given = assume(
        read_causes(Path(args.causes)) if args.causes else None,
        read_pool_regions(Path(args.regions)) if args.regions else None,
        machines(
            read_rigs(Path(args.rigs)) if args.rigs else None,
            read_power_prices(Path(args.power_prices)) if args.power_prices else None,
        ),
    )
    record = open_record(args)
    found = explain_drop(record, given, _reach(record, args.since))
    emit(_table(record, found), format_of(args))
    return Exit.DONE


def _reach(record: Record, since: str | None) -> float:
    """Days back from the last block that a fall may have begun."""
    from hashcanary.inference.explain.windows import REACH
    from hashcanary.moments import DAY, parse_moment

    if since is None or record.blocks.height == 0:
        return REACH
    try:
        time = parse_moment(since).time
    except UsageError:
        time = None
    if time is not None:
        # a date counts from its start
        begin = time - DAY if len(since) == len("2026-02-03") else time
        days = (int(record.blocks["time"].max()) - begin) / DAY  # type: ignore[arg-type]
        if 1 <= days <= _LONGEST:
            return days
    raise UsageError(
        argument="--since",
        expected=f"a date or a time with zone, 1 to {_LONGEST} days before the last block known",
        found=since,
        remedy="Name another, or leave it out for the last 100 days.",
    )


def _table(record: Record, found: Explanation) -> Table:
    from hashcanary.cli.output import Column, Table
    from hashcanary.inference.explain.causes import NAMES
    from hashcanary.report.explaining import evidence_lines, headline, notes

    lines = evidence_lines(found)
    columns = [
        Column("evidence", "evidence"),
        Column("says", "what it says", wide=True),
        *(
            Column(_key(name), found.causes.title(name), people=_times, data_only=name == "luck")
            for name in NAMES
        ),
        Column("source", "source", data_only=True),
    ]
    rows: list[Row] = [
        {
            "evidence": line.title,
            "says": line.says,
            "source": line.source,
            **{_key(name): None if line.factors is None else line.factors[name] for name in NAMES},
        }
        for line in lines
    ]
    return Table(
        columns,
        rows,
        title=headline(found),
        notes=notes(found, simulated=record.simulated, at=record.at_text),
        document=_document(record, found),
        people_rows=[*rows, _probabilities(found)],
    )


def _key(cause: str) -> str:
    return f"{cause}_log_bayes_factor_nats"


def _probabilities(found: Explanation) -> Row:
    from hashcanary.inference.explain.causes import LUCK, NAMES
    from hashcanary.views.text import probability

    said = {_key(name): probability(found.probabilities[name]) for name in NAMES}
    return {
        "evidence": "probability",
        "says": f"luck {probability(found.probabilities[LUCK])}",
        **said,
    }


def _times(value: object) -> str:
    """A log factor as people read it; a text as it is."""
    import math

    if isinstance(value, str):
        return value
    factor = math.exp(min(max(float(str(value)), -30.0), 30.0))
    if factor >= 10 or factor <= 0.1:
        return f"x{factor:,.0f}" if factor > 1 else f"/{1 / factor:,.0f}"
    return f"x{factor:.1f}" if factor >= 1 else f"/{1 / factor:.1f}"


def _document(record: Record, found: Explanation) -> dict[str, object]:
    from hashcanary.inference.explain.attribution import ENOUGH
    from hashcanary.moments import iso_time
    from hashcanary.report.explaining import headline, sentences

    drop, recent = found.drop, found.recent
    return {
        "at": record.at_text,
        "network": record.network.name,
        "simulated": record.simulated,
        "answer": found.answer,
        "headline": headline(found),
        "sentences": sentences(found),
        "probability": dict(found.probabilities),
        "prior_probability": dict(found.prior),
        "least_probability_to_name_a_cause": ENOUGH,
        "start": iso_time(int(drop.start)),
        "start_low": iso_time(int(drop.start_low)),
        "start_high": iso_time(int(drop.start_high)),
        "last_height_before": drop.height,
        "last_height": drop.last,
        "last_time": iso_time(int(drop.now)),
        **_three("depth", "fraction", (drop.low, drop.depth, drop.high)),
        **_three("fall", "days", drop.fall_days),
        **_three("returned", "fraction", drop.returned),
        **_three("recent_change", "fraction", (recent.low, recent.change, recent.high)),
        "recent_days": recent.days,
        "recent_blocks": recent.blocks,
        "recent_by_luck_once_in_years": recent.once_in_years,
        "reach_days": found.reach,
        "interval": "central 95%",
        **_losses(found),
        **_margin(found),
        "lacks": list(found.lacks),
        "provenance": record.provenance,
    }


def _losses(found: Explanation) -> dict[str, object]:
    """Which pools and which regions lost."""
    return {
        "pools": [
            {
                "pool": row.pool,
                "blocks_before": row.before,
                "blocks_while_low": row.after,
                **_three("hashrate_change", "fraction", (row.low, row.change, row.high)),
            }
            for row in found.pools
        ],
        "regions": [
            {
                "region": row.region,
                **_three("hashrate_share", "fraction", (row.share[1], row.share[0], row.share[2])),
                **_three("loss_share", "fraction", (row.loss[1], row.loss[0], row.loss[2])),
                "probability_if_one_region_lost": found.region_probabilities.get(row.region),
            }
            for row in found.losing_regions
        ],
    }


def _three(name: str, unit: str, values: tuple[float, float, float]) -> dict[str, float]:
    """Keys of a median and its limits: ``depth_fraction``, ``depth_low_fraction``."""
    low, middle, high = values
    return {f"{name}_{unit}": middle, f"{name}_low_{unit}": low, f"{name}_high_{unit}": high}


def _margin(found: Explanation) -> dict[str, object]:
    margin = found.margin
    if margin is None:
        return {"hashprice_usd_per_phs_day": None}
    squeeze = margin.squeeze
    return {
        "hashprice_usd_per_phs_day": margin.hashprice,
        "hashprice_before_usd_per_phs_day": margin.usual,
        **{
            key: value
            for name, unit, band in (
                ("break_even", "usd_per_phs_day", squeeze.break_even_usd_per_phs_day),
                ("under_water_before", "fraction", squeeze.under_water_before),
                ("newly_under_water", "fraction", squeeze.newly),
            )
            for key, value in _three(name, unit, (band.low, band.value, band.high)).items()
        },
        "break_even_log_sd": squeeze.break_even_log_sd,
        "under_water_rests_on": squeeze.rests_on,
        "hashprice_percentile_fraction": margin.percentile,
        "price_drawdown_fraction": margin.price_drawdown,
    }
