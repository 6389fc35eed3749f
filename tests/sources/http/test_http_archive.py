"""Answers that are kept, and read again without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import http_service as web
from support.clocks import NOW, Clock

from hashcanary.sources.errors import DamagedArchive, NotArchived, Refused, UnreadableFile
from hashcanary.sources.http.client import Http
from hashcanary.sources.http.line import Limits


@pytest.fixture
def counting() -> Iterator[Any]:
    """A service that answers with how often it was asked."""
    with web.Service(lambda _: web.as_json(len(service.asked))) as service:
        yield service


def _saved(url: str, folder: Path, **more: Any) -> Http:
    return Http(url, "s", Clock(), Limits(tries=1), save=folder, **more)


def _replayed(url: str, folder: Path) -> Http:
    return Http(url, "s", Clock(5.0), Limits(tries=1), replay=folder)


def test_what_was_saved_is_replayed_in_its_order_without_a_network(
    counting: Any, tmp_path: Path
) -> None:
    with _saved(counting.url, tmp_path / "kept") as http:
        given = [
            http.get("a"),
            http.get("b", {"n": "1"}),
            http.get("a"),
            http.post("a", b"x", safe=True),
        ]
    asked = len(counting.asked)
    with _replayed(counting.url, tmp_path / "kept") as http:
        again = [
            http.get("a"),
            http.get("b", {"n": "1"}),
            http.get("a"),
            http.post("a", b"x", safe=True),
        ]
    assert [one.json() for one in given] == [1, 2, 3, 4]
    assert again == given
    assert again[0].at == NOW
    assert len(counting.asked) == asked


def test_a_second_session_is_kept_behind_the_first(counting: Any, tmp_path: Path) -> None:
    for _ in range(2):
        with _saved(counting.url, tmp_path) as http:
            http.get("a")
    with _replayed(counting.url, tmp_path) as http:
        assert [http.get("a").json(), http.get("a").json()] == [1, 2]


def test_a_refusal_is_replayed_as_one(counting: Any, tmp_path: Path) -> None:
    counting.faults.append(web.Reply(b"no", status=404))
    with _saved(counting.url, tmp_path) as http, pytest.raises(Refused):
        http.get("a")
    with _replayed(counting.url, tmp_path) as http, pytest.raises(Refused, match="404, no"):
        http.get("a")


def test_what_was_not_asked_then_cannot_be_replayed(counting: Any, tmp_path: Path) -> None:
    with _saved(counting.url, tmp_path) as http:
        http.get("a")
    with _replayed(counting.url, tmp_path) as http:
        http.get("a")
        with pytest.raises(NotArchived, match=r"no\. 2 of GET .*/a,"):
            http.get("a")


def test_no_credentials_are_kept(counting: Any, tmp_path: Path) -> None:
    with _saved(counting.url, tmp_path, auth=lambda: {"Authorization": "hunter2"}) as http:
        http.get("a")
    (kept,) = tmp_path.iterdir()
    assert b"hunter2" not in kept.read_bytes()


def test_every_flipped_bit_of_a_kept_answer_is_noticed_or_harmless(
    counting: Any, tmp_path: Path
) -> None:
    with _saved(counting.url, tmp_path) as http:
        given = http.get("a")
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    noticed = 0
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        kept.write_bytes(damaged)
        with _replayed(counting.url, tmp_path) as http:
            try:
                assert http.get("a").body == given.body
            except (DamagedArchive, Refused):
                noticed += 1
    assert noticed > len(whole)


def test_a_folder_that_cannot_be_written_is_named(counting: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        _saved(counting.url, tmp_path / "file" / "kept") as http,
        pytest.raises(UnreadableFile, match="Name a folder"),
    ):
        http.get("a")
