"""What the user says about feeds: a file in the lake's home, the environment, the command line.

A later one of these wins:

1. the default that the feed declares;
2. ``sources.toml`` in the home: a table of settings for each feed, by its name;
3. ``HASHCANARY_<FEED>_<SETTING>``, in capitals, with ``_`` for ``-``;
4. ``-o SETTING=VALUE``.

Secrets are taken from the file alone, and only where nobody else can read it: an environment and a
command line are seen by others.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from hashcanary.sources.errors import BadSettings, SecretInTheOpen, UnknownSetting
from hashcanary.sources.feed import Feed, Setting, find_feed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


FILE = "sources.toml"
# 0600 and less: no bit for the group or for others
_OTHERS = 0o077

Table = dict[str, str]


def read_settings(home: Path) -> dict[str, Table]:
    """The settings of every feed that ``sources.toml`` names, in its order; empty without one.

    Raises BadSettings, UnknownFeed, UnknownSetting, SecretInTheOpen.
    """
    path = home / FILE
    try:
        raw = tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _bad(path, "a file that can be read", error.strerror, "Check it.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad(path, "TOML in UTF-8", str(error), "Correct that place.") from error
    found: dict[str, Table] = {}
    for name, table in raw.items():
        feed = find_feed(name, str(path))
        if not isinstance(table, dict):
            remedy = f"Write [{name}], and its settings below."
            raise _bad(path, f"a table [{name}]", f"{name} = {table!r}", remedy)
        found[name] = {key: _text(path, feed, key, value) for key, value in table.items()}
        _check_mode(path, feed, found[name])
    return found


def settings_of(
    feed: Feed,
    from_file: Mapping[str, str],
    environment: Mapping[str, str],
    options: Mapping[str, str],
) -> Table:
    """All settings of a feed, each with a value. Raises UnknownSetting, SecretInTheOpen."""
    settings = {setting.name: setting.default for setting in feed.settings}
    settings |= from_file
    for setting in feed.settings:
        variable = variable_of(feed, setting)
        if variable in environment:
            _refuse_secret(feed, setting, variable, "in the environment")
            settings[setting.name] = environment[variable]
    for name, value in options.items():
        _refuse_secret(feed, _declared(feed, name, "-o"), "-o", "on the command line")
        settings[name] = value
    return settings


def variable_of(feed: Feed, setting: Setting) -> str:
    """The environment variable for a setting: ``HASHCANARY_BITCOIND_RPC_URL``."""
    return f"HASHCANARY_{feed.name}_{setting.name}".upper().replace("-", "_").replace(".", "_")


def _declared(feed: Feed, name: str, place: str) -> Setting:
    for setting in feed.settings:
        if setting.name == name:
            return setting
    known = ", ".join(setting.name for setting in feed.settings) or "(none)"
    raise UnknownSetting(place=place, feed=feed.name, known=known, name=name)


def _text(path: Path, feed: Feed, name: str, value: object) -> str:
    """A value of the file as text; a list becomes text with commas."""
    _declared(feed, name, f"{path}, [{feed.name}]")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    remedy = "Write it as text in quotes."
    raise _bad(path, f"text, a number, true or false for {feed.name}.{name}", "another", remedy)


def _check_mode(path: Path, feed: Feed, table: Table) -> None:
    secrets = [one.name for one in feed.settings if one.secret and table.get(one.name)]
    mode = path.stat().st_mode & 0o777
    if secrets and mode & _OTHERS:
        raise SecretInTheOpen(
            place=path,
            feed=feed.name,
            name=secrets[0],
            found=f"in a file of mode {mode:04o}",
            remedy=f"Run: chmod 600 {path}",
        )


def _refuse_secret(feed: Feed, setting: Setting, place: str, found: str) -> None:
    if setting.secret:
        remedy = f"Write it into {FILE} in the lake's home, under [{feed.name}], mode 0600."
        raise SecretInTheOpen(
            place=place, feed=feed.name, name=setting.name, found=found, remedy=remedy
        )


def _bad(path: Path, expected: str, found: str | None, remedy: str) -> BadSettings:
    return BadSettings(place=path, expected=expected, found=found or "an error", remedy=remedy)
