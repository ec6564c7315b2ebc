"""One door, several gateways: the one with the fewest takes the next, and nobody waits for one that is stuck."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from doorward.errors import ConfigurationInvalid
from doorward.proxy.accepting import MOST_GATEWAYS, PATIENCE_SECONDS, Acceptor, Loads, open_listeners

pytestmark = pytest.mark.anyio


class Guests:
    """The connections of one gateway."""

    def __init__(self, loads: Loads, number: int, listener: socket.socket) -> None:
        self.present: set[asyncio.BaseTransport] = set()
        self.acceptor = Acceptor([listener.dup()], loads, number, lambda: len(self.present), lambda: Guest(self))


class Guest(asyncio.Protocol):
    def __init__(self, guests: Guests) -> None:
        self._guests = guests

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._guests.present.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._guests.present.discard(self._transport)
        self._guests.acceptor.counted()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    (sock,) = open_listeners("127.0.0.1", 0)
    yield sock
    sock.close()


@pytest.fixture
def loads() -> Iterator[Loads]:
    loads = Loads.create()
    yield loads
    loads.close()


async def arrive(listener: socket.socket) -> asyncio.StreamWriter:
    _reader, writer = await asyncio.open_connection(*listener.getsockname())
    return writer


async def settled(*gateways: Guests, count: int) -> list[int]:
    async with asyncio.timeout(5):
        while sum(len(guests.present) for guests in gateways) != count:  # noqa: ASYNC110 - connections tell nobody
            await asyncio.sleep(0.005)
    return sorted(len(guests.present) for guests in gateways)


async def test_connections_are_dealt_out_evenly(listener: socket.socket, loads: Loads) -> None:
    gateways = [Guests(loads, number, listener) for number in range(3)]
    writers = [await arrive(listener) for _ in range(9)]
    assert await settled(*gateways, count=9) == [3, 3, 3]
    writers += await asyncio.gather(*(arrive(listener) for _ in range(9)))
    assert await settled(*gateways, count=18) == [6, 6, 6]
    for writer in writers:
        writer.close()
    assert await settled(*gateways, count=0) == [0, 0, 0]
    assert [loads.of(number) for number in range(3)] == [0, 0, 0]
    for guests in gateways:
        guests.acceptor.close()


async def test_who_lost_some_takes_the_next(listener: socket.socket, loads: Loads) -> None:
    """Not whose turn it is: how many there are."""
    gateways = [Guests(loads, number, listener) for number in range(2)]
    writers = [await arrive(listener) for _ in range(6)]
    await settled(*gateways, count=6)
    for transport in list(gateways[1].present):
        transport.close()
    await settled(*gateways, count=3)
    writers += [await arrive(listener) for _ in range(3)]
    assert await settled(*gateways, count=6) == [3, 3]
    for guests in gateways:
        guests.acceptor.close()


async def test_nobody_waits_long_for_a_gateway_that_is_stuck(listener: socket.socket, loads: Loads) -> None:
    """It counts as the one with the fewest, and takes nothing."""
    loads.put(7, 0)
    guests = Guests(loads, 0, listener)
    begun = asyncio.get_running_loop().time()
    writers = []
    for count in (1, 2, 3):
        writers.append(await arrive(listener))
        await settled(guests, count=count)
    assert asyncio.get_running_loop().time() - begun < 3 * PATIENCE_SECONDS + 1
    guests.acceptor.close()


async def test_connections_that_wait_are_taken_by_who_comes_next(listener: socket.socket, loads: Loads) -> None:
    """As after the death of the only gateway."""
    first = Guests(loads, 0, listener)
    first.acceptor.close()
    first.acceptor.close()
    writer = await arrive(listener)
    await asyncio.sleep(0.05)
    assert not first.present
    second = Guests(loads, 0, listener)
    assert await settled(second, count=1) == [1]
    second.acceptor.close()
    writer.close()


def test_gateways_that_are_absent_are_not_waited_for(loads: Loads) -> None:
    assert loads.least() == loads.of(MOST_GATEWAYS - 1)
    loads.put(3, 12)
    assert (loads.of(3), loads.least()) == (12, 12)
    other = Loads(loads.descriptor)
    other.put(4, 2)
    assert loads.least() == 2, "all of them see the same memory"
    loads.leave(4)
    assert other.least() == 12


def test_every_address_of_a_name_is_served_on_one_port() -> None:
    sockets = open_listeners("localhost", 0)
    assert len({sock.getsockname()[1] for sock in sockets}) == 1
    with pytest.raises(ConfigurationInvalid, match="can't listen"):
        open_listeners("127.0.0.1", sockets[0].getsockname()[1])
    for sock in sockets:
        sock.close()
