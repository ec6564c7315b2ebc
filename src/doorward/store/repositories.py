"""What control asks of a store: one small Protocol a noun. Every call is one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from doorward.model.access import Access
from doorward.model.agents import Registration, Stop
from doorward.model.approval import Answer, ApprovalRequest, RequestState, Voice
from doorward.model.identity import Principal
from doorward.model.review import Review
from doorward.model.upstream import Upstream
from doorward.store.records import (
    AccessRecord,
    ColumnChange,
    Credential,
    DirectoryEntry,
    Duty,
    LabelVerdict,
    LocalAccount,
    PrincipalRecord,
    PublishedPolicy,
    RequestRecord,
    SignIn,
)


class Principals(Protocol):
    """Principals by name and id. Nothing is ever deleted: the log refers to them."""

    def add(self, record: PrincipalRecord) -> None:
        """Keep a new principal; raises Conflict if its name was ever taken."""

    def named(self, name: str) -> PrincipalRecord | None:
        """The principal that signs in as *name*."""

    def by_id(self, principal_id: str) -> PrincipalRecord | None:
        """The principal with this id."""

    def all(self) -> tuple[PrincipalRecord, ...]:
        """Everyone, by name, revoked ones included."""

    def replace_groups(self, principal_id: str, groups: tuple[str, ...]) -> Principal:
        """Give the principal exactly these groups."""

    def revoke(self, principal_id: str, at_us: int) -> None:
        """Revoke the principal and all its credentials."""

    def suspend(self, principal_id: str, at_us: int | None) -> None:
        """Take access from the principal, and all its credentials for good; or, with None, let it have access again."""


class Directory(Protocol):
    """What the operator's directory pushed."""

    def put(self, entry: DirectoryEntry) -> None:
        """Keep *entry* in place of any other with its id."""

    def by_id(self, entry_id: str) -> DirectoryEntry | None:
        """The entry with this id."""

    def all(self, kind: str) -> tuple[DirectoryEntry, ...]:
        """All entries of a kind, the oldest first."""

    def remove(self, entry_id: str) -> None:
        """Keep it no longer."""


class Credentials(Protocol):
    """Verifiers of minted secrets."""

    def add(self, credential: Credential) -> None:
        """Keep a new credential."""

    def by_id(self, credential_id: str) -> Credential | None:
        """The credential with this id."""

    def by_digest(self, digest: bytes) -> Credential | None:
        """The key with this digest."""

    def of(self, principal_id: str) -> tuple[Credential, ...]:
        """All credentials of a principal, the newest first."""

    def of_sign_in(self, sign_in_id: str) -> tuple[Credential, ...]:
        """Those that were minted in a sign-in."""

    def revoke(self, credential_id: str, at_us: int) -> None:
        """Make it open nothing from now on."""

    def touch(self, credential_id: str, at_us: int) -> None:
        """Note that it was used."""


class SignIns(Protocol):
    """Sign-ins of people, and whom a provider's names stand for."""

    def add(self, sign_in: SignIn) -> None:
        """Keep a new sign-in."""

    def by_id(self, sign_in_id: str) -> SignIn | None:
        """The sign-in with this id."""

    def by_digest(self, digest: bytes) -> SignIn | None:
        """The sign-in whose token has this digest."""

    def live(self) -> tuple[SignIn, ...]:
        """Those that have not ended, the oldest first; their time may be over."""

    def change(self, sign_in_id: str, **values: Any) -> None:
        """Change some of its fields."""

    def subject(self, issuer: str, subject: str) -> str | None:
        """The id of the principal that a provider calls *subject*."""

    def subjects_of(self, principal_id: str, issuer: str) -> tuple[str, ...]:
        """What a provider calls a principal."""

    def bind(self, issuer: str, subject: str, principal_id: str) -> None:
        """From now on *subject* of *issuer* is this principal."""


class LocalAccounts(Protocol):
    """Accounts with a password of people's own."""

    def put(self, account: LocalAccount) -> None:
        """Keep *account* in place of what was kept of it."""

    def of(self, principal_id: str) -> LocalAccount | None:
        """The account of a person."""

    def by_link(self, digest: bytes) -> LocalAccount | None:
        """The account that a link is open to."""

    def all(self) -> tuple[LocalAccount, ...]:
        """All of them."""

    def change(self, principal_id: str, **values: Any) -> None:
        """Change some of its fields."""

    def use_step(self, principal_id: str, step: int) -> bool:
        """Mark a code as used; False, and nothing changes, if it or a later one was."""

    def remove(self, principal_id: str) -> None:
        """Keep it no longer."""


class Verdicts(Protocol):
    """People's words on columns, keyed by (upstream, table oid, attribute number)."""

    def put(self, verdict: LabelVerdict) -> None:
        """Keep *verdict* in place of any earlier one on the column."""

    def of(self, upstream: str) -> tuple[LabelVerdict, ...]:
        """All verdicts on an upstream's columns."""


