"""The notebooks in examples/ run from the first cell to the last on a simulated lake."""

from __future__ import annotations

from pathlib import Path

import nbclient
import nbformat
import pytest

_EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NOTEBOOKS = sorted(_EXAMPLES.glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_notebook_runs_and_marks_what_is_simulated(
    path: Path, simulated_lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HASHCANARY_HOME", str(simulated_lake))
    # zeromq's sockets of a kernel lie beside what the test may write
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "commit it without outputs"
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    )
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output for output in outputs if output.get("data", {}).get("text/html")]
    assert any("SIMULATED" in "".join(output["data"]["text/html"]) for output in shown)


def test_both_notebooks_are_there() -> None:
    assert {path.stem for path in NOTEBOOKS} == {"event_study", "treasury"}
