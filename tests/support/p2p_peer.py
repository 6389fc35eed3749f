"""A small Bitcoin peer: serves given headers, and misbehaves on command.

It shares no code with hashcanary: messages are framed here with ``struct`` and ``hashlib`` alone.
Run as a program it serves a file of raw headers: ``p2p_peer.py FILE MAGIC`` prints its port.
"""

from __future__ import annotations

import hashlib
import socket
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

SIZE = 80
MOST = 2_000
_CONNECTIONS = 64
_PATIENCE = 30.0


def double_sha256(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def framed(magic: bytes, command: str, payload: bytes = b"") -> bytes:
    name = command.encode().ljust(12, b"\0")
    return magic + name + struct.pack("<I", len(payload)) + double_sha256(payload)[:4] + payload


def var_int(value: int) -> bytes:
    if value < 0xFD:
        return bytes([value])
    return b"\xfd" + struct.pack("<H", value)


def headers_payload(headers: list[bytes]) -> bytes:
    return var_int(len(headers)) + b"".join(header + b"\0" for header in headers)


def split(data: bytes) -> list[bytes]:
    return [data[start : start + SIZE] for start in range(0, len(data), SIZE)]


class Closed(Exception):
    """The other side has gone."""


@dataclass
class Conversation:
    """One connection as the peer sees it."""

    connection: socket.socket
    peer: Peer
    heard: list[tuple[str, bytes]] = field(default_factory=list)

    def raw(self, data: bytes) -> None:
        try:
            self.connection.sendall(data)
        except OSError as error:
            raise Closed from error

    def send(self, command: str, payload: bytes = b"") -> None:
        self.raw(framed(self.peer.magic, command, payload))

    def send_headers(self, headers: list[bytes]) -> None:
        self.send("headers", headers_payload(headers))

    def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                chunk = self.connection.recv(count - len(data))
            except OSError as error:
                raise Closed from error
            if not chunk:
                raise Closed
            data += chunk
        return data

    def receive(self) -> tuple[str, bytes]:
        head = self.exactly(24)
        payload = self.exactly(struct.unpack("<I", head[16:20])[0])
        message = head[4:16].rstrip(b"\0").decode(), payload
        self.heard.append(message)
        return message

    def until(self, command: str) -> bytes:
        while True:
            name, payload = self.receive()
            if name == command:
                return payload

    def greet(self, nonce: bytes | None = None) -> None:
        theirs = self.until("version")
        self.send("version", self.peer.version(nonce or theirs[72:80][::-1]))
        self.send("verack")
        self.until("verack")

    def wait_for_end(self) -> None:
        while True:
            self.receive()


Script = Callable[[Conversation], None]
Answer = Callable[[Conversation, list[bytes], int], None]


class Peer:
    """Listens on 127.0.0.1. headers: raw, the first at ``first_height`` (genesis: 0).

    script: the whole conversation, in place of an honest one; answer: what it does at the n-th
    ``getheaders`` (from 0), in place of an honest answer.
    """

    def __init__(
        self,
        magic: bytes,
        headers: list[bytes],
        script: Script | None = None,
        answer: Answer | None = None,
        *,
        first_height: int = 0,
        services: int = 1,
        protocol: int = 70_016,
    ) -> None:
        self.magic, self.headers, self.first_height = magic, headers, first_height
        self.services, self.protocol = services, protocol
        self.conversations: list[Conversation] = []
        self._script = script or Peer.honest
        self._answer = answer or Peer.answer_honestly
        self._places = {double_sha256(header): at for at, header in enumerate(headers)}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.name = f"127.0.0.1:{self.port}"
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Peer:
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for conversation in self.conversations:
            conversation.connection.close()
        for thread in (self._accepting, *self._threads):
            thread.join(_PATIENCE)

    def add(self, headers: list[bytes]) -> None:
        """Put headers on its tip."""
        for header in headers:
            self._places[double_sha256(header)] = len(self.headers)
            self.headers.append(header)

    def version(self, nonce: bytes) -> bytes:
        agent = b"/peer:1/"
        fixed = struct.pack("<iQq", self.protocol, self.services, 0) + bytes(52) + nonce
        height = self.first_height + len(self.headers) - 1
        return fixed + bytes([len(agent)]) + agent + struct.pack("<i?", height, True)

    @staticmethod
    def honest(conversation: Conversation) -> None:
        conversation.greet()
        conversation.peer.serve(conversation)

    def serve(self, conversation: Conversation) -> None:
        """Answer until the other side goes."""
        asked = 0
        while True:
            command, payload = conversation.receive()
            if command == "ping":
                conversation.send("pong", payload)
            elif command == "getheaders":
                count = payload[4]
                hashes = [payload[5 + 32 * at : 37 + 32 * at] for at in range(count)]
                self._answer(conversation, hashes, asked)
                asked += 1

    @staticmethod
    def answer_honestly(conversation: Conversation, locator: list[bytes], _: int) -> None:
        peer = conversation.peer
        start = next((peer._places[name] for name in locator if name in peer._places), 0) + 1
        conversation.send_headers(peer.headers[start : start + MOST])

    def _accept(self) -> None:
        while len(self._threads) < _CONNECTIONS:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(_PATIENCE)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._talk, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _talk(self, connection: socket.socket) -> None:
        conversation = Conversation(connection, self)
        self.conversations.append(conversation)
        try:
            self._script(conversation)
        except Closed:
            pass
        finally:
            connection.close()


def main(file: str, magic: str) -> None:
    with Peer(bytes.fromhex(magic), split(Path(file).read_bytes())) as peer:
        sys.stdout.write(f"{peer.port}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
