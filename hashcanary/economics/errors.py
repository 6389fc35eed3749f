"""Errors of the economics of mining."""

from __future__ import annotations

from hashcanary.errors import Exit, HashcanaryError


class BadFigures(HashcanaryError):
    """A file of stated figures, of rigs or of power prices, that cannot be used."""

    template = (
        "{file}, {place}: expected {expected}, found {found}. Correct the file; the built-in ones "
        "(economics/*/*.toml) show the form."
    )
    exit_code = Exit.USAGE
    http_status = 400


class NoRigYet(HashcanaryError):
    """A moment before a rig, or the first rig of the catalogue, was sold."""

    template = (
        "expected a moment from {first} on, the release of {rig}, found {at}. Use a later --at, or "
        "a catalogue with earlier rigs."
    )
    exit_code = Exit.MISSING
    http_status = 404


class UnknownRig(HashcanaryError):
    """A name that no rig of the catalogue has."""

    template = (
        "expected the name of a rig, found {found!r}. {nearest} `hashcanary rigs` lists them; "
        "your own file can extend the list."
    )
    exit_code = Exit.USAGE
    http_status = 400


class UnknownCostModel(HashcanaryError):
    """A name that no model of the cost of a coin has."""

    template = "expected the name of a cost model, one of {known}; found {name!r}."
    exit_code = Exit.USAGE
    http_status = 404


class DuplicateCostModel(HashcanaryError):
    """Two cost models under one name."""

    template = (
        "cost model {name!r} is declared twice, the second time in {module}; names must be "
        "unique. Rename one, or uninstall one of the packages."
    )
    exit_code = Exit.USAGE


class BadCostModel(HashcanaryError):
    """A cost model whose declaration, or whose answer, cannot be used."""

    template = (
        "cost model {model!r}: expected {expected}, found {found}. Correct its declaration or "
        "its function."
    )
    exit_code = Exit.USAGE


class NoCost(HashcanaryError):
    """A record from which no cost of a coin can be computed."""

    template = (
        "expected a day up to {at} with a cost by {model}, found none: {found}. Load blocks "
        "with their fees, or daily rows, and prices with `hashcanary load PATH`."
    )
    exit_code = Exit.MISSING
    http_status = 404


class TooFewDaysForFleet(HashcanaryError):
    """A moment around which the hashrate is not known: no fleet can be drawn."""

    template = (
        "expected a 30-day mean of the hashrate within {days} days before {at}, found the last "
        "on {found}. Load or sync the blocks before it, or use another --at."
    )
    exit_code = Exit.MISSING
    http_status = 404


class TooFewDaysForDrift(HashcanaryError):
    """A record too short for the drift of the hashprice."""

    template = (
        "expected {days} days of price and difficulty, found {found}. Load more, or state "
        "per_year and spread in [decline] of a file for --contracts."
    )
    exit_code = Exit.MISSING
    http_status = 404


class NoHashprice(HashcanaryError):
    """A moment around which no hashprice is known."""

    template = (
        "expected a hashprice within {days} days before {at}, found the last on {found}. It needs "
        "blocks and a price: load or sync them, or use another --at."
    )
    exit_code = Exit.MISSING
    http_status = 404


class NoMarket(HashcanaryError):
    """What a hash earns is neither in the record nor stated."""

    template = (
        "expected a price, a difficulty and a subsidy {when}, found no {lacks}. Load or sync "
        "blocks and prices, use another --at, or state "
        "--price, --difficulty and --subsidy, or --hashprice."
    )
    exit_code = Exit.MISSING
    http_status = 404


class NoCompanyReports(HashcanaryError):
    """A record without a report of any company."""

    template = (
        "expected company reports, as known at {at}, found none. Load a file of reports with "
        "`hashcanary load reports.csv`: `hashcanary companies --example` prints one, "
        "docs/companies.md describes its columns."
    )
    exit_code = Exit.MISSING
    http_status = 404


class UnknownCompany(HashcanaryError):
    """A name of no company that reported."""

    template = "expected a company that reported, one of {known}; found {found!r}."
    exit_code = Exit.USAGE
    http_status = 404
