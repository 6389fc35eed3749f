"""What a chart is: one Vega-Lite definition, named data, and words.

The definition holds no data and no colours: data go by the names of the report's datasets, colours
by the tokens of ``theme``. The window shown is two parameters, ``from`` and ``to`` (Unix
milliseconds UTC), so that whoever shows the chart moves it: the page by gesture and button, a
notebook by the sliders that ``specification`` can bind, a picture by their starting values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hashcanary.report import theme
from hashcanary.views.text import FORMATS, MINUS, Format, FormatName

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
VEGA_LITE = "6.4"
# of pictures, pixels a unit
SCALE = 2.0
# marks just outside the window are kept, so that lines and bands reach its edges
_MARGIN_MS = 20 * 86_400_000


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of a chart's legend: column of its first dataset, label, colour token, shape.

    low, high: columns of its interval, drawn as a band where ``band_where`` holds.
    """

    column: str
    label: str
    token: str
    shape: Literal["line", "thin", "dashed", "band", "bar", "dot", "ring"] = "line"
    low: str = ""
    high: str = ""
    band_where: str = "true"

    @classmethod
    def banded(cls, column: str, label: str, token: str, band_where: str = "true") -> Line:
        """A line whose interval is in the columns ``COLUMN_low`` and ``COLUMN_high``."""
        ends = f"{column}_low", f"{column}_high"
        return cls(column, label, token, "line", *ends, band_where)

    @property
    def columns(self) -> tuple[str, ...]:
        """Its column, and those of its interval."""
        return tuple(name for name in (self.column, self.low, self.high) if name)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    description: what a reader who does not see it should know. datasets: those it draws, the
    first one is also its CSV, with ``columns``. layers: Vega-Lite layers, bottom first. own_window:
    it shows its whole first dataset, whatever the window of the others. along: the column of its
    first dataset that it is drawn along in place of time.
    """

    name: str
    title: str
    description: str
    datasets: tuple[str, ...]
    columns: tuple[str, ...]
    format: FormatName
    lines: tuple[Line, ...]
    layers: tuple[Spec, ...]
    height: int = 260
    scale: Literal["log", "linear"] = "linear"
    own_window: bool = False
    along: str = ""

    @property
    def toggles(self) -> bool:
        """Whether its value axis can be read both ways, logarithmic and linear."""
        return self.scale == "log"


def value_axis(chart_scale: str, form: FormatName, *, title: str) -> Spec:
    """The y channel's scale and axis, without its field."""
    return {
        "type": "quantitative",
        "title": None,
        "scale": {"type": chart_scale, "nice": False, "padding": 6},
        "axis": {
            "labelExpr": _labels(FORMATS[form]),
            "values": {"expr": _TICKS},
            "title": None,
            "description": title,
        },
    }


# Within one power of ten a logarithmic axis is labelled at even steps, five or so, as a linear one
# is; over more it keeps its own ticks.
_STEP = "(domain('y')[1] - domain('y')[0]) / 5"
_POWER = f"pow(10, floor(log({_STEP}) / LN10))"
_EVEN = (
    f"({_STEP} / {_POWER} > 5 ? 10 : {_STEP} / {_POWER} > 2 ? 5 : {_STEP} / {_POWER} > 1 ? 2 : 1)"
    f" * {_POWER}"
)
_TICKS = (
    "domain('y')[0] > 0 && domain('y')[1] < 10 * domain('y')[0] ? "
    f"sequence(ceil(domain('y')[0] / ({_EVEN})) * ({_EVEN}), domain('y')[1], {_EVEN}) : null"
)


def _labels(form: Format) -> str:
    """The expression of an axis' labels: a format leaves out every other one of a logarithm's."""
    value = "datum.value"
    if form.scale == 100:
        label = f"replace(format({value}, '{'+' if form.signed else ''}.0%'), '-', '{MINUS}')"
        return f"{value} === 0 ? '0%' : {label}" if form.signed else label
    if form.before:
        return f"'{form.before}' + format({value}, {value} < 1 ? '~r' : '~s')"
    if not form.prefixes:
        return f"format({value}, '~r')"
    if not form.after:
        return f"format({value}, '~s')"
    scale, prefix = form.prefixes[0]
    most = f"{scale:g}".replace("+", "")
    return (
        f"{value} >= {most} ? format({value} / {most}, ',~r') + ' {prefix}{form.after}' "
        f": {value} === 0 ? '0' "
        f": replace(format({value}, '~s'), regexp('[a-zA-Z]?$'), ' $&{form.after}')"
    )


