"""``hashcanary study supply``: what hashrate pays at which hashprice, and who is under water."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.assuming import stated_price
from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.forms import percent_one, three_digits, two_decimals, whole
from hashcanary.cli.numbers import seed_of
from hashcanary.errors import Exit, UsageError

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Column, Table
    from hashcanary.economics.machines.rigs import Catalogue
    from hashcanary.economics.supply.own import OwnFleet
    from hashcanary.economics.supply.study import SupplyStudy
    from hashcanary.store.record import Record

_EXAMPLES = """\
  hashcanary study supply
  hashcanary study supply --at 2022-11-25 --show rigs
  hashcanary study supply --power-price 0.06 --show own
  hashcanary study supply --fleet mine.toml --json
"""
_DESCRIPTION = """\
How much of the hashrate pays for its power at each hashprice; which part is under
water now; which rigs go next, and at what price of bitcoin; what moves that most.

Nobody knows which machines run and what they pay. Both are drawn from stated
priors: the fleet from release dates, growth of the hashrate, ageing and what paid;
power prices by region. Every share comes with the 95% band of the draws. A rig
released or a price published after --at is not used.

--fleet FILE lists your own machines and what you pay:

  power_price_usd_per_kwh = 0.052
  [[machines]]
  rig = "Antminer S19j Pro"
  count = 1200
