"""Connections to upstreams: reach, encrypt, sign in; and asking questions of our own over one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import ssl
import struct
import weakref
from collections.abc import Callable
from typing import Any, cast

from doorward.authentication.channel_binding import end_point_binding
from doorward.authentication.scram import ClientExchange, takes_long
from doorward.databases import Database, database_for
from doorward.errors import DoorwardError, ProtocolViolation, UpstreamUnavailable
from doorward.model.result import ResultColumn
from doorward.model.upstream import Upstream
from doorward.proxy.upstream_tls import PROTOCOL_WORDS, tls_context, tls_failure

# How long an upstream may take to read what was written before the connection is cut.
LINGER_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 15.0
QUESTION_TIMEOUT_SECONDS = 60.0

# SO_LINGER for no time at all (socket(7)): what is unsent is dropped, and the peer hears of it.
_RESET = struct.pack("ii", 1, 0)
_OWN_SETTINGS = {"application_name": "doorward catalog", "client_encoding": "UTF8", "statement_timeout": "60s"}


class UpstreamConnection(asyncio.Protocol):
    """One signed-in connection. Whoever owns it sets *received*, *lost*, *paused* and *resumed*."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.received: Callable[[bytes], None] = self._gather
        self.lost: Callable[[Exception | None], None] = self._lost_early
        self.paused: Callable[[], None] = _nothing
        self.resumed: Callable[[], None] = _nothing
        self.parameters: dict[str, str] = {}
        self.process_id = 0
        self.key = b""
        self.address: tuple[str, int] = ("", 0)
        self._early: list[bytes] = []
        self._arrived = asyncio.Event()
        self._failure: Exception | None = None
        self._lingering: asyncio.TimerHandle | None = None

    # --- asyncio.Protocol -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        # uvloop's transports have the methods without the base class.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        if self._lingering is not None:
            self._lingering.cancel()
        self.lost(exc)

    def pause_writing(self) -> None:
        """Called by the loop: the upstream does not read as fast as we write."""
        self.paused()

    def resume_writing(self) -> None:
        """Called by the loop."""
        self.resumed()

    # --- signing in ---------------------------------------------------------------------------------------------------

    def _gather(self, data: bytes) -> None:
        self._early.append(data)
        self._arrived.set()

    def _lost_early(self, exc: Exception | None) -> None:
        self._failure = exc or ConnectionResetError("the upstream closed the connection")
        self._arrived.set()

    @property
    def is_lost(self) -> bool:
        """Whether it broke before anybody listened for that."""
        return self._failure is not None

    @property
    def is_ending(self) -> bool:
        """Whether it is closed, or about to be."""
        return self.transport is None or self.transport.is_closing()

    def release(self) -> None:
        """Nobody owns it for now: what arrives is kept for ``next_chunk`` again."""
        self.received, self.lost, self.paused, self.resumed = self._gather, self._lost_early, _nothing, _nothing
        if not self.is_ending:
            assert self.transport is not None
            self.transport.resume_reading()

    async def next_chunk(self) -> bytes:
        """The next bytes, while nobody else receives them. Raises UpstreamUnavailable when the connection is gone."""
        while not self._early:
            if isinstance(self._failure, ssl.SSLError):
                # In TLS 1.3 a server looks at our certificate when we think that all is done.
                raise tls_failure(self._failure, f"{self.address[0]}:{self.address[1]}")
            if self._failure is not None:
                raise UpstreamUnavailable("The upstream closed the connection.", "See the database server's own log.")
            self._arrived.clear()
            await self._arrived.wait()
        data = b"".join(self._early)
        self._early.clear()
        return data

    @property
    def ssl_object(self) -> Any:
        """What the connection is encrypted with, None when it is not."""
        return self.transport.get_extra_info("ssl_object") if self.transport is not None else None

    def write(self, data: bytes) -> None:
        """Send bytes."""
        assert self.transport is not None
        self.transport.write(data)

    def close(self, goodbye: bytes = b"") -> None:
        """End the connection, politely when *goodbye* is given."""
        if self.transport is not None and not self.transport.is_closing():
            if goodbye:
                self.transport.write(goodbye)
            self.transport.close()
            # An upstream that reads nothing would keep it, and what is still to be written, for as long as it likes.
            self._lingering = asyncio.get_running_loop().call_later(LINGER_SECONDS, self.abort)

    def abort(self) -> None:
        """End the connection with a reset: in a COPY, a server would not hear of an end behind what it does not read."""
        if self.transport is None:
            return
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()


