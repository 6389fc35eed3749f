"""Chapter 3: what miners earn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.report.document import Drawing, Ledger, Section
from hashcanary.views.text import day, percent

if TYPE_CHECKING:
    from hashcanary.report.document import Figure
    from hashcanary.report.reading import Reading

# metric, label, glossary term
_FIGURES: tuple[tuple[str, str, str], ...] = (
    ("hashprice", "Hashprice, mean of the day", "hashprice"),
    ("hashprice.realised", "Hashprice, realised: revenue over estimated hashrate", "hashprice"),
    ("hashvalue", "Hashvalue", "hashvalue"),
    ("hashvalue.sats", "Hashvalue, in satoshis per terahash", "hashvalue"),
    ("revenue.usd", "Revenue of all miners, a day", ""),
    ("revenue.btc", "Revenue of all miners, a day, in bitcoin", ""),
    ("fees.share", "Fees in revenue", "fees"),
    ("puell", "Puell multiple, new coins only", "puell"),
    ("puell.with_fees", "Puell multiple, fees included", "puell"),
    ("price", "Price", ""),
)
_PRICED = frozenset({"hashprice", "hashprice.realised", "revenue.usd", "puell", "puell.with_fees"})


def revenue(reading: Reading) -> Section:
    """Hashprice, hashvalue, fees, Puell multiple, revenue and price."""
    return Section(
        key="revenue",
        short="Revenue",
        title="What miners earn",
        lead=_lead(reading),
        parts=(
            Drawing("hashprice"),
            Ledger(
                "revenue",
                "Hashprice, revenue, fees",
                tuple(_figure(reading, *entry) for entry in _FIGURES),
            ),
            Drawing("puell"),
        ),
        notes=(
            "Both forms of hashprice agree, because the day's number of blocks cancels out. The "
            "interval of the realised form covers the luck of that day.",
        ),
    )


def _figure(reading: Reading, name: str, label: str, term: str) -> Figure:
    from dataclasses import replace

    note = reading.standing(name)
    figure = reading.figure(
        name, label, term=term, note=note, source="closing prices" if name == "price" else ""
    )
    if name in _PRICED and figure.source:
        figure = replace(figure, source=figure.source + ", closing prices")
    return figure


def _lead(reading: Reading) -> str:
    row = reading.current("hashprice")
    if row is None:
        why = reading.figure("hashprice", "").missing
        return f"Missing: the hashprice of the last days ({why})."
    text = f"A petahash per second earned {row['value']:,.2f} US dollars on {day(row['time'])}"
    change = reading.a_year_before("hashprice")
    if change is not None:
        text += f", {percent(abs(change))} {'less' if change < 0 else 'more'} than a year before"
    puell = reading.current("puell")
    if puell is not None:
        share = puell["value"]
        text += (
            f". The Puell multiple is {share:.2f}: the value of the day's new coins over its mean "
            "of 365 days"
        )
    return text + "."
