"""Live sessions of a gateway: by the key that cancels them, and by who is behind them."""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from doorward import telemetry
from doorward.model.identity import Identity

# Signing in takes half a minute at most: what was revoked before that need not be remembered.
MOST_REMEMBERED = 10_000
_MOST_PROCESS_ID = 0x7FFFFFFF  # an Int32 that is positive (manual, "Message Formats": BackendKeyData)


@dataclass(frozen=True, slots=True)
class _Revocation:
    """A principal, a credential, or both, whose sessions end."""

    principal_id: str
    credential_id: str
    reason: str

    def concerns(self, identity: Identity) -> bool:
        theirs = bool(self.principal_id) and identity.involves(self.principal_id)
        return theirs or (bool(self.credential_id) and identity.credential_id == self.credential_id)


class LiveSession(Protocol):
    """What the registry asks of a session."""

    @property
    def identity(self) -> Identity | None:
        """Who is behind it; None until proven."""

    def cancel(self) -> None:
        """Cancel what it runs or waits for."""

    def end(self, reason: str) -> None:
        """End it at once, telling the client why."""


class Registry:
    """Sessions by cancel key. Keys are our own: a client never learns the upstream's.

    Process ids are the upstream's where they are free: clients compare them with what pg_backend_pid(), notifications and
    pg_stat_activity say. *elsewhere* takes cancel requests that fit no session here: a client that cancels opens a connection
    of its own, which another gateway may get.
    """

    def __init__(
        self,
        random_bytes: Callable[[int], bytes],
        elsewhere: Callable[[int, bytes], None] = lambda process_id, key: None,
    ) -> None:
        self._random_bytes = random_bytes
        self._elsewhere = elsewhere
        self._sessions: dict[int, tuple[bytes, LiveSession]] = {}
        self._revocations: deque[_Revocation] = deque(maxlen=MOST_REMEMBERED)
        self.revocations = 0

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[LiveSession]:
        return iter([session for _key, session in self._sessions.values()])

    def enter(self, session: LiveSession, key_bytes: int = 4, process_id: int = 0) -> tuple[int, bytes]:
        """Take *session* in; its process id and a key of *key_bytes*, for BackendKeyData.

        *process_id* is the upstream's; another one is made up when a session of another server has the same.
        """
        while not 0 < process_id <= _MOST_PROCESS_ID or process_id in self._sessions:
            process_id = int.from_bytes(self._random_bytes(4), "big") & _MOST_PROCESS_ID
        key = self._random_bytes(key_bytes)
        self._sessions[process_id] = (key, session)
        return process_id, key

    def leave(self, process_id: int) -> None:
        """The session is over."""
        self._sessions.pop(process_id, None)

    def cancel(self, process_id: int, key: bytes) -> bool:
        """Cancel what the session with this key runs, here or elsewhere; False if it is not here.

        A wrong key does nothing, and nobody is told.
        """
        if self.cancel_here(process_id, key):
            return True
        self._elsewhere(process_id, key)
        return False

    def cancel_here(self, process_id: int, key: bytes) -> bool:
        """The same for a request that came from another gateway: nobody else is asked."""
        found = self._sessions.get(process_id)
        if found is None or not hmac.compare_digest(found[0], key):
            return False
        found[1].cancel()
        return True

    def revoke(self, principal_id: str, credential_id: str, reason: str) -> int:
        """End the sessions of a principal, anywhere in their chains, or of one credential; how many there were."""
        revocation = _Revocation(principal_id, credential_id, reason)
        self._revocations.append(revocation)
        self.revocations += 1
        ended = 0
        for session in self:
            identity = session.identity
            if identity is None or not revocation.concerns(identity):
                continue
            try:
                session.end(reason)
            except Exception:
                # One that can't be ended in order must not keep the others alive.
                telemetry.log_crash("session.crashed")
            ended += 1
        return ended

    def why_revoked(self, identity: Identity, since: int) -> str | None:
        """Why *identity* may not begin a session: it was revoked after there had been *since* revocations. None if it was not.

        Who signs in asks this before it enters: what the control process said of it may have been overtaken on the way.
        """
        missed = self.revocations - since
        if not missed:
            return None
        if missed > len(self._revocations):
            return "Too much was revoked meanwhile."
        for revocation in list(self._revocations)[len(self._revocations) - missed :]:
            if revocation.concerns(identity):
                return revocation.reason or "An operator ended this session."
        return None
