"""The settings that all HTTP services share, and the client they make."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hashcanary.errors import UsageError
from hashcanary.sources.feed import Setting
from hashcanary.sources.http import Http, Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.sources.feed import Asked


def shared_settings(url: str, per_minute: int) -> tuple[Setting, ...]:
    """Where a service is, how often it may be asked, and where its answers are kept."""
    return (
        Setting("url", "the service's URL, without a name and a password in it", url),
        Setting("rate", "requests a minute, at most", str(per_minute)),
        Setting("proxy", "the URL of an HTTP proxy; none unless set"),
        Setting("ca", "a PEM file of certificates to trust instead of the system's"),
        Setting("save", "a folder to keep every answer in, to be parsed again later"),
        Setting("replay", "a folder of kept answers to read instead of asking the service"),
    )


def value_of(asked: Asked, settings: Sequence[Setting], name: str) -> str:
    """What the user set, or the default."""
    defaults = {setting.name: setting.default for setting in settings}
    return (asked.settings.get(name) or defaults[name]).strip()


def whole_number(asked: Asked, settings: Sequence[Setting], name: str, low: int, high: int) -> int:
    """A setting that is a whole number within bounds. Raises UsageError."""
    text = value_of(asked, settings, name)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    if not low <= number <= high:
        raise UsageError(
            argument=f"the setting {name}",
            expected=f"a whole number from {low:,} to {high:,}",
            found=text,
            remedy="Correct it on the command line or in sources.toml.",
        )
    return number


def client(asked: Asked, settings: Sequence[Setting], service: str, limits: Limits) -> Http:
    """The client of one service, by its settings. Raises UsageError."""
    url, proxy = (value_of(asked, settings, name) for name in ("url", "proxy"))
    ca, save, replay = (
        Path(text).expanduser() if text else None
        for text in (value_of(asked, settings, name) for name in ("ca", "save", "replay"))
    )
    if save and replay:
        raise UsageError(
            argument="the settings save and replay",
            expected="one of them",
            found="both",
            remedy="A replay asks nobody, so there is nothing to save.",
        )
    rate = value_of(asked, settings, "rate")
    try:
        per_minute = float(rate)
    except ValueError:
        per_minute = math.nan
    if not 0 < per_minute <= 6000:
        raise UsageError(
            argument="the setting rate",
            expected="requests a minute, above 0 and at most 6000",
            found=rate,
            remedy="Correct it on the command line or in sources.toml.",
        )
    return Http(
        base=url,
        service=service,
        clock=asked.clock,
        limits=replace(limits, per_minute=per_minute),
        proxy=proxy or None,
        ca=ca,
        save=save,
        replay=replay,
    )
