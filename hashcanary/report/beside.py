"""A process that computes one thing while the report is computed."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from hashcanary.report.errors import BundleFailed, YearsFailed


class Beside:
    """The process; a context manager that ends it if its answer is not needed.

    command: what it runs; it reads a question on stdin, or nothing, and answers on stdout.
    failed: raised where it does not answer within ``patience_s`` seconds, or ends with an error.
    """

    def __init__(
        self,
        command: Sequence[str],
        failed: type[BundleFailed | YearsFailed],
        patience_s: float,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._failed, self._patience_s = failed, patience_s
        self._process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def answer(self, question: bytes = b"") -> bytes:
        """What it says to a question; to be asked once."""
        try:
            out, said = self._process.communicate(question, timeout=self._patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise self._failed(code=None, said=f"nothing for {self._patience_s} s") from None
        if self._process.returncode != 0 or not out:
            tail = said.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise self._failed(code=self._process.returncode, said=tail[0])
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
