"""The page in a real Chromium: silent, asking for nothing, its charts drawn, linked and saved."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hashcanary.report.charts import CHARTS, charts_of
from hashcanary.report.document import Report

if TYPE_CHECKING:
    from conftest import Chromium

DAY_MS = 86_400_000
YEAR_MS = 365.25 * DAY_MS
NAMES = (*CHARTS, "pools")


@pytest.fixture
def browser(chromium: Chromium, simulated_page: Path) -> Chromium:
    """The page, opened afresh in a wide and light window."""
    chromium.look()
    chromium.open(simulated_page)
    return chromium


# charts that move together, those that show a window of their own, those along no time
ALONG = [name for name, chart in CHARTS.items() if chart.along]
LINKED = [
    name
    for name in NAMES
    if name not in CHARTS or not (CHARTS[name].own_window or CHARTS[name].along)
]
OWN = [name for name, chart in CHARTS.items() if chart.own_window]


def window(browser: Chromium, chart: str) -> list[float]:
    """The time domain a chart's scale really has, ms."""
    domain: list[float] = browser.evaluate(
        f"hashcanary.charts.get('{chart}').view.scale('x').domain().map(Number)"
    )
    return domain


def settle(browser: Chromium) -> None:
    """Until every chart shows the window asked for."""
    browser.evaluate("for (const c of hashcanary.charts.values()) c.visible = true")
    browser.evaluate("hashcanary.show(hashcanary.shown.from, hashcanary.shown.to)")
    browser.wait(
        "[...hashcanary.charts.values()].every(c => !c.busy && "
        "(c.window || c.along || c.drawn.from === hashcanary.shown.from && "
        "c.drawn.to === hashcanary.shown.to))"
    )


def press(browser: Chromium, selector: str) -> None:
    browser.evaluate(f"document.querySelector({selector!r}).click()")


def test_the_page_is_silent_and_asks_for_nothing_but_itself(
    browser: Chromium, simulated_page: Path
) -> None:
    assert browser.messages == []
    assert browser.requests == [simulated_page.as_uri()]


def test_every_chart_is_drawn_with_marks_in_it(browser: Chromium) -> None:
    for name in NAMES:
        paths = browser.evaluate(f"document.querySelectorAll('#chart-{name} svg path').length")
        assert paths > 5, name


def test_the_policy_keeps_the_page_from_reaching_out(browser: Chromium) -> None:
    answer = browser.evaluate(
        "fetch('https://example.org/').then(() => 'went out', error => String(error))"
    )
    assert "Failed to fetch" in answer
    browser.evaluate(
        "(() => { const added = document.createElement('script'); "
        "added.textContent = 'window.ran = 1'; document.body.append(added) })()"
    )
    assert browser.evaluate("window.ran === undefined") is True
    assert browser.evaluate("(() => { try { return eval('1') } catch { return 'no' } })()") == "no"


def test_range_buttons_move_every_chart(browser: Chromium) -> None:
    whole = browser.evaluate("document.querySelector('[data-range=all]').click() || 0")
    assert whole == 0
    settle(browser)
    domains = {tuple(window(browser, name)) for name in LINKED}
    assert len(domains) == 1
    press(browser, "[data-range='1']")
    settle(browser)
    domains = {tuple(window(browser, name)) for name in LINKED}
    assert len(domains) == 1
    start, end = domains.pop()
    assert end - start == pytest.approx(YEAR_MS, abs=DAY_MS)
    assert browser.evaluate("document.querySelector('[data-range=\"1\"]').ariaPressed") == "true"


def test_dragging_one_chart_pans_all(browser: Chromium) -> None:
    press(browser, "[data-range='1']")
    settle(browser)
    before = window(browser, "price")
    browser.evaluate("document.querySelector('#chart-hashrate .plot').scrollIntoView()")
    box = browser.evaluate(
        "(({x, y}) => [x, y])(document.querySelector('#chart-hashrate .plot')"
        ".getBoundingClientRect())"
    )
    x, y = box[0] + 200, box[1] + 150
    mouse = {"button": "left", "buttons": 1, "clickCount": 1}
    browser.send("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, **mouse)
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x + 300, y=y, **mouse)
    browser.send("Input.dispatchMouseEvent", type="mouseReleased", x=x + 300, y=y, **mouse)
    settle(browser)
    for name in LINKED:
        after = window(browser, name)
        assert after[0] < before[0], name
        assert after[1] - after[0] == pytest.approx(before[1] - before[0], abs=1000)


