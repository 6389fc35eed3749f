"""The bar of a sync: how far, how fast, how long still; only where somebody sees it."""

from __future__ import annotations

import io
import sys

import pytest

from hashcanary.cli.opening import SystemClock
from hashcanary.cli.output import pace


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_source_count_and_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with pace("p2p") as tell:
        tell(2000, None, "headers")
        tell(4000, 190_000, "head\x1bers")
    assert "p2p" in shown.getvalue()
    assert "4000/190000" in shown.getvalue()
    assert "head\\x1bers" in shown.getvalue()


def test_nobody_sees_a_bar_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pace("p2p") as tell:
        tell(2000, None, "headers")
    assert capsys.readouterr() == ("", "")


def test_the_machines_clock_goes_on_and_waits_no_negative_time() -> None:
    clock = SystemClock()
    before = clock.now()
    clock.sleep(-1.0)
    clock.sleep(0.0)
    assert clock.now() >= before
