"""The stress gauge on the real record: its history, its parts, chance and luck; and its speed.

``--write`` also writes the tables into docs/stress.md.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from inference_page import PAGE, write_part
from retarget_forecast import record

from hashcanary.economics.supply.fleet_history import fleet_history
from hashcanary.economics.supply.study import history_of
from hashcanary.moments import iso_day
from hashcanary.studies.stress.against import (
    after_words,
    against,
    from_episodes,
    read_capitulations,
)
from hashcanary.studies.stress.answer import ALL_WORDS, stress_now
from hashcanary.studies.stress.component import Sources, all_components
from hashcanary.studies.stress.gauge import ranks_before, reweighted, stress_history
from hashcanary.studies.stress.luck import stress_luck
from hashcanary.studies.stress.robustness import (
    OTHER_MODELS,
    correlations,
    left_out,
    other_choices,
    random_weights,
    spearman,
)
from hashcanary.studies.stress.settings import read_settings
from hashcanary.studies.stress.sustainability import stress_sources, sustainability_history
from hashcanary.views.stress import PART_DEFINITIONS, PART_TITLES
from hashcanary.views.stress_study import WORLD_DEFINITIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.studies.stress.against import Against, Capitulation, Proportion, Reading
    from hashcanary.studies.stress.gauge import StressHistory
    from hashcanary.studies.stress.robustness import Difference
    from hashcanary.studies.stress.sustainability import SustainabilityHistory

ROUNDS, BAR = 5, 1.0
LUCK_WORLDS, FLEET_WORLDS = 20, 24
_KNOWN = all_components()
_SETTINGS = read_settings(_KNOWN)


def _sources() -> Sources:
    return stress_sources(record(), models=OTHER_MODELS)


def _rows(head: str, rows: Sequence[Sequence[object]]) -> str:
    cells = head.split("|")
    lines = ["| " + " | ".join(one.strip() for one in cells) + " |", "|---" * len(cells) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _points(value: float) -> str:
    return f"{value:.0f}" if np.isfinite(value) else "-"


def definitions(history: StressHistory) -> str:
    """Components as they declare themselves."""
    rows = [
        (
            f"`{one.component.name}`",
            _SETTINGS.groups[one.component.name],
            f"{one.weight:.1%}",
            one.component.stress,
            one.component.definition,
            one.component.why,
            one.component.band or "exact",
            iso_day(int(history.time[np.isfinite(one.percentile)][0])),
        )
        for one in history.components
    ]
    head = "component | group | weight | stress is | definition | why | band | percentile from"
    return _rows(head, rows)


def parts() -> str:
    """The index as it is defined."""
    rows = [
        (PART_TITLES[name], f"{weight:.1%}", PART_DEFINITIONS[name])
        for name, weight in _SETTINGS.index.items()
    ]
    return _rows("part of the index | weight | definition", rows)


def readings(history: StressHistory, index: SustainabilityHistory, found: Sequence[Reading]) -> str:
    """Every published capitulation."""
    rows = []
    for one in found:
        inside = (history.time >= one.capitulation.start) & (history.time < one.capitulation.end)
        worst = index.index[inside]
        rows.append(
            (
                one.capitulation.name,
                f"{iso_day(one.capitulation.start)} to {iso_day(one.capitulation.end - 1)}",
                _points(one.before),
                _points(one.at_start),
                f"{_points(one.highest.value)} ({_points(one.highest.low)} to "
                f"{_points(one.highest.high)})",
                _points(one.after),
                ALL_WORDS[one.worst] if one.worst >= 0 else "-",
                "-" if one.lead_days is None else f"{one.lead_days:+d} d",
                "yes" if one.hit else "no",
                _points(float(np.nanmin(worst))) if np.isfinite(worst).any() else "-",
            )
        )
    head = (
        "published capitulation | days | gauge 30 days before | at its start | highest (90% band) "
        "| 30 days after | worst word | lead | hit | lowest index"
    )
    return _rows(head, rows)


def _share(one: Proportion) -> str:
    return f"{one.hits} of {one.trials} ({one.share.low:.0%} to {one.share.high:.0%})"


def hits(history: StressHistory, sources: Sources, published: Sequence[Capitulation]) -> str:
    """Hits and false alarms, of all and of what is blind to hashrate, beside chance."""
    blind = reweighted(history, _SETTINGS.without(["ribbon", "drawdown"]).weights)
    lists = {"published": published} | {
        f"episodes, {rule} rule": from_episodes(sources.metrics, rule, simulated=False)
        for rule in ("ribbon", "epoch")
    }
    rows = []
    for what, capitulations in lists.items():
        for who, one in (("gauge", history), ("without activity", blind)):
            for word in (2, 3):
                found = against(one, capitulations, word)
                rows.append((what, who, ALL_WORDS[word], *_judged(found)))
    head = (
        "against | of | word or worse | of days | hits (Wilson 95%) | hits by other shifts | "
        "shifts with as many | false alarms of spells"
    )
    return _rows(head, rows)


def _judged(found: Against) -> tuple[str, ...]:
    return (
        f"{found.days:.0%}",
        _share(found.hits),
        f"{found.by_shift:.1f}",
        f"{found.as_many:.1%}",
        _share(found.false_alarms),
    )


def differences(first: str, found: Sequence[Difference]) -> str:
    """Other gauges beside the stated one."""
    rows = [
        (
            one.what,
            f"{one.days:,}",
            f"{one.rank_correlation:.3f}",
            f"{one.mean:.1f}",
            f"{one.largest:.1f}",
            f"{one.changed:,} of {one.words:,} ({one.changed / one.words:.0%})",
            ", ".join(one.missed) or "-",
            ", ".join(one.added) or "-",
            one.false_alarms,
        )
        for one in found
    ]
    head = (
        f"{first} | days | rank correlation | mean difference, points | largest | days on which "
        "the word is another | missed | added | false alarms"
    )
    return _rows(head, rows)


def correlated(history: StressHistory) -> str:
    """Rank correlations of the percentiles."""
    names = [one.component.name for one in history.components]
    rows = [
        (f"`{name}`", *(f"{value:.2f}" for value in row))
        for name, row in zip(names, correlations(history), strict=True)
    ]
    return _rows(" | ".join(["rank correlation", *names]), rows)


def luck(history: StressHistory) -> str:
    """SIMULATED worlds."""
    found = stress_luck(history, _KNOWN, worlds=LUCK_WORLDS)
    rows = [
        (
            one.world,
            "the year after the halving" if one.after_halving else "other years",
            one.word,
            _points(one.points),
            f"{one.years:.0f}",
            f"{one.share.value:.1%} ({one.share.low:.1%} to {one.share.high:.1%})",
            f"{one.spells_per_year:.1f}",
            f"{one.own_share:.0%}",
        )
        for one in found.words
    ]
    head = (
        "SIMULATED world | when | word of the record | from, points | years | of days (nine worlds "
        "in ten) | spells a year | own word"
    )
    worlds = "; ".join(f"*{name}*: {text}" for name, text in WORLD_DEFINITIONS.items())
    spread = ", ".join(f"{name} {value:.1f}" for name, value in found.spread.items())
    return (
        f"{LUCK_WORLDS} worlds of each kind. {worlds}. Standard deviation of the gauge over days: "
        f"{spread}, the record {found.record_spread:.1f} points.\n\n{_rows(head, rows)}"
    )


def returns(history: StressHistory, sources: Sources) -> tuple[str, str]:
    """What the price did, and how many intervals leave out what any day would have given."""
    rows, outside = [], 0
    for one in after_words(history, sources.metrics["price"].rows):
        for after in one.after:
            rose = after.rose
            if rose is not None and after.base_share is not None:
                outside += not rose.low <= after.base_share <= rose.high
            rows.append(
                (
                    one.word,
                    f"{after.horizon_days} days",
                    len(one.began),
                    f"{after.median:+.0%}" if after.median is not None else "-",
                    after.independent,
                    "-"
                    if rose is None
                    else f"{rose.value:.0%} ({rose.low:.0%} to {rose.high:.0%})",
                    f"{after.base_share:.0%}" if after.base_share is not None else "-",
                )
            )
    head = (
        "word or worse begins | on | spells | median | windows apart | of them rose (exact 95%) | "
        "of any days"
    )
    return _rows(head, rows), f"{outside or 'None'} of the {len(rows)}"


def drift(sources: Sources, history: StressHistory) -> str:
    """What a ranking among all days before makes of growth, and how fast hashprice falls."""
    everything = stress_history(sources, replace(_SETTINGS, window_days=0), _KNOWN)
    year = 1970 + history.time / (365.25 * 86_400)
    late = (year >= 2022) & (year < 2026)
    own, other = (
        next(one for one in found.components if one.component.name == "ribbon").percentile
        for found in (history, everything)
    )
    paid = sources.metrics["hashprice"].rows["value"].cast(float).to_numpy()
    first, last = (np.nanmean(paid[year.astype(int) == one]) for one in (2018, 2025))
    return (
        f"Among all days before, the ribbon's percentile is {np.nanmean(other[late]):.0f} on "
        f"average from 2022 to 2025, among four years {np.nanmean(own[late]):.0f}: growth has "
        f"slowed. Hashprice fell by {1 - (last / first) ** (1 / 7):.0%} a year from 2018 to 2025."
    )


def fleet_worlds(sources: Sources, history: StressHistory) -> str:
    """Percentiles within worlds drawn through all years, beside the bands of the gauge's parts."""
    assert sources.fleet is not None
    days, _, _ = history_of(record())
    drawn: dict[str, list[np.ndarray]] = {"underwater": [], "selling": []}
    for seed in range(1, FLEET_WORLDS + 1):
        one = fleet_history(days, draws=1, seed=seed)
        for name, values in (("underwater", one.under_water), ("selling", one.must_sell)):
            ranks = ranks_before(
                values, values[:, None], _SETTINGS.window_days, _SETTINGS.fewest_days
            )
            drawn[name].append(100 * ranks[:, 0])
    rows = []
    for name, ranks in drawn.items():
        part = next(one for one in history.components if one.component.name == name)
        inside = np.isin(history.time, sources.fleet.time) & np.isfinite(part.percentile)
        told = np.isin(sources.fleet.time, history.time[inside])
        low, high = np.quantile(np.array(ranks)[:, told], (0.05, 0.95), axis=0)
        ours = (part.percentile_high - part.percentile_low)[inside]
        rows.append(
            (
                f"`{name}`",
                f"{np.mean(high - low):.0f}",
                f"{np.mean(ours):.0f}",
                f"{part.component.shared:.0%}",
            )
        )
    head = (
        "component | 90% of worlds' own percentiles, mean width in points | the gauge's band | "
        "variance taken as shared"
    )
    return _rows(head, rows)


