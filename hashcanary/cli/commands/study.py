"""``hashcanary study NAME``: what the record, or simulated worlds, say of a question."""

from __future__ import annotations

import argparse

from hashcanary.cli import options as opt
from hashcanary.cli.declare import Group, answer, asked, beside, command, option, valued, view_of
from hashcanary.cli.opening import open_record
from hashcanary.cli.output import bar, present, say_written, write_file
from hashcanary.errors import Exit, UsageError


@command(
    "calibration",
    "errors and coverage of the forecasts, epoch by epoch",
    opt.choice("--of", ("retarget", "hashprice"), "retarget", "the forecast"),
    opt.table(
        ("scores", "reliability"),
        "scores",
        "the table: errors, scores and intervals, or the reliability of the probability of a "
        "decrease",
    ),
    *opt.bounds("epochs that began"),
    opt.AT,
)
def calibration(args: argparse.Namespace) -> Exit:
    """Repeats the forecast of the next retarget at seven blocks of every epoch of the
    record, from what was known at that block, and compares it with the outcome: the
    mean absolute error against published rules, the CRPS against a constant-rate model,
    and the coverage of the 50, 80 and 95% intervals, with confidence limits.

    --of hashprice does the same for hashprice on the first whole day after the
    retarget, from two blocks, with the price held and with the price that followed.
    --show reliability: forecast probability of a decrease against its observed
    frequency.

    An epoch is used if all its blocks and those of the epoch before are known. Exits
    with 3 if there is none.

    For example:
      hashcanary study calibration
      hashcanary study calibration --start 2024-01-01
      hashcanary study calibration --start 2011-01-01 --end 2015-01-01 --json
      hashcanary study calibration --of hashprice --start 2020-01-01
    """
    return answer(args, "calibration")


@command(
    "costs",
    "returns of the price after it fell below the cost of a coin",
    opt.AT,
    opt.models("cost model"),
    *opt.ASSUMPTIONS,
)
def costs(args: argparse.Namespace) -> Exit:
    """For every definition of the cost of a bitcoin: how often the price was below it, or
    price / cost was low for the record so far; when each such spell was first known;
    and the return after 30, 90, 180 and 365 days, compared with any day. Only windows
    that do not overlap are evidence. Most definitions have a handful of them, hence
    wide intervals.

    Exits with 3 if no day has a price and a cost.

    For example:
      hashcanary study costs
      hashcanary study costs --model electricity --model all-in
      hashcanary study costs --at 2025-01-01 --csv
      hashcanary study costs --power-price 0.06 --efficiency 17.5    your own machines
    """
    return answer(args, "costs", "cost_study")


@command(
    "curtailment",
    "machines switched off by the hour or by the price of power, in block times",
    opt.table(("years", "prices", "clocks"), "years"),
    opt.POWER_PRICES,
    opt.AT,
)
def curtailment(args: argparse.Namespace) -> Exit:
    """Blocks of summer afternoons over those of nights, by the clock of Texas, year by year:
    where machines stop at the grid's peaks, afternoons fall short. Weekends, other months
    and clocks that are wrong by hours show what chance makes of it.

    --show prices: the hashrate on days by their price of power, against days of usual
    prices within two weeks, where the record has prices. clocks: the deficit by wrong
    clocks. Limits are 95% of resampled weeks.

    Exits with 3 if fewer than 30 days are known whole.

    For example:
      hashcanary study curtailment
      hashcanary study curtailment --show prices
      hashcanary study curtailment --at 2024-01-01 --json
    """
    return answer(args, "curtailment")


@command(
    "drops",
    "drops in hashrate, at a stated rate of false alarms",
    valued(
        "--one-in",
        "YEARS",
        opt.number_between("years", 0.01, 1000),
        "years of blocks between two false alarms, 0.01 to 1000 (default: 1)",
        default=1.0,
        dest="years",
    ),
    opt.AT,
)
def drops(args: argparse.Namespace) -> Exit:
    """Lists the drops in hashrate that its blocks show. Each raises an alarm at the block
    at which noise of block arrivals, ordinary variation and growth of the hashrate no
    longer explain how slowly blocks came; --one-in sets the years between two false
    alarms. The alarm uses no block after it; start, depth and end of a drop are
    estimated from all blocks known at --at.

    Only unbroken runs of blocks are watched: a drop across a gap cannot be seen.

    For example:
      hashcanary study drops
      hashcanary study drops --one-in 5
      hashcanary study drops --at 2026-01-25 --json
    """
    return answer(args, "luck", "drops")


def _drawn(args: argparse.Namespace, name: str) -> Exit:
    """Run the view called ``name``, and write its curve as a picture where asked to."""
    record = open_record(args)
    answer = view_of(name)(record, **asked(args))
    done = present(args, answer)
    if args.png is not None:
        from hashcanary.report.charts import supply as charts

        draw = getattr(charts, f"{name}_picture")
        picture = draw(answer.result, simulated=record.simulated)
        say_written([write_file(args.png, "a picture", picture)])
    return done


