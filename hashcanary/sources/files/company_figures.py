"""The figures that company reports may hold: one entry each; one more entry is one more column.

A figure is kept as an integer of a unit small enough that what companies publish is exact:
satoshis, US cents, kilowatts. A value is never guessed: what was not reported has no row.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

# a figure is of the whole period, of its end, or a mean over it
Span = Literal["period", "end", "mean"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a report.

    name: in the lake. head: of its column in a file, with the unit people write. unit: of the
    lake's integers. decimals: how many places of the file's unit the lake's holds. least, most: of
    what is believed, in the file's unit; beyond them a unit was mistaken.
    """

    name: str
    head: str
    span: Span
    unit: str
    decimals: int
    least: str
    most: str
    meaning: str

    def amount(self, stored: int) -> Fraction:
        """A stored integer in the unit of the file, exact."""
        return Fraction(stored, 10**self.decimals)

    def holds(self, stored: int) -> bool:
        """Whether a stored integer lies within the figure's limits."""
        return Fraction(self.least) <= self.amount(stored) <= Fraction(self.most)

    def shown(self, stored: int) -> str:
        """A stored integer as a file would have it: ``533.5``."""
        whole, rest = divmod(stored, 10**self.decimals)
        digits = f"{rest:0{self.decimals}d}".rstrip("0")
        return f"{whole}.{digits}" if digits else str(whole)


def _btc(name: str, span: Span, meaning: str) -> Figure:
    return Figure(name, f"{name}_btc", span, "satoshis", 8, "0", "21000000", meaning)


def _usd(name: str, head: str, span: Span, meaning: str) -> Figure:
    return Figure(name, head, span, "usd_cents", 2, "0", "1000000000000", meaning)


def _mw(name: str, meaning: str) -> Figure:
    return Figure(name, f"{name}_mw", "end", "kilowatts", 3, "0", "100000", meaning)


def _ehs(name: str, span: Span, meaning: str) -> Figure:
    return Figure(name, f"{name}_ehs", span, "terahashes_per_second", 6, "0", "10000", meaning)


FIGURES: tuple[Figure, ...] = (
    _btc("produced", "period", "coins mined for the company itself, its part of joint ventures"),
    _btc("bought", "period", "coins bought"),
    _btc("sold", "period", "coins sold"),
    _usd("sale_proceeds", "sale_proceeds_usd", "period", "what the coins sold brought"),
    _btc("held", "end", "coins held, restricted ones among them"),
    _btc("restricted", "end", "of those held: pledged, lent, or restricted otherwise"),
    _usd("cash", "cash_usd", "end", "cash and equivalents, without restricted cash"),
    _usd("debt", "debt_usd", "end", "all borrowings, convertible ones among them, at face value"),
    _usd("convertible", "convertible_usd", "end", "of the debt: convertible notes, at face value"),
    _usd("power_cost", "power_cost_usd", "period", "power of own mining, less credits"),
    Figure(
        "power_price",
        "power_price_usd_per_kwh",
        "mean",
        "usd_millionths_per_kwh",
        6,
        "0.0001",
        "1",
        "mean price of power, delivered, less credits",
    ),
    _ehs("hashrate_energized", "end", "own machines that could run: energized, deployed"),
    _ehs("hashrate_average", "mean", "what ran on average: operating"),
    Figure(
        "efficiency",
        "efficiency_j_per_th",
        "end",
        "millijoules_per_terahash",
        3,
        "1",
        "10000",
        "of the own fleet; W/TH is the same",
    ),
    _mw("capacity", "power for mining and everything else that is connected and can be used"),
    _mw("ai_contracted", "critical IT load let under signed contracts for AI or HPC"),
    _mw("ai_gross", "power of the sites behind that load, cooling included"),
    _mw("ai_energized", "of the load contracted: delivered, and paid for"),
    _usd(
        "ai_revenue_per_year",
        "ai_revenue_usd_per_year",
        "end",
        "mean yearly revenue of those contracts over their first term",
    ),
)
BY_NAME: dict[str, Figure] = {figure.name: figure for figure in FIGURES}
BY_HEAD: dict[str, Figure] = {figure.head: figure for figure in FIGURES}
