"""What is forwarded in one turn of the loop has its records written before, in one write; or is not forwarded."""

from __future__ import annotations

from collections.abc import Callable

from doorward.errors import AuditUnavailable
from doorward.proxy.forwarding import Forwarding


class Written:
    """Stands for the scribe: notes when it was flushed, or can't be."""

    def __init__(self, events: list[str], failure: AuditUnavailable | None = None) -> None:
        self._events = events
        self._failure = failure

    def flush(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._events.append("flush")


class Sender:
    """Stands for a session."""

    def __init__(self, name: str, events: list[str]) -> None:
        self._name = name
        self._events = events

    def forward(self) -> None:
        self._events.append(self._name)

    def unrecorded(self, error: AuditUnavailable) -> None:
        self._events.append(f"{self._name}: {error.message}")


def test_all_who_forward_in_one_turn_share_one_write() -> None:
    """Records first; the next turn has its own."""
    events: list[str] = []
    soon: list[Callable[[], None]] = []
    forwarding = Forwarding(Written(events), soon.append)  # type: ignore[arg-type]
    forwarding.add(Sender("a", events))
    forwarding.add(Sender("b", events))
    assert (events, len(soon)) == ([], 1)
    soon.pop()()
    assert events == ["flush", "a", "b"]
    forwarding.add(Sender("c", events))
    soon.pop()()
    assert events[3:] == ["flush", "c"]


def test_nothing_is_forwarded_when_the_records_can_not_be_written() -> None:
    """Each is told so itself."""
    events: list[str] = []
    forwarding = Forwarding(Written(events, AuditUnavailable("full")), lambda run: None)  # type: ignore[arg-type]
    forwarding.add(Sender("a", events))
    forwarding.add(Sender("b", events))
    forwarding.run()
    assert events == ["a: full", "b: full"]
