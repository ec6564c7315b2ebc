"""The door that several gateways share: one listening socket, and who has the fewest connections takes the next.

The control process opens the socket and every gateway inherits it: a connection that waits in its queue outlives any of
them. (With SO_REUSEPORT each would have a queue of its own, lost with it, and few clients would be spread by luck.)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import mmap
import os
import select
import socket
import struct
from collections.abc import Callable, Sequence

from doorward import telemetry
from doorward.errors import ConfigurationInvalid

BACKLOG = 4096
# How long a gateway leaves a connection to one that has fewer, looking again now and then. After that it takes it: the other
# may be stuck.
PATIENCE_SECONDS = 0.020
LOOK_SECONDS = 0.002
# When no file can be opened any more, trying again at once would only burn time.
FULL_SECONDS = 0.5
MOST_GATEWAYS = 64
_SLOT = struct.Struct("=q")
_ABSENT = (1 << 62) - 1

# Accepted connections inherit these. A client that vanished without a word is noticed in a minute and a half.
_OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


def open_listeners(host: str, port: int) -> list[socket.socket]:
    """Listening sockets on every address of *host*, all on one port; any free one for 0. Raises ConfigurationInvalid."""
    opened: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            sock = socket.socket(family, socket.SOCK_STREAM)
            opened.append(sock)
            for level, option, value in _OPTIONS:
                sock.setsockopt(level, option, value)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            taken = opened[0].getsockname()[1] if len(opened) > 1 else port
            sock.bind((address[0], taken, *address[2:]))
            sock.listen(BACKLOG)
            sock.setblocking(False)
    except OSError as error:
        for sock in opened:
            sock.close()
        raise ConfigurationInvalid(
            f"Doorward can't listen on {host}:{port}: {error.strerror or error}.",
            "Something else may listen there: choose another port with --port.",
        ) from None
    return opened


class Loads:
    """How many connections each gateway has, in memory that all of them see. Each writes its own number alone.

    The numbers are hints for who takes the next connection: nothing else depends on them, so nobody locks them.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, MOST_GATEWAYS * _SLOT.size)

    @classmethod
    def create(cls) -> Loads:
        """Memory of its own, in which every gateway is absent."""
        descriptor = os.memfd_create("doorward-loads")
        os.truncate(descriptor, MOST_GATEWAYS * _SLOT.size)
        loads = cls(descriptor)
        for gateway in range(MOST_GATEWAYS):
            loads.leave(gateway)
        return loads

    def put(self, gateway: int, count: int) -> None:
        """*gateway* has so many."""
        _SLOT.pack_into(self._memory, gateway * _SLOT.size, count)

    def leave(self, gateway: int) -> None:
        """*gateway* takes none at present."""
        self.put(gateway, _ABSENT)

    def of(self, gateway: int) -> int:
        """How many *gateway* has; more than anyone when it takes none."""
        return int(_SLOT.unpack_from(self._memory, gateway * _SLOT.size)[0])

    def least(self) -> int:
        """The fewest that any has."""
        return int(min(memoryview(self._memory).cast("q")))

    def close(self) -> None:
        """Let go of the memory. Safe to call twice."""
        if not self._memory.closed:
            self._memory.close()
            os.close(self.descriptor)


class Acceptor:
    """Takes connections for one gateway. *count* says how many it has; *make* makes the protocol of a new one."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        loads: Loads,
        gateway: int,
        count: Callable[[], int],
        make: Callable[[], asyncio.Protocol],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sockets = sockets
        self._loads = loads
        self._gateway = gateway
        self._count = count
        self._make = make
        self._arriving: set[asyncio.Task[object]] = set()
        self._left_since: dict[socket.socket, float] = {}  # what waits there is left to others
        self._is_closed = False
        self.counted()
        for sock in sockets:
            sock.setblocking(False)
            self._loop.add_reader(sock, self._ready, sock)

    def counted(self) -> None:
        """Tell the others how many connections there are: to be called when one ends."""
        if not self._is_closed:
            self._loads.put(self._gateway, self._count() + len(self._arriving))

    def close(self) -> None:
        """Take no more. Safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True
        self._loads.leave(self._gateway)
        for sock in self._sockets:
            self._loop.remove_reader(sock)
            sock.close()

    def _ready(self, sock: socket.socket) -> None:
        now = self._loop.time()
        is_for_others = self._loads.of(self._gateway) > self._loads.least()
        if is_for_others and now - self._left_since.setdefault(sock, now) < PATIENCE_SECONDS:
            self._look_away(sock, LOOK_SECONDS)
        else:
            self._left_since.pop(sock, None)
            self._take(sock)

    def _look_away(self, sock: socket.socket, seconds: float) -> None:
        """Leave the socket alone for a moment: it stays readable until somebody takes what waits there."""
        self._loop.remove_reader(sock)
        self._loop.call_later(seconds, self._look_again, sock)

    def _look_again(self, sock: socket.socket) -> None:
        if self._is_closed:
            return
        self._loop.add_reader(sock, self._ready, sock)
        if not select.select([sock], [], [], 0)[0]:
            self._left_since.pop(sock, None)  # taken

    def _take(self, sock: socket.socket) -> None:
        try:
            connection, _address = sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another gateway was faster, or the client is gone
        except OSError as error:
            telemetry.log("gateway.full", level=logging.ERROR, error=error.strerror)
            self._look_away(sock, FULL_SECONDS)
            return
        connection.setblocking(False)
        task = self._loop.create_task(self._arrive(connection), name="accept")
        self._arriving.add(task)
        task.add_done_callback(self._arrived)
        self.counted()

    async def _arrive(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # a client that went away at once
            await self._loop.connect_accepted_socket(self._make, connection)

    def _arrived(self, task: asyncio.Task[object]) -> None:
        self._arriving.discard(task)
        self.counted()
