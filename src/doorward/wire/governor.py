"""What a wire asks of those who decide, and what it is told. The same for every database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from doorward.model.result import ResultColumn
from doorward.model.statement import Analysis


class Go(Enum):
    """Whether an execution may go on."""

    NOW = "now"
    WAIT = "wait"  # the wire stops taking from the client until it is resumed
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error for the client: SQLSTATE, what was refused and why, by which rule, what to do next."""

    sqlstate: str
    message: str
    detail: str = ""
    hint: str = ""


class Understood(Protocol):
    """A statement's text with all that follows from it alone. Made once for each text, kept by the wire for prepared ones."""

    @property
    def analysis(self) -> Analysis:
        """What the text holds."""

    @property
    def is_plain(self) -> bool:
        """Whether it is one statement that leaves nothing behind in the session: no setting, prepared statement, cursor."""


class Ticket(Protocol):
    """One execution that was begun: the wire counts on it and asks about it."""

    released: bool
    """Whether rows may go to the client: their record is where it must be."""
    row_limit: int
    """The greatest number of rows the client may get; 0 for all."""
    copy_out_is_clear: bool
    """Whether COPY TO STDOUT may send what it reads."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer to an execution. *ticket* is there if it may go on now; *refusal* only if refused."""

    go: Go
    ticket: Ticket | None = None
    refusal: Refusal | None = None


Resume = Callable[[Refusal | None, Ticket | None], None]
"""How a waiting execution is told that it is refused, or else to go on, and with which ticket."""


class Governor(Protocol):
    """Decides and records. Every method is synchronous and quick; what takes time answers WAIT."""

    @property
    def observes(self) -> bool:
        """Whether the upstream is only watched: what would be refused for not being sure of it passes."""

    def understand(self, text: bytes) -> Understood:
        """Analyse a text. Never raises: what can't be read becomes an analysis with an error."""

    def may_be_planned(self, understood: Understood) -> bool:
        """Whether the server may plan it before it is begun: planning can run functions that are declared immutable."""

    def begin(
        self,
        understood: Understood,
        inner: Sequence[Understood],
        parameters: Sequence[bytes | None],
        protocol: str,
        transaction: str,
        resume: Resume,
    ) -> Ruling:
        """Decide on one execution and record the intent. *inner* are the prepared texts or cursors that it runs."""

    def begin_again(self, understood: Understood, parameters: Sequence[bytes | None], protocol: str) -> Ticket | None:
        """Record one more execution of what was allowed before; its rows are not limited.

        None records nothing and says nothing: ``begin`` is then asked.
        """

    def plan(
        self, ticket: Ticket, columns: Sequence[ResultColumn], inner: Sequence[Understood]
    ) -> tuple[list[int], list[Any]] | None:
        """The masking of a result as ``mask_rows`` takes it, for each column; None when it is passed as it is."""

    def on_release(self, ticket: Ticket) -> None:
        """The wire waits for *ticket* to be released; the governor makes it continue then."""

    def still_stands(self, ticket: Ticket) -> bool:
        """Whether what was decided when *ticket* was begun would be decided now: it was not forwarded since."""

    def finish(self, ticket: Ticket, status: str, tag: str, rows: int, size_bytes: int, error_code: str, error: str) -> None:
        """Record the outcome."""

    def refusal_for_row_limit(self, ticket: Ticket) -> Refusal:
        """What the client is told when a result was cut at its limit."""

    def may_show_error(self, ticket: Ticket | None) -> bool:
        """Whether errors and notices raised by the running statement can't carry protected values."""

    def withdraw(self) -> None:
        """The client cancelled or left: whatever waits for an approval waits no more."""

    def close(self) -> None:
        """The session ends; nothing that waits will be forwarded."""
