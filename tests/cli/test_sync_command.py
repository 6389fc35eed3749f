"""``hashcanary sync`` with another package's live source: settings, reports, errors, following."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hashcanary.sources.feed import all_feeds
from hashcanary.store.lake import Lake
from hashcanary.views.schema import all_views, schema_of

Run = Callable[..., subprocess.CompletedProcess[str]]
Limited = Callable[..., AbstractContextManager[None]]
COMMAND = Path(sys.executable).with_name("hashcanary")

FEEDS = """
import datetime
import polars as pl
from hashcanary.sources.errors import SourceError
from hashcanary.sources.facts import DAILY_REFERENCE, EVENTS, Facts
from hashcanary.sources.feed import Batch, Feed, Setting


class Down(SourceError):
    template = "{server}: expected an answer, found none."


def daily(day):
    known = 86400 * (day + 1)
    row = {
        "day": datetime.date(1970, 1, 1) + datetime.timedelta(day),
        "vendor": "canary", "series": "price", "value": float(day),
        "source": "canary", "known_at": known,
    }
    return Facts(DAILY_REFERENCE, pl.DataFrame([row], schema=DAILY_REFERENCE.schema))


def event(day):
    row = {"time": 86400 * day, "kind": "dropped-peer", "height": None,
           "detail": '{"reason": "silence"}', "source": "canary", "known_at": 86400 * day}
    return Facts(EVENTS, pl.DataFrame([row], schema=EVENTS.schema))


def batches(asked):
    start = int(asked.cursor.get("day", 0))
    for day in range(start, start + int(asked.settings["count"])):
        facts = (daily(day), event(day)) if asked.settings["events"] == "yes" else (daily(day),)
        yield Batch(facts, {"day": day + 1}, day + 1, None, "days", ("one exchange only",))
    if asked.settings["server"] == "down":
        raise Down(server="canary")
    if asked.settings["server"] == "stop":
        raise KeyboardInterrupt
    if asked.settings["server"] == "flaky" and start in (2, 4):
        raise Down(server="canary")


def wait(asked):
    asked.clock.sleep(0.02)


SETTINGS = (
    Setting("count", "days to give", "3"),
    Setting("events", "yes: an event each", "no"),
    Setting("server", "what it is like", "well"),
    Setting("token", "a secret", secret=True),
)
CANARY = Feed("canary", "Prices sung by canaries", ("daily_reference",), SETTINGS, batches, wait,
              costs="a song a day")
