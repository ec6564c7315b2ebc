"""A governor of simple rules, written against the Protocol: what a text says decides what becomes of it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from doorward.model.result import ResultColumn
from doorward.model.statement import Analysis
from doorward.sql.analyze import analyze
from doorward.wire.governor import Go, Refusal, Resume, Ruling
from doorward.wire.postgres import rows_cy

MASKED = b"***"
NOT_ALLOWED = Refusal("42501", "Not allowed.", "A rule says so.", "Ask somebody.")
UNREADABLE = Refusal("42601", "Not understood.")
LIMITED = Refusal("54000", "Too many rows.")
WITHDRAWN = Refusal("57014", "canceling statement due to user request")


@dataclass(frozen=True)
class Text:
    """A text and its real analysis."""

    text: str
    analysis: Analysis

    @property
    def is_plain(self) -> bool:
        return len(self.analysis.statements) == 1 and self.analysis.statements[0].is_plain


@dataclass(eq=False)
class Slip:
    """A ticket, with the outcome once it is known."""

    text: str
    inner: tuple[str, ...]
    released: bool = True
    row_limit: int = 0
    copy_out_is_clear: bool = False
    outcome: tuple[str, str, int, str] | None = None


@dataclass
class Rules:
    """``DROP`` is refused, ``DELETE`` waits, results of texts that say ``secret`` or that are not known are masked."""

    limit: int = 0
    release_at_once: bool = True
    show_errors: bool = True
    tickets: list[Slip] = field(default_factory=list)
    waiting: list[tuple[Resume, Slip]] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    wants_release: list[Slip] = field(default_factory=list)
    closed: bool = False
    again: int = 0  # how many were begun again, by the short way
    moved: bool = False
    observes: bool = False

    def understand(self, text: bytes) -> Text:
        decoded = text.decode("utf-8", "replace")
        return Text(decoded, analyze(decoded))

    def may_be_planned(self, understood: Text) -> bool:
        return not ("DROP" in understood.text or "DELETE" in understood.text)

    def begin(
        self,
        understood: Text,
        inner: Sequence[Text],
        parameters: Sequence[bytes | None],
        protocol: str,
        transaction: str,
        resume: Resume,
    ) -> Ruling:
        self.begun.append(understood.text)
        if understood.analysis.error:
            return Ruling(Go.REFUSE, refusal=UNREADABLE)
        if "DROP" in understood.text:
            return Ruling(Go.REFUSE, refusal=NOT_ALLOWED)
        ticket = Slip(understood.text, tuple(t.text for t in inner), self.release_at_once, self.limit)
        ticket.copy_out_is_clear = "secret" not in understood.text
        self.tickets.append(ticket)
        if "DELETE" in understood.text:
            self.waiting.append((resume, ticket))
            return Ruling(Go.WAIT)
        return Ruling(Go.NOW, ticket=ticket)

    def begin_again(self, understood: Text, parameters: Sequence[bytes | None], protocol: str) -> Slip | None:
        held = "DROP" in understood.text or "DELETE" in understood.text
        if understood.text not in self.begun or understood.analysis.error or self.limit or held:
            return None
        self.begun.append(understood.text)
        self.again += 1
        ticket = Slip(understood.text, (), self.release_at_once)
        ticket.copy_out_is_clear = "secret" not in understood.text
        self.tickets.append(ticket)
        return ticket

    def plan(
        self, ticket: Slip, columns: Sequence[ResultColumn], inner: Sequence[Text]
    ) -> tuple[list[int], list[bytes]] | None:
        text = inner[0].text if inner else ticket.text
        if "secret" not in text and not text.startswith(("EXECUTE", "FETCH")):
            return None
        return [rows_cy.CONSTANT] * len(columns), [struct.pack(">i", len(MASKED)) + MASKED] * len(columns)

    def on_release(self, ticket: Slip) -> None:
        self.wants_release.append(ticket)

    def still_stands(self, ticket: Slip) -> bool:
        return not self.moved

    def finish(self, ticket: Slip, status: str, tag: str, rows: int, size_bytes: int, error_code: str, error: str) -> None:
        assert ticket.outcome is None, "an outcome is recorded once"
        ticket.outcome = (status, tag, rows, error_code)

    def refusal_for_row_limit(self, ticket: Slip) -> Refusal:
        return LIMITED

    def may_show_error(self, ticket: Slip | None) -> bool:
        return ticket is not None and self.show_errors

    def withdraw(self) -> None:
        """The test resumes what waits itself."""

    def close(self) -> None:
        self.closed = True
