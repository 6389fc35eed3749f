"""Takes README's picture: the head of the demo's report, as known amid its first crisis.

Needs Chromium on PATH. ``make picture`` runs it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
HASHCANARY = Path(sys.executable).with_name("hashcanary")
AT = "2023-07-05"
SIZE = "1280,1320"


def main() -> int:
    """Simulate, report, photograph."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        sys.stderr.write("expected chromium on PATH, found none: install it\n")
        return 3
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        demo = [HASHCANARY, "demo", "--dir", folder / "demo"]
        subprocess.run(demo, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        page = folder / "report.html"
        home = ["--home", folder / "demo" / "lake"]
        report = [HASHCANARY, *home, "report", "--at", AT, "--html", page]
        subprocess.run(report, check=True, stdout=subprocess.DEVNULL)
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        flags += ["--hide-scrollbars", "--virtual-time-budget=8000"]
        quiet = ["--disable-background-networking", "--disable-sync"]
        shot = [f"--screenshot={DOCS / 'report.png'}", f"--window-size={SIZE}", page.as_uri()]
        subprocess.run([browser, *flags, *quiet, *shot], check=True, stderr=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
