"""AI hosting against mining on the real record: contracts, what rents would take, what follows.

``--write`` also writes the tables into docs/hosting.md.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from inference_page import PAGE, write_part
from retarget_forecast import record

from hashcanary.economics.hosting.study import DRAWS, HostingStudy, study_hosting
from hashcanary.economics.supply.curve import LeftForGood, after_exit
from hashcanary.moments import DAY, day_start, iso_day
from hashcanary.views.hosting import VIEW
from hashcanary.views.table import Table

if TYPE_CHECKING:
    from hashcanary.interval import Interval
    from hashcanary.store.record import Record

# moments told of: before the halving of 2024, the first contract, and since
DAYS = ("2024-04-01", "2024-06-30", "2024-12-31", "2025-08-31", "2025-12-31", "2026-02-02")
RENTS = (120.0, 160.0, 200.0, 240.0, 280.0, 360.0)
PARTS = (0.01, 0.05, 0.1, 0.2)
_LEVERS = 8


def at(whole: Record, text: str) -> HostingStudy:
    """The study as known at the end of a day."""
    return study_hosting(cut(whole, day_start(date.fromisoformat(text)) + DAY))


def cut(whole: Record, moment: int) -> Record:
    """What of a record was known at a moment, Unix seconds."""
    import polars as pl

    from hashcanary.store.record import Record as Cut

    known = pl.col("known_at") <= moment
    return Cut(
        moment,
        iso_day(moment - 1),
        whole.network,
        whole.simulated,
        whole.blocks.filter(known),
        whole.daily.filter(known),
        whole.candles.filter(known),
        whole.provenance,
    )


def moments(studies: dict[str, HostingStudy]) -> str:
    """Both sides at each moment as a table."""
    lines = [
        "| day | hashprice, USD/PH/s/day | mining earns, USD/MWh | after power and site | worth "
        "over a contract | contracts' rent, USD/MWh of critical IT | rent that equals mining | the "
        "same where mining leaves nothing | would leave at the contracts' rent | could at any | "
        "contracts' connection, GW | mining draws, GW |",
        "|" + "---|" * 12,
    ]
    for text, one in studies.items():
        rent = one.typical_usd_per_mwh
        point = next(
            each for each in one.offers if each.rent_usd_per_mwh == one.reference_usd_per_mwh
        )
        lines.append(
            f"| {text} | {one.supply.market.hashprice_usd_per_phs_day:.1f} | "
            f"{_band(one.mining_revenue_usd_per_mwh)} | {_band(one.mining_margin_usd_per_mwh)} | "
            f"{_band(one.mining_even_usd_per_mwh)} | "
            f"{'none' if rent is None else f'{rent:.0f}'} | "
            f"{_band(one.break_even.median_usd_per_mwh)} | "
            f"{_band(one.break_even.no_margin_usd_per_mwh)} | "
            f"{'at 166: ' if rent is None else ''}{_percent(point.leaves)} | "
            f"{_percent(one.could)} | {one.contracted_mw.value / 1e3:.1f} | "
            f"{_band(one.mining_mw, 1e3, '.1f')} |"
        )
    return "\n".join(lines)


def contracts(study: HostingStudy) -> str:
    """The contracts as a table."""
    lines = [
        "| published | host | tenant | | years | USD/MWh of critical IT | USD/kW-month | USD/MWh "
        "of connection | left after site and building | counted |",
        "|" + "---|" * 10,
    ]
    table = Table("contracts", "", VIEW.tables["contracts"], study.contracts)
    for row, one in zip(table.records(), study.contracts, strict=True):
        lines.append(
            f"| {row['published']} | {row['host']} | {row['tenant']} | {row['what']} | "
            f"{one.contract.years:.0f} | {_band(one.rent_usd_per_mwh)} | "
            f"{_band(one.rent_usd_per_kw_month)} | {_band(one.at_meter_usd_per_mwh)} | "
            f"{_band(one.margin_usd_per_mwh)} | {row['counted_or_why_not']} |"
        )
    return "\n".join(lines)


def curve(study: HostingStudy) -> str:
    """What rents would take, as a table."""
    lines = [
        "| rent, USD/MWh of critical IT | USD/kW-month | even margin, USD/MWh of connection | "
        "beats mining, of the hashrate | would leave | mean | EH/s |",
        "|" + "---|" * 7,
    ]
    told = {*RENTS, study.typical_usd_per_mwh}
    lines += [
        f"| {one.rent_usd_per_mwh:.0f} | {one.rent_usd_per_kw_month:.0f} | "
        f"{_band(one.margin_usd_per_mwh)} | {_percent(one.beaten)} | "
        f"{_percent(one.leaves)} | {one.leaves_mean:.1%} | {_band(one.leaves_ehs)} |"
        for one in study.offers
        if one.rent_usd_per_mwh in told
    ]
    return "\n".join(lines)


def levers(study: HostingStudy) -> str:
    """What moves the share most, as a table."""
    lines = [
        "| assumption | from | to | would leave at | at | of variance |",
        "|" + "---|" * 6,
    ]
    lines += [
        f"| {one.meaning} | {one.low:.3g} | {one.high:.3g} | {one.at_low:.1%} | "
        f"{one.at_high:.1%} | {one.part:.0%} |"
        for one in study.levers[:_LEVERS]
    ]
    return "\n".join(lines)


def left(study: HostingStudy) -> str:
    """What follows where a part leaves for good, as a table."""
    lines = [
        "| left | difficulty, nobody back | hashprice, nobody back | difficulty | hashprice | "
        "returns, of the hashrate | underwater before | after |",
        "|" + "---|" * 8,
    ]
    for part in PARTS:
        one = after_exit(study.supply.supply, LeftForGood(part))
        lines.append(
            f"| {part:.0%} | {one.difficulty_change_alone:+.2%} | "
            f"{one.hashprice_change_alone:+.2%} | {_percent(one.difficulty_change, '+.1%')} | "
            f"{_percent(one.hashprice_change, '+.1%')} | {_percent(one.returned)} | "
            f"{_percent(one.underwater_before, '.0%')} | {_percent(one.underwater, '.0%')} |"
        )
    return "\n".join(lines)


def _band(band: Interval, scale: float = 1.0, form: str = ".0f") -> str:
    value, low, high = (format(one / scale, form) for one in band.three)
    return value if low == value == high else f"{value} ({low} to {high})"


def _percent(band: Interval, form: str = ".1%") -> str:
    return f"{band.value:{form}} ({band.low:{form}} to {band.high:{form}})"


def report() -> str:
    """The page's part."""
    whole = record()
    start = time.perf_counter()
    studies = {text: at(whole, text) for text in DAYS}
    seconds = (time.perf_counter() - start) / len(DAYS)
    last = studies[DAYS[-1]]
    return f"""Measured on {datetime.now(UTC):%d %B %Y}; a study of {DRAWS:,} draws takes
{seconds:.1f} seconds, metrics and supply curve included. Bands: 95% of draws of the priors. The
median site's figures are told, all a MWh of the grid connection where nothing else is said.

Both sides as known on some days:

{moments(studies)}

Contracts known on {DAYS[-1]}:

{contracts(last)}

What a rent would take on {DAYS[-1]}:

{curve(last)}

What moves the share at {last.reference_usd_per_mwh:.0f} USD/MWh most; the mean among draws with
the assumption in its lowest, then in its highest fifth:

{levers(last)}

What follows where a part of the hashrate leaves for good, dear and cheap machines alike; price and
fees in bitcoin are held:

{left(last)}
"""


def main() -> int:
    """Print, and write where asked to."""
    text = report()
    sys.stdout.write(text)
    if "--write" in sys.argv[1:]:
        write_part("hosting_record", "On the real record", text, PAGE.with_name("hosting.md"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
