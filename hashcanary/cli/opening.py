"""The lake and the record a command works on, and the clock of the machine."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hashcanary.errors import UsageError

if TYPE_CHECKING:
    from hashcanary.chain.networks import Network
    from hashcanary.store.lake import Lake
    from hashcanary.store.record import Record


class SystemClock:
    """``hashcanary.sources.feed.Clock``, by the system's time."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Let time pass; Ctrl-C ends it by KeyboardInterrupt."""
        time.sleep(max(seconds, 0.0))


def home_of(args: argparse.Namespace) -> Path:
    """The lake's folder: --home, else HASHCANARY_HOME, else the user's data folder."""
    from hashcanary.store.lake import default_home

    return Path(args.home).expanduser() if args.home else default_home()


def open_lake(args: argparse.Namespace) -> Lake:
    """The lake the user means. Raises NoLake, LakeDamaged."""
    from hashcanary.store.lake import Lake

    return Lake.open(home_of(args))


@contextmanager
def lake_to_load(args: argparse.Namespace, network: str | None) -> Iterator[Lake]:
    """The lake to load into, made where there is none, and taken back when the load fails.

    network: its name; None takes the lake's own, main where it is made. Raises UsageError when it
    is unknown or not the lake's.
    """
    from hashcanary.chain.networks import MAIN, NETWORKS
    from hashcanary.views.answer import one_of

    if network is not None:
        one_of("--network", network, NETWORKS, "It applies to a new lake only.")
    with made_where_missing(
        home_of(args), NETWORKS[network] if network else MAIN, simulated=False
    ) as lake:
        if network is not None and lake.network.name != network:
            raise UsageError(
                argument="--network",
                expected=f"{lake.network.name}, the network of the lake at {lake.home}",
                found=network,
                remedy="Use another --home for another network.",
            )
        yield lake


@contextmanager
def made_where_missing(home: Path, network: Network, *, simulated: bool) -> Iterator[Lake]:
    """The lake at ``home``; one made here is taken back when what follows fails."""
    from hashcanary.store.errors import LakeBusy, LakeExists
    from hashcanary.store.lake import Lake

    lake, made = _lake_at(home), False
    if lake is None:
        try:
            lake, made = Lake.create(home, network, simulated), True
        except LakeExists:
            # another process may have made it since
            lake = _lake_at(home)
            if lake is None:
                raise
    try:
        yield lake
    except BaseException:
        if made:
            # another process that writes there has the lake now
            with suppress(LakeBusy):
                Lake.withdraw(home)
        raise


def _lake_at(home: Path) -> Lake | None:
    from hashcanary.store.errors import NoLake
    from hashcanary.store.lake import Lake

    try:
        return Lake.open(home)
    except NoLake:
        return None


def open_record(args: argparse.Namespace) -> Record:
    """What the lake knows at ``--at``, all of it without. Raises UsageError, NoLake and others."""
    from hashcanary.moments import parse_moment, require_past
    from hashcanary.store.recording import record_of

    moment = parse_moment(args.at) if args.at else None
    if moment is not None:
        require_past(moment, SystemClock().now())
    return record_of(open_lake(args), moment)
