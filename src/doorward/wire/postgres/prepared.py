"""What a session has prepared: statements, portals, and the replies that are still to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from doorward.model.result import ResultColumn
from doorward.wire.governor import Refusal, Ticket, Understood
from doorward.wire.postgres.messages import Bind

# How many ways of asking for a statement's result formats are remembered; drivers have one or two.
MOST_FORMATS = 8


@dataclass(slots=True)
class Tally:
    """Rows that the client got of one result, over all executions of a portal and all fetches of a cursor."""

    rows: int = 0


@dataclass(slots=True)
class Statement:
    """A prepared statement as the server will know it once everything sent before has gone well.

    *columns* comes from a Describe of our own; None until it is answered. *generation* says under which settings and
    definitions it was described: a later Bind describes it again when these may have changed. *by_sql* tells a text that is
    the PREPARE from one that is itself what runs.
    """

    name: str
    understood: Understood
    batch: int
    confirmed: bool = False
    columns: tuple[ResultColumn, ...] | None = None
    generation: tuple[int, str] = (-1, "")
    by_sql: bool = False
    formatted: dict[tuple[int, ...], tuple[tuple[ResultColumn, ...], tuple[ResultColumn, ...]]] = field(default_factory=dict)


@dataclass(slots=True)
class Portal:
    """A bound statement. The mask of its rows is tied to it, over suspensions too. *granted* waits for its first Execute.

    *inner* is what it runs by name, *columns* its own description where that of the statement would not do.
    """

    name: str
    statement: Statement
    bind: Bind
    batch: int
    confirmed: bool = False
    granted: Ticket | None = None
    inner: tuple[Understood, ...] = ()
    columns: tuple[ResultColumn, ...] | None = None
    tally: Tally = field(default_factory=Tally)

    def result_columns(self) -> tuple[ResultColumn, ...] | None:
        """The columns as they will arrive, in the formats that Bind asked for; None when they were never described."""
        columns = self.columns if self.columns is not None else self.statement.columns
        if columns is None or not any(self.bind.result_formats):
            return columns  # described as text, which is what was asked for
        # One object for each way of asking, so that who plans the masks knows what was planned before.
        source, formatted = self.statement.formatted.get(self.bind.result_formats, ((), ()))
        if source is not columns:
            formatted = tuple(replace(c, format=self.bind.result_format(position)) for position, c in enumerate(columns))
            if len(self.statement.formatted) >= MOST_FORMATS:
                self.statement.formatted.clear()
            self.statement.formatted[self.bind.result_formats] = (columns, formatted)
        return formatted


class Awaited(Enum):
    """What a reply is to. The order of replies is the order of messages (manual, "Extended Query")."""

    QUERY = auto()
    PARSE = auto()
    BIND = auto()
    DESCRIBE = auto()
    OWN_DESCRIBE = auto()
    EXECUTE = auto()
    CLOSE = auto()
    SYNC = auto()
    REFUSED_QUERY = auto()  # a failing Query stands in for a refused one
    REFUSED = auto()  # a failing Parse stands in for a refused message of the extended protocol


@dataclass(slots=True)
class Pending:
    """One message that was forwarded and whose replies are still to come."""

    awaited: Awaited
    batch: int
    ticket: Ticket | None = None
    understood: Understood | None = None
    inner: tuple[Understood, ...] = ()
    statement: Statement | None = None
    portal: Portal | None = None
    refusal: Refusal | None = None
    undo: Callable[[], None] | None = None
    changes_names: bool = False
    tally: Tally = field(default_factory=Tally)
    # As the result comes in:
    planned: bool = False
    operations: list[int] | None = None
    constants: list[bytes] = field(default_factory=list)
    cut: Refusal | None = None
    copying_in: bool = False
    rows: int = 0
    size_bytes: int = 0
    tags: list[str] = field(default_factory=list)
    failed_with: tuple[str, str] | None = None
