"""``hashcanary forecast hashprice``: hashprice and who is under water after the next retarget."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.forms import percent
from hashcanary.cli.numbers import price_of, seed_of
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Column, Row, Table
    from hashcanary.inference.retarget.after import AfterRetarget
    from hashcanary.store.record import Record
    from hashcanary.units import Unit

_EXAMPLES = """\
  hashcanary forecast hashprice
  hashcanary forecast hashprice --at 2025-11-25 --show rigs
  hashcanary forecast hashprice --price 70000 --json
"""
_DESCRIPTION = """\
What the next retarget does to hashprice, to the share of the hashrate under water
and to what a MWh earns, on the first whole day after it: medians and the central
50, 80 and 95% intervals of draws.

Twice: with the price held at the last one known, so that the difficulty and the
day's fees are all that moves, and with the price moving as it did over stretches
of the last four years, without drift. Also the price at which the retarget would
just be offset, the rigs that cross the line, and what each band comes from.

Only blocks, prices, rigs and power prices known at --at are used. Exits with 3
where no price of the last days, or the epoch's first block, is known.
"""
_TITLES = {
    "hashprice": "After the retarget at block {height}",
    "rigs": "The network's rigs before and after the retarget at block {height}",
    "variance": "What the bands after the retarget at block {height} come from",
}
_MEANINGS = {
    "hashprice": (),
    "rigs": (
        "Off at: price of bitcoin, USD, below which the rig does not pay at the network's median "
        "power price, with the difficulty of now, then with that after (95% bands). Pays: how "
        "probably it does at that power price.",
    ),
    "variance": ("Parts of the variance with the price moving (Shapley effects; within 1%).",),
}


def add_hashprice(parts: Commands, shared: Parser) -> None:
    """Declare the part of ``forecast``."""
    parser = add_command(
        parts,
        shared,
        "hashprice",
        run,
        summary="hashprice and the share under water after the next retarget",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--price",
        metavar="USD",
        help="price of bitcoin to start from and to hold, in place of the record's last one",
    )
    parser.add_argument(
        "--show",
        choices=tuple(_TITLES),
        default="hashprice",
        help="the table: the figures, the network's rigs, or what the bands come from "
        "(default: hashprice)",
    )
    parser.add_argument("--seed", metavar="N", default="1", help="of the draws (default: 1)")
    add_at(parser)


def run(args: argparse.Namespace) -> Exit:
    """Forecast and print."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.economics.supply.study import study_supply
    from hashcanary.inference.retarget.after import after_retarget
    from hashcanary.inference.retarget.forecast import forecast_retarget
    from hashcanary.inference.retarget.hashprice_basis import basis_of

    price, seed = price_of(args.price), seed_of(args.seed)
    record = open_record(args)
    forecast = forecast_retarget(record)
    basis = basis_of(record, forecast, price)
    found = after_retarget(forecast, study_supply(record, seed=seed), basis, seed)
    emit(_table(record, found, args.show), format_of(args))
    return Exit.DONE


def _table(record: Record, found: AfterRetarget, shown: str) -> Table:
    from hashcanary.cli.output import Table
    from hashcanary.report.after_retarget import sentences
    from hashcanary.report.after_rows import document, rows_of
    from hashcanary.views.text import SIMULATED

    rows = rows_of(found, shown)
    said = sentences(found)
    title = _TITLES[shown].format(height=found.forecast.retarget_height)
    return Table(
        _COLUMNS[shown](),
        rows,
        title=f"{title}, as known at {record.at_text}",
        notes=[*([SIMULATED] if record.simulated else []), *_MEANINGS[shown], *said],
        document={
            "at": record.at_text,
            "network": record.network.name,
            "simulated": record.simulated,
            **document(found),
            "sentences": said,
            "shown": shown,
            "provenance": record.provenance,
        },
        people_rows=_PEOPLE[shown](rows),
    )


_LEVELS = (
    ("median", "median", 0),
    ("low_50", "50% from", 2),
    ("high_50", "to", 2),
    ("low_80", "80% from", 3),
    ("high_80", "to", 3),
    ("low_95", "95% from", 0),
    ("high_95", "to", 0),
)


