"""HTML by construction: text is escaped unless it was built here."""

from __future__ import annotations

from html import escape


class Html(str):
    """A piece of HTML that is safe to embed as it is."""

    __slots__ = ()


EMPTY_ELEMENTS = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})


def tag(name: str, /, *children: str, **attributes: str | bool | int | None) -> Html:
    """An element. Plain strings among the children are escaped, ``Html`` is kept.

    Attribute names: ``class_`` for ``class``, ``data_chart`` for ``data-chart``. True gives a
    bare attribute; None and False give none.
    """
    opening = name
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        opening += f" {attribute}" if value is True else f' {attribute}="{escape(str(value))}"'
    if name in EMPTY_ELEMENTS:
        return Html(f"<{opening}>")
    return Html(f"<{opening}>{join(*children)}</{name}>")


def join(*children: str) -> Html:
    """Children one after another, plain strings escaped."""
    return Html("".join(child if isinstance(child, Html) else escape(child) for child in children))
