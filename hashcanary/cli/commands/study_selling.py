"""``hashcanary study selling``: coins mined against coins that must be sold to pay for power."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.forms import one_decimal, percent, whole
from hashcanary.cli.numbers import seed_of
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Column, Row, Table
    from hashcanary.economics.selling.study import SellingStudy
    from hashcanary.store.record import Record

_EXAMPLES = """\
  hashcanary study selling
  hashcanary study selling --at 2022-11-25 --show falls
  hashcanary study selling --show history --csv
"""
_DESCRIPTION = """\
How many of the coins mined must be sold to pay for power, by margin of the
machines that run; what a fall of the price does to it; how it was through time.

Power is paid in money: a machine whose power costs half of what it earns sells
half of its coins. Above what it earns it sells all, and the rest comes out of a
treasury, or it stops: that is told apart. Which machines run and what they pay
are draws from stated priors (study supply); each share has the 95% band of them.
A bound, and no measurement of what was sold.
"""
_TITLES = {
    "classes": "Coins mined and coins to be sold, by margin of the machines",
    "falls": "Coins to be sold after a fall of the price",
    "history": "Coins to be sold, day by day",
    "published": "Published shares beside ours",
    "assumptions": "What moves the share to be sold",
}
_MEANINGS = {
    "classes": "Margin: of the hashprice, after power, what else ends when off, and the pool's "
    "fee. Means, which add up. With overheads: site, staff and administration too. Lacks: what "
    "power costs beyond the coins.",
    "falls": "Same difficulty, fees in bitcoin and machines as now. Lacks: what power costs beyond "
    "what is mined, of all coins mined.",
    "history": "Each day as known at its end, from January 2017 on, when regions' prices of power "
    "are first known, from 256 draws; people see the first day of each quarter, --csv and --json "
    "have all.",
    "published": "Ours: must be sold for power, mean of the same days (of costs: power over power, "
    "site, staff and administration). What was sold and what must be sold are not the same.",
    "assumptions": "From, to: ends of the middle 60% of the draws. Must sell: the mean among "
    "draws with the assumption in its lowest, then in its highest fifth.",
}
# where a table has no rows
_NONE = {
    "history": "None: no day from January 2017 on is known.",
    "published": "None: no such figure was public yet.",
}
# name, unit and form of figures whose limits people read in the same cell
_FORMS: dict[tuple[str, str], str] = {
    ("share", "fraction"): ".0%",
    ("mined", "btc_per_day"): ",.0f",
    ("pool", "btc_per_day"): ",.1f",
    ("must_sell", "btc_per_day"): ",.0f",
    ("with_overheads", "btc_per_day"): ",.0f",
    ("free", "btc_per_day"): ",.0f",
    ("lacks", "btc_per_day"): ",.1f",
    ("must_sell", "usd_per_day"): ",.1f",
    ("under_water", "fraction"): ".0%",
    ("must_sell", "fraction"): ".0%",
    ("with_overheads", "fraction"): ".0%",
    ("lacks", "fraction"): ".1%",
    ("ours", "fraction"): ".0%",
}
_SCALES = {"usd_per_day": 1e6}


def add(studies: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        studies,
        shared,
        "selling",
        run,
        summary="coins that must be sold to pay for power",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--show",
        choices=tuple(_TITLES),
        default="classes",
        help="the table: classes of machines by margin, falls of the price, the days of the "
        "record, published figures, or what the share rests on (default: classes)",
    )
    parser.add_argument("--rigs", metavar="FILE", help="a catalogue of rigs, as TOML")
    parser.add_argument(
        *("--power-prices", "--prices"),
        metavar="FILE",
        help="what miners pay for power, as TOML",
    )
    parser.add_argument(
        "--assumptions", metavar="FILE", help="overheads in place of the built-in ones, as TOML"
    )
    parser.add_argument("--seed", metavar="N", default="1", help="of the draws (default: 1)")
    add_at(parser)


def run(args: argparse.Namespace) -> Exit:
    """Study and print."""
    from pathlib import Path

    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.economics.costs.assumptions import read_assumptions
    from hashcanary.economics.machines.rigs import read_rigs
    from hashcanary.economics.power.prices import read_power_prices
    from hashcanary.economics.selling.study import study_selling

    seed = seed_of(args.seed)
    catalogue = read_rigs(Path(args.rigs) if args.rigs else None)
    prices = read_power_prices(Path(args.power_prices) if args.power_prices else None)
    figures = read_assumptions(Path(args.assumptions) if args.assumptions else None)
    record = open_record(args)
    study = study_selling(record, catalogue, prices, figures, seed=seed)
    emit(_table(record, study, args.show), format_of(args))
    return Exit.DONE


def _table(record: Record, study: SellingStudy, shown: str) -> Table:
    from hashcanary.cli.banded import resting, with_bands
    from hashcanary.cli.output import Table
    from hashcanary.report.selling import document, of_quarters, rows_of, sentences
    from hashcanary.views.text import SIMULATED

    rows: list[Row] = rows_of(study, shown)
    people = of_quarters(rows) if shown == "history" else rows
    return Table(
        [*_columns(shown), *resting()],
        rows,
        title=f"{_TITLES[shown]}, as known at {record.at_text}",
        notes=[
            *([SIMULATED] if record.simulated else []),
            *([] if rows else [_NONE[shown]]),
            *sentences(study),
            _MEANINGS[shown],
        ],
        document={
            "at": record.at_text,
            "network": record.network.name,
            "simulated": record.simulated,
            **document(study),
            "shown": shown,
            "provenance": record.provenance,
        },
        people_rows=with_bands(people, _FORMS, _SCALES),
    )


def _columns(shown: str) -> list[Column]:
    from hashcanary.cli.banded import band_columns, lever_columns
    from hashcanary.cli.output import Column

    if shown == "classes":
        return [
            Column("class", "class", data_only=True),
            Column("margin", "margin"),
            *band_columns("share", "fraction", "hashrate"),
            *band_columns("mined", "btc_per_day", "mined, BTC/day", spare=2),
            *band_columns("pool", "btc_per_day", "pools', BTC/day", spare=6),
            *band_columns("must_sell", "btc_per_day", "must sell, BTC/day"),
            *band_columns("with_overheads", "btc_per_day", "with overheads, BTC/day", spare=3),
            *band_columns("free", "btc_per_day", "free, BTC/day", spare=1),
            *band_columns("lacks", "btc_per_day", "lacks, BTC/day", spare=4),
            *band_columns("must_sell", "usd_per_day", "million USD/day", spare=5),
        ]
    if shown == "falls":
        return [
            Column("fall_fraction", "fall", people=percent),
            Column("price_usd_per_btc", "bitcoin, USD", people=whole, spare=4),
            Column("hashprice_usd_per_phs_day", "USD/PH/s/day", people=one_decimal, spare=5),
            *band_columns("under_water", "fraction", "under water"),
            *band_columns("must_sell", "fraction", "must sell"),
            *band_columns("with_overheads", "fraction", "with overheads", spare=2),
            *band_columns("lacks", "fraction", "lacks", spare=3),
            *band_columns("must_sell", "btc_per_day", "BTC/day", spare=1),
            *band_columns("must_sell", "usd_per_day", "million USD/day", spare=6),
        ]
    if shown == "history":
        return [
            Column("day", "day"),
            *band_columns("must_sell", "fraction", "must sell"),
            *band_columns("must_sell", "btc_per_day", "BTC/day"),
            Column("mined_btc_per_day", "mined, BTC/day", people=whole, spare=2),
            *band_columns("under_water", "fraction", "under water", spare=1),
            Column("hashprice_usd_per_phs_day", "USD/PH/s/day", people=one_decimal, spare=3),
            Column("hindsight", "hindsight", data_only=True),
        ]
    if shown == "published":
        return [
            Column("who", "who", wide=True),
            Column("what", "what", wide=True),
            Column("whose", "of", spare=1),
            Column("days", "days"),
            Column("published", "published"),
            Column("published_low_fraction", "low", data_only=True),
            Column("published_high_fraction", "high", data_only=True),
            *band_columns("ours", "fraction", "ours"),
            Column("known", "known", spare=2),
            Column("source", "source", data_only=True),
        ]
    return [
        *lever_columns("must_sell", "must sell", percent),
    ]
