"""The report's charts as PNG or SVG, by vl-convert: no browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from hashcanary.report import theme
from hashcanary.report.charts import charts_of, specification
from hashcanary.report.charts.definition import VEGA_LITE, Chart, png
from hashcanary.report.errors import NothingToDraw
from hashcanary.report.render.words import as_known, own_window, starting_window
from hashcanary.views.text import day, quantity

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.report.document import Dataset, Report
    from hashcanary.report.theme import Theme

Kind = Literal["png", "svg"]
WIDTH = 1000
_MARGIN = 20 * 86_400


def chart_spec(
    report: Report,
    name: str,
    *,
    look: Theme = "light",
    window: tuple[int, int] | None = None,
    sliders: bool = False,
) -> dict[str, Any]:
    """A chart as a whole Vega-Lite definition, data and colours inline: for pictures, notebooks.

    window: Unix seconds UTC, the last two years where None. sliders: bind the window to two
    sliders, for a notebook; a chart with a window of its own takes neither. Raises NothingToDraw
    when the report has no days.
    """
    chart = charts_of(report)[name]
    own = own_window(report, chart)
    shown = own or window or starting_window(report)
    if shown is None:
        raise NothingToDraw(at=report.at_text)
    spec = specification(chart, width=WIDTH, simulated=report.simulated, window=shown)
    end = shown[1] if own else report.as_of or shown[1]
    span = _here(report, chart) if chart.along else f"{day(shown[0])} to {day(end - 1)}, "
    subtitle = f"{span}{as_known(report)}; hashcanary"
    if report.simulated:
        subtitle = f"SIMULATED. {subtitle}"
    spec["title"] = {"text": chart.title, "subtitle": subtitle}
    spec["padding"] = 20
    spec["datasets"] = {
        key: _rows(report.dataset(key), chart.columns if key == "day" else None, shown, sliders)
        for key in chart.datasets
    }
    if sliders and not own and not chart.along:
        first, last = (seconds * 1000 for seconds in _whole(report, shown))
        for param in spec["params"][:2]:
            param["bind"] = {"input": "range", "min": first, "max": last, "step": 86_400_000}
    spec["config"] = theme.config() | {"background": "@paper"}
    coloured: dict[str, Any] = theme.coloured(spec, theme.colours(look))
    return coloured


def _here(report: Report, chart: Chart) -> str:
    """Where the present is along a chart that does not run along time."""
    dataset = report.dataset(chart.datasets[0])
    if dataset.here is None:
        return ""
    return f"now {quantity(dataset.here, dataset.column(chart.along).unit)}, "


def _whole(report: Report, shown: tuple[int, int]) -> tuple[int, int]:
    times = report.dataset("day").time
    return (times[0], shown[1]) if times else shown


def _rows(
    dataset: Dataset, columns: tuple[str, ...] | None, window: tuple[int, int], whole: bool
) -> list[dict[str, Any]]:
    """Rows in the window and just beside it (all where ``whole``), times in milliseconds."""
    wanted = [series for series in dataset.series if columns is None or series.key in columns]
    keys = [series.key for series in wanted]
    if dataset.along:
        values = zip(*(series.values for series in wanted), strict=True)
        return [dict(zip(keys, row, strict=True)) for row in values]
    rows = []
    for time, *cells in zip(dataset.time, *(series.values for series in wanted), strict=True):
        row: dict[str, Any] = dict(zip(keys, cells, strict=True))
        end = row.get("end", time)
        if whole or (time <= window[1] + _MARGIN and end >= window[0] - _MARGIN):
            row |= {"time": time * 1000} | ({"end": end * 1000} if "end" in row else {})
            rows.append(row)
    return rows


def draw(report: Report, name: str, kind: Kind = "png", look: Theme = "light") -> bytes:
    """One chart as a picture. Raises NothingToDraw."""
    import vl_convert

    spec = chart_spec(report, name, look=look)
    if kind == "png":
        return png(spec)
    svg: str = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
    return svg.encode()


def write_pictures(
    report: Report, folder: Path, kind: Kind = "png", look: Theme = "light"
) -> tuple[Path, ...]:
    """Every chart of the report into a folder, made where it is missing; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = "-SIMULATED" if report.simulated else ""
    written = []
    for section in report.sections:
        for name in section.charts:
            path = folder / f"{name}{mark}.{kind}"
            path.write_bytes(draw(report, name, kind, look))
            written.append(path)
    return tuple(written)
