"""The chart library's own process: what it says when it fails, and how long it is waited for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from hashcanary.report.errors import BundleFailed
from hashcanary.report.render import bundle
from hashcanary.report.render.bundle import BundleJob

if TYPE_CHECKING:
    from pathlib import Path


def test_a_process_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_PROGRAM", "import time; time.sleep(600)")
    monkeypatch.setattr(bundle, "_PATIENCE_S", 0.2)
    began = time.monotonic()
    with BundleJob() as job, pytest.raises(BundleFailed, match=r"nothing for 0\.2 s"):
        job.text()
    assert time.monotonic() - began < 30


def test_a_process_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_PROGRAM", "import sys; sys.exit('no such library')")
    with BundleJob() as job, pytest.raises(BundleFailed, match="code 1: no such library"):
        job.text()


def test_a_bundle_is_made_once_and_anew_where_it_is_not_as_it_was_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    count = tmp_path / "count"
    program = f"open({str(count)!r}, 'a').write('x'); print('let chart = \u00e9')"
    monkeypatch.setattr(bundle, "_PROGRAM", program)

    def made() -> tuple[str, int]:
        with BundleJob() as job:
            return job.text(), len(count.read_text())

    assert made() == ("let chart = \u00e9\n", 1)
    assert made() == ("let chart = \u00e9\n", 1)
    (kept,) = (tmp_path / "hashcanary").iterdir()
    for damage in (b"", b"let chart", kept.read_bytes()[:-3], kept.read_bytes() + b"alert(1)"):
        kept.write_bytes(damage)
        before = len(count.read_text())
        assert made() == ("let chart = \u00e9\n", before + 1)


def test_a_cache_that_cannot_be_written_costs_only_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    taken = tmp_path / "file"
    taken.write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(taken))
    monkeypatch.setattr(bundle, "_PROGRAM", "print('chart')")
    with BundleJob() as job:
        assert job.text() == "chart\n"
    assert taken.read_text() == "not a folder"
