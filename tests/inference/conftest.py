"""What the tests of inference share: simulated chains."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType


@pytest.fixture(scope="session")
def chains() -> ModuleType:
    """Simulated chains and records of them (``chains.py``)."""
    spec = importlib.util.spec_from_file_location(
        "inference_chains", Path(__file__).with_name("chains.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["inference_chains"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def stormy(chains: ModuleType) -> object:
    """A simulated chain of 200 days with storms."""
    return chains.mined("stormy", 200, 7)
