"""The terms a stranger needs, in the order of the page."""

from __future__ import annotations

from hashcanary.report.document import Term

GLOSSARY: tuple[Term, ...] = (
    Term(
        "hashrate",
        "Hashrate",
        "How many guesses a second all miners together make. Nobody can measure it; it is "
        "estimated from how fast blocks are found, which is partly luck. H/s with prefixes: an "
        "exahash (EH) is a million million million hashes, a zettahash (ZH) a thousand of them.",
    ),
    Term(
        "interval",
        "95% interval",
        "A range made so that, whatever the luck of finding blocks, 95 of 100 such ranges hold the "
        "true value. A change smaller than its interval may be nothing but luck.",
    ),
    Term(
        "smoothing",
        "Smoothing",
        "A mean over 7, 14, 30 or 60 days. A longer one holds less luck and answers later. Figures "
        "by different smoothings cannot be compared, so each one here names its own.",
    ),
    Term(
        "drawdown",
        "Drawdown",
        "How far a value lies below its own highest value so far, by the same smoothing.",
    ),
    Term(
        "difficulty",
        "Difficulty, retarget, epoch",
        "How hard a block is to find. Every 2016 blocks, an epoch of about two weeks, it is set "
        "anew so that blocks come every ten minutes at the pace just seen: the retarget.",
    ),
    Term(
        "cause",
        "Cause of a fall",
        "Luck: blocks that happened to be slow. Curtailment: machines switched off for hours or "
        "days, for weather or the price of power. Economics: machines that no longer earn their "
        "power. Structural exit: machines that leave for months, after a ban for one. Each has a "
        "probability, from stated assumptions and the evidence beside it.",
    ),
    Term(
        "forecast",
        "Forecast, its bands",
        "Where the hashrate, and with it the difficulty, goes: not one figure but a distribution. "
        "Its median is the middle; a 95% band holds what comes 95 times in 100. It follows from "
        "blocks and prices known at its moment; a new cause, a ban or a storm, is not in it.",
    ),
    Term(
        "ribbons",
        "Hash ribbons, inversion, capitulation",
        "The 30-day and the 60-day mean of the hashrate. When the shorter lies below the longer "
        "they are inverted: hashrate has been falling. By C. Edwards' rule of 2019 this marks "
        "miners giving up, which is called capitulation; recovery is the day they cross back.",
    ),
    Term(
        "buy",
        "Buy rule",
        "The first day on or after a recovery on which the 10-day mean price is above the 20-day "
        "mean. It is shown because people use it, not as advice; few episodes stand behind it.",
    ),
    Term(
        "hashprice",
        "Hashprice",
        "What a petahash a second earns in a day, in US dollars: subsidy and fees at a difficulty "
        "and a price. Mean of a day: at the mean difficulty of its blocks; now: at the difficulty "
        "in force. A petahash is about the work of five machines of 2024.",
    ),
    Term("hashvalue", "Hashvalue", "The same in bitcoin: hashprice without the price."),
    Term(
        "puell",
        "Puell multiple",
        "The dollar value of the day's new coins over its own mean of 365 days. Below one, miners "
        "take in less than they were used to; below one half has been rare.",
    ),
    Term(
        "fees",
        "Fee share",
        "Fees over all that miners were paid, subsidy and fees.",
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
        "The gauge says how unusual the strain on miners is: where seven signs of it stand among "
        "their own past, 0 calm, 100 stress. Sustainability says whether those who mine can go on: "
        "which hashrate pays, what power leaves of revenue, how much of its cost a coin fetches.",
    ),
    Term(
        "cost",
        "Cost of a coin",
        "What is paid to make a bitcoin. It depends on what is counted: electricity alone, or "
        "buildings, staff and machines too. Regression-based valuation models are called costs as "
        "well, but they follow past prices.",
    ),
    Term(
        "shutdown",
        "Shutdown price",
        "The price of bitcoin below which a machine earns less than its power costs, with "
        "difficulty and fees as they are.",
    ),
    Term(
        "pools",
        "Pool",
        "Miners who share their luck: whichever of them finds a block, all are paid. Which pool a "
        "block is of is told by a tag in its coinbase or by the address paid, against a list.",
    ),
    Term(
        "groups",
        "Groups of pools",
        "Pools that are believed to share block templates or an owner, counted as one. Who belongs "
        "together, and on whose word, is said by `hashcanary pools --by group`.",
    ),
    Term(
        "nakamoto",
        "Nakamoto coefficient",
        "The fewest pools that together found more than half of the blocks: the fewer, the more "
        "depends on a handful.",
    ),
    Term(
        "hhi",
        "Herfindahl-Hirschman index",
        "The chance that two blocks are of one pool, from 0 to 1. Times 10,000 it is the index by "
        "which competition authorities judge markets.",
    ),
    Term(
        "halving",
        "Halving",
        "Every 210,000 blocks, about four years, the new bitcoin in a block are cut in half.",
    ),
)
