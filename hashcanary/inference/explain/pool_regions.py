"""Where the machines behind each pool stand: ``pool_regions.toml`` or a user's file, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.errors import BadStatement
from hashcanary.moments import DAY
from hashcanary.stated import Place, read_document

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ALWAYS = 1 << 62


@dataclass(frozen=True, slots=True)
class Exposure:
    """Where a pool's hashrate stands. parts: by region; sure: size of the Beta prior it is worth.

    since, until: Unix seconds between which it holds. source: who says so.
    """

    slug: str | None
    parts: dict[str, float]
    sure: float
    source: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class PoolRegions:
    """All entries. power: region of each vendor of the price of power; names: of regions."""

    regions: tuple[str, ...]
    names: dict[str, str]
    power: dict[str, str]
    entries: tuple[Exposure, ...]

    def of(self, pool: str, time: float) -> Exposure | None:
        """A pool's entry at a moment, the world's where it has none; None without either."""
        now = [one for one in self.entries if one.since <= time < one.until]
        own = [one for one in now if one.slug == pool]
        return next(iter(own), next((one for one in now if one.slug is None), None))

    def table(self, pools: tuple[str, ...], time: float) -> tuple[Floats, Floats]:
        """Expected parts (pools, regions) and sureness (pools,) at a moment."""
        parts, sure = np.zeros((len(pools), len(self.regions))), np.full(len(pools), 2.0)
        for at, pool in enumerate(pools):
            entry = self.of(pool, time)
            if entry is None:
                parts[at] = 1.0 / (len(self.regions) + 1)
                continue
            parts[at] = [entry.parts.get(region, 0.0) for region in self.regions]
            sure[at] = entry.sure
        return parts, sure


def read_pool_regions(path: Path | None = None) -> PoolRegions:
    """The entries of a file, the built-in ones without. Raises BadStatement."""
    package = "hashcanary.inference.explain"
    document = read_document(package, "pool_regions.toml", path, BadStatement)
    regions = document.texts("regions")
    if not regions:
        raise document.bad("regions", "a region or more", [])
    names = document.part("names")
    power = document.part("power")
    vendors = {vendor: power.text(vendor) for vendor in power.table}
    for vendor, region in vendors.items():
        if region not in regions:
            raise power.bad(vendor, f"one of {', '.join(regions)}", region)
    entries = [_exposure(one, regions, one.text("slug")) for one in document.parts("pool")]
    entries += [_exposure(one, regions, None) for one in document.parts("world")]
    _apart(document, entries)
    return PoolRegions(
        regions, {region: names.text(region) for region in regions}, vendors, tuple(entries)
    )


def _exposure(place: Place, regions: tuple[str, ...], slug: str | None) -> Exposure:
    since, until = place.day("from", 0), place.day("until", _ALWAYS - DAY) + DAY
    if since >= until:
        raise place.bad("until", "a day after from", place.table.get("until"))
    return Exposure(
        slug,
        place.shares("exposure", regions),
        place.number("sure", 1.0, 1e6),
        place.text("source"),
        since,
        until,
    )


def _apart(document: Place, entries: list[Exposure]) -> None:
    """Refuse two entries of one pool that hold at one moment."""
    for at, one in enumerate(entries):
        for other in entries[:at]:
            if one.slug == other.slug and one.since < other.until and other.since < one.until:
                name = one.slug or "the world"
                raise document.bad("pool", f"one entry of {name} at a time", "two")
