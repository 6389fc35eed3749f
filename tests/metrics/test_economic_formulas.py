"""Economic metrics on small frames: published figures and arithmetic done by hand."""

from __future__ import annotations

import polars as pl
import pytest

from hashcanary.metrics.catalogue import (
    fees,
    hashprice,
    hashvalue,
    pow_floor,
    price,
    puell,
    revenue,
    supply,
    thermocap,
)

Row = dict[str, object]


def only(frame: pl.DataFrame, column: str = "value") -> float:
    assert frame.height == 1
    value = frame[column][0]
    assert isinstance(value, float)
    return value


def day_of_blocks(difficulty: float, subsidy: float, fees_in_all: float, count: int = 144) -> Row:
    return {
        "blocks.issuance_btc": subsidy * count,
        "blocks.fees_btc": fees_in_all,
        "blocks.count": count,
        "blocks.difficulty_mean": difficulty,
    }


def test_hashvalue_without_fees_at_a_published_difficulty() -> None:
    # 450 BTC a day over the 1,048,491 PH/s that difficulty 146.4726T stands for
    row = pl.DataFrame([day_of_blocks(146.4726e12, 3.125, 0.0)])
    assert only(hashvalue.HASHVALUE.compute(row)) == pytest.approx(450 / 1_048_491, rel=1e-6)
    assert only(hashvalue.HASHVALUE.compute(row)) == pytest.approx(0.00042919, abs=5e-9)
    assert only(hashvalue.HASHVALUE_SUBSIDY.compute(row)) == pytest.approx(0.00042919, abs=5e-9)


def test_hashvalue_without_fees_an_epoch_before() -> None:
    row = pl.DataFrame([day_of_blocks(148.2584e12, 3.125, 0.0)])
    assert only(hashvalue.HASHVALUE.compute(row)) == pytest.approx(0.00042402, abs=5e-9)


@pytest.mark.parametrize(
    ("difficulty", "published", "fees_to_subsidy"),
    [(146.4726e12, 0.00043143, 0.0052), (148.2584e12, 0.00042676, 0.0065)],
)
def test_hashvalue_with_fees_is_luxors(
    difficulty: float, published: float, fees_to_subsidy: float
) -> None:
    # Hashrate Index roundup, 12 January 2026: both of its figures of BTC per PH/s per day
    row = pl.DataFrame([day_of_blocks(difficulty, 3.125, 450 * fees_to_subsidy)])
    assert only(hashvalue.HASHVALUE.compute(row)) == pytest.approx(published, rel=1e-4)


def test_hashprice_is_luxors_at_its_price() -> None:
    # same roundup: 0.00043143 BTC at about $91,132 is quoted as $39.53
    frame = pl.DataFrame({"hashvalue": [0.00043143], "price.usd": [91_132.0]})
    assert only(hashprice.HASHPRICE.compute(frame)) == pytest.approx(39.53, rel=0.006)


def test_luck_in_the_number_of_blocks_does_not_move_hashvalue() -> None:
    slow = pl.DataFrame([day_of_blocks(1e12, 6.25, 98 * 0.25, count=98)])
    usual = pl.DataFrame([day_of_blocks(1e12, 6.25, 144 * 0.25, count=144)])
    assert only(hashvalue.HASHVALUE.compute(slow)) == pytest.approx(
        only(hashvalue.HASHVALUE.compute(usual))
    )


def test_units_of_a_thousandth() -> None:
    frame = pl.DataFrame({"hashprice": [39.53], "hashvalue": [0.00043143]})
    assert only(hashprice.HASHPRICE_THS.compute(frame)) == pytest.approx(0.03953)
    # 0.00043143 BTC = 43,143 sat a PH/s, 43.143 sat a TH/s
    assert only(hashvalue.HASHVALUE_SATS.compute(frame)) == pytest.approx(43.143)


def test_a_day_without_blocks_has_no_hashvalue_and_no_fee_share() -> None:
    row = pl.DataFrame(
        [
            {
                **day_of_blocks(1.0, 50.0, 0.0, count=0),
                "issuance.btc": 0.0,
                "fees.btc": 0.0,
            }
        ]
    )
    assert hashvalue.HASHVALUE.compute(row)["value"].to_list() == [None]
    assert hashvalue.HASHVALUE_SUBSIDY.compute(row)["value"].to_list() == [None]
    assert fees.FEES_PER_BLOCK.compute(row)["value"].to_list() == [None]
    assert fees.FEES_SHARE.compute(row)["value"].to_list() == [None]
    assert fees.FEES_TO_SUBSIDY.compute(row)["value"].to_list() == [None]


