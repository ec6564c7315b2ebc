"""A small gateway that speaks the real link, with the audit log in memory; and a clock that is set by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from doorward.model import link
from doorward.model.entry import Entry, encode_entry

Message = TypeVar("Message")


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now_us: int = 1_000_000_000) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us


class MemoryLog:
    """An audit log that nothing else shares."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []

    def add(self, *entries: Entry) -> None:
        self.raw.extend(map(encode_entry, entries))

    def size(self) -> int:
        return len(self.raw)

    def entries(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        yield from enumerate(self.raw[start:stop], start)


class FakeGateway:
    """Connects, remembers what it hears, and writes what it is told to.

    *append_error* makes it answer that the log can't be written; *is_silent* makes it not answer at all.
    """

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.heard: list[link.FromControl] = []
        self.append_error = ""
        self.is_silent = False
        self._news = asyncio.Condition()

    async def connect(self, path: Path) -> None:
        self._reader, self._writer = await asyncio.open_unix_connection(path, limit=1 << 24)
        self._task = asyncio.create_task(self._listen())
        await self.hears(link.Configured)

    async def close(self) -> None:
        self._writer.close()
        await self._task

    async def say(self, message: link.FromGateway) -> None:
        await self.say_raw(link.encode(message) + b"\n")

    async def say_raw(self, line: bytes) -> None:
        self._writer.write(line)
        await self._writer.drain()

    async def hears(self, kind: type[Message], which: Callable[[Message], bool] = lambda message: True) -> Message:
        """The last message of this kind, as soon as there is one."""
        async with asyncio.timeout(5), self._news:
            while True:
                for message in reversed(self.heard):
                    if isinstance(message, kind) and which(message):
                        return message
                await self._news.wait()

    @property
    def is_connected(self) -> bool:
        return not self._task.done()

    async def until_lost(self) -> None:
        await asyncio.wait_for(asyncio.shield(self._task), 5)

    async def _listen(self) -> None:
        while line := await self._reader.readline():
            message = link.decode_from_control(line)
            if isinstance(message, link.Append) and not self.is_silent:
                await self._append(message)
            async with self._news:
                self.heard.append(message)
                self._news.notify_all()

    async def _append(self, message: link.Append) -> None:
        if self.append_error:
            await self.say(link.Appended(message.id, error=self.append_error))
            return
        self.log.raw.append(message.entry)
        await self.say(link.Appended(message.id, index=len(self.log.raw) - 1))
