"""Errors of sources: each names the file, the place, what was expected, what was found."""

from __future__ import annotations

from hashcanary.errors import Exit, HashcanaryError


class SourceError(HashcanaryError):
    """Something a source gave that cannot be used; the lake stays as it was."""

    exit_code = Exit.SOURCE
    http_status = 422


class UnknownKind(SourceError):
    """A kind of source that is not registered."""

    template = "expected a kind of file, one of {known}; found {kind!r}. Correct the name."
    exit_code = Exit.USAGE
    http_status = 404


class DuplicateKind(SourceError):
    """Two sources declared under one kind."""

    template = (
        "the kind {kind!r} is declared twice, the second time in {module}; kinds must be unique. "
        "Rename one, or uninstall one of the packages."
    )
    exit_code = Exit.USAGE


class MissingOption(SourceError):
    """A source that needs an option which was not given."""

    template = "{file}: a file of kind {kind} needs {option}; found none. {remedy}"
    exit_code = Exit.USAGE


class UnreadableFile(SourceError):
    """A path that cannot be opened or read."""

    template = "{file}: expected a file or folder that can be read, found: {reason}. {remedy}"


class NothingToRead(SourceError):
    """A folder without one file, or with none that any source reads."""

    template = "{file}: expected at least one file to read, found {found}. {remedy}"


class EmptyFile(SourceError):
    """A file of no bytes, or a table of no rows."""

    template = (
        "{file}: expected {expected}, found {found}. "
        "Was it cut short while it was written? Fetch it again, or leave it out."
    )


class LinkLoop(SourceError):
    """A folder that contains itself through a link."""

    template = (
        "{file}: expected folders that end, found a link that leads back to {target}. "
        "Remove the link, or load the folders below it one by one."
    )


class TooLarge(SourceError):
    """A file, or what a compressed file unfolds to, beyond the limit."""

    template = (
        "{file}: expected at most {limit:,} bytes{unfolded}, found {found}. "
        "Split it into parts and load them one by one: overlaps do no harm."
    )


class TooManyRows(SourceError):
    """A table of more rows than anything of its kind can have."""

    template = (
        "{file}: expected at most {limit:,} rows, found {found:,}. "
        "Split it into parts and load them one by one: overlaps do no harm."
    )


class DamagedCompression(SourceError):
    """A zstd file that cannot be unfolded."""

    template = (
        "{file}: expected a whole zstd file, found damage after {unfolded:,} unfolded bytes: "
        "{reason}. Fetch it again."
    )


class UnrecognisedFile(SourceError):
    """A file whose content fits no kind."""

    template = (
        "{file}: expected content of one of the kinds {known}; found {found}. "
        "Name the kind with --as KIND, or describe a CSV table with --mapping FILE."
    )


class AmbiguousFile(SourceError):
    """A file whose content fits several kinds."""

    template = (
        "{file}: expected content of one kind, found that it fits {kinds}. "
        "Name the kind with --as KIND."
    )


class NotATable(SourceError):
    """Bytes that cannot be read as the table they should be."""

    template = "{file}, {place}: expected {expected}, found {found}. {remedy}"


class MissingColumns(SourceError):
    """A table without columns its kind needs."""

    template = (
        "{file}: a table of kind {kind} needs {expected}; found the columns {found}. "
        "Rename them in the file, or describe the table with --mapping FILE."
    )


class BadValue(SourceError):
    """A value that cannot be: the first of its kind in the file."""

    template = "{file}, {place}: expected {expected}, found {found}{more}. {remedy}"


class ConflictingRows(SourceError):
    """Two rows of one file that say different things of one fact."""

    template = (
        "{file}, {place}: expected one row for {key}, found another with different values"
        "{more}: {found}. Decide which is right and remove the other from the file."
    )


class BadHeaders(SourceError):
    """Block headers that break a rule of consensus."""

    template = "{file}: {problem}"


class BadMapping(SourceError):
    """A mapping file that cannot be used."""

    template = "mapping {file}, {place}: expected {expected}, found {found}. {remedy}"
    exit_code = Exit.USAGE
