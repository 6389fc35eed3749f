"""Verifies a lake from what is stored: its files by their checksums, its rows by consensus.

Every file is as it was written, and the Delta log agrees; stored rows keep the rules of consensus,
which is told from the rows alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from hashcanary.chain.errors import ChainError
from hashcanary.chain.header_times import median_time_past
from hashcanary.chain.headers import decode_headers, encode_headers
from hashcanary.chain.retarget import expected_bits, next_bits
from hashcanary.chain.subsidy import subsidy_column
from hashcanary.chain.targets import why_invalid
from hashcanary.moments import DAY
from hashcanary.sources.facts import COMPANIES, TABLES
from hashcanary.sources.files.blocks_table import hash_above_target
from hashcanary.sources.files.company_figures import BY_NAME, FIGURES
from hashcanary.store import manifest
from hashcanary.store.durable import FileMark, mark_of
from hashcanary.store.errors import LakeDamaged, LakeError
from hashcanary.store.lake import Lake
from hashcanary.store.manifest import Manifest
from hashcanary.store.placing import histories, network_anchors
from hashcanary.store.recording import all_headers, record_of
from hashcanary.store.tables import delta_files, folder_of


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be.

    table: of the lake, or ``files``; place: a file, a height or a key; expected and found: in
    words or values.
    """

    table: str
    place: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check. covered: how many files, rows or retargets it could look at; what: of which."""

    name: str
    title: str
    covered: int
    what: str
    findings: tuple[Finding, ...] = ()


def check_versions(home: Path) -> tuple[Check, list[Manifest]]:
    """The files of all versions: whole, and each naming the one before by its checksum."""
    found: list[Finding] = []
    read: list[Manifest] = []
    known = manifest.versions(home)
    for place, version in enumerate(known):
        path = manifest.path_of(home, version)
        if version != place:
            expected, told = f"versions 0 to {known[-1]}", f"{version} after {place - 1}"
            found.append(Finding("files", str(path), expected, told))
            break
        try:
            read.append(manifest.read_version(home, version))
        except LakeDamaged as error:
            found.append(_damage(error))
            break
        parent = manifest.checksum(read[-2]) if len(read) > 1 else ""
        if read[-1].parent != parent or read[-1].version != version:
            expected = f"version {version} after the one with checksum {parent or 'none'}"
            told = f"version {read[-1].version} after {read[-1].parent}"
            found.append(Finding("files", str(path), expected, told))
    title = "every version is as it was written, and follows the one before"
    return Check("versions", title, len(known), "versions", tuple(found)), read


def check_files(home: Path, manifests: list[Manifest]) -> Check:
    """Every data and log file of every version has the size and SHA-256 it was written with."""
    marks: dict[Path, FileMark] = {}
    for one in manifests:
        for table, state in one.tables.items():
            folder = folder_of(home, table)
            marks |= {folder / name: mark for name, mark in (state.active | state.log).items()}
    found = [
        Finding(path.relative_to(home / "tables").parts[0], str(path), expected, told)
        for path, mark in sorted(marks.items())
        if (told := _unlike(path, mark)) and (expected := f"sha256 {mark.sha256}")
    ]
    title = "every data file and log file has the checksum it was written with"
    return Check("checksums", title, len(marks), "files", tuple(found))


def check_delta(lake: Lake) -> Check:
    """The Delta log names the same files and as many rows as the lake's version does."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    found = []
    for table, state in sorted(lake.manifest.tables.items()):
        place = str(folder_of(lake.home, table))
        try:
            _, names = delta_files(DeltaTable(place, version=state.version))
        except (DeltaError, OSError, ValueError) as error:
            expected = f"a Delta log with version {state.version}"
            found.append(Finding(table, place, expected, str(error).splitlines()[0]))
            continue
        if names != sorted(state.active):
            found.append(Finding(table, place, f"files {sorted(state.active)}", f"files {names}"))
    title = "the Delta log of each table agrees with the lake's version"
    return Check("delta", title, len(lake.manifest.tables), "tables", tuple(found))


