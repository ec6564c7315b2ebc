"""The gateway's end of the link, when the control process does not read."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from doorward.model import link
from doorward.proxy import control_link
from doorward.proxy.control_link import ControlLink

pytestmark = pytest.mark.anyio

NOTE = link.SessionNote("ses_1", "alice", "human", "127.0.0.1:1", "shop", "psql" * 16, 1, "x" * 200, 0)
CLOSED = link.SessionNote("ses_1", "alice", "human", "127.0.0.1:1", "shop", "psql", 1, "", 0, closed=True)


@pytest.fixture
async def unread() -> AsyncIterator[ControlLink]:
    """A link to a control process that takes nothing."""
    waits = asyncio.Event()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await waits.wait()
        writer.close()

    with tempfile.TemporaryDirectory(prefix="dw-") as folder:
        path = Path(folder) / "link"
        server = await asyncio.start_unix_server(serve, path, limit=1 << 10)
        held = ControlLink(path, lambda message: None)
        listening = await held.open()
        yield held
        waits.set()
        held.close()
        await listening
        server.close()
        await server.wait_closed()


async def test_nothing_new_is_asked_of_who_does_not_read(unread: ControlLink, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is only for watchers is left out; how things ended is still kept for control."""
    monkeypatch.setattr(control_link, "FULL_BYTES", 64 << 10)
    sent = 0
    while unread.send(NOTE):
        sent += 1
        assert sent < 10_000
    assert not unread.send(link.CatalogTouched("shop"))
    assert not unread.send(link.CancelElsewhere(1, b"key"))
    assert unread.send(CLOSED)
    assert unread.send(link.Settled("req_1", "withdrawn"))
    assert not unread.lost.is_set()


async def test_control_that_never_reads_counts_as_gone(unread: ControlLink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could revoke any more."""
    monkeypatch.setattr(control_link, "FULL_BYTES", 64 << 10)
    monkeypatch.setattr(control_link, "LOST_BYTES", 128 << 10)
    sent = 0
    while unread.send(CLOSED):
        sent += 1
        assert sent < 100_000
    assert unread.lost.is_set()
    assert not unread.send(CLOSED)
