"""Access reviews: a snapshot of who has what, decided line by line by people, with reasons; what is to be revoked, is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec

from doorward.control.changes import Changes
from doorward.control.operators import ADMINS, Operator
from doorward.control.principals import Principals
from doorward.control.secrets import Secrets
from doorward.errors import Conflict, InvalidRequest, NotFound, NotPermitted
from doorward.model.identity import PrincipalKind
from doorward.model.review import Access, Review, ReviewLine
from doorward.store.records import PrincipalRecord
from doorward.store.repositories import Store

TEXT_LIMIT = 1000
KEEP, REVOKE = "keep", "revoke"
_KINDS = {PrincipalKind.HUMAN: "a person", PrincipalKind.SERVICE: "a service", PrincipalKind.AGENT: "an agent"}


class Reviews:
    """Campaigns. A reviewer is a named administrator, and never decides on what they, or agents of theirs, have."""

    def __init__(
        self,
        store: Store,
        changes: Changes,
        principals: Principals,
        secrets: Secrets,
        now: Callable[[], int],
        new_id: Callable[[str], str],
    ) -> None:
        self._store = store
        self._changes = changes
        self._principals = principals
        self._secrets = secrets
        self._now = now
        self._new_id = new_id

    def all(self, by: Operator) -> tuple[Review, ...]:
        """All campaigns, the newest first. Raises NotPermitted for who may not read everything."""
        _require_reading(by)
        return self._store.reviews.all()

    def one(self, by: Operator, review_id: str) -> Review:
        """One campaign. Raises NotFound, NotPermitted."""
        _require_reading(by)
        review = self._store.reviews.by_id(review_id)
        if review is None:
            raise NotFound("There is no such review.", "See the list of reviews.")
        return review

    async def start(self, by: Operator, title: str) -> Review:
        """Begin a campaign with what everybody has at this moment."""
        by.require_administration()
        _check(title, "title")
        async with self._changes.turn():
            lines = tuple(
                ReviewLine(number, whom, access, which, told)
                for number, (whom, access, which, told) in enumerate(self._snapshot(), 1)
            )
            review = Review(self._new_id("rev"), title, self._now(), by.name, lines)
            await self._changes.record(by, "review.started", review.id, title=title, lines=str(len(lines)))
            self._store.reviews.put(review)
        return review

    async def decide(self, by: Operator, review_id: str, number: int, decision: str, reason: str) -> Review:
        """Decide on a line, and revoke what is to be revoked at once. What was decided to keep can be decided anew.

        Raises NotPermitted for a line about the reviewer, and for the local operator: a decision is a named person's.
        """
        if decision not in (KEEP, REVOKE):
            raise InvalidRequest(f"A line is decided with {KEEP} or {REVOKE}.")
        _check(reason, "reason")
        async with self._changes.turn():
            review = self._open_review(by, review_id)
            line = next((line for line in review.lines if line.number == number), None)
            if line is None:
                raise NotFound(f"The review has no line {number}.", f"It has lines 1 to {len(review.lines)}.")
            self._require_other(by, line)
            if line.decision == REVOKE and decision != REVOKE:
                raise Conflict("It is revoked already.", "Give access anew where it is needed.")
            decided = msgspec.structs.replace(
                line, decision=decision, by=by.name, reason=reason, at_us=self._now(), done=decision == KEEP
            )
            await self._changes.record(
                by,
                "review.decided",
                review.id,
                line=str(number),
                whom=line.whom,
                access=line.access.value,
                which=line.which,
                decision=decision,
                reason=reason,
            )
            review = self._with(review, decided)
        if decision == REVOKE:
            await self._revoke(by, line, f"access review {review.id}: {reason}")
            review = self._with(self.one(by, review_id), msgspec.structs.replace(decided, done=True))
        return review

    async def close(self, by: Operator, review_id: str) -> Review:
        """End a campaign. Raises Conflict while a line is undecided, or was to be revoked and is not."""
        async with self._changes.turn():
            review = self._open_review(by, review_id)
            if review.open_lines:
                numbers = ", ".join(str(line.number) for line in review.open_lines[:20])
                raise Conflict(f"{len(review.open_lines)} lines are not done: {numbers}.", "Decide them, or decide them again.")
            revoked = sum(line.decision == REVOKE for line in review.lines)
            await self._changes.record(
                by, "review.closed", review.id, lines=str(len(review.lines)), revoked=str(revoked), title=review.title
            )
            review = msgspec.structs.replace(review, closed_us=self._now(), closed_by=by.name)
            self._store.reviews.put(review)
        return review

    async def review_rules(self, by: Operator, number: int, reason: str) -> None:
        """Put on record that *by* has looked at the rules that were published as *number*, and why they are good.

        Raises NotPermitted for whoever published them, and for anybody who is no person by name and administrator.
        """
        _check(reason, "reason")
        async with self._changes.turn():
            if by.principal is None:
                raise NotPermitted("A review is a named person's.", f"Sign in as a member of the group {ADMINS!r}.")
            by.require_administration()
            published = self._store.policies.numbered(number)
            if published is None:
                raise NotFound(f"No rules were published as {number}.", "doorward policy history lists them.")
            if published.by == by.name:
                raise NotPermitted("Nobody reviews the rules that they published.", "Ask another administrator.")
            subject = f"policy {number}"
            await self._changes.record(by, "policy.reviewed", subject, version=published.version, reason=reason)

    def _snapshot(self) -> Iterator[tuple[str, Access, str, str]]:
        now_us = self._now()
        for record in self._store.principals.all():
            principal = record.principal
            if record.is_revoked:
                continue
            behind = f" that acts for {principal.acting_for}" if principal.acting_for else ""
            yield principal.name, Access.BEING_KNOWN, principal.id, f"is {_KINDS[principal.kind]}{behind}, since {_day(record)}"
            for group in principal.groups:
                yield principal.name, Access.GROUP, group, f"is in the group {group}"
            for credential in self._store.credentials.of(principal.id):
                if credential.is_good_at(now_us):
                    purpose = f" for {credential.purpose}" if credential.purpose else ""
                    used = f"last used on {_date(credential.last_used_us)}" if credential.last_used_us else "never used"
                    until = _date(credential.expires_us)
                    yield principal.name, Access.SECRET, credential.id, f"has a secret{purpose} until {until}, {used}"

    def _open_review(self, by: Operator, review_id: str) -> Review:
        review = self.one(by, review_id)
        if by.principal is None:
            raise NotPermitted("A review is decided by a named person.", f"Sign in as a member of the group {ADMINS!r}.")
        by.require_administration()
        if review.closed_us:
            raise Conflict("The review is closed.", "Start another.")
        return review

    def _require_other(self, by: Operator, line: ReviewLine) -> None:
        record = self._store.principals.named(line.whom)
        if by.name in (line.whom, record.principal.acting_for if record else None):
            raise NotPermitted("Nobody reviews their own access, or that of their agents.", "Ask another administrator.")

    def _with(self, review: Review, decided: ReviewLine) -> Review:
        lines = tuple(decided if line.number == decided.number else line for line in review.lines)
        review = msgspec.structs.replace(review, lines=lines)
        self._store.reviews.put(review)
        return review

    async def _revoke(self, by: Operator, line: ReviewLine, reason: str) -> None:
        """Take what *line* is about; what is gone already is taken."""
        record = self._store.principals.named(line.whom)
        if record is None or record.is_revoked:
            return
        if line.access is Access.BEING_KNOWN:
            await self._principals.revoke(by, line.whom, reason)
        elif line.access is Access.GROUP:
            left = tuple(group for group in record.principal.groups if group != line.which)
            if left != record.principal.groups:
                await self._principals.regroup(by, line.whom, left)
        else:
            credential = self._store.credentials.by_id(line.which)
            if credential is not None and credential.revoked_us is None:
                await self._secrets.revoke(by, line.which)


def _require_reading(by: Operator) -> None:
    if not by.may_read_all:
        raise NotPermitted(f"{by.name} may not read reviews.", f"Ask a member of the group {ADMINS!r}.")


def _check(text: str, what: str) -> None:
    if not text.strip() or len(text) > TEXT_LIMIT:
        raise InvalidRequest(f"A {what} is needed, of at most {TEXT_LIMIT} characters.")


def _day(record: PrincipalRecord) -> str:
    return _date(record.created_us)


def _date(at_us: int | None) -> str:
    return datetime.fromtimestamp((at_us or 0) / 1_000_000, UTC).strftime("%Y-%m-%d")
