"""Daily series of power that others compute with: their names, units and what their values can be.

A price in another unit than its name says is not taken: no grid has had prices of hours beyond
these limits (Texas' cap was 9,000 USD/MWh in 2021, Australia's is below 15,000; floors are -1,000
or higher), and no grid's prices stay below 1 USD/MWh, as they would if they were per kWh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.sources.files.tables import normal

if TYPE_CHECKING:
    import polars as pl

    from hashcanary.sources.files.columns import Table

PRICE, REAL_TIME, LOAD = (
    "power_price_usd_per_mwh",
    "power_price_real_time_usd_per_mwh",
    "power_load_mw",
)
_LOWEST, _HIGHEST = -2_000.0, 20_000.0
_LARGEST_LOAD = 2_000_000.0
_SMALL, _ENOUGH = 1.0, 24
_UNIT = "Is it of another unit? A mapping's multiply brings it to this one (docs/mapping.md)."


def check_power(table: Table, name: str, values: pl.Series) -> pl.Series:
    """Values of a series, if they can be what its name says. Raises BadValue.

    name: a series' or a column's; values: row for row as ``table``, null where there is none.
    Series of other names pass as they are.
    """
    if normal(name) in (PRICE, REAL_TIME):
        what = f"USD/MWh, from {_LOWEST:,.0f} to {_HIGHEST:,.0f}"
        table.refuse((values < _LOWEST) | (values > _HIGHEST), name, what, _UNIT)
        tiny = values.abs() < _SMALL
        if values.count() >= _ENOUGH and bool(tiny.all()):
            table.refuse(tiny, name, "USD/MWh, not all below 1", _UNIT)
    if normal(name) == LOAD:
        what = f"MW, above 0 and up to {_LARGEST_LOAD:,.0f}"
        table.refuse((values <= 0) | (values > _LARGEST_LOAD), name, what, _UNIT)
    return values
