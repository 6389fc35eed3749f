"""What the report's tests share: a simulated record, and a real Chromium to look at pages with.

The browser is driven through its debugging pipe (``--remote-debugging-pipe``: JSON messages that
end in a zero byte, over two file descriptors), so that no driver needs to be installed.
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from hashcanary.report.build import build_report
from hashcanary.report.document import Report
from hashcanary.report.render.bundle import BundleJob
from hashcanary.report.render.html import render_html
from hashcanary.simulation.history import record_of, simulate_history
from hashcanary.store.record import Record

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--hide-scrollbars",
    # a container's /dev/shm is too small for a page: it would crash in silence
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
_PATIENCE_S = 60
# a question that is asked while one page gives way to another may get lost: it is asked again
_ASKED_AGAIN_S = 5
# gives the browser its pipes as file descriptors 3 and 4. Not ``preexec_fn``: what runs between
# fork and exec in a process with threads may wait for ever for a lock that one of them held
_WIRED = """
import fcntl, os, sys
inward, outward = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in sys.argv[1:3])
os.dup2(inward, 3)
os.dup2(outward, 4)
os.closerange(5, 200)
os.execv(sys.argv[3], sys.argv[3:])
"""


def as_record(years: float, seed: int) -> Record:
    """A record of simulated history, as a lake would give it."""
    return replace(
        record_of(simulate_history(seed, years)),
        provenance={"lake_version": 1, "tables": {"blocks": 0}, "code_version": "test"},
        pool_list="table@0123456789ab",
    )


@pytest.fixture(scope="session")
def simulated_record() -> Record:
    """Three years of simulated history."""
    return as_record(3.0, seed=1)


@pytest.fixture(scope="session")
def simulated_report(simulated_record: Record) -> Report:
    """The report on it."""
    return build_report(simulated_record)


@pytest.fixture(scope="session")
def bundle() -> Iterator[BundleJob]:
    """The chart library, made once for all pages."""
    with BundleJob() as job:
        yield job


@pytest.fixture(scope="session")
def simulated_page(
    simulated_report: Report, bundle: BundleJob, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Its page, as a file."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_html(simulated_report, bundle), encoding="utf-8")
    return path


class Chromium:
    """A browser with one page. messages: its console; requests: every address it asked for."""

    def __init__(self, program: str, profile: Path) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        wired = [sys.executable, "-I", "-S", "-c", _WIRED, str(to_read), str(to_write)]
        self._process = subprocess.Popen(
            [*wired, program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(to_read, to_write),
        )
        for fd in (to_read, to_write):
            os.close(fd)
        os.set_blocking(self._write, False)
        self._buffer = b""
        self._lost: str | None = None
        self._loaded = False
        self._number = 0
        self._session: str | None = None
        self.messages: list[str] = []
        self.requests: list[str] = []
        targets = self.send("Target.getTargets")["targetInfos"]
        target = next(each for each in targets if each["type"] == "page")
        attached = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Inspector", "Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, patience: float = _PATIENCE_S, **params: object) -> dict[str, Any]:
        """One command of the protocol, its result; events met on the way are kept.

        patience: seconds; TimeoutError when there is no answer by then.
        """
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        deadline = time.monotonic() + patience
        self._tell(json.dumps(message).encode() + b"\0", method, deadline)
        while True:
            answer = self._next(method, deadline)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def _tell(self, data: bytes, method: str, deadline: float) -> None:
        while data:
            self._await([], [self._write], method, deadline)
            data = data[os.write(self._write, data) :]

    def _next(self, method: str, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            self._await([self._read], [], method, deadline)
            chunk = os.read(self._read, 1 << 20)
            if not chunk:
                self._lose("the browser went away")
            self._buffer += chunk
        raw, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(raw)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _await(self, to_read: list[int], to_write: list[int], method: str, deadline: float) -> None:
        """Until a pipe is ready; a browser that was lost once is not waited for again."""
        if self._lost is not None:
            raise RuntimeError(self._lost)
        left = max(deadline - time.monotonic(), 0.0)
        if not any(select.select(to_read, to_write, [], left)):
            raise TimeoutError(
                f"no answer to {method} in time; the browser: {self._process.poll()}, its console: "
                f"{self.messages}"
            )

    def _lose(self, why: str) -> NoReturn:
        self._lost = f"{why}; its process: {self._process.poll()}; the console: {self.messages}"
        raise RuntimeError(self._lost)

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method in ("Inspector.targetCrashed", "Target.targetCrashed"):
            self._lose(f"the page crashed: {params}")
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.messages.append(json.dumps(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.messages.append(json.dumps(params["args"]))
        elif method == "Log.entryAdded":
            self.messages.append(json.dumps(params["entry"]))

    def look(self, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Set the window and the colour scheme."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, page: Path) -> None:
        """Open a file and wait until its charts are drawn."""
        self.messages.clear()
        self.requests.clear()
        self._loaded = False
        self.send("Page.navigate", url=page.as_uri())
        deadline = time.monotonic() + _PATIENCE_S
        while not self._loaded:
            self._next("Page.navigate", deadline)
        self.wait("document.documentElement?.dataset.ready === 'true'")

    def evaluate(self, expression: str, patience: float = _PATIENCE_S) -> Any:
        """The value of a JavaScript expression, a promise's once it is there."""
        answer = self.send(
            "Runtime.evaluate",
            patience,
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            allowUnsafeEvalBlockedByCSP=False,
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Until a JavaScript expression is true; TimeoutError after a minute."""
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            try:
                if self.evaluate(condition, _ASKED_AGAIN_S):
                    return
            except TimeoutError:
                continue
            time.sleep(0.05)
        raise TimeoutError(f"{condition} did not come true; the console: {self.messages}")

    def picture(self, *, clip: tuple[int, int, int, int] | None = None) -> bytes:
        """What the page looks like, as PNG. clip: x, y, width, height."""
        params: dict[str, object] = {"format": "png", "captureBeyondViewport": clip is not None}
        if clip is not None:
            params["clip"] = dict(zip(("x", "y", "width", "height"), clip, strict=True)) | {
                "scale": 1
            }
        return base64.b64decode(self.send("Page.captureScreenshot", **params)["data"])

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        os.close(self._write)
        os.close(self._read)


@pytest.fixture(scope="session")
def chromium(
    program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chromium]:
    """A running Chromium."""
    browser = Chromium(program("chromium"), tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()