"""
_TITLES = {
    "curve": "Hash supply curve",
    "rigs": "The network's rigs, the first to go on top",
    "assumptions": "What moves the share under water",
    "own": "Your machines on the network's supply curve",
}
_MEANINGS = {
    "curve": "Pays: of what ran when hashrate was highest in a year. Bitcoin: its price at that "
    "hashprice, difficulty and fees in bitcoin as now.",
    "rigs": "Share: of what runs. Off at: the hashprice, USD/PH/s/day, that pays for it at the "
    "network's median power price. Under water: of its machines, by what each pays for power.",
    "assumptions": "From, to: ends of the middle 60% of the draws. Under water: the mean among "
    "draws with the assumption in its lowest, then in its highest fifth.",
    "own": "Off at: USD/PH/s/day. What a pool, a site and overheads take is counted where the "
    "file says so.",
}
_SHOWN = ("curve", "rigs", "assumptions", "own")
# of the hashprice now, the points that people see
_PEOPLE_STEP = 3


def add(studies: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        studies,
        shared,
        "supply",
        run,
        summary="hashrate that pays at each hashprice; who is under water",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--show",
        choices=_SHOWN,
        help="the table: the curve, the network's rigs, what the share under water rests on, or "
        "your own machines (default: own with --fleet or --power-price, else curve)",
    )
    parser.add_argument(
        "--power-price",
        metavar="USD/KWH",
        help="your own contract: where the network's rigs would stand if they paid it; with "
        "--fleet, in place of the file's prices",
    )
    parser.add_argument("--fleet", metavar="FILE", help="your own machines, as TOML")
    parser.add_argument("--rigs", metavar="FILE", help="a catalogue of rigs, as TOML")
    parser.add_argument(
        *("--power-prices", "--prices"),
        metavar="FILE",
        help="what miners pay for power, as TOML",
    )
    parser.add_argument("--png", metavar="FILE", help="also write the curve as a picture")
    parser.add_argument("--seed", metavar="N", default="1", help="of the draws (default: 1)")
    add_at(parser)


def run(args: argparse.Namespace) -> Exit:
    """Study and print."""
    from pathlib import Path

    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.economics.machines.rigs import read_rigs
    from hashcanary.economics.power.prices import read_power_prices
    from hashcanary.economics.supply.study import study_supply

    price, seed = stated_price(args.power_price), seed_of(args.seed)
    catalogue = read_rigs(Path(args.rigs) if args.rigs else None)
    prices = read_power_prices(Path(args.power_prices) if args.power_prices else None)
    if args.show == "own" and args.fleet is None and price is None:
        raise UsageError(
            argument="--show",
            expected="your own machines with own",
            found=args.show,
            remedy="Give --fleet FILE or --power-price USD/KWH too.",
        )
    record = open_record(args)
    own = _own(args.fleet, catalogue, price, record.at)
    study = study_supply(record, catalogue, prices, seed=seed)
    if own is None and price is not None:
        own = _contract(study, price)
    shown = args.show or ("curve" if own is None else "own")
    emit(_table(record, study, shown, own), format_of(args))
    if args.png:
        from hashcanary.cli.reporting import write_picture
        from hashcanary.report.charts.supply import supply_picture

        write_picture(Path(args.png), supply_picture(study, simulated=record.simulated))
    return Exit.DONE


def _own(
    path: str | None, catalogue: Catalogue, price: float | None, at: int | None
) -> OwnFleet | None:
    from pathlib import Path

    from hashcanary.economics.supply.own import read_own_fleet

    return None if path is None else read_own_fleet(Path(path), catalogue, price, at)


def _contract(study: SupplyStudy, price: float) -> OwnFleet:
    """The rigs of the network as if they paid one price."""
    from hashcanary.economics.supply.own import own_rigs

    told = {one.name for one in study.rigs}
    rigs = tuple(rig for rig in study.supply.fleets.rigs if rig.name in told)
    return own_rigs(rigs, price)


def _table(record: Record, study: SupplyStudy, shown: str, own: OwnFleet | None) -> Table:
    from hashcanary.cli.banded import with_bands
    from hashcanary.cli.output import SIMULATED, Table
    from hashcanary.economics.supply.own import standing
    from hashcanary.report.supplying import document, own_sentence, rows_of, sentences

    stands = () if own is None else standing(own, study.supply)
    rows = rows_of(study, shown, stands)
    notes = [SIMULATED] if record.simulated else []
    if own is not None:
        notes.append(own_sentence(study, own, stands))
    return Table(
        _columns(shown),
        rows,
        title=f"{_TITLES[shown]}, as known at {record.at_text}",
        notes=[*notes, *sentences(study), _MEANINGS[shown]],
        document={
            "at": record.at_text,
            "network": record.network.name,
            "simulated": record.simulated,
            **document(study, stands),
            "shown": shown,
            "provenance": record.provenance,
        },
        people_rows=with_bands(rows[::_PEOPLE_STEP] if shown == "curve" else rows, _BANDS),
    )


# name, unit and form of figures whose limits people read in the same cell
_BANDS: dict[tuple[str, str], str] = {
    ("paying", "fraction"): ".0%",
    ("paying", "ehs"): ",.0f",
    ("efficiency", "j_per_th"): ".1f",
    ("share", "fraction"): ".0%",
    ("off_at", "usd_per_phs_day"): ",.1f",
    ("off_at", "usd_per_btc"): ",.0f",
    ("under_water", "fraction"): ".0%",
    ("cheaper", "fraction"): ".0%",
    ("margin", "fraction"): ".0%",
}


def _columns(shown: str) -> list[Column]:
    from hashcanary.cli.banded import band_columns, lever_columns, resting
    from hashcanary.cli.output import Column

    if shown == "curve":
        return [
            Column("hashprice_usd_per_phs_day", "USD/PH/s/day", people=two_decimals),
            Column("price_usd_per_btc", "bitcoin, USD", people=whole),
            *band_columns("paying", "fraction", "pays"),
            *band_columns("paying", "ehs", "EH/s", spare=2),
            *band_columns("under_water", "fraction", "under water", spare=3),
            Column("under_water_mean_fraction", "under water, mean", data_only=True),
            *resting(),
        ]
    if shown == "rigs":
        return [
            Column("rig", "rig"),
            *band_columns("efficiency", "j_per_th", "J/TH", spare=2),
            *band_columns("share", "fraction", "share", spare=1),
            *band_columns("off_at", "usd_per_phs_day", "off at"),
            *band_columns("off_at", "usd_per_btc", "bitcoin, USD", spare=3),
            *band_columns("under_water", "fraction", "under water"),
            *resting(),
        ]
    if shown == "assumptions":
        return [
            *lever_columns("under_water", "under water", percent_one),
            *resting(),
        ]
    return [
        Column("rig", "rig"),
        Column("hashrate_ths", "TH/s", people=whole, spare=4),
        Column("power_price_usd_per_kwh", "USD/kWh", people=three_digits, spare=2),
        *band_columns("efficiency", "j_per_th", "J/TH", spare=3),
        *band_columns("off_at", "usd_per_phs_day", "off at"),
        *band_columns("off_at", "usd_per_btc", "bitcoin, USD", spare=2),
        *band_columns("cheaper", "fraction", "cheaper"),
        Column("pays", "pays", people=lambda value: "yes" if value else "NO"),
        *band_columns("margin", "fraction", "margin", spare=5),
        *resting(),
    ]
