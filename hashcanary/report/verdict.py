"""The verdict: which of six declared cases holds, and what it says in plain words.

A peak is the luckiest moment of its time, and the interval of a drawdown does not know that its
peak was picked. So a drawdown is called real only when its interval lies below zero *and* noise of
block arrivals, at constant hashrate, makes one as deep less than once in ``RARE_YEARS`` years
(``hashcanary.inference.luck.luck``). What noise does to the ribbons is simulated
(``hashcanary.studies.luck``) and stands beside them.

The drawdown is of a 30-day mean from its peak, whenever that was; the explanation of a drop
(``hashcanary.inference.explain``) looks at single blocks of the last 100 days. Either may see what
the other does not, so its probability is quoted, and where the two part the verdict says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashcanary.interval import Interval
from hashcanary.report.document import Case, Verdict
from hashcanary.units import HASHRATE
from hashcanary.views.stress import gauge_sentence
from hashcanary.views.text import chance, count, day, how_often, percent, probability, quantity

if TYPE_CHECKING:
    from hashcanary.inference.luck.luck import DrawdownLuck
    from hashcanary.studies.luck import InversionLuck
    from hashcanary.studies.stress.answer import StressNow

RARE_YEARS = 20
# probabilities of a recent drop above which it is certain, and likely
SURE, LIKELY = 0.975, 0.5
INVERTED_DAYS = 7
RECOVERY_DAYS = 30
NEAR_PEAK = 0.02
LATE_DAYS = 7

STAMPS: dict[Case, str] = {
    "unknown": "Not enough data",
    "calm": "No stress",
    "luck": "Inconclusive",
    "drawdown": "A real drawdown",
    "capitulation": "Miners are capitulating",
    "recovery": "Recovering",
}

RULES: tuple[tuple[str, str], ...] = (
    (
        "A real drawdown",
        "the 95% interval of the 30-day mean's drawdown lies below zero, and at constant hashrate "
        f"noise of block arrivals makes one as deep less than once in {RARE_YEARS} years",
    ),
    (
        "Capitulation",
        f"a real drawdown while the ribbons have been inverted for {INVERTED_DAYS} days or more",
    ),
    ("Recovery", f"the {RECOVERY_DAYS} days after such an inversion has ended"),
    (
        "No stress",
        "ribbons not inverted, and either the interval reaches zero or the drawdown is smaller "
        f"than {percent(NEAR_PEAK, 0)}",
    ),
    ("Inconclusive", "none of the above"),
    ("Not enough data", f"no 30-day mean for the last {LATE_DAYS} days"),
)


@dataclass(frozen=True, slots=True)
class RecentDrop:
    """The likeliest drop of the last ``reach_days``. real: its probability; start: Unix seconds."""

    real: float
    start: int
    reach_days: float


@dataclass(frozen=True, slots=True)
class Signs:
    """What the verdict looks at.

    missing: why it cannot be reached, empty where it can. hashrate: H/s, 30-day mean.
    drawdown: fraction, 30-day mean. luck: how often noise makes it, None where there is none.
    peak: day of that mean's peak, Unix seconds. inversion: SIMULATED luck of the one that lasts.
    inverted: None where the ribbons are not known. days_inverted: of the inversion that lasts.
    ended, ended_days: end of the last inversion and how many days it lasted.
    block_minutes: mean interval of the last seven days, minutes. stress, drop: the gauge, and the
    likeliest recent drop; the verdict quotes both and depends on neither.
    """

    missing: str = ""
    today: int = 0
    hashrate: Interval | None = None
    drawdown: Interval | None = None
    luck: DrawdownLuck | None = None
    peak: int | None = None
    inverted: bool | None = None
    days_inverted: int = 0
    inversion: InversionLuck | None = None
    ended: int | None = None
    ended_days: int = 0
    buy: int | None = None
    block_minutes: Interval | None = None
    stress: StressNow | None = None
    drop: RecentDrop | None = None


def judge(signs: Signs) -> Verdict:
    """The verdict on the signs."""
    case = decide(signs)
    gauge = "" if signs.stress is None else gauge_sentence(signs.stress)
    said = (_luck(signs, case), _drop(signs, case), _ribbons(signs), _blocks(signs), gauge)
    rules = tuple(f"{name}: {rule}" for name, rule in RULES)
    return Verdict(case, STAMPS[case], _headline(signs, case), tuple(filter(None, said)), rules)


def decide(signs: Signs) -> Case:
    """The case that holds."""
    fall = signs.drawdown
    if signs.missing or fall is None:
        return "unknown"
    real = is_real(fall, signs.luck)
    if signs.inverted and signs.days_inverted >= INVERTED_DAYS and real:
        return "capitulation"
    if not signs.inverted and _recovering(signs):
        return "recovery"
    if real:
        return "drawdown"
    if not signs.inverted and (fall.high >= 0 or fall.value > -NEAR_PEAK):
        return "calm"
    return "luck"


def is_real(fall: Interval, luck: DrawdownLuck | None) -> bool:
    """Whether a drawdown of the 30-day mean is beyond noise."""
    return fall.high < 0 and luck is not None and luck.once_in_years > RARE_YEARS


def _recovering(signs: Signs) -> bool:
    return (
        signs.ended is not None
        and signs.ended_days >= INVERTED_DAYS
        and signs.today - signs.ended < RECOVERY_DAYS * 86_400
    )


def _headline(signs: Signs, case: Case) -> str:
    fall = signs.drawdown
    if case == "unknown" or fall is None:
        return f"The verdict on mining stress is missing: {signs.missing}."
    rate = ""
    if signs.hashrate is not None:
        rate = f" of {quantity(signs.hashrate.value, HASHRATE, 3)}"
    if fall.value == 0:
        return f"Hashrate is at its peak: no 30-day mean in the record lies above today's{rate}."
    peak = f" of {day(signs.peak)}" if signs.peak is not None else ""
    return (
        f"Hashrate is {percent(-fall.value)} below its 30-day-mean peak{peak}"
        f" (95%: {_below(fall)})."
    )


def _below(fall: Interval) -> str:
    """The interval of a fall, the smaller fall first: ``11.8% to 17.9%``."""
    if fall.high > 0:
        return f"{percent(fall.high)} above it to {percent(-fall.low)} below"
    return f"{percent(-fall.high)} to {percent(-fall.low)}"


def _luck(signs: Signs, case: Case) -> str:
    fall = signs.drawdown
    if case == "unknown" or fall is None or fall.value == 0 or signs.luck is None:
        return ""
    if fall.high >= 0:
        return "That is within noise of block arrivals: the interval includes no drawdown at all."
    often = how_often(signs.luck.once_in_years)
    if is_real(fall, signs.luck):
        return (
            "That is beyond noise of block arrivals, which at constant hashrate makes a drawdown "
            f"as deep {often}."
        )
    return (
        "That is within noise of block arrivals: a peak is the luckiest moment of its time, and at "
        f"constant hashrate noise makes a drawdown as deep {often}."
    )


def _drop(signs: Signs, case: Case) -> str:
    """What the explanation of the last months says, and why it may say something else."""
    drop, fall = signs.drop, signs.drawdown
    if case == "unknown" or drop is None or fall is None:
        return ""
    text = (
        f"The likeliest drop of the last {drop.reach_days:.0f} days began on {day(drop.start)}; "
        f"the probability that it is real is {probability(drop.real)}."
    )
    agree = drop.real >= SURE if is_real(fall, signs.luck) else drop.real <= LIKELY
    if agree:
        return text
    peak = f" of {day(signs.peak)}" if signs.peak is not None else ""
    return (
        f"{text} The two differ in what they test: the drawdown is of a 30-day mean from its "
        f"peak{peak}, against constant hashrate; that probability is of one drop within "
        f"{drop.reach_days:.0f} days, against noise and ordinary variation of hashrate."
    )


def _ribbons(signs: Signs) -> str:
    if signs.inverted is None:
        return ""
    if signs.inverted:
        since = day(signs.today - (signs.days_inverted - 1) * 86_400)
        text = f"Ribbons have been inverted for {count(signs.days_inverted, 'day')}, since {since}"
        return f"{text}{_inverted_by_luck(signs.inversion)}."
    if signs.ended is None:
        return "Ribbons are not inverted."
    text = (
        f"Ribbons are not inverted; they crossed back on {day(signs.ended)} "
        f"after {count(signs.ended_days, 'day')}."
    )
    if signs.buy is not None and signs.buy >= signs.ended:
        text += f" The buy rule was met on {day(signs.buy)}."
    return text


def _inverted_by_luck(luck: InversionLuck | None) -> str:
    if luck is None:
        return ""
    long = chance(luck.as_long.per_year, luck.as_long.at_most)
    text = (
        f"; in simulated networks whose hashrate never falls, noise inverts them as long in {long} "
        "of years"
    )
    if luck.as_deep is None:
        return text
    deep = chance(luck.as_deep.per_year, luck.as_deep.at_most)
    return f"{text}, and as deep in {deep}"


def _blocks(signs: Signs) -> str:
    pace = signs.block_minutes
    if pace is None:
        return ""
    return (
        f"Over the last 7 days a block came every {pace.value:.1f} minutes (95%: {pace.low:.1f} to "
        f"{pace.high:.1f}); the target is 10."
    )