def test_unknown_fees_make_hashvalue_missing_but_not_its_subsidy_part() -> None:
    row = pl.DataFrame([day_of_blocks(1e12, 6.25, 0.0)]).with_columns(
        pl.lit(None, dtype=pl.Float64).alias("blocks.fees_btc")
    )
    assert hashvalue.HASHVALUE.compute(row)["value"].to_list() == [None]
    assert only(hashvalue.HASHVALUE_SUBSIDY.compute(row)) > 0


def test_realised_forms_swap_the_bounds_of_the_hashrate() -> None:
    frame = pl.DataFrame(
        {
            "revenue.btc": [450.0],
            "revenue.usd": [45e6],
            "hashrate.day": [1e21],
            "hashrate.day.low": [0.9e21],
            "hashrate.day.high": [1.2e21],
        }
    )
    # 1e21 H/s is a million PH/s
    value = hashprice.hashprice_realised(frame)
    assert value.rows() == [pytest.approx((45.0, 37.5, 50.0))]
    assert hashvalue.hashvalue_realised(frame).rows() == [
        pytest.approx((0.00045, 0.000375, 0.0005))
    ]


def test_realised_form_has_no_upper_bound_where_the_hashrate_may_be_nothing() -> None:
    frame = pl.DataFrame(
        {
            "revenue.btc": [50.0],
            "hashrate.day": [1e6],
            "hashrate.day.low": [0.0],
            "hashrate.day.high": [2e6],
        }
    )
    assert hashvalue.hashvalue_realised(frame)["high"].to_list() == [None]


def test_issuance_fees_and_revenue_add_up() -> None:
    frame = pl.DataFrame(
        {
            "blocks.issuance_btc": [450.0],
            "blocks.fees_btc": [5.0],
            "mtp.fees_btc": [4.0],
            "blocks.count": [144],
            "blocks.supply_btc": [19_687_503.125],
            "issuance.btc": [450.0],
            "fees.btc": [5.0],
            "revenue.btc": [455.0],
            "price.usd": [100_000.0],
        }
    )
    assert only(supply.ISSUANCE_BTC.compute(frame)) == 450.0
    assert only(supply.ISSUANCE_USD.compute(frame)) == 45e6
    assert only(supply.SUPPLY_BTC.compute(frame)) == 19_687_503.125
    assert only(fees.FEES_BTC.compute(frame)) == 5.0
    assert only(fees.FEES_MTP_BTC.compute(frame)) == 4.0
    assert only(fees.FEES_PER_BLOCK.compute(frame)) == pytest.approx(5 / 144)
    assert only(fees.FEES_SHARE.compute(frame)) == pytest.approx(5 / 455)
    assert only(fees.FEES_TO_SUBSIDY.compute(frame)) == pytest.approx(5 / 450)
    assert only(revenue.REVENUE_BTC.compute(frame)) == 455.0
    assert only(revenue.REVENUE_USD.compute(frame)) == 45.5e6


def test_puell_is_one_under_constant_issuance_and_halves_at_a_halving() -> None:
    frame = pl.DataFrame({"issuance.usd": [90.0] * 365 + [45.0]})
    value = puell.PUELL.compute(frame)["value"]
    assert value.head(364).null_count() == 364
    assert value[364] == pytest.approx(1.0)
    # the first day at half: 45 / ((364 x 90 + 45) / 365)
    assert value[365] == pytest.approx(45 / ((364 * 90 + 45) / 365))


def test_puell_is_missing_for_a_year_after_a_gap() -> None:
    frame = pl.DataFrame({"issuance.usd": [1.0] * 365 + [None] + [1.0] * 365})
    value = puell.PUELL.compute(frame)["value"]
    assert value[364] == pytest.approx(1.0)
    assert value[365:730].null_count() == 365
    assert value[730] == pytest.approx(1.0)