@pytest.mark.parametrize("name", OWN)
def test_a_chart_with_a_window_of_its_own_stays_and_reads_off_on_its_own(
    browser: Chromium, name: str
) -> None:
    chart = f"hashcanary.charts.get('{name}')"
    before = window(browser, name)
    press(browser, "[data-range='1']")
    settle(browser)
    assert window(browser, name) == before
    assert before == [1000 * edge for edge in browser.evaluate(f"{chart}.window")]
    said = f"{chart}.figure.querySelector('output').textContent"
    latest = browser.evaluate(said)
    browser.evaluate(f"{chart}.plot.scrollIntoView()")
    x, y, width = browser.evaluate(
        f"(({{x, y, width}}) => [x, y, width])({chart}.plot.getBoundingClientRect())"
    )
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x + width / 8, y=y + 90)
    browser.wait(f"!{chart}.rule.hidden")
    assert browser.evaluate(said) != latest
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    browser.wait(f"{chart}.rule.hidden")
    assert browser.evaluate(said) == latest


@pytest.mark.parametrize("name", ALONG)
def test_a_chart_along_no_time_reads_off_where_the_pointer_and_the_keys_are(
    browser: Chromium, simulated_report: Report, name: str
) -> None:
    dataset = simulated_report.dataset(CHARTS[name].datasets[0])
    steps = [float(str(step)) for step in dataset.column(dataset.along).values]
    chart = f"hashcanary.charts.get('{name}')"
    press(browser, "[data-range='1']")
    settle(browser)
    assert window(browser, name) == [steps[0], steps[-1]]
    when = f"{chart}.when.textContent"
    now = browser.evaluate(when)
    near = min(steps, key=lambda step: abs(step - (dataset.here or 0)))
    assert now.startswith("now: ")
    assert float(now.split()[1].replace(",", "")) == pytest.approx(near, rel=1e-3)
    browser.evaluate(f"{chart}.plot.scrollIntoView()")
    x, y, inner = browser.evaluate(
        f"(({{x, y}}) => [x + {chart}.view.origin()[0], y, {chart}.view.width()])"
        f"({chart}.plot.getBoundingClientRect())"
    )
    # a quarter along a logarithmic axis
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x + inner / 4, y=y + 90)
    browser.wait(f"!{chart}.rule.hidden")
    wanted = steps[0] * (steps[-1] / steps[0]) ** 0.25
    near = min(steps, key=lambda step: abs(step - wanted))
    read = browser.evaluate(when)
    assert float(read.split()[0].replace(",", "")) == pytest.approx(near, rel=0.06)
    left = browser.evaluate(f"parseFloat({chart}.rule.style.left)")
    assert left == pytest.approx(browser.evaluate(f"{chart}.view.origin()[0]") + inner / 4, abs=20)
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    browser.wait(f"{chart}.rule.hidden")
    assert browser.evaluate(when) == now
    browser.evaluate(f"{chart}.plot.focus()")
    browser.send("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight", modifiers=8)
    browser.wait(f"!{chart}.rule.hidden")
    assert float(browser.evaluate(when).split()[0].replace(",", "")) > near


def turn_wheel(browser: Chromium, modifiers: int) -> None:
    """Turn the wheel over the price chart. modifiers: 2 is the control key."""
    browser.evaluate("document.querySelector('#chart-price .plot').scrollIntoView()")
    x, y = browser.evaluate(
        "(({x, y}) => [x + 300, y + 100])(document.querySelector('#chart-price .plot')"
        ".getBoundingClientRect())"
    )
    browser.send(
        "Input.dispatchMouseEvent",
        type="mouseWheel",
        x=x,
        y=y,
        deltaX=0,
        deltaY=-240,
        modifiers=modifiers,
    )


def test_zooming_with_the_wheel_needs_a_key_and_moves_all(browser: Chromium) -> None:
    before = window(browser, "hashrate")
    browser.evaluate("window.turned = 0; document.addEventListener('wheel', () => { turned += 1 })")
    turn_wheel(browser, modifiers=2)
    browser.wait("turned === 1")
    settle(browser)
    after = window(browser, "hashrate")
    assert after[1] - after[0] < 0.9 * (before[1] - before[0])
    assert window(browser, "price") == after
    turn_wheel(browser, modifiers=0)
    browser.wait("turned === 2")
    settle(browser)
    assert window(browser, "hashrate") == after


def test_the_window_never_leaves_the_record(browser: Chromium, simulated_report: Report) -> None:
    times = simulated_report.dataset("day").time
    browser.evaluate("hashcanary.show(0, 1e13)")
    settle(browser)
    assert window(browser, "hashrate") == [times[0] * 1000, times[-1] * 1000 + DAY_MS]


@pytest.mark.parametrize("name", [name for name, chart in CHARTS.items() if chart.toggles])
def test_the_value_axis_switches_between_log_and_linear(browser: Chromium, name: str) -> None:
    scale = f"hashcanary.charts.get('{name}').view.scale('y').type"
    assert browser.evaluate(scale) == "log"
    press(browser, f"#chart-{name} [data-scale=linear]")
    browser.wait(f"document.querySelector('#chart-{name}').dataset.drawn === 'linear'")
    assert browser.evaluate(scale) == "linear"
    lowest = browser.evaluate(f"hashcanary.charts.get('{name}').view.scale('y').domain()[0]")
    assert lowest <= 0
    pressed = f"document.querySelector('#chart-{name} [data-scale=linear]').ariaPressed"
    assert browser.evaluate(pressed) == "true"


