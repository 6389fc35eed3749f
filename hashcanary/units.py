"""The nomenclature of units: one table that gives docs, axes, CSV headers, JSON and Prometheus."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure.

    symbol: as people read it, ``USD/PH/s/day``; suffix: as machines name it, ``usd_per_phs_day``;
    prefixed: whether people read it with SI prefixes (1e20 H/s as 100 EH/s); percent: whether
    people read it times 100 with a percent sign. keyed: whether keys of JSON and CSV end in the
    suffix; numeric: whether people read it as a number, not as a word or a date.
    """

    symbol: str
    suffix: str
    title: str
    prefixed: bool = False
    percent: bool = False
    keyed: bool = True
    numeric: bool = True


HASHRATE = Unit("H/s", "hashes_per_second", "hashrate", prefixed=True)
HASHES = Unit("hashes", "hashes", "hashes", prefixed=True)
DIFFICULTY = Unit("", "ratio_to_difficulty_one", "difficulty", prefixed=True)
BLOCKS = Unit("blocks", "blocks", "number of blocks")
SECONDS = Unit("s", "seconds", "time")
UNIX_TIME = Unit("UTC", "unix_seconds", "date and time", keyed=False, numeric=False)
DATE = Unit("", "date", "UTC day", keyed=False, numeric=False)
COUNT = Unit("", "count", "number", keyed=False)
DAYS = Unit("days", "days", "days")
HOURS = Unit("h", "hours", "hours")
MONTHS = Unit("months", "months", "months")
YEARS = Unit("years", "years", "years")
FRACTION = Unit("", "fraction", "fraction", percent=True)
PROBABILITY = Unit("", "probability", "probability", percent=True)
RATIO = Unit("", "ratio", "ratio")
STATE = Unit("", "state", "state", keyed=False, numeric=False)
INDEX_100 = Unit("", "index_0_100", "index from 0 to 100")
SATOSHIS = Unit("sat", "satoshis", "satoshis")
BYTES = Unit("B", "bytes", "bytes")
WEIGHT_UNITS = Unit("WU", "weight_units", "weight units of BIP 141")
BTC = Unit("BTC", "btc", "bitcoin")
BTC_PER_BLOCK = Unit("BTC/block", "btc_per_block", "bitcoin a block")
BTC_PER_DAY = Unit("BTC/day", "btc_per_day", "bitcoin a day")
BTC_PER_MONTH = Unit("BTC/month", "btc_per_month", "bitcoin a month")
USD = Unit("USD", "usd", "US dollars")
USD_PER_PHS_DAY = Unit("USD/PH/s/day", "usd_per_phs_day", "US dollars per petahash a second, a day")
USD_PER_THS_DAY = Unit("USD/TH/s/day", "usd_per_ths_day", "US dollars per terahash a second, a day")
BTC_PER_THS_DAY = Unit("BTC/TH/s/day", "btc_per_ths_day", "bitcoin per terahash a second, a day")
BTC_PER_PHS_DAY = Unit("BTC/PH/s/day", "btc_per_phs_day", "bitcoin per petahash a second, a day")
SAT_PER_THS_DAY = Unit("sat/TH/s/day", "sat_per_ths_day", "satoshis per terahash a second, a day")
USD_PER_BTC = Unit("USD/BTC", "usd_per_btc", "US dollars a bitcoin")
USD_PER_KWH = Unit("USD/kWh", "usd_per_kwh", "US dollars per kilowatt-hour")
J_PER_TH = Unit("J/TH", "j_per_th", "joules per terahash")
TERAHASHES = Unit("TH/s", "ths", "terahashes a second")
WATTS = Unit("W", "w", "watts")
USD_PER_MWH = Unit("USD/MWh", "usd_per_mwh", "US dollars a megawatt-hour")
USD_PER_DAY = Unit("USD/day", "usd_per_day", "US dollars a day")
USD_PER_MONTH = Unit("USD/month", "usd_per_month", "US dollars a month")
USD_PER_YEAR = Unit("USD/year", "usd_per_year", "US dollars a year")
USD_PER_KW_MONTH = Unit("USD/kW-month", "usd_per_kw_month", "US dollars per kilowatt, a month")
MUSD_PER_MW = Unit("million USD/MW", "musd_per_mw", "million US dollars per megawatt")
MUSD_PER_MW_YEAR = Unit(
    "million USD/MW/year", "musd_per_mw_year", "million US dollars per megawatt, a year"
)
MEGAWATTS = Unit("MW", "mw", "megawatts")
USD_PER_THS = Unit("USD/TH/s", "usd_per_ths", "US dollars per terahash a second")
EXAHASHES = Unit("EH/s", "ehs", "exahashes a second")
LOG_SD = Unit("sd of log", "log_sd", "standard deviation of a logarithm")
PER_YEAR = Unit("1/year", "per_year", "a year")
NATS = Unit("", "nats", "natural logarithm of a ratio")
P_VALUE = Unit("", "p_value", "p-value", keyed=False)


def known_units() -> dict[str, Unit]:
    """Every unit above by its suffix: how names, CSV headers and JSON keys end."""
    return {one.suffix: one for one in globals().values() if isinstance(one, Unit)}
