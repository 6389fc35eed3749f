"""What charts draw: their data are the metrics', their definitions name columns that are there."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from support.episode_records import day, results, ribbon
from support.records import blocks_at, chain, record

from hashcanary.metrics.engine import Metrics, metrics_of
from hashcanary.moments import DAY
from hashcanary.report.charts import CHARTS, charts_of
from hashcanary.report.charts.catalogue import MOST_POOLS, pools_chart
from hashcanary.report.charts.definition import (
    Chart,
    fan_layers,
    legend,
    specification,
    time_axis,
    value_axis,
    within_window,
)
from hashcanary.report.datasets import datasets
from hashcanary.report.document import Dataset, Report, Series
from hashcanary.report.theme import (
    PALETTE,
    coloured,
    colours,
    config,
    variable_references,
    variables,
)
from hashcanary.store.record import Record
from hashcanary.studies.episodes import find_episodes
from hashcanary.studies.pools import PoolShares
from hashcanary.units import FRACTION


@pytest.fixture(scope="module")
def metrics(simulated_record: Record) -> Metrics:
    return metrics_of(simulated_record)


def rounds(shown: float, exact: float, digits: int) -> bool:
    """Whether a number of so many significant digits is one that lies nearest to another."""
    if exact == 0:
        return shown == 0
    step = 10.0 ** (math.floor(math.log10(abs(exact))) + 1 - digits)
    near = abs(shown - exact) <= step / 2 * (1 + 1e-6)
    return near and math.isclose(shown, float(f"{shown:.{digits}g}"), rel_tol=1e-12)


# --- the data ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "digits", "bounds"),
    [
        ("price", 6, ()),
        ("hashrate.day", 4, ("low", "high")),
        ("hashrate.sma30", 4, ("low", "high")),
        ("hashrate.sma60", 4, ()),
        ("drawdown.sma30", 4, ("low", "high")),
        ("hashprice", 6, ()),
        ("fees.share", 6, ()),
        ("puell", 6, ()),
    ],
)
def test_a_column_of_days_is_its_metric_to_the_digits_that_count(
    simulated_report: Report, metrics: Metrics, name: str, digits: int, bounds: tuple[str, ...]
) -> None:
    days = simulated_report.dataset("day")
    key = name.replace(".", "_")
    rows = {row["time"]: row for row in metrics[name].rows.to_dicts()}
    known = 0
    for column, of in ((key, "value"), *((f"{key}_{bound}", bound) for bound in bounds)):
        shown = days.column(column).values
        assert len(shown) == len(days.time)
        for time, value in zip(days.time, shown, strict=True):
            exact = rows[time][of]
            if value is None:
                assert exact is None
            else:
                assert isinstance(value, float)
                assert rounds(value, exact, digits)
                known += 1
    assert known > 300
    assert days.column(key).title == metrics[name].metric.title
    has_bounds = {series.key for series in days.series}
    assert (f"{key}_low" in has_bounds) == bool(bounds)


def test_days_begin_and_end_where_a_price_or_a_hashrate_is_known(
    simulated_report: Report, metrics: Metrics
) -> None:
    known = set(metrics["price"].present()["time"]) | set(metrics["hashrate.day"].present()["time"])
    time = simulated_report.dataset("day").time
    assert (time[0], time[-1]) == (min(known), max(known))
    assert np.diff(time).tolist() == [DAY] * (len(time) - 1)


def test_the_source_of_a_day_is_said_where_it_has_a_hashrate(simulated_report: Report) -> None:
    days = simulated_report.dataset("day")
    for basis, rate in zip(
        days.column("basis").values, days.column("hashrate_day").values, strict=True
    ):
        assert (basis is None) == (rate is None)
        assert basis in {None, "blocks", "vendor"}


def test_epochs_reach_to_the_next_and_change_from_the_one_before(simulated_report: Report) -> None:
    epochs = simulated_report.dataset("epoch")
    level, change = (epochs.column(key).values for key in ("difficulty", "change"))
    ends = [int(str(end)) for end in epochs.column("end").values]
    for place in range(1, len(epochs.time)):
        assert ends[place - 1] == epochs.time[place]
        ratio = float(str(level[place])) / float(str(level[place - 1])) - 1
        assert float(str(change[place])) == pytest.approx(ratio, abs=2e-5)
    assert epochs.time[-1] < ends[-1] <= epochs.time[-1] + 21 * DAY
    assert simulated_report.as_of is not None
    assert ends[-1] <= max(simulated_report.as_of, epochs.time[-1] + DAY)


def made(
    given: Record, as_of: int | None = None, shares: PoolShares | None = None
) -> dict[str, Dataset]:
    """The datasets of a record made by hand, by name."""
    metrics = metrics_of(given)
    study = ribbon(find_episodes(metrics, simulated=False))
    return {one.key: one for one in datasets(given, metrics, study, as_of, shares)}


def test_an_epoch_before_a_gap_is_drawn_for_three_weeks_at_most() -> None:
    # the first blocks of the epochs at 0 and 6,048, four epochs' time apart
    whole = range(0, 2016 * 600, 600)
    later = range(2016 * 4 * 600, 2016 * 4 * 600 + 3000 * 600, 600)
    heights = [*range(2016), *range(2016 * 3, 2016 * 3 + 3000)]
    epochs = made(record(blocks_at(heights, [*whole, *later])), as_of=2016 * 5 * 600)["epoch"]
    assert epochs.time[0] == 0
    assert epochs.column("end").values[0] == 21 * DAY
    assert epochs.column("change").values[0] is None


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        # the block itself
        (range(209_990, 210_010), [(210_000, "its block", 10 * 600)]),
        # between two known ones: six tenths of the way, in height and so in time
        ([209_994, 210_004], [(210_000, "between the first blocks of two epochs", 360)]),
        # too far apart to tell
        ([207_000, 211_000], []),
        # not reached, or before the first block
        (range(209_980, 210_000), []),
        (range(210_001, 210_010), []),
    ],
)
def test_a_halving_is_its_block_or_lies_between_two_near_ones(
    heights: range | list[int], expected: list[tuple[int, str, int]]
) -> None:
    start = 100 * DAY
    times = [start + 600 * place for place in range(len(heights))]
    halvings = made(record(blocks_at(heights, times)))["halving"]
    found = zip(
        halvings.column("height").values,
        halvings.column("rests_on").values,
        [time - start for time in halvings.time],
        strict=True,
    )
    assert list(found) == expected


def test_two_halvings_are_both_marked() -> None:
    heights = [*range(209_999, 210_002), *range(419_999, 420_002)]
    times = [100 * DAY + 600 * place for place in range(3)]
    times += [1_600 * DAY + 600 * place for place in range(3)]
    halvings = made(record(blocks_at(heights, times)))["halving"]
    assert list(halvings.column("height").values) == [210_000, 420_000]
    assert list(halvings.time) == [100 * DAY + 600, 1_600 * DAY + 600]


def test_capitulations_end_where_they_ended_or_at_the_last_day() -> None:
    given = results("nn" + "i" * 9 + "nn" + "iii", [-0.05] * 16)
    study = ribbon(find_episodes(given, simulated=False))
    empty = record(chain(range(0, 6000, 600)))
    frame = {one.key: one for one in datasets(empty, metrics_of(empty), study, day(16), None)}
    shown = frame["capitulation"]
    assert list(shown.time) == [day(2), day(13)]
    assert list(shown.column("end").values) == [day(11), day(16)]
    assert list(shown.column("days").values) == [9, 3]
    assert list(shown.column("depth").values) == [-0.05, -0.05]


def test_signals_stand_at_the_price_of_their_day(
    simulated_report: Report, metrics: Metrics
) -> None:
    signals = simulated_report.dataset("signal")
    marked = {
        kind: set(metrics[name].rows.filter(pl.col("value"))["time"])
        for kind, name in (("recovery", "ribbon.recovery"), ("buy", "ribbon.buy_state"))
    }
    kinds = signals.column("kind").values
    for kind, times in marked.items():
        shown = {time for time, own in zip(signals.time, kinds, strict=True) if own == kind}
        assert shown == times
    prices = dict(metrics["price"].rows.select("time", "value").rows())
    for time, price in zip(signals.time, signals.column("price").values, strict=True):
        exact = prices[time]
        if price is None:
            assert exact is None
        else:
            assert rounds(float(str(price)), exact, 6)
    assert list(signals.time) == sorted(signals.time)


def shares(days: int, slugs: tuple[str, ...]) -> PoolShares:
    """Shares that rise by day, a tenth apart by pool."""
    time = DAY * np.arange(days, dtype=np.int64)
    middle = 0.1 + np.arange(days)[:, None] / 1e4 + np.arange(len(slugs)) / 10
    made_up = SimpleNamespace(
        pools=slugs,
        names=tuple(slug.title() for slug in slugs),
        time=time,
        share=middle,
        low=middle - 0.05,
        high=middle + 0.05,
        unknown=np.where(np.arange(days) < 3, math.nan, 0.02),
    )
    return cast("PoolShares", made_up)


def test_pools_are_drawn_by_week_and_every_day_of_the_last_two_years() -> None:
    empty = record(chain(range(0, 6000, 600)))
    pools = made(empty, shares=shares(1000, ("a b", "a-b", "C")))["pools"]
    days = [time // DAY for time in pools.time]
    assert days == [*range(0, 270, 7), *range(270, 1000)]
    keys = [series.key for series in pools.series]
    # letters and digits, no two alike
    assert keys == [
        *("share_a_b", "share_a_b_low", "share_a_b_high"),
        *("share_a_b_2", "share_a_b_2_low", "share_a_b_2_high"),
        *("share_c", "share_c_low", "share_c_high", "unknown"),
    ]
    first = pools.column("share_a_b_2").values
    assert first[0] == 0.2
    assert first[-1] == pytest.approx(0.2999)
    assert pools.column("share_c_high").values[0] == 0.35
    assert pools.column("unknown").values[:2] == [None, 0.02]
    assert pools.column("share_c").title == "C"
    assert made(empty)["pools"].series == ()


# --- definitions -------------------------------------------------------------------------------


def nodes(value: object) -> Iterator[dict[str, Any]]:
    """Every mapping inside a definition."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from nodes(inner)


