"""The settings that all HTTP services share, and the client they make."""

from __future__ import annotations

import math
import os
import re
import stat
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hashcanary.errors import UsageError
from hashcanary.sources.feed import Setting
from hashcanary.sources.http.client import Http
from hashcanary.sources.http.line import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.sources.feed import Asked

_MOST_HEADER = 8192
_HEADER = re.compile(rb"([A-Za-z0-9-]{1,64}): *([\x21-\x7e][\x20-\x7e]*)")


def shared_settings(url: str, per_minute: int) -> tuple[Setting, ...]:
    """Where a service is, how often it may be asked, and where its answers are kept."""
    return (
        Setting("url", "the service's URL, without a name and a password in it", url),
        Setting("rate", "requests a minute, at most", str(per_minute)),
        Setting(
            "header_file",
            "a file, readable by you alone, with a header that proves who asks, such as "
            "Authorization: Bearer ...",
        ),
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


def client(
    asked: Asked, settings: Sequence[Setting], service: str, limits: Limits, url: str | None = None
) -> Http:
    """The client of one service, by its settings; ``url`` instead of theirs. Raises UsageError."""
    url = url or value_of(asked, settings, "url")
    proxy = value_of(asked, settings, "proxy")
    names = ("ca", "save", "replay", "header_file")
    ca, save, replay, header_file = (
        Path(text).expanduser() if text else None
        for text in (value_of(asked, settings, name) for name in names)
    )
    if save and replay:
        raise UsageError(
            argument="the settings save and replay",
            expected="one of them",
            found="both",
            remedy="A replay fetches nothing, so there is nothing to save.",
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
        auth=partial(header_in, header_file) if header_file else None,
        proxy=proxy or None,
        ca=ca,
        save=save,
        replay=replay,
    )


def header_in(path: Path) -> dict[str, str]:
    """The header that a file holds. Raises UsageError, which shows nothing of what is in it."""
    try:
        with path.open("rb") as file:
            others = stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077
            data = file.read(_MOST_HEADER + 1)
    except OSError as error:
        raise _bad_header_file(path, error.strerror or "an error of the system") from error
    if others:
        raise _bad_header_file(path, "that others may read or write it: chmod 600")
    found = _HEADER.fullmatch(data.strip())
    if found is None or len(data) > _MOST_HEADER:
        raise _bad_header_file(path, "something else")
    return {found.group(1).decode(): found.group(2).decode()}


def _bad_header_file(path: Path, found: str) -> UsageError:
    return UsageError(
        argument="the setting header_file",
        expected=f"{path} to hold one line, Name: value, readable by you alone",
        found=found,
        remedy="Correct the file or the path.",
    )
