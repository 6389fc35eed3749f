"""What every command prints with and writes files with: answers, the report, progress, notes.

Data go to stdout, everything else to stderr; a bar only where that is a terminal. JSON holds no NaN
and is the same bytes for the same data. Text that came from files is made harmless: control
characters are shown, not sent to the terminal, and a CSV cell cannot start a spreadsheet formula.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from hashcanary.errors import Exit

if TYPE_CHECKING:
    import argparse

    from rich.console import Console, RenderableType

    from hashcanary.report.document import Report
    from hashcanary.store.record import Record
    from hashcanary.views.answer import Answer

Format = Literal["people", "json", "csv"]
Tell = Callable[[str, int, int], None]


def format_of(args: argparse.Namespace) -> Format:
    """The form of output the user asked for."""
    if args.json:
        return "json"
    return "csv" if args.csv else "people"


def present(args: argparse.Namespace, answer: Answer) -> Exit:
    """Write an answer to stdout as the options ask for; the command is done."""
    show(answer, format_of(args))
    return Exit.DONE


def show(answer: Answer, how: Format) -> None:
    """Write an answer to stdout in the form the user asked for."""
    from hashcanary.views.data import csv_text, json_text

    if how == "json":
        sys.stdout.write(json_text(answer.to_dict()))
    elif how == "csv":
        sys.stdout.write(csv_text(answer.tables[0]))
    else:
        from hashcanary.views.terminal import UNLIMITED, rendered

        out = console(sys.stdout)
        if out.is_terminal:
            out.print(rendered(*answer.shown))
        else:
            # nothing is cut where no terminal sets a limit, and nothing is padded
            out.width = UNLIMITED
            print_trimmed(out, rendered(*answer.shown))


def print_trimmed(out: Console, drawn: RenderableType) -> None:
    """Print to what is no terminal: without the blanks that fill lines up."""
    with out.capture() as captured:
        out.print(drawn)
    out.file.writelines(line.rstrip() + "\n" for line in captured.get().splitlines())


def console(stream: TextIO) -> Console:
    """A rich console that prints text as it is: no markup, no emoji, no guessed colours."""
    from rich.console import Console

    return Console(file=stream, markup=False, emoji=False, highlight=False)


def say(text: str) -> None:
    """A line for people on stderr."""
    from hashcanary.views.text import harmless

    sys.stderr.write(harmless(text) + "\n")


@contextmanager
def bar() -> Iterator[Tell]:
    """A function to be told what is done, how far, of how many."""
    if not sys.stderr.isatty():
        yield _unseen
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from hashcanary.views.text import harmless

    shown = Progress(
        BarColumn(24),
        TextColumn("{task.completed}/{task.total}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=console(sys.stderr),
        transient=True,
    )
    with shown:
        task = shown.add_task("", total=None)

        def tell(what: str, done: int, total: int) -> None:
            shown.update(task, description=harmless(what), completed=done, total=total)

        yield tell


@contextmanager
def pace(what: str) -> Iterator[Callable[[int, int | None, str], None]]:
    """A function to be told how far, of how much (None: not known), in which unit.

    The bar shows the rate and, where the whole is known, the time left.
    """
    if not sys.stderr.isatty():
        yield _unseen
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    from hashcanary.views.text import harmless

    shown = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeLeft(),
        console=console(sys.stderr),
        transient=True,
    )
    with shown:
        task = shown.add_task(what, total=None, rate="")

        def tell(done: int, total: int | None, unit: str) -> None:
            speed = shown.tasks[0].speed
            rate = f"{harmless(unit)} {speed:,.0f}/s" if speed else harmless(unit)
            shown.update(task, completed=done, total=total, rate=rate)

        yield tell


def _unseen(*told: object) -> None:
    """Progress that nobody watches."""


# written into one folder, beyond which the folder alone is named
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
            written.append(write_file(html, "a page", render_html(report, bundle).encode()))
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
        from hashcanary.views.errors import OutputNotWritten

        found = error.strerror or str(error)
        raise OutputNotWritten(path=place, what=what, found=found) from error


def print_report(report: Report, *, as_json: bool) -> None:
    """The report on stdout."""
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
    by_folder: dict[Path, list[Path]] = {}
    for path in files:
        by_folder.setdefault(path.parent, []).append(path)
    for folder, inside in by_folder.items():
        if len(inside) > FEW_FILES:
            say(f"wrote {len(inside)} files into {folder}")
        else:
            for path in inside:
                say(f"wrote {path}")


def write_file(path: Path, what: str, data: bytes) -> Path:
    """Write a file where a user asked for it; gives its path. Raises what ``writing`` raises."""
    with writing(path, what):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return path
