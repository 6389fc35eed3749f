"""What the next retarget does, in words: each line with its bands and what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.economics.market import CHANGE_YEARS
from hashcanary.economics.shutdown.payback import BLOCK_DAYS
from hashcanary.inference.retarget.hashprice_basis import FEE_DAYS
from hashcanary.moments import DAY, iso_day, iso_time

if TYPE_CHECKING:
    from hashcanary.inference.retarget.after import AfterRetarget, Quantiles, RigAfter

_MEDIAN = 3
# rigs that a sentence names
_NAMED = 4


def sentences(found: AfterRetarget) -> list[str]:
    """What is said, each line with its bands and what it rests on."""
    return [*told(found).values(), *(f"Lacks {one}." for one in found.lacks)]


def told(found: AfterRetarget) -> dict[str, str]:
    """The same by key: ``held``, ``under_water``, ``moving``, ``offset``, ``rigs``, ``variance``,
    ``feedback``, ``stopped``, ``rests_on``; what cannot be said has no key.
    """
    lines = {
        "held": _held(found),
        "under_water": _under(found),
        "moving": _moving(found),
        "offset": _offset(found),
        "rigs": _rigs(found),
        "variance": _parts(found),
        "feedback": _feedback(found),
        "stopped": _stopped(found),
        "rests_on": _rests(found),
    }
    return {key: line for key, line in lines.items() if line}


def _held(found: AfterRetarget) -> str:
    basis, forecast, then = found.basis, found.forecast, found.held.hashprice_usd_per_phs_day
    now = found.hashprice_now_usd_per_phs_day
    halving = (
        f" The subsidy halves before it, to {basis.subsidy_after_btc:g} BTC a block."
        if basis.subsidy_after_btc != basis.subsidy_btc
        else ""
    )
    return (
        f"If bitcoin stays at {basis.price_usd_per_btc:,.0f} USD ({_of_price(found)}), hashprice "
        f"goes from {now.value:.2f} USD/PH/s/day ({now.low:.2f} to {now.high:.2f} with fees of the "
        f"last {FEE_DAYS} days) to {_number(then, '.2f')} on {_day(found)}, the first whole day "
        f"after the retarget: the difficulty changes by "
        f"{forecast.change[_MEDIAN]:+.1%} (95%: {forecast.change[0]:+.1%} to "
        f"{forecast.change[-1]:+.1%}), fees leave their {FEE_DAYS}-day median as they did in "
        f"{CHANGE_YEARS} years.{halving}"
    )


def _of_price(found: AfterRetarget) -> str:
    return "stated" if found.basis.stated else f"its price at the end of {iso_day(found.basis.day)}"


def _day(found: AfterRetarget) -> str:
    low, middle, high = (
        iso_day(found.basis.day + round(float(found.days.values[at])) * DAY)
        for at in (0, _MEDIAN, -1)
    )
    return f"{middle} (95%: {low} to {high})" if low != high else middle


def _under(found: AfterRetarget) -> str:
    then = found.held
    return (
        f"Under water then: {_share(then.under_water)} of what runs, "
        f"{_rate(then.under_water_ehs)} of {found.running_ehs:,.0f}; now "
        f"{_share(found.under_water_now)}, {_rate(found.under_water_now_ehs)}. Difficulty and "
        f"fleet are drawn apart; were the harder difficulty to meet the fleets with the most under "
        f"water it would be up to {found.worst.values[-1]:.1%}, with the least "
        f"{found.best.values[-1]:.1%}."
    )


def _moving(found: AfterRetarget) -> str:
    then = found.moving
    if then is None:
        return ""
    return (
        f"If the price moves, by stretches of up to {BLOCK_DAYS} days of its own daily changes of "
        f"{CHANGE_YEARS} years, without drift: hashprice "
        f"{_number(then.hashprice_usd_per_phs_day, '.2f')} USD/PH/s/day, under water "
        f"{_share(then.under_water)}, {_rate(then.under_water_ehs)}."
    )


def _offset(found: AfterRetarget) -> str:
    offset = found.offset_usd_per_btc
    change = offset.values / found.basis.price_usd_per_btc - 1
    told = (
        f"to {_number(offset, ',.0f')} USD, {change[_MEDIAN]:+.1%} ({change[0]:+.1%} to "
        f"{change[-1]:+.1%})"
    )
    if change[_MEDIAN] < 0:
        return f"The price could fall {told}, and hashprice would still be what it is, fees as now."
    return f"The price would have to rise {told}, for hashprice to stay what it is, fees as now."


def _rigs(found: AfterRetarget) -> str:
    crossing = [one for one in found.rigs if one.crosses]
    if not crossing:
        return (
            "No rig of the fleet crosses the line at the network's median power price, price held: "
            "each is likelier than not to pay both before and after, or neither."
        )
    named = "; ".join(_rig(one) for one in crossing[:_NAMED])
    more = f"; and {len(crossing) - _NAMED} more" if len(crossing) > _NAMED else ""
    return f"Cross the line at the network's median power price, price held: {named}{more}."


def _rig(one: RigAfter) -> str:
    before, after = one.off_at_now_usd_per_btc, one.off_at_after_usd_per_btc
    return (
        f"{one.name} (pays with {one.pays_now:.0%} now, {one.pays_after:.0%} after; shutdown price "
        f"{before.value:,.0f} USD now, {after.value:,.0f} ({after.low:,.0f} to {after.high:,.0f}) "
        "after)"
    )


def _parts(found: AfterRetarget) -> str:
    if not found.under_water_parts:
        return ""
    first, second = (
        ", ".join(
            f"{name} {part:.0%}" for name, part in sorted(parts.items(), key=lambda one: -one[1])
        )
        if any(parts.values())
        else "nothing, as it is the same in every draw"
        for parts in (found.hashprice_parts, found.under_water_parts)
    )
    return (
        f"Where the bands come from with the price moving, parts of variance: of hashprice {first};"
        f" of the share under water {second} (curve: fleet, power prices, owners)."
    )


def _feedback(found: AfterRetarget) -> str:
    then = found.held
    pushes = sorted((("up", then.rises), ("down", then.falls)), key=lambda one: -one[1])
    (way, share), (other, rest) = pushes
    push = f"{way} in {share:.0%} of draws, {other} in {rest:.0%}" if share else "neither way"
    return (
        f"By the curve alone, no forecast of that adjustment: hashrate that pays changes by "
        f"{_percent(then.response)} at the held price ({_percent(then.by_elasticity)} by the "
        f"elasticity at the margin), {_rate(then.response_ehs, signed=True)}; "
        f"{_rate(then.back_ehs)} of it stand still now and could come back. So it pushes the "
        f"adjustment after that {push}; `hashcanary forecast retarget` forecasts it."
    )


def _stopped(found: AfterRetarget) -> str:
    stopped = found.stopped
    if stopped is None:
        return ""
    return (
        f"If all that is under water stopped at block {found.forecast.height} instead of running "
        f"on, the difficulty would change by {_percent(stopped.change)} and the retarget come "
        f"{_number(stopped.later_days, '.1f')} days later."
    )


def _rests(found: AfterRetarget) -> str:
    return (
        f"Rests on: the forecast from block {found.forecast.height} of "
        f"{iso_time(round(found.forecast.time))[:16]}Z; {found.rests_on}; the curve stays today's "
        f"until then. {found.draws:,} draws; from, to and bands without a name: 95%. How often "
        "such bands held what came: `hashcanary study calibration --of hashprice`."
    )


def _number(one: Quantiles, form: str) -> str:
    low, middle, high = (format(one.values[at], form) for at in (0, _MEDIAN, -1))
    return f"{middle} ({low} to {high})"


def _percent(one: Quantiles) -> str:
    return _number(one, "+.1%")


def _share(one: Quantiles) -> str:
    return f"{_number(one, '.1%')}, mean {one.mean:.1%}"


def _rate(one: Quantiles, *, signed: bool = False) -> str:
    return f"{_number(one, '+,.0f' if signed else ',.0f')} EH/s"
