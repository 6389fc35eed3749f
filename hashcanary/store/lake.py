"""The lake: where facts are kept.

HOME/lake.json          format, network, whether its history is simulated; never changes
HOME/tables/NAME/       a Delta table for each kind of fact
HOME/versions/N.json    what version N of the lake consists of (``manifest.py``)
HOME/lock, HOME/writing the writing lock; the mark of a write under way
HOME/sources.toml       what the user says about live sources; not ours to write

A writer (1) takes the lock, (2) removes what a writer before it left unfinished, (3) commits to
the Delta tables, (4) makes the next version visible by one atomic rename. Readers see only what
the newest version names, so they never wait and never see half a load; a crash or a full disk
before (4) leaves the lake as it was.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from hashcanary.chain.networks import NETWORKS, Network
from hashcanary.sources.facts import TABLES
from hashcanary.store import durable, manifest, tables
from hashcanary.store.errors import LakeDamaged, LakeExists, NoLake
from hashcanary.store.manifest import FeedState, LoadedFile, Manifest

_OURS = {"lock", "versions", ".lake.json.draft", "sources.toml"}
_WRITING = b"a write is under way, or was cut off\n"


def default_home(environment: Mapping[str, str] | None = None) -> Path:
    """HASHCANARY_HOME, else ``hashcanary`` in the user's data folder (XDG_DATA_HOME)."""
    known = os.environ if environment is None else environment
    if home := known.get("HASHCANARY_HOME"):
        return Path(home).expanduser()
    data = known.get("XDG_DATA_HOME")
    return (Path(data) if data else Path("~/.local/share").expanduser()) / "hashcanary"


@dataclass(frozen=True, slots=True)
class Lake:
    """One version of a lake; immutable. A later version is another ``Lake.open``."""

    home: Path
    network: Network
    simulated: bool
    manifest: Manifest

    @classmethod
    def open(cls, home: Path, version: int | None = None) -> Lake:
        """The lake at ``home``, its newest version unless an older one is named.

        Raises NoLake, UnknownVersion, LakeDamaged (a file missing, cut or altered).
        """
        place = home / "lake.json"
        if not place.exists():
            raise NoLake(home=home)
        said = manifest.read_signed(place)
        name = str(said.get("network"))
        if said.get("format") != manifest.FORMAT or name not in NETWORKS:
            raise LakeDamaged(
                place=place,
                expected=f"format {manifest.FORMAT} and a known network",
                found=f"format {said.get('format')}, network {name}",
            )
        newest = manifest.read_manifest(home, version)
        for table, state in newest.tables.items():
            tables.check_present(tables.folder_of(home, table), state)
        return cls(home, NETWORKS[name], bool(said.get("simulated")), newest)

    @classmethod
    def create(cls, home: Path, network: Network, simulated: bool = False) -> Lake:
        """Make an empty lake. Raises LakeExists where something else stands, LakeFull."""
        said = {"format": manifest.FORMAT, "network": network.name, "simulated": simulated}
        with _writable(home):
            home.mkdir(parents=True, exist_ok=True)
            with durable.only_writer(home):
                found = {path.name for path in home.iterdir()} - _OURS
                if found:
                    raise LakeExists(home=home, found=", ".join(sorted(found)[:5]))
                (home / "versions").mkdir(exist_ok=True)
                manifest.publish(home, manifest.Manifest(0, "", 0, _code_version(), {}))
                # last: a folder without it is no lake
                durable.write_whole(home / "lake.json", manifest.signed(said))
        return cls.open(home)

    @staticmethod
    def withdraw(home: Path) -> None:
        """Take back ``create``, where nothing was loaded since; a lake with facts stays.

        Raises LakeBusy when another process writes there, LakeNotWritable.
        """
        with _writable(home):
            with durable.only_writer(home):
                if manifest.versions(home) != [0]:
                    return
                # first: a folder without it is no lake
                (home / "lake.json").unlink()
                for folder in (home / "versions", home / "tables"):
                    shutil.rmtree(folder, ignore_errors=True)
                (home / "lock").unlink()
            if not any(home.iterdir()):
                home.rmdir()

    @property
    def version(self) -> int:
        """The lake-wide version."""
        return self.manifest.version

    def frame(
        self, table: str, columns: Sequence[str] | None = None, where: pl.Expr | None = None
    ) -> pl.DataFrame:
        """A table's rows in canonical order; ``where`` skips what it can inside the files.

        Raises LakeDamaged when a file cannot be read.
        """
        folder = tables.folder_of(self.home, table)
        return tables.read(folder, TABLES[table], self.manifest.tables.get(table), columns, where)

    def check(self, table: str) -> None:
        """Raise LakeDamaged where a file of a table is not as it was written."""
        state = self.manifest.tables.get(table)
        if state is not None:
            tables.check_content(tables.folder_of(self.home, table), state)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """The one writer's transaction, on the newest version whatever version this is.

        What is put is committed by ``Transaction.publish``, all at once, or not at all.
        Raises LakeBusy, LakeFull, LakeNotWritable, LakeDamaged.
        """
        with _writable(self.home), durable.only_writer(self.home):
            _clean(self.home)
            transaction = Transaction(Lake.open(self.home))
            try:
                yield transaction
            finally:
                if not transaction.done:
                    _clean(self.home)


