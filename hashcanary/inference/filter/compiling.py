"""The compiler behind the filters: numba, imported only where a filter runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

Function = TypeVar("Function", bound="Callable[..., object]")


def compiled(function: Function) -> Function:
    """The function compiled to machine code on its first call, kept on disk for the next run."""
    from numba import njit

    return cast("Function", njit(cache=True, nogil=True)(function))
