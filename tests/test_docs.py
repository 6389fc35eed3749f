"""Docs, docstrings, changelog and --help agree with the code."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _generate() -> object:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_what_the_code_says() -> None:
    checked = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert checked.returncode == 0, checked.stderr


def test_every_link_between_pages_leads_to_a_file() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_commands_in_prose_exist() -> None:
    module = _generate()
    known = {name for name, _ in module._parsers("hashcanary", module.build_parser())}  # type: ignore[attr-defined]
    heads = {name.split()[1] for name in known if " " in name}
    unknown = [
        f"{page.name}: hashcanary {word}"
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        for word in re.findall(r"`hashcanary ([a-z]+)", page.read_text(encoding="utf-8"))
        if word not in heads
    ]
    assert unknown == []


def test_metric_names_in_prose_exist() -> None:
    from hashcanary.metrics.declaration import all_metrics
    from hashcanary.metrics.inputs import BASE_INPUTS

    families = {name.split(".")[0] for name in all_metrics() if "." in name}
    names = set(all_metrics()) | {name for grain in BASE_INPUTS.values() for name in grain}
    unknown = [
        f"{page.name}: {name}"
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        for name in re.findall(r"`([a-z_]+\.[a-z0-9_]+)`", page.read_text(encoding="utf-8"))
        if name.split(".")[0] in families and name not in names and not name.endswith(".py")
    ]
    assert unknown == []


def _public(body: list[ast.stmt]) -> list[ast.FunctionDef | ast.ClassDef]:
    """Public functions and classes, and the public methods and properties of these classes."""
    named = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    public = [node for node in named if not node.name.startswith("_")]
    inside = [_public(node.body) for node in public if isinstance(node, ast.ClassDef)]
    return [*public, *(node for nodes in inside for node in nodes)]


def test_every_public_function_and_class_has_a_docstring() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for path in sorted((ROOT / "hashcanary").rglob("*.py"))
        for node in _public(ast.parse(path.read_text(encoding="utf-8")).body)
        if not ast.get_docstring(node)
    ]
    assert bare == []


def test_changelog_has_this_version() -> None:
    import hashcanary

    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {hashcanary.__version__}" in text


@pytest.mark.parametrize("lock", ["run.lock", "test.lock"])
def test_lock_files_pin_hashes_and_name_no_host(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9-]+)==", text, flags=re.MULTILINE)
    assert len(pins) > 10
    assert text.count("--hash=sha256:") >= len(pins)
    assert not re.search(r"https?://|^\s*-i\b|--index-url|--find-links", text, re.MULTILINE)


def test_examples_of_live_sources_use_settings_that_exist() -> None:
    from hashcanary.sources.feed import all_feeds

    wrong = []
    for feed in all_feeds().values():
        names = {setting.name for setting in feed.settings}
        assert f"--source {feed.name}" in feed.example
        wrong += [
            f"{feed.name}: {key}"
            for key in re.findall(r"-o ([a-z_]+)=", feed.example)
            if key not in names
        ]
    assert wrong == []
