"""Reaching files: order, links, limits, compression."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from hashcanary.sources.errors import (
    DamagedCompression,
    LinkLoop,
    TooLarge,
    UnreadableFile,
)
from hashcanary.sources.files.reading import HEAD_BYTES, fetch, head, read, walk

Write = Callable[[str, str | bytes], Path]


def test_a_folder_is_walked_in_the_order_of_names(write: Write, tmp_path: Path) -> None:
    for name in ("b/2.csv", "a.csv", "b/1.csv", "c.csv"):
        write(name, "x")
    names = [str(entry.path.relative_to(tmp_path)) for entry in walk(tmp_path)]
    assert names == ["a.csv", "b/1.csv", "b/2.csv", "c.csv"]


def test_hidden_files_and_links_to_nothing_are_named_not_read(write: Write, tmp_path: Path) -> None:
    write(".git/config", "x")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    passed_over = {entry.path.name: entry.passed_over for entry in walk(tmp_path)}
    assert passed_over[".git"] == "hidden"
    assert "link to nothing" in passed_over["gone"]


def test_links_are_followed_unless_they_lead_back(write: Write, tmp_path: Path) -> None:
    write("real/a.csv", "x")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "link").symlink_to(tmp_path / "real")
    assert [entry.path.name for entry in walk(tmp_path / "other")] == ["a.csv"]
    (tmp_path / "real" / "up").symlink_to(tmp_path / "real")
    with pytest.raises(LinkLoop, match="up"):
        list(walk(tmp_path))


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file"):
        list(walk(tmp_path / "none"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_must_not_be_read_is_an_error(write: Write) -> None:
    path = write("a.csv", "x")
    path.chmod(0)
    with pytest.raises(UnreadableFile, match="ermission"):
        fetch(path)


def test_a_name_that_is_not_utf8_still_names_its_rows(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bl\xffcks.csv"))
    path.write_text("height,time,nbits\n840000,1713571767,17034219\n")
    assert read(path).facts[0].frame["source"][0].startswith("bl\\udcffcks.csv@")


def test_a_pipe_named_by_itself_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableFile, match="regular file"):
        list(walk(tmp_path / "pipe"))


def test_a_decompression_bomb_is_met_at_the_limit(write: Write) -> None:
    path = write("bomb.zst", zstandard.compress(bytes(200 << 20)))
    assert path.stat().st_size < 20_000
    with pytest.raises(TooLarge, match=r"bomb\.zst.*unfold"):
        fetch(path, limit=1 << 20)
    assert len(head(path)[0]) == HEAD_BYTES


def test_a_file_beyond_the_limit_is_refused_unread(write: Write) -> None:
    with pytest.raises(TooLarge, match=r"at most 10 bytes.*11"):
        fetch(write("a", bytes(11)), limit=10)
    assert fetch(write("b", bytes(10)), limit=10).data == bytes(10)


def test_truncated_zstd_is_damage_not_a_shorter_file(write: Write) -> None:
    packed = zstandard.compress(os.urandom(300_000))
    with pytest.raises(DamagedCompression, match="mid-frame"):
        fetch(write("cut.zst", packed[:-10]))
    with pytest.raises(DamagedCompression):
        fetch(write("flipped.zst", packed[:5] + b"\xff" * 20 + packed[25:]))


@given(parts=st.lists(st.binary(max_size=3000), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_frames_one_after_another_unfold_to_their_parts(
    parts: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("frames") / "x.zst"
    path.write_bytes(b"".join(zstandard.compress(part) for part in parts))
    assert fetch(path).data == b"".join(parts)
    assert head(path) == (b"".join(parts), True)