OTHER = Feed("other-canary", "Another", ("daily_reference",), SETTINGS[:3], batches)
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an installed package that declares two live sources."""
    folder = tmp_path / "site"
    package = folder / "canary_feeds"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "feeds.py").write_text(FEEDS)
    info = folder / "canary_feeds-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: canary-feeds\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hashcanary.sources]\ncanary = canary_feeds\n")
    monkeypatch.syspath_prepend(str(folder))
    all_feeds.cache_clear()
    yield folder
    all_feeds.cache_clear()
    for name in ("canary_feeds", "canary_feeds.feeds"):
        sys.modules.pop(name, None)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def rows(done: subprocess.CompletedProcess[str], code: int = 0) -> list[dict[str, Any]]:
    assert done.returncode == code, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return found


def test_a_source_is_synced_into_a_lake_made_for_it(call: Run, site: Path, home: Path) -> None:
    (row,) = rows(call("--home", home, "--json", "sync", "--source", "canary"))
    assert row["source"] == "canary"
    assert row["new"] == {"daily_reference": 3}
    assert (row["first"], row["last"]) == ("1970-01-02", "1970-01-04")
    assert row["notes"] == ["one exchange only"]
    assert row["error"] is None
    (row,) = rows(call("--home", home, "--json", "sync", "--source", "canary", "-o", "count=1"))
    assert row["new_facts"] == 1
    assert Lake.open(home).manifest.feeds["canary"].cursor == {"day": 4}


def test_people_see_what_is_new_and_what_was_not_brought(call: Run, site: Path, home: Path) -> None:
    done = call("--home", home, "sync", "--source", "canary", "-o", "events=yes")
    assert done.returncode == 0
    assert "canary: 3 new in daily_reference" in done.stdout
    assert "canary: dropped-peer: reason silence" in done.stdout
    assert "one exchange only" in done.stdout
    assert "is at version 1" in done.stdout
    assert done.stderr == ""


def test_without_a_name_all_of_the_file_are_synced(call: Run, site: Path, home: Path) -> None:
    home.mkdir()
    (home / "sources.toml").write_text(
        '[other-canary]\ncount = 2\nevents = true\n\n[canary]\ncount = "1"\n'
    )
    found = rows(call("--home", home, "--json", "sync"))
    assert [(row["source"], row["new_facts"]) for row in found] == [
        ("other-canary", 2),
        ("canary", 0),
    ]
    assert found[1]["rows"] == {"daily_reference": 1}


def test_the_environment_goes_before_the_file_and_the_option_before_both(
    call: Run, site: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / "sources.toml").write_text("[other-canary]\ncount = 5\n")
    monkeypatch.setenv("HASHCANARY_OTHER_CANARY_COUNT", "2")
    (row,) = rows(call("--home", home, "--json", "sync"))
    assert row["new_facts"] == 2
    (row,) = rows(call("--home", home, "--json", "sync", "-o", "count=1"))
    assert row["new_facts"] == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--source", "nobody"), "other-canary"),
        (("--source", "canary", "-o", "size=3"), "count, events, server, token"),
        (("--source", "canary", "-o", "count"), "KEY=VALUE"),
        (("--source", "canary", "-o", "token=x"), "mode 0600"),
        (("--source", "canary", "--source", "other-canary", "-o", "count=1"), "one source"),
        ((), "sources.toml"),
        (("--source", "canary", "--follow", "--csv"), "--json"),
    ],
)
def test_wrong_usage_names_what_there_is(
    call: Run, site: Path, home: Path, arguments: tuple[str, ...], expected: str
) -> None:
    done = call("--home", home, "sync", *arguments)
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stdout == ""
    assert not home.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[canary\n", "TOML"),
        ("canary = 3\n", "[canary]"),
        ("[nobody]\n", "canary, "),
        ("[canary]\nsize = 3\n", "count, events"),
        ("[canary]\ncount = {a = 1}\n", "text, a number"),
        ("[canary]\ntoken = 'x'\n", "chmod 600"),
    ],
)
def test_a_wrong_file_of_settings_names_the_place(
    call: Run, site: Path, home: Path, text: str, expected: str
) -> None:
    home.mkdir()
    (home / "sources.toml").write_text(text)
    (home / "sources.toml").chmod(0o644)
    done = call("--home", home, "sync", "--source", "canary")
    assert done.returncode == 2
    assert "sources.toml" in done.stderr
    assert expected in done.stderr


def test_a_secret_comes_from_a_file_that_nobody_else_reads(
    call: Run, site: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / "sources.toml").write_text("[canary]\ntoken = 'tweety'\n")
    (home / "sources.toml").chmod(0o600)
    done = call("--home", home, "--json", "sync")
    assert done.returncode == 0
    for path in home.rglob("*"):
        if path.is_file() and path.name != "sources.toml":
            assert b"tweety" not in path.read_bytes()
    assert "tweety" not in done.stdout + done.stderr
    monkeypatch.setenv("HASHCANARY_CANARY_TOKEN", "tweety")
    done = call("--home", home, "sync", "--source", "canary")
    assert done.returncode == 2
    assert "environment" in done.stderr
    assert "tweety" not in done.stderr


def test_a_source_that_fails_is_said_and_what_it_brought_stays(
    call: Run, site: Path, home: Path
) -> None:
    done = call("--home", home, "--json", "sync", "--source", "canary", "-o", "server=down")
    (row,) = rows(done, code=4)
    assert row["new_facts"] == 3
    assert row["error"] == "canary: expected an answer, found none."
    assert json.loads(done.stderr)["exit_code"] == 4
    assert Lake.open(home).frame("daily_reference").height == 3


def test_one_of_several_that_fails_does_not_stop_the_others(
    call: Run, site: Path, home: Path
) -> None:
    home.mkdir()
    (home / "sources.toml").write_text("[canary]\nserver='down'\n\n[other-canary]\ncount = 5\n")
    done = call("--home", home, "sync")
    assert done.returncode == 4
    assert "1 of 2 live sources failed" in done.stderr
    assert Lake.open(home).frame("daily_reference").height == 5


def test_a_lake_made_for_a_source_that_gave_nothing_is_taken_back(
    call: Run, site: Path, home: Path
) -> None:
    done = call("--home", home, "sync", "--source", "canary", "-o", "server=down", "-o", "count=0")
    assert done.returncode == 4
    assert not home.exists()


def test_an_interrupted_sync_keeps_what_came(call: Run, site: Path, home: Path) -> None:
    done = call("--home", home, "sync", "--source", "canary", "-o", "server=stop")
    assert done.returncode == 130
    assert "last commit" in done.stderr
    assert Lake.open(home).frame("daily_reference").height == 3


def test_the_list_names_sources_and_settings(call: Run, site: Path, home: Path) -> None:
    found = rows(call("--home", home, "--json", "sync", "--list"))
    titles = {row["source"]: row for row in found if row["setting"] is None}
    assert titles["canary"]["help"] == "Prices sung by canaries"
    assert titles["canary"]["costs"] == "a song a day"
    assert titles["canary"]["configured"] is False
    settings = {
        row["setting"]: row for row in found if row["source"] == "canary" and row["setting"]
    }
    assert settings["count"]["default"] == "3"
    assert settings["count"]["variable"] == "HASHCANARY_CANARY_COUNT"
    assert settings["token"]["secret"] is True
    assert settings["token"]["variable"] is None
    shown = call("--home", home, "sync", "--list").stdout
    assert "days to give" in shown
    assert not home.exists()


def test_json_keeps_the_schema_of_its_view(call: Run, site: Path, home: Path) -> None:
    done = call("--home", home, "sync", "--source", "canary", "-o", "events=yes", "--json")
    Draft202012Validator(schema_of(all_views()["sync"])).validate(json.loads(done.stdout))


def test_status_says_how_far_sources_came_and_what_happened(
    call: Run, site: Path, home: Path
) -> None:
    call("--home", home, "sync", "--source", "canary", "-o", "events=yes")
    found = json.loads(call("--home", home, "--json", "status").stdout)
    (feed,) = found["feeds"]
    assert feed["name"] == "canary"
    assert feed["reached"] == "1970-01-04"
    assert feed["last_sync"].startswith("20")
    assert [event["kind"] for event in found["events"]] == ["dropped-peer"] * 3
    assert found["events"][0]["detail"] == {"reason": "silence"}
    shown = call("--home", home, "status").stdout
    assert "Live source canary: last commit 20" in shown
    assert "Event of 1970-01-03T00:00:00Z: dropped-peer: reason silence" in shown


def following(site: Path, home: Path, *arguments: str) -> subprocess.Popen[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HASHCANARY")}
    return subprocess.Popen(
        [COMMAND, "--home", str(home), "sync", "--follow", *arguments],
        env={**kept, "PYTHONPATH": str(site)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_following_goes_on_until_a_signal_ends_it(
    site: Path, home: Path, limited: Limited, sent: signal.Signals, code: int
) -> None:
    with (
        following(site, home, "--source", "canary", "-o", "count=1", "--json") as process,
        limited(process, 120),
    ):
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(sent)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "last commit" in errors
    assert [line["version"] for line in lines] == [1, 2, 3]
    assert [line["last"] for line in lines] == ["1970-01-02", "1970-01-03", "1970-01-04"]
    lake = Lake.open(home)
    assert lake.frame("daily_reference").height == lake.version
    assert not (home / "writing").exists()


def test_a_home_is_followed_while_others_read_it(
    site: Path, home: Path, call: Run, limited: Limited
) -> None:
    with (
        following(site, home, "--source", "canary", "-o", "count=1") as process,
        limited(process, 180),
    ):
        assert process.stdout is not None
        process.stdout.readline()
        until = time.monotonic() + 60
        while Lake.open(home).version < 5 and time.monotonic() < until:
            assert call("--home", home, "--json", "status").returncode == 0
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert Lake.open(home).version >= 5
