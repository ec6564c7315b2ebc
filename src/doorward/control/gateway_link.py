"""The control side of the link to the gateways: a Unix socket that the owner alone may open, messages as JSON lines."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from doorward import telemetry
from doorward.audit.files import socket_name
from doorward.errors import AuditUnavailable
from doorward.model import link
from doorward.model.access import Access
from doorward.model.approval import Answer, ApprovalRequest
from doorward.model.entry import Entry, encode_entry

# A held statement may be 1 MiB of text, six times that when JSON escapes every character.
LINE_LIMIT_BYTES = 16 * 1024 * 1024
APPEND_TIMEOUT_SECONDS = 5.0
# A gateway that does not take what it is told for so long may have missed a revocation: it must not go on.
TELL_TIMEOUT_SECONDS = 10.0


class GatewayListener(Protocol):
    """Who is told what a gateway says. *gateway* numbers the connection."""

    def lookup(self, question: link.Lookup) -> link.Found:
        """Who it is, and how they prove it."""

    async def shown(self, question: link.Shown) -> link.Found:
        """Whether a password in clear proves who it is."""

    def asked(self, gateway: int, request: ApprovalRequest) -> None:
        """An execution is held."""

    def settled(self, request_id: str, state: str) -> None:
        """A request ended on the gateway's side."""

    def session_noted(self, gateway: int, note: link.SessionNote) -> None:
        """A session opened, moved or closed."""

    def shadow_differed(self, before: str, after: str) -> None:
        """Candidate rules would decide otherwise on something that a session meets for the first time."""

    def catalog_touched(self, upstream: str) -> None:
        """The catalog has to be read again."""

    def gateway_lost(self, gateway: int) -> None:
        """The connection ended, and with it the gateway's sessions and holds."""


@dataclass(slots=True)
class _Gateway:
    """A gateway's connection. *worker* is -1 until it said which one it is. *is_late* is one that owes us an answer."""

    writer: asyncio.StreamWriter
    worker: int = -1
    is_late: bool = False