async def connect(upstream: Upstream, settings: dict[str, str]) -> UpstreamConnection:
    """Reach *upstream* and sign in with Doorward's own credentials.

    Raises UpstreamUnavailable, naming the cause: address, TLS, password, database.
    """
    database = database_for(upstream.engine)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            connection = await _open(upstream, database)
            try:
                await _sign_in(connection, upstream, database, settings)
            except BaseException:
                connection.close()
                raise
            return connection
    except TimeoutError:
        raise UpstreamUnavailable(
            f"The upstream {upstream.name} at {upstream.host}:{upstream.port} did not answer in time.",
            "Check that it is up and that nothing in between drops packets.",
        ) from None


async def _open(upstream: Upstream, database: Database) -> UpstreamConnection:
    loop = asyncio.get_running_loop()
    context = tls_context(upstream, database.alpn)
    is_direct = context is not None and upstream.reach.sslnegotiation == "direct"
    where = f"{upstream.host}:{upstream.port}"
    try:
        if upstream.host.startswith("/"):
            path = f"{upstream.host}/.s.PGSQL.{upstream.port}"
            _transport, connection = await loop.create_unix_connection(UpstreamConnection, path)
            return connection
        found = await loop.getaddrinfo(upstream.reach.hostaddr or upstream.host, upstream.port, type=socket.SOCK_STREAM)
        sock = await _reach(found)
    except OSError as error:
        raise UpstreamUnavailable(
            f"The upstream {upstream.name} at {where} can't be reached: {_words(error)}.",
            "Check its address and port, and that it is up.",
        ) from None
    try:
        if context is not None and not is_direct and not await _asks_for_tls(sock, database):
            if upstream.tls != "prefer":
                raise UpstreamUnavailable(f"The upstream at {where} has no TLS.", "Turn it on there, or use sslmode=prefer.")
            context = None
        hostname = upstream.host if context is not None else None
        _transport, connection = await loop.create_connection(
            UpstreamConnection, sock=sock, ssl=context, server_hostname=hostname
        )
    except ssl.SSLError as error:
        sock.close()
        raise tls_failure(error, where) from None
    except OSError as error:
        sock.close()
        raise UpstreamUnavailable(f"The upstream at {where} broke the connection: {_words(error)}.") from None
    except BaseException:
        sock.close()
        raise
    connection.address = (upstream.host, upstream.port)
    if is_direct and connection.ssl_object.selected_alpn_protocol() != database.alpn:
        connection.close()
        raise UpstreamUnavailable(
            f"What listens at {where} begins with TLS and does not say that it speaks PostgreSQL.",
            "Check the port; servers before PostgreSQL 17 need sslnegotiation=postgres.",
        )
    return connection


def _words(error: OSError) -> str:
    """What the system calls the error; asyncio's own words hold addresses twice."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


async def _reach(found: list[Any]) -> socket.socket:
    """Connect to the first address that answers."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError("the name has no address")
    for family, kind, protocol, _name, address in found:
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as error:
            failure = error
            sock.close()
            continue
        except BaseException:
            sock.close()
            raise
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    raise failure


