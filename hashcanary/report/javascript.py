"""The chart library for pages: Vega, Vega-Lite and Vega-Embed as one script, from vl-convert.

Bundling takes vl-convert about two seconds and holds the interpreter's lock, so a process of its
own does it while the report is computed: ``BundleJob()`` first, ``text()`` when the page is
written.
"""

from __future__ import annotations

import sys

from hashcanary.report.beside import Beside
from hashcanary.report.errors import BundleFailed

_PROGRAM = (
    "import sys, vl_convert; "
    "sys.stdout.buffer.write(vl_convert.javascript_bundle(vl_version=sys.argv[1]).encode())"
)

# it takes two seconds; a machine may be busy
_PATIENCE_S = 120


class BundleJob(Beside):
    """A process that makes the bundle; a context manager that ends it if it is not needed."""

    def __init__(self) -> None:
        from hashcanary.report.charts.definition import VEGA_LITE

        super().__init__(
            [sys.executable, "-I", "-c", _PROGRAM, VEGA_LITE], BundleFailed, _PATIENCE_S
        )
        self._text: str | None = None

    def text(self) -> str:
        """The script, once it is there. Raises BundleFailed."""
        if self._text is None:
            self._text = self.answer().decode()
        return self._text
