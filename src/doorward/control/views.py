"""Entries of the audit log as people read them: one row a happening, intents and outcomes told as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET

from doorward.model.access import AccessKind
from doorward.model.entry import (
    ENTRY_KINDS,
    AccessBegun,
    AccessEnded,
    Administered,
    ColumnStamp,
    Entry,
    GlassReviewed,
    HoldAnswered,
    HoldMoved,
    IdentityStamp,
    InferenceNoted,
    ServiceStarted,
    ServiceStopped,
    SessionClosed,
    SessionOpened,
    SigninRefused,
    StatementIntent,
    StatementOutcome,
    ValuesShown,
)


@dataclass(frozen=True, slots=True)
class EntryView:
    """One row of the record. Fields that don't apply are empty. *text* is the statement, or the happening in words.

    *answer* is what came of its request, if it was held. *status* is the outcome's word; for an intent without one,
    "refused", "waiting" or "open" (running, or lost in a crash).
    *shadow* is what candidate rules would have decided, where that is something else.
    *parties* holds the ids of everyone in the chain, for deciding who may read the row. *speaker* is the kind of whoever held
    the connection, *subject* what was administered.
    """

    index: int
    kind: str
    at_us: int
    text: str
    chain: str = ""
    speaker: str = ""
    principal: str = ""
    parties: tuple[str, ...] = ()
    verdict: str = ""
    status: str = ""
    action: str = ""
    reason: str = ""
    rules: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    columns: tuple[ColumnStamp, ...] = ()
    rows: int = 0
    masked: int = 0
    duration_us: int = 0
    error_code: str = ""
    upstream: str = ""
    shadow: str = ""
    session: str = ""
    execution: str = ""
    request: str = ""
    answer: str = ""
    answered_by: str = ""
    subject: str = ""

    @property
    def is_statement(self) -> bool:
        """Whether *text* is SQL."""
        return self.kind == "statement.intent"


@dataclass(frozen=True, slots=True)
class Sequel:
    """What is known to have come after an intent."""

    outcome: StatementOutcome | None = None
    answer: HoldAnswered | None = None


class _Kind(msgspec.Struct):
    kind: str


# Details that say nothing to a reader; they are in the entry itself.
_UNTOLD = frozenset({"id", "credential", "expires_us"})

_kind_of = msgspec.json.Decoder(_Kind).decode
_DECODE: dict[str, Callable[[bytes], Any]] = {
    field.default: msgspec.json.Decoder(kind).decode
    for kind in ENTRY_KINDS
    for field in msgspec.structs.fields(kind)
    if field.name == "kind"
}


def decode_entry(raw: bytes) -> Entry:
    """The entry that *raw* spells. Raises msgspec.DecodeError or KeyError for what is no entry of ours."""
    entry: Entry = _DECODE[_kind_of(raw).kind](raw)
    return entry


def view(index: int, entry: Entry, sequel: Sequel) -> EntryView | None:
    """The row that *entry* makes; None for one that is told by another's row."""
    telling = _TELLING.get(type(entry))
    return telling(index, entry, sequel) if telling else None


def _of_identity(identity: IdentityStamp) -> dict[str, Any]:
    parties = (identity.principal.id, *(actor.id for actor in identity.actors))
    speaker = identity.actors[-1] if identity.actors else identity.principal
    return {"chain": identity.chain, "speaker": speaker.kind, "principal": identity.principal.name, "parties": parties}


def _statement(index: int, entry: StatementIntent, sequel: Sequel) -> EntryView:
    outcome, answer = sequel.outcome, sequel.answer
    if outcome is not None:
        status = outcome.status
    elif entry.verdict == "deny":
        status = "refused"
    elif entry.verdict == "hold":
        status = answer.state if answer else "waiting"
    else:
        status = "open"
    return EntryView(
        index=index,
        kind=entry.kind,
        at_us=entry.at_us,
        text=entry.statement,
        verdict=entry.verdict,
        status=status,
        action=entry.action,
        reason=entry.reason,
        rules=entry.rules,
        shadow=f"{entry.shadow.verdict} by {', '.join(entry.shadow.rules)}" if entry.shadow is not UNSET else "",
        objects=entry.objects,
        labels=entry.labels,
        columns=outcome.columns if outcome else (),
        rows=outcome.rows if outcome else 0,
        masked=outcome.masked if outcome else 0,
        duration_us=outcome.duration_us if outcome else 0,
        error_code=outcome.error_code if outcome else "",
        upstream=entry.upstream,
        session=entry.session,
        execution=entry.execution,
        request=answer.request if answer else "",
        answer=answer.state if answer else "",
        answered_by=answer.by if answer else "",
        **_of_identity(entry.identity),
    )


def _opened(index: int, entry: SessionOpened, _: Sequel) -> EntryView:
    by = f" with {entry.application}" if entry.application else ""
    return EntryView(
        index=index,
        kind=entry.kind,
        at_us=entry.at_us,
        text=f"signed in to {entry.upstream} from {entry.client}{by}",
        upstream=entry.upstream,
        session=entry.session,
        **_of_identity(entry.identity),
    )


def _closed(index: int, entry: SessionClosed, _: Sequel) -> EntryView:
    text = f"session ended after {entry.statements} statements: {entry.cause}"
    return EntryView(index=index, kind=entry.kind, at_us=entry.at_us, text=text, session=entry.session)


def _refused(index: int, entry: SigninRefused, _: Sequel) -> EntryView:
    text = f"sign-in refused from {entry.client} to {entry.database}: {entry.reason}"
    return EntryView(index=index, kind=entry.kind, at_us=entry.at_us, text=text, chain=entry.user, verdict="deny")