def time_axis() -> Spec:
    """The x channel: UTC time within the window."""
    return {
        "field": "time",
        "type": "temporal",
        "title": None,
        "scale": {
            "type": "utc",
            "nice": False,
            "domainMin": {"expr": "from"},
            "domainMax": {"expr": "to"},
        },
        "axis": {"tickCount": {"expr": "width < 480 ? 4 : 8"}, "labelOverlap": True},
    }


def within_window(start: str = "time", end: str = "time") -> Spec:
    """A filter for what lies in the window or just beside it, as finely as asked for.

    Rows may carry the coarsest ``level`` at which they are drawn; those that do not always are.
    """
    return {
        "filter": f"datum.{end} >= from - {_MARGIN_MS} && datum.{start} <= to + {_MARGIN_MS} "
        "&& !(datum.level < level)"
    }


def legend(lines: tuple[Line, ...]) -> Spec:
    """A layer that draws nothing and gives the chart its legend; a page has one of its own."""
    return {
        "data": {"values": [{"series": line.label} for line in lines]},
        "mark": {"type": "square", "opacity": 0, "aria": False},
        "encoding": {
            "color": {
                "field": "series",
                "type": "nominal",
                "title": None,
                "scale": {
                    "domain": [line.label for line in lines],
                    "range": [f"@{line.token}" for line in lines],
                },
            }
        },
    }


_STROKES: dict[str, Spec] = {
    "line": {"strokeWidth": 1.8},
    "thin": {"strokeWidth": 0.8},
    "dashed": {"strokeWidth": 1.6, "strokeDash": [5, 3]},
}


def layer(dataset: str, mark: Spec, *transform: Spec, **encoding: Spec | list[Spec]) -> Spec:
    """A mark for the rows of a dataset, along time unless ``x`` is another channel."""
    steps = {"transform": list(transform)} if transform else {}
    channels = {"x": time_axis(), **encoding}
    return {"data": {"name": dataset}, **steps, "mark": mark, "encoding": channels}


def _stroke(line: Line) -> Spec:
    return {
        "type": "line",
        "clip": True,
        "strokeJoin": "round",
        "color": f"@{line.token}",
        "description": line.label,
        **_STROKES.get(line.shape, _STROKES["line"]),
    }


def _area(token: str, opacity: float = 0.2) -> Spec:
    return {"type": "area", "clip": True, "opacity": opacity, "color": f"@{token}", "aria": False}


def line_layers(dataset: str, y: Spec, *lines: Line, positive: bool = False) -> list[Spec]:
    """Lines, bottom first, and where an entry has bounds, the band of its interval below it.

    positive: whether values at or below zero cannot be drawn (a logarithmic axis) and leave a gap.
    """
    layers: list[Spec] = []
    for line in lines:
        gaps = [
            {"calculate": f"datum.{name} > 0 ? datum.{name} : null", "as": name}
            for name in (line.columns if positive else ())
        ]
        if line.low:
            layers.append(band_layer(dataset, line, y, positive=positive))
        value = {"field": line.column, **y}
        layers.append(layer(dataset, _stroke(line), within_window(), *gaps, y=value))
    return layers


def band_layer(dataset: str, line: Line, y: Spec, *, positive: bool) -> Spec:
    """The band of an entry alone. positive: as of ``line_layers``."""
    held = f"datum.{line.low} > 0" if positive else "true"
    seen = {"calculate": f"{line.band_where} && {held} ? datum.{line.low} : null", "as": line.low}
    ends = {"y": {"field": line.low, **y}, "y2": {"field": line.high}}
    return layer(dataset, _area(line.token), within_window(), seen, **ends)


# of the bands of a distribution, the widest first: columns of both ends, and how dark it is
_FAN = (("low_95", "high_95", 0.16), ("low_80", "high_80", 0.2), ("low_50", "high_50", 0.28))


