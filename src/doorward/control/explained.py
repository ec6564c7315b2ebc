"""What is told of a statement that somebody might run: the API's answer, too."""

from __future__ import annotations

import msgspec


class Source(msgspec.Struct, frozen=True):
    """A column that a result column derives from."""

    column: str
    label: str
    label_class: str


class ColumnExplained(msgspec.Struct, frozen=True):
    """A result column. *sources* are the columns it may derive from; *anything* says that this is not known.

    *origin* is the column that the database says it is, empty for what is calculated. *provenance*, *label* and *mask* are
    those of the plan.
    """

    position: int
    name: str
    origin: str
    sources: tuple[Source, ...]
    anything: bool
    provenance: str
    label: str
    mask: str


class StatementExplained(msgspec.Struct, frozen=True):
    """One statement of the text, as it was read."""

    command: str
    action: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    defines: tuple[str, ...]
    destroys: tuple[str, ...]
    functions: tuple[str, ...]
    runs: str  # the name of the prepared statement or cursor that it goes on with


class RuleExplained(msgspec.Struct, frozen=True):
    """A rule that decided."""

    id: str
    text: str
    advice: str


class Told(msgspec.Struct, frozen=True):
    """What the client is sent in place of an answer, or while it waits. Empty where it is sent the answer alone."""

    message: str = ""
    detail: str = ""
    hint: str = ""
    sqlstate: str = ""


class Explained(msgspec.Struct, frozen=True):
    """Everything there is to say about a statement that somebody might run.

    *columns* is None when they can't be told, and *columns_from* says by what they are: ``database``, ``text``, or why not.
    """

    statement: str
    chain: str
    upstream: str
    database: str
    statements: tuple[StatementExplained, ...]
    unreadable: str
    unresolved: tuple[str, ...]
    unlisted_functions: tuple[str, ...]
    dangerous_functions: tuple[str, ...]
    labels: tuple[Source, ...]
    facts: tuple[str, ...]
    verdict: str
    rules: tuple[RuleExplained, ...]
    approvers: str
    hold_seconds: int
    row_limit: int
    parameters: str
    cleared: tuple[str, ...]
    observed: bool
    policy_version: str
    told: Told
    columns: tuple[ColumnExplained, ...] | None
    columns_from: str
