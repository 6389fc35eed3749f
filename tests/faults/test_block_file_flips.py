"""Single flipped bits in block files of real blocks: named, told, harmless, or counted.

Every flip ends in one of four ways:

- *named*: an error with the file and the offset of a record;
- *told*: no fact differs, some are left out, and a note says where;
- *harmless*: the same facts;
- *unseen*: a fact differs. With ``verify=full`` there is none. In the light mode only the count of
  transactions and the coinbase of a block of several transactions can be meant: nothing but the
  whole block can prove those.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import polars as pl
import pytest
from support import block_maker

from hashcanary.chain.coinbase import parse_coinbase
from hashcanary.chain.networks import MAIN
from hashcanary.chain.whole_block import read_count
from hashcanary.sources.errors import BadKey, DamagedBlockFile
from hashcanary.sources.facts import BLOCKS, HEADERS
from hashcanary.sources.node.block_files import ScanOptions, scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from hashcanary.sources.feed import Held

KEY = bytes.fromhex("7f00c1d2e3f40596")
TAIL = 3_000
LIGHT = ("block363703.dat", "block481829.dat", "floresta_block_866342.raw.zst", "block227836.dat")
FULL = ("block169482.dat", "block227835.dat", "block227836.dat")
HEIGHTS = {
    "block169482.dat": 169_482,
    "block227835.dat": 227_835,
    "block227836.dat": 227_836,
    "block363703.dat": 363_703,
    "block481829.dat": 481_829,
    "floresta_block_866342.raw.zst": 866_342,
}


class Flipped:
    """A blocks folder of real blocks, and what becomes of its facts when a bit is wrong."""

    def __init__(
        self, folder: Path, maker: ModuleType, blocks: dict[str, bytes], first: bytes, whole: bool
    ) -> None:
        self.folder, self.options = folder, ScanOptions(1, whole)
        parents = {block[4:36][::-1]: HEIGHTS[name] - 1 for name, block in blocks.items()}
        self.held: Held = maker.held(MAIN, parents.get)
        files = {0: first, 1: maker.framed(blocks.values(), MAIN.magic)}
        maker.write(folder, files, KEY, TAIL)
        # places (file, byte) of frames, headers, counts and coinbases, and those of counts and
        # coinbases of several transactions, which a header alone cannot prove
        self.read_bytes: list[tuple[int, int]] = []
        self.unproven: list[tuple[int, int]] = []
        for number, data in files.items():
            self._map(number, data)
        self.true = self.facts()
        assert self.true[0].height == 439 + len(blocks)
        assert self.notes == []

    def _map(self, number: int, data: bytes) -> None:
        start = 0
        while start < len(data):
            block = data[start + 8 :]
            count, coinbase = read_count(block)
            end = start + 8 + coinbase + parse_coinbase(block, coinbase).size
            self.read_bytes += [(number, at) for at in range(start, end)]
            if count > 1:
                self.unproven += [(number, at) for at in range(start + 88, end)]
            start += 8 + int.from_bytes(data[start + 4 : start + 8], "little")

    def facts(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Headers and blocks as a scan finds them; its notes are kept beside."""
        batches = list(scan(self.folder, self.held, {}, self.options))
        light = "verify=full"
        self.notes = [n for batch in batches for n in batch.notes if light not in n]
        tables = []
        for table in (HEADERS, BLOCKS):
            parts = [f.frame for b in batches for f in b.facts if f.table is table]
            empty = pl.DataFrame(schema=table.schema)
            tables.append(pl.concat([empty, *parts]).sort("height", "hash"))
        return tables[0], tables[1]

    def outcome(self, number: int, place: int, bit: int) -> str:
        """What becomes of the facts when one bit of a file (or, number -1, of the key) is wrong."""
        name = "xor.dat" if number < 0 else f"blk{number:05d}.dat"
        with (self.folder / name).open("r+b") as file:
            file.seek(place)
            was = file.read(1)[0]
            file.seek(place)
            file.write(bytes([was ^ 1 << bit]))
            file.flush()
            try:
                return self._outcome(number, place)
            finally:
                file.seek(place)
                file.write(bytes([was]))

    def _outcome(self, number: int, place: int) -> str:
        try:
            found = self.facts()
        except BadKey:
            return "named"
        except DamagedBlockFile as error:
            well_named = str(error).startswith("blk0000") and int(str(error.fields["offset"])) >= 0
            return "named" if well_named else f"badly named: {error}"
        if all(ours.equals(theirs) for ours, theirs in zip(found, self.true, strict=True)):
            return "told" if self.notes else "harmless"
        subset = all(
            ours.join(theirs, on=ours.columns, how="anti", nulls_equal=True).is_empty()
            for ours, theirs in zip(found, self.true, strict=True)
        )
        if subset:
            assert self.notes, f"file {number}, byte {place}: facts left out without a word"
            return "told"
        assert found[0].equals(self.true[0]), f"file {number}, byte {place}: a header differs"
        assert (number, place) in self.unproven, f"file {number}, byte {place}"
        return "unseen"

    def run(self, count: int, seed: int, counted: Callable[[str], None]) -> Counter[str]:
        """Outcomes of flips: half of them in the bytes a light scan reads, the rest anywhere."""
        random = Random(seed)
        sizes = [(self.folder / f"blk{n:05d}.dat").stat().st_size for n in (0, 1)]
        outcomes: Counter[str] = Counter()
        for turn in range(count):
            if turn % 50 == 49:
                number, place = -1, random.randrange(8)
            elif turn % 2:
                number, place = random.choice(self.read_bytes)
            else:
                number = random.randrange(2)
                place = random.randrange(sizes[number])
            outcomes[self.outcome(number, place, random.randrange(8))] += 1
        told = ", ".join(f"{name} {outcomes[name]}" for name in ("named", "told", "harmless"))
        mode = "full" if self.options.whole else "light"
        counted(
            f"block files, {mode} scan, {count:,} bit flips: {told}, unseen {outcomes['unseen']}"
        )
        return outcomes


