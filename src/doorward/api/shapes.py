"""The JSON that goes in and out, one page of it. Bodies with a field that nobody knows are refused."""

from __future__ import annotations

from typing import Literal

import msgspec

from doorward.control.catalog import ColumnRow
from doorward.control.desk import Question
from doorward.control.effects import Effect
from doorward.control.log_keys import KeyRow
from doorward.control.office import Status
from doorward.control.queue import Group
from doorward.control.secrets import Minted
from doorward.control.views import EntryView
from doorward.model.approval import Answer, ApprovalRequest, Voice
from doorward.model.link import SessionNote
from doorward.store.records import ColumnChange, Credential, PrincipalRecord

# --- in -----------------------------------------------------------------------------------------------------------


class NewPrincipal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A principal to add."""

    kind: Literal["human", "service", "agent"]
    name: str
    groups: tuple[str, ...] = ()
    acting_for: str | None = None


class NewGroups(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The groups that a principal shall be in."""

    groups: tuple[str, ...]


class NewReview(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An access review to start."""

    title: str


class RulesReview(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That published rules were looked at, and why they are good."""

    reason: str


class LineDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is decided of a line: keep or revoke, and why."""

    decision: str
    reason: str


class NewSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A secret to mint."""

    principal: str
    hours: float = 1.0
    purpose: str = ""
    upstream: str = ""


class NewSignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code that a browser brought, and the verifier of whoever asked for it (PKCE)."""

    code: str
    verifier: str

    def __repr__(self) -> str:
        return "NewSignIn()"


class NewDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing: a code to be typed in elsewhere is asked for."""


class DeviceAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The handle of a code that is to be typed in elsewhere: was it?"""

    handle: str


class NewWorkloadSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token of a program's platform, to be exchanged. *service* and *upstream* are needed where there is a choice."""

    token: str
    service: str = ""
    upstream: str = ""
    minutes: float = 60.0
    purpose: str = ""

    def __repr__(self) -> str:
        return f"NewWorkloadSecret({self.service!r}, {self.upstream!r})"


class NewAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A word on a request. The reason may not be empty."""

    approved: bool
    reason: str


class NewAnswers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A word on each of several requests of one kind, named by their ids. The reason may not be empty."""

    requests: tuple[str, ...]
    approved: bool
    reason: str


class NewTakingBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a yes counts no more."""

    reason: str


class NewVerdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A word on a column."""

    upstream: str
    table_oid: int
    attribute_number: int
    label: str
    reason: str = ""


class StatementQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement to explain. *principal* is who would send it, the caller unless said; *via* an agent that acts for them.

    With *ask_database* the database is asked what the result's columns are; it never runs the statement.
    """

    statement: str
    principal: str = ""
    via: str = ""
    database: str = ""
    ask_database: bool = True


class NewHold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a day's key must not be destroyed."""

    reason: str


# --- out ----------------------------------------------------------------------------------------------------------


class StatusOut(msgspec.Struct, frozen=True):
    """The state of things."""

    version: str
    gateway_connected: bool
    log_entries: int
    sessions: int
    pending: int
    upstreams: tuple[str, ...]
    host: str
    port: int
    you: str
    shadow: str
    shadow_differences: dict[str, int]
    broken_glass: int
    unreviewed_glass: int


class PrincipalOut(msgspec.Struct, frozen=True):
    """A principal."""

    id: str
    kind: str
    name: str
    groups: tuple[str, ...]
    acting_for: str | None
    created_us: int
    revoked_us: int | None


class SecretOut(msgspec.Struct, frozen=True):
    """A fresh secret, seen this once, and where it is good. *database* is empty when there are several to choose from."""

    secret: str
    credential_id: str
    principal: str
    expires_us: int
    host: str
    port: int
    database: str
    tls: bool


class SignInOut(msgspec.Struct, frozen=True):
    """A sign-in and its token, seen this once. The token is empty while nobody has typed the code in."""

    token: str = ""
    name: str = ""
    ends_us: int = 0

    def __repr__(self) -> str:
        return f"SignInOut({self.name!r})"


class DeviceOut(msgspec.Struct, frozen=True):
    """A code to be typed in with a browser elsewhere, and the handle to ask whether it was."""

    handle: str
    user_code: str
    address: str
    expires_seconds: int
    interval_seconds: int


class CredentialOut(msgspec.Struct, frozen=True):
    """A secret that was minted, without the secret."""

    id: str
    purpose: str
    created_us: int
    expires_us: int
    revoked_us: int | None
    last_used_us: int | None


class RequestOut(msgspec.Struct, frozen=True):
    """A request, where it stands, and whether the caller may answer it.

    *voices* said yes so far, *missing* is how many more it takes. *on_call* are the people who are asked first.
    *effect* is what it would probably do, once that is known, for those who answer.
    *alike* are all that wait and differ from it in values alone, itself among them.
    """

    request: ApprovalRequest
    state: str
    answer: Answer | None
    may_answer: bool
    why_not: str
    voices: tuple[Voice, ...]
    missing: int
    is_escalated: bool
    on_call: tuple[str, ...]
    effect: Effect | None
    alike: tuple[str, ...]


class SessionOut(msgspec.Struct, frozen=True):
    """A live session."""

    session: str
    chain: str
    kind: str
    client: str
    upstream: str
    application: str
    opened_us: int
    doing: str
    statements: int


class LogOut(msgspec.Struct, frozen=True):
    """Rows of the log, newest first; *older* is what to give as *before* for the next ones."""

    entries: tuple[EntryView, ...]
    older: int | None


class EntryOut(msgspec.Struct, frozen=True):
    """One entry as it is in the log, and as a row."""

    row: EntryView
    entry: msgspec.Raw
    canonical: str


class LogKeyOut(msgspec.Struct, frozen=True):
    """A day's key of the log. *erased_us* is null for one that is there; *held* says why it must stay."""

    id: str
    in_use: bool
    wrapped_by: str
    erased_us: int | None
    erased_by: str
    held: str


class RotatedOut(msgspec.Struct, frozen=True):
    """How many keys were wrapped anew."""

    keys: int


class ColumnOut(msgspec.Struct, frozen=True):
    """A column and what is known of it."""

    upstream: str
    table: str
    table_oid: int
    attribute_number: int
    column: str
    type: str
    label: str
    label_class: str
    reasons: tuple[str, ...]
    reviewed_by: str | None
    proposal: str | None
    confidence: float
    regulations: tuple[str, ...]
    table_kind: str


class ColumnChangeOut(msgspec.Struct, frozen=True):
    """What became of a column: added, changed or removed."""

    at_us: int
    upstream: str
    change: str
    table: str
    column: str
    type: str
    label: str
    proposal: str
    label_before: str


def status_out(status: Status, you: str) -> StatusOut:
    """*status* for the wire."""
    return StatusOut(
        version=status.version,
        gateway_connected=status.gateway_connected,
        log_entries=status.log_entries,
        sessions=status.sessions,
        pending=status.pending,
        upstreams=status.upstreams,
        host=status.address.host,
        port=status.address.port,
        you=you,
        shadow=status.shadow,
        shadow_differences=status.shadow_differences,
        broken_glass=status.broken_glass,
        unreviewed_glass=status.unreviewed_glass,
    )


def principal_out(record: PrincipalRecord) -> PrincipalOut:
    """*record* for the wire."""
    p = record.principal
    return PrincipalOut(p.id, p.kind.value, p.name, p.groups, p.acting_for, record.created_us, record.revoked_us)


def secret_out(minted: Minted, status: Status, upstream: str = "") -> SecretOut:
    """*minted* for the wire, with the way to use it: for *upstream*, where it is for one."""
    return SecretOut(
        secret=minted.secret,
        credential_id=minted.credential_id,
        principal=minted.principal.name,
        expires_us=minted.expires_us,
        host=status.address.host,
        port=status.address.port,
        database=upstream or (status.upstreams[0] if len(status.upstreams) == 1 else ""),
        tls=status.address.tls,
    )


def credential_out(c: Credential) -> CredentialOut:
    """A credential without anything that proves it."""
    return CredentialOut(c.id, c.purpose, c.created_us, c.expires_us, c.revoked_us, c.last_used_us)


def request_out(question: Question, on_call: tuple[str, ...], effect: Effect | None, alike: Group) -> RequestOut:
    """*question* for the wire; *alike* is the group that it is of."""
    record = question.record
    return RequestOut(
        record.request,
        record.state.value,
        record.answer,
        question.may_answer,
        question.why_not,
        question.voices,
        question.missing,
        question.is_escalated,
        on_call,
        effect,
        tuple(one.record.request.id for one in alike),
    )


def session_out(note: SessionNote) -> SessionOut:
    """*note* for the wire."""
    return SessionOut(**{name: getattr(note, name) for name in SessionOut.__struct_fields__})


def log_key_out(row: KeyRow) -> LogKeyOut:
    """*row* for the wire."""
    return LogKeyOut(row.id, row.is_current, row.wrapped_by, row.erased_us or None, row.erased_by, row.held)


def column_out(row: ColumnRow) -> ColumnOut:
    """*row* for the wire."""
    return ColumnOut(
        upstream=row.upstream,
        table=row.relation.qualified_name,
        table_oid=row.relation.oid,
        attribute_number=row.column.number,
        column=row.column.name,
        type=row.column.type_name,
        label=row.column.label.value,
        label_class=row.column.label.label_class.value,
        reasons=row.column.reasons,
        reviewed_by=row.verdict.by if row.verdict else None,
        proposal=row.column.proposal.value if row.column.proposal else None,
        confidence=row.column.confidence,
        regulations=tuple(regulation.value for regulation in row.column.likely_label.regulations),
        table_kind=row.relation.kind.value,
    )


def column_change_out(change: ColumnChange) -> ColumnChangeOut:
    """*change* for the wire."""
    return ColumnChangeOut(
        change.at_us,
        change.upstream,
        change.change,
        change.table_name,
        change.column_name,
        change.type_name,
        change.label,
        change.proposal,
        change.label_before,
    )
