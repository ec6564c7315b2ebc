"""Long-lived keys, for services that can show neither a token of their platform nor a fresh secret each hour.

A key is a secret like those that are minted for an hour, and is revoked as they are.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from doorward.control.changes import Changes
from doorward.control.operators import Operator
from doorward.control.principals import Principals
from doorward.control.secrets import Minted, Secrets
from doorward.control.verifiers import digest_of
from doorward.control.workloads import Workloads
from doorward.errors import AuthenticationFailed, Conflict, InvalidRequest
from doorward.model.identity import PrincipalKind
from doorward.store.records import KEY, Credential
from doorward.store.repositories import Store

DEFAULT_DAYS = 90.0
MOST_DAYS = 365.0
_DAY_HOURS = 24.0
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as administrators see it. *upstream* is empty for one that opens every database."""

    credential: Credential
    service: str
    is_good: bool


class ApiKeys:
    """All of them. Each is a service's, and somebody answers for the service."""

    def __init__(
        self,
        store: Store,
        changes: Changes,
        principals: Principals,
        secrets: Secrets,
        workloads: Workloads,
        now: Callable[[], int],
    ) -> None:
        self._store = store
        self._changes = changes
        self._principals = principals
        self._secrets = secrets
        self._workloads = workloads
        self._now = now

    async def add(
        self,
        by: Operator,
        service: str,
        days: float = DEFAULT_DAYS,
        purpose: str = "",
        upstream: str = "",
        *,
        opens_api: bool = False,
    ) -> Minted:
        """Make a key for *service*, good for *days*: for *upstream* alone where one is named, for the API where that is said.

        Raises NotPermitted, NotFound, Conflict, InvalidRequest.
        """
        by.require_administration()
        if not 0 < days <= MOST_DAYS:
            raise InvalidRequest(f"A key lives for more than 0 and at most {MOST_DAYS:.0f} days.", "Give --days.")
        self._secrets.check(days * _DAY_HOURS, purpose, upstream, MOST_DAYS * _DAY_HOURS)
        async with self._changes.turn():
            record = self._principals.good(service)
            if record.principal.kind is not PrincipalKind.SERVICE:
                raise Conflict(f"{service!r} is no service.", "People sign in, and agents show secrets or tokens.")
            try:
                self._workloads.owned(service)
            except AuthenticationFailed as error:
                raise Conflict(error.message, error.remedy) from None
            expires_us = self._now() + int(days * _DAY_HOURS * _HOUR_US)
            return await self._secrets.issue(by, record, expires_us, purpose, upstream, kind=KEY, opens_api=opens_api)

    def all(self, by: Operator) -> tuple[KeyRow, ...]:
        """Every key there is or was, the newest of each service first."""
        by.require_administration()
        now_us = self._now()
        return tuple(
            KeyRow(credential, record.principal.name, credential.is_good_at(now_us) and not record.is_revoked)
            for record in self._store.principals.all()
            for credential in self._store.credentials.of(record.principal.id)
            if credential.kind == KEY
        )

    def prove(self, key: str) -> Operator:
        """Whose *key* is shown at the API. Raises AuthenticationFailed, in the same words whatever is wrong."""
        digest = digest_of(key)
        found = self._store.credentials.by_digest(digest)
        record = self._store.principals.by_id(found.principal_id) if found is not None else None
        is_good = found is not None and found.opens_api and found.is_good_at(self._now())
        if found is None or record is None or not is_good or record.is_revoked or not hmac.compare_digest(found.digest, digest):
            raise AuthenticationFailed("The key is wrong, has expired, or is not for the API.", "doorward key add NAME --api")
        self._secrets.used(found.id)
        return Operator(record.principal, found.id)
