"""The table of how good the distributions of hashprice after the retarget were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.cli.forms import percent_one

if TYPE_CHECKING:
    from hashcanary.cli.output import Row, Table
    from hashcanary.store.record import Record
    from hashcanary.studies.after_retarget import Against, HashpriceOutcome, HashpriceScore

_BANDS = ("50", "80", "95")
_HELD, _CAME = "held", "as it came"


def table(record: Record, outcomes: list[HashpriceOutcome]) -> Table:
    """Coverage and scores by point, with the price held and as it came."""
    from hashcanary.cli.output import Column, Table

    rows = _rows(outcomes)
    columns = [
        Column("price", "price"),
        Column("point", "block"),
        Column("epochs", "epochs", spare=4),
        Column("crps_fraction", "CRPS", people=percent_one, spare=1),
        Column("median_error_fraction", "error", people=percent_one),
        Column("stays_error_fraction", "if it stays", people=percent_one, spare=2),
        Column("mempool_error_fraction", "mempool", people=percent_one, spare=3),
        *(Column(f"held_{name}", f"{name}% held", people=str) for name in _BANDS),
    ]
    return Table(
        columns,
        rows,
        title=f"Hashprice after the retarget and what came, as known at {record.at_text}",
        notes=_notes(record, outcomes),
        document=_document(record, outcomes),
        people_rows=[{**row, **_shares_for_people(row)} for row in rows],
    )


def _rows(outcomes: list[HashpriceOutcome]) -> list[Row]:
    from hashcanary.studies.after_retarget import hashprice_scores

    return [
        _row(price, score)
        for price, moving in ((_HELD, False), (_CAME, True))
        for score in hashprice_scores(outcomes, moving=moving)
    ]


def _row(price: str, score: HashpriceScore) -> Row:
    rivals: dict[str, Against | None] = {
        "stays": score.to_stays,
        "mempool": score.to_mempool,
        "price_alone": score.to_unchanged,
    }
    against = {
        f"score_less_{name}{suffix}_fraction": value
        for name, one in rivals.items()
        for suffix, value in (
            ("", None if one is None else one.difference),
            ("_standard_error", None if one is None else one.error),
        )
    }
    held = {
        f"held_{band}{suffix}": value
        for band, share in zip(_BANDS, score.held, strict=True)
        for suffix, value in (("", share.value), ("_low", share.low), ("_high", share.high))
    }
    return {
        "price": price,
        "point": score.point,
        "epochs": score.epochs,
        "crps_fraction": score.crps,
        "median_error_fraction": score.error,
        "stays_error_fraction": score.stays_error,
        "mempool_error_fraction": score.mempool_error,
        **against,
        **held,
    }


def _shares_for_people(row: Row) -> dict[str, object]:
    return {
        f"held_{band}": "{:.0%} ({:.0%}–{:.0%})".format(
            *(float(str(row[f"held_{band}{suffix}"])) for suffix in ("", "_low", "_high"))
        )
        for band in _BANDS
    }


def _span(outcomes: list[HashpriceOutcome]) -> tuple[int, int]:
    return min(one.time for one in outcomes), max(one.time for one in outcomes)


def _document(record: Record, outcomes: list[HashpriceOutcome]) -> dict[str, object]:
    from hashcanary.moments import iso_time
    from hashcanary.studies.calibration import INTERVAL

    first, last = _span(outcomes)
    return {
        "at": record.at_text,
        "network": record.network.name,
        "simulated": record.simulated,
        "first_epoch": iso_time(first),
        "last_epoch": iso_time(last),
        "unit": "fraction of the hashprice when asked",
        "interval": INTERVAL,
        "source": "blocks, fees and prices of the record, each from those known at its block",
        "provenance": record.provenance,
    }


def _notes(record: Record, outcomes: list[HashpriceOutcome]) -> list[str]:
    from hashcanary.moments import iso_day
    from hashcanary.views.text import SIMULATED

    first, last = _span(outcomes)
    notes = [SIMULATED] if record.simulated else []
    notes.append(
        f"Epochs that began {iso_day(first)} to {iso_day(last)}, each asked at a block of it, with "
        "nothing known after it, for hashprice on the first whole day after the retarget. Price "
        "held: judged at the price of then, by difficulty and fees alone."
    )
    notes.append(
        "Percent of the hashprice when asked. CRPS: score of the whole distribution, less is "
        "better; error: of its median, mean absolute, beside that of a hashprice that stays and of "
        "mempool.space's next difficulty at the price of then."
    )
    notes.append(
        "Held: share of epochs whose hashprice lay in the band, with the 95% interval that so many "
        "epochs leave; a calibrated band's share is what its name says."
    )
    return notes
