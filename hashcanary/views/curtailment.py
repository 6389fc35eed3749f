"""Whether block times show machines that are off by the hour, and by the price of power."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from hashcanary.studies.curtailment import (
    AFTERNOON,
    CLOCK,
    DEAR,
    NIGHT,
    QUIET,
    CurtailmentStudy,
    curtailment_study,
)
from hashcanary.units import COUNT, FRACTION, HOURS, P_VALUE, USD_PER_MWH
from hashcanary.views.answer import Answer, View, one_of
from hashcanary.views.table import Column, Row, Table, defined
from hashcanary.views.text import harmless, percent, with_ends

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.interval import Interval
    from hashcanary.store.record import Record

TABLES = ("years", "prices", "clocks")
_WEEKS = "95% of resampled weeks"
_WINDOWS = f"{AFTERNOON[0]} to {AFTERNOON[1]} h over {NIGHT[0]} to {NIGHT[1]} h"


def _change(name: str, title: str, spare: int = 0) -> Column:
    return Column(name, title, FRACTION, limits=_WEEKS, signed=True, spare=spare)


VIEW = View(
    "curtailment",
    "study curtailment",
    "Do block times show machines that are switched off by the hour, or by the price of power?",
    facts=(
        Column("since", "first year with a deficit beyond chance", text=str),
        Column("exposed", "of a region's hashrate, off on dear days", FRACTION, limits=_WEEKS),
        Column("region_share", "the region's part of the world's hashrate", FRACTION, "share"),
        Column("vendor", "vendor of the power prices", optional=True),
    ),
    tables={
        "years": defined(
            {
                "afternoons_fraction": f"blocks of {_WINDOWS}, less 1, weekdays of June to "
                f"September, by the clock of {CLOCK}",
                "weekends_fraction": "the same, of weekends",
                "others_fraction": "the same, of weekdays of the other months",
                "p_placebo": "share of clocks that are wrong by 3 to 21 hours which show a deficit "
                "as large, the true clock counted among them",
            },
            Column("year", "year", text=str),
            Column("days", "summer weekdays", COUNT),
            _change("afternoons", "summer afternoons"),
            Column("p_placebo", "placebo p", P_VALUE, text=lambda share: percent(share, 0)),
            _change("weekends", "weekends", spare=1),
            _change("others", "other months"),
        ),
        "prices": defined(
            {
                "change_fraction": f"hashrate of the day over that of days below {QUIET:g} USD/MWh "
                "within two weeks, less 1",
            },
            Column("low", "from", USD_PER_MWH),
            Column("high", "below", USD_PER_MWH, lambda one: None if one.high == inf else one.high),
            Column("days", "days", COUNT),
            _change("change", "hashrate"),
        ),
        "clocks": defined(
            {"deficit_fraction": "summer weekdays since the first year with a deficit"},
            Column("shift", "clock wrong by", HOURS, digits=0),
            Column("deficit", "afternoons", FRACTION, signed=True),
        ),
    },
)
_TITLES = {
    "years": "Afternoons against nights in Texas, by year",
    "prices": "Hashrate by the day's price of power",
    "clocks": "The same hours by clocks that are wrong",
}
_NOTES = {
    "years": f"Blocks of {_WINDOWS}, local time: a day compares its own hours, so that growth and "
    "difficulty do not count. Header times are off by minutes to two hours, which can only hide a "
    "part of a deficit.",
    "prices": "A storm lies over several grids, and machines are cut off as well as switched off: "
    "not all of a dear day's loss is the price's.",
    "clocks": "What a wrong clock shows is chance and other habits of the world's miners.",
}


def curtailment(record: Record, *, show: str = "years", power_prices: Path | None = None) -> Answer:
    """Whether afternoons of Texas and days of dear power have fewer blocks, as known then.

    show: the main table, one of ``TABLES``; power_prices: where the hashrate stands, a TOML file.
    Raises UsageError, BadFigures, NoWholeDays, NothingToMeasure.
    """
    from hashcanary.economics.power.prices import read_power_prices

    one_of("--show", show, TABLES)
    return answer(record, curtailment_study(record, read_power_prices(power_prices)), show)


def answer(record: Record, found: CurtailmentStudy, show: str = "years") -> Answer:
    """The answer of a study that was made."""
    rows: dict[str, list[Row]] = {
        "years": [one for one in found.years if one.days or one.others is not None],
        "prices": list(found.prices),
        "clocks": list(found.placebos.items()),
    }
    tables = {
        key: Table(
            key,
            _TITLES[key],
            VIEW.tables[key],
            rows[key],
            note=_NOTES[key],
            empty="The record has no prices of power." if key == "prices" else "Too few days.",
        )
        for key in TABLES
    }
    main = tables.pop(show)
    return Answer(
        VIEW,
        record,
        f"{main.title}, as known at {harmless(record.at_text)}",
        (main, *tables.values()),
        facts=VIEW.facts_of(found),
        sentences=sentences(found),
        result=found,
    )


def sentences(found: CurtailmentStudy) -> list[str]:
    """What a reader needs, without the tables."""
    lines = []
    summers = [one for one in found.years if one.afternoons is not None]
    if summers and summers[-1].afternoons is not None:
        last = summers[-1]
        lines.append(
            f"In the summer of {last.year} afternoons had {_fewer(summers[-1].afternoons)} blocks "
            f"as nights on weekdays; {_clocks(last.p_placebo)}."
        )
    if found.since is None:
        lines.append("No summer has a deficit of afternoons beyond chance.")
    else:
        lines.append(f"The first summer with a deficit beyond chance was that of {found.since}.")
    if found.exposed is not None and found.share is not None:
        lines.append(
            f"On days of {DEAR:g} USD/MWh or more, "
            f"{with_ends(found.exposed, lambda share: percent(share, 0))} of the region's hashrate "
            f"was off, if it has {percent(found.share, 0)} of the world's."
        )
    if not found.prices:
        lines.append("Missing: prices of power, so that only hours are compared.")
    return lines


def _fewer(change: Interval) -> str:
    return f"{with_ends(change.scaled(1), lambda share: percent(1 + share, 0))} as many"


def _clocks(p_placebo: float | None) -> str:
    if p_placebo is None:
        return "too few days to compare clocks"
    return f"{percent(p_placebo, 0)} of clocks show as large a deficit, the true one among them"
