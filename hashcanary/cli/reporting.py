"""What ``report`` and ``demo`` share: build a report, write its files, print it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from hashcanary.views.errors import OutputNotWritten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.report.document import Report
    from hashcanary.store.record import Record

FEW_FILES = 3


def write_report(
    read: Callable[[], Record], html: Path | None, png: Path | None
) -> tuple[Report, list[Path]]:
    """Read a record, build the report on it and write the files asked for; gives both.

    Raises OutputNotWritten, and what reading, building and drawing raise.
    """
    from concurrent.futures import ThreadPoolExecutor

    from hashcanary.report.render.bundle import BundleJob

    written: list[Path] = []
    # where the chart library is not kept, a process of its own makes it meanwhile
    with BundleJob() if html else nullcontext() as bundle:
        # reading waits for files most of the time, and importing for none
        with ThreadPoolExecutor(1) as beside:
            record = beside.submit(read)
            from hashcanary.report.build import build_report
            from hashcanary.report.render.html import render_html
            from hashcanary.report.render.pictures import write_pictures

        report = build_report(record.result())
        if html is not None:
            page = render_html(report, bundle)
            with writing(html, "a page"):
                html.parent.mkdir(parents=True, exist_ok=True)
                html.write_text(page, encoding="utf-8")
            written.append(html)
    if png is not None:
        with writing(png, "pictures"):
            written += write_pictures(report, png)
    return report, written


@contextmanager
def writing(place: Path, what: str) -> Iterator[None]:
    """Turn a failed write into an error that names the place. Raises OutputNotWritten."""
    try:
        yield
    except OSError as error:
        found = error.strerror or str(error)
        raise OutputNotWritten(path=place, what=what, found=found) from error


def print_report(report: Report, *, as_json: bool) -> None:
    """The report on stdout."""
    from hashcanary.cli.output import console, print_trimmed

    if as_json:
        from hashcanary.report.render.document_json import json_text

        sys.stdout.write(json_text(report))
        return
    from hashcanary.report.render.terminal import render_terminal

    out = console(sys.stdout)
    if out.is_terminal:
        out.print(render_terminal(report))
    else:
        print_trimmed(out, render_terminal(report))


def say_written(files: Sequence[Path]) -> None:
    """Name the files that were written, on stderr; a folder where they are many."""
    from hashcanary.cli.output import say

    by_folder: dict[Path, list[Path]] = {}
    for path in files:
        by_folder.setdefault(path.parent, []).append(path)
    for folder, inside in by_folder.items():
        if len(inside) > FEW_FILES:
            say(f"wrote {len(inside)} files into {folder}")
        else:
            for path in inside:
                say(f"wrote {path}")


def write_picture(path: Path, data: bytes) -> None:
    """Write a picture where a user asked for it, and say so. Raises what ``writing`` raises."""
    with writing(path, "a picture"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    say_written([path])
