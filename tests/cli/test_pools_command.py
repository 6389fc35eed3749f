"""``hashcanary pools`` end to end: from a table that names pools, and by labelling coinbases."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hashcanary.chain.networks import MAIN
from hashcanary.sources.facts import BLOCKS
from hashcanary.store.lake import Lake

Run = Callable[..., subprocess.CompletedProcess[str]]
START = 1_231_027_200
SCRIPTS = (b"\x04..../Foundry USA Pool #dropgold/", b"....\xff/AntPool/....", b"nobody")
OWN_LIST = """
name = "mine"
edition = "1"
[[pool]]
slug = "everybody"
name = "Every \\u001b[31mbody"
tags = ["Pool"]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three days of blocks with coinbases, none of them labelled."""
    lake = Lake.create(tmp_path / "lake", MAIN)
    heights = range(3 * 144 + 20)
    rows = pl.DataFrame(
        [
            {
                "height": height,
                "hash": height.to_bytes(32, "big"),
                "time": START + 600 * height,
                "bits": 0x1D00FFFF,
                "coinbase_script": SCRIPTS[height % 3 if height % 4 else 0],
                "source": "blockfiles",
                "known_at": START + 600 * height,
            }
            for height in heights
        ],
        schema=BLOCKS.schema,
    )
    with lake.writing() as transaction:
        transaction.append("blocks", rows)
        transaction.publish([], 0)
    return lake.home


def test_without_labels_it_says_how_to_get_them(call: Run, home: Path) -> None:
    done = call("--home", home, "pools")
    assert done.returncode == 3
    assert done.stdout == ""
    assert "--label" in done.stderr


def test_labels_and_shows_pools_with_limits(call: Run, home: Path) -> None:
    done = call("--home", home, "pools", "--label", "--days", "1")
    assert done.returncode == 0, done.stderr
    assert "452 blocks labelled now" in done.stderr
    lines = done.stdout.splitlines()
    assert "6 Jan 2009" in lines[0]
    rows = [line.split() for line in lines]
    assert ["Foundry", "USA", "72", "50.0%"] in [row[:4] for row in rows]
    assert ["no", "known", "pool", "36"] in [row[:4] for row in rows]
    assert "hashcanary-2026-02@" in done.stdout


def test_json_has_units_list_window_and_provenance(call: Run, home: Path) -> None:
    done = call("--home", home, "pools", "--label", "--days", "1", "--json", "--by", "group")
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    assert (found["by"], found["window_days"], found["blocks"], found["compared"]) == (
        "group",
        1,
        144,
        2,
    )
    assert (found["start"], found["end"]) == ("2009-01-06T00:00:00Z", "2009-01-07T00:00:00Z")
    assert found["list"].startswith("hashcanary-2026-02@")
    assert found["false_alarm_rate_fraction"] == 0.05
    assert found["provenance"]["tables"]["pool_labels"] == 0
    first = found["rows"][0]
    assert (first["pool"], first["blocks"], first["share_fraction"]) == ("foundryusa", 72, 0.5)
    assert first["share_fraction_low"] < 0.5 < first["share_fraction_high"]
    assert first["beyond_luck"] is False
    assert found["rows"][-1]["beyond_luck"] is None


def test_csv_has_units_in_its_header(call: Run, home: Path) -> None:
    call("--home", home, "pools", "--label", "--days", "1")
    done = call("--home", home, "pools", "--days", "1", "--csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert rows[0]["pool"] == "foundryusa"
    assert float(rows[0]["share_fraction"]) == 0.5
    assert float(rows[0]["hashrate_hashes_per_second"]) == pytest.approx(72 * 0x100010001 / 86_400)


def test_another_list_stands_beside_and_its_names_are_harmless(
    call: Run, home: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN_LIST, encoding="utf-8")
    call("--home", home, "pools", "--label", "--days", "1")
    done = call("--home", home, "pools", "--label", own, "--days", "1")
    assert done.returncode == 0, done.stderr
    assert "mine-1@" in done.stdout
    assert "everybody" in done.stdout
    assert "\x1b" not in done.stdout
    by_name = call("--home", home, "pools", "--list", "hashcanary-2026-02", "--days", "1")
    assert "Foundry USA" in by_name.stdout
    assert call("--home", home, "pools", "--list", "other").returncode == 2


@pytest.mark.parametrize("days", ["0", "x", "1.5", "99999999", ""])
def test_days_that_are_none_are_wrong_usage(days: str, call: Run, home: Path) -> None:
    done = call("--home", home, "pools", "--days", days)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--days" in done.stderr


def test_a_bad_list_changes_nothing(call: Run, home: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('[{"name": "x", "tags": ["a"]}]', encoding="utf-8")
    before = Lake.open(home).version
    done = call("--home", home, "pools", "--label", bad)
    assert done.returncode == 4
    assert "pool x" in done.stderr
    assert Lake.open(home).version == before