@command(
    "hosting",
    "AI hosting against mining; share of the hashrate that would leave",
    valued(
        "--offer",
        "USD/MWH",
        opt.any_number("USD per MWh of critical IT"),
        "a rent of critical IT, power paid by the tenant; can be repeated; the "
        "sensitivity is of the first (default: median of the known contracts)",
        action="append",
        default=[],
        dest="offers",
    ),
    valued(
        "--left-for-good",
        "PCT",
        opt.part_of("--left-for-good"),
        "share of the hashrate that leaves permanently, such as 5%%",
    ),
    option(
        "--who",
        choices=("proportional", "dearest", "cheapest"),
        default="proportional",
        help="whose machines leave: all alike (default), those that cost most to run, or "
        "those that cost least",
    ),
    valued("--power-price", "USD/KWH", opt.own_price, "your own, for your break-even rent"),
    opt.file("--contracts", text="contracts and assumptions, as TOML"),
    opt.table(
        ("offers", "contracts", "assumptions", "left"),
        None,
        "the table: rents, published contracts, the sensitivity, or the effect of a permanent "
        "exit (default: left with --left-for-good, else offers)",
    ),
    opt.RIGS,
    opt.PRICES,
    opt.PNG,
    opt.seed("the draws"),
    opt.AT,
)
def hosting(args: argparse.Namespace) -> Exit:
    """Revenue per MWh from hosting AI, by published contracts, and from mining; the share
    of the hashrate that would leave at a rent; difficulty and hashprice after a
    permanent exit.

    A rent is USD per MWh of critical IT load, due for the reserved capacity; the tenant
    pays for power. After the site's own costs, the building and the months without
    income it is compared with the margin of mining, both per MWh of the grid
    connection. A site leaves where the rent beats mining and its region allows it.
    Machines, power prices and all assumptions are draws of stated priors
    (economics/hosting/hosting.toml); every share comes with the 95% band of the draws.
    A contract published after --at is not used.

    Contracts in which the host also buys the computers are listed but not used.

    For example:
      hashcanary study hosting
      hashcanary study hosting --offer 180 --offer 250 --power-price 0.04
      hashcanary study hosting --show contracts --csv
      hashcanary study hosting --left-for-good 5%
    """
    return _drawn(args, "hosting")


@command(
    "luck",
    "test a window for an abnormal block count",
    *opt.bounds("blocks"),
    valued(
        "--span",
        "DAYS",
        opt.number_between("days", 1, 36525),
        "days from which the window may have been picked as the worst, 1 to 36525 "
        "(default: 365.25)",
        default=365.25,
        dest="span_days",
    ),
    opt.AT,
)
def luck(args: argparse.Namespace) -> Exit:
    """Tests a window of time for an abnormal block count (the last three days without
    --start and --end): how likely noise of block arrivals leaves as few blocks at
    constant hashrate, that of the 2,016 blocks before the window. One p-value is for
    this window alone; the other is for the worst window of its length in a span such as
    a year, for a window picked because it looks bad.

    A second answer is how far hashrate in the window lies below that of the blocks
    before, and the probability that it is lower by more than 0, 5, 10 and 20%: by the
    draws on which `explain drop` rests, of the year around the window. The test assumes
    constant hashrate; the draws let it wander, fall and come back.

    Exits with 3 where blocks at an end of the window, or before it, are not known.

    For example:
      hashcanary study luck
      hashcanary study luck --start 2026-01-24 --end 2026-01-24
      hashcanary study luck --start 2026-01-23 --end 2026-01-29 --json
    """
    return answer(args, "luck")


@command(
    "selling",
    "forced selling: share of production needed for power",
    opt.table(
        ("classes", "drops", "history", "published", "assumptions"),
        "classes",
        "the table: classes of machines by margin, drops in price, every day of the record, "
        "published figures, or the sensitivity of the share",
    ),
    opt.RIGS,
    opt.PRICES,
    opt.file("--assumptions", text="overheads instead of the built-in ones, as TOML"),
    opt.seed("the draws"),
    opt.AT,
)
def selling(args: argparse.Namespace) -> Exit:
    """Forced selling: the share of production that miners need to pay for power, by margin
    of the running machines; after a drop in price; through time.

    Power is paid in money: a machine whose power costs half of its revenue sells half
    of its coins. Where power costs more than the revenue it sells all of them, and the
    shortfall is paid from a treasury or other money, or the machine stops. Which
    machines run and what they pay are drawn from stated priors (study supply); each
    share comes with the 95% band of the draws. It is a bound, not a measurement of
    coins sold.

    For example:
      hashcanary study selling
      hashcanary study selling --at 2022-11-25 --show drops
      hashcanary study selling --show history --csv
    """
    return answer(args, "selling")


