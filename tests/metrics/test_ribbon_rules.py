"""The rules of hash ribbons on series made by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from hashcanary.metrics.catalogue import ribbon

INVERTED, NORMAL, GAP = "inverted", "normal", None


def states(text: str) -> pl.DataFrame:
    """One row a letter: i inverted, n normal, . missing."""
    named = {"i": INVERTED, "n": NORMAL, ".": GAP}
    return pl.DataFrame({"ribbon.state": [named[letter] for letter in text]})


def with_price(text: str, momentum: str) -> pl.DataFrame:
    """+ where the price's 10-day mean is above its 20-day mean, - below, . missing."""
    short = {"+": 2.0, "-": 0.5, ".": None}
    frame = states(text)
    recovered = ribbon.recovery(frame)["value"].alias("ribbon.recovery")
    return frame.with_columns(
        recovered,
        pl.Series("price.sma10", [short[letter] for letter in momentum], dtype=pl.Float64),
        pl.lit(1.0).alias("price.sma20"),
    )


def marks(frame: pl.DataFrame) -> str:
    named = {True: "B", False: "-", None: "."}
    return "".join(named[value] for value in frame["value"])


def test_the_state_is_inverted_below_nothing_only() -> None:
    frame = pl.DataFrame({"ribbon.oscillator": [0.01, 0.0, -0.001, None]})
    assert ribbon.state(frame)["value"].to_list() == [NORMAL, NORMAL, INVERTED, None]


def test_yesterdays_state_is_the_row_before() -> None:
    assert ribbon.STATE_YESTERDAY.compute(states("ni."))["value"].to_list() == [
        None,
        NORMAL,
        INVERTED,
    ]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("nniiinni", [0, 0, 1, 2, 3, 0, 0, 1]),
        # begun before the record, or within a gap: not known for how long
        ("iin", [None, None, 0]),
        ("n.iin", [0, None, None, None, 0]),
        ("..nii.i", [None, None, 0, 1, 2, None, None]),
    ],
)
def test_days_inverted(text: str, days: list[int | None]) -> None:
    assert ribbon.days_inverted(states(text))["value"].to_list() == days


def test_a_recovery_is_the_day_of_crossing_back() -> None:
    found = ribbon.recovery(states("niinn.nin"))["value"].to_list()
    assert found == [None, False, False, True, False, None, None, False, True]


@pytest.mark.parametrize(
    ("text", "momentum", "state_signals", "cross_signals"),
    [
        # momentum already positive on the day of recovery: a state at once, a cross never
        ("nniinnnn", "++++++++", "----B---", "--------"),
        # momentum turns positive two days after: both, once
        ("nniinnnn", "------++", "------B-", "------B-"),
        # turns positive, negative, positive: the state is first met at once
        ("nniinnnn", "++++++-+", "----B---", "-------B"),
        # a new inversion before momentum turns disarms
        ("iinniinn", "------++", "------B-", "------B-"),
        ("iinniiii", "----++++", "--------", "--------"),
        # momentum never counts without a recovery
        ("nnnnnnnn", "--++--++", "--------", "--------"),
        # a gap ends the waiting: what was missed is not made up for
        ("iinn.nnn", "------++", "----.---", "----.---"),
        # a price that is not known leaves open whether the signal fired
        ("iinnnn", "---.++", "---.B-", "---..-"),
    ],
)
def test_buy_signals(text: str, momentum: str, state_signals: str, cross_signals: str) -> None:
    frame = with_price(text, momentum)
    assert marks(ribbon.buy(fresh=False)(frame)) == state_signals
    assert marks(ribbon.buy(fresh=True)(frame)) == cross_signals


def test_the_oscillator_compares_thirty_days_with_sixty() -> None:
    rates = np.concatenate([np.full(30, 100.0), np.full(30, 80.0)])
    short = pl.Series(rates).rolling_mean(30)
    long = pl.Series(rates).rolling_mean(60)
    found = ribbon.oscillator(
        pl.DataFrame(
            {
                "hashrate.sma30": short,
                "hashrate.sma30.effective_blocks": np.full(60, 4320.0),
                "hashrate.sma60": long,
            }
        )
    )
    last = found.row(-1, named=True)
    assert last["value"] == pytest.approx(80 / 90 - 1)
    assert last["low"] < last["value"] < last["high"] < 0
    assert found["value"].null_count() == found["low"].null_count() == 59


def test_limits_of_the_oscillator_hold_as_often_as_they_say() -> None:
    rng = np.random.default_rng(20260203)
    paths, per_day, fall = 400, 24, 0.9
    held = 0
    for _ in range(paths):
        blocks = rng.poisson(per_day * np.concatenate([np.ones(30), np.full(30, fall)]))
        short = pl.Series(blocks).rolling_mean(30)
        frame = pl.DataFrame(
            {
                "hashrate.sma30": short,
                "hashrate.sma30.effective_blocks": short * 30,
                "hashrate.sma60": pl.Series(blocks).rolling_mean(60),
            }
        )
        last = ribbon.oscillator(frame).row(-1, named=True)
        held += last["low"] <= 2 * fall / (1 + fall) - 1 <= last["high"]
    # 95% to 97% by the binomial's steps; 400 paths say so within 3 standard deviations
    assert 0.92 < held / paths < 0.99