class GatewayLink:
    """Accepts gateways and speaks with them. Answers and revocations go to all; entries to the one that came last and answers.

    One that does not listen holds up nobody else: its connection is cut, and *stuck* is told its worker's number.
    """

    def __init__(
        self,
        path: Path,
        configured: Callable[[], link.Configured],
        append_timeout_seconds: float = APPEND_TIMEOUT_SECONDS,
        tell_timeout_seconds: float = TELL_TIMEOUT_SECONDS,
        stuck: Callable[[int], None] = lambda worker: None,
    ) -> None:
        self._path = path
        self._configured = configured
        self._append_timeout_seconds = append_timeout_seconds
        self._tell_timeout_seconds = tell_timeout_seconds
        self._stuck = stuck
        self._listener: GatewayListener | None = None
        self._server: asyncio.Server | None = None
        self._gateways: dict[int, _Gateway] = {}
        self._appends: dict[int, tuple[int, asyncio.Future[link.Appended]]] = {}
        self._number = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def is_connected(self) -> bool:
        """Whether a gateway is there."""
        return bool(self._gateways)

    async def start(self, listener: GatewayListener) -> None:
        """Open the socket, in place of one that a dead process left. Tell *listener* what gateways say."""
        self._listener = listener
        self._path.unlink(missing_ok=True)
        # Bound under a strict mask: between bind and a chmod others could connect.
        mask = os.umask(0o177)
        try:
            with socket_name(self._path) as name:
                self._server = await asyncio.start_unix_server(self._serve, name, limit=LINE_LIMIT_BYTES)
        finally:
            os.umask(mask)

    async def close(self) -> None:
        """Close the socket and every gateway's connection."""
        if self._server is None:
            return
        self._server.close()
        for gateway in list(self._gateways.values()):
            gateway.writer.close()
        await self._empty.wait()
        await self._server.wait_closed()
        self._path.unlink(missing_ok=True)
        self._server = None

    async def append(self, entry: Entry) -> int:
        """Have *entry* written to the audit log; once durable, its index in that gateway's journal. Raises AuditUnavailable."""
        if not self._gateways:
            raise AuditUnavailable("No gateway is there to write the audit log.", "Start the gateway, then try again.")
        newest_first = list(reversed(self._gateways.items()))
        gateway, connection = next((pair for pair in newest_first if not pair[1].is_late), newest_first[0])
        self._number += 1
        number = self._number
        waiting: asyncio.Future[link.Appended] = asyncio.get_running_loop().create_future()
        self._appends[number] = (gateway, waiting)
        try:
            async with asyncio.timeout(self._append_timeout_seconds):
                await _send(connection.writer, link.Append(id=number, entry=encode_entry(entry)))
                appended = await waiting
        except (TimeoutError, OSError):
            connection.is_late = True
            raise AuditUnavailable(
                "The gateway did not confirm the audit entry in time.", "See the gateway's log; nothing was changed."
            ) from None
        finally:
            del self._appends[number]
        if appended.error or appended.index < 0:
            raise AuditUnavailable(
                f"The audit log can't be written: {appended.error or 'no position was given'}.",
                "Check the data directory's disk; nothing was changed.",
            )
        return appended.index

    async def answer(self, answer: Answer) -> None:
        """Pass on an approver's answer. Raises AuditUnavailable if no gateway is there to record and heed it."""
        if not self._gateways:
            raise AuditUnavailable("No gateway is there to hear the answer.", "Start the gateway; the client must ask again.")
        await self._tell_all(link.Answered(answer))

    async def grant(self, accesses: tuple[Access, ...]) -> None:
        """Tell what access is granted by now, in place of all before. One that connects later is told with the rest."""
        await self._tell_all(link.AccessGranted(accesses))

    async def revoke(self, principal_id: str = "", credential_id: str = "", reason: str = "") -> None:
        """End live sessions. Without a gateway there are none, and nothing is done."""
        await self._tell_all(link.Revoked(principal_id, credential_id, reason))

    async def configure(self) -> None:
        """Send the configuration in force to all gateways; one that connects later is sent it anyway."""
        await self._tell_all(self._configured())

    async def drain(self, seconds: int) -> None:
        """Ask all gateways to take no new sessions and end."""
        await self._tell_all(link.Drain(seconds))

    async def _tell_all(self, message: link.FromControl) -> None:
        """Tell every gateway at once. A gateway that can't hear is lost, and its sessions end with it."""
        await asyncio.gather(*(self._tell(gateway, message) for gateway in list(self._gateways.values())))

    async def _tell(self, gateway: _Gateway, message: link.FromControl) -> None:
        with contextlib.suppress(OSError):
            try:
                async with asyncio.timeout(self._tell_timeout_seconds):
                    await _send(gateway.writer, message)
            except TimeoutError:
                telemetry.log("gateway.stuck", level=logging.ERROR, worker=gateway.worker)
                # What was sent before can still be read; after it comes the end, and the gateway ends as well.
                gateway.writer.transport.abort()
                self._stuck(gateway.worker)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if _peer_uid(writer) not in (os.getuid(), 0):
            writer.close()
            return
        self._number += 1
        gateway = self._number
        self._gateways[gateway] = _Gateway(writer)
        self._empty.clear()
        try:
            await _send(writer, self._configured())
            while line := await reader.readline():
                await self._heard(gateway, writer, line)
        except (OSError, ValueError, msgspec.DecodeError) as error:
            # ValueError: a line over the limit. Either end is ours: a line that makes no sense ends the connection.
            telemetry.log("link.lost", level=logging.WARNING, gateway=gateway, error=type(error).__name__)
        finally:
            self._lose(gateway)
            writer.close()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_shown(self, writer: asyncio.StreamWriter, question: link.Shown) -> None:
        assert self._listener is not None
        answer = await self._listener.shown(question)
        with contextlib.suppress(OSError):
            await _send(writer, answer)

    def _lose(self, gateway: int) -> None:
        del self._gateways[gateway]
        for owner, waiting in self._appends.values():
            if owner == gateway and not waiting.done():
                waiting.set_exception(ConnectionResetError("the gateway went away"))
        if self._listener is not None:
            self._listener.gateway_lost(gateway)
        if not self._gateways:
            self._empty.set()

    async def _heard(self, gateway: int, writer: asyncio.StreamWriter, line: bytes) -> None:
        message = link.decode_from_gateway(line)
        assert self._listener is not None
        match message:
            case link.Hello():
                self._gateways[gateway].worker = message.worker
            case link.CancelElsewhere():
                cancel = link.Cancel(message.process_id, message.key)
                others = [other for number, other in self._gateways.items() if number != gateway]
                await asyncio.gather(*(self._tell(other, cancel) for other in others))
            case link.Lookup():
                await _send(writer, self._listener.lookup(message))
            case link.Shown():
                # Aside: it may take a moment, and nobody else's question waits for it.
                self._keep(asyncio.create_task(self._answer_shown(writer, message), name="token"))
            case link.Appended():
                self._gateways[gateway].is_late = False
                _owner, waiting = self._appends.get(message.id, (0, None))
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
            case link.Asked():
                self._listener.asked(gateway, message.request)
            case link.Settled():
                self._listener.settled(message.request_id, message.state)
            case link.SessionNote():
                self._listener.session_noted(gateway, message)
            case link.ShadowDiffered():
                self._listener.shadow_differed(message.before, message.after)
            case link.CatalogTouched():
                self._listener.catalog_touched(message.upstream)


async def _send(writer: asyncio.StreamWriter, message: link.FromControl) -> None:
    writer.write(link.encode(message) + b"\n")
    await writer.drain()


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    """The user at the other end (SO_PEERCRED, unix(7)): the file mode says the same, twice is better."""
    peer: socket.socket = writer.get_extra_info("socket")
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])
