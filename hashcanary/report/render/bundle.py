"""The chart library as one script: made by a process of its own, and kept for the next page.

It depends on nothing but the versions of the chart library and of vl-convert, takes two seconds of
a processor to make, and lies in the user's cache folder afterwards (``XDG_CACHE_HOME``, else
``~/.cache``). The first line of a kept script is the hash of the rest: one that is not as it was
written is made anew.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

from hashcanary.report.charts.definition import VEGA_LITE
from hashcanary.report.errors import BundleFailed

_PROGRAM = (
    "import sys, vl_convert; "
    "sys.stdout.buffer.write(vl_convert.javascript_bundle(vl_version=sys.argv[1]).encode())"
)
# a machine may be busy
_PATIENCE_S = 120


class BundleJob:
    """A process that makes the bundle, where none is kept; a context manager that ends it."""

    def __init__(self) -> None:
        made_by = "\0".join((_PROGRAM, VEGA_LITE, version("vl-convert-python")))
        self._place = _place(f"charts-{hashlib.sha256(made_by.encode()).hexdigest()[:16]}.js")
        self._text = _kept(self._place)
        self._process: subprocess.Popen[bytes] | None = None
        if self._text is None:
            command = [sys.executable, "-I", "-c", _PROGRAM, VEGA_LITE]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, stdout=pipe, stderr=pipe)

    def text(self) -> str:
        """The script, once it is there. Raises BundleFailed."""
        if self._text is None:
            out = self._answer(self._process) if self._process else b""
            _keep(self._place, out)
            self._text = out.decode()
        return self._text

    @staticmethod
    def _answer(process: subprocess.Popen[bytes]) -> bytes:
        try:
            out, said = process.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise BundleFailed(code=None, said=f"nothing for {_PATIENCE_S} s") from None
        if process.returncode != 0 or not out:
            tail = said.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise BundleFailed(code=process.returncode, said=tail[0])
        return out

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.communicate()


def _place(name: str) -> Path | None:
    """Where a script is kept, whether it is there or not; None where a user has no home."""
    with suppress(RuntimeError):
        cache = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
        return Path(cache) / "hashcanary" / name
    return None


def _kept(place: Path | None) -> str | None:
    """The script as it was written; None where there is none, or another."""
    if place is None:
        return None
    try:
        mark, script = place.read_bytes().split(b"\n", 1)
    except (OSError, ValueError):
        return None
    return script.decode() if mark == _mark(script) else None


def _keep(place: Path | None, script: bytes) -> None:
    if place is None:
        return
    # a folder that cannot be written to costs the next page two seconds, and nothing else
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as file:
            file.write(_mark(script) + b"\n" + script)
        Path(file.name).replace(place)


def _mark(script: bytes) -> bytes:
    return b"// sha256 " + hashlib.sha256(script).hexdigest().encode()
