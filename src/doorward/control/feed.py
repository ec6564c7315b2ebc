"""Tells those who watch that something changed. What changed is read again, so a slow watcher misses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from enum import Enum


class Topic(Enum):
    """What can change."""

    SESSIONS = "sessions"
    REQUESTS = "requests"
    CATALOG = "catalog"
    LOG = "log"


class Feed:
    """Topics, and those who wait for them. *log_size* is asked now and then: the log grows in another process."""

    POLL_SECONDS = 0.5

    def __init__(self, log_size: Callable[[], int]) -> None:
        self._log_size = log_size
        self._last_size = (float("-inf"), 0)
        self._watchers: set[_Watcher] = set()

    def publish(self, topic: Topic) -> None:
        """Wake everyone who watches."""
        for watcher in self._watchers:
            watcher.topics.add(topic)
            watcher.woken.set()

    async def follow(self) -> AsyncIterator[frozenset[Topic]]:
        """What changed since the last step, at most a poll late; empty sets show that the feed is alive."""
        watcher = _Watcher()
        self._watchers.add(watcher)
        size = self._size()
        try:
            while True:
                try:
                    async with asyncio.timeout(self.POLL_SECONDS):
                        await watcher.woken.wait()
                except TimeoutError:
                    pass
                watcher.woken.clear()
                topics, watcher.topics = watcher.topics, set()
                before, size = size, self._size()
                if size != before:
                    topics.add(Topic.LOG)
                yield frozenset(topics)
        finally:
            self._watchers.discard(watcher)

    def _size(self) -> int:
        """The log's size, looked up once a poll however many watch."""
        now = asyncio.get_running_loop().time()
        asked_at, size = self._last_size
        if now - asked_at >= self.POLL_SECONDS / 2:
            size = self._log_size()
            self._last_size = (now, size)
        return size


class _Watcher:
    def __init__(self) -> None:
        self.topics: set[Topic] = set()
        self.woken = asyncio.Event()
