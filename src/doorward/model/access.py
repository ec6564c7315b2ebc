"""Access for a time: what somebody was granted beyond the rules, until when, and why."""

from __future__ import annotations

from enum import Enum

import msgspec


class AccessKind(Enum):
    """How it came about."""

    GRANTED = "granted"  # asked for, and approved by people
    BREAK_GLASS = "break-glass"  # taken in an emergency, and looked at by somebody else afterwards


class AccessWish(msgspec.Struct, frozen=True):
    """What is asked for: *labels* to see as they are, *actions* to take, on *tables* (``schema.table``, ``schema.*``).

    Without tables it is about all of them. It lasts for *seconds* from the moment of the last yes. *row_limit* of 0 is none.
    """

    labels: tuple[str, ...]
    actions: tuple[str, ...]
    tables: tuple[str, ...]
    seconds: int
    row_limit: int = 0
    ticket: str = ""

    def describe(self, speaker: str, upstream: str) -> str:
        """As people read it."""
        what = [f"see {', '.join(self.labels)} as they are"] if self.labels else []
        what += [", ".join(self.actions)] if self.actions else []
        where = ", ".join(self.tables) or "all tables"
        most = f", at most {self.row_limit} rows a statement" if self.row_limit else ""
        ticket = f", for {self.ticket}" if self.ticket else ""
        return f"{speaker}: {' and '.join(what)} in {upstream} ({where}) for {_duration(self.seconds)}{most}{ticket}"


class Access(msgspec.Struct, frozen=True):
    """Access in force. It counts on connections that *speaker_id* itself holds, never on those of agents that act for it.

    *kind* is an AccessKind value. *request_id* is the request that was approved, empty where there was none.
    """

    id: str
    kind: str
    speaker_id: str
    speaker: str
    upstream: str
    labels: tuple[str, ...]
    actions: tuple[str, ...]
    tables: tuple[str, ...]
    row_limit: int
    from_us: int
    until_us: int
    reason: str
    ticket: str
    request_id: str = ""

    def holds_at(self, now_us: int) -> bool:
        """Whether it counts then."""
        return self.from_us <= now_us < self.until_us

    def fits(self, upstream: str, objects: tuple[str, ...], unresolved: tuple[str, ...]) -> bool:
        """Whether it is about all that a statement uses. What the catalog doesn't know is about nothing that was granted."""
        if upstream != self.upstream or unresolved:
            return False
        return not self.tables or (bool(objects) and all(self._names(name) for name in objects))

    def _names(self, name: str) -> bool:
        schema = name.partition(".")[0]
        return name in self.tables or f"{schema}.*" in self.tables


def _duration(seconds: int) -> str:
    hours, minutes = seconds // 3_600, seconds % 3_600 // 60
    parts = [f"{hours} h"] if hours else []
    parts += [f"{minutes} min"] if minutes or not hours else []
    return " ".join(parts)
