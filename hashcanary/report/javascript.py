"""The chart library for pages: Vega, Vega-Lite and Vega-Embed as one script, from vl-convert.

Bundling takes vl-convert about two seconds and holds the interpreter's lock, so a process of its
own does it while the report is computed: ``BundleJob()`` first, ``text()`` when the page is
written.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Self

from hashcanary.report.errors import BundleFailed

if TYPE_CHECKING:
    from types import TracebackType

_PROGRAM = (
    "import sys, vl_convert; "
    "sys.stdout.buffer.write(vl_convert.javascript_bundle(vl_version=sys.argv[1]).encode())"
)

# it takes two seconds; a machine may be busy
_PATIENCE_S = 120


class BundleJob:
    """A process that makes the bundle; a context manager that ends it if it is not needed."""

    def __init__(self) -> None:
        from hashcanary.report.charts.definition import VEGA_LITE

        command = [sys.executable, "-I", "-c", _PROGRAM, VEGA_LITE]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._text: str | None = None

    def text(self) -> str:
        """The script, once it is there. Raises BundleFailed."""
        if self._text is None:
            self._text = self._answer().decode()
        return self._text

    def _answer(self) -> bytes:
        try:
            out, said = self._process.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise BundleFailed(code=None, said=f"nothing for {_PATIENCE_S} s") from None
        if self._process.returncode != 0 or not out:
            tail = said.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise BundleFailed(code=self._process.returncode, said=tail[0])
        return out

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
