"""Connections to an upstream that are given up half-way leave no socket behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path

import pytest
import uvloop

from doorward.model.upstream import Upstream
from doorward.proxy.upstream_connections import connect


def _open_files() -> int:
    return len(os.listdir(Path("/proc/self/fd")))


@pytest.mark.parametrize("says", [b"", b"S", b"N"])
def test_giving_up_on_an_upstream_closes_the_socket(says: bytes) -> None:
    """It does not answer the request for TLS, not the TLS handshake, not the start-up packet."""

    async def give_up(upstream: Upstream) -> int:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await connect(upstream, {})
        before = _open_files()
        for _ in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await connect(upstream, {})
        await asyncio.sleep(0.1)
        return _open_files() - before

    async def serve() -> int:
        ends: list[asyncio.StreamWriter] = []

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ends.append(writer)
            writer.write(says)
            with contextlib.suppress(OSError):
                while await reader.read(1000):
                    pass
            writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0, family=socket.AF_INET)
        port = server.sockets[0].getsockname()[1]
        try:
            return await give_up(Upstream("u", "postgresql", "127.0.0.1", port, "d", "r", "p"))
        finally:
            server.close()

    assert uvloop.run(serve()) <= 0
