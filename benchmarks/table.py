"""The table of a benchmark: ours, the peer and the limit side by side."""

from __future__ import annotations

import sys

COLUMNS = {
    "what": "what",
    "ours": "ours",
    "peer": "peer",
    "limit": "limit",
    "ratio_to_peer": "ours / peer",
    "ratio_to_limit": "ours / limit",
    "bar": "bar",
    "reached": "reached",
}


def table(rows: list[dict[str, object]]) -> str:
    """Rows as a Markdown table."""
    cells = [list(COLUMNS.values()), *([_cell(row.get(key)) for key in COLUMNS] for row in rows)]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * len(COLUMNS), *lines[1:]])


def show(rows: list[dict[str, object]]) -> int:
    """Print the table of one benchmark; gives 1 when a bar is not reached."""
    sys.stdout.write(table(rows) + "\n")
    return 1 if any(row.get("reached") is False for row in rows) else 0


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "**no**"
    if isinstance(value, float):
        return f"{value:.2f}"
    return "" if value is None else str(value)
