"""Parts of a whole as users write them: ``5%`` or ``0.05``."""

from __future__ import annotations

from hashcanary.errors import UsageError


def part_of(argument: str, text: str) -> float:
    """A fraction from 0 to 1. Raises UsageError."""
    bare = text.strip()
    percent = bare.endswith("%")
    try:
        part = float(bare.removesuffix("%")) / (100.0 if percent else 1.0)
    except ValueError:
        part = float("nan")
    if not 0.0 <= part <= 1.0:
        raise UsageError(
            argument=argument,
            expected="a part from 0% to 100%",
            found=text,
            remedy="Write 5% or 0.05.",
        )
    return part
