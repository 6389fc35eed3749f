"""Block files of a Bitcoin Core data directory."""

from __future__ import annotations

from collections.abc import Iterator

from hashcanary.sources.feed import Asked, Batch, Choice, Feed, Number, Setting

DATADIR = Setting("datadir", "Bitcoin Core's data directory, or its blocks folder", "~/.bitcoin")
WORKERS = Number("workers", "files read at a time; more help a slow disk", "4", low=1, high=64)
VERIFY = Choice(
    "verify",
    "light: headers' proof of work, coinbases by their form and height; "
    "full: read every block whole and check all its bytes against its header",
    "light",
    words=("light", "full"),
)
POLL = Number("poll", "seconds between two looks at the files while following", "5", low=1)

_COSTS = """\
Reads one kibibyte of each block, about 1 GB of a full node's 700 GB, and writes nothing to the
directory. The time is the disk's: one read a block, several files at a time (`workers`), so that a
full node's 930,000 blocks take minutes on a solid-state disk and hours on a turning one; the
computing is about 10 s a million blocks. Memory stays below 200 MB for a million blocks. A later
scan reads only what was appended.

The node may run meanwhile: a block that is not whole yet is left for the next look, and so is one
whose parent has not been met. A pruned directory works: its oldest block is placed by a header that
the lake holds, or by the height that coinbases state since block 227,931, once that block has been
read whole.

Each header's proof of work is checked, each block's place, the form of its coinbase and the height
that it states. That the coinbase and the number of transactions belong to the header is checked
only where the coinbase is the only transaction, and for the block last written; of single wrong
bits in coinbases and counts about half go unseen. `verify=full` reads every block whole and checks
every byte by both merkle trees: then none does. It takes about 50 ms a megabyte, hours for the
whole chain. A block with witnesses has a weight only then.
"""


def batches(asked: Asked) -> Iterator[Batch]:
    """Headers, counts, sizes and coinbases of all blocks in the files that are new."""
    from hashcanary.sources.node.block_files import ScanOptions, scan

    whole = VERIFY.word(asked.settings) == "full"
    options = ScanOptions(WORKERS.whole(asked.settings), whole)
    yield from scan(DATADIR.text(asked.settings), asked.held, dict(asked.cursor), options)


BLOCKFILES = Feed(
    name="blockfiles",
    title="Block files of a Bitcoin Core data directory",
    gives=("headers", "blocks"),
    settings=(DATADIR, WORKERS, VERIFY, POLL),
    batches=batches,
    wait=POLL.pause,
    example=(
        "# a node's files, beside the running node or without it; then who mined what\n"
        "hashcanary sync --source blockfiles -o datadir=~/.bitcoin\n"
        "hashcanary pools --days 30"
    ),
    costs=_COSTS,
)
