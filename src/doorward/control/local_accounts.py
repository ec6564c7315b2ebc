"""Accounts of Doorward's own, a password and a code: for the first administrator, and for when no provider can be asked."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from doorward.control.changes import Changes
from doorward.control.local_account_settings import LocalAccountSettings
from doorward.control.one_time_codes import address_of_key, digest_of, fresh_key, fresh_recovery_codes, in_groups, step_of
from doorward.control.operators import Operator
from doorward.control.passwords import NOBODYS, check_password, is_password, verifier_of
from doorward.control.principals import Principals
from doorward.control.sign_in_codes import Waiting
from doorward.control.sign_ins import BY_PASSWORD, BY_RECOVERY_CODE, SignIns
from doorward.errors import AuthenticationFailed, ConfigurationInvalid, Conflict, NotFound
from doorward.model.identity import Principal, PrincipalKind
from doorward.store.records import LocalAccount
from doorward.store.repositories import Store

LINK_HOURS = 24
SETTING_UP_SECONDS = 3_600
# Argon2 takes 64 MiB each time.
AT_A_TIME = 2
_NONCE_BYTES = 12
_HOUR_US = 3_600_000_000
_WRONG = "The name, the password or the code is wrong."
_REMEDY = "A code counts once; wait for the next. An administrator has a new link: doorward user password NAME"


@dataclass(frozen=True, slots=True)
class Link:
    """What an account is set up with, once, until *ends_us*."""

    token: str = field(repr=False)
    name: str
    ends_us: int


@dataclass(frozen=True, slots=True)
class SettingUp:
    """What the page shows on which an account is set up."""

    name: str
    key: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as administrators see it. *set_up_us* is 0 before it was, *link_ends_us* while no link is open."""

    name: str
    set_up_us: int
    link_ends_us: int
    recovery_codes: int
    is_allowed: bool


