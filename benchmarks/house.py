"""The house in numbers: code lines, files, tests by the line, circles; beside the goals set for it.

A code line holds a token that is no comment and no docstring. There is no peer: the limit column
says what was counted before the presentation moved into views.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path

from table import show

ROOT = Path(__file__).resolve().parent.parent
PACKAGE, TESTS = ROOT / "hashcanary", ROOT / "tests"
SMALL = 60
_SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
# what tests of a folder of the package lie in
_SHOWN = ("cli", "report", "views")


def code_lines(path: Path) -> int:
    """Lines of a file that hold code."""
    text = path.read_text(encoding="utf-8")
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        for each in body if isinstance(body, list) else ():
            if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant):
                documented.update(range(each.lineno, (each.end_lineno or each.lineno) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - documented)


def _of(folder: Path) -> int:
    return sum(map(code_lines, folder.rglob("*.py")))


def measure() -> list[dict[str, object]]:
    """A row a measure."""
    sys.path.insert(0, str(ROOT))
    from tests.test_house import find_circle, import_graph, read_sources

    sizes = {path: code_lines(path) for path in PACKAGE.rglob("*.py")}
    small = sum(lines < SMALL for path, lines in sizes.items() if path.name != "__init__.py")
    shown = {name: _of(PACKAGE / name) for name in _SHOWN}
    tested = sum(_of(TESTS / name) for name in _SHOWN) + code_lines(TESTS / "test_api.py")
    circle = find_circle(import_graph(read_sources()))
    return [
        _row("code lines of the package", sum(sizes.values()), 42_520, 38_000),
        _row("code lines of report and cli", shown["report"] + shown["cli"], 13_926, 9_000),
        _row("code lines of views", shown["views"], 0, None),
        _row("files", len(sizes), 435, 350),
        _row(f"files under {SMALL} code lines, without __init__", small, 128, 60),
        _row("modules in a circle of imports, types included", len(circle), 6, 0),
        _row(
            "test code per code line of report, cli and views",
            round(tested / sum(shown.values()), 2),
            0.35,
            0.6,
            least=True,
        ),
    ]


def _row(
    what: str, ours: float, before: float, bar: float | None, *, least: bool = False
) -> dict[str, object]:
    reached = None if bar is None else ours >= bar if least else ours <= bar
    return {
        "what": what,
        "ours": f"{ours:,}",
        "peer": "",
        "limit": f"{before:,} before",
        "bar": "" if bar is None else f"at {'least' if least else 'most'} {bar:,}",
        "reached": reached,
    }


if __name__ == "__main__":
    raise SystemExit(show(measure()))
