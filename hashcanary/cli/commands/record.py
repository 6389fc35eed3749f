"""Commands that say what a record shows: report, metrics, episodes, pools, forecasts, stress."""

from __future__ import annotations

import argparse

from hashcanary.cli import options as opt
from hashcanary.cli.declare import Group, answer, asked, beside, command, option, valued
from hashcanary.cli.opening import open_lake, open_record
from hashcanary.cli.output import present, print_report, say, say_written, write_report
from hashcanary.errors import Exit


@command(
    "report",
    "the miner-stress report: terminal, JSON, HTML page, pictures",
    opt.AT,
    opt.place("--html", "FILE", "write an offline page there"),
    opt.place("--png", "DIR", "write the charts as PNG there"),
    has_csv=False,
)
def report(args: argparse.Namespace) -> Exit:
    """Reports on mining stress as known at a moment: the verdict in plain words with its
    uncertainty, what is happening, how it ranks in history, whether it is real and why,
    revenue, who is hurt (machines underwater, the cost of a coin, stress), pools,
    episodes, what comes next, and the sources. Data later than --at are not used.

    --html writes one page that works offline, with charts; --png writes the charts as
    pictures. The report is printed as well.

    For example:
      hashcanary report
      hashcanary report --at 2026-02-03 --html report.html
      hashcanary report --png charts/ --json > report.json
    """
    report, written = write_report(lambda: open_record(args), args.html, args.png)
    print_report(report, as_json=args.json)
    say_written(written)
    return Exit.DONE


@command("list", "every metric: name, title, unit, rows")
def metric_list(args: argparse.Namespace) -> Exit:
    """Lists every metric, including those of installed packages.

    For example:
      hashcanary metric list
      hashcanary metric list --json | jq -r '.rows[].name'
    """
    from hashcanary.views.metrics import metric_list

    return present(args, metric_list())


@command(
    "show",
    "the rows of one metric, or of several side by side",
    beside(
        "name",
        metavar="NAME",
        nargs="+",
        help="name of a metric, such as hashrate.sma30; several are printed side by side",
    ),
    *opt.bounds("rows"),
    opt.AT,
    valued("--rows", "N", int, "rows printed in the terminal (default: 15)", default=15),
)
def metric_show(args: argparse.Namespace) -> Exit:
    """Prints the rows of a metric, one per UTC day or difficulty epoch: value, interval
    where the value is an estimate, basis, and why a value is missing. Several metrics
    of one grain are printed side by side, a column each.

    The terminal shows the last rows and SI prefixes. JSON and CSV have every row
    between --start and --end in plain units (hashrate in H/s), when each row was final
    (known_at) and whether it is computed from blocks or from a vendor's daily figures
    (basis). In JSON, complete_from and complete_to bound the last run of rows without a
    missing value.

    Exits with 3 if the lake holds no data that the metric can use.

    For example:
      hashcanary metric show hashrate.day
      hashcanary metric show hashprice --start 2025-12-01 --end 2026-01-31 --csv
      hashcanary metric show ribbon.state --at 2026-02-03 --json
      hashcanary metric show hashrate.sma30 hashprice price --csv
    """
    from hashcanary.metrics.declaration import find_metric
    from hashcanary.views.metrics import check_rows, metric

    check_rows(args.rows)
    for name in args.name:
        find_metric(name)
    return present(args, metric(open_record(args), args.name, **asked(args)))


METRIC = Group(
    "metric",
    "list the metrics, or show one with its intervals",
    "Lists the metrics, or prints the rows of one or several.",
    metric_list.examples + metric_show.examples,
    (metric_list, metric_show),
)


@command(
    "episodes",
    "every capitulation: depth, length, later returns of the price",
    opt.table(("episodes", "after"), "episodes"),
    opt.AT,
)
def episodes(args: argparse.Namespace) -> Exit:
    """Lists every capitulation in the record: by the ribbon rule (the 30-day mean of the
    hashrate below the 60-day mean) and by the drawdown of the epoch-average hashrate
    from its peak. For each: start, end, length, depth, its return period at constant
    hashrate, how often block arrivals alone invert the ribbons as long and as deep
    (simulated), and the return of the price after 30, 90, 180 and 365 days. An episode
    that has not ended is open; a return whose day has not come is missing, not zero.

    --show after: how often the price was higher afterwards, with intervals.

    For example:
      hashcanary episodes
      hashcanary episodes --at 2022-12-31 --json
      hashcanary episodes --show after
      hashcanary episodes --csv > episodes.csv
    """
    return answer(args, "episodes")


