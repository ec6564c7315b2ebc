"""The log's keys: one a day to seal personal values with, destroyed when they must go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from doorward.audit.day_keys import DayKeys, Held, KeyState
from doorward.control.changes import Changes
from doorward.control.operators import Operator
from doorward.errors import Conflict, InvalidRequest, NotFound
from doorward.model.sealing import SealingKey

REASON_LIMIT = 500


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A day's key as people ask for it. *is_current* is the one in use; *erased_us* is 0 for one that is there.

    *held* says why it must stay, where it must.
    """

    id: str
    wrapped_by: str
    is_current: bool
    erased_us: int = 0
    erased_by: str = ""
    held: str = ""


class LogKeys:
    """Makes and destroys the keys. *configure* sends gateways the one to use, after it changed."""

    def __init__(
        self, keys: DayKeys, changes: Changes, configure: Callable[[], Awaitable[None]], now: Callable[[], int]
    ) -> None:
        self._keys = keys
        self._changes = changes
        self._configure = configure
        self._now = now
        self._unrecorded: list[str] = []
        self.sealing: SealingKey | None = None  # what gateways are to use

    def begin(self) -> None:
        """Have the day's key at hand before the first gateway asks for it. Raises ConfigurationInvalid."""
        self._take(self._keys.current(self._now()))

    async def turn(self) -> None:
        """Go over to the key of the day, if it is another, and put in the log that it was made.

        Raises ConfigurationInvalid and AuditUnavailable; what was in use stays, and the next call tries again.
        """
        # In a thread: a key management service may take its time.
        if self._take(await asyncio.to_thread(self._keys.current, self._now())):
            await self._configure()
        while self._unrecorded:
            await self._changes.note("log.key.made", self._unrecorded[0])
            del self._unrecorded[0]

    def all(self, by: Operator) -> tuple[KeyRow, ...]:
        """Every key there is or was, oldest first."""
        by.require_administration()
        return tuple(self._row(state) for state in self._keys.all())

    async def erase(self, by: Operator, key_id: str, reason: str) -> None:
        """Destroy the key *key_id*: what was sealed with it can't be read by anybody any more. Entries and proofs stay.

        Raises NotPermitted, NotFound, Conflict for the key in use, AuditUnavailable.
        """
        by.require_administration()
        _require(reason)
        async with self._changes.turn():
            known = {state.id: state for state in self._keys.all()}
            if key_id not in known:
                raise NotFound(f"There is no key of {key_id}.", "doorward audit keys lists those that there are.")
            if known[key_id].erased:
                raise Conflict(f"The key of {key_id} was destroyed already.")
            held = known[key_id].held
            if held is not None:
                raise Conflict(f"The key of {key_id} is held: {held.reason}", "doorward audit release ends the hold.")
            if self.sealing is not None and key_id == self.sealing.id:
                raise Conflict(f"The key of {key_id} is in use.", "It can be destroyed from tomorrow on.")
            await self._changes.record(by, "log.key.erased", key_id, reason=reason)
            self._keys.erase(key_id, self._now(), by.name)

    async def hold(self, by: Operator, key_id: str, reason: str) -> None:
        """Keep a day's key from being destroyed (a legal hold), until it is released. Raises NotPermitted, NotFound."""
        by.require_administration()
        _require(reason)
        async with self._changes.turn():
            if not any(state.id == key_id and state.erased is None for state in self._keys.all()):
                raise NotFound(f"There is no key of {key_id}.", "doorward audit keys lists those that there are.")
            await self._changes.record(by, "log.key.held", key_id, reason=reason)
            self._keys.hold(Held(key_id, self._now(), by.name, reason))

    async def release(self, by: Operator, key_id: str, reason: str) -> None:
        """End a hold. Raises NotPermitted, NotFound."""
        by.require_administration()
        _require(reason)
        async with self._changes.turn():
            if not any(state.id == key_id and state.held is not None for state in self._keys.all()):
                raise NotFound(f"The key of {key_id} is not held.", "doorward audit keys says which are.")
            await self._changes.record(by, "log.key.released", key_id, reason=reason)
            self._keys.release(key_id)

    async def rotate(self, by: Operator) -> int:
        """Wrap every key anew, under a fresh key where Doorward keeps it; how many were wrapped.

        Raises NotPermitted, ConfigurationInvalid, AuditUnavailable.
        """
        by.require_administration()
        async with self._changes.turn():
            await self._changes.record(by, "log.keys.rotated", "all")
            return await asyncio.to_thread(self._keys.rotate)

    def _take(self, key: SealingKey) -> bool:
        if self.sealing is not None and self.sealing.id == key.id:
            return False
        # One that is there from before was recorded by whoever made it.
        if self._keys.was_made_here(key.id):
            self._unrecorded.append(key.id)
        self.sealing = key
        return True

    def _row(self, state: KeyState) -> KeyRow:
        in_use = self.sealing is not None and self.sealing.id == state.id
        if state.erased is None:
            return KeyRow(state.id, state.wrapped_by, in_use, held=state.held.reason if state.held else "")
        return KeyRow(state.id, "", in_use, state.erased.at_us, state.erased.by)


def _require(reason: str) -> None:
    if not reason.strip() or len(reason) > REASON_LIMIT:
        raise InvalidRequest("What is done to a key of the log needs a reason.", f"Say why, in at most {REASON_LIMIT} letters.")
