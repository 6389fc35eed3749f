"""Colours and type of pages and pictures: one table for both themes.

Chart definitions name colours by token (``@hashrate``). A picture replaces a token by its colour in
the light or the dark theme, a page by ``var(--hashrate)``, so that it follows the reader's system
without being drawn again. The hues are those of Okabe and Ito (2008), told apart by colour-blind
readers, moved in lightness until they stand out from the paper by 3:1 (lines) or 4.5:1 (text).
"""

from __future__ import annotations

from typing import Any, Literal

Theme = Literal["light", "dark"]
Spec = dict[str, Any]

PALETTE: dict[str, tuple[str, str]] = {
    # token: (light, dark)
    "paper": ("#fbf9f3", "#16150f"),
    "raised": ("#f3efe4", "#201e16"),
    "ink": ("#1f1c14", "#efe9da"),
    "quiet": ("#665f4f", "#a59d8a"),
    "hairline": ("#e3ddcf", "#322f27"),
    "canary": ("#f2c100", "#f7d13d"),
    "hashrate": ("#0a5f9e", "#68b3ee"),
    "faint": ("#c4bdad", "#575144"),
    "second": ("#b45309", "#eb9f4d"),
    "third": ("#0b7a5c", "#48bf98"),
    "fourth": ("#8a3f78", "#d08fc0"),
    "stress": ("#b3401a", "#f0835a"),
    "price": ("#1f1c14", "#efe9da"),
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
    return {
        "background": None,
        "font": SANS,
        "view": {"stroke": None},
        "axis": {
            "labelColor": "@quiet",
            "labelFontSize": 11,
            "gridColor": "@hairline",
            "gridWidth": 1,
            "domain": False,
            "ticks": False,
            "labelPadding": 6,
            "title": None,
        },
        "axisX": {"grid": False, "ticks": True, "tickColor": "@hairline", "tickSize": 4},
        "axisY": {"minExtent": 64, "maxExtent": 64, "orient": "right", "tickCount": 5},
        "legend": {
            "title": None,
            "orient": "top",
            "direction": "horizontal",
            "labelColor": "@ink",
            "labelFontSize": 12,
            "labelLimit": 400,
            "symbolStrokeWidth": 3,
            "symbolSize": 120,
            "symbolOpacity": 1,
            "columnPadding": 16,
            "offset": 8,
        },
        "title": {
            "anchor": "start",
            "font": SERIF,
            "fontSize": 20,
            "fontWeight": 600,
            "color": "@ink",
            "subtitleColor": "@quiet",
            "subtitleFont": SANS,
            "subtitleFontSize": 12,
            "subtitlePadding": 6,
            "offset": 14,
        },
    }
