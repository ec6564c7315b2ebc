"""The gateway process: listens for clients, owns the audit log, heeds the control process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from doorward import __version__, telemetry
from doorward.audit.log import AuditLog
from doorward.databases import Database, database_for
from doorward.errors import AuditUnavailable, ConfigurationInvalid, DoorwardError, UpstreamUnavailable
from doorward.model import link
from doorward.model.entry import ServiceStarted, ServiceStopped
from doorward.proxy.admission import Admission, Limits
from doorward.proxy.client_tls import Certificate
from doorward.proxy.control_link import ControlLink
from doorward.proxy.execution import Texts
from doorward.proxy.forwarding import Forwarding
from doorward.proxy.holds import Holds
from doorward.proxy.registry import Registry
from doorward.proxy.rules import Rules
from doorward.proxy.scribe import Scribe, unforwarded
from doorward.proxy.session_loop import Session
from doorward.proxy.upstream_pool import PoolLimits, UpstreamPool

CONFIGURATION_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What a gateway is started with. *certificate* and *private_key* are PEM files, or None for no TLS."""

    host: str
    port: int
    log_directory: Path
    link_socket: Path
    digest_key: bytes
    certificate: Path | None = None
    private_key: Path | None = None
    strict_durability: bool = False
    limits: Limits = field(default_factory=Limits)
    pool: PoolLimits = field(default_factory=PoolLimits)