def _noted(index: int, entry: InferenceNoted, _: Sequel) -> EntryView:
    way = "has used half of" if entry.state == "half" else "asked for more than"
    of = " and ".join(
        f"{used} of {most} {what}"
        for used, most, what in ((entry.probes, entry.most_probes, "questions"), (entry.rows, entry.most_rows, "rows"))
        if most
    )
    return EntryView(
        index=index,
        kind=entry.kind,
        at_us=entry.at_us,
        text=f"{way} what may be learned of {entry.column} ({entry.label}) in {entry.window_seconds} seconds: {of}",
        upstream=entry.upstream,
        session=entry.session,
        execution=entry.execution,
        labels=(entry.label,),
        rules=(entry.rule,),
        **_of_identity(entry.identity),
    )


def _shown(index: int, entry: ValuesShown, _: Sequel) -> EntryView:
    names = ", ".join(dict.fromkeys(column.source or column.name for column in entry.columns))
    why = f" for {entry.purpose}" if entry.purpose else ""
    return EntryView(
        index=index,
        kind=entry.kind,
        at_us=entry.at_us,
        text=f"saw {entry.rows} rows of {names} unmasked{why}",
        upstream=entry.upstream,
        session=entry.session,
        execution=entry.execution,
        columns=entry.columns,
        rows=entry.rows,
        labels=tuple(dict.fromkeys(column.label for column in entry.columns)),
        **_of_identity(entry.identity),
    )


def _answered(index: int, entry: HoldAnswered, _: Sequel) -> EntryView:
    why = f": {entry.reason}" if entry.reason else ""
    return EntryView(
        index=index,
        kind=entry.kind,
        at_us=entry.at_us,
        text=f"request {entry.state}{why}",
        chain=entry.by,
        principal=entry.by,
        parties=(entry.by_id,) if entry.by_id else (),
        status=entry.state,
        execution=entry.execution,
        request=entry.request,
    )


def _begun(index: int, entry: AccessBegun, _: Sequel) -> EntryView:
    words = [*(f"see {label}" for label in entry.labels), *entry.actions]
    what = "broke the glass" if entry.access_kind == AccessKind.BREAK_GLASS.value else f"was granted: {', '.join(words)}"
    where = f" on {', '.join(entry.tables)}" if entry.tables else ""
    ticket = f" ({entry.ticket})" if entry.ticket else ""
    return EntryView(
        index=index,
        kind=entry.kind,
        at_us=entry.at_us,
        text=f"{what}{where} until {_moment(entry.until_us)}: {entry.reason}{ticket}",
        chain=entry.speaker.name,
        speaker=entry.speaker.kind,
        principal=entry.speaker.name,
        parties=(entry.speaker.id, entry.by_id),
        labels=entry.labels,
        upstream=entry.upstream,
        request=entry.request,
    )


def _access_ended(index: int, entry: AccessEnded, _: Sequel) -> EntryView:
    why = f": {entry.reason}" if entry.reason else ""
    text = f"access {entry.access} {entry.state}{why}"
    parties = (entry.by_id,) if entry.by_id else ()
    return EntryView(index=index, kind=entry.kind, at_us=entry.at_us, text=text, chain=entry.by, parties=parties)


def _reviewed(index: int, entry: GlassReviewed, _: Sequel) -> EntryView:
    text = f"looked at broken glass {entry.access}: {entry.word}"
    return EntryView(
        index=index, kind=entry.kind, at_us=entry.at_us, text=text, chain=entry.by, principal=entry.by, parties=(entry.by_id,)
    )


def _moment(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")


_MOVED = {"second": "said yes, and it takes more", "take back": "took the yes back", "escalate": "nobody answered yet"}


def _moved(index: int, entry: HoldMoved, _: Sequel) -> EntryView:
    return EntryView(
        index=index,
        kind=entry.kind,
        at_us=entry.at_us,
        text=f"{_MOVED.get(entry.event, entry.event)}: {entry.reason}",
        chain=entry.by,
        principal=entry.by,
        parties=(entry.by_id,) if entry.by_id else (),
        request=entry.request,
    )


def _administered(index: int, entry: Administered, _: Sequel) -> EntryView:
    details = ", ".join(f"{name} {value}" for name, value in entry.details.items() if value and name not in _UNTOLD)
    text = f"{entry.act}: {entry.subject}" + (f" ({details})" if details else "")
    return EntryView(
        index=index, kind=entry.kind, at_us=entry.at_us, text=text, chain=entry.by, principal=entry.by, subject=entry.subject
    )


def _started(index: int, entry: ServiceStarted, _: Sequel) -> EntryView:
    which = f"Worker {entry.worker} of Doorward" if entry.worker else "Doorward"
    torn = f", {entry.torn_bytes} bytes of an unfinished write cut off" if entry.torn_bytes else ""
    text = f"{which} {entry.version} started; {entry.resumed_at} entries found intact{torn}"
    return EntryView(index=index, kind=entry.kind, at_us=entry.at_us, text=text)


def _stopped(index: int, entry: ServiceStopped, _: Sequel) -> EntryView:
    return EntryView(index=index, kind=entry.kind, at_us=entry.at_us, text="Doorward stopped in order")


_TELLING: dict[type, Callable[[int, Any, Sequel], EntryView]] = {
    StatementIntent: _statement,
    SessionOpened: _opened,
    SessionClosed: _closed,
    SigninRefused: _refused,
    HoldAnswered: _answered,
    HoldMoved: _moved,
    InferenceNoted: _noted,
    ValuesShown: _shown,
    AccessBegun: _begun,
    AccessEnded: _access_ended,
    GlassReviewed: _reviewed,
    Administered: _administered,
    ServiceStarted: _started,
    ServiceStopped: _stopped,
}
