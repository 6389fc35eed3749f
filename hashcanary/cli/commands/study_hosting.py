"""``hashcanary study hosting``: AI hosting against mining, and what leaves for good."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.assuming import stated_price
from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.numbers import number_of, part_of, seed_of
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Row, Table
    from hashcanary.economics.hosting.study import Asked, HostingStudy
    from hashcanary.economics.supply.after_exit import AfterExit
    from hashcanary.economics.supply.left_for_good import LeftForGood
    from hashcanary.store.record import Record

_EXAMPLES = """\
  hashcanary study hosting
  hashcanary study hosting --offer 180 --offer 250 --power-price 0.04
  hashcanary study hosting --show contracts --csv
  hashcanary study hosting --left-for-good 5%
"""
_DESCRIPTION = """\
What a MWh earns from hosting AI, by published contracts, against what it earns in
mining; what share of the hashrate would leave at a rent; what follows for those who
stay if a part left for good.

A rent is USD per MWh of critical IT load, owed for what is reserved; the tenant pays
for power. After the site's own costs, the building and the months without income it
is put beside mining's margin, both a MWh of the grid connection. A site leaves where
the rent beats mining, and it can. Machines, power prices and all assumptions are
draws of stated priors (economics/hosting/hosting.toml); every share comes with the 95% band
of the draws. A contract published after --at is not used.