def _figure_columns() -> list[Column]:
    from hashcanary.cli.banded import resting
    from hashcanary.cli.output import Column

    return [
        Column("what", "what"),
        Column("when", "when"),
        Column("unit", "unit"),
        *(Column(name, title, people=str, spare=spare) for name, title, spare in _LEVELS),
        Column("mean", "mean", people=str, spare=1),
        *resting(),
    ]


def _figures_for_people(rows: Sequence[Row]) -> list[Row]:
    """The rows with their units as people write them, and a figure named once."""
    from hashcanary.units import EXAHASHES, FRACTION, USD_PER_BTC, USD_PER_MWH, USD_PER_PHS_DAY

    units = (EXAHASHES, FRACTION, USD_PER_BTC, USD_PER_MWH, USD_PER_PHS_DAY)
    by_name = {unit.suffix: unit for unit in units}
    told: list[Row] = []
    before: tuple[object, object] = ("", "")
    for row in rows:
        unit, own = by_name[str(row["unit"])], (row["what"], row["unit"])
        cells = {
            name: _cell(row.get(name), unit, signed="change" in str(row["what"]))
            for name in (*(name for name, _, _ in _LEVELS), "mean")
        }
        # a space: an empty cell would be shown as missing
        named = {"what": " ", "unit": " "} if own == before else {"unit": unit.symbol or "%"}
        when = str(row["when"]).removeprefix("after, ")
        told.append({**row, **cells, **named, "when": when})
        before = own
    return told


def _cell(value: object, unit: Unit, *, signed: bool) -> str | None:
    if value is None:
        return None
    number = float(str(value))
    if unit.percent:
        return f"{number * 100:{'+' if signed else ''}.1f}"
    return f"{number:,.2f}" if abs(number) < 100 and unit.suffix != "ehs" else f"{number:,.0f}"


def _rig_columns() -> list[Column]:
    from hashcanary.cli.banded import band_columns, resting
    from hashcanary.cli.output import Column

    return [
        Column("rig", "rig"),
        *band_columns("efficiency", "j_per_th", "J/TH", 2),
        *band_columns("off_at_now", "usd_per_btc", "off at now, USD", 1),
        *band_columns("off_at_after", "usd_per_btc", "off at after, USD", 0),
        Column("pays_now_probability", "pays now", people=_chance),
        Column("pays_after_price_held_probability", "after", people=_chance),
        Column("pays_after_price_moving_probability", "price moving", people=_chance, spare=3),
        Column("crosses", "crosses", people=lambda value: "yes" if value else ""),
        *resting(),
    ]


_FORMS = {
    ("efficiency", "j_per_th"): ".1f",
    ("off_at_now", "usd_per_btc"): ",.0f",
    ("off_at_after", "usd_per_btc"): ",.0f",
}


def _rigs_for_people(rows: Sequence[Row]) -> list[Row]:
    from hashcanary.cli.banded import with_bands

    return with_bands(rows, _FORMS, {})


def _part_columns() -> list[Column]:
    from hashcanary.cli.banded import resting
    from hashcanary.cli.output import Column

    return [
        Column("input", "input", data_only=True),
        Column("meaning", "what is uncertain", wide=True),
        Column("of_hashprice_variance_fraction", "of hashprice", people=percent),
        Column("of_under_water_variance_fraction", "of share under water", people=percent),
        *resting(),
    ]


def _chance(value: object) -> str:
    """A probability: draws cannot tell one beyond 99% from certainty."""
    share = float(str(value))
    return ">99%" if share > 0.99 else "<1%" if share < 0.01 else f"{share:.0%}"


_COLUMNS = {"hashprice": _figure_columns, "rigs": _rig_columns, "variance": _part_columns}
_PEOPLE: dict[str, Callable[[Sequence[Row]], list[Row]]] = {
    "hashprice": _figures_for_people,
    "rigs": _rigs_for_people,
    "variance": list,
}
