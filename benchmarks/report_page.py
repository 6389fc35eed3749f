"""The report's page on the whole record, from a lake on disk: time, size, peak memory.

Ours: ``hashcanary report --html`` in a fresh process: lake, metrics, episodes, text and the page.
The peer: altair's own ``save(..., inline=True)`` of the same charts on the same columns,
which are handed to it ready made: no lake, no metrics, no text, no linked time. The limit: Vega
taken from vl-convert in a fresh process, and for the size Vega and the numbers as they stand in
the page. Taken in turns; the least of three rounds counts, the start of Python included.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from real_data import real_data
from table import show

if TYPE_CHECKING:
    from hashcanary.report.document import Report

HERE = Path(__file__).resolve().parent
ROUNDS = 3
BAR_SECONDS = 5
BAR_MEGABYTES = 3
BAR_MEMORY = 1000
NOT_MEASURED = "altair: not measured, it is not installed"
OURS = "import sys; from hashcanary.cli.main import main; sys.exit(main(sys.argv[1:]))"
PREPARE = """
import sys
from pathlib import Path
from report_page import prepare
prepare(Path(sys.argv[1]), Path(sys.argv[2]))
"""
PEER = """
import json, sys
import altair
spec = json.loads(open(sys.argv[1]).read())
altair.VConcatChart.from_dict(spec, validate=False).save(sys.argv[2], format="html", inline=True)
"""
LIMIT = """
import sys
import vl_convert
open(sys.argv[1], "w").write(vl_convert.javascript_bundle())
"""


@dataclass(frozen=True)
class Run:
    """One process: seconds it took, megabytes at its peak, those of its children included."""

    seconds: float
    megabytes: float


def run(arguments: list[str]) -> Run:
    """Run Python with these arguments to its end; an error of it ends the benchmark.

    A process is born with its parent's peak memory, so nothing heavy is imported in this one.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=HERE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments[:3]} ended with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(seconds, usage.ru_maxrss * unit / 1e6)


def prepare(home: Path, spec: Path) -> None:
    """Load the lake, and write the charts that the peer is handed. Runs in a process of its own."""
    from hashcanary.chain.networks import MAIN
    from hashcanary.report.build import build_report
    from hashcanary.store.lake import Lake
    from hashcanary.store.loading import load
    from hashcanary.store.recording import record_of

    lake = load(Lake.create(home, MAIN), [real_data()]).lake
    spec.write_text(json.dumps(peer_spec(build_report(record_of(lake)))), encoding="utf-8")


def peer_spec(report: Report) -> dict[str, object]:
    """The same charts as one Vega-Lite definition, one below the other, all columns inline."""
    from hashcanary.report.charts import CHARTS
    from hashcanary.report.render.pictures import chart_spec

    parts = []
    datasets: dict[str, object] = {}
    whole: dict[str, object] = {}
    for name in CHARTS:
        spec = chart_spec(report, name, sliders=True)
        parts.append({key: spec[key] for key in ("title", "width", "height", "layer")})
        rows = spec["datasets"]
        # two charts may take different columns of one dataset
        for part in parts[-1]["layer"]:
            if "name" in part["data"]:
                part["data"] = {"name": f"{name}_{part['data']['name']}"}
        datasets |= {f"{name}_{key}": value for key, value in rows.items()}
        whole = {key: spec[key] for key in ("$schema", "params", "config")}
    return {**whole, "vconcat": parts, "datasets": datasets}


def page_parts(page: str) -> float:
    """Megabytes of the chart library and of the data within a page."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    data = re.search(r'id="hc-data">(.*?)</script>', page, re.DOTALL)
    library = max(scripts, key=len)
    return (len(library.encode()) + len(data[1].encode() if data else b"")) / 1e6


def measure() -> list[dict[str, object]]:
    """Three rows: seconds, megabytes of the page, megabytes of memory."""
    has_peer = importlib.util.find_spec("altair") is not None
    with tempfile.TemporaryDirectory(prefix="hashcanary-bench-") as folder:
        place = Path(folder)
        home, page, theirs = place / "lake", place / "ours.html", place / "theirs.html"
        spec = place / "spec.json"
        run(["-c", PREPARE, str(home), str(spec)])
        commands = {
            "ours": ["-c", OURS, "--home", str(home), "report", "--html", str(page)],
            "limit": ["-c", LIMIT, str(place / "bundle.js")],
        }
        if has_peer:
            commands["peer"] = ["-c", PEER, str(spec), str(theirs)]
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, arguments in commands.items():
                runs[name].append(run(arguments))
        sizes = {
            "ours": page.stat().st_size / 1e6,
            "limit": page_parts(page.read_text(encoding="utf-8")),
        }
        if has_peer:
            sizes["peer"] = theirs.stat().st_size / 1e6
    seconds = {name: min(one.seconds for one in part) for name, part in runs.items()}
    memory = {name: min(one.megabytes for one in part) for name, part in runs.items()}
    what = "report --html, whole record"
    return [
        _row(f"{what}: time", seconds, BAR_SECONDS, "{:.2f} s", "Vega from vl-convert"),
        _row(f"{what}: size", sizes, BAR_MEGABYTES, "{:.2f} MB", "Vega and the data"),
        _row(f"{what}: peak memory", memory, BAR_MEMORY, "{:.0f} MB", "Vega from vl-convert"),
    ]


def _row(what: str, value: dict[str, float], bar: int, shown: str, limit: str) -> dict[str, object]:
    peer = value.get("peer")
    return {
        "what": what,
        "ours": shown.format(value["ours"]),
        "peer": NOT_MEASURED if peer is None else f"altair, the charts alone: {shown.format(peer)}",
        "limit": f"{limit}: {shown.format(value['limit'])}",
        "ratio_to_peer": None if peer is None else value["ours"] / peer,
        "ratio_to_limit": value["ours"] / value["limit"],
        "bar": f"under {bar} {shown.rsplit(maxsplit=1)[-1]}",
        "reached": value["ours"] < bar,
    }


if __name__ == "__main__":
    raise SystemExit(show(measure()))