Contracts in which the host buys the computers too are shown apart and never counted.
"""
_TITLES = {
    "offers": "What a rent for AI would take",
    "contracts": "Published hosting contracts",
    "assumptions": "What moves the share that would leave",
    "left": "What follows where a part leaves for good",
}
_MEANINGS = {
    "offers": "Rent: of critical IT. Margin: of the median site, USD/MWh of the grid connection, "
    "after its costs and the building. Beats mining: of the hashrate, could all take it. Leaves: "
    "of it, what can, less machines that run again elsewhere.",
    "contracts": "USD/MWh: of critical IT, then of the grid connection, then what is left of it "
    "after the site's costs and the building. Capex: who pays for the building. Another reading "
    "of a contract, rents with power in them, buildings paid by the tenant and GPUs bought by "
    "the host are not counted among offers.",
    "assumptions": "From, to: ends of the middle 60% of the draws. Leaves: the mean among draws "
    "with the assumption in its lowest, then in its highest fifth.",
    "left": "Alone: nobody comes back. Changes after idle machines have come back to the higher "
    "hashprice. Price and fees in bitcoin are held.",
}
_SHOWN = tuple(_TITLES)
# of rents nobody asked about, those that people see
_PEOPLE_EVERY, _PEOPLE_MOST = 40.0, 400.0
_USUAL_PARTS = (0.01, 0.02, 0.05, 0.1, 0.2)


def add(studies: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        studies,
        shared,
        "hosting",
        run,
        summary="AI hosting against mining; what share of the hashrate would leave",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--offer",
        metavar="USD/MWH",
        action="append",
        help="a rent to ask about, of critical IT, power paid by the tenant; may be repeated; the "
        "first is what the sensitivity is of (default: the middle of the known contracts)",
    )
    parser.add_argument(
        "--left-for-good",
        metavar="PCT",
        help="a part of the hashrate that leaves and does not come back, such as 5%%: what follows",
    )
    parser.add_argument(
        "--who",
        choices=("proportional", "dearest", "cheapest"),
        default="proportional",
        help="whose machines leave for good: dear and cheap alike (default), those that cost most "
        "to run, or those that cost least",
    )
    parser.add_argument(
        "--power-price", metavar="USD/KWH", help="your own: the rent that equals mining for you"
    )
    parser.add_argument("--contracts", metavar="FILE", help="contracts and assumptions, as TOML")
    parser.add_argument(
        "--show",
        choices=_SHOWN,
        help="the table (default: left with --left-for-good, else offers)",
    )
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
    from hashcanary.economics.hosting.contracts import read_hosting
    from hashcanary.economics.hosting.study import study_hosting
    from hashcanary.economics.machines.rigs import read_rigs
    from hashcanary.economics.power.prices import read_power_prices
    from hashcanary.economics.supply.after_exit import after_exit

    asked, seed, parts = _asked(args), seed_of(args.seed), _parts(args)
    figures = read_hosting(Path(args.contracts) if args.contracts else None)
    catalogue = read_rigs(Path(args.rigs) if args.rigs else None)
    prices = read_power_prices(Path(args.power_prices) if args.power_prices else None)
    record = open_record(args)
    study = study_hosting(record, figures, catalogue, prices, asked=asked, seed=seed)
    left = tuple(after_exit(study.supply.supply, one) for one in parts)
    shown = args.show or ("left" if args.left_for_good else "offers")
    own = next((one for one in left if one.left == _left(args)), None)
    emit(_table(record, study, shown, left, own), format_of(args))
    if args.png:
        from hashcanary.cli.reporting import write_picture
        from hashcanary.report.charts.hosting import hosting_picture

        write_picture(Path(args.png), hosting_picture(study, simulated=record.simulated))
    return Exit.DONE


def _asked(args: argparse.Namespace) -> Asked:
    from hashcanary.economics.hosting.study import Asked

    price = stated_price(args.power_price)
    return Asked(tuple(number_of(one) for one in args.offer or ()), price)


def _parts(args: argparse.Namespace) -> tuple[LeftForGood, ...]:
    """The parts to tell of, ascending."""
    from hashcanary.economics.supply.left_for_good import LeftForGood

    usual = tuple(LeftForGood(part, args.who) for part in _USUAL_PARTS)
    asked = _left(args)
    if asked is None:
        return usual
    return tuple(sorted({*usual, asked}, key=lambda one: one.fraction))


def _left(args: argparse.Namespace) -> LeftForGood | None:
    """The part asked for."""
    from hashcanary.economics.supply.left_for_good import LeftForGood

    if args.left_for_good is None:
        return None
    return LeftForGood(part_of("--left-for-good", args.left_for_good), args.who)


def _table(
    record: Record,
    study: HostingStudy,
    shown: str,
    left: tuple[AfterExit, ...],
    own: AfterExit | None,
) -> Table:
    from hashcanary.cli.hosting_tables import columns, for_people
    from hashcanary.cli.output import Table
    from hashcanary.economics.draws import BAND_TEXT
    from hashcanary.report import diverting, diverting_rows
    from hashcanary.views.text import SIMULATED

    rows = {
        "offers": lambda: diverting_rows.offer_rows(study),
        "contracts": lambda: diverting_rows.contract_rows(study),
        "assumptions": lambda: diverting_rows.lever_rows(study),
        "left": lambda: diverting_rows.left_rows(left),
    }[shown]()
    resting = {"interval": BAND_TEXT, "rests_on": diverting.rests_on(study)}
    rows = [{**row, **resting} for row in rows]
    notes = [SIMULATED] if record.simulated else []
    if own is not None:
        notes += diverting.left_sentences(study, own)
    return Table(
        columns(shown),
        rows,
        title=f"{_TITLES[shown]}, as known at {record.at_text}",
        notes=[*notes, *diverting.sentences(study, shown), _MEANINGS[shown]],
        document={
            "at": record.at_text,
            "network": record.network.name,
            "simulated": record.simulated,
            **diverting.document(study, left),
            "left_sentences": diverting.left_sentences(study, own) if own else [],
            "shown": shown,
            "provenance": record.provenance,
        },
        people_rows=for_people(_chosen(rows, study) if shown == "offers" else rows),
    )


def _chosen(rows: Sequence[Row], study: HostingStudy) -> list[Row]:
    """Few rents of the curve, those asked about and the middle of the contracts."""
    from hashcanary.economics.hosting.study import OFFERS

    def told(rent: float) -> bool:
        asked = rent not in OFFERS or rent == study.reference_usd_per_mwh
        return asked or (rent % _PEOPLE_EVERY == 0 and rent <= _PEOPLE_MOST)

    return [row for row in rows if told(float(str(row["rent_usd_per_mwh"])))]