async def _asks_for_tls(sock: socket.socket, database: Database) -> bool:
    """Ask for TLS; whether the upstream will. Reads one byte, not more: what follows belongs to the handshake."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, database.tls_request)
    answer = await loop.sock_recv(sock, 1)
    if answer == b"S":
        return True
    if answer == b"N":
        return False
    if answer == b"E":
        # What it says is not read: anybody on the way could have written it (CVE-2024-10977).
        raise UpstreamUnavailable("The upstream answered the request for TLS with an error.", "See its own log.")
    if not answer:
        raise UpstreamUnavailable("The upstream closed the connection when it was asked for TLS.", "Check the port.")
    raise UpstreamUnavailable("What listens at the upstream's address does not speak its protocol.", "Check the port.")


async def _sign_in(connection: UpstreamConnection, upstream: Upstream, database: Database, settings: dict[str, str]) -> None:
    reach, tls = upstream.reach, connection.ssl_object
    sasl = None
    if upstream.password:
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        sasl = ClientExchange(
            upstream.user,
            upstream.password,
            secrets.token_urlsafe(18),
            end_point_binding(certificate) if certificate else None,
            reach.channel_binding,
            is_encrypted=tls is not None,
        )
    handshake = database.upstream_handshake(
        upstream.user,
        upstream.password,
        sasl,
        secure=tls is not None,
        must_bind=reach.channel_binding == "require",
        minor=PROTOCOL_WORDS[reach.max_protocol_version],
    )
    connection.write(handshake.start(upstream.user, upstream.database, settings))
    try:
        while not handshake.done:
            received = await connection.next_chunk()
            if sasl is not None and takes_long(received):
                answer = await asyncio.to_thread(handshake.receive, received)
            else:
                answer = handshake.receive(received)
            if answer:
                connection.write(answer)
    except ProtocolViolation as error:
        raise UpstreamUnavailable(f"The upstream's sign-in was not understood: {error.message}") from None
    connection.parameters = handshake.parameters
    connection.process_id, connection.key = handshake.process_id, handshake.key


# Those that ask in this process: their sessions are Doorward's own.
_queriers: weakref.WeakSet[UpstreamQuerier] = weakref.WeakSet()


def own_process_ids() -> frozenset[int]:
    """The upstreams' processes that serve questions of this process at present."""
    return frozenset(querier.process_id for querier in _queriers if querier.process_id)


class UpstreamQuerier:
    """Asks an upstream questions of our own: catalog, marks, estimates. One question at a time; reconnects by itself."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._database = database_for(upstream.engine)
        self._connection: UpstreamConnection | None = None
        self._turn = asyncio.Lock()
        _queriers.add(self)

    @property
    def process_id(self) -> int:
        """The upstream's own process for the connection; 0 while there is none."""
        return self._connection.process_id if self._connection is not None else 0

    async def query(self, sql: str) -> list[tuple[str | None, ...]]:
        """The rows of *sql*, as text. Raises UpstreamUnavailable or the upstream's own error."""
        question = await self._ask(self._database.question, sql, columns_only=False)
        rows: list[tuple[str | None, ...]] = question.rows
        return rows

    async def describe(self, sql: str) -> list[ResultColumn]:
        """The result columns of *sql*, which is not run."""
        question = await self._ask(self._database.question, sql, columns_only=True)
        return list(question.columns)

    async def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close(self._database.goodbye)
            self._connection = None

    async def _ask(self, make: Callable[[], Any], sql: str, *, columns_only: bool) -> Any:
        async with self._turn:
            question = make()
            if self._connection is None:
                self._connection = await connect(
                    self._upstream,
                    {"application_name": "doorward catalog", "client_encoding": "UTF8", "statement_timeout": "60s"},
                )
            connection = self._connection  # close() may let go of it meanwhile
            try:
                async with asyncio.timeout(QUESTION_TIMEOUT_SECONDS):
                    connection.write(question.ask_columns(sql) if columns_only else question.ask(sql))
                    while not question.done:
                        question.receive(await connection.next_chunk())
            except TimeoutError:
                raise UpstreamUnavailable(f"The upstream {self._upstream.name} did not answer in time.") from None
            finally:
                # Given up halfway, also by a cancelled task: the late answer must not be taken for that of the next question.
                if not question.done:
                    connection.close()
                    self._connection = None
            return question


async def send_cancel(upstream: Upstream, process_id: int, key: bytes) -> None:
    """Ask *upstream* to cancel what a session of ours runs. Nothing is answered; failing is not reported to the client."""
    database = database_for(upstream.engine)
    with contextlib.suppress(OSError, TimeoutError, DoorwardError):
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            connection = await _open(upstream, database)
            connection.write(database.cancel_packet(process_id, key))
            connection.close()


def _nothing() -> None:
    """Until an owner says what to do."""