@pytest.fixture(scope="module")
def flipped(
    real_data: Path, raw_blocks: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[bool], Flipped]:
    """Makes the folder for one mode."""
    first = (real_data / "raw_blocks" / "first-100k-blocks.dat").read_bytes()

    def make(whole: bool) -> Flipped:
        blocks = {name: raw_blocks[name] for name in (FULL if whole else LIGHT)}
        return Flipped(tmp_path_factory.mktemp("flips"), block_maker, blocks, first, whole)

    return make


def _check(outcomes: Counter[str], count: int, whole: bool) -> None:
    assert sum(outcomes.values()) == count
    assert outcomes["named"] > count // 4
    assert outcomes["harmless"] > 0
    if whole:
        assert outcomes["unseen"] == 0
    else:
        # the few bytes of four coinbases and counts, out of all that is read
        assert outcomes["unseen"] < count // 100


def test_flipped_bits_of_a_light_scan(
    flipped: Callable[[bool], Flipped], counted: Callable[[str], None]
) -> None:
    _check(flipped(False).run(500, 1, counted), 500, whole=False)


def test_flipped_bits_of_a_full_scan_are_never_unseen(
    flipped: Callable[[bool], Flipped], counted: Callable[[str], None]
) -> None:
    _check(flipped(True).run(100, 2, counted), 100, whole=True)


def _unproven_bits(folder: Flipped, step: int, counted: Callable[[str], None]) -> None:
    """Flip every ``step``-th bit of counts and coinbases in a light scan, some in a full one."""
    bits = [(*at, bit) for at in folder.unproven if at[0] == 1 for bit in range(8)][::step]
    outcomes = Counter(folder.outcome(*at) for at in bits)
    told = ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items()))
    counted(f"block files, light scan, {len(bits):,} bit flips in counts and coinbases: {told}")
    assert set(outcomes) <= {"named", "told", "harmless", "unseen"}
    # null input, lengths, height, large values and form tell
    assert outcomes["named"] + outcomes["told"] > len(bits) // 4
    assert 0 < outcomes["unseen"] < len(bits) * 2 // 3
    folder.options = ScanOptions(1, whole=True)
    folder.true = folder.facts()
    assert {folder.outcome(*at) for at in bits[:: len(bits) // 6]} <= {"named", "told"}


def test_what_a_light_scan_cannot_see_is_counted(
    flipped: Callable[[bool], Flipped], counted: Callable[[str], None]
) -> None:
    _unproven_bits(flipped(False), 41, counted)


@pytest.mark.torture
def test_all_that_a_light_scan_cannot_see_is_counted(
    flipped: Callable[[bool], Flipped], counted: Callable[[str], None]
) -> None:
    _unproven_bits(flipped(False), 1, counted)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(4))
def test_many_flipped_bits_of_light_scans(
    flipped: Callable[[bool], Flipped], counted: Callable[[str], None], seed: int
) -> None:
    _check(flipped(False).run(2_500, 100 + seed, counted), 2_500, whole=False)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(4))
def test_many_flipped_bits_of_full_scans(
    flipped: Callable[[bool], Flipped], counted: Callable[[str], None], seed: int
) -> None:
    _check(flipped(True).run(500, 200 + seed, counted), 500, whole=True)