def fields(layer: dict[str, Any]) -> set[str]:
    """Columns that a layer reads, without those that it makes itself."""
    encoded = {
        channel["field"]
        for channel in layer.get("encoding", {}).values()
        if isinstance(channel, dict) and "field" in channel
    }
    own = {each["as"] for each in layer.get("transform", ()) if "as" in each}
    return encoded - own


def all_charts(report: Report) -> dict[str, Chart]:
    return charts_of(report)


def test_every_chart_draws_datasets_and_columns_that_the_report_has(
    simulated_report: Report,
) -> None:
    found = {one.key: {series.key for series in one.series} for one in simulated_report.datasets}
    charts = all_charts(simulated_report)
    assert len(charts) == len(CHARTS) + 1
    for name, chart in charts.items():
        assert chart.name == name
        if not all(found.get(key) for key in chart.datasets[:1]):
            continue
        assert set(chart.columns) <= found[chart.datasets[0]], name
        for layer in chart.layers:
            key = layer.get("data", {}).get("name")
            if found.get(key):
                assert key in chart.datasets, (name, key)
                assert fields(layer) <= found[key] | {"time"}, (name, key)


def test_every_colour_is_a_token_of_both_themes(simulated_report: Report) -> None:
    for chart in all_charts(simulated_report).values():
        for line in chart.lines:
            assert line.token in PALETTE
        spec = specification(chart, width=600, simulated=True, window=(0, DAY))
        for palette in (colours("light"), colours("dark"), variable_references()):
            text = json.dumps(coloured(spec, palette))
            assert "@" not in text.replace("vega-lite@", "")
    for node in nodes(config()):
        for value in node.values():
            if isinstance(value, str) and value.startswith("@"):
                assert value[1:] in PALETTE


