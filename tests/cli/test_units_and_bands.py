"""Every number that the commands of mining's economics print has its unit, and its band beside it.

In JSON a number's unit stands at the end of its key, in ``units`` of the document, or in ``unit``
of its row; in CSV at the end of its column's name. A cost or a share has its low and high end, what
kind of interval that is and what it rests on in the same row.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from typing import TYPE_CHECKING, Any

import pytest

from hashcanary.units import known_units

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]
    Printed = Callable[[str, str], str]

_COMMANDS = {
    "supply curve": ("study", "supply"),
    "supply rigs": ("study", "supply", "--show", "rigs"),
    "supply assumptions": ("study", "supply", "--show", "assumptions"),
    "supply own": ("study", "supply", "--power-price", 0.06),
}
# counts have no unit
_COUNTS = {
    "draws": "of draws",
    "spells": "of spells",
    "measured": "of spells",
    "independent": "of windows",
    "base_independent": "of windows",
    "history_draws": "of draws",
}
# a block's place in the chain has no unit
_PLACES = ("height", "retarget_height")
# in a row that names its unit
_OF_ROW = re.compile(r"(low|high|middle|median|mean|value)(_\d+)?$")
# no cost and no share, or exact: numbers that need no band
_EXACT = {
    "price": "observed",
    "power_w": "of the nameplate, as its efficiency",
    "power": "of the nameplate, as its efficiency",
    "hashrate": "of the nameplate",
    "hashrate_ths": "stated",
    "power_price_usd_per_kwh": "stated",
    "hashprice_usd_per_phs_day": "where the curve is told",
    "price_usd_per_btc": "follows from the hashprice",
    "under_water_mean_fraction": "mean of the draws whose band stands beside it",
    "middle": "its ends stand beside it",
    "cost": "its ends by the assumption stand beside it",
    "cost_at_low": "an end",
    "cost_at_high": "an end",
    "swing": "of both ends",
    "under_water_at_low_fraction": "an end",
    "under_water_at_high_fraction": "an end",
    "variance_explained_fraction": "of the draws",
    "horizon": "asked for",
    "mean": "of the spells that were, not of a share",
    "median": "of the spells that were, not of a share",
}
_LIMIT = re.compile(r"(^|_)(low|high)(_|$)")


@pytest.fixture(scope="module")
def known() -> dict[tuple[str, str], str]:
    """What was printed already."""
    return {}


@pytest.fixture
def printed(call: Run, lake: Path, known: dict[tuple[str, str], str]) -> Printed:
    """What a command prints, in a form; each is asked once."""

    def ask(name: str, form: str) -> str:
        if (name, form) not in known:
            done = call("--home", lake, form, *_COMMANDS[name])
            assert done.returncode == 0, done.stderr
            known[name, form] = done.stdout
        return known[name, form]

    return ask


def _has_unit(key: str) -> bool:
    plain = re.sub(r"_(low|high|mean)$|_of_[a-z]+$", "", key)
    return any(plain == one or plain.endswith(f"_{one}") for one in known_units())


def _numbers(value: Any, key: str, around: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Keys of all numbers inside, each with the object it stands in."""
    if isinstance(value, dict):
        for name, one in value.items():
            # what stands inside a key with a unit is in that unit
            if name != "provenance" and not _has_unit(name):
                yield from _numbers(one, name, value)
    elif isinstance(value, list):
        for one in value:
            yield from _numbers(one, key, around)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield key, around


def bare_keys(document: dict[str, Any]) -> set[str]:
    """Keys of numbers whose unit is nowhere said."""
    units = document.get("units", {})
    assert set(units.values()) <= set(known_units())
    return {
        key
        for key, around in _numbers(document, "", {})
        if not (key in units or key in _COUNTS or key in _PLACES or around.get("unit"))
    }


def _limits(key: str) -> list[tuple[str, str]]:
    """Where the ends of a number's band may stand: ``low``, ``x_low``, ``x_low_unit``."""
    found = [("low", "high")] if key == "cost" else []
    found.append((f"{key}_low", f"{key}_high"))
    if key == "share_positive":
        found.append(("share_low", "share_high"))
    for unit in known_units():
        if key.endswith(f"_{unit}"):
            name = key.removesuffix(f"_{unit}")
            found.append((f"{name}_low_{unit}", f"{name}_high_{unit}"))
    return found


def bandless(row: dict[str, Any]) -> set[str]:
    """Keys of a row's numbers that need a band and have none, or one that does not hold them."""
    found = set()
    for key, value in row.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or key in _COUNTS:
            continue
        if _LIMIT.search(key) or (key in _EXACT and (key != "cost" or "cost_at_low" in row)):
            continue
        ends = [one for one in _limits(key) if one[0] in row]
        low, high = (row[end] for end in ends[0]) if ends else (math.nan, math.nan)
        # an end that is not told is infinite, as a payback that never comes
        low, high = (math.inf if end is None else end for end in (low, high))
        if not low <= value <= high:
            found.add(key)
    return found


@pytest.mark.parametrize("name", _COMMANDS)
def test_numbers_of_json_have_units(printed: Printed, name: str) -> None:
    document = json.loads(printed(name, "--json"))
    assert document["rows"]
    assert bare_keys(document) == set()


@pytest.mark.parametrize("name", _COMMANDS)
def test_numbers_of_csv_have_units(printed: Printed, name: str) -> None:
    rows = list(csv.DictReader(io.StringIO(printed(name, "--csv"))))
    for key in rows[0]:
        if any(_is_number(row[key]) for row in rows):
            said = _OF_ROW.match(key) and "unit" in rows[0]
            assert _has_unit(key) or said or key in _COUNTS, key
        # no cell has the type of a number beside it
        assert not any("(" in row[key] for row in rows if row[key].startswith("np."))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", list(_COMMANDS)[:11])
def test_costs_and_shares_have_band_and_assumptions_in_their_row(
    printed: Printed, name: str
) -> None:
    for row in json.loads(printed(name, "--json"))["rows"]:
        if row.get("kind") == "published":
            assert row["band"].startswith("none")
            continue
        assert bandless(row) == set()
        assert row.get("interval") or row.get("band")
        assert row.get("rests_on") or row.get("assumptions") or row.get("sources")
    for row in csv.DictReader(io.StringIO(printed(name, "--csv"))):
        assert row.get("interval") or row.get("band")
        assert row.get("rests_on") or row.get("assumptions") or row.get("sources")


def test_a_number_without_unit_or_band_is_found() -> None:
    row = {"cost": 2.0, "low": 1.0, "high": 3.0, "power": 0.05, "ehs": 4, "note": "x", "on": True}
    assert bare_keys({"units": {"cost": "usd_per_btc"}, "rows": [row]}) == {"low", "high", "power"}
    assert bandless(row) == {"ehs"}
    assert bandless({**row, "low": 2.5}) == {"cost", "ehs"}
    assert bandless({"x_fraction": 0.2, "x_low_fraction": 0.1, "x_high_fraction": 0.3}) == set()
