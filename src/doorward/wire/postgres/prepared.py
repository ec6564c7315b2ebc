"""What a session has prepared: statements, portals, and the replies that are still to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from doorward.model.result import ResultColumn
from doorward.wire.governor import Refusal, Ticket, Understood
from doorward.wire.postgres.messages import Bind, format_of

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

    def columns_as(self, result_formats: tuple[int, ...]) -> tuple[ResultColumn, ...]:
        """Its columns in the formats that a Bind asks for: one object for each way of asking."""
        assert self.columns is not None
        source, formatted = self.formatted.get(result_formats, ((), ()))
        if source is not self.columns:
            formatted = tuple(replace(c, format=format_of(result_formats, at)) for at, c in enumerate(self.columns))
            if len(self.formatted) >= MOST_FORMATS:
                self.formatted.clear()
            self.formatted[result_formats] = (self.columns, formatted)
        return formatted


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
        if self.columns is not None:
            return self.columns  # a portal is described in the formats that were asked for
        if self.statement.columns is None or not any(self.bind.result_formats):
            return self.statement.columns  # described as text, which is what was asked for
        return self.statement.columns_as(self.bind.result_formats)


@dataclass(slots=True, eq=False)
class Cycle:
    """A whole request that was forwarded as one: a Query, or Bind and Execute with what goes with them, and Sync.

    *statement* is None for a Query; *columns* are empty when the reply describes them; *replaced* is the unnamed statement
    that a Parse in it takes the place of.
    """

    chunk: bytes
    understood: Understood
    statement: Statement | None
    columns: tuple[ResultColumn, ...]
    ticket: Ticket
    replaced: Statement | None


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
