"""Sign-ins of people: good for a time, and over as soon as their provider says so. What was minted in one ends with it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable

from doorward import telemetry
from doorward.control.changes import Changes
from doorward.control.newcomers import PROVIDER, Newcomers
from doorward.control.operators import Operator
from doorward.control.principals import Revoking
from doorward.control.provider import Provider, SignInOver, Vouched
from doorward.errors import AuthenticationFailed, DoorwardError, NotFound, ProviderUnavailable
from doorward.model.identity import Principal
from doorward.store.records import SignIn
from doorward.store.repositories import Store

TOKEN_PREFIX = "dws_"
# What a sign-in was made with, where it was a local account. None outlasts the operator's leave to have one.
BY_PASSWORD, BY_RECOVERY_CODE = "password", "recovery code"
_LOCAL = frozenset({BY_PASSWORD, BY_RECOVERY_CODE})
_HOUR_US = 3_600_000_000
_SECOND_US = 1_000_000
# How often ends are looked for; what was minted in a sign-in can't be used after its end in any case.
LOOK_SECONDS = 1.0
_OVER = "The sign-in is over."


class SignIns:
    """All sign-ins. *provider* is None where nobody signs in with one. *local_allowed* says who may have a local account."""

    def __init__(
        self,
        store: Store,
        changes: Changes,
        newcomers: Newcomers | None,
        provider: Provider | None,
        sessions: Revoking,
        now: Callable[[], int],
        new_id: Callable[[str], str],
        local_allowed: Callable[[str], bool] = lambda _name: True,
    ) -> None:
        self._local_allowed = local_allowed
        self._store = store
        self._changes = changes
        self._newcomers = newcomers
        self.provider = provider
        self._sessions = sessions
        self._now = now
        self._new_id = new_id
        # Tokens that were issued in sign-ins, by their ids: sign-in and end. The key that signs them lives no longer than this.
        self._issued: dict[str, tuple[str, int]] = {}

    async def by_provider(self, vouched: Vouched) -> Operator:
        """Sign in whom the provider vouches for. Raises AuthenticationFailed."""
        assert self.provider is not None
        assert self._newcomers is not None
        settings = self.provider.settings
        person = await self._newcomers.person(vouched)
        ends_us = self._now() + int(settings.session_hours * _HOUR_US)
        if not vouched.refresh_token:
            # Nobody could ask whether the person is still there: it lasts as long as the provider's own word.
            ends_us = min(ends_us, vouched.expires_s * _SECOND_US)
        return await self.open(
            person, "provider", ends_us, settings.issuer, vouched.subject, vouched.provider_session, vouched.refresh_token
        )

    async def open(
        self,
        person: Principal,
        via: str,
        ends_us: int,
        issuer: str = "",
        subject: str = "",
        provider_session: str = "",
        refresh_token: str = "",
    ) -> Operator:
        """Begin a sign-in of *person* until *ends_us*."""
        now_us = self._now()
        sign_in = SignIn(
            self._new_id("sgn"), person.id, via, issuer, subject, provider_session, refresh_token, None, now_us, ends_us, now_us
        )
        async with self._changes.turn():
            by = Operator(person, sign_in_id=sign_in.id, ends_us=ends_us)
            await self._changes.record(
                by, "sign-in.opened", person.name, id=sign_in.id, via=via, issuer=issuer, ends_us=str(ends_us)
            )
            self._store.sign_ins.add(sign_in)
        return by

    def token_of(self, by: Operator) -> str:
        """A token that shows the sign-in of *by* to the API, in place of any before; its digest alone is kept."""
        if not by.sign_in_id:
            raise AuthenticationFailed("You are not signed in as a person.", "Sign in with your provider, or your password.")
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        self._store.sign_ins.change(by.sign_in_id, digest=_digest(token))
        return token

    def prove(self, token: str) -> Operator:
        """Who shows *token*. Raises AuthenticationFailed."""
        sign_in = self._store.sign_ins.by_digest(_digest(token))
        if sign_in is None or sign_in.digest is None or not hmac.compare_digest(sign_in.digest, _digest(token)):
            raise AuthenticationFailed(_OVER, "Sign in again: doorward login")
        return self._operator(sign_in)

    def still(self, by: Operator) -> Operator:
        """*by* with the groups of now. Raises AuthenticationFailed once the sign-in is over."""
        return self._still(by.sign_in_id)

    def _still(self, sign_in_id: str) -> Operator:
        sign_in = self._store.sign_ins.by_id(sign_in_id)
        if sign_in is None:
            raise AuthenticationFailed(_OVER, "Sign in again.")
        return self._operator(sign_in)

    def _operator(self, sign_in: SignIn) -> Operator:
        record = self._store.principals.by_id(sign_in.principal_id)
        if not sign_in.is_good_at(self._now()) or record is None or record.is_revoked or not self._is_allowed(sign_in):
            raise AuthenticationFailed(_OVER, "Sign in again.")
        return Operator(record.principal, sign_in_id=sign_in.id, ends_us=sign_in.ends_us)

    def _is_allowed(self, sign_in: SignIn) -> bool:
        record = self._store.principals.by_id(sign_in.principal_id)
        return sign_in.via not in _LOCAL or (record is not None and self._local_allowed(record.principal.name))

    def issued(self, sign_in_id: str, token_id: str, expires_us: int) -> None:
        """Remember that a token was issued in a sign-in, with which it ends."""
        now_us = self._now()
        self._issued = {id_: known for id_, known in self._issued.items() if known[1] > now_us}
        self._issued[token_id] = (sign_in_id, expires_us)

    def sign_in_of(self, token_id: str) -> str:
        """The sign-in that a token was issued in; empty for one of none."""
        return self._issued.get(token_id, ("", 0))[0]

    def check_issued(self, token_id: str) -> None:
        """Refuse a token whose sign-in is over. Raises AuthenticationFailed."""
        sign_in_id = self.sign_in_of(token_id)
        if sign_in_id:
            self._still(sign_in_id)

    async def end(self, by: Operator, sign_in_id: str, why: str) -> None:
        """End a sign-in, and with it the secrets that were minted in it and the sessions that they opened."""
        sign_in = self._store.sign_ins.by_id(sign_in_id)
        if sign_in is None or sign_in.ended_us is not None:
            raise NotFound("There is no such sign-in.", "It may be over already.")
        owner = self._store.principals.by_id(sign_in.principal_id)
        async with self._changes.turn():
            await self._changes.record(by, "sign-in.ended", owner.principal.name if owner else "", id=sign_in.id, reason=why)
            self._store.sign_ins.change(sign_in.id, ended_us=self._now(), refresh_token="", digest=None)
            for credential in self._store.credentials.of_sign_in(sign_in.id):
                self._store.credentials.revoke(credential.id, self._now())
                await self._sessions.revoke(credential_id=credential.id, reason=f"Your sign-in is over: {why}")
            for token_id, (issued_in, _expires_us) in list(self._issued.items()):
                if issued_in == sign_in.id:
                    await self._sessions.revoke(credential_id=token_id, reason=f"Your sign-in is over: {why}")

    async def end_all(self, by: Operator, principal_id: str, why: str) -> None:
        """End every sign-in of a person."""
        for sign_in in self._store.sign_ins.live():
            if sign_in.principal_id == principal_id:
                await self.end(by, sign_in.id, why)

    async def logged_out(self, logout_token: str) -> None:
        """The provider says that somebody has signed out there. Raises AuthenticationFailed."""
        if self.provider is None:
            raise NotFound("Nobody signs in with a provider here.")
        subject, session = await self.provider.logged_out(logout_token)
        for sign_in in self._store.sign_ins.live():
            is_theirs = sign_in.issuer == self.provider.settings.issuer and (not subject or sign_in.subject == subject)
            if is_theirs and (not session or sign_in.provider_session == session):
                await self.end(PROVIDER, sign_in.id, "You signed out at the provider.")

    async def keep(self) -> None:
        """Look for sign-ins that are over, for good: by their time, or because the provider says so."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for sign_in in self._store.sign_ins.live():
                try:
                    await self.look_at(sign_in)
                except ProviderUnavailable as error:
                    # Open sessions go on until their time; the next look asks again.
                    telemetry.log("provider.failed", level=logging.WARNING, error=error.message)
                except DoorwardError as error:
                    telemetry.log("signin.failed", level=logging.WARNING, id=sign_in.id, error=error.message)

    async def look_at(self, sign_in: SignIn) -> None:
        """End *sign_in* if it is over; ask the provider when that is due. Raises ProviderUnavailable."""
        now_us = self._now()
        if now_us >= sign_in.ends_us:
            await self.end(PROVIDER, sign_in.id, "Its time was over.")
            return
        if not self._is_allowed(sign_in):
            await self.end(PROVIDER, sign_in.id, "Your local account was switched off.")
            return
        if self.provider is None or not sign_in.refresh_token:
            return
        if now_us < sign_in.checked_us + int(self.provider.settings.check_seconds * _SECOND_US):
            return
        self._store.sign_ins.change(sign_in.id, checked_us=now_us)
        assert self._newcomers is not None
        try:
            vouched = await self.provider.still_vouches(sign_in.subject, sign_in.refresh_token)
            groups = self._newcomers.groups_of(vouched.claims)
        except SignInOver:
            await self.end(PROVIDER, sign_in.id, "The provider does not vouch for you any more.")
            return
        except ProviderUnavailable:
            raise
        except AuthenticationFailed as error:
            await self.end(PROVIDER, sign_in.id, error.message)
            return
        self._store.sign_ins.change(sign_in.id, refresh_token=vouched.refresh_token)
        record = self._store.principals.by_id(sign_in.principal_id)
        if record is not None and not record.is_revoked:
            await self._newcomers.regrouped(record.principal, groups)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
