"""Short-lived secrets: minted, shown once, revoked; and checked for those who sign in to the doors."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from doorward.control.changes import Changes
from doorward.control.operators import Operator, is_own
from doorward.control.principals import Principals, Revoking
from doorward.control.verifiers import (
    ITERATIONS,
    KEY_PREFIX,
    SALT_BYTES,
    SECRET_BYTES,
    SECRET_PREFIX,
    digest_of,
    keys_of,
    secret_from,
)
from doorward.control.workloads import ProvenWorkload
from doorward.errors import AuthenticationFailed, Conflict, InvalidRequest, NotFound
from doorward.model.identity import Principal
from doorward.store.records import KEY, SECRET, Credential, PrincipalRecord
from doorward.store.repositories import Store

DEFAULT_HOURS = 1.0
MAX_HOURS = 24.0 * 366
MOST_EXCHANGED_HOURS = 1.0
PURPOSE_LIMIT = 200
# When a secret was last used is kept to the hour: a write for each sign-in would cost more than it tells.
USE_US = 3_600_000_000
_USES = 10_000
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Minted:
    """A fresh secret. This is the only time that it is seen; it is not in the repr."""

    secret: str
    credential_id: str
    principal: Principal
    expires_us: int

    def __repr__(self) -> str:
        return f"Minted({self.credential_id!r}, for {self.principal.name!r})"


class Secrets:
    """Credentials of principals."""

    def __init__(
        self,
        store: Store,
        changes: Changes,
        principals: Principals,
        sessions: Revoking,
        now: Callable[[], int],
        new_id: Callable[[str], str],
    ) -> None:
        self._store = store
        self._changes = changes
        self._principals = principals
        self._sessions = sessions
        self._now = now
        self._new_id = new_id
        self._used_us: dict[str, int] = {}
        self._nobodys_salt = secrets.token_bytes(SALT_BYTES)

    async def mint(
        self, by: Operator, name: str, hours: float = DEFAULT_HOURS, purpose: str = "", upstream: str = ""
    ) -> Minted:
        """Make a secret that principal *name* signs in with for *hours*, to *upstream* alone where one is named."""
        self.check(hours, purpose, upstream, MAX_HOURS)
        named = self._store.principals.named(name)
        # In a sign-in people mint for themselves and their agents: it lasts no longer, and ends with the sign-in.
        own = bool(by.sign_in_id) and named is not None and is_own(by, named.principal)
        if not own:
            by.require_administration()
        async with self._changes.turn():
            record = self._principals.good(name)
            if record.principal.acting_for is not None:
                self._principals.good(record.principal.acting_for)
            expires_us = self._now() + int(hours * _HOUR_US)
            if own:
                return await self.issue(by, record, min(expires_us, by.ends_us), purpose, upstream, by.sign_in_id)
            return await self.issue(by, record, expires_us, purpose, upstream)

    async def exchange(
        self, proven: ProvenWorkload, upstream: str, minutes: float, purpose: str = "", sign_in_id: str = ""
    ) -> Minted:
        """Make a secret for a program that has proven which service it is; what it proved goes with it into the record.

        It ends with the sign-in *sign_in_id*, where one is named.
        """
        self.check(minutes / 60, purpose, upstream, MOST_EXCHANGED_HOURS)
        async with self._changes.turn():
            record = self._principals.good(proven.service.name)
            expires_us = self._now() + int(minutes / 60 * _HOUR_US)
            return await self.issue(
                Operator(record.principal),
                record,
                expires_us,
                purpose,
                upstream,
                sign_in_id,
                proof={"via": proven.proven_by, **dict(proven.proof)},
            )

    def check(self, hours: float, purpose: str, upstream: str, most_hours: float) -> None:
        """Raise InvalidRequest or NotFound for a secret that nobody may have."""
        if not 0 < hours <= most_hours:
            raise InvalidRequest(f"A secret lives for more than 0 and at most {most_hours:.0f} hours here.")
        if len(purpose) > PURPOSE_LIMIT:
            raise InvalidRequest(f"A purpose has at most {PURPOSE_LIMIT} characters.")
        known = [known.name for known in self._store.upstreams.all()]
        if upstream and upstream not in known:
            raise NotFound(f"There is no upstream named {upstream!r}.", f"Known: {', '.join(known)}.")

    async def issue(
        self,
        by: Operator,
        record: PrincipalRecord,
        expires_us: int,
        purpose: str,
        upstream: str,
        sign_in_id: str = "",
        proof: Mapping[str, str] | None = None,
        kind: str = SECRET,
        *,
        opens_api: bool = False,
    ) -> Minted:
        """Make a secret for whoever was found to deserve it. To be called within a turn."""
        is_key = kind == KEY
        secret = secret_from(secrets.token_bytes(SECRET_BYTES), KEY_PREFIX if is_key else SECRET_PREFIX)
        keys = keys_of(secret, record.salt, ITERATIONS)
        credential = Credential(
            id=self._new_id("crd"),
            principal_id=record.principal.id,
            purpose=purpose,
            iterations=ITERATIONS,
            salt=record.salt,
            stored_key=keys.stored_key,
            server_key=keys.server_key,
            created_us=self._now(),
            expires_us=expires_us,
            upstream=upstream,
            sign_in_id=sign_in_id,
            proof=json.dumps(proof or {}),
            kind=kind,
            digest=digest_of(secret) if is_key else b"",
            opens_api=opens_api,
        )
        details = {f"proof.{name}": value for name, value in (proof or {}).items()}
        if upstream:
            details["upstream"] = upstream
        if is_key:
            details |= {"kind": KEY, "opens_api": str(opens_api).lower()}
        await self._changes.record(
            by,
            "secret.minted",
            record.principal.name,
            credential=credential.id,
            expires_us=str(expires_us),
            purpose=purpose,
            **details,
        )
        self._store.credentials.add(credential)
        return Minted(secret, credential.id, record.principal, expires_us)

    async def revoke(self, by: Operator, credential_id: str) -> None:
        """Make a secret useless and end the sessions that it opened."""
        async with self._changes.turn():
            credential = self._store.credentials.by_id(credential_id)
            if credential is None or not by.sign_in_id or credential.sign_in_id != by.sign_in_id:
                by.require_administration()
            if credential is None:
                raise NotFound("There is no such secret.", "See the list of secrets of the principal.")
            if credential.revoked_us is not None:
                raise Conflict("The secret was revoked already.")
            owner = self._store.principals.by_id(credential.principal_id)
            await self._changes.record(by, "secret.revoked", owner.principal.name if owner else "", credential=credential_id)
            self._store.credentials.revoke(credential_id, self._now())
            await self._sessions.revoke(credential_id=credential_id, reason="The secret was revoked.")

    def of(self, by: Operator, name: str) -> tuple[Credential, ...]:
        """The secrets of a principal, as verifiers, for those who may read them."""
        if not by.may_read_all and by.name != name:
            raise NotFound(f"There is no principal named {name!r}.")
        record = self._store.principals.named(name)
        if record is None:
            raise NotFound(f"There is no principal named {name!r}.")
        return self._store.credentials.of(record.principal.id)

    def match(self, name: str, secret: str, upstream: str = "") -> Credential:
        """The good credential of *name* that *secret* is; without *upstream*, one that opens more than an upstream.

        Raises AuthenticationFailed, always after the same work.
        """
        record = self._store.principals.named(name)
        keys = keys_of(secret, record.salt if record else self._nobodys_salt, ITERATIONS)
        now_us = self._now()
        proven: Credential | None = None
        for credential in self._store.credentials.of(record.principal.id if record else ""):
            is_it = hmac.compare_digest(credential.stored_key, keys.stored_key)
            # Without a database to open it is an HTTP door that is asked for.
            is_for_it = credential.upstream in ("", upstream) and (upstream or credential.kind != KEY or credential.opens_api)
            if is_it and is_for_it and credential.is_good_at(now_us):
                proven = credential
        if record is None or record.is_revoked or proven is None:
            raise AuthenticationFailed("The name or the secret is wrong, or the secret has expired.", "Have a new one minted.")
        self.used(proven.id)
        return proven

    def used(self, credential_id: str) -> None:
        """Note that a secret was used, if that was not noted within the hour."""
        now_us = self._now()
        noted_us = self._used_us.get(credential_id)
        if noted_us is not None and 0 <= now_us - noted_us < USE_US:
            return
        if len(self._used_us) >= _USES:
            self._used_us.pop(next(iter(self._used_us)))
        self._used_us[credential_id] = now_us
        self._store.credentials.touch(credential_id, now_us)

    def prove(self, name: str, secret: str) -> Operator:
        """Who signs in to a door with *name* and *secret*. Raises AuthenticationFailed, always after the same work."""
        proven = self.match(name, secret)
        record = self._store.principals.by_id(proven.principal_id)
        assert record is not None, "a credential is a principal's"
        return Operator(record.principal, proven.id)

    def proven_still(self, by: Operator) -> Operator:
        """*by* with the groups of now. Raises AuthenticationFailed once the principal or the secret is good no more."""
        if by.principal is None:
            return by
        record = self._store.principals.by_id(by.principal.id)
        credential = self._store.credentials.by_id(by.credential_id)
        if record is None or record.is_revoked or credential is None or not credential.is_good_at(self._now()):
            raise AuthenticationFailed("The secret that you signed in with has expired.", "Have a new one minted.")
        return Operator(record.principal, by.credential_id)
