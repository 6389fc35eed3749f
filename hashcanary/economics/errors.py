"""Errors of the economics of mining."""

from __future__ import annotations

from hashcanary.errors import BadDeclaration, BadInput, NotKnown, UnknownName


class BadFigures(BadInput):
    """A file of stated figures, of rigs or of power prices, that cannot be used."""

    template = (
        "{file}, {place}: expected {expected}, found {found}. Correct the file; the built-in ones "
        "(economics/*/*.toml) show the form."
    )


class NoRigYet(NotKnown):
    """A moment before a rig, or the first rig of the catalogue, was sold."""

    template = (
        "expected a moment from {first} on, the release of {rig}, found {at}. Use a later --at, or "
        "a catalogue with earlier rigs."
    )


class UnknownRig(BadInput):
    """A name that no rig of the catalogue has."""

    template = (
        "expected the name of a rig, found {found!r}. {nearest} `hashcanary rigs` lists them; "
        "your own file can extend the list."
    )


class UnknownCostModel(UnknownName):
    """A name that no model of the cost of a coin has."""

    template = "expected the name of a cost model, one of {known}; found {name!r}."


class BadCostModel(BadDeclaration):
    """A cost model whose declaration, or whose answer, cannot be used."""

    template = (
        "cost model {model!r}: expected {expected}, found {found}. Correct its declaration or "
        "its function."
    )


class NoCost(NotKnown):
    """A record from which no cost of a coin can be computed."""

    template = (
        "expected a day up to {at} with a cost by {model}, found none: {found}. Load blocks "
        "with their fees, or daily rows, and prices with `hashcanary load PATH`."
    )


class TooFewDaysForFleet(NotKnown):
    """A moment around which the hashrate is not known: no fleet can be drawn."""

    template = (
        "expected a 30-day mean of the hashrate within {days} days before {at}, found the last "
        "on {found}. Load or sync the blocks before it, or use another --at."
    )


class TooFewDaysForDrift(NotKnown):
    """A record too short for the drift of the hashprice."""

    template = (
        "expected {days} days of price and difficulty, found {found}. Load more, or state "
        "per_year and spread in [decline] of a file for --contracts."
    )


class NoHashprice(NotKnown):
    """A moment around which no hashprice is known."""

    template = (
        "expected a hashprice within {days} days before {at}, found the last on {found}. It needs "
        "blocks and a price: load or sync them, or use another --at."
    )


class NoMarket(NotKnown):
    """What a hash earns is neither in the record nor stated."""

    template = (
        "expected a price, a difficulty and a subsidy {when}, found no {lacks}. Load or sync "
        "blocks and prices, use another --at, or state "
        "--price, --difficulty and --subsidy, or --hashprice."
    )


class NoCompanyReports(NotKnown):
    """A record without a report of any company."""

    template = (
        "expected company reports, as known at {at}, found none. Load a file of reports with "
        "`hashcanary load reports.csv`: `hashcanary companies --example` prints one, "
        "docs/companies.md describes its columns."
    )


class UnknownCompany(UnknownName):
    """A name of no company that reported."""

    template = "expected a company that reported, one of {known}; found {found!r}."
