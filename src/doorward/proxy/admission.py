"""How many may be there: sessions in total and of one principal, and connections that have not signed in yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace

from doorward.authentication.attempts import source_of
from doorward.errors import NoRoom

# Files that are open whatever happens: the log, the listener, the way to the control process, cancellations.
FILES_APART = 64
_REMEDY = "Close connections that are not needed, or share them in a pool; the operator sets the limits."


@dataclass(frozen=True, slots=True)
class Limits:
    """What one gateway process takes.

    *signing_in* are connections that have proven nothing yet, *signing_in_from_one* those of one address (of one /64 for
    IPv6). They are counted apart: strangers never take the room of *sessions*. Neither one principal nor one address can take
    more than half by default, so that it can't shut out the others. *sign_in_seconds* is what signing in may take, the way to
    the upstream included.
    """

    sessions: int = 2_000
    sessions_of_one: int = 1_000
    signing_in: int = 500
    signing_in_from_one: int = 250
    sign_in_seconds: float = 30.0

    def within(self, open_files: int) -> Limits:
        """These, or as many sessions as *open_files* leave room for: each takes two, and the log must never want for one."""
        room = max(1, (open_files - self.signing_in - FILES_APART) // 2)
        return self if self.sessions <= room else replace(self, sessions=room)


class Admission:
    """Counts connections, from accept to close. Each *who* knocks once, may enter once, and leaves."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._knocking: dict[Hashable, str] = {}
        self._inside: dict[Hashable, str] = {}
        self._from_one: Counter[str] = Counter()
        self._of_one: Counter[str] = Counter()

    @property
    def knocking(self) -> int:
        """How many have not signed in yet."""
        return len(self._knocking)

    @property
    def inside(self) -> int:
        """How many have."""
        return len(self._inside)

    def knock(self, who: Hashable, address: str) -> None:
        """A connection came, from *address* (any text for one that is no IP address). Raises NoRoom; it is not counted then."""
        source = source_of(address)
        if len(self._knocking) >= self._limits.signing_in:
            raise NoRoom("Too many connections are signing in.", "Try again in a moment.")
        if self._from_one[source] >= self._limits.signing_in_from_one:
            raise NoRoom("Too many connections from this address are signing in.", "Try again in a moment.")
        self._knocking[who] = source
        self._from_one[source] += 1

    def enter(self, who: Hashable, principal_id: str, most: int = 0) -> None:
        """It has proven to be *principal_id*'s, who may have *most* sessions of its own, 0 for as many as anybody.

        Raises NoRoom; it is still to leave then.
        """
        if len(self._inside) >= self._limits.sessions:
            raise NoRoom(f"There are {self._limits.sessions} sessions already, which is all that Doorward takes.", _REMEDY)
        most_of_one = min(most or self._limits.sessions_of_one, self._limits.sessions_of_one)
        if self._of_one[principal_id] >= most_of_one:
            raise NoRoom(f"You have {most_of_one} sessions already, which is all that one may have.", _REMEDY)
        self._gone(self._knocking, self._from_one, who)
        self._inside[who] = principal_id
        self._of_one[principal_id] += 1

    def leave(self, who: Hashable) -> None:
        """It is closed. Harmless for one that is not counted."""
        self._gone(self._knocking, self._from_one, who)
        self._gone(self._inside, self._of_one, who)

    @staticmethod
    def _gone(place: dict[Hashable, str], counts: Counter[str], who: Hashable) -> None:
        name = place.pop(who, None)
        if name is None:
            return
        counts[name] -= 1
        if not counts[name]:
            del counts[name]  # names come from outside: none is kept longer than its connections
