"""The peer of ``all_metrics``: every metric in plain pandas, as an analyst would write it.

Frames are indexed by day number (days since 1970) or by epoch; a metric's columns stand in them as
NAME, NAME.low, NAME.high, NAME.EXTRA. It leaves out what hashcanary derives beside values: when a
row was known, what it rests on, why it is missing.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable

import numpy as np
import pandas as pd
from pandas_pools import pool_columns
from scipy import stats

DAY = 86_400
EXACT = 65536 / 65535
Table = pd.DataFrame
Metric = Callable[[Table], Table | pd.Series]


def target(bits: int) -> int:
    return (bits & 0x7FFFFF) << (8 * ((bits >> 24) - 3))


def base_tables(blocks: Table, daily: Table, candles: Table) -> dict[str, Table]:
    """Day and epoch columns from blocks, vendors' days and candles."""
    blocks = blocks.copy()
    table = {bits: target(bits) for bits in blocks["bits"].unique().tolist()}
    blocks["work"] = blocks["bits"].map({b: float(2**256 // (t + 1)) for b, t in table.items()})
    blocks["difficulty"] = blocks["bits"].map({b: (0xFFFF << 208) / t for b, t in table.items()})
    blocks["subsidy"] = blocks["height"].map(lambda height: (50 * 10**8) >> (height // 210_000))
    blocks["work_squared"] = blocks["work"] ** 2
    blocks["run"] = (blocks["height"].diff() > 1).cumsum()
    vendor = daily[daily["vendor"] == "coinmetrics"].pivot(
        index="day", columns="series", values="value"
    )
    vendor.index = pd.to_datetime(vendor.index).as_unit("s").astype("int64") // DAY
    first = min(vendor.index.min(), blocks["time"].min() // DAY)
    last = max(vendor.index.max(), blocks["time"].max() // DAY)
    days = pd.DataFrame(index=pd.RangeIndex(first, last + 1))
    for prefix, stamp in (("blocks", "time"), ("mtp", "median_time_past")):
        days = days.join(day_columns(blocks, vendor, prefix, stamp))
    if "pool" in blocks.columns:
        days = days.join(pool_columns(final_rows(blocks, "blocks", "time")[0]))
    days = days.join(core_columns(blocks, days))
    days["price.usd"] = vendor["PriceUSD"].combine_first(midnight_closes(candles))
    days["time"] = days.index * DAY
    return {"day": days, "epoch": epoch_columns(blocks)}


def final_rows(blocks: Table, prefix: str, stamp: str) -> tuple[Table, Table]:
    """The blocks of final days, with their ``day``; and the bounds of each run of heights."""
    bounds = blocks.groupby("run").agg(
        start=("height", "first"),
        open_mtp=("median_time_past", "first"),
        close_mtp=("median_time_past", "max"),
    )
    early = blocks.groupby("run").head(11).groupby("run")["time"].max() + 7200
    opens = early if prefix == "blocks" else bounds["open_mtp"] + 1
    bounds["first_day"] = np.where(bounds["start"] == 0, -np.inf, np.ceil(opens / DAY))
    bounds["last_day"] = np.floor(bounds["close_mtp"] / DAY) - 1
    rows = blocks.dropna(subset=[stamp]).join(bounds[["first_day", "last_day"]], on="run")
    rows["day"] = (rows[stamp] // DAY).astype("int64")
    rows = rows[(rows["day"] >= rows["first_day"]) & (rows["day"] <= rows["last_day"])]
    return rows, bounds


def day_columns(blocks: Table, vendor: Table, prefix: str, stamp: str) -> Table:
    rows, bounds = final_rows(blocks, prefix, stamp)
    grouped = rows.groupby("day")
    made = grouped.agg(
        count=("height", "size"),
        work=("work", "sum"),
        work_squared=("work_squared", "sum"),
        work_max=("work", "max"),
        difficulty_mean=("difficulty", "mean"),
        issuance_btc=("subsidy", "sum"),
        fees_btc=("total_fee", "sum"),
        fees_known=("total_fee", "count"),
        difficulty_last=("difficulty", "last"),
        last_height=("height", "last"),
    )
    made[["issuance_btc", "fees_btc"]] /= 1e8
    made.loc[made["fees_known"] < made["count"], "fees_btc"] = np.nan
    if prefix == "blocks":
        made["supply_btc"] = supply(made["last_height"])
    made = empty_days(made, bounds)
    given = vendor[vendor["BlkCnt"] > 0]
    block_work = given["DiffMean"] * 2.0**32 * EXACT
    theirs = pd.DataFrame(
        {
            "count": given["BlkCnt"],
            "work": given["BlkCnt"] * block_work,
            "work_squared": given["BlkCnt"] * block_work**2,
            "work_max": block_work,
            "difficulty_mean": given["DiffMean"],
            "difficulty_last": given["DiffMean"],
            "issuance_btc": given["IssTotNtv"],
            "supply_btc": given["SplyCur"],
        }
    )
    missing = theirs.index.difference(made.index)
    made = pd.concat([made, theirs.loc[missing]]).sort_index()
    made["fees_btc"] = made["fees_btc"].fillna(vendor["FeeTotNtv"])
    return made.drop(columns="fees_known").add_prefix(f"{prefix}.")


def empty_days(made: Table, bounds: Table) -> Table:
    """Final days of a run in which no block fell."""
    for run in bounds[bounds["last_day"] - bounds["first_day"].clip(lower=0) > 0].itertuples():
        first = int(max(run.first_day, made.index.min()))
        within = pd.RangeIndex(first, int(run.last_day) + 1).difference(made.index)
        for day in within:
            before = made.loc[day - 1]
            made.loc[day] = before
            made.loc[day, ["count", "work", "work_squared", "issuance_btc", "fees_btc"]] = 0.0
            made.loc[day, "difficulty_mean"] = np.nan
            made = made.sort_index()
    return made


def supply(heights: pd.Series) -> pd.Series:
    total, left = 0.0, heights + 1
    for era in range(10):
        total = total + left.clip(0, 210_000) * (50 / 2**era)
        left = left - 210_000
    return total


def core_columns(blocks: Table, days: Table) -> Table:
    """``getnetworkhashps 120`` at each day's last block."""
    grouped = blocks.groupby("run")
    total = grouped["work"].cumsum()
    before = total.groupby(blocks["run"]).shift(120)
    span = grouped["time"].transform(lambda one: one.rolling(121).max() - one.rolling(121).min())
    if blocks["height"].iloc[0] == 0:
        early = blocks["height"].between(1, 119)
        before[early] = total.iloc[0]
        span[early] = blocks["time"].cummax() - blocks["time"].cummin()
    work = total - before
    at = pd.DataFrame({"blocks.core_work": work, "blocks.core_seconds": span}).set_index(
        blocks["height"]
    )
    at = at[at["blocks.core_seconds"].notna()]
    found = at.reindex(days["blocks.last_height"])
    found.index = days.index
    return found


def midnight_closes(candles: Table) -> pd.Series:
    ends = candles["open_time"] + candles["interval"]
    kept = candles[(ends % DAY == 0) & candles["market"].str.match("btcusdt")]
    kept = kept.assign(day=ends // DAY - 1, swap=kept["market"].str.contains("perp"))
    kept = kept.sort_values(["day", "swap", "interval"], ascending=[True, True, False])
    return kept.groupby("day")["close"].first()


def epoch_columns(blocks: Table) -> Table:
    at = blocks.set_index("height")
    firsts = at[at.index % 2016 == 0]
    heights = firsts.index
    last_time = at["time"].reindex(heights + 2015).to_numpy()
    by_epoch = blocks.groupby(blocks["height"] // 2016)["difficulty"].last()
    following = at[["difficulty", "bits"]].reindex(heights + 2016).to_numpy().T
    change = firsts["difficulty"].to_numpy() / following[0]
    limited = (np.abs(np.log(change)) > np.log(4) - 1e-4) | (following[1] == 0x1D00FFFF)
    span = last_time - firsts["time"].to_numpy()
    span = np.where(np.isnan(span), np.where(limited, np.nan, change * 14 * DAY), span)
    return pd.DataFrame(
        {
            "time": firsts["time"].to_numpy(),
            "epoch.first_height": heights,
            "epoch.last_height": np.where(np.isnan(last_time), np.nan, heights + 2015),
            "epoch.difficulty": firsts["difficulty"].to_numpy(),
            "epoch.previous_difficulty": by_epoch.reindex(heights // 2016 - 1).to_numpy(),
            "epoch.block_work": firsts["work"].to_numpy(),
            "epoch.intervals": 2015.0,
            "epoch.span": span,
        }
    )


def copy(column: str) -> Metric:
    return lambda table: table[column]


def mean_interval(table: Table) -> Table:
    count = table["blocks.count"].where(table["blocks.count"] > 0)
    return pd.DataFrame(
        {
            "value": DAY / count,
            "low": DAY / (stats.chi2.ppf(0.975, 2 * count + 2) / 2),
            "high": DAY / (stats.chi2.ppf(0.025, 2 * count) / 2),
        }
    )


def epoch_interval(table: Table) -> Table:
    count, span = table["epoch.intervals"], table["epoch.span"]
    return pd.DataFrame(
        {
            "value": span / count,
            "low": 2 * span / stats.chi2.ppf(0.975, 2 * count),
            "high": 2 * span / stats.chi2.ppf(0.025, 2 * count),
        }
    )


def hashrate(prefix: str, days: int) -> Metric:
    def compute(table: Table) -> Table:
        work = table[f"{prefix}.work"].rolling(days).sum()
        squares = table[f"{prefix}.work_squared"].rolling(days).sum()
        largest = table[f"{prefix}.work_max"].rolling(days).max()
        low = stats.gamma.ppf(0.025, work**2 / squares, scale=squares / work)
        upper, variance = work + largest, squares + largest**2
        high = stats.gamma.ppf(0.975, upper**2 / variance, scale=variance / upper)
        seconds = days * DAY
        return pd.DataFrame(
            {
                "value": work / seconds,
                "low": pd.Series(low, table.index).mask(work == 0, 0.0) / seconds,
                "high": high / seconds,
                "effective_blocks": (work**2 / squares).mask(work == 0, 0.0),
            }
        )

    return compute


def hashrate_epoch(table: Table) -> Table:
    count = table["epoch.intervals"]
    scaled = table["epoch.span"] / table["epoch.block_work"]
    return pd.DataFrame(
        {
            "value": (count - 1) / scaled,
            "low": stats.chi2.ppf(0.025, 2 * count) / (2 * scaled),
            "high": stats.chi2.ppf(0.975, 2 * count) / (2 * scaled),
            "intervals": count.where(scaled.notna()),
        }
    )


def poisson_ratio(a: pd.Series, n: pd.Series, b: pd.Series, m: pd.Series) -> list[pd.Series]:
    exposure = (m / b) / (n / a)
    shares = stats.beta.ppf(0.025, n, m + 1), stats.beta.ppf(0.975, n + 1, m)
    return [exposure * share / (1 - share) for share in shares]


def gamma_ratio(a: pd.Series, n: pd.Series, b: pd.Series, m: pd.Series) -> list[pd.Series]:
    return [
        (a / (n - 1)) / (b / (m - 1)) * (n / m) * stats.f.ppf(level, 2 * n, 2 * m)
        for level in (0.025, 0.975)
    ]


def drawdown(rate: str, counted: str, ratio: Callable[..., list[pd.Series]]) -> Metric:
    def compute(table: Table) -> Table:
        rows = table[[rate, f"{rate}.{counted}", "time"]].dropna()
        rows.columns = ["rate", "blocks", "time"]
        fall = (rows["rate"] / rows["rate"].cummax() - 1).round(12)
        at_peak = fall == 0
        spell = at_peak.cumsum()
        of_peak = rows.where(at_peak).ffill()
        low, high = ratio(rows["rate"], rows["blocks"], of_peak["rate"], of_peak["blocks"])
        depth = fall.groupby(spell).cummin().mask(at_peak)
        found = pd.DataFrame(
            {
                "value": fall,
                "low": (low - 1).mask(at_peak, 0),
                "high": (high - 1).mask(at_peak, 0),
                "peak_time": of_peak["time"],
                "depth": depth,
            }
        )
        ranks, counts, since = [], [], []
        past: list[float] = []  # final depths, sorted
        waiting: list[int] = []  # rows that none after them has reached
        deepest, falls, times = np.nan, fall.tolist(), rows["time"].tolist()
        for at, (here, deep) in enumerate(zip(falls, depth.tolist(), strict=True)):
            while waiting and falls[waiting[-1]] > here:
                waiting.pop()
            below = here < 0
            if not below and not np.isnan(deepest):
                bisect.insort(past, deepest)
            deepest = deep
            ranks.append(1 + bisect.bisect_left(past, deep) if below else np.nan)
            counts.append(len(past) + below)
            since.append(times[waiting[-1]] if waiting and below else np.nan)
            waiting.append(at)
        found["rank"], found["drawdowns"], found["deepest_since"] = ranks, counts, since
        return found.reindex(table.index)

    return compute


def oscillator(table: Table) -> Table:
    rate, blocks = table["hashrate.sma30"], table["hashrate.sma30.effective_blocks"]
    ratios = poisson_ratio(rate, blocks, rate.shift(30), blocks.shift(30))
    low, high = ((one - 1) / (one + 1) for one in ratios)
    return pd.DataFrame({"value": rate / table["hashrate.sma60"] - 1, "low": low, "high": high})


def state(table: Table) -> pd.Series:
    value = table["ribbon.oscillator"]
    named = pd.Series(np.where(value < 0, "inverted", "normal"), table.index, dtype=object)
    return named.where(value.notna(), None)


def days_inverted(table: Table) -> pd.Series:
    counted, days = [], np.nan
    for one in table["ribbon.state"]:
        if one == "normal":
            days = 0.0
        elif one == "inverted":
            days += 1
        else:
            days = np.nan
        counted.append(days)
    return pd.Series(counted, table.index)


def recovery(table: Table) -> pd.Series:
    now, before = table["ribbon.state"], table["ribbon.state"].shift(1)
    crossed = ((now == "normal") & (before == "inverted")).astype(object)
    return crossed.where(now.notna() & before.notna(), None)


def buy(*, fresh: bool) -> Metric:
    def compute(table: Table) -> pd.Series:
        above = table["price.sma10"] > table["price.sma20"]
        unknown = table["price.sma20"].isna()
        if fresh:
            unknown |= above & unknown.shift(1, fill_value=True)
            above &= ~above.shift(1, fill_value=False)
        above = above.astype(object).mask(unknown, None)
        signals, waiting = [], False
        columns = (table["ribbon.state"], table["ribbon.recovery"], above)
        for now, recovered, positive in zip(*columns, strict=True):
            waiting = now == "normal" and (waiting or recovered is True)
            signals.append(positive if waiting else None if pd.isna(now) else False)
            waiting = waiting and positive is not True
        return pd.Series(signals, table.index, dtype=object)

    return compute


def rsi(table: Table) -> pd.Series:
    change = table["price.usd"].diff()
    start = change.first_valid_index()
    gains, losses = change.clip(lower=0).loc[start:], (-change.clip(upper=0)).loc[start:]
    smooth = []
    for amounts in (gains, losses):
        seeded = amounts.iloc[13:].copy()
        seeded.iloc[0] = amounts.iloc[:14].mean()
        smooth.append(seeded.ewm(alpha=1 / 14, adjust=False).mean())
    return (100 * smooth[0] / (smooth[0] + smooth[1])).reindex(table.index)


def compression(table: Table) -> pd.Series:
    means = table[[f"difficulty_ribbon.sma{days}" for days in RIBBON]]
    return means.std(axis=1, ddof=0, skipna=False) / means.mean(axis=1, skipna=False)


def hashvalue(*columns: str) -> Metric:
    def compute(table: Table) -> pd.Series:
        reward = sum(table[column] for column in columns) / table["blocks.count"]
        return reward * (DAY * 1e15 / 2**32) / table["blocks.difficulty_mean"]

    return compute


def realised(revenue: str) -> Metric:
    def compute(table: Table) -> Table:
        return pd.DataFrame(
            {
                name: (table[revenue] / table[rate] * 1e15).where(table[rate] > 0)
                for name, rate in (
                    ("value", "hashrate.day"),
                    ("low", "hashrate.day.high"),
                    ("high", "hashrate.day.low"),
                )
            }
        )

    return compute


def cumulative(column: str) -> Metric:
    def compute(table: Table) -> Table:
        issued = table["issuance.btc"].where(table["price.usd"].notna().cummax(), 0.0)
        total = table[column].fillna(0.0).cumsum()
        begun = table[column].notna().cummax()
        gap = (begun & table[column].isna()).cummax() | table["issuance.btc"].isna()
        left = table["supply.btc"] - issued.cumsum()
        return pd.DataFrame({"value": total.mask(gap), "unpriced_btc": left})

    return compute


def over_year(column: str) -> Metric:
    return lambda table: table[column] / table[column].rolling(365).mean()


def pow_floor(table: Table) -> pd.Series:
    hashes = (table["blocks.difficulty_mean"] * 2**32).rolling(180).mean()
    return 2 / 3 * hashes**0.41 / table["issuance.btc"].rolling(180).sum()


RIBBON = (9, 14, 25, 40, 60, 90, 128, 200)
MEANS = {"day": 1, "sma7": 7, "sma14": 14, "sma30": 30, "sma60": 60}

METRICS: dict[str, Metric] = {
    "blocks.per_day": copy("blocks.count"),
    "blocks.per_mtp_day": copy("mtp.count"),
    "blocks.mean_interval": mean_interval,
    "blocks.per_epoch": lambda t: t["epoch.last_height"] - t["epoch.first_height"] + 1,
    "blocks.epoch_interval": epoch_interval,
    "difficulty.day": copy("blocks.difficulty_last"),
    "difficulty.epoch": copy("epoch.difficulty"),
    "difficulty.change": lambda t: t["epoch.difficulty"] / t["epoch.previous_difficulty"] - 1,
    "difficulty.epoch_progress": lambda t: (t["blocks.last_height"] % 2016 + 1) / 2016,
    **{f"hashrate.{name}": hashrate("blocks", days) for name, days in MEANS.items()},
    **{f"hashrate.mtp_{name}": hashrate("mtp", days) for name, days in MEANS.items()},
    "hashrate.epoch": hashrate_epoch,
    "hashrate.core120": lambda t: t["blocks.core_work"] / t["blocks.core_seconds"],
    **{
        f"drawdown.{name}": drawdown(f"hashrate.{name}", "effective_blocks", poisson_ratio)
        for name in MEANS
    },
    "drawdown.epoch": drawdown("hashrate.epoch", "intervals", gamma_ratio),
    "ribbon.oscillator": oscillator,
    "ribbon.state": state,
    "ribbon.state_yesterday": lambda t: t["ribbon.state"].shift(1),
    "ribbon.days_inverted": days_inverted,
    "ribbon.recovery": recovery,
    "price": copy("price.usd"),
    **{
        f"price.sma{days}": (lambda t, days=days: t["price.usd"].rolling(days).mean())
        for days in (10, 20, 50, 200)
    },
    "price.mayer": lambda t: t["price.usd"] / t["price.sma200"],
    "ribbon.buy_state": buy(fresh=False),
    "ribbon.buy_cross": buy(fresh=True),
    **{
        f"difficulty_ribbon.sma{days}": (
            lambda t, days=days: t["difficulty.day"].rolling(days).mean()
        )
        for days in RIBBON
    },
    "difficulty_ribbon.compression": compression,
    "rsi14": rsi,
    "issuance.btc": copy("blocks.issuance_btc"),
    "issuance.usd": lambda t: t["issuance.btc"] * t["price.usd"],
    "fees.btc": copy("blocks.fees_btc"),
    "fees.mtp_btc": copy("mtp.fees_btc"),
    "fees.per_block": lambda t: (t["fees.btc"] / t["blocks.count"]).where(t["blocks.count"] > 0),
    "fees.share": lambda t: t["fees.btc"] / (t["fees.btc"] + t["issuance.btc"]),
    "fees.to_subsidy": lambda t: t["fees.btc"] / t["issuance.btc"],
    "revenue.btc": lambda t: t["issuance.btc"] + t["fees.btc"],
    "revenue.usd": lambda t: t["revenue.btc"] * t["price.usd"],
    "supply.btc": copy("blocks.supply_btc"),
    "hashvalue": hashvalue("blocks.issuance_btc", "blocks.fees_btc"),
    "hashvalue.subsidy": hashvalue("blocks.issuance_btc"),
    "hashvalue.sats": lambda t: t["hashvalue"] * 1e5,
    "hashvalue.realised": realised("revenue.btc"),
    "hashprice": lambda t: t["hashvalue"] * t["price.usd"],
    "hashprice.subsidy": lambda t: t["hashvalue.subsidy"] * t["price.usd"],
    "hashprice.ths": lambda t: t["hashprice"] / 1000,
    "hashprice.realised": realised("revenue.usd"),
    "puell": over_year("issuance.usd"),
    "puell.with_fees": over_year("revenue.usd"),
    "puell.difficulty_adjusted": over_year("hashprice.subsidy"),
    "thermocap": cumulative("issuance.usd"),
    "thermocap.with_fees": cumulative("revenue.usd"),
    "pow_floor": pow_floor,
}


def add(table: Table, name: str, result: Table | pd.Series) -> None:
    """Put a metric's columns into the table for the metrics after it."""
    if isinstance(result, pd.Series):
        table[name] = result
        return
    for column in result.columns:
        table[name if column == "value" else f"{name}.{column}"] = result[column]
