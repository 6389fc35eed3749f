"""The report as one self-contained page: no request leaves it, its policy forbids them all.

The style sheet, the scripts and the data stand inline. Scripts are named in the content security
policy by their hash, so that nothing else on the page can run, whatever a file name or a market
name holds. The same report gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from hashcanary.report import theme
from hashcanary.report.blocks import chapter
from hashcanary.report.charts import charts_of, specification
from hashcanary.report.javascript import BundleJob
from hashcanary.report.markup import Html, join, tag
from hashcanary.report.window import extent, own_window, starting_window
from hashcanary.report.words import facts_line
from hashcanary.views.text import SIMULATED, day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from hashcanary.report.document import Dataset, Report, Verdict

RANGES = (("1", "1 y"), ("2", "2 y"), ("4", "4 y"), ("all", "all"))


def render_html(report: Report, bundle: BundleJob | None = None) -> str:
    """The page. ``bundle``: one started earlier, to save its two seconds. Raises BundleFailed."""
    if bundle is None:
        with BundleJob() as job:
            return _page(report, job.text())
    return _page(report, bundle.text())


def _page(report: Report, bundle: str) -> str:
    scripts = [_inert(bundle), _inert(_resource("page.js"))]
    title = f"{report.title}{' (SIMULATED)' if report.simulated else ''} · hashcanary"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(scripts)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="description", content=report.verdict.headline),
        tag("title", title),
        tag("style", Html(style_sheet())),
    )
    body = tag(
        "body",
        tag("a", "Skip to the report", class_="skip", href="#report"),
        _simulated(report),
        _masthead(report),
        tag("main", _verdict(report.verdict), class_="frame", id="report"),
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
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _resource(name: str) -> str:
    return files("hashcanary.report.page").joinpath(name).read_text(encoding="utf-8")


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
    return join(
        tag(
            "p",
            SIMULATED,
            class_="simulated-banner",
        ),
        tag("div", "SIMULATED", class_="simulated-mark", aria_hidden="true"),
    )


def _masthead(report: Report) -> Html:
    return tag(
        "header",
        tag(
            "div",
            Html(_resource("mark.svg")),
            tag("b", "hashcanary"),
            tag("span", report.title, class_="quiet"),
            tag("span", facts_line(report), class_="asof"),
            class_="frame",
        ),
        class_="mast",
    )


def _verdict(verdict: Verdict) -> Html:
    return tag(
        "section",
        tag("p", verdict.stamp, class_="stamp", data_case=verdict.case),
        # a hyphen that does not break: "30-day-mean" is one word of the headline
        tag("h1", verdict.headline.replace("-", "\u2011")),
        tag("ul", *(tag("li", sentence) for sentence in verdict.sentences)),
        class_="verdict",
    )


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

    def button(label: str, hint: str, **data: str) -> Html:
        return tag("button", label, type="button", title=hint, aria_label=hint, **data)

    steps = tag(
        "span",
        button("←", "earlier", data_step="earlier"),
        button("→", "later", data_step="later"),
        button("−", "zoom out", data_step="out"),
        button("+", "zoom in", data_step="in"),
        class_="buttons",
    )
    ranges = tag(
        "span",
        *(
            tag(
                "button",
                label,
                type="button",
                data_range=key,
                aria_pressed="false",
                aria_label="whole record"
                if key == "all"
                else f"last {label.replace(' y', ' years')}",
            )
            for key, label in RANGES
        ),
        class_="buttons",
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
    return tag(
        "section",
        tag("h2", "Glossary"),
        tag(
            "dl",
            *(
                tag("div", tag("dt", term.word), tag("dd", term.meaning), id=f"term-{term.key}")
                for term in report.glossary
            ),
            class_="glossary",
        ),
        class_="chapter",
        id="glossary",
    )


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
            "format": chart.format,
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
