"""What people outside are told: something waits for an answer, or came to its end; glass was broken."""

from __future__ import annotations

from enum import Enum

import msgspec


class Occasion(Enum):
    """What happened."""

    ASKED = "request.asked"
    SECONDED = "request.seconded"  # a yes, and it takes more
    TAKEN_BACK = "request.taken_back"
    ESCALATED = "request.escalated"
    APPROVED = "request.approved"
    REJECTED = "request.rejected"
    WITHDRAWN = "request.withdrawn"
    EXPIRED = "request.expired"
    LAPSED = "request.lapsed"
    REVOKED = "request.revoked"
    GLASS_BROKEN = "glass.broken"
    GLASS_TO_REVIEW = "glass.to_review"
    GLASS_REVIEWED = "glass.reviewed"
    TESTED = "test"

    @property
    def waits(self) -> bool:
        """Whether somebody is still to do something about it."""
        return self in _WAITING


_WAITING = frozenset(
    {
        Occasion.ASKED,
        Occasion.SECONDED,
        Occasion.TAKEN_BACK,
        Occasion.ESCALATED,
        Occasion.GLASS_BROKEN,
        Occasion.GLASS_TO_REVIEW,
    }
)


class Notice(msgspec.Struct, frozen=True):
    """One thing to tell. *occasion* is an Occasion value, *subject* the id of the request or access that it is about.

    *shape* is the statement without its literals; *text* is as it was sent, and *word* what a person wrote: those two leave
    only where an operator asked for it. *why* is the text of the rules.
    """

    id: str
    occasion: str
    at_us: int
    subject: str
    chain: str
    upstream: str
    action: str = ""
    shape: str = ""
    text: str = ""
    why: str = ""
    objects: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    approvers: str = ""
    escalated_to: str = ""
    quorum: int = 1
    expires_us: int = 0
    by: str = ""
    word: str = ""
