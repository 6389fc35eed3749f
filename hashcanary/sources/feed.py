"""What a live source declares: a node, its files, a peer, a public service.

A file is read once; a feed is asked again and again for what is new. It is told what the lake
holds and where it stopped, and gives batches; the store commits each batch together with the
feed's cursor, so that a feed cut off anywhere goes on from its last commit. A feed never writes,
and never gives a silent partial: what it could not bring it says in ``notes``, or it raises.

What the user says about a feed comes from these places, a later one wins:

1. the default that the feed declares;
2. ``sources.toml`` in the lake's home: a table of settings for each feed, by its name;
3. ``HASHCANARY_<FEED>_<SETTING>``, in capitals, with ``_`` for ``-``;
4. ``-o SETTING=VALUE``.

Secrets are taken from the file alone, and only where nobody else can read it: an environment and a
command line are seen by others.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Protocol

from hashcanary.errors import UsageError
from hashcanary.plugins import declared_once
from hashcanary.sources.errors import (
    BadSettings,
    SecretInTheOpen,
    UnknownFeed,
    UnknownSetting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    import polars as pl

    from hashcanary.arrays import Ints
    from hashcanary.chain.networks import Network
    from hashcanary.sources.facts import Facts


GROUP = "hashcanary.sources"
Cursor = dict[str, object]


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing a user may say about a feed; all values are text until the feed reads them.

    A reader takes what the user set, by name, and raises UsageError for what cannot be used.
    """

    name: str
    help: str
    default: str = ""
    secret: bool = False

    def text(self, settings: Mapping[str, str]) -> str:
        """What the user set, or the default."""
        return (settings.get(self.name) or self.default).strip()

    def refused(
        self,
        expected: str,
        found: str,
        remedy: str = "Correct it in sources.toml, in the environment or after -o.",
    ) -> UsageError:
        """The error that names this setting."""
        argument = f"the setting {self.name}"
        return UsageError(argument=argument, expected=expected, found=found, remedy=remedy)


@dataclass(frozen=True, slots=True)
class Choice(Setting):
    """A setting that is one of some words."""

    words: tuple[str, ...] = ("yes", "no")

    def word(self, settings: Mapping[str, str]) -> str:
        """The word that stands."""
        text = self.text(settings)
        if text not in self.words:
            raise self.refused(" or ".join(self.words), text)
        return text


@dataclass(frozen=True, slots=True)
class Number(Setting):
    """A setting that is a number from ``low`` to ``high``, or a word for what no number says."""

    low: float = 0
    high: float = 86_400
    word: str = ""

    def number(self, settings: Mapping[str, str]) -> float:
        """The number."""
        text = self.text(settings)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not self.low <= value <= self.high:
            raise self.refused(f"a number from {self.low:g} to {self.high:g}", text)
        return value

    def whole(self, settings: Mapping[str, str]) -> int:
        """The number, a whole one."""
        text = self.text(settings)
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
        if not self.low <= value <= self.high:
            word = f", or {self.word}" if self.word else ""
            raise self.refused(f"a whole number from {self.low:,} to {self.high:,}{word}", text)
        return value

    def pause(self, asked: Asked) -> None:
        """Let so many whole seconds pass; what a feed does that is told nothing of news."""
        asked.clock.sleep(self.whole(asked.settings))

    def whole_unless(self, settings: Mapping[str, str]) -> int | None:
        """The number, a whole one; None where the word stands."""
        return None if self.text(settings) == self.word else self.whole(settings)


class Clock(Protocol):
    """Time as feeds see it, so that tests need not wait."""

    def now(self) -> float:
        """Unix seconds."""

    def sleep(self, seconds: float) -> None:
        """Let time pass; returns early, by KeyboardInterrupt, when the user stops."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the lake holds, as far as a feed needs it to ask only for what is missing.

    locator: hashes (32 bytes, printed order) of the active chain: the tip, nine before it, then
    in doubling steps, genesis last; empty in an empty lake. tip_height: None in an empty lake.
    height_of: the height of a known header by its hash. heights_with: the heights (ascending) of
    rows in table ``blocks`` whose source starts with the text given and which have a value in the
    column named (by default: any row). last_known: the greatest
    ``known_at`` of a series (table, then the values of its leading subject columns), or None.
    active_from: the active chain from a height on, ascending: ``height``, ``hash``, ``time``,
    ``bits``; None where that is not told. What a peer claims is judged against it: the bits that
    must follow, the work that must be exceeded. daily_from: the rows of DAILY_REFERENCE from a day
    on, every value that was ever given; None where that is not told.
    """

    network: Network
    locator: tuple[bytes, ...]
    tip_height: int | None
    height_of: Callable[[bytes], int | None]
    heights_with: Callable[..., Ints]
    last_known: Callable[..., int | None]
    active_from: Callable[[int], pl.DataFrame] | None = None
    daily_from: Callable[[date], pl.DataFrame] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Facts to be committed in one step, and where the feed goes on afterwards.

    cursor: plain JSON values, given back at the next start; done, total, unit: progress as people
    read it (total None: not known); notes: what was not brought, or not checked, and why.
    """

    facts: tuple[Facts, ...]
    cursor: Cursor
    done: int = 0
    total: int | None = None
    unit: str = "blocks"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A feed's question: what the lake holds, where it stopped, what the user set, the clock."""

    held: Held
    cursor: Mapping[str, object]
    settings: Mapping[str, str]
    clock: Clock


@dataclass(frozen=True, slots=True)
class Feed:
    """The declaration of a live source.

    name: for ``sync --source``; gives: the tables it fills; batches: everything new, until
    nothing more is; wait: returns when there may be news (a notice from a node, or a while), None
    where asking once is all there is; costs: time, disk, memory and traffic, for the docs;
    example: shell lines that work as they stand once the source is there.
    """

    name: str
    title: str
    gives: tuple[str, ...]
    settings: tuple[Setting, ...]
    batches: Callable[[Asked], Iterator[Batch]]
    wait: Callable[[Asked], None] | None = None
    costs: str = ""
    example: str = ""
    extra: str = field(default="")


@cache
def all_feeds() -> Mapping[str, Feed]:
    """Every registered feed by name, sorted. Raises DuplicateName on a name used twice."""
    return declared_once(GROUP, Feed, "name")


def find_feed(name: str, place: str = "--source") -> Feed:
    """The feed of a name. Raises UnknownFeed, naming those there are; place: who named it."""
    feeds = all_feeds()
    if name not in feeds:
        raise UnknownFeed(place=place, name=name, known=", ".join(feeds) or "(none)")
    return feeds[name]


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
