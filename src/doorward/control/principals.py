"""Who is known to Doorward: add, group, revoke."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Protocol

from doorward.control.changes import Changes
from doorward.control.operators import LOCAL_NAME, Operator
from doorward.control.verifiers import SALT_BYTES
from doorward.errors import Conflict, InvalidRequest, NotFound
from doorward.model.identity import Principal, PrincipalKind
from doorward.store.records import PrincipalRecord
from doorward.store.repositories import Store

# What fits a startup packet's user name (63 bytes), reads aloud, and can't be mistaken for a chain ("a for b").
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,62}")


class Revoking(Protocol):
    """Who ends live sessions."""

    async def revoke(self, principal_id: str = "", credential_id: str = "", reason: str = "") -> None:
        """End live sessions of a principal, or of one credential."""


class Principals:
    """Everyone Doorward knows."""

    def __init__(
        self, store: Store, changes: Changes, sessions: Revoking, now: Callable[[], int], new_id: Callable[[str], str]
    ) -> None:
        self._store = store
        self._changes = changes
        self._sessions = sessions
        self._now = now
        self._new_id = new_id

    def all(self, by: Operator) -> tuple[PrincipalRecord, ...]:
        """Everyone *by* may know of: all, or themselves and the agents that act for them."""
        everyone = self._store.principals.all()
        if by.may_read_all:
            return everyone
        return tuple(record for record in everyone if by.name in (record.principal.name, record.principal.acting_for))

    async def add(
        self, by: Operator, kind: PrincipalKind, name: str, groups: tuple[str, ...] = (), acting_for: str | None = None
    ) -> Principal:
        """Add a principal. An agent acts for a person or service that exists; nobody else acts for anyone."""
        by.require_administration()
        check_name(name, "name")
        for group in groups:
            check_name(group, "group")
        if (kind is PrincipalKind.AGENT) != (acting_for is not None):
            raise InvalidRequest("An agent acts for someone, and only an agent does.", "Give acting_for for an agent alone.")
        async with self._changes.turn():
            if self._store.principals.named(name) is not None:
                raise Conflict(f"There is, or was, a principal named {name!r}.", "Choose another name.")
            if acting_for is not None:
                self._check_owner(acting_for)
            principal = Principal(self._new_id("prn"), kind, name, tuple(dict.fromkeys(groups)), acting_for)
            await self._changes.record(
                by,
                "principal.added",
                name,
                id=principal.id,
                kind=kind.value,
                groups=", ".join(principal.groups),
                acting_for=acting_for or "",
            )
            self._store.principals.add(PrincipalRecord(principal, secrets.token_bytes(SALT_BYTES), self._now()))
        return principal

    async def regroup(self, by: Operator, name: str, groups: tuple[str, ...]) -> Principal:
        """Put a principal into exactly *groups*. Live sessions end, as they were let in with the old ones."""
        by.require_administration()
        for group in groups:
            check_name(group, "group")
        async with self._changes.turn():
            principal = self.good(name).principal
            before = ", ".join(principal.groups)
            await self._changes.record(by, "principal.regrouped", name, before=before, groups=", ".join(groups))
            regrouped = self._store.principals.replace_groups(principal.id, tuple(dict.fromkeys(groups)))
            await self._sessions.revoke(principal_id=principal.id, reason="The groups of the principal changed.")
        return regrouped

    async def revoke(self, by: Operator, name: str, reason: str = "") -> None:
        """Take all access from a principal for good: its credentials, its live sessions, and those of its agents."""
        by.require_administration()
        async with self._changes.turn():
            principal = self.good(name).principal
            await self._changes.record(by, "principal.revoked", name, id=principal.id, reason=reason)
            self._store.principals.revoke(principal.id, self._now())
            await self._sessions.revoke(principal_id=principal.id, reason="The principal was revoked.")

    async def suspend(self, by: Operator, name: str, reason: str) -> None:
        """Take all access from a principal until ``resume``: its credentials for good, its live sessions, its agents'."""
        by.require_administration()
        async with self._changes.turn():
            principal = self.good(name).principal
            await self._changes.record(by, "principal.suspended", name, id=principal.id, reason=reason)
            self._store.principals.suspend(principal.id, self._now())
            await self._sessions.revoke(principal_id=principal.id, reason="The principal was deactivated.")

    async def resume(self, by: Operator, name: str) -> None:
        """Let a suspended principal sign in anew."""
        by.require_administration()
        async with self._changes.turn():
            record = self._store.principals.named(name)
            if record is None or record.suspended_us is None:
                raise NotFound(f"Nobody named {name!r} is deactivated.")
            await self._changes.record(by, "principal.resumed", name, id=record.principal.id)
            self._store.principals.suspend(record.principal.id, None)

    def good(self, name: str) -> PrincipalRecord:
        """The principal of this name. Raises NotFound, or Conflict if it was revoked."""
        record = self._store.principals.named(name)
        if record is None:
            raise NotFound(f"There is no principal named {name!r}.", "See the list of principals.")
        if record.suspended_us is not None and record.revoked_us is None:
            raise Conflict(f"{name!r} is deactivated by the directory.", "Activate them there.")
        if record.is_revoked:
            raise Conflict(f"{name!r} was revoked.", "Add a principal under another name.")
        return record

    def _check_owner(self, acting_for: str) -> None:
        owner = self.good(acting_for).principal
        if owner.kind is PrincipalKind.AGENT:
            raise InvalidRequest(f"{acting_for!r} is an agent itself.", "An agent acts for a person or a service.")


def check_name(name: str, what: str) -> None:
    """Raise InvalidRequest unless *name* can be one of a principal or a group."""
    if not _NAME.fullmatch(name) or name == LOCAL_NAME:
        raise InvalidRequest(
            f"That can't be a {what}.",
            f"Use up to 63 lower-case letters, digits and . _ @ + -, not starting with a sign; {LOCAL_NAME!r} is taken.",
        )
