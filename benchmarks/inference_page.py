"""Puts what a benchmark measured into its place in docs/inference.md, or in another page."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "inference.md"


def write_part(name: str, title: str, text: str, page: Path = PAGE) -> None:
    """Put ``text`` between the marks of part ``name``, under ``title`` where there is none yet.

    The page keeps everything outside the marks.
    """
    start = f"<!-- {name}: written by benchmarks/{name}.py, change the script instead -->"
    end = f"<!-- end of {name} -->"
    part = f"{start}\n\n{text.strip()}\n\n{end}"
    old = page.read_text(encoding="utf-8") if page.exists() else f"# {page.stem.capitalize()}\n"
    marked = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    if marked.search(old):
        new = marked.sub(lambda _: part, old)
    else:
        new = f"{old.rstrip()}\n\n## {title}\n\n{part}\n"
    page.write_text(new, encoding="utf-8")