def luminance(colour: str) -> float:
    """Relative luminance of a colour, WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels
    ]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_lines_stand_out_from_the_paper(theme: str) -> None:
    palette = colours("light" if theme == "light" else "dark")
    paper = luminance(palette["paper"])
    for token, least in (
        *((name, 4.5) for name in ("ink", "quiet", "stress")),
        *((name, 3.0) for name in ("hashrate", "second", "third", "fourth", "price")),
    ):
        pair = sorted((paper, luminance(palette[token])))
        contrast = (pair[1] + 0.05) / (pair[0] + 0.05)
        assert contrast >= least, token
    assert f"--ink:{palette['ink']};" in variables("light" if theme == "light" else "dark")


def test_a_chart_of_simulated_history_says_so_across_it_and_in_words() -> None:
    for chart in CHARTS.values():
        real, simulated = (
            specification(chart, width=500, simulated=each, window=(DAY, 3 * DAY))
            for each in (False, True)
        )
        assert "SIMULATED" not in json.dumps(real)
        assert simulated["description"] == f"SIMULATED. {real['description']}"
        assert len(simulated["layer"]) == len(real["layer"]) + 1
        assert simulated["layer"][-1]["mark"]["text"] == "SIMULATED"
        params = {each["name"]: each["value"] for each in real["params"]}
        # milliseconds, as browsers count
        assert params == {"from": DAY * 1000, "to": 3 * DAY * 1000, "level": 0}
        assert (real["width"], real["height"]) == (500, chart.height)


def test_a_legend_is_added_where_nothing_else_gives_one() -> None:
    chart = CHARTS["hashrate"]
    with_one = specification(chart, width=500, simulated=False, window=(0, 1))
    without = specification(chart, width=500, simulated=False, window=(0, 1), with_legend=False)
    assert len(with_one["layer"]) == len(without["layer"]) + 1
    drawn = legend(chart.lines)["encoding"]["color"]["scale"]
    assert drawn["domain"] == [line.label for line in chart.lines]
    assert drawn["range"] == [f"@{line.token}" for line in chart.lines]


def drawn(name: str, dataset: str, mark: str) -> list[dict[str, Any]]:
    """Layers of a chart of one dataset and mark, bottom first."""
    spec = specification(CHARTS[name], width=500, simulated=False, window=(0, DAY))
    return [
        layer
        for layer in spec["layer"]
        if layer.get("data", {}).get("name") == dataset and layer["mark"]["type"] == mark
    ]


def calculated(layer: dict[str, Any]) -> dict[str, str]:
    return {each["as"]: each["calculate"] for each in layer["transform"] if "as" in each}


def test_on_a_logarithmic_axis_what_is_not_positive_leaves_a_gap() -> None:
    lines = drawn("hashrate", "day", "line")
    assert [line["encoding"]["y"]["field"] for line in lines] == [
        *("hashrate_day", "hashrate_sma60", "hashrate_sma30")
    ]
    for line in lines:
        name = line["encoding"]["y"]["field"]
        assert calculated(line)[name] == f"datum.{name} > 0 ? datum.{name} : null"
        assert line["encoding"]["y"]["scale"]["type"] == "log"
    (band,) = drawn("hashrate", "day", "area")
    assert calculated(band) == {
        "hashrate_sma30_low": "true && datum.hashrate_sma30_low > 0 "
        "? datum.hashrate_sma30_low : null"
    }
    assert band["encoding"]["y2"] == {"field": "hashrate_sma30_high"}
    assert not any(calculated(line) for line in drawn("drawdown", "day", "line"))


def test_a_band_is_drawn_only_where_its_line_says() -> None:
    (band,) = drawn("drawdown", "day", "area")
    # near its peak a mean is compared with days it shares
    assert calculated(band) == {
        "drawdown_sma30_low": "datum.drawdown_sma30 < -0.02 && true "
        "? datum.drawdown_sma30_low : null"
    }


def test_lines_have_the_stroke_of_their_shape_and_the_colour_of_their_legend() -> None:
    widths = {"line": 1.8, "thin": 0.8, "dashed": 1.6}
    for name in ("hashrate", "drawdown", "next_change", "stress"):
        chart = CHARTS[name]
        layers = {
            layer["mark"]["description"]: layer for layer in drawn(name, chart.datasets[0], "line")
        }
        for line in chart.lines:
            if line.shape not in widths or line.label not in layers:
                continue
            mark = layers[line.label]["mark"]
            assert mark["strokeWidth"] == widths[line.shape]
            assert ("strokeDash" in mark) == (line.shape == "dashed")
            assert mark["color"] == f"@{line.token}"
            assert layers[line.label]["encoding"]["y"]["field"] == line.column
    shapes = {line.shape for line in CHARTS["drawdown"].lines}
    assert shapes == set(widths)


def test_a_fan_has_its_widest_band_at_the_bottom_and_the_median_on_top() -> None:
    layers = fan_layers("rate", "hashrate", "estimate", {}, "known")
    ends = [
        (layer["encoding"]["y"]["field"], layer["encoding"]["y2"]["field"]) for layer in layers[:3]
    ]
    assert ends == [("low_95", "high_95"), ("low_80", "high_80"), ("low_50", "high_50")]
    assert layers[3]["encoding"]["y"]["field"] == "median"
    opacity = [layer["mark"]["opacity"] for layer in layers[:3]]
    assert opacity == sorted(opacity)
    for layer in layers:
        assert {"filter": "datum.kind === 'known'"} in layer["transform"]
    assert all(len(layer["transform"]) == 1 for layer in fan_layers("rate", "x", "x", {}))


def test_what_lies_beside_the_window_is_kept_for_twenty_days() -> None:
    rule = within_window("time", "end")["filter"]
    assert f"datum.end >= from - {20 * DAY * 1000}" in rule
    assert f"datum.time <= to + {20 * DAY * 1000}" in rule
    scale = time_axis()["scale"]
    assert scale["type"] == "utc"
    assert (scale["domainMin"], scale["domainMax"]) == ({"expr": "from"}, {"expr": "to"})


def test_axes_name_their_units() -> None:
    percents = value_axis("linear", "percent", title="share")["axis"]["labelExpr"]
    assert ".0%" in percents
    signed = value_axis("linear", "signed_percent", title="change")["axis"]["labelExpr"]
    assert "+.0%" in signed
    assert "'0%'" in signed
    dollars = value_axis("log", "usd", title="USD per BTC")
    assert dollars["axis"]["labelExpr"].startswith("'$' + ")
    assert dollars["scale"]["type"] == "log"
    rates = value_axis("log", "hashrate", title="hashes per second")["axis"]
    assert "' EH/s'" in rates["labelExpr"]
    assert rates["description"] == "hashes per second"


def pools(count: int, unknown: bool = True) -> Dataset:
    keys = [f"share_{place}" for place in range(count)]
    columns = [
        Series(name, title, FRACTION, [0.1])
        for key in keys
        for name, title in ((key, key), (f"{key}_low", "low"), (f"{key}_high", "high"))
    ]
    if unknown:
        columns.append(Series("unknown", "no known pool", FRACTION, [0.1]))
    return Dataset("pools", [0], tuple(columns))


def test_pools_have_a_colour_each_and_the_unknown_one_is_dashed() -> None:
    chart = pools_chart(pools(3))
    assert [line.column for line in chart.lines] == ["share_0", "share_1", "share_2", "unknown"]
    assert len({line.token for line in chart.lines}) == 4
    assert chart.lines[-1].shape == "dashed"
    assert chart.lines[0].low == "share_0_low"
    assert chart.columns == tuple(series.key for series in pools(3).series)
    many = pools_chart(pools(9, unknown=False))
    assert len(many.lines) == MOST_POOLS
    assert all(line.shape == "line" for line in many.lines)
    # the largest is drawn last, on top
    assert many.layers[-1]["encoding"]["y"]["field"] == "share_0"


def test_a_report_without_pools_has_the_catalogues_charts(simulated_report: Report) -> None:
    others = tuple(one for one in simulated_report.datasets if one.key != "pools")
    assert set(charts_of(replace(simulated_report, datasets=others))) == set(CHARTS)
