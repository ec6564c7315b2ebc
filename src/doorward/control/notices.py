"""What is told outside of requests and broken glass: the notices that the desk's and the accesses' steps make."""

from __future__ import annotations

from collections.abc import Callable

from doorward.model.access import Access
from doorward.model.approval import ApprovalRequest
from doorward.model.notice import Notice, Occasion
from doorward.sql.normalised import normalised

# What is cut off here no receiver would show.
TEXT_LIMIT = 20_000


class Notices:
    """Makes notices and hands them to *notify*, which never waits."""

    def __init__(self, notify: Callable[[Notice], None], now: Callable[[], int], new_id: Callable[[str], str]) -> None:
        self._notify = notify
        self._now = now
        self._new_id = new_id

    def of_request(self, occasion: Occasion, request: ApprovalRequest, by: str, word: str) -> None:
        """Something became of *request*."""
        is_wish = request.wish is not None
        text = request.statement[:TEXT_LIMIT]
        self._notify(
            Notice(
                id=self._new_id("ntc"),
                occasion=occasion.value,
                at_us=self._now(),
                subject=request.id,
                chain=request.chain,
                upstream=request.upstream,
                action=request.action,
                # A wish is in words of Doorward's own, and names a ticket at most.
                shape=text if is_wish else normalised(text),
                text=text,
                # What is asked for a wish is what a person wrote, not what a rule says.
                why="" if is_wish else request.reason,
                objects=request.objects,
                labels=request.labels,
                rules=request.rules,
                approvers=request.approvers,
                escalated_to=request.escalates_to if request.escalated(self._now()) else "",
                quorum=request.quorum,
                expires_us=request.expires_us,
                by=by,
                word=word,
            )
        )

    def of_glass(self, occasion: Occasion, access: Access, by: str, word: str) -> None:
        """Glass was broken, is whole again and has to be looked at, or was looked at."""
        self._notify(
            Notice(
                id=self._new_id("ntc"),
                occasion=occasion.value,
                at_us=self._now(),
                subject=access.id,
                chain=access.speaker,
                upstream=access.upstream,
                action="break glass",
                expires_us=access.until_us,
                by=by,
                word=word,
            )
        )
