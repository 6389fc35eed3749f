"""A Bitcoin Core node: headers, true fees and coinbases of the newest blocks.

Over JSON-RPC with its cookie, stale branches and all; over REST without any password.

A node writes a new cookie at each start. The file is read anew for every request, so that a
restarted node is followed; nothing of it is kept or shown.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from hashcanary.errors import UsageError
from hashcanary.sources.errors import BadCookie
from hashcanary.sources.feed import Asked, Batch, Feed, Number, Setting
from hashcanary.sources.http.client import Http
from hashcanary.sources.http.line import Limits
from hashcanary.sources.node.rest_node import RestNode
from hashcanary.sources.node.rpc_node import Rpc, RpcNode
from hashcanary.sources.node.walking import walk
from hashcanary.sources.node.zmq_notices import OFF, Waiting, can_listen, reachable

Nodes = Callable[[Asked], AbstractContextManager[RpcNode | RestNode]]


PORTS = {"main": 8332, "testnet4": 48332, "signet": 38332, "regtest": 18443, "simnet": 18556}
_FOLDERS = {"main": ""}
_COOKIE_BYTES = 4096
_MOST_BLOCKS = 10**9 - 1
# A block has at most 4,000,000 bytes; as hex digits in JSON twice that and a little more.
_BODY = 64 << 20

URL = Setting("url", "URL of the node, without name and password; default: port of the network")
TIMEOUT = Number("timeout", "seconds until an answer must have begun", "120", low=0.001, high=3600)
CONNECTIONS = Number("connections", "connections used at once, 1 to 16", "4", low=1, high=16)
ZMQ = Setting(
    "zmq",
    "address of the node's hashblock or rawblock notices (tcp://127.0.0.1:28332); empty: as the "
    "node says, where pyzmq is installed; off: poll",
)
INTERVAL = Number(
    "interval", "seconds between questions for a new block where polling", "10", low=0.1
)
DATADIR = Setting("datadir", "the node's data folder, for its cookie", "~/.bitcoin")
COOKIE = Setting("cookie", "the node's cookie file; default: .cookie in the data folder")
USER = Setting("user", "name, in place of the cookie")
PASSWORD = Setting("password", "password of that name; from sources.toml only", secret=True)
STATS = Number(
    "stats",
    "fees and sizes of how many of the newest blocks: a number or all",
    "all",
    high=_MOST_BLOCKS,
    word="all",
)
COINBASES = Number(
    "coinbases",
    "coinbases of how many of the newest blocks (up to 4 MB each), or all",
    "144",
    high=_MOST_BLOCKS,
    word="all",
)
WARMUP = Number("warmup", "seconds to wait for a node that is starting", "600")
BLOCKS = Number(
    "blocks",
    "how many of the newest blocks to read whole (up to 5 MB each), or all",
    "144",
    high=_MOST_BLOCKS,
    word="all",
)


def node_url(asked: Asked) -> str:
    """The URL of the node: the one set, or this machine's, at the port of the network."""
    return URL.text(asked.settings) or f"http://127.0.0.1:{PORTS[asked.held.network.name]}"


def clients(asked: Asked, service: str, auth: Callable[[], dict[str, str]] | None) -> list[Http]:
    """As many clients as connections are allowed; each is for one thread."""
    timeout = TIMEOUT.number(asked.settings)
    limits = Limits(
        connect=min(10.0, timeout), read=timeout, total=4 * timeout, body=_BODY, longest_wait=60.0
    )
    return [
        Http(base=node_url(asked), service=service, clock=asked.clock, limits=limits, auth=auth)
        for _ in range(CONNECTIONS.whole(asked.settings))
    ]


def authentication(asked: Asked) -> Callable[[], dict[str, str]]:
    """Gives the header that proves who asks: by name and password where set, else by cookie."""
    user, password = USER.text(asked.settings), PASSWORD.text(asked.settings)
    if bool(user) != bool(password):
        raise UsageError(
            argument="the settings user and password",
            expected="both, or neither (the node's cookie is then used)",
            found="only one of them",
            remedy="Set both in sources.toml, readable by you alone.",
        )
    if user:
        header = _basic(f"{user}:{password}".encode())
        return lambda: header
    path = cookie_path(asked)
    return lambda: _basic(_cookie(path))


def cookie_path(asked: Asked) -> Path:
    """Where the node's cookie is: as set, or in its data folder, by network."""
    cookie = COOKIE.text(asked.settings)
    if cookie:
        return Path(cookie).expanduser()
    name = asked.held.network.name
    return Path(DATADIR.text(asked.settings)).expanduser() / _FOLDERS.get(name, name) / ".cookie"


def _cookie(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_COOKIE_BYTES + 1)
    except OSError as error:
        raise BadCookie(file=path, found=error.strerror or "an error of the system") from error
    line = content.strip()
    if len(content) > _COOKIE_BYTES or b":" not in line or b"\n" in line:
        raise BadCookie(file=path, found="something else")
    return line


def _basic(pair: bytes) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(pair).decode()}"}


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
