"""Upstream sessions that outlive a client's session, to serve the next one: a server's process is dear to start.

One is used again only by a client that would have begun a new one in the very same way: same upstream (address, database,
role, password, TLS) and same start-up settings, application_name among them. In between it is reset, and what the reset does
not reach is looked for; before the next use it is asked whether a new one would be any different. In doubt it is closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from doorward import telemetry
from doorward.databases import database_for
from doorward.errors import DoorwardError, UpstreamUnavailable
from doorward.model.upstream import Upstream
from doorward.proxy.upstream_connections import CONNECT_TIMEOUT_SECONDS, UpstreamConnection, connect

# A reset that takes longer has more to clear away than a new session costs.
RESET_SECONDS = 5.0
# The client waits meanwhile: whoever does not answer so simple a question at once has gone, or soon will.
COMPARE_SECONDS = 2.0
# What a server's process takes to end, and to give its place free.
ENDING_SECONDS = 0.1
TOO_MANY_CONNECTIONS = "53300"


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How much is kept. *size* is the number of idle sessions an upstream; 0 turns reuse off."""

    size: int = 0
    idle_seconds: float = 60.0
    age_seconds: float = 600.0


@dataclass(slots=True, eq=False)
class Lent:
    """An upstream session on loan to one client's session. *use* counts these from 1.

    Whoever borrows it either gives it back by ``UpstreamPool.take_back``, idle, or closes the connection.
    """

    connection: UpstreamConnection
    upstream: Upstream
    settings: tuple[tuple[str, str], ...]
    epoch: str
    born: float
    features: tuple[str | None, ...] = ()
    use: int = 1
    expiry: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def is_returnable(self) -> bool:
        """Whether it may serve another session after this one."""
        return bool(self.features)


