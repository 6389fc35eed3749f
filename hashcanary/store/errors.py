"""Errors of the lake."""

from __future__ import annotations

from hashcanary.errors import Exit, HashcanaryError, UnknownName


class LakeError(HashcanaryError):
    """Root of what can go wrong with a lake."""

    exit_code = Exit.LAKE
    http_status = 503


class FactsRefused(LakeError):
    """Facts that do not fit what the lake holds."""

    exit_code = Exit.SOURCE
    http_status = 422


class NoLake(LakeError):
    """A home without a lake."""

    template = (
        "expected a lake at {home}, found none. Create one with `hashcanary load PATH`, or name "
        "another home with --home or HASHCANARY_HOME."
    )
    exit_code = Exit.MISSING
    http_status = 404


class LakeExists(LakeError):
    """A lake where a new one was to be made."""

    template = (
        "expected an empty or missing folder at {home} for a new lake, found {found}. Name another "
        "home, or open the lake there."
    )
    exit_code = Exit.USAGE
    http_status = 409


class UnknownVersion(UnknownName, LakeError):
    """A version the lake does not have."""

    template = "expected a version from 0 to {newest} of the lake at {home}, found {version}."


class LakeBusy(LakeError):
    """A second writer."""

    template = (
        "expected to be the only writer of the lake at {home}, found another process writing. "
        "Reading still works; run this again when that process has finished."
    )
    http_status = 409


class LakeFull(LakeError):
    """No room left to write."""

    template = (
        "expected room to write at {home}, found none left: {found}. The lake is as it was "
        "before; free some space and run this again."
    )
    http_status = 507


class LakeNotWritable(LakeError):
    """Writing failed for a reason other than space."""

    template = (
        "expected to write at {home}, found: {found}. The lake is as it was before; correct "
        "the cause (permissions, a read-only disk) and run this again."
    )


class LakeDamaged(LakeError):
    """A file of the lake that is not as it was written."""

    template = (
        "damaged lake: {place}: expected {expected}, found {found}. `hashcanary verify` lists "
        "all damage; restore the file from a copy, or load the sources into a new home."
    )
    http_status = 500


class ConflictingFacts(LakeError):
    """Two values of one fact from one source."""

    template = (
        "{place}: expected one value from one source, found {column} {new} besides {old} ({count} "
        "such rows; first: {key}). Correct the file, or give the series its own "
        "source name."
    )
    exit_code = Exit.SOURCE
    http_status = 409


class Unanchored(FactsRefused):
    """Headers of unknown height."""

    template = (
        "{place}: expected headers that connect to a block of known height, found a run of "
        "{count} from {first} to {last} that connects to none. Load the headers or block tables "
        "before it too, or give the height of its first header with --height."
    )


class Misplaced(FactsRefused):
    """Headers for which two facts give different heights."""

    template = (
        "{place}: expected block {hash} at height {expected} ({because}), found height {found}. "
        "Correct the height given, or the file."
    )


class BrokenRule(FactsRefused):
    """Headers that break a rule together with those already in the lake."""

    template = (
        "{place}: expected headers that follow the rules from the blocks before them, found: "
        "{problem} They belong to another network, or follow other blocks."
    )


class NothingToLoad(FactsRefused):
    """Paths in which nothing is a fact."""

    template = (
        "expected files that can be loaded in {paths}, found none: {found}. Name files of a kind "
        "that hashcanary knows, or name their kind with --as KIND."
    )


class NoSuchBlock(LakeError):
    """A moment given as the height of a block that is not known."""

    template = (
        "expected a block of known time at height {height}, found none; the lake knows the "
        "heights {known}. Load that block, or name the moment by a date."
    )
    exit_code = Exit.MISSING
    http_status = 404


class NoCoinbases(LakeError):
    """Blocks to be labelled, and none of known coinbase."""

    template = (
        "expected blocks of known coinbase in the lake at {home}, found none: pools are identified "
        "by the coinbase. Fetch blocks from a node or its files with `hashcanary sync`."
    )
    exit_code = Exit.MISSING
    http_status = 404


class UnknownPoolList(UnknownName, LakeError):
    """A list of pools that labelled no block."""

    template = (
        "expected a list that labelled blocks, one of: {known}; found {name!r}. Name one of "
        "them, or label blocks by your own list with `hashcanary pools --label FILE`."
    )
