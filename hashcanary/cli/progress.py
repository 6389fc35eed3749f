"""Progress on stderr: a bar where stderr is a terminal, nothing where it is not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tell = Callable[[str, int, int], None]


@contextmanager
def bar() -> Iterator[Tell]:
    """A function to be told what is done, how far, of how many."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from hashcanary.cli.output import console
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

    from hashcanary.cli.output import console
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


def _unseen(done: int, total: int | None, unit: str) -> None:
    """Progress that nobody watches."""


def _silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