def fan_layers(dataset: str, token: str, label: str, y: Spec, kind: str = "") -> list[Spec]:
    """The 50, 80 and 95% bands of a distribution, and its median.

    kind: only rows of the dataset whose ``kind`` it is.
    """
    kept = [within_window(), *([{"filter": f"datum.kind === '{kind}'"}] if kind else [])]
    bands = [
        layer(dataset, _area(token, opacity), *kept, y={"field": low, **y}, y2={"field": high})
        for low, high, opacity in _FAN
    ]
    median = _stroke(Line("median", label, token))
    return [*bands, layer(dataset, median, *kept, y={"field": "median", **y})]


def capitulation_bands() -> Spec:
    """Shaded spans in which the ribbons were inverted."""
    mark = {"type": "rect", "clip": True, "color": "@stress", "opacity": 0.14, "aria": False}
    return layer("capitulation", mark, within_window("time", "end"), x2={"field": "end"})


def halving_rules() -> list[Spec]:
    """A dotted rule and a word at each halving."""
    rule = {
        "type": "rule",
        "clip": True,
        "color": "@quiet",
        "strokeDash": [1, 3],
        "strokeWidth": 1.2,
        "aria": False,
    }
    word = {
        "type": "text",
        "align": "left",
        "baseline": "top",
        "dx": 4,
        "fontSize": 10,
        "color": "@quiet",
        "aria": False,
    }
    inside = {"filter": "datum.time >= from && datum.time <= to"}
    return [
        layer("halving", rule, within_window()),
        layer("halving", word, inside, y={"value": 0}, text={"field": "label"}),
    ]


def dots(line: Line, look: Spec) -> Spec:
    """A mark of dots. look: size, stroke, and whether they are filled."""
    return {
        "type": "point",
        "shape": "circle",
        **look,
        "opacity": 1,
        "clip": True,
        "color": f"@{line.token}",
        "description": line.label,
    }


def simulated_mark() -> Spec:
    """The word across a chart of simulated history."""
    return {
        "data": {"values": [{}]},
        "mark": {
            "type": "text",
            "text": "SIMULATED",
            "fontSize": {"expr": "min(width / 7, 84)"},
            "fontWeight": 700,
            "color": "@stress",
            "opacity": 0.16,
            "angle": -12,
            "aria": False,
        },
        "encoding": {"x": {"value": {"expr": "width / 2"}}, "y": {"value": {"expr": "height / 2"}}},
    }


def specification(
    chart: Chart,
    *,
    width: int | str,
    simulated: bool,
    window: tuple[int, int],
    with_legend: bool = True,
) -> Spec:
    """The chart as Vega-Lite: data by name, colours by token. window: Unix seconds UTC."""
    start, end = (seconds * 1000 for seconds in window)
    layers: list[Spec] = list(chart.layers)
    if with_legend:
        layers.append(legend(chart.lines))
    if simulated:
        layers.append(simulated_mark())
    return {
        "$schema": SCHEMA,
        "description": ("SIMULATED. " if simulated else "") + chart.description,
        "width": width,
        "height": chart.height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {"left": 0, "right": 0, "top": 4, "bottom": 4},
        "params": [
            {"name": "from", "value": start},
            {"name": "to", "value": end},
            {"name": "level", "value": 0},
        ],
        "layer": layers,
    }


def alone(
    title: str,
    subtitle: Sequence[str],
    description: str,
    layers: list[Spec],
    *,
    simulated: bool,
    **more: object,
) -> Spec:
    """A chart by itself as Vega-Lite; colours are tokens. more: its data and its height."""
    mark = "SIMULATED. " if simulated else ""
    return {
        "$schema": SCHEMA,
        "description": mark + description,
        "title": {"text": mark + title, "subtitle": list(subtitle)},
        "width": 760,
        "padding": 20,
        "layer": [*layers, simulated_mark()] if simulated else layers,
        "config": theme.config() | {"background": "@paper"},
        **more,
    }


def png(spec: Spec) -> bytes:
    """A whole definition as a picture; its colours are no tokens any more."""
    import vl_convert

    picture: bytes = vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=SCALE)
    return picture
