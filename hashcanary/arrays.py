"""Arrays by what they hold, as signatures name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]
    Bytes = NDArray[np.uint8]
else:
    # what a type checker alone reads is not loaded
    Floats = Singles = Ints = Bools = Bytes = np.ndarray