def damaged(name: str, title: str, error: LakeError) -> Check:
    """A check that could not be made because of damage."""
    return Check(name, title, 0, "not checked", (_damage(error),))


def _damage(error: LakeError) -> Finding:
    told = {name: str(error.fields.get(name, error)) for name in ("place", "expected", "found")}
    return Finding("files", told["place"], told["expected"], told["found"])


def _unlike(path: Path, mark: FileMark) -> str:
    """How a file differs from how it was written; empty when it does not."""
    try:
        now = mark_of(path)
    except OSError as error:
        return error.strerror or str(error)
    return "" if now == mark else f"{now.size} bytes with sha256 {now.sha256}"


# a finding a row would say nothing more after these; their number is still told
MOST_LISTED = 100


def check_keys(lake: Lake) -> Check:
    """Each key once in its table, in as many rows as the version says."""
    found: list[Finding] = []
    covered = 0
    for table in TABLES.values():
        state = lake.manifest.tables.get(table.name)
        keys = lake.frame(table.name, list(table.key))
        covered += keys.height
        if state is not None and state.rows != keys.height:
            rows = f"{state.rows:,} rows"
            found.append(Finding(table.name, "whole table", rows, f"{keys.height:,} rows"))
        again = keys.filter(keys.is_duplicated()).unique(maintain_order=True)
        key = ", ".join(f"{name} {{{name}}}" for name in table.key)
        found += _listed(table.name, again, key, "this key once", "more than one row with it")
    return Check("keys", "each fact is stored once", covered, "rows", tuple(found))


def check_proof_of_work(lake: Lake) -> Check:
    """Every stored header gives its stored hash, and that hash meets its target."""
    rows = lake.frame("headers")
    title = "every header gives its hash, and the hash meets its target"
    try:
        rehashed = decode_headers(encode_headers(rows)).frame()["hash"]
    except ChainError as error:
        expected = "fields that fit a header of 80 bytes"
        broken = Finding("headers", "whole table", expected, str(error))
        return Check("work", title, 0, "headers", (broken,))
    pow_limit = lake.network.pow_limit
    invalid = {bits: why for bits in rows["bits"].unique() if (why := why_invalid(bits, pow_limit))}
    valid = rows.filter(~pl.col("bits").is_in(list(invalid)))
    above = valid.filter(hash_above_target(valid["hash"], valid["bits"]).fill_null(value=True))
    other = rows.with_columns(rehashed=rehashed).filter(pl.col("rehashed") != pl.col("hash"))
    bad = pl.concat([rows.filter(pl.col("bits").is_in(list(invalid))), above])
    found = _listed("headers", other, _AT, "hash {hash}", "its fields give {rehashed}")
    due = "a hash below the target of its bits {bits:#010x}"
    found += _listed("headers", bad, _AT, due, "{hash}")
    return Check("work", title, rows.height, "headers", found)


def check_links(lake: Lake) -> Check:
    """Every header stands one above its parent, and well-known blocks at their heights."""
    rows = lake.frame("headers", ["height", "hash", "prev_hash"])
    parents = rows.select(prev_hash="hash", parent_height="height")
    linked = rows.join(parents, on="prev_hash", how="left", maintain_order="left")
    orphans = linked.filter(
        pl.col("parent_height").is_null()
        & (pl.col("height") - 1).is_in(rows["height"].unique().implode())
    )
    displaced = linked.filter(pl.col("parent_height") != pl.col("height") - 1).with_columns(
        due=pl.col("parent_height") + 1
    )
    known = rows.join(network_anchors(lake.network), on="hash", suffix="_known")
    misplaced = known.filter(pl.col("height") != pl.col("height_known"))
    expected = "a parent among the headers one below"
    found = _listed("headers", orphans, _AT, expected, "{prev_hash}")
    found += _listed("headers", displaced, _AT, "height {due}, one above its parent", "{height}")
    expected = "height {height_known} of this well-known block"
    found += _listed("headers", misplaced, _AT, expected, "{height}")
    title = "every header stands one above its parent"
    links = linked["parent_height"].count()
    return Check("links", title, links, "links", found)


