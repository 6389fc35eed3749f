"""The report as one self-contained page: no request leaves it, its policy forbids them all.

The style sheet, the scripts and the data stand inline. Scripts are named in the content security
policy by their hash, so that nothing else on the page can run, whatever a file name or a market
name holds. Text is escaped unless it was built here. The same report gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from importlib.resources import files
from itertools import groupby, pairwise
from typing import Any

from hashcanary.interval import Interval
from hashcanary.report import theme
from hashcanary.report.charts import charts_of, specification
from hashcanary.report.charts.definition import Chart, Line
from hashcanary.report.document import Dataset, Drawing, Figure, Ledger, Report, Section
from hashcanary.report.render.bundle import BundleJob
from hashcanary.report.render.words import (
    extent,
    facts_line,
    figure_bounds,
    figure_value,
    own_window,
    starting_window,
)
from hashcanary.units import DATE
from hashcanary.views.table import Cell, Column, Table
from hashcanary.views.text import FORMATS, SIMULATED, cell, day, heading, percent, period
from hashcanary.views.verdict import Head


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


# characters from which a cell reads as a sentence
_SENTENCE = 60
# estimates beyond which a row is too wide for a narrow page
_ESTIMATES = 2
# rows of a long table that are shown at first
SHOWN = 8
_HINT = (
    "Drag to move in time. Zoom with Ctrl or Shift and the wheel, two fingers, a double click, "
    "or + and − when the chart has the focus; arrow keys read off single days. All charts move "
    "together."
)


def document(title: str, policy: str, *body: str, description: str = "") -> str:
    """A whole page. policy: of the security of its content."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="description", content=description) if description else "",
        tag("title", title),
        tag("style", Html(style_sheet())),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, tag('body', *body), lang='en')}\n"


def chapter(number: int, section: Section, report: Report) -> Html:
    """A chapter of the page."""
    return tag(
        "section",
        tag("h2", tag("span", str(number), class_="no"), tag("span", section.title)),
        tag("p", section.lead, class_="lead") if section.lead else "",
        *(_part(part, report) for part in section.parts),
        *(tag("p", note, class_="note") for note in section.notes),
        class_="chapter",
        id=section.key,
    )


def _part(part: Ledger | Table | Drawing, report: Report) -> Html:
    if isinstance(part, Ledger):
        return ledger(part)
    if isinstance(part, Table):
        return table(part)
    if not report.dataset("day").time:
        return Html("")
    first = next(iter(report.sections[0].charts), "")
    return figure(charts_of(report)[part.chart], hint=part.chart == first)


_LEDGER = (
    ("", "what"),
    ("value", "num"),
    ("interval", "inside"),
    ("when", "when"),
    ("source", "from"),
)


def ledger(one: Ledger) -> Html:
    """Figures as rows: what, value, interval, when, from what."""
    heads = (tag("th", title, scope="col", class_=css) for title, css in _LEDGER)
    body = tag("tbody", *map(_ledger_row, one.figures))
    rows = tag("table", tag("thead", tag("tr", *heads)), body, class_="ledger")
    return tag("div", tag("h3", one.title), tag("div", rows, class_="scroll"), class_="block")


def _ledger_row(figure: Figure) -> Html:
    name = tag("a", figure.label, href=f"#term-{figure.term}") if figure.term else figure.label
    remark = tag("span", figure.note, class_="remark") if figure.note else ""
    label = tag("th", name, remark, scope="row")
    if figure.value is None:
        missing = tag("td", f"missing: {figure.missing}", class_="missing from", colspan=3)
        return tag("tr", label, tag("td", "–", class_="num value"), missing)
    return tag(
        "tr",
        label,
        tag("td", figure_value(figure), class_="num value"),
        tag("td", figure_bounds(figure), class_="inside", title=figure.interval or None),
        tag("td", period(figure.since, figure.until), class_="from when"),
        tag("td", figure.source, class_="from"),
    )


