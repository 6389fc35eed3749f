"""Shares of the hashrate by draws of the fleet: what pays at a hashprice, what a rent takes."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

from hashcanary.economics.draws import BAND_TEXT
from hashcanary.moments import iso_day
from hashcanary.report import theme
from hashcanary.report.charts.definition import Chart, Line, Spec, alone, layer, png, value_axis

if TYPE_CHECKING:
    from hashcanary.economics.hosting.study import HostingStudy
    from hashcanary.economics.supply.study import RigPoint, SupplyStudy
    from hashcanary.report.theme import Theme

_HEIGHT = 320
# rigs with a name in the chart: the largest of the fleet
_NAMED = 8
# least distance of their hashprices, in logarithms
_APART = 0.06
_HASHPRICE = {
    "type": "quantitative",
    "scale": {"type": "log", "nice": False},
    "title": "hashprice, USD per PH/s per day",
    "axis": {
        "orient": "bottom",
        "format": ",.3~r",
        "tickCount": 8,
        "labelOverlap": True,
        "titleColor": "@quiet",
        "titleFontWeight": "normal",
        "titlePadding": 6,
    },
}
_RATE = value_axis("linear", "hashrate", title="profitable hashrate")
_RIGS = {"expr": "height - 6"}
_HASHES = 1e18

LINES = (
    Line("paying", "profitable hashrate, 95% band", "hashrate"),
    Line("", "hashprice now", "stress", "thin"),
    Line("", "hashrate now", "quiet", "dashed"),
    Line("", "break-even of rigs at the median power price", "third", "bar"),
)


def supply_data(study: SupplyStudy) -> dict[str, list[dict[str, Any]]]:
    """Rows by dataset. supply: the curve, H/s; supply_now: the hashprice and hashrate of the
    moment; supply_rigs: where the largest of the fleet go at the median power price.
    """
    return {
        "supply": [
            {
                "hashprice": one.hashprice_usd_per_phs_day,
                "bitcoin": one.price_usd_per_btc,
                "paying": one.paying_ehs.value * _HASHES,
                "low": one.paying_ehs.low * _HASHES,
                "high": one.paying_ehs.high * _HASHES,
            }
            for one in study.curve
        ],
        "supply_now": [
            {
                "hashprice": study.market.hashprice_usd_per_phs_day,
                "hashrate": study.market.hashrate_ths * 1e12,
            }
        ],
        "supply_rigs": [
            {
                "rig": one.name.partition(" ")[2] or one.name,
                "hashprice": one.off_at_usd_per_phs_day.value,
                "low": one.off_at_usd_per_phs_day.low,
                "high": one.off_at_usd_per_phs_day.high,
            }
            for one in _named(study)
        ],
    }


def _named(study: SupplyStudy) -> list[RigPoint]:
    """The largest rigs of the fleet whose names do not stand on each other, by hashprice."""
    kept: list[RigPoint] = []
    for one in sorted(study.rigs, key=lambda one: -one.share.value):
        at = one.off_at_usd_per_phs_day.value
        apart = [abs(log(at / each.off_at_usd_per_phs_day.value)) for each in kept]
        if len(kept) < _NAMED and min(apart, default=_APART) >= _APART:
            kept.append(one)
    return sorted(kept, key=lambda one: one.off_at_usd_per_phs_day.value)


def _area_and_line(dataset: str, x: Spec, y: Spec, column: str, **line: str) -> list[Spec]:
    """A curve with its band; ``line``: more of its mark."""
    area = {"type": "area", "opacity": 0.2, "color": "@hashrate", "aria": False}
    curve = {"type": "line", "color": "@hashrate", "strokeWidth": 1.8, **line}
    return [
        layer(dataset, area, x=x, y={"field": "low", **y}, y2={"field": "high"}),
        layer(dataset, curve, x=x, y={"field": column, **y}),
    ]


def supply_layers() -> list[Spec]:
    """Layers over the datasets of ``supply_data``, by name; colours are tokens."""
    x = {"field": "hashprice", **_HASHPRICE}
    now = {"type": "rule", "color": "@stress", "strokeWidth": 1.6, "aria": False}
    tick = {"type": "tick", "orient": "vertical", "color": "@third", "thickness": 2, "aria": False}
    name = {
        "type": "text",
        "angle": 270,
        "align": "left",
        "dx": 14,
        "fontSize": 10,
        "color": "@third",
    }
    return [
        *_area_and_line("supply", x, _RATE, "paying", description=LINES[0].label),
        {
            "data": {"name": "supply_now"},
            "mark": {"type": "rule", "color": "@quiet", "strokeDash": [5, 3], "aria": False},
            "encoding": {"y": {"field": "hashrate", **_RATE}},
        },
        layer("supply_now", now, x=x),
        layer("supply_rigs", tick, x=x, y={"value": _RIGS}),
        layer("supply_rigs", name, x=x, y={"value": _RIGS}, text={"field": "rig"}),
    ]


SUPPLY = Chart(
    name="supply",
    title="Profitable hashrate by hashprice",
    description=(
        "Profitable hashrate at each hashprice, of the machines that ran at the year's highest "
        f"hashrate, with the band of {BAND_TEXT}. Red: hashprice now. Dashed: hashrate now. Green: "
        "break-even of rigs at the network's median power price."
    ),
    datasets=("supply", "supply_now", "supply_rigs"),
    columns=("hashprice", "paying", "low", "high", "bitcoin"),
    format="hashrate",
    lines=LINES,
    layers=tuple(supply_layers()),
    height=_HEIGHT,
    along="hashprice",
)


def supply_spec(study: SupplyStudy, *, simulated: bool) -> Spec:
    """The whole chart as Vega-Lite with its data; colours are tokens for ``theme.coloured``."""
    market, under = study.market, study.under_water
    return alone(
        "Profitable hashrate by hashprice",
        [
            f"Underwater at {market.hashprice_usd_per_phs_day:.2f} USD/PH/s/day on "
            f"{iso_day(market.day)}: {under.value:.0%} of the running hashrate "
            f"({under.low:.0%} to {under.high:.0%})",
            f"Band: {BAND_TEXT}; red: hashprice; dashed: hashrate; ticks: rigs at the median power "
            "price",
        ],
        f"Profitable hashrate at each hashprice, with the band of {BAND_TEXT}. Red rule: the "
        f"hashprice of {iso_day(market.day)}. Dashed: the hashrate. Ticks: break-even of rigs at "
        "the network's median power price.",
        supply_layers(),
        simulated=simulated,
        datasets=supply_data(study),
        height=_HEIGHT,
    )


def supply_picture(study: SupplyStudy, *, simulated: bool, look: Theme = "light") -> bytes:
    """The chart as PNG."""
    return png(theme.coloured(supply_spec(study, simulated=simulated), theme.colours(look)))


# contracts apart from what the axis shows
_MOST_RENT = 400.0
_RENT = {
    "type": "quantitative",
    "scale": {"nice": False, "zero": False},
    "title": "rent, USD per MWh of critical IT",
    "axis": {"orient": "bottom", "format": ",.0f", "tickCount": 10},
}
_LEAVES = {
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
    tick = {"type": "tick", "orient": "vertical", "color": "@third", "thickness": 2}
    return [
        *_area_and_line("curve", x, _LEAVES, "leaves"),
        layer("typical", {"type": "rule", "color": "@stress", "strokeWidth": 1.6}, x=x),
        layer("contracts", tick, x=x, y={"value": _HEIGHT - 6}),
    ]


def hosting_spec(study: HostingStudy, *, simulated: bool) -> Spec:
    """The whole chart as Vega-Lite with its data; colours are tokens for ``theme.coloured``."""
    could = study.could
    return alone(
        "Share of the hashrate that would leave for AI hosting",
        [
            f"At most {could.value:.0%} could leave at any rent ({could.low:.0%} to "
            f"{could.high:.0%}), net of the building and of the value of mining",
            f"Band: {BAND_TEXT}; red: median contract; ticks: contracts, power paid by the tenant",
        ],
        "Share of the hashrate that would leave mining for good at each rent of AI hosting, with "
        f"the band of {BAND_TEXT}. Red rule: the median contract's rent. Ticks: contracts.",
        hosting_layers(),
        simulated=simulated,
        datasets=hosting_data(study),
        height=_HEIGHT,
    )


def hosting_picture(study: HostingStudy, *, simulated: bool, look: Theme = "light") -> bytes:
    """The chart as PNG."""
    return png(theme.coloured(hosting_spec(study, simulated=simulated), theme.colours(look)))