class UpstreamPool:
    """The idle upstream sessions of one gateway process.

    *epoch* tells the state of an upstream's catalog: sessions from before a change of it are not used again. *keep_task* holds
    on to a task until it is done.
    """

    def __init__(
        self, limits: PoolLimits, epoch: Callable[[str], str], keep_task: Callable[[asyncio.Task[None]], None]
    ) -> None:
        self._limits = limits
        self._epoch = epoch
        self._keep_task = keep_task
        self._idle: dict[str, list[Lent]] = {}  # by the names of upstreams, longest idle first
        self._resetting: dict[str, set[asyncio.Task[None]]] = {}
        self._told: set[tuple[str, str]] = set()
        self._is_closed = False

    @property
    def keeps_sessions(self) -> bool:
        """Whether a session may serve one client after another."""
        return self._limits.size > 0

    def idle(self, upstream: str) -> int:
        """How many sessions of *upstream* wait for a client."""
        return len(self._idle.get(upstream, ()))

    async def lend(self, upstream: Upstream, settings: dict[str, str]) -> Lent:
        """An upstream session that began with *settings*, as good as new. Raises UpstreamUnavailable, naming the cause."""
        key = tuple(sorted(settings.items()))
        kept = self._pick(upstream, key)
        if kept is not None:
            if await self._compare(kept, COMPARE_SECONDS) == kept.features:
                kept.use += 1
                return kept
            _break(kept)
            self._tell(upstream.name, "it had changed or gone while it waited", level=logging.INFO)
            # What overtook one may have overtaken all: a restart, a change of the role.
            self._forget(upstream.name)
        epoch, born = self._epoch(upstream.name), asyncio.get_running_loop().time()
        lent = Lent(await self._connect(upstream, settings), upstream, key, epoch, born)
        if self._limits.size:
            lent.features = await self._compare(lent, CONNECT_TIMEOUT_SECONDS)
            if lent.connection.is_ending:
                raise UpstreamUnavailable(f"The upstream {upstream.name} let us in, and then did not answer.")
            if not lent.is_returnable:
                self._tell(upstream.name, "what it shows of itself can't be compared, or there is a login trigger")
        return lent

    async def _connect(self, upstream: Upstream, settings: dict[str, str]) -> UpstreamConnection:
        try:
            return await connect(upstream, settings)
        except UpstreamUnavailable as error:
            if error.sqlstate != TOO_MANY_CONNECTIONS or not self.idle(upstream.name):
                raise
        # The places that are missing may be those of sessions that began otherwise and are kept for nobody just now.
        self._forget(upstream.name)
        await asyncio.sleep(ENDING_SECONDS)
        return await connect(upstream, settings)

    def take_back(self, lent: Lent) -> None:
        """Keep *lent* for the next client, once it is reset; or close it, if there is any reason not to.

        The caller has seen that it is idle: ready, in no transaction, nothing under way in either direction, and no request to
        cancel was ever sent for it, since that could arrive late.
        """
        name = lent.upstream.name
        tasks = self._resetting.setdefault(name, set())
        if self._is_closed or self._is_stale(lent) or not self._make_room(lent, len(tasks)):
            lent.connection.close(database_for(lent.upstream.engine).goodbye)
            return
        lent.connection.release()
        task = asyncio.get_running_loop().create_task(self._renew(lent), name=f"reset of {name}")
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        # One that is cancelled before it has begun closes nothing by itself.
        task.add_done_callback(lambda done: _break(lent) if done.cancelled() else None)
        self._keep_task(task)

    def close(self) -> None:
        """Close what is idle or being reset; nothing is kept from now on."""
        self._is_closed = True
        for name in list(self._idle):
            self._forget(name)
        for tasks in self._resetting.values():
            for task in list(tasks):
                task.cancel()

    # --- what makes one fit to be kept ----------------------------------------------------------------------------

    def _is_stale(self, lent: Lent) -> bool:
        old = asyncio.get_running_loop().time() - lent.born > self._limits.age_seconds
        return old or lent.connection.is_ending or not lent.is_returnable or lent.epoch != self._epoch(lent.upstream.name)

    def _make_room(self, lent: Lent, coming: int) -> bool:
        idle = self._idle.setdefault(lent.upstream.name, [])
        if len(idle) + coming < self._limits.size:
            return True
        other = next((kept for kept in idle if not _are_alike(kept, lent)), None)
        if other is None:
            return False
        self._evict(other)  # nobody asked for its like for the longest time
        return True

    async def _renew(self, lent: Lent) -> None:
        """Reset *lent* at once, not when it is next needed: locks, temporary tables and LISTEN end with the session."""
        reset = database_for(lent.upstream.engine).reset()
        try:
            async with asyncio.timeout(RESET_SECONDS):
                await _ask(lent.connection, reset)
            why = reset.blemish
        except TimeoutError:
            why = "the reset took too long"
        except DoorwardError as error:
            why = error.message
        except BaseException:
            _break(lent)
            raise
        if why or self._is_closed or self._is_stale(lent):
            _break(lent)
            if why:
                self._tell(lent.upstream.name, why)
            return
        self._keep(lent)

    async def _compare(self, lent: Lent, seconds: float) -> tuple[str | None, ...]:
        """What *lent* shows of itself; empty when it does not. Closed when the asker is cancelled, or it does not answer."""
        connection = lent.connection
        portrait = database_for(lent.upstream.engine).portrait(connection.parameters, connection.process_id)
        try:
            async with asyncio.timeout(seconds):
                await _ask(connection, portrait)
        except (TimeoutError, DoorwardError):
            _break(lent)
            return ()
        except BaseException:
            _break(lent)
            raise
        features: tuple[str | None, ...] = portrait.features
        return features

    # --- the idle ones --------------------------------------------------------------------------------------------

    def _keep(self, lent: Lent) -> None:
        """From here on it has nothing to say: whatever it says, also that it ends, removes it."""
        loop = asyncio.get_running_loop()
        seconds = min(self._limits.idle_seconds, lent.born + self._limits.age_seconds - loop.time())
        lent.expiry = loop.call_later(seconds, self._evict, lent)
        lent.connection.received = lambda _data: self._evict(lent)
        lent.connection.lost = lambda _error: self._evict(lent)
        self._idle.setdefault(lent.upstream.name, []).append(lent)

    def _pick(self, upstream: Upstream, settings: tuple[tuple[str, str], ...]) -> Lent | None:
        """Take out the session that was used last, of those that began alike."""
        for kept in list(reversed(self._idle.get(upstream.name, ()))):
            if self._is_stale(kept):
                self._evict(kept)
            elif kept.settings == settings and kept.upstream == upstream:
                self._take_out(kept)
                kept.connection.release()
                return kept
        return None

    def _take_out(self, kept: Lent) -> None:
        idle = self._idle.get(kept.upstream.name, [])
        if kept in idle:
            idle.remove(kept)
        if kept.expiry is not None:
            kept.expiry.cancel()

    def _evict(self, kept: Lent) -> None:
        self._take_out(kept)
        kept.connection.release()
        kept.connection.close(database_for(kept.upstream.engine).goodbye)

    def _forget(self, upstream: str) -> None:
        for kept in list(self._idle.get(upstream, ())):
            self._evict(kept)

    def _tell(self, upstream: str, why: str, *, level: int = logging.WARNING) -> None:
        """Say once for each reason why sessions are closed instead: an operator wonders why reuse does not help."""
        if (upstream, why) not in self._told:
            self._told.add((upstream, why))
            telemetry.log("upstream.unpooled", level=level, upstream=upstream, why=why)


async def _ask(connection: UpstreamConnection, statements: Any) -> None:
    connection.write(statements.ask())
    while not statements.done:
        statements.receive(await connection.next_chunk())


def _are_alike(one: Lent, other: Lent) -> bool:
    return one.settings == other.settings and one.upstream == other.upstream


def _break(lent: Lent) -> None:
    """End it without waiting for anything to be sent: it may be stuck."""
    lent.connection.release()
    lent.connection.abort()