class ColumnHistory(Protocol):
    """What became of each column over time."""

    def add(self, changes: Iterable[ColumnChange]) -> None:
        """Keep *changes*, in their order."""

    def latest(self, upstream: str) -> tuple[ColumnChange, ...]:
        """The last change of each column of *upstream*."""

    def since(self, at_us: int, limit: int) -> tuple[ColumnChange, ...]:
        """Changes at or after *at_us*, the oldest first, at most *limit*."""


class Requests(Protocol):
    """Approval requests and their states."""

    def add(self, request: ApprovalRequest) -> None:
        """Keep a new PENDING request; does nothing if it is known already."""

    def by_id(self, request_id: str) -> RequestRecord | None:
        """The request with this id."""

    def in_state(self, state: RequestState | None, limit: int) -> tuple[RequestRecord, ...]:
        """Requests in *state* (None: in any), the newest first."""

    def settle(self, request_id: str, before: RequestState, state: RequestState, at_us: int, answer: Answer | None) -> bool:
        """Move a request from *before* to *state*; False, and nothing changes, if it stands elsewhere."""

    def hear(self, request_id: str, voices: tuple[Voice, ...]) -> bool:
        """Keep who said yes to a PENDING request so far; False, and nothing changes, if it is not pending."""


class Duties(Protocol):
    """Who is on call for which group. Nothing is ever deleted: answers rest on it."""

    def add(self, duty: Duty) -> None:
        """Keep a new one."""

    def by_id(self, duty_id: str) -> Duty | None:
        """The one with this id."""

    def lasting(self, now_us: int) -> tuple[Duty, ...]:
        """Those that hold now or are yet to come, by group and time."""

    def end(self, duty_id: str, at_us: int) -> bool:
        """End it early; False, and nothing changes, if it ended before."""


class Reviews(Protocol):
    """Access reviews. Nothing is ever deleted: they are evidence."""

    def put(self, review: Review) -> None:
        """Keep *review* in place of what was kept of it."""

    def by_id(self, review_id: str) -> Review | None:
        """The review with this id."""

    def all(self) -> tuple[Review, ...]:
        """All reviews, the newest first."""


class Accesses(Protocol):
    """Access that was granted for a time. Nothing is ever deleted."""

    def add(self, access: Access) -> None:
        """Keep a new one."""

    def by_id(self, access_id: str) -> AccessRecord | None:
        """The one with this id."""

    def open(self) -> tuple[AccessRecord, ...]:
        """Those that nobody has ended yet, the first to end before the others."""

    def latest(self, limit: int) -> tuple[AccessRecord, ...]:
        """The newest, ended or not."""

    def unreviewed(self) -> tuple[AccessRecord, ...]:
        """Broken glass that nobody else has looked at."""

    def end(self, access_id: str, at_us: int) -> bool:
        """Mark it as over; False, and nothing changes, if it was."""

    def review(self, access_id: str, by_id: str, by: str, word: str) -> bool:
        """Keep what somebody said of it; False, and nothing changes, if somebody did before."""


class Upstreams(Protocol):
    """Protected data stores, with the password Doorward signs in with."""

    def put(self, upstream: Upstream) -> None:
        """Keep *upstream* in place of any other of its name."""

    def all(self) -> tuple[Upstream, ...]:
        """All upstreams, by name."""


class Agents(Protocol):
    """What is settled about agents, and who stopped them."""

    def put(self, principal_id: str, registration: Registration) -> None:
        """Keep *registration* in place of any earlier one."""

    def of(self, principal_id: str) -> Registration:
        """What is settled about an agent; nothing, as a rule."""

    def stop(self, stop: Stop) -> None:
        """Keep *stop* in place of an earlier one of the same agents."""

    def resume(self, scope: str, name: str) -> bool:
        """Undo a stop; False if there was none."""

    def stops(self) -> tuple[Stop, ...]:
        """All that hold."""


class Policies(Protocol):
    """Sets of rules that were published, numbered from 1."""

    def add(self, policy: PublishedPolicy) -> None:
        """Keep *policy*, whose number is the next one."""

    def latest(self) -> PublishedPolicy | None:
        """The one that was published last."""

    def numbered(self, number: int) -> PublishedPolicy | None:
        """The one with this number."""

    def all(self) -> tuple[PublishedPolicy, ...]:
        """All of them, the newest first."""


class Store(Protocol):
    """Everything a control process keeps."""

    @property
    def principals(self) -> Principals: ...
    @property
    def credentials(self) -> Credentials: ...
    @property
    def directory(self) -> Directory: ...
    @property
    def sign_ins(self) -> SignIns: ...
    @property
    def local_accounts(self) -> LocalAccounts: ...
    @property
    def verdicts(self) -> Verdicts: ...
    @property
    def history(self) -> ColumnHistory: ...
    @property
    def requests(self) -> Requests: ...
    @property
    def duties(self) -> Duties: ...
    @property
    def accesses(self) -> Accesses: ...
    @property
    def upstreams(self) -> Upstreams: ...
    @property
    def agents(self) -> Agents: ...
    @property
    def reviews(self) -> Reviews: ...
    @property
    def policies(self) -> Policies: ...
