"""Simnet as a real node mines it: bcoin makes a chain by its own rules, we validate its headers.

HASHCANARY_BCOIN names a folder in which ``npm install --ignore-scripts bcoin@1.0.2`` was run (with
the override ``leveldown`` 5.6.0).
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary.chain.networks import SIMNET
from hashcanary.chain.validate import validate_run

if TYPE_CHECKING:
    from collections.abc import Callable

# Mean seconds a block in each epoch: clamped, fast, slow with exceptions, back to the limit.
MEANS = (1, 200, 900, 700, 5000, 600)
SEED = 7


@pytest.fixture(scope="module")
def mined(
    bcoin: Path, program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    """The raw headers of a simnet chain that bcoin mined and accepted."""
    node = program("node")
    script = Path(__file__).with_name("simnet_chain.js")
    file = tmp_path_factory.mktemp("simnet") / "headers.bin"
    environment = {
        **os.environ,
        "NODE_BACKEND": "js",
        "NODE_PATH": str(bcoin / "node_modules"),
    }
    subprocess.run(
        [node, str(script), str(file), str(SEED), *map(str, MEANS)],
        check=True,
        env=environment,
        timeout=120,
    )
    return file.read_bytes()


def test_every_header_that_bcoin_accepted_passes_with_nothing_unchecked(mined: bytes) -> None:
    run = validate_run(mined, SIMNET)
    assert (run.first_height, run.last_height, run.notes) == (0, 6 * 2016 - 1, ())


def test_the_chain_holds_the_cases_it_was_made_for(mined: bytes) -> None:
    columns = validate_run(mined, SIMNET).columns
    at_retargets = columns.bits[::2016].tolist()
    assert at_retargets[:2] == [0x207FFFFF, 0x201FFFFF]  # a fourfold rise
    assert at_retargets[5] == 0x207FFFFF  # stopped by the limit
    exceptions = columns.bits[2 * 2016 + 1 : 3 * 2016] == 0x207FFFFF
    assert 100 < int(exceptions.sum()) < 1000
    assert int((np.diff(columns.time) < 0).sum()) > 100


def test_the_chain_can_be_validated_piece_by_piece(mined: bytes) -> None:
    preceding, start = None, 0
    for end in (1, 2015, 2016, 3000, 9999, len(mined) // 80):
        run = validate_run(mined[start * 80 : end * 80], SIMNET, preceding=preceding)
        assert (run.first_height, run.notes) == (start, ())
        preceding, start = run.preceding(), end