class Transaction:
    """A write under way: tables put here become visible together, by ``publish``."""

    def __init__(self, base: Lake) -> None:
        self.base = base
        self.tables = dict(base.manifest.tables)
        self.feeds = dict(base.manifest.feeds)
        self.done = False
        self._touched: set[str] = set()

    def append(self, table: str, rows: pl.DataFrame) -> None:
        """Add rows to a table."""
        self._put(table, rows, rows, whole=False)

    def replace(self, table: str, rows: pl.DataFrame, altered: pl.DataFrame | None = None) -> None:
        """Put other content in the place of a whole table.

        altered: those of the rows that were not in the table before; None: any of them.
        """
        self._put(table, rows, altered, whole=True)

    def reach(self, feed: str, state: FeedState) -> None:
        """Say how far a feed came; nothing is written for a cursor that stands already."""
        before = self.feeds.get(feed)
        if before is None or before.cursor != state.cursor or self._touched:
            self.feeds[feed] = state

    def _put(
        self, table: str, rows: pl.DataFrame, altered: pl.DataFrame | None, whole: bool
    ) -> None:
        home, before = self.base.home, self.tables.get(table)
        commit = tables.replace if whole else tables.append
        with _writable(home):
            if not self._touched:
                durable.write_whole(_writing_mark(home), _WRITING)
            after = commit(tables.folder_of(home, table), TABLES[table], before, rows)
        after = replace(after, changed_from=_least_height(altered))
        if before is not None and table in self._touched:
            both = (before.changed_from, after.changed_from)
            least = None if None in both else min(height for height in both if height is not None)
            after = replace(after, log={**before.log, **after.log}, changed_from=least)
        self._touched.add(table)
        self.tables[table] = after

    def publish(self, loaded: Sequence[LoadedFile], time: int) -> Lake:
        """Make all that was put visible as the next version; without any, nothing happens.

        time: Unix seconds of the load, for the provenance.
        """
        home, base = self.base.home, self.base.manifest
        if self._touched or self.feeds != base.feeds:
            states = {
                name: state if name in self._touched else replace(state, log={}, changed_from=None)
                for name, state in self.tables.items()
            }
            following = manifest.Manifest(
                version=base.version + 1,
                parent=manifest.checksum(base),
                time=time,
                code_version=_code_version(),
                tables=states,
                loaded=tuple(loaded),
                feeds=self.feeds,
            )
            with _writable(home):
                manifest.publish(home, following)
                _writing_mark(home).unlink(missing_ok=True)
        self.done = True
        return Lake.open(home)


def _least_height(altered: pl.DataFrame | None) -> int | None:
    """The least height of altered rows; None where they have none, or are not told."""
    if altered is None or "height" not in altered.columns or altered["height"].has_nulls():
        return None
    least = altered["height"].min()
    return least if isinstance(least, int) else None


def _writing_mark(home: Path) -> Path:
    return home / "writing"


def _clean(home: Path) -> None:
    """Remove what an unfinished write left, if there was one."""
    if not _writing_mark(home).exists():
        return
    named = (
        f"{table}/{name}"
        for version in manifest.versions(home)
        for table, state in manifest.read_version(home, version).tables.items()
        for name in (*state.active, *state.log)
    )
    tables.roll_back(home, manifest.read_manifest(home).tables, named)
    for draft in (home / "versions").glob(".*.draft"):
        draft.unlink(missing_ok=True)
    _writing_mark(home).unlink(missing_ok=True)


@contextmanager
def _writable(home: Path) -> Iterator[None]:
    """Turn a failed write, from the system or from inside deltalake, into its named error."""
    from deltalake.exceptions import DeltaError
    from polars.exceptions import PolarsError

    try:
        yield
    except (OSError, DeltaError, PolarsError) as error:
        raise durable.write_error(home, error) from error


def _code_version() -> str:
    from hashcanary.version import __version__

    return __version__
