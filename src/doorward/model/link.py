"""Messages between a gateway process and the control process, over a Unix socket, as lines of JSON.

The gateway moves clients' bytes and owns the audit log; the control process owns identities, labels, policy texts and the
doors for operators. A call carries an *id* and is answered by a message with the same *id*.
"""

from __future__ import annotations

import msgspec

from doorward.model.access import Access
from doorward.model.agents import Terms
from doorward.model.approval import Answer, ApprovalRequest
from doorward.model.sealing import SealingKey
from doorward.model.upstream import Upstream

# --- gateway to control -------------------------------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True, tag=True):
    """The first thing a gateway says: which of the workers it is, from 0."""

    worker: int


class Lookup(msgspec.Struct, frozen=True, tag=True):
    """Who is *user*, and how do they prove it?"""

    id: int
    user: str
    database: str


class Shown(msgspec.Struct, frozen=True, tag=True):
    """Somebody showed *password* over an encrypted connection, a token as a rule: is *user* proven by it?"""

    id: int
    user: str
    database: str
    password: str

    def __repr__(self) -> str:
        return f"Shown({self.id}, {self.user!r}, {self.database!r})"


class Asked(msgspec.Struct, frozen=True, tag=True):
    """An execution is held; put the question."""

    request: ApprovalRequest


class Settled(msgspec.Struct, frozen=True, tag=True):
    """A request ended on the gateway's side: *state* is a RequestState value."""

    request_id: str
    state: str


class SessionNote(msgspec.Struct, frozen=True, tag=True):
    """A session opened, changed what it does, or closed; for those who watch. *credential* is what opened it."""

    session: str
    chain: str
    kind: str
    client: str
    upstream: str
    application: str
    opened_us: int
    doing: str
    statements: int
    closed: bool = False
    credential: str = ""


class ShadowDiffered(msgspec.Struct, frozen=True, tag=True):
    """Candidate rules would decide otherwise on something that is decided for the first time in a session: from, to."""

    before: str
    after: str


class CatalogTouched(msgspec.Struct, frozen=True, tag=True):
    """A schema change went through, or an unknown relation was met: read the catalog again."""

    upstream: str


class CancelElsewhere(msgspec.Struct, frozen=True, tag=True):
    """A client asks to cancel with a key that no session here has: another gateway may know it."""

    process_id: int
    key: bytes


class Appended(msgspec.Struct, frozen=True, tag=True):
    """The entry of an Append call is durable at *index* of the gateway's journal; or not, and *error* says why."""

    id: int
    index: int = -1
    error: str = ""


# --- control to gateway -------------------------------------------------------------------------------------------


class Verifier(msgspec.Struct, frozen=True):
    """A credential as SCRAM-SHA-256 stores it (RFC 5803): never the secret itself."""

    credential_id: str
    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes
    expires_us: int
    proof: dict[str, str] = {}


class PrincipalCard(msgspec.Struct, frozen=True):
    """A principal, for the wire."""

    id: str
    kind: str
    name: str
    groups: tuple[str, ...] = ()
    acting_for: str | None = None


class Found(msgspec.Struct, frozen=True, tag=True):
    """The answer to Lookup. *refusal* is set when nobody may get in; *verifiers* may be empty, which refuses as well.

    *actors* is the chain below *principal*, empty for people and services. *takes_token* is set for a service that shows a
    token of its platform. As the answer to Shown, *proven_by* is set when it is proven, with what *proof*, under the name
    *credential_id*. *terms* are those of an agent,
    and *until_us* is when what proved it ends.
    """

    id: int
    principal: PrincipalCard | None
    actors: tuple[PrincipalCard, ...] = ()
    verifiers: tuple[Verifier, ...] = ()
    upstream: str = ""
    refusal: str = ""
    takes_token: bool = False
    credential_id: str = ""
    proven_by: str = ""
    proof: dict[str, str] = {}
    terms: Terms | None = None
    until_us: int = 0


class Configured(msgspec.Struct, frozen=True, tag=True):
    """Everything a gateway decides with, replaced whole. *snapshots* are encoded by :mod:`doorward.catalog.codec`.

    *detectors* are the texts of the operator's own, by the names of their files. *sealing* is what personal values in the
    log are sealed with today; without it they are not kept at all. *shadow* are candidate rules that are asked beside those in
    force and change nothing. *accesses* were granted for a time.
    """

    upstreams: tuple[Upstream, ...]
    policies: dict[str, str]
    policy_version: str
    snapshots: dict[str, bytes]
    console_url: str
    detectors: dict[str, str] = {}
    accesses: tuple[Access, ...] = ()
    sealing: SealingKey | None = None
    shadow: dict[str, str] = {}


class AccessGranted(msgspec.Struct, frozen=True, tag=True):
    """All access that is granted for a time by now, in place of what was before."""

    accesses: tuple[Access, ...]


class Answered(msgspec.Struct, frozen=True, tag=True):
    """An approver answered."""

    answer: Answer


class Revoked(msgspec.Struct, frozen=True, tag=True):
    """End live sessions of a principal (anywhere in the chain) or of one credential, at once."""

    principal_id: str = ""
    credential_id: str = ""
    reason: str = ""


class Append(msgspec.Struct, frozen=True, tag=True):
    """Write *entry* (canonical bytes) to the log and answer Appended once it is durable."""

    id: int
    entry: bytes


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """Cancel what the session with this key runs, if it is right. The client asked another gateway."""

    process_id: int
    key: bytes


class Drain(msgspec.Struct, frozen=True, tag=True):
    """Take no new sessions; end when the last one does or after *seconds*."""

    seconds: int


FromGateway = (
    Hello | Lookup | Shown | Asked | Settled | SessionNote | ShadowDiffered | CatalogTouched | CancelElsewhere | Appended
)
FromControl = Found | Configured | AccessGranted | Answered | Revoked | Append | Cancel | Drain

encode = msgspec.json.Encoder().encode
decode_from_gateway = msgspec.json.Decoder(FromGateway).decode
decode_from_control = msgspec.json.Decoder(FromControl).decode