def measure() -> list[dict[str, object]]:
    """Seconds that gauge, index and answer take beyond metrics, costs and fleet."""
    sources = _sources()
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        history = stress_history(sources, _SETTINGS, _KNOWN)
        stress_now(history, sustainability_history(sources, _SETTINGS), "latest")
        took.append(time.perf_counter() - start)
    days = int(np.isfinite(history.gauge).sum())
    return [
        {
            "what": f"stress gauge and index, {days:,} days with bands, beyond their inputs, s",
            "ours": round(statistics.median(took), 2),
            "bar": f"below {BAR:g}",
            "reached": statistics.median(took) < BAR,
        }
    ]


def report() -> str:
    """The page's part."""
    sources = _sources()
    history = stress_history(sources, _SETTINGS, _KNOWN)
    index = sustainability_history(sources, _SETTINGS)
    published = read_capitulations()
    found = against(history, published)
    words = np.bincount(history.word[history.word >= 0], minlength=4)
    shares = ", ".join(
        f"{word} {count / words.sum():.0%}" for word, count in zip(ALL_WORDS, words, strict=True)
    )
    drawn = random_weights(history, published)
    fewer = float((drawn.hits < found.hits.hits).mean())
    more = float((drawn.hits > found.hits.hits).mean())
    told = np.isfinite(history.gauge)
    both = told & np.isfinite(index.index)
    against_index = spearman(history.gauge[both], index.index[both])
    unhit = ", ".join(one.capitulation.name for one in found.readings if not one.hit)
    after, outside = returns(history, sources)
    (speed,) = measure()
    return f"""Measured on {datetime.now(UTC):%d %B %Y} on the real record: a gauge on
{int(told.sum()):,} days from {iso_day(int(history.time[told][0]))} to
{iso_day(int(history.time[told][-1]))}, a word from
{iso_day(int(history.time[np.argmax(history.word >= 0)]))} on ({shares}). With
metrics, costs and fleet given, its whole history and the index take {speed["ours"]} seconds.

### Components

{definitions(history)}

{parts()}

Rank correlation of gauge and index over {int(both.sum()):,} days: {against_index:.2f}.

### Published capitulations

{readings(history, index, found.readings)}

lead: from the first day with `stressed` or worse, looked for from 90 days before the start (and
after the capitulation before), to the start; below 0: late. Not hit: {unhit}. The list is others',
weak ones included, and begins in 2018: the spell of 2016, after the halving, counts as a false
alarm.

### Hits, false alarms, chance

{hits(history, sources, published)}

Other shifts: the same words laid over the same capitulations at every other time, 180 days away or
more. There are some 3,500 of them, and neighbours are nearly the same: they are worth a few dozen
independent ones, and 0.0% is no p-value. `without activity`: revenue and economics alone, which do
not see what the lists were read from.

### Each part left out

{differences("without", left_out(history, published))}

{correlated(history)}

### Other choices

{differences("instead", other_choices(sources, _SETTINGS, _KNOWN, published))}

{drift(sources, history)}

### Random weights

{drawn.draws:,} weights, even over all there can be: 90% of the gauges lie within
{drawn.width:.0f} points on average, the word is the same under {drawn.holds:.0%} of them. Of
{drawn.covered} capitulations the stated weights hit {found.hits.hits}; {fewer:.0%} of the random
ones hit fewer, {more:.0%} more.

### Luck

{luck(history)}

### The bands of the economics

{fleet_worlds(sources, history)}

{FLEET_WORLDS} worlds of machines, owners and power prices, each drawn once for all years: how far
apart they put the percentile of one day.

### What the price did

{after}

{outside} intervals leaves out the share of any days. The rows share the same few spells, so
that they are not as many questions. It is no signal.
"""


def main() -> int:
    """Print, and write where asked to."""
    text = report()
    sys.stdout.write(text)
    if "--write" in sys.argv[1:]:
        write_part("stress_record", "On the real record", text, PAGE.with_name("stress.md"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