@command(
    "stress",
    "the stress gauge against published capitulations, luck and itself",
    opt.table(("episodes", "components", "weights", "choices", "luck", "returns"), "episodes"),
    opt.WEIGHTS,
    opt.place(
        *("--capitulations", "FILE"),
        "published capitulations instead of the built-in ones, as TOML",
    ),
    beside(
        "--against",
        choices=("published", "ribbon", "epoch"),
        help="published capitulations, or the record's own episodes by either rule of "
        "`hashcanary episodes` (default: published; ribbon in a simulated lake)",
    ),
    opt.number("--worlds", (1, 1000), 8, "of --show luck, of each kind"),
    opt.number("--draws", (10, 100_000), 1000, "of --show weights"),
    opt.seed("all draws"),
    opt.AT,
)
def stress(args: argparse.Namespace) -> Exit:
    """The stress gauge before, at and after published capitulations: its lead, hits and
    false alarms, against those expected by chance.

    --show components: the gauge without each of its components. weights: under a
    thousand random weights. choices: with other windows of percentiles and other cost
    models. luck: in SIMULATED worlds that grow without stress. returns: returns of the
    price after the gauge first reached a word.

    Exits with 3 if too little is known for a gauge.

    For example:
      hashcanary study stress
      hashcanary study stress --show components
      hashcanary study stress --against epoch
      hashcanary study stress --show luck --worlds 20
      hashcanary study stress --weights mine.toml --capitulations seen.toml --json
    """
    # drawing simulated worlds shows how far it is
    from contextlib import nullcontext
    from functools import partial

    from hashcanary.views.stress_study import stress_study

    if args.capitulations is not None and args.against not in {None, "published"}:
        raise UsageError(
            argument="--capitulations",
            expected="--against published with it",
            found=args.against,
            remedy="Omit one of the two.",
        )
    record = open_record(args)
    with bar() if args.show == "luck" else nullcontext() as tell:
        answer = stress_study(
            record,
            against=args.capitulations or args.against,
            progress=tell and partial(tell, "simulated worlds"),
            **asked(args),
        )
    return present(args, answer)


@command(
    "supply",
    "profitable hashrate at each hashprice; hashrate underwater",
    opt.table(
        ("curve", "rigs", "assumptions", "own"),
        None,
        "the table: the curve, the network's rigs, the sensitivity of the share underwater, "
        "or your own machines (default: own with --fleet or --power-price, else curve)",
    ),
    valued(
        "--power-price",
        "USD/KWH",
        opt.own_price,
        "your own power price: break-even of the network's rigs at it; with --fleet, "
        "instead of the file's prices",
    ),
    opt.file("--fleet", text="your own machines, as TOML"),
    opt.RIGS,
    opt.PRICES,
    opt.PNG,
    opt.seed("the draws"),
    opt.AT,
)
def supply(args: argparse.Namespace) -> Exit:
    """Profitable hashrate at each hashprice; the share underwater now; the rigs next to
    switch off, and the price of bitcoin at which they do; the sensitivity of the share
    underwater.

    Which machines run and what they pay for power is not public. Both are drawn from
    stated priors: the fleet from release dates, growth of the hashrate, ageing and past
    profitability; power prices by region. Every share comes with the 95% band of the
    draws. A rig released or a price published after --at is not used.

    --fleet FILE lists your own machines and what you pay:

      power_price_usd_per_kwh = 0.052
      [[machines]]
      rig = "Antminer S19j Pro"
      count = 1200

    For example:
      hashcanary study supply
      hashcanary study supply --at 2022-11-25 --show rigs
      hashcanary study supply --power-price 0.06 --show own
      hashcanary study supply --fleet mine.toml --json
    """
    return _drawn(args, "supply")


@command(
    "verdict",
    "the verdict's states against labels from published sources",
    opt.table(("scores", "spells"), "scores", "the table: scores, or spells one by one"),
    opt.number("--every", (1, 14), 2, "days between two verdicts"),
    opt.place(*("--spells", "FILE"), "spells with their states instead of the built-in ones, TOML"),
    opt.AT,
)
def verdict(args: argparse.Namespace) -> Exit:
    """How good the states of `hashcanary verdict` have been: their probabilities on the days
    of the record whose state published sources name, each as known then. The score is
    the log of the probability of the label. Hash ribbons, the drawdown of the 30-day
    mean, the stress gauge and a mixture of the three are scored beside it.

    Spells kept apart were drawn beforehand and left alone when the rules were set; the
    rivals learnt from the others too. --show spells: what was said in each, and how
    soon it was said.

    Takes minutes. Exits with 3 if no labelled day is known.

    For example:
      hashcanary study verdict
      hashcanary study verdict --show spells
      hashcanary study verdict --every 7 --json
      hashcanary study verdict --spells mine.toml --at 2024-01-01
    """
    from functools import partial

    from hashcanary.views.verdict_study import verdict_study

    record = open_record(args)
    with bar() as tell:
        answer = verdict_study(record, progress=partial(tell, "verdicts"), **asked(args))
    return present(args, answer)


STUDY = Group(
    "study",
    "studies of the whole record",
    "Studies of the whole record, with the uncertainty of their results.",
    "  hashcanary study NAME --help\n",
    (calibration, costs, curtailment, drops, hosting, luck, selling, stress, supply, verdict),
    title="studies",
    metavar="NAME",
)
