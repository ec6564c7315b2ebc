"""One client's session: moves bytes between two sockets and the exchange, and signs the client in before.

(One module of over 400 lines: signing in, moving bytes and ending share one connection's state, and each may end the others.)
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, cast

import msgspec
from msgspec import UNSET

from doorward import telemetry
from doorward.authentication.attempts import Attempts
from doorward.authentication.scram import ServerExchange, StoredSecret, decoy
from doorward.databases import Database, database_for
from doorward.errors import (
    AuditUnavailable,
    AuthenticationFailed,
    DoorwardError,
    NoRoom,
    NotFound,
    ProtocolViolation,
    TooManyAttempts,
    UpstreamUnavailable,
)
from doorward.model.agents import Terms
from doorward.model.entry import SessionClosed, SessionOpened, SigninRefused
from doorward.model.identity import Identity, Principal, PrincipalKind
from doorward.model.link import CatalogTouched, Found, FromGateway, PrincipalCard, SessionNote, ShadowDiffered
from doorward.model.upstream import Upstream
from doorward.proxy.client_tls import Certificate, begin_tls
from doorward.proxy.execution import SessionFacts, Texts
from doorward.proxy.forwarding import Forwarding
from doorward.proxy.holds import Holds
from doorward.proxy.inference import Meter
from doorward.proxy.metering import AgentMeters, bounds_of, is_metered
from doorward.proxy.registry import Registry
from doorward.proxy.rules import Rules
from doorward.proxy.scribe import Scribe, identity_stamp
from doorward.proxy.statement_path import StatementPath
from doorward.proxy.upstream_connections import UpstreamConnection, send_cancel
from doorward.proxy.upstream_pool import Lent, UpstreamPool
from doorward.proxy.wishes import Wishes, read_wishes
from doorward.wire.handshake import HandshakeEvent, Proves, ShowsPassword, WantsCancel, WantsSignIn, WantsTls

# How long a peer that is told goodbye may take to read it, before the connection is cut.
LINGER_SECONDS = 10.0
# A client that waits may send ahead this much; more stays in its socket.
AHEAD_LIMIT_BYTES = 1 << 20
WRITE_HIGH_WATER_BYTES = 256 << 10
CLAIM_LIMIT = 63
NOTE_SECONDS = 0.5

CLIENT_LEFT = "client went away"
CLIENT_ENDED = "client ended the session"


class Surroundings(Protocol):
    """What a session needs of its gateway."""

    database: Database
    registry: Registry
    scribe: Scribe
    forwarding: Forwarding
    holds: Holds
    meter: Meter
    texts: Texts
    pool: UpstreamPool
    agent_meters: AgentMeters
    attempts: Attempts
    tls: Certificate | None
    sign_in_seconds: float
    strict: bool
    decoy_key: bytes
    token_key: bytes
    draining: bool
    new_id: Callable[[str], str]
    now_us: Callable[[], int]

    def rules(self) -> Rules:
        """The rules in force."""

    def send(self, message: FromGateway) -> bool:
        """Put a message to the control process."""

    async def lookup(self, user: str, database: str) -> Found:
        """Ask the control process who somebody is."""

    async def show(self, user: str, database: str, password: str) -> Found:
        """Ask the control process whether somebody is proven by a password in clear."""

    def knock(self, session: Session, address: str) -> None:
        """Count a connection that has not signed in yet, until ``leave``. Raises NoRoom."""

    def enter(self, session: Session, principal_id: str, most: int) -> None:
        """Count it among the sessions of a principal, who may have *most*, 0 for as many as anybody. Raises NoRoom."""

    def leave(self, session: Session) -> None:
        """The session is over."""

    def name_task(self, task: asyncio.Task[None]) -> None:
        """Keep a task alive until it is done."""


class Session(asyncio.Protocol):
    """From accept to close. Everything that goes wrong with one client ends here."""

    def __init__(self, gateway: Surroundings) -> None:
        self._gateway = gateway
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._upstream: UpstreamConnection | None = None
        self._upstream_facts: Upstream | None = None
        self._lent: Lent | None = None
        self._last_said = b""  # the end of what came from the upstream
        self._handshake: Any = gateway.database.client_handshake()
        self._events: asyncio.Queue[HandshakeEvent | DoorwardError] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._cancelling: asyncio.Task[None] | None = None
        self._exchange: Any = None
        self._path: StatementPath | None = None
        self._facts: SessionFacts | None = None
        self._ahead: list[bytes] = []
        self._ahead_bytes = 0
        self._process_id = 0
        self._opened_us = 0
        self._client_is_full = False
        self._upstream_is_full = False
        self._client_paused = False
        self._upstream_paused = False
        self._closed = False
        self._peer = ""
        self._binding: bytes | None = None  # what the client's proof can be bound to: the certificate that it was shown
        self._server_final = b""
        self._is_broken = False
        self._lingering: asyncio.TimerHandle | None = None
        self._note_is_due = False
        self._forwards = False  # its turn to forward is coming
        self._withheld = b""  # what may not be forwarded before its records are on stable storage
        self._proven_until_us = 0
        self.identity: Identity | None = None

    # --- asyncio.Protocol, the client's side ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop, once plain and once more when TLS took over."""
        # uvloop's transports have the methods without the base class.
        self._transport = cast(asyncio.Transport, transport)
        if self._task is not None:
            return
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER_BYTES)
        peer = self._transport.get_extra_info("peername")
        self._peer = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "local"
        try:
            self._gateway.knock(self, str(peer[0]) if isinstance(peer, tuple) else self._peer)
        except NoRoom as error:
            # Not in the audit log: whoever floods the door must not fill that too.
            telemetry.log("signin.refused", client=self._peer, code=error.code)
            self._write(self._handshake.refuse(error))
            self._end_transport()
            return
        self._task = self._loop.create_task(self._serve(), name=f"session {self._peer}")
        self._gateway.name_task(self._task)

    def data_received(self, data: bytes) -> None:
        """Called by the loop with bytes from the client."""
        if self._exchange is not None:
            self._from_client(data)
            return
        if self._is_broken:
            return
        try:
            for event in self._handshake.receive(data):
                if isinstance(event, WantsTls):
                    # What comes next belongs to TLS: it stays in the socket until that begins.
                    assert self._transport is not None
                    self._transport.pause_reading()
                elif isinstance(event, WantsCancel):
                    # At once: whoever sends this often closes right behind it.
                    self._gateway.registry.cancel(event.process_id, event.key)
                self._events.put_nowait(event)
            if self._handshake.to_client:
                self._write(b"".join(self._handshake.to_client))
                self._handshake.to_client.clear()
        except ProtocolViolation as error:
            self._is_broken = True
            self._events.put_nowait(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop: the client is gone."""
        if self._lingering is not None:
            self._lingering.cancel()
        if self._exchange is None or not self._exchange.ended:
            self._close(CLIENT_LEFT)
        elif not self._forwards and not self._withheld:
            self._close(CLIENT_ENDED)
        # else what came before its goodbye is still to be done, and the session ends with that

    def pause_writing(self) -> None:
        """The client does not read as fast as the upstream sends."""
        self._client_is_full = True
        self._regulate()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._client_is_full = False
        self._regulate()

    # --- signing in ---------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        """Until the session is open, or refused."""
        wish: WantsSignIn | None = None
        try:
            async with asyncio.timeout(self._gateway.sign_in_seconds):
                wish = await self._first_wish()
                if wish is None:
                    return
                await self._open(wish)
        except TimeoutError:
            self._refuse(wish, AuthenticationFailed("Signing in took too long.", "Try again."))
        except (DoorwardError, OSError) as error:
            known = (
                error if isinstance(error, DoorwardError) else UpstreamUnavailable(f"The connection broke: {error.strerror}.")
            )
            self._refuse(wish, known)
        except Exception:
            telemetry.log_crash("session.crashed", client=self._peer)
            self._refuse(wish, DoorwardError("Doorward failed on this connection; its operator can see why."))

    async def _first_wish(self) -> WantsSignIn | None:
        while True:
            event = await self._event()
            if isinstance(event, WantsTls):
                await self._answer_tls()
            elif isinstance(event, WantsCancel):
                self._end_transport()
                return None
            elif isinstance(event, WantsSignIn):
                return event

    async def _answer_tls(self) -> None:
        assert self._transport is not None
        if self._gateway.tls is None:
            self._write(self._handshake.decline_tls())
            self._transport.resume_reading()
            return
        tls = self._gateway.tls.current()
        answer, begun = self._handshake.accept_tls()
        self._write(answer)
        self._transport = await begin_tls(self._transport, self, tls.context, begun)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER_BYTES)
        self._handshake.secured(self._transport.get_extra_info("ssl_object").selected_alpn_protocol())
        self._binding = tls.binding
        if self._transport.is_closing() and self._events.empty():
            raise ProtocolViolation("The client closed the connection while TLS began.")

    async def _open(self, wish: WantsSignIn) -> None:
        revocations = self._gateway.registry.revocations
        found = await self._prove_unhurried(wish)
        assert self.identity is not None
        terms = found.terms or Terms()
        scope = dict(self.identity.proof).get("delegated_scope")
        if scope is not None:
            terms = msgspec.structs.replace(terms, until_us=self._proven_until_us)
        self._gateway.enter(self, self.identity.speaker.id, terms.limits.sessions)
        if self._gateway.draining:
            raise UpstreamUnavailable("Doorward is about to stop.", "Connect again in a moment.")
        rules = self._gateway.rules()
        upstream = rules.upstreams.get(found.upstream)
        if upstream is None:
            remedy = "Ask which databases are protected here."
            raise NotFound(f'database "{wish.database}" does not exist', remedy, sqlstate="3D000")
        database = database_for(upstream.engine)
        wishes = read_wishes(wish.wishes)
        for name, value in wish.settings.items():
            refusal = database.check_setting(name, value)
            if refusal and not upstream.observe:
                raise NotFound(refusal, f"Connect without the setting {name}.", sqlstate="0A000")
        self._upstream_facts = upstream
        try:
            settings = dict(wish.settings)
            if not self._gateway.pool.keeps_sessions:  # one that serves others later can't name anybody
                settings["application_name"] = signed_name(self.identity, wish.application)
            self._lent = await self._gateway.pool.lend(upstream, settings)
        except UpstreamUnavailable as error:
            # Where the database is, and as whom Doorward signs in, is for the log and not for clients.
            telemetry.log("upstream.failed", level=logging.WARNING, upstream=upstream.name, error=error.message)
            message, remedy = "Doorward can't get through to the database.", "Try again; if it stays, tell its operator."
            raise UpstreamUnavailable(message, remedy, reason=str(error)) from None
        self._upstream = self._lent.connection
        self._last_said = database.idle
        self._upstream.received = self._from_reusable_upstream if self._lent.is_returnable else self._from_upstream
        self._upstream.lost = self._upstream_lost
        self._upstream.paused = self._upstream_fills
        self._upstream.resumed = self._upstream_empties
        if self._closed:
            self._upstream.close(database.goodbye)
            return
        if self._upstream.is_lost:
            raise UpstreamUnavailable("The database closed the connection.", "Connect again.")
        why = self._gateway.registry.why_revoked(self.identity, revocations)
        if why is not None:
            raise AuthenticationFailed(why, "Sign in again, if you still may.", sqlstate="57P01")
        wishes = replace(wishes, bounds=(*wishes.bounds, *bounds_of(terms, scope)))
        self._begin(wish, wishes, terms, upstream, database)

    def _begin(self, wish: WantsSignIn, wishes: Wishes, terms: Terms, upstream: Upstream, database: Database) -> None:
        gateway = self._gateway
        assert self.identity is not None
        assert self._upstream is not None
        assert self._lent is not None
        self._opened_us = gateway.now_us()
        self._facts = SessionFacts(
            gateway.new_id("ses"),
            upstream.name,
            upstream.database,
            self._peer,
            wish.application[:CLAIM_LIMIT],
            wish.claimed,
            wishes,
            self._tls_words(),
        )
        gateway.scribe.record(
            SessionOpened(
                application=self._facts.application,
                at_us=self._opened_us,
                claimed=dict(wish.claimed) or UNSET,
                client=self._peer,
                database=wish.database[:CLAIM_LIMIT],
                identity=identity_stamp(self.identity),
                session=self._facts.id,
                tls=self._facts.tls,
                upstream=upstream.name,
                upstream_pid=self._upstream.process_id,
                upstream_use=self._lent.use,
            )
        )
        self._path = StatementPath(
            database,
            self._facts,
            self.identity,
            gateway.rules,
            gateway.texts,
            gateway.scribe,
            gateway.holds,
            gateway.meter,
            strict=gateway.strict,
            token_key=gateway.token_key,
            metered=(gateway.agent_meters.of(self.identity.speaker.id), terms) if is_metered(terms) else None,
            go_on=self._go_on,
            notify=self._notify,
            catalog_touched=self._catalog_touched,
            shadow_differed=self._shadow_differed,
            now_us=gateway.now_us,
        )
        exchange = database.exchange(self._path, lambda: gateway.rules().epoch(upstream.name))
        self._path.when_released(exchange.released)
        self._process_id, key = gateway.registry.enter(self, wish.key_bytes, self._upstream.process_id)
        self._write(self._handshake.welcome(self._server_final, self._upstream.parameters, self._process_id, key))
        self._exchange = exchange
        self._note()
        if self._handshake.rest:
            self._from_client(self._handshake.rest)

    async def _prove_unhurried(self, wish: WantsSignIn) -> Found:
        """Whoever failed too often of late has to wait, before anything is looked up."""
        attempts, address = self._gateway.attempts, self._peer.rpartition(":")[0]
        attempts.check(address, wish.user)
        try:
            found = await self._prove(wish)
        except AuthenticationFailed:
            attempts.failed(address, wish.user)
            raise
        attempts.succeeded(address, wish.user)
        return found

    async def _prove(self, wish: WantsSignIn) -> Found:
        """SCRAM with the secrets that the control process knows for this user. A name that nobody has fails no faster."""
        found = await self._gateway.lookup(wish.user, wish.database)
        if found.takes_token and self._handshake.encrypted:
            return await self._prove_by_token(wish)
        now = self._gateway.now_us()
        candidates = [
            StoredSecret(v.credential_id, v.iterations, v.salt, v.stored_key, v.server_key)
            for v in found.verifiers
            if v.expires_us > now
        ]
        known = found.principal is not None and bool(candidates)
        compared = candidates if known else [decoy(wish.user, self._gateway.decoy_key)]
        server = ServerExchange(compared, secrets.token_urlsafe(24), self._binding)
        self._write(self._handshake.ask_for_proof(binds=self._binding is not None))
        opening = await self._proof()
        self._write(self._handshake.challenge(server.begin(opening.data, opening.mechanism)))
        try:
            credential_id, self._server_final = server.finish((await self._proof()).data)
        except AuthenticationFailed:
            why = found.refusal or ("no secret is valid" if not candidates else "wrong secret")
            remedy = "Secrets of Doorward are short-lived: get a new one with doorward connect."
            if found.takes_token:
                why, remedy = f"{why}, and a token needs TLS", "To sign in with a token, connect with sslmode=require."
            raise AuthenticationFailed(
                f'password authentication failed for user "{wish.user[:CLAIM_LIMIT]}"', remedy, reason=why
            ) from None
        verifier = next(v for v in found.verifiers if v.credential_id == credential_id)
        proof, self._proven_until_us = verifier.proof, verifier.expires_us
        self._proven(found, "scram-sha-256-plus" if server.is_bound else "scram-sha-256", credential_id, proof)
        return found

    async def _prove_by_token(self, wish: WantsSignIn) -> Found:
        """A token of the client's platform, shown as a password. Control judges it: it knows the issuers, and their keys."""
        self._write(self._handshake.ask_for_password())
        event = await self._event()
        if not isinstance(event, ShowsPassword):
            raise ProtocolViolation("A password message was expected.")
        found = await self._gateway.show(wish.user, wish.database, event.password)
        if not found.proven_by:
            raise AuthenticationFailed(
                f'password authentication failed for user "{wish.user[:CLAIM_LIMIT]}"',
                "This service signs in with a token of its platform, or a secret; the record says what is wrong with this one.",
                reason=found.refusal,
            )
        self._proven_until_us = found.until_us
        self._proven(found, found.proven_by, found.credential_id, found.proof)
        return found

    def _proven(self, found: Found, by: str, credential_id: str, proof: dict[str, str]) -> None:
        assert found.principal is not None
        actors = tuple(map(_principal, found.actors))
        task = found.terms.task if found.terms is not None else None
        if task is not None:
            proof = {**proof, "task": task.id, "ticket": task.ticket}
        self.identity = Identity(_principal(found.principal), actors, by, credential_id, tuple(sorted(proof.items())))

    async def _proof(self) -> Proves:
        event = await self._event()
        if not isinstance(event, Proves):
            raise ProtocolViolation("An authentication message was expected.")
        return event

    async def _event(self) -> HandshakeEvent:
        event = await self._events.get()
        if isinstance(event, DoorwardError):
            raise event
        return event

    def _refuse(self, wish: WantsSignIn | None, error: DoorwardError) -> None:
        """Tell the client why there is no session, and the log that there was none."""
        if self._closed:
            return
        # The failures that led to it are in the log: whoever floods the door must not fill that too.
        if not isinstance(error, TooManyAttempts):
            self._record_refusal(wish, error)
        telemetry.log("signin.refused", client=self._peer, code=error.code)
        self._write(self._handshake.refuse(error))
        self._close("refused")

    def _record_refusal(self, wish: WantsSignIn | None, error: DoorwardError) -> None:
        try:
            self._gateway.scribe.record(
                SigninRefused(
                    at_us=self._gateway.now_us(),
                    client=self._peer,
                    database=wish.database[:CLAIM_LIMIT] if wish else "",
                    reason=error.reason or error.message,
                    user=wish.user[:CLAIM_LIMIT] if wish else "",
                )
            )
        except AuditUnavailable:
            telemetry.log("log.unwritable", level=logging.ERROR)

    # --- moving bytes -------------------------------------------------------------------------------------------------

    def _from_client(self, data: bytes) -> None:
        if self._ahead or not self._exchange.takes_more:
            # Kept aside while a message of before waits. Reading goes on as long as it can, so that a client that leaves is
            # noticed.
            self._ahead.append(data)
            self._ahead_bytes += len(data)
            self._regulate()
            return
        if self._closed:
            return
        try:
            self._exchange.receive_from_client(data)
            self._send()
        except Exception as error:
            self._break(error)

    def _from_upstream(self, data: bytes) -> None:
        if self._closed:
            return
        try:
            self._exchange.receive_from_upstream(data)
            self._send()
        except Exception as error:
            self._break(error)
        if self._ahead:
            self._continue(_nothing)

    def _from_reusable_upstream(self, data: bytes) -> None:
        self._last_said = data[-len(self._gateway.database.idle) :]
        self._from_upstream(data)

    def _go_on(self, step: Callable[[], None]) -> None:
        """Run *step* soon, inside the session, and send what it produces."""
        self._loop.call_soon(self._continue, step)

    def _continue(self, step: Callable[[], None]) -> None:
        if self._closed or self._exchange is None:
            return

        try:
            step()
            self._exchange.go_on()
            while self._ahead and self._exchange.takes_more:
                data = self._ahead.pop(0)
                self._ahead_bytes -= len(data)
                self._exchange.receive_from_client(data)
            self._send()
        except Exception as error:
            self._break(error)

    def _break(self, error: Exception) -> None:
        """What a step of the exchange raised ends the session."""
        if isinstance(error, ProtocolViolation):
            self._fail(error, "protocol violation")
        elif isinstance(error, AuditUnavailable):
            self.unrecorded(error)
        else:
            telemetry.log_crash("session.crashed", client=self._peer)
            self._fail(DoorwardError("Doorward failed on this session; its operator can see why."), "crashed")

    def _send(self) -> None:
        """What the exchange says goes out; to the upstream once its records are written, with those of other sessions."""
        exchange = self._exchange
        if exchange.to_client:
            self._write(exchange.to_client[0] if len(exchange.to_client) == 1 else b"".join(exchange.to_client))
            exchange.to_client.clear()
        if exchange.to_upstream and not self._forwards and not self._withheld:
            self._forwards = True
            self._gateway.forwarding.add(self)
        if exchange.ended:
            if not self._forwards and not self._withheld:  # what came before the goodbye is still to be done
                self._close(CLIENT_ENDED)
        elif (
            self._upstream_paused != (self._client_is_full or exchange.is_stalled)
            or self._client_paused
            or self._upstream_is_full
            or self._ahead
            or self._withheld
        ):
            self._regulate()

    def forward(self) -> None:
        """Nothing reaches the upstream that the log could still lose to a crash of this process: its records are written."""
        self._forwards = False
        if self._closed:
            return
        said = self._exchange.to_upstream
        data = said[0] if len(said) == 1 else b"".join(said)
        said.clear()
        path = self._path
        if path is not None and path.barrier is not None:
            self._withheld = data
            barrier, path.barrier = path.barrier, None
            self._gateway.scribe.when_durable(barrier, self._durable)
            return
        self._forward(data)

    def _durable(self, error: AuditUnavailable | None) -> None:
        """The records of what is withheld are on stable storage, or can't be."""
        data, self._withheld = self._withheld, b""
        if self._closed:
            return
        if error is not None:
            self.unrecorded(error)
            return
        self._forward(data)
        self._send()  # what came meanwhile has its turn, or the session its end

    def _forward(self, data: bytes) -> None:
        assert self._upstream is not None
        self._upstream.write(data)
        if self._exchange.ended and not self._exchange.to_upstream:
            self._close(CLIENT_ENDED)
        elif not self._note_is_due:
            self._note_is_due = True
            self._loop.call_later(NOTE_SECONDS, self._note_late)

    def unrecorded(self, error: AuditUnavailable) -> None:
        """The log can't take what the session is about to do."""
        telemetry.log("log.unwritable", level=logging.ERROR)
        self._fail(error, "the audit log can't be written")

    def _regulate(self) -> None:
        """Read from each side as long as what was read can be put somewhere: the only place that starts and stops reading.

        A transport says once that it is full, and once that it is not: reading on in between fills it without end.
        """
        if self._closed or self._exchange is None or self._transport is None or self._upstream is None:
            return
        upstream = self._upstream.transport
        if upstream is None or upstream.is_closing() or self._transport.is_closing():
            return
        pause_upstream = self._client_is_full or bool(self._exchange.is_stalled)
        if pause_upstream != self._upstream_paused:
            self._upstream_paused = pause_upstream
            (upstream.pause_reading if pause_upstream else upstream.resume_reading)()
        withheld = bool(self._withheld) and sum(map(len, self._exchange.to_upstream)) > AHEAD_LIMIT_BYTES
        pause_client = self._upstream_is_full or withheld or self._ahead_bytes > AHEAD_LIMIT_BYTES
        if pause_client != self._client_paused:
            self._client_paused = pause_client
            (self._transport.pause_reading if pause_client else self._transport.resume_reading)()

    def _upstream_fills(self) -> None:
        self._upstream_is_full = True
        self._regulate()

    def _upstream_empties(self) -> None:
        self._upstream_is_full = False
        self._regulate()

    def _notify(self, text: str, detail: str, hint: str) -> None:
        self._exchange.notify(text, detail, hint)
        self._note()

    # --- what others may do to it -------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """The client asked, over another connection, to cancel what runs or waits."""
        if self._path is None or self._upstream is None or self._upstream_facts is None:
            return
        if self._exchange is not None and self._exchange.is_waiting:
            self._path.withdraw()
            return
        if self._cancelling is not None and not self._cancelling.done():
            return  # one is on its way; each is a connection of its own to the upstream
        self._cancelling = self._loop.create_task(
            send_cancel(self._upstream_facts, self._upstream.process_id, self._upstream.key), name="cancel"
        )
        self._gateway.name_task(self._cancelling)

    def end(self, reason: str) -> None:
        """End it at once, telling the client why: revoked, or the gateway stops."""
        words = reason or "An operator ended this session."
        error = DoorwardError(words, "Sign in again, if you still may.", sqlstate="57P01")
        self._fail(error, reason or "ended by an operator")

    def drain(self) -> None:
        """Doorward stops: end it if it does nothing. What is under way may come to its end, but nobody is waited for.

        Called again and again, until the session is over or time is up.
        """
        if self._exchange is None:
            self._close("Doorward stops.")
        elif self._exchange.is_waiting:
            assert self._path is not None
            self._path.withdraw()
        elif not self._exchange.is_busy and self._exchange.status == b"I" and not self._ahead:
            self.end("Doorward stops.")

    # --- the end ------------------------------------------------------------------------------------------------------

    def _upstream_lost(self, _exc: Exception | None) -> None:
        remedy = "Connect again; what ran last may or may not be done."
        if self._exchange is not None and self._exchange.told_end:
            self._close("upstream went away")
            return
        error = UpstreamUnavailable("The database closed the connection.", remedy, sqlstate="08006")
        self._fail(error, "upstream went away")

    def _fail(self, error: DoorwardError, cause: str) -> None:
        if self._closed:
            return
        self._write(self._handshake.refuse(error))
        self._close(cause)

    def _close(self, cause: str) -> None:
        if self._closed:
            return
        self._closed = True
        was_busy = False
        is_reusable = self._leaves_upstream_idle(cause)
        if self._exchange is not None:
            was_busy = bool(self._exchange.is_busy)
            try:
                self._record_end(cause)
            except Exception:
                # Whatever the record lacks, the session must be over.
                telemetry.log_crash("session.crashed", client=self._peer)
        if self._task is not None and not self._task.done() and self._task is not asyncio.current_task(self._loop):
            self._task.cancel()
        self._gateway.registry.leave(self._process_id)
        if self._upstream is not None:
            self._upstream.lost = lambda _exc: None
            if was_busy and self._upstream_facts is not None:
                # The client is gone: what still runs for it is not worth finishing.
                cancelling = send_cancel(self._upstream_facts, self._upstream.process_id, self._upstream.key)
                self._gateway.name_task(self._loop.create_task(cancelling, name="cancel"))
            if is_reusable and self._lent is not None:
                self._gateway.pool.take_back(self._lent)
            else:
                self._upstream.close(self._gateway.database.goodbye)
        self._end_transport()
        self._gateway.leave(self)

    def _leaves_upstream_idle(self, cause: str) -> bool:
        """Whether the upstream session may serve another: ready, in no transaction, nothing under way in either direction.

        The last that it said tells that nothing was sent to it since, once no reply is due. A cancel request may arrive late,
        and would then strike whoever came next.
        """
        exchange = self._exchange
        if exchange is None or cause not in (CLIENT_LEFT, CLIENT_ENDED) or self._gateway.draining:
            return False
        if exchange.is_busy or exchange.is_waiting or exchange.is_stalled or exchange.to_upstream or self._withheld:
            return False
        return self._cancelling is None and self._last_said == self._gateway.database.idle

    def _record_end(self, cause: str) -> None:
        self._exchange.abandon("unknown" if cause == "upstream went away" else "abandoned")
        assert self._facts is not None
        assert self._path is not None
        try:
            self._gateway.scribe.record(
                SessionClosed(
                    at_us=self._gateway.now_us(), cause=cause, session=self._facts.id, statements=self._path.statements
                )
            )
        except AuditUnavailable:
            telemetry.log("log.unwritable", level=logging.ERROR)
        self._note(closed=True)

    def _end_transport(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            # A peer that reads nothing would keep it, and what is still to be written, for as long as it likes.
            self._lingering = self._loop.call_later(LINGER_SECONDS, self._transport.abort)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _shadow_differed(self, before: str, after: str) -> None:
        self._gateway.send(ShadowDiffered(before, after))

    def _catalog_touched(self) -> None:
        assert self._facts is not None
        self._gateway.send(CatalogTouched(self._facts.upstream))

    def _note_late(self) -> None:
        """Those who watch see what a session does, a moment late and not more often than that."""
        self._note_is_due = False
        if not self._closed:
            self._note()

    def _note(self, *, closed: bool = False) -> None:
        assert self._facts is not None
        assert self.identity is not None
        assert self._path is not None
        self._gateway.send(
            SessionNote(
                session=self._facts.id,
                chain=self.identity.chain,
                kind=self.identity.speaker.kind.value,
                client=self._facts.client,
                upstream=self._facts.upstream,
                application=self._facts.application,
                opened_us=self._opened_us,
                doing=self._path.doing[:200],
                statements=self._path.statements,
                closed=closed,
                credential=self.identity.credential_id,
            )
        )

    def _tls_words(self) -> str:
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return f"{tls.version()} {tls.cipher()[0]}" if tls is not None else ""


def _nothing() -> None:
    """No step of its own: only what waited goes on."""


def signed_name(identity: Identity, application: str) -> str:
    """The ``application_name`` that the upstream is given, so that its own log names who is behind a session too.

    The chain comes first: the server keeps no more than 63 bytes (NAMEDATALEN).
    """
    named = f"{identity.chain}: {application}" if application else identity.chain
    return named.encode()[:CLAIM_LIMIT].decode(errors="ignore")


def _principal(card: PrincipalCard) -> Principal:
    return Principal(card.id, PrincipalKind(card.kind), card.name, card.groups, card.acting_for)
