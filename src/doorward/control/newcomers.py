"""Whom a provider vouches for, as Doorward knows them: found, or added where the operator wants that; with groups of now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doorward.control.operators import Operator
from doorward.control.principals import Principals
from doorward.control.provider import Vouched
from doorward.control.sign_in_settings import SignInSettings
from doorward.errors import AuthenticationFailed, InvalidRequest
from doorward.model.identity import Principal, PrincipalKind
from doorward.store.records import PrincipalRecord
from doorward.store.repositories import Store

MOST_GROUPS = 200
# Whom the log names for what the provider's word changes.
PROVIDER = Operator(None, acts_as="identity provider")
_REMEDY = "Ask whoever administers Doorward to let you in."


class Newcomers:
    """Finds the person behind a provider's words. What it changes is in the log in the name of the person."""

    def __init__(self, settings: SignInSettings, store: Store, principals: Principals) -> None:
        self._settings = settings
        self._store = store
        self._principals = principals

    async def person(self, vouched: Vouched) -> Principal:
        """The person. Raises AuthenticationFailed when they may not come."""
        self._check_allowed(vouched.claims)
        groups = self._groups(vouched.claims)
        bound = self._store.sign_ins.subject(self._settings.issuer, vouched.subject)
        if bound is not None:
            record = self._store.principals.by_id(bound)
        else:
            record = await self._first_time(vouched, groups)
        if record is None or record.is_revoked or record.principal.kind is not PrincipalKind.HUMAN:
            raise AuthenticationFailed("You may not sign in here any more.", _REMEDY, reason="the person was revoked")
        return await self.regrouped(record.principal, groups)

    async def regrouped(self, person: Principal, groups: tuple[str, ...]) -> Principal:
        """*person* in the groups that the provider's stand for, and in those that it does not speak of."""
        theirs = set(self._settings.groups.values())
        wanted = tuple(sorted({*(group for group in person.groups if group not in theirs), *groups}))
        if set(wanted) == set(person.groups):
            return person
        return await self._principals.regroup(PROVIDER, person.name, wanted)

    def groups_of(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        """Our groups for the provider's. Raises AuthenticationFailed when they may not come (any more)."""
        self._check_allowed(claims)
        return self._groups(claims)

    async def _first_time(self, vouched: Vouched, groups: tuple[str, ...]) -> PrincipalRecord | None:
        """By name, once: from then on the provider's own name for the person counts, which it gives to nobody else."""
        name = self._name(vouched.claims)
        record = self._store.principals.named(name)
        if record is None and self._settings.people == "added":
            try:
                added = await self._principals.add(PROVIDER, PrincipalKind.HUMAN, name, groups)
            except InvalidRequest as error:
                raise AuthenticationFailed("Your name can't be used here.", _REMEDY, reason=error.message) from None
            record = self._store.principals.named(added.name)
        if record is None:
            raise AuthenticationFailed("You are not known here.", _REMEDY, reason=f"no person named {name[:63]!r}")
        if self._store.sign_ins.subjects_of(record.principal.id, self._settings.issuer):
            raise AuthenticationFailed(
                "Somebody else signs in under this name.",
                _REMEDY,
                reason="the name is bound to another of the provider's people",
            )
        if record.principal.kind is PrincipalKind.HUMAN and not record.is_revoked:
            self._store.sign_ins.bind(self._settings.issuer, vouched.subject, record.principal.id)
        return record

    def _name(self, claims: Mapping[str, Any]) -> str:
        settings = self._settings
        name = claims.get(settings.name_claim)
        if not isinstance(name, str) or not name:
            raise AuthenticationFailed(
                "The provider does not say your name.", _REMEDY, reason=f"no claim {settings.name_claim}"
            )
        if settings.name_claim == "email" and claims.get("email_verified") is not True:
            raise AuthenticationFailed("Your address is not verified.", _REMEDY, reason="email_verified is not true")
        name = name.lower()
        if settings.strip_domain:
            if not name.endswith(f"@{settings.strip_domain.lower()}"):
                raise AuthenticationFailed("Your name is of another domain.", _REMEDY, reason="another domain")
            name = name.rpartition("@")[0]
        return name

    def _check_allowed(self, claims: Mapping[str, Any]) -> None:
        settings = self._settings
        if settings.allowed_groups and set(settings.allowed_groups).isdisjoint(self._theirs(claims)):
            raise AuthenticationFailed(
                "You are in no group that may sign in here.", _REMEDY, reason="in none of allowed_groups"
            )
        if settings.allowed_domains:
            address = claims.get("email")
            domain = address.rpartition("@")[2].lower() if isinstance(address, str) else ""
            if claims.get("email_verified") is not True or domain not in settings.allowed_domains:
                raise AuthenticationFailed("Your domain may not sign in here.", _REMEDY, reason="in none of allowed_domains")

    def _groups(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        ours = {self._settings.groups[group] for group in self._theirs(claims) if group in self._settings.groups}
        return tuple(sorted(ours))

    def _theirs(self, claims: Mapping[str, Any]) -> list[str]:
        given = claims.get(self._settings.groups_claim, [])
        named = [given] if isinstance(given, str) else given
        return [group for group in named if isinstance(group, str)][:MOST_GROUPS] if isinstance(named, list) else []
