"""Whether the head of a page and its explanation of a drop agree, on every Nth day of the record.

By the rules of ``tests/support/agreement.py``, which its tests hold the page to; prints each day on
which one is broken, and how many days there were. ``--every N`` days, 7 without.
"""

from __future__ import annotations

import argparse
import sys

from retarget_forecast import record
from support.agreement import contradictions

from hashcanary.inference.errors import TooFewToExplain
from hashcanary.inference.gap.explanation import choose
from hashcanary.inference.gap.gap import drops_of, gap_of
from hashcanary.inference.gap.past_year import PastYears
from hashcanary.moments import DAY, iso_day, parse_moment
from hashcanary.studies.verdict.verdict import Judge, rising_of


def main() -> int:
    """Look at each day, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=7)
    parser.add_argument("--start", default="2012-01-01")
    given = parser.parse_args()
    real = record()
    years, judge = PastYears(real), Judge(real)
    first = parse_moment(given.start).time
    last = int(real.chain["time"].max())  # type: ignore[arg-type]
    looked = broken = 0
    for moment in range(first or 0, last, given.every * DAY):
        try:
            past = years.until(moment - 1)
        except TooFewToExplain:
            continue
        looked += 1
        drops = [drop for _, drop in drops_of(past.draws)]
        chosen = choose(drops, past.now, None)
        said = contradictions(
            judge.states(past),
            gap_of(past.draws),
            rising_of(past.draws),
            None if chosen is None else drops[chosen],
        )
        broken += bool(said)
        for each in said:
            sys.stdout.write(f"{iso_day(moment - DAY)}: {each}\n")
    sys.stdout.write(f"{broken} of {looked} days contradict themselves\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