def table(one: Table) -> Html:
    """A table, its intervals also drawn where it asks for that."""
    if not one.rows:
        return tag("div", tag("h3", one.title), tag("p", one.empty, class_="note"), class_="block")
    cells = [one.cells(row) for row in (one.rows if one.shown is None else one.shown)]
    seen = [(place, column) for place, column in enumerate(one.columns) if not column.hidden]
    scale = _drawn_range(cells) if one.drawn else None
    heads = [tag("th", _head(column), scope="col", class_=_css(column)) for _, column in seen]
    if scale:
        heads.append(tag("th", _scale_title(one, scale), scope="col", class_="forest"))
    rows = []
    for number, row in enumerate(cells):
        shown = [
            tag("td", cell(row[place], column), class_=_css(column), data_title=column.title)
            for place, column in seen
        ]
        if scale:
            shown.append(tag("td", _drawn(_first_interval(row), scale), class_="forest"))
        rows.append(tag("tr", *shown, class_="more" if _is_long(one) and number >= SHOWN else None))
    css = "facts" if one.key.startswith("facts") else "drawn" if scale else _worded(one, cells)
    head = tag("thead", tag("tr", *heads)) if any(c.title for c in one.columns) else ""
    body = tag(
        "div",
        tag("table", head, tag("tbody", *rows), class_=css),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label=one.title or "facts",
    )
    note = tag("p", one.note, class_="note") if one.note else ""
    if one.reference:
        return tag("details", tag("summary", tag("h3", one.title)), body, note, class_="block")
    title = tag("h3", one.title) if one.title else ""
    return tag("div", title, body, _all_rows(one), note, class_="block")


def _head(column: Column) -> Html:
    title, unit = heading(column)
    return join(title, " ", tag("small", unit)) if unit else join(title)


def _is_long(one: Table) -> bool:
    return len(one.rows) > SHOWN + 3


def _all_rows(one: Table) -> Html:
    """A switch that shows the rows left out at first; it works without scripts."""
    if not _is_long(one):
        return Html("")
    name = f"all-{one.key}"
    box = tag("input", type="checkbox", id=name, class_="all")
    return tag("p", box, tag("label", f"show all {len(one.rows)}", for_=name), class_="switch")


def _worded(one: Table, cells: list[list[Cell]]) -> str | None:
    """A table of sentences or of many intervals: a narrow page shows each row as a paragraph."""
    texts = [text for row in cells if len(row) > 2 for text in row[1:]]
    long = any(len(text) > _SENTENCE for text in texts if isinstance(text, str))
    return "worded" if long or sum(bool(c.limits) for c in one.columns) > _ESTIMATES else None


def _css(column: Column) -> str | None:
    if column.numeric:
        return "num estimate" if column.limits else "num"
    return "date" if column.unit is DATE else None


def _drawn_range(cells: list[list[Cell]]) -> tuple[float, float] | None:
    """The common scale of the first intervals of a table's rows, zero included."""
    drawn = [first for row in cells if (first := _first_interval(row)) is not None]
    if not drawn:
        return None
    low, high = min(each.low for each in drawn), max(each.high for each in drawn)
    return min(low, 0.0), max(high, 0.02)


def _first_interval(row: list[Cell]) -> Interval | None:
    return next((value for value in row if isinstance(value, Interval)), None)


def _scale_title(one: Table, scale: tuple[float, float]) -> str:
    ends = percent(scale[0], 0), percent(scale[1], 0, signed=True)
    if next(column.points for column in one.columns if column.limits):
        return f"{ends[0]} to {ends[1]}; the line is zero".replace("%", "")
    return f"{ends[0]} to {ends[1]}; the line is zero"


def _drawn(estimate: Interval | None, scale: tuple[float, float]) -> Html:
    """An estimate as a dot on its interval, zero as a rule; drawn to the page's colours."""
    if estimate is None:
        return Html("")

    def along(value: float) -> str:
        return f"{(value - scale[0]) / (scale[1] - scale[0]) * 100:.2f}%"

    low, high = estimate.ends
    return Html(
        '<svg aria-hidden="true">'
        f'<line x1="{along(0)}" x2="{along(0)}" y1="0" y2="22" stroke="var(--quiet)"/>'
        f'<line x1="{along(low)}" x2="{along(high)}" y1="11" y2="11" stroke="var(--hashrate)" '
        'stroke-width="6" stroke-opacity="0.35"/>'
        f'<circle cx="{along(estimate.value)}" cy="11" r="4.5" fill="var(--hashrate)"/></svg>'
    )


def figure(chart: Chart, *, hint: bool) -> Html:
    """A chart: title, tools, legend that also reads off values, the plot itself."""
    scales = ""
    if chart.toggles:
        pressed = {"log": "false", "linear": "false", chart.scale: "true"}
        scales = _buttons(
            *(_button(kind, data_scale=kind, aria_pressed=on) for kind, on in pressed.items()),
            role="group",
            aria_label=f"Value axis of {chart.title}",
        )
    whole, of = "the data of this chart, the whole record", f"Data of {chart.title} as CSV"
    download = _buttons(_button("CSV", data_csv=True, title=whole, aria_label=of))
    keys = (tag("li", "", class_="when"), *map(_key, chart.lines))
    plot = tag(
        "div",
        class_="plot",
        tabindex=0,
        role="group",
        aria_label=chart.title,
        style=f"min-height:{chart.height}px",
    )
    without = tag("p", "The charts are drawn by scripts, which are off here.", class_="note")
    return tag(
        "figure",
        tag("figcaption", tag("h3", chart.title), tag("span", scales, download, class_="tools")),
        tag("p", chart.description, class_="said"),
        tag("ul", *keys, class_="legend"),
        plot,
        tag("p", _HINT, class_="hint") if hint else "",
        tag("noscript", without),
        class_="chart",
        id=f"chart-{chart.name}",
        data_chart=chart.name,
    )


