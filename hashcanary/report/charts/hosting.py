"""The share of the hashrate that a rent would take, as a chart: the curve, its band, contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hashcanary.economics.draws import BAND_TEXT
from hashcanary.report import theme
from hashcanary.report.charts.definition import SCHEMA, VEGA_LITE, Spec, simulated_mark

if TYPE_CHECKING:
    from hashcanary.economics.hosting.study import HostingStudy
    from hashcanary.report.theme import Theme

_WIDTH, _HEIGHT, _SCALE = 760, 320, 2.0
# contracts apart from what the axis shows
_MOST_RENT = 400.0
_RENT = {
    "type": "quantitative",
    "scale": {"nice": False, "zero": False},
    "title": "rent, USD per MWh of critical IT",
    "axis": {"orient": "bottom", "format": ",.0f", "tickCount": 10},
}
_SHARE = {
    "type": "quantitative",
    "title": "share of the hashrate that would leave",
    "axis": {"format": ".0%", "minExtent": 0},
}


def hosting_data(study: HostingStudy) -> dict[str, list[dict[str, Any]]]:
    """Rows by dataset. curve: rent in USD/MWh and the fraction that would leave; contracts: the
    rents of those known; typical: the rent of the median one.
    """
    typical = study.typical_usd_per_mwh
    return {
        "curve": [
            {
                "rent": one.rent_usd_per_mwh,
                "leaves": one.leaves.value,
                "low": one.leaves.low,
                "high": one.leaves.high,
            }
            for one in study.offers
            if one.rent_usd_per_mwh <= _MOST_RENT
        ],
        "contracts": [
            {"rent": one.rent_usd_per_mwh.value, "name": f"{one.contract.host}"}
            for one in study.contracts
            if one.contract.comparable and one.rent_usd_per_mwh.value <= _MOST_RENT
        ],
        "typical": [] if typical is None else [{"rent": typical}],
    }


def hosting_layers() -> list[Spec]:
    """Layers over the datasets of ``hosting_data``, by name; colours are tokens."""
    x = {"field": "rent", **_RENT}
    curve, contracts = {"data": {"name": "curve"}}, {"data": {"name": "contracts"}}
    return [
        {
            **curve,
            "mark": {"type": "area", "opacity": 0.2, "color": "@hashrate", "aria": False},
            "encoding": {"x": x, "y": {"field": "low", **_SHARE}, "y2": {"field": "high"}},
        },
        {
            **curve,
            "mark": {"type": "line", "color": "@hashrate", "strokeWidth": 1.8},
            "encoding": {"x": x, "y": {"field": "leaves", **_SHARE}},
        },
        {
            "data": {"name": "typical"},
            "mark": {"type": "rule", "color": "@stress", "strokeWidth": 1.6},
            "encoding": {"x": x},
        },
        {
            **contracts,
            "mark": {"type": "tick", "orient": "vertical", "color": "@third", "thickness": 2},
            "encoding": {"x": x, "y": {"value": _HEIGHT - 6}},
        },
    ]


def hosting_spec(study: HostingStudy, *, simulated: bool) -> Spec:
    """The whole chart as Vega-Lite with its data; colours are tokens for ``theme.coloured``."""
    mark = "SIMULATED. " if simulated else ""
    layers = hosting_layers()
    if simulated:
        layers.append(simulated_mark())
    could = study.could
    return {
        "$schema": SCHEMA,
        "description": f"{mark}Share of the hashrate that would leave mining for good at each rent "
        f"of AI hosting, with the band of {BAND_TEXT}. Red rule: the median contract's rent. "
        "Ticks: contracts.",
        "title": {
            "text": f"{mark}Share of the hashrate that would leave for AI hosting",
            "subtitle": [
                f"At most {could.value:.0%} could leave at any rent "
                f"({could.low:.0%} to {could.high:.0%}), net of the building and of the value of "
                "mining",
                f"Band: {BAND_TEXT}; red: median contract; ticks: contracts, power paid by the "
                "tenant",
            ],
        },
        "datasets": hosting_data(study),
        "width": _WIDTH,
        "height": _HEIGHT,
        "padding": 20,
        "layer": layers,
        "config": theme.config() | {"background": "@paper"},
    }


def hosting_picture(study: HostingStudy, *, simulated: bool, look: Theme = "light") -> bytes:
    """The chart as PNG."""
    import vl_convert

    spec = theme.coloured(hosting_spec(study, simulated=simulated), theme.colours(look))
    png: bytes = vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=_SCALE)
    return png
