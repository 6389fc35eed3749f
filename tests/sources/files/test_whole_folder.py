"""The whole folder of real data within its budget of time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import json, sys, time
from pathlib import Path
began = time.monotonic()
from hashcanary.sources.files.reading import read, survey
parsed = [read(file.path, file.kind) for file in survey([sys.argv[1]]) if file.kind]
# not getrusage: its peak is at least that of the process that started this one
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps({
    "files": len(parsed),
    "rows": sum(facts.frame.height for one in parsed for facts in one.facts),
    "seconds": time.monotonic() - began,
    "mebibytes": int(status["VmHWM"].split()[0]) / 1024,
}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_all_real_files_are_parsed_in_time_and_memory(real_data: Path) -> None:
    command = [sys.executable, "-c", _SCRIPT, str(real_data)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    found = json.loads(done.stdout)
    assert found["files"] == 15
    # Of the data's own list: 220,237 headers, 324,118 and 80,118 blocks, and more.
    assert found["rows"] > 220_237 + 324_118 + 80_118
    assert found["seconds"] < 30
    assert found["mebibytes"] < 700
