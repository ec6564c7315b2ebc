"""Statements that outlive the call that sent them: held for a person, or slow. Each waits on its own live connection."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from doorward.errors import NoRoom, NotFound
from doorward.mcp_server.gateway_client import Asking

MOST_PARKED = 500
MOST_PARKED_OF_ONE = 20
# A client asks again every few seconds; one that did not for so long is gone, and nobody should be asked on its behalf.
UNASKED_SECONDS = 120.0


@dataclass(slots=True)
class _Parked:
    asking: Asking
    owner: str
    session: str
    timer: asyncio.TimerHandle


class Parking:
    """Parked statements by number. Whoever parked one gets it back, and nobody else."""

    def __init__(self, unasked_seconds: float = UNASKED_SECONDS) -> None:
        self._unasked_seconds = unasked_seconds
        self._parked: dict[str, _Parked] = {}

    def __len__(self) -> int:
        return len(self._parked)

    def park(self, asking: Asking, owner: str, session: str) -> str:
        """Keep *asking* for *owner*; its number. *session* is the client's, empty where it has none. Raises NoRoom."""
        theirs = sum(parked.owner == owner for parked in self._parked.values())
        if len(self._parked) >= MOST_PARKED or theirs >= MOST_PARKED_OF_ONE:
            raise NoRoom("Too many statements are waiting already.", "Ask for the results of those, or withdraw them.")
        number = "stm_" + secrets.token_urlsafe(18)
        self._parked[number] = _Parked(asking, owner, session, self._later(number))
        return number

    def of(self, number: str, owner: str) -> Asking:
        """The statement of that number, for another while. Raises NotFound, also for somebody else's."""
        parked = self._parked.get(number)
        if parked is None or parked.owner != owner:
            raise NotFound("There is no statement of this number.", "Send it again with the tool query.")
        parked.timer.cancel()
        parked.timer = self._later(number)
        return parked.asking

    def at(self, number: str) -> Asking:
        """The statement of that number, for who knows already that it is theirs. Raises NotFound when it is gone."""
        parked = self._parked.get(number)
        if parked is None:
            raise NotFound("The statement was withdrawn meanwhile.", "Send it again with the tool query.")
        return parked.asking

    def forget(self, number: str) -> None:
        """It was answered, or is to be: withdraw what is not."""
        parked = self._parked.pop(number, None)
        if parked is not None:
            parked.timer.cancel()
            parked.asking.withdraw()

    def client_left(self, session: str) -> None:
        """Withdraw what a client's session left behind."""
        for number in [number for number, parked in self._parked.items() if session and parked.session == session]:
            self.forget(number)

    def close(self) -> None:
        """Withdraw everything."""
        for number in list(self._parked):
            self.forget(number)

    def _later(self, number: str) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._unasked_seconds, self.forget, number)
