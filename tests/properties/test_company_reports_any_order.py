"""Company reports in whatever files, order, overlap and repeats: one table, one record."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hashcanary.chain.networks import REGTEST
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.recording import record_of

HEAD = "company,period,published,source_url,held_btc,produced_btc,revision,simulated"
# what was published on one day for a company and month is told once; files may repeat it
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["A", "B"]),
        st.integers(1, 3),
        st.integers(1, 3),
        st.sampled_from(["u", "v"]),
        st.one_of(st.none(), st.integers(0, 5)),
        st.integers(0, 5),
        st.integers(0, 1),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda row: (row[0], row[1], row[2], row[6], row[7]),
)


def line(row: tuple[str, int, int, str, int | None, int, int, bool]) -> str:
    company, month, after, url, held, produced, revision, simulated = row
    return (
        f"{company},2024-0{month},2024-0{month + after}-05,{url},"
        f"{'' if held is None else held},{produced},{revision},{'yes' if simulated else ''}"
    )


def write(folder: Path, name: str, lines: list[str]) -> Path:
    path = folder / name
    path.write_text("\n".join((HEAD, *lines, "")), encoding="utf-8")
    return path


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, parts=st.integers(1, 3), order=st.randoms(use_true_random=False))
def test_reports_in_any_order_give_one_lake(rows: list, parts: int, order: Random) -> None:
    lines = [line(row) for row in rows]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        groups = [lines[part::parts] or lines for part in range(parts)]
        paths = [write(folder, f"{part}.csv", group) for part, group in enumerate(groups)]
        # one more that repeats all of it
        paths.append(write(folder, "all.csv", lines))
        at_once = load(Lake.create(folder / "one", REGTEST), paths, now=0).lake
        shuffled = paths * 2
        order.shuffle(shuffled)
        piecewise = Lake.create(folder / "two", REGTEST)
        for path in shuffled:
            piecewise = load(piecewise, [path], now=0).lake
        assert piecewise.frame("companies").equals(at_once.frame("companies"))
        assert record_of(piecewise).companies.equals(record_of(at_once).companies)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS)
def test_the_record_takes_what_was_published_last(rows: list) -> None:
    """By a reckoning of its own: real before simulated, then the latest day, then the revision."""
    with tempfile.TemporaryDirectory() as name:
        path = write(Path(name), "all.csv", [line(row) for row in rows])
        lake = load(Lake.create(Path(name) / "lake", REGTEST), [path], now=0).lake
        found = record_of(lake).companies
    best: dict[tuple[str, int], tuple[tuple[bool, int, int], int]] = {}
    for company, month, after, _, _, produced, revision, simulated in rows:
        rank = (not simulated, month + after, revision)
        if best.get((company, month), (rank, -1))[0] <= rank:
            best[company, month] = (rank, produced)
    told = {
        (row["company"], row["period_start"].month): row["value"] // 10**8
        for row in found.iter_rows(named=True)
        if row["figure"] == "produced"
    }
    assert told == {key: produced for key, (_, produced) in best.items()}