class LocalAccounts:
    """All of them. *key* opens what is kept of them: without it nobody can guess at a password, or know a code."""

    def __init__(
        self,
        settings: LocalAccountSettings,
        store: Store,
        changes: Changes,
        principals: Principals,
        sign_ins: SignIns,
        key: Callable[[], bytes],
        now: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._store = store
        self._changes = changes
        self._principals = principals
        self._sign_ins = sign_ins
        self._key = key
        self._now = now
        self._setting_up: Waiting[str] = Waiting(now, SETTING_UP_SECONDS)
        self._hashing = asyncio.Semaphore(AT_A_TIME)

    # --- for administrators -------------------------------------------------------------------------------------------

    def all(self, by: Operator) -> tuple[AccountRow, ...]:
        """Who has one, or a link to one."""
        by.require_administration()
        return tuple(self._row(account) for account in self._store.local_accounts.all())

    async def link(self, by: Operator, name: str) -> Link:
        """A link to set an account up with, or to set it up anew. Raises NotPermitted, NotFound, Conflict."""
        by.require_administration()
        if not self._settings.allows(name):
            raise Conflict(f"{name!r} may have no local account here.", "See [local_accounts] in identity.toml.")
        async with self._changes.turn():
            person = self._principals.good(name).principal
            if person.kind is not PrincipalKind.HUMAN:
                raise Conflict(f"{name!r} is no person.", "Services and agents have secrets and keys.")
            token, ends_us = secrets.token_urlsafe(32), self._now() + LINK_HOURS * _HOUR_US
            await self._changes.record(by, "account.link_made", name, ends_us=str(ends_us))
            if self._store.local_accounts.of(person.id) is None:
                self._store.local_accounts.put(LocalAccount(person.id))
            self._store.local_accounts.change(person.id, link_digest=_digest(token), link_ends_us=ends_us)
        return Link(token, name, ends_us)

    async def remove(self, by: Operator, name: str) -> None:
        """Take the account from a person, and end the sign-ins that were made with it. Raises NotPermitted, NotFound."""
        by.require_administration()
        async with self._changes.turn():
            record = self._store.principals.named(name)
            if record is None or self._store.local_accounts.of(record.principal.id) is None:
                raise NotFound(f"{name!r} has no local account.", "See: doorward user accounts")
            await self._changes.record(by, "account.removed", name)
            self._store.local_accounts.remove(record.principal.id)
        await self._sign_ins.end_all(by, record.principal.id, "Your local account was removed.")

    # --- setting one up -----------------------------------------------------------------------------------------------

    def begin(self, token: str) -> SettingUp:
        """What the page of a link shows; the same while it is open. Raises AuthenticationFailed."""
        account, person = self._linked(token)
        digest = account.link_digest.hex()
        key = self._setting_up.look(digest)
        if key is None:
            key = fresh_key()
            self._setting_up.put(key, digest)
        return SettingUp(person.name, in_groups(key), address_of_key(key, person.name))

    async def set_up(self, token: str, password: str, code: str) -> tuple[str, ...]:
        """Set the account of a link up; the recovery codes, which are not seen again.

        Raises AuthenticationFailed for the link, InvalidRequest for the password, Conflict for the code.
        """
        account, person = self._linked(token)
        check_password(password, person.name)
        key = self._setting_up.look(account.link_digest.hex())
        step = step_of(key, code.strip(), self._now(), -1) if key is not None else None
        if key is None or step is None:
            raise Conflict("The code is not the app's.", "Compare the key in the app, and the clocks; then take the next code.")
        verifier = await self._verifier(password)
        codes = fresh_recovery_codes()
        async with self._changes.turn():
            self._linked(token)  # once
            await self._changes.record(Operator(person), "account.set_up", person.name)
            self._store.local_accounts.put(
                LocalAccount(
                    person.id,
                    verifier,
                    self._sealed(key, person.id),
                    step,
                    self._kept(codes),
                    set_up_us=self._now(),
                )
            )
        self._setting_up.take(account.link_digest.hex())
        await self._sign_ins.end_all(Operator(person), person.id, "Your local account was set up anew.")
        return codes

    # --- signing in ---------------------------------------------------------------------------------------------------

    async def sign_in(self, name: str, password: str, code: str) -> Operator:
        """Sign in with a password and a code of the app, or a recovery code. Raises AuthenticationFailed, in the same words."""
        person, via = await self._proven(name, password, code)
        return await self._open(person, via)

    async def change_password(self, by: Operator, password: str, code: str, fresh: str) -> Operator:
        """Put *fresh* in the place of a password; all sign-ins end, and a new one begins. Raises AuthenticationFailed."""
        person, via = await self._proven(by.name, password, code)
        check_password(fresh, person.name)
        verifier = await self._verifier(fresh)
        async with self._changes.turn():
            await self._changes.record(by, "account.password_changed", person.name)
            self._store.local_accounts.change(person.id, password=verifier)
        await self._sign_ins.end_all(by, person.id, "Your password was changed.")
        return await self._open(person, via)

    async def renew_recovery_codes(self, by: Operator, password: str, code: str) -> tuple[str, ...]:
        """Fresh recovery codes, in place of those before. Raises AuthenticationFailed."""
        person, _via = await self._proven(by.name, password, code)
        codes = fresh_recovery_codes()
        async with self._changes.turn():
            await self._changes.record(by, "account.recovery_codes_made", person.name)
            self._store.local_accounts.change(person.id, recovery=self._kept(codes))
        return codes

    def of(self, by: Operator) -> AccountRow | None:
        """The account of *by* themselves."""
        account = self._store.local_accounts.of(by.principal.id) if by.principal is not None else None
        return self._row(account) if account is not None and account.password else None

    async def _proven(self, name: str, password: str, code: str) -> tuple[Principal, str]:
        """The person, and by what beside the password. Whatever is wrong takes as long and is told alike."""
        record = self._store.principals.named(name)
        account = self._store.local_accounts.of(record.principal.id) if record is not None else None
        is_open = record is not None and not record.is_revoked and self._settings.allows(record.principal.name)
        verifier = account.password if account is not None and account.password and is_open else NOBODYS
        key = await asyncio.to_thread(self._key)  # the first time somebody may have to be asked for it
        async with self._hashing:
            is_it = await asyncio.to_thread(is_password, verifier, password, key)
        if not is_it or record is None or account is None or verifier is NOBODYS:
            raise AuthenticationFailed(_WRONG, _REMEDY)
        if self._uses_app_code(account, code.strip()):
            return record.principal, BY_PASSWORD
        if await self._uses_recovery_code(account, record.principal, code):
            return record.principal, BY_RECOVERY_CODE
        # Whoever has the password and not the code is worth a look.
        await self._changes.note("account.code_refused", record.principal.name)
        raise AuthenticationFailed(_WRONG, _REMEDY)

    def _uses_app_code(self, account: LocalAccount, code: str) -> bool:
        step = step_of(self._opened(account), code, self._now(), account.last_step)
        return step is not None and self._store.local_accounts.use_step(account.principal_id, step)

    async def _uses_recovery_code(self, account: LocalAccount, person: Principal, code: str) -> bool:
        digest = digest_of(code, self._key())
        async with self._changes.turn():
            present = self._store.local_accounts.of(account.principal_id)
            kept = json.loads(present.recovery) if present is not None else []
            if present is None or digest not in kept:
                return False
            kept.remove(digest)
            await self._changes.record(Operator(person), "account.recovery_code_used", person.name, left=str(len(kept)))
            self._store.local_accounts.change(person.id, recovery=json.dumps(kept))
            return True

    async def _open(self, person: Principal, via: str) -> Operator:
        return await self._sign_ins.open(person, via, self._now() + int(self._settings.session_hours * _HOUR_US))

    # --- what is kept -------------------------------------------------------------------------------------------------

    def _linked(self, token: str) -> tuple[LocalAccount, Principal]:
        account = self._store.local_accounts.by_link(_digest(token))
        record = self._store.principals.by_id(account.principal_id) if account is not None else None
        is_good = account is not None and self._now() < account.link_ends_us
        is_open = record is not None and not record.is_revoked and self._settings.allows(record.principal.name)
        if account is None or record is None or not is_good or not is_open:
            raise AuthenticationFailed("This link is not good, or not any more.", "Ask an administrator for another.")
        return account, record.principal

    async def _verifier(self, password: str) -> str:
        key = await asyncio.to_thread(self._key)
        async with self._hashing:
            return await asyncio.to_thread(verifier_of, password, key)

    def _kept(self, codes: tuple[str, ...]) -> str:
        return json.dumps([digest_of(code, self._key()) for code in codes])

    def _sealed(self, key: str, principal_id: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._key()).encrypt(nonce, key.encode(), principal_id.encode())

    def _opened(self, account: LocalAccount) -> str:
        sealed, context = account.totp_key, account.principal_id.encode()
        try:
            return AESGCM(self._key()).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context).decode()
        except (InvalidTag, ValueError):
            raise ConfigurationInvalid(
                "What is kept of a local account does not open.",
                "Bring back the folder of the log's keys, or set the account up anew: doorward user password NAME",
            ) from None

    def _row(self, account: LocalAccount) -> AccountRow:
        record = self._store.principals.by_id(account.principal_id)
        assert record is not None, "principals are never deleted"
        is_linked = account.link_digest and self._now() < account.link_ends_us
        return AccountRow(
            record.principal.name,
            account.set_up_us,
            account.link_ends_us if is_linked else 0,
            len(json.loads(account.recovery)),
            self._settings.allows(record.principal.name) and not record.is_revoked,
        )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
