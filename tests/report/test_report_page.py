"""The page as text: self-contained, closed to the network, same bytes, deaf to hostile names."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from hashcanary.report.build import build_report
from hashcanary.report.charts import charts_of
from hashcanary.report.document import Report, Section, Table
from hashcanary.report.errors import BundleFailed
from hashcanary.report.render.bundle import BundleJob
from hashcanary.report.render.html import render_html
from hashcanary.store.record import Record

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">&"\'\x1b\u202e'


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._in_script = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)


def policy(elements: Elements) -> str:
    metas = [attributes for tag, attributes in elements.found if tag == "meta"]
    found = [m["content"] for m in metas if m.get("http-equiv") == "Content-Security-Policy"]
    assert len(found) == 1
    assert found[0] is not None
    return found[0]


def payload(elements: Elements) -> dict[str, object]:
    data = [text for attributes, text in elements.scripts if attributes.get("id") == "hc-data"]
    assert len(data) == 1
    loaded: dict[str, object] = json.loads(data[0])
    return loaded


@pytest.fixture(scope="module")
def page(simulated_page: Path) -> str:
    return simulated_page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def elements(page: str) -> Elements:
    return Elements(page)


def test_nothing_on_the_page_names_anything_to_load(elements: Elements) -> None:
    for tag, attributes in elements.found:
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        for name in ("src", "srcset", "poster", "action", "background", "data"):
            assert name not in attributes, tag
        assert (attributes.get("href") or "#").startswith("#")


def test_the_policy_forbids_all_but_its_own_scripts(elements: Elements) -> None:
    allowed = policy(elements)
    assert "default-src 'none'" in allowed
    assert "connect-src 'none'" in allowed
    assert "unsafe-eval" not in allowed
    script = re.search(r"script-src ([^;]*)", allowed)
    assert script is not None
    assert "unsafe-inline" not in script[1]
    runnable = [text for attributes, text in elements.scripts if not attributes.get("type")]
    hashes = {
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in runnable
    }
    assert hashes == set(script[1].split())
    assert len(runnable) == 2


def test_no_element_carries_a_handler(elements: Elements) -> None:
    for tag, attributes in elements.found:
        assert not [name for name in attributes if name.startswith("on")], tag


def test_the_style_sheet_loads_nothing(page: str) -> None:
    style = page.split("<style>")[1].split("</style>", maxsplit=1)[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style


def test_the_same_record_gives_the_same_bytes(simulated_record: Record, page: str) -> None:
    assert render_html(build_report(simulated_record)) == page


def test_the_data_stand_in_the_page_once_and_are_those_of_the_report(
    elements: Elements, simulated_report: Report
) -> None:
    data = payload(elements)
    assert data["simulated"] is True
    assert set(data["charts"]) == set(charts_of(simulated_report))  # type: ignore[call-overload]
    columns = data["data"]["day"]  # type: ignore[index]
    price = simulated_report.dataset("day").column("price")
    assert columns["price"] == list(price.values)


def test_simulated_history_says_so_in_title_banner_mark_and_charts(
    page: str, elements: Elements
) -> None:
    assert "(SIMULATED)" in page.split("</title>", maxsplit=1)[0]
    classes = [attributes.get("class") for _, attributes in elements.found]
    assert "simulated-banner" in classes
    assert "simulated-mark" in classes
    for chart in payload(elements)["charts"].values():  # type: ignore[attr-defined]
        assert "SIMULATED" in json.dumps(chart["spec"]["layer"][-1])


def test_a_real_page_is_not_marked(simulated_record: Record, bundle: BundleJob) -> None:
    page = render_html(build_report(replace(simulated_record, simulated=False)), bundle)
    text = Elements(page)
    assert "SIMULATED" not in page.split('id="hc-data">')[0]
    assert "SIMULATED" not in json.dumps(payload(text))


def test_hostile_names_stay_text(simulated_record: Record, bundle: BundleJob) -> None:
    record = replace(
        simulated_record,
        at_text=HOSTILE,
        at=int(simulated_record.blocks["time"][-1]),
        blocks=simulated_record.blocks.with_columns(source=pl.lit(HOSTILE)),
        candles=simulated_record.candles.with_columns(market=pl.lit(HOSTILE)),
        provenance={"lake_version": HOSTILE, "tables": {HOSTILE: 1}, "code_version": HOSTILE},
    )
    page = render_html(build_report(record), bundle)
    elements = Elements(page)
    assert not [tag for tag, _ in elements.found if tag == "img"]
    assert len(elements.scripts) == 3
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_hostile_words_in_the_data_stay_data(simulated_report: Report, bundle: BundleJob) -> None:
    day = simulated_report.dataset("day")
    words = [HOSTILE] * len(day.time)
    columns = tuple(replace(s, values=words) if s.key == "basis" else s for s in day.series)
    datasets = tuple(
        replace(day, series=columns) if dataset.key == "day" else dataset
        for dataset in simulated_report.datasets
    )
    elements = Elements(render_html(replace(simulated_report, datasets=datasets), bundle))
    assert len(elements.scripts) == 3
    packed = payload(elements)["data"]["day"]["basis"]  # type: ignore[index]
    assert packed == {"runs": [[HOSTILE, len(day.time)]]}


def test_headings_labels_and_alternatives_are_there(elements: Elements) -> None:
    tags = [tag for tag, _ in elements.found]
    assert tags.count("h1") == 1
    assert {"main", "nav", "header", "footer"} <= set(tags)
    for tag, attributes in elements.found:
        if attributes.get("class") == "plot":
            assert attributes["aria-label"]
            assert attributes["tabindex"] == "0"
        if tag == "html":
            assert attributes["lang"] == "en"
    for chart in payload(elements)["charts"].values():  # type: ignore[attr-defined]
        assert len(chart["spec"]["description"]) > 40


def test_links_within_the_page_lead_somewhere(elements: Elements) -> None:
    names = {attributes["id"] for _, attributes in elements.found if "id" in attributes}
    for _, attributes in elements.found:
        href = attributes.get("href")
        if href:
            assert href[1:] in names


def test_a_report_without_days_is_a_page_without_charts(
    simulated_report: Report, bundle: BundleJob
) -> None:
    bare = tuple(
        replace(each, time=[], series=tuple(replace(one, values=[]) for one in each.series))
        for each in simulated_report.datasets
    )
    elements = Elements(render_html(replace(simulated_report, datasets=bare), bundle))
    assert payload(elements)["charts"] == {}
    assert not [tag for tag, _ in elements.found if tag == "figure"]


def test_an_empty_table_says_why(simulated_report: Report, bundle: BundleJob) -> None:
    table = Table("none", "Nothing", (), (), empty="Nothing was found.")
    section = Section("only", "Only", "Only", "", (table,))
    page = render_html(replace(simulated_report, sections=(section,)), bundle)
    assert "Nothing was found." in page


def test_a_bundle_that_fails_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "hashcanary.report.render.bundle._PROGRAM", "raise SystemExit('no library')"
    )
    with BundleJob() as job, pytest.raises(BundleFailed, match=r"code 1: no library.*Reinstall"):
        job.text()


def test_a_bundle_that_is_not_needed_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with BundleJob() as job:
        process = job._process
    assert process is not None
    assert process.returncode is not None
