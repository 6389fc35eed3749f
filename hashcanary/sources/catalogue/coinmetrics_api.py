"""Coin Metrics' community API: daily series without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.chain.networks import MAIN
from hashcanary.sources.feed import Feed, Number, Setting
from hashcanary.sources.http.line import Limits
from hashcanary.sources.services.daily_series import series_batches, series_names
from hashcanary.sources.services.settings import REPLAY, SHARED, client, url_and_rate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hashcanary.sources.feed import Asked, Batch

# the community API allows 10 requests in 6 seconds
_URL, _RATE = url_and_rate("https://community-api.coinmetrics.io/v4", 60)
_SERIES = Setting(
    "series",
    "names of series, separated by commas",
    "PriceUSD,HashRate,FeeTotNtv,IssTotNtv,BlkCnt,DiffMean,SplyCur",
)
_REVISE = Number(
    "revise",
    "days before the last one held that are asked for again at each sync (never in a replay): "
    "a value that was revised is brought as known from then on, the old one stays before",
    "7",
    high=100_000,
)
_POLL = Number("poll", "seconds between questions while the tip is followed", "3600", low=60)
_LIMITS = Limits(body=32 << 20)


def batches(asked: Asked) -> Iterator[Batch]:
    """Each series from where it stopped to yesterday, and what was revised shortly before."""
    names = series_names(_SERIES.text(asked.settings))
    again = _REVISE.whole(asked.settings)
    if REPLAY.text(asked.settings):
        again = 0  # what was kept answers what was asked then, and nothing else
    if asked.held.network != MAIN:
        return
    with client(asked, "coinmetrics", _LIMITS, _URL.text(asked.settings), _RATE) as http:
        yield from series_batches(asked, http, names, again)


def wait(asked: Asked) -> None:
    """Let some time pass: a day's values come once a day."""
    asked.clock.sleep(_POLL.whole(asked.settings))


COINMETRICS_API = Feed(
    name="coinmetrics",
    title="Coin Metrics community API",
    gives=("daily_reference",),
    settings=(_URL, _RATE, *SHARED, _SERIES, _REVISE, _POLL),
    batches=batches,
    wait=wait,
    example=(
        "# daily prices and counts; every answer is kept, to be read again without the network\n"
        "hashcanary sync --source coinmetrics -o save=~/answers\n"
        "hashcanary sync --source coinmetrics -o replay=~/answers"
    ),
    costs=(
        "The whole history of the default series is 7 requests and about 1.5 MB, seconds at 60 "
        "requests a minute; afterwards one request a sync, for what is new and for the last week "
        "again: the vendor revises, and a revised value is known from the moment it was retrieved. "
        "The data are free for non-commercial use (CC BY-NC 4.0) and may not be passed on "
        "otherwise."
    ),
)
