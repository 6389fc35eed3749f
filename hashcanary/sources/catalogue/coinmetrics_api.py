"""Coin Metrics' community API: daily series without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.chain.networks import MAIN
from hashcanary.sources.feed import Feed, Setting
from hashcanary.sources.http import Limits
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
    Setting("poll", "seconds between questions while the tip is followed", "3600"),
)
_LIMITS = Limits(body=32 << 20)


def batches(asked: Asked) -> Iterator[Batch]:
    """Each series from where it stopped to yesterday."""
    names = series_names(value_of(asked, _SETTINGS, "series"))
    if asked.held.network != MAIN:
        return
    with client(asked, _SETTINGS, "coinmetrics", _LIMITS) as http:
        yield from series_batches(asked, http, names)


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
        "requests a minute; afterwards one request a day. The data are free for non-commercial "
        "use (CC BY-NC 4.0) and may not be passed on otherwise."
    ),
)
