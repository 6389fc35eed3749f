"""hashcanary: the open-source observatory of Bitcoin mining stress.

    import hashcanary as hc

    lake = hc.open("~/lake")        # None: the default home
    then = lake.at("2026-02-03")    # as known at a date, a time or a height; lake.now(): the newest
    then.frame(["hashrate.sma30", "hashprice", "price"])
    then.explain_drop()

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.api import Lake

__all__ = ["__version__", "open"]


def open(home: str | Path | None = None) -> Lake:  # noqa: A001
    """The lake at ``home``, its newest version; None takes the default home of the commands.

    Raises NoLake, LakeDamaged.
    """
    from hashcanary.api import Lake

    return Lake.open(home)
