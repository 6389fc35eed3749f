"""Whether attributions are right as often as they say, asked about falls since some day.

As ``attribution_calibration.py``, but falls are looked for only as far back as twice the true age:
what ``--since`` does. ``--write`` also writes the tables into docs/inference.md.
"""

from __future__ import annotations

import argparse
import sys

from attribution_calibration import by_age, measure, reliability
from inference_page import write_part

TIMES = 2.0


def main() -> int:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--worlds", type=int, default=50)
    parser.add_argument("--first", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    found = measure(args.worlds, args.first, args.workers, TIMES)
    text = (
        f"SIMULATED: {found.world.size} other worlds, with `--since` a day twice as long ago as "
        "the start of the world's drop: the user knows roughly when it was.\n\n"
        f"{reliability(found)}\n\n{by_age(found)}\n"
    )
    sys.stdout.write(text)
    if args.write:
        write_part("attribution_since", "With a known start: `--since`", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
