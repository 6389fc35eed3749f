"""Whether the head of a page and its explanation of a drop agree: on days of the record, and in
simulated histories.

By the rules of ``tests/support/agreement.py``, which its tests hold the page to. Prints each case
in which one is broken; ``--write`` also writes how many there were into docs/verdict.md.
``--every N`` days of the record from 2012 on, ``--histories N`` simulated ones.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

from inference_page import PAGE, write_part
from retarget_forecast import record
from support.agreement import contradictions

from hashcanary.inference.errors import TooFewToExplain
from hashcanary.inference.gap.explanation import choose, usual_gap
from hashcanary.inference.gap.gap import drops_of, gap_of
from hashcanary.inference.gap.past_year import PastYears
from hashcanary.moments import DAY, iso_day, parse_moment
from hashcanary.simulation.history import record_of, simulate_history
from hashcanary.studies.verdict.verdict import Judge, rising_of

if TYPE_CHECKING:
    from hashcanary.inference.gap.past_year import PastYear

_START, _SEED, _YEARS = "2012-01-01", 50_000, 1.5


def said(past: PastYear, judge: Judge) -> list[str]:
    """What contradicts itself at the end of a past year."""
    gap = gap_of(past.draws)
    drops = [drop for _, drop in drops_of(past.draws)]
    below = usual_gap(past.draws)
    chosen = choose(drops, past.now, None, below)
    explained = None if chosen is None else drops[chosen]
    return contradictions(judge.states(past), gap, rising_of(past.draws), explained, below)


def of_record(every: int) -> tuple[int, list[str]]:
    """Days that were looked at, and what is wrong on which."""
    real = record()
    years, judge, looked, found = PastYears(real), Judge(real), 0, []
    first = parse_moment(_START).time or 0
    last = int(real.chain["time"].max())  # type: ignore[arg-type]
    for moment in range(first, last, every * DAY):
        try:
            past = years.until(moment - 1)
        except TooFewToExplain:
            continue
        looked += 1
        found += [f"{iso_day(moment - DAY)}: {one}" for one in said(past, judge)]
    return looked, found


def of_history(seed: int) -> list[str]:
    """What is wrong at the end of a simulated history."""
    drawn = record_of(simulate_history(seed, _YEARS))
    past = PastYears(drawn).until(None)
    return [f"history {seed}: {one}" for one in said(past, Judge(drawn))]


def _every(days: int) -> str:
    return "every day" if days == 1 else f"every {days} days"


def main() -> int:
    """Look, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--histories", type=int, default=200)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    seeds = range(_SEED, _SEED + given.histories)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        drawn = pool.map(of_history, seeds)
        looked, found = of_record(given.every)
        wrong = [one for part in drawn for one in part]
    sys.stdout.writelines(f"{one}\n" for one in (*found, *wrong))
    days, histories = (len({one.split(":")[0] for one in each}) for each in (found, wrong))
    text = (
        f"Head and explanation contradict each other on {days} of {looked:,} days of the record "
        f"({_every(given.every)} from {_START} on), and in {histories} of {given.histories} "
        "simulated histories, by the rules of `tests/support/agreement.py`."
    )
    sys.stdout.write(f"{text}\n")
    if given.write:
        write_part("agreement", "One page, one voice", text, PAGE.with_name("verdict.md"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
