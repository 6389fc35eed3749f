"""Whatever companies report, zeros and lone figures among it: bands in order, sums that add up."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from math import isfinite

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records import record

from hashcanary.economics.companies.standing import companies_now
from hashcanary.interval import Interval
from hashcanary.moments import DAY, day_start
from hashcanary.sources.files.company_figures import BY_NAME, FIGURES
from hashcanary.store.record import COMPANY_COLUMNS
from hashcanary.views.companies import TABLES, companies

PERIODS = (
    (date(2025, 7, 1), date(2025, 7, 31)),
    (date(2025, 8, 1), date(2025, 8, 31)),
    (date(2025, 7, 1), date(2025, 9, 30)),
    (date(2025, 9, 30), date(2025, 9, 30)),
)


@st.composite
def _rows(draw: st.DrawFn) -> pl.DataFrame:
    keys = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["A", "B", "C"]),
                st.sampled_from([figure.name for figure in FIGURES]),
                st.sampled_from(PERIODS),
            ),
            min_size=1,
            max_size=30,
            unique=True,
        )
    )
    found = []
    for company, name, (first, last) in keys:
        figure = BY_NAME[name]
        least, most = (int(Fraction(one) * 10**figure.decimals) for one in _limits(name))
        value = draw(st.one_of(st.just(least), st.just(most), st.integers(least, most)))
        found.append(
            {
                "company": company,
                "figure": name,
                "period_start": first,
                "period_end": last,
                "value": value,
                "unit": figure.unit,
                "simulated": company == "C",
                "source_url": "u",
                "known_at": day_start(last) + DAY,
                "restated": False,
            }
        )
    return pl.DataFrame(found, schema=COMPANY_COLUMNS)


def _limits(name: str) -> tuple[str, str]:
    return BY_NAME[name].least, BY_NAME[name].most


@settings(max_examples=40, deadline=None)
@given(rows=_rows(), price=st.one_of(st.none(), st.floats(1.0, 1e7)))
def test_any_reports_give_finite_figures_and_bands_in_order(
    rows: pl.DataFrame, price: float | None
) -> None:
    answer = companies(record(companies=rows), price=price)
    for key in TABLES:
        table = answer.named(key)
        for row in table.records():
            json.dumps(row, allow_nan=False)
            for column in table.columns:
                if column.limits and row[column.key] is not None:
                    value, low, high = (row[each] for each in column.keys)
                    assert low <= value * (1 + 1e-12)
                    assert value <= high * (1 + 1e-12)
    found = answer.result
    for name, total in found.totals.items():
        assert total.companies <= len(found.companies)
        assert (total.band is None) == (total.companies == 0), name
        assert total.band is None or all(map(isfinite, total.band.three))


@settings(max_examples=40, deadline=None)
@given(rows=_rows())
def test_sums_are_those_of_the_companies(rows: pl.DataFrame) -> None:
    """Reckoned again from the rows: coins held at last, of real companies where there is one."""
    found = companies_now(record(companies=rows))
    shown = {one.company.name for one in found.companies}
    counted = rows.filter(pl.col("company").is_in(list(shown)))
    real = counted.filter(~pl.col("simulated"))
    counted = real if real.height else counted
    last = (
        counted.filter(pl.col("figure") == "held")
        .sort("period_end", "known_at", "period_start")
        .group_by("company")
        .last()
    )
    band = found.totals["held_btc"].band
    expected = int(last["value"].sum()) / 1e8
    assert (band is None) == last.is_empty()
    assert band is None or band == Interval.exact(band.value)
    assert band is None or abs(band.value - expected) <= 1e-6 * max(expected, 1)
