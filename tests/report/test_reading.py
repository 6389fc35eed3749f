"""Metrics read off as figures: their period, their limits, and how they stand in their year."""

from __future__ import annotations

import pytest
from scipy.stats import chi2
from support.records import chain, closes, record

from hashcanary.metrics.engine import metrics_of
from hashcanary.moments import DAY
from hashcanary.report.reading import Reading
from hashcanary.store.record import Record
from hashcanary.units import BLOCKS, USD

FIRST, DAYS = 100, 420
LAST = FIRST + DAYS - 2  # of the last day no later block tells that it is over


def made(prices: dict[int, float], days: int = DAYS, usual: float = 100.0) -> Record:
    """24 blocks a day; a price a day, of which some are given by the day's number."""
    rows = [
        ("btcusdt_spot", DAY, day * DAY, prices.get(day, usual))
        for day in range(FIRST, FIRST + days)
    ]
    times = range(FIRST * DAY, (FIRST + days) * DAY, 3600)
    return record(chain(times), candles=closes(rows))


def reading(prices: dict[int, float] | None = None) -> Reading:
    return Reading(metrics_of(made(prices or {})), ("coinmetrics",))


@pytest.fixture(scope="module")
def steady() -> Reading:
    return reading()


def test_today_is_the_last_day_with_a_hashrate(steady: Reading) -> None:
    assert steady.today == LAST * DAY
    nothing = Reading(metrics_of(record(chain(range(0, 6000, 600)))))
    assert nothing.today is None
    assert nothing.grounds == {"blocks": "blocks", "vendor": "daily figures of a vendor"}
    assert steady.grounds["vendor"] == "daily figures of coinmetrics"


def test_a_figure_of_a_day_has_its_day_and_where_it_is_from(steady: Reading) -> None:
    figure = steady.figure("blocks.per_day", "blocks", term="block", note="a note")
    assert (figure.key, figure.label, figure.unit) == ("blocks.per_day", "blocks", BLOCKS)
    assert figure.value == 24.0
    assert (figure.since, figure.until) == (LAST * DAY, (LAST + 1) * DAY)
    assert (figure.low, figure.high, figure.interval) == (None, None, "")
    assert (figure.source, figure.missing) == ("blocks", "")
    assert (figure.term, figure.note) == ("block", "a note")
    assert steady.figure("blocks.per_day", "blocks", source="a count").source == "a count"


def test_an_estimate_has_its_limits(steady: Reading) -> None:
    figure = steady.figure("blocks.mean_interval", "interval")
    assert figure.value == 3600.0
    # Garwood's limits of a mean of which 24 were counted
    assert figure.low == pytest.approx(DAY / (chi2.ppf(0.975, 50) / 2))
    assert figure.high == pytest.approx(DAY / (chi2.ppf(0.025, 48) / 2))
    assert figure.interval.startswith("95%")


def test_a_mean_stands_for_all_days_of_its_window(steady: Reading) -> None:
    figure = steady.figure("hashrate.sma30", "hashrate")
    assert (figure.since, figure.until) == ((LAST - 29) * DAY, (LAST + 1) * DAY)
    # a drawdown looks back over all days, but is of its own
    fall = steady.figure("drawdown.sma30", "drawdown")
    assert (fall.since, fall.until) == (LAST * DAY, (LAST + 1) * DAY)


def test_an_epoch_lasts_until_it_was_known_to_have_ended() -> None:
    found = Reading(metrics_of(record(chain(range(0, 2 * 2016 * 600, 600)))))
    figure = found.figure("blocks.per_epoch", "blocks")
    assert figure.since == 2016 * 600
    assert figure.until == (2 * 2016 - 1) * 600
    assert figure.value == 2016.0


def test_states_and_flags_are_words(steady: Reading) -> None:
    state = steady.figure("ribbon.state", "state")
    assert state.value in {"normal", "inverted"}
    assert isinstance(steady.figure("ribbon.recovery", "recovery").value, str)


def test_what_is_older_than_a_week_is_missing_and_when_it_was_last_known() -> None:
    rows = [("btcusdt_spot", DAY, day * DAY, 100.0) for day in range(FIRST, FIRST + 60)]
    times = range(FIRST * DAY, (FIRST + 70) * DAY, 3600)
    found = Reading(metrics_of(record(chain(times), candles=closes(rows))))
    figure = found.figure("price", "price", term="price")
    assert (figure.value, figure.unit, figure.since) == (None, USD, None)
    assert figure.missing.endswith("last known on 9 Jun 1970")
    assert found.current("price") is None
    last = found.last("price")
    assert last is not None
    assert last["time"] == (FIRST + 59) * DAY
    assert found.late("price", last)
    assert found.standing("price") == ""
    assert found.a_year_before("price") is None


@pytest.mark.parametrize(("short", "late"), [(8, False), (9, True)])
def test_a_week_is_not_late_and_more_is(short: int, late: bool) -> None:
    # the last measured day is one before the last of the blocks
    rows = [("btcusdt_spot", DAY, day * DAY, 100.0) for day in range(FIRST, FIRST + 70 - short)]
    times = range(FIRST * DAY, (FIRST + 70) * DAY, 3600)
    found = Reading(metrics_of(record(chain(times), candles=closes(rows))))
    assert (found.figure("price", "price").value is None) == late


def test_what_was_never_known_says_why() -> None:
    times = range(FIRST * DAY, (FIRST + 10) * DAY, 3600)
    figure = Reading(metrics_of(record(chain(times)))).figure("price", "price")
    assert figure.value is None
    assert figure.missing
    assert "last known" not in figure.missing


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ({LAST + 1: 50.0}, "the lowest of the last 366 days"),
        ({LAST + 1: 150.0}, "the highest of the last 366 days"),
        # of the 365 days before, 73 were higher
        ({LAST + 1: 110.0, **{LAST - off: 120.0 for off in range(73)}}, "higher than on 80%"),
        ({LAST + 1: 90.0, **{LAST - off: 80.0 for off in range(73)}}, "lower than on 80%"),
    ],
)
def test_how_a_value_stands_among_those_of_its_year(prices: dict[int, float], words: str) -> None:
    assert words in reading(prices).standing("price")


def test_days_longer_than_a_year_ago_do_not_count() -> None:
    prices = {LAST + 1: 100.5, LAST + 1 - 366: 500.0}
    assert reading(prices).standing("price") == "the highest of the last 366 days"
    within = reading({LAST + 1: 100.5, LAST + 1 - 365: 500.0}).standing("price")
    assert within.startswith("higher than on")


def test_less_than_half_a_year_says_nothing_of_a_standing() -> None:
    found = Reading(metrics_of(made({}, days=181)))
    assert found.standing("price") == ""
    longer = Reading(metrics_of(made({}, days=184)))
    assert longer.standing("price") != ""


def test_a_change_is_against_the_same_day_a_year_before() -> None:
    assert reading({LAST + 1: 150.0}).a_year_before("price") == pytest.approx(0.5)
    prices = {LAST + 1: 150.0, LAST + 1 - 365: 300.0}
    assert reading(prices).a_year_before("price") == pytest.approx(-0.5)
    assert Reading(metrics_of(made({}, days=300))).a_year_before("price") is None
