"""Entries of the audit log: one struct a kind, fields in alphabetical order, whole numbers and text only.

RFC 8785 asks for sorted keys; with fields declared in order, encoding in order is canonical (a test compares every kind
with an independent implementation). Times are microseconds since the Unix epoch. An entry's position in the log is its
index there, not a field.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


class ActorStamp(msgspec.Struct, frozen=True):
    """A principal as stamped on an entry."""

    id: str
    kind: str
    name: str


class IdentityStamp(msgspec.Struct, frozen=True):
    """The identity chain as stamped on every entry: *actors* act, last one nearest the wire, for *principal*.

    *proof* is what was proven beside the names, where there is any.
    """

    actors: tuple[ActorStamp, ...]
    chain: str
    credential: str
    principal: ActorStamp
    proven_by: str
    proof: dict[str, str] | UnsetType = UNSET


class ColumnStamp(msgspec.Struct, frozen=True):
    """A result column that was masked, or shown although protected. *source* is ``schema.table.column`` or empty."""

    label: str
    name: str
    source: str
    treatment: str


class Sealed(msgspec.Struct, frozen=True):
    """A text that only the holders of a day's private key can read; where that was destroyed, nobody.

    *box* is base64 of what :mod:`doorward.audit.sealing` makes. *digest* is keyed by a salt of the day, which is destroyed
    with the key: equal texts of a day show as equal. *key* names the day's key.
    """

    box: str
    digest: str
    key: str


class ShadowStamp(msgspec.Struct, frozen=True):
    """What candidate rules would have decided, where it is not what was. *policy* is their version."""

    policy: str
    rules: tuple[str, ...]
    verdict: str


class ServiceStarted(msgspec.Struct, frozen=True):
    """A gateway took up its journal. *resumed_at* is the number of entries it found intact in it.

    *torn_bytes* of a write that a crash cut off were taken away, if any; *worker* is the gateway's number, unless it is 0.
    """

    at_us: int
    resumed_at: int
    version: str
    kind: str = "service.started"
    torn_bytes: int | UnsetType = UNSET
    worker: int | UnsetType = UNSET


class ServiceStopped(msgspec.Struct, frozen=True):
    """A gateway ended in order."""

    at_us: int
    kind: str = "service.stopped"


class SigninRefused(msgspec.Struct, frozen=True):
    """Somebody did not get in. *user* and *database* are as claimed, cut to 63 characters."""

    at_us: int
    client: str
    database: str
    reason: str
    user: str
    kind: str = "signin.refused"


class SessionOpened(msgspec.Struct, frozen=True):
    """A client was authenticated and has its upstream. *application* and *claimed* are the client's own claims.

    *upstream_pid* is the server's own process for the session, as its log has it. *upstream_use* is 1 for a new
    upstream session, and greater for one that served others before.
    """

    application: str
    at_us: int
    client: str
    database: str
    identity: IdentityStamp
    session: str
    tls: str
    upstream: str
    claimed: dict[str, str] | UnsetType = UNSET
    kind: str = "session.opened"
    upstream_pid: int | UnsetType = UNSET
    upstream_use: int | UnsetType = UNSET


class SessionClosed(msgspec.Struct, frozen=True):
    """A session ended. *cause* says whose doing it was."""

    at_us: int
    cause: str
    session: str
    statements: int
    kind: str = "session.closed"


class StatementIntent(msgspec.Struct, frozen=True):
    """Written before a statement is forwarded, and also when it is denied: who wants what, and what was decided.

    *statement* has a question mark for each literal, and *sealed* the text as it was sent; without *sealed* the two are the
    same. A text too long for an entry is cut in both, and *attachment* names the whole, sealed and kept beside the log by its
    digest. *parameters* that policy keeps are whole in *sealed_parameters*, a JSON array.
    *shadow* is what candidate rules beside those in force would have decided, where that is something else.
    *claimed* is what the client says of itself, in options of the connection or a comment, and nobody proved.
    """

    action: str
    at_us: int
    execution: str
    identity: IdentityStamp
    labels: tuple[str, ...]
    objects: tuple[str, ...]
    parameters: tuple[str, ...]
    policy: str
    protocol: str
    reason: str
    rules: tuple[str, ...]
    session: str
    statement: str
    tags: tuple[str, ...]
    upstream: str
    verdict: str
    attachment: str | UnsetType = UNSET
    claimed: dict[str, str] | UnsetType = UNSET
    grant: str | UnsetType = UNSET
    kind: str = "statement.intent"
    sealed: Sealed | UnsetType = UNSET
    sealed_parameters: Sealed | UnsetType = UNSET
    shadow: ShadowStamp | UnsetType = UNSET


class StatementOutcome(msgspec.Struct, frozen=True):
    """What came of an execution. *status* is done, failed, skipped, cancelled, refused, lost or unknown.

    The database's own words are in *sealed_error*: they may hold values.
    """

    at_us: int
    columns: tuple[ColumnStamp, ...]
    duration_us: int
    error_code: str
    execution: str
    masked: int
    result_bytes: int
    rows: int
    status: str
    tag: str
    error: str | UnsetType = UNSET
    kind: str = "statement.outcome"
    sealed_error: Sealed | UnsetType = UNSET


class InferenceNoted(msgspec.Struct, frozen=True):
    """An identity has used half of what it may learn of a protected column, or asked for more than that.

    *state* is half or beyond; *probes* different questions were counted, and *rows* rows in answer, of the most that *rule*
    permits in *window_seconds* (0: no bound).
    """

    at_us: int
    column: str
    execution: str
    identity: IdentityStamp
    label: str
    most_probes: int
    most_rows: int
    probes: int
    rows: int
    rule: str
    session: str
    state: str
    upstream: str
    window_seconds: int
    kind: str = "inference.noted"


class ValuesShown(msgspec.Struct, frozen=True):
    """Protected columns were shown as they are, because rules clear the identity for their labels: *rows* rows of them.

    *purpose* and *ticket* are what the client said that it is for, absent where it said nothing.
    """

    at_us: int
    columns: tuple[ColumnStamp, ...]
    execution: str
    identity: IdentityStamp
    rows: int
    session: str
    upstream: str
    kind: str = "values.shown"
    purpose: str | UnsetType = UNSET
    ticket: str | UnsetType = UNSET


class HoldRequested(msgspec.Struct, frozen=True):
    """An execution waits for an approval."""

    approvers: str
    at_us: int
    binding: str
    execution: str
    expires_us: int
    request: str
    kind: str = "hold.requested"


class HoldMoved(msgspec.Struct, frozen=True):
    """Something became of a request that goes on waiting. *event* is second, take back or escalate; *by* is empty for the last.

    *reason* is what they said, or the group that is asked as well.
    """

    at_us: int
    by: str
    by_id: str
    event: str
    reason: str
    request: str
    kind: str = "hold.moved"


class HoldAnswered(msgspec.Struct, frozen=True):
    """A request came to its end. *state* is approved, rejected, withdrawn or expired; *by* is empty for the last two.

    *others* are those whose yes counted as well, where it took several.
    """

    at_us: int
    by: str
    by_id: str
    execution: str
    reason: str
    request: str
    state: str
    kind: str = "hold.answered"
    others: tuple[ActorStamp, ...] | UnsetType = UNSET


class AccessBegun(msgspec.Struct, frozen=True):
    """Access for a time came into force. *by* approved it, or for *access_kind* break-glass took it themselves.

    What it gives, to whom, and until when; *request* is what was approved, empty where nothing was asked.
    """

    access: str
    access_kind: str
    actions: tuple[str, ...]
    at_us: int
    by: str
    by_id: str
    labels: tuple[str, ...]
    reason: str
    request: str
    row_limit: int
    speaker: ActorStamp
    tables: tuple[str, ...]
    ticket: str
    until_us: int
    upstream: str
    kind: str = "access.begun"


class AccessEnded(msgspec.Struct, frozen=True):
    """Access for a time is over. *state* is expired or revoked, *by* empty for the first."""

    access: str
    at_us: int
    by: str
    by_id: str
    reason: str
    state: str
    kind: str = "access.ended"


class GlassReviewed(msgspec.Struct, frozen=True):
    """Somebody else looked at what was done behind broken glass, and said what they think of it."""

    access: str
    at_us: int
    by: str
    by_id: str
    word: str
    kind: str = "glass.reviewed"


class Administered(msgspec.Struct, frozen=True):
    """Something was changed by an operator or by Doorward itself: a principal, a secret, a label, a policy, an upstream.

    *act* is a dotted past-tense name (``principal.added``), *by* who did it, *subject* what it was done to, *details* the
    rest as text, free of secrets.
    """

    act: str
    at_us: int
    by: str
    details: dict[str, str]
    subject: str
    kind: str = "administered"


Entry = (
    ServiceStarted
    | ServiceStopped
    | SigninRefused
    | SessionOpened
    | SessionClosed
    | StatementIntent
    | StatementOutcome
    | InferenceNoted
    | ValuesShown
    | HoldRequested
    | HoldMoved
    | HoldAnswered
    | AccessBegun
    | AccessEnded
    | GlassReviewed
    | Administered
)

ENTRY_KINDS: tuple[type[msgspec.Struct], ...] = Entry.__args__

_encode = msgspec.json.Encoder(order="sorted").encode


def encode_entry(entry: Entry) -> bytes:
    """The canonical bytes of *entry* (RFC 8785): what is hashed, stored and proven."""
    return _encode(entry)
