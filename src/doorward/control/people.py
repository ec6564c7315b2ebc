"""People and groups as an operator's directory keeps them (SCIM 2.0): added, changed and put out by it, at once.

Nobody is deleted: the record refers to them. Whoever is deactivated loses sign-ins, secrets and live sessions in the same
moment, and begins anew when the directory brings them back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from doorward.control.operators import Operator
from doorward.control.principals import Principals
from doorward.control.scim_settings import ScimSettings
from doorward.control.sign_ins import SignIns
from doorward.errors import Conflict, InvalidRequest, NotFound
from doorward.model.identity import PrincipalKind
from doorward.store.records import DirectoryEntry
from doorward.store.repositories import Store

# Whom the log names for what the directory changes.
DIRECTORY = Operator(None, acts_as="directory")
USER, GROUP = "User", "Group"
MOST_MEMBERS = 10_000


class People:
    """The directory's users and groups. Every change is in the log before it is made."""

    def __init__(
        self,
        settings: ScimSettings,
        store: Store,
        principals: Principals,
        sign_ins: SignIns,
        now: Callable[[], int],
        new_id: Callable[[str], str],
    ) -> None:
        self._settings = settings
        self._store = store
        self._principals = principals
        self._sign_ins = sign_ins
        self._now = now
        self._new_id = new_id

    def all(self, kind: str) -> tuple[DirectoryEntry, ...]:
        """All entries of a kind, the oldest first."""
        return self._store.directory.all(kind)

    def one(self, kind: str, entry_id: str) -> DirectoryEntry:
        """The entry with this id. Raises NotFound."""
        entry = self._store.directory.by_id(entry_id)
        if entry is None or entry.kind != kind:
            raise NotFound("There is no such resource.")
        return entry

    async def add(self, kind: str, body: Mapping[str, Any]) -> DirectoryEntry:
        """Add what *body* describes. A person whom Doorward knows already is taken over. Raises Conflict, InvalidRequest."""
        name = self._name(kind, body)
        if any(entry.name == name for entry in self.all(kind)):
            raise Conflict(f"There is a {kind.lower()} of this name already.")
        principal_id = await self._person(name) if kind == USER else ""
        now_us = self._now()
        entry = DirectoryEntry(
            self._new_id("scm"), kind, name, principal_id, json.dumps(self._kept(kind, body)), _is_active(body), now_us, now_us
        )
        self._store.directory.put(entry)
        await self._follow(None, entry)
        return entry

    async def replace(self, kind: str, entry_id: str, body: Mapping[str, Any]) -> DirectoryEntry:
        """Put *body* in the place of an entry. A person's name stays: the record knows them by it."""
        before = self.one(kind, entry_id)
        name = self._name(kind, body)
        if kind == USER and name != before.name:
            raise InvalidRequest("userName can't be changed: the record knows the person by it.", "Add another user.")
        if any(entry.name == name and entry.id != entry_id for entry in self.all(kind)):
            raise Conflict(f"There is a {kind.lower()} of this name already.")
        entry = DirectoryEntry(
            before.id,
            kind,
            name,
            before.principal_id,
            json.dumps(self._kept(kind, body)),
            _is_active(body),
            before.created_us,
            self._now(),
        )
        self._store.directory.put(entry)
        await self._follow(before, entry)
        return entry

    async def remove(self, kind: str, entry_id: str) -> None:
        """Take an entry out; a person is deactivated, and members lose the group."""
        before = self.one(kind, entry_id)
        if kind == USER:
            await self._set_active(before, active=False)
        self._store.directory.remove(entry_id)
        if kind == GROUP:
            await self._regroup(_members(before))

    async def _follow(self, before: DirectoryEntry | None, entry: DirectoryEntry) -> None:
        if entry.kind == GROUP:
            await self._regroup(_members(entry) | (_members(before) if before else set()))
            return
        await self._set_active(entry, active=entry.active)
        if entry.active:
            await self._regroup({entry.id})

    async def _set_active(self, entry: DirectoryEntry, *, active: bool) -> None:
        record = self._store.principals.by_id(entry.principal_id)
        if record is None or record.revoked_us is not None:
            return
        if active and record.suspended_us is not None:
            await self._principals.resume(DIRECTORY, record.principal.name)
        elif not active and record.suspended_us is None:
            await self._principals.suspend(DIRECTORY, record.principal.name, "The directory deactivated the person.")
            await self._sign_ins.end_all(DIRECTORY, entry.principal_id, "The directory deactivated you.")

    async def _person(self, name: str) -> str:
        record = self._store.principals.named(name)
        if record is None:
            return (await self._principals.add(DIRECTORY, PrincipalKind.HUMAN, name)).id
        if record.principal.kind is not PrincipalKind.HUMAN or record.revoked_us is not None:
            raise Conflict(f"{name!r} is no person who can be let in.", "Choose another userName.")
        return record.principal.id

    async def _regroup(self, entry_ids: set[str]) -> None:
        """Give people the groups that the directory's stand for, and leave them those that it does not speak of."""
        ours = self._settings.groups
        groups = self.all(GROUP)
        for entry_id in entry_ids:
            entry = self._store.directory.by_id(entry_id)
            record = self._store.principals.by_id(entry.principal_id) if entry is not None else None
            if entry is None or record is None or record.is_revoked:
                continue
            theirs = {ours[group.name] for group in groups if group.name in ours and entry_id in _members(group)}
            kept = {group for group in record.principal.groups if group not in ours.values()}
            if theirs | kept != set(record.principal.groups):
                await self._principals.regroup(DIRECTORY, record.principal.name, tuple(sorted(theirs | kept)))

    def _name(self, kind: str, body: Mapping[str, Any]) -> str:
        attribute = "userName" if kind == USER else "displayName"
        name = body.get(attribute)
        # Half a character (a lone surrogate) is not printable either: no store takes it.
        if not isinstance(name, str) or not 0 < len(name) <= 200 or not name.isprintable():
            raise InvalidRequest(f"{attribute} is missing, or no text that can be read.")
        if kind == GROUP:
            return name
        name, domain = name.lower(), self._settings.strip_domain.lower()
        return name.removesuffix(f"@{domain}") if domain else name

    @staticmethod
    def _kept(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in body.items() if name not in ("id", "meta", "schemas", "password", "groups")}
        if not isinstance(kept.get("active", True), bool) or not isinstance(kept.get("externalId", ""), str):
            raise InvalidRequest("active is a boolean and externalId a text.")
        members = kept.get("members", [])
        good = isinstance(members, list) and len(members) <= MOST_MEMBERS
        if not good or not all(isinstance(member, dict) and isinstance(member.get("value"), str) for member in members):
            raise InvalidRequest("members is a list of objects, each with a value.")
        return kept


def _is_active(body: Mapping[str, Any]) -> bool:
    return body.get("active", True) is True


def _members(entry: DirectoryEntry) -> set[str]:
    return {str(member["value"]) for member in json.loads(entry.body).get("members", [])}
