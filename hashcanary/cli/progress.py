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

    from hashcanary.cli.output import console, harmless

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


def _silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
