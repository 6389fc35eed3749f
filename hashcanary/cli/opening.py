"""The lake and the record a command works on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hashcanary.errors import UsageError
from hashcanary.moments import parse_moment

if TYPE_CHECKING:
    from hashcanary.store.lake import Lake
    from hashcanary.store.record import Record


def home_of(args: argparse.Namespace) -> Path:
    """The lake's folder: --home, else HASHCANARY_HOME, else the user's data folder."""
    from hashcanary.store.lake import default_home

    return Path(args.home).expanduser() if args.home else default_home()


def open_lake(args: argparse.Namespace) -> Lake:
    """The lake the user means. Raises NoLake, LakeDamaged."""
    from hashcanary.store.lake import Lake

    return Lake.open(home_of(args))


def open_or_create(
    args: argparse.Namespace, network: str | None, *, simulated: bool = False
) -> Lake:
    """The lake to load into, made where there is none.

    network: its name; None takes the lake's own, main where it is made. Raises UsageError when it
    is unknown or not the lake's.
    """
    from hashcanary.chain.networks import MAIN, NETWORKS
    from hashcanary.store.errors import NoLake
    from hashcanary.store.lake import Lake

    if network is not None and network not in NETWORKS:
        raise UsageError(
            argument="--network", expected=", ".join(NETWORKS), found=network, remedy=""
        )
    home = home_of(args)
    try:
        lake = Lake.open(home)
    except NoLake:
        lake = Lake.create(home, NETWORKS[network] if network else MAIN, simulated)
    if network is not None and lake.network.name != network:
        raise UsageError(
            argument="--network",
            expected=f"{lake.network.name}, the network of the lake at {home}",
            found=network,
            remedy="Name another home for another network.",
        )
    return lake


def open_record(args: argparse.Namespace) -> Record:
    """What the lake knows at ``--at``, all of it without. Raises UsageError, NoLake and others."""
    moment = parse_moment(args.at) if args.at else None
    return open_lake(args).record(moment)
