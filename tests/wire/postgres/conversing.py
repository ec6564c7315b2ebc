"""An exchange between a client that is a list of messages and a pretended server."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from doorward.errors import ProtocolViolation
from doorward.wire.postgres import messages
from doorward.wire.postgres.exchange import Exchange
from doorward.wire.postgres.framing_cy import FrameReader
from tests.wire.postgres.governing import Rules
from tests.wire.postgres.pretended_server import PretendedServer


def bind(statement: str = "", portal: str = "", formats: tuple[int, ...] = ()) -> bytes:
    """A Bind message without parameters."""
    asked = struct.pack(f">H{len(formats)}h", len(formats), *formats)
    return messages.message(b"B", messages.cstring(portal) + messages.cstring(statement) + b"\0\0\0\0" + asked)


def execute(portal: str = "", maximum: int = 0) -> bytes:
    """An Execute message."""
    return messages.message(b"E", messages.cstring(portal) + struct.pack(">i", maximum))


def run(text: str, name: str = "") -> bytes:
    """Parse, Bind and Execute of a text, without a Sync."""
    return messages.parse(name, text) + bind(name) + execute()


def copy_data(data: bytes) -> bytes:
    """A CopyData message."""
    return messages.message(b"d", data)


def frames(data: bytes) -> list[tuple[str, bytes]]:
    """The messages in *data*: type and body."""
    reader = FrameReader(1 << 30)
    reader.feed(data)
    found = []
    while reader.next():
        found.append((chr(reader.kind), reader.body()))
    assert not reader.waiting, "a message is cut"
    return found


def kinds(data: bytes) -> str:
    """The type bytes of the messages in *data*."""
    return "".join(kind for kind, _body in frames(data))


@dataclass
class Conversation:
    """Both ends of one exchange, with everything that went over either side."""

    rules: Rules = field(default_factory=Rules)
    server: PretendedServer = field(default_factory=PretendedServer)
    epoch: str = "1"

    def __post_init__(self) -> None:
        self.exchange = Exchange(self.rules, lambda: self.epoch)
        self.to_server = b""
        self.to_client = b""
        self.unread = b""  # what the server sent and the exchange has not taken

    def send(self, data: bytes) -> str:
        """Let the client send *data* and everything settle; return the types of what it got."""
        before = len(self.to_client)
        self.exchange.receive_from_client(data)
        self.settle()
        return kinds(self.to_client[before:])

    def deliver(self) -> None:
        """Carry what the exchange put out to where it belongs."""
        upstream, client = b"".join(self.exchange.to_upstream), b"".join(self.exchange.to_client)
        self.exchange.to_upstream.clear()
        self.exchange.to_client.clear()
        self.to_server += upstream
        self.to_client += client
        if upstream:
            self.unread += self.server.receive(upstream)

    def settle(self, chunk: int = 1 << 20) -> None:
        """Until nothing moves any more."""
        self.deliver()
        while self.unread:
            part, self.unread = self.unread[:chunk], self.unread[chunk:]
            self.exchange.receive_from_upstream(part)
            self.deliver()

    def answer(self, *, approve: bool) -> str:
        """Answer the oldest waiting execution and let everything settle; return the types of what the client got."""
        from tests.wire.postgres.governing import WITHDRAWN

        before = len(self.to_client)
        resume, ticket = self.rules.waiting.pop(0)
        if approve:
            resume(None, ticket)
        else:
            ticket.outcome = ("refused", "", 0, "")
            resume(WITHDRAWN, None)
        self.exchange.go_on()
        self.settle()
        return kinds(self.to_client[before:])

    def errors(self) -> list[str]:
        """The messages of all errors that the client got."""
        return [messages.read_fields(body).get("M") for kind, body in frames(self.to_client) if kind == "E"]


def until_violation(steps: Iterable[bytes]) -> bool:
    """Whether playing *steps* to a fresh conversation ends it as a protocol violation."""
    conversation = Conversation()
    try:
        for step in steps:
            conversation.send(step)
    except ProtocolViolation:
        return True
    return False
