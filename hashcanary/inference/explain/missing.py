"""Evidence that a record does not have around a drop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reason = Literal[
    "no labels", "few labels", "gaps", "no hashprice", "no rig", "no fleet", "no power price"
]


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a kind of evidence is missing.

    since, until: Unix seconds of the days that lack it, where it is missing on some days only;
    labelled: of these days' ``blocks`` known, those with a label.
    """

    kind: str
    reason: Reason
    since: float = 0.0
    until: float = 0.0
    labelled: int = 0
    blocks: int = 0
