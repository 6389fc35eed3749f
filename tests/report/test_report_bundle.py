"""The chart library's own process: what it says when it fails, and how long it is waited for."""

from __future__ import annotations

import time

import pytest

from hashcanary.report.errors import BundleFailed
from hashcanary.report.render import html
from hashcanary.report.render.html import BundleJob


def test_a_process_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "_PROGRAM", "import time; time.sleep(600)")
    monkeypatch.setattr(html, "_PATIENCE_S", 0.2)
    began = time.monotonic()
    with BundleJob() as job, pytest.raises(BundleFailed, match=r"nothing for 0\.2 s"):
        job.text()
    assert time.monotonic() - began < 30


def test_a_process_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "_PROGRAM", "import sys; sys.exit('no such library')")
    with BundleJob() as job, pytest.raises(BundleFailed, match="code 1: no such library"):
        job.text()
