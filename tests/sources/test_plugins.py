"""A source of another package comes through the same door as the built-in ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashcanary.errors import DuplicateName, Exit
from hashcanary.sources.files.reading import read, survey
from hashcanary.sources.source import all_sources

_SOURCE = """
from hashcanary.sources.facts import Coverage, Parsed
from hashcanary.sources.source import Source

def recognise(probe):
    return probe.head.startswith(b"CANARY")

def parse(content, options):
    return Parsed("{kind}", (), Coverage(len(content.data), "a", "b"))

FAMILY = (Source("{kind}", "Canary files", "bytes", recognise, parse),)
"""


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package of somebody else, empty but for its entry point."""
    package = tmp_path / "site" / "canary_files"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    info = tmp_path / "site" / "canary_files-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: canary-files\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hashcanary.sources]\ncanary = canary_files\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    all_sources.cache_clear()
    yield package
    all_sources.cache_clear()
    for name in ("canary_files", "canary_files.own"):
        sys.modules.pop(name, None)


def test_a_file_dropped_into_a_package_is_a_source(third_party: Path, tmp_path: Path) -> None:
    (third_party / "own.py").write_text(_SOURCE.format(kind="canary"))
    (tmp_path / "x").write_bytes(b"CANARY 1")
    assert "canary" in all_sources()
    assert survey([tmp_path / "x"])[0].kind == "canary"
    assert read(tmp_path / "x").coverage.rows == 8


def test_a_kind_declared_twice_is_refused(third_party: Path) -> None:
    (third_party / "own.py").write_text(_SOURCE.format(kind="headers"))
    with pytest.raises(DuplicateName, match=r"'headers'.*hashcanary\.sources\.catalogue") as caught:
        all_sources()
    assert caught.value.exit_code == Exit.USAGE
