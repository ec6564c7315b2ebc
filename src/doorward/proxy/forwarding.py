"""Forwards what sessions have for their upstreams: the records of all of them first, in one write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from doorward.errors import AuditUnavailable
from doorward.proxy.scribe import Scribe


class Forwards(Protocol):
    """Who has something to forward."""

    def forward(self) -> None:
        """Send it: its records are where a crash of this process can't reach them."""

    def unrecorded(self, error: AuditUnavailable) -> None:
        """It must not be sent: its records could not be written."""


class Forwarding:
    """Gathers the sessions that want to forward in one turn of the loop. *soon* calls a function in the next."""

    def __init__(self, scribe: Scribe, soon: Callable[[Callable[[], None]], object]) -> None:
        self._scribe = scribe
        self._soon = soon
        self._waiting: list[Forwards] = []

    def add(self, who: Forwards) -> None:
        """*who* is told to forward, or that it may not, before anything else arrives from the network."""
        self._waiting.append(who)
        if len(self._waiting) == 1:
            self._soon(self.run)

    def run(self) -> None:
        """Write the records, then let everybody forward."""
        waiting, self._waiting = self._waiting, []
        try:
            self._scribe.flush()
        except AuditUnavailable as error:
            for who in waiting:
                who.unrecorded(error)
            return
        for who in waiting:
            who.forward()
