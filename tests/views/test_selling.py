"""The view of forced selling: rows and facts against the study they are of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from hashcanary.economics.selling.study import SellingStudy, study_selling
from hashcanary.errors import UsageError
from hashcanary.moments import DAY, day_start, iso_day
from hashcanary.views.selling import TABLES, answer, by_margin, selling

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.store.record import Record

    Cut = Callable[[Record, int], Record]


@pytest.fixture(scope="module")
def known(real_record: Record, cut: Cut) -> Record:
    return cut(real_record, day_start(date(2022, 11, 25)) + DAY)


@pytest.fixture(scope="module")
def winter(known: Record) -> SellingStudy:
    return study_selling(known, draws=500)


def test_coins_of_a_class_are_its_share_of_production(known: Record, winter: SellingStudy) -> None:
    frame = answer(known, winter).table()
    mined = winter.mined_btc_per_day
    assert frame["class"].to_list()[::5] == ["underwater", "all"]
    coins = (frame["share_fraction"] * mined).to_list()
    assert frame["mined_btc_per_day"].to_list() == pytest.approx(coins)
    power = winter.sold.power
    # by hand: the mean over draws, and the ends of 95% of them
    means = [*(power.mean(axis=1) * mined).tolist(), float(power.sum(axis=0).mean()) * mined]
    assert frame["forced_selling_btc_per_day"].to_list() == pytest.approx(means)
    low, high = np.quantile(power[0] * mined, (0.025, 0.975))
    first = frame.row(0, named=True)
    assert first["forced_selling_btc_per_day_low"] == pytest.approx(low)
    assert first["forced_selling_btc_per_day_high"] == pytest.approx(high)
    dollars = frame["forced_selling_btc_per_day"] * winter.supply.price_usd_per_btc
    assert frame["forced_selling_usd_per_day"].to_list() == pytest.approx(dollars.to_list())


def test_facts_stand_beside_every_table(known: Record, winter: SellingStudy) -> None:
    for show in TABLES:
        document = answer(known, winter, show).to_dict()
        assert document["shown"] == show
        assert document["day"] == "2022-11-24"
        whole = winter.sold.power.sum(axis=0)
        assert document["forced_selling_fraction"] == pytest.approx(whole.mean())
        assert document["compared_days"] == winter.standing.days  # type: ignore[union-attr]
        assert document["rank_since"] == "2017-01-01"
        assert document["draws"] == 500
        assert document["missing"] == list(winter.missing)


def test_the_history_has_every_known_day_and_people_see_quarters(
    known: Record, winter: SellingStudy
) -> None:
    result = answer(known, winter, "history")
    past = winter.through_time
    frame = result.table()
    assert frame.height == np.isfinite(past.must_sell).sum()
    assert frame.schema["day"] == pl.Date
    share = [value for value in past.must_sell.tolist() if isfinite(value)]
    assert frame["forced_selling_fraction"].to_list() == share
    shown = result.tables[0].shown
    assert shown is not None
    days = [datetime.fromtimestamp(row[0], UTC).date() for row in shown]
    quarters = [date(year, month, 1) for year in range(2017, 2023) for month in (1, 4, 7, 10)]
    assert days == [*quarters, date(2022, 11, 24)]


def test_published_shares_keep_their_days_and_limits(known: Record, winter: SellingStudy) -> None:
    rows = answer(known, winter, "published").tables[0].records()
    assert len(rows) == len(winter.beside) > 0
    for row, beside in zip(rows, winter.beside, strict=True):
        share = beside.published
        assert (row["published_low_fraction"], row["published_high_fraction"]) == (
            share.low,
            share.high,
        )
        assert row["last"] == (None if share.last is None else iso_day(share.last - DAY))
        assert row["ours_fraction"] == (None if beside.ours is None else beside.ours.value)


def test_sensitivity_names_the_unit_of_each_assumption(known: Record, winter: SellingStudy) -> None:
    rows = answer(known, winter, "assumptions").tables[0].records()
    units = {row["name"]: row["unit"] for row in rows}
    assert (units["power_level"], units["network_j_per_th"]) == ("usd_per_kwh", "j_per_th")
    moves = [
        abs(
            float(str(row["forced_selling_at_high_fraction"]))
            - float(str(row["forced_selling_at_low_fraction"]))
        )
        for row in rows
    ]
    assert moves == sorted(moves, reverse=True)


def test_the_reports_table_is_that_of_the_classes(winter: SellingStudy) -> None:
    table = by_margin((*winter.classes, winter.total), winter.supply.market.day)
    *parts, whole = table.records()
    for key in ("mined_fraction", "forced_selling_fraction", "forced_selling_btc_per_day"):
        total = sum(float(str(row[key])) for row in parts)
        assert total == pytest.approx(float(str(whole[key])))
    assert whole["forced_selling_fraction"] == winter.power.value


def test_a_table_that_is_not_there_is_wrong_usage(known: Record) -> None:
    with pytest.raises(UsageError, match="classes, drops, history, published, assumptions"):
        selling(known, show="falls")


def test_text_fits_eighty_columns(known: Record, winter: SellingStudy) -> None:
    for show in TABLES:
        lines = answer(known, winter, show).text(80).splitlines()
        assert max(map(len, lines)) <= 80
