"""What is settled about an agent: what it is for, where it may go, within which limits it acts, and which task it has."""

from __future__ import annotations

import msgspec


class Task(msgspec.Struct, frozen=True):
    """Something that an agent is to do until *until_us*, within narrower bounds than its own.

    *tables* are qualified names, empty for all; *rows* is how many it may read in all, 0 for any number. *ticket* says where
    the task comes from.
    """

    id: str
    until_us: int
    read_only: bool = True
    tables: tuple[str, ...] = ()
    rows: int = 0
    ticket: str = ""
    by: str = ""


class Limits(msgspec.Struct, frozen=True):
    """How much an agent may do; 0 is as much as anybody."""

    rows_per_statement: int = 0
    rows_per_hour: int = 0
    statements_per_minute: int = 0
    sessions: int = 0


class Registration(msgspec.Struct, frozen=True):
    """An agent as it was registered. *model* says by what it thinks, *upstreams* where it may go, empty for anywhere.

    One that *needs_task* does nothing without a task; one that *takes_tokens* shows a token as its password.
    """

    purpose: str = ""
    model: str = ""
    upstreams: tuple[str, ...] = ()
    limits: Limits = Limits()
    needs_task: bool = False
    task: Task | None = None
    takes_tokens: bool = False


class Terms(msgspec.Struct, frozen=True):
    """What a gateway has to heed while an agent acts. *until_us* is when what it signed in with ends, 0 for never."""

    limits: Limits = Limits()
    task: Task | None = None
    until_us: int = 0


class Stop(msgspec.Struct, frozen=True):
    """Somebody stopped agents: the one called *name*, those of the owner *name*, or all."""

    scope: str
    name: str
    by: str
    reason: str
    at_us: int


AGENT, OWNER, EVERY = "agent", "owner", "all"
