"""Writes the pages of docs/ that come from the code: metrics, sources, commands, errors, JSON.

``python docs/generate.py`` writes them; ``--check`` compares instead and exits 1 on a difference.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import pkgutil
import re
import sys
from pathlib import Path

import hashcanary
from hashcanary.api import Asks, Known
from hashcanary.cli.parser import build_parser
from hashcanary.errors import EXIT_MEANINGS, HashcanaryError
from hashcanary.metrics.declaration import Metric, all_metrics
from hashcanary.metrics.inputs import BASE_INPUTS, BaseInput
from hashcanary.sources.facts import MEANINGS
from hashcanary.sources.facts import TABLES as STORED_TABLES
from hashcanary.sources.feed import FILE, Feed, Setting, all_feeds, variable_of
from hashcanary.sources.source import all_sources
from hashcanary.units import Unit
from hashcanary.views.answer import View
from hashcanary.views.export import TABLES, columns_of
from hashcanary.views.schema import all_views, schema_of
from hashcanary.views.table import Column

DOCS = Path(__file__).resolve().parent
_MADE = "<!-- Written by docs/generate.py from the code: change the code, not this page. -->\n"


def pages() -> dict[str, str]:
    """File name to text, for every generated page."""
    return {
        "metrics.md": metrics_page(),
        "sources.md": sources_page(),
        "commands.md": commands_page(),
        "errors.md": errors_page(),
        "json.md": json_page(),
        "tables.md": tables_page(),
        "python.md": python_page(),
        **{
            f"schemas/{_file_of(view)}.json": json.dumps(schema_of(view), indent=1) + "\n"
            for view in all_views().values()
        },
    }


def _file_of(view: View) -> str:
    return view.command.replace("--", "").replace(" ", "-")


def json_page() -> str:
    """The dialect of JSON and CSV, and the keys of every command's document."""
    parts = [
        "# JSON and CSV\n",
        _MADE,
        "Every command speaks one dialect. A key is `name_unit`: `hashprice_usd_per_phs_day`. A "
        "figure with limits has two more, `hashprice_usd_per_phs_day_low` and `..._high`. Counts, "
        "text, days and instants have no unit in their key. Days are `2026-02-03`, instants "
        "`2026-02-03T04:41:22Z`. A missing value is `null`; NaN and infinities never appear.\n",
        "`rows` holds the selected table, and `columns` the key, title, unit and definition of "
        "each of its columns, with the kind and level of the interval. `fields` describes the "
        "figures beside the rows in the same way. `at` is the moment as of which the document is "
        "known, `provenance` the versions it was computed from, `simulated` whether the history is "
        "simulated. CSV has the rows, under the same keys. `docs/schemas/` has the JSON Schema of "
        "each document.\n",
        "A series (`hashcanary metric show`) has `time`, `value`, `low`, `high`, `known_at`, "
        "`basis` and `missing` in its rows, and the unit once, beside the rows. Several metrics "
        "have one column each, under the keys of the [tables](tables.md).\n",
    ]
    for view in all_views().values():
        parts += _view_entry(view)
    return "\n".join(parts) + "\n"


_ANSWERS = re.compile(r"(<!-- answers: [^\n]*-->\n).*?(<!-- end of answers -->)", re.DOTALL)


def python_page() -> str:
    """The page of the API, with its table of answers as the code has them."""
    text = (DOCS / "python.md").read_text(encoding="utf-8")
    commands = {view.name: view.command for view in all_views().values()}
    rows = ["| method | command | options |", "|---|---|---|"]
    for name, method in vars(Known).items():
        if isinstance(method, Asks):
            function = method.function()
            options = list(inspect.signature(function).parameters.values())[1:]
            shown = ", ".join(f"`{each.name}`" for each in options)
            rows.append(f"| `{name}` | `{commands.get(name, name)}` | {shown} |")
    return _ANSWERS.sub(lambda found: found[1] + "\n".join(rows) + "\n" + found[2], text)


