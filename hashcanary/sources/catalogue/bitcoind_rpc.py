"""A Bitcoin Core node over JSON-RPC: headers, true fees, the newest coinbases, stale branches."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from hashcanary.sources.feed import Feed
from hashcanary.sources.node.rpc import Rpc
from hashcanary.sources.node.rpc_node import RpcNode
from hashcanary.sources.node.rpc_settings import RPC_SETTINGS, Said, authentication, clients
from hashcanary.sources.node.walking import walk
from hashcanary.sources.node.zmq_notices import OFF, Waiting, can_listen, reachable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hashcanary.sources.feed import Asked, Batch

_NAME = "rpc"


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
        addresses = [zmq] if zmq and zmq != OFF else []
        if not zmq and can_listen():
            addresses = reachable(node.notices(), node.url)
        if addresses:
            waiting.by_notices(addresses, _NAME)
        else:
            waiting.by_asking()


@contextmanager
def _node(asked: Asked) -> Iterator[RpcNode]:
    said = Said(asked.settings)
    patience = said.number("warmup", 0, 86_400)
    with ExitStack() as stack:
        https = clients(asked, "Bitcoin Core's RPC", authentication(asked))
        rpcs = [Rpc(stack.enter_context(http), asked.clock, patience) for http in https]
        yield RpcNode(rpcs, asked.held.network, said.newest("stats"), said.newest("coinbases"))


RPC = Feed(
    name=_NAME,
    title="Bitcoin Core over JSON-RPC",
    gives=("headers", "blocks"),
    settings=RPC_SETTINGS,
    batches=batches,
    wait=wait,
    example=(
        "# headers, fees and coinbases from your node, by its cookie; a pruned node will do\n"
        "hashcanary sync --source rpc -o datadir=~/.bitcoin\n"
        "hashcanary sync --source rpc --follow"
    ),
    costs=(
        "Headers: about 15 s and 50 MB of traffic per 100,000. Fees: the node reads each block and "
        "its undo data from its disk, newest first: hours for the whole chain, a moment for each "
        "new block. A coinbase: its block in hex digits, up to 8 MB. Memory: 450 MB with every "
        "header of the chain; on disk only what the lake keeps."
    ),
    extra="node",
)
