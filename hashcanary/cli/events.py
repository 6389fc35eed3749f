"""Events of the lake, reorganisations among them, as a row of data and in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hashcanary.moments import iso_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.cli.output import Row


def event_as_row(event: Mapping[str, object]) -> Row:
    """An event with its time as people write it, and its detail unfolded."""
    return {
        **event,
        "time": iso_time(int(str(event["time"]))),
        "known_at": iso_time(int(str(event["known_at"]))),
        "detail": json.loads(str(event["detail"])),
    }


def event_in_words(event: Mapping[str, object]) -> str:
    """An event in one line."""
    detail = json.loads(str(event["detail"]))
    height = event["height"]
    if event["kind"] == "reorg":
        left = "all blocks" if detail["depth"] is None else f"{detail['depth']:,} blocks"
        fork = "no shared block" if height is None else f"block {height:,}"
        return (
            f"reorganisation: {left} above {fork} were left; the tip is now block "
            f"{detail['new_height']:,}, {detail['new_tip']}"
        )
    place = "" if height is None else f" at block {height:,}"
    said = ", ".join(f"{name} {value}" for name, value in detail.items())
    return f"{event['kind']}{place}: {said}"
