"""Every command's JSON keeps the schema of its view, and its CSV has the same keys."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from hashcanary.units import known_units
from hashcanary.views.schema import all_views, schema_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]

# arguments by the command of their view
COMMANDS: dict[str, tuple[tuple[object, ...], ...]] = {
    "episodes": (("episodes",), ("episodes", "--show", "after")),
    "export": (("export", "{tmp}/tables"), ("export", "{tmp}/tables", "--format", "csv")),
    "load": (("--home", "{tmp}/lake", "load", "{files}"),),
    "metric list": (("metric", "list"),),
    "metric show": (
        ("metric", "show", "hashrate.sma30"),
        ("metric", "show", "drawdown.sma30", "--start", "2021-01-01"),
        ("metric", "show", "difficulty.change"),
        ("metric", "show", "hashrate.sma30", "price", "ribbon.state"),
    ),
    "status": (("status",),),
    "stress": (
        ("stress", "--weights", "{soon}"),
        ("stress", "--weights", "{soon}", "--history"),
    ),
    "study stress": tuple(
        ("study", "stress", "--weights", "{soon}", "--show", table, "--draws", 20, "--worlds", 1)
        for table in ("episodes", "components", "weights", "choices", "luck", "returns")
    ),
    "sync --list": (("sync", "--list"),),
    "verify": (("verify",),),
    "forecast hashprice": (
        ("forecast", "hashprice"),
        ("forecast", "hashprice", "--show", "rigs"),
        ("forecast", "hashprice", "--show", "variance"),
    ),
    "forecast retarget": (("forecast", "retarget"),),
    "study calibration": (
        ("study", "calibration"),
        ("study", "calibration", "--show", "reliability"),
        ("study", "calibration", "--of", "hashprice"),
    ),
    "explain drop": (("explain", "drop"),),
    "verdict": (("verdict",),),
    "study verdict": (
        ("study", "verdict", "--spells", "{spells}", "--every", 7, "--show", "spells"),
    ),
    "pools": (("pools",), ("pools", "--by", "group", "--days", 3)),
    "study curtailment": tuple(
        ("study", "curtailment", "--show", table) for table in ("years", "prices", "clocks")
    ),
    "study drops": (("study", "drops", "--one-in", 0.05),),
    "study luck": (("study", "luck"),),
    "cost": (
        ("cost",),
        ("cost", "--sensitivity"),
        ("cost", "--history", "--model", "electricity", "--model", "hayes"),
    ),
    "rigs": (("rigs",), ("rigs", "--at", "2021-05-01")),
    "shutdown": (
        ("shutdown", "--rig", "S19", "--rig", "S9", "--rig-price", 16),
        ("shutdown", "--rig", "S19", "--hashprice", 40),
    ),
    "study costs": (("study", "costs", "--model", "electricity", "--model", "hayes"),),
    "study supply": (
        ("study", "supply"),
        ("study", "supply", "--show", "rigs"),
        ("study", "supply", "--show", "assumptions"),
        ("study", "supply", "--power-price", 0.06),
    ),
    "study selling": tuple(
        ("study", "selling", "--show", table)
        for table in ("classes", "drops", "history", "published", "assumptions")
    ),
    "study hosting": (
        ("study", "hosting", "--power-price", 0.06),
        ("study", "hosting", "--left-for-good", "8%"),
        ("study", "hosting", "--show", "contracts"),
        ("study", "hosting", "--show", "assumptions"),
    ),
    "companies": tuple(("companies", "--show", table) for table in ("now", "months", "debt", "ai")),
}
_UNITLESS = {
    # counts
    *("blocks_before", "blocks_while_low", "companies", "covered", "disagreements", "episodes"),
    *("facts", "files_passed_over", "files_read", "findings", "new_facts", "random_hits", "rows"),
    *("sites_known", "stale_headers", "worlds"),
    # heights, versions, seeds
    *("first_height", "last_height", "seed", "version"),
    # counts by source, correlations by component
    *("rank_correlations", "sources"),
}
_SPELL = """[[spell]]
id = "autumn"
state = "calm"
begin = 2021-10-10
end = 2021-10-30
begin_uncertain_days = 0
end_uncertain_days = 3
cause = "none"
sure = "high"
"""
_CASES = [(command, words) for command, cases in COMMANDS.items() for words in cases]


def _bare(value: object, key: str = "") -> Iterator[str]:
    """Keys of the numbers inside whose unit is nowhere said: at the end of the key of the number
    or of what it stands in, or beside it. Probabilities may stand together by name.
    """
    if isinstance(value, dict):
        beside = {"value", "low", "high", "median"} if value.get("unit") else set()
        for name in value.keys() - beside - _UNITLESS:
            if name.endswith("probabilities"):
                continue
            plain = re.sub(r"_(low|high|mean)$", "", name)
            if not any(f"_{plain}".endswith(f"_{unit}") for unit in known_units()):
                yield from _bare(value[name], name)
    elif isinstance(value, list):
        for each in value:
            yield from _bare(each, key)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield key


def test_a_number_without_unit_is_found() -> None:
    row = {"ehs": 4, "power": 0.05, "note": "x", "on": True, "cost_usd_high": 1.0, "seed": 7}
    assert set(_bare([row, {"value": 1, "unit": "ehs"}, {"low": 1}])) == {"power", "low"}


@pytest.mark.parametrize(("command", "words"), _CASES, ids=lambda each: " ".join(map(str, each)))
def test_json_keeps_the_schema_and_csv_its_keys(
    call: Run,
    answers_kept: None,
    reported: Path,
    simulated_files: Path,
    tmp_path: Path,
    command: str,
    words: tuple[object, ...],
) -> None:
    # two simulated years are too few for the stated windows of the stress gauge
    soon = tmp_path / "soon.toml"
    soon.write_text("[percentiles]\nwindow_days = 365\nfewest_days = 60\n", encoding="utf-8")
    spells = tmp_path / "spells.toml"
    spells.write_text(_SPELL, encoding="utf-8")

    def run(how: str) -> subprocess.CompletedProcess[str]:
        places = {"tmp": tmp_path / how.strip("-"), "files": simulated_files}
        places |= {"soon": soon, "spells": spells}
        return call("--home", reported, *(str(word).format(**places) for word in words), how)

    printed = run("--json")
    assert printed.returncode in {0, 1}, printed.stderr
    document = json.loads(printed.stdout)
    schema = schema_of(all_views()[command])
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
        document
    )
    more = {key: document[key] for key in all_views()[command].more if key in document}
    assert set(_bare(more)) == set()
    if "rows" not in document:
        return
    rows = list(csv.reader(io.StringIO(run("--csv").stdout)))
    described = [column["key"] for column in document["columns"]]
    limits = {column["key"] for column in document["columns"] if column["interval"] is not None}
    keys = [
        key
        for name in described
        for key in ((name, f"{name}_low", f"{name}_high") if name in limits else (name,))
    ]
    assert rows[0] == keys
    assert len(rows) - 1 == len(document["rows"])
    assert all(list(row) == keys for row in document["rows"])


_ECONOMICS = ("cost", "rigs", "shutdown", "study costs", "study supply")


@pytest.mark.parametrize(
    "words",
    [words for command in _ECONOMICS for words in COMMANDS[command]],
    ids=lambda each: " ".join(map(str, each)),
)
def test_limits_hold_their_figure(call: Run, lake: Path, words: tuple[object, ...]) -> None:
    document = json.loads(call("--home", lake, *words, "--json").stdout)
    limited = [each["key"] for each in document["columns"] if each["interval"] is not None]
    checked = 0
    for row in document["rows"]:
        for key in limited:
            value, low, high = (row[f"{key}{end}"] for end in ("", "_low", "_high"))
            if None not in (value, low, high):
                assert low <= value <= high, (row, key)
                checked += 1
    assert checked or not limited


def test_a_document_with_another_key_is_refused() -> None:
    schema = schema_of(all_views()["study supply"])
    validator = Draft202012Validator(schema)
    assert list(validator.iter_errors({"columns": [], "rows": [], "under_water": 1}))


def test_every_command_with_a_view_is_tried() -> None:
    # sync needs a source that answers: test_sync_command.py holds it to its schema
    assert {*COMMANDS, "sync"} == set(all_views())
