"""Access for a time: asked for and approved like a statement, or taken in an emergency and looked at afterwards."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Protocol

import msgspec

from doorward.control.changes import Changes
from doorward.control.desk import Desk, checked_reason
from doorward.control.operators import Operator
from doorward.control.principals import Principals
from doorward.errors import Conflict, InvalidRequest, NotFound, NotPermitted
from doorward.model.access import Access, AccessKind, AccessWish
from doorward.model.approval import Answer, ApprovalRequest
from doorward.model.catalog import Label, LabelClass
from doorward.model.entry import AccessBegun, AccessEnded, ActorStamp, GlassReviewed
from doorward.model.identity import Principal, PrincipalKind
from doorward.model.notice import Occasion
from doorward.store.records import AccessRecord
from doorward.store.repositories import Store

# Who is asked for access, and who looks at broken glass; who may break it.
APPROVERS = "security"
EMERGENCY = "emergency"
ACTIONS = ("read", "write", "define")
SHORTEST_SECONDS = 60
LONGEST_SECONDS = 24 * 3_600
# Emergencies are short: whoever needs longer breaks the glass again, and is seen to.
LONGEST_GLASS_SECONDS = 3_600
ASKED_SECONDS = 24 * 3_600
MOST_TABLES = 50
MOST_OPEN_OF_ONE = 20
LARGEST_ROW_LIMIT = 1_000_000_000
TICKET_LIMIT = 100
LIST_LIMIT = 100

_TABLE = re.compile(r"[^\s.*\x00-\x1f]{1,63}\.([^\s.*\x00-\x1f]{1,63}|\*)")


class Granting(Protocol):
    """The gateways, as far as they heed what is granted."""

    async def grant(self, accesses: tuple[Access, ...]) -> None:
        """Tell what access is granted by now, in place of all that was before."""


def _nobody_told(_occasion: Occasion, _access: Access, _by: str, _word: str) -> None:
    """Where nobody is to be told."""


class Accesses:
    """What is granted for a time. Each beginning and end is in the log before it counts. *tell* hears of broken glass."""

    def __init__(
        self,
        store: Store,
        changes: Changes,
        gateways: Granting,
        principals: Principals,
        desk: Desk,
        now: Callable[[], int],
        new_id: Callable[[str], str],
        changed: Callable[[], None],
        tell: Callable[[Occasion, Access, str, str], None] = _nobody_told,
    ) -> None:
        self._tell = tell
        self._store = store
        self._changes = changes
        self._gateways = gateways
        self._principals = principals
        self._desk = desk
        self._now = now
        self._new_id = new_id
        self._changed = changed
        desk.when_wish_is_approved(self._begin_approved)

    # --- asking -------------------------------------------------------------------------------------------------------

    async def ask(self, by: Operator, upstream: str, wish: AccessWish, reason: str, name: str = "") -> ApprovalRequest:
        """Put a wish to the approvers: for oneself, an agent of one's own, or as an administrator for anybody.

        Raises InvalidRequest, NotPermitted, Conflict when too much of theirs waits already.
        """
        reason = checked_reason(reason)
        self._check(upstream, wish)
        async with self._changes.turn():
            speaker = self._principals.good(name or by.name).principal
            self._require_say(by, speaker)
            asked = self._desk.open_wishes_of(speaker.id)
            if asked >= MOST_OPEN_OF_ONE:
                raise Conflict(f"{asked} requests for {speaker.name} wait already.", "Withdraw or await those first.")
            request = self._request(by, speaker, upstream, wish, reason)
            await self._changes.record(
                by, "access.asked", speaker.name, request=request.id, what=request.statement, reason=reason
            )
            self._desk.take_in(request)
        return request

    async def break_glass(self, by: Operator, upstream: str, minutes: int, reason: str, ticket: str = "") -> AccessRecord:
        """Open everything that people could approve, at once and for minutes, to a person in the group for emergencies.

        Somebody else has to look at it afterwards. Raises NotPermitted for anybody else.
        """
        reason = checked_reason(reason)
        seconds = minutes * 60
        if not SHORTEST_SECONDS <= seconds <= LONGEST_GLASS_SECONDS:
            raise InvalidRequest(f"Glass stays broken for 1 to {LONGEST_GLASS_SECONDS // 60} minutes.")
        self._check(upstream, AccessWish(("email",), (), (), seconds, ticket=ticket))
        async with self._changes.turn():
            person = self._principals.good(by.name).principal if by.principal else None
            if person is None or person.kind is not PrincipalKind.HUMAN or EMERGENCY not in person.groups:
                raise NotPermitted(
                    f"{by.name} may not break the glass.", f"It takes a person in the group {EMERGENCY!r}; or ask for access."
                )
            wish = AccessWish((), (), (), seconds, ticket=ticket)
            record = await self._begin(AccessKind.BREAK_GLASS, person, upstream, wish, reason, person, "")
            self._tell(Occasion.GLASS_BROKEN, record.access, person.name, reason)
        self._changed()
        return record

    # --- ending and looking at it ---------------------------------------------------------------------------------------

    async def revoke(self, by: Operator, access_id: str, reason: str) -> None:
        """End access before its time: by an administrator, an approver, or whoever has it."""
        reason = checked_reason(reason)
        async with self._changes.turn():
            record = self._found(by, access_id)
            access = record.access
            mine = by.principal is not None and by.principal.id == access.speaker_id
            if not (by.may_administer or mine or _is_in(by, APPROVERS)):
                raise NotPermitted("You can't end this access.", f"Ask a member of {APPROVERS!r}, or an administrator.")
            if record.ended_us is not None:
                raise Conflict("It is over already.")
            await self._end(record, "revoked", by, reason)
            if access.request_id:
                self._desk.revoked(access.request_id)
        self._changed()

    async def review(self, by: Operator, access_id: str, word: str) -> None:
        """Say what one thinks of what was done behind broken glass. Never whoever broke it."""
        word = checked_reason(word)
        async with self._changes.turn():
            record = self._found(by, access_id)
            if record.access.kind != AccessKind.BREAK_GLASS.value:
                raise InvalidRequest("Only broken glass is looked at afterwards.")
            person = self._principals.good(by.name).principal if by.principal else None
            if person is None or person.id == record.access.speaker_id:
                raise NotPermitted("Somebody else has to look at it.", f"Ask a member of {APPROVERS!r}.")
            if not (_is_in(by, APPROVERS) or by.may_read_all) or person.kind is not PrincipalKind.HUMAN:
                raise NotPermitted("You are not asked to look at it.", f"Ask a member of {APPROVERS!r}, or an auditor.")
            if not record.needs_review:
                raise Conflict(f"{record.reviewed_by} looked at it already.")
            await self._changes.append(
                GlassReviewed(access=access_id, at_us=self._now(), by=person.name, by_id=person.id, word=word)
            )
            self._store.accesses.review(access_id, person.id, person.name, word)
            self._tell(Occasion.GLASS_REVIEWED, record.access, person.name, word)
        self._changed()

    async def tick(self) -> None:
        """See to what is over by now. Call it often; gateways heed the time by themselves."""
        now_us = self._now()
        for record in self._store.accesses.open():
            if record.access.until_us <= now_us:
                async with self._changes.turn():
                    await self._end(record, "expired", None, "")
                self._changed()

    # --- looking ------------------------------------------------------------------------------------------------------

    def in_force(self) -> tuple[Access, ...]:
        """What gateways heed now."""
        now_us = self._now()
        return tuple(record.access for record in self._store.accesses.open() if record.access.holds_at(now_us))

    def records(self, by: Operator) -> tuple[AccessRecord, ...]:
        """What *by* may see, the newest first."""
        return tuple(record for record in self._store.accesses.latest(LIST_LIMIT) if _may_see(by, record))

    def broken_glass(self) -> tuple[AccessRecord, ...]:
        """Glass that is broken now: everybody is told."""
        return tuple(r for r in self._store.accesses.open() if r.access.kind == AccessKind.BREAK_GLASS.value)

    def unreviewed(self) -> tuple[AccessRecord, ...]:
        """Broken glass that nobody has looked at."""
        return self._store.accesses.unreviewed()

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _begin_approved(self, request: ApprovalRequest, answer: Answer) -> None:
        wish = request.wish
        speaker = self._store.principals.by_id(request.speaker_id)
        assert wish is not None
        if speaker is None or speaker.is_revoked:
            raise Conflict("Whom it was asked for has no access any more.")
        by = Principal(answer.by_id, PrincipalKind.HUMAN, answer.by_name)
        await self._begin(AccessKind.GRANTED, speaker.principal, request.upstream, wish, request.reason, by, request.id)

    async def _begin(
        self, kind: AccessKind, speaker: Principal, upstream: str, wish: AccessWish, reason: str, by: Principal, request_id: str
    ) -> AccessRecord:
        now_us = self._now()
        access = Access(
            id=self._new_id("agr"),
            kind=kind.value,
            speaker_id=speaker.id,
            speaker=speaker.name,
            upstream=upstream,
            labels=wish.labels,
            actions=wish.actions,
            tables=wish.tables,
            row_limit=wish.row_limit,
            from_us=now_us,
            until_us=now_us + wish.seconds * 1_000_000,
            reason=reason,
            ticket=wish.ticket,
            request_id=request_id,
        )
        await self._changes.append(
            AccessBegun(
                access=access.id,
                access_kind=access.kind,
                actions=access.actions,
                at_us=now_us,
                by=by.name,
                by_id=by.id,
                labels=access.labels,
                reason=reason,
                request=request_id,
                row_limit=access.row_limit,
                speaker=ActorStamp(speaker.id, speaker.kind.value, speaker.name),
                tables=access.tables,
                ticket=access.ticket,
                until_us=access.until_us,
                upstream=upstream,
            )
        )
        self._store.accesses.add(access)
        await self._gateways.grant(self.in_force())
        return AccessRecord(access)

    async def _end(self, record: AccessRecord, state: str, by: Operator | None, reason: str) -> None:
        by_id = by.principal.id if by is not None and by.principal is not None else ""
        name = by.name if by is not None else ""
        await self._changes.append(
            AccessEnded(access=record.access.id, at_us=self._now(), by=name, by_id=by_id, reason=reason, state=state)
        )
        if self._store.accesses.end(record.access.id, self._now()):
            await self._gateways.grant(self.in_force())
            if record.needs_review:
                self._tell(Occasion.GLASS_TO_REVIEW, record.access, "", "")

    def _request(self, by: Operator, speaker: Principal, upstream: str, wish: AccessWish, reason: str) -> ApprovalRequest:
        now_us = self._now()
        owner = self._principals.good(speaker.acting_for).principal if speaker.acting_for else speaker
        others = [by.principal.id] if by.principal and by.principal.id not in (speaker.id, owner.id) else []
        actors = (*others, speaker.id) if speaker.id != owner.id or others else ()
        chain = f"{speaker.name} for {owner.name}" if speaker.id != owner.id else speaker.name
        binding = hashlib.sha256(b"\0".join((msgspec.json.encode(wish), speaker.id.encode(), upstream.encode())))
        return ApprovalRequest(
            id=self._new_id("req"),
            session="",
            chain=chain,
            principal_id=owner.id,
            actor_ids=actors,
            upstream=upstream,
            statement=wish.describe(speaker.name, upstream),
            parameters=(),
            action="access",
            objects=wish.tables,
            labels=wish.labels,
            rules=(),
            reason=reason,
            approvers=APPROVERS,
            policy_version="",
            binding=binding.hexdigest(),
            asked_us=now_us,
            expires_us=now_us + ASKED_SECONDS * 1_000_000,
            wish=wish,
        )

    def _check(self, upstream: str, wish: AccessWish) -> None:
        if upstream not in {known.name for known in self._store.upstreams.all()}:
            raise NotFound(f"No upstream is called {upstream!r}.", "See doorward status.")
        if not wish.labels and not wish.actions:
            raise InvalidRequest("Nothing is asked for.", "Name labels to see, or actions to take.")
        labels = {label.value: label for label in Label if label.is_protected}
        for word in wish.labels:
            if word not in labels:
                raise InvalidRequest(f"There is no label {word!r} to see.", f"Use some of {', '.join(labels)}.")
            if labels[word].label_class is LabelClass.SECRET:
                raise InvalidRequest("Passwords, keys and tokens are shown to nobody.")
        for action in wish.actions:
            if action not in ACTIONS:
                raise InvalidRequest(
                    f"The action {action!r} can't be granted for a time.", f"Use some of {', '.join(ACTIONS)}."
                )
        if len(wish.tables) > MOST_TABLES or not all(_TABLE.fullmatch(table) for table in wish.tables):
            raise InvalidRequest("Tables are named schema.table or schema.*", f"Name {MOST_TABLES} at most.")
        if not SHORTEST_SECONDS <= wish.seconds <= LONGEST_SECONDS:
            raise InvalidRequest(f"Access lasts from a minute to {LONGEST_SECONDS // 3_600} hours.")
        if not 0 <= wish.row_limit <= LARGEST_ROW_LIMIT or len(wish.ticket) > TICKET_LIMIT or not wish.ticket.isprintable():
            raise InvalidRequest("The row limit or the ticket is not one.")

    def _require_say(self, by: Operator, speaker: Principal) -> None:
        if not by.may_administer and by.name not in (speaker.name, speaker.acting_for):
            raise NotPermitted(f"{by.name} can't ask for {speaker.name}.", "Ask for yourself, or for an agent of your own.")

    def _found(self, by: Operator, access_id: str) -> AccessRecord:
        record = self._store.accesses.by_id(access_id)
        if record is None or not _may_see(by, record):
            raise NotFound("There is no such access.", "See doorward access.")
        return record


def _is_in(by: Operator, group: str) -> bool:
    return by.principal is not None and by.principal.kind is PrincipalKind.HUMAN and group in by.principal.groups


def _may_see(by: Operator, record: AccessRecord) -> bool:
    return (
        by.may_read_all or _is_in(by, APPROVERS) or (by.principal is not None and by.principal.id == record.access.speaker_id)
    )