def tables_page() -> str:
    """The exported tables and the stored ones, each column with unit and meaning."""
    parts = [
        "# Tables\n",
        _MADE,
        "`hashcanary export DIR` writes the record by source precedence as three tables, Parquet "
        "or CSV: one row per block, day and difficulty epoch. `hashcanary.open().table(NAME)` "
        "returns the same as a lazy Polars frame. Days are dates and instants are UTC timestamps; "
        "in CSV they "
        "are ISO 8601. `known_at` is the moment at which the last value of a row was final: a back-"
        "test that reads only rows with `known_at` before its decision does not look ahead.\n",
    ]
    for name in TABLES:
        parts += [f"## {name}\n", "| column | unit | what | limits |\n|---|---|---|---|"]
        parts += [_column_row(column) for column in columns_of(name)]
        parts.append("")
    parts += [
        "# Stored tables\n",
        "The lake stores facts as loaded, including superseded rows and stale branches. "
        "`hashcanary.open().table(NAME, every_source=True)` returns these rows; they are Delta "
        "tables in `tables/NAME` of the lake's folder.\n",
    ]
    for table in STORED_TABLES.values():
        parts += [f"## {table.name}, stored\n", f"{table.title}\n"]
        parts.append("| column | type | what |\n|---|---|---|")
        parts += [
            f"| `{name}` | {kind} | {MEANINGS[name]} |" for name, kind in table.schema.items()
        ]
        parts.append("")
    return "\n".join(parts) + "\n"


def _view_entry(view: View) -> list[str]:
    lines = [f"## {view.command}\n", f"{view.question} [Schema](schemas/{_file_of(view)}.json)\n"]
    if view.facts or view.more:
        lines += ["| beside the rows | unit | what | limits |\n|---|---|---|---|"]
        lines += [_column_row(column) for column in view.facts]
        lines += [f"| `{key}` | | {meaning} | |" for key, meaning in view.more.items()]
        lines.append("")
    for name, columns in view.tables.items():
        lines += [f"Rows of `{name}`:\n", "| key | unit | what | limits |\n|---|---|---|---|"]
        lines += [_column_row(column) for column in columns]
        lines.append("")
    return lines


def _column_row(column: Column) -> str:
    what = _one_line(column.definition or column.title).replace("|", "\\|")
    unit = column.unit.title if column.unit else ""
    level = f"{column.level:.0%}: " if column.level else ""
    limits = f"{level}{column.limits}" if column.limits else ""
    return f"| `{column.key}` | {unit} | {what} | {limits} |"


def metrics_page() -> str:
    """Every declared metric, by family, and the base inputs they start from."""
    metrics = all_metrics()
    families: dict[str, list[Metric]] = {}
    for metric in metrics.values():
        families.setdefault(metric.name.split(".")[0], []).append(metric)
    index = " · ".join(f"[{family}](#{family.replace('_', '_')})" for family in families)
    parts = [
        "# Metrics\n",
        _MADE,
        f"{len(metrics)} metrics. `hashcanary metric show NAME` prints one; its function is in "
        "`hashcanary/metrics/catalogue/FAMILY.py`, where FAMILY is the name up to its first dot. "
        "Every row has `known_at` (when it was final), `basis` (`blocks`, or `vendor` where a "
        "vendor's daily figure is used for missing blocks) and, where a value is missing, the "
        "reason.\n",
        index + "\n",
    ]
    for family, members in families.items():
        parts.append(f"## {family}\n")
        parts += [_metric_entry(metric) for metric in members]
    parts.append("## Base inputs\n")
    parts.append("The inputs of the metrics, declared in `metrics/inputs.py`.\n")
    parts.append(
        "| input | rows | unit | what | final | where missing |\n|---|---|---|---|---|---|"
    )
    for inputs in BASE_INPUTS.values():
        parts += [_input_row(base) for base in inputs.values()]
    return "\n".join(parts) + "\n"


def sources_page() -> str:
    """Every live source with its settings, and every kind of file."""
    feeds, sources = all_feeds(), all_sources()
    index = " · ".join(f"[{name}](#{name})" for name in feeds)
    parts = [
        "# Sources\n",
        _MADE,
        f"{len(feeds)} live sources for `hashcanary sync` and {len(sources)} kinds of files for "
        "`hashcanary load`. Each is one declaration in `hashcanary/sources/catalogue/`; other "
        "packages add theirs through the same entry point.\n",
        "## Live sources\n",
        "A live source fetches data that the lake does not have, and resumes where it stopped: "
        "each step is committed together with the source's position. Settings are read in this "
        f"order, the last one winning: from `{FILE}` in the lake's home (a table for each source), "
        "from the environment, and "
        f"from `-o SETTING=VALUE`. A secret is read from `{FILE}` alone, which must then be "
        "readable by its owner only (`chmod 600`).\n",
        index + "\n",
        *(_feed_entry(feed) for feed in feeds.values()),
        "## Files\n",
        "A file is recognised by its content; `hashcanary load PATH --as KIND` names the kind "
        "where that is ambiguous. Any file may be compressed with zstd.\n",
        "| kind | what | reads |\n|---|---|---|",
        *(f"| `{one.kind}` | {one.title} | {one.reads} |" for one in sources.values()),
    ]
    return "\n".join(parts) + "\n"


