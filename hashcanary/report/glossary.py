"""The terms a stranger needs, in the order of the page."""

from __future__ import annotations

from hashcanary.report.document import Term

GLOSSARY: tuple[Term, ...] = (
    Term(
        "hashrate",
        "Hashrate",
        "How many hashes all miners together compute per second. It cannot be measured directly: "
        "it is estimated from how fast blocks are found, which is partly luck. An exahash (EH) is "
        "10^18 hashes, a zettahash (ZH) 1,000 EH.",
    ),
    Term(
        "interval",
        "95% interval",
        "A range computed so that 95 of 100 such ranges contain the true value. A change smaller "
        "than its interval may be noise of block arrivals alone.",
    ),
    Term(
        "smoothing",
        "Smoothing",
        "A mean over 7, 14, 30 or 60 days. A longer mean is less noisy and reacts later. Figures "
        "by "
        "different smoothings are not comparable, so each one here names its own.",
    ),
    Term(
        "drawdown",
        "Drawdown",
        "Distance of a value below its highest so far, by the same smoothing.",
    ),
    Term(
        "difficulty",
        "Difficulty, retarget, epoch",
        "Difficulty is how hard a block is to find. A retarget changes it after every epoch of "
        "2,016 blocks, about two weeks, so that at the hashrate of that epoch a block would take "
        "10 minutes.",
    ),
    Term(
        "cause",
        "Cause of a drop",
        "Noise: blocks that were slow by chance. Curtailment: machines switched off for hours or "
        "days because of weather or the price of power. Economics: machines below break-even. "
        "Structural exit: machines that leave for months, as after a ban. The probability of each "
        "follows from stated assumptions and the evidence shown beside it.",
    ),
    Term(
        "forecast",
        "Forecast, bands",
        "A distribution of what the hashrate, and with it the difficulty, will be. The outcome is "
        "as likely above the median as below it, and within the 95% band 95 times in 100. It uses "
        "blocks and prices known at its moment and does not foresee a ban or a storm.",
    ),
    Term(
        "ribbons",
        "Hash ribbons, inversion, capitulation",
        "The 30-day and the 60-day mean of the hashrate. They are inverted while the shorter is "
        "below the longer: hashrate has been falling. C. Edwards' rule of 2019 calls an inversion "
        "a capitulation of miners; the day on which the means cross back is the recovery.",
    ),
    Term(
        "buy",
        "Buy rule",
        "The first day on or after a recovery on which the 10-day mean price is above the 20-day "
        "mean. It is shown because it is in common use, not as advice: the episodes are few.",
    ),
    Term(
        "hashprice",
        "Hashprice",
        "What a petahash per second earns in a day, in US dollars: subsidy and fees at a "
        "difficulty "
        "and a price. Mean of a day: at the mean difficulty of its blocks; now: at the difficulty "
        "in force. A petahash is about the work of five machines of 2024.",
    ),
    Term("hashvalue", "Hashvalue", "Hashprice in bitcoin, independent of the price."),
    Term(
        "puell",
        "Puell multiple",
        "The dollar value of the day's new coins over its own mean of 365 days. Below 1, miners "
        "earn less from new coins than over the past year; below 0.5 has been rare.",
    ),
    Term(
        "fees",
        "Fee share",
        "Fees as a share of revenue (subsidy and fees).",
    ),
    Term(
        "under_water",
        "Underwater, hashrate at risk",
        "A machine is underwater when it earns less than its power costs. Those that still run "
        "could be switched off any day: the hashrate at risk. Nobody publishes which machines run "
        "and what their owners pay, so both are drawn from stated assumptions.",
    ),
    Term(
        "supply",
        "Supply curve",
        "How much hashrate is profitable at each hashprice: machines in the order of what they "
        "cost to run.",
    ),
    Term(
        "gauge",
        "Stress gauge, miner sustainability",
        "The gauge measures how unusual the present stress is: the mean percentile of seven "
        "components among their own past, 0 calm, 100 stress. Sustainability measures whether "
        "miners can go on: the share of profitable hashrate, the revenue left after power, and "
        "price / all-in cost.",
    ),
    Term(
        "cost",
        "Cost of a coin",
        "What it costs to mine a bitcoin: electricity alone, or buildings, staff and machines as "
        "well, by definition. Regression-based valuation models are called costs too, but are "
        "fitted to past prices.",
    ),
    Term(
        "shutdown",
        "Shutdown price",
        "The price of bitcoin below which a machine earns less than its power costs, at the "
        "present difficulty and fees.",
    ),
    Term(
        "pools",
        "Pool",
        "Miners who share rewards: whichever of them finds a block, all are paid. A tag in the "
        "coinbase or the address paid identifies the pool of a block, by a list of pools.",
    ),
    Term(
        "groups",
        "Groups of pools",
        "Pools that are believed to share block templates or an owner, counted as one. "
        "`hashcanary pools --by group` lists them with their sources.",
    ),
    Term(
        "nakamoto",
        "Nakamoto coefficient",
        "The smallest number of pools that together found more than half of the blocks: a lower "
        "number is a higher concentration.",
    ),
    Term(
        "hhi",
        "Herfindahl-Hirschman index",
        "The probability that two blocks are of the same pool, from 0 to 1. Times 10,000 it is the "
        "index that competition authorities use for markets.",
    ),
    Term(
        "halving",
        "Halving",
        "After every 210,000 blocks, about four years, the subsidy of a block is halved.",
    ),
)
