"""Who is connected now, as the gateways tell it."""

from __future__ import annotations

from collections.abc import Callable

from doorward.control.operators import Operator
from doorward.model.link import SessionNote


class Sessions:
    """Live sessions. Those of a gateway that is lost are gone with it."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._live: dict[tuple[int, str], SessionNote] = {}

    def noted(self, gateway: int, note: SessionNote) -> None:
        """Take in what a gateway says of a session."""
        if note.closed:
            self._live.pop((gateway, note.session), None)
        else:
            self._live[gateway, note.session] = note
        self._changed()

    def gateway_lost(self, gateway: int) -> None:
        """Forget the sessions of a gateway that went away."""
        self._live = {key: note for key, note in self._live.items() if key[0] != gateway}
        self._changed()

    def live(self, by: Operator) -> tuple[SessionNote, ...]:
        """The sessions that *by* may see, the newest first: all, or those by them or for them."""
        seen = (note for note in self._live.values() if by.may_read_all or by.name in note.chain.split(" for "))
        return tuple(sorted(seen, key=lambda note: (-note.opened_us, note.session)))
