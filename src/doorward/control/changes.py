"""Changes one at a time, each in the audit log before it is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from doorward.control.operators import Operator
from doorward.model.entry import Administered, Entry

ITSELF = "doorward"


class Log(Protocol):
    """Where entries go."""

    async def append(self, entry: Entry) -> int:
        """Write *entry* and return its index once it is durable. Raises AuditUnavailable."""


class Changes:
    """The queue that every change passes through."""

    def __init__(self, log: Log, now: Callable[[], int]) -> None:
        self._log = log
        self._now = now
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold this while checking, recording and making one change: what was checked is still so when it is made."""
        async with self._turn:
            yield

    async def note(self, act: str, subject: str, **details: str) -> None:
        """Put in the log what Doorward does by itself. Raises AuditUnavailable."""
        await self._log.append(Administered(act=act, at_us=self._now(), by=ITSELF, details=details, subject=subject))

    async def record(self, by: Operator, act: str, subject: str, **details: str) -> None:
        """Put the change in the log. Raises AuditUnavailable; it must then not be made."""
        await self.append(Administered(act=act, at_us=self._now(), by=by.name, details=details, subject=subject))

    async def append(self, entry: Entry) -> None:
        """Put *entry* in the log. Raises AuditUnavailable; what it tells of must then not be done."""
        await self._log.append(entry)