def test_variants_of_puell_name_what_they_compare() -> None:
    days = 365
    frame = pl.DataFrame(
        {
            "revenue.usd": [1.0] * (days - 1) + [3.0],
            "hashprice.subsidy": [2.0] * (days - 1) + [1.0],
        }
    )
    assert puell.PUELL_WITH_FEES.compute(frame)["value"][-1] == pytest.approx(3 / ((364 + 3) / 365))
    adjusted = puell.PUELL_DIFFICULTY_ADJUSTED.compute(frame)["value"][-1]
    assert adjusted == pytest.approx(1 / ((364 * 2 + 1) / 365))


def test_thermocap_counts_coins_before_the_first_price_as_nothing_and_says_how_many() -> None:
    frame = pl.DataFrame(
        {
            "issuance.usd": [None, 5.0, 10.0, 0.0],
            "issuance.btc": [50.0, 50.0, 50.0, 0.0],
            "price.usd": [None, 0.1, 0.2, 0.3],
            "supply.btc": [50.0, 100.0, 150.0, 150.0],
        }
    )
    result = thermocap.thermocap(frame)
    assert result["value"].to_list() == pytest.approx([0.0, 5.0, 15.0, 15.0])
    assert result["unpriced_btc"].to_list() == pytest.approx([50.0, 50.0, 50.0, 50.0])


def test_thermocap_of_a_record_that_begins_late_shows_what_it_lacks() -> None:
    frame = pl.DataFrame(
        {
            "revenue.usd": [100.0, 100.0],
            "issuance.btc": [900.0, 900.0],
            "price.usd": [0.1, 0.1],
            "supply.btc": [18_700_900.0, 18_701_800.0],
        }
    )
    result = thermocap.thermocap_with_fees(frame)
    assert result["unpriced_btc"].to_list() == pytest.approx([18_700_000.0, 18_700_000.0])


def test_thermocap_is_missing_from_a_gap_on() -> None:
    frame = pl.DataFrame(
        {
            "issuance.usd": [5.0, None, 10.0],
            "issuance.btc": [50.0, 50.0, 50.0],
            "price.usd": [0.1, None, 0.2],
            "supply.btc": [50.0, 100.0, 150.0],
        }
    )
    result = thermocap.thermocap(frame)
    assert result["value"].to_list() == [5.0, None, None]
    assert result["unpriced_btc"].to_list() == [0.0, None, None]


def test_pow_floor_at_a_published_difficulty() -> None:
    # Glassnode workbench formula at 147T and 144 blocks of 3.125 BTC a day: about 47,156 USD
    days = 180
    frame = pl.DataFrame(
        {"blocks.difficulty_mean": [147e12] * days, "issuance.btc": [450.0] * days}
    )
    value = pow_floor.pow_floor(frame)["value"]
    assert value.head(days - 1).null_count() == days - 1
    assert value[-1] == pytest.approx(47_156, rel=1e-4)


@pytest.mark.parametrize("days", [10, 20, 50, 200])
def test_price_means_are_plain(days: int) -> None:
    frame = pl.DataFrame({"price.usd": [float(day) ** 2 for day in range(1, 203)]})
    means = {metric.name: metric for metric in price.PRICE_MEANS}
    assert len(means) == 4
    mean = means[f"price.sma{days}"]
    value = mean.compute(frame)["value"]
    assert mean.window == days
    assert value.null_count() == days - 1
    assert value[days - 1] == pytest.approx(sum(day**2 for day in range(1, days + 1)) / days)
    assert value[201] == pytest.approx(sum(day**2 for day in range(203 - days, 203)) / days)


def test_price_means_break_at_a_gap() -> None:
    frame = pl.DataFrame({"price.usd": [float(day) for day in range(1, 21)]})
    means = {metric.name: metric for metric in price.PRICE_MEANS}
    broken = frame.with_columns(
        pl.when(pl.col("price.usd") != 12).then(pl.col("price.usd")).alias("price.usd")
    )
    assert means["price.sma10"].compute(broken)["value"][11:].null_count() == 9
    assert price.PRICE.compute(broken)["value"].null_count() == 1


def test_mayer_multiple_is_price_over_its_long_mean() -> None:
    frame = pl.DataFrame({"price.usd": [3.0], "price.sma200": [2.0]})
    assert only(price.PRICE_MAYER.compute(frame)) == 1.5