_BUILT_IN = "built-in"


@command(
    "pools",
    "shares of pools, with intervals; changes beyond noise",
    opt.AT,
    opt.number("--days", (1, 3660), 7, "length of the window and of the one before it, in days"),
    opt.choice(
        *("--by", ("pool", "group"), "pool"),
        "count pools, or groups of pools believed to share templates or an owner",
    ),
    beside(
        "--list",
        metavar="NAME",
        help="use the labels of this list (default: the one that labels most of the newest month)",
    ),
    beside(
        "--label",
        metavar="FILE",
        nargs="?",
        const=_BUILT_IN,
        help="first label the blocks of known coinbase that have no label: by the list in FILE "
        "(pools-v2.json, or TOML like the built-in list), or by the built-in list without FILE",
    ),
)
def pools(args: argparse.Namespace) -> Exit:
    """Lists the pools that mined the blocks of the last N final days: blocks, share and
    hashrate with 95% limits, and the change against the N days before, with whether it
    is beyond noise. Below the table: the Herfindahl-Hirschman index and the Nakamoto
    coefficient with their limits.

    Blocks are labelled by a list of pools as they are synced: a payout address first,
    else the longest tag in the coinbase. Every label records its list, and labels of
    several lists are kept; --list selects one, --label adds one.

    For example:
      hashcanary pools
      hashcanary pools --at 2026-01-27 --days 3 --by group
      hashcanary pools --label                     by the built-in list
      hashcanary pools --label pools-v2.json       by the mining-pools dictionary
      hashcanary pools --days 30 --csv > pools.csv
    """
    from hashcanary.moments import parse_moment
    from hashcanary.store.recording import record_of
    from hashcanary.views.pools import pools

    moment = parse_moment(args.at) if args.at else None
    lake, wanted = open_lake(args), args.list
    if args.label is not None:
        from pathlib import Path

        from hashcanary.sources.pools.pool_lists import built_in, read_pool_list
        from hashcanary.store.pool_labels import label

        listed = built_in() if args.label == _BUILT_IN else read_pool_list(Path(args.label))
        done = label(lake, listed)
        lake, wanted = done.lake, wanted or done.list
        say(
            f"{done.list}: {done.new:,} blocks labelled now, {done.unknown:,} of them unknown; "
            f"{done.blocks:,} blocks have a known coinbase"
        )
    return present(args, pools(record_of(lake, moment, wanted), **asked(args)))


@command(
    "retarget",
    "the next two changes of difficulty and their dates",
    valued(
        "--height",
        "H",
        int,
        "forecast from this block, using none after it (default: the last known)",
    ),
    opt.AT,
)
def forecast_retarget(args: argparse.Namespace) -> Exit:
    """Forecasts the change of difficulty at the next retarget and at the one after it,
    and their dates: the median and the central 50, 80 and 95% intervals.

    A bank of dynamic models follows the hashrate, which moves while an epoch lasts,
    weighted by how well each predicted of late. The blocks to come add the noise of
    block arrivals, so no interval is narrower than that noise. Only blocks up to --height,
    known at --at, are used, and prices known by then.

    Exits with 3 where the epoch's first block, or any recent block, is not known.

    For example:
      hashcanary forecast retarget
      hashcanary forecast retarget --height 934295
      hashcanary forecast retarget --at 2026-01-30 --json
    """
    return answer(args, "forecast", "forecast_retarget")


@command(
    "hashprice",
    "hashprice and the share underwater after the next retarget",
    opt.price(
        "USD",
        "price of bitcoin to start from and to hold, instead of the record's last one",
    ),
    opt.table(
        ("hashprice", "rigs", "variance"),
        "hashprice",
        "the table: the figures, the network's rigs, or each input's share of the variance",
    ),
    opt.seed("the draws"),
    opt.AT,
)
def forecast_hashprice(args: argparse.Namespace) -> Exit:
    """Forecasts hashprice, the share of the hashrate underwater and the revenue of a MWh
    on the first whole day after the next retarget: medians and the central 50, 80 and
    95% intervals of draws.

    The price of bitcoin is held at the last one known, so that only difficulty and
    fees move; or it moves as in the last four years, without drift (block bootstrap). Also:
    the price that would offset the retarget, the rigs that cross break-even, and each
    input's share of the variance.

    Only blocks, prices, rigs and power prices known at --at are used. Exits with 3
    where no price of the last days, or the epoch's first block, is known.

    For example:
      hashcanary forecast hashprice
      hashcanary forecast hashprice --at 2025-11-25 --show rigs
      hashcanary forecast hashprice --price 70000 --json
    """
    return answer(args, "forecast", "forecast_hashprice")


