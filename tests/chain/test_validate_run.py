"""Validation of runs mined by the test itself: what passes, and one error for each broken rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from support.mining import REGTEST_GENESIS

from hashcanary.chain.errors import (
    BrokenLink,
    EmptyRun,
    HeightConflict,
    InvalidTarget,
    MissedTarget,
    TruncatedHeaders,
    UnknownHeight,
    WrongBits,
    WrongTime,
)
from hashcanary.chain.headers import Preceding
from hashcanary.chain.networks import MAIN, REGTEST, SIGNET, SIMNET, Anchor
from hashcanary.chain.validate import validate_run

Mine = Callable[..., bytes]
EASY = 0x207FFFFF
START = 1401292357
ONE_NIBBLE = replace(SIMNET, name="easy", pow_limit=0x7FFFFF << 232, min_difficulty_rule=False)


def internal(header: bytes) -> bytes:
    return sha256(sha256(header).digest()).digest()


def steady(count: int, start: int = START + 600, step: int = 600) -> range:
    return range(start, start + count * step, step)


@pytest.fixture
def chain(mine: Mine, simnet_genesis: bytes) -> bytes:
    """Genesis of simnet and 30 blocks, ten minutes apart."""
    return simnet_genesis + mine(steady(30), [EASY] * 30, internal(simnet_genesis))


def test_a_run_from_genesis_has_nothing_unchecked(chain: bytes) -> None:
    run = validate_run(chain, SIMNET)
    assert (run.first_height, run.last_height, len(run), run.notes) == (0, 30, 31, ())
    frame = run.frame()
    assert frame["height"].to_list() == list(range(31))
    assert frame["prev_hash"][1:].to_list() == frame["hash"][:-1].to_list()
    assert frame["median_time_past"][30] == START + 25 * 600


def test_regtest_validates_at_its_own_limit(mine: Mine) -> None:
    times = steady(2200, 1296688603, 1)
    data = REGTEST_GENESIS + mine(times, [EASY] * 2200, internal(REGTEST_GENESIS))
    run = validate_run(data, REGTEST)
    assert (run.last_height, run.notes) == (2200, ())


def test_simnet_retargets_by_four_after_a_fast_epoch(mine: Mine, simnet_genesis: bytes) -> None:
    times = steady(2020, START + 1, 1)
    bits = [EASY] * 2015 + [0x201FFFFF] * 5
    data = simnet_genesis + mine(times, bits, internal(simnet_genesis))
    assert validate_run(data, SIMNET).columns.bits[-1] == 0x201FFFFF


def test_the_old_bits_at_a_retarget_are_wrong(mine: Mine, simnet_genesis: bytes) -> None:
    data = simnet_genesis + mine(
        steady(2017, START + 1, 1), [EASY] * 2017, internal(simnet_genesis)
    )
    with pytest.raises(WrongBits, match=r"height 2016.*expected bits 0x201fffff") as caught:
        validate_run(data, SIMNET)
    assert caught.value.fields["found"] == EASY
    assert "the retarget after an epoch of 2015 s" in str(caught.value)


def test_changed_bits_inside_an_epoch_are_wrong(mine: Mine, simnet_genesis: bytes) -> None:
    data = mine(steady(2), [EASY, 0x201FFFFF], internal(simnet_genesis))
    network = replace(SIMNET, min_difficulty_rule=False)
    with pytest.raises(WrongBits, match=r"height 2.*the same as the block before it"):
        validate_run(simnet_genesis + data, network)


def test_no_headers_at_all() -> None:
    with pytest.raises(EmptyRun, match="at least one"):
        validate_run(b"", MAIN)


def test_a_cut_run(chain: bytes) -> None:
    with pytest.raises(TruncatedHeaders, match="30 whole headers and 40 bytes from offset 2400"):
        validate_run(chain[:-40], SIMNET)


def test_a_header_above_its_target_is_named(chain: bytes, mine: Mine) -> None:
    last = chain[-80:]
    for nonce in range(1000):
        bad = last[:76] + nonce.to_bytes(4, "little")
        if internal(bad)[31] >= 0x80:
            break
    with pytest.raises(MissedTarget, match="header 30 of the run \\(height 30\\)") as caught:
        validate_run(chain[:-80] + bad, SIMNET)
    assert caught.value.fields["found"] == internal(bad)[::-1].hex()
    assert caught.value.fields["expected"] == f"{0x7FFFFF << 232:064x}"


@pytest.mark.parametrize(
    ("bits", "why"),
    [
        (0x20800001, "is negative"),
        (0x23000001, "overflows"),
        (0, "is zero"),
        (0x21008000, "is above the limit"),
    ],
)
def test_bits_that_are_no_target_are_named(chain: bytes, bits: int, why: str) -> None:
    bad = bytearray(chain)
    bad[5 * 80 + 72 : 5 * 80 + 76] = bits.to_bytes(4, "little")
    with pytest.raises(InvalidTarget, match=f"height 5.*{why}"):
        validate_run(bytes(bad), SIMNET)


def test_a_missing_header_is_a_broken_link(chain: bytes) -> None:
    with pytest.raises(BrokenLink, match="header 7 of the run") as caught:
        validate_run(chain[: 7 * 80] + chain[8 * 80 :], SIMNET)
    assert caught.value.fields["expected"] == internal(chain[6 * 80 : 7 * 80])[::-1].hex()
    assert caught.value.fields["found"] == internal(chain[7 * 80 : 8 * 80])[::-1].hex()


def test_swapped_headers_are_a_broken_link(chain: bytes) -> None:
    swapped = chain[:80] + chain[160:240] + chain[80:160] + chain[240:]
    with pytest.raises(BrokenLink, match="header 1 of the run"):
        validate_run(swapped, SIMNET)


def test_a_run_without_a_known_block_has_no_height(chain: bytes) -> None:
    with pytest.raises(UnknownHeight, match="height unknown") as caught:
        validate_run(chain[10 * 80 :], SIMNET)
    assert caught.value.fields["found"] == internal(chain[9 * 80 : 10 * 80])[::-1].hex()


def test_a_known_block_inside_gives_the_height(chain: bytes) -> None:
    block = internal(chain[20 * 80 : 21 * 80])[::-1]
    run = validate_run(chain[10 * 80 :], SIMNET, known_blocks={block: (20, EASY)})
    assert run.first_height == 10


def test_a_known_parent_hash_gives_the_height(chain: bytes) -> None:
    parent = internal(chain[9 * 80 : 10 * 80])[::-1]
    assert validate_run(chain[800:], SIMNET, known_blocks={parent: (9, None)}).first_height == 10


def test_known_blocks_that_disagree_are_a_conflict(chain: bytes) -> None:
    blocks = {internal(chain[at * 80 : at * 80 + 80])[::-1]: at for at in (12, 15)}
    known = {block: (height + (height == 15), None) for block, height in blocks.items()}
    with pytest.raises(HeightConflict, match=r"height 15.*to have height 16, found height 15"):
        validate_run(chain[800:], SIMNET, known_blocks=known)


def test_a_known_block_with_other_bits_is_wrong(chain: bytes) -> None:
    block = internal(chain[20 * 80 : 21 * 80])[::-1]
    with pytest.raises(WrongBits, match="as known for this block"):
        validate_run(chain[800:], SIMNET, known_blocks={block: (20, 0x1D00FFFF)})


def test_another_block_at_the_height_of_a_well_known_one_is_a_conflict(chain: bytes) -> None:
    network = replace(SIMNET, anchors=(Anchor(5, bytes(31) + b"\1", EASY),))
    with pytest.raises(HeightConflict, match=f"height 5.*expected block {'00' * 31}01"):
        validate_run(chain, network)


def test_another_networks_headers_are_refused(chain: bytes) -> None:
    with pytest.raises(InvalidTarget, match="limit of signet"):
        validate_run(chain, SIGNET)


def test_a_run_amid_an_epoch_says_what_it_cannot_check(chain: bytes) -> None:
    block = internal(chain[20 * 80 : 21 * 80])[::-1]
    network = replace(SIMNET, min_difficulty_rule=False)
    run = validate_run(chain[10 * 80 :], network, known_blocks={block: (20, None)})
    assert run.notes == (
        "bits of heights 10 to 30: checked against each other only, because the epoch's first "
        "header (0) is not in the run",
        "time rule of heights 10 to 20: fewer than 11 headers before them are in the run",
    )
    assert run.frame()["median_time_past"].null_count() == 10


def test_a_retarget_whose_epoch_is_not_in_the_run_is_noted(mine: Mine) -> None:
    network = replace(SIMNET, min_difficulty_rule=False)
    data = mine(steady(6), [EASY] * 3 + [0x205FFFFF] * 3)
    block = internal(data[:80])[::-1]
    run = validate_run(data, network, known_blocks={block: (4029, None)})
    assert run.notes[0] == "retarget at 4032: the epoch's first header (2016) is not in the run"


def test_a_run_continues_another_with_everything_checked(mine: Mine, simnet_genesis: bytes) -> None:
    bits = [EASY] * 2015 + [0x201FFFFF] * 5
    data = simnet_genesis + mine(steady(2020, START + 1, 1), bits, internal(simnet_genesis))
    first = validate_run(data[: 2000 * 80], SIMNET)
    rest = validate_run(data[2000 * 80 :], SIMNET, preceding=first.preceding())
    whole = validate_run(data, SIMNET)
    assert (rest.first_height, rest.last_height, rest.notes) == (2000, 2020, ())
    assert rest.frame().equals(whole.frame()[2000:])


def test_wrong_bits_after_preceding_headers_are_found(mine: Mine, simnet_genesis: bytes) -> None:
    data = simnet_genesis + mine(
        steady(2017, START + 1, 1), [EASY] * 2017, internal(simnet_genesis)
    )
    first = validate_run(data[: 2000 * 80], SIMNET)
    with pytest.raises(WrongBits, match="header 16 of the run \\(height 2016\\)"):
        validate_run(data[2000 * 80 :], SIMNET, preceding=first.preceding())


def test_a_run_on_another_parent_is_a_broken_link(chain: bytes) -> None:
    nothing = np.empty(0, np.int64)
    preceding = Preceding(height=9, hash=bytes(32), times=nothing, bits=nothing)
    with pytest.raises(BrokenLink, match="header 0 of the run \\(height 10\\)"):
        validate_run(chain[800:], SIMNET, preceding=preceding)


def test_a_parent_without_times_gives_the_height_alone(chain: bytes) -> None:
    nothing = np.empty(0, np.int64)
    parent = internal(chain[9 * 80 : 10 * 80])[::-1]
    preceding = Preceding(height=9, hash=parent, times=nothing, bits=nothing)
    run = validate_run(chain[800:], SIMNET, preceding=preceding)
    assert run.first_height == 10
    assert run.notes


def test_a_time_at_the_median_time_past_is_too_early(mine: Mine, simnet_genesis: bytes) -> None:
    times = [*steady(20), START + 600 * 15]  # the median of the eleven before is that of block 15
    data = simnet_genesis + mine(times, [EASY] * 21, internal(simnet_genesis))
    with pytest.raises(WrongTime, match=r"height 21.*later than the median time past") as caught:
        validate_run(data, SIMNET)
    assert caught.value.fields["found"] == START + 600 * 15


def test_one_second_after_the_median_time_past_is_enough(mine: Mine, simnet_genesis: bytes) -> None:
    times = [*steady(20), START + 600 * 15 + 1]
    data = simnet_genesis + mine(times, [EASY] * 21, internal(simnet_genesis))
    assert validate_run(data, SIMNET).last_height == 21


def test_headers_more_than_two_hours_ahead_of_now_are_refused(chain: bytes) -> None:
    tip = START + 30 * 600
    assert validate_run(chain, SIMNET, now=tip - 7200).last_height == 30
    with pytest.raises(WrongTime, match=r"height 30.*two hours ahead of now"):
        validate_run(chain, SIMNET, now=tip - 7201)


def test_a_run_of_genesis_alone(simnet_genesis: bytes) -> None:
    run = validate_run(simnet_genesis, SIMNET)
    assert (run.first_height, len(run), run.notes) == (0, 1, ())


def test_a_known_block_that_shares_the_end_of_its_hash_is_not_taken_for_it(chain: bytes) -> None:
    block = internal(chain[20 * 80 : 21 * 80])[::-1]
    known = {bytes(24) + block[24:]: (99, None)}
    assert validate_run(chain, SIMNET, known_blocks=known).last_height == 30
