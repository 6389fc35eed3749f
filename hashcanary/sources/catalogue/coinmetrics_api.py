"""Coin Metrics' community API: daily series without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.chain.networks import MAIN
from hashcanary.sources.feed import Feed, Setting
from hashcanary.sources.http.line import Limits
from hashcanary.sources.services.daily_series import series_batches, series_names
from hashcanary.sources.services.settings import client, shared_settings, value_of, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hashcanary.sources.feed import Asked, Batch

# the community API allows 10 requests in 6 seconds
_SETTINGS = (
    *shared_settings("https://community-api.coinmetrics.io/v4", 60),
    Setting(
        "series",
        "names of series, separated by commas",
        "PriceUSD,HashRate,FeeTotNtv,IssTotNtv,BlkCnt,DiffMean,SplyCur",
    ),
    Setting(
        "revise",
        "days before the last one held that are asked for again at each sync (never in a replay): "
        "a value that was revised is brought as known from then on, the old one stays before",
        "7",
    ),
    Setting("poll", "seconds between questions while the tip is followed", "3600"),
)
_LIMITS = Limits(body=32 << 20)
_MOST_AGAIN = 100_000


def batches(asked: Asked) -> Iterator[Batch]:
    """Each series from where it stopped to yesterday, and what was revised shortly before."""
    names = series_names(value_of(asked, _SETTINGS, "series"))
    again = whole_number(asked, _SETTINGS, "revise", 0, _MOST_AGAIN)
    if value_of(asked, _SETTINGS, "replay"):
        again = 0  # what was kept answers what was asked then, and nothing else
    if asked.held.network != MAIN:
        return
    with client(asked, _SETTINGS, "coinmetrics", _LIMITS) as http:
        yield from series_batches(asked, http, names, again)


def wait(asked: Asked) -> None:
    """Let some time pass: a day's values come once a day."""
    asked.clock.sleep(whole_number(asked, _SETTINGS, "poll", 60, 86_400))


COINMETRICS_API = Feed(
    name="coinmetrics",
    title="Coin Metrics community API",
    gives=("daily_reference",),
    settings=_SETTINGS,
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