def _button(label: str, **attributes: str | bool) -> Html:
    return tag("button", label, type="button", **attributes)


def _buttons(*buttons: Html, **attributes: str) -> Html:
    return tag("span", *buttons, class_="buttons", **attributes)


def _key(line: Line) -> Html:
    paint = f"background:var(--{line.token});" if line.shape in {"band", "bar", "dot"} else ""
    style = f"{paint}border-color:var(--{line.token})"
    read_off = line.column and line.shape not in {"dot", "ring", "bar"}
    return tag(
        "li",
        tag("span", class_=f"key {line.shape}", style=style),
        line.label + " ",
        tag("output", data_column=line.column) if read_off else "",
    )


_RANGES = (
    *((years, f"{years} y", f"last {years} years") for years in ("1", "2", "4")),
    ("all", "all", "whole record"),
)
_STEPS = (
    ("←", "earlier", "earlier"),
    ("→", "later", "later"),
    ("−", "zoom out", "out"),
    ("+", "zoom in", "in"),
)


def render_html(report: Report, bundle: BundleJob | None = None) -> str:
    """The page. ``bundle``: one started earlier, to save its time. Raises BundleFailed."""
    if bundle is None:
        with BundleJob() as job:
            return _page(report, job.text())
    return _page(report, bundle.text())


def _page(report: Report, bundle: str) -> str:
    scripts = [_inert(bundle), _inert(_resource("page.js"))]
    return document(
        f"{report.title}{' (SIMULATED)' if report.simulated else ''} · hashcanary",
        _policy(scripts),
        tag("a", "Skip to the report", class_="skip", href="#report"),
        _simulated(report),
        _masthead(report),
        tag("main", _verdict(report.head), class_="frame", id="report"),
        _bar(report),
        tag(
            "div",
            *(
                chapter(number, section, report)
                for number, section in enumerate(report.sections, 1)
            ),
            _glossary(report),
            _foot(report),
            class_="frame",
        ),
        tag("script", Html(_payload(report)), type="application/json", id="hc-data"),
        *(tag("script", Html(script)) for script in scripts),
        description=report.head.headline,
    )


def _resource(name: str) -> str:
    return files("hashcanary.report.render.page").joinpath(name).read_text(encoding="utf-8")


def _inert(script: str) -> str:
    """A script that cannot end its own element; within strings an escaped slash is a slash."""
    return re.sub("</(?=script)", r"<\\/", script, flags=re.IGNORECASE).replace("<!--", r"<\!--")


def _policy(scripts: list[str]) -> str:
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


def style_sheet() -> str:
    """The style of pages, colours of both themes included."""
    light, dark = theme.variables("light"), theme.variables("dark")
    return (
        f":root{{{light}--serif:{theme.SERIF};--sans:{theme.SANS}}}\n"
        f"@media screen and (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"
        + _resource("page.css")
    )


def _simulated(report: Report) -> Html:
    if not report.simulated:
        return Html("")
    mark = tag("div", "SIMULATED", class_="simulated-mark", aria_hidden="true")
    return join(tag("p", SIMULATED, class_="simulated-banner"), mark)


def _masthead(report: Report) -> Html:
    line = tag(
        "div",
        Html(_resource("mark.svg")),
        tag("b", "hashcanary"),
        tag("span", report.title, class_="quiet"),
        tag("span", facts_line(report), class_="asof"),
        class_="frame",
    )
    return tag("header", line, class_="mast")


def _verdict(head: Head) -> Html:
    first, _, rest = head.headline.partition(": ")
    return tag(
        "section",
        tag("p", head.state.capitalize(), class_="stamp", data_state=head.state),
        tag("h1", first),
        tag("p", rest[:1].upper() + rest[1:], class_="beneath") if rest else "",
        tag("ul", *map(_line, head.sentences)),
        tag("p", "To quote: ", tag("q", head.document["quote"]), class_="quote"),
        class_="verdict",
    )


