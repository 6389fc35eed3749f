"""Completion scripts, sourced by the shells they are for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND = Path(sys.executable).with_name("hashcanary")


def script(shell: str) -> str:
    done = subprocess.run(
        [COMMAND, "completion", shell], check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout


def complete_in_bash(folder: Path, *words: str) -> set[str]:
    """What bash offers for the last of ``words``."""
    (folder / "hashcanary.bash").write_text(script("bash"))
    line = " ".join(words)
    driver = f"""
        source hashcanary.bash
        name=$(complete -p hashcanary | sed -E 's/.*-F ([^ ]+).*/\\1/')
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
        COMP_CWORD={len(words) - 1}
        COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}
        $name hashcanary '{words[-1]}' '{words[-2]}'
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", driver],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def test_bash_completes_commands(tmp_path: Path) -> None:
    assert complete_in_bash(tmp_path, "hashcanary", "e") == {"episodes", "explain", "export"}
    assert complete_in_bash(tmp_path, "hashcanary", "metric", "s") == {"show"}


def test_bash_completes_options_of_a_command(tmp_path: Path) -> None:
    assert complete_in_bash(tmp_path, "hashcanary", "report", "--h") == {
        "--help",
        "--home",
        "--html",
    }


def test_bash_completes_names_of_metrics(tmp_path: Path) -> None:
    found = complete_in_bash(tmp_path, "hashcanary", "metric", "show", "hashrate.sma")
    assert {"hashrate.sma30", "hashrate.sma60"} <= found


def test_bash_completes_files(tmp_path: Path) -> None:
    (tmp_path / "headers-of-mine.bin").touch()
    assert "headers-of-mine.bin" in complete_in_bash(tmp_path, "hashcanary", "load", "headers")


@pytest.mark.parametrize(("shell", "check"), [("zsh", "-n"), ("fish", "-n"), ("tcsh", "-n")])
def test_scripts_parse_in_their_shells(
    tmp_path: Path, program: Callable[[str], str], shell: str, check: str
) -> None:
    path = tmp_path / "completion"
    path.write_text(script(shell))
    subprocess.run([program(shell), check, path], check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("shell", ["zsh", "fish", "tcsh"])
def test_every_script_names_the_commands(shell: str) -> None:
    text = script(shell)
    assert all(name in text for name in ("demo", "episodes", "metric", "verify"))
