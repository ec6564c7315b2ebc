"""The gateway's end of the link to the control process: JSON lines over a Unix socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from doorward import telemetry
from doorward.audit.files import socket_name
from doorward.errors import AuditUnavailable
from doorward.model import link

LOOKUP_TIMEOUT_SECONDS = 10.0
LINE_LIMIT_BYTES = 256 << 20  # a configuration carries whole catalogs
# What may wait for a control process that does not read: then nothing new is asked of it any more, and at last it counts as
# gone, for nobody can revoke or answer any more.
FULL_BYTES = 16 << 20
LOST_BYTES = 64 << 20


class ControlLink:
    """Asks and hears the control process. When the connection is lost nobody new gets in, and the gateway ends.

    *heard* is told every message that is not the answer to a call.
    """

    def __init__(self, path: Path, heard: Callable[[link.FromControl], None]) -> None:
        self._path = path
        self._heard = heard
        self._writer: asyncio.StreamWriter | None = None
        self._calls: dict[int, asyncio.Future[link.Found]] = {}
        self._number = 0
        self.lost = asyncio.Event()

    async def open(self) -> asyncio.Task[None]:
        """Connect; the task that listens."""
        with socket_name(self._path) as name:
            reader, writer = await asyncio.open_unix_connection(name, limit=LINE_LIMIT_BYTES)
        self._writer = writer
        return asyncio.create_task(self._listen(reader), name="control link")

    def send(self, message: link.FromGateway) -> bool:
        """Put a message; False when the control process is gone, or so far behind that nothing new can be asked of it."""
        if self._writer is None or self._writer.is_closing() or self.lost.is_set():
            return False
        waiting_bytes = self._writer.transport.get_write_buffer_size()
        if waiting_bytes > FULL_BYTES:
            if waiting_bytes > LOST_BYTES:
                telemetry.log("link.lost", level=logging.ERROR, waiting_bytes=waiting_bytes)
                self.lost.set()
                return False
            if not _must_arrive(message):
                return False
        self._writer.write(link.encode(message) + b"\n")
        return True

    async def lookup(self, user: str, database: str) -> link.Found:
        """Who *user* is. Raises AuditUnavailable (nobody can be let in) when the control process does not answer."""
        return await self._ask(lambda number: link.Lookup(number, user, database))

    async def show(self, user: str, database: str, password: str) -> link.Found:
        """Whether *password* proves *user*. Raises AuditUnavailable as ``lookup`` does."""
        return await self._ask(lambda number: link.Shown(number, user, database, password))

    async def _ask(self, question: Callable[[int], link.FromGateway]) -> link.Found:
        self._number += 1
        number = self._number
        answer: asyncio.Future[link.Found] = asyncio.get_running_loop().create_future()
        self._calls[number] = answer
        try:
            if not self.send(question(number)):
                raise AuditUnavailable("The control process is gone.", "Restart doorward.")
            async with asyncio.timeout(LOOKUP_TIMEOUT_SECONDS):
                return await answer
        except TimeoutError:
            raise AuditUnavailable("The control process did not answer in time.", "Try again; tell the operator.") from None
        finally:
            self._calls.pop(number, None)

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                message = link.decode_from_control(line)
                if isinstance(message, link.Found):
                    waiting = self._calls.get(message.id)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(message)
                else:
                    self._heard(message)
        except (OSError, ValueError, msgspec.DecodeError) as error:
            telemetry.log("link.lost", level=logging.WARNING, error=type(error).__name__)
        finally:
            self.lost.set()


def _must_arrive(message: link.FromGateway) -> bool:
    """Whether control's picture would be wrong for good without it. The rest is asked again, or told again."""
    return isinstance(message, link.Settled | link.Appended) or (isinstance(message, link.SessionNote) and message.closed)
