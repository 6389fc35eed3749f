"""The pools of ``pandas_metrics``: concentration in plain pandas, as an analyst would write it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import special, stats

from hashcanary.sources.pools.pool_lists import built_in

Table = pd.DataFrame
Metric = Callable[[Table], Table]
KINDS = {"": "pool:", "group_": "group:"}


def pool_columns(rows: Table) -> Table:
    """Blocks by pool and by group of each final day whose blocks all have a label.

    rows: a block each, with ``day``, ``time`` and ``pool`` (None without a label).
    """
    labelled = rows["pool"].notna().groupby(rows["day"]).all()
    rows = rows[rows["day"].map(labelled)].copy()
    aliases = {alias: pool.slug for pool in built_in().pools for alias in pool.aliases}
    rows["pool"] = rows["pool"].replace(aliases)
    rows["group"] = rows["pool"]
    for group in built_in().groups:
        during = rows["time"].between(group.since, group.until, inclusive="left")
        rows.loc[during & rows["pool"].isin(group.members), "group"] = group.slug
    return pd.concat(
        [
            pd.crosstab(rows["day"], rows[kind]).add_prefix(f"{kind}:").astype(float)
            for kind in ("pool", "group")
        ],
        axis=1,
    )


def window(table: Table, prefix: str, days: int) -> tuple[Table, pd.Series, pd.Series]:
    """Blocks of each known pool, of none, and of all, over the last ``days`` days."""
    counts = table[[column for column in table if str(column).startswith(prefix)]]
    # running sums of small whole numbers are exact
    rolled = counts.rolling(days).sum().round()
    unknown = f"{prefix}unknown"
    return rolled.drop(columns=unknown), rolled[unknown], rolled.sum(axis=1, min_count=1)


def limits(count: pd.Series, total: pd.Series) -> Table:
    return pd.DataFrame(
        {
            "value": count / total,
            "low": stats.beta.ppf(0.025, count, total - count + 1),
            "high": stats.beta.ppf(0.975, count + 1, total - count),
            "blocks": total,
        }
    ).mask(total.isna())


def unknown_share(days: int) -> Metric:
    def metric(table: Table) -> Table:
        _, unknown, total = window(table, "pool:", days)
        made = limits(unknown, total)
        made.loc[unknown == 0, "low"] = 0.0
        return made

    return metric


def largest_share(prefix: str, days: int) -> Metric:
    def metric(table: Table) -> Table:
        known, _, total = window(table, prefix, days)
        return limits(known.max(axis=1), total)

    return metric


def hhi(prefix: str, days: int) -> Metric:
    def metric(table: Table) -> Table:
        known, _, total = window(table, prefix, days)
        index = (known * (known - 1)).sum(axis=1) / (total * (total - 1))
        share = known.div(total, axis=0)
        square, cube = (share**2).sum(axis=1), (share**3).sum(axis=1)
        variance = (4 * (total - 2) * (cube - square**2) + 2 * (square - square**2)) / (
            total * (total - 1)
        )
        factor = np.exp(stats.norm.ppf(0.975) * np.sqrt(variance) / index)
        made = {"value": index, "low": index / factor, "high": index * factor, "blocks": total}
        return pd.DataFrame(made)

    return metric


def nakamoto(prefix: str, days: int) -> Metric:
    def metric(table: Table) -> Table:
        known, _, total = window(table, prefix, days)
        sums = np.sort(known.to_numpy(), axis=1)[:, ::-1].cumsum(axis=1)
        n = total.to_numpy()[:, None]
        k = np.arange(1, sums.shape[1] + 1)
        pools = (known > 0).sum(axis=1).to_numpy()[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            level = 0.025 * 0.5**k / special.comb(pools, k)
            tests = {
                "value": 2 * sums > n,
                "low": stats.binom.cdf(sums, n, 0.5) >= 0.025,
                "high": (stats.binom.sf(sums - 1, n, 0.5) < level) & (k <= pools),
            }
        made = {
            name: np.where(test.any(axis=1), test.argmax(axis=1) + 1.0, np.nan)
            for name, test in tests.items()
        }
        return pd.DataFrame({**made, "blocks": total}, index=table.index)

    return metric


METRICS: dict[str, Metric] = {}
for _days in (7, 30):
    METRICS[f"pools.unknown_share{_days}"] = unknown_share(_days)
    for _kind, _prefix in KINDS.items():
        METRICS[f"pools.{_kind}largest_share{_days}"] = largest_share(_prefix, _days)
        METRICS[f"pools.{_kind}hhi{_days}"] = hhi(_prefix, _days)
        METRICS[f"pools.{_kind}nakamoto{_days}"] = nakamoto(_prefix, _days)
