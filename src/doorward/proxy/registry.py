"""Live sessions of a gateway: by the key that cancels them, and by who is behind them."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from typing import Protocol

from doorward.model.identity import Identity

KEY_BYTES = 4  # protocol 3.0 has exactly four


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
    """Sessions by cancel key. Keys are our own: a client never learns the upstream's."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._sessions: dict[int, tuple[bytes, LiveSession]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[LiveSession]:
        return iter([session for _key, session in self._sessions.values()])

    def enter(self, session: LiveSession) -> tuple[int, bytes]:
        """Take *session* in; its process id and key for BackendKeyData."""
        while True:
            process_id = int.from_bytes(self._random_bytes(4), "big") & 0x7FFFFFFF
            if process_id and process_id not in self._sessions:
                break
        key = self._random_bytes(KEY_BYTES)
        self._sessions[process_id] = (key, session)
        return process_id, key

    def leave(self, process_id: int) -> None:
        """The session is over."""
        self._sessions.pop(process_id, None)

    def cancel(self, process_id: int, key: bytes) -> bool:
        """Cancel what the session with this key runs. A wrong key does nothing, and nobody is told."""
        found = self._sessions.get(process_id)
        if found is None or not hmac.compare_digest(found[0], key):
            return False
        found[1].cancel()
        return True

    def revoke(self, principal_id: str, credential_id: str, reason: str) -> int:
        """End the sessions of a principal, anywhere in their chains, or of one credential; how many there were."""
        ended = 0
        for session in self:
            identity = session.identity
            if identity is None:
                continue
            theirs = bool(principal_id) and identity.involves(principal_id)
            if theirs or (credential_id and identity.credential_id == credential_id):
                session.end(reason)
                ended += 1
        return ended
