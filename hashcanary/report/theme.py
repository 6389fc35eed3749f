"""Colours and type of pages and pictures: one table for both themes.

Chart definitions name colours by token (``@hashrate``). A picture replaces a token by its colour in
the light or the dark theme, a page by ``var(--hashrate)``, so that it follows the reader's system
without being drawn again. The hues are those of Okabe and Ito (2008), told apart by colour-blind
readers, moved in lightness until they stand out from the paper by 3:1 (lines) or 4.5:1 (text).
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Literal

Theme = Literal["light", "dark"]
Spec = dict[str, Any]

_LOOK = json.loads((files("hashcanary.report") / "look.json").read_text(encoding="utf-8"))
PALETTE: dict[str, tuple[str, str]] = {
    token: (light, dark) for token, (light, dark) in _LOOK["light and dark"].items()
}

SERIF = "'Iowan Old Style', 'Palatino Linotype', Palatino, 'Book Antiqua', Georgia, serif"
SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"


def colours(theme: Theme) -> dict[str, str]:
    """Token to colour in one theme."""
    index = 0 if theme == "light" else 1
    return {token: pair[index] for token, pair in PALETTE.items()}


def variables(theme: Theme) -> str:
    """The theme as CSS declarations."""
    return "".join(f"--{token}:{colour};" for token, colour in colours(theme).items())


def variable_references() -> dict[str, str]:
    """Token to a reference that the page's style sheet resolves."""
    return {token: f"var(--{token})" for token in PALETTE}


def coloured(spec: Spec, palette: dict[str, str]) -> Spec:
    """A copy of ``spec`` with every ``@token`` string replaced by the palette's colour."""
    return {key: _coloured(value, palette) for key, value in spec.items()}


def _coloured(value: object, palette: dict[str, str]) -> object:
    if isinstance(value, dict):
        return {key: _coloured(inner, palette) for key, inner in value.items()}
    if isinstance(value, list):
        return [_coloured(inner, palette) for inner in value]
    if isinstance(value, str) and value.startswith("@"):
        return palette[value[1:]]
    return value


def config() -> dict[str, Any]:
    """Vega-Lite configuration shared by all charts, in tokens."""
    kept = {token: f"@{token}" for token in PALETTE}
    return coloured(_LOOK["charts"], kept | {"sans": SANS, "serif": SERIF})
