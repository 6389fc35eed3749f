"""The house has no circles: neither modules nor sibling folders import one another.

Every import counts, those for types only and those inside functions too: a circle of such imports
closes at no import, but whoever changes one of its modules has to understand all of them.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import hashcanary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Graph = Mapping[str, set[str]]

PACKAGE = Path(hashcanary.__file__).parent


def read_sources() -> dict[str, str]:
    """The text of each module of the package, by its dotted name."""
    sources = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        sources[".".join(parts).removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    return sources


def imported_names(text: str) -> Iterator[str]:
    """The dotted name of all that is imported anywhere in a module."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: an import relative to the module"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def import_graph(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """The modules that each module imports."""
    graph = {}
    for module, text in sources.items():
        names = set(imported_names(text))
        # what is imported from a module is a module itself, or a name in it
        modules = {name if name in sources else name.rpartition(".")[0] for name in names}
        graph[module] = modules & sources.keys() - {module}
    return graph


def sibling_folders(graph: Graph) -> dict[str, dict[str, set[str]]]:
    """For each package, which of its folders each of its folders imports."""
    packages = {module.rpartition(".")[0] for module in graph} - {""}
    folders: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for module, imported in graph.items():
        for other in imported:
            pair = module.split("."), other.split(".")
            shared = takewhile(lambda names: names[0] == names[1], zip(*pair, strict=False))
            above = [name for name, _ in shared]
            here, there = (".".join(names[: len(above) + 1]) for names in pair)
            if above not in pair and {here, there} <= packages:
                folders[".".join(above)][here].add(there)
    return folders


def find_circle(graph: Graph) -> list[str]:
    """Nodes that import one another around, the first of them again at the end; empty if none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


def test_no_modules_import_each_other() -> None:
    graph = import_graph(read_sources())
    assert {"hashcanary.api", "hashcanary.chain.headers", "hashcanary.views.table"} <= graph.keys()
    assert sum(map(len, graph.values())) > len(graph)
    assert find_circle(graph) == []


def test_no_sibling_folders_import_each_other() -> None:
    folders = sibling_folders(import_graph(read_sources()))
    assert {"hashcanary", "hashcanary.inference", "hashcanary.sources"} <= folders.keys()
    circles = {package: find_circle(graph) for package, graph in folders.items()}
    assert not any(circles.values()), circles


@pytest.mark.parametrize(
    "back",
    [
        "from p.a import f",
        "from p import a",
        "import p.a",
        "def g():\n    from p.a import f",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.a import F",
    ],
)
def test_a_circle_of_modules_is_seen_however_it_closes(back: str) -> None:
    sources = {"p": "", "p.a": "from p.b import g", "p.b": "from p.c import h", "p.c": "import os"}
    assert find_circle(import_graph(sources)) == []
    circle = find_circle(import_graph({**sources, "p.c": back}))
    assert sorted(circle[1:]) == ["p.a", "p.b", "p.c"]


def test_a_circle_of_folders_is_seen_where_no_modules_make_one() -> None:
    sources = {"p": "", "p.a": "", "p.b": "", "p.a.x": "import p.b.x", "p.a.y": "", "p.b.x": ""}
    assert find_circle(sibling_folders(import_graph(sources))["p"]) == []
    graph = import_graph({**sources, "p.b.y": "from p.a.y import f"})
    assert find_circle(graph) == []
    assert sorted(find_circle(sibling_folders(graph)["p"])[1:]) == ["p.a", "p.b"]


def test_a_folder_and_a_module_beside_it_may_use_one_another() -> None:
    sources = {"p": "", "p.a": "", "p.a.x": "import p.m", "p.a.y": "", "p.m": "import p.a.y"}
    assert find_circle(import_graph(sources)) == []
    assert sibling_folders(import_graph(sources)) == {}
