"""The page's building blocks: chapters, ledgers of figures, tables, charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.interval import Interval
from hashcanary.report.charts import charts_of
from hashcanary.report.document import Ledger
from hashcanary.report.markup import Html, join, tag
from hashcanary.report.words import figure_bounds, figure_value
from hashcanary.units import DATE
from hashcanary.views.table import Table
from hashcanary.views.text import cell, heading, percent, period

if TYPE_CHECKING:
    from hashcanary.report.charts.definition import Chart, Line
    from hashcanary.report.document import Drawing, Figure, Report, Section
    from hashcanary.views.table import Cell, Column

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


def ledger(one: Ledger) -> Html:
    """Figures as rows: what, value, interval, when, from what."""
    head = tag(
        "tr",
        *(
            tag("th", title, scope="col", class_=css)
            for title, css in (
                ("", "what"),
                ("value", "num"),
                ("interval", "inside"),
                ("when", "when"),
                ("source", "from"),
            )
        ),
    )
    rows = tag(
        "table",
        tag("thead", head),
        tag("tbody", *(_ledger_row(figure) for figure in one.figures)),
        class_="ledger",
    )
    return tag("div", tag("h3", one.title), tag("div", rows, class_="scroll"), class_="block")


def _ledger_row(figure: Figure) -> Html:
    name = tag("a", figure.label, href=f"#term-{figure.term}") if figure.term else figure.label
    label = tag(
        "th",
        name,
        tag("span", figure.note, class_="remark") if figure.note else "",
        scope="row",
    )
    if figure.value is None:
        return tag(
            "tr",
            label,
            tag("td", "–", class_="num value"),
            tag("td", f"missing: {figure.missing}", class_="missing from", colspan=3),
        )
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
    return tag(
        "p",
        tag("input", type="checkbox", id=name, class_="all"),
        tag("label", f"show all {len(one.rows)}", for_=name),
        class_="switch",
    )


def _worded(one: Table, cells: list[list[Cell]]) -> str | None:
    """A table of sentences or of many intervals: a narrow page shows each row as a paragraph."""
    texts = [text for row in cells if len(row) > 2 for text in row[1:3]]
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
    scales = (
        tag(
            "span",
            *(
                tag(
                    "button",
                    label,
                    type="button",
                    data_scale=kind,
                    aria_pressed="true" if kind == chart.scale else "false",
                )
                for kind, label in (("log", "log"), ("linear", "linear"))
            ),
            class_="buttons",
            role="group",
            aria_label=f"Value axis of {chart.title}",
        )
        if chart.toggles
        else ""
    )
    download = tag(
        "span",
        tag(
            "button",
            "CSV",
            type="button",
            data_csv=True,
            title="the data of this chart, the whole record",
            aria_label=f"Data of {chart.title} as CSV",
        ),
        class_="buttons",
    )
    return tag(
        "figure",
        tag(
            "figcaption",
            tag("h3", chart.title),
            tag("span", scales, download, class_="tools"),
        ),
        tag("p", chart.description, class_="said"),
        tag(
            "ul",
            tag("li", "", class_="when"),
            *(_key(line) for line in chart.lines),
            class_="legend",
        ),
        tag(
            "div",
            class_="plot",
            tabindex=0,
            role="group",
            aria_label=chart.title,
            style=f"min-height:{chart.height}px",
        ),
        tag("p", _HINT, class_="hint") if hint else "",
        tag(
            "noscript",
            tag("p", "The charts are drawn by scripts, which are off here.", class_="note"),
        ),
        class_="chart",
        id=f"chart-{chart.name}",
        data_chart=chart.name,
    )


def _key(line: Line) -> Html:
    fill = line.shape in {"band", "bar", "dot"}
    paint = f"background:var(--{line.token});" if fill else ""
    return tag(
        "li",
        tag(
            "span",
            class_=f"key {line.shape}",
            style=f"{paint}border-color:var(--{line.token})",
        ),
        line.label + " ",
        tag("output", data_column=line.column)
        if line.column and line.shape not in {"dot", "ring", "bar"}
        else "",
    )