def _line(sentence: str) -> Html:
    """A sentence whose first words, up to a colon, say which question it answers."""
    question, colon, told = sentence.partition(":")
    return tag("li", tag("b", question + colon), told) if colon else tag("li", sentence)


def _bar(report: Report) -> Html:
    contents = tag(
        "nav",
        *(tag("a", section.short, href=f"#{section.key}") for section in report.sections),
        tag("a", "Glossary", href="#glossary"),
        aria_label="Contents",
    )
    window = starting_window(report)
    if window is None:
        return tag("div", tag("div", contents, class_="frame"), class_="bar")

    steps = _buttons(
        *(
            _button(label, title=hint, aria_label=hint, data_step=step)
            for label, hint, step in _STEPS
        )
    )
    ranges = _buttons(
        *(
            _button(label, data_range=key, aria_pressed="false", aria_label=hint)
            for key, label, hint in _RANGES
        )
    )
    shown = f"{day(window[0])} – {day(window[1] - 1)}"
    controls = tag(
        "div",
        tag("span", shown, id="hc-range", aria_live="polite"),
        ranges,
        steps,
        class_="time",
        role="group",
        aria_label="Time shown by all charts",
    )
    return tag("div", tag("div", contents, controls, class_="frame"), class_="bar")


def _glossary(report: Report) -> Html:
    terms = [
        tag("div", tag("dt", term.word), tag("dd", term.meaning), id=f"term-{term.key}")
        for term in report.glossary
    ]
    listed = tag("dl", *terms, class_="glossary")
    return tag("section", tag("h2", "Glossary"), listed, class_="chapter", id="glossary")


def _foot(report: Report) -> Html:
    return tag(
        "footer",
        f"hashcanary {report.code_version}. Made without a network; nothing on this page loads "
        "anything. The same record gives the same bytes: ",
        tag("code", report.command),
    )


def _payload(report: Report) -> str:
    """Everything the script needs, as JSON that cannot end its element."""
    window, whole = starting_window(report), extent(report)
    drawn = {name for section in report.sections for name in section.charts}
    references = theme.variable_references()
    charts: dict[str, Any] = {}
    for name, chart in charts_of(report).items():
        if name not in drawn or window is None:
            continue
        own = own_window(report, chart)
        spec = specification(
            chart,
            width="container",
            simulated=report.simulated,
            window=own or window,
            with_legend=False,
        )
        charts[name] = {
            "spec": theme.coloured(spec, references),
            "dataset": chart.datasets[0],
            "datasets": chart.datasets,
            "columns": chart.columns,
            "format": asdict(FORMATS[chart.format]),
            "scale": chart.scale,
            "toggles": chart.toggles,
            "window": own,
            "along": _along(report.dataset(chart.datasets[0]), chart.along),
        }
    page = {
        "simulated": report.simulated,
        "window": window or (0, 0),
        "extent": whole or (0, 0),
        "charts": charts,
        "config": theme.coloured(theme.config(), references),
        "headers": {dataset.key: _headers(dataset) for dataset in report.datasets},
        "data": {
            dataset.key: {
                "time": _packed_times(dataset.time),
                **{series.key: _packed(series.values) for series in dataset.series},
            }
            for dataset in report.datasets
        },
    }
    text = json.dumps(page, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    # 8.3101e+20 and 8.3101e20 are the same number
    text = re.sub(r"(?<=\d)e\+(?=\d+[,\]])", "e", text)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _along(dataset: Dataset, column: str) -> dict[str, object] | None:
    """What a chart is drawn along in place of time: its column, unit, and where the present is."""
    if not column:
        return None
    unit = dataset.column(column).unit
    return {"column": column, "unit": unit.symbol if unit else "", "here": dataset.here}


def _packed_times(times: Sequence[int]) -> object:
    """Times as they are, or as first, step and number where they are evenly spaced."""
    steps = {after - before for before, after in pairwise(times)}
    if len(steps) != 1:
        return list(times)
    return {"first": times[0], "step": steps.pop(), "rows": len(times)}


def _packed(values: Sequence[float | int | str | None]) -> object:
    """A column as it is, words as runs: ``{"runs": [[word, how many], ...]}``."""
    if not any(isinstance(value, str) for value in values):
        return list(values)
    return {"runs": [[word, sum(1 for _ in run)] for word, run in groupby(values)]}


def _headers(dataset: Dataset) -> dict[str, str]:
    """Column names of CSV, the unit in the name."""
    return {
        series.key: f"{series.key}_{series.unit.suffix}" if series.unit else series.key
        for series in dataset.series
    }
