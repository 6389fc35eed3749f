"""A Bitcoin Core node: headers, true fees and coinbases of the newest blocks.

Over JSON-RPC with its cookie, stale branches and all; over REST without any password.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from hashcanary.sources.feed import Feed
from hashcanary.sources.node.rest_node import RestNode
from hashcanary.sources.node.rpc import Rpc
from hashcanary.sources.node.rpc_node import RpcNode
from hashcanary.sources.node.rpc_settings import (
    BLOCKS,
    COINBASES,
    CONNECTIONS,
    COOKIE,
    DATADIR,
    INTERVAL,
    PASSWORD,
    STATS,
    TIMEOUT,
    URL,
    USER,
    WARMUP,
    ZMQ,
    authentication,
    clients,
)
from hashcanary.sources.node.walking import walk
from hashcanary.sources.node.zmq_notices import OFF, Waiting, can_listen, reachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from hashcanary.sources.feed import Asked, Batch, Setting

    Nodes = Callable[[Asked], AbstractContextManager[RpcNode | RestNode]]


@contextmanager
def _rpc_node(asked: Asked) -> Iterator[RpcNode]:
    patience = WARMUP.number(asked.settings)
    with ExitStack() as stack:
        https = clients(asked, "Bitcoin Core's RPC", authentication(asked))
        rpcs = [Rpc(stack.enter_context(http), asked.clock, patience) for http in https]
        stats, coinbases = (newest.whole_unless(asked.settings) for newest in (STATS, COINBASES))
        yield RpcNode(rpcs, asked.held.network, stats, coinbases)


@contextmanager
def _rest_node(asked: Asked) -> Iterator[RestNode]:
    with ExitStack() as stack:
        https = [stack.enter_context(one) for one in clients(asked, "Bitcoin Core's REST", None)]
        yield RestNode(https, asked.held.network, BLOCKS.whole_unless(asked.settings))


def _feed(
    name: str, node_of: Nodes, title: str, settings: tuple[Setting, ...], example: str, costs: str
) -> Feed:
    def batches(asked: Asked) -> Iterator[Batch]:
        """Everything new that the node has. Raises ServiceError's kinds, BadHeaders, BadBlock."""
        with node_of(asked) as node:
            yield from walk(node, asked)

    def wait(asked: Asked) -> None:
        """Return when the node's tip is another one than when it was last read."""
        zmq = ZMQ.text(asked.settings)
        with node_of(asked) as node:
            waiting = Waiting.of(asked, node, INTERVAL.number(asked.settings))
            addresses = [zmq] if zmq and zmq != OFF else []
            # REST does not tell where a node gives notices
            if not zmq and isinstance(node, RpcNode) and can_listen():
                addresses = reachable(node.notices(), node.url)
            if addresses:
                waiting.by_notices(addresses, name)
            else:
                waiting.by_asking()

    return Feed(
        name=name,
        title=title,
        gives=("headers", "blocks"),
        settings=settings,
        batches=batches,
        wait=wait,
        example=example,
        costs=costs,
        extra="node",
    )


RPC = _feed(
    "rpc",
    _rpc_node,
    title="Bitcoin Core over JSON-RPC",
    settings=(
        URL,
        DATADIR,
        COOKIE,
        USER,
        PASSWORD,
        STATS,
        COINBASES,
        TIMEOUT,
        CONNECTIONS,
        WARMUP,
        ZMQ,
        INTERVAL,
    ),
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
)
REST = _feed(
    "rest",
    _rest_node,
    title="Bitcoin Core over REST",
    settings=(URL, BLOCKS, TIMEOUT, CONNECTIONS, ZMQ, INTERVAL),
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
)
