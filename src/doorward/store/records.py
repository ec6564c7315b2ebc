"""What the store keeps, as frozen values: a noun and what happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from doorward.model.access import Access, AccessKind
from doorward.model.approval import Answer, ApprovalRequest, RequestState, Voice
from doorward.model.catalog import Label
from doorward.model.identity import Principal


@dataclass(frozen=True, slots=True)
class PrincipalRecord:
    """A principal with its history. *salt* is the one salt of all its credentials.

    SCRAM (RFC 5802) names the salt before the client shows which secret it holds, so all of a principal's verifiers
    share one; secrets are 256 random bits, which no salt could strengthen.
    """

    principal: Principal
    salt: bytes
    created_us: int
    revoked_us: int | None = None
    suspended_us: int | None = None

    @property
    def is_revoked(self) -> bool:
        """Whether it has no access: for good, or until a directory brings it back."""
        return self.revoked_us is not None or self.suspended_us is not None


# The kinds of credentials.
SECRET, KEY = "secret", "key"


@dataclass(frozen=True, slots=True)
class Credential:
    """A minted secret, as its SCRAM-SHA-256 verifier; the secret itself is kept nowhere.

    *upstream* is the only one that it opens, empty for any. *sign_in_id* names the sign-in that it was minted in and ends with.
    *proof* is a JSON object: what was proven when it was minted, and is stamped on what is done with it. A key is long-lived;
    it has a *digest*, and opens the HTTP doors only where *opens_api* says so.
    """

    id: str
    principal_id: str
    purpose: str
    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes
    created_us: int
    expires_us: int
    revoked_us: int | None = None
    last_used_us: int | None = None
    kind: str = SECRET
    upstream: str = ""
    sign_in_id: str = ""
    proof: str = "{}"
    digest: bytes = b""
    opens_api: bool = False

    def is_good_at(self, now_us: int) -> bool:
        """Whether it still opens the door."""
        return self.revoked_us is None and now_us < self.expires_us


@dataclass(frozen=True, slots=True)
class SignIn:
    """A person's sign-in, and what its provider calls them. *digest* is its token's, None before one was given out."""

    id: str
    principal_id: str
    via: str
    issuer: str
    subject: str
    provider_session: str
    refresh_token: str = field(repr=False)
    digest: bytes | None
    created_us: int
    ends_us: int
    checked_us: int
    ended_us: int | None = None

    def is_good_at(self, now_us: int) -> bool:
        """Whether it still lasts."""
        return self.ended_us is None and now_us < self.ends_us


@dataclass(frozen=True, slots=True)
class LocalAccount:
    """A person's account of Doorward's own. *password* is empty before it was set up; *last_step* is that of the last code.

    *totp_key* is sealed; *recovery* is a JSON list of digests; *link_digest* is of the link to set it up with.
    """

    principal_id: str
    password: str = field(default="", repr=False)
    totp_key: bytes = field(default=b"", repr=False)
    last_step: int = -1
    recovery: str = field(default="[]", repr=False)
    link_digest: bytes = b""
    link_ends_us: int = 0
    set_up_us: int = 0


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """A user or group as the operator's directory pushed it. *body* is its JSON; a group has no *principal_id*."""

    id: str
    kind: str
    name: str
    principal_id: str
    body: str
    active: bool
    created_us: int
    modified_us: int


@dataclass(frozen=True, slots=True)
class LabelVerdict:
    """A person's word on what a column holds. *column_name* is the name it had when they said so."""

    upstream: str
    table_oid: int
    attribute_number: int
    column_name: str
    label: Label
    by: str
    reason: str
    at_us: int


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """Something that became of a column. *change* is added, changed or removed.

    *table_name* is qualified. *label* and *proposal* are words; both are empty for a removed column, and *label_before* for
    an added one.
    """

    upstream: str
    table_oid: int
    attribute_number: int
    at_us: int
    change: str
    table_name: str
    column_name: str
    type_name: str
    label: str
    proposal: str
    label_before: str


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """An approval request and where it stands. *answer* is set where somebody gave one.

    *voices* said yes so far, to a request that takes several.
    """

    request: ApprovalRequest
    state: RequestState
    answer: Answer | None = None
    settled_us: int | None = None
    voices: tuple[Voice, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """Access that was granted for a time. *ended_us* is when it was over; *review* is what somebody said of broken glass."""

    access: Access
    ended_us: int | None = None
    reviewed_by_id: str = ""
    reviewed_by: str = ""
    review: str = ""

    @property
    def needs_review(self) -> bool:
        """Whether somebody has still to look at it."""
        return self.access.kind == AccessKind.BREAK_GLASS.value and not self.reviewed_by_id


@dataclass(frozen=True, slots=True)
class Duty:
    """Somebody is on call for a group from *from_us* until *until_us*. *ended_us* is when it was ended early."""

    id: str
    group: str
    principal_id: str
    from_us: int
    until_us: int
    named_by_id: str
    named_by: str
    reason: str
    ended_us: int | None = None

    def holds_at(self, now_us: int) -> bool:
        """Whether they are on call then."""
        return self.ended_us is None and self.from_us <= now_us < self.until_us


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """A whole set of rules that somebody put in force. *texts* is file name to Cedar text, *version* their digest."""

    number: int
    version: str
    at_us: int
    by: str
    reason: str
    texts: Mapping[str, str]