class Gateway:
    """One process on the data path. Nothing else may run in it: a busy thread beside the relay halves its throughput."""

    def __init__(self, settings: GatewaySettings, new_id: Callable[[str], str], now_us: Callable[[], int]) -> None:
        self._settings = settings
        self.new_id = new_id
        self.now_us = now_us
        self.database: Database = database_for("postgresql")
        self.registry = Registry(secrets.token_bytes)
        self.texts = Texts(self.database.analyze, self.database.skeleton)
        self.tls: Certificate | None = None
        if settings.certificate is not None and settings.private_key is not None:
            self.tls = Certificate(settings.certificate, settings.private_key, self.database.alpn)
        self.sign_in_seconds = settings.limits.sign_in_seconds
        self._admission = Admission(settings.limits)
        self.strict = settings.strict_durability
        self.decoy_key = secrets.token_bytes(32)
        self.draining = False
        self.scribe: Scribe
        self.forwarding: Forwarding
        self.holds: Holds
        self._log: AuditLog
        self._rules: Rules | None = None
        self._configured = asyncio.Event()
        self._link = ControlLink(settings.link_socket, self._heard)
        self._sessions: set[Session] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.pool = UpstreamPool(settings.pool, lambda upstream: self.rules().epoch(upstream), self.name_task)
        self._stop = asyncio.Event()
        self.port = settings.port

    async def run(self, ready: Callable[[int], None]) -> None:
        """Serve until ``stop``, or until the control process is gone. *ready* is told the port.

        Raises DoorwardError when it can't start: log, port, control process.
        """
        loop = asyncio.get_running_loop()
        self._log = AuditLog.open(self._settings.log_directory, wake=loop.call_soon_threadsafe)
        try:
            self.scribe = Scribe(self._log, self._settings.digest_key, loop.call_later)
            self.forwarding = Forwarding(self.scribe, loop.call_soon)
            self.holds = Holds(self.scribe, self._link.send, loop.call_later, self.now_us, self.new_id)
            self._take_up_log()
            listening = await self._meet_control()
            server = await self._listen()
            telemetry.log("gateway.started", port=self.port, entries=self._log.size)
            ready(self.port)
            try:
                lost = asyncio.create_task(self._link.lost.wait(), name="link watch")
                stopped = asyncio.create_task(self._stop.wait(), name="stop watch")
                await asyncio.wait({lost, stopped}, return_when=asyncio.FIRST_COMPLETED)
                lost.cancel()
                stopped.cancel()
            finally:
                server.close()
                for session in list(self._sessions):
                    session.end("Doorward stops.")
                self.pool.close()
                self._link.close()
                listening.cancel()
        finally:
            with contextlib.suppress(AuditUnavailable):
                self._log.append(ServiceStopped(at_us=self.now_us()))
            with contextlib.suppress(AuditUnavailable):
                self._log.close()
            telemetry.log("gateway.stopped")

    def stop(self) -> None:
        """End in order."""
        self._stop.set()

    def reload_certificate(self) -> None:
        """Show new clients the certificate that is in the files now. One that can't be used leaves the present one."""
        if self.tls is not None:
            self.tls.reload()

    # --- what sessions need -------------------------------------------------------------------------------------------

    def rules(self) -> Rules:
        """The rules in force."""
        assert self._rules is not None, "clients are let in only after the first configuration"
        return self._rules

    def send(self, message: link.FromGateway) -> bool:
        """Put a message to the control process."""
        return self._link.send(message)

    async def lookup(self, user: str, database: str) -> link.Found:
        """Ask the control process who somebody is."""
        return await self._link.lookup(user, database)

    def knock(self, session: Session, address: str) -> None:
        """Count a connection that has not signed in yet. Raises NoRoom."""
        self._admission.knock(session, address)
        self._sessions.add(session)

    def enter(self, session: Session, principal_id: str) -> None:
        """Count it among the sessions of a principal, now that it is proven. Raises NoRoom."""
        self._admission.enter(session, principal_id)

    def leave(self, session: Session) -> None:
        """The session is over."""
        self._admission.leave(session)
        self._sessions.discard(session)

    def name_task(self, task: asyncio.Task[None]) -> None:
        """Keep a task alive until it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- starting -----------------------------------------------------------------------------------------------------

    def _take_up_log(self) -> None:
        """Say that we start, and give every execution that a crash cut off its visible end: unknown."""
        recovery = self._log.recovery
        now = self.now_us()
        self._log.append(ServiceStarted(at_us=now, resumed_at=recovery.entries, version=__version__))
        for cut_off in recovery.in_flight:
            self._log.append(unforwarded(cut_off.execution, now, "unknown"))
        self._log.flush()
        self._log.sync_within()

    async def _meet_control(self) -> asyncio.Task[None]:
        try:
            listening = await self._link.open()
            async with asyncio.timeout(CONFIGURATION_SECONDS):
                await self._configured.wait()
        except (OSError, TimeoutError) as error:
            raise UpstreamUnavailable(
                f"The control process can't be reached at {self._settings.link_socket}: {type(error).__name__}.",
                "A gateway is started by doorward up, not by itself.",
            ) from None
        return listening

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        where = f"{self._settings.host}:{self._settings.port}"
        try:
            server = await loop.create_server(
                lambda: Session(self), self._settings.host, self._settings.port, backlog=1024, reuse_address=True
            )
        except OSError as error:
            raise ConfigurationInvalid(
                f"Doorward can't listen on {where}: {error.strerror or error}.",
                "Something else may listen there: choose another port with --port.",
            ) from None
        for sock in server.sockets:
            # Accepted connections inherit these. A client that vanished without a word is noticed in a minute and a half.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for level, option, value in _KEEP_ALIVE:
                sock.setsockopt(level, option, value)
            self.port = sock.getsockname()[1]
        return server

    # --- the control process ------------------------------------------------------------------------------------------

    def _heard(self, message: link.FromControl) -> None:
        match message:
            case link.Configured():
                self._configure(message)
            case link.Answered():
                self.holds.answered(message.answer)
            case link.Revoked():
                self.registry.revoke(message.principal_id, message.credential_id, message.reason)
            case link.Append():
                self._append(message)
            case link.Drain():
                self.draining = True
                asyncio.get_running_loop().call_later(message.seconds, self.stop)

    def _configure(self, message: link.Configured) -> None:
        try:
            self._rules = Rules.from_configured(message, self._rules)
        except (DoorwardError, msgspec.DecodeError, ValueError) as error:
            telemetry.log("policy.refused", level=logging.ERROR, error=str(error))
            return
        self._configured.set()
        telemetry.log("policy.loaded", version=message.policy_version)

    def _append(self, message: link.Append) -> None:
        try:
            index = self._log.append_bytes(message.entry)
            self._log.flush()
        except (AuditUnavailable, ValueError) as error:
            self.send(link.Appended(message.id, error=str(error)))
            return

        def durable(error: AuditUnavailable | None) -> None:
            self.send(link.Appended(message.id, index) if error is None else link.Appended(message.id, error=str(error)))

        self._log.when_durable(index, durable)


_KEEP_ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
