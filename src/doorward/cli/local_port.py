"""A port of this machine that leads through Doorward, for tools that keep one address and ask for no secret.

Whoever connects there is let in as the target, with a secret that is minted and renewed here. So only programs of the same user
are: on Linux the system says whose a connection is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Any, cast

from doorward.cli.targets import Target
from doorward.clock import now_us
from doorward.databases import database_for
from doorward.errors import ConfigurationInvalid, DoorwardError, NotPermitted
from doorward.model.upstream import Upstream
from doorward.proxy.upstream_connections import UpstreamConnection, connect
from doorward.wire.handshake import WantsCancel, WantsSignIn, WantsTls

# A secret is renewed when a fifth of its time is left.
RENEW_AT = 0.2
_SOCKETS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"


class Secrets:
    """The secret in use, fresh when it is asked for."""

    def __init__(self, target: Target, hours: float) -> None:
        self._target = target
        self._hours = hours
        self._minted: dict[str, Any] = {}
        self._renew_us = 0
        self._turn = asyncio.Lock()

    def mint(self) -> dict[str, Any]:
        """Another one."""
        self._minted = self._target.mint(self._hours, "doorward proxy")
        now = now_us()
        self._renew_us = now + int((self._minted["expires_us"] - now) * (1 - RENEW_AT))
        return self._minted

    async def fresh(self) -> dict[str, Any]:
        """The one in use, or another when its time is nearly over. Raises DoorwardError."""
        async with self._turn:
            if now_us() >= self._renew_us:
                await asyncio.to_thread(self.mint)
        return self._minted


async def listen(secrets: Secrets, port: int) -> asyncio.Server:
    """Open the port. Raises ConfigurationInvalid."""
    try:
        return await asyncio.get_running_loop().create_server(lambda: LocalClient(secrets), "127.0.0.1", port)
    except OSError as error:
        raise ConfigurationInvalid(f"127.0.0.1:{port} can't be opened: {error.strerror}.", "Choose another --port.") from None


class LocalClient(asyncio.Protocol):
    """One connection of a tool: signed in on its behalf, then passed on as it is."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._database = database_for("postgresql")
        self._handshake: Any = self._database.client_handshake()
        self._upstream: UpstreamConnection | None = None
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast(asyncio.Transport, transport)
        if not is_own(transport.get_extra_info("peername"), transport.get_extra_info("sockname")):
            refusal = NotPermitted(
                "This port is for the user who opened it.", "Open your own: doorward proxy", sqlstate="28000"
            )
            self._transport.write(self._handshake.refuse(refusal))
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self._upstream is not None:
            self._upstream.write(data)
            return
        try:
            for event in self._handshake.receive(data):
                if isinstance(event, WantsTls):
                    self._transport.write(self._handshake.decline_tls())
                elif isinstance(event, WantsCancel):
                    self._task = asyncio.create_task(self._cancel(event), name="cancel")
                elif isinstance(event, WantsSignIn):
                    self._task = asyncio.create_task(self._sign_in(event), name="sign in")
            self._transport.write(b"".join(self._handshake.to_client))
            self._handshake.to_client.clear()
        except DoorwardError as error:
            self._refuse(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        if self._upstream is not None:
            self._upstream.close()
        elif self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """Called by the loop: the tool does not read as fast as Doorward sends."""
        if self._upstream is not None and self._upstream.transport is not None:
            self._upstream.transport.pause_reading()

    def resume_writing(self) -> None:
        """Called by the loop."""
        if self._upstream is not None and self._upstream.transport is not None:
            self._upstream.transport.resume_reading()

    async def _sign_in(self, wish: WantsSignIn) -> None:
        try:
            there = _doorward(await self._secrets.fresh())
            said = {f"doorward.{name}": value for name, value in (*wish.claimed, *wish.wishes)}
            upstream = await connect(there, {**wish.settings, **said})
        except DoorwardError as error:
            self._refuse(error)
            return
        upstream.received = self._transport.write
        upstream.lost = lambda _error: self._transport.close()
        upstream.paused = self._transport.pause_reading
        upstream.resumed = self._transport.resume_reading
        self._transport.write(
            self._handshake.let_in() + self._handshake.welcome(b"", upstream.parameters, upstream.process_id, upstream.key)
        )
        self._upstream = upstream
        if self._handshake.rest:
            upstream.write(self._handshake.rest)

    async def _cancel(self, wish: WantsCancel) -> None:
        """Doorward knows the session by the key that it gave, and that was passed on."""
        there = _doorward(await self._secrets.fresh())
        with contextlib.suppress(OSError):
            _reader, writer = await asyncio.open_connection(there.host, there.port)
            writer.write(self._database.cancel_packet(wish.process_id, wish.key))
            await writer.drain()
            writer.close()
        self._transport.close()

    def _refuse(self, error: DoorwardError) -> None:
        self._transport.write(self._handshake.refuse(error))
        self._transport.close()


def _doorward(minted: dict[str, Any]) -> Upstream:
    return Upstream(
        "doorward",
        "postgresql",
        minted["host"],
        int(minted["port"]),
        minted["database"],
        minted["principal"],
        minted["secret"],
        minted["sslmode"],
    )


def is_own(peer: Any, ours: Any) -> bool:
    """Whether the connection from *peer* to *ours* is a program's of this very user, as the system tells (proc(5), net/tcp)."""
    wanted = (_spelled(peer), _spelled(ours), _ESTABLISHED)
    for table in _SOCKETS:
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if (fields[1], fields[2], fields[3]) == wanted:
                return int(fields[7]) == os.getuid()
    return False


def _spelled(address: Any) -> str:
    """An IPv4 address as the table has it: bytes in the machine's own order, in hexadecimal."""
    host, port = address[:2]
    number = int.from_bytes(bytes(map(int, host.split("."))), "little")
    return f"{number:08X}:{port:04X}"
