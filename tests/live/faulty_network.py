"""A relay that does to connections what networks do: cuts, halves, delays, crumbs, small windows, an order of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

BLOCK_BYTES = 1 << 16
QUIET_SECONDS, MOST_WAITS = 0.003, 30


class Cut(Enum):
    """How a direction ends."""

    RESET = "reset"  # both connections are torn down at once, as by a firewall
    CLOSE = "close"  # both ends see an orderly end after what was sent before
    HALF = "half"  # this direction ends in order, the other one goes on
    STALL = "stall"  # this direction carries nothing any more, and nobody is told


class Side(Enum):
    """Whose bytes."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Way:
    """What happens to the bytes of one side: pieces of *block* bytes, each later by *delay_seconds*, until the cut."""

    block: int = BLOCK_BYTES
    delay_seconds: float = 0.0
    cut_after_bytes: int | None = None
    cut: Cut = Cut.RESET


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one connection. The side that goes *first* is served whenever it has anything; the other one waits."""

    client: Way = Way()
    server: Way = Way()
    first: Side | None = None

    def way(self, side: Side) -> Way:
        """That of the bytes which *side* sends."""
        return self.client if side is Side.CLIENT else self.server


NO_FAULT = Fault()


@dataclass(slots=True)
class Carried:
    """One connection through the relay: how many bytes each side sent, and when it last did."""

    fault: Fault
    client_bytes: int = 0
    server_bytes: int = 0
    last: dict[Side, float] = field(default_factory=dict)

    def count(self, side: Side, size: int) -> None:
        """Note bytes that were passed on."""
        if side is Side.CLIENT:
            self.client_bytes += size
        else:
            self.server_bytes += size
        self.last[side] = time.monotonic()


class Relay:
    """Listens on *port* and passes on to *target*. Connections take their faults from *faults*, one each, oldest first."""

    def __init__(self, target: tuple[str, int], window_bytes: int | None) -> None:
        self.target = target
        self.faults: deque[Fault] = deque()
        self.carried: list[Carried] = []
        self.port = 0
        self._window_bytes = window_bytes
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def open_connections(self) -> int:
        """How many are not over yet."""
        return len(self._connections)

    def socket(self) -> socket.socket:
        """A socket with this relay's window: set before it connects or listens, or the window would be agreed on already."""
        made = socket.socket()
        if self._window_bytes is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._window_bytes)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._window_bytes)
        return made

    async def serve(self, listening: socket.socket) -> None:
        """Accept until cancelled."""
        while True:
            client, _address = await self._loop.sock_accept(listening)
            task = self._loop.create_task(self._carry(client))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _carry(self, client: socket.socket) -> None:
        carried = Carried(self.faults.popleft() if self.faults else NO_FAULT)
        self.carried.append(carried)
        server = self.socket()
        for one in (client, server):
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client, server:
            try:
                await self._loop.sock_connect(server, self.target)
            except OSError:
                return
            pumps = [
                self._loop.create_task(self._pump(carried, Side.CLIENT, client, server)),
                self._loop.create_task(self._pump(carried, Side.SERVER, server, client)),
            ]
            try:
                await asyncio.gather(*pumps)
            except _TornDown:
                for one in (client, server):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except (_Closed, OSError):
                pass
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, carried: Carried, side: Side, source: socket.socket, target: socket.socket) -> None:
        way = carried.fault.way(side)
        remaining = way.cut_after_bytes
        while remaining is None or remaining > 0:
            wanted = way.block if remaining is None else min(way.block, remaining)
            data = await self._loop.sock_recv(source, wanted)
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            if way.delay_seconds:
                await asyncio.sleep(way.delay_seconds)
            await self._let_the_other_go_first(carried, side)
            await self._loop.sock_sendall(target, data)
            carried.count(side, len(data))
            if remaining is not None:
                remaining -= len(data)
        await self._cut(way.cut, source, target)

    async def _let_the_other_go_first(self, carried: Carried, side: Side) -> None:
        first = carried.fault.first
        if first is None or first is side:
            return
        for _ in range(MOST_WAITS):
            if time.monotonic() - carried.last.get(first, 0.0) >= QUIET_SECONDS:
                return
            await asyncio.sleep(QUIET_SECONDS / 2)

    async def _cut(self, cut: Cut, source: socket.socket, target: socket.socket) -> None:
        if cut is Cut.RESET:
            raise _TornDown
        if cut is Cut.CLOSE:
            raise _Closed
        if cut is Cut.HALF:
            target.shutdown(socket.SHUT_WR)
            while await self._loop.sock_recv(source, BLOCK_BYTES):
                """What comes now goes nowhere."""
            return
        # Nothing is read and nothing said, until the other direction ends the connection.
        raise _Closed if await self._gone(source) else AssertionError

    async def _gone(self, source: socket.socket) -> bool:
        """Wait until the peer behind *source* is gone, without taking anything from it."""
        while True:
            await asyncio.sleep(0.02)
            state = source.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
            if state != _ESTABLISHED:
                return True


_ESTABLISHED = 1


class _TornDown(Exception):
    """Both connections end by a reset."""


class _Closed(Exception):
    """Both connections end in order."""


@contextlib.contextmanager
def relay(host: str, port: int, *, window_bytes: int | None = None) -> Iterator[Relay]:
    """A relay to *host* and *port*, in a thread of its own, with sockets of *window_bytes* if given."""
    made = Relay((host, port), window_bytes)
    with made.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        listening.setblocking(False)
        made.port = listening.getsockname()[1]
        loop = made._loop
        stop: list[asyncio.Task[None]] = []
        ready = threading.Event()

        async def run() -> None:
            stop.append(asyncio.create_task(made.serve(listening)))
            ready.set()
            with contextlib.suppress(asyncio.CancelledError):
                await stop[0]
            for task in list(made._connections):
                task.cancel()
            await asyncio.gather(*made._connections, return_exceptions=True)

        thread = threading.Thread(target=loop.run_until_complete, args=(run(),), name="faulty network")
        thread.start()
        ready.wait(10)
        try:
            yield made
        finally:
            loop.call_soon_threadsafe(stop[0].cancel)
            thread.join(10)
            loop.close()
