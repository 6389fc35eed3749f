"""How good the forecasts of the retarget, and of hashprice after it, were: every epoch anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.studies.after_retarget import hashprice_outcomes, hashprice_scores
from hashcanary.studies.calibration import INTERVAL, reliability, retarget_outcomes, scores
from hashcanary.units import COUNT, FRACTION, RATIO, UNIX_TIME
from hashcanary.views.answer import Answer, View, one_of
from hashcanary.views.table import Cell, Column, Row, Table, defined
from hashcanary.views.text import day, decimals

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from hashcanary.interval import Interval
    from hashcanary.store.record import Record
    from hashcanary.studies.after_retarget import Against, HashpriceOutcome
    from hashcanary.studies.calibration import PointScore, RetargetOutcome


OF = ("retarget", "hashprice")
TABLES = ("scores", "reliability")
_LEVELS = (50, 80, 95)
_ERROR = "its standard error over epochs"
_EPOCHS = (
    Column("block", "block", COUNT, definition="of the epoch, at which the forecast was made"),
    Column("epochs", "epochs", COUNT, spare=3),
)
_HELD = tuple(
    Column(
        f"held_{level}",
        f"in {level}% interval",
        FRACTION,
        limits=INTERVAL,
        digits=0,
        spare=int(level == 80),
        definition=f"share of epochs whose outcome lay in the central {level}% interval",
    )
    for level in _LEVELS
)

VIEW = View(
    "calibration",
    "study calibration",
    "How good were the forecasts of the retarget, and of hashprice after it?",
    facts=(
        Column("first_epoch", "first block of the first epoch", UNIX_TIME),
        Column("last_epoch", "first block of the last epoch", UNIX_TIME),
    ),
    tables={
        "retarget": defined(
            {
                "error_fraction": "mean absolute error of the median, relative change of "
                "difficulty",
                "crps_to_beta_law_ratio": "continuous ranked probability score over the "
                "constant-rate law's",
            },
            Column("retarget", "retarget"),
            *_EPOCHS,
            Column("error", "error", FRACTION, digits=2),
            Column(
                "unchanged_error",
                "if unchanged",
                FRACTION,
                definition="error of a difficulty that does not change",
                digits=2,
                spare=1,
            ),
            Column("naive_error", "of the mean interval so far", FRACTION, hidden=True),
            Column("mempool_error", "of mempool.space's rule", FRACTION, hidden=True),
            Column("discount_filter_error", "of a discount filter", FRACTION, hidden=True),
            Column("error_to_mempool", "/ mempool", RATIO, digits=3, optional=True),
            Column("crps_to_beta_law", "CRPS / Beta", RATIO, digits=3, optional=True, spare=2),
            Column("width_80", "mean width of the 80% interval", FRACTION, hidden=True),
            *_HELD,
        ),
        "hashprice": defined(
            {
                "crps_fraction": "continuous ranked probability score, of hashprice at the "
                "forecast",
                "stays_error_fraction": "error of a hashprice that does not change",
                "mempool_error_fraction": "error of mempool.space's difficulty at the price of the "
                "forecast",
            },
            Column("price", "price"),
            *_EPOCHS,
            Column("crps", "CRPS", FRACTION, spare=1),
            Column("error", "error", FRACTION, definition="mean absolute error of the median"),
            Column("stays_error", "if it stays", FRACTION, spare=2),
            Column("mempool_error", "mempool", FRACTION, spare=4),
            *(
                column
                for rival, title in (
                    ("stays", "a hashprice that stays"),
                    ("mempool", "mempool.space's rule"),
                    ("price_alone", "the price's distribution alone"),
                )
                for column in (
                    Column(f"crps_less_{rival}", f"CRPS less {title}'s", FRACTION, hidden=True),
                    Column(f"crps_less_{rival}_standard_error", _ERROR, FRACTION, hidden=True),
                )
            ),
            *_HELD,
        ),
        "reliability": defined(
            {
                "forecast_from_fraction": "lower end of the range of forecast probabilities",
                "z_ratio": "observed less mean forecast, over its standard deviation were the "
                "forecasts right",
            },
            Column("event", "event"),
            _EPOCHS[0],
            Column("forecast_from", "forecast probability", FRACTION, digits=0),
            Column("forecast_to", "to", FRACTION, digits=0, definition="its upper end"),
            Column("forecasts", "n", COUNT),
            Column("mean_forecast", "mean forecast", FRACTION),
            Column("observed", "observed frequency", FRACTION, limits=INTERVAL, digits=0),
            Column("z", "z-score", RATIO, text=decimals(1, signed=True)),
        ),
    },
)
_TITLES = {
    "retarget": "Forecasts of the retarget and outcomes",
    "hashprice": "Forecasts of hashprice after the retarget and outcomes",
    "reliability": "Reliability of the probability of a decrease",
}
_SHARES = (
    "In an interval: share of epochs with its exact 95% interval, epochs taken as independent; of "
    "calibrated intervals it is their own probability."
)
_NOTES = {
    "retarget": "Error: mean absolute error of the median, relative change of difficulty; if "
    "unchanged: that of no change at all; / mempool: over that of mempool.space's rule. CRPS / "
    "Beta: score of the distribution over the constant-rate Beta law's; below 1 is better. "
    f"{_SHARES}",
    "hashprice": "Percent of hashprice at the forecast. Price held: outcomes at the price of the "
    "forecast, so that only difficulty and fees count. CRPS: score of the distribution, less is "
    "better; error: mean absolute, of the median, of a hashprice that stays, and of "
    f"mempool.space's next difficulty at the price of the forecast. {_SHARES}",
    "reliability": "Observed frequency: with its exact 95% interval, epochs taken as independent. "
    "z-score: beyond ±2 for one row in 20 of calibrated forecasts.",
}


def calibration(
    record: Record,
    *,
    of: str = "retarget",
    show: str = "scores",
    start: int | None = None,
    end: int | None = None,
) -> Answer:
    """Every forecast of the record made anew with what was known then, and what came.

    of: one of ``OF``; show: the main table, one of ``TABLES``; start, end: Unix seconds, only
    epochs whose first block lies in between. Raises UsageError, NoWholeEpochs, NoHashprice,
    NoBlocksToObserve, NothingObserved, NoRetargets.
    """
    one_of("--of", of, OF)
    one_of("--show", show, TABLES)
    whole = start is None and end is None
    if of == "retarget":
        retargets = (
            record.once(retarget_outcomes)
            if whole
            else retarget_outcomes(record, start=start, end=end)
        )
        times, tables = [each.time for each in retargets], retarget_tables(retargets)
    else:
        hashprices = (
            record.once(hashprice_outcomes)
            if whole
            else hashprice_outcomes(record, start=start, end=end)
        )
        times, tables = [each.time for each in hashprices], hashprice_tables(hashprices)
    first, last = min(times), max(times)
    main, other = tables if show == "scores" else reversed(tables)
    return Answer(
        VIEW,
        record,
        f"{main.title}, as known at {record.at_text}",
        (main, other),
        facts={"first_epoch": first, "last_epoch": last},
        sentences=[
            f"Epochs that began {day(first)} to {day(last)}. Each forecast was made at a block of "
            "its epoch, from what was known then."
        ],
    )


def _table(key: str, rows: list[Row]) -> Table:
    return Table(key, _TITLES[key], VIEW.tables[key], rows, note=_NOTES[key])


def retarget_tables(outcomes: list[RetargetOutcome]) -> tuple[Table, Table]:
    """Scores by retarget and block, and the reliability of the probability of a decrease."""
    import numpy as np

    rows: list[Row] = []
    judged: list[Row] = []
    for score in scores(outcomes):
        rows += _retarget_rows(score)
        part = [each for each in outcomes if each.point == score.point]
        judged += _reliability(
            "lower difficulty",
            score.point,
            np.array([each.decrease for each in part]),
            np.array([each.came <= 0 for each in part]),
        )
    return _table("retarget", rows), _table("reliability", judged)


def _retarget_rows(score: PointScore) -> list[Row]:
    first = {
        "retarget": "next",
        "block": score.point,
        "epochs": score.epochs,
        "error": score.error,
        "unchanged_error": score.unchanged_error,
        "naive_error": score.naive_error,
        "mempool_error": score.mempool_error,
        "discount_filter_error": score.discount_error,
        "error_to_mempool": score.ratio,
        "crps_to_beta_law": score.score_ratio,
        "width_80": score.width_80,
        **_held(score.held),
    }
    second = dict.fromkeys(first) | {
        "retarget": "second",
        "block": score.point,
        "epochs": score.second_epochs,
        "error": score.second_error,
        "unchanged_error": score.second_unchanged_error,
        **_held(score.second_held),
    }
    return [first, second] if score.second_epochs else [first]


def _held(held: tuple[Interval, ...]) -> Mapping[str, Cell]:
    return {f"held_{level}": share for level, share in zip(_LEVELS, held, strict=False)}


def hashprice_tables(outcomes: list[HashpriceOutcome]) -> tuple[Table, Table]:
    """Scores by price and block, and the reliability of the probability of a lower hashprice."""
    import numpy as np

    rows: list[Row] = []
    judged: list[Row] = []
    for price, moving in (("held", False), ("as it came", True)):
        for score in hashprice_scores(outcomes, moving=moving):
            rivals = {
                "stays": score.to_stays,
                "mempool": score.to_mempool,
                "price_alone": score.to_unchanged,
            }
            rows.append(
                {
                    "price": price,
                    "block": score.point,
                    "epochs": score.epochs,
                    "crps": score.crps,
                    "error": score.error,
                    "stays_error": score.stays_error,
                    "mempool_error": score.mempool_error,
                    **_against(rivals),
                    **_held(score.held),
                }
            )
            part = [
                each.moving if moving else each.held
                for each in outcomes
                if each.point == score.point
            ]
            judged += _reliability(
                f"lower hashprice, price {price}",
                score.point,
                np.array([each.decrease for each in part]),
                np.array([each.came < 1 for each in part]),
            )
    return _table("hashprice", rows), _table("reliability", judged)


def _against(rivals: Mapping[str, Against | None]) -> Mapping[str, Cell]:
    return {
        f"crps_less_{name}{suffix}": None if rival is None else getattr(rival, attribute)
        for name, rival in rivals.items()
        for suffix, attribute in (("", "difference"), ("_standard_error", "error"))
    }


def _reliability(
    event: str, block: int, forecast: NDArray[np.float64], came: NDArray[np.bool_]
) -> list[Row]:

    return [
        (event, block, row.low, row.high, row.count, row.mean, row.observed, row.z)
        for row in reliability(forecast, came)
    ]