def check_header_rules(lake: Lake) -> Check:
    """Bits and times of headers follow from the headers before them, branch by branch."""
    headers = all_headers(lake).with_columns(new=pl.lit(value=True))
    found: list[Finding] = []
    covered = 0
    for history, _ in histories(headers, lake.network):
        expected, known = expected_bits(history, lake.network)
        median, median_known = median_time_past(history.times, history.heights)
        known[: history.before] = False
        covered += int(known.sum())
        for row in np.flatnonzero(known & (expected != history.bits)).tolist():
            want, told = f"bits {expected[row]:#010x}", f"{history.bits[row]:#010x}"
            found.append(Finding("headers", f"height {history.heights[row]}", want, told))
        early = median_known[:-1] & (history.times[1:] <= median[:-1])
        early[: max(history.before - 1, 0)] = False
        for row in np.flatnonzero(early).tolist():
            want = f"a time above the median time past {median[row]}"
            place = f"height {history.heights[row + 1]}"
            found.append(Finding("headers", place, want, str(history.times[row + 1])))
    title = "bits and times of headers follow from the headers before"
    return Check("rules", title, covered, "headers", _most(found, len(found)))


def check_retargets(lake: Lake) -> Check:
    """Bits at every retarget follow from the epoch's first and last time, whoever tells them.

    Looks at the resolved chain, block tables included, so it reaches where no headers are.
    """
    title = "bits at every retarget follow from the times of the epoch"
    network = lake.network
    if network.no_retargeting or network.min_difficulty_rule:
        return Check("retargets", f"{title} (other rules on {network.name})", 0, "retargets")
    blocks = record_of(lake).blocks
    span = network.retarget_interval
    firsts = blocks.filter(pl.col("height") % span == 0).select("height", "time", "bits")
    lasts = blocks.filter(pl.col("height") % span == span - 1).select(
        pl.col("height") + 1, last_time="time", last_bits="bits"
    )
    before = firsts.select(pl.col("height") + span, first_time="time")
    whole = firsts.join(lasts, on="height").join(before, on="height").sort("height")
    found = []
    for row in whole.iter_rows(named=True):
        due = next_bits(row["last_bits"], row["first_time"], row["last_time"], network)
        if due != row["bits"]:
            place, told = f"height {row['height']}", f"{row['bits']:#010x}"
            found.append(Finding("blocks", place, f"bits {due:#010x}", told))
    epochs = blocks.group_by(epoch=pl.col("height") // span).agg(pl.col("bits").unique())
    for row in epochs.filter(pl.col("bits").list.len() > 1).sort("epoch").iter_rows(named=True):
        several = " and ".join(f"{bits:#010x}" for bits in sorted(row["bits"]))
        expected = "one target for the whole epoch"
        found.append(Finding("blocks", f"epoch {row['epoch']}", expected, several))
    return Check("retargets", title, whole.height, "retargets", _most(found, len(found)))


def check_amounts(lake: Lake) -> Check:
    """Subsidies are those of their heights; fees are not below zero."""
    rows = lake.frame("blocks", ["height", "subsidy", "total_fee", "source"]).filter(
        pl.col("subsidy").is_not_null() | pl.col("total_fee").is_not_null()
    )
    due = pl.Series("due", subsidy_column(rows["height"].to_numpy(), lake.network))
    wrong = rows.with_columns(due).filter(pl.col("subsidy") != pl.col("due"))
    negative = rows.filter(pl.col("total_fee") < 0)
    place = f"{_AT}, {{source}}"
    found = _listed("blocks", wrong, place, "subsidy {due} satoshis", "{subsidy}")
    found += _listed("blocks", negative, place, "fees of at least 0 satoshis", "{total_fee}")
    title = "subsidies are those of their heights, fees not below zero"
    return Check("subsidy", title, rows.height, "rows", found)


def check_reports(lake: Lake) -> Check:
    """Company reports: figures that are known, in their units and limits, published when over."""
    rows = lake.frame(COMPANIES.name)
    units = {figure.name: figure.unit for figure in FIGURES}
    named = rows.with_columns(due=pl.col("figure").replace_strict(units, default=None))
    strange = named.filter((pl.col("unit") != pl.col("due")).fill_null(value=True)).with_columns(
        pl.col("due").fill_null("of a known figure")
    )
    span = pl.col("period_end") < pl.col("period_start")
    over = pl.col("period_end").cast(pl.Datetime("us")).dt.epoch("s") + DAY
    early = pl.col("known_at") < over
    odd = rows.filter(span | early)
    known = rows.filter(pl.col("figure").is_in(list(BY_NAME)))
    held = [BY_NAME[name].holds(value) for name, value in known["figure", "value"].iter_rows()]
    beyond = known.filter(~pl.Series(held, dtype=pl.Boolean))
    of = "{company}, {figure}, {period_start} to {period_end}"
    expected = "a period that ends before it is known"
    found = _listed(COMPANIES.name, strange, of, "unit {due}", "{unit}")
    found += _listed(COMPANIES.name, odd, of, expected, "known at {known_at}")
    found += _listed(COMPANIES.name, beyond, of, "a value within its limits", "{value}")
    title = "company reports are of known figures, in their units and limits"
    return Check("reports", title, rows.height, "figures", found)


_AT = "height {height}"


def _listed(
    table: str, rows: pl.DataFrame, place: str, expected: str, found: str
) -> tuple[Finding, ...]:
    """Findings in rows, each told by texts with the names of columns in braces."""
    shown = rows.head(MOST_LISTED).with_columns(pl.selectors.binary().bin.encode("hex"))
    texts = (place, expected, found)
    told = [
        Finding(table, *(text.format_map(row) for text in texts))
        for row in shown.iter_rows(named=True)
    ]
    return _most(told, rows.height)


def _most(found: list[Finding], count: int) -> tuple[Finding, ...]:
    """The first MOST_LISTED of ``count`` findings, and one that says how many more there are."""
    listed = found[:MOST_LISTED]
    if count > MOST_LISTED:
        more = f"{count - MOST_LISTED:,} more of this kind"
        listed.append(Finding(found[-1].table, "and further", listed[-1].expected, more))
    return tuple(listed)


CHECKS: tuple[tuple[str, Callable[[Lake], Check]], ...] = (
    ("delta", check_delta),
    ("keys", check_keys),
    ("work", check_proof_of_work),
    ("links", check_links),
    ("rules", check_header_rules),
    ("retargets", check_retargets),
    ("subsidy", check_amounts),
    ("reports", check_reports),
)


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """All checks of a lake. version: the one whose rows were checked, None where it is damaged."""

    home: str
    version: int | None
    checks: tuple[Check, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What all checks found."""
        return tuple(finding for check in self.checks for finding in check.findings)

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(home: Path, progress: Callable[[str, int, int], None] | None = None) -> VerifyReport:
    """Check the newest version of the lake at ``home``, and the files of every version.

    progress: called with the check that begins, how many are done, of how many. Damage is a
    finding, not an error. Raises NoLake.
    """
    total = len(CHECKS) + 2
    tell = progress or _silent
    tell("versions", 0, total)
    versions, manifests = check_versions(home)
    tell("checksums", 1, total)
    checks = [versions, check_files(home, manifests)]
    try:
        lake = Lake.open(home)
    except LakeDamaged as error:
        title = "the lake can be opened"
        return VerifyReport(str(home), None, (*checks, damaged("open", title, error)))
    for done, (name, check) in enumerate(CHECKS, start=2):
        tell(name, done, total)
        checks.append(_made(lake, name, check))
    return VerifyReport(str(home), lake.version, tuple(checks))


def _made(lake: Lake, name: str, check: Callable[[Lake], Check]) -> Check:
    try:
        return check(lake)
    except LakeDamaged as error:
        return damaged(name, "the rows can be read", error)


def _silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