def _feed_entry(feed: Feed) -> str:
    facts = [("provides", ", ".join(f"`{name}`" for name in feed.gives))]
    facts.append(("costs", feed.costs or "not stated"))
    if feed.extra:
        facts.append(("extra", f"`pip install 'hashcanary[{feed.extra}]'`"))
    if feed.wait is None:
        facts.append(("following", "fetched once: there is nothing to wait for"))
    lines = [f"### {feed.name}\n", f"{feed.title}.\n"]
    lines += [f"- *{label}*: {_one_line(text)}" for label, text in facts]
    if feed.example:
        lines += ["", f"```sh\n{feed.example}\n```"]
    if feed.settings:
        lines += ["", "| setting | default | what it is | environment |", "|---|---|---|---|"]
        lines += [_setting_row(feed, setting) for setting in feed.settings]
    return "\n".join(lines) + "\n"


def _setting_row(feed: Feed, setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else ""
    place = f"secret: `{FILE}` only" if setting.secret else f"`{variable_of(feed, setting)}`"
    about = _one_line(setting.help).replace("|", "\\|")
    return f"| `{setting.name}` | {default} | {about} | {place} |"


def _unit(unit: Unit) -> str:
    return unit.symbol or unit.title


def _metric_entry(metric: Metric) -> str:
    rows = {"day": "UTC days", "epoch": "difficulty epochs"}[metric.grain]
    window = "everything before" if metric.window is None else f"{metric.window} {metric.grain}s"
    facts = [
        ("definition", metric.definition),
        ("rows, unit", f"{rows}; {_unit(metric.unit)} (`{metric.unit.suffix}`)"),
        ("interval", metric.interval or "none: not an estimate"),
        ("inputs, window", ", ".join(f"`{name}`" for name in metric.inputs) + f"; {window}"),
        ("missing", metric.missing),
        ("source", metric.source),
        ("differs from the source in", metric.differs or "nothing"),
    ]
    if metric.extras:
        extras = "; ".join(f"`{e.name}`: {e.title} ({_unit(e.unit)})" for e in metric.extras)
        facts.insert(2, ("beside the value", extras))
    lines = "\n".join(f"- *{label}*: {_one_line(text)}" for label, text in facts)
    return f"### `{metric.name}`\n\n{metric.title}.\n\n{lines}\n"


def _input_row(base: BaseInput) -> str:
    cells = (f"`{base.name}`", f"{base.grain}s", _unit(base.unit), base.title)
    return f"| {' | '.join((*cells, base.clock.rule, base.reason))} |"


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def commands_page() -> str:
    """The help of every command as the command prints it."""
    parts = ["# Commands\n", _MADE, "What `--help` prints for each command.\n"]
    for name, parser in _parsers("hashcanary", build_parser()):
        parts.append(f"## {name}\n\n```text\n{_plain(parser.format_help())}\n```\n")
    return "\n".join(parts)


def _plain(text: str) -> str:
    """Help without colour and without the reader's terminal width."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text).strip()


def _parsers(
    name: str, parser: argparse.ArgumentParser
) -> list[tuple[str, argparse.ArgumentParser]]:
    found = [(name, parser)]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub, child in action.choices.items():
                found += _parsers(f"{name} {sub}", child)
    return found


def errors_page() -> str:
    """Every error class, its template, exit code and HTTP status."""
    for module in pkgutil.walk_packages(hashcanary.__path__, "hashcanary."):
        if module.name.endswith(".errors"):
            importlib.import_module(module.name)
    parts = ["# Errors and exit codes\n", _MADE, "| exit code | meaning |\n|---|---|"]
    parts += [f"| {code.value} | {meaning} |" for code, meaning in EXIT_MEANINGS.items()]
    parts.append("\n| error | exit code | HTTP status | message |\n|---|---|---|---|")
    for error in sorted(_subclasses(HashcanaryError), key=lambda error: error.__name__):
        message = _one_line(error.template).replace("|", "\\|")
        parts.append(
            f"| `{error.__name__}` | {error.exit_code.value} | {error.http_status} | {message} |"
        )
    return "\n".join(parts) + "\n"


def _subclasses(root: type[HashcanaryError]) -> set[type[HashcanaryError]]:
    own = {c for c in root.__subclasses__() if c.__module__.startswith("hashcanary.")}
    raised = {c for c in own if hasattr(c, "template")}  # the others only group them
    return raised | {deeper for child in own for deeper in _subclasses(child)}


def main() -> int:
    """Write the pages, or with ``--check`` name those that differ."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, text in pages().items():
        path = DOCS / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
    verb = "differ from the code; run `make docs`" if check else "written"
    sys.stderr.write(f"{', '.join(stale) or 'no page'} {verb}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
