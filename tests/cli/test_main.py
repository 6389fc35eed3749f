"""The process edge: help, exit codes, errors in one line, signals, pipes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import hashcanary
from hashcanary.cli import main as edge
from hashcanary.errors import EXIT_MEANINGS

Run = Callable[..., subprocess.CompletedProcess[str]]
Limited = Callable[..., AbstractContextManager[None]]
COMMAND = Path(sys.executable).with_name("hashcanary")
COMMANDS = (
    ("demo",),
    ("load",),
    ("sync",),
    ("status",),
    ("verify",),
    ("report",),
    ("metric",),
    ("metric", "list"),
    ("metric", "show"),
    ("episodes",),
    ("completion",),
)
HEAVY = ("polars", "numpy", "scipy", "deltalake", "rich", "vl_convert", "pandas", "zstandard")


def test_help_names_every_command_exit_code_and_variable(run: Run) -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"    {command[0]} " in done.stdout
    for code, meaning in EXIT_MEANINGS.items():
        assert f"  {int(code)}    {meaning}" in done.stdout
    for variable in ("HASHCANARY_HOME", "NO_COLOR"):
        assert variable in done.stdout


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_examples_in_80_columns(
    run: Run, command: tuple[str, ...]
) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert f"usage: hashcanary {' '.join(command)}" in done.stdout
    assert "examples:\n  hashcanary " in done.stdout
    assert "--json" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_help_imports_nothing_heavy(run: Run) -> None:
    code = (
        "import sys\n"
        "from hashcanary.cli.main import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.endswith("heavy: []\n")


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"hashcanary {hashcanary.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "COMMAND"),
        (("frobnicate",), "frobnicate"),
        (("load",), "PATH"),
        (("metric", "show"), "NAME"),
        (("metric", "show", "hashrate.dya"), "hashrate.day"),
        (("metric", "show", "price", "--rows", "0"), "--rows"),
        (("metric", "show", "price", "--rows", "many"), "--rows"),
        (("metric", "show", "price", "--start", "yesterday"), "--start"),
        (("metric", "show", "price", "--end", "934295"), "--end"),
        (("report", "--at", "2026-02-30"), "--at"),
        (("report", "--at", "2026-02-03T12:00:00"), "time zone"),
        (("report", "--csv"), "--csv"),
        (("load", ".", "--height", "-1"), "--height"),
        (("load", ".", "--interval", "0"), "--interval"),
        (("load", ".", "--network", "moon"), "--network"),
        (("demo", "--years", "0"), "years"),
        (("demo", "--seed", "-1"), "seed"),
        (("completion", "powershell"), "powershell"),
        (("--jso", "status"), "--jso"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_wrong_usage_exits_with_2_and_one_line(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], named: str
) -> None:
    home = tmp_path / "home"
    done = run("--home", home, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("hashcanary: error: ")
    assert done.stderr.count("\n") == 1
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [("metric", "list", "--json", "--csv"), ("--csv", "metric", "list", "--json")]
)
def test_json_and_csv_together_are_wrong_usage(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "--json and --csv" in json.loads(done.stderr)["message"]


@pytest.mark.parametrize(
    "arguments",
    [("status",), ("verify",), ("report",), ("metric", "show", "price"), ("episodes",)],
    ids=" ".join,
)
def test_a_missing_lake_exits_with_3_and_says_what_to_do(
    run: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    home = tmp_path / "no-lake"
    done = run("--home", home, *arguments)
    assert done.returncode == 3
    assert str(home) in done.stderr
    assert "hashcanary load PATH" in done.stderr
    assert not home.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("headers.bin", b"this is text, not headers\n" * 10),
        ("cut.parquet", b"PAR1" + b"\0" * 40),
        ("empty.bin", b""),
    ],
)
def test_a_file_that_cannot_be_used_exits_with_4_and_is_named(
    run: Run, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    done = run("--home", tmp_path / "home", "load", tmp_path / name)
    assert done.returncode == 4
    assert name in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "home").exists()  # nothing was there before, nothing is now


def test_a_failed_load_leaves_a_lake_with_facts_as_it_was(
    run: Run, simulated_files: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    assert run("--home", home, "load", next(simulated_files.glob("*.csv"))).returncode == 0
    before = run("--home", home, "status", "--json").stdout
    (tmp_path / "headers.bin").write_bytes(b"x" * 100)
    blocks = next(simulated_files.glob("*.parquet"))
    assert run("--home", home, "load", blocks, tmp_path / "headers.bin").returncode == 4
    assert run("--home", home, "status", "--json").stdout == before


def test_two_loads_at_once_end_whole_or_say_busy(
    simulated_files: Path, tmp_path: Path, limited: Limited
) -> None:
    home = tmp_path / "home"
    both = [
        subprocess.Popen(
            [COMMAND, "--home", str(home), "load", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for path in sorted(simulated_files.iterdir())
    ]
    with both[0], both[1], limited(both[0]), limited(both[1]):
        ends = [(*process.communicate(), process.returncode) for process in both]
    codes = sorted(code for _, _, code in ends)
    assert codes in ([0, 0], [0, 5]), ends
    for _, said, code in ends:
        if code == 5:
            assert "only writer" in said


def test_a_path_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    done = run("--home", tmp_path / "home", "load", tmp_path / "nowhere")
    assert done.returncode == 4
    assert "nowhere" in done.stderr


def test_a_damaged_lake_exits_with_5(run: Run, lake: Path, tmp_path: Path) -> None:
    home = tmp_path / "damaged"
    home.mkdir()
    (home / "lake.json").write_text("{}")
    done = run("--home", home, "status")
    assert done.returncode == 5
    assert "lake.json" in done.stderr


def test_a_moment_before_all_data_exits_with_3(run: Run, lake: Path) -> None:
    done = run("--home", lake, "report", "--at", "2009-01-03")
    assert done.returncode == 3
    assert "2009-01-03" in done.stderr


def test_a_height_the_lake_does_not_know_exits_with_3(run: Run, lake: Path) -> None:
    done = run("--home", lake, "metric", "show", "price", "--at", "12")
    assert done.returncode == 3
    assert "12" in done.stderr


def test_with_json_an_error_is_one_json_object_on_stderr(run: Run, tmp_path: Path) -> None:
    done = run("--home", tmp_path / "no-lake", "status", "--json")
    assert done.returncode == 3
    assert done.stdout == ""
    found = json.loads(done.stderr)
    assert found["error"] == "NoLake"
    assert found["exit_code"] == 3
    assert "no-lake" in found["message"]


def test_control_characters_in_names_do_not_reach_the_terminal(run: Run, tmp_path: Path) -> None:
    done = run("--home", tmp_path / "home", "load", tmp_path / "evil\x1b[2J\x07name")
    assert done.returncode == 4
    assert "\x1b" not in done.stderr
    assert "evil\\x1b[2J\\x07name" in done.stderr


def test_a_report_that_cannot_be_written_says_where(run: Run, lake: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run("--home", lake, "report", "--html", tmp_path / "file" / "report.html")
    assert done.returncode == 2
    assert "report.html" in done.stderr


def test_a_reader_that_goes_away_ends_it_in_silence(lake: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"'{COMMAND}' --home '{lake}' metric show price --csv | head -1; "
         "echo ${PIPESTATUS[0]}"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] in ("141", "0")  # 0 where all fitted in the pipe


def test_an_interrupted_load_exits_with_130_and_changes_nothing(
    run: Run, simulated_files: Path, tmp_path: Path, limited: Limited
) -> None:
    home = tmp_path / "home"
    candles = next(simulated_files.glob("*.csv"))
    assert run("--home", home, "load", candles).returncode == 0
    before = run("--home", home, "status", "--json").stdout
    folder = tmp_path / "blocks"
    folder.mkdir()
    # a folder of many copies keeps the load busy until it is interrupted
    for number in range(200):
        (folder / f"{number}.parquet").symlink_to(simulated_files / "simulated_blocks.parquet")
    process = subprocess.Popen(
        [COMMAND, "--home", str(home), "load", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process, limited(process, 120):
        deadline = time.monotonic() + 30
        while not (home / "lock").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate()
    assert process.returncode == 130, (out, said)
    assert out == ""
    assert "interrupted" in said
    assert "Traceback" not in said
    assert run("--home", home, "status", "--json").stdout == before
    assert run("--home", home, "verify").returncode == 0


def test_a_bug_is_told_not_hidden(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(args: object) -> int:
        raise RuntimeError("a broken invariant")

    monkeypatch.setattr(edge, "_run", broken)
    assert edge.main(["status"]) == 70
    said = capsys.readouterr().err
    assert "bug: RuntimeError: a broken invariant" in said
    assert "Traceback" not in said
    assert edge.main(["--debug", "status"]) == 70
    assert "Traceback" in capsys.readouterr().err
