"""A gateway process: takes clients, owns a journal of the audit log, heeds the control process."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from doorward import telemetry
from doorward.audit.log import AuditLog
from doorward.authentication.attempts import AT_THE_PORT, Attempts
from doorward.databases import Database, database_for
from doorward.errors import AuditUnavailable, DoorwardError, UpstreamUnavailable
from doorward.model import link
from doorward.model.entry import ServiceStopped
from doorward.proxy.accepting import Acceptor, Loads, open_listeners
from doorward.proxy.admission import Admission, Limits
from doorward.proxy.client_tls import Certificate
from doorward.proxy.control_link import ControlLink
from doorward.proxy.execution import Texts
from doorward.proxy.forwarding import Forwarding
from doorward.proxy.holds import Holds
from doorward.proxy.inference import Meter
from doorward.proxy.metering import AgentMeters
from doorward.proxy.registry import Registry
from doorward.proxy.rules import Rules
from doorward.proxy.scribe import Scribe
from doorward.proxy.session_loop import Session
from doorward.proxy.taking_up import take_up
from doorward.proxy.upstream_pool import PoolLimits, UpstreamPool

CONFIGURATION_SECONDS = 30.0
# How often a draining gateway looks which sessions have come to a rest.
DRAIN_LOOK_SECONDS = 0.05
# What is on its way when a gateway ends: cancellations at the upstream, last words to clients and to control.
FAREWELL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What a gateway is started with. *certificate* and *private_key* are PEM files, or None for no TLS.

    *worker* is its number among those that share the port: by the descriptors of their *listeners*, and of their *loads*.
    A gateway without *listeners* opens *port* for itself.
    """

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
    worker: int = 0
    listeners: tuple[int, ...] = ()
    loads: int = -1