@pytest.mark.parametrize("name", NAMES)
def test_the_csv_of_a_chart_is_the_data_of_the_report(
    browser: Chromium, simulated_report: Report, tmp_path: Path, name: str
) -> None:
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    press(browser, f"#chart-{name} [data-csv]")
    path = tmp_path / f"hashcanary-SIMULATED-{name}.csv"
    browser.wait("true")
    for _ in range(200):
        if path.exists() and path.stat().st_size:
            break
        browser.evaluate("new Promise(done => setTimeout(done, 25))")
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    chart = charts_of(simulated_report)[name]
    dataset = simulated_report.dataset(chart.datasets[0])
    assert len(rows) == len(dataset.time or dataset.series[0].values)
    assert {row["simulated"] for row in rows} == {"true"}
    for column in chart.columns:
        series = dataset.column(column)
        head = f"{column}_{series.unit.suffix}" if series.unit else column
        told = [row[head] for row in rows]
        if column == "end":
            assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text) for text in told)
            continue
        for text, value in zip(told, series.values, strict=True):
            if isinstance(value, str):
                assert text == value
            elif value is None:
                assert text == ""
            else:
                assert float(text) == value


def test_the_pointer_reads_one_day_off_every_chart(
    browser: Chromium, simulated_report: Report
) -> None:
    browser.evaluate("document.querySelector('#chart-hashrate .plot').scrollIntoView()")
    settle(browser)
    x, y = browser.evaluate(
        "(({x, y}) => [x + 400, y + 100])(document.querySelector('#chart-hashrate .plot')"
        ".getBoundingClientRect())"
    )
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    told = browser.evaluate("document.querySelector('#chart-hashrate .when').textContent")
    assert re.fullmatch(r"\d{1,2} [A-Z][a-z]{2} 20\d\d", told)
    assert browser.evaluate("document.querySelector('#chart-drawdown .when').textContent") == told
    assert browser.evaluate("document.querySelector('#chart-hashrate .rule').hidden") is False


def test_keys_move_the_cursor_and_zoom(browser: Chromium) -> None:
    browser.evaluate("document.querySelector('#chart-hashrate .plot').focus()")
    settle(browser)
    key = {"type": "keyDown"}
    when = "document.querySelector('#chart-hashrate .when').textContent"
    browser.send("Input.dispatchKeyEvent", **key, key="ArrowLeft")
    first = browser.evaluate(when)
    browser.send("Input.dispatchKeyEvent", **key, key="ArrowLeft")
    assert browser.evaluate(when) != first
    before = window(browser, "hashrate")
    browser.send("Input.dispatchKeyEvent", **key, key="+", text="+")
    settle(browser)
    after = window(browser, "hashrate")
    assert after[1] - after[0] == pytest.approx((before[1] - before[0]) / 2, abs=DAY_MS)


def test_light_and_dark_follow_the_system_without_drawing_anew(browser: Chromium) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    line = "getComputedStyle(document.querySelector('#chart-hashrate svg .mark-line path')).stroke"
    light = browser.evaluate(f"[{background}, {line}]")
    picture = browser.picture()
    browser.look(dark=True)
    dark = browser.evaluate(f"[{background}, {line}]")
    assert all(before != after for before, after in zip(light, dark, strict=True))
    assert browser.picture() != picture
    assert browser.messages == []


def test_paper_is_light_even_in_the_dark(browser: Chromium) -> None:
    browser.look(dark=True)
    scheme = {"name": "prefers-color-scheme", "value": "dark"}
    browser.send("Emulation.setEmulatedMedia", media="print", features=[scheme])
    background = browser.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()"
    )
    assert background == "#fbf9f3"
    assert browser.evaluate("getComputedStyle(document.querySelector('.bar')).display") == "none"
    browser.send("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_window(
    chromium: Chromium, simulated_page: Path, width: int
) -> None:
    chromium.look(width=width)
    chromium.open(simulated_page)
    assert chromium.evaluate("document.documentElement.scrollWidth") == width
    widest = chromium.evaluate(
        "Math.max(...[...document.querySelectorAll('.plot svg')]"
        ".map(svg => svg.getBoundingClientRect().right))"
    )
    assert widest <= width


def test_every_button_has_a_name_and_is_reached_by_the_keyboard(browser: Chromium) -> None:
    nameless = browser.evaluate(
        "[...document.querySelectorAll('button')].filter("
        "b => !(b.ariaLabel || b.textContent.trim()) || b.tabIndex < 0).length"
    )
    assert nameless == 0
