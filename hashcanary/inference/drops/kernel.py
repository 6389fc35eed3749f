"""The compiled part of drop detection: what each possible start of a drop says, block by block.

For a start at an edge and the n blocks since, x is the work-normalised time they took in units of
its mean under the rate believed at the edge. That belief is a Gamma variate of shape a: the bank's
variance there, plus what wandering and growth may have changed on average over the n blocks. With
the rate integrated out, a fall to a part p of it is more likely than none by the Bayes factor

    p^n ((a + x) / (a + p x))^(a + n)

which is p^n exp((1 - p) x) where the rate is known. Their sum over starts and sizes is the mixture
Shiryaev-Roberts statistic: under no drop its mean grows by one a block, so it passes A not more
often than once in A blocks (Pollak 1987).
"""

from __future__ import annotations

import math

import numpy as np

from hashcanary.arrays import Floats, Ints
from hashcanary.inference.filter.kernels import compiled
from hashcanary.inference.filter.observations import BIN, VOUCHERS

# logs of Bayes factors are cut here: far above every threshold, far below overflow
_HIGHEST = 500.0
# seconds of a header's clock, whose error both ends of a span have
_CLOCK = 300.0


@compiled
def shape_and_time(
    belief: Floats, blocks: float, work: float, elapsed: float
) -> tuple[float, float]:
    """Shape of the Gamma law of the rate over a span, and the span in units of its mean block.

    belief: (6,) log rate, its variance, wander variance a bin, drift a bin, its variance, and its
    covariance with the log rate; elapsed: seconds per hash; work: hashes of a block.
    """
    bins = blocks / BIN
    variance = belief[1] + bins * (belief[2] / 3 + belief[5]) + belief[4] * bins * bins / 4
    # clocks may run backwards between an edge and now
    elapsed = max(elapsed, 0.0)
    variance += 2 * (_CLOCK / max(elapsed * work, _CLOCK)) ** 2
    return 1 / variance, elapsed * math.exp(belief[0] + belief[3] * bins / 2)


@compiled
def log_evidence(shape: float, blocks: float, time: float, sizes: Floats, out: Floats) -> float:
    """Log of the sum of the Bayes factors of drops of all sizes; of each one into ``out`` (j,).

    sizes: (2, j) the part that a drop leaves, and the weight of that size.
    """
    top, total = -np.inf, 0.0
    for j in range(out.size):
        part = sizes[0, j]
        log = blocks * math.log(part)
        log += (shape + blocks) * math.log((shape + time) / (shape + part * time))
        out[j] = min(log, _HIGHEST) + math.log(sizes[1, j])
        top = max(top, out[j])
    for j in range(out.size):
        total += math.exp(out[j] - top)
    return top + math.log(total)


@compiled
def evidence_at(block: Floats, edges: Floats, sizes: Floats, out: Floats) -> None:
    """Log Bayes factors (e, j) at a block of a drop since each edge and of each size, against none.

    block: (4,) as a row of ``scan``'s blocks; edges: (e, 8) as there. The weight of its size is in
    each factor.
    """
    for i in range(edges.shape[0]):
        blocks = block[0] - edges[i, 0] - 1.0
        shape, time = shape_and_time(edges[i, 2:], blocks, block[2], block[1] - edges[i, 1])
        log_evidence(shape, blocks, time, sizes, out[i])


@compiled
def scan(
    start: int,
    blocks: Floats,
    edges: Floats,
    earliest: int,
    ages: Ints,
    sizes: Floats,
    threshold: float,
    statistic: Floats,
) -> int:
    """Index of the first block from ``start`` on with an alarm, -1 where there is none.

    blocks: (n, 4) height, seconds per hash up to now, hashes of a block, first height of its
    unbroken run. edges: (e, 8) ascending: height, seconds per hash, belief as ``shape_and_time``
    takes it. earliest: height before which no start is looked for; ages: edges back, ascending
    from 1; statistic: (n,) filled with the log of the statistic up to the alarm.
    """
    each = np.empty(sizes.shape[1])
    last = -1
    for i in range(start, blocks.shape[0]):
        height, now, work = blocks[i, 0], blocks[i, 1], blocks[i, 2]
        while last + 1 < edges.shape[0] and edges[last + 1, 0] + VOUCHERS <= height:
            last += 1
        floor = max(blocks[i, 3], earliest)
        total, behind = 0.0, 0
        for age in ages:
            edge = last + 1 - age
            if edge < 0 or edges[edge, 0] < floor:
                break
            # the latest of the header times may be wrong: what counts is the second latest
            since = height - edges[edge, 0] - 1.0
            shape, time = shape_and_time(edges[edge, 2:], since, work, now - edges[edge, 1])
            # blocks that came fast enough say nothing that could add up to an alarm
            if time > since:
                evidence = log_evidence(shape, since, time, sizes, each)
                total += math.exp(evidence) * (age - behind) * BIN
            behind = age
        statistic[i] = math.log(total) if total > 0.0 else -np.inf
        if total >= threshold:
            return i
    return -1
