"""``hashcanary pools``: who mined how much, and whose share changed by more than luck."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.forms import gain, percent_one
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Row, Table
    from hashcanary.interval import Interval
    from hashcanary.sources.pools.pool_lists import PoolList
    from hashcanary.store.record import Record
    from hashcanary.studies.pools import PoolRow, PoolStudy

_BUILT_IN = "built-in"
_DESCRIPTION = """\
Lists the pools that mined the blocks of the last N final days: blocks, share and
hashrate with their 95% limits, and the change against the N days before, with
whether it is beyond luck. Under the table: the Herfindahl-Hirschman index and the
Nakamoto coefficient with their limits.

Blocks are labelled by a list of pools as they are synced: a payout address first,
else the longest tag in the coinbase. Every label keeps which list gave it, and
lists stand side by side; --list chooses among them, --label adds one.
"""
_EXAMPLES = """\
  hashcanary pools
  hashcanary pools --at 2026-01-27 --days 3 --by group
  hashcanary pools --label                     by the list that comes with hashcanary
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
        summary="who mined how much, with limits; whose share changed beyond luck",
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
        help="take the labels of this list (default: the one that labels most of the newest month)",
    )
    parser.add_argument(
        "--label",
        metavar="FILE",
        nargs="?",
        const=_BUILT_IN,
        help="first label the blocks of known coinbase that have no label yet: by the list in "
        "FILE (pools-v2.json, or TOML like the built-in list), without FILE by the built-in one",
    )


def run(args: argparse.Namespace) -> Exit:
    """Label if asked to, study the pools, print them."""
    from hashcanary.cli.opening import open_lake
    from hashcanary.cli.output import emit, format_of
    from hashcanary.moments import parse_moment
    from hashcanary.store.recording import record_of
    from hashcanary.studies.pools import study_pools

    days = _days(args.days)
    moment = parse_moment(args.at) if args.at else None
    lake, wanted = open_lake(args), args.list
    if args.label is not None:
        from hashcanary.cli.output import say
        from hashcanary.store.labelling import label

        done = label(lake, _list_of(args.label))
        lake, wanted = done.lake, wanted or done.list
        say(
            f"{done.list}: {done.new:,} blocks labelled now, {done.unknown:,} of them unknown; "
            f"{done.blocks:,} blocks have a known coinbase"
        )
    record = record_of(lake, moment, wanted)
    study = study_pools(record, days, args.by)
    emit(_table(record, study), format_of(args))
    return Exit.DONE


def _days(text: str) -> int:
    from hashcanary.errors import UsageError

    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 3660:
        raise UsageError(
            argument="--days",
            expected="a whole number of days from 1 to 3660",
            found=text,
            remedy="Seven days tell a change of a third of a large pool from luck.",
        )
    return int(text)


def _list_of(named: str) -> PoolList:
    from pathlib import Path

    from hashcanary.sources.pools.pool_lists import built_in, read_pool_list

    return built_in() if named == _BUILT_IN else read_pool_list(Path(named))


def _table(record: Record, study: PoolStudy) -> Table:
    from hashcanary.cli.output import Column, Table
    from hashcanary.moments import iso_day
    from hashcanary.units import BLOCKS, FRACTION, HASHRATE

    columns = [
        Column("pool", "pool", data_only=True),
        Column("name", "group" if study.by == "group" else "pool"),
        Column("blocks", "blocks", people=_number),
        Column("share", "share", FRACTION, people=percent_one),
        Column("share_low", "low", FRACTION, people=percent_one, spare=2),
        Column("share_high", "high", FRACTION, people=percent_one, spare=2),
        Column("hashrate", "hashrate", HASHRATE),
        Column("hashrate_low", "low", HASHRATE, data_only=True),
        Column("hashrate_high", "high", HASHRATE, data_only=True),
        Column("blocks_before", "before", BLOCKS, data_only=True),
        Column("share_change", "points", FRACTION, people=_points),
        Column("share_change_low", "low", FRACTION, people=_points, spare=1),
        Column("share_change_high", "high", FRACTION, people=_points, spare=1),
        Column("hashrate_change", "rate", FRACTION, people=gain, spare=3),
        Column("hashrate_change_low", "low", FRACTION, data_only=True),
        Column("hashrate_change_high", "high", FRACTION, data_only=True),
        Column("p_value", "p", data_only=True),
        Column("p_corrected", "p, corrected", data_only=True),
        Column("beyond_luck", "beyond luck", people=_verdict),
    ]
    return Table(
        columns,
        [_row(one) for one in study.rows],
        title=f"Pools from {iso_day(study.start)} to {iso_day(study.end - 1)}, "
        f"as known at {record.at_text}",
        notes=_notes(record, study),
        document=_document(record, study),
    )


