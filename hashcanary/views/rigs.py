"""The catalogue of mining machines, with the source of each figure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hashcanary.economics.machines.rigs import RELEASE_MEANINGS, read_rigs
from hashcanary.moments import iso_day
from hashcanary.units import DATE, FRACTION, J_PER_TH, TERAHASHES, UNIX_TIME, WATTS
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Column, Table, defined
from hashcanary.views.text import count, day, percent

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.economics.machines.rigs import Rig

_NAMEPLATES = "figures of all sources, each lower and higher by the nameplates' spread"


def _month(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%b %Y}"


VIEW = View(
    "rigs",
    "rigs",
    "Which machines mine, how efficient are they, and since when were they sold?",
    facts=(
        Column("sold_by", "first sold before", UNIX_TIME),
        Column("nameplate_spread", "how far off a nameplate may be", FRACTION),
    ),
    tables={
        "rigs": defined(
            {"released": "first day of the month of first sale"},
            Column("rig", "rig", get="name"),
            Column("maker", "maker", spare=4),
            Column("hashrate", "hashrate", TERAHASHES, "hashrate_ths", digits=3),
            Column("power", "power", WATTS, "power_w", digits=3, spare=3),
            Column(
                "efficiency",
                "efficiency",
                J_PER_TH,
                "nameplate_j_per_th",
                _NAMEPLATES,
                level=None,
                digits=3,
            ),
            Column("released", "first sold", DATE, text=_month),
            Column("released_low", "earliest", DATE, lambda rig: rig.released_band[0], hidden=True),
            Column("released_high", "latest", DATE, lambda rig: rig.released_band[1], hidden=True),
            Column("release", "date is", spare=1, definition="how its month of sale is known"),
            Column("cooling", "cooling", spare=5),
            Column("assumed", "figures assumed", hidden=True),
            Column("sources", "sources", hidden=True),
            Column("note", "note", hidden=True),
        ),
    },
    more={
        "file": "where the catalogue is from",
        "release": "what each way of dating a release means",
        "other_figures": "figures of other sources that differ",
    },
)


def rigs(*, at: int | None = None, rigs: Path | None = None) -> Answer:
    """The machines of a catalogue; it needs no record.

    at: Unix seconds, only machines whose month of first sale had begun by then. rigs: a TOML file
    in place of the built-in one, or added to it. Raises BadFigures, NoRigYet.
    """
    catalogue = read_rigs(rigs)
    listed = catalogue.rigs if at is None else catalogue.released_by(at)
    spread = listed[0].nameplate_spread
    # a date means its end: the second before lies in it
    when = "" if at is None else f" first sold by {day(at - 1)}"
    known = {rig.release for rig in listed}
    return Answer(
        VIEW,
        None,
        f"{count(len(listed), 'rig')}{when} ({catalogue.file})",
        (Table("rigs", "Mining machines", VIEW.tables["rigs"], listed),),
        facts={"nameplate_spread": spread} | ({} if at is None else {"sold_by": at}),
        more={
            "file": catalogue.file,
            "release": dict(RELEASE_MEANINGS),
            "other_figures": [each for rig in listed for each in _others(rig)],
        },
        sentences=[
            f"Limits of the efficiency: all sources' figures, each {percent(spread, 0)} lower and "
            "higher, since a nameplate is no measurement.",
            *(
                f"{key.capitalize()}: {text}."
                for key, text in RELEASE_MEANINGS.items()
                if key in known
            ),
            "--json and --csv have the source of each rig, --json what other sources print.",
        ],
        result=listed,
    )


def _others(rig: Rig) -> list[dict[str, object]]:
    return [
        {
            "rig": rig.name,
            other.name: iso_day(int(other.value)) if other.name == "released" else other.value,
            "source": other.source,
        }
        for other in rig.others
    ]
