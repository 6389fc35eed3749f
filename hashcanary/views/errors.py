"""Errors of answers that are written to files."""

from __future__ import annotations

from hashcanary.errors import Exit, HashcanaryError


class OutputNotWritten(HashcanaryError):
    """A file or folder asked for that cannot be written."""

    template = "{path}: expected to write {what} there, found: {found}. Name another path."
    exit_code = Exit.USAGE
    http_status = 400


class FolderTaken(HashcanaryError):
    """A folder to export into that is not empty."""

    template = (
        "{folder}: expected an empty or missing folder, found {found}. Name another one, or empty "
        "it."
    )
    exit_code = Exit.USAGE
    http_status = 409