FORECAST = Group(
    "forecast",
    "the next change of difficulty, and what it does to hashprice",
    "Forecasts with intervals.",
    f"{forecast_retarget.examples}  hashcanary forecast hashprice\n",
    (forecast_retarget, forecast_hashprice),
)


_CAUSES = (
    opt.file("--causes", text="profiles of the causes, as TOML"),
    opt.file("--regions", text="regions of pools, as TOML"),
    opt.RIGS,
    opt.POWER_PRICES,
)


@command("verdict", "what is going on, why, and how sure that is, in ten lines", opt.AT, *_CAUSES)
def verdict(args: argparse.Namespace) -> Exit:
    """Says in which state mining is, with the probability of each: calm, noise (few blocks
    by chance), stressed (margins gone, machines on), curtailed (off for weather or the
    price of power), capitulating (off because they do not pay), exiting (gone for other
    reasons), recovering, or unknown. Says how far hashrate is below its highest level of
    the last year, which drops make up that gap, what caused them and where it is going.

    Accounts of the last year are drawn that agree with the times of blocks, the pools
    that found them, the months, hashprice against running costs, and prices of power.
    The states and what causes look like are stated assumptions; --causes, --regions,
    --rigs and --power-prices override built-in files. Where blocks are not known, a
    vendor's daily figures stand in.

    Exits with 3 where too few days are known.

    For example:
      hashcanary verdict
      hashcanary verdict --at 2021-07-15
      hashcanary verdict --at 2026-02-03 --json
    """
    return answer(args, "verdict")


@command(
    "drop",
    "the likeliest recent drop in hashrate, and its cause",
    opt.AT,
    option(
        "--since",
        metavar="T",
        help="the first drop that began since T, a date or a time with zone (default: the newest "
        "that is not made good)",
    ),
    *_CAUSES,
)
def explain_drop(args: argparse.Namespace) -> Exit:
    """Explains the drop in hashrate that matters now: the newest real one that is not made
    good, or the first that began since --since. Gives the probability that it was noise
    of block arrivals, curtailment (weather, the price of power), economics (hashprice
    below break-even) or a structural exit (relocation, AI hosting), and lists the other
    drops of the last year. For each kind of evidence it shows the likelihood ratio of
    each cause against noise. It names no cause whose probability is below 60%. The
    figures are those of `hashcanary verdict`.

    Uses blocks, labels of pools, prices, and daily series power_price_usd_per_mwh of
    vendors such as ercot where they are loaded; lists what is missing. The profiles of
    the causes, the regions of pools, the catalogue of rigs and power prices are stated
    assumptions; --causes, --regions, --rigs and --power-prices override them.

    Exits with 3 where too few blocks are known.

    For example:
      hashcanary explain drop
      hashcanary explain drop --at 2026-01-27
      hashcanary explain drop --since 2021-05-01 --at 2021-07-10 --json
    """
    return answer(args, "drop", "explain_drop")


EXPLAIN = Group(
    "explain",
    "why hashrate dropped: noise, weather, economics or exit",
    "Causes and their probabilities.",
    explain_drop.examples,
    (explain_drop,),
)


@command(
    "stress",
    "the stress gauge and the sustainability index, with their parts",
    opt.AT,
    opt.WEIGHTS,
    option("--history", action="store_true", help="gauge and index on every day"),
    *opt.bounds("days of --history"),
)
def stress(args: argparse.Namespace) -> Exit:
    """The stress gauge, 0 calm to 100 stress: the weighted mean of the percentiles of
    seven components (hash ribbon, drawdown of the hashrate, hashprice over its year,
    Puell multiple, price / cost of power, fleet underwater, forced selling), each among
    its own values of the four years before, as known then. Its word (calm, strained,
    stressed, capitulation) is set by quantiles of the gauge's own past.

    The miner-sustainability index, 0 to 100: can miners go on today, this year, and
    when machines wear out. It consists of shares, not percentiles, so a value means the
    same in every year.

    Every component shows its value with unit and band, its percentile, its weight and
    its points. --weights FILE replaces weights and words. `hashcanary study stress`
    tests the gauge.

    Exits with 3 if too little is known for a gauge.

    For example:
      hashcanary stress
      hashcanary stress --at 2022-11-25 --json
      hashcanary stress --weights mine.toml
      hashcanary stress --history --start 2020-01-01 --csv > stress.csv
    """
    return answer(args, "stress")
