"""Following: in turn, through errors, with longer and longer pauses, until stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from support.clocks import Clock

from hashcanary.chain.networks import REGTEST
from hashcanary.sources.errors import SourceError, UnknownSetting
from hashcanary.sources.facts import DAILY_REFERENCE, Facts
from hashcanary.sources.feed import Asked, Batch, Feed
from hashcanary.store.errors import LakeFull
from hashcanary.store.lake import Lake, Transaction
from hashcanary.store.syncing import FIRST_PAUSE, LONGEST_PAUSE, SyncReport, follow


class Down(SourceError):
    template = "{server}: expected an answer, found none."


def stopped_after(waits: int) -> Clock:
    """The user stops it after so many waits."""
    return Clock(waits_left=waits, at_end=KeyboardInterrupt)


def daily(day: int, source: str) -> Facts:
    row = {
        "day": date(2024, 1, 1) + timedelta(day),
        "vendor": source,
        "series": "price",
        "value": 1.0,
        "source": source,
        "known_at": 1_704_153_600 + 86_400 * day,
    }
    return Facts(DAILY_REFERENCE, pl.DataFrame([row], schema=DAILY_REFERENCE.schema))


@dataclass
class Daily:
    """A feed that gives a day each time it is asked, or fails where it is told to."""

    name: str = "daily"
    fails: dict[int, Exception] = field(default_factory=dict)
    wait_fails: dict[int, Exception] = field(default_factory=dict)
    asked: int = 0
    waited: int = 0
    polls: bool = True

    def feed(self) -> Feed:
        return Feed(self.name, "", (), (), self.batches, self.wait if self.polls else None)

    def batches(self, asked: Asked) -> Iterator[Batch]:
        self.asked += 1
        if self.asked in self.fails:
            raise self.fails[self.asked]
        day = int(str(asked.cursor.get("day", 0)))
        yield Batch((daily(day, self.name),), {"day": day + 1})

    def wait(self, asked: Asked) -> None:
        self.waited += 1
        if self.waited in self.wait_fails:
            raise self.wait_fails[self.waited]
        asked.clock.sleep(60)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", REGTEST)


def followed(lake: Lake, clock: Clock, *feeds: Daily) -> list[SyncReport]:
    told: list[SyncReport] = []
    with pytest.raises(KeyboardInterrupt):
        follow(lake, [(one.feed(), {}) for one in feeds], clock, told.append)
    return told


def test_it_syncs_waits_and_syncs_again(lake: Lake) -> None:
    told = followed(lake, stopped_after(4), Daily())
    assert [report.lake.version for report in told] == [1, 2, 3, 4, 5]
    assert Lake.open(lake.home).frame("daily_reference").height == 5


def test_after_errors_it_pauses_longer_and_longer_and_says_so(lake: Lake) -> None:
    down = Down(server="x")
    feed = Daily(fails=dict.fromkeys(range(2, 12), down))
    clock = stopped_after(13)
    told = followed(lake, clock, feed)
    assert [report.error for report in told] == [None, *[down] * 10, None, None, None]
    pauses = [min(FIRST_PAUSE * 2**at, LONGEST_PAUSE) for at in range(10)]
    assert clock.slept == [60.0, *pauses, 60.0, 60.0]
    assert Lake.open(lake.home).frame("daily_reference").height == 4


def test_a_wait_that_fails_is_an_error_like_any(lake: Lake) -> None:
    down = Down(server="x")
    clock = stopped_after(3)
    told = followed(lake, clock, Daily(wait_fails={2: down}))
    assert [report.error for report in told] == [None, None, down, None, None]
    assert clock.slept == [60.0, FIRST_PAUSE, 60.0]


def test_wrong_usage_is_not_waited_out(lake: Lake) -> None:
    wrong = UnknownSetting(place="-o", feed="x", known="a", name="b")
    with pytest.raises(UnknownSetting):
        follow(
            lake,
            [(Daily(fails={1: wrong}).feed(), {})],
            stopped_after(1000),
            lambda report: None,
        )


def test_a_full_disk_is_waited_out(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = Transaction.append, 0

    def append(self: Transaction, table: str, rows: pl.DataFrame) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise LakeFull(home=lake.home, found="No space left on device")
        original(self, table, rows)

    monkeypatch.setattr(Transaction, "append", append)
    told = followed(lake, stopped_after(3), Daily())
    assert [type(report.error) for report in told] == [type(None), LakeFull, *[type(None)] * 2]
    assert Lake.open(lake.home).manifest.feeds["daily"].cursor == {"day": 3}


def test_several_are_followed_and_one_that_fails_does_not_hold_up_the_others(lake: Lake) -> None:
    down = Down(server="x")
    well, ill = Daily("well"), Daily("ill", fails=dict.fromkeys(range(1, 99), down))
    told = followed(lake, stopped_after(12), well, ill)
    assert {report.feed for report in told if report.error is None} == {"well"}
    assert {report.feed for report in told if report.error is not None} == {"ill"}
    assert well.asked >= 3
    assert Lake.open(lake.home).frame("daily_reference").height == well.asked


def test_what_can_be_asked_only_once_ends(lake: Lake) -> None:
    told: list[SyncReport] = []
    feeds = [Daily("a", polls=False), Daily("b", polls=False, fails={1: Down(server="x")})]
    follow(
        lake,
        [(one.feed(), {}) for one in feeds],
        stopped_after(1000),
        told.append,
    )
    assert [(one.feed, one.error is None) for one in told] == [
        ("a", True),
        ("b", False),
        ("b", True),
    ]
