"""A Bitcoin Core node over its REST interface: headers, exact fees of the newest blocks."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from hashcanary.sources.feed import Feed
from hashcanary.sources.node.rest_node import RestNode
from hashcanary.sources.node.rpc_settings import REST_SETTINGS, Said, clients
from hashcanary.sources.node.walking import walk
from hashcanary.sources.node.zmq_notices import OFF, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hashcanary.sources.feed import Asked, Batch

_NAME = "rest"


def batches(asked: Asked) -> Iterator[Batch]:
    """Everything new that the node has. Raises ServiceError's kinds, BadHeaders, BadBlock."""
    with _node(asked) as node:
        yield from walk(node, asked)


def wait(asked: Asked) -> None:
    """Return when the node's tip is another one than when it was last read."""
    said = Said(asked.settings)
    zmq = said.text("zmq")
    with _node(asked) as node:
        waiting = Waiting.of(asked, node, said.number("interval", 0.1, 86_400))
        if zmq and zmq != OFF:
            waiting.by_notices([zmq], _NAME)
        else:
            waiting.by_asking()


@contextmanager
def _node(asked: Asked) -> Iterator[RestNode]:
    with ExitStack() as stack:
        https = [stack.enter_context(one) for one in clients(asked, "Bitcoin Core's REST", None)]
        yield RestNode(https, asked.held.network, Said(asked.settings).newest("blocks"))


REST = Feed(
    name=_NAME,
    title="Bitcoin Core over REST",
    gives=("headers", "blocks"),
    settings=REST_SETTINGS,
    batches=batches,
    wait=wait,
    example=(
        "# the node runs with rest=1: no password at all\n"
        "hashcanary sync --source rest -o url=http://127.0.0.1:8332 -o blocks=2016"
    ),
    costs=(
        "Headers: about 2 s and 8 MB of traffic per 100,000. Each of the newest blocks that is "
        "read: its bytes and those of the outputs it spends, up to 5 MB. Memory: 450 MB with "
        "every header of the chain; on disk only what the lake keeps. REST does not tell of "
        "branches that the node left while nobody followed: --source rpc brings those."
    ),
    extra="node",
)