class Gateway:
    """One process on the data path. Nothing else may run in it: a busy thread beside the relay halves its throughput."""

    def __init__(self, settings: GatewaySettings, new_id: Callable[[str], str], now_us: Callable[[], int]) -> None:
        self._settings = settings
        self.new_id = new_id
        self.now_us = now_us
        self.database: Database = database_for("postgresql")
        self.registry = Registry(secrets.token_bytes, self._cancel_elsewhere)
        self.texts = Texts(self.database.analyze, self.database.skeleton, self.database.normalised)
        self.tls: Certificate | None = None
        if settings.certificate is not None and settings.private_key is not None:
            self.tls = Certificate(settings.certificate, settings.private_key, self.database.alpn)
        self.sign_in_seconds = settings.limits.sign_in_seconds
        self._admission = Admission(settings.limits)
        self.attempts = Attempts(now_us, AT_THE_PORT)
        self.strict = settings.strict_durability
        # The same in every gateway and after every start: else salts that differ would tell which names nobody has.
        self.decoy_key = hmac.digest(settings.digest_key, b"decoy salts", "sha256")
        # The same in every gateway and after every start: a value keeps its token.
        self.token_key = hmac.digest(settings.digest_key, b"tokens", "sha256")
        self.draining = False
        self.scribe: Scribe
        self.forwarding: Forwarding
        self.holds: Holds
        self.meter = Meter(settings.digest_key)
        self._log: AuditLog
        self._rules: Rules | None = None
        self._configured = asyncio.Event()
        self._link = ControlLink(settings.link_socket, self._heard)
        self._sessions: set[Session] = set()
        self.agent_meters = AgentMeters()
        self._tasks: set[asyncio.Task[None]] = set()
        self.pool = UpstreamPool(settings.pool, lambda upstream: self.rules().epoch(upstream), self.name_task)
        self._makes_scanner = False
        self._stop = asyncio.Event()
        self._acceptor: Acceptor
        self.port = settings.port

    async def run(self, ready: Callable[[int], None]) -> None:
        """Serve until ``stop``, or until the control process is gone. *ready* is told the port.

        Raises DoorwardError when it can't start: log, port, control process.
        """
        loop = asyncio.get_running_loop()
        self._log = AuditLog.open(self._settings.log_directory, journal=self._settings.worker, wake=loop.call_soon_threadsafe)
        try:
            self.scribe = Scribe(self._log, self._settings.digest_key, loop.call_later)
            self.forwarding = Forwarding(self.scribe, loop.call_soon)
            self.holds = Holds(self.scribe, self._link.send, loop.call_later, self.now_us, self.new_id)
            take_up(self._log, self.now_us())
            listening = await self._meet_control()
            self._acceptor = self._listen()
            telemetry.log("gateway.started", port=self.port, entries=self._log.size)
            ready(self.port)
            try:
                lost = asyncio.create_task(self._link.lost.wait(), name="link watch")
                stopped = asyncio.create_task(self._stop.wait(), name="stop watch")
                await asyncio.wait({lost, stopped}, return_when=asyncio.FIRST_COMPLETED)
                lost.cancel()
                stopped.cancel()
            finally:
                self._acceptor.close()
                for session in list(self._sessions):
                    session.end("Doorward stops.")
                self.pool.close()
                self._link.close()
                if self._tasks:
                    await asyncio.wait(self._tasks, timeout=FAREWELL_SECONDS)
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

    async def show(self, user: str, database: str, password: str) -> link.Found:
        """Ask the control process whether somebody is proven by a password in clear."""
        return await self._link.show(user, database, password)

    def knock(self, session: Session, address: str) -> None:
        """Count a connection that has not signed in yet. Raises NoRoom."""
        self._admission.knock(session, address)
        self._sessions.add(session)

    def enter(self, session: Session, principal_id: str, most: int) -> None:
        """Count it among the sessions of a principal, now that it is proven. Raises NoRoom."""
        self._admission.enter(session, principal_id, most)

    def leave(self, session: Session) -> None:
        """The session is over."""
        self._admission.leave(session)
        self._sessions.discard(session)
        self._acceptor.counted()

    def name_task(self, task: asyncio.Task[None]) -> None:
        """Keep a task alive until it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- starting -----------------------------------------------------------------------------------------------------

    async def _meet_control(self) -> asyncio.Task[None]:
        try:
            listening = await self._link.open()
            self._link.send(link.Hello(self._settings.worker))
            async with asyncio.timeout(CONFIGURATION_SECONDS):
                await self._configured.wait()
        except (OSError, TimeoutError) as error:
            raise UpstreamUnavailable(
                f"The control process can't be reached at {self._settings.link_socket}: {type(error).__name__}.",
                "A gateway is started by doorward up, not by itself.",
            ) from None
        return listening

    def _listen(self) -> Acceptor:
        settings = self._settings
        if settings.listeners:
            sockets = [socket.socket(fileno=descriptor) for descriptor in settings.listeners]
            loads = Loads(settings.loads)
        else:
            sockets = open_listeners(settings.host, settings.port)
            loads = Loads.create()
        self.port = sockets[0].getsockname()[1]
        return Acceptor(sockets, loads, settings.worker, lambda: len(self._sessions), lambda: Session(self))

    # --- the control process ------------------------------------------------------------------------------------------

    def _heard(self, message: link.FromControl) -> None:
        match message:
            case link.Configured():
                self._configure(message)
            case link.AccessGranted():
                if self._rules is not None:
                    self._rules = self._rules.with_accesses(message.accesses)
            case link.Answered():
                self.holds.answered(message.answer)
            case link.Revoked():
                self.registry.revoke(message.principal_id, message.credential_id, message.reason)
            case link.Append():
                self._append(message)
            case link.Cancel():
                self.registry.cancel_here(message.process_id, message.key)
            case link.Drain():
                if not self.draining:
                    self.draining = True
                    self.name_task(asyncio.create_task(self._drain(message.seconds), name="drain"))

    def _cancel_elsewhere(self, process_id: int, key: bytes) -> None:
        self._link.send(link.CancelElsewhere(process_id, key))

    async def _drain(self, seconds: int) -> None:
        """Take nobody new, end each session as soon as it does nothing, and at last this process."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        self._acceptor.close()
        telemetry.log("gateway.draining", sessions=len(self._sessions), seconds=seconds)
        while self._sessions and loop.time() < deadline:
            for session in list(self._sessions):
                session.drain()
            await asyncio.sleep(DRAIN_LOOK_SECONDS)
        self.stop()

    def _configure(self, message: link.Configured) -> None:
        try:
            self._rules = Rules.from_configured(message, self._rules)
        except (DoorwardError, msgspec.DecodeError, ValueError) as error:
            telemetry.log("policy.refused", level=logging.ERROR, error=str(error))
            return
        self.scribe.seal_with(message.sealing, self.now_us())
        self._configured.set()
        telemetry.log("policy.loaded", version=message.policy_version)
        if self._rules.lacks_scanner and not self._makes_scanner:
            self._makes_scanner = True
            self.name_task(asyncio.create_task(self._make_scanner(), name="scanner"))

    async def _make_scanner(self) -> None:
        """Make it aside, and then new rules of those that there are by then: sessions decide anew by them."""
        try:
            while (rules := self.rules()).lacks_scanner:
                scanner = await asyncio.to_thread(rules.make_scanner)
                if self.rules().detectors == rules.detectors:
                    self._rules = replace(self.rules(), scanner=scanner)
        finally:
            self._makes_scanner = False

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
