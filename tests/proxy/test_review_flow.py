"""Which side is read when: whatever fills up holds back the other side, however the two reasons to wait overlap."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from doorward.audit.log import AuditLog
from doorward.databases import database_for
from doorward.proxy.forwarding import Forwarding
from doorward.proxy.registry import Registry
from doorward.proxy.scribe import Scribe
from doorward.proxy.session_loop import AHEAD_LIMIT_BYTES, Session
from doorward.proxy.upstream_connections import UpstreamConnection
from doorward.wire.postgres import messages
from doorward.wire.postgres.exchange import Exchange
from tests.wire.postgres.governing import Rules
from tests.wire.postgres.pretended_server import PretendedServer


class End(asyncio.Transport):
    """One end of a connection: what was written to it, and whether it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_read = True
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True


class Scene:
    """An open session between two ends, with the wire's own rules in place of a policy."""

    def __init__(self, directory: Path, **rules: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.log = AuditLog.open(directory)
        self.rules: Any = Rules(**rules)
        self.server = PretendedServer()
        self.client: Any = End()
        self.upstream: Any = End()
        scribe = Scribe(self.log, b"key", lambda _seconds, _call: None)
        forwarding = Forwarding(scribe, lambda run: run())
        gateway = SimpleNamespace(database=database_for("postgresql"), scribe=scribe, forwarding=forwarding)

        async def make() -> Session:
            return Session(gateway)  # type: ignore[arg-type]

        self.session: Any = self.loop.run_until_complete(make())
        self.session._transport = self.client
        self.session._upstream = UpstreamConnection()
        self.session._upstream.transport = self.upstream
        self.session._exchange = Exchange(self.rules, lambda: "1")
        self.session._note_is_due = True

    def sends(self, data: bytes) -> None:
        """The client sends *data*."""
        self.session.data_received(data)

    def answers(self) -> None:
        """The upstream answers what it got."""
        data, self.upstream.written = self.upstream.written, b""
        self.session._from_upstream(self.server.receive(data))

    def goes_on(self, step: Callable[[], None]) -> None:
        """What waited goes on with *step*."""
        self.session._continue(step)


@pytest.fixture
def scenes(tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    made: list[Scene] = []

    def make(**rules: Any) -> Scene:
        made.append(Scene(tmp_path / str(len(made)), **rules))
        return made[-1]

    yield make
    for scene in made:
        scene.loop.close()
        scene.log.close()


def test_a_full_client_holds_back_the_upstream_whatever_it_sends(scenes: Callable[..., Scene]) -> None:
    """A transport says once that it is full: reading on because the client sent something would fill it without end."""
    scene = scenes()
    scene.session.pause_writing()
    assert not scene.upstream.is_read
    scene.sends(messages.query("SELECT clear"))
    assert not scene.upstream.is_read
    scene.session.resume_writing()
    assert scene.upstream.is_read


@pytest.mark.parametrize("empty_first", [True, False])
def test_rows_that_wait_for_their_record_and_a_full_client_both_hold_back(
    scenes: Callable[..., Scene], empty_first: bool
) -> None:
    """Reading goes on when both are over, in whichever order, and not before."""
    scene = scenes(release_at_once=False)
    scene.sends(messages.query("SELECT clear"))
    scene.answers()
    assert not scene.upstream.is_read
    scene.session.pause_writing()

    def release() -> None:
        scene.rules.tickets[0].released = True
        scene.goes_on(scene.session._exchange.released)

    first, second = (scene.session.resume_writing, release) if empty_first else (release, scene.session.resume_writing)
    first()
    assert not scene.upstream.is_read
    second()
    assert scene.upstream.is_read
    assert scene.client.written.endswith(messages.ready_for_query(b"I"))


def test_a_full_upstream_holds_back_the_client_whatever_goes_on(scenes: Callable[..., Scene]) -> None:
    """A statement that was waited for goes on, and the client is still not read: the upstream takes nothing more."""
    scene = scenes()
    scene.sends(messages.query("DELETE FROM t"))
    scene.session._upstream_fills()
    assert not scene.client.is_read
    resume, ticket = scene.rules.waiting.pop()
    scene.goes_on(lambda: resume(None, ticket))
    assert b"DELETE" in scene.upstream.written
    assert not scene.client.is_read
    scene.session._upstream_empties()
    assert scene.client.is_read


def test_what_is_sent_ahead_is_bounded(scenes: Callable[..., Scene]) -> None:
    """Behind a statement that waits; read again once that was taken in."""
    scene = scenes()
    scene.sends(messages.query("DELETE FROM t"))
    sent = 0
    while scene.client.is_read:
        scene.sends(messages.query("SELECT clear") * 1000)
        sent += 1000
        assert scene.session._ahead_bytes <= 2 * AHEAD_LIMIT_BYTES
    resume, ticket = scene.rules.waiting.pop()
    scene.goes_on(lambda: resume(None, ticket))
    assert scene.client.is_read
    assert scene.upstream.written.count(b"SELECT clear") == sent
    assert scene.session._ahead_bytes == 0


def test_a_session_that_can_not_be_recorded_to_its_end_is_over_all_the_same(scenes: Callable[..., Scene]) -> None:
    """Both connections are closed and its place is free, whatever goes wrong on the way out."""
    scene = scenes()
    left: list[Session] = []
    scene.session._gateway.registry = Registry(secrets.token_bytes)
    scene.session._gateway.leave = left.append
    assert scene.session._facts is None, "there is nothing that the end could be recorded with"

    async def end() -> None:
        scene.session.end("revoked")

    scene.loop.run_until_complete(end())
    assert scene.client.is_closed
    assert scene.upstream.is_closed
    assert left == [scene.session]
