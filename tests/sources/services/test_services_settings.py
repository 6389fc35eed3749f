"""The settings that services share."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import http_service as web
from support.clocks import Clock
from support.mining import REGTEST_GENESIS

from hashcanary.chain.networks import REGTEST, TESTNET4
from hashcanary.errors import UsageError
from hashcanary.sources.catalogue import esplora
from hashcanary.sources.catalogue.esplora import ESPLORA
from hashcanary.store.lake import Lake
from hashcanary.store.syncing import Syncer, SyncReport, sync


def _brought(tmp_path: Path, url: str, header_file: Path) -> SyncReport:
    lake = Lake.create(tmp_path / "lake", REGTEST)
    settings = {"url": url, "rate": "6000", "header_file": str(header_file)}
    return sync(lake, ESPLORA, settings, Clock())


def test_a_header_from_a_file_goes_with_every_request(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("Authorization: Basic aHVudGVyMg==\n")
    secret.chmod(0o600)
    with web.Service(web.Explorer([REGTEST_GENESIS])) as service:
        report = _brought(tmp_path, service.url, secret)
    assert report.error is None
    assert {one.headers["authorization"] for one in service.asked} == {"Basic aHVudGVyMg=="}
    kept = [path.read_bytes() for path in (tmp_path / "lake").rglob("*") if path.is_file()]
    assert not any(b"aHVudGVyMg" in content for content in kept)


@pytest.mark.parametrize(
    ("content", "mode", "found"),
    [
        ("Authorization: hunter2", 0o644, "chmod 600"),
        ("hunter2", 0o600, "something else"),
        ("A: hunter2\nB: hunter2", 0o600, "something else"),
        ("A: hunter2\x00", 0o600, "something else"),
        ("A: hunter2" + "x" * 9000, 0o600, "something else"),
        (None, 0o600, "No such file"),
    ],
)
def test_a_header_file_that_cannot_be_used_is_named_and_its_secret_is_not(
    tmp_path: Path, content: str | None, mode: int, found: str
) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_text(content)
        secret.chmod(mode)
    with web.Service(lambda _: web.Reply()) as service:
        report = _brought(tmp_path, service.url, secret)
        assert service.asked == []
    assert isinstance(report.error, UsageError)
    assert found in str(report.error)
    assert "hunter2" not in str(report.error)


def test_the_default_explorer_is_that_of_the_lakes_network(tmp_path: Path) -> None:
    asked = Syncer(Lake.create(tmp_path / "four", TESTNET4)).asked(ESPLORA, {}, Clock())
    assert esplora._url(asked) == "https://mempool.space/testnet4/api"
    asked = Syncer(Lake.create(tmp_path / "reg", REGTEST)).asked(ESPLORA, {}, Clock())
    with pytest.raises(UsageError, match="an explorer of regtest"):
        esplora._url(asked)
