"""The settings that all HTTP services share, and the client they make."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import replace
from functools import partial
from pathlib import Path

from hashcanary.errors import UsageError
from hashcanary.sources.feed import Asked, Number, Setting
from hashcanary.sources.http.client import Http
from hashcanary.sources.http.line import Limits

_MOST_HEADER = 8192
_HEADER = re.compile(rb"([A-Za-z0-9-]{1,64}): *([\x21-\x7e][\x20-\x7e]*)")


HEADER_FILE = Setting(
    "header_file",
    "a file, readable by you alone, with a header that proves who asks, such as "
    "Authorization: Bearer ...",
)
PROXY = Setting("proxy", "the URL of an HTTP proxy; none unless set")
CA = Setting("ca", "a PEM file of certificates to trust instead of the system's")
SAVE = Setting("save", "a folder to keep every answer in, to be parsed again later")
REPLAY = Setting("replay", "a folder of kept answers to read instead of asking the service")
SHARED = (HEADER_FILE, PROXY, CA, SAVE, REPLAY)


def url_and_rate(url: str, per_minute: int) -> tuple[Setting, Number]:
    """Where a service is, and how often it may be asked."""
    return (
        Setting("url", "the service's URL, without a name and a password in it", url),
        Number("rate", "requests a minute, at most", str(per_minute), low=0.001, high=6000),
    )


def client(asked: Asked, service: str, limits: Limits, url: str, rate: Number) -> Http:
    """The client of the service at ``url``, by what the user set. Raises UsageError."""
    ca, save, replay, header_file = (
        Path(text).expanduser() if (text := setting.text(asked.settings)) else None
        for setting in (CA, SAVE, REPLAY, HEADER_FILE)
    )
    if save and replay:
        raise UsageError(
            argument="the settings save and replay",
            expected="one of them",
            found="both",
            remedy="A replay fetches nothing, so there is nothing to save.",
        )
    return Http(
        base=url,
        service=service,
        clock=asked.clock,
        limits=replace(limits, per_minute=rate.number(asked.settings)),
        auth=partial(header_in, header_file) if header_file else None,
        proxy=PROXY.text(asked.settings) or None,
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
    expected = f"{path} to hold one line, Name: value, readable by you alone"
    return HEADER_FILE.refused(expected, found, "Correct the file or the path.")