def _row(row: PoolRow) -> Row:
    cells: dict[str, object] = {
        "pool": row.pool,
        "name": row.name,
        "blocks": row.blocks,
        **_cells("share", row.share),
        **_cells("hashrate", row.hashrate),
        "blocks_before": row.before,
        **_cells("share_change", row.share_change),
        **_cells("hashrate_change", row.hashrate_change),
        "p_value": row.p_value,
        "p_corrected": row.p_corrected,
        "beyond_luck": row.beyond_luck,
    }
    return cells


def _cells(key: str, estimate: Interval | None) -> dict[str, object]:
    values = (None,) * 3 if estimate is None else estimate.three
    return dict(zip((key, f"{key}_low", f"{key}_high"), values, strict=True))


def _document(record: Record, study: PoolStudy) -> dict[str, object]:
    from hashcanary.metrics import concentration, intervals
    from hashcanary.moments import iso_time
    from hashcanary.studies.pools import CHANGE, FALSE_ALARM, RATE_CHANGE

    return {
        "at": record.at_text,
        "network": record.network.name,
        "simulated": study.simulated,
        "list": study.list,
        "by": study.by,
        "days": study.days,
        "from": iso_time(study.start),
        "to": iso_time(study.end),
        "known_at": iso_time(study.known_at),
        "blocks": study.blocks,
        "blocks_before": study.before,
        **_cells("unknown_share_fraction", study.unknown_share),
        **_cells("hhi_ratio", study.hhi),
        **_cells("nakamoto_count", study.nakamoto),
        "intervals": {
            "share": concentration.SHARE,
            "hashrate": intervals.POISSON,
            "share_change": CHANGE,
            "hashrate_change": RATE_CHANGE,
            "hhi": concentration.HHI,
            "nakamoto": concentration.NAKAMOTO,
        },
        "test": "Fisher's exact test of equal shares, Holm's correction",
        "false_alarm_rate_fraction": FALSE_ALARM,
        "pools_compared": study.compared,
        "units": {"hashrate": "hashes_per_second", "share": "fraction"},
        "provenance": record.provenance,
    }


def _notes(record: Record, study: PoolStudy) -> list[str]:
    """What people are told under the table."""
    from hashcanary.studies.pools import FALSE_ALARM
    from hashcanary.views.text import SIMULATED

    notes = [SIMULATED] if study.simulated else []
    index, coefficient = study.hhi, study.nakamoto
    fewest = "none: the known pools have no majority"
    if coefficient.value == coefficient.value:
        top = f"{coefficient.high:.0f}" if coefficient.high == coefficient.high else "more"
        fewest = f"{coefficient.value:.0f} ({coefficient.low:.0f} to {top})"
    notes += [
        f"{study.blocks:,} blocks, labelled by {study.list}; unknown "
        f"{study.unknown_share.value:.1%}.",
        f"Herfindahl-Hirschman index {index.value:.4f} ({index.low:.4f} to {index.high:.4f}); "
        f"fewest pools above a half: {fewest}.",
    ]
    if study.before is None:
        notes.append(f"The {study.days} days before are not all labelled: nothing to compare.")
    else:
        notes.append(
            f"points, rate: change of share and of hashrate against the {study.days} days before "
            f"({study.before:,} blocks). "
            f"If no share had changed, luck would flag any of the {study.compared} pools in at "
            f"most {FALSE_ALARM:.0%} of such tables."
        )
    if study.by == "group":
        from hashcanary.sources.pools.pool_lists import built_in

        notes += [f"{one.name}: {one.relation} ({one.source})." for one in built_in().groups]
    return notes


def _number(value: object) -> str:
    return f"{int(str(value)):,}"


def _points(value: object) -> str:
    return f"{float(str(value)) * 100:+.1f}"


def _verdict(value: object) -> str:
    return "YES" if value is True else "no"
