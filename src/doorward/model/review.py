"""An access review: what everybody had at one moment, and what was decided of each."""

from __future__ import annotations

from enum import Enum

import msgspec


class Access(Enum):
    """What a line is about; a revocation takes exactly this."""

    BEING_KNOWN = "being known"  # the principal itself
    GROUP = "group"
    SECRET = "secret"


class ReviewLine(msgspec.Struct, frozen=True):
    """One thing that *whom* had. *which* is the group's name or the secret's id; *told* is it in words.

    *decision* is keep, revoke or empty; *done* says that what was to be revoked is.
    """

    number: int
    whom: str
    access: Access
    which: str
    told: str
    decision: str = ""
    by: str = ""
    reason: str = ""
    at_us: int = 0
    done: bool = False


class Review(msgspec.Struct, frozen=True):
    """A campaign. Lines never change but for their decisions."""

    id: str
    title: str
    started_us: int
    started_by: str
    lines: tuple[ReviewLine, ...]
    closed_us: int = 0
    closed_by: str = ""

    @property
    def open_lines(self) -> tuple[ReviewLine, ...]:
        """What is undecided, or was to be revoked and is not."""
        return tuple(line for line in self.lines if not line.decision or (line.decision == "revoke" and not line.done))
